"""Whether one setting is better than another, and how sure that is: what a paper says of groups of seeds.

A run that diverged, failed or has no value counts as the worst of all, as everywhere here (`spread.worst`); no run is
left out. The numbers are scipy's where it takes infinities.
"""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from seqsum.runs.buckets import Floats
from seqsum.runs.metric_direction import Direction

COVERAGE = 0.95
TRIMMED = 0.25
SURE = 0.05
"""The p-value from which on a difference may well be chance."""
FEWEST = 2
MOST_WAYS = 20_000
"""In how many ways runs can be shared out on two sides, for each to be counted."""
MOST_EXACT = 64
"""Runs without ties for which that needs no counting."""


@dataclass(frozen=True)
class Sample:
    """How one setting did, over its seeds.

    n: runs that count; valued: those with a value.
    median: NaN where it falls on runs without a value; low, high: its 95% interval, from one run to another by their
        ranks, infinite at a run without a value; None for fewer runs than have one. iqm: the interquartile mean, that
        of the runs without the best and the worst quarter, NaN likewise. lowest, highest: of all runs, infinite at one
        without a value.
    """

    n: int
    valued: int
    median: float
    low: float | None
    high: float | None
    iqm: float
    lowest: float
    highest: float


@dataclass(frozen=True)
class Against:
    """How a setting did beside a baseline.

    improvement: the probability that a run of it is better than one of the baseline, ties as half (the probability of
        improvement, Agarwal et al. 2021, arXiv 2108.13264), 0 to 1. p: that of the Mann–Whitney test, two-sided,
        corrected for how many settings are compared (Benjamini–Hochberg); None for fewer than two runs on a side.
    wins, pairs: with how many of the seeds that both have it was better; None where they have none in common.
    """

    improvement: float
    p: float | None
    wins: int | None
    pairs: int

    @property
    def sure(self) -> bool:
        """Whether chance alone would seldom make such a difference."""
        return self.p is not None and self.p < SURE


def sample_of(values: Sequence[float]) -> Sample:
    """Return what is told of one setting's values, the worst as infinities. Raises ValueError for none."""
    return _sample(tuple(values))


@lru_cache(maxsize=4096)
def _sample(values: tuple[float, ...]) -> Sample:
    if not len(values):
        raise ValueError("no value")
    ranked = np.sort(np.asarray(values, dtype=np.float64))
    rank = interval_rank(len(ranked))
    low, high = (None, None) if not rank else (float(ranked[rank - 1]), float(ranked[-rank]))
    ends = float(ranked[0]), float(ranked[-1])
    return Sample(len(ranked), int(np.isfinite(ranked).sum()), _middle(ranked), low, high, _iqm(ranked), *ends)


def interval_rank(n: int) -> int:
    """Return at which of n values, from the lowest and from the highest, the 95% interval of the median ends; 0 where
    even from the lowest to the highest is less sure than that, as for 5 and fewer.

    Each value is above the median of all there could be with probability 1/2: the interval misses it where fewer than
    that rank are on one side (a binomial tail; Conover 1999, section 3.2).
    """
    tail, rank = 0, 0
    while tail + math.comb(n, rank) <= (1 - COVERAGE) / 2 * 2**n:
        tail, rank = tail + math.comb(n, rank), rank + 1
    return rank


FEWEST_FOR_INTERVAL = next(n for n in itertools.count(1) if interval_rank(n))
"""Runs from which on the median has a 95% interval."""


def _middle(ranked: Floats) -> float:
    found = float(np.median(ranked))
    return found if math.isfinite(found) else math.nan


def _iqm(ranked: Floats) -> float:
    from scipy.stats import trim_mean

    found = float(trim_mean(ranked, TRIMMED))
    return found if math.isfinite(found) else math.nan


Seeded = Sequence[tuple[int, float]]
"""The seed and the last value of each run of a setting, the worst as infinities."""


@lru_cache(maxsize=4096)
def _mann_whitney(ours: tuple[float, ...], theirs: tuple[float, ...]) -> tuple[float, float]:
    """Return U of ours, and the two-sided p: exact for few runs, with ties too, where the normal distribution says less
    than there can be."""
    from scipy.stats import PermutationMethod, mannwhitneyu

    ways = math.comb(len(ours) + len(theirs), len(ours))
    tied = len({*ours, *theirs}) < len(ours) + len(theirs)
    counted = ways <= MOST_WAYS and min(len(ours), len(theirs)) >= FEWEST
    few = len(ours) + len(theirs) <= MOST_EXACT
    method = (PermutationMethod(n_resamples=MOST_WAYS) if counted else "auto") if tied else "exact" if few else "auto"
    u, p = mannwhitneyu(ours, theirs, alternative="two-sided", method=method)
    # Where all are alike there is no variance, and nothing to be sure of.
    return float(u), 1.0 if math.isnan(p) else float(p)


def seeds_needed(settings: int) -> int:
    """Return how many seeds each tell the best of so many settings from one that is worse with every seed."""
    seeds = FEWEST
    while 2 / math.comb(2 * seeds, seeds) * max(settings - 1, 1) >= SURE:
        seeds += 1
    return seeds


def against(baseline: Seeded, others: Sequence[Seeded], direction: Direction) -> list[Against]:
    """Compare settings with a baseline; each has one run at least."""
    from scipy.stats import false_discovery_control

    found: list[tuple[float, float | None, int | None, int]] = []
    sign, theirs = (1 if direction == "higher" else -1), _ranked(baseline)
    for other in others:
        ours = _ranked(other)
        u, told = _mann_whitney(tuple(ours.tolist()), tuple(theirs.tolist()))
        improvement = u / (len(ours) * len(theirs))
        mine, its = _by_seed(other), _by_seed(baseline)
        both = mine.keys() & its.keys()
        wins = sum(sign * mine[seed] > sign * its[seed] for seed in both)
        enough = min(len(ours), len(theirs)) >= FEWEST
        found.append((
            improvement if sign > 0 else 1 - improvement, told if enough else None, wins if both else None, len(both)
        ))  # fmt: skip
    tested = [p for _, p, _, _ in found if p is not None]
    corrected = iter(false_discovery_control(tested).tolist() if tested else [])
    return [
        Against(improvement, None if p is None else next(corrected), wins, pairs)
        for improvement, p, wins, pairs in found
    ]


def _ranked(values: Seeded) -> Floats:
    # Ranks are the same for infinities and for the largest numbers there are.
    return np.nan_to_num(np.array([value for _, value in values], dtype=np.float64))


def _by_seed(values: Seeded) -> dict[int, float]:
    """Return seed → value of the seeds that only one run has."""
    times = Counter(seed for seed, _ in values)
    return {seed: value for seed, value in values if times[seed] == 1}

"""How sure a difference between settings is, against brute force and scipy's own."""

from __future__ import annotations

import itertools
import json
import math
import random
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from seqsum.compare.significance import sentence
from seqsum.compare.statistics import Against, against, sample_of, seeds_needed
from seqsum.config import Config
from seqsum.runs import Workspace
from support.command_line import call, refused
from support.sweeps import finished_sweep

DRAW = random.Random(5)


def seeded(values: list[float], first: int = 0) -> list[tuple[int, float]]:
    return list(enumerate(values, start=first))


def test_improvement_is_the_share_of_pairs_and_p_that_of_all_orders() -> None:
    for _ in range(5):
        ours, theirs = ([DRAW.random() for _ in range(many)] for many in (4, 5))
        (found,) = against(seeded(theirs), [seeded(ours)], "higher")
        pairs = list(itertools.product(ours, theirs))
        assert found.improvement == pytest.approx(sum(a > b for a, b in pairs) / len(pairs))
        # Of all ways to choose four of the nine: in how many the pairs are split at least as unevenly.
        everything = ours + theirs
        off = abs(found.improvement - 0.5)
        as_far = 0
        ways = list(itertools.combinations(range(9), 4))
        for chosen in ways:
            mine = [everything[place] for place in chosen]
            others = [everything[place] for place in range(9) if place not in chosen]
            share = sum(a > b for a, b in itertools.product(mine, others)) / 20
            as_far += abs(share - 0.5) >= off - 1e-9
        assert found.p == pytest.approx(as_far / len(ways))
        assert (found.wins, found.pairs) == (sum(a > b for a, b in zip(ours, theirs, strict=False)), 4)


def test_where_lower_is_better_all_is_turned_round() -> None:
    ours, theirs = [0.1, 0.2, 0.3], [0.15, 0.4, 0.5]
    (high,), (low,) = (against(seeded(theirs), [seeded(ours)], way) for way in ("higher", "lower"))  # type: ignore[arg-type]
    assert high.improvement + low.improvement == pytest.approx(1) and high.p == low.p
    assert (high.wins, low.wins) == (0, 3)


def test_the_more_are_compared_the_less_sure_one_is() -> None:
    base, better = [DRAW.gauss(0, 1) for _ in range(10)], [DRAW.gauss(1.5, 1) for _ in range(10)]
    alike = [[DRAW.gauss(0, 1) for _ in range(10)] for _ in range(9)]
    alone = against(seeded(base), [seeded(better)], "higher")[0].p
    every = [one.p for one in against(seeded(base), [seeded(values) for values in (better, *alike)], "higher")]
    raw = [stats.mannwhitneyu(values, base, method="exact").pvalue for values in (better, *alike)]
    order = np.argsort(raw)
    # Benjamini and Hochberg: the p of rank k counts n/k times, and never more than that of a higher rank.
    corrected = np.minimum.accumulate((np.array(raw)[order] * 10 / np.arange(1, 11))[::-1])[::-1].clip(max=1)
    assert np.array(every, dtype=float)[order] == pytest.approx(corrected)
    assert alone is not None and every[0] is not None and every[0] >= alone


def test_what_diverged_counts_as_worst_and_is_never_left_out() -> None:
    lost = sample_of([0.9, 0.9, -math.inf, 0.9, -math.inf])
    assert (lost.n, lost.valued, lost.median) == (5, 3, 0.9) and lost.low is None
    assert (lost.lowest, lost.highest) == (-math.inf, 0.9) and sample_of([0.9] * 5 + [-math.inf]).low == -math.inf
    most = sample_of([0.9, -math.inf, -math.inf])
    assert math.isnan(most.median) and math.isnan(most.iqm)
    assert sample_of([0.0, 1.0, 2.0, 9.0]).iqm == 1.5 and sample_of([3.0]).low is None
    (found,) = against(seeded([0.5] * 6), [seeded([0.9, 0.9, 0.9, -math.inf, -math.inf, -math.inf])], "higher")
    assert found.improvement == 0.5 and not found.sure and (found.wins, found.pairs) == (3, 6)
    (same,) = against(seeded([1.0] * 6), [seeded([1.0] * 6)], "higher")
    assert (same.improvement, same.p, same.wins) == (0.5, 1.0, 0)


@pytest.mark.parametrize("n", [*range(1, 41), 1000])
def test_the_interval_holds_the_median_as_often_as_it_says(n: int) -> None:
    """Of n values as many are below the median as heads are in n throws of a coin: the interval from the k-th lowest to
    the k-th highest misses it where fewer than k, or more than n - k, are."""

    def coverage(k: int) -> float:
        return float(stats.binom.cdf(n - k, n, 0.5) - stats.binom.cdf(k - 1, n, 0.5))

    values = [DRAW.gauss(0, 1) for _ in range(n)]
    found, ranked = sample_of(values), sorted(values)
    assert (found.lowest, found.highest) == (ranked[0], ranked[-1])
    if found.low is None:
        # Even from end to end it would be less sure than 95%.
        assert coverage(1) < 0.95 and n < 6 and found.high is None
        return
    k = ranked.index(found.low) + 1
    assert found.high == ranked[-k]
    # The shortest that is sure enough.
    assert coverage(k) >= 0.95 and (coverage(k + 1) < 0.95 or k + 1 > n - k)


@pytest.mark.parametrize("seeds", [1, 2, 3, 5, 6, 9])
def test_what_is_no_interval_is_called_none(seeds: int, tmp_path: Path) -> None:
    """Of 2, 3 and 4 seeds all reach over the median in 50%, 75% and 87.5% of cases: nowhere that is said to be 95%."""
    workspace, ends = Workspace(tmp_path / "runs"), {("0.001",): [0.1 + 0.01 * seed for seed in range(seeds)]}
    ends[("0.01",)] = [0.5 + end for end in ends[("0.001",)]]
    finished_sweep(workspace, {"optim.lr": "0.001,0.01"}, ends)
    groups = ("group:made: lr 0.001", "group:made: lr 0.01")
    for words in (("sweep", "--show", "made"), ("compare", *groups, "--test")):
        _, said, _ = call(*words, "--workspace", str(workspace.folder))
        assert ("95% INTERVAL" in said) == (seeds >= 6) and ("LOWEST TO HIGHEST" in said) == (seeds < 6), said
        # Of nine the second lowest to the second highest: by the lowest and the highest alone it would be 99.6%.
        first, last = (1, 7) if seeds == 9 else (0, seeds - 1)
        shown = [f"{100 * ends[('0.001',)][place]:.2f}%" for place in (first, last)]
        assert (" to ".join(shown) in said) == (seeds > 1)


def test_seeds_are_paired_only_where_each_has_one_run() -> None:
    (found,) = against([(0, 0.1), (0, 0.2), (1, 0.3)], [[(0, 0.9), (1, 0.9), (7, 0.9)]], "higher")
    assert (found.wins, found.pairs, found.improvement) == (1, 1, 1.0)
    (apart,) = against(seeded([0.1, 0.2]), [seeded([0.3, 0.4], first=5)], "higher")
    assert (apart.wins, apart.pairs) == (None, 0)
    (single,) = against(seeded([0.1]), [seeded([0.3, 0.4])], "higher")
    assert single.p is None and not single.sure


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (Against(0.9, 0.002, 14, 16), "a is better than b: better with 14 of 16 seeds, p = 0.002"),
        (Against(0.1, 0.0002, 2, 16), "a is worse than b: better with 2 of 16 seeds, p < 0.001"),
        (Against(0.55, 0.4, None, 0), "a and b may be equally good: a is better with 55.00% of pairs, p = 0.40"),
        (Against(1.0, None, 1, 1), "a and b: too few runs to tell; two of each are needed"),
    ],
)
def test_it_is_said_in_plain_words(found: Against, said: str) -> None:
    assert sentence("a", "b", found) == said


def test_the_command_line_tells_it_of_groups(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / "runs")
    for group, values in {"low": [0.1, 0.2, 0.3, 0.4], "high": [0.7, 0.8, 0.9, None]}.items():
        for seed, value in enumerate(values):
            config = Config().changed({"train.seed": seed, "track.group": group}, "test")
            run = workspace.create("baseline", config)
            with run.store() as store:
                if value is not None:
                    store.append([("accuracy", 5, value)])
                store.set_state(status="finished" if value is not None else "failed", step=5)
    code, out, _ = call("compare", "low", "high", "--test", "--workspace", str(workspace.folder))
    u, p = stats.mannwhitneyu([0.7, 0.8, 0.9, -1], [0.1, 0.2, 0.3, 0.4])
    assert code == 0 and f"high and low may be equally good: high is better with 3 of 4 seeds, p = {p:.2f}" in out
    code, out, _ = call("compare", "low", "high", "--test", "--json", "--workspace", str(workspace.folder))
    low, high = (json.loads(line) for line in out.splitlines())
    assert high["test"]["against"] == {"improvement": u / 16, "p": pytest.approx(p), "wins": 3, "pairs": 4}
    assert (high["test"]["sample"]["n"], high["test"]["sample"]["valued"]) == (4, 3) and low["test"]["against"] is None
    said = refused("compare", "low", "high", "--test", "--metric", "odd", "--workspace", str(workspace.folder))
    assert 'no run has a metric "odd"' in said


@pytest.mark.parametrize("count", range(2, 8))
def test_p_is_never_smaller_than_what_so_few_runs_can_say(count: int) -> None:
    """Of all ways to share out 2n runs, two are as far apart as when each of one is better than each of the other."""
    least = 2 / math.comb(2 * count, count)
    lost = [(seed, -math.inf) for seed in range(count)]
    for ours in ([0.9] * count, [0.9 + seed / 100 for seed in range(count)]):
        (told,) = against([(seed, value) for seed, value in enumerate(ours)], [lost], "higher")
        assert told.p == pytest.approx(least) and told.improvement == 0


@pytest.mark.parametrize("settings", [2, 5, 20, 48, 500])
def test_so_many_seeds_tell_the_best_of_so_many_settings(settings: int) -> None:
    """One that is worse with every seed is told from the best, though all others are like it; not with a seed less."""
    for count, sure in ((seeds_needed(settings), True), (seeds_needed(settings) - 1, False)):
        if count < 2:
            continue
        best = [(seed, 0.5 + seed / 1000) for seed in range(count)]
        alike, worse = list(best), [(seed, 0.1 + seed / 1000) for seed in range(count)]
        told = against(best, [*[alike] * (settings - 2), worse], "higher")
        assert told[-1].sure == sure

"""Rank tests, exact and with ties: are two sets of results alike? By counting, with no table and no approximation."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import comb


@dataclass(frozen=True)
class RankTest:
    """statistic: U or W+ as the test defines it; p: two-sided, exact given the ties."""

    statistic: float
    p: float


def twice_midranks(values: Sequence[float]) -> list[int]:
    """Return twice the rank of each value, ties sharing the mean of their ranks; doubled, they are whole numbers."""
    ordered = sorted(values)
    # A tie over places a…b (from 1) has the mean rank (a + b) / 2.
    return [2 * ordered.index(value) + ordered.count(value) + 1 for value in values]


def sums_of_choices(values: Iterable[int], size: int) -> dict[int, int]:
    """Return, for each sum that `size` of the values can have, how many choices have it."""
    ways: list[dict[int, int]] = [{0: 1}] + [{} for _ in range(size)]
    for number in values:
        for chosen in range(size, 0, -1):
            for total, count in ways[chosen - 1].items():
                ways[chosen][total + number] = ways[chosen].get(total + number, 0) + count
    return ways[size]


def mann_whitney(first: Sequence[float], second: Sequence[float]) -> RankTest:
    """Return U (pairs in which the first is larger; a tie counts half) and the exact permutation p.

    Mann & Whitney, 1947. p is the share of all splits of the pooled values into two sets of these sizes whose rank sum
    lies at least as far from its mean as the one seen.
    """
    ranks = twice_midranks([*first, *second])
    size, total = len(first), len(first) + len(second)
    seen = sum(ranks[:size])
    mean = size * (total + 1)
    ways = sums_of_choices(ranks, size)
    extreme = sum(count for value, count in ways.items() if abs(value - mean) >= abs(seen - mean))
    return RankTest(seen / 2 - size * (size + 1) / 2, extreme / comb(total, size))


def signed_rank(first: Sequence[float], second: Sequence[float]) -> RankTest:
    """Return Wilcoxon's W+ of paired values and its exact p over all choices of signs; equal pairs are left out.

    Wilcoxon, 1945.
    """
    differences = [a - b for a, b in zip(first, second, strict=True) if a != b]
    ranks = twice_midranks([abs(difference) for difference in differences])
    seen = sum(rank for rank, difference in zip(ranks, differences, strict=True) if difference > 0)
    ways = {0: 1}
    for rank in ranks:
        longer = dict(ways)
        for value, count in ways.items():
            longer[value + rank] = longer.get(value + rank, 0) + count
        ways = longer
    mean = sum(ranks) / 2
    extreme = sum(count for value, count in ways.items() if abs(value - mean) >= abs(seen - mean))
    return RankTest(seen / 2, extreme / 2 ** len(ranks))


def shift(first: Sequence[float], second: Sequence[float]) -> tuple[float, float, float]:
    """Return by how much the first set is higher, with a range of at least 95% confidence (Hodges & Lehmann, 1963).

    (low, median, high) of all pairwise differences; with too few values for 95% the range is that of all differences.
    """
    differences = sorted(a - b for a in first for b in second)
    cut, tail = 0, 0
    splits = comb(len(first) + len(second), len(first))
    for ways in _u_counts(len(first), len(second)):
        tail += ways
        if tail / splits > 0.025:
            break
        cut += 1
    low, high = max(0, cut - 1), min(len(differences) - 1, len(differences) - cut)
    return differences[low], quantile(differences, 0.5), differences[high]


def _u_counts(first: int, second: int) -> list[int]:
    """How many splits give U = 0, 1, 2, … when no two values tie."""
    ways = sums_of_choices(range(1, first + second + 1), first)
    lowest = first * (first + 1) // 2
    return [ways.get(lowest + u, 0) for u in range(first * second + 1)]


def quantile(values: Sequence[float], share: float) -> float:
    """Return a quantile, interpolated linearly between the two nearest values."""
    ordered = sorted(values)
    place = share * (len(ordered) - 1)
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)

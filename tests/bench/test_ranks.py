"""The rank tests against brute force over every split and every choice of signs."""

from __future__ import annotations

import itertools
import random

import pytest

from bench import ranks


def draws(count: int, seed: int) -> list[float]:
    """Few different values, so that there are ties within and between the sets."""
    generator = random.Random(seed)
    return [generator.randint(0, 9) / 10 for _ in range(count)]


def pairs_won(first: list[float], second: list[float]) -> float:
    return sum((a > b) + (a == b) / 2 for a in first for b in second)


@pytest.mark.parametrize("seed", range(5))
def test_mann_whitney_counts_pairs_and_splits(seed: int) -> None:
    first, second = draws(5, seed), draws(4, seed + 100)
    seen = ranks.mann_whitney(first, second)
    assert seen.statistic == pairs_won(first, second)
    pooled, mean = [*first, *second], 5 * 4 / 2
    splits = [
        abs(pairs_won([pooled[i] for i in chosen], [pooled[i] for i in range(9) if i not in chosen]) - mean)
        for chosen in itertools.combinations(range(9), 5)
    ]
    extreme = sum(distance >= abs(seen.statistic - mean) for distance in splits)
    assert seen.p == pytest.approx(extreme / len(splits), rel=1e-12)


def test_mann_whitney_of_separate_sets_is_as_rare_as_can_be() -> None:
    assert ranks.mann_whitney([4, 5, 6], [1, 2, 3]) == ranks.RankTest(9, 2 / 20)


@pytest.mark.parametrize("seed", range(5))
def test_signed_rank_goes_through_every_choice_of_signs(seed: int) -> None:
    first, second = draws(8, seed), draws(8, seed + 100)
    differences = [round(10 * (a - b)) for a, b in zip(first, second, strict=True) if a != b]
    sizes = sorted(abs(difference) for difference in differences)
    rank = {size: sum(i + 1 for i, other in enumerate(sizes) if other == size) / sizes.count(size) for size in sizes}
    seen = sum(rank[abs(difference)] for difference in differences if difference > 0)
    mean = sum(rank[abs(difference)] for difference in differences) / 2
    sums = [
        sum(rank[abs(d)] for d, plus in zip(differences, signs, strict=True) if plus)
        for signs in itertools.product((False, True), repeat=len(differences))
    ]
    result = ranks.signed_rank([round(10 * a) for a in first], [round(10 * b) for b in second])
    assert result.statistic == pytest.approx(seen)
    assert result.p == pytest.approx(sum(abs(s - mean) >= abs(seen - mean) for s in sums) / len(sums))


def test_shift_covers_the_truth_about_as_often_as_it_says() -> None:
    generator = random.Random(1)
    covered = 0
    for _ in range(2000):
        low, middle, high = ranks.shift(
            [generator.gauss(3, 1) for _ in range(6)], [generator.gauss(0, 1) for _ in range(6)]
        )
        assert low <= middle <= high
        covered += low <= 3 <= high
    # Exact coverage for 6 and 6 is 1 − 2 · 19/924 = 95.9%; a place further in, 93.5%; further out, 97.4%.
    assert 0.948 < covered / 2000 < 0.970


def test_quantiles_interpolate() -> None:
    assert [ranks.quantile([4, 1, 3, 2], share) for share in (0, 0.25, 0.5, 1)] == [1, 1.75, 2.5, 4]

"""Smoothing against TensorBoard's loop."""

from __future__ import annotations

import math

import numpy as np
import pytest

from seqsum_tui.charts.smoothing import LEVELS, smooth


def loop(values: list[float], weight: float) -> list[float]:
    """TensorBoard's `resmoothDataset`, written out."""
    last, count, result = 0.0, 0, []
    for value in values:
        if not math.isfinite(value):
            result.append(value)
            continue
        last = last * weight + (1 - weight) * value
        count += 1
        result.append(last / (1 - weight**count))
    return result


@pytest.mark.parametrize("weight", [*LEVELS[1:], 0.001, 0.5, 0.9999])
@pytest.mark.parametrize("count", [1, 2, 63, 64, 65, 1000, 5000])
def test_it_is_the_debiased_average(weight: float, count: int) -> None:
    random = np.random.default_rng(count)
    values = random.normal(size=count) * 3 + 5
    values[random.random(count) < 0.1] = math.nan
    values[random.random(count) < 0.02] = math.inf
    np.testing.assert_allclose(smooth(values, weight), loop(values.tolist(), weight), rtol=1e-11, atol=1e-12)


def test_a_constant_stays_and_no_weight_changes_nothing() -> None:
    values = np.full(500, 0.7)
    np.testing.assert_allclose(smooth(values, 0.99), values, rtol=1e-12)
    noise = np.random.default_rng(0).normal(size=50)
    assert smooth(noise, 0.0) is noise


def test_huge_values_do_not_overflow() -> None:
    values = np.array([1.7e308, 1.6e308, -1.7e308, 1.7e308])
    result = smooth(values, 0.6)
    assert np.isfinite(result).all()
    np.testing.assert_allclose(result / 1e308, loop((values / 1e308).tolist(), 0.6), rtol=1e-12)


def test_nothing_finite_and_nothing_at_all() -> None:
    assert np.isnan(smooth(np.array([math.nan, math.nan]), 0.5)).all()
    assert smooth(np.array([]), 0.5).size == 0


@pytest.mark.parametrize("weight", [-0.1, 1.0, math.nan])
def test_a_weight_outside_is_refused(weight: float) -> None:
    with pytest.raises(ValueError, match="smoothing"):
        smooth(np.array([1.0]), weight)

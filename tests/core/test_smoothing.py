"""Smoothing by distance in steps: against the sum written out, against TensorBoard, in longer runs and under zoom."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import pytest

from seqsum.compare.history import History
from seqsum.plotting.smoothing import LEAD, lead, smooth, smooth_buckets
from seqsum.presets import load_preset
from seqsum.runs import Buckets, Run, Workspace

Floats = np.ndarray


def written_out(steps: Floats, values: Floats, over: float) -> Floats:
    """s(t) = Σ w·y / Σ w over the finite points up to t, w = exp(-(t - step) / over)."""
    result = values.copy()
    for at, step in enumerate(steps):
        if math.isfinite(values[at]):
            before = np.isfinite(values[: at + 1])
            weights = np.exp(-(step - steps[: at + 1][before]) / over)
            result[at] = math.fsum(weights * values[: at + 1][before]) / math.fsum(weights)
    return result


def tensorboard(values: list[float], weight: float) -> list[float]:
    """TensorBoard's `resmoothDataset`."""
    last, result = 0.0, []
    for count, value in enumerate(values, start=1):
        last = last * weight + (1 - weight) * value
        result.append(last / (1 - weight**count))
    return result


@pytest.mark.parametrize("over", [0.3, 1.0, 7.0, 100.0, 1e6])
@pytest.mark.parametrize("count", [1, 2, 63, 64, 65, 700])
def test_it_is_the_sum_whatever_the_distances_and_the_holes(over: float, count: int) -> None:
    random = np.random.default_rng(count)
    steps = np.cumsum(random.integers(1, 40, count)).astype(np.float64)
    values = random.normal(size=count) * 3 + 5
    values[random.random(count) < 0.1] = math.nan
    values[random.random(count) < 0.02] = math.inf
    np.testing.assert_allclose(smooth(steps, values, over), written_out(steps, values, over), rtol=1e-9)


@pytest.mark.parametrize("every", [1, 10])
@pytest.mark.parametrize("weight", [0.001, 0.6, 0.95, 0.9999])
def test_evenly_spaced_it_is_the_debiased_average_of_tensorboard(weight: float, every: int) -> None:
    values = np.random.default_rng(0).normal(size=500)
    steps = np.arange(500.0) * every
    found = smooth(steps, values, -every / math.log(weight))
    np.testing.assert_allclose(found, tensorboard(values.tolist(), weight), rtol=1e-9, atol=1e-12)


def test_an_exponential_stays_one() -> None:
    """Of exp(-t / a) the average over b steps, without a beginning, is the same curve times a constant."""
    steps = np.arange(0.0, 4000.0)
    found = smooth(steps, np.exp(-steps / 500), 50.0)
    growth, decay = math.exp(-1 / 50 + 1 / 500), math.exp(-1 / 50)
    np.testing.assert_allclose(found[2000:], np.exp(-steps[2000:] / 500) * (1 - decay) / (1 - growth), rtol=1e-9)


def test_a_constant_stays_and_no_steps_change_nothing() -> None:
    steps = np.arange(500.0)
    np.testing.assert_allclose(smooth(steps, np.full(500, 0.7), 99.0), np.full(500, 0.7), rtol=1e-12)
    noise = np.random.default_rng(0).normal(size=500)
    np.testing.assert_array_equal(smooth(steps, noise, 0.0), noise)


def test_huge_values_do_not_overflow() -> None:
    values = np.array([1.7e308, 1.6e308, -1.7e308, 1.7e308])
    steps = np.arange(4.0)
    np.testing.assert_allclose(smooth(steps, values, 2.0) / 1e308, written_out(steps, values / 1e308, 2.0), rtol=1e-9)


def test_nothing_finite_and_nothing_at_all() -> None:
    assert np.isnan(smooth(np.arange(2.0), np.array([math.nan, math.nan]), 5.0)).all()
    assert smooth(np.array([]), np.array([]), 5.0).size == 0


@pytest.mark.parametrize("over", [-0.1, math.inf, math.nan])
def test_what_is_no_number_of_steps_is_refused(over: float) -> None:
    with pytest.raises(ValueError, match="smoothing"):
        smooth(np.array([1.0]), np.array([1.0]), over)


# Buckets, longer runs, zoom


@pytest.fixture(scope="module")
def waves() -> Floats:
    """Waves on a falling curve, with values that are not finite, at every step."""
    random, steps = np.random.default_rng(0), np.arange(60_000.0)
    values = 3 * np.exp(-steps / 9000) + np.sin(steps / 500) + 0.5 * np.sin(steps / 130)
    values[random.random(60_000) < 0.001] = math.nan
    values[random.random(60_000) < 0.001] = math.inf
    return values


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory, waves: Floats) -> Iterator[tuple[Run, Run]]:
    """The whole, and its first tenth."""
    workspace, made = Workspace(tmp_path_factory.mktemp("runs")), []
    for count in (60_000, 6000):
        run = workspace.create("baseline", load_preset("baseline").config, f"of {count}")
        with run.store() as store:
            store.append([("loss", step, float(value)) for step, value in enumerate(waves[:count])])
        made.append(run)
    yield made[0], made[1]


def alike(found: Floats, expected: Floats) -> None:
    """Within a hundredth of what the waves span; how a curve rises within its very first bucket nobody knows."""
    np.testing.assert_allclose(found[1:], expected[1:], atol=0.05)
    np.testing.assert_allclose(found[0], expected[0], atol=0.15)


def curve(run: Run, first: int | None = None, last: int | None = None, over: float = 0.0, count: int = 240) -> Buckets:
    with History(run) as history:
        return history.curve("loss", first, last, count, lead(over))


@pytest.mark.parametrize("over", [30.0, 300.0, 3000.0, 30_000.0])
def test_in_the_middle_of_a_bucket_it_is_what_the_points_say(runs: tuple[Run, Run], waves: Floats, over: float) -> None:
    """Points one by one are the truth: their averages, averaged over the bucket."""
    truth = smooth(np.arange(60_000.0), waves, over)
    truth[~np.isfinite(truth)] = math.nan
    buckets = curve(runs[0])
    assert np.diff(buckets.x).max() > 60, "thinned"
    expected = [np.nanmean(truth[int(a) : int(b) + 1]) for a, b in zip(buckets.first, buckets.last, strict=True)]
    alike(smooth_buckets(buckets, over), np.array(expected))


@pytest.mark.parametrize("over", [30.0, 300.0, 3000.0])
def test_the_same_points_look_the_same_in_a_longer_run(runs: tuple[Run, Run], over: float) -> None:
    whole, tenth = runs
    zoomed, alone = curve(whole, 0, 5999, over), curve(tenth)
    np.testing.assert_array_equal(zoomed.x, alone.x)
    np.testing.assert_allclose(smooth_buckets(zoomed, over), smooth_buckets(alone, over), rtol=1e-12)
    # And seen from far, up to what a bucket of the longer run is wide.
    far = curve(whole)
    far = far.where(far.last < 6000)
    near = np.interp(far.x, alone.x, smooth_buckets(alone, over))
    alike(smooth_buckets(far, over), near)


@pytest.mark.parametrize("over", [10.0, 300.0, 3000.0, 20_000.0])
@pytest.mark.parametrize("window", [(20_000, 20_199), (31_003, 33_000), (50_000, 59_999), (100, 300)])
def test_under_zoom_it_knows_what_came_before(
    runs: tuple[Run, Run], waves: Floats, over: float, window: tuple[int, int]
) -> None:
    truth = smooth(np.arange(60_000.0), waves, over)
    found = curve(runs[0], *window, over)
    inside = (found.first >= window[0]) & (found.last <= window[1])
    expected = [
        np.nanmean(np.where(np.isfinite(truth), truth, np.nan)[int(a) : int(b) + 1])
        for a, b in zip(found.first[inside], found.last[inside], strict=True)
        if np.isfinite(waves[int(a) : int(b) + 1]).any()
    ]
    finite = found.finite[inside] > 0
    np.testing.assert_allclose(smooth_buckets(found, over)[inside][finite], expected, atol=0.01)


@pytest.mark.parametrize("first", [1, 64, 4097, 33_333])
@pytest.mark.parametrize("over", [1.0, 50.0, 5000.0])
def test_each_point_before_a_stretch_is_read_once(runs: tuple[Run, Run], first: int, over: float) -> None:
    found = curve(runs[0], first, first + 500, over)
    covered = found.finite + found.nonfinite
    np.testing.assert_array_equal(covered, found.last - found.first + 1)
    assert (found.first[1:] == found.last[:-1] + 1).all()
    assert found.first[0] <= max(first - LEAD * over, 0) and found.x.size < 4000

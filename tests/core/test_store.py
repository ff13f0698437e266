"""The metric store: points, roll-up, state, events, commands; through kills, full disks and several processes."""

import math
import os
import signal
import sqlite3
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Callable, Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

from seqsum.errors import UserError
from seqsum.runs import rollup
from seqsum.runs import store as store_module
from seqsum.runs.buckets import Buckets, Floats
from seqsum.runs.database import on_network_file_system
from seqsum.runs.store import Store
from support.postgres import Postgres, postgres, why_none
from support.stores import Stores, alter

Points = dict[int, float]
MOST = sys.float_info.max


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "metrics.db"


@pytest.fixture(scope="module")
def server() -> Iterator[Postgres]:
    if why_none():
        pytest.skip(why_none())
    with postgres() as made:
        yield made


@pytest.fixture(params=["sqlite", "postgres"])
def stores(request: pytest.FixtureRequest, tmp_path: Path) -> Stores:
    """What makes a store of either kind, and opens it again: the interface is one."""
    if request.param == "sqlite":
        return Stores(tmp_path)
    return Stores(tmp_path, request.getfixturevalue("server").emptied())


@pytest.fixture
def store(stores: Stores) -> Iterator[Store]:
    with stores.create(1, status="queued", step=0) as made:
        yield made


@pytest.fixture
def in_sqlite(path: Path) -> Iterator[Store]:
    with Store.create(path, 1, {"status": "queued", "step": 0}) as made:
        yield made


def same(found: Buckets, expected: list[tuple[float, ...]], scale: float = 1.0) -> None:
    table = np.array(expected, dtype=np.float64).reshape(-1, 11)
    np.testing.assert_array_equal(found.x, table[:, 0])
    np.testing.assert_allclose(found.mean, table[:, 1], rtol=1e-9, atol=1e-9 * scale)
    np.testing.assert_array_equal(found.low, table[:, 2])
    np.testing.assert_array_equal(found.high, table[:, 3])
    np.testing.assert_array_equal(found.nonfinite, table[:, 4])
    np.testing.assert_array_equal(found.above, table[:, 5])
    np.testing.assert_array_equal(found.below, table[:, 6])
    np.testing.assert_array_equal(found.finite, table[:, 7])
    np.testing.assert_array_equal(found.positive, table[:, 8])
    np.testing.assert_allclose(found.positive_mean, table[:, 9], rtol=1e-9, atol=1e-9 * scale)
    np.testing.assert_array_equal(found.positive_low, table[:, 10])
    kinds = np.where(found.above > 0, math.inf, np.where(found.below > 0, -math.inf, math.nan))
    np.testing.assert_array_equal(found.values, np.where(found.finite > 0, found.mean, kinds))


def mean_of(values: list[float]) -> float:
    return math.fsum(value / len(values) for value in values)


def brute_force(
    points: Points, base: int, first: int | None, last: int | None, count: int, *, fewer: bool = False
) -> list[tuple[float, ...]]:
    """What buckets must answer, from the points alone: (x, mean, low, high, nonfinite, above, below,
    finite, positive, positive mean, positive low) each."""
    if not points:
        return []
    first = max(min(points), min(points) if first is None else first)
    last = min(max(points), max(points) if last is None else last)
    size, larger = 1, base * 8
    while larger * count <= last - first:
        size, larger = larger, larger * 8
    groups: dict[int, list[int]] = {}
    for step in sorted(points):
        if size == 1 and not first <= step <= last:
            continue
        if first // size <= step // size <= last // size:
            groups.setdefault(step if size == 1 else step // size, []).append(step)
    while fewer and size > 1 and len(groups) >= 2 * count:
        # Halves of the first level's buckets that were taken, as often as there are enough of them.
        times, pairs = 2 ** int(math.log2(len(groups) // count)), {}
        for number, steps in groups.items():
            pairs.setdefault(number // times, []).extend(steps)
        groups, fewer = pairs, False
    answer: list[tuple[float, ...]] = []
    for steps in groups.values():
        finite = [points[step] for step in steps if math.isfinite(points[step])]
        positive = [value for value in finite if value > 0]
        mean, low, high = (mean_of(finite), min(finite), max(finite)) if finite else (math.nan,) * 3
        infinities = [sum(points[step] == infinity for step in steps) for infinity in (math.inf, -math.inf)]
        counts = (len(steps) - len(finite), *infinities, len(finite), len(positive))
        above_zero = (mean_of(positive), min(positive)) if positive else (math.nan, math.nan)
        answer.append(((steps[0] + steps[-1]) / 2, mean, low, high, *counts, *above_zero))
    return answer


def check_rollup(store: Store, metric: str, points: Points, base: int, random: np.random.Generator) -> None:
    whole = store.points(metric)
    assert whole[0].tolist() == sorted(points)
    np.testing.assert_array_equal(
        whole[1], [points[step] for step in sorted(points)] if points else np.zeros(0), strict=False
    )
    scale = max([1.0, *(abs(value) for value in points.values() if math.isfinite(value))])
    reach = max(points, default=0) + 10
    ranges: list[tuple[int | None, int | None]] = [(None, None)]
    for _ in range(3):
        a, b = sorted(int(value) for value in random.integers(0, reach, size=2))
        ranges += [(a, b), (a, None), (None, b)]
    for first, last in ranges:
        for count in (1, 3, 20, 240):
            for fewer in (False, True):
                found = store.buckets(metric, first, last, count, fewer=fewer)
                same(found, brute_force(points, base, first, last, count, fewer=fewer), scale)


# Points


def test_points_come_back_in_step_order_with_bounds(store: Store) -> None:
    store.append([("loss", 30, 3.0), ("loss", 10, 1.0), ("lr", 10, 0.5), ("loss", 20, 2.0)])
    steps, values = store.points("loss")
    assert (steps.tolist(), values.tolist()) == ([10, 20, 30], [1.0, 2.0, 3.0])
    assert steps.dtype == values.dtype == np.float64
    assert store.points("loss", after=10, before=20)[0].tolist() == [20]
    assert store.points("loss", after=30)[0].tolist() == []
    assert store.points("nothing")[0].shape == (0,)
    assert store.metrics() == ["loss", "lr"]
    assert store.latest() == {"loss": (30, 3.0), "lr": (10, 0.5)}
    assert store.extent("loss") == (10, 30)
    assert store.extent("nothing") is None


def test_a_point_at_step_zero_counts(store: Store) -> None:
    store.append([("loss", 0, 9.0)])
    assert store.points("loss")[0].tolist() == [0]
    same(store.buckets("loss"), [(0, 9, 9, 9, 0, 0, 0, 1, 1, 9, 9)])


def test_a_point_written_again_replaces_the_former(store: Store) -> None:
    store.append([("loss", step, 1.0) for step in range(5000)])
    store.append([("loss", 3, 100.0)])
    assert store.points("loss", 2, 3)[1].tolist() == [100.0]
    points = dict.fromkeys(range(5000), 1.0) | {3: 100.0}
    same(store.buckets("loss", count=2), brute_force(points, 1, None, None, 2))
    assert store.buckets("loss", count=2).high[0] == 100.0


def test_not_a_number_and_infinities_are_kept(store: Store, stores: Stores) -> None:
    values = [1.0, math.nan, math.inf, -math.inf, MOST, -MOST, 5e-324]
    store.append([("loss", step, value) for step, value in enumerate(values)])
    with stores.again() as other:
        np.testing.assert_array_equal(other.points("loss")[1], values)
        shown = other.buckets("loss")
    finite = [math.nan if not math.isfinite(value) else value for value in values]
    np.testing.assert_array_equal(shown.mean, finite)
    np.testing.assert_array_equal(shown.low, finite)
    np.testing.assert_array_equal(shown.nonfinite, [0, 1, 1, 1, 0, 0, 0])
    np.testing.assert_array_equal(shown.values, values)


def test_what_is_not_finite_in_a_bucket_hides_nothing_that_is(store: Store) -> None:
    odd = {70: math.inf, 71: math.nan, 200: -math.inf, 300: math.nan, 310: 4.0}
    odd |= dict.fromkeys(range(320, 384), math.nan) | {330: -math.inf}
    store.append([("loss", step, odd.get(step, 2.0)) for step in range(512)])
    found = store.buckets("loss", count=7)
    assert found.values.tolist() == [2.0, 2.0, 2.0, 2.0, pytest.approx(2 + 2 / 63), -math.inf, 2.0, 2.0]
    assert found.high[4] == 4.0 and found.nan.tolist() == [0, 1, 0, 0, 1, 63, 0, 0]


@pytest.mark.parametrize("density", [0.001, 0.02, 0.3, 0.9, 1.0])
@pytest.mark.parametrize("base", [1, 7])
def test_buckets_of_random_data_with_holes_are_those_of_the_points(stores: Stores, density: float, base: int) -> None:
    random = np.random.default_rng(int(1000 * density) + base)
    steps = np.unique(random.integers(0, 4000, 2500)) * base
    values = random.normal(size=steps.size) * 10.0 ** random.integers(-3, 4, steps.size)
    for share, value in ((0.4, math.nan), (0.3, math.inf), (0.3, -math.inf)):
        values[random.random(steps.size) < density * share] = value
    values[random.random(steps.size) < 0.05] = 0.0
    if density == 1.0:
        values[:] = random.choice([math.nan, math.inf, -math.inf], steps.size)
    points = dict(zip(steps.tolist(), values.tolist(), strict=True))
    with stores.create(base) as store:
        store.append([("loss", step, value) for step, value in points.items()])
        check_rollup(store, "loss", points, base, random)


DROPPED = [
    ("positive", "positive_low", "positive_total"),
    ("above", "below", "positive", "positive_low", "positive_total"),
]


@pytest.mark.parametrize("columns", DROPPED, ids=["earlier", "earliest"])
def test_the_store_of_an_older_run_is_read_right_and_written_on(path: Path, columns: tuple[str, ...]) -> None:
    """Its roll-up knew less: what it left open is counted from the points, before and after it is written to."""
    random = np.random.default_rng(3)
    odd = [math.nan, math.inf, -math.inf, -2.0, 0.0, 5.0]
    points = {step: float(random.choice(odd) if random.random() < 0.02 else 1 + step / 999) for step in range(3000)}
    points |= dict.fromkeys(range(1024, 1100), -1.0)
    with Store.create(path, 1, {}) as made:
        made.append([("loss", step, value) for step, value in points.items()])
    with sqlite3.connect(path) as database:
        database.execute("UPDATE rollup SET above = 0, below = 0")
        for column in columns:
            database.execute(f"ALTER TABLE rollup DROP COLUMN {column}")
    with Store(path) as old:
        check_rollup(old, "loss", points, 1, random)
        more = {step: -math.inf if step == 3100 else float(random.normal()) for step in range(3000, 5000)}
        old.append([("loss", step, value) for step, value in more.items()])
        check_rollup(old, "loss", points | more, 1, random)
        old.truncate(2000)
        check_rollup(old, "loss", {step: value for step, value in points.items() if step <= 2000}, 1, random)


def test_a_bucket_without_a_finite_value_is_a_gap_that_counts(store: Store) -> None:
    store.append([("loss", step, math.nan if step % 2 else math.inf) for step in range(64)])
    found = store.buckets("loss", count=1)
    assert len(found.x) == 8
    assert np.isnan(found.mean).all() and np.isnan(found.low).all() and np.isnan(found.high).all()
    assert found.nonfinite.tolist() == [8] * 8


def test_the_largest_number_is_finite_in_a_bucket(store: Store) -> None:
    store.append([("loss", 0, MOST), ("loss", 7, 0.0), ("loss", 63, 0.0)])
    found = store.buckets("loss", count=1)
    assert (found.high[0], found.nonfinite[0]) == (MOST, 0)


def test_the_mean_of_the_largest_numbers_is_a_number(store: Store) -> None:
    store.append([("loss", step, MOST if step < 4 else MOST / 2) for step in range(64)])
    found = store.buckets("loss", count=1)
    assert MOST / 2 <= found.mean[0] <= MOST and found.mean[1] == pytest.approx(MOST / 2)
    assert np.isfinite(found.positive_mean).all()


def test_the_last_value_is_told_even_if_it_is_no_number(store: Store) -> None:
    store.append([("loss", 1, 1.0), ("loss", 2, math.nan), ("lr", 1, math.inf)])
    latest = store.latest()
    assert math.isnan(latest["loss"][1]) and latest["lr"] == (1, math.inf)


@pytest.mark.parametrize("hostile", ["loss'; DROP TABLE pt; --", "a\x1b[31m", "[bold]", "", "ü/数"])
def test_a_metric_may_have_any_name(store: Store, hostile: str) -> None:
    store.append([(hostile, 1, 1.0)])
    assert store.metrics() == [hostile]
    assert store.points(hostile)[1].tolist() == [1.0]


# Roll-up


@pytest.mark.parametrize("seed", range(6))
def test_the_rollup_is_what_brute_force_gives_whatever_was_done_before(stores: Stores, seed: int) -> None:
    random = np.random.default_rng(seed)
    base = [1, 1, 100, 10, 1, 37][seed]
    step_sizes = [1, 3, 100, 10, 1000, 37]
    with stores.create(base) as store:
        points: Points = {}
        other: Points = {}
        step = 0
        for _ in range(12):
            action = random.random()
            if action < 0.6:
                batch: Points = {}
                for _ in range(int(random.integers(1, 400))):
                    step += step_sizes[seed] * int(random.choice([1, 1, 1, 1, 50]))
                    special = random.random()
                    batch[step] = (
                        math.nan
                        if special < 0.05
                        else math.inf * random.choice([-1, 1])
                        if special < 0.08
                        else float(random.normal() * 10.0 ** random.integers(-3, 6))
                    )
                store.append([("loss", at, value) for at, value in batch.items()])
                points |= batch
                other[step] = float(step)
                store.append([("other", step, float(step))])
            elif action < 0.8 and points:
                rewritten = {int(at): float(random.normal()) for at in random.choice(sorted(points), size=5)}
                store.append([("loss", at, value) for at, value in rewritten.items()])
                points |= rewritten
            else:
                step = int(random.integers(0, step + 1))
                store.truncate(step)
                points = {at: value for at, value in points.items() if at <= step}
                other = {at: value for at, value in other.items() if at <= step}
            check_rollup(store, "loss", points, base, random)
        check_rollup(store, "other", other, base, random)


def test_the_rollup_of_point_after_point_is_that_of_all_at_once(tmp_path: Path) -> None:
    random = np.random.default_rng(1)
    points = {int(step): float(random.normal()) for step in np.cumsum(random.integers(1, 40, size=700))}
    dumps = []
    for name, batch in (("one.db", 1), ("some.db", 13), ("all.db", 700)):
        with Store.create(tmp_path / name, 1, {}) as store:
            rows = list(points.items())
            for first in range(0, 700, batch):
                store.append([("loss", step, value) for step, value in rows[first : first + batch]])
        with sqlite3.connect(tmp_path / name) as database:
            dumps.append(database.execute("SELECT * FROM rollup ORDER BY metric, level, bucket").fetchall())
    assert [row[:5] for row in dumps[0]] == [row[:5] for row in dumps[1]] == [row[:5] for row in dumps[2]]
    for other in dumps[1:]:
        tables = [np.array(dump, dtype=np.float64)[:, 5:] for dump in (other, dumps[0])]
        np.testing.assert_allclose(*tables, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("base", [1, 7])
@pytest.mark.parametrize("ratio", [1.5, 7, 9, 100, 5000])
def test_a_point_far_behind_the_next_counts_on_every_level(path: Path, base: int, ratio: float) -> None:
    """A fast run measures its memory once in so many seconds: the steps between grow as it gets faster."""
    steps = sorted({int(ratio**power) for power in range(60) if ratio**power < 10**9})
    with Store.create(path, base, {}) as store:
        for number, step in enumerate(steps, 1):
            store.append([("memory_mb", step, 1.0)])
            query = "SELECT level, sum(finite), min(first) FROM rollup GROUP BY level"
            assert {found[1:] for found in store.database.execute(query)} == {(number, steps[0])}
        for step in reversed(steps[:-1]):
            store.truncate(step)
            assert {found[1] for found in store.database.execute(query)} == {steps.index(step) + 1}
        store.append([("memory_mb", steps[-1], 1.0)])
        assert {found[1] for found in store.database.execute(query)} == {2}


@pytest.mark.parametrize("count", [1, 5, 60, 240])
@pytest.mark.parametrize("span", [100, 5_000, 40_000])
def test_a_dense_metric_is_thinned_to_between_count_and_eight_times_count(
    in_sqlite: Store, count: int, span: int
) -> None:
    in_sqlite.append([("loss", step, 1.0) for step in range(span)])
    assert min(count, span) <= len(in_sqlite.buckets("loss", count=count).x) <= 8 * count + 1


@pytest.mark.parametrize("count", [1, 5, 60])
def test_a_curve_that_grows_is_never_more_than_twice_the_buckets_asked_for(in_sqlite: Store, count: int) -> None:
    sizes = []
    for begin in range(0, 40_000, 1_000):
        in_sqlite.append([("loss", step, 1.0) for step in range(begin, begin + 1_000)])
        if begin >= 8 * count:
            sizes.append(len(in_sqlite.buckets("loss", count=count, fewer=True).x))
    assert count <= min(sizes) and max(sizes) < 2 * count + 1


def test_neighbours_are_put_together_the_same_way_wherever_a_stretch_begins(store: Store) -> None:
    store.append([("loss", step, float(step)) for step in range(40_000)])
    whole, part = (store.buckets("loss", first, first + 20_000, 20, fewer=True) for first in (0, 3_000))
    begins = set(part.first.tolist()[1:-1])
    assert begins and begins - {begin for begin in begins if begin > 20_000} <= set(whole.first.tolist())


def test_thinning_holds_when_points_become_denser_than_they_began(store: Store) -> None:
    """train.log_every is live: a run may log every 1000 steps first and every step later."""
    store.append([("loss", step, 1.0) for step in range(0, 100_000, 1000)])
    store.append([("loss", step, 1.0) for step in range(100_000, 120_000)])
    assert len(store.buckets("loss", 100_000, 120_000, count=240).x) <= 8 * 240 + 1


@pytest.mark.parametrize("count", [0, -5])
def test_a_chart_without_width_gets_an_answer(store: Store, count: int) -> None:
    store.append([("loss", step, 1.0) for step in range(100)])
    assert len(store.buckets("loss", count=count).x) <= 9


def test_a_range_outside_the_points_is_empty(store: Store) -> None:
    store.append([("loss", step, 1.0) for step in range(100, 5000)])
    for first, last in ((6000, 7000), (0, 50), (300, 200)):
        assert len(store.buckets("loss", first, last).x) == 0
    assert len(store.buckets("nothing").x) == 0


def test_a_chart_of_many_steps_reads_few_rows(in_sqlite: Store) -> None:
    """Counted in SQLite's own steps, not in seconds."""
    ticks = 0

    def tick() -> int:
        nonlocal ticks
        ticks += 1
        return 0

    in_sqlite.append([("loss", step, 1.0) for step in range(100_000)])
    in_sqlite.database.set_progress_handler(tick, 100)
    in_sqlite.buckets("loss", count=100)
    thinned, ticks = ticks, 0
    in_sqlite.points("loss")
    assert thinned * 20 < ticks


@pytest.mark.parametrize(
    ("base", "span", "buckets", "level"),
    [
        (1, 0, 240, 0),
        (1, 8 * 240 - 1, 240, 0),
        (1, 8 * 240, 240, 1),
        (1, 64 * 240, 240, 2),
        (100, 800, 1, 1),
        (1, 7, 1, 0),
    ],
)
def test_the_level_is_the_coarsest_with_enough_buckets(base: int, span: int, buckets: int, level: int) -> None:
    assert rollup.level_for(base, span, buckets) == level


def test_a_store_from_a_run_with_the_highest_step_works(store: Store) -> None:
    store.append([("loss", 10**9, 1.0), ("loss", 5, 2.0)])
    found = store.buckets("loss", count=2)
    assert found.x.tolist() == [5, 10**9]
    store.truncate(5)
    assert store.buckets("loss", count=2).x.tolist() == [5]


# Truncate


def test_the_print_of_events_changes_with_any_of_them(store: Store) -> None:
    for step in (10, 20, 30):
        store.add_event(step, "checkpoint")
    first = store.events_print(2)
    assert first == store.events_print(2) != store.events_print(3)
    store.truncate(10)
    assert store.events_print(2) != first
    store.add_event(20, "checkpoint")
    assert store.events()[-1].id == 2 and store.events_print(2) != first, "another event with the same id"


def test_checkpoints_that_are_no_more_have_no_events_and_nothing_else_is_forgotten(store: Store) -> None:
    for step in (10, 20, 30):
        store.add_event(step, "checkpoint", path=f"step-{step}")
        store.add_event(step, "set", field="optim.lr", new="1")
    store.forget_checkpoints_but([10, 30, 40])
    assert [event.step for event in store.events(kind="checkpoint")] == [10, 30]
    assert [event.step for event in store.events(kind="set")] == [10, 20, 30]
    store.forget_checkpoints_but([])
    assert [event.kind for event in store.events()] == ["set"] * 3


def test_truncate_drops_points_and_checkpoints_after_a_step_and_keeps_what_a_person_did(store: Store) -> None:
    store.append([(name, step, float(step)) for name in ("loss", "lr") for step in range(0, 1000, 10)])
    store.append([("late", 900, 1.0)])
    for step in (100, 500, 501, 900):
        store.add_event(step, "checkpoint", path=f"step-{step}")
        store.add_event(step, "set", field="optim.lr", new="1")
    store.truncate(500)
    for name in ("loss", "lr"):
        assert store.points(name)[0].tolist() == list(range(0, 501, 10))
    assert [event.step for event in store.events(kind="checkpoint")] == [100, 500]
    assert [event.step for event in store.events(kind="set")] == [100, 500, 501, 900]
    assert store.latest() == {"loss": (500, 500.0), "lr": (500, 500.0)}
    # A metric whose every point is gone is no metric of the run.
    assert store.metrics() == ["loss", "lr"]
    store.append([("late", 900, 2.0)])
    assert store.metrics() == ["loss", "lr", "late"]
    assert store.latest()["late"][1] == 2.0


def test_truncate_to_the_beginning_and_beyond_the_end(store: Store) -> None:
    store.append([("loss", step, float(step)) for step in range(1, 2000)])
    before = store.buckets("loss", count=5)
    store.truncate(10**9)
    np.testing.assert_array_equal(store.buckets("loss", count=5).x, before.x)
    store.truncate(0)
    assert store.metrics() == [] and store.latest() == {} and store.extent("loss") is None
    assert len(store.buckets("loss", count=5).x) == 0


# State, events, commands


def test_state_is_kept_as_json(store: Store, stores: Stores) -> None:
    values: dict[str, Any] = {"a": None, "b": [1, "x"], "c": {"d": 1.5}, "e": "ü\x1b", "status": "running", "f": True}
    store.set_state(**values)
    with stores.again() as other:
        found = other.state()
    assert {key: found[key] for key in values} == values
    assert found["step"] == 0


def test_a_state_that_is_no_json_changes_nothing(store: Store, stores: Stores) -> None:
    with pytest.raises(TypeError):
        store.set_state(status="running", bad=object())
    with stores.again() as other:
        assert other.state()["status"] == "queued"
    store.set_state(status="paused")
    assert store.state()["status"] == "paused"


def test_events_come_in_order_after_an_id_and_of_a_kind(store: Store) -> None:
    began = time.time()
    for step, kind in ((1, "started"), (5, "set"), (5, "checkpoint"), (2, "set")):
        store.add_event(step, kind, field="optim.lr", text="\x1b[bold]")
    events = store.events()
    assert [(event.step, event.kind) for event in events] == [(1, "started"), (5, "set"), (5, "checkpoint"), (2, "set")]
    assert all(began <= event.time <= time.time() for event in events)
    assert events[0].detail == {"field": "optim.lr", "text": "\x1b[bold]"}
    assert [event.id for event in store.events(after=events[1].id)] == [events[2].id, events[3].id]
    assert [event.step for event in store.events(kind="set")] == [5, 2]
    assert [event.step for event in store.events(after=events[1].id, kind="set")] == [2]
    assert store.events(kind="nothing") == []


def test_a_command_waits_until_it_is_done(store: Store, stores: Stores) -> None:
    first = store.post_command("pause")
    second = store.post_command("set", field="optim.lr", value="0.1")
    with stores.again() as worker:
        pending = worker.pending_commands()
        assert [(command.id, command.verb, command.arguments) for command in pending] == [
            (first, "pause", {}),
            (second, "set", {"field": "optim.lr", "value": "0.1"}),
        ]
        assert store.command_outcome(first) is None
        worker.finish_command(first, True, "paused at step 5", step=5)
        assert [command.id for command in worker.pending_commands()] == [second]
    assert store.command_outcome(first) == {"ok": True, "message": "paused at step 5", "step": 5}
    assert store.command_outcome(second) is None
    assert store.command_outcome(999) is None


# Transactions


def test_a_transaction_is_whole_or_not_at_all(store: Store, stores: Stores) -> None:
    with pytest.raises(RuntimeError, match="midway"), store.transaction():
        store.append([("loss", 1, 1.0)])
        store.set_state(step=1)
        store.add_event(1, "message")
        store.post_command("stop")
        raise RuntimeError("midway")
    with stores.again() as other:
        assert other.metrics() == [] and other.events() == [] and other.pending_commands() == []
        assert other.state()["step"] == 0


def test_nothing_is_seen_outside_before_the_end(store: Store, stores: Stores) -> None:
    with stores.again() as other:
        with store.transaction():
            store.append([("loss", 1, 1.0)])
            assert other.metrics() == []
        assert other.metrics() == ["loss"]


def test_a_metric_first_written_in_vain_can_be_written_again(store: Store, stores: Stores) -> None:
    with pytest.raises(TypeError):
        store.append([("loss", 1, 1.0), ("accuracy", 1, "no number")])  # type: ignore[list-item]
    store.append([("accuracy", 2, 0.5)])
    store.append([("loss", 2, 2.0)])
    with stores.again() as other:
        assert {name: value for name, (_, value) in other.latest().items()} == {"accuracy": 0.5, "loss": 2.0}


def test_a_full_disk_loses_only_what_did_not_fit(in_sqlite: Store, path: Path) -> None:
    in_sqlite.append([("loss", 1, 1.0)])
    pages = in_sqlite.database.execute("PRAGMA page_count").fetchone()[0]
    in_sqlite.database.execute(f"PRAGMA max_page_count={pages}")
    with pytest.raises(UserError, match="full"):
        in_sqlite.append([("big", step, 1.0) for step in range(50_000)])
    in_sqlite.database.execute("PRAGMA max_page_count=1000000")
    in_sqlite.append([("loss", 2, 2.0), ("big", 1, 1.0)])
    with Store(path) as other:
        assert {name: value for name, (_, value) in other.latest().items()} == {"loss": 2.0, "big": 1.0}


def test_a_commit_that_fails_does_not_swallow_what_follows(in_sqlite: Store, path: Path) -> None:
    in_sqlite.database.execute("PRAGMA foreign_keys=ON")
    alter(in_sqlite, "CREATE TABLE t(x REFERENCES metric(id) DEFERRABLE INITIALLY DEFERRED)")
    with pytest.raises(sqlite3.IntegrityError), in_sqlite.transaction():
        in_sqlite.database.execute("INSERT INTO t VALUES (77)")
    in_sqlite.set_state(step=5)
    with Store(path) as other:
        assert other.state()["step"] == 5


# Opening


def test_what_is_no_store_is_told_in_one_sentence_and_left_alone(tmp_path: Path) -> None:
    missing, empty, text, folder = (tmp_path / name for name in ("missing.db", "empty.db", "text.db", "folder.db"))
    empty.touch()
    text.write_bytes(b"not a database at all, by no means" * 100)
    folder.mkdir()
    for path in (missing, empty, text, folder):
        with pytest.raises(UserError) as caught:
            Store(path)
        assert str(caught.value).startswith(f"runs: can't read {path}: ")
    assert not missing.exists()
    assert empty.stat().st_size == 0
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["empty.db", "folder.db", "text.db"]


@pytest.mark.parametrize("name", ["a b?mode=memory#x%20.db", "ü.db", "[bold].db"])
def test_a_store_may_lie_anywhere(tmp_path: Path, name: str) -> None:
    Store.create(tmp_path / name, 1, {"status": "queued"}).close()
    with Store(tmp_path / name) as store:
        assert store.state()["status"] == "queued"
    assert name in {entry.name for entry in tmp_path.iterdir()}


def test_a_store_writes_ahead_and_does_not_wait_for_the_disk_at_every_write(in_sqlite: Store, path: Path) -> None:
    with Store(path) as again:
        assert alter(again, "PRAGMA journal_mode") == ("wal",)
        assert again.database.execute("PRAGMA synchronous").fetchone() == (1,)


def test_a_network_file_system_gets_a_plain_journal(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_module, "on_network_file_system", lambda path: True)
    with Store.create(path, 1, {"status": "queued"}) as store:
        store.append([("loss", 1, 1.0)])
        with Store(path) as other:
            assert alter(other, "PRAGMA journal_mode") != ("wal",)
            assert other.database.execute("PRAGMA synchronous").fetchone() == (2,)
            assert other.latest()["loss"][1] == 1.0


@pytest.mark.parametrize(
    ("folder", "network"),
    [("/data/home/x", True), ("/data/home/x/local/y", False), ("/data/homer", False), ("/elsewhere", False)],
)
def test_the_deepest_mount_decides_what_the_file_system_is(
    monkeypatch: pytest.MonkeyPatch, folder: str, network: bool
) -> None:
    def partition(mount: str, kind: str) -> Any:
        return type("Partition", (), {"mountpoint": mount, "fstype": kind})()

    mounts = [partition("/", "ext4"), partition("/data/home", "NFS4"), partition("/data/home/x/local", "xfs")]
    monkeypatch.setattr(psutil, "disk_partitions", lambda all: mounts)
    assert on_network_file_system(Path(folder) / "metrics.db") is network


# Several processes

WRITER = """
import os, sys
from pathlib import Path
from seqsum.runs.store import Store

def write_for_ever(path):
    store = Store(path)
    step = store.state()["step"]
    while True:
        with store.transaction():
            steps = range(step + 1, step + 21)
            store.append([("loss", s, float(s % 97)) for s in steps])
            step += 20
            store.append([("accuracy", step, float(step))])
            store.add_event(step, "message")
            store.set_state(step=step)
        os.write(1, b"%d\\n" % step)

for line in sys.stdin:
    child = os.fork()
    if child == 0:
        write_for_ever(Path(sys.argv[1]))
    os.write(1, b"pid %d\\n" % child)
    os.waitpid(child, 0)
    os.write(1, b"ended\\n")
"""

POSTER = """
import sys
from pathlib import Path
from seqsum.runs.store import Store
sys.stdin.readline()
with Store(Path(sys.argv[1])) as store:
    for number in range(150):
        store.post_command(sys.argv[2], number=number)
"""


class Writer:
    """A process that forks a writer when told to; the writer says after each write up to which step it got."""

    def __init__(self, path: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.child = 0
        self.acknowledged = 0

    def start(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write("go\n")
        self.process.stdin.flush()
        self.child = 0
        while not self.child:
            self.read()

    def read(self) -> bool:
        """Read one line; tell whether the writer still goes on."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, "the helper process is gone"
        if line.startswith("pid"):
            self.child = int(line.split()[1])
        elif line != "ended\n":
            self.acknowledged = int(line)
        return line != "ended\n"

    def kill(self) -> None:
        os.kill(self.child, signal.SIGKILL)
        while self.read():
            pass

    def close(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.kill()
        self.process.wait()


@pytest.fixture
def writer(in_sqlite: Store, path: Path) -> Iterator[Writer]:
    made = Writer(path)
    yield made
    made.close()


def test_a_writer_killed_in_the_midst_leaves_a_whole_store(writer: Writer, path: Path) -> None:
    random = np.random.default_rng()
    for _ in range(15):
        writer.start()
        until = writer.acknowledged + 20 * int(random.integers(1, 12))
        while writer.acknowledged < until:
            writer.read()
        # The writer writes without a break; some fraction of a write later it is gone.
        for _ in range(int(random.integers(0, 20_000))):
            pass
        writer.kill()
        with Store(path) as store:
            step = store.state()["step"]
            assert writer.acknowledged <= step <= writer.acknowledged + 20
            assert store.points("loss")[0].tolist() == list(range(1, step + 1))
            assert store.points("accuracy")[0].tolist() == list(range(20, step + 1, 20))
            assert [event.step for event in store.events()] == list(range(20, step + 1, 20))
            assert alter(store, "PRAGMA integrity_check") == ("ok",)
            points = {at: float(at % 97) for at in range(1, step + 1)}
            for count in (1, 7):
                same(store.buckets("loss", count=count), brute_force(points, 1, None, None, count), 97)


def test_a_reader_beside_a_writer_sees_whole_writes_and_never_goes_back(writer: Writer, path: Path) -> None:
    writer.start()
    last = 0
    with Store(path) as reader:
        while last < 3000:
            latest = reader.latest()
            if not latest:
                continue
            step = int(latest["accuracy"][1])
            assert step % 20 == 0 and step >= last
            assert latest["loss"] == (step, step % 97)
            last = step
            steps = reader.points("loss")[0]
            assert len(steps) % 20 == 0 and len(steps) >= step
            assert steps.tolist() == list(range(1, len(steps) + 1))
            shown = reader.buckets("loss", count=4)
            assert not np.isnan(shown.mean).any()
            assert reader.state()["step"] >= last
    writer.kill()


def test_a_command_reaches_a_store_that_is_being_written(writer: Writer, path: Path) -> None:
    writer.start()
    with Store(path) as person:
        ids = [person.post_command("set", number=number) for number in range(20)]
        for id in ids:
            person.finish_command(id, True, "done")
    writer.kill()
    with Store(path) as store:
        assert len(set(ids)) == 20
        assert all(store.command_outcome(id) == {"ok": True, "message": "done"} for id in ids)
        assert store.points("loss")[0].tolist() == list(range(1, store.state()["step"] + 1))


def test_two_processes_write_at_once_and_nothing_is_lost(in_sqlite: Store, path: Path) -> None:
    posters = [
        subprocess.Popen([sys.executable, "-c", POSTER, str(path), verb], stdin=subprocess.PIPE, text=True)
        for verb in ("left", "right")
    ]
    for poster in posters:
        assert poster.stdin is not None
        poster.stdin.write("go\n")
        poster.stdin.close()
    for number in range(100):
        in_sqlite.append([("loss", number, 1.0)])
    assert [poster.wait() for poster in posters] == [0, 0]
    commands = in_sqlite.pending_commands()
    assert [command.id for command in commands] == list(range(1, 301))
    for verb in ("left", "right"):
        assert [command.arguments["number"] for command in commands if command.verb == verb] == list(range(150))
    assert len(in_sqlite.points("loss")[0]) == 100


def test_reading_takes_little_more_room_than_what_is_read(in_sqlite: Store) -> None:
    in_sqlite.append(("loss", step, 1.0 / step) for step in range(1, 120_001))
    readings: dict[str, Callable[[], tuple[Floats, ...]]] = {
        "buckets": lambda: arrays(in_sqlite.buckets("loss", count=1_900)),
        "points": lambda: in_sqlite.points("loss"),
    }
    for what, read in readings.items():
        tracemalloc.start()
        try:
            found = read()
            _, most = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert found[0].size > 10_000
        # Each row as objects of Python's would take some five times as much.
        assert most < 2.5 * sum(one.nbytes for one in found), what


def arrays(found: Buckets) -> tuple[Floats, ...]:
    return tuple(getattr(found, one.name) for one in fields(found))


# The roll-up's unit


def logged(steps: int, every: int) -> dict[str, Any]:
    return {"train": {"steps": steps, "log_every": every, "evaluate_every": 5 * every}}


@pytest.mark.parametrize(
    ("config", "unit"),
    [
        (logged(20_000, 100), 1),
        (logged(200_000, 100), 1),
        (logged(200_100, 100), 100),
        ({"train": {"steps": 10**6, "log_every": 100, "evaluate_every": 30}}, 30),
        ({"train": {"steps": "many", "log_every": 100, "evaluate_every": 500}}, 1),
        ({"train": {"log_every": 100}}, 1),
        ({"train": 7}, 1),
        ({}, 1),
    ],
)
def test_a_run_that_logs_very_often_has_its_interval_for_a_unit(config: dict[str, Any], unit: int) -> None:
    assert rollup.unit_of(config) == unit


def test_with_the_interval_for_a_unit_the_same_points_take_a_fourth_of_the_room(tmp_path: Path) -> None:
    random, sizes = np.random.default_rng(0), []
    values = random.normal(size=5000).tolist()
    for base in (1, 100):
        with Store.create(tmp_path / f"{base}.db", base, {}) as store:
            for first in range(0, 5000, 50):
                store.append([("loss", 100 * place, values[place - 1]) for place in range(first + 1, first + 51)])
            sizes.append(store.database.execute("PRAGMA page_count").fetchone()[0])
            whole = store.buckets("loss", count=10)
            assert whole.values.size >= 10
    assert sizes[0] > 4 * sizes[1]


@pytest.mark.parametrize("finer", [1, 10, 30])
def test_a_store_that_is_made_finer_says_the_same_to_whoever_has_it_open(path: Path, finer: int) -> None:
    random = np.random.default_rng(finer)
    points: Points = {100 * place: float(random.normal()) for place in range(1, 700)}
    with Store.create(path, 100, {}) as store, Store(path) as other, Store(path) as reader:
        store.append([("loss", step, value) for step, value in points.items()])
        check_rollup(reader, "loss", points, 100, random)
        store.refine(finer)
        store.refine(50)  # finer than that already
        later = {70_000 + finer * place: float(random.normal()) for place in range(900)}
        other.append([("loss", step, value) for step, value in later.items()])
        check_rollup(reader, "loss", points | later, finer, random)
        other.truncate(70_300)
        check_rollup(reader, "loss", {step: value for step, value in (points | later).items() if step <= 70_300}, finer,
                     random)  # fmt: skip
    with Store(path) as again:
        assert again.base == finer

"""Groups of runs: every run counts, against brute force with an ordinary number far out for what ranks as worst."""

from __future__ import annotations

import io
import json
import math
from collections.abc import Callable, Sequence
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from seqsum import cli
from seqsum.compare import ComparisonReader, rows_of
from seqsum.compare.axis import medians
from seqsum.compare.rows import notes_of
from seqsum.compare.spread import Member, Standing, quantile, quantiles, quartiles, spread, standing_of
from seqsum.config import Config
from seqsum.runs import Run, Workspace
from seqsum.runs.metric_direction import points_per_unit

FAR = 1e12
SHARES = (0.25, 0.5, 0.75)
Make = Callable[..., Run]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    workspace = Workspace(tmp_path / "runs")

    def made(
        name: str, points: dict[str, Sequence[tuple[int, float]]], status: str = "finished", **changes: Any
    ) -> Run:
        dotted = {path.replace("__", "."): value for path, value in changes.items()}
        run = workspace.create("baseline", Config().changed(dotted, "test"), name)
        with run.store() as store:
            store.append((metric, step, value) for metric, rows in points.items() for step, value in rows)
            store.set_state(status=status, step=max((rows[-1][0] for rows in points.values() if rows), default=0))
        return run

    return made


def same(found: float, far: float) -> None:
    """A quantile of numbers and FAR is that number, or NaN where FAR has a part in it."""
    if abs(far) > 1e6:
        assert math.isnan(found) or math.isinf(found)
    else:
        assert found == pytest.approx(far)


def test_quantiles_are_numpys_also_with_infinities() -> None:
    generator = np.random.default_rng(0)
    for size in (1, 2, 3, 5, 8, 33):
        for lost in range(min(size, 6)):
            for sign in (-1, 1):
                values = generator.normal(size=size)
                values[:lost] = sign * FAR
                infinite = np.where(np.abs(values) == FAR, sign * np.inf, values)
                column = quantiles(infinite[:, None], SHARES)[:, 0]
                for share, one in zip(SHARES, column, strict=True):
                    expected = float(np.quantile(values, share))
                    same(quantile(sorted(infinite.tolist()), share), expected)
                    same(float(one), expected)
    assert quartiles([3.0, None, math.nan, 1.0, 2.0]) == (1.5, 2.0, 2.5)
    assert quartiles([None]) is None
    assert np.isnan(quantiles(np.full((3, 1), np.nan), SHARES)).all()


STATUSES = ("finished", "stopped", "failed", "died", "running", "paused", "queued")


@pytest.mark.parametrize("direction", ["higher", "lower"])
def test_what_a_group_comes_to_counts_everybody(direction: Any) -> None:
    generator = np.random.default_rng(1)
    worst = -FAR if direction == "higher" else FAR
    for _ in range(300):
        runs: list[tuple[str, float | None]] = []
        for _ in range(generator.integers(1, 9)):
            value = generator.choice([None, math.nan, math.inf, -math.inf, 0, 1, 2, 3])
            number = None if value is None else 0.1 * value + float(generator.random())
            runs.append((str(generator.choice(STATUSES)), number))
        ended = [one for one in runs if one[0] not in ("running", "paused", "queued")]
        counted = ended or [one for one in runs if one[1] is not None]
        good = [
            value for status, value in counted
            if value is not None and math.isfinite(value) and status not in ("failed", "died")
        ]  # fmt: skip
        found = standing_of(runs, direction)
        if all(value is None for _, value in runs):
            assert found is None
            continue
        assert isinstance(found, Standing)
        assert (found.valued, found.total, found.waiting) == (len(good), len(runs), len(runs) - len(counted))
        values = [*good, *[worst] * (len(counted) - len(good))]
        for one, expected in zip(found.quartiles, np.quantile(values, SHARES), strict=True):
            same(one, float(expected))
        ended_all = found.waiting == 0
        assert found.share == (
            "" if len(good) == len(runs) else f"{len(good)} of {len(runs)}" + " so far" * (not ended_all)
        )


def test_without_a_better_direction_the_others_stand_but_the_count_says_so() -> None:
    found = standing_of([("finished", 1.0), ("finished", math.nan), ("finished", 3.0)], None)
    assert found is not None and (found.median, found.share) == (2.0, "2 of 3")


def brute(members: Sequence[Member], at: float, worst: float) -> list[float]:
    values = []
    for one in members:
        value = float(np.interp(at, one.x, one.y))
        if one.broken and at >= one.x[-1]:
            value = worst
        values.append(value if math.isfinite(value) else worst)
    return values


@pytest.mark.parametrize("direction", ["higher", "lower"])
def test_a_groups_curve_counts_everybody_and_does_not_jump_where_some_end(direction: Any) -> None:
    generator = np.random.default_rng(2)
    worst = -FAR if direction == "higher" else FAR
    members = []
    for place, status in enumerate(("finished", "finished", "stopped", "failed", "finished", "died", "stopped")):
        steps = np.sort(generator.choice(np.arange(0, 400, 10), size=30 - 3 * place, replace=False)).astype(float)
        y = generator.normal(size=steps.size)
        if place == 4:
            y[-6:] = np.nan
        members.append(Member(steps, y, status, float(y[-1])))
    found = spread(members, direction)
    begin = max(one.x[0] for one in members)
    assert found.x[0] == begin and found.x[-1] == max(one.x[-1] for one in members)
    for place, at in enumerate(found.x):
        expected = np.quantile(brute(members, at, worst), SHARES)
        for one, other in zip((found.low, found.median, found.high), expected, strict=True):
            same(float(one[place]), float(other))
    assert found.broken == 3 and found.carried == sum(
        one.x[-1] < found.x[-1] and not one.broken for one in members
    )  # fmt: skip
    # The curve ends at what the table tells of the last values.
    finals = standing_of([(one.status, one.final) for one in members], direction)
    assert finals is not None and np.array_equal([found.median[-1]], [finals.median], equal_nan=True)
    assert spread([], direction).x.size == 0
    assert spread(members, direction, most=11).x.size == 11


@pytest.mark.parametrize(
    ("statuses", "said"),
    [
        (["stopped"] * 4 + ["finished"], "4 stopped, 1 finished"), (["finished", "finished"], "finished"),
        (["failed", "died"], "1 failed, 1 died"),
    ],
)  # fmt: skip
def test_a_group_of_mixed_ends_says_how_many_ended_how(
    make: Make, tmp_path: Path, statuses: list[str], said: str
) -> None:
    points = {"accuracy": [(10, 0.5)]}
    ids = [make(f"run{place}", points, status, track__group="g").id for place, status in enumerate(statuses)]
    comparison = ComparisonReader(tmp_path / "runs", ids).read()
    assert comparison is not None
    (row,) = rows_of(comparison)
    assert row.status == said


def test_a_groups_curve_waits_for_the_running_and_for_a_stretch() -> None:
    x = np.arange(10.0)
    ended = [Member(x, x, "finished", 9.0), Member(x[:5], x[:5] + 4, "finished", 8.0)]
    going = Member(x[:3], np.full(3, 100.0), "running", 100.0)
    # One that trains does not count once others have ended; before that all end where the last is known of all.
    assert np.array_equal(spread([*ended, going], "higher").median, spread(ended, "higher").median)
    both = spread([going, Member(x[:6], x[:6], "running", 5.0)], "higher")
    assert both.x.tolist() == [0, 1, 2] and both.median.tolist() == [50, 50.5, 51]
    # Where only a stretch was read, a curve that goes on beyond it has not ended.
    cut = spread(
        [Member(x, x, "finished", 50.0, whole=False), Member(x[:7], x[:7], "finished", 60.0, whole=False)], None
    )
    assert cut.x[-1] == 6 and cut.carried == 0
    # One that ended before the stretch keeps its last value there.
    before = spread([Member(x, x, "finished", 9.0), Member(np.zeros(0), np.zeros(0), "finished", 7.0)], "higher")
    assert np.allclose(before.median, (x + 7) / 2)


def test_big_lr_is_not_better_than_small_lr(make: Make, tmp_path: Path) -> None:
    nan = math.nan
    runs = []
    for seed in range(5):
        fine = seed == 0
        points = [(s, 0.2 * s / 100 if fine or s < 300 else nan) for s in range(100, 501, 100)]
        runs.append(make(f"big{seed}", {"accuracy": points}, track__group="big", train__seed=seed, optim__lr=0.1))
    for seed in range(5):
        points = [(s, 0.18 * s / 100) for s in range(100, 501, 100)]
        runs.append(make(f"small{seed}", {"accuracy": points}, track__group="small", train__seed=seed))
    comparison = ComparisonReader(tmp_path / "runs", [run.id for run in runs]).read()
    assert comparison is not None
    rows = rows_of(comparison, best_first=True, unfolded=["group:big"])
    assert [row.name for row in rows] == ["small", "big", "big0", *[row.name for row in rows[3:]]]
    big = rows[1]
    assert big.size == "1 of 5" and math.isnan(big.final or 0) and math.isnan(big.best or 0)
    assert rows[0].size == "×5" and rows[0].final == pytest.approx(0.9)
    folded = rows_of(comparison)
    assert np.isnan(folded[0].y[-1]) and folded[0].broken == 4
    assert notes_of(folded) == ["4 without a value, ranked worst"]
    fields = ([0.1] * 5) + ([0.001] * 5)
    assert medians(fields, comparison.runs, "higher", of_best=False) == [(0.001, pytest.approx(0.9))]


def test_a_collapsed_fork_is_not_credited_with_its_parent(make: Make, tmp_path: Path) -> None:
    parent = make("parent", {"accuracy": [(100, 1.0)]})
    workspace = Workspace(tmp_path / "runs")
    fork = workspace.create("baseline", Config(), "fork", parent={"run": parent.id, "step": 100})
    with fork.store() as store:
        store.append([("accuracy", 200, 0.1)])
        store.set_state(status="finished", step=200)
    comparison = ComparisonReader(workspace.folder, [parent.id, fork.id]).read()
    assert comparison is not None
    rows = rows_of(comparison)
    assert (rows[1].best, rows[1].best_step) == (0.1, 200)
    # Points of a percentage, not percent of a percent.
    assert rows[1].best_difference == pytest.approx(-90)
    assert [run.best for run in comparison.runs] == [(100, 1.0), (200, 0.1)]


@pytest.mark.parametrize(
    ("metric", "points"),
    [
        ("accuracy", 100), ("train_accuracy", 100), ("accuracy_by_token", 100), ("f1", 100), ("recall", 100),
        ("unknown_share", 100), ("cpu_percent", 1), ("acc (%)", 1), ("loss", None), ("mae", None), ("lr", None),
    ],
)  # fmt: skip
def test_differences_of_shares_are_points(metric: str, points: float | None) -> None:
    assert points_per_unit(metric) == points


def test_runs_of_different_tasks_are_said_and_not_averaged(make: Make, tmp_path: Path) -> None:
    curve = [(100, 0.5), (200, 0.75)]
    runs = [
        make("sums", {"accuracy": curve}, track__group="mixed"),
        make("tags", {"accuracy": curve}, track__group="mixed", task__name="tagging"),
        make("alone", {"accuracy": curve}),
    ]
    comparison = ComparisonReader(tmp_path / "runs", [run.id for run in runs]).read()
    assert comparison is not None
    rows = rows_of(comparison, baseline=runs[2].id)
    assert [(row.kind, row.name) for row in rows] == [
        ("group", "mixed"), ("member", "sums"), ("member", "tags"), ("run", "alone"),
    ]  # fmt: skip
    assert rows[0].final is None and rows[0].size == "×2 mixed" and not rows[0].drawn
    assert rows[1].final_difference == 0 and rows[2].final_difference is None
    # A group without numbers is nothing to compare with.
    assert [row.name for row in rows_of(comparison) if row.baseline] == ["sums"]
    with redirect_stdout(io.StringIO()) as out:
        assert cli.main(["compare", "mixed", "alone", "--groups", "--json", "--workspace", str(tmp_path / "runs")]) == 0
    told = [json.loads(line) for line in out.getvalue().splitlines()]
    assert [line["final"] for line in told] == [None, 0.75, 0.75, 0.75] and told[0]["tasks"][1] == "tagging"
    assert notes_of(rows) == [f"different tasks, not comparable: {comparison.runs[0].task}, tagging"]

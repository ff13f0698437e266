"""A series with times: rows in no order, times that come again, times that are left out, a test from a date on, and the
forecast of the season before."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from seqsum.config import Config
from seqsum.errors import ConfigError, UserError
from seqsum.query.answering import Answerer
from seqsum.runs import Workspace
from seqsum.tasks.forecast import Forecast, ForecastConfig
from seqsum.tasks.series import Series, SeriesSource, read_series
from seqsum.training.trainer import Trainer

Read = Callable[..., Series]
DAYS = [date(2024, 1, 1) + timedelta(days=n) for n in range(400)]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """A series of rows (time, value), as a file has them."""

    def read(rows: list[tuple[Any, Any]], **how: Any) -> Series:
        path = tmp_path / "series.csv"
        path.write_text("date,value\n" + "".join(f"{when},{value}\n" for when, value in rows))
        return read_series(SeriesSource(str(path), "value", **how))

    return read


def told(series: Series) -> str:
    return "\n".join(series.notes)


def test_rows_in_no_order_are_refused_or_sorted(read: Read) -> None:
    draw = np.random.default_rng(0)
    values, mixed = draw.normal(size=40).round(4), draw.permutation(40)
    rows = [(DAYS[place], values[place]) for place in mixed.tolist()]
    with pytest.raises(UserError, match=r"not in the order of \"date\"; .*set task\.order to sort"):
        read(rows)
    series = read(rows, order="sort")
    assert np.array_equal(series.values, values)
    assert 'the rows were not in the order of "date"; they were sorted by it' in told(series)
    assert series.moments is not None and (np.diff(series.moments.at) == 86_400).all()


@pytest.mark.parametrize("backwards", [False, True])
def test_a_time_that_comes_again_has_one_value_as_is_said(backwards: bool, read: Read) -> None:
    times = [0, 1, 1, 2, 3, 3, 3, 4]
    values = [1.0, 2.0, 4.0, 5.0, 6.0, 7.0, 11.0, 9.0]
    rows = [(DAYS[time], value) for time, value in zip(times, values, strict=True)]
    rows = rows[::-1] if backwards else rows
    by_time: dict[date, list[float]] = {}
    for when, value in rows:
        by_time.setdefault(when, []).append(value)
    lists = [by_time[when] for when in sorted(by_time)]
    assert len(read(rows).values) == 8 and "each is read as a step of its own" in told(read(rows))
    for repeated, of in (("first", lambda own: own[0]), ("last", lambda own: own[-1]), ("mean", np.mean)):
        series = read(rows, repeated=repeated)
        assert series.values == pytest.approx([of(own) for own in lists])
        assert "3 rows with the time of another" in told(series) and "step of its own" not in told(series)
    with pytest.raises(
        UserError, match=r"line \d: it has the time of line \d .*set task\.repeated to first, last or mean"
    ):
        read(rows, repeated="refuse")


def test_times_that_are_left_out_are_filled_as_is_said(read: Read) -> None:
    kept = [0, 1, 2, 5, 6, 7, 9, 10]
    values = [float(n * n) for n in kept]
    rows = [(DAYS[n], value) for n, value in zip(kept, values, strict=True)]
    assert len(read(rows).values) == 8 and "read as if they were evenly spaced" in told(read(rows))
    filled = read(rows, gaps="forward_fill")
    assert filled.values.tolist() == [0, 1, 4, 4, 4, 25, 36, 49, 49, 81, 100]
    line = read(rows, gaps="interpolate")
    assert line.values == pytest.approx(np.interp(range(11), kept, values))
    masked = read(rows, gaps="mask")
    assert masked.masked is not None and np.flatnonzero(masked.masked).tolist() == [3, 4, 8]
    for series in (filled, line, masked):
        assert series.moments is not None and (np.diff(series.moments.at) == 86_400).all()
        assert '3 times in 2 gaps of "date" (the first between lines 4 and 5)' in told(series)
    with pytest.raises(
        UserError, match=r"lines 4 and 5: 2 of the times of \"date\" are left out between them, and 2 gaps"
    ):
        read(rows, gaps="refuse")


def test_months_have_gaps_of_months(read: Read) -> None:
    rows = [(f"2023-{month:02d}-01", month) for month in (1, 2, 3, 4, 6, 7, 8, 12)]
    assert read(rows, gaps="interpolate").values.tolist() == [float(month) for month in range(1, 13)]


@pytest.mark.parametrize("how", ["forward_fill", "interpolate"])
@pytest.mark.parametrize("empty", [1, 3])
def test_values_that_are_filled_at_the_end_are_told(how: str, empty: int, read: Read) -> None:
    lacking = {4, *range(10 - empty, 10)}
    rows = [(DAYS[n], "" if n in lacking else n * 10) for n in range(10)]
    said = "the last value of" if empty == 1 else f"the last {empty} values of"
    assert f"{said} " in told(read(rows, missing=how)) and "leave" in told(read(rows, missing=how))
    backwards = told(read(rows[::-1], missing=how))
    assert f"{said} " in backwards
    for other in (read(rows, missing="mask"), read(rows[: 10 - empty], missing=how)):
        assert "filled" not in told(other)


@pytest.mark.parametrize(
    ("empty", "backwards", "says"),
    [
        (1, False, "the last row has no value; leave it out$"),
        (3, True, "the last 3 rows have no value; leave them out$"),
    ],
)
def test_where_the_last_rows_have_no_value_it_is_said(empty: int, backwards: bool, says: str, read: Read) -> None:
    rows = [(DAYS[n], "" if n >= 10 - empty else n * 10) for n in range(10)]
    with pytest.raises(UserError, match=rf'column ".*": the cell is empty: {says}'):
        read(rows[::-1] if backwards else rows)
    with pytest.raises(UserError, match=r"fill in what is missing, or set task\.missing"):
        read([*rows, (DAYS[10], 4)])


def test_a_missing_value_is_drawn_between_its_neighbours_or_masked(read: Read) -> None:
    rows = [(DAYS[n], "" if n in (0, 3, 4, 9) else n * 10) for n in range(10)]
    line = read(rows, missing="interpolate")
    assert line.values.tolist() == [10, 20, 30, 40, 50, 60, 70, 80, 80]
    assert "3 missing values (lines 5, 6, 11) read as on the line between their neighbours" in told(line)
    masked = read(rows, missing="mask")
    assert masked.masked is not None and np.flatnonzero(masked.masked).tolist() == [2, 3, 8]


@pytest.mark.parametrize(
    ("rows", "how", "says"),
    [
        ([*((DAYS[n], n) for n in range(9)), ("9999-01-01", 3)], {"gaps": "forward_fill"}, "more than the file has"),
        (
            [("a", 1), ("b", 2), ("c", 3)],
            {"gaps": "mask"},
            r"task\.gaps: .* no column of times that is found by itself",
        ),
        ([("a", 1), ("b", 2), ("c", 3)], {"order": "sort"}, r"task\.order: .*name it with task\.time_column"),
        (
            [("a", 1), ("b", 2)],
            {"time_column": "date"},
            r"task\.time_column: .*\"date\" holds no times that can be read",
        ),
        (
            [(DAYS[0], 1), (DAYS[1], 2)],
            {"time_column": "when"},
            r"task\.time_column: series\.csv has no column \"when\"",
        ),
        ([(DAYS[0], 1), (DAYS[1], 2)], {"time_column": "value"}, "is the column of the values; name another"),
        (
            [(DAYS[0], 1), ("", 2), (DAYS[2], 3)],
            {"gaps": "mask"},
            "line 3, column .date.: there is no time in this row",
        ),
        ([(DAYS[n * n], n) for n in range(9)], {"gaps": "interpolate"}, "have no usual step"),
    ],
)
def test_what_cant_be_put_right_is_refused(
    rows: list[tuple[Any, Any]], how: dict[str, Any], says: str, read: Read
) -> None:
    with pytest.raises(UserError, match=says):
        read(rows, **how)


def test_a_chosen_column_of_numbers_says_when(read: Read) -> None:
    rows = [(number, number * 2) for number in (30, 10, 50, 20)]
    series = read(rows, time_column="date", order="sort", gaps="interpolate")
    assert series.values.tolist() == [20, 40, 60, 80, 100]


def task_on(folder: Path, rows: list[tuple[Any, Any]], **settings: Any) -> Forecast:
    path = folder / "series.csv"
    path.write_text("date,value\n" + "".join(f"{when},{value}\n" for when, value in rows))
    return Forecast(ForecastConfig(file=str(path), column="value", **settings))


def test_no_window_holds_a_masked_value(tmp_path: Path) -> None:
    kept = [n for n in range(120) if n not in (20, 21, 60, 100)]
    task = task_on(tmp_path, [(DAYS[n], n) for n in kept], window=5, horizon=2, gaps="mask", held_out_share=0.25)
    facts = task.data_facts()
    batches = task.batches(0, 0, 1, round(task.steps_per_epoch(1)))
    pieces = (
        np.concatenate([batches.inputs[0, :, :, 0], batches.targets[0]], axis=1) * facts["deviation"] + facts["mean"]
    )
    expected = [n for n in range(90 - 5) if not {*range(n, n + 6)} & {20, 21, 60}]
    assert sorted(pieces.round(3).tolist()) == [list(map(float, range(n, n + 6))) for n in expected]
    (asked,) = task.held_out()
    ends = (asked.targets[:, 0] * facts["deviation"] + facts["mean"]).round(3).tolist()
    assert ends == [float(n) for n in range(90, 120) if not {*range(n - 5, n + 1)} & {100}]
    assert any(f"{85 - len(expected)} training windows left out" in note for note in task.notes)


def test_the_test_begins_at_a_time(tmp_path: Path) -> None:
    rows = [(DAYS[n], math.sin(n)) for n in range(200)]
    task = task_on(tmp_path, rows, window=6, tested_from=str(DAYS[170]), held_out_share=0.1)
    (validation,), (test,) = task.held_out(), task.of_test().held_out()
    assert (len(validation.targets), len(test.targets)) == (20, 30)
    facts = task.data_facts()
    assert float(test.targets[0, 0]) * facts["deviation"] + facts["mean"] == pytest.approx(math.sin(170), abs=1e-5)
    with pytest.raises(UserError, match=r"task\.tested_from: \"soon\" is no time of column \"date\""):
        task_on(tmp_path, rows, window=6, tested_from="soon")
    with pytest.raises(UserError, match=r"task\.tested_from: \"01/02/2024\" is no time .* or can be two"):
        task_on(tmp_path, rows, window=6, tested_from="01/02/2024")
    with pytest.raises(UserError, match=r"no value of .value. is of .2030-01-01. or later"):
        task_on(tmp_path, rows, window=6, tested_from="2030-01-01")
    years = Forecast(ForecastConfig(tested_from="2000"))
    assert len(next(years.of_test().held_out()).targets) == 9
    with pytest.raises(ConfigError, match=r"task\.test_share: must be 0 beside task\.tested_from"):
        Config.parse({"task": {"name": "forecast", "tested_from": "2000", "test_share": 0.1}}, "test")


@pytest.mark.parametrize(("season", "horizon"), [(7, 3), (3, 8), (12, 12)])
def test_the_seasonal_naive_forecast_is_the_newest_value_whole_seasons_before(
    season: int, horizon: int, tmp_path: Path
) -> None:
    values = np.random.default_rng(5).normal(size=150).round(5)
    rows = list(zip(DAYS, values.tolist(), strict=False))
    task = task_on(tmp_path, rows, window=5, horizon=horizon, season=season)
    (asked,), ahead = task.held_out(), task.forecasts()
    assert ahead is not None
    one = np.abs([values[n] - values[n - season] for n in range(120, 150)]).mean()
    many = []
    for first in range(120, 151 - horizon):
        for step in range(horizon):
            place = first + step - season
            while place >= first:
                place -= season
            many.append(abs(values[first + step] - values[place]))
    metrics = task.held_out_metrics([asked.inputs[:, -1]])
    assert metrics["mae_seasonal_naive"] == pytest.approx(one, rel=1e-5)
    assert task.forecast_metrics(ahead.targets)["horizon_mae_seasonal_naive"] == pytest.approx(np.mean(many), rel=1e-5)
    without = task_on(tmp_path, rows, window=5, horizon=horizon)
    assert "mae_seasonal_naive" not in without.held_out_metrics([asked.inputs[:, -1]])
    with pytest.raises(UserError, match=r"task\.season: must be at most the 120 training values, got 121"):
        task_on(tmp_path, rows, window=5, season=121)


def test_a_forecast_stands_beside_the_season_before(tmp_path: Path) -> None:
    values = np.random.default_rng(6).normal(size=120).round(5)
    task = task_on(tmp_path, list(zip(DAYS, values.tolist(), strict=False)), window=8, horizon=10, season=4)
    config = Config.parse(
        {"task": task.config.model_dump(), "model": {"hidden_size": 4}, "train": {"steps": 2}}, "test"
    )
    run, trainer = Workspace(tmp_path / "runs").create("test", config), Trainer(config)
    trainer.run_chunk()
    trainer.save(run.checkpoints)
    found = Answerer(run).ask("forecast", offset=10)[1]["answer"]
    before = values[106:110].tolist()
    assert found["seasonal_naive"] == pytest.approx((before * 3)[:10], abs=1e-4)
    horizon = found["error_by_horizon"]
    assert len(horizon["seasonal_naive"]) == 10
    first = np.abs(values[96:111] - values[92:107]).mean()
    assert horizon["seasonal_naive"][0] == pytest.approx(first, rel=1e-4)

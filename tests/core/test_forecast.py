"""Forecasting: windows and splits against plain loops, and the network against the rivals it must be compared with."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from seqsum.config import Config, resolved
from seqsum.errors import ConfigError, UserError
from seqsum.evaluation.evaluate import evaluate
from seqsum.models.generation import forecast
from seqsum.presets import load_preset
from seqsum.registry import make_task
from seqsum.tasks.forecast import Forecast, ForecastConfig
from seqsum.tasks.series import SeriesSource, read_series
from seqsum.training.trainer import Trainer


def written(folder: Path, values: Any, name: str = "series.csv") -> str:
    path = folder / name
    path.write_text("time,value\n" + "".join(f"{time},{float(value)!r}\n" for time, value in enumerate(values)))
    return str(path)


def task_of(file: str | None, **settings: Any) -> Forecast:
    return Forecast(ForecastConfig(file=file, **settings))


def test_the_shipped_series_is_that_of_the_sunspots() -> None:
    series = read_series(SeriesSource())
    assert series.name == "sunspots"
    assert len(series.values) == 2008 - 1700 + 1
    # Known facts: the Maunder minimum ends with 5, the highest yearly mean is 190.2 in 1957, 2008 has 2.9.
    assert series.values[0] == 5
    assert series.values.max() == series.values[1957 - 1700] == 190.2
    assert series.values[-1] == 2.9
    assert np.array_equal(read_series(SeriesSource(column="year")).values, np.arange(1700, 2009))


MONTHS = [f"{1999 + at // 12}-{at % 12 + 1:02d}" for at in range(40)]
DAYS = [f"2020-{at // 28 + 1:02d}-{at % 28 + 1:02d}" for at in range(28)]


@pytest.mark.parametrize(
    ("name", "cells", "following"),
    [
        ("year", [str(1960 + at) for at in range(40)], [2000.0, 2001.0, 2002.0]),
        ("month", MONTHS, ["2002-05-01", "2002-06-01", "2002-07-01"]),
        ("when", DAYS, ["2020-01-29", "2020-01-30", "2020-01-31"]),
        ("when", [f"{day} 12:00" for day in DAYS], ["2020-01-29T12:00", "2020-01-30T12:00", "2020-01-31T12:00"]),
        ("day", DAYS[::-1], ["2020-01-29", "2020-01-30", "2020-01-31"]),
        ("place", [("a", "b", "c")[at % 3] for at in range(40)], None),
    ],
)
def test_a_forecast_knows_when_its_values_are(tmp_path: Path, name: str, cells: list[str], following: Any) -> None:
    def seconds(text: str) -> float:
        return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()

    file = tmp_path / "series.csv"
    file.write_text(f"{name},value\n" + "".join(f"{cell},{at * at % 17}\n" for at, cell in enumerate(cells)))
    task = task_of(str(file), window=4, horizon=3)
    found = task.moments(0, 3)
    if following is None:
        assert found is None
        return
    assert found is not None and found[0] == name
    if name == "year":
        assert found[1] == "" and found[2] == [1996.0, 1997.0, 1998.0, 1999.0, *following]
        assert task.moments(2, 3) == ("year", "", [1994.0, 1995.0, 1996.0, 1997.0, 1998.0, 1999.0, 2000.0])
    else:
        first = (cells if cells[0] < cells[-1] else cells[::-1])[-4:]
        full = [f"{cell}-01" if name == "month" else cell for cell in first]
        assert found[1] == ("month" if name == "month" else "second") and found[2] == [
            *map(seconds, full),
            *map(seconds, following),
        ]


def test_windows_and_split_are_those_of_a_plain_loop(tmp_path: Path) -> None:
    values = np.random.default_rng(0).normal(50, 20, size=40)
    task = task_of(written(tmp_path, values), window=5, held_out_share=0.25, horizon=3)
    training, mean, deviation = values[:30], values[:30].mean(), values[:30].std()
    scaled = (values - mean) / deviation
    expected = {tuple(np.round(scaled[at - 5 : at + 1], 4)) for at in range(5, 30)}
    assert task.steps_per_epoch(1) == len(expected) == len(training) - 5
    batches = task.batches(3, 0, 1, 25)
    assert batches.inputs.shape == (1, 25, 5, 1)
    assert batches.targets.shape == (1, 25, 1)
    assert batches.inputs.dtype == batches.targets.dtype == np.float32
    rows = np.concatenate([batches.inputs[0, :, :, 0], batches.targets[0]], axis=1)
    assert {tuple(np.round(row.astype(float), 4)) for row in rows} == expected

    held_out = next(task.held_out())
    for place, at in enumerate(range(30, 40)):
        np.testing.assert_allclose(held_out.inputs[place, :, 0], scaled[at - 5 : at], rtol=1e-5)
        np.testing.assert_allclose(held_out.targets[place], scaled[at : at + 1], rtol=1e-5)
    assert len(held_out.inputs) == 10

    ahead = task.forecasts()
    assert ahead is not None
    for place, at in enumerate(range(30, 38)):
        np.testing.assert_allclose(ahead.inputs[place, :, 0], scaled[at - 5 : at], rtol=1e-5)
        np.testing.assert_allclose(ahead.targets[place], scaled[at : at + 3], rtol=1e-5)
    assert len(ahead.inputs) == 8


def test_held_out_values_never_touch_what_training_sees(tmp_path: Path) -> None:
    values = np.random.default_rng(1).normal(size=60)
    changed = np.concatenate([values[:48], values[48:] * 100 + 7])
    one = task_of(written(tmp_path, values, "one.csv"), window=6)
    two = task_of(written(tmp_path, changed, "two.csv"), window=6)
    mine, theirs = one.batches(0, 0, 20, 8), two.batches(0, 0, 20, 8)
    assert np.array_equal(mine.inputs, theirs.inputs)
    assert np.array_equal(mine.targets, theirs.targets)


def test_metrics_are_in_the_datas_own_units(tmp_path: Path) -> None:
    values = 1000 + np.random.default_rng(2).normal(0, 30, size=50)
    task = task_of(written(tmp_path, values), window=4, horizon=2)
    said = np.random.default_rng(3).normal(size=(10, 1)).astype(np.float32)
    truth = values[40:]
    in_units = said[:, 0].astype(float) * values[:40].std() + values[:40].mean()
    metrics = task.held_out_metrics([said[:7], said[7:]])
    assert metrics["mae"] == pytest.approx(np.abs(in_units - truth).mean(), rel=1e-4)
    assert metrics["rmse"] == pytest.approx(np.sqrt(((in_units - truth) ** 2).mean()), rel=1e-4)
    assert metrics["mae_same_as_last"] == pytest.approx(np.abs(values[39:49] - truth).mean(), rel=1e-4)
    two = np.zeros((9, 2), dtype=np.float32)
    pairs = np.array([values[at : at + 2] for at in range(40, 49)])
    ahead = task.forecast_metrics(two)
    assert ahead["horizon_mae"] == pytest.approx(np.abs(pairs - values[:40].mean()).mean(), rel=1e-4)
    last = values[39:48, None]
    assert ahead["horizon_mae_same_as_last"] == pytest.approx(np.abs(pairs - last).mean(), rel=1e-4)


def test_batches_do_not_depend_on_how_they_are_cut() -> None:
    task = task_of(None)
    whole = task.batches(7, 0, 30, 16)
    parts = [task.batches(7, first, 5, 16) for first in range(0, 30, 5)]
    assert np.array_equal(whole.inputs, np.concatenate([part.inputs for part in parts]))
    assert np.array_equal(whole.targets, np.concatenate([part.targets for part in parts]))


def test_a_forecast_feeds_each_value_back(tmp_path: Path) -> None:
    trainer = Trainer(load_preset("sunspots_lstm").config.changed({"train.steps": "1"}, "test"))
    windows = torch.randn(3, 6, 1)
    with torch.no_grad():
        made = forecast(trainer.model, windows, 4)
    assert made.shape == (3, 4)
    for row in range(3):
        seen = windows[row, :, 0].tolist()
        for step in range(4):
            window = torch.tensor(seen[-6:]).reshape(1, 6, 1)
            value = trainer.model(window, torch.tensor([6])).item()
            assert made[row, step] == pytest.approx(value, abs=1e-5)
            seen.append(value)


def test_the_lstm_beats_same_as_last_and_stands_beside_ar9() -> None:
    config = load_preset("sunspots_lstm").config.changed({"train.steps": "200", "train.evaluate_every": "200"}, "test")
    network = Trainer(config)
    while not network.done:
        network.run_chunk()
    lstm = evaluate(network.model, network.task).metrics
    rival = Trainer(load_preset("sunspots_ar").config)
    rival.run_chunk()
    ar = evaluate(rival.model, rival.task).metrics
    assert lstm["mae_same_as_last"] == ar["mae_same_as_last"]
    assert lstm["mae"] < 0.75 * lstm["mae_same_as_last"]
    assert lstm["horizon_mae"] < 0.6 * lstm["horizon_mae_same_as_last"]
    # The rival is strong: a third of the steps brings the network near it, and no further is claimed.
    assert lstm["mae"] < 1.25 * ar["mae"]
    assert ar["mae"] == pytest.approx(15.15, abs=0.01)


def test_what_a_person_types() -> None:
    task = task_of(None, window=4)
    values = read_series(SeriesSource()).values
    assert task.echo(task.parse("")) == values[-4:].tolist()
    typed = task.parse("10 20, 30;40.5")
    assert typed.shape == (4, 1)
    assert task.echo(typed) == [10, 20, 30, 40.5]
    assert task.echo(task.parse("1 2 3 4 5 6")) == [3, 4, 5, 6]
    mean = pytest.approx(values[: round(309 * 0.8)].mean())
    assert task.echo(task.parse("7 8")) == [mean, mean, 7, 8]
    assert task.continues(typed) == 11
    assert task.read_answer(typed, typed[:, 0]) == [10, 20, 30, 40.5]
    assert task.render([1.5, 200.0]) == "1.5 200"


@pytest.mark.parametrize("text", ["1 two 3", "nan", "1e999", "1e300", "\x1b[2J", "1_0", "x" * 100_000])
def test_what_is_no_number_is_refused_with_its_place(text: str) -> None:
    with pytest.raises(UserError, match="input: ") as caught:
        task_of(None).parse(text)
    assert len(str(caught.value)) < 400
    assert "\x1b" not in str(caught.value)


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ([5.0], "has 1 value, 0 of them for training, and a window of 24 needs at least 25"),
        ([1.0, 2.0] * 10, "use a shorter window or a longer series"),
        ([5.0] * 100, "are all 5; there is nothing to learn from a constant series"),
        ([5.0] * 80 + [6.0] * 20, "are all 5"),
        ([1e308, -1e308] * 50, "too large to compute with"),
    ],
)
def test_series_that_cant_be_learned_are_refused(values: list[float], says: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=says):
        task_of(written(tmp_path, values))


def test_a_wild_held_out_value_is_refused(tmp_path: Path) -> None:
    task = task_of(written(tmp_path, [1.0, 2.0, 3.0] * 30 + [1e300]), window=4)
    with pytest.raises(UserError, match="too far from the training values"):
        next(task.held_out())


def test_a_file_is_found_from_every_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written(tmp_path, range(100))
    monkeypatch.chdir(tmp_path)
    config = Config.parse({"task": {"name": "forecast", "file": "series.csv"}}, "test")
    monkeypatch.chdir("/")
    assert make_task(config.task).data_facts()["column"] == "value"


def test_a_file_written_anew_is_read_anew(tmp_path: Path) -> None:
    file = written(tmp_path, range(100))
    assert task_of(file).data_facts()["last"][-1] == 99
    written(tmp_path, range(200))
    assert task_of(file).data_facts()["last"][-1] == 199


def test_a_checkpoint_answers_when_the_file_is_gone_and_refuses_other_data(tmp_path: Path) -> None:
    file = written(tmp_path, np.sin(np.arange(100)))
    before = task_of(file)
    facts = before.data_facts()
    written(tmp_path, np.cos(np.arange(100)))
    changed = Forecast.restored(before.config, facts)
    with pytest.raises(UserError, match="are not what they were when the run began"):
        changed.batches(0, 0, 1, 1)
    Path(file).unlink()
    after = Forecast.restored(before.config, facts)
    assert np.array_equal(after.parse("0.5 0.25"), before.parse("0.5 0.25"))
    assert after.echo(after.parse("")) == before.echo(before.parse(""))
    assert after.input_hint == before.input_hint
    with pytest.raises(UserError, match="there is no file"):
        next(after.held_out())


def test_epochs_are_counted_and_lengths_refused() -> None:
    config = Config.parse({"task": {"name": "forecast"}, "train": {"epochs": 2, "batch_size": 10}}, "test")
    made, task = resolved(config, "test")
    assert made.train.steps == -(-2 * (247 - 24) // 10)
    with pytest.raises(UserError, match="leave the lengths out"):
        next(task.held_out(2, 10))
    with pytest.raises(ConfigError, match="encoder_decoder"):
        Config.parse({"task": {"name": "forecast"}, "model": {"name": "encoder_decoder"}}, "test")

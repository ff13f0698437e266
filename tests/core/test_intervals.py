"""Intervals of a forecast: the quantile loss by its definition, the quantiles it leads to, and how often they hold."""

from __future__ import annotations

import math
import re
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from seqsum.config import Config
from seqsum.errors import ConfigError
from seqsum.models import generation
from seqsum.models.base import SequenceModel, make_model
from seqsum.models.loss import loss_of, quantile_loss
from seqsum.query.answering import Answerer
from seqsum.runs import Workspace
from seqsum.runs.checkpoint_files import folder_of
from seqsum.tasks.forecast import Forecast
from seqsum.training import checkpoint
from seqsum.training.trainer import Trainer
from support.command_line import call

LEVELS = (0.5, 0.1, 0.9)


def test_the_quantile_loss_is_that_of_its_definition() -> None:
    draw = np.random.default_rng(0)
    values, targets = draw.normal(size=(20, 3)), draw.normal(size=(20, 1))
    expected = [
        sum(q * (y - v) if y >= v else (1 - q) * (v - y) for q, v in zip(LEVELS, row, strict=True)) / 3
        for row, (y,) in zip(values.tolist(), targets.tolist(), strict=True)
    ]
    found = quantile_loss(torch.from_numpy(values), torch.from_numpy(targets), LEVELS)
    assert found[:, 0].tolist() == pytest.approx(expected)
    mean = loss_of(torch.from_numpy(values), torch.from_numpy(targets), quantiles=LEVELS)
    assert float(mean) == pytest.approx(np.mean(expected))


def test_what_makes_it_least_are_the_quantiles() -> None:
    numbers = torch.from_numpy(np.random.default_rng(1).gamma(2.0, size=(1001, 1)))
    values = torch.zeros(1, 3, dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.Adam([values], lr=0.05)
    for step in range(1500):
        optimizer.param_groups[0]["lr"] = 0.05 * (1 - step / 1500)
        optimizer.zero_grad()
        quantile_loss(values.expand(len(numbers), -1), numbers, LEVELS).mean().backward()
        optimizer.step()
    assert values[0].tolist() == pytest.approx(np.quantile(numbers.numpy(), LEVELS), abs=0.02)


def config_of(folder: Path, **task: Any) -> Config:
    """A series of noise, whose quantiles are known: no network can foretell more of it."""
    path = folder / "noise.csv"
    values = np.random.default_rng(2).normal(10.0, 2.0, size=2000).round(6)
    days = [date(2000, 1, 1) + timedelta(days=n) for n in range(len(values))]
    path.write_text(
        "day,value\n" + "".join(f"{day},{value}\n" for day, value in zip(days, values.tolist(), strict=True))
    )
    return Config.parse(
        {
            "task": {"name": "forecast", "file": str(path), "window": 4, "horizon": 3, "interval": 0.8, **task},
            "model": {"name": "feed_forward", "hidden_size": 8},
            "optim": {"lr": 0.01},
            "schedule": {"name": "linear", "min_lr": 0.0},
            "train": {"steps": 800, "batch_size": 64, "evaluate_every": 800},
        },
        "test",
    )


def test_an_interval_holds_as_much_as_it_is_to_hold(tmp_path: Path) -> None:
    config = config_of(tmp_path)
    run, trainer = Workspace(tmp_path / "runs").create("test", config), Trainer(config)
    while not trainer.done:
        trainer.run_chunk()
    _, _, points = trainer.evaluate()
    metrics = {name: value for name, _, value in points}
    assert metrics["coverage_share"] == pytest.approx(0.8, abs=0.06)
    assert metrics["interval_width"] == pytest.approx(2 * 1.2816 * 2.0, rel=0.15)
    trainer.save(run.checkpoints)

    # By hand, from the weights: every held-out value, and whether it lies between the outer two of three.
    task = Forecast(config.task)  # type: ignore[arg-type]
    model = make_model(task, config.model, 0)
    model.load_state_dict(checkpoint.load(folder_of(run.checkpoints, 800)).model)
    (asked,) = task.held_out()
    with torch.inference_mode():
        said = model.eval()(torch.from_numpy(asked.inputs), torch.from_numpy(asked.lengths)).numpy()
    truth = asked.targets[:, 0]
    held = [
        min(low, high) <= y <= max(low, high) for (_, low, high), y in zip(said.tolist(), truth.tolist(), strict=True)
    ]
    assert metrics["coverage_share"] == pytest.approx(np.mean(held))
    deviation = task.data_facts()["deviation"]
    assert metrics["mae"] == pytest.approx(np.abs(said[:, 0] - truth).mean() * deviation, rel=1e-5)
    loss = np.mean(
        [
            max(q * (y - v), (q - 1) * (y - v))
            for row, y in zip(said, truth, strict=True)
            for q, v in zip(LEVELS, row, strict=True)
        ]
    )
    assert metrics["eval_loss"] == pytest.approx(loss, rel=1e-5)

    found = Answerer(run).ask("forecast", offset=5)[1]["answer"]
    interval = found["interval"]
    assert interval["share"] == 0.8 and len(interval["low"]) == len(found["forecast"]) == 3
    for low, middle, high in zip(interval["low"], found["forecast"], interval["high"], strict=True):
        assert low < middle < high and high - low == pytest.approx(metrics["interval_width"], rel=0.3)
    coverage = found["error_by_horizon"]["coverage"]
    assert len(coverage) == 3 and all(share == pytest.approx(0.8, abs=0.08) for share in coverage)
    predicted = Answerer(run).ask("predict", input="10 11 9 12")[1]["answer"]
    again = Answerer(run).ask("forecast", input="10 11 9 12")[1]["answer"]
    assert predicted["prediction"] == again["forecast"] and predicted["interval"] == again["interval"]
    (line,) = call("predict", run.id, "10 11 9 12", "--workspace", str(tmp_path / "runs"))[1].splitlines()
    told = [(float(low), float(high)) for low, high in re.findall(r"([\d.]+) to ([\d.]+)", line)]
    ends = list(zip(predicted["interval"]["low"], predicted["interval"]["high"], strict=True))
    assert "(80% within " in line and np.allclose(told, ends, rtol=1e-3)
    inspected = Answerer(run).ask("inspect", input="10 11 9 12")[1]["answer"]
    assert inspected["prediction"] and math.isfinite(found["error_by_horizon"]["model"][0])


class RandomWalk(SequenceModel):
    """Knows a random walk with normal steps of deviation 2: the next value is the last one, and its 80% interval."""

    def forward(self, inputs: torch.Tensor, lengths: torch.Tensor, targets: torch.Tensor | None = None) -> torch.Tensor:
        return inputs[:, -1, :1] + 2 * 1.2815515655446004 * torch.tensor([[0.0, -1.0, 1.0]])


def test_further_ahead_an_interval_is_as_wide_as_what_may_have_come_meanwhile(monkeypatch: Any) -> None:
    monkeypatch.setattr(generation, "PATHS", 20_000)
    low, high = generation.interval_forecast(RandomWalk(), torch.tensor([[[1.0], [5.0]]] * 2), 9, 0.8)[0].T
    # The deviation of a sum of n steps is that of one by the square root of n.
    expected = 2 * 1.2815515655446004 * np.sqrt(np.arange(1, 10))
    assert high - 5 == pytest.approx(expected, rel=0.05) and 5 - low == pytest.approx(expected, rel=0.05)
    assert (high[0], low[0]) == pytest.approx((5 + expected[0], 5 - expected[0]))
    again = generation.interval_forecast(RandomWalk(), torch.tensor([[[1.0], [5.0]]] * 2), 9, 0.8)[0].T
    assert np.array_equal(again, [low, high])


def test_without_an_interval_nothing_is_another(tmp_path: Path) -> None:
    config = config_of(tmp_path, interval=None).changed({"train.steps": 5}, "test")
    trainer = Trainer(config)
    assert trainer.task.quantiles == () and trainer.task.classes == 1
    while not trainer.done:
        trainer.run_chunk()
    names = {name for name, _, _ in trainer.evaluate()[2]}
    assert not names & {"coverage_share", "interval_width"}


def test_an_interval_that_makes_no_sense_is_refused(tmp_path: Path) -> None:
    for wrong in (0, 1, 1.5):
        with pytest.raises(ConfigError, match=r"task\.interval: must be (above 0|below 1)"):
            Config.parse({"task": {"name": "forecast", "interval": wrong}}, "test")
    config = config_of(tmp_path)
    with pytest.raises(ConfigError, match=r"task\.interval: must be off with autoregressive"):
        Trainer(Config.parse({**config.plain(), "model": {"name": "autoregressive", "order": 2}}, "test"))

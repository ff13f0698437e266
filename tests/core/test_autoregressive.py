"""AR(p) against numpy's least squares and a process whose coefficients are known."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from seqsum.config import Config
from seqsum.errors import ConfigError, UserError
from seqsum.models.autoregressive import AutoregressiveModel
from seqsum.presets import load_preset
from seqsum.tasks.series import SeriesSource, read_series
from seqsum.training import checkpoint
from seqsum.training.trainer import Trainer


def fitted(file: str | None, order: int, window: int, **train: Any) -> Trainer:
    config = Config.parse(
        {
            "task": {"name": "forecast", "file": file, "window": window},
            "model": {"name": "autoregressive", "order": order},
            "train": {"steps": 1, **train},
        },
        "test",
    )
    trainer = Trainer(config)
    while not trainer.done:
        trainer.run_chunk()
    assert trainer.failure is None
    return trainer


def test_the_fit_is_numpys_least_squares_on_the_training_years() -> None:
    order, window = 9, 24
    trainer = fitted(None, order, window, dtype="float64")
    assert trainer.backend.name == "least_squares"
    values = read_series(SeriesSource()).values
    training = values[: len(values) - round(0.2 * len(values))]
    scaled = (training - training.mean()) / training.std()
    rows = [[1.0, *scaled[at - order : at][::-1]] for at in range(window, len(scaled))]
    expected, *_ = np.linalg.lstsq(np.array(rows), scaled[window:], rcond=None)
    assert isinstance(trainer.model, AutoregressiveModel)
    # The task gives float32 values, so six digits are what can agree.
    np.testing.assert_allclose(trainer.model.weights().detach().numpy(), expected, rtol=2e-5, atol=2e-6)


def test_no_other_weights_have_a_smaller_error() -> None:
    trainer = fitted(None, 4, 12, dtype="float64")
    batches = trainer.task.batches(0, 0, 1, 235)
    inputs, targets = (torch.from_numpy(part[0]).double() for part in (batches.inputs, batches.targets))
    loss = torch.nn.functional.mse_loss(trainer.model(inputs, torch.tensor([12])), targets)
    gradient = torch.autograd.grad(loss, list(trainer.model.parameters()))
    assert max(float(part.abs().max()) for part in gradient) < 1e-6


def test_a_known_process_is_found_again(tmp_path: Path) -> None:
    first, second, constant = 1.2, -0.5, 3.0
    noise = np.random.default_rng(0).normal(size=20_000)
    values = [0.0, 0.0]
    for shock in noise:
        values.append(constant + first * values[-1] + second * values[-2] + shock)
    path = tmp_path / "ar2.csv"
    path.write_text("value\n" + "\n".join(map(repr, map(float, values))))
    trainer = fitted(str(path), 2, 2)
    assert isinstance(trainer.model, AutoregressiveModel)
    # Standard errors are sqrt((1 − φ₂²) / n) = 0.007; five of them.
    np.testing.assert_allclose(trainer.model.phi.detach().numpy(), [first, second], atol=0.035)
    facts = trainer.task.data_facts()
    intercept = float(trainer.model.intercept.detach()) * facts["deviation"] + facts["mean"] * (1 - first - second)
    assert intercept == pytest.approx(constant, abs=0.3)
    result, _, _ = trainer.evaluate()
    assert result.metrics["rmse"] == pytest.approx(1.0, abs=0.05)  # the noise's own


def test_a_perfect_process_is_forecast_without_error(tmp_path: Path) -> None:
    """A sine obeys y_t = 2 cos(ω) y_(t−1) − y_(t−2) exactly; it has a period, so that higher orders are singular."""
    path = tmp_path / "sine.csv"
    path.write_text("value\n" + "\n".join(repr(float(np.sin(0.3 * time))) for time in range(300)))
    for order in (2, 12):
        metrics = fitted(str(path), order, 12).evaluate()[0].metrics
        assert metrics["horizon_mae"] < 1e-3
    assert metrics["mae_same_as_last"] > 0.1


def test_more_steps_and_a_resumed_run_change_nothing(tmp_path: Path) -> None:
    once = fitted(None, 9, 24)
    often = fitted(None, 9, 24, steps=25, batch_size=7)
    assert torch.equal(once.backend.flat.values, often.backend.flat.values)
    half = Trainer(often.config)
    half.run_chunk(borders=[3])
    half.save(tmp_path)
    saved, _ = checkpoint.newest(tmp_path)
    assert saved is not None
    resumed = Trainer.resume(saved)
    while not resumed.done:
        resumed.run_chunk()
    assert torch.equal(resumed.backend.flat.values, often.backend.flat.values)


def test_the_first_loss_is_that_of_the_untrained_model() -> None:
    trainer = Trainer(load_preset("sunspots_ar").config)
    points = {name: value for name, _, value in trainer.run_chunk()}
    batches = trainer.task.batches(0, 0, 1, trainer.config.train.batch_size)
    assert points["loss"] == pytest.approx(float((batches.targets.astype(float) ** 2).mean()))
    assert points["grad_norm"] > 0


def test_what_can_not_be_fitted_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"model.order: must be at most task.window \(24\), got 25"):
        Config.parse({"task": {"name": "forecast"}, "model": {"name": "autoregressive", "order": 25}}, "test")
    with pytest.raises(ConfigError, match="can't answer the task"):
        Config.parse({"model": {"name": "autoregressive"}}, "test")
    path = tmp_path / "short.csv"
    path.write_text("value\n" + "\n".join(str(value % 7) for value in range(20)))
    with pytest.raises(UserError, match="11 weights can't be fitted to 6 training windows"):
        fitted(str(path), 10, 10)

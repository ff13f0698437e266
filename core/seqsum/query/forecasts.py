"""Forecasts beside what did follow and beside AR(p), and how errors grow with the horizon (document 3)."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from seqsum.errors import UserError
from seqsum.models.autoregressive import AutoregressiveModel
from seqsum.models.generation import forecast
from seqsum.query.loading import Loaded
from seqsum.query.protocol import LONGEST_WRITTEN, ForecastAnswer, HorizonErrors
from seqsum.query.question import Question, as_rows
from seqsum.tasks.forecast import Forecast

ORDER = 9


class Forecaster:
    """A checkpoint of a forecasting run, with the AR(p) that its training part gives, fitted once.

    Raises UserError for runs that forecast nothing.
    """

    def __init__(self, loaded: Loaded) -> None:
        if not isinstance(loaded.task, Forecast):
            raise UserError(f'forecast: the task "{loaded.task.config.name}" is no time series; sunspots_lstm has one')
        self._loaded, self._task = loaded, loaded.task
        self.order = min(ORDER, loaded.task.config.window)
        self._baseline = fitted(loaded.task, self.order)
        self._errors: HorizonErrors | None = None

    def question(self, text: str, offset: int | None) -> tuple[Question, list[float] | None]:
        """Return the window to forecast from, and what did follow it where that is known.

        offset: the window that ends so many values before the data's end, instead of what was typed; at 0 nothing is
        known to follow
        """
        if offset is None:
            return Question.typed(self._loaded, text), None
        if text.strip():
            raise UserError("forecast: give either values or an offset from the data's end, not both")
        inputs, following = self._task.window_before_end(offset)
        return Question(self._loaded, inputs), following or None

    def forecast(self, question: Question, length: int | None, truth: list[float] | None) -> ForecastAnswer:
        """Forecast on from a window. truth: the values that did follow, as far as they are known."""
        task = self._task
        length = task.config.horizon if length is None else length
        if length > LONGEST_WRITTEN:
            raise UserError(f"forecast: length must be at most {LONGEST_WRITTEN:,}, got {length:,}")
        rows = torch.from_numpy(np.asarray(question.inputs))[None]
        with torch.inference_mode():
            said = forecast(question.model, question.row, length)[0]
            baseline = forecast(self._baseline, rows.double(), length)[0]
        return {
            "history": task.echo(question.inputs),
            "forecast": task.read_answer(question.inputs, said),
            "truth": None if truth is None else truth[:length],
            "autoregressive": task.read_answer(question.inputs, baseline),
            "order": self.order,
            "error_by_horizon": self.errors(),
        }

    def errors(self) -> HorizonErrors | None:
        """Mean absolute errors over the held-out windows, in the data's units, computed once."""
        if self._errors is None:
            examples = self._task.forecasts()
            if examples is None:  # one step ahead is all that is asked
                (examples,) = self._task.held_out()
                examples.targets.shape = (len(examples.targets), -1)
            steps = examples.targets.shape[1]
            scale = float(self._task.data_facts()["deviation"])
            windows = examples.inputs
            with torch.inference_mode():
                own = forecast(self._loaded.model, as_rows(self._loaded.model, windows), steps)
                baseline = forecast(self._baseline, torch.from_numpy(windows).double(), steps)
            same = np.repeat(windows[:, -1:, 0], steps, axis=1)

            def error(values: NDArray[np.float32]) -> list[float]:
                distance = np.abs(values.astype(np.float64) - examples.targets) * scale
                found: list[float] = distance.mean(axis=0).tolist()
                return found

            self._errors = {
                "model": error(own.astype(np.float32)),
                "autoregressive": error(baseline.astype(np.float32)),
                "same_as_last": error(same.astype(np.float32)),
                "windows": len(windows),
            }
        return self._errors


def fitted(task: Forecast, order: int) -> AutoregressiveModel:
    """Fit AR(p) to the training part by least squares, standardised as the task has it; in float64."""
    count = round(task.steps_per_epoch(1))
    batch = task.batches(0, 0, 1, count)  # a batch of an epoch holds each window once
    model = AutoregressiveModel(order).double()
    design = model.design(torch.from_numpy(batch.inputs[0]).double())
    targets = torch.from_numpy(batch.targets[0]).double()
    model.take(torch.linalg.lstsq(design, targets, driver="gelsd").solution[:, 0])
    return model.eval()

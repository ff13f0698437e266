"""Forecasts beside what did follow and beside AR(p), and how errors grow with the horizon (document 3)."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from seqsum.errors import UserError
from seqsum.query.question import LONGEST_WRITTEN, MOST, Answer, Number, Question, TypedAnswer, field
from seqsum.tasks.forecast import Forecast as ForecastTask
from seqsum.tasks.forecast import seasons_before

if TYPE_CHECKING:
    from seqsum.models.autoregressive import AutoregressiveModel
    from seqsum.query.asked import Asked
    from seqsum.query.loading import Loaded
    from seqsum.tasks.base import AnyTask, Inputs

ORDER = 9
MOST_WINDOWS = 200
"""Windows that intervals are tried on: many futures of each are drawn."""


class HorizonErrors(Answer):
    """Mean absolute error [horizon], one step ahead first, over the held-out windows."""

    model: list[Number]
    autoregressive: list[Number]
    same_as_last: list[Number]
    windows: int
    seasonal_naive: list[Number] | None = None
    """Null without task.season."""
    coverage: list[Number] | None = None
    """How often the interval held what came, by how far ahead, over at most 200 windows; null without task.interval."""


class Interval(Answer):
    """One step ahead what the network says, further ahead by many futures that are drawn from it: see `coverage`."""

    share: float
    """How much of what comes it is to hold."""
    low: list[Number]
    high: list[Number]


class TimeAxis(Answer):
    name: str
    """What the file calls the column that says when each value was."""
    unit: Literal["second", "month", ""]
    """Seconds since 1970 (UTC), the same of a month's first day, or the column's own numbers, such as years."""
    at: list[float]
    """[window + forecast]; beyond the data's end they go on by the usual step."""


class ForecastAnswer(TypedAnswer):
    history: list[Number]
    """The window, oldest first, in the data's units, as are all values here."""
    forecast: list[Number]
    truth: list[Number] | None
    """The values that did follow, as far as the data goes; null when nobody can know them."""
    autoregressive: list[Number]
    """What AR(p), fitted by least squares to the training part, forecasts."""
    order: int
    """p"""
    error_by_horizon: HorizonErrors | None
    """Null when the data is gone or changed, or too little is held out."""
    time: TimeAxis | None = None
    """When the values of the window and of the forecast are; null for values that somebody typed, and where the data
    does not say it."""
    interval: Interval | None = None
    """Null without task.interval; the forecast is the median then."""
    seasonal_naive: list[Number] | None = None
    """The values whole seasons before; null without task.season, and where that is longer than the window."""


class Forecast(Question):
    name: ClassVar = "forecast"
    answers: ClassVar = ForecastAnswer

    input: str = field("", "the values to forecast from; nothing: the end of the data")
    offset: int | None = field(
        None, "instead: forecast from so many steps before the data's end, so that the truth is known", ge=0, le=MOST
    )
    length: int | None = field(
        None, "how many steps to forecast; default: the task's horizon", ge=1, le=LONGEST_WRITTEN
    )

    @classmethod
    def unfit(cls, loaded: Loaded) -> str | None:
        if isinstance(loaded.task, ForecastTask):
            return None
        return f'forecast: the task "{loaded.task.config.name}" is no time series; sunspots_lstm has one'

    @property
    def typed(self) -> str | None:
        return self.input if self.offset is None else None

    def answer(self, asked: Asked) -> ForecastAnswer:
        import torch

        from seqsum.models.generation import forecast, interval_forecast
        from seqsum.query.model_input import ModelInput, as_rows

        task = asked.task
        assert isinstance(task, ForecastTask)
        baseline = asked.memory.kept("baselines", asked.loaded, lambda: Baseline(asked.loaded))
        truth = None
        if self.offset is None:
            read = asked.read(self.input)
            length, beside = task.ahead(self.input, self.length, task.config.horizon)
        elif self.input.strip():
            raise UserError("forecast: give either values or an offset from the data's end, not both")
        else:
            found = task.window_before_end(self.offset, self.length)
            read, truth = ModelInput(asked.loaded, found.inputs), found.following or None
            length, beside = found.ahead, found.beside
        values = torch.from_numpy(np.asarray(read.inputs))[None, :, :1]
        with torch.inference_mode():
            fed = None if beside is None else as_rows(read.model, beside)
            said = forecast(read.model, read.row, length, beside=fed)[0].numpy()
            share, interval = task.config.interval, None
            if share is not None:
                ends = interval_forecast(read.model, read.row, length, share, fed)[0].numpy()
                interval = interval_of(task, read.inputs, ends)
            linear = forecast(baseline.model, values.double(), length)[0].numpy()
        when = None if self.input.strip() else task.moments(self.offset or 0, length)
        return ForecastAnswer(
            time=None if when is None else TimeAxis(name=when[0], unit=when[1], at=when[2]),
            history=task.echo(read.inputs),
            forecast=task.read_answer(read.inputs, said),
            truth=None if truth is None else list(truth[:length]),
            autoregressive=task.read_answer(read.inputs, linear),
            order=baseline.order,
            interval=interval,
            seasonal_naive=_seasonal(task, read.inputs, length),
            error_by_horizon=baseline.errors(),
        )


class Baseline:
    """The AR(p) that the training part of a forecasting run gives, fitted once, and how both err."""

    def __init__(self, loaded: Loaded) -> None:
        self._loaded, self._task = loaded, loaded.task
        assert isinstance(loaded.task, ForecastTask)
        self.order = min(ORDER, loaded.task.config.window)
        self.model = fitted(loaded.task, self.order)
        self._errors: HorizonErrors | None = None

    def errors(self) -> HorizonErrors:
        """Mean absolute errors over the held-out windows, in the data's units, computed once."""
        import torch

        from seqsum.models.generation import forecast, interval_forecast
        from seqsum.query.model_input import as_rows

        if self._errors is None:
            examples = self._task.forecasts()
            if examples is None:  # one step ahead is all that is asked
                (examples,) = self._task.held_out()
                examples.targets.shape = (len(examples.targets), -1)
            steps = examples.targets.shape[1]
            scale = float(self._task.data_facts()["deviation"])
            windows, model = examples.inputs, self._loaded.model
            beside = None if examples.beside is None else as_rows(model, examples.beside)
            with torch.inference_mode():
                said = forecast(model, as_rows(model, windows), steps, beside=beside).numpy()
                share, coverage = self._task.config.interval, None
                if share is not None:
                    some = slice(None, None, math.ceil(len(windows) / MOST_WINDOWS))
                    fed = None if beside is None else beside[some]
                    ends = interval_forecast(model, as_rows(model, windows[some]), steps, share, fed).numpy()
                    coverage = _coverage(ends, examples.targets[some])
                baseline = forecast(self.model, torch.from_numpy(windows[..., :1]).double(), steps).numpy()
            same = np.repeat(windows[:, -1:, 0], steps, axis=1)
            assert isinstance(self._task, ForecastTask)
            seasonal = self._task.seasonal(steps)

            def error(values: NDArray[np.float32]) -> list[Number]:
                distance = np.abs(values.astype(np.float64) - examples.targets) * scale
                found: list[Number] = distance.mean(axis=0).tolist()
                return found

            self._errors = HorizonErrors(
                model=error(said.astype(np.float32)),
                autoregressive=error(baseline.astype(np.float32)),
                same_as_last=error(same.astype(np.float32)),
                seasonal_naive=None if seasonal is None else error(seasonal),
                coverage=coverage,
                windows=len(windows),
            )
        return self._errors


def interval_of(task: AnyTask, inputs: Inputs, ends: Inputs) -> Interval:
    """Return the interval whose ends, float32 [steps, 2], a network gives, in the data's units."""
    low, high = (list(task.read_answer(inputs, end)) for end in ends.T)
    return Interval(share=task.config.interval, low=low, high=high)


def _coverage(ends: Inputs, targets: Inputs) -> list[Number]:
    """How often the truth, float32 [rows, steps], is between the ends [rows, steps, 2]: [steps]."""
    found: list[Number] = ((ends[:, :, 0] <= targets) & (targets <= ends[:, :, 1])).mean(axis=0).tolist()
    return found


def _seasonal(task: ForecastTask, inputs: Inputs, length: int) -> list[Number] | None:
    """The values whole seasons before what is forecast, in the data's units."""
    season = task.config.season
    if season is None or season > len(inputs):
        return None
    found: list[Number] = list(task.read_answer(inputs, inputs[seasons_before(season, length), 0]))
    return found


def fitted(task: ForecastTask, order: int) -> AutoregressiveModel:
    """Fit AR(p) to the training part by least squares, standardised as the task has it; in float64."""
    import torch

    from seqsum.models.autoregressive import AutoregressiveModel

    count = round(task.steps_per_epoch(1))
    batch = task.batches(0, 0, 1, count)  # a batch of an epoch holds each window once
    model = AutoregressiveModel(order).double()
    design = model.design(torch.from_numpy(batch.inputs[0]).double())
    targets = torch.from_numpy(batch.targets[0]).double()
    model.take(torch.linalg.lstsq(design, targets, driver="gelsd").solution[:, 0])
    return model.eval()

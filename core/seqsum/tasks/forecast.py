"""Forecasting a time series: read the last values, say the next one (document 3)."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from pydantic import ValidationInfo, field_validator

from seqsum.errors import UserError
from seqsum.formatting import count as counted
from seqsum.formatting import distinct
from seqsum.schema import setting, shown
from seqsum.tasks.base import (
    EVALUATED_TOKENS,
    Answer,
    Batches,
    DataTask,
    Examples,
    Inputs,
    Ints,
    TaskConfig,
    one_test_part,
    only_length,
    told_asked,
)
from seqsum.tasks.epochs import EpochBatches
from seqsum.tasks.header import Header
from seqsum.tasks.number_format import DecimalMark, NumberFormat
from seqsum.tasks.registry import register_task
from seqsum.tasks.series import Gaps, MissingValues, Repeated, Series, SeriesSource, read_series
from seqsum.tasks.text_files import ENCODING_WORDS, DataFile, Encoding
from seqsum.tasks.timestamps import Unit, moment_of
from seqsum.tasks.typed_numbers import read_typed
from seqsum.text import one_line

MOST_ASKED = 10_000  # held-out windows; more make an evaluation slow and no surer
MOST_FORECASTS = 1_000
FLOAT32_DIGITS = 24  # binary ones


class ForecastConfig(TaskConfig):
    """Settings of the forecasting task."""

    name: Literal["forecast"] = setting("forecast", "the task: a time series; what is the next value?")
    file: DataFile = setting(
        None,
        "a CSV or JSONL file with one row a time step, oldest first; off for the yearly sunspot numbers of 1700–2008",
        basic=True,
    )
    column: str | None = setting(
        None, "the column that holds the values; off takes the last one; in JSON Lines also a path such as a.b.0.c"
    )
    decimal: DecimalMark = setting(
        "auto", "the decimal mark of the column: point or comma; auto finds it, and refuses where 1,000 can be either"
    )
    header: Header = setting("auto", "whether the first line names the columns; auto finds out")
    encoding: Encoding = setting("auto", ENCODING_WORDS)
    missing: MissingValues = setting(
        "refuse",
        "what is done where a value is missing (empty, NA, nan, null, -, ?): refuse the file; forward_fill repeats the "
        "value before, interpolate draws a line between its neighbours, mask leaves out every window with it",
    )
    time_column: str | None = setting(
        None, "the column that says when each value was, in dates or numbers; off finds it, where there is one"
    )
    order: Literal["refuse", "sort"] = setting(
        "refuse", "what is done where rows are not in the order of their times: refuse the file, or sort them"
    )
    repeated: Repeated = setting(
        "keep",
        "what is done where a time comes again: keep reads each row as a step of its own; refuse; first, last or mean "
        "take one value",
    )
    gaps: Gaps = setting(
        "keep",
        "what is done where times are left out, by their usual step: keep reads on as if nothing were; refuse; "
        "forward_fill, interpolate and mask as for task.missing",
    )
    season: int | None = setting(
        None,
        "how many steps a season has, such as 12 for months: a forecast is compared with the value one season before",
        ge=2, le=100_000, unit="values",
    )  # fmt: skip
    window: int = setting(24, "how many past values the network sees", ge=1, le=10_000, unit="values")
    horizon: int = setting(
        11, "how many steps ahead to forecast, each forecast fed back as the newest value", ge=1, le=10_000,
        unit="values",
    )  # fmt: skip
    interval: float | None = setting(
        None,
        "how much of what comes the interval of a forecast shall hold, such as 0.8: the network then learns the median "
        "and the interval's two ends, by quantile loss; off for the mean, by squared error",
        gt=0, lt=1,
    )  # fmt: skip
    held_out_share: float = setting(0.2, "share of the series, at its end, kept for validation", gt=0, le=0.9)
    test_file: DataFile = setting(
        None, "a file with the same column for the test: a series of its own, forecast once, at the end of the run"
    )
    tested_from: str | None = setting(
        None, "instead: the time at which the test begins, as 2024-01-31, or a number of the time column"
    )
    test_share: float = setting(
        0.0, "instead: share of the series, at its very end, kept for the test; validation stands before it", ge=0,
        le=0.9,
    )  # fmt: skip

    _one_test_part = field_validator("test_share")(one_test_part)

    @field_validator("tested_from")
    @classmethod
    def _no_file_beside(cls, value: str | None, info: ValidationInfo) -> str | None:
        if value is not None and info.data.get("test_file") is not None:
            raise ValueError("must be off beside task.test_file: each says what the test part is")
        return value


@register_task
class Forecast(DataTask[ForecastConfig]):
    """Windows of consecutive values; the target is the value that follows.

    The last `held_out_share` of the series is held out: no training window or target reaches into it, while held-out
    windows look back into the training part, as one who forecasts does. The test part stands behind it, or is a series
    of its own. Values are standardised with mean and standard deviation of the training part alone; metrics and answers
    are in the data's own units.
    """

    config_type: ClassVar[type[TaskConfig]] = ForecastConfig
    title: ClassVar[str] = "Time-series forecast"
    answer: ClassVar[Answer] = "values"
    features = 1
    classes = 1

    def __init__(self, config: ForecastConfig, facts: dict[str, Any] | None = None) -> None:
        """`facts`: what a checkpoint knows of its series; the file is then read only when it is asked for."""
        super().__init__(config)
        self._test_file, self._test_share = config.test_file, config.test_share
        self.measures = ("mae", "rmse", "horizon_mae")[: 2 if config.horizon == 1 else 3]
        if config.interval is not None:
            self.quantiles = (0.5, 0.5 - config.interval / 2, 0.5 + config.interval / 2)
            self.classes = len(self.quantiles)
        self._standardised: NDArray[np.float32] | None = None
        self._series: Series | None = None
        self._training = self._validated = 0  # where the training part ends, and the validation part
        self._tested: NDArray[np.float32] | None = None
        self._masked: NDArray[np.bool_] | None = None
        self._test_masked: NDArray[np.bool_] | None = None
        self._places: Ints | None = None
        # The training part's mean and standard deviation, the series' last window, its column and its SHA-256.
        self._facts = self._read() if facts is None else facts
        self._mean: float = self._facts["mean"]
        self._deviation: float = self._facts["deviation"]
        self._format = NumberFormat.restored(self._facts.get("format"))
        comma = "with a decimal comma, " if self._format.decimal == "," else ""
        between = "semicolons" if self._format.grouping == " " else "spaces"
        self.input_hint = (
            f"the last {counted(config.window, 'value')} of {shown(self._facts['column'])}, oldest first, "
            f"{comma}separated by {between} (fewer: the mean stands for those before; nothing: the end of the data)"
        )

    @property
    def has_test(self) -> bool:
        return super().has_test or self.config.tested_from is not None

    def steps_per_epoch(self, batch_size: int) -> float:
        return len(self._training_places()) / batch_size

    def batches(self, seed: int, first_step: int, steps: int, batch_size: int) -> Batches:
        """Shuffled epochs: a batch as large as the number of windows holds each of them once."""
        windows, following = self._training_windows()
        places = self._training_places()
        chosen = places[EpochBatches(seed, "forecast/train", len(places)).indices(first_step, steps, batch_size)]
        lengths = np.full(chosen.shape, self.config.window)
        return Batches(windows[chosen][..., None], lengths, following[chosen][..., None])

    def held_out(self, low: int | None = None, high: int | None = None) -> Iterator[Examples]:
        window = self.config.window
        only_length(low, high, window, f"task.window gives every window {counted(window, 'value')}")
        windows, following = self._held_out(1)
        yield Examples(windows[..., None].copy(), np.full(len(windows), window), following.copy())

    def held_out_metrics(self, answers: Sequence[Inputs]) -> dict[str, float]:
        """mae and rmse of the next value, and mae_same_as_last: that of saying the last value again; with a season
        mae_seasonal_naive, too: that of saying the value one season before; with an interval coverage_share, how often
        it holds the next value, and interval_width."""
        said: Inputs = np.concatenate(answers).astype(np.float32, copy=False)
        errors, naive, seasonal = self._errors(self.point(said), 1)
        return {
            "mae": float(np.abs(errors).mean()),
            "mae_same_as_last": float(np.abs(naive).mean()),
            **({} if seasonal is None else {"mae_seasonal_naive": float(np.abs(seasonal).mean())}),
            "rmse": math.sqrt(float((errors**2).mean())),
            **({} if not self.quantiles else self._interval_metrics(said)),
        }

    def _interval_metrics(self, said: Inputs) -> dict[str, float]:
        """said: float32 [n, quantiles], of the next value after each held-out window."""
        low, high = said[:, 1:].min(axis=1).astype(np.float64), said[:, 1:].max(axis=1).astype(np.float64)
        following = self._held_out(1)[1][:, 0]
        return {
            "coverage_share": float(((low <= following) & (following <= high)).mean()),
            "interval_width": float((high - low).mean() * self._deviation),
        }

    def forecasts(self) -> Examples | None:
        if self.config.horizon == 1 or self._too_long:
            return None
        windows, following = self._held_out(self.config.horizon)
        if not len(windows):
            return None
        return Examples(windows[..., None].copy(), np.full(len(windows), self.config.window), following.copy())

    def forecast_metrics(self, values: Inputs) -> dict[str, float]:
        """horizon_mae: mean absolute error over all `horizon` steps ahead; horizon_mae_same_as_last: of the last value.

        Each step is forecast from forecasts; the window's own values are all that is known.
        """
        errors, naive, seasonal = self._errors(values, self.config.horizon)
        return {
            "horizon_mae": float(np.abs(errors).mean()),
            "horizon_mae_same_as_last": float(np.abs(naive).mean()),
            **({} if seasonal is None else {"horizon_mae_seasonal_naive": float(np.abs(seasonal).mean())}),
        }

    def _errors(
        self, values: NDArray[Any], steps: int
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64] | None]:
        """How far values float32 [n, steps], the windows' last ones, and those of the season before lie from what
        follows, in the data's units."""
        windows, following = self._held_out(steps)
        errors, naive = ((said.astype(np.float64) - following) * self._deviation for said in (values, windows[:, -1:]))
        before = self.seasonal(steps)
        return errors, naive, None if before is None else (before.astype(np.float64) - following) * self._deviation

    def seasonal(self, steps: int) -> NDArray[np.float32] | None:
        """Return the seasonal-naive forecasts beside `_held_out`'s: of each step the newest known value that is whole
        seasons before, standardised, float32 [n, steps]; None without a season, or where the data is shorter."""
        season = self.config.season
        values, starts = self._starts(steps)
        if season is None or not len(starts) or starts[0] < season:
            return None
        before: NDArray[np.float32] = values[starts[:, None] + seasons_before(season, steps)]
        return before

    def window_before_end(self, steps: int) -> tuple[Inputs, list[float]]:
        """Return the window that ends `steps` values before the data's end, as `parse` gives inputs, and the values
        that follow it, in the data's units. Raises UserError when there is no such window, or the data is gone.
        """
        values, window = self._load(), self.config.window
        place = len(values) - steps
        if not window <= place <= len(values):
            raise UserError(
                f"forecast: offset must be 0 to {len(values) - window}, so that a window of "
                f"{counted(window, 'value')} comes before; got {steps}"
            )
        series = self._series or read_series(self._reading)
        return values[place - window : place, None].copy(), series.values[place:].tolist()

    def moments(self, steps: int, ahead: int) -> tuple[str, Unit, list[float]] | None:
        """Return what says when the values of the window that ends `steps` values before the data's end are, and the
        `ahead` values behind it: the column's name, and its unit and times as `Moments.around` has them. None where the
        file does not say it.
        """
        self._load()
        found = (self._series or read_series(self._reading)).moments
        if found is None:
            return None
        at = found.around(len(found.at) - steps, self.config.window, ahead)
        return found.name, found.unit, at.tolist()

    def parse(self, text: str) -> Inputs:
        typed = read_typed(text, self._format, self.input_hint)
        last = typed[-self.config.window :]
        if typed:
            values = np.array([self._mean] * (self.config.window - len(last)) + last, dtype=np.float64)
        else:
            values = np.array(self._facts["last"], dtype=np.float64)
        window = self._standardise(values)
        if not np.isfinite(window).all():
            place = int(np.flatnonzero(~np.isfinite(window))[0]) - self.config.window
            raise UserError(
                f"input: {distinct([values[place]])[0]} is too far from the training data; type {self.input_hint}"
            )
        return window[:, None]

    def continues(self, prompt: Inputs) -> int:
        return self.config.horizon

    def remarks(self, text: str) -> list[str]:
        count, window = len(read_typed(text, self._format, self.input_hint)), self.config.window
        if 0 < count < window:
            return [f"the mean of the training values stands for the {window - count:,} before those typed"]
        return [f"only the last {window:,} of {count:,} values were read"] if count > window else []

    def read_answer(self, inputs: Inputs, answer: Inputs) -> list[float]:
        """Values ahead, in the data's units, nearest first."""
        scaled = answer.reshape(-1).astype(np.float64)
        values = scaled * self._deviation + self._mean
        # How far a float32 reaches to both sides.
        reach = np.ldexp(np.maximum(np.abs(scaled), 2**-10), -FLOAT32_DIGITS) * self._deviation
        return [_shortest(value, near) for value, near in zip(values.tolist(), reach.tolist(), strict=True)]

    def echo(self, inputs: Inputs) -> list[float]:
        return self.read_answer(inputs, inputs)

    def input_names(self, inputs: Inputs) -> list[str]:
        return self._format.texts(self.echo(inputs))

    def render(self, answer: Any) -> str:
        return ("; " if self._format.grouping == " " else " ").join(self._format.texts(answer))

    @property
    def _reading(self) -> SeriesSource:
        config = self.config
        return SeriesSource(
            config.file,
            config.column,
            config.decimal,
            config.header,
            config.missing,
            encoding=config.encoding,
            time_column=config.time_column,
            order=config.order,
            repeated=config.repeated,
            gaps=config.gaps,
        )

    def _test_series(self, column: str) -> Series:
        """Read the column of the test's file."""
        assert self.config.test_file is not None
        reading = replace(self._reading, file=self.config.test_file, column=column, field="task.test_file")
        return read_series(reading)

    def _border(self, series: Series) -> None:
        """Say where the parts of the series end."""
        config, count = self.config, len(series.values)
        self._validated = count - (max(1, round(count * config.test_share)) if config.test_share else 0)
        if config.tested_from is not None:
            self._validated = _place_of(config.tested_from, series)
        self._training = self._validated - max(1, round(count * config.held_out_share))

    def _read(self) -> dict[str, Any]:
        """Read the series and say what an answer needs of it; raises UserError when it can't be learned from."""
        config = self.config
        series = self._series = read_series(self._reading)
        count = len(series.values)
        self._border(series)
        held_out, last = self._validated - self._training, count - self._validated
        if self._training <= config.window:
            if config.tested_from is not None:
                raise UserError(
                    f"task.tested_from: {counted(max(0, self._training), 'value')} of column {shown(series.name)} are "
                    f"left for training before it, and a window of {config.window} needs at least "
                    f"{config.window + 1}; name a later time"
                )
            raise UserError(
                f"task.window: column {shown(series.name)} has {counted(count, 'value')}, {max(0, self._training)} of "
                f"them for training, and a window of {config.window} needs at least {config.window + 1} there; use a "
                "shorter window or a longer series"
            )
        places = _unmasked(np.arange(self._training - config.window), config.window + 1, series.masked)
        if not len(places):
            raise UserError(
                f"task.window: every training window of {config.window} values of {shown(series.name)} holds a missing "
                "one; use a shorter window, or set task.missing and task.gaps to interpolate"
            )
        if config.season is not None and config.season > self._training:
            raise UserError(
                f"task.season: must be at most the {counted(self._training, 'training value')}, got {config.season:,}"
            )
        left_out = self._training - config.window - len(places)
        training = series.values[: self._training]
        with np.errstate(over="ignore", invalid="ignore"):
            mean, deviation = float(training.mean()), float(training.std())
        if not (math.isfinite(mean) and math.isfinite(deviation)):
            raise UserError(
                f"task.column: the values of {shown(series.name)} are too large to compute with; give them in a larger "
                "unit"
            )
        if training.min() == training.max() or deviation == 0:
            raise UserError(
                f"task.column: the {self._training} training values of {shown(series.name)} are all "
                f"{training[0]:g}; there is nothing to learn from a constant series"
            )
        notes = [
            *series.notes,
            f"series: {one_line(series.name)}, {count:,} values, {max(0, self._training):,} for training and the "
            + (
                f"next {held_out:,} held out, the last {last:,} for the test" if last else f"last {held_out:,} held out"
            ),
            *told_asked(min(MOST_ASKED, EVALUATED_TOKENS // config.window), held_out, "held-out values, evenly spread"),
        ]
        if left_out:
            notes.append(f"series: {counted(left_out, 'training window')} left out, with a missing value in them")
        if self._too_long:
            notes.append(
                f"series: {config.horizon:,} steps ahead with a window of {config.window:,} take too long to be "
                "measured in every evaluation; use a shorter task.horizon or task.window"
            )
        elif config.horizon > held_out:
            notes.append(
                f"series: task.horizon ({config.horizon}) is longer than what is held out, so forecasts that far "
                "are not measured"
            )
        test: dict[str, Any] = {}
        if config.test_file is not None:
            other = self._test_series(series.name)
            if len(other.values) <= config.window:
                raise UserError(
                    f"task.test_file: {shown(Path(config.test_file).name)} has {counted(len(other.values), 'value')}, "
                    f"and a window of {config.window} needs at least {config.window + 1}; use a shorter window or a "
                    "longer series"
                )
            last = len(other.values) - config.window
            notes.append(
                f"series: the test has {counted(last, 'value')} of {one_line(Path(config.test_file).name)} behind the "
                "first window, forecast once, at the end"
            )
            test = {"test_fingerprint": other.fingerprint}
        if self.has_test:
            notes += told_asked(min(MOST_ASKED, EVALUATED_TOKENS // config.window), last, "test values, evenly spread")
        return {
            **test,
            "column": series.name,
            "mean": mean,
            "deviation": deviation,
            "format": series.format.plain(),
            "last": series.values[-config.window :].tolist(),
            "fingerprint": series.fingerprint,
            "notes": notes,
        }

    @property
    def _too_long(self) -> bool:
        """Whether a single forecast takes more than an evaluation may."""
        return self.config.window * self.config.horizon > EVALUATED_TOKENS

    def _load(self) -> NDArray[np.float32]:
        """Standardise the series, once; raises UserError when it is no longer that of the facts."""
        if self._standardised is None:
            series = self._series or read_series(self._reading)
            if series.fingerprint != self._facts["fingerprint"]:
                raise UserError(
                    f"task.file: the values of {shown(series.name)} are not what they were when the run began; put "
                    "the old ones back, or start a new run"
                )
            self._border(series)
            self._masked = series.masked
            standardised = self._near(series)
            if self.config.test_file is not None:
                other = self._test_series(series.name)
                if other.fingerprint != self._facts["test_fingerprint"]:
                    raise UserError(
                        f"task.test_file: the values of {shown(Path(self.config.test_file).name)} are not what they "
                        "were when the run began; put the old ones back, or start a new run"
                    )
                self._tested, self._test_masked = self._near(other), other.masked
            self._standardised = standardised
        return self._standardised

    def _near(self, series: Series) -> NDArray[np.float32]:
        """Standardise a series; raises UserError where some values are too far from the training values."""
        values = self._standardise(series.values)
        if not np.isfinite(values).all():
            raise UserError(
                f"task.column: some held-out values of {shown(series.name)} are too far from the training values to "
                "compute with; look for a wrong one"
            )
        return values

    def _standardise(self, values: NDArray[np.float64]) -> NDArray[np.float32]:
        with np.errstate(over="ignore"):
            return ((values - self._mean) / self._deviation).astype(np.float32)

    def _training_windows(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """All windows that, with the value that follows, lie in the training part: float32 [n, window], [n]; views."""
        values = self._load()[: self._training]
        return sliding_window_view(values, self.config.window)[:-1], values[self.config.window :]

    def _training_places(self) -> Ints:
        """The training windows that hold no masked value, and go on with none: int64 [≤ n]."""
        if self._places is None:
            self._load()
            starts = np.arange(self._training - self.config.window)
            self._places = _unmasked(starts, self.config.window + 1, self._masked)
        return self._places

    def _held_out(self, steps: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Windows and the `steps` held-out values after each: float32 [n, window] and [n, steps]."""
        values, starts = self._starts(steps)
        window = self.config.window
        if not len(starts):
            return np.zeros((0, window), np.float32), np.zeros((0, steps), np.float32)
        ahead = sliding_window_view(values, window + steps)[starts - window]
        return ahead[:, :window], ahead[:, window:]

    def _starts(self, steps: int) -> tuple[NDArray[np.float32], Ints]:
        """The series of the part that is held out here, and the places of the first values that are asked there:
        int64 [n]."""
        values, window, masked = self._load(), self.config.window, self._masked
        first, end = self._training, self._validated
        if self.part == "test":
            first, end = end, len(values)
            if self._tested is not None:
                values, masked, first, end = self._tested, self._test_masked, window, len(self._tested)
        # A forecast reads the window anew for each of its steps.
        most = min(MOST_ASKED if steps == 1 else MOST_FORECASTS, EVALUATED_TOKENS // (window * steps))
        there = _unmasked(np.arange(first - window, end - window - steps + 1), window + steps, masked) + window
        return values, there[np.unique(np.linspace(0, len(there) - 1, min(len(there), most)).astype(np.int64))]


def seasons_before(season: int, steps: int) -> Ints:
    """Where the newest known value stands that is whole seasons before each of `steps` steps ahead, counted from the
    first of them: int64 [steps], below 0."""
    ahead = np.arange(steps)
    places: Ints = ahead - season * (ahead // season + 1)
    return places


def _unmasked(starts: Ints, length: int, masked: NDArray[np.bool_] | None) -> Ints:
    """Return those of `starts` from which `length` values hold no masked one."""
    if masked is None or not len(starts):
        return starts
    before = np.concatenate([[0], np.cumsum(masked)])
    whole: Ints = starts[before[starts + length] == before[starts]]
    return whole


def _place_of(text: str, series: Series) -> int:
    """Return the place of the first value from a time on; raises UserError where that is no time of the series."""
    moments = series.moments
    if moments is None:
        raise UserError(
            "task.tested_from: the series has no column that says when each value was; name it with task.time_column, "
            "or set task.test_share"
        )
    begins = moment_of(text.strip(), moments.unit)
    how = "a number" if moments.unit == "" else "a date such as 2024-01-31"
    if begins is None:
        raise UserError(
            f"task.tested_from: {shown(text)} is no time of column {shown(moments.name)}, or can be two; write {how}"
        )
    place = int(np.searchsorted(moments.at, begins))
    if place >= len(moments.at):
        raise UserError(
            f"task.tested_from: no value of {shown(series.name)} is of {shown(text)} or later; name an earlier time"
        )
    return place


def _shortest(value: float, reach: float) -> float:
    """The number with the fewest digits that lies no further from a value than that."""
    for digits in range(1, 17):
        short = float(f"{value:.{digits}g}")
        if abs(short - value) <= reach:
            return short
    return value

"""Forecasting a time series: read the last values, say the next one (document 3)."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from copy import copy
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationInfo, field_validator

from seqsum.errors import UserError
from seqsum.formatting import count as counted
from seqsum.formatting import enumerated
from seqsum.schema import setting, shown
from seqsum.tasks.asked_rows import AskedRows
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
from seqsum.tasks.copied_runs import copied_run
from seqsum.tasks.epochs import EpochBatches
from seqsum.tasks.file_rows import AskedFile, FileColumn
from seqsum.tasks.forecast_steps import Scale, Steps
from seqsum.tasks.header import Header
from seqsum.tasks.number_format import DecimalMark
from seqsum.tasks.registry import register_task
from seqsum.tasks.series import Gaps, MissingValues, Repeated, Series, SeriesSource, read_series
from seqsum.tasks.series_codec import SeriesCodec
from seqsum.tasks.text_files import ENCODING_WORDS, DataFile, Encoding
from seqsum.tasks.timestamps import Unit, moment_of
from seqsum.text import one_line

MOST_ASKED = 10_000  # held-out windows; more make an evaluation slow and no surer
MOST_FORECASTS = 1_000
MOST_COLUMNS = 99  # of a file without names, whose columns are called 1, 2, …
MOST_AHEAD = 10_000  # rows of known columns that a checkpoint keeps, behind the last value


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
    input_columns: tuple[str, ...] = setting(
        (),
        "further columns whose past is read beside the values, such as a price; in forecasts of several steps their "
        "last value stays",
    )
    known_columns: tuple[str, ...] = setting(
        (),
        "further columns whose future is known, such as holidays: each step sees those of the next; rows at the file's "
        "end that have them and no value are the steps to be forecast",
    )
    decimal: DecimalMark = setting(
        "auto", "the decimal mark of the columns: point or comma; auto finds it, and refuses where 1,000 can be either"
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

    @field_validator("input_columns", "known_columns")
    @classmethod
    def _each_once(cls, value: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        there = [*info.data.get("input_columns", ()), *value] if info.field_name == "known_columns" else [*value]
        twice = next((name for name in there if there.count(name) > 1), None)
        if twice is None:
            return value
        if twice in value and value.count(twice) > 1:
            raise ValueError(f"must name a column once, got {shown(twice)} {value.count(twice)} times")
        raise ValueError(f"must not name {shown(twice)}, which task.input_columns has; a column is one or the other")

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

    Further columns stand beside the values: those of the past (task.input_columns) at their own step, those whose
    future is known (task.known_columns) at the step before, so that the step to be forecast is seen: `Steps`.
    """

    config_type: ClassVar[type[TaskConfig]] = ForecastConfig
    title: ClassVar[str] = "Time-series forecast"
    codec: SeriesCodec
    answer: ClassVar[Answer] = "values"
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
        self._asked_rows: AskedRows | None = None
        self._training = self._validated = self._count = 0  # where the parts end: training, validation, all values
        self._tested: NDArray[np.float32] | None = None
        self._masked: NDArray[np.bool_] | None = None
        self._test_masked: NDArray[np.bool_] | None = None
        self._tested_count = 0
        self._places: Ints | None = None
        # The scales of the columns, the series' last window, what is known behind it, and its SHA-256.
        self._facts = self._read() if facts is None else facts
        further = [tuple(map(Scale.restored, self._facts.get(part, ()))) for part in ("inputs", "known")]
        self._steps = Steps(Scale.restored(self._facts), *further)
        self.features = self._steps.features
        self.input_hint = self._hint()
        columns = [self._facts, *self._facts.get("inputs", ()), *self._facts.get("known", ())]
        scales = (self._steps.value, *self._steps.inputs, *self._steps.known)
        self.codec = SeriesCodec(
            [scale.plain() for scale in scales],
            len(self._steps.inputs),
            [column["last"] for column in columns],
            config.window,
            config.horizon,
            self.input_hint,
        )

    def _hint(self) -> str:
        """Say what a person types."""
        window, steps = self.config.window, self._steps
        if steps.features == 1:
            comma = "with a decimal comma, " if steps.value.format.decimal == "," else ""
            between = "semicolons" if steps.value.format.grouping == " " else "spaces"
            return (
                f"the last {counted(window, 'value')} of {shown(steps.value.name)}, oldest first, {comma}separated by "
                f"{between} (fewer: the mean stands for those before; nothing: the end of the data)"
            )
        ahead = f", then {steps.ahead} for each step to forecast" if steps.known else ""
        nothing = "" if steps.known and not self._ends_ahead else "; nothing: the end of the data"
        return (
            f"the last {counted(window, 'row')} {steps.names}, oldest first, separated by spaces{ahead} (fewer: the "
            f"means stand for those before{nothing})"
        )

    @property
    def _ends_ahead(self) -> bool:
        """Whether the known columns go on where the series has ended."""
        return any(len(column["last"]) > self.config.window for column in self._facts.get("known", ()))

    @property
    def question_column(self) -> FileColumn:
        """The column of the values."""
        own = self._facts["column"]
        header: Header = "no" if own.isdecimal() and int(own) <= MOST_COLUMNS else self.config.header
        return FileColumn(own, header=header, encoding=self.config.encoding, table=True)

    def series_of(self, file: AskedFile) -> Series:
        """Read the series of a file that is asked; the last rows without a value are steps to be forecast.

        What is missing is in no window, where a run refuses it. Raises UserError where the file can't be read, or its
        values are too far from those of training.
        """
        column = self.question_column.called(file.column)
        with _about_the_file():
            return read_series(
                replace(
                    self._reading,
                    file=str(Path(file.path).absolute()),
                    column=column.name,
                    header=column.header,
                    missing="mask" if self.config.missing == "refuse" else self.config.missing,
                    field="file",
                    open_end=True,
                )
            )

    def of_file(self, file: AskedFile) -> Forecast:
        """What is asked is each value behind the first window."""
        found, series, window = copy(self), self.series_of(file), self.config.window
        rows = AskedRows(len(series.values), of="value", unit="value")
        found.part, found._asked_rows, found._series = "file", rows, series
        with _about_the_file():
            found._standardised = found._near(series)
        found._masked, found._count = series.masked, len(series.values)
        found._training, found._validated = window, len(series.values)
        if not len(found._starts(1)[1]):
            raise UserError(
                f"file: {shown(Path(file.path).name)} has {counted(len(series.values), 'value')}, and a window of "
                f"{window} needs at least {window + 1} without a missing one between them"
            )
        asked = len(found._starts(1)[1])
        rows.notes += [f"  {counted(asked, 'value')} behind the first window of {window} forecast"]
        rows.notes += [f"  {note}" for note in series.notes]
        return found

    @property
    def asked_rows(self) -> AskedRows | None:
        return self._asked_rows

    def windows_of(self, series: Series) -> FileWindows:
        """Return the windows of a series that a file holds, before each value and behind the last."""
        with _about_the_file():
            steps = self._near(series)
        window, count = self.config.window, len(series.values)
        starts = _unmasked(np.arange(max(0, count - window)), window, series.masked)
        ahead = max(series.ahead, 0)
        most = self._steps.most_ahead(steps, count)
        whole = count >= window and bool(np.isfinite(steps[count - window : count]).all())
        return FileWindows(self._steps, steps, window, starts + window, count, ahead, most, whole)

    @property
    def has_test(self) -> bool:
        return super().has_test or self.config.tested_from is not None

    def steps_per_epoch(self, batch_size: int) -> float:
        return len(self._training_places()) / batch_size

    def batches(self, seed: int, first_step: int, steps: int, batch_size: int) -> Batches:
        """Shuffled epochs: a batch as large as the number of windows holds each of them once."""
        places, rows, window = self._training_places(), self._load(), self.config.window
        chosen = places[EpochBatches(seed, "forecast/train", len(places)).indices(first_step, steps, batch_size)]
        lengths = np.full(chosen.shape, window)
        return Batches(rows[chosen[..., None] + np.arange(window)], lengths, rows[chosen + window, :1])

    def held_out(self, low: int | None = None, high: int | None = None) -> Iterator[Examples]:
        window = self.config.window
        only_length(low, high, window, f"task.window gives every window {counted(window, 'value')}")
        windows, following = self._held_out(1)
        yield Examples(windows, np.full(len(windows), window), following)

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
            "interval_width": float((high - low).mean() * self._steps.value.deviation),
        }

    def forecasts(self) -> Examples | None:
        if self.config.horizon == 1 or self._too_long:
            return None
        steps = self.config.horizon
        windows, following = self._held_out(steps)
        if not len(windows):
            return None
        rows, starts = self._starts(steps)
        lengths = np.full(len(windows), self.config.window)
        return Examples(windows, lengths, following, beside=self._steps.beside(rows, starts, steps))

    def forecast_metrics(self, values: Inputs) -> dict[str, float]:
        """horizon_mae: mean absolute error over all `horizon` steps ahead; horizon_mae_same_as_last: of the last value.

        Each step is forecast from forecasts; the window's own values and the known columns are all that is known.
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
        before, deviation = self.seasonal(steps), self._steps.value.deviation
        errors, naive = ((said.astype(np.float64) - following) * deviation for said in (values, windows[:, -1:, 0]))
        return errors, naive, None if before is None else (before.astype(np.float64) - following) * deviation

    def seasonal(self, steps: int) -> NDArray[np.float32] | None:
        """Return the seasonal-naive forecasts beside `_held_out`'s: of each step the newest known value that is whole
        seasons before, standardised, float32 [n, steps]; None without a season, or where the data is shorter."""
        season = self.config.season
        rows, starts = self._starts(steps)
        if season is None or not len(starts) or starts[0] < season:
            return None
        before: NDArray[np.float32] = rows[starts[:, None] + seasons_before(season, steps), 0]
        return before

    def window_before_end(self, steps: int, ahead: int | None = None) -> WindowOfData:
        """Return the window that ends `steps` values before the data's end, and what follows it.

        ahead: how many values are to be forecast; None: the horizon, or as many as the known columns go on for.
        Raises UserError when there is no such window, or the data is gone.
        """
        rows, window = self._load(), self.config.window
        place = self._count - steps
        first = 0 if self._steps.most_ahead(rows, self._count) != 0 else 1
        if not window <= place <= self._count - first:
            raise UserError(
                f"forecast: offset must be {first} to {self._count - window}, so that a window of "
                f"{counted(window, 'value')} comes before{' and the known columns after' if first else ''}; got {steps}"
            )
        series = self._series or read_series(self._reading)
        ahead = self.codec.steps_ahead(len(rows) - place, ahead)
        beside = self._steps.beside(rows, np.array([place]), ahead)
        return WindowOfData(rows[place - window : place].copy(), series.values[place:].tolist(), ahead, beside)

    def moments(self, steps: int, ahead: int) -> tuple[str, Unit, list[float]] | None:
        """Return what says when the values of the window that ends `steps` values before the data's end are, and the
        `ahead` values behind it: the column's name, and its unit and times as `Moments.around` has them. None where the
        file does not say it.
        """
        self._load()
        found = (self._series or read_series(self._reading)).moments
        if found is None:
            return None
        at = found.around(self._count - steps, self.config.window, ahead)
        return found.name, found.unit, at.tolist()

    def parse(self, text: str) -> Inputs:
        return np.array(self.codec.encode(text), dtype=np.float32)

    def continues(self, prompt: Inputs) -> int:
        return self.config.horizon

    def ahead(self, text: str, steps: int | None, usual: int) -> tuple[int, NDArray[np.float32] | None]:
        ahead, beside = self.codec.ahead(text, steps, usual)
        if self.features == 1:
            return ahead, None
        return ahead, np.array(beside, dtype=np.float32).reshape(1, ahead - 1, self.features - 1)

    def remarks(self, text: str) -> list[str]:
        window, steps = self.config.window, self._steps
        several = steps.features > 1
        count = len(self.codec.read(text)[0]) if text.strip() or not several else 0
        found = []
        if 0 < count < window:
            means = "means of the training values stand" if several else "mean of the training values stands"
            found.append(f"the {means} for the {window - count:,} before those typed")
        if count > window:
            found.append(f"only the last {window:,} of {count:,} {'rows' if several else 'values'} were read")
        most = len(self.codec.rows(text)) - window
        if steps.known and most < self.config.horizon:
            are = "is" if len(steps.known) == 1 else "are"
            found.append(f"{self.codec.known} {are} known for {counted(most, 'step')} ahead")
        return found

    def read_answer(self, inputs: Inputs, answer: Inputs) -> list[float]:
        """Values ahead, in the data's units, nearest first."""
        return self._steps.value.read(answer)

    def echo(self, inputs: Inputs) -> list[float]:
        """The values of a window, without what stands beside them, in the data's units."""
        return self._steps.value.read(inputs[:, 0])

    def as_typed(self, inputs: Inputs) -> str:
        return self.render(self.echo(inputs)) if self.features == 1 else self._steps.as_typed(inputs)

    def input_names(self, inputs: Inputs) -> list[str]:
        return self._steps.names_of(inputs)

    def render(self, answer: Any) -> str:
        form = self._steps.value.format
        return ("; " if form.grouping == " " else " ").join(form.texts(answer))

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
            inputs=config.input_columns,
            known=config.known_columns,
        )

    def _test_series(self, column: str) -> Series:
        """Read the column of the test's file."""
        assert self.config.test_file is not None
        reading = replace(self._reading, file=self.config.test_file, column=column, field="task.test_file")
        return read_series(reading)

    def _refuse_copy(self, series: Series, test: Series) -> None:
        """Raise UserError where the test's file repeats a part of the series."""
        config = self.config
        found = copied_run(series.values, test.values, config.window)
        if found is None:
            return
        at, many = found
        which = f"all {many:,} values" if many == len(test.values) else f"values {at + 1:,} to {at + many:,}"
        where = "the sunspot numbers" if config.file is None else shown(Path(config.file).name)
        cut = "name another file" if config.file is None else f"cut them from {where}"
        raise UserError(
            f"task.test_file: {which} of {shown(Path(config.test_file or '').name)} stand in {where}, too, in the same "
            f"order, so that the test would not be held out; {cut}, or leave task.test_file out"
        )

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
        scale = Scale.fitted(series.name, series.values[: self._training], series.format, "task.column")
        further = {
            part: [
                {
                    **Scale.fitted(one.name, one.values[: self._training], one.format, f"task.{setting}").plain(),
                    "last": one.values[count - config.window :][: config.window + MOST_AHEAD].tolist(),
                }
                for one in columns
            ]
            for part, setting, columns in (
                ("inputs", "input_columns", series.inputs),
                ("known", "known_columns", series.known),
            )
            if columns
        }
        notes = [
            *series.notes,
            f"series: {one_line(series.name)}, {count:,} values, {max(0, self._training):,} for training and the "
            + (
                f"next {held_out:,} held out, the last {last:,} for the test" if last else f"last {held_out:,} held out"
            ),
            *told_asked(min(MOST_ASKED, EVALUATED_TOKENS // config.window), held_out, "held-out values, evenly spread"),
        ]
        if series.inputs and config.horizon > 1:
            names = enumerated([shown(column.name) for column in series.inputs], "and")
            notes.append(
                f"series: nobody knows the future of {names} (task.input_columns): in forecasts of several steps the "
                "last value stays"
            )
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
            self._refuse_copy(series, other)
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
            **scale.plain(),
            **further,
            "last": series.values[-config.window :].tolist(),
            "fingerprint": series.fingerprint,
            "notes": notes,
        }

    @property
    def _too_long(self) -> bool:
        """Whether a single forecast takes more than an evaluation may."""
        return self.config.window * self.config.horizon > EVALUATED_TOKENS

    def _load(self) -> NDArray[np.float32]:
        """Standardise the series, once: float32 [n + ahead, features]; raises UserError when it is no longer that of
        the facts."""
        if self._standardised is None:
            series = self._series or read_series(self._reading)
            if series.fingerprint != self._facts["fingerprint"]:
                raise UserError(
                    f"task.file: the values of {shown(series.name)} are not what they were when the run began; put "
                    "the old ones back, or start a new run"
                )
            self._border(series)
            self._masked, self._count = series.masked, len(series.values)
            standardised = self._near(series)
            if self.config.test_file is not None:
                other = self._test_series(series.name)
                if other.fingerprint != self._facts["test_fingerprint"]:
                    raise UserError(
                        f"task.test_file: the values of {shown(Path(self.config.test_file).name)} are not what they "
                        "were when the run began; put the old ones back, or start a new run"
                    )
                self._tested, self._test_masked = self._near(other), other.masked
                self._tested_count = len(other.values)
            self._standardised = standardised
        return self._standardised

    def _near(self, series: Series) -> NDArray[np.float32]:
        """Standardise a series; raises UserError where some values are too far from the training values."""
        inputs, known = ([column.values for column in columns] for columns in (series.inputs, series.known))
        rows = self._steps.standardised(series.values, inputs, known)
        far = np.isinf(rows).any(axis=0)
        if far.any():
            place = int(np.argmax(far))
            setting = "column" if not place else "input_columns" if place <= len(inputs) else "known_columns"
            name = [series.name, *(one.name for one in (*series.inputs, *series.known))][place]
            raise UserError(
                f"task.{setting}: some held-out values of {shown(name)} are too far from the training values to "
                "compute with; look for a wrong one"
            )
        return rows

    def _training_places(self) -> Ints:
        """Where the training windows begin that, with the value that follows, lie in the training part and hold no
        masked one: int64 [n]."""
        if self._places is None:
            self._load()
            starts = np.arange(self._training - self.config.window)
            self._places = _unmasked(starts, self.config.window + 1, self._masked)
        return self._places

    def _held_out(self, steps: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Windows and the `steps` held-out values after each: float32 [n, window, features] and [n, steps]."""
        rows, starts = self._starts(steps)
        before, after = np.arange(-self.config.window, 0), np.arange(steps)
        return rows[starts[:, None] + before], rows[starts[:, None] + after, 0]

    def _starts(self, steps: int) -> tuple[NDArray[np.float32], Ints]:
        """The steps of the part that is held out here, and the places of the first values that are asked there:
        int64 [n]."""
        rows, window, masked = self._load(), self.config.window, self._masked
        first, end = self._training, self._validated
        if self.part == "test":
            first, end = end, self._count
            if self._tested is not None:
                rows, masked, first, end = self._tested, self._test_masked, window, self._tested_count
        # A forecast reads the window anew for each of its steps.
        most = min(MOST_ASKED if steps == 1 else MOST_FORECASTS, EVALUATED_TOKENS // (window * steps))
        there = _unmasked(np.arange(first - window, end - window - steps + 1), window + steps, masked) + window
        return rows, there[np.unique(np.linspace(0, len(there) - 1, min(len(there), most)).astype(np.int64))]


class FileWindows(NamedTuple):
    """steps: float32 [n + ahead, features]; places: int64 [m], the values that are forecast from the window before
    each; end: how many values there are; ahead: how many rows without one stand behind them; most: how many steps
    behind the last one can be forecast, None for any number; whole: whether the last window has all its values"""

    kinds: Steps
    steps: NDArray[np.float32]
    window: int
    places: Ints
    end: int
    ahead: int
    most: int | None
    whole: bool

    def before(self, places: Ints) -> NDArray[np.float32]:
        """Return the windows before some places: float32 [places, window, features]."""
        windows: NDArray[np.float32] = self.steps[places[:, None] + np.arange(-self.window, 0)]
        return windows

    def behind(self, ahead: int) -> tuple[NDArray[np.float32], NDArray[np.float32] | None]:
        """Return the last window, float32 [1, window, features], and what stands beside each forecast as it is fed
        back."""
        last = np.array([self.end])
        return self.before(last), self.kinds.beside(self.steps, last, ahead)


class WindowOfData(NamedTuple):
    """inputs: float32 [window, features], as `parse` gives them; following: the values behind it, in the data's units;
    ahead: how many are to be forecast; beside: float32 [1, ahead − 1, features − 1], what stands beside each as it is
    fed back; None where it stands alone"""

    inputs: Inputs
    following: list[float]
    ahead: int
    beside: NDArray[np.float32] | None


@contextmanager
def _about_the_file() -> Iterator[None]:
    """Name the file that is asked where a message names a run's settings, which can't be changed there."""
    try:
        yield
    except UserError as error:
        raise UserError(re.sub(r"^task\.\w+: ", "file: ", str(error))) from None


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
    if place >= len(series.values):
        raise UserError(
            f"task.tested_from: no value of {shown(series.name)} is of {shown(text)} or later; name an earlier time"
        )
    return place

"""What a model says to every row of a file, in batches: a row of answers for each row that is read."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from seqsum.errors import UserError
from seqsum.evaluation.evaluate import rows_at_once
from seqsum.formatting import count
from seqsum.models.generation import forecast, interval_forecast, written
from seqsum.query.loading import Loaded
from seqsum.query.model_input import as_rows
from seqsum.query.questions.predict import Predict
from seqsum.query.task_facts import goes_on, labels_of
from seqsum.tasks.alphabet import padded
from seqsum.tasks.asked_rows import AT_ONCE
from seqsum.tasks.base import AnyTask, DataTask, Inputs, Task
from seqsum.tasks.file_rows import AskedFile, FileRow, FileRows, open_rows
from seqsum.tasks.forecast import Forecast

REASON = "reason"
"""The column that says why a row has no answer."""
MOST_SHARES = 20
"""Labels up to which each has a column with its probability."""


@dataclass(frozen=True)
class RowAnswer:
    """row: as it was read, None for one behind the file's end; values: of each column but the reason, JSON-ready, None
    where there is none; reason: why there is no answer, else empty; remark: what should be known of how the row was
    read"""

    row: FileRow | None
    values: list[Any]
    reason: str = ""
    remark: str = ""


class FilePredictions(ABC):
    """Answers the rows of a file. columns: those of the answers, the reason last; rows: the file's"""

    rows: FileRows
    columns: list[str]
    task: AnyTask

    @abstractmethod
    def answers(self) -> Iterator[RowAnswer]:
        """Yield an answer for each row, in their order."""


def predictions(loaded: Loaded, file: AskedFile, fields: dict[str, Any]) -> FilePredictions:
    """Open a file and make ready to answer it. fields: of the question `predict`, beside its input.

    Raises UserError where the file can't be read, or the question's column is not there.
    """
    if isinstance(loaded.task, Forecast):
        return SeriesPredictions(loaded, file, fields)
    return TextPredictions(loaded, file, fields)


class TextPredictions(FilePredictions):
    """Each row is a question of its own, written as one types it."""

    def __init__(self, loaded: Loaded, file: AskedFile, fields: dict[str, Any]) -> None:
        self._loaded, self._fields = loaded, fields
        task = self.task = loaded.task
        wanted = task.question_column.called(file.column)
        self.rows = open_rows(file.path, wanted)
        self._column = self.rows.column(wanted)
        self._one_by_one = goes_on(task) or task.carries_state
        # Only a task that makes its questions knows what is right.
        self._knows = not isinstance(task, DataTask) and type(task).truth is not Task.truth and not self._one_by_one
        labels = labels_of(task) if task.answer == "class" else None
        self._labels = labels if labels is not None and len(labels) <= MOST_SHARES else None
        Predict(**fields, input="").check(loaded)
        self._names = ["prediction", *self._chance_columns(), *(["truth"] if self._knows else [])]
        self.columns = [*self._names, REASON]

    def _chance_columns(self) -> list[str]:
        task = self._loaded.task
        if task.answer == "values":
            return []
        if task.answer != "class":
            return ["lowest_probability"]
        return ["probability", *(f"probability.{label}" for label in self._labels or ())]

    def answers(self) -> Iterator[RowAnswer]:
        every, at_once = self.rows.rows(), 1 if self._one_by_one else AT_ONCE
        while rows := list(islice(every, at_once)):
            read: list[Inputs | str] = [self._read(row) for row in rows]
            asked = [place for place, one in enumerate(read) if not isinstance(one, str)]
            answers = self._answered([rows[place] for place in asked], [read[place] for place in asked])
            said = dict(zip(asked, answers, strict=True))
            for place, row in enumerate(rows):
                found = said[place] if place in said else str(read[place])
                if isinstance(found, str):
                    yield RowAnswer(row, [None] * len(self._names), found)
                else:
                    remarks = self._loaded.task.remarks(self._text(row))
                    yield RowAnswer(row, found, remark="; ".join(remarks))

    def _text(self, row: FileRow) -> str:
        return self.rows.cell(row, self._column)

    def _read(self, row: FileRow) -> Inputs | str:
        """Return a row's question as the model reads it, or why it can't be read."""
        if row.wrong:
            return row.wrong
        text = self._text(row)
        if not text.strip():
            return f"{self._column} is empty"
        try:
            return self._loaded.task.parse(text)
        except UserError as error:
            return str(error)

    def _answered(self, rows: Sequence[FileRow], inputs: Sequence[Any]) -> Iterable[list[Any] | str]:
        """Answer rows that can be read; inputs: each as the model reads it."""
        if self._one_by_one:
            return (self._one(self._text(row)) for row in rows)
        answers: list[list[Any] | str] = [[]] * len(inputs)
        for places in _alike(self._loaded, inputs):
            for place, said in zip(places, self._batch([inputs[place] for place in places]), strict=True):
                answers[place] = said
        return answers

    def _one(self, text: str) -> list[Any] | str:
        try:
            said = Predict(input=text, **self._fields).said_by(self._loaded)
        except UserError as error:
            return str(error)
        return [said.prediction, min((one for one in said.probabilities if one is not None), default=math.nan)]

    def _batch(self, inputs: Sequence[Inputs]) -> Iterator[list[Any]]:
        """Answer inputs of one length, or tokens of nearly one."""
        task = self._loaded.task
        for read, (answer, chances) in zip(inputs, _said(self._loaded, inputs), strict=True):
            values = [task.read_answer(read, answer)]
            if task.answer == "class":
                values += [float(chances.max()), *(chances.tolist() if self._labels is not None else [])]
            elif task.answer != "values":
                values.append(float(chances.min(initial=1.0)))
            yield [*values, task.truth(read)] if self._knows else values


def _alike(loaded: Loaded, inputs: Sequence[Inputs]) -> Iterator[list[int]]:
    """Yield the places of inputs that are asked together: of nearly one length; where they are numbers, of one."""
    order = sorted(range(len(inputs)), key=lambda place: len(inputs[place]))
    batch, most = list[int](), dict[int, int]()
    for place in order:
        length, first = len(inputs[place]), len(inputs[batch[0]]) if batch else 0
        numbers = inputs[place].ndim > 1
        if length not in most:
            most[length] = rows_at_once(loaded.model, loaded.task, length)
        full = len(batch) >= most[length]
        if batch and (full or (numbers and length != first) or length > 2 * first + 8):
            yield batch
            batch = []
        batch.append(place)
    if batch:
        yield batch


def _said(loaded: Loaded, inputs: Sequence[Inputs]) -> Iterator[tuple[Inputs, NDArray[np.float64]]]:
    """Yield the answer to each input (a class, tags, tokens, values), and the probabilities: of each class, or of each
    token that is answered."""
    task, model = loaded.task, loaded.model
    lengths = [len(one) for one in inputs]
    numbers = inputs[0].ndim > 1
    if numbers:
        rows = as_rows(model, np.array(inputs, dtype=np.float32))
    else:
        rows = as_rows(model, padded([one.tolist() for one in inputs], max(lengths), task.padding))
    counted = torch.tensor(lengths)
    nothing = np.zeros(0)
    with torch.inference_mode():
        if task.answer == "values":
            values = model(rows, counted).float().numpy()
            yield from ((task.point(row), nothing) for row in values)
            return
        if task.answer == "sequence":
            tokens = model.decode(rows, counted, task.longest_answer)
            shares = model(rows, counted, tokens).double().softmax(dim=-1).gather(2, tokens.unsqueeze(2)).squeeze(2)
            for row, chances in zip(tokens.tolist(), shares.numpy(), strict=True):
                answer = np.array(written(row, task.end), dtype=np.int64)
                yield answer, chances[: len(answer)]
            return
        chances = model(rows, counted).double().softmax(dim=-1)
        if task.answer == "class":
            yield from zip(chances.argmax(dim=-1).numpy(), chances.numpy(), strict=True)
            return
        likeliest = chances.max(dim=-1)
        for tags, shares, length in zip(likeliest.indices.numpy(), likeliest.values.numpy(), lengths, strict=True):
            yield tags[:length], shares[:length]


class SeriesPredictions(FilePredictions):
    """Each value is forecast from the window before it, one step ahead; rows behind the last value from the end, each
    forecast fed back as the newest value.

    Prediction, and with task.interval the two ends low and high; steps_ahead says how far ahead a row was forecast.
    """

    def __init__(self, loaded: Loaded, file: AskedFile, fields: dict[str, Any]) -> None:
        assert isinstance(loaded.task, Forecast)
        self._loaded, self._task = loaded, loaded.task
        self.task = loaded.task
        Predict(**{**fields, "length": None}, input="").check(loaded)
        self._share = self._task.config.interval
        wanted = self._task.question_column.called(file.column)
        self.rows = open_rows(file.path, wanted)
        series = self._task.series_of(file)
        self._windows = self._task.windows_of(series)
        self._further = int(fields.get("length") or 0)
        self._check_ahead()
        self._at_once = rows_at_once(loaded.model, self._task, self._windows.window)
        lines = np.zeros(0, dtype=np.int64) if series.lines is None else series.lines
        self._places = np.full(int(lines.max(initial=0)) + 1, -1)
        self._places[lines[lines > 0]] = np.flatnonzero(lines > 0)
        names = ["prediction", *(["low", "high"] if self._share is not None else []), "steps_ahead"]
        self.columns = [*names, REASON]

    def _check_ahead(self) -> None:
        """Raise UserError where more is to be forecast behind the last value than can be."""
        windows, name = self._windows, self.rows.source
        if self._further and windows.most is not None and self._further > windows.most - windows.ahead:
            known = ", ".join(scale.name for scale in windows.kinds.known)
            raise UserError(
                f"predict: --length: what comes behind the rows of {name} is not known ({known}); give rows with it "
                "instead"
            )
        if (windows.ahead or self._further) and not windows.whole:
            raise UserError(
                f"predict: {name} has no {count(windows.window, 'value')} without a missing one at its end, from which "
                "the rows behind them could be forecast; give more rows"
            )

    def answers(self) -> Iterator[RowAnswer]:
        windows, nothing = self._windows, [None] * (len(self.columns) - 1)
        ahead = windows.ahead + self._further
        said = self._values(self._behind(ahead)) if ahead else []
        asked = np.zeros(windows.end, dtype=np.bool_)
        asked[windows.places] = True
        every = self.rows.rows()
        while rows := list(islice(every, self._at_once)):
            places = [self._place(row) for row in rows]
            within = [place for place in places if 0 <= place < windows.end and asked[place]]
            found = dict(zip(within, self._values(self._within(np.array(within, dtype=np.int64))), strict=True))
            for row, place in zip(rows, places, strict=True):
                if place < 0:
                    yield RowAnswer(row, nothing, row.wrong or "no step of the series as it is read")
                elif place >= windows.end:
                    yield RowAnswer(row, [*said[place - windows.end], place - windows.end + 1])
                elif place in found:
                    yield RowAnswer(row, [*found[place], 1])
                elif place < windows.window:
                    yield RowAnswer(row, nothing, f"fewer than {count(windows.window, 'value')} before it")
                else:
                    yield RowAnswer(row, nothing, "a value is missing in the window before it")
        for step in range(windows.ahead, ahead):
            yield RowAnswer(None, [*said[step], step + 1])

    def _place(self, row: FileRow) -> int:
        """Return which step of the series a row is; −1 where it is none."""
        return int(self._places[row.line]) if not row.wrong and row.line < len(self._places) else -1

    def _within(self, places: NDArray[np.int64]) -> NDArray[np.float32]:
        """Forecast values from the window before each: float32 [places, 1 or 3], the ends behind the median."""
        if not len(places):
            return np.zeros((0, len(self._task.quantiles) or 1), dtype=np.float32)
        model, windows = self._loaded.model, self._windows
        with torch.inference_mode():
            rows = as_rows(model, windows.before(places))
            values: NDArray[np.float32] = model(rows, torch.full((len(rows),), windows.window)).float().numpy()
        values[:, 1:].sort(axis=1)
        return values

    def _behind(self, ahead: int) -> NDArray[np.float32]:
        """Forecast what comes behind the last value: float32 [ahead, 1 or 3]."""
        model = self._loaded.model
        window, beside = self._windows.behind(ahead)
        rows, fed = as_rows(model, window), None if beside is None else as_rows(model, beside)
        with torch.inference_mode():
            said = forecast(model, rows, ahead, beside=fed)[0].numpy()[:, None]
            if self._share is None:
                return np.asarray(said, dtype=np.float32)
            ends = interval_forecast(model, rows, ahead, self._share, fed)[0].numpy()
            both: NDArray[np.float32] = np.concatenate([said, ends], axis=1).astype(np.float32)
            return both

    def _values(self, scaled: NDArray[np.float32]) -> list[list[float]]:
        """Standardised forecasts, float32 [n, 1 or 3], in the data's units."""
        nothing = np.zeros((1, 1), dtype=np.float32)
        read = [self._task.read_answer(nothing, column) for column in scaled.T]
        return [list(row) for row in zip(*read, strict=True)]

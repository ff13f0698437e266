"""What a forecaster reads at each step: the value, what is seen beside it, and what is known of the next step."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqsum.errors import InputError, UserError
from seqsum.formatting import count as counted
from seqsum.formatting import distinct, full, rounded_within
from seqsum.schema import shown
from seqsum.tasks.base import Inputs, Ints
from seqsum.tasks.number_format import NumberFormat, evened, is_missing
from seqsum.tasks.typed_numbers import read_number
from seqsum.text import one_line

FLOAT32_DIGITS = 24  # binary ones
MISSING = "?"
"""How a value that there is none of is written in a row."""


@dataclass(frozen=True)
class Scale:
    """How the numbers of a column are standardised, by mean and standard deviation of its training part, and written.

    name: of the column
    """

    name: str
    mean: float
    deviation: float
    format: NumberFormat

    @classmethod
    def fitted(cls, name: str, training: NDArray[np.float64], form: NumberFormat, setting: str) -> Scale:
        """Find the scale of a training part, float64 [n]; raises UserError where nothing can be learned from it.

        setting: the one that names the column, for the message
        """
        with np.errstate(over="ignore", invalid="ignore"):
            mean, deviation = float(training.mean()), float(training.std())
        if not (math.isfinite(mean) and math.isfinite(deviation)):
            raise UserError(
                f"{setting}: the values of {shown(name)} are too large to compute with; give them in a larger unit"
            )
        if training.min() == training.max() or deviation == 0:
            own = "there is nothing to learn from a constant series"
            why = own if setting == "task.column" else "leave it out, for a constant says nothing"
            alike = f"the {len(training)} training values of {shown(name)} are all {full(float(training[0]))}"
            raise UserError(f"{setting}: {alike}; {why}")
        return cls(name, mean, deviation, form)

    @classmethod
    def restored(cls, plain: Mapping[str, Any]) -> Scale:
        """From what `plain` gave; without a format it is the plain one, which all had once."""
        form = NumberFormat.restored(plain.get("format"))
        return cls(plain["column"], plain["mean"], plain["deviation"], form)

    def plain(self) -> dict[str, Any]:
        return {
            "column": self.name,
            "mean": self.mean,
            "deviation": self.deviation,
            "format": self.format.plain(),
        }

    def standardise(self, values: NDArray[np.float64]) -> NDArray[np.float32]:
        with np.errstate(over="ignore"):
            return ((values - self.mean) / self.deviation).astype(np.float32)

    def read(self, scaled: NDArray[Any]) -> list[float]:
        """Return standardised values in the data's units, with no more digits than a float32 holds."""
        scaled = scaled.reshape(-1).astype(np.float64)
        values = scaled * self.deviation + self.mean
        # How far a float32 reaches to both sides.
        reach = np.ldexp(np.maximum(np.abs(scaled), 2**-10), -FLOAT32_DIGITS) * self.deviation
        return [rounded_within(value, near) for value, near in zip(values.tolist(), reach.tolist(), strict=True)]


@dataclass(frozen=True)
class TypedRows:
    """values: float64 [n], oldest first; inputs: float64 [columns][n]; known: float64 [columns][n + rows ahead]"""

    values: NDArray[np.float64]
    inputs: list[NDArray[np.float64]]
    known: list[NDArray[np.float64]]


@dataclass(frozen=True)
class Steps:
    """What stands at each step t: the value of t, the inputs of t, and the known columns of t + 1, all standardised.

    What is known of t itself stood at the step before. features: how many numbers that makes
    """

    value: Scale
    inputs: tuple[Scale, ...] = ()
    known: tuple[Scale, ...] = ()

    @property
    def features(self) -> int:
        return 1 + len(self.inputs) + len(self.known)

    @property
    def _scales(self) -> tuple[Scale, ...]:
        return (self.value, *self.inputs, *self.known)

    @property
    def names(self) -> str:
        """The columns as a typed row has them: `sales;price;promo`."""
        return ";".join(one_line(scale.name) for scale in self._scales)

    @property
    def ahead(self) -> str:
        """The columns as the row of a step to be forecast has them: `?;?;promo`."""
        return ";".join([MISSING] * (1 + len(self.inputs)) + [one_line(scale.name) for scale in self.known])

    def standardised(
        self,
        values: NDArray[np.float64],
        inputs: Sequence[NDArray[np.float64]] = (),
        known: Sequence[NDArray[np.float64]] = (),
    ) -> NDArray[np.float32]:
        """Return the steps of a series: float32 [n + ahead, features], NaN where nothing is known.

        values, inputs: float64 [n]; known: float64 [n + ahead]
        """
        length = len(known[0]) if known else len(values)
        steps = np.full((length, self.features), np.nan, dtype=np.float32)
        for place, (scale, column) in enumerate(zip((self.value, *self.inputs), (values, *inputs), strict=True)):
            steps[: len(values), place] = scale.standardise(column)
        for place, (scale, column) in enumerate(zip(self.known, known, strict=True), start=1 + len(inputs)):
            steps[:-1, place] = scale.standardise(column)[1:]
        return steps

    def most_ahead(self, steps: NDArray[np.float32], place: int) -> int | None:
        """How many values from a place on can be forecast, by what is known there; None: any number."""
        return max(0, len(steps) - place) if self.known else None

    def beside(self, steps: NDArray[np.float32], places: Ints, ahead: int) -> NDArray[np.float32] | None:
        """Return what stands beside each of `ahead` forecasts as it is fed back, from each place on: float32 [places,
        ahead − 1, features − 1]; None where it stands alone.

        The inputs stay as they were last, for nobody knows them; the known columns are those of the steps.
        """
        if self.features == 1:
            return None
        held = np.repeat(steps[places - 1, None, 1 : 1 + len(self.inputs)], ahead - 1, axis=1)
        if not self.known:
            return held
        return np.concatenate([held, steps[places[:, None] + np.arange(ahead - 1), 1 + len(self.inputs) :]], axis=2)

    def as_typed(self, steps: Inputs) -> str:
        """Write steps, float32 [n, features], as rows of the data that one can type; with known columns the last row is
        that of the step to be forecast."""
        past, columns = 1 + len(self.inputs), []
        for place, scale in enumerate(self._scales):
            texts = scale.format.texts(scale.read(steps[:, place]))
            columns.append([MISSING, *texts] if place >= past else [*texts, MISSING] if self.known else texts)
        return " ".join(";".join(row) for row in zip(*columns, strict=True))

    def names_of(self, steps: Inputs) -> list[str]:
        """Write each step, float32 [n, features], by what stands there."""
        columns = [scale.format.texts(scale.read(steps[:, place])) for place, scale in enumerate(self._scales)]
        return [";".join(row) for row in zip(*columns, strict=True)]

    def text_of(self, rows: TypedRows, place: int, column: int) -> str:
        """Write the number that stands in a column of a step, in the data's units."""
        every = (rows.values, *rows.inputs, *(known[1:] for known in rows.known))
        return distinct([float(every[column][place])])[0]

    def typed(self, text: str, hint: str) -> TypedRows:
        """Read rows that a person typed: cells between semicolons, rows between white space, and without a value those
        to be forecast. White space beside a semicolon parts nothing where the rows are whole only then.

        Raises InputError with the place of what is wrong.
        """
        scales = self._scales
        past = 1 + len(self.inputs)
        rows: list[list[float]] = []
        values = 0
        for number, found in enumerate(_typed_rows(text, len(scales)), start=1):
            start, cells = found.start(), found[0].split(";")
            if len(cells) != len(scales):
                raise InputError(
                    f"input: row {number}, {shown(found[0])}, has {counted(len(cells), 'number')} and needs "
                    f"{len(scales)}; type {hint}",
                    *found.span(),
                )
            row: list[float] = []
            for place, (scale, cell) in enumerate(zip(scales, cells, strict=True)):
                what = f"{shown(scale.name)} of row {number}"
                start += len(cell) - len(cell := cell.lstrip())
                width = len(cell)
                cell = cell.rstrip()
                missing = is_missing(evened(cell))
                if not missing:
                    row.append(read_number(cell, scale.format, what, hint, start))
                elif place == 0 or (math.isnan(row[0]) if place < past else number == 1 and not math.isnan(row[0])):
                    row.append(math.nan)
                else:
                    raise InputError(f"input: {what} is missing; type {hint}", start, max(start + len(cell), start + 1))
                start += width + 1
            ahead = math.isnan(row[0])
            if ahead and not self.known:
                raise InputError(
                    f"input: row {number} has no {shown(self.value.name)}, and nothing is known of a step to be "
                    "forecast; leave it out",
                    *found.span(),
                )
            if not ahead and values < len(rows):
                raise InputError(
                    f"input: row {number} has a {shown(self.value.name)} behind a row without one; type {hint}",
                    *found.span(),
                )
            values += not ahead
            rows.append(row)
        if not values:
            raise InputError(f"input: no row has a {shown(self.value.name)}; type {hint}")
        columns = np.array(rows, dtype=np.float64).reshape(len(rows), len(scales)).T
        return TypedRows(columns[0, :values], [*columns[1:past, :values]], [*columns[past:]])

    def padded(self, rows: TypedRows, window: int) -> TypedRows:
        """Cut rows to the last `window` that have a value, or put means before them, as for a first one's known ones
        where they are missing."""
        short = window - len(rows.values)

        def fit(scale: Scale, column: NDArray[np.float64]) -> NDArray[np.float64]:
            column = np.where(np.isnan(column), scale.mean, column)
            return np.concatenate([np.full(max(0, short), scale.mean), column[max(0, -short) :]])

        return TypedRows(
            fit(self.value, rows.values),
            [fit(scale, column) for scale, column in zip(self.inputs, rows.inputs, strict=True)],
            [fit(scale, column) for scale, column in zip(self.known, rows.known, strict=True)],
        )


def _typed_rows(text: str, columns: int) -> list[re.Match[str]]:
    """Part rows at white space; where that leaves one that is not whole, at none that stands beside a semicolon."""
    rows, loose = (list(re.finditer(pattern, text)) for pattern in (r"\S+", r"(?:\s*;\s*|[^\s;])+"))

    def whole(found: list[re.Match[str]]) -> bool:
        return all(row[0].count(";") == columns - 1 for row in found)

    return loose if whole(loose) and not whole(rows) else rows

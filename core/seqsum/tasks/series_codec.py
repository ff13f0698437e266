"""A series as a person types it and as a forecaster reads it, in plain Python: columns, their scales, and rows."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

from seqsum.errors import InputError, UserError
from seqsum.formatting import count as counted
from seqsum.formatting import distinct, enumerated, rounded_within
from seqsum.schema import shown
from seqsum.tasks.codec import Codec
from seqsum.tasks.number_format import NumberFormat, evened, is_missing
from seqsum.tasks.typed_numbers import read_number, read_typed

MISSING = "?"
"""How a value that there is none of is written in a row."""
FLOAT32_DIGITS = 24  # binary ones
FLOAT32_END = 2.0**128 - 2.0**103
"""From here on a number is infinite as a float32."""


@dataclass(frozen=True)
class ColumnScale:
    """How the numbers of a column are standardised, by mean and standard deviation of its training part, and written.

    name: of the column
    """

    name: str
    mean: float
    deviation: float
    format: NumberFormat

    @classmethod
    def restored(cls, plain: Mapping[str, Any]) -> Self:
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

    def values(self, scaled: list[float]) -> list[float]:
        """Return standardised values in the data's units, with no more digits than a float32 holds."""
        # How far a float32 reaches to both sides.
        reach = [math.ldexp(max(abs(value), 2**-10), -FLOAT32_DIGITS) * self.deviation for value in scaled]
        values = [value * self.deviation + self.mean for value in scaled]
        return [rounded_within(value, near) for value, near in zip(values, reach, strict=True)]


@dataclass(frozen=True)
class SeriesCodec(Codec):
    """Numbers, or rows of several columns, which are standardised; the answer is in the data's units.

    scales: of the columns, as `ColumnScale.plain` gives them: that of the values, `inputs` of the past, and the known
    ones; last: the data's last window of each, of the known ones with what is known behind it; window: how many steps
    are read; horizon: how many are usually forecast; hint: what to type
    """

    scales: list[dict[str, Any]]
    inputs: int
    last: list[list[float]]
    window: int
    horizon: int
    hint: str

    @cached_property
    def columns(self) -> list[ColumnScale]:
        return [ColumnScale.restored(plain) for plain in self.scales]

    @property
    def past(self) -> int:
        """How many columns have no future that is known."""
        return 1 + self.inputs

    @property
    def known(self) -> str:
        """What the known columns are called."""
        return enumerated([shown(scale.name) for scale in self.columns[self.past :]], "and")

    def encode(self, text: str) -> list[list[float]]:
        """Return the window, [window][features], standardised."""
        rows = self.rows(text)
        window = rows[: self.window]
        if len(self.columns) > self.past and len(rows) == self.window:
            told = "what was typed" if text.strip() else "the data"
            raise UserError(f"input: {told} does not say what {self.known} will be in the next step; type {self.hint}")
        far = (
            (place, column)
            for place, row in enumerate(window)
            for column, value in enumerate(row)
            if not abs(value) < FLOAT32_END
        )
        place, column = next(far, (None, 0))
        if place is not None:
            cell = self.typed(text)[column][place + (column >= self.past)]
            raise UserError(f"input: {distinct([cell])[0]} is too far from the training data; type {self.hint}")
        return window

    def decode(self, inputs: list[list[float]], answer: list[float]) -> list[float]:
        """Return the values ahead, nearest first."""
        return self.columns[0].values(answer)

    def ahead(self, text: str, steps: int | None, usual: int | None = None) -> tuple[int, list[list[float]]]:
        """usual: how many are forecast where nobody says it; None: the horizon"""
        rows = self.rows(text)
        ahead = self.steps_ahead(len(rows) - self.window, steps, usual)
        if len(self.columns) == 1:
            return ahead, []
        # The inputs stay as they were last, for nobody knows them.
        held = rows[self.window - 1][1 : self.past]
        behind = rows[self.window :] if len(self.columns) > self.past else [[]] * (ahead - 1)
        return ahead, [held + row[self.past :] for row in behind[: ahead - 1]]

    def steps_ahead(self, there: int, asked: int | None, usual: int | None = None) -> int:
        """How many values are forecast where the known columns go on for so many steps; raises UserError where more
        are asked for."""
        usual = self.horizon if usual is None else usual
        if len(self.columns) == self.past:
            return asked or usual
        if asked is not None and asked > there:
            raise UserError(
                f"input: {counted(asked, 'step')} ahead {'is' if asked == 1 else 'are'} asked for, and the known "
                f"columns ({self.known}) go on for {counted(max(0, there), 'step')}; ask for fewer, or say more of them"
            )
        return asked or min(usual, max(0, there))

    def rows(self, text: str) -> list[list[float]]:
        """Return the steps of what was typed, or of the data's end: [window + ahead][features], standardised, NaN where
        nothing is known. What is known of a step stands at the one before."""
        columns = self.typed(text)
        scaled = [
            [(value - scale.mean) / scale.deviation for value in column]
            for scale, column in zip(self.columns, columns, strict=True)
        ]
        length = max(map(len, scaled))
        moved = [column[1:] if place >= self.past else column for place, column in enumerate(scaled)]
        full = [[*column, *[math.nan] * (length - len(column))] for column in moved]
        return [list(row) for row in zip(*full, strict=True)]

    def typed(self, text: str) -> list[list[float]]:
        """Return each column's last `window` values as typed, or means before them, and the known ones' behind them."""
        if not text.strip():
            return self.last
        columns = self.read(text)
        short = self.window - len(columns[0])
        found = []
        for scale, column in zip(self.columns, columns, strict=True):
            # Known ones may be missing in the first row.
            there = [scale.mean if math.isnan(value) else value for value in column]
            found.append([scale.mean] * max(0, short) + there[max(0, -short) :])
        return found

    def read(self, text: str) -> list[list[float]]:
        """Read what a person typed, column by column: of a single one numbers, else rows with cells between semicolons
        and white space between them, and without a value those to be forecast. White space beside a semicolon parts
        nothing where the rows are whole only then.

        Raises InputError with the place of what is wrong.
        """
        if len(self.columns) == 1:
            return [read_typed(text, self.columns[0].format, self.hint)]
        rows = list(self._rows(text))
        values = sum(not math.isnan(row[0]) for row in rows)
        if not values:
            raise InputError(f"input: no row has a {shown(self.columns[0].name)}; type {self.hint}")
        columns = [list(column) for column in zip(*rows, strict=True)]
        return [column[:values] for column in columns[: self.past]] + columns[self.past :]

    def _rows(self, text: str) -> Iterator[list[float]]:
        name, known = shown(self.columns[0].name), len(self.columns) > self.past
        behind = False
        for number, found in enumerate(_typed_rows(text, len(self.columns)), start=1):
            start, cells = found.start(), found[0].split(";")
            if len(cells) != len(self.columns):
                raise InputError(
                    f"input: row {number}, {shown(found[0])}, has {counted(len(cells), 'number')} and needs "
                    f"{len(self.columns)}; type {self.hint}",
                    *found.span(),
                )
            row: list[float] = []
            for place, (scale, cell) in enumerate(zip(self.columns, cells, strict=True)):
                what = f"{shown(scale.name)} of row {number}"
                start += len(cell) - len(cell := cell.lstrip())
                width = len(cell)
                cell = cell.rstrip()
                missing = is_missing(evened(cell))
                if not missing:
                    row.append(read_number(cell, scale.format, what, self.hint, start))
                elif place == 0 or (
                    math.isnan(row[0]) if place < self.past else number == 1 and not math.isnan(row[0])
                ):
                    row.append(math.nan)
                else:
                    end = max(start + len(cell), start + 1)
                    raise InputError(f"input: {what} is missing; type {self.hint}", start, end)
                start += width + 1
            ahead = math.isnan(row[0])
            if ahead and not known:
                raise InputError(
                    f"input: row {number} has no {name}, and nothing is known of a step to be forecast; leave it out",
                    *found.span(),
                )
            if not ahead and behind:
                raise InputError(
                    f"input: row {number} has a {name} behind a row without one; type {self.hint}", *found.span()
                )
            behind = behind or ahead
            yield row


def _typed_rows(text: str, columns: int) -> list[re.Match[str]]:
    """Part rows at white space; where that leaves one that is not whole, at none that stands beside a semicolon."""
    rows, loose = (list(re.finditer(pattern, text)) for pattern in (r"\S+", r"(?:\s*;\s*|[^\s;])+"))

    def whole(found: list[re.Match[str]]) -> bool:
        return all(row[0].count(";") == columns - 1 for row in found)

    return loose if whole(loose) and not whole(rows) else rows

"""A series of real numbers: the yearly sunspot numbers, or a column of a CSV file."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib.resources import files
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from seqsum.errors import UserError
from seqsum.files import file_stamp
from seqsum.formatting import count, full
from seqsum.schema import shown
from seqsum.tasks.header import LOOKED_AT, Header, usual_kind
from seqsum.tasks.number_format import (
    Conflict,
    DecimalMark,
    NumberFormat,
    decide,
    evened,
    formats_of,
    is_missing,
    rounded,
    shape_of,
)
from seqsum.tasks.tables import Table, listed_lines, read_csv, read_table
from seqsum.tasks.text_files import Encoding
from seqsum.tasks.timestamps import NAMED, RowOrder, Unit, judge, read_times

GROUPED = ",", "."
"""The convention in which a number such as 18.120 is eighteen thousand."""

MissingValues = Literal["refuse", "forward_fill"]


@dataclass(frozen=True)
class SeriesSource:
    """What is read, and how: file None is the sunspots' one, column None the last.

    decimal, header: auto finds them in the file; missing: what to do where there is no value; field: the setting that
    names the file, for messages; encoding: of the file
    """

    file: str | None = None
    column: str | None = None
    decimal: DecimalMark = "auto"
    header: Header = "auto"
    missing: MissingValues = "refuse"
    field: str = "task.file"
    encoding: Encoding = "auto"


@dataclass(frozen=True)
class Moments:
    """name: of the column that says when; at: float64 [n], oldest first; unit: of those: second (since 1970, in UTC),
    month (since the year 0), or empty for the column's own numbers"""

    name: str
    at: NDArray[np.float64]
    unit: Unit

    def around(self, place: int, before: int, after: int) -> NDArray[np.float64]:
        """Return when `before` values up to a place and `after` values from it on are, months as seconds: float64
        [before + after]. Beyond the end they go on by the usual step."""
        known = self.at[place - before : place + after]
        beyond = np.arange(1, before + after - len(known) + 1) * np.median(np.diff(self.at))
        at = np.concatenate([known, self.at[-1] + beyond])
        if self.unit != "month":
            return at
        return (at - 12 * 1970 - 1).astype(np.int64).astype("datetime64[M]").astype("datetime64[s]").astype(np.float64)


@dataclass(frozen=True)
class Series:
    """name: of the column; values: float64 [n], oldest first; format: how its numbers are written; notes: how it was
    read, one sentence each; moments: when each value was, where the file says it of all"""

    name: str
    values: NDArray[np.float64]
    format: NumberFormat
    notes: list[str]
    moments: Moments | None = None

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the values."""
        return hashlib.sha256(self.values.tobytes()).hexdigest()


def read_series(reading: SeriesSource) -> Series:
    """Read a column of a CSV file; without a file, the sunspot numbers of 1700–2008.

    Rows from the newest to the oldest are put into order. Raises UserError naming what is wrong and where: the file,
    the column, the first cell that is no finite number or can be read in two ways, rows in no order of time.
    """
    if reading.file is None:
        data = (files("seqsum.tasks") / "data" / "sunspots.csv").read_bytes()
        return _series(read_csv(data, "sunspots.csv"), reading)
    return _read(reading, reading.file, file_stamp(reading.file))


@lru_cache(maxsize=4)  # a form makes the task anew at every change
def _read(reading: SeriesSource, file: str, stamp: object) -> Series:
    """`stamp`: of the file as it is now; a changed one is read anew."""
    return _series(read_table(file, reading.header, False, reading.field, reading.encoding, (reading.column,)), reading)


def _series(table: Table, reading: SeriesSource) -> Series:
    column = table.column(reading.column, "task.column")
    values, form, notes = _numbers(table, column, reading)
    order, moments = _in_order(table, column)
    places = table.places[::-1] if order.backwards else table.places
    values = values[::-1].copy() if order.backwards else values
    filled = _filled(values)
    notes += _missing_notes(values, len(values) - len(filled), places)
    if moments is not None:
        moments = replace(moments, at=moments.at[len(values) - len(filled) :])
    filled.setflags(write=False)
    told = [] if reading.file is None else [*table.notes, *notes, *order.notes]
    return Series(table.columns[column], filled, form, told, moments)


def _numbers(table: Table, column: int, reading: SeriesSource) -> tuple[NDArray[np.float64], NumberFormat, list[str]]:
    """Read a column in its one convention: float64 [rows], NaN where a value is missing and that is allowed."""
    name = shown(table.columns[column])
    cells = [evened(cell) for cell in table.cells(column)]
    missing = [row for row, cell in enumerate(cells) if is_missing(cell)]
    shapes: dict[str, int] = {}
    for row, cell in enumerate(cells):
        shapes.setdefault(shape_of(cell), row)
    for shape in {shape_of(cells[row]) for row in missing}:
        del shapes[shape]
    try:
        form = decide(shapes, reading.decimal, table.separator)
    except Conflict as error:
        raise UserError(_conflict(error, table, column, cells, reading.decimal)) from None
    if missing and reading.missing == "refuse":
        first = cells[missing[0]]
        what = f"{shown(first)} is a missing value" if first else "the cell is empty"
        lines = listed_lines([table.places[row] for row in missing])
        also = f"; {len(missing):,} values are missing ({lines})" if len(missing) > 1 else ""
        raise UserError(
            f"{table.place(missing[0], column)}: {what}{also}; fill in what is missing, or set task.missing to "
            "forward_fill, which repeats the value before"
        )
    absent = set(missing)
    values = np.array([math.nan if row in absent else form.value(cell) for row, cell in enumerate(cells)])
    wrong = np.flatnonzero(np.isinf(values))
    if len(wrong):
        row = int(wrong[0])
        raise UserError(
            f"{table.place(row, column)}: {shown(cells[row])} is no finite number; fill it in, or take the row out"
        )
    lossy = next((row for row, cell in enumerate(cells) if row not in absent and rounded(cell, values[row])), None)
    if lossy is not None:
        raise UserError(
            f"{table.place(lossy, column)}: {shown(cells[lossy])} has more digits than are computed with, it would be "
            f"{int(values[lossy])}; take one large number away from all values"
        )
    marked = any(form.decimal in cell for row, cell in enumerate(cells) if row not in absent)
    notes = [f"series: the numbers of {name} have {form.words(marked)}"]
    grouped = NumberFormat(*GROUPED, form.unit)
    points = bool(shapes) and all("." in shape and grouped in formats_of(shape) for shape in shapes)
    if points and not form.grouping and reading.decimal == "auto":
        at = min(shapes.values())
        notes.append(
            f"series: {shown(cells[at])} is read as {full(float(values[at]))}; if its point parts thousands, set "
            "task.decimal to comma"
        )
    return values, form, notes


def _missing_notes(values: NDArray[np.float64], left_out: int, places: Sequence[int]) -> list[str]:
    """Say what became of missing values, the first `left_out` of which stand before all others.

    values: float64 [n], oldest first, NaN where one is missing; places: the line of each
    """
    missing = np.flatnonzero(np.isnan(values)).tolist()
    said = (missing[:left_out], "before the first value left out"), (missing[left_out:], "read as the value before")
    return [
        f"series: {count(len(rows), 'missing value')} ({listed_lines(sorted(places[row] for row in rows))}) {done}"
        for rows, done in said
        if rows
    ]


def _conflict(error: Conflict, table: Table, column: int, cells: list[str], decimal: DecimalMark) -> str:
    """Say why a column has no one convention, and what to do."""
    place, cell = table.place(error.place, column), shown(cells[error.place])
    if error.kind == "either":
        # One of the two readings, as people write it.
        thousands = cells[error.place].replace(",", "").replace(".", "")
        decimals = cells[error.place].replace(",", ".")
        return (
            f"{place}: {cell} can be {thousands} or {decimals}, and no other cell tells which; set task.decimal to "
            "point or comma"
        )
    if error.kind == "spaced":
        return (
            f"{place}: {cell} can be one number or two columns; separate columns by a comma or tab, or write thousands "
            "without spaces"
        )
    if error.kind == "mixed" and error.other >= 0:
        other = f"{shown(cells[error.other])} in line {table.places[error.other]}"
        return f"{place}: {cell} is written otherwise than {other}; write all numbers of the column in one way"
    if error.kind == "mixed":
        return f"{place}: {cell} has no decimal {decimal}, as task.decimal says; set it to auto"
    if cells[error.place].lower().lstrip("+-") in ("inf", "infinity"):
        return f"{place}: {cell} is no finite number; fill it in, or take the row out"
    return f"{place}: expected a number, got {cell}"


def _in_order(table: Table, column: int) -> tuple[RowOrder, Moments | None]:
    """Say whether the rows run from the newest to the oldest, and when each was, oldest first.

    Raises UserError when they run neither way.
    """
    others = [at for at in range(len(table.columns)) if at != column]
    times = read_times([table.columns[at] for at in others], [[*table.cells(at)] for at in others])
    if times is None:
        dated = [at for at in others if table.columns[at].strip().lower() in NAMED]
        dated += [at for at in others if usual_kind([*table.cells(at)][:LOOKED_AT]) == "date"]
        unread = [
            f"series: {shown(table.columns[at])} gives no order that can be read; the order of the rows was not checked"
            for at in dated
        ]
        return RowOrder(False, None, unread[:1]), None
    at = others[times.column]
    name = shown(table.columns[at])
    if times.wrong:
        cells = [*table.cells(at)]
        lines = listed_lines([table.places[row] for row in times.wrong])
        also = f", and so with {len(times.wrong) - 1:,} more ({lines})" if len(times.wrong) > 1 else ""
        raise UserError(
            f"{table.place(times.wrong[0], at)}: {shown(cells[times.wrong[0]])} is no time like the others{also}; the "
            "order of the rows can't be checked: put it right, or take the row out"
        )
    order = judge(times, table.places)
    if order.broken is not None:
        raise UserError(
            f"{table.source}, line {table.places[order.broken]}: the rows are not in the order of {name}; sort the "
            "file by time, oldest first, one series in a file"
        )
    notes = [f"series: the dates of {name} are {times.remark}"] if times.remark else []
    notes += [f"series: {note} (column {name})" for note in order.notes]
    if order.backwards:
        notes.insert(0, f"series: the rows run from the newest to the oldest by {name}; they were put into order")
    when = times.at[::-1] if order.backwards else times.at
    known = not np.isnan(when).any()
    return RowOrder(order.backwards, None, notes), Moments(table.columns[at], when, times.unit) if known else None


def _filled(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Put the value before where one is missing, and leave out those before the first."""
    known = ~np.isnan(values)
    last = np.maximum.accumulate(np.where(known, np.arange(len(values)), -1))
    return values[last[last >= 0]]

"""A series of real numbers: the yearly sunspot numbers, or a column of a CSV file."""

from __future__ import annotations

import hashlib
import math
import re
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib.resources import files
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from seqsum.errors import UserError
from seqsum.files import file_stamp
from seqsum.formatting import count, enumerated, full
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
from seqsum.tasks.timestamps import NAMED, Unit, judge, read_times, usual_step

GROUPED = ",", "."
"""The convention in which a number such as 18.120 is eighteen thousand."""

MissingValues = Literal["refuse", "forward_fill", "interpolate", "mask"]
Repeated = Literal["keep", "refuse", "first", "last", "mean"]
Gaps = Literal["keep", "refuse", "forward_fill", "interpolate", "mask"]
MOST_FILLED = 1_000_000
"""Values that gaps are filled with, at most, and no more than there are."""


@dataclass(frozen=True)
class SeriesSource:
    """What is read, and how: file None is the sunspots' one, column None the last.

    decimal, header: auto finds them in the file; missing: what to do where there is no value; field: the setting that
    names the file, for messages; encoding: of the file
    time_column: the one that says when; None finds it. order, repeated, gaps: what to do where rows are not in its
    order, where a time comes again, and where some are left out
    inputs, known: further columns, under the same rules; known ones go on where the series has ended
    open_end: whether the last rows that have no value are steps to be forecast without known columns, too
    """

    file: str | None = None
    column: str | None = None
    decimal: DecimalMark = "auto"
    header: Header = "auto"
    missing: MissingValues = "refuse"
    field: str = "task.file"
    encoding: Encoding = "auto"
    time_column: str | None = None
    order: Literal["refuse", "sort"] = "refuse"
    repeated: Repeated = "keep"
    gaps: Gaps = "keep"
    inputs: tuple[str, ...] = ()
    known: tuple[str, ...] = ()
    open_end: bool = False


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
class Column:
    """A further column. values: float64 [n], of a known one [n + ahead]; format: how its numbers are written"""

    name: str
    values: NDArray[np.float64]
    format: NumberFormat


@dataclass(frozen=True)
class Series:
    """name: of the column; values: float64 [n], oldest first; format: how its numbers are written; notes: how it was
    read, one sentence each; moments: when each value was, [n + ahead], where the file says it of all; masked: bool [n],
    steps that hold a value that stands for none, which no window may hold
    inputs, known: further columns, as they were named; ahead: how many rows behind the last value are to be forecast;
    lines: int64 [n + ahead], the file's line of each step, 0 for one that was put in
    """

    name: str
    values: NDArray[np.float64]
    format: NumberFormat
    notes: list[str]
    moments: Moments | None = None
    masked: NDArray[np.bool_] | None = None
    inputs: tuple[Column, ...] = ()
    known: tuple[Column, ...] = ()
    ahead: int = 0
    lines: NDArray[np.int64] | None = None

    @property
    def fingerprint(self) -> str:
        """SHA-256 of all values."""
        columns = (self.values, *(column.values for column in (*self.inputs, *self.known)))
        return hashlib.sha256(b"".join(values.tobytes() for values in columns)).hexdigest()


def read_series(reading: SeriesSource) -> Series:
    """Read a column of a CSV file, and further ones; without a file, the sunspot numbers of 1700–2008.

    Rows from the newest to the oldest are put into order. With known columns the last rows that have no value are the
    steps to be forecast. Raises UserError naming what is wrong and where: the file,
    the column, the first cell that is no finite number or can be read in two ways, rows in no order of time.
    """
    if reading.file is None:
        data = (files("seqsum.tasks") / "data" / "sunspots.csv").read_bytes()
        return _series(read_csv(data, "sunspots.csv"), reading)
    return _read(reading, reading.file, file_stamp(reading.file))


@lru_cache(maxsize=4)  # a form makes the task anew at every change
def _read(reading: SeriesSource, file: str, stamp: object) -> Series:
    """`stamp`: of the file as it is now; a changed one is read anew."""
    columns = (reading.column, *reading.inputs, *reading.known)
    return _series(read_table(file, reading.header, False, reading.field, reading.encoding, columns), reading)


def _series(table: Table, reading: SeriesSource) -> Series:
    columns = _columns(table, reading)
    read = [_numbers(table, column, reading, further=at > 0) for at, column in enumerate(columns)]
    values = np.stack([numbers for numbers, _, _ in read], axis=1)
    rows, moments, time_notes = _in_order(table, columns, reading)
    values, places = values[rows], [table.places[row] for row in rows.tolist()]
    past = len(columns) - len(reading.known)  # columns that have no future

    def ahead_of(values: NDArray[np.float64]) -> int:
        return _ahead(values) if reading.known or reading.open_end else 0

    if reading.missing == "refuse":
        _refuse_missing(table, columns, rows, _missing(values, ahead_of(values), past), moments)
    gap = np.zeros(len(values), dtype=np.bool_)
    if moments is not None:
        values, moments, places, told = _one_each(values, moments, places, reading, table.source)
        time_notes += told
        values, moments, gap, told = _without_gaps(values, moments, places, reading, table.source)
        time_notes += told
    lines = np.zeros(len(values), dtype=np.int64)
    lines[~gap] = places
    absent = _missing(values, ahead_of(values), past)
    first = max(int(np.argmin(column)) if not column.all() else len(values) for column in np.isnan(values).T)
    masked = np.zeros(len(values), dtype=np.bool_)
    filled = values
    for which, how in ((absent & gap[:, None], reading.gaps), (absent & ~gap[:, None], reading.missing)):
        masked |= which.any(axis=1) if how == "mask" else False
        every = [_filled(column, interpolate=how == "interpolate") for column in values.T]
        filled = np.where(which, np.stack(every, axis=1), filled)
    ended = len(values) - ahead_of(values)
    notes = [note for _, _, told in read for note in told]
    for at, column in enumerate(columns):
        missing = np.flatnonzero(absent[:, at] & ~gap)
        name = shown(table.columns[column])
        notes += _missing_notes(missing, first, lines, reading.missing, name if at else "")
        stop = ended if at < past else len(values)
        unfilled = (~absent[:stop, at]).nonzero()[0]
        invented = stop - int(unfilled[-1]) - 1 if len(unfilled) else 0
        if invented and not masked[stop - 1]:
            notes.append(
                f"series: the last {'value' if invented == 1 else f'{invented:,} values'} of {name} "
                f"{'is' if invented == 1 else 'are'} filled: the value before, repeated, which nobody measured; leave "
                "these rows out to end with the last value that was"
            )
    # What is known ends where it is masked.
    end = ended + int(np.argmax(np.append(masked[ended:], True)))
    if reading.known:
        notes += [_ahead_note(table.columns[columns[0]], end - ended, reading.known)]
    first = min(first, ended)
    if moments is not None:
        moments = replace(moments, at=moments.at[first:end])
    masked = masked[first:ended]
    further = [
        Column(table.columns[column], _kept(filled[first : ended if at < past else end, at]), read[at][1])
        for at, column in enumerate(columns)
    ]
    return Series(
        table.columns[columns[0]],
        further[0].values,
        further[0].format,
        [] if reading.file is None else [*table.notes, *notes, *time_notes],
        moments,
        masked if masked.any() else None,
        tuple(further[1:past]),
        tuple(further[past:]),
        end - ended,
        lines[first:end],
    )


def _columns(table: Table, reading: SeriesSource) -> list[int]:
    """Where the column of the values and the further ones stand; raises UserError where one is named that is not there,
    or is the column of the values."""
    found = [table.column(reading.column, "task.column")]
    for setting, names in (("task.input_columns", reading.inputs), ("task.known_columns", reading.known)):
        for name in names:
            found.append(table.column(name, setting))
            if found[-1] == found[0]:
                raise UserError(
                    f"{setting}: {shown(name)} is the column that is forecast, and its past is read anyway; leave it "
                    "out, or set task.column to another"
                )
    return found


def _ahead(values: NDArray[np.float64]) -> int:
    """How many rows at the end have no value: the steps to be forecast. values: float64 [rows, columns], oldest first,
    the first column that of the values"""
    known = np.flatnonzero(~np.isnan(values[:, 0]))
    return len(values) - int(known[-1]) - 1 if len(known) else 0


def _missing(values: NDArray[np.float64], ahead: int, past: int) -> NDArray[np.bool_]:
    """What is missing, but for what has no future: bool [rows, columns].

    values: float64 [rows, columns]; ahead: how many rows at the end are to be forecast; past: how many of the columns
    have no future, that of the values first
    """
    missing: NDArray[np.bool_] = np.isnan(values)
    missing[len(values) - ahead :, :past] = False
    return missing


def _ahead_note(name: str, ahead: int, known: tuple[str, ...]) -> str:
    names = enumerated([shown(column) for column in known], "and")
    if not ahead:
        return (
            f"series: the file ends with the last value of {shown(name)}; to forecast what comes, add rows with "
            f"{names} and no {shown(name)}"
        )
    return f"series: the last {count(ahead, 'row')} have no {shown(name)}: the steps to be forecast, {names} known"


def _kept(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """A copy that lies together and can't be written to."""
    kept = values.copy()
    kept.setflags(write=False)
    return kept


def _numbers(
    table: Table, column: int, reading: SeriesSource, further: bool
) -> tuple[NDArray[np.float64], NumberFormat, list[str]]:
    """Read a column in its one convention: float64 [rows], NaN where a value is missing."""
    name = shown(table.columns[column])
    cells = [evened(cell) for cell in table.cells(column)]
    missing = [row for row, cell in enumerate(cells) if is_missing(cell)]
    shapes: dict[str, int] = {}
    for row, cell in enumerate(cells):
        shapes.setdefault(shape_of(cell), row)
    for shape in {shape_of(cells[row]) for row in missing}:
        del shapes[shape]
    if not shapes and further:
        raise UserError(f"{table.source}: column {name} holds no number; leave it out")
    try:
        form = decide(shapes, reading.decimal, table.separator)
    except Conflict as error:
        words = further and not re.search(r"\d", cells[error.place])
        hint = "; a further column holds numbers: write yes and no, or kinds, as 1 and 0 in columns of their own"
        raise UserError(_conflict(error, table, column, cells, reading.decimal) + (hint if words else "")) from None
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


def _refuse_missing(
    table: Table, columns: list[int], rows: NDArray[np.int64], missing: NDArray[np.bool_], moments: Moments | None
) -> None:
    """Raise UserError where a value is missing.

    rows: int64 [n], the rows in order; missing: bool [n, columns], in that order
    """
    for at, column in enumerate(columns):
        lacking = sorted(rows[missing[:, at]].tolist())
        if lacking:
            first = evened([*table.cells(column)][lacking[0]])
            what = f"{shown(first)} is a missing value" if first else "the cell is empty"
            lines = listed_lines([table.places[row] for row in lacking])
            also = f"; {len(lacking):,} values are missing ({lines})" if len(lacking) > 1 else ""
            if at == 0 and missing[-len(lacking) :, 0].all() and len(lacking) < len(rows):
                last = "row has" if len(lacking) == 1 else f"{len(lacking):,} rows have"
                known = _going_on(table, column, lacking, moments)
                these = f", or set task.known_columns to what is known there, such as {known}, to forecast them"
                raise UserError(
                    f"{table.place(lacking[0], column)}: {what}: the last {last} no value; leave "
                    f"{'it' if len(lacking) == 1 else 'them'} out{these if known else ''}"
                )
            raise UserError(
                f"{table.place(lacking[0], column)}: {what}{also}; fill in what is missing, or set task.missing to "
                "forward_fill, which repeats the value before, to interpolate, or to mask, which leaves its windows out"
            )


def _going_on(table: Table, column: int, lacking: list[int], moments: Moments | None) -> str:
    """Name a column of numbers that has one in each of these rows, but for the column itself and that of the times."""
    for at, name in enumerate(table.columns):
        cells = [evened(cell) for cell in table.cells(at)]
        other = at != column and (moments is None or name != moments.name)
        if other and usual_kind(cells) == "number" and not any(is_missing(cells[row]) for row in lacking):
            return shown(name)
    return ""


def _missing_notes(
    missing: NDArray[np.int64], left_out: int, places: NDArray[np.int64], how: MissingValues, name: str
) -> list[str]:
    """Say what became of missing values; those of the first `left_out` places stand before all others.

    missing: int64 [m], where they are, oldest first; places: the line of each; name: of a further column, else empty
    """
    done = {"interpolate": "read as on the line between their neighbours", "mask": "in no window"}
    said = (
        ([row for row in missing.tolist() if row < left_out], "before the first value left out"),
        ([row for row in missing.tolist() if row >= left_out], done.get(how, "read as the value before")),
    )
    of = f" of {name}" if name else ""
    return [
        f"series: {count(len(rows), 'missing value')}{of} ({listed_lines(sorted(int(places[row]) for row in rows))}) "
        f"{done}"
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


def _in_order(
    table: Table, columns: list[int], reading: SeriesSource
) -> tuple[NDArray[np.int64], Moments | None, list[str]]:
    """Return the rows oldest first, when each was, and what is to be said of it.

    Raises UserError when they run neither way, unless they are to be sorted.
    """
    rows = np.arange(len(table.rows))
    column = columns[0]
    others = [at for at in range(len(table.columns)) if at not in columns]
    if reading.time_column is not None:
        others = [table.column(reading.time_column, "task.time_column")]
        if others == [column]:
            raise UserError(f"task.time_column: {shown(reading.time_column)} is the column of the values; name another")
    named = reading.time_column is not None
    times = read_times([table.columns[at] for at in others], [[*table.cells(at)] for at in others], named)
    if times is None and named:
        raise UserError(
            f"task.time_column: {table.source}: {shown(table.columns[others[0]])} holds no times that can be read; "
            "write them as 2024-01-31, 2024-01-31 12:00, or as numbers"
        )
    if times is None:
        wanted = [name for name in ("repeated", "gaps") if getattr(reading, name) != "keep"]
        wanted += ["order"] if reading.order == "sort" else []
        if wanted:
            raise UserError(
                f"task.{wanted[0]}: {table.source} has no column of times that is found by itself; name it with "
                "task.time_column"
            )
        dated = [at for at in others if table.columns[at].strip().lower() in NAMED]
        dated += [at for at in others if usual_kind([*table.cells(at)][:LOOKED_AT]) == "date"]
        unread = [
            f"series: {shown(table.columns[at])} gives no order that can be read; the order of the rows was not checked"
            for at in dated
        ]
        return rows, None, unread[:1]
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
    known = ~np.isnan(times.at)
    if not known.all() and (reading.order == "sort" or reading.repeated != "keep" or reading.gaps != "keep"):
        raise UserError(
            f"{table.place(int(np.flatnonzero(~known)[0]), at)}: there is no time in this row, so that its place is "
            "not known; fill it in, or take the row out"
        )
    kept = reading.repeated == "keep", reading.gaps == "keep"
    order, moved = judge(times, table.places, *kept), ""
    if order.broken is not None:
        if reading.order != "sort":
            raise UserError(
                f"{table.source}, line {table.places[order.broken]}: the rows are not in the order of {name}; sort the "
                "file by time, oldest first, one series in a file, or set task.order to sort"
            )
        rows = np.argsort(times.at, kind="stable")
        moved = f"series: the rows were not in the order of {name}; they were sorted by it"
        order = judge(replace(times, at=times.at[rows]), [table.places[row] for row in rows.tolist()], *kept)
    elif order.backwards:
        rows = rows[::-1]
        moved = f"series: the rows run from the newest to the oldest by {name}; they were put into order"
    notes = [moved] if moved else []
    notes += [f"series: the dates of {name} are {times.remark}"] if times.remark else []
    notes += [f"series: {note} (column {name})" for note in order.notes]
    return rows, Moments(table.columns[at], times.at[rows], times.unit) if known.all() else None, notes


def _one_each(
    values: NDArray[np.float64], moments: Moments, places: list[int], reading: SeriesSource, source: str
) -> tuple[NDArray[np.float64], Moments, list[int], list[str]]:
    """Have one row for each time, as `repeated` says. values: float64 [rows, columns], NaN where one is missing"""
    again = np.flatnonzero(np.diff(moments.at) == 0) + 1
    if reading.repeated == "keep" or not len(again):
        return values, moments, places, []
    lines = sorted(places[row] for row in again.tolist())
    name = shown(moments.name)
    if reading.repeated == "refuse":
        also = f", and so with {len(again) - 1:,} more ({listed_lines(lines)})" if len(again) > 1 else ""
        raise UserError(
            f"{source}, line {places[again[0]]}: it has the time of line {places[again[0] - 1]} (column {name}){also}; "
            "take one of them out, or set task.repeated to first, last or mean"
        )
    # Of one time in the order of the file, also where that runs from the newest to the oldest.
    by_line = np.lexsort((np.array(places), moments.at))
    values, places = values[by_line], [places[row] for row in by_line.tolist()]
    _, firsts, counts = np.unique(moments.at, return_index=True, return_counts=True)
    if reading.repeated == "mean":
        chosen, values = firsts, np.stack([_means(column, firsts) for column in values.T], axis=1)
    else:
        chosen = firsts if reading.repeated == "first" else firsts + counts - 1
        values = values[chosen]
    what = {"mean": "the mean", "first": "the first", "last": "the last"}[reading.repeated]
    note = f"series: {count(len(again), 'row')} with the time of another ({listed_lines(lines)}); {what} was taken"
    moments = replace(moments, at=moments.at[chosen])
    return values, moments, [places[row] for row in chosen.tolist()], [f"{note} (column {name})"]


def _means(values: NDArray[np.float64], firsts: NDArray[np.int64]) -> NDArray[np.float64]:
    """The mean of what is known in each of the parts that begin at `firsts`; NaN where nothing is."""
    known = ~np.isnan(values)
    sums, found = (np.add.reduceat(part, firsts) for part in (np.where(known, values, 0.0), known.astype(float)))
    means: NDArray[np.float64] = np.divide(sums, found, out=np.full(len(sums), math.nan), where=found > 0)
    return means


def _without_gaps(
    values: NDArray[np.float64], moments: Moments, places: list[int], reading: SeriesSource, source: str
) -> tuple[NDArray[np.float64], Moments, NDArray[np.bool_], list[str]]:
    """Put rows of NaN where times are left out by the usual step, and say where: bool [n].

    values: float64 [rows, columns]
    """
    nothing, name = np.zeros(len(values), dtype=np.bool_), shown(moments.name)
    if reading.gaps == "keep":
        return values, moments, nothing, []
    usual, steps = usual_step(moments.at), np.diff(moments.at)
    if usual is None:
        raise UserError(
            f"task.gaps: the times of {name} in {source} have no usual step, so that nobody can say where one is left "
            "out; set it to keep"
        )
    lacking = np.maximum(np.rint(steps / usual), 1.0) - 1
    wide = np.flatnonzero(lacking)
    if not len(wide):
        return values, moments, nothing, []
    total = float(lacking.sum())
    where = f"{source}, lines {places[wide[0]]} and {places[wide[0] + 1]}: {int(lacking[wide[0]]):,}"
    if reading.gaps == "refuse":
        raise UserError(
            f"{where} of the times of {name} are left out between them, and {count(len(wide), 'gap')} in all; fill "
            "them in, or set task.gaps to forward_fill, interpolate or mask"
        )
    if total > min(MOST_FILLED, len(values)):
        raise UserError(
            f"task.gaps: {where} of the times of {name} are left out between them, and {int(total):,} in all, more "
            "than the file has; leave that out, or set it to keep"
        )
    at = np.repeat(np.arange(len(values)), np.append(lacking, 0).astype(np.int64) + 1)
    gap = np.append(False, at[1:] == at[:-1])
    inside = np.arange(len(at)) - np.flatnonzero(~gap)[at]
    widths = np.append(steps, 0.0) / (np.append(lacking, 0) + 1)
    done = {"interpolate": "read as on the line between their neighbours", "mask": "in no window"}
    note = (
        f"series: {count(int(total), 'time')} in {count(len(wide), 'gap')} of {name} (the first between lines "
        f"{places[wide[0]]} and {places[wide[0] + 1]}) {done.get(reading.gaps, 'read as the value before')}"
    )
    moments = replace(moments, at=moments.at[at] + inside * widths[at])
    return np.where(gap[:, None], math.nan, values[at]), moments, gap, [note]


def _filled(values: NDArray[np.float64], interpolate: bool = False) -> NDArray[np.float64]:
    """Put the value before where one is missing, or what lies between its neighbours; NaN before the first."""
    known = np.flatnonzero(~np.isnan(values))
    if interpolate and len(known):
        between = np.interp(np.arange(len(values)), known, values[known])
        return np.where(np.arange(len(values)) < known[0], math.nan, between)
    last = np.maximum.accumulate(np.where(np.isnan(values), -1, np.arange(len(values))))
    return np.where(last < 0, math.nan, values[last])

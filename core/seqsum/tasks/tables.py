"""Reading tables that a person names: CSV in its common dialects, and JSON Lines. Every fault is one clear sentence."""

from __future__ import annotations

import csv
import io
import json
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from seqsum.errors import UserError, did_you_mean, one_line
from seqsum.schema import shown

LARGEST_FILE = 500_000_000  # bytes: it is held in memory whole
LONGEST_CELL = 10_000_000  # characters
SEPARATORS = ",;\t|"
LISTED = 12
PROBE = 65_536  # characters looked at to tell text from anything else


@dataclass(frozen=True)
class Table:
    """Rows of text under named columns.

    places: the line on which each row begins, for messages
    decimal_comma: whether 3,5 is a number (the cells are separated by something else)
    """

    source: str
    columns: tuple[str, ...]
    rows: list[list[str]]
    places: list[int]
    decimal_comma: bool

    def column(self, name: str | None, field: str) -> int:
        """Return the place of a column; None means the last. Raises UserError, with a near name, if there is none.

        field: the setting that named it, for the message
        """
        if name is None:
            return len(self.columns) - 1
        if name in self.columns:
            return self.columns.index(name)
        listed = ", ".join(shown(column) for column in self.columns[:LISTED])
        more = f" and {len(self.columns) - LISTED} more" if len(self.columns) > LISTED else ""
        near = did_you_mean(name, self.columns) or f"; the columns are {listed}{more}"
        raise UserError(f"{field}: {self.source} has no column {shown(name)}{one_line(near)}")

    def cells(self, column: int) -> Iterator[tuple[str, str]]:
        """Yield (cell, where it stands) of one column; a cell that a short row lacks is empty."""
        for row, place in zip(self.rows, self.places, strict=True):
            cell = row[column] if column < len(row) else ""
            yield cell, f"{self.source}, line {place}, column {shown(self.columns[column])}"

    def numbers(self, column: int) -> list[float]:
        """Return a column as numbers; raise UserError naming the first cell that is empty or no finite number."""
        values: list[float] = []
        for cell, place in self.cells(column):
            if not cell.strip():
                raise UserError(f"{place}: the cell is empty; fill it in, or take the row out")
            value = as_number(cell, self.decimal_comma)
            if value is None:
                raise UserError(f"{place}: expected a number, got {shown(cell)}")
            if not math.isfinite(value):
                raise UserError(f"{place}: {shown(cell)} is no finite number; fill it in, or take the row out")
            values.append(value)
        return values


def as_number(cell: str, decimal_comma: bool = False) -> float | None:
    """Read a number, inf and nan included; None when the text is none."""
    text = cell.strip().replace("−", "-")
    if decimal_comma and re.fullmatch(r"[-+]?\d*,\d+([eE][-+]?\d+)?", text):
        text = text.replace(",", ".")
    if "_" in text:  # Python reads 1_000; nobody writes data that way
        return None
    try:
        return float(text)
    except ValueError:
        return None


def absolute(path: str) -> str:
    """Return a path that means the same from every folder: a run may go on from another one."""
    return str(Path(path).expanduser().absolute())


def read_bytes(path: str, field: str) -> bytes:
    """Read a data file whole; raise UserError, naming the setting, when it is missing, a folder or too large."""
    file = Path(path)
    quoted = shown(file.name)
    try:
        if file.is_dir():
            raise UserError(f"{field}: {one_line(path)} is a folder; name a file in it")
        if not file.exists():
            siblings = [entry.name for entry in file.parent.iterdir()] if file.parent.is_dir() else []
            near = one_line(did_you_mean(file.name, siblings))
            raise UserError(f"{field}: there is no file {quoted} in {one_line(str(file.parent))}{near}")
        if not file.is_file():
            raise UserError(f"{field}: {one_line(path)} is not a plain file; name one that holds the data")
        if file.stat().st_size > LARGEST_FILE:
            raise UserError(
                f"{field}: {one_line(path)} is larger than {LARGEST_FILE // 1_000_000} MB; name a part of it"
            )
        return file.read_bytes()
    except (OSError, ValueError) as error:  # ValueError: a null character in the path
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise UserError(f"{field}: can't read {one_line(path)}: {reason}") from None


def decoded(data: bytes) -> str:
    """Decode UTF-8, with or without its mark, or UTF-16 with its mark; whatever else is read as Latin-1."""
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return data.decode("utf-16", errors="replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def read_csv(data: bytes, source: str) -> Table:
    """Read CSV separated by commas, semicolons, tabs or bars, with or without a first line of names.

    Empty lines, and lines before the names that begin with #, are passed over. Without names (every cell of the first
    line is a number) the columns are called 1, 2, …. Raises UserError when there is nothing in it.
    """
    text = _text(data, source)
    lines = text.splitlines(keepends=True)
    passed = 0
    while passed < len(lines) and (not lines[passed].strip() or lines[passed].lstrip().startswith("#")):
        passed += 1
    if passed == len(lines):
        raise UserError(f"{source} is empty; it needs a line of column names and rows of data")
    separator = _separator(lines[passed])
    csv.field_size_limit(LONGEST_CELL)
    reader = csv.reader(io.StringIO("".join(lines[passed:]), newline=""), delimiter=separator, skipinitialspace=True)
    rows: list[list[str]] = []
    places: list[int] = []
    place = passed + 1
    try:
        for row in reader:
            if any(cell.strip() for cell in row):
                rows.append(row)
                places.append(place)
            place = passed + reader.line_num + 1
    except csv.Error as error:
        raise UserError(f"{source}, line {place}: can't be read as CSV: {error}") from None
    decimal_comma = separator != ","
    if all(as_number(cell, decimal_comma) is not None for cell in rows[0]):
        names = tuple(str(place + 1) for place in range(len(rows[0])))
    else:
        names = tuple(cell.strip() for cell in rows.pop(0))
        places.pop(0)
    if not rows:
        raise UserError(f"{source} has column names but no rows of data under them")
    return Table(source, names, rows, places, decimal_comma)


def read_json_lines(data: bytes, source: str) -> Table:
    """Read one JSON object a line, all values as text. Raises UserError naming the line that is none."""
    names: dict[str, None] = {}
    objects: list[dict[str, object]] = []
    places: list[int] = []
    for place, line in enumerate(_text(data, source).split("\n"), start=1):
        if not line.strip():
            continue
        try:
            made = json.loads(line)
        except (ValueError, RecursionError):
            raise UserError(f"{source}, line {place}: expected a JSON object, got {shown(line.strip())}") from None
        if not isinstance(made, dict):
            raise UserError(f"{source}, line {place}: expected a JSON object, got {shown(line.strip())}")
        names.update(dict.fromkeys(made))
        objects.append(made)
        places.append(place)
    if not objects:
        raise UserError(f"{source} is empty; it needs one JSON object a line")
    rows = [[_as_cell(made.get(name)) for name in names] for made in objects]
    return Table(source, tuple(names), rows, places, False)


def _text(data: bytes, source: str) -> str:
    text = decoded(data)
    if "\0" in text[:PROBE]:
        raise UserError(f"{source} is no text: it holds zero bytes; save it as CSV or JSON Lines")
    return text


def _as_cell(value: object) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value)


def _separator(line: str) -> str:
    """The separator that stands most often in the line of names, outside quotes; a comma where there is none."""
    plain = re.sub(r'"[^"]*"', "", line)
    counts = [plain.count(separator) for separator in SEPARATORS]
    return SEPARATORS[counts.index(max(counts))]


def listed(names: Sequence[str], most: int = LISTED) -> str:
    """Write names for a message, no more than `most`."""
    return ", ".join(map(one_line, names[:most])) + (f" and {len(names) - most} more" if len(names) > most else "")

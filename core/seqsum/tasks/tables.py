"""Reading tables that a person names: CSV in its common dialects, and JSON Lines. Every fault is one clear sentence."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from seqsum.errors import UserError, did_you_mean
from seqsum.formatting import count
from seqsum.schema import shown
from seqsum.tasks.header import Header, names_columns
from seqsum.tasks.text_files import REPLACEMENT, Decoded, Encoding, read_bytes, read_text
from seqsum.text import one_line

JSON_LINES = (".jsonl", ".ndjson", ".json")
SEPARATORS = {"\t": "tabs", ";": "semicolons", "|": "bars", ",": "commas"}
LISTED = 12
PROBED = 200  # lines looked at to find the separator
FEW = 5  # lines that a message names
WHOLE_ROWS = 0.9


@dataclass(frozen=True)
class Table:
    """Rows of text under named columns.

    places: the line on which each row begins, for messages; notes: how the file was read, one sentence each; wrong:
    where the first character stands that could not be decoded, or empty; separator: what stood between columns, empty
    when there is one only; JSON's is the comma; named_by: the line that names the columns, where one does
    """

    source: str
    columns: tuple[str, ...]
    rows: list[list[str]]
    places: list[int]
    notes: list[str] = field(default_factory=list)
    wrong: str = ""
    separator: str = ","
    named_by: int | None = None

    def column(self, name: str | None, setting: str) -> int:
        """Return the place of a column; None means the last. Raises UserError, with a near name, if there is none, or
        more than one.

        setting: the one that named it, for the message
        """
        name = self.columns[-1] if name is None else name
        if self.columns.count(name) > 1:
            raise UserError(
                f"{setting}: {self.source} has {self.columns.count(name)} columns {shown(name)}; give them names of "
                "their own"
            )
        if name in self.columns:
            return self.columns.index(name)
        listed = ", ".join(shown(column) for column in self.columns[:LISTED])
        more = f" and {len(self.columns) - LISTED} more" if len(self.columns) > LISTED else ""
        near = did_you_mean(name, self.columns) or f"; the columns are {listed}{more}"
        raise UserError(f"{setting}: {self.source} has no column {shown(name)}{one_line(near)}")

    def cells(self, column: int) -> Iterator[str]:
        """Yield the cells of one column; one that a short row lacks is empty."""
        for row in self.rows:
            yield row[column] if column < len(row) else ""

    def deeper(self, column: int) -> list[str]:
        """Return the paths to what lies in the first object, or list, of a column of JSON Lines."""
        if Path(self.source).suffix.lower() not in JSON_LINES:
            return []
        try:
            made = json.loads(next(self.cells(column), ""))
            return list(_paths(made, self.columns[column])) if isinstance(made, dict | list) else []
        except (ValueError, RecursionError):  # it is a text
            return []

    def place(self, row: int, column: int) -> str:
        """Where a cell stands, for a message."""
        return f"{self.source}, line {self.places[row]}, column {shown(self.columns[column])}"


def read_table(
    file: str,
    header: Header = "auto",
    bear_wrong: bool = False,
    field: str = "task.file",
    encoding: Encoding = "auto",
    paths: Sequence[str | None] = (),
) -> Table:
    """Read the file that a setting (`field`) names: JSON Lines by the name's ending, else CSV; raises UserError.

    paths: columns that are asked for: in JSON Lines those that lie deeper, as in a.b.0.c, are read, too
    """
    data, source = read_bytes(file, field), one_line(Path(file).name)
    if Path(file).suffix.lower() in JSON_LINES:
        return read_json_lines(data, source, bear_wrong, encoding, paths)
    return read_csv(data, source, header, bear_wrong, encoding)


def read_csv(
    data: bytes, source: str, header: Header = "auto", bear_wrong: bool = False, encoding: Encoding = "auto"
) -> Table:
    """Read CSV separated by commas, semicolons, tabs or bars, with or without a first line of names.

    Lines before the names that begin with #, and blank lines of a table with several columns, are passed over; so are
    empty rows at the end. Without names the columns are called 1, 2, …. A quotation mark that begins a cell and is
    never closed as one is part of the text, and so is one that would be closed behind lines that are whole rows each,
    unless the file shows that its writer quotes: `_Cells`. bear_wrong: as `read_text` has it.
    Raises UserError when there is nothing in it, when a row has more cells than there are columns, and when nobody can
    tell whether the first line holds names.
    """
    decoded = read_text(data, source, bear_wrong, encoding)
    lines = decoded.text.split("\n")
    while lines and not lines[-1].strip():
        lines.pop()
    passed = 0
    while passed < len(lines) and (not lines[passed].strip() or lines[passed].lstrip().startswith("#")):
        passed += 1
    if passed == len(lines):
        raise UserError(f"{source} is empty; it needs a line of column names and rows of data")
    comments = sum(line.lstrip().startswith("#") for line in lines[:passed])
    separator = _separator(lines[passed : passed + PROBED])
    parsed = _Cells(lines, separator, passed)
    rows: list[list[str]] = []
    places: list[int] = []
    blank: list[int] = []
    width = 1
    at = passed
    while at < len(lines):
        row, following = parsed.row(at, len(rows[0]) if rows else None)
        width = max(width, len(row)) if not rows else width
        if width > 1 and not lines[at].strip() and following == at + 1:
            blank.append(at + 1)
        else:
            rows.append(row)
            places.append(at + 1)
        at = following
    while len(rows) > 1 and not any(cell.strip() for cell in rows[-1]):
        rows.pop()
        blank.append(places.pop())
    _check_width(rows, places, width, source, separator)
    while width > 1 and not any(cell for row in rows for cell in row[width - 1 : width]):
        width -= 1  # nothing but separators at the lines' ends
    rows = [row[:width] for row in rows]
    named = names_columns(rows) if header == "auto" else header == "yes"
    if named is None:
        raise UserError(
            f"{source}, line {places[0]}: {shown(separator.join(rows[0]))} may name the columns or be the first row of "
            "data; set task.header to yes or no"
        )
    columns = tuple(cell.strip() for cell in rows[0]) if named else tuple(str(place + 1) for place in range(width))
    first = places[0] if named else None
    if named:
        rows, places = rows[1:], places[1:]
    if not rows:
        raise UserError(f"{source} has column names but no rows of data under them")
    notes = [_read_as(source, decoded, separator, width, columns, first)]
    if parsed.literal:
        notes.append(
            f"table: {listed_lines(parsed.literal)} {'has' if len(parsed.literal) == 1 else 'have'} a quotation mark "
            "that is not closed at the end of its cell; it was read as part of the text"
        )
    left_out = [f"{count(comments, 'comment')} at its beginning"] if comments else []
    left_out += [f"{count(len(blank), 'empty row')} ({listed_lines(sorted(blank))})"] if blank else []
    if left_out:
        notes.append(f"table: left out: {' and '.join(left_out)}")
    separator = separator if width > 1 else ""
    return Table(source, columns, rows, places, notes + _replaced(decoded), decoded.first, separator, first)


def read_json_lines(
    data: bytes,
    source: str,
    bear_wrong: bool = False,
    encoding: Encoding = "auto",
    paths: Sequence[str | None] = (),
) -> Table:
    """Read one JSON object a line, all values as text, and as more columns what lies at `paths`, such as a.b.0.c: keys
    of objects, and places in lists from 0 on. Raises UserError naming the line that is none."""
    names: dict[str, None] = {}
    objects: list[dict[str, object]] = []
    places: list[int] = []
    decoded = read_text(data, source, bear_wrong, encoding)
    if decoded.text.lstrip().startswith("["):
        raise UserError(f"{source} holds a JSON array; save it as JSON Lines, one object a line, or as CSV")
    for place, line in enumerate(decoded.text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            made = json.loads(line, object_pairs_hook=_object)
        except _Twice as error:
            raise UserError(f"{source}, line {place}: the key {shown(str(error))} stands twice in one object") from None
        except (ValueError, RecursionError):
            made = None
        if not isinstance(made, dict):
            raise UserError(f"{source}, line {place}: expected a JSON object, got {shown(line.strip())}")
        names.update(dict.fromkeys(made))
        objects.append(made)
        places.append(place)
    if not objects:
        raise UserError(f"{source} is empty; it needs one JSON object a line")
    rows = [[_as_cell(made.get(name)) for name in names] for made in objects]
    for path in dict.fromkeys(path for path in paths if path is not None and path not in names):
        deep = [_as_cell(_at(made, path)) for made in objects]
        # The name itself stays none where nothing lies there: that is told with those there are.
        if "." in path and any(deep):
            names[path] = None
            rows = [[*row, cell] for row, cell in zip(rows, deep, strict=True)]
    objects_in = f"{count(len(rows), 'JSON object')} in {decoded.encoding}"
    note = f"table: {source}, {objects_in} with the keys {listed([*names])}"
    return Table(source, tuple(names), rows, places, [note, *_replaced(decoded)], decoded.first)


class _Twice(ValueError):
    """A key that stands twice in one object."""


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    made: dict[str, object] = {}
    for key, value in pairs:
        if key in made:
            raise _Twice(key)
        made[key] = value
    return made


def _at(value: object, path: str) -> object:
    """What lies at a path such as a.b.0.c; None where nothing does."""
    for part in path.split("."):
        if isinstance(value, dict):
            value = value.get(part)
        elif isinstance(value, list) and re.fullmatch("[0-9]{1,9}", part) and int(part) < len(value):
            value = value[int(part)]
        else:
            return None
    return value


def _paths(value: object, path: str) -> Iterator[str]:
    """Yield the paths, as `_at` follows them, to what holds no more objects or lists."""
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else None
    if inside is None:
        yield path
    else:
        for part, deeper in inside:
            yield from _paths(deeper, f"{path}.{part}")


def listed(names: Sequence[str], most: int = LISTED) -> str:
    """Write names for a message, no more than `most`."""
    return ", ".join(map(one_line, names[:most])) + (f" and {len(names) - most} more" if len(names) > most else "")


def listed_lines(places: Sequence[int]) -> str:
    """Write line numbers for a message: `line 7`, `lines 7, 9, 12 and 40 more`."""
    more = f" and {len(places) - FEW:,} more" if len(places) > FEW else ""
    return f"line{'s' if len(places) > 1 else ''} {', '.join(map(str, places[:FEW]))}{more}"


class _Cells:
    """Lines cut into cells. literal: the lines in which a quotation mark was read as part of the text.

    A quotation mark that is closed in a later line can be read in two ways where the lines up to there are whole rows
    each: as one cell of many lines, or as two texts that have a mark at their beginning and at their end. It is a cell
    when all of the file is CSV to the letter, in rows of equal length, and something else in it shows that its writer
    quotes, as `_quotes` has it; otherwise the marks are part of the texts, so that two stray ones swallow no rows.
    """

    def __init__(self, lines: list[str], separator: str, begin: int) -> None:
        """begin: the first line that is read"""
        self._lines, self._separator, self._begin = lines, separator, begin
        self.literal: list[int] = []

    def row(self, at: int, columns: int | None) -> tuple[list[str], int]:
        """Return the cells of the row that begins in a line, and the line after it.

        columns: how many a row has, once that is known
        """
        line = self._lines[at]
        if '"' not in line:
            return [cell.lstrip(" ") for cell in line.split(self._separator)], at + 1
        cells: list[str] = []
        place, begun = 0, at
        while True:
            while self._lines[at].startswith(" ", place):
                place += 1
            closed = self._quoted(at, place, begun, columns) if self._lines[at].startswith('"', place) else None
            if closed is None:
                end = self._lines[at].find(self._separator, place)
                end = len(self._lines[at]) if end < 0 else end
                cells.append(self._lines[at][place:end])
            else:
                text, at, end = closed
                cells.append(text)
            if end >= len(self._lines[at]):
                return cells, at + 1
            place = end + 1

    def _quoted(self, at: int, place: int, begun: int, columns: int | None) -> tuple[str, int, int] | None:
        """Return the text of the quoted cell that begins there, and line and place of its end; None when the quotation
        mark is none: nothing closes it, or text stands behind what would."""
        parts: list[str] = []
        first, place = at, place + 1
        while at < len(self._lines):
            line = self._lines[at]
            while (end := line.find('"', place)) >= 0:
                parts.append(line[place:end])
                if line.startswith('"', end + 1):
                    parts.append('"')
                    place = end + 2
                    continue
                after = end + 1
                while line.startswith(" ", after):
                    after += 1
                closes = after == len(line) or line.startswith(self._separator, after)
                if closes and not (at > first and self._rows_each(begun, at, columns) and not self._quotes):
                    return "".join(parts), at, after
                self._tell(first)
                return None
            parts += [line[place:], "\n"]
            at, place = at + 1, 0
        self._tell(first)
        return None

    def _rows_each(self, first: int, last: int, columns: int | None) -> bool:
        """Whether nearly all of these lines are whole rows by themselves."""
        if columns is None or columns == 1:
            return False
        lines = self._lines[first : last + 1]
        return sum(line.count(self._separator) == columns - 1 for line in lines) >= WHOLE_ROWS * len(lines)

    @cached_property
    def _quotes(self) -> bool:
        """Whether the file is CSV to the letter whose writer is seen to quote.

        To the letter: quotation marks stand around cells alone, doubled within them, and all rows have as many cells.
        Seen to quote: a quoted cell holds a doubled mark, or one that can't be read in two ways holds a separator or a
        line break, or all rows have quoted cells, and most of them one that can't be read in two ways.
        """
        mark = re.escape(self._separator)
        quoted = re.compile(f' *"([^"]*(?:""[^"]*)*)" *(?={mark}|\n|$)')
        plain = re.compile(f'[^"\n{mark}]*')
        text, place, line = "\n".join(self._lines[self._begin :]), 0, self._begin
        columns: int | None = None
        seen = False
        rows = quoting = sure = 0
        while place <= len(text):
            begun, begin, cells = line, place, 0
            inside: list[bool] = []  # of each quoted cell, whether it can be read in one way only
            while True:
                found = quoted.match(text, place)
                if found is None:
                    found = plain.match(text, place)
                else:
                    cell, lines = found[1], found[1].count("\n")
                    line += lines
                    inside.append(not (lines and self._rows_each(begun, line, columns)))
                    seen |= '"' in cell or (inside[-1] and (lines > 0 or self._separator in cell))
                cells += 1
                place = found.end() if found else place
                if place == len(text) or text[place] == "\n":
                    break
                if text[place] != self._separator:
                    return False
                place += 1
            if text[begin:place].strip():
                columns = cells if columns is None else columns
                if cells != columns:
                    return False
                # The names need not be quoted.
                rows, quoting, sure = rows + 1, quoting + bool(inside or not rows), sure + any(inside)
            place, line = place + 1, line + 1
        return seen or (quoting == rows and 2 * sure > rows)

    def _tell(self, at: int) -> None:
        if not self.literal or self.literal[-1] != at + 1:
            self.literal.append(at + 1)


def _check_width(rows: list[list[str]], places: list[int], width: int, source: str, separator: str) -> None:
    """Raise UserError when rows have more cells than the first; empty ones behind the last column are let go."""
    wide = [place for row, place in zip(rows, places, strict=True) if len(row) > width and any(row[width:])]
    if wide:
        row = next(row for row in rows if len(row) > width and any(row[width:]))
        also = f", and so with {count(len(wide) - 1, 'more row')}" if len(wide) > 1 else ""
        raise UserError(
            f"{source}, line {wide[0]}: {len(row)} cells where the first line has {width}{also}; columns are separated "
            f"by {SEPARATORS[separator]}, so put a cell that holds one between quotation marks"
        )


def _read_as(
    source: str, decoded: Decoded, separator: str, width: int, columns: Sequence[str], named: int | None
) -> str:
    how = [decoded.encoding] if decoded.encoding != "UTF-8" else []
    if decoded.guessed:
        how = [f"{decoded.encoding} ({decoded.guessed} is no UTF-8)"]
    how += [f"separated by {SEPARATORS[separator]}"] if width > 1 else []
    if named is None:
        called = f"no line of names (task.header): the columns are {listed(columns)}"
    else:
        called = f"line {named} names the column{'s' if width > 1 else ''} {listed(columns)}"
    return f"table: {', '.join([source, *how, called])}"


def _replaced(decoded: Decoded) -> list[str]:
    if not decoded.replaced:
        return []
    return [
        f"table: {count(decoded.replaced, 'place')} can't be decoded (the first in {decoded.first}), read as "
        f"{REPLACEMENT}"
    ]


def _as_cell(value: object) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value)


def _separator(lines: Sequence[str]) -> str:
    """Return the separator that the first line has, and of several the one that most lines have as often as it.

    Where that leaves several, it is not the comma: 0;18,7 has two columns.
    """
    plain = [re.sub(r'"[^"]*"', "", line) for line in lines if line.strip()]
    there = [separator for separator in SEPARATORS if separator in plain[0]]
    if not there:
        return ","
    whole = [line for line in plain if '"' not in line] or plain
    return max(there, key=lambda one: sum(line.count(one) == plain[0].count(one) for line in whole))

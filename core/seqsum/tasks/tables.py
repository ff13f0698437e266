"""Reading tables that a person names: CSV in its common dialects, and JSON Lines. Every fault is one clear sentence."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from seqsum.errors import UserError, did_you_mean
from seqsum.formatting import count
from seqsum.schema import shown
from seqsum.tasks.csv_cells import PROBED, SEPARATORS, Cells, first_row, separator_of
from seqsum.tasks.header import Header, names_columns
from seqsum.tasks.text_files import Decoded, Encoding, read_bytes, read_text
from seqsum.text import one_line

JSON_LINES = (".jsonl", ".ndjson", ".json")
LISTED = 12
FEW = 5  # lines that a message names


@dataclass(frozen=True)
class Table:
    """Rows of text under named columns.

    places: the line on which each row begins, for messages; notes: how the file was read, one sentence each; wrong:
    where the first character stands that could not be decoded, or empty; separator: what stood between columns, empty
    when there is one only; JSON's is the comma; named_by: the line that names the columns, where one does
    deep: how many columns, the last, are paths to what lies deeper in JSON; nested: the first value of each of JSON's
    columns in which it is an object or a list
    """

    source: str
    columns: tuple[str, ...]
    rows: list[list[str]]
    places: list[int]
    notes: list[str] = field(default_factory=list)
    wrong: str = ""
    separator: str = ","
    named_by: int | None = None
    deep: int = 0
    nested: Mapping[str, object] = field(default_factory=dict)

    @property
    def own(self) -> tuple[str, ...]:
        """The columns that the file itself has, without those that lie deeper."""
        return self.columns[: len(self.columns) - self.deep]

    def column(self, name: str | None, setting: str) -> int:
        """Return the place of a column; None means the file's last. Raises UserError, with a near name, if there is
        none, or more than one.

        setting: the one that named it, for the message
        """
        name = self.own[-1] if name is None else name
        if self.columns.count(name) > 1:
            raise UserError(
                f"{setting}: {self.source} has {self.columns.count(name)} columns {shown(name)}; give them names of "
                "their own"
            )
        if name in self.columns:
            return self.columns.index(name)
        listed = ", ".join(shown(column) for column in self.columns[:LISTED])
        more = f" and {len(self.columns) - LISTED} more" if len(self.columns) > LISTED else ""
        near = self._inside(name) or did_you_mean(name, self.columns) or f"; the columns are {listed}{more}"
        raise UserError(f"{setting}: {self.source} has no column {shown(name)}{one_line(near)}")

    def _inside(self, path: str) -> str:
        """Say what lies in the column that a path begins with; empty where that is none, or nothing lies in it."""
        head = next((name for name in self.own if path.startswith(f"{name}.")), None)
        inside = [] if head is None else self.deeper(self.columns.index(head))
        return f"; in {shown(head)} lie {listed(inside)}" if inside else ""

    def cells(self, column: int) -> Iterator[str]:
        """Yield the cells of one column; one that a short row lacks is empty."""
        for row in self.rows:
            yield row[column] if column < len(row) else ""

    def deeper(self, column: int) -> list[str]:
        """Return the paths to what lies in the first object, or list, of a column of JSON Lines."""
        name = self.columns[column]
        try:
            return list(_paths(self.nested[name], name)) if name in self.nested else []
        except RecursionError:  # nobody types such a path
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
    unless the file shows that its writer quotes: `Cells`. bear_wrong: as `read_text` has it.
    Raises UserError when there is nothing in it, when a row has more cells than there are columns, and when nobody can
    tell whether the first line holds names.
    """
    decoded = read_text(data, source, bear_wrong, encoding)
    lines = decoded.text.split("\n")
    while lines and not lines[-1].strip():
        lines.pop()
    passed, comments = first_row(lines)
    if passed == len(lines):
        raise UserError(f"{source} is empty; it needs a line of column names and rows of data")
    parsed = Cells(lines, separator_of(lines[passed : passed + PROBED]), passed)
    separator = parsed.separator
    rows: list[list[str]] = []
    places: list[int] = []
    blank: list[int] = []
    for place, row in parsed.rows():
        if row is None:
            blank.append(place)
        else:
            rows.append(row)
            places.append(place)
    width = len(rows[0])
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
    return Table(source, columns, rows, places, notes + _told(decoded), decoded.first, separator, first)


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
        made, wrong = object_of(line)
        if made is None:
            raise UserError(f"{source}, line {place}: {wrong}")
        names.update(dict.fromkeys(made))
        objects.append(made)
        places.append(place)
    if not objects:
        raise UserError(f"{source} is empty; it needs one JSON object a line")
    rows, own = [[as_cell(made.get(name)) for name in names] for made in objects], len(names)
    for path in dict.fromkeys(path for path in paths if path is not None and path not in names):
        deep = [as_cell(at_path(made, path)) for made in objects]
        # The name itself stays none where nothing lies there: that is told with those there are.
        if "." in path and any(deep):
            names[path] = None
            rows = [[*row, cell] for row, cell in zip(rows, deep, strict=True)]
    objects_in = f"{count(len(rows), 'JSON object')} in {decoded.encoding}"
    note = f"table: {source}, {objects_in} with the keys {listed([*names])}"
    told = [note, *_told(decoded)]
    firsts = {name: next((at for made in objects if (at := _value(made, name)) is not None), None) for name in names}
    nested = {name: first for name, first in firsts.items() if isinstance(first, dict | list)}
    return Table(source, tuple(names), rows, places, told, decoded.first, deep=len(names) - own, nested=nested)


def _value(made: dict[str, object], name: str) -> object:
    """Return what an object has of a column: under that key, or at that path."""
    return made[name] if name in made else at_path(made, name)


def object_of(line: str) -> tuple[dict[str, object] | None, str]:
    """Return the JSON object of a line, and an empty text; or None, and why there is none."""
    made: object = None
    try:
        made = _OBJECTS.decode(line)
    except _Twice as error:
        return None, f"the key {shown(str(error))} stands twice in one object"
    except (ValueError, RecursionError):
        pass
    return (made, "") if isinstance(made, dict) else (None, f"expected a JSON object, got {shown(line.strip())}")


class _Twice(ValueError):
    """A key that stands twice in one object."""


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    made: dict[str, object] = {}
    for key, value in pairs:
        if key in made:
            raise _Twice(key)
        made[key] = value
    return made


_OBJECTS = json.JSONDecoder(object_pairs_hook=_object)


def at_path(value: object, path: str) -> object:
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
    """Yield the paths, as `at_path` follows them, to what holds no more objects or lists."""
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


def _told(decoded: Decoded) -> list[str]:
    return [f"table: {remark}" for remark in decoded.remarks]


def as_cell(value: object) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value)

"""Rows of a file that is asked, one after the other: of a table, of JSON Lines, or plain lines with a question each.

They are read as the files are that runs are trained on (`tables`), but a wrong row spoils no other: it says what is
wrong with it. However long the file is, a part of it is in memory.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain, islice
from pathlib import Path
from typing import Any, Protocol

from seqsum.errors import UserError, did_you_mean
from seqsum.schema import shown
from seqsum.tasks.csv_cells import PROBED, Cells, first_row, separator_of
from seqsum.tasks.file_lines import open_lines
from seqsum.tasks.header import LOOKED_AT, Header, names_columns
from seqsum.tasks.tables import JSON_LINES, as_cell, at_path, listed, object_of
from seqsum.tasks.text_files import Decoded, Encoding
from seqsum.text import one_line

PLAIN_LINES = (".txt", ".text")
OPTION, TRUTH_OPTION = "--column", "--truth-column"
INPUT = "input"
"""What the one column of plain lines is called."""
FIELD = "file"
"""What messages about the file begin with."""


class ColumnNotFound(UserError):
    """A column that is wanted is not there, or nobody can tell which it is.

    said: the sentence up to its way out, which is another on the command line than in a form
    """

    def __init__(self, wanted: FileColumn, said: str, way_out: str, in_form: str) -> None:
        super().__init__(f"{FIELD}: {said}{way_out}", in_form=f"{said}{in_form}")
        self.wanted = wanted


class TwoColumns(Protocol):
    """The settings of a task that reads questions and their answers from two columns."""

    @property
    def file(self) -> str | None: ...
    @property
    def header(self) -> Header: ...
    @property
    def encoding(self) -> Encoding: ...


@dataclass(frozen=True)
class FileColumn:
    """Which column of a file is meant.

    name: as it is called in the file that the run was trained on, or as a person said; usual: what it is called where
    that is not known, the first that is there; first: whether the first column is taken where none of them is; option:
    the one that names it on the command line
    """

    name: str | None = None
    usual: tuple[str, ...] = ()
    first: bool = False
    option: str = OPTION
    header: Header = "auto"
    encoding: Encoding = "auto"
    table: bool = False
    """Whether plain text files are tables, too, as the run's own file is."""

    @property
    def truth(self) -> bool:
        """Whether it holds the right answers."""
        return self.option == TRUTH_OPTION

    def called(self, name: str | None) -> FileColumn:
        """Return this column under the name that a person says; as it is, where nobody does."""
        return self if name is None else replace(self, name=name)


def column_of_two(config: TwoColumns, named: Sequence[str | None], words: Sequence[str], place: int) -> FileColumn:
    """Return the column of questions, 0, or of their right answers, 1, in a file that is asked.

    named: what both are called in the run's own file; words: what they are called usually
    """
    table = config.file is not None and Path(config.file).suffix.lower() in PLAIN_LINES
    option = (OPTION, TRUTH_OPTION)[place]
    return FileColumn(
        named[place], tuple(words[place : place + 1]), place == 0, option, config.header, config.encoding, table
    )


@dataclass(frozen=True)
class AskedFile:
    """A file that is asked. column, truth_column: what those of the question, and of its right answer, are called where
    that is not as in training"""

    path: str
    column: str | None = None
    truth_column: str | None = None


@dataclass(frozen=True)
class FileRow:
    """line: where it begins, from 1 on; cells: of each column, as text; made: JSON's object as it stands, else None;
    wrong: why it can't be read, else empty"""

    line: int
    cells: list[str] = field(default_factory=list)
    made: dict[str, Any] | None = None
    wrong: str = ""


class FileRows(ABC):
    """source: the file's name; columns: what they are called, of JSON Lines the first objects' keys; separator: what
    stands between cells, empty where there are none; remarks: what was read otherwise than it stands, a sentence each
    """

    def __init__(
        self, source: str, lines: Sequence[str], columns: Sequence[str], separator: str, decoded: Decoded
    ) -> None:
        self.source, self.columns, self.separator = source, tuple(columns), separator
        how = f"{decoded.guessed} is no UTF-8: read as {decoded.encoding}"
        self.remarks = [*([how] if decoded.guessed else []), *decoded.remarks]
        self._lines, self._at = lines, 0

    @abstractmethod
    def rows(self) -> Iterator[FileRow]:
        """Yield every row, from the first on. Raises UserError where the file was changed meanwhile."""

    def all_columns(self) -> Sequence[str]:
        """Return every column that some row has; of JSON Lines the file is read for it."""
        return self.columns

    @abstractmethod
    def has(self, column: str) -> bool:
        """Whether there is such a column."""

    @abstractmethod
    def cell(self, row: FileRow, column: str) -> str:
        """Return what stands in a column of a row, as text; empty where nothing does."""

    @property
    def share(self) -> float:
        """How much of the file was read, 0 to 1."""
        return self._at / max(1, len(self._lines))

    def column(self, wanted: FileColumn) -> str:
        """Return the name of a column that is wanted; raises UserError where it is not there."""
        if wanted.name is not None and self.columns.count(wanted.name) > 1:
            twice = self.columns.count(wanted.name)
            said = f"{self.source} has {twice} columns {shown(wanted.name)}"
            raise ColumnNotFound(wanted, said, *["; give them other names"] * 2)
        names = [wanted.name] if wanted.name is not None else [*wanted.usual]
        found = next((name for name in names if self.has(name)), None)
        if found is None and wanted.name is None and (wanted.first or len(self.columns) == 1):
            found = self.columns[0]
        if found is not None:
            return found
        there = f"the columns are {listed([shown(name) for name in self.columns])}"
        if wanted.name is None:
            which = f"none called {' or '.join(wanted.usual)}" if wanted.usual else "several columns"
            said = f"{self.source} has {which}; {there}: "
            way_out = f"name the one to be read with {wanted.option}"
            raise ColumnNotFound(wanted, said, way_out, "name the one to be read")
        near = one_line(did_you_mean(wanted.name, self.columns))
        said = f"{self.source} has no column {shown(wanted.name)}{near}; {there}: "
        raise ColumnNotFound(wanted, said, f"say with {wanted.option} which it is", "say which it is")


class _Table(FileRows):
    """CSV. The line of names is found as for training; what a wanted column is called tells it, too."""

    def __init__(self, path: str, wanted: Sequence[FileColumn]) -> None:
        source = one_line(Path(path).name)
        lines, decoded = open_lines(path, FIELD, wanted[0].encoding)
        begin, _ = first_row(lines)
        if begin == len(lines):
            raise UserError(f"{FIELD}: {source} is empty; it needs a line of column names and rows under it")
        self._cells = Cells(lines, separator_of(lines[begin : begin + PROBED]), begin)
        first = [row for _, row in islice(self._cells.rows(), 1 + LOOKED_AT) if row is not None]
        self.named = _is_named(first, wanted, source)
        columns = [cell.strip() for cell in first[0]] if self.named else [str(at + 1) for at in range(len(first[0]))]
        if self.named and len(first) == 1:
            raise UserError(f"{FIELD}: {source} has no rows under its column names")
        separator = self._cells.separator if len(columns) > 1 else ""
        super().__init__(source, lines, columns, separator, decoded)

    def rows(self) -> Iterator[FileRow]:
        width = len(self.columns)
        held: list[FileRow] = []  # empty rows, which are none at the end of the file
        for line, cells in islice(self._cells.rows(), 1 if self.named else 0, None):
            self._at = line
            if cells is None:
                continue
            wide = f"{len(cells)} cells where the first line has {width}" if any(cells[width:]) else ""
            row = FileRow(line, [*cells[:width], *[""] * (width - len(cells))], wrong=wide)
            if not any(map(str.strip, row.cells)):
                held.append(row)
                continue
            yield from held
            held.clear()
            yield row
        self._at = len(self._lines)

    def has(self, column: str) -> bool:
        return column in self.columns

    def cell(self, row: FileRow, column: str) -> str:
        return row.cells[self.columns.index(column)]


class _Objects(FileRows):
    """JSON Lines; a column is a key, or a path to what lies deeper."""

    def __init__(self, path: str, wanted: Sequence[FileColumn]) -> None:
        source = one_line(Path(path).name)
        lines, decoded = open_lines(path, FIELD, wanted[0].encoding)
        super().__init__(source, lines, (), ",", decoded)
        self._first = [row for row in islice(self.rows(), PROBED) if row.made is not None]
        if not self._first:
            array = next((line for line in lines[:PROBED] if line.strip()), "").lstrip().startswith("[")
            what = "holds a JSON array; save it as JSON Lines" if array else "has no JSON object in its first lines; it"
            raise UserError(f"{FIELD}: {source} {what}{', one object a line' if array else ' needs one a line'}")
        self.columns = tuple(dict.fromkeys(chain.from_iterable(row.made or () for row in self._first)))

    def rows(self) -> Iterator[FileRow]:
        for line, text in enumerate(self._lines, start=1):
            self._at = line
            if text.strip():
                made, wrong = object_of(text)
                yield FileRow(line, made={"line": text} if made is None else made, wrong=wrong)

    def all_columns(self) -> Sequence[str]:
        return tuple(dict.fromkeys(chain.from_iterable(row.made or () for row in self.rows())))

    def has(self, column: str) -> bool:
        return any(self.cell(row, column) for row in self._first) or column in self.columns

    def cell(self, row: FileRow, column: str) -> str:
        made = row.made or {}
        value = made[column] if column in made else at_path(made, column)
        # Numbers as `predict --json` writes a question, and as one types them.
        if isinstance(value, list) and value and all(type(one) in (int, float) for one in value):
            return " ".join(map(as_cell, value))
        return as_cell(value)


class _Lines(FileRows):
    """A question on each line, whatever its column is called elsewhere; blank lines are none."""

    def __init__(self, path: str, wanted: Sequence[FileColumn]) -> None:
        self._question = wanted[0]
        lines, decoded = open_lines(path, FIELD, wanted[0].encoding)
        super().__init__(one_line(Path(path).name), lines, (INPUT,), "", decoded)
        if not any(line.strip() for line in lines):
            raise UserError(f"{FIELD}: {self.source} is empty; it needs a question on each line")

    def rows(self) -> Iterator[FileRow]:
        for line, text in enumerate(self._lines, start=1):
            self._at = line
            if text.strip():
                yield FileRow(line, [text])

    def column(self, wanted: FileColumn) -> str:
        return INPUT if wanted == self._question else super().column(wanted)

    def has(self, column: str) -> bool:
        return column == INPUT

    def cell(self, row: FileRow, column: str) -> str:
        return row.cells[0]


def open_rows(path: str, *wanted: FileColumn) -> FileRows:
    """Open a file to be asked; raises UserError where it can't be read.

    Names that end in .jsonl, .ndjson or .json hold one JSON object a line, those that end in .txt a question a line,
    all others CSV. wanted: the columns that will be asked for
    """
    suffix = Path(path).suffix.lower()
    if suffix in JSON_LINES:
        return _Objects(path, wanted)
    return _Lines(path, wanted) if suffix in PLAIN_LINES and not wanted[0].table else _Table(path, wanted)


def _is_named(rows: list[list[str]], wanted: Sequence[FileColumn], source: str) -> bool:
    """Whether the first row names the columns: a column that is wanted by its name tells, else its looks."""
    if wanted[0].header != "auto":
        return wanted[0].header == "yes"
    top = [cell.strip() for cell in rows[0]]
    names = [column.name for column in wanted if column.name is not None]
    if any(name in top for name in names):
        return True
    if any(name.isdecimal() and 1 <= int(name) <= len(top) for name in names):
        return False
    named = names_columns(rows)
    if named is None:
        said = f"{source}: {shown(', '.join(rows[0]))} may name the columns or be the first row of data; "
        way_out = "name the column to be read{}, or put names above the columns"
        raise ColumnNotFound(wanted[0], said, way_out.format(f" with {wanted[0].option}"), way_out.format(""))
    return named

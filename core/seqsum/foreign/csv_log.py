"""CSV files: Keras' CSVLogger, Lightning's (metrics.csv beside hparams.yaml), and what is written by hand."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from seqsum.files import read_regular
from seqsum.foreign.left_out import NO_STEP, ODD_STEP, LeftOut
from seqsum.foreign.lines import beginning, first_line, last_lines, new_lines
from seqsum.foreign.log_format import (
    COUNTED,
    FIRST_STEPS,
    Folder,
    LogFormat,
    Part,
    Refused,
    Rows,
    Source,
    counted_told,
    in_fractions,
    is_measured,
    plain_value,
    step_name,
    step_of,
    value_of,
    written_at,
)
from seqsum.foreign.several_runs import NAME_COLUMN, SeveralRuns, run_column
from seqsum.text import one_line

HPARAMS = "hparams.yaml"
METRICS = "metrics.csv"
LARGEST_HPARAMS = 2**18
ENDINGS = (".csv", ".tsv")
SEPARATORS = (",", ";", "\t")
UNREAD = "\ufffd"
"""What stands for bytes that are no UTF-8."""
OTHER_WIDTH = "line with more or fewer values than columns"


class CsvLog(LogFormat):
    name = "CSV"

    def __init__(self) -> None:
        self._several = SeveralRuns(_runs)

    def find(self, folder: Folder) -> list[Source]:
        """Files with a column of steps, and those that were asked for. Lightning's folder is the run."""
        found = []
        for name in folder.names:
            if not folder.ends(name, ENDINGS):
                continue
            path = folder.path / name
            columns, refused = _columns(path)
            if columns is not None and not (folder.asked or step_name(columns[1])):
                refused = Refused(path, "none of its columns is a step (step, epoch …); --watch FILE counts its rows")
            if refused is not None:
                folder.refused.append(refused)
            if columns is None or refused is not None:
                continue
            if name == METRICS:
                began = written_at(folder.path / HPARAMS) or written_at(path)
                # Lightning writes NAME/version_0/metrics.csv.
                parts = 2 if folder.path.name.startswith("version_") else 1
                whole = Source(path, "", (path,), began, place=folder.path, parts=parts)
            else:
                whole = Source(path, "", (path,), written_at(path), place=path.with_suffix(""))
            several = run_column(columns[1]) is not None and step_name(columns[1]) is not None
            found += self._several.sources(whole) if several else [whole]
        return found

    def config(self, source: Source) -> dict[str, Any]:
        path = source.path
        return _hparams(path.with_name(HPARAMS)) if path.name == METRICS else {}

    def read(self, source: Source, position: Any, *, rests: bool = False) -> Part:
        path = source.files[0]
        new, (columns, _) = new_lines(path, position, rests=rests), _columns(path)
        part = Part({}, new.position, new.more, new.anew)
        if columns is None:
            part.position, part.more = None, False
            return part
        head = _Head.of(path, *columns, source.part)
        if head.odd != new.counted and new.row:
            # Its first rows told of another kind of steps when it was shorter.
            return Part({}, {}, more=True, anew=True)
        if any(UNREAD in name for name in head.names):
            part.problems.append(f"{one_line(str(path))}: the names of its columns are not UTF-8; save it as UTF-8")
        if head.odd:
            new.position[COUNTED] = True
            part.problems.append(counted_told(path, head.of_step or ""))
        if new.step is not None and new.lines and _step(new.lines[0], head, new.row) != new.step:
            # Its step was not whole, either.
            return Part({}, {}, more=True, anew=True)
        new.note(part.left_out)
        last = new.lines.pop() if new.unended else None
        first = 1 if new.row == 0 else 0
        part.rows = _rows(new.lines[first:], head, new.row + first, part.left_out)
        if new.row == 0 and not part.rows and not source.part and any(line.strip() for line in new.lines[first:]):
            part.hints.append(
                f"{one_line(str(path))}: no number could be read below its {len(head.names)} column names; whole lines "
                f'with "{one_line(head.separator).strip() or "tab"}" between the values are'
            )
        if last is not None:
            row = new.row + len(new.lines)
            if last.count('"') % 2:
                last = ""  # a field without its end
            new.took(_step(last, head, row))
            for name, rows in _rows([last], head, row, LeftOut()).items():
                part.rows[name] = [*part.rows.get(name, ()), *rows]
        return part

    def glance(self, source: Source) -> Rows:
        columns, _ = _columns(source.files[0])
        head = None if columns is None else _Head.of(source.files[0], *columns, source.part)
        if head is None or head.of_step is None or head.odd:
            return {}
        return {name: rows[-1:] for name, rows in _rows(last_lines(source.files[0]), head, 0, LeftOut()).items()}


def has_steps(line: str) -> bool:
    """Tell whether a first line names columns, one of them of steps."""
    names = next(csv.reader([line], delimiter=max(SEPARATORS, key=line.count)), [])
    return len(names) > 1 and step_name(names) is not None


def _columns(path: Path) -> tuple[tuple[str, list[str]] | None, Refused | None]:
    """Return a file's separator and the names of its columns; None where it has none, and why, if it never will."""
    line, refused = first_line(path)
    if not line:
        return None, refused
    separator = max(SEPARATORS, key=line.count)
    try:
        names = next(csv.reader([line], delimiter=separator), [])
    except csv.Error:
        names = []
    if not names or all(_is_number(name) for name in names):
        return None, Refused(path, "its first line names no columns")
    return (separator, _apart(names)), None


@dataclass(frozen=True)
class _Head:
    """What the first line names. of_step: the column of steps, if any; odd: whether those are no whole numbers, so that
    rows are counted instead; part: whose rows are read, where a column says it."""

    separator: str
    names: tuple[str, ...]
    of_step: str | None
    odd: bool
    part: str

    @classmethod
    def of(cls, path: Path, separator: str, names: Sequence[str], part: str) -> _Head:
        of_step, odd = step_name(names), False
        if of_step is not None:
            at, width = names.index(of_step), len(names)
            rows = _table(beginning(path)[1 : 4 * FIRST_STEPS], separator)[0]
            point = _point(separator)
            odd = in_fractions(point(cells[at]) for cells in rows if len(cells) == width)
        return cls(separator, tuple(names), of_step, odd, part)

    def is_curve(self, name: str) -> bool:
        """Whether a column is one: that of the steps, too, where they are none."""
        if self.part and name in (run_column(self.names), NAME_COLUMN):
            return False
        return is_measured(name) or (self.odd and name == self.of_step)


def _runs(path: Path, lines: Sequence[str], first: bool) -> Iterator[tuple[str, str]]:
    """Yield whose each row is."""
    columns, _ = _columns(path)
    column = None if columns is None else run_column(columns[1])
    if columns is None or column is None:
        return
    separator, names = columns
    at, named = names.index(column), names.index(NAME_COLUMN) if NAME_COLUMN in names else None
    for cells in _table(lines[first:], separator)[0]:
        if len(cells) == len(names) and cells[at].strip():
            yield cells[at], "" if named is None else cells[named]


def _point(separator: str) -> Callable[[str], str]:
    # Where a comma can't be a separator it is a decimal point: so spreadsheets write in half of Europe.
    return str if separator == "," else _with_point


def _table(lines: Sequence[str], separator: str) -> tuple[list[list[str]], bool]:
    """Return the cells of lines, and whether they could be read one by one only."""
    try:
        return list(csv.reader(lines, delimiter=separator)), False
    except csv.Error:
        # Null bytes, or a field without an end: the lines that can be read count.
        return [_one(line, separator) for line in lines], True


def _step(line: str, head: _Head, row: int) -> int | None:
    """Return the step of a line; None where it is not whole."""
    return next((rows[0][0] for rows in _rows([line], head, row, LeftOut()).values()), None)


def _apart(names: Sequence[str]) -> list[str]:
    """Return the names of columns, a second one of a name with its number: none is left out."""
    seen: Counter[str] = Counter()
    found = []
    for name in names:
        seen[name] += 1
        found.append(f"{name} ({seen[name]})" if seen[name] > 1 and name.strip() else name)
    return found


def _rows(lines: Sequence[str], head: _Head, row: int, left_out: LeftOut) -> Rows:
    """Return metric → rows, and count what is left out. row: the number of the first line, the header's being 0."""
    separator, names = head.separator, head.names
    width, of_step = len(names), None if head.odd else head.of_step
    point = _point(separator)
    if head.part and not any('"' in line for line in lines):
        # A table of many runs is read once for each: of the others' lines nothing but how many there are.
        lines = [line if head.part in line else "" for line in lines]
    table, broken = _table(lines, separator)
    if head.part:
        whose = names.index(run_column(names) or "")
        table = [cells if cells[whose : whose + 1] == [head.part] else [] for cells in table]
    if of_step is None:
        numbered = [(row + place, cells) for place, cells in enumerate(table) if len(cells) == width]
    else:
        at = names.index(of_step)
        read = ((step_of(point(cells[at])), cells) for cells in table if len(cells) == width)
        numbered = [(step, cells) for step, cells in read if step is not None]
    places = _Places(lines, separator, table, row)
    if len(numbered) < len(table):
        for place, cells in enumerate(table):
            if len(cells) != width:
                if any(cell.strip() for cell in cells) or (broken and lines[place].strip()):
                    left_out.note(OTHER_WIDTH, places.of(place))
            elif of_step is not None and step_of(point(cells[at])) is None:
                left_out.note(ODD_STEP if cells[at].strip() else NO_STEP, places.of(place))
    found: Rows = {}
    for column, name in enumerate(names):
        if not head.is_curve(name):
            continue
        try:
            rows = [(step, float(cells[column])) for step, cells in numbered if cells[column]]
        except ValueError:
            rows = []
            for step, cells in numbered:
                text = point(cells[column])
                if (value := value_of(name, text)) is not None:
                    rows.append((step, value))
                elif text.strip():
                    left_out.note_text(name, places.of_cells(cells), cells[column])
        if rows:
            found[name] = rows
    return found


class _Places:
    """Where the rows of a table stand in their file, found only when something is left out."""

    def __init__(self, lines: Sequence[str], separator: str, table: list[list[str]], row: int) -> None:
        self._lines, self._separator, self._table, self._row = lines, separator, table, row

    def of(self, place: int) -> str:
        return f"line {self._row + self._numbers[place] + 1:,}"

    def of_cells(self, cells: list[str]) -> str:
        return self.of(self._by_cells[id(cells)])

    @cached_property
    def _by_cells(self) -> dict[int, int]:
        return {id(cells): place for place, cells in enumerate(self._table)}

    @cached_property
    def _numbers(self) -> list[int]:
        """The first line of each row: between quotation marks a row goes on over several."""
        found, before = [], 0
        reader = csv.reader(self._lines, delimiter=self._separator)
        try:
            for _ in reader:
                found.append(before)
                before = reader.line_num
        except csv.Error:
            return list(range(len(self._table)))
        return found


def _one(line: str, separator: str) -> list[str]:
    try:
        return next(csv.reader([line], delimiter=separator), [])
    except csv.Error:
        return []


def _with_point(text: str) -> str:
    return text.replace(",", ".", 1)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _hparams(path: Path) -> dict[str, Any]:
    """Return what stands at the first depth of Lightning's settings; the rest of YAML is not read."""
    try:
        text = read_regular(path, LARGEST_HPARAMS).decode("utf-8", "replace")
    except OSError:
        return {}
    found: dict[str, Any] = {}
    for line in text.splitlines():
        name, colon, value = line.partition(":")
        value = value.strip()
        if colon and value and not line.startswith((" ", "#", "-", "?", "!")) and value[0] not in "&*!|>{[":
            found[name.strip().strip("'\"")] = plain_value(value.strip("'\""))
    return found

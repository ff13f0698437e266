"""CSV files: Keras' CSVLogger, Lightning's (metrics.csv beside hparams.yaml), and what is written by hand."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from seqsum.files import read_regular
from seqsum.foreign.lines import first_line, last_lines, new_lines
from seqsum.foreign.log_format import (
    Folder,
    LogFormat,
    Part,
    Rows,
    Source,
    is_file,
    is_measured,
    plain_value,
    step_name,
    step_of,
    written_at,
)
from seqsum.text import one_line

HPARAMS = "hparams.yaml"
METRICS = "metrics.csv"
LARGEST_HPARAMS = 2**18
SEPARATORS = (",", ";", "\t")


class CsvLog(LogFormat):
    name = "CSV"

    def find(self, folder: Folder) -> list[Source]:
        """Files with a column of steps, and those that were asked for. Lightning's folder is the run."""
        found = []
        for name in folder.names:
            if not name.lower().endswith((".csv", ".tsv")):
                continue
            path = folder.path / name
            if not is_file(path):
                continue
            columns = _columns(path)
            if columns is None or not (folder.asked or step_name(columns[1])):
                continue
            if name == METRICS:
                began = written_at(folder.path / HPARAMS) or written_at(path)
                run = _lightning_name(folder.path)
                found.append(Source(path, run, (path,), began))
            else:
                found.append(Source(path, path.stem, (path,), written_at(path)))
        return found

    def config(self, source: Source) -> dict[str, Any]:
        path = source.path
        return _hparams(path.with_name(HPARAMS)) if path.name == METRICS else {}

    def read(self, source: Source, position: Any) -> Part:
        path = source.files[0]
        new, head = new_lines(path, position), _columns(path)
        part = Part({}, new.position, new.more, new.anew, problems=new.problems)
        if head is None:
            part.position, part.more = None, False
            return part
        first = 1 if new.row == 0 else 0
        part.rows = _rows(new.lines[first:], head, new.row + first)
        if not part.rows and any(line.strip() for line in new.lines[first:]):
            part.problems.append(
                f"{one_line(str(path))}: no number could be read below its {len(head[1])} column names; whole lines "
                f'with "{one_line(head[0]).strip() or "tab"}" between the values are'
            )
        return part

    def glance(self, source: Source) -> Rows:
        head = _columns(source.files[0])
        if head is None or step_name(head[1]) is None:
            return {}
        return {name: rows[-1:] for name, rows in _rows(last_lines(source.files[0]), head, 0).items()}


def _columns(path: Path) -> tuple[str, list[str]] | None:
    """Return a file's separator and the names of its columns; None where it has none."""
    try:
        line = first_line(path)
    except OSError:
        return None
    separator = max(SEPARATORS, key=line.count)
    try:
        names = next(csv.reader([line], delimiter=separator), [])
    except csv.Error:
        return None
    if not names or all(_is_number(name) for name in names):
        return None
    return separator, _apart(names)


def _apart(names: Sequence[str]) -> list[str]:
    """Return the names of columns, a second one of a name with its number: none is left out."""
    seen: Counter[str] = Counter()
    found = []
    for name in names:
        seen[name] += 1
        found.append(f"{name} ({seen[name]})" if seen[name] > 1 and name.strip() else name)
    return found


def _rows(lines: Sequence[str], head: tuple[str, list[str]], row: int) -> Rows:
    """Return metric → rows. row: the number of the first line, counted from the header as 0."""
    separator, names = head
    width, of_step = len(names), step_name(names)
    # Where a comma can't be a separator it is a decimal point: so spreadsheets write in half of Europe.
    point: Callable[[str], str] = str if separator == "," else _with_point
    try:
        table = list(csv.reader(lines, delimiter=separator))
    except csv.Error:
        # Null bytes, or a field without an end: the lines that can be read count.
        table = [_one(line, separator) for line in lines]
    if of_step is None:
        numbered = [(row + place, cells) for place, cells in enumerate(table) if len(cells) == width]
    else:
        at = names.index(of_step)
        read = ((step_of(point(cells[at])), cells) for cells in table if len(cells) == width)
        numbered = [(step, cells) for step, cells in read if step is not None]
    found: Rows = {}
    for column, name in enumerate(names):
        if not is_measured(name):
            continue
        try:
            rows = [(step, float(cells[column])) for step, cells in numbered if cells[column]]
        except ValueError:
            found_here = ((step, point(cells[column])) for step, cells in numbered)
            rows = [(step, float(text)) for step, text in found_here if _is_number(text)]
        if rows:
            found[name] = rows
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


def _lightning_name(folder: Path) -> str:
    """Lightning writes NAME/version_0/metrics.csv."""
    if folder.name.startswith("version_") and folder.parent.name:
        return f"{folder.parent.name}/{folder.name}"
    return folder.name or "metrics"


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

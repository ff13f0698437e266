"""JSON Lines: an object a line; objects in objects are named `outer.inner`."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from seqsum.foreign.lines import first_line, last_lines, new_lines
from seqsum.foreign.log_format import (
    Folder,
    LogFormat,
    Part,
    Rows,
    Source,
    is_file,
    is_measured,
    step_name,
    step_of,
    written_at,
)

ENDINGS = (".jsonl", ".ndjson", ".jsonlines")
MOST_VALUES = 1000
DEEPEST = 4


class JsonLines(LogFormat):
    name = "JSON Lines"

    def find(self, folder: Folder) -> list[Source]:
        """Files whose first object has a step, and those that were asked for."""
        found = []
        for name in folder.names:
            path = folder.path / name
            if not name.lower().endswith(ENDINGS) or not is_file(path):
                continue
            first = _first(path)
            if first is not None and (folder.asked or step_name(list(first)) is not None):
                found.append(Source(path, path.stem, (path,), written_at(path)))
        return found

    def read(self, source: Source, position: Any) -> Part:
        new = new_lines(source.files[0], position)
        # Where the first row says its step, so does every row that counts.
        first = _first(source.files[0])
        row = None if first is not None and step_name(list(first)) is not None else new.row
        return Part(_rows(new.lines, row), new.position, new.more, new.anew, problems=new.problems)

    def glance(self, source: Source) -> Rows:
        first = _first(source.files[0])
        if first is None or step_name(list(first)) is None:
            return {}
        return {name: rows[-1:] for name, rows in _rows(last_lines(source.files[0]), None).items()}


def _first(path: Path) -> dict[str, Any] | None:
    try:
        return _parsed(first_line(path))
    except OSError:
        return None


def _parsed(line: str) -> dict[str, Any] | None:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _rows(lines: list[str], row: int | None) -> Rows:
    """Return metric → rows. row: the number of the first line, from 0; None where only rows with a step count."""
    found: Rows = {}
    keys: tuple[str, ...] = ()
    of_step: str | None = None
    for place, line in enumerate(lines):
        values = _parsed(line)
        if not values:
            continue
        if tuple(values) != keys:
            keys = tuple(values)
            of_step = step_name(keys)
        step = step_of(values[of_step]) if of_step is not None else None if row is None else row + place + 1
        if step is None:
            continue
        for name, value in _flat(values) if any(isinstance(one, dict) for one in values.values()) else values.items():
            if type(value) is float or type(value) is int:
                if name not in found:
                    if len(found) >= MOST_VALUES or not is_measured(name):
                        continue
                    found[name] = []
                try:
                    found[name].append((step, float(value)))
                except OverflowError:
                    continue
    return {name: rows for name, rows in found.items() if rows}


def _flat(values: Mapping[str, Any], before: str = "", depth: int = 0) -> Iterator[tuple[str, Any]]:
    for name, value in values.items():
        if isinstance(value, dict):
            if depth < DEEPEST:
                yield from _flat(value, f"{before}{name}.", depth + 1)
        else:
            yield f"{before}{name}", value

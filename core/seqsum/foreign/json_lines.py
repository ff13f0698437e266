"""JSON Lines: an object a line; objects in objects are named `outer.inner`."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from seqsum.foreign.left_out import NO_STEP, ODD_STEP, LeftOut
from seqsum.foreign.lines import first_line, last_lines, new_lines
from seqsum.foreign.log_format import (
    Folder,
    LogFormat,
    Part,
    Refused,
    Rows,
    Source,
    is_measured,
    step_name,
    step_of,
    written_at,
)

ENDINGS = (".jsonl", ".ndjson", ".jsonlines")
MOST_VALUES = 1000
DEEPEST = 4
NO_OBJECT = "line with no JSON object"


class JsonLines(LogFormat):
    name = "JSON Lines"

    def find(self, folder: Folder) -> list[Source]:
        """Files whose first object has a step, and those that were asked for."""
        found = []
        for name in folder.names:
            path = folder.path / name
            if not name.lower().endswith(ENDINGS):
                continue
            first, refused = _first(path)
            if first is not None and not (folder.asked or step_name(list(first)) is not None):
                refused = Refused(path, "its first object has no step (step, epoch …); --watch FILE counts its rows")
            if refused is not None:
                folder.refused.append(refused)
            elif first is not None:
                found.append(Source(path, path.stem, (path,), written_at(path)))
        return found

    def read(self, source: Source, position: Any, *, rests: bool = False) -> Part:
        new = new_lines(source.files[0], position, rests=rests)
        # Where the first row says its step, so does every row that counts.
        first, _ = _first(source.files[0])
        counted = first is None or step_name(list(first)) is None
        part = Part({}, new.position, new.more, new.anew)
        if new.step is not None and new.lines and _step(new.lines[0], new.row, counted) != new.step:
            return Part({}, {}, more=True, anew=True)
        new.note(part.left_out)
        if new.unended:
            step = _step(new.lines[-1], new.row + len(new.lines) - 1, counted)
            new.took(step)
            if step is None:
                new.lines.pop()
        part.rows = _rows(new.lines, new.row, counted, part.left_out)
        return part

    def glance(self, source: Source) -> Rows:
        first, _ = _first(source.files[0])
        if first is None or step_name(list(first)) is None:
            return {}
        rows = _rows(last_lines(source.files[0]), 0, False, LeftOut())
        return {name: some[-1:] for name, some in rows.items()}


def _first(path: Path) -> tuple[dict[str, Any] | None, Refused | None]:
    """Return a file's first object; None where it has none, and why, if none comes any more."""
    line, refused = first_line(path, unended=True)
    if not line:
        return None, refused
    first = _parsed(line)
    if first is None:
        # One without an end may become an object.
        line, refused = first_line(path)
        if not line:
            return None, refused
    return first, Refused(path, "its first line is no JSON object") if first is None else None


def _step(line: str, row: int, counted: bool) -> int | None:
    """Return the step of a line; None where it is not whole."""
    return next((rows[0][0] for rows in _rows([line], row, counted, LeftOut()).values()), None)


def _parsed(line: str) -> dict[str, Any] | None:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _rows(lines: list[str], row: int, counted: bool, left_out: LeftOut) -> Rows:
    """Return metric → rows, and count what is left out. row: the number of the first line, from 0; counted: a row
    without a step has its number for one."""
    found: Rows = {}
    keys: tuple[str, ...] = ()
    of_step: str | None = None
    for place, line in enumerate(lines):
        values = _parsed(line)
        if not values:
            if values is None and line.strip():
                left_out.note(NO_OBJECT, f"line {row + place + 1:,}")
            continue
        if tuple(values) != keys:
            keys = tuple(values)
            of_step = step_name(keys)
        step = step_of(values[of_step]) if of_step is not None else row + place + 1 if counted else None
        if step is None:
            none = of_step is None or values[of_step] is None
            left_out.note(NO_STEP if none else ODD_STEP, f"line {row + place + 1:,}")
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
                    left_out.note_text(name, f"line {row + place + 1:,}", str(value))
            elif type(value) is str and is_measured(name):
                left_out.note_text(name, f"line {row + place + 1:,}", value)
    return {name: rows for name, rows in found.items() if rows}


def _flat(values: Mapping[str, Any], before: str = "", depth: int = 0) -> Iterator[tuple[str, Any]]:
    for name, value in values.items():
        if isinstance(value, dict):
            if depth < DEEPEST:
                yield from _flat(value, f"{before}{name}.", depth + 1)
        else:
            yield f"{before}{name}", value

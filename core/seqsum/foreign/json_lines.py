"""JSON Lines: an object a line; objects in objects are named `outer.inner`."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

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
    step_name,
    step_of,
    value_of,
    written_at,
)
from seqsum.foreign.several_runs import NAME_COLUMN, SeveralRuns, run_column

ENDINGS = (".jsonl", ".ndjson", ".jsonlines")
MOST_VALUES = 1000
DEEPEST = 4
NO_OBJECT = "line with no JSON object"


class JsonLines(LogFormat):
    name = "JSON Lines"

    def __init__(self) -> None:
        self._several = SeveralRuns(_runs)

    def find(self, folder: Folder) -> list[Source]:
        """Files whose first object has a step, and those that were asked for."""
        found = []
        for name in folder.names:
            path = folder.path / name
            if not folder.ends(name, ENDINGS):
                continue
            first, refused = _first(path)
            if first is not None and not (folder.asked or step_name(list(first)) is not None):
                refused = Refused(path, "its first object has no step (step, epoch …); --watch FILE counts its rows")
            if refused is not None:
                folder.refused.append(refused)
            elif first is not None:
                whole = Source(path, "", (path,), written_at(path), place=path.with_suffix(""))
                several = run_column(list(first)) is not None and step_name(list(first)) is not None
                found += self._several.sources(whole) if several else [whole]
        return found

    def read(self, source: Source, position: Any, *, rests: bool = False) -> Part:
        path = source.files[0]
        new, kind = new_lines(path, position, rests=rests), _Kind.of(path, source.part)
        part = Part({}, new.position, new.more, new.anew)
        if bool(kind.odd) != new.counted and new.row:
            # Its first rows told of another kind of steps when it was shorter.
            return Part({}, {}, more=True, anew=True)
        if kind.odd:
            new.position[COUNTED] = True
            part.problems.append(counted_told(path, kind.odd))
        if new.step is not None and new.lines and _step(new.lines[0], new.row, kind) != new.step:
            return Part({}, {}, more=True, anew=True)
        new.note(part.left_out)
        if new.unended:
            step = _step(new.lines[-1], new.row + len(new.lines) - 1, kind)
            new.took(step)
            if step is None:
                new.lines.pop()
        part.rows = _rows(new.lines, new.row, kind, part.left_out)
        return part

    def glance(self, source: Source) -> Rows:
        kind = _Kind.of(source.files[0], source.part)
        if kind.counted or kind.odd:
            return {}
        rows = _rows(last_lines(source.files[0]), 0, kind, LeftOut())
        return {name: some[-1:] for name, some in rows.items()}


def is_object(line: str) -> bool:
    """Tell whether a line is a JSON object."""
    return _parsed(line) is not None


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


@dataclass(frozen=True)
class _Kind:
    """How rows are read. counted: a row without a step has its number for one; odd: the name of the steps where they
    are no whole numbers, so that rows are counted instead; part: whose rows are read, where they say it."""

    counted: bool
    odd: str = ""
    part: str = ""

    @classmethod
    def of(cls, path: Path, part: str = "") -> _Kind:
        # Where the first row says its step, so does every row that counts.
        first, _ = _first(path)
        name = None if first is None else step_name(list(first))
        if name is None:
            return cls(True)
        rows = (_parsed(line) or {} for line in beginning(path)[: 4 * FIRST_STEPS])
        return cls(False, name if in_fractions(row.get(name) for row in rows) else "", part)


def _runs(_path: Path, lines: Sequence[str], _first: bool) -> Iterator[tuple[str, str]]:
    """Yield whose each row is."""
    for line in lines:
        values = _parsed(line) or {}
        column = run_column(list(values))
        if column is not None and type(values[column]) in (str, int):
            yield str(values[column]), str(values.get(NAME_COLUMN) or "")


def _step(line: str, row: int, kind: _Kind) -> int | None:
    """Return the step of a line; None where it is not whole."""
    return next((rows[0][0] for rows in _rows([line], row, kind, LeftOut()).values()), None)


def _parsed(line: str) -> dict[str, Any] | None:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _rows(lines: list[str], row: int, kind: _Kind, left_out: LeftOut) -> Rows:
    """Return metric → rows, and count what is left out. row: the number of the first line, from 0."""
    found: Rows = {}
    keys: tuple[str, ...] = ()
    of_step: str | None = None
    whose: str | None = None
    for place, line in enumerate(lines):
        values = _parsed(line)
        if not values:
            if values is None and line.strip():
                left_out.note(NO_OBJECT, f"line {row + place + 1:,}")
            continue
        if tuple(values) != keys:
            keys = tuple(values)
            of_step, whose = step_name(keys), run_column(keys) if kind.part else None
        if kind.part and (whose is None or str(values[whose]) != kind.part):
            continue
        number = row + place + 1
        step = number if kind.odd else step_of(values[of_step]) if of_step else number if kind.counted else None
        if step is None:
            none = not of_step or values[of_step] is None
            left_out.note(NO_STEP if none else ODD_STEP, f"line {row + place + 1:,}")
            continue
        for name, value in _flat(values) if any(isinstance(one, dict) for one in values.values()) else values.items():
            if name == whose:
                continue
            if type(value) is str and value.endswith("%") and (share := value_of(name, value)) is not None:
                value = share
            if type(value) is float or type(value) is int:
                if name not in found:
                    if len(found) >= MOST_VALUES or not (is_measured(name) or name == kind.odd):
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

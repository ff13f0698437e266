"""In which order runs are listed."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from seqsum.errors import UserError, did_you_mean
from seqsum.runs.entry import ABSENT, Entry
from seqsum.runs.filter import LISTS, NUMBERS, TEXTS, TIMES, Names
from seqsum.runs.store import STATUSES
from seqsum.runs.verdict import WORDS

# What one looks for first comes first: the newest, the furthest, the best.
HIGH_FIRST = frozenset({"step", "steps", "progress", "speed", "trained", "size"})
Key = Callable[[Entry], Any]


def value_of(column: str, names: Names, now: float) -> Key:
    """Return what gives a run's value of a column: a field of the list, a metric or a setting; None where it has none.

    Raises UserError for a column that no run has.
    """
    lower = column.lower()
    if lower == "status":
        # The live ones first, in the order of a run's life.
        return lambda entry: STATUSES.index(entry.summary.status) if entry.summary.status in STATUSES else None
    if lower == "verdict":
        return lambda entry: WORDS.index(entry.summary.verdict.word) if entry.summary.verdict else None
    if lower in TEXTS:
        return lambda entry: TEXTS[lower](entry.summary).lower() or None
    if lower in LISTS:
        return lambda entry: ", ".join(LISTS[lower](entry.summary)).lower() or None
    if lower in NUMBERS:
        return lambda entry: NUMBERS[lower](entry.summary, now)
    if lower in TIMES:
        return lambda entry: TIMES[lower](entry.summary, now)
    if column in names.metrics:
        return lambda entry: finite(entry.summary.value(column))
    path = names.path(column)
    if path is None:
        near = did_you_mean(column, names.all()) or "; it can be a column, a metric or a setting such as optim.lr"
        raise UserError(f'sort: no column "{column}"{near}')
    return lambda entry: _comparable(entry.setting(path))


def high_first(column: str) -> bool:
    """Whether the highest value of a column stands first unless one asks for the other way round."""
    from seqsum.runs.metric_direction import direction_of

    return column.lower() in HIGH_FIRST or direction_of(column) == "higher"


def in_order(entries: list[Entry], column: str, names: Names, now: float, *, reverse: bool = False) -> list[Entry]:
    """Return the runs sorted by a column; those that have no value in it come last, either way."""
    return sort_by(entries, value_of(column, names, now), high_first(column) != reverse)


def sort_by(things: list[Any], key: Callable[[Any], Any], descending: bool) -> list[Any]:
    """Sort by a key, stably; what has None for one comes last. Numbers stand before text."""
    keyed = [(key(thing), thing) for thing in things]
    present = [pair for pair in keyed if pair[0] is not None]
    present.sort(key=lambda pair: (isinstance(pair[0], str), pair[0]), reverse=descending)
    return [thing for _, thing in present] + [thing for value, thing in keyed if value is None]


def finite(value: float | None) -> float | None:
    """Return a value by which one can sort, None for NaN and infinities."""
    return value if value is not None and math.isfinite(value) else None


def _comparable(value: Any) -> Any:
    if value is ABSENT or value is None:
        return None
    if isinstance(value, bool | int | float):
        return float(value)
    return str(value).lower()

"""Settings on axes: each field of a sweep and its goal, as places from 0 to 1, and two fields as a grid."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from seqsum.compare.axis import DECADE, FieldAxis, field_axis
from seqsum.formatting import is_share, metric, shortest
from seqsum.sweeps.definition import Sweep
from seqsum.sweeps.results import Result
from seqsum.sweeps.space import Range, short_names

BINS = 6
"""Into how many stretches a range is cut where it is one side of a grid."""
TICKS = 5
DIGITS = 3


@dataclass(frozen=True)
class Axis:
    """A field, or the goal.

    places: of each setting, 0 at the bottom to 1 at the top; None without a value. ticks: (place, label), upwards.
    """

    title: str
    log: bool
    places: tuple[float | None, ...]
    ticks: tuple[tuple[float, str], ...]


def axes_of(sweep: Sweep, results: Sequence[Result]) -> list[Axis]:
    """Return an axis for each field, in the sweep's order, and the goal's."""
    names = short_names([part.path for part in sweep.space])
    made = [_field(names[part.path], [one.setting.values.get(part.path) for one in results]) for part in sweep.space]
    return [*made, _goal(sweep, results)]


def _field(title: str, texts: Sequence[str | None]) -> Axis:
    known = [text for text in texts if text is not None]
    axis = field_axis([_value(text) for text in known])
    ends = _ends(axis.places)
    ticks = [(_between(ends, place), label) for place, label in axis.ticks(*ends, TICKS)]
    places = iter(axis.places)
    on_it = tuple(None if text is None else _between(ends, next(places)) for text in texts)
    return Axis(title, axis.kind == "log", on_it, tuple(ticks))


def _goal(sweep: Sweep, results: Sequence[Result]) -> Axis:
    medians = [one.median for one in results]
    known = [value for value in medians if value is not None]
    log = bool(known) and is_logarithmic(sweep.goal, min(known), max(known))
    axis = FieldAxis("log", tuple(map(math.log10, known))) if log else FieldAxis("number", tuple(known))
    ends, places = _ends(axis.places), iter(axis.places)
    on_it = tuple(None if value is None else _between(ends, next(places)) for value in medians)
    ticks: list[tuple[float, str]] = []
    if known:
        ticks = [(_between(ends, end), metric(sweep.goal, 10**end if log else end)) for end in sorted(set(ends))]
    return Axis(f"median {sweep.goal}", log, on_it, tuple(ticks))


def goodness(place: float | None, *, higher: bool) -> float:
    """Return how good a place on the goal's axis is, 0 to 1; what has no value is no good."""
    return 0.0 if place is None else place if higher else 1 - place


def is_logarithmic(goal: str, low: float, high: float) -> bool:
    """Whether values of the goal from low to high are looked at on a logarithmic axis: over a decade, but no shares,
    of which near 1 a logarithm tells nothing."""
    return not is_share(goal) and low > 0 and high >= DECADE * low


def _value(text: str) -> Any:
    try:
        return float(text)
    except ValueError:
        return text


def _ends(places: Sequence[float]) -> tuple[float, float]:
    return (min(places), max(places)) if places else (0.0, 1.0)


def _between(ends: tuple[float, float], place: float) -> float:
    low, high = ends
    return 0.5 if high <= low else (place - low) / (high - low)


# Two fields beside each other


@dataclass(frozen=True)
class Cell:
    """Where two values meet: the settings there, the best first, and the median of their medians; NaN where that falls
    on one without a value, None while there is none."""

    settings: tuple[Result, ...]
    value: float | None


@dataclass(frozen=True)
class Grid:
    """Two fields: `rows` are the values of the one, upwards, `columns` those of the other; cells[row][column]."""

    across: str
    up: str
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    cells: tuple[tuple[Cell, ...], ...]

    @property
    def ends(self) -> tuple[float, float] | None:
        """The lowest and the highest value; None where there is none."""
        known = [cell.value for row in self.cells for cell in row if cell.value is not None]
        finite = [value for value in known if math.isfinite(value)]
        return (min(finite), max(finite)) if finite else None

    def goodness(self, cell: Cell, *, higher: bool) -> float | None:
        """Return how good a cell is among all, 0 to 1; None where it has no value."""
        ends = self.ends
        if cell.value is None or math.isnan(cell.value) or ends is None:
            return None
        return 1.0 if ends[0] == ends[1] else goodness(_between(ends, cell.value), higher=higher)


def grid_of(sweep: Sweep, results: Sequence[Result], across: str, up: str) -> Grid:
    """Return the settings by two fields' paths; ranges are cut into stretches."""
    columns, rows = _labels(sweep, results, across), _labels(sweep, results, up)
    worst = -math.inf if sweep.direction == "higher" else math.inf
    there: dict[tuple[str, str], list[Result]] = {}
    for one in results:
        there.setdefault((rows[one.setting.values[up]], columns[one.setting.values[across]]), []).append(one)

    def cell(row: str, column: str) -> Cell:
        found = there.get((row, column), [])
        ranked = [worst if one.median is None else one.median for one in found if one.sample is not None]
        middle = median(ranked) if ranked else None
        return Cell(tuple(found), None if middle is None else middle if math.isfinite(middle) else math.nan)

    up_names, across_names = tuple(dict.fromkeys(rows.values())), tuple(dict.fromkeys(columns.values()))
    names = short_names([part.path for part in sweep.space])
    return Grid(
        names[across], names[up], up_names, across_names,
        tuple(tuple(cell(row, column) for column in across_names) for row in up_names),
    )  # fmt: skip


def _labels(sweep: Sweep, results: Sequence[Result], path: str) -> Mapping[str, str]:
    """Return value → what its row or column is called, in the order of the values."""
    part = next(part for part in sweep.space if part.path == path)
    texts = {one.setting.values[path] for one in results}
    if not isinstance(part, Range):
        order = {text: place for place, text in enumerate(part.values)}
        numbers = [_value(text) for text in part.values]
        if all(isinstance(number, float) for number in numbers):
            order = {text: place for place, text in enumerate(sorted(part.values, key=float))}
        return {text: text for text in sorted(texts, key=lambda text: order.get(text, len(order)))}
    if len(texts) <= BINS:
        return {text: text for text in sorted(texts, key=float)}
    low, high = (math.log(part.low), math.log(part.high)) if part.log else (part.low, part.high)
    edges = [low + (high - low) * number / BINS for number in range(BINS + 1)]
    words = [shortest(math.exp(edge) if part.log else edge, DIGITS) for edge in edges]
    labels = {}
    for text in sorted(texts, key=float):
        place = math.log(float(text)) if part.log else float(text)
        number = min(max(int((place - low) / (high - low) * BINS), 0), BINS - 1)
        labels[text] = f"{words[number]} to {words[number + 1]}"
    return labels

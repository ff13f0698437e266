"""What a chart draws: series, bands and marks, as plain numpy arrays."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, is_dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from seqsum.plotting.smoothing import smooth, smooth_buckets

if TYPE_CHECKING:
    from seqsum.runs import Buckets

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


class Drawn(NamedTuple):
    """What an axis shows of a series: lines of float64[n] (NaN and what has no place break them), and flags bool[n] of
    the points that stand for a value of NaN, above the axis (+∞), or below it (-∞; on a log axis also 0 and less)."""

    y: Floats
    low: Floats | None
    high: Floats | None
    nan: Bools
    above: Bools
    below: Bools


def _floats(values: ArrayLike, what: str) -> Floats:
    array = np.ascontiguousarray(values, dtype=np.float64)
    if array.ndim != 1:
        raise ValueError(f"{what} must be one-dimensional, not of shape {array.shape}")
    return array


def _ordered(
    name: str, x: Floats, columns: list[tuple[str, Floats | None]]
) -> tuple[NDArray[np.intp] | None, list[Floats | None]]:
    """Check equal lengths; return which points to take in which order, without those whose x is not finite, and the
    columns so. None where all is in order."""
    for what, column in columns:
        if column is not None and column.shape != x.shape:
            raise ValueError(f"{name}: {what} has {column.size} values and x has {x.size}; they must be equal")
    # A NaN in x makes this comparison false too, so one pass finds both faults.
    if x.size and not (bool(np.all(x[1:] >= x[:-1])) and np.isfinite(x[0]) and np.isfinite(x[-1])):
        keep = np.flatnonzero(np.isfinite(x))
        order = keep[np.argsort(x[keep], kind="stable")]
        return order, [None if column is None else column[order] for _, column in columns]
    return None, [column for _, column in columns]


def same(one: object, other: object) -> bool:
    """Whether two are drawn alike: equal part by part, NaN where NaN is."""
    if one is other:
        return True
    if isinstance(one, tuple) and isinstance(other, tuple):
        return len(one) == len(other) and all(map(same, one, other))
    if is_dataclass(one) and type(one) is type(other):
        return all(same(getattr(one, part.name), getattr(other, part.name)) for part in fields(one))
    if isinstance(one, np.ndarray) and isinstance(other, np.ndarray):
        if one.shape != other.shape or one.dtype != other.dtype:
            return False
        # By its bits a NaN equals itself: many times faster than equal_nan.
        kind = np.int64 if one.dtype == np.float64 else one.dtype
        return np.array_equal(one.view(kind), other.view(kind))
    if isinstance(one, float) and isinstance(other, float):
        return one == other or (one != one and other != other)
    return type(one) is type(other) and one == other


@dataclass(frozen=True, eq=False)
class Series:
    """One line, or one cloud of points.

    Args:
        name: shown in the legend, literally.
        x: float64[n], ascending. Values out of order are sorted; points whose x is not finite are left out.
        y: float64[n]. NaN breaks the line and, like an infinity, is shown by a sign at the edge.
        low, high: float64[n] or None. The smallest and largest value behind each point, when `y` stands for a
            bucket of several; every column then shows the whole span.
        sign: one-cell glyph that tells the series without colour; empty lets the chart choose one.
        colour: `#rrggbb`; empty lets the chart choose one from its colour-blind-safe palette.
        role: `line` joins the points, `points` does not.
        back: it is drawn behind the others, whatever its place among them.
        thinned: the buckets that the points stand for, as many as there are points.
        steps: float64[n]; the distance that smoothing goes by, where it is neither x nor that of the buckets.
        last: the value that was recorded last, where `y` at the end stands for several; None takes `y`.
        gap_to: the name of the series between which and this one the plot is shaded.

    Raises:
        ValueError: the arrays are not one-dimensional or differ in length.
    """

    name: str
    x: Floats = field(repr=False)
    y: Floats = field(repr=False)
    low: Floats | None = field(default=None, repr=False)
    high: Floats | None = field(default=None, repr=False)
    sign: str = ""
    colour: str = ""
    role: Literal["line", "points"] = "line"
    back: bool = False
    thinned: Buckets | None = field(default=None, repr=False)
    steps: Floats | None = field(default=None, repr=False)
    last: float | None = None
    gap_to: str = ""

    def __post_init__(self) -> None:
        x = _floats(self.x, "x")
        given = [(name, getattr(self, name)) for name in ("y", "low", "high", "steps")]
        columns = [(name, None if values is None else _floats(values, name)) for name, values in given]
        if self.thinned is not None and self.thinned.x.size != x.size:
            raise ValueError(f"{self.name}: {self.thinned.x.size} buckets for {x.size} points; they must be equal")
        order, ordered = _ordered(self.name, x, columns)
        if order is not None and self.thinned is not None:
            object.__setattr__(self, "thinned", self.thinned.where(order))
        object.__setattr__(self, "x", x if order is None else x[order])
        for (name, _), values in zip(columns, ordered, strict=True):
            object.__setattr__(self, name, values)

    # A frame asks for these several times, and each reads every point.

    @cached_property
    def ends(self) -> tuple[float, float]:
        """The lowest and the highest y; NaN where one is NaN, or there is none."""
        return (float(self.y.min()), float(self.y.max())) if self.y.size else (np.nan, np.nan)

    @cached_property
    def highest(self) -> float:
        """The highest finite y, 0 at least."""
        finite = self.y if np.isfinite(self.ends).all() else self.y[np.isfinite(self.y)]
        return float(finite.max(initial=0.0))

    @cached_property
    def whole(self) -> bool:
        """Whether every x is a whole number."""
        return bool((np.floor(self.x) == self.x).all())

    def drawn(self, log_y: bool) -> Drawn:
        """Return what a linear or a logarithmic axis shows."""
        thinned, y = self.thinned, self.y
        if thinned is None and np.isfinite(self.ends).all() and not (log_y and self.ends[0] <= 0):
            none = np.zeros(y.size, dtype=np.bool_)
            return Drawn(y, self.low, self.high, none, none, none)
        if thinned is None:
            return Drawn(y, self.low, self.high, np.isnan(y), y == np.inf, y <= 0 if log_y else y == -np.inf)
        nan, above, below = thinned.nan > 0, thinned.above > 0, thinned.below > 0
        if not log_y:
            return Drawn(y, self.low, self.high, nan, above, below)
        return Drawn(*thinned.on_axis(log_y), nan, above, below | (thinned.finite > thinned.positive))

    def not_positive(self, first: float, last: float) -> int:
        """Return how many values between two x are zero or below: points, not buckets."""
        inside = (self.x >= first) & (self.x <= last)
        if self.thinned is None:
            return int(np.count_nonzero(self.y[inside] <= 0))
        counts = self.thinned.finite - self.thinned.positive + self.thinned.below
        return int(counts[inside].sum())

    def smoothed(self, over: float) -> Floats:
        """Return y as the moving average over so many steps, by distance in steps."""
        if self.thinned is not None:
            return smooth_buckets(self.thinned, over)
        return smooth(self.x if self.steps is None else self.steps, self.y, over)

    def steps_within(self, first: float, last: float) -> float:
        """Return how many steps the points between two x span."""
        inside = np.flatnonzero((self.x >= first) & (self.x <= last))
        if not inside.size:
            return 0.0
        if self.thinned is not None:
            return float(self.thinned.last[inside[-1]] - self.thinned.first[inside[0]])
        steps = self.x if self.steps is None else self.steps
        return float(steps[inside[-1]] - steps[inside[0]])

    def nearest(self, x: float) -> int | None:
        """Return the index of the point nearest to `x` (the later of two equally near), or None if empty."""
        if not self.x.size:
            return None
        right = int(np.searchsorted(self.x, x, side="right"))
        if right == 0:
            return 0
        if right == self.x.size:
            return right - 1
        return right if self.x[right] - x <= x - self.x[right - 1] else right - 1


@dataclass(frozen=True, eq=False)
class Band:
    """A shaded stretch between two curves, such as the quartiles of a group of runs.

    Args:
        name: that of the series whose colour it has, where there is one; the chart does not show it.
        x: float64[n], ascending.
        low, high: float64[n]; NaN in either breaks the band.

    Raises:
        ValueError: the arrays are not one-dimensional or differ in length.
    """

    name: str
    x: Floats = field(repr=False)
    low: Floats = field(repr=False)
    high: Floats = field(repr=False)

    def __post_init__(self) -> None:
        x, low, high = _floats(self.x, "x"), _floats(self.low, "low"), _floats(self.high, "high")
        order, columns = _ordered(self.name, x, [("low", low), ("high", high)])
        x = x if order is None else x[order]
        for attribute, value in zip(("x", "low", "high"), (x, *columns), strict=True):
            object.__setattr__(self, attribute, value)


@dataclass(frozen=True)
class Mark:
    """Something that happened at one x: a value changed by hand, a checkpoint, a pause.

    Args:
        x: where.
        label: one short line, shown literally when the cursor stands on the mark or when there is room.
        sign: one-cell glyph at the top of the plot; empty takes the usual one of the kind.
        kind: `change`, `checkpoint`, `pause`, or any other word. Checkpoints come often, so they show as
            a sign only; all others also as a dotted line.
    """

    x: float
    label: str = ""
    sign: str = ""
    kind: str = "change"

"""What a chart draws: series, bands and marks, as plain numpy arrays."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]


def _floats(values: ArrayLike, what: str) -> Floats:
    array = np.ascontiguousarray(values, dtype=np.float64)
    if array.ndim != 1:
        raise ValueError(f"{what} must be one-dimensional, not of shape {array.shape}")
    return array


def _ordered(name: str, x: Floats, columns: list[tuple[str, Floats | None]]) -> tuple[Floats, list[Floats | None]]:
    """Check equal lengths, leave out points whose x is not finite, sort by x when needed."""
    for what, column in columns:
        if column is not None and column.shape != x.shape:
            raise ValueError(f"{name}: {what} has {column.size} values and x has {x.size}; they must be equal")
    # A NaN in x makes this comparison false too, so one pass finds both faults.
    if x.size and not (bool(np.all(x[1:] >= x[:-1])) and np.isfinite(x[0]) and np.isfinite(x[-1])):
        keep = np.flatnonzero(np.isfinite(x))
        order = keep[np.argsort(x[keep], kind="stable")]
        return x[order], [None if column is None else column[order] for _, column in columns]
    return x, [column for _, column in columns]


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

    def __post_init__(self) -> None:
        x, y = _floats(self.x, "x"), _floats(self.y, "y")
        low = None if self.low is None else _floats(self.low, "low")
        high = None if self.high is None else _floats(self.high, "high")
        x, columns = _ordered(self.name, x, [("y", y), ("low", low), ("high", high)])
        for attribute, value in zip(("x", "y", "low", "high"), (x, *columns), strict=True):
            object.__setattr__(self, attribute, value)

    def same_as(self, other: Series) -> bool:
        """Whether both are drawn alike: the same words and signs, and values that are equal (NaN where NaN is)."""
        words = [(one.name, one.sign, one.colour, one.role, one.back) for one in (self, other)]
        columns = zip(self._columns, other._columns, strict=True)
        return words[0] == words[1] and all(
            one is two or (one is not None and two is not None and np.array_equal(one, two, equal_nan=True))
            for one, two in columns
        )

    @property
    def _columns(self) -> tuple[Floats | None, ...]:
        return self.x, self.y, self.low, self.high

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
        name: for the owner; the chart does not show it.
        x: float64[n], ascending.
        low, high: float64[n]; NaN in either breaks the band.
        colour: `#rrggbb`; empty takes the colour of the series of the same name, else a neutral one.

    Raises:
        ValueError: the arrays are not one-dimensional or differ in length.
    """

    name: str
    x: Floats = field(repr=False)
    low: Floats = field(repr=False)
    high: Floats = field(repr=False)
    colour: str = ""

    def __post_init__(self) -> None:
        x, low, high = _floats(self.x, "x"), _floats(self.low, "low"), _floats(self.high, "high")
        x, columns = _ordered(self.name, x, [("low", low), ("high", high)])
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

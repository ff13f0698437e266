"""Lines, bands and points as braille dots: numpy arrays in, numpy arrays out.

A cell holds 2 x 4 dots. The first dot column stands for the left end of the view and the last for the right end; the
first dot row stands for the top. The work grows with the width of the view, except for two reductions over the
points that are in it, so a hundred thousand points cost little more than a hundred.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from seqsum_tui.charts.series import Floats

Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]

_DOT_BITS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))
_FAR = 1e15
"""Dots further than this from the view are moved here; no line in the view changes by a dot."""


@dataclass(frozen=True)
class View:
    """The stretch of data that a grid of cells shows.

    Args:
        x0, x1: left and right end, x0 < x1.
        y0, y1: bottom and top, y0 < y1; both above 0 when `log_y`.
        width, height: cells, both at least 1.

    Raises:
        ValueError: a range is empty or, on a log axis, reaches 0.
    """

    x0: float
    x1: float
    y0: float
    y1: float
    width: int
    height: int
    log_y: bool = False

    def __post_init__(self) -> None:
        if not (self.x0 < self.x1 and self.y0 < self.y1):
            raise ValueError(f"empty view: x {self.x0} to {self.x1}, y {self.y0} to {self.y1}")
        if self.log_y and self.y0 <= 0:
            raise ValueError(f"a logarithmic axis must begin above 0, not at {self.y0}")
        if self.width < 1 or self.height < 1:
            raise ValueError(f"a view needs at least one cell, not {self.width} x {self.height}")

    @property
    def columns(self) -> int:
        """Dot columns."""
        return 2 * self.width

    @property
    def rows(self) -> int:
        """Dot rows."""
        return 4 * self.height

    @cached_property
    def edges(self) -> Floats:
        """float64[columns + 1]: the x at which each dot column begins, and where the last one ends."""
        places = np.arange(self.columns + 1, dtype=np.float64) - 0.5
        return self.x0 + places * float((self.x1 - self.x0) / (self.columns - 1))

    def across(self, x: Floats) -> Floats:
        """Return positions in dot columns: 0.0 is the middle of the first."""
        return np.clip((x - self.x0) * ((self.columns - 1) / (self.x1 - self.x0)), -_FAR, _FAR)

    def down(self, y: Floats) -> Floats:
        """Return positions in dot rows: 0.0 is the middle of the top one."""
        y = np.clip(y, -1e300, 1e300)
        if self.log_y:
            top, bottom, y = np.log10(self.y1), np.log10(self.y0), np.log10(y)
        else:
            top, bottom = self.y1, self.y0
        rows: Floats = np.clip((top - y) / (top - bottom) * (self.rows - 1), -_FAR, _FAR)
        return rows

    def cell_column(self, x: float) -> int:
        """Return the cell column of `x`, which may lie outside the view."""
        return int(np.floor(self.across(np.array([x]))[0] + 0.5)) // 2

    def cell_columns(self, x: Floats) -> Ints:
        """Return the cell columns of many x at once."""
        columns: Ints = np.floor(self.across(x) + 0.5).astype(np.int64) // 2
        return columns

    def cell_row(self, y: float) -> int:
        """Return the cell row of `y`, which may lie outside the view."""
        return int(np.floor(self.down(np.array([y]))[0] + 0.5)) // 4

    def x_at(self, cell: float) -> float:
        """Return the x at the middle of a cell column."""
        return self.x0 + (2 * cell + 0.5) * (self.x1 - self.x0) / (self.columns - 1)

    def drawable(self, y: Floats) -> Bools:
        """Return which values have a place on the y axis."""
        return np.isfinite(y) & (y > 0) if self.log_y else np.isfinite(y)


@dataclass(frozen=True)
class Drawing:
    """What one series puts on the grid.

    `dots` is bool[rows, columns]. `lone` is int[k, 2], the (row, column) cells of points that no line reaches.
    `nan`, `above` and `below` are bool[width]: cell columns in which a value is NaN, +inf, or -inf (on a log axis also
    zero or negative). `over` and `under`: in which a value lies above the top or below the bottom of the view.
    """

    dots: Bools
    lone: Ints
    nan: Bools
    above: Bools
    below: Bools
    over: Bools
    under: Bools


def draw_line(
    x: Floats,
    y: Floats,
    view: View,
    low: Floats | None = None,
    high: Floats | None = None,
    *,
    join: bool = True,
    signs: tuple[Bools, Bools, Bools] | None = None,
) -> Drawing:
    """Return the drawing of a polyline or, without `join`, of its points (with a bar from `low` to `high`) alone.

    Dots of a line: the dot of every finite point; between two neighbouring finite points in different dot columns the
    line's height at the middle of each column between; where two dots that follow one another are more than one row
    apart, the rows between them, the first half in the left column. All points of an unbroken run in one column,
    with their `low` and `high`, fill the rows from the lowest to the highest. NaN and infinities break the line.

    signs: which points stand for a value of NaN, above and below the axis; without them it is what y itself is.
    """
    columns = view.columns
    first, last = _visible(x, view)
    x, y = x[first:last], y[first:last]
    tops, bottoms = y if high is None else high[first:last], y if low is None else low[first:last]
    # NaN is neither above nor below. Most lines are within: two looks at each point in place of a dozen.
    lowest, highest = (float(y.min()), float(y.max())) if y.size else (np.nan, np.nan)
    within = view.y0 <= lowest and highest <= view.y1 and not (view.log_y and lowest <= 0)
    drawable = np.ones(x.size, dtype=np.bool_) if within else view.drawable(y)
    bad = np.zeros(0, dtype=np.int64) if within else np.flatnonzero(~drawable)
    nowhere = np.zeros(x.size, dtype=np.bool_)
    if signs is not None:
        flags = (signs[0][first:last], signs[1][first:last], signs[2][first:last])
    elif within:
        flags = (nowhere, nowhere, nowhere)
    else:
        flags = (np.isnan(y), y == np.inf, y <= 0 if view.log_y else y == -np.inf)
    with np.errstate(invalid="ignore"):
        beyond = (
            nowhere if within and high is None else np.isfinite(tops) & (tops > view.y1),
            nowhere if within and low is None else view.drawable(bottoms) & (bottoms < view.y0),
        )
    at = _cells(x, (*flags, *beyond), view)
    off = tuple(_columns_of(flagged, at, view) for flagged in (*flags, *beyond))
    nothing = np.zeros((0, 2), dtype=np.int64)
    if not join:
        places = np.searchsorted(view.edges, x, side="right") - 1
        tops, bottoms = np.where(view.drawable(tops), tops, y), np.where(view.drawable(bottoms), bottoms, y)
        spans = [(places[drawable], _whole(view.down(tops[drawable])), _whole(view.down(bottoms[drawable])))]
        return Drawing(_fill(spans, view), nothing, *off)
    starts = _group_starts(x, bad, view)
    kept = drawable[starts] if starts.size else np.zeros(0, dtype=np.bool_)
    if not kept.any():
        empty = np.zeros((view.rows, columns), dtype=np.bool_)
        return Drawing(empty, nothing, *off)

    with np.errstate(invalid="ignore"):
        top_y, bottom_y = np.maximum.reduceat(y, starts), np.minimum.reduceat(y, starts)
        if high is not None:
            top_y = np.fmax(top_y, _extreme(np.fmax, high[first:last], starts, view))
        if low is not None:
            bottom_y = np.fmin(bottom_y, _extreme(np.fmin, low[first:last], starts, view))
    ends = np.append(starts[1:], x.size)
    starts, ends, top_y, bottom_y = starts[kept], ends[kept], top_y[kept], bottom_y[kept]

    at = np.searchsorted(view.edges, x[starts], side="right") - 1
    spans = [(at, _whole(view.down(top_y)), _whole(view.down(bottom_y)))]
    joined = np.flatnonzero(ends[:-1] == starts[1:])
    if joined.size:
        left, right = ends[joined] - 1, starts[joined + 1]
        spans += _connections(
            at[joined],
            at[joined + 1],
            view.across(x[left]),
            view.across(x[right]),
            view.down(y[left]),
            view.down(y[right]),
            columns,
        )
    alone = ends - starts == 1
    alone[joined] = False
    alone[joined + 1] = False
    rows = _whole(view.down(y[starts[alone]]))
    inside = (at[alone] >= 0) & (at[alone] < columns) & (rows >= 0) & (rows < view.rows)
    lone = np.stack((rows[inside] // 4, at[alone][inside] // 2), axis=1)
    return Drawing(_fill(spans, view), lone, *off)


def draw_band(x: Floats, low: Floats, high: Floats, view: View, *, light: bool = False) -> Bools:
    """Return bool[rows, columns]: every other dot between two curves, or one of four when `light`.

    A lower edge at minus infinity, on a log axis at or below zero, reaches down to the bottom, an upper one at infinity
    up to the top.
    """
    first, last = _visible(x, view)
    x, low, high = x[first:last], low[first:last], high[first:last]
    low, high = np.where(low == -np.inf, view.y0, low), np.where(high == np.inf, view.y1, high)
    if view.log_y:
        low = np.where(low <= 0, view.y0, low)
    drawable = view.drawable(low) & view.drawable(high)
    starts = _group_starts(x, np.flatnonzero(~drawable), view)
    kept = drawable[starts] if starts.size else np.zeros(0, dtype=np.bool_)
    if not kept.any():
        return np.zeros((view.rows, view.columns), dtype=np.bool_)
    with np.errstate(invalid="ignore"):
        top_y, bottom_y = np.maximum.reduceat(high, starts)[kept], np.minimum.reduceat(low, starts)[kept]
    ends = np.append(starts[1:], x.size)[kept]
    starts = starts[kept]
    at = np.searchsorted(view.edges, x[starts], side="right") - 1
    top, bottom = view.down(top_y), view.down(bottom_y)
    spans = [(at, _whole(top), _whole(bottom))]
    joined = np.flatnonzero(ends[:-1] == starts[1:])
    if joined.size:
        left, right = joined, joined + 1
        px = view.across(x[ends[left] - 1]), view.across(x[starts[right]])
        owner, column = _between(at[left], at[right], view.columns)
        share = (column - px[0][owner]) / (px[1] - px[0])[owner]
        edges = [v[left][owner] + share * (v[right] - v[left])[owner] for v in (top, bottom)]
        spans.append((column, _whole(edges[0]), _whole(edges[1])))
    rows, columns = np.arange(view.rows)[:, None], np.arange(view.columns)
    dots: Bools = _fill(spans, view) & ((rows + 2 * columns) % 4 == 0 if light else (rows + columns) % 2 == 1)
    return dots


def pack(dots: Bools) -> NDArray[np.uint32]:
    """Return uint32[height, width]: the braille pattern bits (0 to 255) of bool[4 * height, 2 * width]."""
    height, width = dots.shape[0] // 4, dots.shape[1] // 2
    grid = dots.reshape(height, 4, width, 2).astype(np.uint32)
    bits = np.zeros((height, width), dtype=np.uint32)
    for row, pair in enumerate(_DOT_BITS):
        for column, bit in enumerate(pair):
            bits += grid[:, row, :, column] * np.uint32(bit)
    return bits


def _visible(x: Floats, view: View) -> tuple[int, int]:
    """Return the slice of points in the view, with one more on each side, to which lines lead."""
    first = int(np.searchsorted(x, view.edges[0], side="left")) - 1
    last = int(np.searchsorted(x, view.edges[-1], side="left")) + 1
    return max(first, 0), min(last, x.size)


def _group_starts(x: Floats, bad: Ints, view: View) -> Ints:
    """Return where a new group begins: at each new dot column, and at and after each point that cannot be drawn."""
    if not x.size:
        return np.zeros(0, dtype=np.int64)
    cuts = np.searchsorted(x, view.edges, side="left")
    starts = np.unique(np.concatenate(([0], cuts, bad, bad + 1)))
    return starts[starts < x.size].astype(np.int64)


def _extreme(ufunc: np.ufunc, values: Floats, starts: Ints, view: View) -> Floats:
    usable = np.where(view.drawable(values), values, np.nan)
    return np.asarray(ufunc.reduceat(usable, starts), dtype=np.float64)


def _cells(x: Floats, flags: Sequence[Bools], view: View) -> Ints:
    """Return the cell column of each point, where any flag is raised; else nothing is computed."""
    if not any(flagged.any() for flagged in flags):
        return np.zeros(0, dtype=np.int64)
    return (np.searchsorted(view.edges, x, side="right") - 1) // 2


def _columns_of(flagged: Bools, cells: Ints, view: View) -> Bools:
    found = np.zeros(view.width, dtype=np.bool_)
    if cells.size:
        raised = cells[flagged]
        found[raised[(raised >= 0) & (raised < view.width)]] = True
    return found


def _whole(rows: Floats) -> Ints:
    return np.floor(np.clip(rows, -1e9, 1e9) + 0.5).astype(np.int64)


def _between(left: Ints, right: Ints, columns: int) -> tuple[Ints, Ints]:
    """Return, for each visible column strictly between a pair of columns, which pair it is in, and the column."""
    begin, end = np.maximum(left + 1, 0), np.minimum(right, columns)
    counts = np.maximum(end - begin, 0)
    owner = np.repeat(np.arange(counts.size), counts)
    offsets = np.cumsum(counts) - counts
    return owner, begin[owner] + np.arange(owner.size) - offsets[owner]


def _connections(
    left: Ints, right: Ints, x_left: Floats, x_right: Floats, y_left: Floats, y_right: Floats, columns: int
) -> list[tuple[Ints, Ints, Ints]]:
    """Return (column, top row, bottom row) spans that join pairs of points from column `left` to column `right`."""
    slope = (y_right - y_left) / (x_right - x_left)
    owner, column = _between(left, right, columns)
    # From the nearer end: from a far one the difference of two large numbers would lose the digits that count.
    near = np.abs(y_left) <= np.abs(y_right)
    origin_x, origin_y = np.where(near, x_left, x_right), np.where(near, y_left, y_right)
    # A far end outside the view is moved along its line to the column next to the view.
    start = np.where(x_left < -1.5, origin_y + slope * (-1 - origin_x), y_left)
    stop = np.where(x_right >= columns + 0.5, origin_y + slope * (columns - origin_x), y_right)
    middle = _whole(origin_y[owner] + (column - origin_x[owner]) * slope[owner])
    counts = np.bincount(owner, minlength=left.size) + 2
    first = np.cumsum(counts) - counts
    rows, at = np.empty(int(counts.sum()), dtype=np.int64), np.empty(int(counts.sum()), dtype=np.int64)
    inner = np.ones(rows.size, dtype=np.bool_)
    inner[first] = inner[first + counts - 1] = False
    rows[inner], at[inner] = middle, column
    rows[first], at[first] = _whole(start), left
    rows[first + counts - 1], at[first + counts - 1] = _whole(stop), right

    here, there = rows[:-1], rows[1:]
    far = np.abs(there - here) > 1
    far[first[1:] - 1] = False
    step = np.flatnonzero(far)
    a, b, col_a, col_b = here[step], there[step], at[step], at[step + 1]
    half, falls = (a + b) // 2, b > a
    return [
        (column, middle, middle),
        (col_a, np.where(falls, a, half + 1), np.where(falls, half, a)),
        (col_b, np.where(falls, half + 1, b), np.where(falls, b, half)),
    ]


def _fill(spans: list[tuple[Ints, Ints, Ints]], view: View) -> Bools:
    """Return bool[rows, columns] with the parts of the (column, top, bottom) spans that are inside."""
    rows, columns = view.rows, view.columns
    at, top, bottom = (np.concatenate(parts) for parts in zip(*spans, strict=True))
    inside = (at >= 0) & (at < columns) & (bottom >= 0) & (top < rows) & (top <= bottom)
    at, top, bottom = at[inside], np.maximum(top[inside], 0), np.minimum(bottom[inside], rows - 1)
    change = np.zeros((rows + 1) * columns, dtype=np.int32)
    np.add.at(change, top * columns + at, 1)
    np.add.at(change, (bottom + 1) * columns + at, -1)
    covered: Bools = np.cumsum(change.reshape(rows + 1, columns)[:rows], axis=0, dtype=np.int32) > 0
    return covered

"""Where the parts of a chart stand, and what its axes say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce

import numpy as np
from rich.cells import cell_len

from seqsum import formatting
from seqsum.plotting.ticks import AxisKind, Ticks, axis_ticks, limits, log_limits, value_ticks, widened
from seqsum.plotting.y_range import Limits, ends_of
from seqsum_tui.charts.raster import View
from seqsum_tui.charts.series import Floats

_NARROWEST_WITH_LABELS = 18
_LABEL_WIDTH = 5
"""Cells that y labels get even when they need fewer, so that charts in a column line up."""


@dataclass(frozen=True)
class Layout:
    """Cells of the parts, counted from the first line under the legend.

    `gutter` columns stand left of the plot (0: no y labels). `axis_row` and `label_row` are None where there is no
    room for them.
    """

    width: int
    height: int
    gutter: int
    plot_width: int
    plot_height: int
    axis_row: int | None
    label_row: int | None


def rows_for_legend(height: int) -> int:
    """Return how many lines of a chart `height` cells high the legend may take."""
    if height < 2:
        return 0
    return 1 if height < 9 else 2 if height < 12 else 3 if height < 20 else 4


def arrange(width: int, height: int, label_width: int) -> Layout:
    """Return the layout of `width` x `height` cells under the legend, for y labels of `label_width`."""
    below = 2 if height >= 8 else 1 if height >= 4 else 0
    plot_height = max(height - below, 0)
    gutter = max(label_width, _LABEL_WIDTH) + 1
    if width < _NARROWEST_WITH_LABELS or gutter > width // 2 or plot_height < 3:
        gutter = 0
    return Layout(
        width,
        height,
        gutter,
        max(width - gutter, 0),
        plot_height,
        plot_height if below == 2 else None,
        height - 1 if below else None,
    )


def plot_rows(height: int) -> int:
    """Return the height of the plot that `arrange` gives."""
    return arrange(_NARROWEST_WITH_LABELS, height, 0).plot_height


def y_ticks(bottom: float, top: float, rows: int, log_y: bool, *, share: bool = False) -> Ticks:
    """Return ticks for a plot `rows` cells high, at least three rows apart; those of a share are in percent."""
    count = max(2, min(rows // 3 + 1, 9)) if rows > 3 else 2
    return value_ticks(bottom, top, count, log=log_y, share=share)


def x_extent(places: Sequence[Floats], fixed: tuple[float | None, float | None]) -> tuple[float, float]:
    """Return the (left, right) that hold all x of `places`, rounded outward, and reach at least to the fixed ends."""
    low, high = fixed
    lows = [float(x[0]) for x in places if x.size] + ([] if low is None else [low])
    highs = [float(x[-1]) for x in places if x.size] + ([] if high is None else [high])
    if not lows and not highs:
        return 0.0, 1.0
    left, right = min(lows or highs), max(highs or lows)
    if left > right:
        left = right
    snapped = limits(left, right, divisions=40)
    return left if left == low and left < right else snapped[0], right if right == high and left < right else snapped[1]


def x_labels(view: View, kind: AxisKind, left: int, right: int, *, whole: bool = False) -> list[tuple[int, int, str]]:
    """Return (cell column of the tick, cell column where its label begins, label), as many as fit without touching.

    Columns count from the plot's left edge; labels may reach from `left` to before `right`. whole: only whole numbers
    have a tick, for what comes in no halves, such as steps; then the end has one, too.
    """
    for count in range(max(view.width // (4 if kind == "log" else 7), 1) + 1, 0, -1):
        ticks = axis_ticks(view.x0, view.x1, count, kind)
        places, end, fits = [], left - 2, not whole or all(map(float.is_integer, ticks.values))
        for value, label in zip(ticks.values, ticks.labels, strict=True):
            column = min(max(view.cell_column(value), 0), view.width - 1)
            start = min(max(column - cell_len(label) // 2, left), right - cell_len(label))
            fits = fits and start >= end + 2 and start >= left
            end = start + cell_len(label)
            places.append((column, start, label))
        if fits and not ticks.base:
            return _with_end(places, view, kind, right) if whole and view.x1 % 1 == 0 else places
        if ticks.base:
            return []
    return []


def _with_end(places: list[tuple[int, int, str]], view: View, kind: AxisKind, right: int) -> list[tuple[int, int, str]]:
    """Return the ticks with one at the right end, in the place of those before it that would touch its label."""
    if places and places[-1][0] == view.width - 1:
        return places
    label = formatting.full(view.x1) if kind == "plain" else formatting.shortest(view.x1)
    start = right - cell_len(label)
    kept = [place for place in places if place[1] + cell_len(place[2]) + 2 <= start]
    return [*kept, (view.width - 1, start, label)] if kept else places


@dataclass(frozen=True)
class YRange:
    """The ends of a y axis, and whether outliers flatten what else there is, or were left out."""

    bottom: float
    top: float
    flattened: bool = False


def y_range(
    shown: Sequence[tuple[Floats, Sequence[Floats | None]]],
    x_view: tuple[float, float],
    log_y: bool,
    fixed: Limits,
    leave_out: bool = False,
) -> YRange | None:
    """Return round ends that hold everything drawable between the ends of `x_view`, or None for nothing.

    Args:
        shown: x of each curve, and the values that are drawn there: y, low, high, what is smoothed.
        fixed: a bottom and a top to use instead, where not None.
        leave_out: leave outliers out, where there are any.
    """
    parts: list[tuple[Floats, Floats]] = []
    for x, columns in shown:
        first = int(np.searchsorted(x, x_view[0], side="left"))
        last = int(np.searchsorted(x, x_view[1], side="right"))
        # A window between two points shows only the line that joins them, so they count.
        if first == last:
            first, last = max(first - 1, 0), min(last + 1, x.size)
        drawn = [_drawable(column[first:last], log_y) for column in columns if column is not None]
        lows = [values for values in drawn if values.size]
        if lows:
            # The lowest and the highest line of each curve: where all are as long, place by place.
            same = len({values.size for values in lows}) == 1
            parts.append((reduce(np.minimum, lows), reduce(np.maximum, lows)) if same else (np.concatenate(lows),) * 2)
    if not parts:
        return None
    usable = tuple(end if end is None or end > 0 or not log_y else None for end in fixed)
    low, high, flattened = ends_of(parts, log=log_y, fixed=(usable[0], usable[1]), leave_out=leave_out)
    bottom, top = log_limits(low, high) if log_y else limits(low, high)
    bottom, top = bottom if usable[0] is None else usable[0], top if usable[1] is None else usable[1]
    bottom, top = (bottom, top) if bottom < top else widened(min(bottom, top), max(bottom, top))
    return YRange(bottom, top, flattened)


def _drawable(values: Floats, log_y: bool) -> Floats:
    usable = np.isfinite(values) & (values > 0) if log_y else np.isfinite(values)
    return values if usable.all() else values[usable]

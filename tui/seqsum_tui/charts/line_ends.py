"""Where lines end: a sign on the end of each and, where there is room, its name and its value there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from rich.cells import cell_len

from seqsum_tui.charts.axes import Layout
from seqsum_tui.charts.canvas import Canvas
from seqsum_tui.charts.lines import cells_of
from seqsum_tui.charts.plot import BAND, Layer, sign_ink
from seqsum_tui.charts.raster import Bools, View
from seqsum_tui.charts.series import Floats

FURTHEST = 6
"""So many cells to the left a sign may stand where others have taken the end of its line."""
NARROWEST, LOWEST = 32, 6
"""Plots of fewer cells have no tags: there they would cover more than they tell."""
ROWS_BESIDE = (0, -1, 1, -2, 2, 3, -3)


@dataclass(frozen=True)
class LineEnd:
    """The cell of a line's sign, counted from the plot's left top, and the index of the point that it stands for."""

    layer: Layer
    row: int
    column: int
    at: int


def line_ends(view: View, layers: Sequence[Layer], fronts: Sequence[Bools]) -> list[LineEnd]:
    """Return where the lines end that end in view: each in a cell of its own, on the line.

    fronts: the dots of each line, bool[rows, columns].
    """
    found: list[LineEnd] = []
    taken: set[tuple[int, int]] = set()
    for layer, dots in zip(layers, fronts, strict=True):
        at = None if layer.series.role == "points" else _last_in_view(layer.series.x, layer.shown, view)
        if at is None:
            continue
        column = min(max(view.cell_column(float(layer.series.x[at])), 0), view.width - 1)
        row, cells = view.cell_row(float(layer.shown[at])), cells_of(dots)
        for left in range(column, max(column - FURTHEST, -1), -1):
            rows = np.flatnonzero(cells[:, left])
            if not rows.size or not 0 <= row < view.height:
                break
            row = int(rows[np.argmin(np.abs(rows - row))])
            if (row, left) not in taken:
                taken.add((row, left))
                found.append(LineEnd(layer, row, left, at))
                break
    return found


def _last_in_view(x: Floats, y: Floats, view: View) -> int | None:
    """Return the index of the last point in view that has a place on the axis."""
    first, stop = np.searchsorted(x, (view.edges[0], view.edges[-1]), side="left").tolist()
    window = 64
    while stop > first:
        start = max(stop - window, first)
        usable = np.flatnonzero(view.drawable(y[start:stop]))
        if usable.size:
            return int(start + usable[-1])
        stop, window = start, window * 8
    return None


def paint_ends(
    canvas: Canvas, layout: Layout, ends: Sequence[LineEnd], tag: Callable[[LineEnd], str], top: int
) -> None:
    """Put the signs on the lines' ends, then the tags, those of the lines on top first, beside them where it is blank.

    tag: what is said of a line. top: the first row that tags may take.
    """
    for end in ends:
        canvas.put(end.row, layout.gutter + end.column, end.layer.sign, sign_ink(end.layer.index))
    if layout.plot_width < NARROWEST or layout.plot_height < LOWEST:
        return
    for end in reversed(ends):
        text = tag(end)
        start = min(end.column + 2, layout.plot_width - cell_len(text))
        left, right = layout.gutter + start, layout.gutter + start + cell_len(text)
        for row in (end.row + rows for rows in ROWS_BESIDE):
            inside = start > 0 and top <= row < layout.plot_height
            if inside and (canvas.inks[row, left - 1 : right + 1] <= BAND).all():
                canvas.text(row, left, text, sign_ink(end.layer.index))
                break

"""Draws series, bands, marks, axes and the cursor on a canvas. No widget here: everything comes in as arguments."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from rich.cells import cell_len
from textual.content import Content

from seqsum.plotting.ticks import AxisKind, Ticks
from seqsum.text import shown
from seqsum_tui.charts.axes import Layout, x_labels
from seqsum_tui.charts.canvas import BRAILLE, Canvas
from seqsum_tui.charts.palette import OVER, UNDER
from seqsum_tui.charts.raster import Drawing, View, draw_band, draw_line, pack
from seqsum_tui.charts.series import Band, Drawn, Floats, Series

BLANK, GRID, BAND, AXIS, LABEL, MARK, MARK_SIGN, CURSOR, CURSOR_LABEL, EMPTY, FIRST_SERIES = range(11)
"""Numbers of the inks. Series i has three from FIRST_SERIES + 3 * i: line, faint, sign."""

_SIGNS_AS_POINTS = 200
"""Up to so many points, a cloud of points is drawn with the series' sign instead of dots."""

_SIGN_DISTANCE = 7

BROKEN = {"×": "NaN", "↑": "+∞", "↓": "-∞"}
"""Sign at the edge → what the value is that has no place there."""


def line_ink(index: int) -> int:
    """Return the ink of a series' line."""
    return FIRST_SERIES + 3 * index


def faint_ink(index: int) -> int:
    """Return the ink of a series' raw line behind the smoothed one, and of its band."""
    return FIRST_SERIES + 3 * index + 1


def sign_ink(index: int) -> int:
    """Return the ink of a series' sign."""
    return FIRST_SERIES + 3 * index + 2


@dataclass(frozen=True)
class Layer:
    """A series with its sign, its number among the inks, what the axis shows of it and, when it is smoothed, the values
    drawn in front."""

    series: Series
    sign: str
    index: int
    drawn: Drawn = field(repr=False)
    smoothed: Floats | None = field(default=None, repr=False)

    @property
    def shown(self) -> Floats:
        """The values that the cursor and the front line tell."""
        return self.drawn.y if self.smoothed is None else self.smoothed


def paint_axes(
    canvas: Canvas, layout: Layout, view: View, ticks: Ticks, kind: AxisKind, x_name: str, *, whole: bool = False
) -> None:
    """Draw both axes with ticks and labels, and faint lines of dots at the y ticks; `whole` as in `x_labels`."""
    left = layout.gutter
    tick_rows = {}
    for value, label in zip(ticks.values, ticks.labels, strict=True):
        dot_row = int(np.floor(view.down(np.array([value]))[0] + 0.5))
        if 0 <= dot_row < view.rows and dot_row // 4 not in tick_rows:
            tick_rows[dot_row // 4] = (dot_row % 4, label)
    for row, (dot, label) in tick_rows.items():
        bit = (0x01, 0x02, 0x04, 0x40)[dot]
        canvas.codes[row, left : left + layout.plot_width : 2] = BRAILLE + bit
        canvas.inks[row, left : left + layout.plot_width] = GRID
        if layout.gutter:
            canvas.text(row, layout.gutter - 1 - len(label), label, LABEL)
    if layout.gutter:
        for row in range(layout.plot_height):
            canvas.put(row, left - 1, "┤" if row in tick_rows else "│", AXIS)
    if layout.label_row is None:
        return
    places = x_labels(view, kind, -left, layout.plot_width, whole=whole)
    for _, start, label in places:
        canvas.text(layout.label_row, left + start, label, LABEL)
    before = left + places[0][1] if places else canvas.width
    after = left + places[-1][1] + cell_len(places[-1][2]) if places else 0
    if x_name and cell_len(x_name) < before:
        canvas.text(layout.label_row, 0, x_name, LABEL)
    elif x_name and cell_len(x_name) + 2 <= canvas.width - after:
        canvas.text(layout.label_row, canvas.width - cell_len(x_name), x_name, LABEL)
    if layout.axis_row is not None:
        line = ["─"] * layout.plot_width
        for column, _, _ in places:
            line[column] = "┬"
        canvas.text(layout.axis_row, left, "".join(line), AXIS)
        if left:
            canvas.put(layout.axis_row, left - 1, "└", AXIS)


def paint_data(
    canvas: Canvas,
    layout: Layout,
    view: View,
    layers: Sequence[Layer],
    bands: Sequence[Band],
    *,
    signs_along: bool = False,
) -> list[Drawing]:
    """Draw bands, then raw lines behind smoothed ones, then lines, then signs; later series lie on top.

    Return what was drawn of each layer. With `signs_along` the series' signs stand all along their lines, for screens
    without colour.
    """
    area = slice(0, layout.plot_height), slice(layout.gutter, layout.gutter + layout.plot_width)
    codes, inks = canvas.codes[area], canvas.inks[area]
    by_name = {layer.series.name: layer.index for layer in layers}
    for band in bands:
        index = by_name.get(band.name)
        bits = pack(draw_band(band.x, band.low, band.high, view))
        _lay(codes, inks, bits, BAND if index is None else faint_ink(index))

    drawings: list[Drawing] = []
    behind = np.zeros(codes.shape, dtype=np.uint32)
    for layer in layers:
        one, shown = layer.series, layer.drawn
        signs = (shown.nan, shown.above, shown.below)
        drawing = draw_line(one.x, shown.y, view, shown.low, shown.high, join=one.role == "line", signs=signs)
        drawings.append(drawing)
        if layer.smoothed is not None:
            bits = pack(drawing.dots)
            behind |= bits
            _lay(codes, inks, np.where(bits > 0, behind, 0).astype(np.uint32), faint_ink(layer.index))
    front = np.zeros(codes.shape, dtype=np.uint32)
    for layer, drawing in zip(layers, drawings, strict=True):
        one, front_drawing = layer.series, drawing
        if layer.smoothed is not None:
            front_drawing = draw_line(one.x, layer.smoothed, view, join=one.role == "line")
        bits = pack(front_drawing.dots)
        if one.role == "points" and np.count_nonzero(front_drawing.dots) <= _SIGNS_AS_POINTS:
            codes[bits > 0], inks[bits > 0] = ord(layer.sign), sign_ink(layer.index)
            continue
        front |= bits
        _lay(codes, inks, np.where(bits > 0, front, 0).astype(np.uint32), line_ink(layer.index))
        if front_drawing.lone.size:
            rows, columns = front_drawing.lone.T
            sole = _single_dots(bits[rows, columns])
            codes[rows[sole], columns[sole]] = ord("•")
    for layer, drawing in zip(layers, drawings, strict=True):
        _edge_signs(codes, inks, drawing, sign_ink(layer.index))
    if signs_along and len(layers) > 1:
        _signs_along(codes, inks, view, layers)
    _end_signs(codes, inks, view, layers)
    return drawings


FLAGS = {"×": "nan", "↑": "above", "↓": "below", OVER: "over", UNDER: "under"}


def edge_signs(drawings: Sequence[Drawing]) -> str:
    """Return the signs that stand at the edges: those of BROKEN, OVER and UNDER."""
    return "".join(sign for sign, flag in FLAGS.items() if any(getattr(one, flag).any() for one in drawings))


def _lay(codes: NDArray[np.uint32], inks: NDArray[np.int16], bits: NDArray[np.uint32], ink: int) -> None:
    covered = bits > 0
    codes[covered] = bits[covered] + np.uint32(BRAILLE)
    inks[covered] = ink


def _single_dots(bits: NDArray[np.uint32]) -> NDArray[np.bool_]:
    single: NDArray[np.bool_] = (bits & (bits - np.uint32(1))) == 0
    return single


def _edge_signs(codes: NDArray[np.uint32], inks: NDArray[np.int16], drawing: Drawing, ink: int) -> None:
    """Show values that have no place here, by the signs of BROKEN, OVER and UNDER.

    They cover no more of a line than one cell in seven.
    """
    for glyph in (OVER, "↑", UNDER, "↓", "×"):
        row, flags = 0 if glyph in (OVER, "↑") else -1, getattr(drawing, FLAGS[glyph])
        if not flags.any():
            continue
        free = flags & (inks[row] < FIRST_SERIES)
        codes[row, free], inks[row, free] = ord(glyph), ink
        last = -_SIGN_DISTANCE
        for column in np.flatnonzero(flags).tolist():
            if free[column]:
                last = column
            elif column - last >= _SIGN_DISTANCE:
                codes[row, column], inks[row, column] = ord(glyph), ink
                last = column


def _signs_along(codes: NDArray[np.uint32], inks: NDArray[np.int16], view: View, layers: Sequence[Layer]) -> None:
    """Put signs on every line, one series after the other, so that each has one every few columns."""
    period = max(3 * len(layers), 15)
    for turn, layer in enumerate(layers):
        for column in range(1 + turn * period // len(layers), view.width, period):
            stop = int(np.searchsorted(layer.series.x, view.edges[2 * column + 2], side="left"))
            place = _last_drawable(layer.series.x, layer.shown, stop, view)
            if place is not None and column - place[1] < 3:
                codes[place], inks[place] = ord(layer.sign), sign_ink(layer.index)


def _end_signs(codes: NDArray[np.uint32], inks: NDArray[np.int16], view: View, layers: Sequence[Layer]) -> None:
    """Put each series' sign at its last point in view; where another sign stands, a little to the left on the line."""
    taken: set[tuple[int, int]] = set()
    for layer in layers:
        if layer.series.role == "points":
            continue
        x, y = layer.series.x, layer.shown
        stop = int(np.searchsorted(x, view.edges[-1], side="left"))
        place = _last_drawable(x, y, stop, view)
        for _ in range(6):
            if place is None or place not in taken:
                break
            edge = view.edges[max(2 * place[1] - 2, 0)]
            place = _last_drawable(x, y, int(np.searchsorted(x, edge, side="left")), view)
        if place is not None and place not in taken:
            taken.add(place)
            codes[place], inks[place] = ord(layer.sign), sign_ink(layer.index)


def _last_drawable(x: Floats, y: Floats, stop: int, view: View) -> tuple[int, int] | None:
    """Return the (row, column) cell of the last drawable point before `stop`, or None when it is out of view."""
    first = int(np.searchsorted(x, view.edges[0], side="left"))
    window = 64
    while stop > first:
        start = max(stop - window, first)
        usable = np.flatnonzero(view.drawable(y[start:stop]))
        if usable.size:
            at = start + int(usable[-1])
            row, column = view.cell_row(float(y[at])), view.cell_column(float(x[at]))
            return (row, column) if 0 <= row < view.height and 0 <= column < view.width else None
        stop, window = start, window * 8
    return None


def paint_cursor(
    canvas: Canvas, layout: Layout, view: View, layers: Sequence[Layer], x: float, label: str, highlight: int
) -> None:
    """Draw a vertical line at `x`, each series' sign where the line meets it, and `label` on the x axis.

    Inks in the line's column are raised by `highlight`, the distance to their highlighted versions.
    """
    column = view.cell_column(x)
    if not 0 <= column < view.width:
        return
    at = layout.gutter + column
    for row in range(layout.plot_height):
        if canvas.inks[row, at] in (BLANK, GRID):
            canvas.put(row, at, "│", CURSOR)
    for layer in layers:
        index = nearest_shown(layer.series, x, view)
        if index is None:
            continue
        y = float(layer.shown[index])
        if view.drawable(np.array([y]))[0]:
            row = view.cell_row(y)
            if 0 <= row < view.height:
                canvas.put(row, at, layer.sign, sign_ink(layer.index))
    canvas.inks[: layout.plot_height, at] += highlight
    if layout.axis_row is not None:
        canvas.put(layout.axis_row, at, "┴", CURSOR)
    if layout.label_row is not None:
        label = f" {label} "
        start = min(max(at - cell_len(label) // 2, 0), canvas.width - cell_len(label))
        _erase_words(canvas, layout.label_row, start - 1, start + cell_len(label) + 1)
        canvas.text(layout.label_row, start, label, CURSOR_LABEL)


def _erase_words(canvas: Canvas, row: int, start: int, stop: int) -> None:
    """Blank every run of written cells that reaches into start..stop-1, so that no label is left half covered."""
    start, stop = max(start, 0), min(stop, canvas.width)
    codes = canvas.codes[row]
    while start > 0 and codes[start] != ord(" ") and codes[start - 1] != ord(" "):
        start -= 1
    while stop < canvas.width and codes[stop - 1] != ord(" ") and codes[stop] != ord(" "):
        stop += 1
    canvas.codes[row, start:stop] = ord(" ")
    canvas.inks[row, start:stop] = BLANK


def nearest_shown(series: Series, x: float, view: View) -> int | None:
    """Return the index of the point nearest to `x`, or None when the series does not reach there."""
    index = series.nearest(x)
    if index is None:
        return None
    slack = 2 * (view.x1 - view.x0) / view.columns
    return index if series.x[0] - slack <= x <= series.x[-1] + slack else None


def paint_note(canvas: Canvas, text: str) -> None:
    """Write a short text in the middle of the plot, over as many lines as it needs."""
    lines = [line.plain.rstrip() for line in Content(shown(text)).wrap(max(canvas.width - 2, 2))][: canvas.height]
    top = (canvas.height - len(lines)) // 2
    for offset, line in enumerate(lines):
        canvas.text(top + offset, (canvas.width - cell_len(line)) // 2, line, EMPTY)

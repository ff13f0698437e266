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
from seqsum_tui.charts.lines import Codes, Inks, cells_of, gap_between, lay_lines
from seqsum_tui.charts.palette import OVER, UNDER
from seqsum_tui.charts.raster import Bools, Drawing, View, draw_band, draw_line, pack
from seqsum_tui.charts.series import Band, Drawn, Floats, Series

BLANK, GRID, BAND, AXIS, LABEL, MARK, MARK_SIGN, CURSOR, CURSOR_LABEL, EMPTY, FIRST_SERIES = range(11)
"""Numbers of the inks. Series i has four from FIRST_SERIES + 4 * i: line, faint, sign, line in a band."""

_SIGNS_AS_POINTS = 200
"""Up to so many points, a cloud of points is drawn with the series' sign instead of dots."""

_SIGN_DISTANCE = 7

BROKEN = {"×": "NaN", "↑": "+∞", "↓": "-∞"}
"""Sign at the edge → what the value is that has no place there."""


def line_ink(index: int) -> int:
    """Return the ink of a series' line."""
    return FIRST_SERIES + 4 * index


def faint_ink(index: int) -> int:
    """Return the ink of a series' raw line behind the smoothed one, and of its band."""
    return FIRST_SERIES + 4 * index + 1


def sign_ink(index: int) -> int:
    """Return the ink of a series' sign."""
    return FIRST_SERIES + 4 * index + 2


def shaded_ink(index: int) -> int:
    """Return the ink of a series' line where it runs through a band."""
    return FIRST_SERIES + 4 * index + 3


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

    @property
    def line(self) -> tuple[Floats, Floats]:
        """x and y of the line in front."""
        return self.series.x, self.shown


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
    name = cell_len(x_name)
    beside = [place for place in places if left + place[1] > name]
    clear = [place for place in places if left + place[1] + cell_len(place[2]) + 2 <= canvas.width - name]
    # A log axis begins anywhere: that is said rather than where it ends.
    if x_name and len(beside) < len(places) and (clear == places or (kind in ("log", "log duration") and clear)):
        canvas.text(layout.label_row, canvas.width - name, x_name, LABEL)
        places = clear
    elif x_name and (len(beside) > 1 or len(beside) == len(places)) and name < canvas.width:
        # What x counts says more than one of several ticks does.
        canvas.text(layout.label_row, 0, x_name, LABEL)
        places = beside
    for _, start, label in places:
        canvas.text(layout.label_row, left + start, label, LABEL)
    if layout.axis_row is not None:
        line = ["─"] * layout.plot_width
        for column, _, _ in places:
            line[column] = "┬"
        canvas.text(layout.axis_row, left, "".join(line), AXIS)
        if left:
            canvas.put(layout.axis_row, left - 1, "└", AXIS)


@dataclass(frozen=True)
class Painted:
    """What was drawn of each layer, and the dots of its line in front, bool[rows, columns]."""

    drawings: list[Drawing]
    fronts: list[Bools]


def paint_data(
    canvas: Canvas,
    layout: Layout,
    view: View,
    layers: Sequence[Layer],
    bands: Sequence[Band],
    *,
    signs_along: bool = False,
) -> Painted:
    """Draw bands, then raw lines behind smoothed ones, then lines; later series lie on top.

    With `signs_along` the series' signs stand all along their lines, for screens without colour.
    """
    area = slice(0, layout.plot_height), slice(layout.gutter, layout.gutter + layout.plot_width)
    codes, inks = canvas.codes[area], canvas.inks[area]
    by_name = {layer.series.name: layer for layer in layers}
    shaded: dict[int, Bools] = {}
    for band in bands:
        owner = by_name.get(band.name)
        dots = draw_band(band.x, band.low, band.high, view)
        lay_lines(codes, inks, [(BAND if owner is None else faint_ink(owner.index), dots)])
        if owner is not None:
            shaded[owner.index] = cells_of(dots)
    for layer in layers:
        if layer.series.gap_to and layer.series.gap_to in by_name:
            gap = gap_between(layer.line, by_name[layer.series.gap_to].line, view)
            lay_lines(codes, inks, [(BAND, draw_band(gap.x, gap.low, gap.high, view, light=True))])

    drawings: list[Drawing] = []
    behind: list[tuple[int, Bools]] = []
    front: list[tuple[Layer, Drawing]] = []
    for layer in layers:
        one, shown = layer.series, layer.drawn
        signs, join = (shown.nan, shown.above, shown.below), one.role == "line"
        drawing = draw_line(one.x, shown.y, view, shown.low, shown.high, join=join, signs=signs)
        drawings.append(drawing)
        if layer.smoothed is not None:
            behind.append((faint_ink(layer.index), drawing.dots))
            drawing = draw_line(one.x, layer.smoothed, view, join=join)
        front.append((layer, drawing))
    lay_lines(codes, inks, behind)
    clouds: list[tuple[Layer, Drawing]] = []
    lines: list[tuple[Layer, Drawing]] = []
    for pair in front:
        (clouds if _is_cloud(*pair) else lines).append(pair)
    lay_lines(codes, inks, [(line_ink(layer.index), drawing.dots) for layer, drawing in lines])
    alone = np.sum([cells_of(drawing.dots) for _, drawing in lines], axis=0) < 2
    for index, cells in shaded.items():
        # A cell has one colour: that of the line. What its band shades there is its ground, but where lines take turns
        # it would be a comb.
        inks[cells & alone & (inks == line_ink(index))] = shaded_ink(index)
    for _, drawing in lines:
        rows, columns = drawing.lone.T
        sole = _single_dots(pack(drawing.dots)[rows, columns])
        codes[rows[sole], columns[sole]] = ord("•")
    for layer, drawing in clouds:
        cells = cells_of(drawing.dots)
        codes[cells], inks[cells] = ord(layer.sign), sign_ink(layer.index)
    for layer, drawing in zip(layers, drawings, strict=True):
        _edge_signs(codes, inks, drawing, sign_ink(layer.index))
    fronts = [drawing.dots for _, drawing in front]
    if signs_along and len(layers) > 1:
        _signs_along(codes, inks, layers, fronts)
    return Painted(drawings, fronts)


def _is_cloud(layer: Layer, drawing: Drawing) -> bool:
    return layer.series.role == "points" and int(np.count_nonzero(drawing.dots)) <= _SIGNS_AS_POINTS


FLAGS = {"×": "nan", "↑": "above", "↓": "below", OVER: "over", UNDER: "under"}


def edge_signs(drawings: Sequence[Drawing]) -> str:
    """Return the signs that stand at the edges: those of BROKEN, OVER and UNDER."""
    return "".join(sign for sign, flag in FLAGS.items() if any(getattr(one, flag).any() for one in drawings))


def _single_dots(bits: NDArray[np.uint32]) -> NDArray[np.bool_]:
    single: NDArray[np.bool_] = (bits & (bits - np.uint32(1))) == 0
    return single


def _edge_signs(codes: Codes, inks: Inks, drawing: Drawing, ink: int) -> None:
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


def _signs_along(codes: Codes, inks: Inks, layers: Sequence[Layer], lines: Sequence[Bools]) -> None:
    """Put signs on every line, one series after the other, so that each has one every few columns."""
    period = max(3 * len(layers), 15)
    for turn, (layer, dots) in enumerate(zip(layers, lines, strict=True)):
        cells = cells_of(dots)
        for column in range(1 + turn * period // len(layers), cells.shape[1], period):
            rows = np.flatnonzero(cells[:, column])
            if rows.size:
                place = rows[rows.size // 2], column
                codes[place], inks[place] = ord(layer.sign), sign_ink(layer.index)


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

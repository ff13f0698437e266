"""Points over a setting: each with its sign, on a linear or logarithmic axis, or over names."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from rich.cells import cell_len
from textual import events
from textual.message import Message

from seqsum.plotting.ticks import Ticks
from seqsum.text import shown
from seqsum_tui.charts import plot
from seqsum_tui.charts.canvas import Canvas
from seqsum_tui.charts.legend import Entry, Note
from seqsum_tui.charts.palette import GREY, OVER, UNDER
from seqsum_tui.charts.plot import Layer
from seqsum_tui.charts.raster import View
from seqsum_tui.charts.series import Series
from seqsum_tui.charts.surface import ChartSurface
from seqsum_tui.charts.text import shorten_words


@dataclass(frozen=True)
class Cloud:
    """The points of one row: `x` in units of the axis (log10 of the value on a logarithmic one)."""

    key: str
    sign: str
    colour: str
    points: tuple[tuple[float, float], ...]


class Scatter(ChartSurface):
    """Clouds of points; signs that would cover each other stand side by side, and those of `chosen` lie on top."""

    @dataclass
    class Picked(Message):
        """A person clicked a point of the cloud `key`."""

        key: str

    def __init__(self, *, empty: str = "Nothing to show", id: str | None = None) -> None:
        super().__init__("", empty=empty, id=id)
        self.clouds: tuple[Cloud, ...] = ()
        self._ticks: tuple[tuple[float, str], ...] = ()
        self._span: tuple[float, float] = (0.0, 1.0)
        self._side_notes: tuple[str, ...] = ()
        self.painted: dict[tuple[int, int], str] = {}
        self.chosen: str | None = None

    def set_clouds(
        self,
        clouds: Sequence[Cloud],
        span: tuple[float, float],
        ticks: Sequence[tuple[float, str]],
        middle: Sequence[tuple[float, float]] = (),
        notes: Sequence[str] = (),
    ) -> None:
        """Show these clouds over `span` of x, with these ticks and a line through `middle`."""
        self.clouds, self._span, self._ticks = tuple(clouds), span, tuple(ticks)
        self._side_notes = tuple(map(shown, notes))
        drawn = [
            Series(cloud.key, *_columns(cloud.points), sign=cloud.sign, colour=cloud.colour, role="points")
            for cloud in clouds
        ]
        # The line last: inks are counted from the clouds.
        self.set_series([*drawn, Series("", *_columns(middle), sign="·", colour=GREY)])

    def choose(self, key: str | None) -> None:
        """Bring one cloud to the front."""
        if key != self.chosen:
            self.chosen = key
            self._changed()

    @property
    def x_range(self) -> tuple[float, float]:
        """The ends of x that are shown."""
        return self._span

    _axes_alone = False

    @property
    def _with_points(self) -> Sequence[Series]:
        # The line of medians has no points of its own.
        return self.series[:-1]

    def _paint(self, canvas: Canvas, view: View, ticks: Ticks, layers: Sequence[Layer]) -> str:
        layout = self._layout
        plot.paint_axes(canvas, replace(layout, axis_row=None, label_row=None), view, ticks, "number", "")
        self._paint_x_axis(canvas, view)
        line = layers[-1:]
        if line and line[0].series.x.size:
            plot.paint_data(canvas, layout, view, [replace(line[0], smoothed=None)], ())
        return "".join(sorted(self._paint_points(canvas, view)))

    def _paint_x_axis(self, canvas: Canvas, view: View) -> None:
        layout, left = self._layout, self._layout.gutter
        if layout.label_row is None:
            return
        columns, end = [], -2
        for place, label in self._ticks:
            column = view.cell_column(place)
            if not 0 <= column < view.width:
                continue
            columns.append(column)
            label = shorten_words(shown(label), max(view.width // max(len(self._ticks), 1), 6))
            start = min(max(column - cell_len(label) // 2, -left), view.width - cell_len(label))
            if start >= end + 2:
                canvas.text(layout.label_row, left + start, label, plot.LABEL)
                end = start + cell_len(label)
        if layout.axis_row is not None:
            ruler = ["┬" if column in columns else "─" for column in range(view.width)]
            canvas.text(layout.axis_row, left, "".join(ruler), plot.AXIS)
            if left:
                canvas.put(layout.axis_row, left - 1, "└", plot.AXIS)

    def _paint_points(self, canvas: Canvas, view: View) -> set[str]:
        """Draw the points; return the signs that stand at the edges for those that have no place."""
        edges: set[str] = set()
        order = sorted(range(len(self.clouds)), key=lambda index: self.clouds[index].key == self.chosen)
        self.painted = taken = {}
        raised = len(self._inks) // 2
        # The chosen one first takes its place, and is painted last.
        for index in reversed(order):
            cloud = self.clouds[index]
            ink = plot.sign_ink(index) + (raised if cloud.key == self.chosen else 0)
            for x, y in cloud.points:
                row, column, sign = view.cell_row(y) if view.drawable(np.array([y]))[0] else 0, view.cell_column(x), ""
                if math.isnan(y):
                    sign, row = "×", view.height - 1
                elif y > view.y1:
                    sign, row = OVER if math.isfinite(y) else "↑", 0
                elif y < view.y0:
                    low = math.isfinite(y) and (y > 0 or not self.log_y)
                    sign, row = UNDER if low else "↓", view.height - 1
                place = next(
                    (column + step for step in (0, 1, -1, 2, -2, 3, -3) if (row, column + step) not in taken), None
                )
                if place is None or not (0 <= row < view.height and 0 <= place < view.width):
                    continue
                taken[row, place] = cloud.key
                canvas.put(row, self._layout.gutter + place, sign or cloud.sign, ink)
                edges.update(sign)
        return edges

    def on_click(self, event: events.Click) -> None:
        """Pick the nearest point, a few cells away at most."""
        row = event.y - self.content_offset.y - len(self._head)
        column = event.x - self.content_offset.x - self._layout.gutter
        near = sorted(self.painted, key=lambda cell: 4 * (cell[0] - row) ** 2 + (cell[1] - column) ** 2)
        if near and abs(near[0][0] - row) <= 1 and abs(near[0][1] - column) <= 3:
            self.post_message(self.Picked(self.painted[near[0]]))

    def _told(self) -> list[Note]:
        return [*super()._told(), *((note,) for note in self._side_notes)]

    def _entries(self, layers: Sequence[Layer]) -> list[Entry]:
        return []


def _columns(points: Sequence[tuple[float, float]]) -> tuple[np.ndarray, np.ndarray]:
    table = np.array(points, dtype=np.float64).reshape(-1, 2)
    return table[:, 0], table[:, 1]

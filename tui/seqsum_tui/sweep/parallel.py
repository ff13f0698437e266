"""Settings as lines over parallel axes, one for each field and the last for the goal (Inselberg 1985)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from rich.cells import cell_len
from rich.style import Style
from rich.text import Text
from textual import events
from textual.message import Message

from seqsum.sweeps.axes import Axis, goodness
from seqsum_tui.charts.canvas import Canvas
from seqsum_tui.charts.lines import lay_lines
from seqsum_tui.charts.ramp import FULL
from seqsum_tui.charts.raster import Bools, View, draw_line
from seqsum_tui.charts.text import shorten
from seqsum_tui.shared.picture import Painting

BEYOND = 0.09
"""How far below an axis, as a share of it, stands what has no value."""
FAINTEST = 0.3
"""Of the colour of the worst line; the best has all of it."""
NEAR = 2
"""Cells that a click may miss a line by."""
TITLE, BROKEN = 1, "×"


@dataclass(frozen=True, eq=False)
class Lines:
    """What is drawn: the axes, the goal's last, and for each setting its key and its state.

    higher: whether a higher goal is better. chosen, marked: the keys of the settings that stand out.
    """

    axes: Sequence[Axis]
    keys: Sequence[str]
    states: Sequence[str]
    higher: bool
    chosen: str | None
    marked: frozenset[str]


class Parallel(Painting[Lines]):
    """The better a setting, the stronger its line; that under the cursor lies over all."""

    @dataclass
    class Picked(Message):
        """A person clicked a setting's line."""

        key: str

    _places: tuple[int, ...] = ()
    _view: View | None = None

    def legend(self, lines: Lines) -> Text:
        """Return what the lines mean."""
        broken = any(place is None for place in lines.axes[-1].places)
        parts = ["the stronger a line, the better", "white: the setting under the cursor"]
        parts += [f"{BROKEN} no value: it counts as the worst"] if broken else []
        logs = [axis.title for axis in lines.axes if axis.log]
        parts += [f"logarithmic: {', '.join(logs)}"] if logs else []
        return Text(" · ".join(parts))

    def heights(self, lines: Lines, at: int) -> list[float]:
        """Return where a setting's line crosses each axis."""
        beyond = -BEYOND if lines.higher else 1 + BEYOND
        return [beyond if axis.places[at] is None else float(axis.places[at] or 0.0) for axis in lines.axes]

    def paint(self, lines: Lines, canvas: Canvas) -> None:
        """Paint axes, lines and labels."""
        rows = canvas.height - TITLE
        self._view = None
        if rows < 3 or canvas.width < 20 or not lines.axes:
            return
        self._places = places = _columns(lines.axes, canvas.width)
        broken = any(place is None for axis in lines.axes for place in axis.places)
        low = -BEYOND if broken and lines.higher else 0.0
        high = 1 + BEYOND if broken and not lines.higher else 1.0
        self._view = view = View(0.0, float(canvas.width - 1), low, high, canvas.width, rows)
        order = sorted(range(len(lines.keys)), key=lambda at: self._goodness(lines, at))
        front = [at for at in order if lines.keys[at] == lines.chosen or lines.keys[at] in lines.marked]
        drawn = [(self._line_ink(lines, at), self._dots(lines, at, view)) for at in [*order, *front]]
        lay_lines(canvas.codes[TITLE:], canvas.inks[TITLE:], drawn)
        self._paint_axes(lines, canvas, places, view)

    def _goodness(self, lines: Lines, at: int) -> float:
        return goodness(lines.axes[-1].places[at], higher=lines.higher)

    def _line_ink(self, lines: Lines, at: int) -> int:
        key = lines.keys[at]
        if key == lines.chosen:
            return self.ink(Style(color=self.rich_style.color, bold=True))
        if lines.states[at] in ("pruned", "failed") and key not in lines.marked:
            return self.ink(self.quiet)
        # In steps: each colour is an ink of its own.
        good = 1.0 if key in lines.marked else round(self._goodness(lines, at) * 8) / 8
        strength = FAINTEST + (1 - FAINTEST) * good
        colour = FULL if self.plain else self.background_colors[1].blend(FULL, strength, alpha=1.0)
        return self.ink(Style(color=colour.rich_color))

    def _dots(self, lines: Lines, at: int, view: View) -> Bools:
        return draw_line(np.array(self._places, dtype=np.float64), np.array(self.heights(lines, at)), view).dots

    def _paint_axes(self, lines: Lines, canvas: Canvas, places: Sequence[int], view: View) -> None:
        told, goal = 0, f"{lines.axes[-1].title}   better"
        line, quiet, strong = self.ink(self.quiet), self.ink(self.quiet), self.ink(Style(bold=True))
        for number, (axis, column) in enumerate(zip(lines.axes, places, strict=True)):
            last = number == len(lines.axes) - 1
            top, bottom = view.cell_row(1.0), view.cell_row(0.0)
            for row in range(top, bottom + 1):
                canvas.put(TITLE + row, column, "│", line)
            title = f"{axis.title} {'↑' if lines.higher else '↓'} better" if last else axis.title
            # Those before the last leave it the room that it needs.
            end = canvas.width if last else places[number + 1] - (len(goal) if number + 2 == len(places) else 0)
            title = shorten(title, max(end - told, 4))
            start = min(max(column - cell_len(title) // 2, told), max(end - cell_len(title), told))
            canvas.text(0, start, title, strong)
            told = start + cell_len(title) + 1
            taken: set[int] = set()
            for place, label in axis.ticks:
                row = TITLE + view.cell_row(place)
                if row in taken:
                    continue
                taken.add(row)
                shown = shorten(label, 12)
                at = column - cell_len(shown) - 1 if last else column + 1
                canvas.put(row, column, "┤" if last else "├", line)
                canvas.text(row, at, shown, quiet)
            if None in axis.places:
                canvas.put(TITLE + view.cell_row(-BEYOND if lines.higher else 1 + BEYOND), column, BROKEN, strong)

    def on_click(self, event: events.Click) -> None:
        """Pick the nearest line."""
        lines, view = self.subject, self._view
        if lines is None or view is None or not self._places or event.y < TITLE:
            return
        left = max((at for at, place in enumerate(self._places[:-1]) if place <= event.x), default=0)
        start, end = self._places[left], self._places[left + 1]
        share = min(max((event.x - start) / max(end - start, 1), 0.0), 1.0)

        def missed(at: int) -> float:
            heights = self.heights(lines, at)
            height = heights[left] + share * (heights[left + 1] - heights[left])
            return abs(float(view.down(np.array([height]))[0]) / 4 - (event.y - TITLE + 0.375))

        nearest = min(range(len(lines.keys)), key=missed, default=None)
        if nearest is not None and missed(nearest) <= NEAR:
            self.post_message(self.Picked(lines.keys[nearest]))


def _columns(axes: Sequence[Axis], width: int) -> tuple[int, ...]:
    """Return where the axes stand: the first at the left end, the last at the right."""
    count = len(axes)
    if count == 1:
        return (width - 1,)
    places = tuple(round(1 + at * (width - 3) / (count - 1)) for at in range(count))
    assert all(left < right for left, right in pairwise(places)), "wide enough"
    return places

"""Small multiples: a tiny curve for each of many runs, in a grid, each of which can be chosen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from rich.style import Style
from textual import events
from textual.binding import BindingType
from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from seqsum.text import shown
from seqsum_tui.charts.canvas import BRAILLE, Canvas
from seqsum_tui.charts.raster import View, draw_line, pack
from seqsum_tui.charts.series import Floats
from seqsum_tui.charts.text import shorten, shorten_middle
from seqsum_tui.charts.tiles import Grid, tiled
from seqsum_tui.key import hidden, key

LEAST, FINE = (7, 2), (16, 5)
"""Cells of a curve and the line of words over it: the fewest, and what it is best in."""
BLANK, TITLE, NOTE, LIGHT, DIM, LIGHT_WORDS, DIM_WORDS = range(7)
PARTS = ("title", "note", "light", "dim", "light-words", "dim-words")


@dataclass(frozen=True)
class Small:
    """One curve: `values` at equal distances from 0 to `end` (1 is the whole width), the oldest first.

    sign: how it went, where there is no colour. light: it stands out. name: few letters, shown literally.
    """

    key: str
    name: str
    values: tuple[float, ...]
    sign: str = " "
    light: bool = False
    text: str = ""
    """What else is said of it, where there is room."""
    end: float = 1.0


SHORT_NAME = 6
"""Cells of a name that are enough to tell runs apart, where there is little room."""


class SmallMultiples(Widget, can_focus=True):
    """All curves share one y axis, so that they can be compared; arrows choose one, enter or a click opens it."""

    ALLOW_SELECT = False
    COMPONENT_CLASSES: ClassVar[set[str]] = {f"multiples--{part}" for part in (*PARTS, "cursor")}
    DEFAULT_CSS = """
    SmallMultiples {
        & > .multiples--title { color: $foreground; text-style: bold; }
        & > .multiples--note { color: $foreground-muted; }
        & > .multiples--light { color: $text-success; }
        & > .multiples--light-words { color: $foreground; text-style: bold; }
        & > .multiples--dim { color: $foreground 40%; }
        & > .multiples--dim-words { color: $foreground-muted; }
        & > .multiples--cursor { background: $primary-muted; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        hidden("multiples.left", "left,h", "move(-1, 0)", "Left", "Go to the curve on the left"),
        hidden("multiples.right", "right,l", "move(1, 0)", "Right", "Go to the curve on the right"),
        hidden("multiples.up", "up,k", "move(0, -1)", "Up", "Go to the curve above"),
        hidden("multiples.down", "down,j", "move(0, 1)", "Down", "Go to the curve below"),
        key("multiples.open", "enter", "open", "Open", "Watch the run of this curve"),
        key("multiples.leave", "escape", "screen.each", "Back", "Give the keys back to the table", display="esc"),
    ]

    @dataclass
    class Chosen(Message):
        """A person chose the curve of `key`."""

        key: str

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.curves: tuple[Small, ...] = ()
        self.cursor = 0
        self.grid = Grid(1, 1, 0)
        self._words = "", ""
        self._ends: tuple[float, float] = (0.0, 1.0)
        self._strips: list[Strip] = []
        self._drawn_for: object = None

    def show(self, title: str, note: str, curves: Sequence[Small], ends: tuple[float, float] | None = None) -> None:
        """Show these curves under a title and a quieter note; `ends`: of their y axis, or None for the curves' own."""
        held = self.curves[self.cursor].key if self.cursor < len(self.curves) else None
        now = (title, note), tuple(curves), ends or _ends_of(curves)
        if now != (self._words, self.curves, self._ends):
            self._words, self.curves, self._ends = now
            self.cursor = next((place for place, one in enumerate(curves) if one.key == held), 0)
            self._changed()

    def _changed(self) -> None:
        self._drawn_for = None
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """Return one line of the picture."""
        ground = self.size, self.background_colors, self.app.theme, self.has_focus
        if self._drawn_for != ground:
            self._drawn_for = ground
            self._draw()
        return self._strips[y] if y < len(self._strips) else Strip.blank(self.size.width, self.rich_style)

    def _draw(self) -> None:
        width, height = self.size
        canvas = Canvas(width, height)
        self.grid = tiled(max(len(self.curves), 1), width, max(height - 1, 1), least=LEAST, fine=FINE)
        title, note = map(shown, self._words)
        left_out = len(self.curves) - self.grid.shown
        note = f"{left_out} more have no room" if left_out > 0 else note
        canvas.text(0, 0, shorten(title, width), TITLE)
        canvas.text(0, len(title) + 2, shorten(note, max(width - len(title) - 2, 0)), NOTE)
        drawn = self.curves[: self.grid.shown] if width else ()
        # All of them have their values, or none has.
        values = max((len(one.text) for one in drawn), default=0) + 1
        names = [shown(one.name) for one in drawn]
        # A sign and an empty cell come before the name, and one between two curves.
        named = width // self.grid.columns - 3
        valued = named - values >= min(SHORT_NAME, max(map(len, names), default=0))
        if valued:
            named -= values
        for place, (curve, name) in enumerate(zip(drawn, names, strict=True)):
            self._draw_curve(canvas, self.region_of(place), curve, shorten_middle(name, named), valued)
        if self.has_focus and self.cursor < self.grid.shown:
            at = self.region_of(self.cursor)
            canvas.inks[at.y : at.bottom, at.x : at.right] += len(PARTS) + 1
        inks = self._inks()
        self._strips = [canvas.strip(inks, row) for row in range(height)]

    def region_of(self, place: int) -> Region:
        """Return where a curve stands, with its words and without the gap to the next."""
        width, height = self.size
        columns, rows = self.grid.columns, self.grid.rows
        left, right = ((place % columns + more) * width // columns for more in (0, 1))
        top, bottom = (1 + (place // columns + more) * (height - 1) // rows for more in (0, 1))
        return Region(left, top, max(right - left - 1, 1), bottom - top)

    def _draw_curve(self, canvas: Canvas, at: Region, curve: Small, name: str, valued: bool) -> None:
        line, words = (LIGHT, LIGHT_WORDS) if curve.light else (DIM, DIM_WORDS)
        canvas.text(at.y, at.x, f"{curve.sign} {name}", words)
        if valued:
            canvas.text(at.y, at.right - len(curve.text), curve.text, words)
        height = at.height - (2 if at.height > 4 else 1)
        if height < 1 or not curve.values:
            return
        x = np.linspace(0.0, max(curve.end, 1e-9), len(curve.values)) if len(curve.values) > 1 else np.zeros(1)
        view = View(0.0, 1.0, *self._ends, at.width, height)
        bits = pack(draw_line(x, np.clip(np.array(curve.values), *self._ends), view).dots)
        rows, columns = np.nonzero(bits)
        canvas.codes[at.y + 1 + rows, at.x + columns] = bits[rows, columns] + np.uint32(BRAILLE)
        canvas.inks[at.y + 1 + rows, at.x + columns] = line

    def _inks(self) -> list[Style]:
        ground = Style(bgcolor=self.background_colors[1].rich_color)
        inks = [ground] + [
            ground + Style(color=style.color, bold=style.bold)
            for style in (self.get_component_rich_style(f"multiples--{part}") for part in PARTS)
        ]
        under = Style(bgcolor=self.get_component_rich_style("multiples--cursor").bgcolor, reverse=self.app.no_color)
        return [*inks, *(ink + under for ink in inks)]

    def action_move(self, columns: int, rows: int) -> None:
        """Go to a curve beside the one that is chosen."""
        place = self.cursor + columns + rows * self.grid.columns
        if 0 <= place < self.grid.shown:
            self.cursor = place
            self._changed()

    def action_open(self) -> None:
        """Choose the curve under the cursor."""
        if self.cursor < self.grid.shown and self.curves:
            self.post_message(self.Chosen(self.curves[self.cursor].key))

    def on_click(self, event: events.Click) -> None:
        """Choose the curve that was clicked."""
        places = range(min(self.grid.shown, len(self.curves)))
        place = next((one for one in places if self.region_of(one).contains(event.x, event.y)), None)
        if place is not None:
            self.cursor = place
            self._changed()
            self.action_open()


def _ends_of(curves: Sequence[Small]) -> tuple[float, float]:
    values: Floats = np.concatenate([np.zeros(0), *(np.array(curve.values) for curve in curves)])
    values = values[np.isfinite(values)]
    low, high = (float(values.min()), float(values.max())) if values.size else (0.0, 1.0)
    return (low, high) if low < high else (low - 0.5, high + 0.5)

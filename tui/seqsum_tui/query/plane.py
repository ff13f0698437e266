"""Points in a plane, each drawn as its label's sign in its label's colour."""

from __future__ import annotations

from itertools import pairwise

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip
from textual.widget import Widget

from seqsum_tui.charts.palette import SIGNS, TERMINAL_COLOURS, series_colour
from seqsum_tui.query.views.shown import Dots
from seqsum_tui.shared import display

Cell = tuple[str, int]
"""A sign and the place of its label; −1 is a step of the path, −2 the way between two."""


class Plane(Widget):
    """A label of one character is its own sign. The path of one question lies on top, joined by dots.

    Where several points share a cell, the label that most of them have is drawn.
    """

    ALLOW_SELECT = False
    DEFAULT_CSS = """
    Plane { height: 1fr; color: $foreground; }
    """

    def __init__(self) -> None:
        super().__init__()
        self._dots: Dots | None = None
        self._cells: dict[tuple[int, int], Cell] = {}
        self._for: object = None

    def show(self, dots: Dots | None) -> None:
        """Show other points."""
        self._dots, self._for = dots, None
        self.refresh()

    def sign(self, label: int) -> str:
        """Return the sign of a label: itself, where it is one character."""
        labels = self._dots.labels if self._dots is not None else ()
        if all(len(name) == 1 for name in labels):
            return labels[label]
        return SIGNS[label % len(SIGNS)] if len(labels) <= len(SIGNS) else chr(ord("A") + label % 26)

    def _lay_out(self) -> None:
        width, height = self.size.width, self.size.height - 1
        key = width, height, id(self._dots)
        if self._for == key or self._dots is None:
            return
        self._for, self._cells = key, {}
        dots = self._dots
        if not dots.x or width < 2 or height < 2:
            return
        xs, ys = (*dots.x, *(x for x, _, _ in dots.path)), (*dots.y, *(y for _, y, _ in dots.path))
        # One scale for both: a ring is to look round. A cell is about twice as high as wide.
        middle = (min(xs) + max(xs)) / 2, (min(ys) + max(ys)) / 2
        scale = max((max(xs) - min(xs)) / (width - 1), (max(ys) - min(ys)) / (2 * (height - 1)), 1e-12)

        def place(x: float, y: float) -> tuple[int, int]:
            column = round((x - middle[0]) / scale + (width - 1) / 2)
            row = round((height - 1) / 2 - (y - middle[1]) / scale / 2)
            return min(max(column, 0), width - 1), min(max(row, 0), height - 1)

        counts: dict[tuple[int, int], dict[int, int]] = {}
        for x, y, label in zip(dots.x, dots.y, dots.label, strict=True):
            here = counts.setdefault(place(x, y), {})
            here[label] = here.get(label, 0) + 1
        for at, found in counts.items():
            label = max(found, key=lambda one: (found[one], -one))
            self._cells[at] = (self.sign(label), label)
        self._draw_path([place(x, y) for x, y, _ in dots.path], [token for _, _, token in dots.path])

    def _draw_path(self, places: list[tuple[int, int]], tokens: list[str]) -> None:
        for (x0, y0), (x1, y1) in pairwise(places):
            steps = max(abs(x1 - x0), abs(y1 - y0), 1)
            for step in range(1, steps):
                self._cells[x0 + (x1 - x0) * step // steps, y0 + (y1 - y0) * step // steps] = ("∙", -2)
        for at, (x, y) in enumerate(places):
            self._cells[x, y] = (tokens[at][:1] or "●", -1)

    def render_line(self, y: int) -> Strip:
        """Draw one line; the last is the legend."""
        width, ground = self.size.width, self.rich_style
        if self._dots is None:
            return Strip.blank(width, ground)
        self._lay_out()
        if y == self.size.height - 1:
            return self._legend(width, ground)
        parts = []
        for x in range(width):
            sign, label = self._cells.get((x, y), (" ", 0))
            parts.append(Segment(sign, ground + self._style(label) if sign != " " else ground))
        return Strip(parts).adjust_cell_length(width, ground).simplify()

    def _legend(self, width: int, ground: Style) -> Strip:
        assert self._dots is not None
        parts: list[Segment] = []
        for label, name in enumerate(self._dots.labels):
            sign = self.sign(label)
            parts.append(Segment(sign if sign == name else f"{sign} {display.fit(name, min(len(name), 10))}",
                                 ground + self._style(label)))  # fmt: skip
            parts.append(Segment("  ", ground))
        if self._dots.path:
            parts.append(Segment("reversed: the question's path", ground + self._style(-1)))
        return Strip(parts).adjust_cell_length(width, ground)

    def _style(self, label: int) -> Style:
        if label == -2:
            return Style(bold=True)
        if label < 0:
            return Style(bold=True, reverse=True)
        # Ten classes over eight hues: the ninth and tenth are bold as well.
        return Style(color=series_colour(label, self.app).rich_color, bold=label >= len(TERMINAL_COLOURS))

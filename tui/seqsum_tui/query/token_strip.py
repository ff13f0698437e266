"""Tokens in a row, each shaded by how much it counts, with its share of the largest, or its value, below it."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import wrap
from typing import ClassVar

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip
from textual.widget import Widget

from seqsum_tui.charts.ramp import Scale, cell_style, tenths, whole
from seqsum_tui.shared import display


class TokenStrip(Widget):
    """Goes on in further lines where it is long; of very long ones the end is cut, and says so."""

    ALLOW_SELECT = False
    COMPONENT_CLASSES: ClassVar[set[str]] = {"strip--quiet"}
    MOST_LINES = 6
    DEFAULT_CSS = """
    TokenStrip {
        height: auto; color: $foreground;
        & > .strip--quiet { color: $foreground-muted; }
    }
    """

    def __init__(self) -> None:
        super().__init__()
        self._tokens: tuple[tuple[str, float], ...] = ()
        self._scale: Scale = "diverging"
        self._full: int | None = None
        self._counts = ""

    def show(self, tokens: Sequence[tuple[str, float]], full: int | None = None, counts: str = "") -> None:
        """Show tokens with what each counts; a value below zero speaks against the answer.

        full: what has a full colour, the values then in whole numbers, and single characters side by side as the text
            that they are; None takes the largest, and tenths of it
        counts: what the figures are, for the line below them
        """
        self._full = full
        self.set_class(full is not None, "-text")
        known = [value for _, value in tokens if value == value]
        self._tokens = tuple(tokens)
        self._scale = "diverging" if any(value < 0 for value in known) else "sequential"
        marks = [", − it rises"] if self._scale == "diverging" else []
        marks += [", ? not known"] if len(known) < len(tokens) else []
        self._counts = f"{counts}: X most, 5 half, · hardly{''.join(marks)}" if counts else ""
        self.display = bool(tokens)
        self.refresh(layout=True)

    @property
    def _cell(self) -> int:
        widest = max((cell_len(token) for token, _ in self._tokens), default=1)
        return 1 if self._full is not None and widest == 1 else max(widest, 2) + 1

    def _blocks(self, width: int) -> list[tuple[int, int]]:
        per = max((width - 1) // self._cell, 1)
        return [(start, min(start + per, len(self._tokens))) for start in range(0, len(self._tokens), per)]

    def _said(self, width: int) -> list[str]:
        return wrap(self._counts, max(width, 1))

    def get_content_height(self, container: object, viewport: object, width: int) -> int:
        """Two lines for each block, and below them what the figures are."""
        return min(2 * len(self._blocks(width)), self.MOST_LINES) + len(self._said(width))

    def render_line(self, y: int) -> Strip:
        """Draw one line."""
        width, ground = self.size.width, self.rich_style
        blocks = self._blocks(width)
        said = self._said(width)
        if y >= self.size.height - len(said):
            quiet = self.get_component_rich_style("strip--quiet")
            return Strip([Segment(said[y - self.size.height], quiet)]).adjust_cell_length(width, ground)
        if not self._tokens or y // 2 >= len(blocks):
            return Strip.blank(width, ground)
        start, end = blocks[y // 2]
        cell, most = self._cell, max((abs(value) for _, value in self._tokens if value == value), default=0.0) or 1.0
        most = most if self._full is None else float(self._full)
        behind = self.background_colors[1]
        plain = self.app.no_color or self.app.native_ansi_color
        parts = []
        for token, value in self._tokens[start:end]:
            style = ground if plain else cell_style(value, most, self._scale, behind)
            below = tenths(value, most, self._scale) if self._full is None else whole(value, self._full)
            text = (
                display.fit_right(token, max(cell - 1, 1)) if y % 2 == 0 else below[-max(cell - 1, 1) :].rjust(cell - 1)
            )
            parts.append(Segment(text.ljust(cell), style + Style(bold=y % 2 == 0)))
        if 2 * len(blocks) > self.MOST_LINES and y == self.MOST_LINES - 1:
            parts.append(Segment("…", ground))
        return Strip(parts).adjust_cell_length(width, ground)

"""The line at the top of the list: the application, what is going on, and where."""

from __future__ import annotations

from textual.content import Content
from textual.reactive import reactive
from textual.widget import Widget

from seqsum_tui.shared import display


class TopBar(Widget):
    """Name on the left, counts after it, the workspace on the right when there is room; before it why nothing can be
    changed there, if that is so."""

    DEFAULT_CSS = """
    TopBar { height: 1; background: $primary 25%; text-wrap: nowrap; text-overflow: ellipsis; }
    """

    counts: reactive[str] = reactive("")

    def __init__(self, place: str, closed: str = "") -> None:
        super().__init__()
        self._place, self._why_closed = display.literal(place), display.literal(closed)

    def render(self) -> Content:
        """Draw the line."""
        left = Content.assemble((" seqsum ", display.BADGE), "  ", (self.counts, "bold"))
        if self._why_closed:
            left = Content.assemble(left, "  ", (self._why_closed, "bold $text-warning"))
        room = self.size.width - left.cell_length - len(self._place) - 3
        if room < 0:
            return left
        return Content.assemble(left, " " * (room + 2), (self._place, "$foreground-muted"))

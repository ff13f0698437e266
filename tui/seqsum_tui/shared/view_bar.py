"""The line over a screen of several views: its name, the views, and what is being shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from textual import events
from textual.content import Content
from textual.message import Message
from textual.widget import Widget

from seqsum_tui.charts.text import shorten_middle
from seqsum_tui.shared import display


class ViewBar(Widget):
    """Views on the left, facts on the right; a click chooses a view."""

    DEFAULT_CSS = """
    ViewBar { height: 1; background: $primary 25%; text-wrap: nowrap; text-overflow: ellipsis; }
    """

    @dataclass
    class Chosen(Message):
        """A person clicked a view."""

        view: int

    def __init__(self, name: str, views: Sequence[str]) -> None:
        super().__init__()
        self._title, self._views = name, tuple(views)
        self._view = 0
        self._facts: tuple[str, ...] = ()

    def show(self, view: int, facts: tuple[str, ...]) -> None:
        """Show which view is chosen, and as many of the facts, the first ones first, as there is room for."""
        if (view, facts) != (self._view, self._facts):
            self._view, self._facts = view, facts
            self.refresh()

    def render(self) -> Content:
        """Draw the line."""
        named = display.tabs((f"{place} {name}" for place, name in enumerate(self._views, 1)), self._view)
        left = Content.assemble((f" {self._title} ", display.BADGE), " ", named)
        facts = list(self._facts)
        while facts and left.cell_length + cell_len(" · ".join(facts)) + 2 > self.size.width:
            facts.pop()
        space = self.size.width - left.cell_length - 2
        right = " · ".join(facts) or shorten_middle(self._facts[0] if self._facts and space > 9 else "", space)
        room = self.size.width - left.cell_length - cell_len(right) - 1
        return Content.assemble(left, " " * max(room, 0), (right, "$foreground 80%"))

    def on_click(self, event: events.Click) -> None:
        """Choose the view that was clicked."""
        start = cell_len(self._title) + 3
        for place, name in enumerate(self._views):
            end = start + len(name) + 5
            if start <= event.x < end:
                self.post_message(self.Chosen(place))
            start = end

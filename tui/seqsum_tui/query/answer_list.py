"""A list of answers; enter asks the question under the cursor by itself."""

from __future__ import annotations

from typing import ClassVar

from textual import events
from textual.binding import BindingType
from textual.content import Content
from textual.message import Message
from textual.strip import Strip
from textual.visual import Visual
from textual.widget import Widget

from seqsum_tui.query.views.shown import Line, Lines
from seqsum_tui.shared import bindings


class AnswerList(Widget, can_focus=True):
    """Draws only the lines that can be seen: a batch can have thousands."""

    BINDINGS: ClassVar[list[BindingType]] = bindings.ANSWER_LIST
    ALLOW_SELECT = False
    DEFAULT_CSS = """
    AnswerList { height: 1fr; }
    """

    class Chosen(Message):
        """A person chose a question, to be asked by itself."""

        def __init__(self, question: str) -> None:
            super().__init__()
            self.question = question

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.lines: tuple[Line, ...] = ()
        self._top = self.row = 0

    def show(self, lines: Lines | None) -> None:
        """Show other answers."""
        found = lines.lines if lines is not None else ()
        if found != self.lines:
            self.lines = found
            self.action_move(0)

    def action_move(self, rows: int) -> None:
        """Move the cursor."""
        self.row = max(0, min(self.row + rows, len(self.lines) - 1))
        height = max(self.size.height, 1)
        self._top = max(min(self._top, self.row), self.row - height + 1, 0)
        self.refresh()

    def action_choose(self) -> None:
        """Ask the question under the cursor."""
        if self.lines:
            self.post_message(self.Chosen(self.lines[self.row].question))

    def on_resize(self) -> None:
        self.action_move(0)

    def on_click(self, event: events.Click) -> None:
        """Move to the line under the pointer; a second click asks it."""
        at = self._top + event.y
        if at < len(self.lines):
            again = at == self.row and event.chain == 2
            self.action_move(at - self.row)
            if again:
                self.action_choose()

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        event.stop()
        self.action_move(3)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        event.stop()
        self.action_move(-3)

    def render_line(self, y: int) -> Strip:
        """Draw one line."""
        at, width = self._top + y, self.size.width
        if at >= len(self.lines) or width < 4:
            return Strip.blank(width, self.rich_style)
        here = at == self.row and self.has_focus
        content = Content.assemble(("▸ " if here else "  ", "$text-accent"), self.lines[at].text)
        drawn = Visual.to_strips(self, content.truncate(width, ellipsis=True), width, 1, self.visual_style)
        return drawn[0].adjust_cell_length(width, self.rich_style) if drawn else Strip.blank(width, self.rich_style)

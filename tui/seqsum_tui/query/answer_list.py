"""A list of answers; enter asks the question under the cursor by itself, or lists a label's wrong answers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from rich.style import Style
from textual import events
from textual.binding import BindingType
from textual.content import Content
from textual.message import Message
from textual.visual import Visual

from seqsum_tui.query.views.shown import Line, Lines
from seqsum_tui.shared import bindings
from seqsum_tui.shared.line_table import LineTable, Piece

WHEEL_LINES = 3


class AnswerList(LineTable[Line]):
    """A line per answer. The wheel moves the cursor."""

    BINDINGS: ClassVar[list[BindingType]] = bindings.ANSWER_LIST
    ALLOW_SELECT = False
    DEFAULT_CSS = """
    AnswerList { scrollbar-size-vertical: 0; }
    """

    @dataclass
    class LabelChosen(Message):
        """A person chose the line of a label."""

        label: str

    def action_choose(self) -> None:
        """Choose the line under the cursor."""
        label = self.lines[self.cursor].label if self.lines else None
        if label is None:
            super().action_choose()
        else:
            self.post_message(self.LabelChosen(label))

    def show(self, lines: Lines | None) -> None:
        """Show other answers; the cursor stays at its place."""
        self.replace(lines.lines if lines is not None else (), keep_place=True)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        event.prevent_default().stop()
        self.action_move(WHEEL_LINES)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        event.prevent_default().stop()
        self.action_move(-WHEEL_LINES)

    def pieces(self, line: Line) -> Iterable[Piece]:
        """The answer, cut to the width there is, with a sign under the cursor."""
        width, here = self.size.width, line is self.selected and self.has_focus
        content = Content.assemble(("▸ " if here else "  ", "$text-accent"), line.text)
        strips = Visual.to_strips(self, content.truncate(width, ellipsis=True), width, 1, self.visual_style)
        return [(segment.text, segment.style or Style()) for strip in strips[:1] for segment in strip]

    def over(self, index: int) -> Style:
        """The sign alone says where the cursor is."""
        return Style()

"""The box of the Query screen: a question, and the ones before it."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import BindingType
from textual.message import Message

from seqsum_tui.shared import bindings
from seqsum_tui.shared.one_line import OneLineInput


class QueryBox(OneLineInput):
    """What was asked stays in it, selected: enter asks it again, typing replaces it."""

    BINDINGS: ClassVar[list[BindingType]] = bindings.QUERY_BOX

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(placeholder="Ask the model", compact=True, id=id, select_on_focus=True)
        self._asked: list[str] = []
        self._place = 0
        self.series = False

    between = "; "

    class LinesPasted(Message):
        """Several questions were pasted."""

        def __init__(self, lines: list[str]) -> None:
            super().__init__()
            self.lines = lines

    def take_lines(self, lines: list[str]) -> None:
        """Each line is a question; of a task that continues series, all are one."""
        if self.series:
            super().take_lines(lines)
        else:
            self.post_message(self.LinesPasted(lines))

    def remember(self, question: str) -> None:
        """Keep a question for the up key."""
        if question in self._asked:
            self._asked.remove(question)
        self._asked.append(question)
        self._place = len(self._asked) - 1

    def put(self, question: str) -> None:
        """Write a question into the box, selected."""
        self.value = question
        self.action_select_all()

    def action_earlier(self) -> None:
        """Take the question before."""
        if self._asked:
            # With something else in the box, the last question comes first.
            back = 1 if self.value == self._asked[self._place] else 0
            self._take(self._place - back)

    def action_later(self) -> None:
        """Take the question after."""
        self._take(self._place + 1)

    def _take(self, place: int) -> None:
        if self._asked:
            self._place = min(max(place, 0), len(self._asked) - 1)
            self.value = self._asked[self._place]
            self.cursor_position = len(self.value)

"""The boxes that questions are typed into: earlier ones come back, and several lines are several questions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from textual.binding import BindingType
from textual.message import Message

from seqsum_tui.shared import bindings
from seqsum_tui.shared.one_line import OneLineInput


class QuestionBox(OneLineInput):
    """An input that remembers what was asked. Several lines pasted are several questions."""

    between = "; "

    @dataclass
    class LinesPasted(Message):
        """Several questions were pasted."""

        lines: list[str]

    def __init__(self, *, id: str | None = None, select_on_focus: bool = True) -> None:
        super().__init__(placeholder="Ask the model", compact=True, id=id, select_on_focus=select_on_focus)
        self._asked: list[str] = []
        self._place = 0
        self.series = False
        """Whether a question is a series, which may be typed in several lines."""
        self._empty_asks: bool | None = None
        self._empty_waits = False

    def learn(self, ready: Mapping[str, Any]) -> None:
        """Take in what a question looks like, as a model says when it is ready; an empty one that waited for that is
        submitted again."""
        self.series, self._empty_asks = bool(ready.get("series")), bool(ready.get("empty"))
        if self._empty_asks and self._empty_waits and not self.value:
            self.post_message(self.Submitted(self, ""))

    def asks(self, text: str) -> bool:
        """Whether a text is a question: nothing at all may be one. Before that is known, it waits (see `learn`)."""
        empty = not text.strip()
        self._empty_waits = empty and self._empty_asks is None
        return not empty or bool(self._empty_asks)

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

    def action_earlier(self) -> None:
        """Take the question before; with something else in the box, the last one that was taken or asked."""
        if self._asked:
            self._take(self._place - (self.value == self._asked[self._place]))

    def action_later(self) -> None:
        """Take the question after; after the last the box is empty."""
        if self._place + 1 < len(self._asked):
            self._take(self._place + 1)
        else:
            self.value = ""

    def _take(self, place: int) -> None:
        self._place = max(place, 0)
        self.value = self._asked[self._place]
        self.cursor_position = len(self.value)


class QueryBox(QuestionBox):
    """The box of the Ask screen. What was asked stays in it, selected: enter asks it again, typing replaces it."""

    BINDINGS: ClassVar[list[BindingType]] = bindings.QUERY_BOX

    def put(self, question: str) -> None:
        """Write a question into the box, selected."""
        self.value = question
        self.action_select_all()

"""A line or a few of text that change often, without a layout of the screen each time."""

from __future__ import annotations

from textual.content import Content
from textual.widgets import Static


class FittedText(Static):
    """Literal text. A new text asks for a layout only when it takes another room than the one before.

    `wraps` says that the room follows from the number of lines, not from the width of the text.
    """

    def __init__(self, *, wraps: bool = False, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes, markup=False)
        self._wraps = wraps
        self._text = Content()

    def put(self, text: Content | str) -> None:
        """Show another text."""
        text = Content(text) if isinstance(text, str) else text
        before, self._text = self._text, text
        if before == text:
            return
        room = self.size.width
        if self._wraps:
            same = room > 0 and len(before.wrap(room)) == len(text.wrap(room))
        else:
            same = before.cell_length == text.cell_length
        self.update(text, layout=not same)

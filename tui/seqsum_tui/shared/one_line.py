"""An input of one line, and what becomes of several lines that are pasted into it."""

from __future__ import annotations

import re

from textual import events
from textual.widgets import Input

from seqsum import formatting

LONGEST_PASTE = 20_000
"""Characters; more in one line is a slip."""
CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")


class OneLineInput(Input):
    """Several lines pasted become one, and that is said; what can take each by itself overrides `take_lines`."""

    between = " "
    """What stands between pasted lines."""

    def _on_paste(self, event: events.Paste) -> None:
        event.stop()
        event.prevent_default()
        lines = [CONTROL.sub("", line.replace("\t", " ")) for line in event.text.splitlines() if line.strip()]
        if len(lines) > 1:
            self.take_lines(lines)
        elif lines:
            self.put_in(lines[0])

    def take_lines(self, lines: list[str]) -> None:
        """Take several pasted lines."""
        self.put_in(self.between.join(line.strip() for line in lines))
        self.app.notify(f"The {formatting.count(len(lines), 'line')} pasted stand here as one.")

    def put_in(self, text: str) -> None:
        """Put text where the cursor is, in place of what is selected; what is too long is cut, and that is said."""
        room = max(self.max_length - len(self.value), 0) if self.max_length else LONGEST_PASTE
        if len(text) > room:
            left = formatting.count(len(text) - room, "character")
            self.app.notify(f"The last {left} found no room in this line.", severity="warning")
            text = text[:room]
        if self.selection.is_empty:
            self.insert_text_at_cursor(text)
        else:
            self.replace(text, *self.selection)

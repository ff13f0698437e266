"""The end of the worker's log; follows it as long as one looks at its end."""

from __future__ import annotations

from collections.abc import Sequence

from textual.widgets import Log

from seqsum_tui.shared import display


class LogView(Log):
    """Shows lines as they are: no markup, no escape sequences."""

    DEFAULT_CSS = """
    LogView { height: 1fr; padding: 0 1; background: transparent; overflow: auto; scrollbar-size: 1 1; }
    """

    def __init__(self) -> None:
        super().__init__(auto_scroll=True)
        self._read: Sequence[str] | None = None
        self._shown: list[str] = []
        self._follows = True

    def show(self, lines: Sequence[str], none: str) -> None:
        """Show these lines, or why there is `none`; when they continue those shown, only the new ones are added."""
        if lines == self._read:
            return
        self._read = lines
        literal = [display.literal(line) for line in lines] or [none]
        if literal == self._shown:
            return
        new = continuation(self._shown, literal)
        if new is None:
            self.clear()
            new = literal
        self._shown = literal
        self.write_lines(new)

    def on_hide(self) -> None:
        """Remember whether somebody was looking at the end."""
        self._follows = self.is_vertical_scroll_end

    def on_show(self) -> None:
        """Go on at the end; while it was hidden there was no end to follow."""
        if self._follows:
            self.call_after_refresh(self.scroll_end, animate=False)


def continuation(before: list[str], after: list[str]) -> list[str] | None:
    """Return what `after` adds to the end of `before`, or None when it does not continue it.

    The beginning of `before` may have scrolled out of `after`.
    """
    if not before:
        return None
    for start in range(len(before)):
        kept = before[start:]
        if len(kept) <= len(after) and after[: len(kept)] == kept:
            return after[len(kept) :] if start == 0 or len(kept) > 1 else None
    return None

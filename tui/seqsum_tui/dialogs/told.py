"""A dialog that tells what came of something, in lines."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Static

from seqsum_tui.dialogs.dialog import Dialog
from seqsum_tui.shared import dialog_keys, display


class ToldScreen(Dialog[None]):
    """Shows lines as they stand; long ones are wrapped, many scrolled."""

    DEFAULT_CSS = """
    ToldScreen {
        #told { height: auto; max-height: 1fr; background: $surface; }
        #told > Static { width: 1fr; height: auto; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = dialog_keys.TOLD

    def __init__(self, title: str, lines: Sequence[str]) -> None:
        super().__init__()
        self._title, self._lines = title, tuple(lines)

    def compose(self) -> ComposeResult:
        """Make the dialog."""
        with Vertical(id="dialog") as box:
            box.border_title = Content(display.literal(self._title))
            box.border_subtitle = "esc closes"
            with VerticalScroll(id="told"):
                yield Static(Content("\n".join(map(display.literal, self._lines))))

    def on_mount(self) -> None:
        """Begin at the top."""
        self.query_one(VerticalScroll).focus()

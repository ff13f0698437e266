"""A small dialog: the name of a file."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from seqsum_tui import words


class FileNameScreen(ModalScreen[list[str] | None]):
    """Closes with the lines of the file, or None; a file that can't be read is told, and another can be typed."""

    CSS_PATH = "file_name.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "cancel", "Cancel", id="file.cancel", tooltip="Ask nothing", priority=True),
    ]

    def __init__(self, title: str, hint: str) -> None:
        super().__init__()
        self._title, self._hint = title, hint
        self.file = ""

    def compose(self) -> ComposeResult:
        """Make the dialog."""
        with Vertical(id="dialog") as box:
            box.border_title = self._title
            box.border_subtitle = "enter asks · esc"
            yield Static(Content(words.literal(self._hint)), id="hint")
            yield Input(id="path", placeholder="questions.txt")
            yield Static(" ", id="problem")

    @on(Input.Submitted)
    def accept(self, event: Input.Submitted) -> None:
        """Read the file."""
        from seqsum.errors import UserError
        from seqsum_tui.batch import questions_of

        event.stop()
        self.file = event.value.strip()
        try:
            self.dismiss(questions_of(self.file))
        except UserError as error:
            self.query_one("#problem", Static).update(Content(f"✗ {words.literal(str(error))}"))

    def action_cancel(self) -> None:
        """Close without a file."""
        self.dismiss(None)

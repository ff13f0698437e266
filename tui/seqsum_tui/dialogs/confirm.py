"""A small dialog: whether something shall be done that takes many runs at once."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Button, Static

from seqsum_tui.dialogs.dialog import Dialog, buttons
from seqsum_tui.shared import dialog_keys


class ConfirmScreen(Dialog[bool]):
    """Closes with True when it shall be done.

    Args:
        question: what would be done, and to how many.
        detail: to which, and how it is undone.
        done: the button that does it.
    """

    CSS_PATH = "confirm.tcss"
    BINDINGS: ClassVar[list[BindingType]] = dialog_keys.CONFIRM

    def __init__(self, question: str, detail: str, done: str) -> None:
        super().__init__()
        self._question, self._detail, self._done = question, detail, done

    def compose(self) -> ComposeResult:
        """Make the dialog."""
        with Vertical(id="dialog") as box:
            box.border_title = Content(self._question)
            yield Static(Content(self._detail))
            yield from buttons(self._done, "warning")

    def on_mount(self) -> None:
        """Enter does it."""
        self.query_one("#accept", Button).focus()

    def action_enter(self) -> None:
        """Press the button that has the focus."""
        self.dismiss(None if self.query_one("#cancel").has_focus else True)

    def action_accept(self) -> None:
        """Close: do it."""
        self.dismiss(True)

"""A small dialog: one line of text, and what it means."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar, Generic, TypeVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from seqsum_tui import words

Meaning = TypeVar("Meaning")


class LineScreen(ModalScreen[Meaning | None], Generic[Meaning]):
    """Closes with what the line means, or None; a line that can't be read is told, and another can be typed.

    Args:
        title: what is asked for.
        hint: what can be typed.
        read: turns the line into its meaning; raises UserError.
        value: what stands there at first.
        placeholder: an example.
        done: what enter does.
    """

    CSS_PATH = "line.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "cancel", "Cancel", id="line.cancel", tooltip="Leave all as it is", priority=True),
    ]

    def __init__(
        self, title: str, hint: str, read: Callable[[str], Meaning], *, value: str = "", placeholder: str = "",
        done: str = "asks",
    ) -> None:  # fmt: skip
        super().__init__()
        self._title, self._hint, self._done = title, hint, done
        self._read, self._value, self._placeholder = read, value, placeholder

    def compose(self) -> ComposeResult:
        """Make the dialog."""
        with Vertical(id="dialog") as box:
            box.border_title = self._title
            box.border_subtitle = f"enter {self._done} · esc"
            yield Static(Content(words.literal(self._hint)), id="hint")
            yield Input(self._value, id="line", placeholder=self._placeholder)
            yield Static(" ", id="problem")

    @on(Input.Submitted)
    def accept(self, event: Input.Submitted) -> None:
        """Read the line."""
        from seqsum.errors import UserError

        event.stop()
        try:
            self.dismiss(self._read(event.value.strip()))
        except UserError as error:
            self.query_one("#problem", Static).update(Content(f"✗ {words.literal(str(error))}"))

    def action_cancel(self) -> None:
        """Close without an answer."""
        self.dismiss(None)

"""Small dialogs for what one says of a run: a line, such as its name or tags, or a note of several lines."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, Static, TextArea

from seqsum_tui import words

Check = Callable[[str], object]


class SayScreen(ModalScreen[str | None]):
    """Closes with the text, or None. What is wrong with it is said while one types.

    Args:
        title: what is asked for.
        value: what stands in the box at first.
        check: raises UserError for a text that can't be taken.
        hint: one line more about it.
    """

    CSS_PATH = "say.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "cancel", "Cancel", id="say.cancel", tooltip="Change nothing", priority=True),
    ]
    KEYS = "enter takes it · esc"

    def __init__(self, title: str, value: str, check: Check, hint: str = "") -> None:
        super().__init__()
        self._title, self._value, self._check, self._hint = title, value, check, hint

    def compose(self) -> ComposeResult:
        """Make the dialog."""
        with Vertical(id="dialog") as box:
            box.border_title = Content(self._title)
            box.border_subtitle = self.KEYS
            yield self._box()
            yield Static(" ", id="problem")
            if self._hint:
                yield Static(Content(self._hint), id="hint")

    def _box(self) -> Input | TextArea:
        return Input(self._value, id="text", compact=True)

    def _text(self) -> str:
        return self.query_one("#text", Input).value

    def on_mount(self) -> None:
        """Begin in the box."""
        self.query_one("#text").focus()

    def problem(self) -> str:
        """Return what is wrong with the text, or nothing."""
        from seqsum.errors import UserError

        try:
            self._check(self._text())
        except UserError as error:
            return str(error)
        return ""

    @on(Input.Changed)
    @on(TextArea.Changed)
    def _typed(self) -> None:
        problem = self.problem()
        self.query_one("#problem", Static).update(Content(f"✗ {words.literal(problem)}" if problem else " "))

    @on(Input.Submitted)
    def action_accept(self) -> None:
        """Close with the text, unless it is wrong."""
        if not self.problem():
            self.dismiss(self._text())

    def action_cancel(self) -> None:
        """Close without a change."""
        self.dismiss(None)


class NoteScreen(SayScreen):
    """A note has several lines, so enter makes a new one and ctrl+s takes it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+s", "accept", "Save", id="note.save", tooltip="Keep the note", priority=True),
    ]
    KEYS = "ctrl+s keeps it · esc"

    def _box(self) -> TextArea:
        return TextArea(self._value, id="text", compact=True, soft_wrap=True)

    def _text(self) -> str:
        return self.query_one("#text", TextArea).text

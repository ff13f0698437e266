"""Small dialogs: a line of text and what it means, or a note of several lines."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar, Generic, TypeVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Input, Static, TextArea

from seqsum.errors import UserError
from seqsum.text import printable
from seqsum_tui.dialogs.dialog import Dialog
from seqsum_tui.shared import dialog_keys, display
from seqsum_tui.shared.one_line import OneLineInput

Meaning = TypeVar("Meaning")


class LineScreen(Dialog[Meaning], Generic[Meaning]):
    """Closes with what the line means, or None; a line that can't be read is told, and another can be typed.

    Args:
        title: what is asked for.
        read: turns the line into its meaning; raises UserError.
        hint: what can be typed.
        value: what stands there at first.
        placeholder: an example.
        done: what enter does.
        at_once: what is wrong is told while one types; reading is then quick, and reads nothing but the line.
    """

    CSS_PATH = "text_input.tcss"
    BINDINGS: ClassVar[list[BindingType]] = dialog_keys.LINE
    ENTER = "enter"

    def __init__(
        self, title: str, read: Callable[[str], Meaning], hint: str = "", *, value: str = "", placeholder: str = "",
        done: str = "asks", at_once: bool = False,
    ) -> None:  # fmt: skip
        super().__init__()
        self._title, self._hint, self._done, self._at_once = title, hint, done, at_once
        # A stranger's words may hold what could steer the terminal; of a note the lines stay.
        self._read, self._value, self._placeholder = read, printable(value), display.literal(placeholder)

    def compose(self) -> ComposeResult:
        """Make the dialog."""
        with Vertical(id="dialog") as box:
            box.border_title = Content(self._title)
            box.border_subtitle = f"{self.ENTER} {self._done} · esc"
            if self._hint:
                yield Static(Content(display.literal(self._hint)), id="hint")
            yield self.box()
            yield Static(" ", id="problem")

    def box(self) -> Input | TextArea:
        """Return what is typed into."""
        return OneLineInput(display.literal(self._value), id="text", placeholder=self._placeholder, compact=True)

    def text(self) -> str:
        """Return what was typed."""
        return self.query_one("#text", Input).value

    def on_mount(self) -> None:
        """Begin in the box."""
        self.query_one("#text").focus()

    @on(Input.Changed)
    @on(TextArea.Changed)
    def _typed(self) -> None:
        problem = ""
        if self._at_once:
            _, problem = self._meaning()
        self._tell(problem)

    @on(Input.Submitted)
    def action_accept(self) -> None:
        """Close with the meaning, or tell why there is none."""
        meaning, problem = self._meaning()
        if problem:
            self._tell(problem)
        else:
            self.dismiss(meaning)

    def _meaning(self) -> tuple[Meaning | None, str]:
        try:
            return self._read(self.text().strip()), ""
        except UserError as error:
            return None, str(error)

    def _tell(self, problem: str) -> None:
        self.query_one("#problem", Static).update(Content(f"✗ {display.literal(problem)}" if problem else " "))


class NoteScreen(LineScreen[str]):
    """A note has several lines, so enter makes a new one and ^s takes it."""

    BINDINGS: ClassVar[list[BindingType]] = dialog_keys.NOTE
    ENTER = "^s"

    def box(self) -> TextArea:
        """Return the box of several lines."""
        return TextArea(self._value, id="text", compact=True, soft_wrap=True)

    def on_mount(self) -> None:
        """Begin behind what stands there."""
        super().on_mount()
        area = self.query_one("#text", TextArea)
        area.move_cursor(area.document.end)

    def text(self) -> str:
        """Return what was typed."""
        return self.query_one("#text", TextArea).text

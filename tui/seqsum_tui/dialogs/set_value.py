"""A small dialog: change a live field while the run trains."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Button, Input, Static

from seqsum import formatting
from seqsum_tui.dialogs.dialog import Dialog, buttons
from seqsum_tui.shared import dialog_keys, display
from seqsum_tui.shared.one_line import OneLineInput

if TYPE_CHECKING:
    from seqsum_tui.shared.live_value import LiveValue

WHEN = "It takes effect at the next step of a run that trains, or when a stopped one goes on."
LEARNING_RATE = (
    "This is the peak. The schedule scales it: the rate in use now is {now}, and the new peak scales in the same way, "
    "at once."
)


class SetValueScreen(Dialog[str]):
    """Asks for a new value of one field, checked as one types. Closes with its text, or None.

    Args:
        field: the one that is asked for.
        title: what the dialog is called.
        rate_now: the learning rate in use, for the learning rate's own explanation.
        when: from when on the value counts.
    """

    CSS_PATH = "set_value.tcss"
    BINDINGS: ClassVar[list[BindingType]] = dialog_keys.SET_VALUE

    def __init__(self, field: LiveValue, title: str, rate_now: float | None = None, when: str = WHEN) -> None:
        super().__init__()

        self._field, self._title = field, title
        self._rate_now, self._when = rate_now, when

    def compose(self) -> ComposeResult:
        """Make the dialog."""
        field = self._field
        with Vertical(id="dialog") as box:
            box.border_title = Content(self._title)
            yield Static(Content.assemble((display.literal(field.description), "$foreground 80%")))
            yield Static(Content.assemble((f"{display.literal(field.path)} is ", "$foreground-muted"),
                                          (display.literal(field.value), "bold"),
                                          (f"   {field.bounds}", "$foreground-muted")))  # fmt: skip
            yield OneLineInput(field.value, id="value", select_on_focus=True)
            yield Static(" ", id="problem")
            text = self._when
            if field.path == "optim.lr" and self._rate_now is not None:
                text = f"{LEARNING_RATE.format(now=formatting.learning_rate(self._rate_now))} {self._when}"
            yield Static(Content(text), id="explanation")
            yield from buttons("Change")

    def on_mount(self) -> None:
        """Begin in the box."""
        self.query_one("#value", Input).focus()

    @on(Input.Changed, "#value")
    def check(self) -> None:
        """Say what is wrong with what stands in the box."""
        problem = self._problem()
        self.query_one("#problem", Static).update(Content(f"✗ {display.literal(problem)}" if problem else " "))
        self.query_one("#accept", Button).disabled = bool(problem)

    def _problem(self) -> str:
        return self._field.check(self.query_one("#value", Input).value.strip())

    @on(Input.Submitted, "#value")
    def action_accept(self) -> None:
        """Close with the value, unless it is wrong; the one that stands already changes nothing."""
        if not self._problem():
            text = self.query_one("#value", Input).value.strip()
            self.dismiss(None if text == self._field.value else text)

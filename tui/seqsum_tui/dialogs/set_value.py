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
from seqsum.errors import ConfigError
from seqsum.schema import as_text
from seqsum_tui.dialogs.dialog import Dialog, buttons
from seqsum_tui.shared import dialog_keys, display
from seqsum_tui.shared.one_line import OneLineInput

if TYPE_CHECKING:
    from seqsum.config import Config

WHEN = "It takes effect at the next step of a run that trains, or when a stopped one goes on."
LEARNING_RATE = (
    "This is the peak. The schedule scales it: the rate in use now is {now}, and the new peak scales in the same way, "
    "at once."
)


class SetValueScreen(Dialog[str]):
    """Asks for a new value of one field, checked as one types. Closes with its text, or None.

    Args:
        config: the run's configuration as it stands.
        path: the field, e.g. `optim.lr`.
        title: what the dialog is called.
        rate_now: the learning rate in use, for the learning rate's own explanation.
        when: from when on the value counts.
    """

    CSS_PATH = "set_value.tcss"
    BINDINGS: ClassVar[list[BindingType]] = dialog_keys.SET_VALUE

    def __init__(self, config: Config, path: str, title: str, rate_now: float | None = None, when: str = WHEN) -> None:
        super().__init__()

        self._config, self._path, self._title = config, path, title
        self._facts = next(facts for facts in config.fields() if facts.path == path)
        self._value = as_text(config.value(path))
        self._rate_now, self._when = rate_now, when

    def compose(self) -> ComposeResult:
        """Make the dialog."""
        facts = self._facts
        bounds = ", ".join(filter(None, (facts.bounds, facts.unit or "", "off for none" if facts.optional else "")))
        with Vertical(id="dialog") as box:
            box.border_title = Content(self._title)
            yield Static(Content.assemble((facts.description, "$foreground 80%")))
            yield Static(Content.assemble((f"{self._path} is ", "$foreground-muted"), (self._value, "bold"),
                                          (f"   {bounds}", "$foreground-muted")))  # fmt: skip
            yield OneLineInput(self._value, id="value", select_on_focus=True)
            yield Static(" ", id="problem")
            text = self._when
            if self._path == "optim.lr" and self._rate_now is not None:
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
        try:
            self._config.changed({self._path: self.query_one("#value", Input).value.strip()}, "set")
        except ConfigError as error:
            return "; ".join(reason for _, reason in error.problems)
        return ""

    @on(Input.Submitted, "#value")
    def action_accept(self) -> None:
        """Close with the value, unless it is wrong; the one that stands already changes nothing."""
        if not self._problem():
            text = self.query_one("#value", Input).value.strip()
            self.dismiss(None if text == self._value else text)

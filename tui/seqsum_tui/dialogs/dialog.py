"""What all dialogs have: a frame over the screen they belong to, buttons, and a way out."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.screen import ModalScreen, ScreenResultType
from textual.widgets import Button, OptionList, Static
from textual.widgets.button import ButtonVariant

from seqsum_tui.shared.context import ConsoleScreen


class Dialog(ConsoleScreen[ScreenResultType | None], ModalScreen[ScreenResultType | None]):
    """Closes with what a person chose in it; with None when it is cancelled."""

    DEFAULT_CSS = """
    Dialog {
        align: center middle;
        /* The screen beneath is dimmed: Textual takes the styles of the first base alone. */
        background: $background 60%;
        &:ansi { background: transparent; }
        #dialog {
            width: 72; max-width: 100%; height: auto; max-height: 100%;
            border: round $primary; background: $surface; padding: 0 1;
        }
        #buttons { height: 1; margin-top: 1; align-horizontal: right; }
        #buttons > #keys { width: 1fr; color: $foreground-muted; text-wrap: nowrap; text-overflow: ellipsis; }
        #buttons > Button { margin-left: 2; min-width: 10; }
    }
    """

    def action_cancel(self) -> None:
        """Close, and leave all as it is."""
        self.dismiss(None)


def buttons(done: str, variant: ButtonVariant = "primary", keys: str = "") -> ComposeResult:
    """Make the last line: in words what keys do, a button for the action `accept`, and one for `cancel`."""
    with Horizontal(id="buttons"):
        if keys:
            yield Static(keys, id="keys")
        yield Button(done, variant=variant, id="accept", compact=True, action="screen.accept")
        yield Button("Cancel", id="cancel", compact=True, action="screen.cancel")


def move_cursor(listed: OptionList, lines: int) -> None:
    """Move the cursor of a list by so many lines, not beyond its ends."""
    if listed.option_count:
        listed.highlighted = min(max((listed.highlighted or 0) + lines, 0), listed.option_count - 1)

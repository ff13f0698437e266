"""What happened to a run, newest first."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from seqsum_tui import words

if TYPE_CHECKING:
    from seqsum.runs import Event

MOST = 300


class EventsView(VerticalScroll):
    """One line per event: time, step, kind, and what more there is to say."""

    DEFAULT_CSS = """
    EventsView {
        padding: 0 1; scrollbar-size-vertical: 1;
    }
    """

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._shown: tuple[Event, ...] = ()

    def compose(self) -> ComposeResult:
        """Make the text."""
        yield Static("Nothing has happened yet.")

    def show(self, events: Sequence[Event]) -> None:
        """Show these events."""
        if tuple(events) != self._shown:
            self._shown = tuple(events)
            lines = [line_of(event) for event in reversed(events[-MOST:])]
            self.query_one(Static).update(Content("\n").join(lines) if lines else "Nothing has happened yet.")


def line_of(event: Event) -> Content:
    """Return one event in words."""
    detail = event.detail
    if event.kind == "set":
        text = f"{detail.get('field')} {detail.get('old')}→{detail.get('new')}"
    elif event.kind == "message":
        text = str(detail.get("text", ""))
    else:
        text = "  ".join(f"{key} {value}" for key, value in detail.items() if value is not None)
    return Content.assemble(
        (datetime.fromtimestamp(event.time).strftime("%m-%d %H:%M:%S"), "$foreground 50%"),
        f"  step {event.step:>9,}  ",
        (words.fit(words.literal(event.kind), 11), "bold"),
        words.literal(text),
    )

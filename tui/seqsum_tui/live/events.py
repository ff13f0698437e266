"""What happened to a run, newest first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from seqsum import formatting
from seqsum.runs.store import ANSWERS
from seqsum_tui.live.curves import READING
from seqsum_tui.shared import display

if TYPE_CHECKING:
    from seqsum.runs import Event

MOST = 300


class EventsView(VerticalScroll):
    """One line per event: time, step, kind, and what more there is to say. Checkpoints in a row share a line."""

    DEFAULT_CSS = """
    EventsView {
        padding: 0 1; scrollbar-size-vertical: 1;
    }
    """

    def __init__(self) -> None:
        super().__init__()
        self._events: Sequence[Event] | None = None
        self._shown: Sequence[Event] | None = None

    def compose(self) -> ComposeResult:
        """Make the text."""
        yield Static(READING)

    def show(self, events: Sequence[Event]) -> None:
        """Show these events; while nobody looks, only remember them."""
        self._events = [event for event in events if event.kind != ANSWERS]
        if self.size:
            self._write()

    def on_show(self) -> None:
        """Show what came while nobody looked."""
        self._write()

    def _write(self) -> None:
        if self._events is not None and self._events != self._shown:
            self._shown = self._events
            lines = [line_of(*stretch) for stretch in stretches(self._events)[:MOST]]
            self.query_one(Static).update(Content("\n").join(lines) if lines else "Nothing has happened yet.")


def stretches(events: Sequence[Event]) -> list[tuple[Event, Event, int]]:
    """Return (first, last, how many) for each line, the newest first: checkpoints in a row that were saved for the same
    reason stand together, for a fast run saves hundreds."""
    found: list[tuple[Event, Event, int]] = []
    for event in reversed(events):
        if found and _together(event, found[-1][0]):
            _, last, count = found[-1]
            found[-1] = event, last, count + 1
        else:
            found.append((event, event, 1))
    return found


def _together(one: Event, other: Event) -> bool:
    return one.kind == other.kind == "checkpoint" and one.detail.get("reason") == other.detail.get("reason")


def line_of(first: Event, last: Event, count: int) -> Content:
    """Return one event, or several checkpoints in a row, in words."""
    detail = last.detail
    if last.kind == "set":
        text = f"{detail.get('field')} {detail.get('old')}→{detail.get('new')}" + (
            f"  by {detail['by']}" if "by" in detail else ""
        )
    elif last.kind == "message":
        text = str(detail.get("text", ""))
    elif count > 1:
        text = f"{count:,} since step {first.step:,}  reason {detail.get('reason')}"
    else:
        text = "  ".join(f"{key} {value}" for key, value in detail.items() if value is not None)
    return Content.assemble(
        (formatting.moment(last.time), "$foreground-muted"),
        f"  step {last.step:>9,}  ",
        (display.fit(display.literal(last.kind), 11), "bold"),
        display.literal(text),
    )

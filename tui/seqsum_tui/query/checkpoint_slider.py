"""The checkpoints of a run on a line, the one that is asked, and where it came to be learned."""

from __future__ import annotations

from dataclasses import dataclass

from textual import events
from textual.content import Content
from textual.message import Message
from textual.widget import Widget

from seqsum.formatting import count
from seqsum_tui.charts.marks import QUIET_APART
from seqsum_tui.query.views.learned import AHA

HERE = "▲"
NARROWEST = 8
"""Columns below which there is no line."""


class CheckpointSlider(Widget):
    """One line; on a narrow screen several checkpoints share a place."""

    DEFAULT_CSS = """
    CheckpointSlider { height: 1; padding: 0 1; text-wrap: nowrap; text-overflow: ellipsis; }
    """

    @dataclass
    class Chosen(Message):
        """A person clicked on a checkpoint."""

        step: int

    def __init__(self) -> None:
        super().__init__()
        self._line = range(0)
        """Columns of the line."""
        self._steps: tuple[int, ...] = ()
        self._asked: int | None = None
        self._aha: int | None = None
        self._end = 1
        self._lacks = ""
        self._film = ""

    def show(self, steps: tuple[int, ...], asked: int | None, aha: int | None, end: int, lacks: str, film: str) -> None:
        """Show checkpoints up to step `end`; `asked` None is the newest.

        lacks: what to say where there are none; film: where a film is
        """
        before = self._steps, self._asked, self._aha, self._end, self._lacks, self._film
        if before != (steps, asked, aha, end, lacks, film):
            self._steps, self._asked, self._aha, self._end, self._lacks = steps, asked, aha, end, lacks
            self._film = film
            self.refresh()

    def render(self) -> Content:
        """Draw the line."""
        if not self._steps:
            return Content.styled(self._lacks, "$foreground-muted")
        asked = self._asked if self._asked is not None else self._steps[-1]
        after = f" step {asked:,}" + (" (newest)" if self._asked is None else f" of {self._steps[-1]:,}")
        after += f"  {AHA} aha {self._aha:,}" if self._aha is not None else ""
        after += f"  {self._film}" if self._film else ""
        name, room = "checkpoint ", self.content_size.width - len(after) - 3
        crowded = 2 * len(self._steps) > room - len(name)
        counted = f"{count(len(self._steps), 'checkpoint')} "
        if crowded and room - len(counted) >= NARROWEST:
            name = counted
        width = room - len(name)
        self._line = range(len(name), len(name) + width)
        if width < NARROWEST:
            return Content.assemble(("checkpoint", "$foreground-muted"), (after, "bold"))

        line = ["─"] * width
        last = 2 * width
        for place in sorted({self._place(step) for step in self._steps}, reverse=True):
            # Where they would make a comb, those that stand apart; the name says how many there are.
            if not crowded or last - place >= QUIET_APART:
                line[place], last = "┼", place
        if self._aha is not None:
            line[self._place(self._aha)] = AHA
        line[self._place(asked)] = HERE
        drawn = [(sign, "bold $text-accent" if sign in (HERE, AHA) else "$foreground 45%") for sign in line]
        return Content.assemble((name, "$foreground-muted"), *drawn, (after, "bold"))

    def _place(self, step: int) -> int:
        """Where a step stands on the line."""
        last = len(self._line) - 1
        return min(last, round(step / max(self._end, 1) * last))

    def on_click(self, event: events.Click) -> None:
        """Choose the checkpoint that is nearest to the pointer: of several the newest, or at the start the first."""
        offset = event.get_content_offset(self)
        if offset is not None and self._steps and offset.x in self._line:
            at = offset.x - self._line.start
            steps = reversed(self._steps) if at else self._steps
            self.post_message(self.Chosen(min(steps, key=lambda step: abs(self._place(step) - at))))

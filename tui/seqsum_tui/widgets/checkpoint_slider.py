"""The checkpoints of a run on a line, the one that is asked, and where it came to be learned."""

from __future__ import annotations

from textual.content import Content
from textual.widget import Widget

from seqsum_tui.query_views.learned import AHA

HERE = "▲"


class CheckpointSlider(Widget):
    """One line; on a narrow screen several checkpoints share a place."""

    DEFAULT_CSS = """
    CheckpointSlider { height: 1; padding: 0 1; text-wrap: nowrap; text-overflow: ellipsis; }
    """

    def __init__(self) -> None:
        super().__init__()
        self._steps: tuple[int, ...] = ()
        self._asked: int | None = None
        self._aha: int | None = None
        self._end = 1

    def show(self, steps: tuple[int, ...], asked: int | None, aha: int | None, end: int) -> None:
        """Show checkpoints up to step `end`; `asked` None is the newest."""
        before = self._steps, self._asked, self._aha, self._end
        if before != (steps, asked, aha, end):
            self._steps, self._asked, self._aha, self._end = steps, asked, aha, end
            self.refresh()

    def render(self) -> Content:
        """Draw the line."""
        if not self._steps:
            return Content.styled("no checkpoint yet", "$foreground 60%")
        asked = self._asked if self._asked is not None else self._steps[-1]
        after = f" step {asked:,}" + (" (newest)" if self._asked is None else f" of {self._steps[-1]:,}")
        after += f"  {AHA} aha {self._aha:,}" if self._aha is not None else ""
        width = self.content_size.width - len(after) - 14
        if width < 8:
            return Content.assemble(("checkpoint", "$foreground 60%"), (after, "bold"))

        def place(step: int) -> int:
            return min(width - 1, round(step / max(self._end, 1) * (width - 1)))

        line = ["─"] * width
        for step in self._steps:
            line[place(step)] = "┼"
        if self._aha is not None:
            line[place(self._aha)] = AHA
        line[place(asked)] = HERE
        drawn = [(sign, "bold $text-accent" if sign in (HERE, AHA) else "$foreground 45%") for sign in line]
        return Content.assemble(("checkpoint ", "$foreground 60%"), *drawn, (after, "bold"))

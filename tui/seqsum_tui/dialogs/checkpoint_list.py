"""A list of checkpoints, one to be chosen: step, why it was saved, how the run did there, and how long ago."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from textual.content import Content
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from seqsum import formatting
from seqsum_tui.shared import display

if TYPE_CHECKING:
    from seqsum_tui.dialogs.checkpoints import Saved


class CheckpointList(OptionList):
    """The newest first. `step` is the one under the cursor."""

    DEFAULT_CSS = """
    CheckpointList {
        height: auto; text-wrap: nowrap; text-overflow: ellipsis;
        &, &:focus { border: none; padding: 0; background: $surface; background-tint: transparent 0%; }
        & > .option-list--option-highlighted { background: $primary 50%; }
    }
    """

    def __init__(self, saved: Sequence[Saved], now: float, chosen: int | None = None) -> None:
        self._saved = tuple(saved)
        last = max((one.step for one in saved), default=0)
        width = len(f"{last:,}")
        super().__init__(*[Option(line_of(one, now, width)) for one in self._saved], markup=False)
        steps = [one.step for one in self._saved]
        if steps:
            self.highlighted = steps.index(chosen) if chosen in steps else 0

    @property
    def step(self) -> int | None:
        """The checkpoint under the cursor, or None in an empty list."""
        return None if self.highlighted is None else self._saved[self.highlighted].step

    def move(self, lines: int) -> None:
        """Move the cursor, not beyond the ends."""
        if self._saved:
            self.highlighted = min(max((self.highlighted or 0) + lines, 0), len(self._saved) - 1)


def line_of(saved: Saved, now: float, width: int) -> Content:
    """Return one checkpoint in words."""
    parts = [Content.styled(f"step {saved.step:>{width},}", "bold")]
    for title, value in saved.values:
        shown = formatting.metric(title, value).ljust(7)
        parts.append(Content.assemble((f"{display.literal(title)} ", "$foreground 60%"), shown))
    when = "" if saved.time is None else formatting.ago(now - saved.time)
    parts.append(Content.styled(display.fit(when, max(len(when), 7)), "$foreground 60%"))
    if saved.why:
        parts.append(Content.styled(display.literal(saved.why), "$text-accent"))
    return Content("  ").join(parts)

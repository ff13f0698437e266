"""A list of checkpoints, one to be chosen: step, why it was saved, how the run did there, and how long ago."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from textual.content import Content
from textual.screen import ScreenResultType
from textual.widgets import Button, OptionList, Static
from textual.widgets.option_list import Option

from seqsum import formatting
from seqsum_tui.dialogs.dialog import Dialog, move_cursor
from seqsum_tui.shared import display

if TYPE_CHECKING:
    from seqsum.runs import Run
    from seqsum_tui.dialogs.checkpoints import Saved


class CheckpointList(OptionList):
    """The newest first; not empty. `step` is the one under the cursor."""

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
        self.highlighted = steps.index(chosen) if chosen in steps else 0

    @property
    def step(self) -> int:
        """The checkpoint under the cursor."""
        return self._saved[self.highlighted or 0].step


class CheckpointDialog(Dialog[ScreenResultType]):
    """A dialog about one of a run's checkpoints, under it what would come of it.

    Args:
        run: the run.
        saved: its checkpoints, the newest first; not empty.
        now: the time, for ages.
        chosen: the step under the cursor at first.
    """

    CSS_PATH = "checkpoint_list.tcss"

    def __init__(self, run: Run, saved: Sequence[Saved], now: float, chosen: int | None = None) -> None:
        super().__init__()
        self._run, self._list = run, CheckpointList(saved, now, chosen)

    @property
    def step(self) -> int:
        """The checkpoint under the cursor."""
        return self._list.step

    def action_move(self, lines: int) -> None:
        """Choose an older or newer checkpoint."""
        move_cursor(self._list, lines)

    def outcome(self, text: Content, *, possible: bool) -> None:
        """Say what would happen, or why it can't."""
        self.query_one("#outcome", Static).update(text)
        self.query_one("#accept", Button).disabled = not possible


def line_of(saved: Saved, now: float, width: int) -> Content:
    """Return one checkpoint in words."""
    parts = [Content.styled(f"step {saved.step:>{width},}", "bold")]
    for title, value in saved.values:
        shown = formatting.metric(title, value).ljust(7)
        parts.append(Content.assemble((f"{display.literal(title)} ", "$foreground-muted"), shown))
    when = "" if saved.time is None else formatting.ago(now - saved.time)
    parts.append(Content.styled(display.fit(when, max(len(when), 7)), "$foreground-muted"))
    if saved.why:
        parts.append(Content.styled(display.literal(saved.why), "$text-accent"))
    return Content("  ").join(parts)

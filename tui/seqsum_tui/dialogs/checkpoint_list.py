"""A list of checkpoints, one to be chosen: step, why it was saved, how the run did there, and how long ago."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from typing import TYPE_CHECKING

from textual.content import Content
from textual.screen import ScreenResultType
from textual.widgets import Button, OptionList, Static
from textual.widgets.option_list import Option

from seqsum import formatting
from seqsum.runs.checkpoint_files import steps_saved
from seqsum_tui.dialogs.checkpoints import checkpoints_of
from seqsum_tui.dialogs.dialog import Dialog, move_cursor
from seqsum_tui.shared import display

if TYPE_CHECKING:
    from seqsum.runs import Run, Summary
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
        super().__init__(*self._options_of(now), markup=False)
        steps = [one.step for one in self._saved]
        self.highlighted = steps.index(chosen) if chosen in steps else 0

    def _options_of(self, now: float) -> list[Option]:
        width = len(f"{max((one.step for one in self._saved), default=0):,}")
        return [Option(line_of(one, now, width)) for one in self._saved]

    def follow(self, saved: Sequence[Saved], now: float) -> None:
        """Show what is saved by now. The cursor stays on its step, or goes to the next older one where that is gone."""
        if not saved or tuple(saved) == self._saved:
            return
        step, top = self.step, self.scroll_offset.y
        row = (self.highlighted or 0) - top
        at = next((place for place, one in enumerate(saved) if one.step <= step), len(saved) - 1)
        self._saved = tuple(saved)
        # Who chose this step hears nothing new of it.
        with self.prevent(OptionList.OptionHighlighted) if saved[at].step == step else nullcontext():
            self.clear_options()
            self.add_options(self._options_of(now))
            self.highlighted = at
        # Whoever looks at the newest sees newer ones come; else the lines in view stay where they are.
        if top:
            self.call_after_refresh(self.scroll_to, y=at - row, animate=False)

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
        self._steps: tuple[int, ...] = ()

    def on_mount(self) -> None:
        """Follow a run that still trains."""
        self.begin_reading(self._read, self._follow, lambda error: None)

    def _read(self) -> tuple[Summary, tuple[Saved, ...]] | None:
        steps = tuple(steps_saved(self._run.checkpoints))
        if steps == self._steps:
            return None
        found = self._run.summary(), checkpoints_of(self._run)
        self._steps = steps
        return found

    def _follow(self, found: tuple[Summary, tuple[Saved, ...]]) -> None:
        self._list.follow(self.offered(*found), self.console.now())

    def offered(self, summary: Summary, saved: tuple[Saved, ...]) -> tuple[Saved, ...]:
        """Return which of the checkpoints can be chosen, now that the run stands so."""
        return saved

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

"""Fork and rewind from a screen that has a run in hand: the checkpoints are read, a dialog asks, then it is done."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import TYPE_CHECKING

from seqsum.control import commands
from seqsum.errors import UserError
from seqsum_tui.dialogs.checkpoints import checkpoints_of
from seqsum_tui.dialogs.fork import ForkScreen
from seqsum_tui.dialogs.rewind import RewindScreen, earlier_than
from seqsum_tui.shared import display
from seqsum_tui.shared.key_words import key_word
from seqsum_tui.shared.polling import in_thread
from seqsum_tui.shared.run_actions import RunScreen

if TYPE_CHECKING:
    from seqsum.runs import Run, Summary
    from seqsum_tui.dialogs.checkpoints import Saved
    from seqsum_tui.dialogs.fork import ForkWish


class Branching:
    """Fork and rewind of the run that a screen has in hand.

    step_in_hand: the step that the person looks at, if any: the nearest checkpoint before it is chosen at first.
    """

    def __init__(self, screen: RunScreen, step_in_hand: Callable[[], int | None]) -> None:
        self._screen, self._step_in_hand = screen, step_in_hand

    async def fork(self) -> None:
        """Ask for a checkpoint and changed settings, and go on from there as a run of its own."""
        run, _, saved = await self._held()
        if run is None or not saved:
            return
        app, now = self._screen.app, self._screen.console.now()
        wish = await app.push_screen_wait(ForkScreen(run, saved, now, self._nearest(saved)))
        if wish is not None:
            app.run_worker(self._forked(run, wish), group="actions")

    async def _forked(self, run: Run, wish: ForkWish) -> None:
        console = self._screen.console
        workspace, launcher = console.workspace, console.launcher
        try:
            child = await in_thread(lambda: commands.fork(workspace, launcher, run, wish.step, wish.changes, wish.name))
        except (UserError, OSError, sqlite3.Error) as error:
            self._screen.app.notify(display.told(error), title="No fork", severity="error", timeout=10)
            return
        self._screen.app.notify(f"from step {wish.step:,}", title=f"{child.record.name}: forked")
        # Whoever went elsewhere meanwhile stays there; a way back from the fork is a way back to the list.
        if self._screen.is_open and self._screen.app.screen is self._screen:
            console.open_live(child, instead=True, started=True)

    async def rewind(self) -> None:
        """Ask for a checkpoint, and take the run back to it."""
        run, summary, saved = await self._held()
        if run is None or summary is None or not saved:
            return
        earlier = earlier_than(summary.step, saved)
        if not earlier:
            text = "its only checkpoint is where it stands"
            self._screen.notify(text, title="Nothing to go back to", severity="warning")
            return
        dialog = RewindScreen(run, summary, saved, self._screen.console.now(), self._nearest(earlier))
        step = await self._screen.app.push_screen_wait(dialog)
        if step is None:
            return
        if summary.live:
            self._screen.console.ends_awaited.add(summary.id)
        resumes, undoes = (key_word(self._screen.app, id) for id in ("run.resume", "live.undo_rewind"))
        self._screen.ask_run(
            "rewind",
            lambda run: commands.rewind(run, step, stop_first=True),
            lambda answer: f"back at step {step:,}; {resumes} goes on from there, {undoes} undoes it",
        )

    async def undo_rewind(self) -> None:
        """Bring back what the last rewind put aside."""
        self._screen.ask_run("undo rewind", commands.undo_rewind, lambda answer: f"at step {answer['step']:,} again")

    async def _held(self) -> tuple[Run | None, Summary | None, tuple[Saved, ...]]:
        """Return the run in hand, what is known of it, and its checkpoints; says why there are none."""
        held = self._screen.run_in_hand()
        if held is None:
            return None, None, ()
        run, summary = held
        try:
            saved = await in_thread(lambda: checkpoints_of(run))
            lacks = "" if saved else await in_thread(run.no_checkpoint)
        except (UserError, OSError, sqlite3.Error) as error:
            self._screen.notify(str(error), title="The run can't be read", severity="error")
            return run, summary, ()
        if not saved:
            self._screen.notify(lacks, title="No checkpoint", severity="warning")
        return run, summary, saved

    def _nearest(self, saved: tuple[Saved, ...]) -> int | None:
        step = self._step_in_hand()
        if step is None:
            return None
        return next((one.step for one in saved if one.step <= step), saved[-1].step)

"""Starting what New run holds: one run now, one behind those that wait, or one for each of several seeds."""

from __future__ import annotations

import threading
from collections.abc import Callable

from textual import on, work
from textual.message import Message

from seqsum.config import Config
from seqsum.control.commands import start
from seqsum.control.replicate import Replication
from seqsum.errors import UserError
from seqsum.launch import Launcher
from seqsum.runs import Run
from seqsum_tui.new_run.drafting import NewRunDrafting
from seqsum_tui.new_run.form import ConfigForm
from seqsum_tui.new_run.start_bar import count
from seqsum_tui.shared.display import literal


class NewRunStarting(NewRunDrafting):
    """The part of New run that starts runs, in a thread, and closes the screen once they are there."""

    _launcher: Launcher

    class Started(Message):
        """The worker process exists; `queued` says in words what waits for its turn, if it does."""

        def __init__(self, run: Run, queued: tuple[str, str] | None) -> None:
            super().__init__()
            self.run = run
            self.queued = queued

    class Refused(Message):
        """The run could not be started; the draft stays as it is."""

        def __init__(self, reason: str) -> None:
            super().__init__()
            self.reason = reason

    def __init__(self) -> None:
        super().__init__()
        self._starting = False
        self._done: NewRunStarting.Started | None = None
        self.queued: Run | None = None
        """The run that was queued, of several the first."""

    def _refresh(self) -> None:
        """Show the draft, and whether it is being started."""
        raise NotImplementedError

    def action_start(self) -> None:
        self._begin(queue=False)

    def action_queue(self) -> None:
        self._begin(queue=True)

    def _begin(self, queue: bool) -> None:
        if self._starting:
            return
        config = self.draft.config
        if config is None or self.draft.wrong:
            self.action_next_error()
            self._say(f"{count(self.draft.wrong, 'error')} to put right before the run can start", bad=True)
            return
        self._starting = True
        self._say("")
        self._refresh()
        draft = self.draft
        if draft.seeds > 1:
            self._launch(lambda: self._start_seeds(draft.preset.name, config, draft.seed_range, draft.group))
        else:
            name = draft.name.strip() or None
            self._launch(lambda: self._start_one(draft.preset.name, config, name, queue))

    @work(thread=True, group="start")
    def _launch(self, begin: Callable[[], Started]) -> None:
        try:
            done = begin()
        except UserError as error:
            self.post_message(self.Refused(str(error)))
        except OSError as error:
            self.post_message(self.Refused(f"the worker can't be started: {error.strerror or error}"))
        else:
            self.post_message(done)

    def _start_one(self, preset: str, config: Config, name: str | None, queue: bool) -> Started:
        run = start(self._workspace, self._launcher, preset, config, name, queue)
        text = "It begins when it is its turn and a worker is free."
        return self.Started(run, (f"{literal(run.record.name)} is queued", text) if queue else None)

    def _start_seeds(self, preset: str, config: Config, seeds: range, group: str) -> Started:
        replication = Replication(self._workspace, self._launcher, preset, config, seeds, group)
        due = len(replication.due())
        replication.begin()
        text = f"Seeds {seeds[0]} to {seeds[-1]}, group {literal(group)}; as many train at once as there are workers."
        title = f"{count(due, 'run')} queued" if due else "They are there already: finished, or under way"
        return self.Started(replication.runs[seeds[0]], (title, text))

    @on(Started)
    def _started(self, event: Started) -> None:
        self._done = event
        self.on_screen_resume()

    def on_unmount(self) -> None:
        """Nobody is about to start a run any more."""
        threading.Thread(target=self._launcher.cool, daemon=True).start()

    def on_screen_resume(self) -> None:
        # Another screen may lie on top when the worker answers; this one can close only in front.
        if self._done is None or self.app.screen is not self:
            return
        done, self._done = self._done, None
        if done.queued is not None:
            title, text = done.queued
            self.app.notify(text, title=title, markup=False)
            self.queued = done.run
        self.dismiss(None if done.queued else done.run)

    @on(Refused)
    def _was_refused(self, event: Refused) -> None:
        self._starting = False
        self._refresh()
        form = self.query_one(ConfigForm)
        wrong = [facts.path for facts in self.draft.fields if f"{facts.path}: " in event.reason]
        if wrong:
            self.add_class("-settings")
            form.focus_field(wrong[0])
        self._say(event.reason, bad=True)

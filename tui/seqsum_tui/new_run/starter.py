"""Starting what New run holds: one run now, one behind those that wait, or one for each of several seeds."""

from __future__ import annotations

from dataclasses import dataclass

from textual.message import Message

from seqsum.control.commands import start
from seqsum.control.replicate import Replication
from seqsum.errors import UserError
from seqsum.formatting import count
from seqsum.launch import Launcher
from seqsum.runs import Run, Workspace
from seqsum.runs.waiting import place_of
from seqsum.sweeps.definition import create
from seqsum.sweeps.making import plan
from seqsum.sweeps.optuna_study import check_installed
from seqsum.sweeps.steering import drive_beside
from seqsum_tui.new_run.draft import RunDraft
from seqsum_tui.shared.display import literal


@dataclass
class Started(Message):
    """The worker process exists; `queued` says in title and text what waits for its turn, if it does."""

    run: Run
    queued: tuple[str, str] | None


@dataclass
class Swept(Message):
    """A sweep is being driven."""

    name: str


@dataclass
class Refused(Message):
    """The run could not be started; the draft stays as it is."""

    reason: str


@dataclass(frozen=True)
class Starter:
    """Makes runs in a workspace and has a launcher start their workers. It blocks: call it in a thread."""

    workspace: Workspace
    launcher: Launcher

    def sweep(self, draft: RunDraft) -> Swept | Refused:
        """Write down the sweep that a draft without errors holds, and have it driven by a process of its own."""
        assert draft.config is not None
        trials, name = draft.trials if draft.endless else None, draft.name.strip() or None
        try:
            check_installed()
            wanted = plan(draft.preset.name, draft.config, draft.space, draft.seed_range, trials=trials, name=name)
            made = create(self.workspace, wanted, named=name is not None)
            drive_beside(self.workspace, made.name)
        except UserError as error:
            return Refused(error.in_form)
        except OSError as error:
            return Refused(f"the sweep can't be started: {error.strerror or error}")
        return Swept(made.name)

    def begin(self, draft: RunDraft, queue: bool) -> Started | Refused:
        """Start what a draft without errors holds; several seeds are always queued."""
        try:
            return self._start_seeds(draft) if draft.seeds > 1 else self._start_one(draft, queue)
        except UserError as error:
            return Refused(error.in_form)
        except OSError as error:
            return Refused(f"the worker can't be started: {error.strerror or error}")

    def _start_one(self, draft: RunDraft, queue: bool) -> Started:
        assert draft.config is not None
        name = draft.name.strip() or None
        run = start(self.workspace, self.launcher, draft.preset.name, draft.config, name, queue)
        place = place_of(run.folder) if queue else None
        text = f"It begins when it is its turn{f': {literal(place.told)}' if place else ' and a worker is free'}."
        return Started(run, (f"{literal(run.record.name)} is queued", text) if queue else None)

    def _start_seeds(self, draft: RunDraft) -> Started:
        assert draft.config is not None
        seeds, group = draft.seed_range, draft.group
        replication = Replication(self.workspace, self.launcher, draft.preset.name, draft.config, seeds, group)
        due = len(replication.due())
        replication.begin()
        text = f"Seeds {seeds[0]} to {seeds[-1]}, group {literal(group)}; as many train at once as there are workers."
        title = f"{count(due, 'run')} queued" if due else "They are there already: finished, or under way"
        return Started(replication.runs[seeds[0]], (title, text))

"""What a person does with runs in the list, besides training them: star, name, tags, note, bin, once more."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from seqsum import formatting
from seqsum.errors import UserError
from seqsum.runs import Run, bin
from seqsum.runs.annotations import annotate, check_note, check_tags, check_typed_name
from seqsum.runs.gone import BIN_FOLDER
from seqsum.sweeps.definition import names, sweep_of
from seqsum_tui.dialogs.confirm import ConfirmScreen
from seqsum_tui.dialogs.text_input import LineScreen, NoteScreen
from seqsum_tui.runs.bin_screen import BinScreen
from seqsum_tui.shared import display
from seqsum_tui.shared.context import OPENING
from seqsum_tui.shared.key_words import key_word
from seqsum_tui.shared.polling import in_thread

if TYPE_CHECKING:
    from textual.app import App
    from textual.worker import WorkType

    from seqsum.runs import Summary
    from seqsum_tui.shared.context import Context

T = TypeVar("T")

# Actions that need a run to act on.
NEED_RUN = ("open", "ask", "compare", "star", "rename", "tags", "note", "delete", "again", "mark", "mark_all")
CHANGES = ("star", "rename", "tags", "note", "delete")
MOST_NAMED = 3
MOST_CONFIRMED = 5


@dataclass
class Deletion:
    """Runs that went into the bin together; `done` once all of them are there."""

    ids: list[str] = field(default_factory=list)
    done: bool = False


class EditedList(Protocol):
    """The list that the runs stand in, as the editor sees it."""

    @property
    def app(self) -> App[Any]: ...
    @property
    def console(self) -> Context: ...
    @property
    def is_open(self) -> bool: ...
    def run_in_hand(self) -> tuple[Run, Summary] | None: ...
    def chosen_runs(self) -> list[Summary]: ...
    def named_alike(self, name: str, but: str) -> bool: ...
    def look_at(self, ids: Iterable[str]) -> None: ...
    def were_deleted(self, ids: list[str]) -> None: ...
    def was_started(self, run: Run | None, queued: Run | None) -> None: ...
    def tell_several(self, done: str, problems: list[str], number: int, hint: str = "") -> None: ...
    def refresh_bindings(self) -> None: ...
    def run_worker(self, work: WorkType[Any], *, group: str) -> object: ...


class RunEditor:
    """Changes what is kept of runs, and undoes it. Everything it does to files is done in threads."""

    def __init__(self, listed: EditedList) -> None:
        self._list = listed
        # The last deletion last; one that is under way is there already, so that it can be undone at once.
        self._deleted: list[Deletion] = []
        self._moves = asyncio.Lock()
        # What this console moved into the bin, or is moving back: nobody else did it.
        self._moved: set[str] = set()

    @property
    def can_undo(self) -> bool:
        """Whether there is a deletion to take back."""
        return bool(self._deleted)

    # Star, name, tags, note

    def star(self) -> None:
        """Put a star on the runs; away with it when all have one."""
        runs = self._list.chosen_runs()
        on = not all(run.starred for run in runs)
        self._change(runs, "starred" if on else "without a star", lambda run: {"starred": on})

    def rename(self) -> None:
        """Give the run under the cursor another name."""
        held = self._list.run_in_hand()
        if held is None:
            return
        summary = held[1]

        def take(name: str | None) -> None:
            if name is not None and name != summary.name:
                self._change([summary], "renamed", lambda run: {"name": name})
                if self._list.named_alike(name, summary.id):
                    copy = key_word(self._list.app, "app.copy")
                    text = f"The command line then knows each of them by its id only; {copy} copies it."
                    self._list.app.notify(text, title=f"Another run is called {name}")

        def read(text: str) -> str:
            # A name that it has already may stay.
            return text if text == summary.name else check_typed_name(text, "a fork is how a run goes on with another")

        title = f"Name of {display.literal(summary.name)}"
        self._list.app.push_screen(LineScreen(title, read, value=summary.name, done="takes it", at_once=True), take)

    def tags(self) -> None:
        """Edit the tags that the runs have in common; each keeps its others."""
        runs = self._list.chosen_runs()
        if not runs:
            return
        common = [tag for tag in runs[0].tags if all(tag in run.tags for run in runs)]

        def take(tags: tuple[str, ...] | None) -> None:
            if tags is None:
                return
            gone = set(common) - set(tags)

            def change(run: Summary) -> dict[str, object]:
                def changed() -> list[str]:
                    has = Run(self._list.console.workspace.folder / run.id).outline().tags
                    return [*(tag for tag in has if tag not in gone and tag not in tags), *tags]

                return {"tags": changed}

            self._change(runs, "tagged", change)

        hint = "Separated by commas." + (" These are the tags that all of them have." if len(runs) > 1 else "")
        screen = LineScreen(
            f"Tags of {named(runs)}", lambda text: check_tags(split_tags(text)), hint, value=", ".join(common),
            done="takes them", at_once=True,
        )  # fmt: skip
        self._list.app.push_screen(screen, take)

    def note(self) -> None:
        """Write a note about the runs."""
        runs = self._list.chosen_runs()
        if not runs:
            return
        notes = {run.note for run in runs}

        def take(text: str | None) -> None:
            if text is not None:
                self._change(runs, "with this note" if text else "without a note", lambda run: {"note": text})

        hint = "It replaces the notes that they have." if len(notes) > 1 else ""
        first = notes.pop() if len(notes) == 1 else ""
        screen = NoteScreen(f"Note about {named(runs)}", check_note, hint, value=first, done="keeps it", at_once=True)
        self._list.app.push_screen(screen, take)

    def _change(self, runs: list[Summary], done: str, change: Callable[[Summary], dict[str, object]]) -> None:
        def work() -> list[str]:
            folder = self._list.console.workspace.folder
            return _each(runs, lambda run: annotate(folder / run.id, **change(run)))  # type: ignore[arg-type]

        self._carry(work, done, runs)

    # The bin

    def delete(self) -> None:
        """Put the runs into the bin; several only when one says yes."""
        runs = self._list.chosen_runs()
        if len(runs) < 2:
            self._delete(runs)
            return

        live = sum(run.live for run in runs)
        train = f" {live} of them still train: stop these first, they stay." if live else ""
        group = runs[0].group if len({run.group for run in runs}) == 1 else None
        whose = f"They are of group {display.literal(group)}: " if group else ""
        screen = ConfirmScreen(
            f"Put {formatting.count(len(runs), 'run')} into the bin?",
            f"{whose}{named(runs, MOST_CONFIRMED)}.{train} u brings them back.",
            f"Delete {len(runs)}",
        )
        self._list.app.push_screen(screen, lambda yes: self._delete(runs) if yes else None)

    def _delete(self, runs: list[Summary]) -> None:
        if not runs:
            return
        deletion = Deletion()
        self._deleted.append(deletion)
        self._moved.update(run.id for run in runs)
        self._list.refresh_bindings()

        def work() -> list[str]:
            def one(summary: Summary) -> None:
                bin.delete(Run(self._list.console.workspace.folder / summary.id))
                deletion.ids.append(summary.id)

            return _each(runs, one)

        def after() -> None:
            deletion.done = True
            self._forget_empty()
            if deletion.ids:
                self._list.were_deleted(deletion.ids)

        self._carry(work, "in the bin", runs, after, hint=self._way_back, always=True)

    @property
    def _way_back(self) -> str:
        undo, bin = (key_word(self._list.app, id) for id in ("runs.undo", "runs.bin"))
        return f"{undo} brings back; {bin} shows the bin"

    def _forget_empty(self) -> None:
        self._deleted = [one for one in self._deleted if one.ids or not one.done]
        self._list.refresh_bindings()

    def deleted_elsewhere(self, runs: list[Summary]) -> None:
        """Say where runs are that are gone from the list, by another console or the command line."""
        gone = [run for run in runs if run.id not in self._moved]
        if gone:
            self._list.app.run_worker(self._tell_gone(gone), group="actions")

    async def _tell_gone(self, runs: list[Summary]) -> None:
        workspace = self._list.console.workspace
        folder = workspace.folder

        def places() -> tuple[list[Summary], list[Summary]]:
            binned = [run for run in runs if (folder / BIN_FOLDER / run.id).is_dir()]
            missing = [run for run in runs if run not in binned and not (folder / run.id).is_dir()]
            # One whose folder was called otherwise by hand is still there.
            there = {entry.summary.created for entry in workspace.index.read().entries} if missing else set()
            return binned, [run for run in missing if run.created not in there]

        binned, missing = await in_thread(places)
        if binned:
            self._deleted.append(Deletion([run.id for run in binned], done=True))
            self._list.refresh_bindings()
            text = f"{named(binned)}: deleted elsewhere. {self._way_back}"
            self._list.app.notify(text, title=f"{formatting.count(len(binned), 'run')} in the bin", timeout=10)
        if missing:
            text = f"{named(missing)}: no folder any more, and none in the bin"
            title = f"{formatting.count(len(missing), 'run')} gone"
            self._list.app.notify(text, title=title, severity="warning", timeout=10)

    def undo(self) -> None:
        """Bring back what was deleted last."""
        if not self._deleted:
            return
        deletion = self._deleted.pop()
        self._list.refresh_bindings()
        self.restore(deletion)

    def restore(self, deletion: Deletion) -> None:
        """Bring runs back from the bin, also those that are still on their way into it."""

        def work() -> list[str]:
            return _each(deletion.ids, lambda id: bin.restore(self._list.console.workspace.folder, id), name=str)

        self._carry(
            work, "back from the bin", deletion, lambda: self._moved.difference_update(deletion.ids), always=True
        )

    def bin(self) -> None:
        """Show the bin."""

        def back(restored: list[str] | None) -> None:
            if restored:
                for deletion in self._deleted:
                    deletion.ids[:] = [id for id in deletion.ids if id not in restored]
                self._moved.difference_update(restored)
                self._forget_empty()
                self._list.look_at(restored)

        self._list.app.push_screen(BinScreen(), back)

    def _carry(
        self,
        work: Callable[[], list[str]],
        done: str,
        runs: list[Summary] | Deletion,
        after: Callable[[], None] = lambda: None,
        *,
        hint: str = "",
        always: bool = False,
    ) -> None:
        """Do it beside the screen, one after the other. One run that is seen to change needs no word of it, unless
        `always`."""
        if not isinstance(runs, Deletion) and not runs:
            return

        async def carry() -> None:
            async with self._moves:
                problems = await in_thread(work)
            after()
            ids = runs.ids if isinstance(runs, Deletion) else [run.id for run in runs]
            if ids and (always or problems or len(ids) > 1):
                self._list.tell_several(done, problems, len(ids), hint)
            if self._list.is_open:
                self._list.look_at(ids)

        self._list.app.run_worker(carry(), group="actions")

    # Once more

    def again(self) -> None:
        """Open New run with the settings of the run under the cursor."""
        held = self._list.run_in_hand()
        if held is not None:
            self._list.run_worker(self._again(*held), group=OPENING)

    async def _again(self, run: Run, summary: Summary) -> None:
        try:
            config = await in_thread(run.config)
        except (UserError, OSError, sqlite3.Error) as error:
            title = f"Re-run {summary.name}"
            self._list.app.notify(display.told(error), title=title, severity="error")
            return
        if sweep_of(summary.group, await in_thread(lambda: names(self._list.console.workspace))) is not None:
            # A sweep's group holds one setting: what is changed now is none of it.
            config = config.changed({"track.group": "off"}, "again")
        self._list.console.open_new_run(self._list.was_started, preset=summary.preset, config=config, name=summary.name)


def split_tags(text: str) -> list[str]:
    """Return the tags that a person typed, separated by commas."""
    return [tag.strip() for tag in text.split(",") if tag.strip()]


def named(runs: list[Summary], most: int = MOST_NAMED) -> str:
    """Return which runs they are: a few names, or how many."""
    if len(runs) > MOST_NAMED and most == MOST_NAMED:
        return formatting.count(len(runs), "run")
    names = ", ".join(display.literal(run.name) for run in runs[:most])
    return names + (f" and {len(runs) - most:,} more" if len(runs) > most else "")


def _each(
    things: Iterable[T],
    work: Callable[[T], object],
    name: Callable[[T], str] = lambda run: run.name,  # type: ignore[attr-defined]
) -> list[str]:
    """Do it to each, and return what went wrong, by name."""
    problems = []
    for thing in things:
        try:
            work(thing)
        except (UserError, OSError) as error:
            problems.append(f"{display.literal(name(thing))}: {display.literal(display.told(error))}")
    return problems

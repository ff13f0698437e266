"""What a person does with runs in the list, besides training them: star, name, tags, note, bin, once more."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, TypeVar

from seqsum import formatting
from seqsum_tui import words
from seqsum_tui.actions import RunScreen
from seqsum_tui.background import in_thread

if TYPE_CHECKING:
    from seqsum.runs import Run, Summary
    from seqsum_tui.screens.new_run import NewRunScreen

T = TypeVar("T")

# Actions that need a run to act on.
NEED_RUN = ("open", "ask", "compare", "star", "rename", "tags", "note", "delete", "again", "mark", "mark_all")
MOST_NAMED = 3


class RunsKeeping(RunScreen):
    """The part of the Runs screen that changes what is kept of runs. Everything it does to files is done in threads."""

    def __init__(self) -> None:
        super().__init__()
        self._deleted: list[list[str]] = []

    # What the screen gives

    def selected_ids(self) -> list[str]:
        """Return the marked runs, else those under the cursor."""
        raise NotImplementedError

    def summary_of(self, run_id: str) -> Summary | None:
        """Return what is known of a run."""
        raise NotImplementedError

    def look_at(self, ids: Iterable[str]) -> None:
        """Something was done to these runs: read them again, now."""
        raise NotImplementedError

    def chosen_runs(self) -> list[Summary]:
        """Return what is known of the runs that the keys act on."""
        return [summary for id in self.selected_ids() if (summary := self.summary_of(id)) is not None]

    # Star, name, tags, note

    def action_star(self) -> None:
        """Put a star on the runs; away with it when all have one."""
        runs = self.chosen_runs()
        on = not all(run.starred for run in runs)
        self._change(runs, "starred" if on else "without a star", lambda run: {"starred": on})

    def action_rename(self) -> None:
        """Give the run under the cursor another name."""
        from seqsum.runs.annotations import check_name
        from seqsum_tui.screens.line import LineScreen

        held = self.run_in_hand()
        if held is None:
            return
        summary = held[1]

        def take(name: str | None) -> None:
            if name is not None and name != summary.name:
                self._change([summary], "renamed", lambda run: {"name": name})

        title = f"Name of {words.literal(summary.name)}"
        self.app.push_screen(LineScreen(title, check_name, value=summary.name, done="takes it", at_once=True), take)

    def action_tags(self) -> None:
        """Edit the tags that the runs have in common; each keeps its others."""
        from seqsum.runs.annotations import check_tags
        from seqsum_tui.screens.line import LineScreen

        runs = self.chosen_runs()
        if not runs:
            return
        common = [tag for tag in runs[0].tags if all(tag in run.tags for run in runs)]

        def take(tags: tuple[str, ...] | None) -> None:
            if tags is None:
                return
            gone = set(common) - set(tags)

            def change(run: Summary) -> dict[str, object]:
                return {"tags": [*(tag for tag in run.tags if tag not in gone and tag not in tags), *tags]}

            self._change(runs, "tagged", change)

        hint = "Separated by commas." + (" These are the tags that all of them have." if len(runs) > 1 else "")
        screen = LineScreen(
            f"Tags of {named(runs)}", lambda text: check_tags(split_tags(text)), hint, value=", ".join(common),
            done="takes them", at_once=True,
        )  # fmt: skip
        self.app.push_screen(screen, take)

    def action_note(self) -> None:
        """Write a note about the runs."""
        from seqsum.runs.annotations import check_note
        from seqsum_tui.screens.line import NoteScreen

        runs = self.chosen_runs()
        if not runs:
            return
        notes = {run.note for run in runs}

        def take(text: str | None) -> None:
            if text is not None:
                self._change(runs, "with this note" if text else "without a note", lambda run: {"note": text})

        hint = "It replaces the notes that they have." if len(notes) > 1 else ""
        first = notes.pop() if len(notes) == 1 else ""
        screen = NoteScreen(f"Note about {named(runs)}", check_note, hint, value=first, done="keeps it", at_once=True)
        self.app.push_screen(screen, take)

    def _change(self, runs: list[Summary], done: str, change: Callable[[Summary], dict[str, object]]) -> None:
        def work() -> list[str]:
            from seqsum.runs.annotations import annotate

            folder = self.console.workspace.folder
            return _each(runs, lambda run: annotate(folder / run.id, **change(run)))  # type: ignore[arg-type]

        self._carry(work, done, runs)

    # The bin

    def action_delete(self) -> None:
        """Put the runs into the bin."""
        runs = self.chosen_runs()
        deleted: list[str] = []

        def work() -> list[str]:
            from seqsum.runs import Run, bin

            def one(summary: Summary) -> None:
                bin.delete(Run(self.console.workspace.folder / summary.id))
                deleted.append(summary.id)

            return _each(runs, one)

        def after() -> None:
            if deleted:
                self._deleted.append(deleted)
                self.were_deleted(deleted)
                self.refresh_bindings()

        self._carry(work, "in the bin", runs, after, hint="u brings back; B shows the bin", always=True)

    def were_deleted(self, ids: list[str]) -> None:
        """These runs are in the bin now."""

    def action_undo(self) -> None:
        """Bring back what was deleted last."""
        if not self._deleted:
            return
        ids = self._deleted.pop()
        self.refresh_bindings()
        self.restore(ids)

    def restore(self, ids: list[str]) -> None:
        """Bring runs back from the bin."""

        def work() -> list[str]:
            from seqsum.runs import bin

            return _each(ids, lambda id: bin.restore(self.console.workspace.folder, id), name=str)

        self._carry(work, "back from the bin", ids, always=True)

    def action_bin(self) -> None:
        """Show the bin."""
        from seqsum_tui.screens.bin import BinScreen

        def back(restored: list[str] | None) -> None:
            if restored:
                self._deleted = [[id for id in ids if id not in restored] for ids in self._deleted]
                self._deleted = [ids for ids in self._deleted if ids]
                self.look_at(restored)
                self.refresh_bindings()

        self.app.push_screen(BinScreen(), back)

    def _carry(
        self,
        work: Callable[[], list[str]],
        done: str,
        runs: list[Summary] | list[str],
        after: Callable[[], None] = lambda: None,
        *,
        hint: str = "",
        always: bool = False,
    ) -> None:
        """Do it beside the screen. One run that is seen to change needs no word of it, unless `always`."""
        if not runs:
            return
        ids = [run if isinstance(run, str) else run.id for run in runs]

        async def carry() -> None:
            problems = await in_thread(work)
            after()
            if always or problems or len(runs) > 1:
                self.tell_several(done, problems, len(runs), hint)
            if self.is_attached:
                self.look_at(ids)

        self.app.run_worker(carry(), group="actions")

    # Once more

    def action_again(self) -> None:
        """Open New run with the settings of the run under the cursor."""
        held = self.run_in_hand()
        if held is not None:
            self.app.run_worker(self._again(*held), group="actions")

    async def _again(self, run: Run, summary: Summary) -> None:
        from seqsum.errors import UserError
        from seqsum_tui.screens.new_run import NewRunScreen

        try:
            config = await in_thread(run.config)
        except (UserError, OSError, sqlite3.Error) as error:
            title = f"Re-run {words.literal(summary.name)}"
            self.notify(words.literal(str(error)), title=title, severity="error", markup=False)
            return
        screen = NewRunScreen(
            self.console.workspace,
            self.console.launcher,
            preset=summary.preset,
            config=config,
            title=f"Run {words.literal(summary.name)} again",
        )
        self.show_new_run(screen)

    def show_new_run(self, screen: NewRunScreen) -> None:
        """Open New run, and go on with what it started."""
        self.app.push_screen(screen, lambda run: self.was_started(run, screen.queued))

    def was_started(self, run: Run | None, queued: Run | None) -> None:
        """New run was left; with a run when one was started, or is queued."""


def split_tags(text: str) -> list[str]:
    """Return the tags that a person typed, separated by commas."""
    return [tag.strip() for tag in text.split(",") if tag.strip()]


def named(runs: list[Summary]) -> str:
    """Return which runs they are: a few names, or how many."""
    if len(runs) > MOST_NAMED:
        return formatting.count(len(runs), "run")
    return ", ".join(words.literal(run.name) for run in runs)


def _each(
    things: Iterable[T],
    work: Callable[[T], object],
    name: Callable[[T], str] = lambda run: run.name,  # type: ignore[attr-defined]
) -> list[str]:
    """Do it to each, and return what went wrong, by name."""
    from seqsum.errors import UserError

    problems = []
    for thing in things:
        try:
            work(thing)
        except (UserError, OSError) as error:
            problems.append(f"{words.literal(name(thing))}: {words.literal(str(error))}")
    return problems

"""The bin: deleted runs, to bring back or to be rid of."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content
from textual.widgets import Static

from seqsum import formatting
from seqsum.errors import UserError
from seqsum.runs import bin
from seqsum.runs.access import read_only
from seqsum_tui.runs.bin_reader import BinReader
from seqsum_tui.runs.table import RunTable
from seqsum_tui.shared import bindings
from seqsum_tui.shared.command_palette import ScreenCommands
from seqsum_tui.shared.context import ConsoleScreen
from seqsum_tui.shared.key_line import KeyLine
from seqsum_tui.shared.polling import in_thread

if TYPE_CHECKING:
    from seqsum_tui.runs.listing import Listing

SURE_SECONDS = 10.0


class BinScreen(ConsoleScreen[list[str]]):
    """The deleted runs, the last one first. Closes with the ids of those that were brought back."""

    CSS_PATH = "bin_screen.tcss"
    COMMANDS = {ScreenCommands}  # noqa: RUF012
    BINDINGS: ClassVar[list[BindingType]] = bindings.BIN
    HELP_TITLE = "Bin"
    HELP_KEYS: ClassVar[list[tuple[str, list[BindingType]]]] = [
        ("Deleted runs", bindings.BIN),
        ("Moving in the list", bindings.RUN_TABLE),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._restored: list[str] = []
        self._listing: Listing | None = None
        self._asked_at: float | None = None

    def compose(self) -> ComposeResult:
        """Make the widgets."""
        yield Static(Content(" Bin "), id="title")
        yield RunTable(self.console.now, id="deleted")
        yield Static(Content("The bin is empty; esc goes back."), id="nothing")
        yield KeyLine()

    def on_mount(self) -> None:
        """Read what is in it, again and again."""
        self.query_one(RunTable).focus()
        reader = BinReader(self.console.workspace, self.console.now)
        self.begin_reading(reader.read, self._show, partial(self.tell_once, title="The bin can't be read"))

    def _show(self, listing: Listing) -> None:
        self._listing = listing
        self.set_class(not listing.lines, "-empty")
        self.query_one(RunTable).show(listing)
        number = formatting.count(len(listing.lines), "deleted run")
        if listing.lines:
            number += f", {formatting.size(sum(line.summary.size or 0 for line in listing.lines))} in all"
        self.query_one("#title", Static).update(
            Content.assemble((" Bin ", "bold $background on $primary"), f"  {number}")
        )
        self.refresh_bindings()

    def why_not(self, action: str, parameters: tuple[object, ...]) -> str | None:
        """In an empty bin there is nothing to do."""
        acts = action not in ("restore", "empty", "mark", "mark_all") or (self._listing and self._listing.lines)
        if action in ("restore", "empty") and (closed := read_only(self.console.workspace_folder)):
            return f"The workspace is {closed}."
        return None if acts else "The bin is empty."

    def action_mark(self) -> None:
        """Mark the run under the cursor, or not."""
        self.query_one(RunTable).action_mark()

    def action_mark_all(self) -> None:
        """Mark every run, or none."""
        self.query_one(RunTable).action_mark_all()

    @on(RunTable.Chosen)
    def restore_chosen(self, message: RunTable.Chosen) -> None:
        """Bring back the run that was clicked on."""
        self._restore([message.key])

    def action_restore(self) -> None:
        """Bring back the marked runs, or the one under the cursor."""
        self._restore(self.query_one(RunTable).selected_ids())

    def _restore(self, ids: list[str]) -> None:
        folder = self.console.workspace.folder

        def work() -> list[str]:
            problems = []
            for id in ids:
                try:
                    bin.restore(folder, id)
                except UserError as error:
                    problems.append(str(error))
                else:
                    self._restored.append(id)
            return problems

        self.run_worker(self._carry(work, f"{formatting.count(len(ids), 'run')} back from the bin"), group="bin")
        self.query_one(RunTable).mark(ids, on=False)

    def action_empty(self) -> None:
        """Delete for good what is in the bin, when asked twice within a while."""
        now = time.monotonic()
        if self._asked_at is None or now - self._asked_at > SURE_SECONDS:
            self._asked_at = now
            lines = self.query_one(RunTable).lines
            freed = formatting.size(sum(line.summary.size or 0 for line in lines))
            number = f"{formatting.count(len(lines), 'run')}, {freed},"
            self.notify(
                f"E once more deletes {number} for good.", title="Empty the bin?", severity="warning",
                timeout=SURE_SECONDS)  # fmt: skip
            return
        self._asked_at = None
        folder = self.console.workspace.folder

        def work() -> list[str]:
            try:
                bin.empty(folder)
            except UserError as error:
                return [str(error)]
            return []

        self.run_worker(self._carry(work, "the bin is empty"), group="bin")

    async def _carry(self, work: Callable[[], list[str]], done: str) -> None:
        problems = await in_thread(work)
        for problem in problems:
            self.notify(problem, title="Bin", severity="error")
        if not problems:
            self.notify(done, title="Bin")
        self.wake()

    def action_back(self) -> None:
        """Back to the list of runs."""
        self.dismiss(self._restored)

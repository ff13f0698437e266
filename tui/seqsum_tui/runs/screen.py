"""The list of runs: where the console opens."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Center, Container, Vertical
from textual.content import Content
from textual.widgets import Static

from seqsum import formatting
from seqsum.runs import Run
from seqsum.runs.access import read_only
from seqsum.runs.filter import LISTS, NUMBERS, TEXTS, TIMES, parse
from seqsum.runs.filter_tokens import FilterError
from seqsum_tui.charts.multiples import SmallMultiples
from seqsum_tui.dialogs.choose import Choice, ChooseScreen
from seqsum_tui.runs.editing import CHANGES, NEED_RUN, RunEditor
from seqsum_tui.runs.filter_completion import FilterCompletion
from seqsum_tui.runs.filter_help import FILTER_WORDS
from seqsum_tui.runs.filter_line import FilterBox, FilterLeft, FilterLine, FilterTyped
from seqsum_tui.runs.listing import URGENT, View
from seqsum_tui.runs.live_wall import MOST, LiveWall, RunTile
from seqsum_tui.runs.preview import RunPreview
from seqsum_tui.runs.reader import WorkspaceReader
from seqsum_tui.runs.table import MARK, ColumnChosen, RunsMarked, RunTable
from seqsum_tui.shared import bindings, display
from seqsum_tui.shared.command_palette import ScreenCommands
from seqsum_tui.shared.context import OPENING
from seqsum_tui.shared.key_line import KeyLine
from seqsum_tui.shared.key_words import key_word
from seqsum_tui.shared.paths import for_people
from seqsum_tui.shared.polling import in_thread
from seqsum_tui.shared.run_actions import RunScreen, no_weights
from seqsum_tui.shared.top_bar import TopBar
from seqsum_tui.shared.verdict_help import VERDICT_WORDS

if TYPE_CHECKING:
    from pathlib import Path

    from seqsum.runs import Summary
    from seqsum.runs.filter import Names
    from seqsum_tui.runs.listing import Line, Listing
    from seqsum_tui.runs.reader import WorkspaceView


BROAD = 180
"""From so many columns on, what runs and the preview stand beside the list."""
# What of the view is remembered for the next time.
KEPT = frozenset({"column", "reverse", "grouped"})


class RunsScreen(RunScreen):
    """Every run of the workspace, live; and more of the one under the cursor."""

    CSS_PATH = "screen.tcss"
    COMMANDS = {ScreenCommands}  # noqa: RUF012
    AUTO_FOCUS = "#runs"
    BINDINGS: ClassVar[list[BindingType]] = bindings.RUNS
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (72, "-wide"), (BROAD, "-broad")]  # noqa: RUF012
    VERTICAL_BREAKPOINTS = [(0, "-lowest"), (14, "-low"), (22, "-middle"), (32, "-high")]  # noqa: RUF012
    HELP_TITLE = "Runs"
    HELP_KEYS: ClassVar[list[tuple[str, list[BindingType]]]] = [
        ("The list, and its runs", bindings.RUNS),
        ("Fork and rewind, once the run is open", bindings.BRANCH),
        ("In the filter", bindings.FILTER),
        ("Moving in the list", bindings.RUN_TABLE),
        ("The curves of a group's runs", SmallMultiples.BINDINGS),
        ("The small charts of what runs (tab goes there)", bindings.TILE),
        ("What a filter says", FILTER_WORDS),
        ("How a run went: the first that holds", VERDICT_WORDS),
    ]

    def __init__(self) -> None:
        super().__init__()
        self.editor = RunEditor(self)
        self._runs: dict[str, Summary] = {}
        self.listing: Listing | None = None
        """What was shown last; None before the first reading."""
        self._counts = ""
        self._unread = 0
        self._read_once = False
        self._all_read = False
        self._asked_once = False

    def compose(self) -> ComposeResult:
        """Make the widgets."""
        folder = self.console.workspace_folder
        yield TopBar(for_people(folder), read_only(folder))
        with Container(id="body"):
            with Vertical(id="list"):
                yield FilterLine()
                yield RunTable(self.console.now, id="runs")
                with Container(id="start"):
                    with Center():
                        yield Static(_ring(), id="ring")
                    yield Static(id="empty")
            with Vertical(id="beside"):
                yield LiveWall()
                yield RunPreview()
        yield KeyLine()

    def on_mount(self) -> None:
        """Start reading once the first picture is there."""
        view = View(**_kept(self.console.layout("runs")))
        self._reader = reader = WorkspaceReader(self.console.workspace, self.console.now, view)
        self.call_after_refresh(
            self.begin_reading, reader.read, self._show, self._failed, stamp=lambda view: view.listing.lines
        )

    @property
    def takes_keys(self) -> bool:
        """What is typed before there is a list waits for it: a filter's letters are no commands."""
        return self._asked_once and super().takes_keys

    # Reading

    def _show(self, view: WorkspaceView) -> None:
        listing = view.listing
        before = self._runs
        if self.listing is None or listing.entries is not self.listing.entries:
            self._runs = {entry.summary.id: entry.summary for entry in listing.entries}
            self._counts = _counts(self._runs.values())
            self.query_one(FilterLine).know(FilterCompletion(listing.entries, listing.names))
        was, self.listing, self._unread = self.listing, listing, view.unread
        # Later the index reads again what it knows: that is no run that is missing.
        self._all_read = self._all_read or not view.unread
        self.told.clear()
        empty = not self._runs
        if empty == bool(before) or not self._read_once:
            self.set_class(empty, "-empty")
            if empty:
                self.query_one("#empty", Static).update(_first_steps(self.console.logs))
            else:
                self.query_one("#runs").focus()
        table = self.query_one(RunTable)
        table.show(listing)
        gone = [id for id in table.marked if id not in self._runs] if not view.unread else []
        if gone:
            table.mark(gone, on=False)
        self._show_beside(view)
        self._show_counts()
        filter_line = self.query_one(FilterLine)
        if filter_line.text == listing.view.filter:
            found = formatting.count(listing.found, "run") if listing.view.filter and listing.error is None else ""
            filter_line.show(found, listing.error)
        if not self._read_once:
            self.app.run_worker(self.console.tell_problems(), name="plug-ins", group="plug-ins")
            if filter_line.text:
                self._look(filter=filter_line.text)
        elif before is not self._runs:
            self.console.tell_endings(before, self._runs)
            lost = [run for id, run in before.items() if id not in self._runs]
            if lost:
                self.editor.deleted_elsewhere(lost)
        for message in view.messages:
            self.notify(message, title="Index of runs")
        if was is None or was.lines is not listing.lines:
            self.refresh_bindings()
        self._read_once = self._asked_once = True
        if not view.whole:
            self.wake()

    def _show_beside(self, view: WorkspaceView) -> None:
        beside = self.query_one("#beside").size
        broad = self.has_class("-broad") and self.has_class("-high")
        most, self._reader.most_running = self._reader.most_running, MOST if broad else 0
        if broad and not most:
            self.wake()
        self.query_one(LiveWall).show(view.running if broad else (), beside.width, beside.height // 2)
        if view.preview is not None or not view.listing.lines:
            self.query_one(RunPreview).show(view.preview)

    def _show_counts(self) -> None:
        marked, listing = self.query_one(RunTable).marked, self.listing
        if listing is None:
            return
        text = self._counts
        if self._unread and not self._all_read:
            text = f"{len(self._runs):,} of {len(self._runs) + self._unread:,} runs read …"
        elif listing.view.filter and listing.error is None:
            text = f"{listing.found:,} of {text}"
        self.query_one(TopBar).counts = f"{MARK} {len(marked):,} marked · {text}" if marked else text

    def _failed(self, error: Exception) -> None:
        self._asked_once = True
        self.tell_once(error, "The workspace can't be read")

    # What the keys do

    def line_in_hand(self) -> Line | None:
        """Return the line under the cursor."""
        return self.query_one(RunTable).selected if self._read_once else None

    def run_in_hand(self) -> tuple[Run, Summary] | None:
        """Return the run under the cursor, of a group the newest."""
        line = self.line_in_hand()
        if line is None:
            return None

        id = line.ids[0]
        return Run(self.console.workspace_folder / id), self._runs.get(id, line.entries[0].summary)

    def runs_in_hand(self) -> list[tuple[Run, Summary]]:
        """Return the marked runs, else those of the line under the cursor."""
        if not self._read_once:
            return []

        folder = self.console.workspace_folder
        return [(Run(folder / summary.id), summary) for summary in self.chosen_runs()]

    def selected_ids(self) -> list[str]:
        """Return the marked runs, else those of the line under the cursor."""
        return self.query_one(RunTable).selected_ids() if self._read_once else []

    def chosen_runs(self) -> list[Summary]:
        """Return what is known of the runs that the keys act on."""
        return [self._runs[id] for id in self.selected_ids() if id in self._runs]

    def named_alike(self, name: str, but: str) -> bool:
        """Whether another run has this name."""
        return any(run.name == name and run.id != but for run in self._runs.values())

    def why_not(self, action: str, parameters: tuple[object, ...]) -> str | None:
        """Without runs there is nothing to open; without deleted ones, nothing to undo."""
        if action == "edit":
            action = str(parameters[0])
        none = "The runs are being read."
        if self._read_once:
            none = f"There is no run yet: {key_word(self.app, 'runs.new')} starts one."
        if action in NEED_RUN and not (self.listing and self.listing.lines):
            return "The filter finds no run." if self._runs else none
        if action in ("filter", "sort", "reverse", "groups") and not self._runs:
            return none
        if action in ("new", "again") and (closed := read_only(self.console.workspace_folder)):
            return f"The workspace is {closed}."
        if action in CHANGES and (why := self.closed()):
            return why
        if action == "filter" and isinstance(self.focused, FilterBox):
            return "The filter has the keys already."
        if action == "undo" and not self.editor.can_undo:
            return f"Nothing was deleted from here; {key_word(self.app, 'runs.bin')} shows the bin."
        held = self.run_in_hand() if action in ("ask", "again") else None
        if held is not None and held[1].script:
            return no_weights(held[1])
        line = self.line_in_hand() if action in ("unfold", "each", "rename") else None
        if (action == "unfold" and (line is None or line.kind == "run")) or (
            action == "each" and (line is None or line.kind != "group")
        ):
            return "The line under the cursor is no group of runs."
        if action == "rename" and (line is None or line.kind == "group"):
            return f"A group has no name of its own; {key_word(self.app, 'runs.unfold')} shows its runs."
        if action == "clear" and not (
            self._read_once and (self.query_one(RunTable).marked or self.query_one(FilterLine).text)
        ):
            return "No run is marked, and there is no filter."
        return super().why_not(action, parameters)

    @on(RunTable.Highlighted)
    def look_closer(self, message: RunTable.Highlighted) -> None:
        """Show more of the line that the cursor came to."""
        self._reader.selected = message.key
        self.wake()
        self.refresh_bindings()

    def on_runs_marked(self, message: RunsMarked) -> None:
        """Say how many are marked."""
        self._show_counts()
        self.refresh_bindings()

    @on(RunTable.Chosen)
    def action_open(self) -> None:
        """Watch the run under the cursor; of a group, show the runs."""
        line = self.line_in_hand()
        if line is not None and line.kind == "group":
            self.action_unfold()
        elif line is not None:
            self.open_run(line.key)

    def open_run(self, run_id: str, *, started: bool = False) -> None:
        """Watch a run; the cursor is on it when one comes back."""
        self.query_one(RunTable).select(run_id)
        self.console.open_live(Run(self.console.workspace_folder / run_id), started=started)

    def action_mark(self) -> None:
        """Mark the runs under the cursor, or not."""
        self.query_one(RunTable).action_mark()

    def action_mark_all(self) -> None:
        """Mark every run that is listed, or none."""
        self.query_one(RunTable).action_mark_all()

    def look_at(self, ids: Iterable[str]) -> None:
        """Something was done to these runs: read them again, now."""
        self._reader.closely |= frozenset(ids)
        self.wake()

    def were_deleted(self, ids: list[str]) -> None:
        """These runs are in the bin now: their marks go with them."""
        self.query_one(RunTable).mark(ids, on=False)

    # What is kept of runs

    def action_edit(self, deed: str) -> None:
        """Have the editor do it."""
        getattr(self.editor, deed)()

    # What is listed, and in which order

    def _look(self, **changes: object) -> None:
        """Look at the list in another way, and remember what is worth it."""
        view = self._reader.view = replace(self._reader.view, **changes)  # type: ignore[arg-type]
        if changes.keys() & KEPT:
            self.console.keep_layout("runs", {name: getattr(view, name) for name in sorted(KEPT)})
        self.wake()

    def action_filter(self) -> None:
        """Type what runs to list."""
        self.query_one(FilterLine).open()

    def on_filter_typed(self, message: FilterTyped) -> None:
        """List what is found so far."""
        self._look(filter=message.text)

    def on_filter_left(self, message: FilterLeft) -> None:
        """Go to the list; not from a filter that can't be read: what is typed next would act on runs."""
        line = self.query_one(FilterLine)
        if not message.cleared and self.listing is not None:
            try:
                parse(line.text, self.listing.names)
            except FilterError as error:
                line.insist(error)
                return
        self.query_one(RunTable).focus()
        self.refresh_bindings()

    def action_clear(self) -> None:
        """Take the marks away; without marks the filter."""
        table = self.query_one(RunTable)
        if table.marked:
            table.mark(list(table.marked), on=False)
        else:
            self.query_one(FilterLine).clear()

    def on_column_chosen(self, message: ColumnChosen) -> None:
        """Sort by the column; by the one that is sorted already, the other way round."""
        view = self._reader.view
        self._look(column=message.key, reverse=view.column == message.key and not view.reverse)

    def action_reverse(self) -> None:
        """Sort the other way round."""
        self._look(reverse=not self._reader.view.reverse)

    def action_sort(self) -> None:
        """Choose what to sort by: a column, a metric, a setting."""
        listing = self.listing
        if listing is None:
            return
        choices = [Choice(key, key, detail) for key, detail in sort_choices(listing.names)]

        def take(chosen: list[str] | None) -> None:
            if chosen:
                self._look(column=chosen[0], reverse=False)

        self.app.push_screen(ChooseScreen("Sort by", choices, current=self._reader.view.column), take)

    def action_groups(self) -> None:
        """Fold runs of a group into one line, or list every run by itself."""
        self._look(grouped=not self._reader.view.grouped)

    def action_unfold(self) -> None:
        """Show the runs of the group under the cursor, or fold them."""
        line = self.line_in_hand()
        group = line.summary.group if line is not None and line.kind != "run" else None
        if group:
            self._look(opened=self._reader.view.opened ^ {group})

    def action_each(self) -> None:
        """Show a curve for each run of the group under the cursor, and give them the keys; or the median again."""
        preview, table = self.query_one(RunPreview), self.query_one(RunTable)
        preview.each_wanted = table.has_focus
        preview.show_again()
        self.set_focus(preview.query_one(SmallMultiples) if preview.each_wanted else table)

    @on(SmallMultiples.Chosen)
    @on(RunTile.Chosen)
    def open_chosen(self, message: SmallMultiples.Chosen | RunTile.Chosen) -> None:
        """Watch the run of a small chart."""
        self.open_run(message.key)

    # Other screens

    def action_ask(self) -> None:
        """Ask the model of the run under the cursor."""
        held = self.run_in_hand()
        if held is not None:
            self.console.open_query(held[0].id)

    def action_compare(self) -> None:
        """Put the marked runs, or the one under the cursor, beside others."""
        self.console.open_compare(self.selected_ids())

    @work(group=OPENING, exclusive=True)
    async def action_sweeps(self) -> None:
        """Show the sweep of the group under the cursor, the only one, or one that is chosen."""
        from seqsum.sweeps.definition import names, sweep_of
        from seqsum_tui.sweep.screen import choose_sweep

        line = self.line_in_hand()
        group = line.summary.group if line is not None and line.summary is not None else None
        workspace = self.console.workspace
        known = await in_thread(lambda: names(workspace)) if group else []
        name = sweep_of(group, known) or await choose_sweep(self, None)
        if name is not None:
            self.console.open_sweep(name)

    def action_new(self) -> None:
        """Choose a preset and start."""
        self.console.open_new_run(self.was_started)

    def was_started(self, run: Run | None, queued: Run | None) -> None:
        """Watch the run that was started; go to one that is queued."""
        if queued is not None:
            self.query_one(RunTable).select(queued.id)
            self.wake()
        if run is not None:
            self._reader.selected = run.id
            self.open_run(run.id, started=True)


def _counts(runs: Collection[Summary]) -> str:
    if not runs:
        return "no runs yet"
    parts = [formatting.count(len(runs), "run")]
    statuses = Counter(run.status for run in runs)
    parts += [f"{statuses[status]} {status}" for status in URGENT if statuses[status]]
    return " · ".join(parts)


def _kept(layout: Mapping[str, object]) -> dict[str, Any]:
    """What of a kept layout can be used."""
    kinds = {"column": str, "reverse": bool, "grouped": bool}
    return {name: layout[name] for name, kind in kinds.items() if isinstance(layout.get(name), kind)}


def sort_choices(names: Names) -> list[tuple[str, str]]:
    """Return what one can sort by, each with what it is."""
    columns = [name for name in ("age", *TEXTS, *NUMBERS, *TIMES, *LISTS) if name not in ("id", "note", "reason")]
    found = dict.fromkeys(columns, "column")
    found.update((name, "metric") for name in sorted(names.metrics) if name not in found)
    found.update(
        (path, facts.description if facts is not None else "setting")
        for path, facts in names.settings.items()
        if path in names.present
    )
    return list(found.items())


RING = """\
                  0
            9           1
                         ·
        8                 · 2
                           ·
        7               · · 3
                 · · · ·
            6 · ·       4
                  5

 1 → 3 → 6: how a network adds 1 2 3"""
"""What lesson six shows: the states of a network that adds stand in a ring."""
PATH = "136"
READABLE = "that is JSON Lines, a table whose first line names a column of steps, or TensorBoard's event file"


def _ring() -> Content:
    picture, _, words = RING.rpartition("\n")
    signs = [(sign, "bold $text-accent" if sign in PATH else "") for sign in picture]
    return Content.assemble(*signs, "\n", words)


def _first_steps(logs: Path | None) -> Content:
    """What is to be done where there are no runs. logs: where those of other programs are looked for."""
    key = "bold $background on $accent"
    where = ""
    if logs is not None:
        place = display.literal(for_people(logs))
        where = f"What others log is shown here as soon as it stands in {place}.\n\n"
        if logs.is_file():
            where = f"Nothing in {place} can be read as a log so far: {READABLE}.\n\n"
    return Content.assemble(
        ("No runs yet\n\n", "bold"),
        where,
        *("Press ", (" n ", key), " to choose a preset, then ", (" enter ", key), " to start it.\n"),
        *("The first one, ", ("adds", "bold"), ", learns to add digits, in a second or two.\n\n"),
        ("A run goes on when you close the console; open it again and it is here.\n", "$foreground-muted"),
        *("New to this? ", (" L ", key), " has six lessons; ", (" ? ", key), " shows every key."),
    )

"""The list of runs: where the console opens."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.command import Provider
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Footer, Static

from seqsum_tui import bindings, words
from seqsum_tui.actions import RunScreen
from seqsum_tui.background import Poll
from seqsum_tui.messages import RunChosen, RunHighlighted
from seqsum_tui.paths import for_people
from seqsum_tui.widgets.run_preview import RunPreview
from seqsum_tui.widgets.run_table import RunTable
from seqsum_tui.widgets.top_bar import TopBar

if TYPE_CHECKING:
    from seqsum.runs import Run, Summary
    from seqsum_tui.reading import WorkspaceReader, WorkspaceView


def _commands() -> type[Provider]:
    from seqsum_tui.commands import ScreenCommands

    return ScreenCommands


class RunsScreen(RunScreen):
    """Every run of the workspace, live; and more of the one under the cursor."""

    CSS_PATH = "runs.tcss"
    COMMANDS = {_commands}  # noqa: RUF012
    BINDINGS: ClassVar[list[BindingType]] = bindings.RUNS
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (72, "-wide")]  # noqa: RUF012
    VERTICAL_BREAKPOINTS = [(0, "-low"), (22, "-middle"), (32, "-high")]  # noqa: RUF012
    HELP_TITLE = "Runs"
    HELP_KEYS: ClassVar[list[tuple[str, list[BindingType]]]] = [
        ("The run under the cursor", bindings.RUNS),
        ("Moving in the list", bindings.RUN_TABLE),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._runs: dict[str, Summary] = {}
        self._read_once = False
        self._reader: WorkspaceReader | None = None
        self._poll: Poll | None = None
        self._trouble = ""

    def compose(self) -> ComposeResult:
        """Make the widgets."""
        yield TopBar(for_people(self.console.workspace_folder))
        with Vertical(id="list"):
            yield RunTable(self.console.now, id="runs")
            yield Static(id="empty")
        yield RunPreview()
        yield Footer(compact=True)

    def on_mount(self) -> None:
        """Start reading once the first picture is there."""
        self.call_after_refresh(self._begin)

    def _begin(self) -> None:
        self._poll = Poll(
            self._read, self._show, self._failed, self.console.seconds, lambda: self.console.in_front(self)
        )
        self.run_worker(self._poll.run(), name="runs reader")

    def on_screen_resume(self) -> None:
        """Read again after another screen was in front."""
        self.was_acted_on()

    def was_acted_on(self) -> None:
        """Read now."""
        if self._poll is not None:
            self._poll.wake()

    # Reading

    def _read(self) -> WorkspaceView:
        if self._reader is None:
            # The first reading, in its thread, also imports what the first paint did without.
            import seqsum_tui.charts  # noqa: F401
            from seqsum_tui.reading import WorkspaceReader

            self._reader = WorkspaceReader(self.console.workspace)
        return self._reader.read()

    def _show(self, view: WorkspaceView) -> None:
        before, self._runs = self._runs, {run.id: run for run in view.summaries}
        self._trouble = ""
        empty = not view.summaries
        if empty == bool(before) or not self._read_once:
            self.set_class(empty, "-empty")
            if empty:
                self.query_one("#empty", Static).update(_first_steps())
            else:
                self.query_one("#runs").focus()
        self.query_one(RunTable).show(view.summaries)
        if view.preview is not None:
            self.query_one(RunPreview).show(view.preview)
        self.query_one(TopBar).counts = _counts(view.summaries)
        if not self._read_once:
            self.app.run_worker(self.console.tell_problems(), name="plug-ins", group="plug-ins")
        else:
            self.console.tell_endings(before, self._runs)
        statuses = {id: run.status for id, run in before.items()}
        if statuses != {id: run.status for id, run in self._runs.items()}:
            self.refresh_bindings()
        self._read_once = True

    def _failed(self, error: Exception) -> None:
        text = words.literal(str(error)) or type(error).__name__
        if text != self._trouble:
            self._trouble = text
            self.notify(text, title="The workspace can't be read", severity="error", markup=False)

    # What the keys do

    def run_in_hand(self) -> tuple[Run, Summary] | None:
        """Return the run under the cursor."""
        chosen = self.query_one(RunTable).selected if self._read_once else None
        if chosen is None:
            return None
        from seqsum.runs import Run

        return Run(self.console.workspace_folder / chosen.id), self._runs.get(chosen.id, chosen)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Without runs there is nothing to open."""
        if action in ("open", "ask", "compare"):
            return bool(self._runs)
        return super().check_action(action, parameters)

    def on_run_highlighted(self, message: RunHighlighted) -> None:
        """Show more of the run that the cursor came to."""
        if self._reader is not None:
            self._reader.selected = message.run_id
        self.was_acted_on()
        self.refresh_bindings()

    def on_run_chosen(self, message: RunChosen) -> None:
        """Watch the run."""
        self.open_run(message.run_id)

    def action_open(self) -> None:
        """Watch the run under the cursor."""
        held = self.run_in_hand()
        if held is not None:
            self.open_run(held[0].id)

    def open_run(self, run_id: str) -> None:
        """Watch a run; the cursor is on it when one comes back."""
        from seqsum.runs import Run
        from seqsum_tui.screens.live import LiveScreen

        self.query_one(RunTable).select(run_id)
        self.app.push_screen(LiveScreen(Run(self.console.workspace_folder / run_id)))

    def action_ask(self) -> None:
        """Ask the model of the run under the cursor."""
        from seqsum_tui.screens.query import QueryScreen

        held = self.run_in_hand()
        if held is not None:
            self.app.push_screen(QueryScreen(held[0].id))

    def action_compare(self) -> None:
        """Put the marked runs, or the one under the cursor, beside others."""
        from seqsum_tui.screens.compare import CompareScreen

        held = self.run_in_hand()
        chosen = getattr(self, "selected_ids", None)
        ids = chosen() if chosen is not None else [held[0].id] if held is not None else []
        self.app.push_screen(CompareScreen(ids))

    def action_new(self) -> None:
        """Choose a preset and start."""
        from seqsum_tui.screens.new_run import NewRunScreen

        self.app.push_screen(NewRunScreen(self.console.workspace, self.console.launcher), self._started)

    def _started(self, run: Run | None) -> None:
        if run is not None:
            if self._reader is not None:
                self._reader.selected = run.id
            self.open_run(run.id)


def _counts(runs: tuple[Summary, ...]) -> str:
    if not runs:
        return "no runs yet"
    parts = [words.count(len(runs), "run")]
    for status in ("running", "paused", "queued"):
        number = sum(run.status == status for run in runs)
        if number:
            parts.append(f"{number} {status}")
    return " · ".join(parts)


def _first_steps() -> Content:
    key = "bold $background on $accent"
    return Content.assemble(
        ("No runs yet\n\n", "bold"),
        *("Press ", (" n ", key), " to choose a preset, then ", (" enter ", key), " to start it.\n"),
        *("The first one, ", ("baseline", "bold"), ", learns to add digits; it takes a minute or less.\n\n"),
        ("A run goes on when you close the console; open it again and it is here.\n", "$foreground 60%"),
        ("? shows every key.", "$foreground 60%"),
    )

"""Runs beside each other: curves over one another, a table of values, the settings that differ, and a scatter."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container, Vertical
from textual.content import Content
from textual.widgets import Static

from seqsum import formatting
from seqsum.compare import ComparisonReader
from seqsum.compare.files import Shown
from seqsum.compare.rows import XKind, notes_of
from seqsum.plotting.smoothing import lead
from seqsum.plotting.ticks import AxisKind, format_x
from seqsum_tui.charts import Chart
from seqsum_tui.charts.scatter import Scatter
from seqsum_tui.compare.bar import CompareBar
from seqsum_tui.compare.chart import CompareChart
from seqsum_tui.compare.differences import DifferencesView
from seqsum_tui.compare.files import ExportsComparison
from seqsum_tui.compare.model import ArrangesRows
from seqsum_tui.compare.scatter import SettingScatter
from seqsum_tui.compare.table import CompareTable
from seqsum_tui.shared import bindings, display
from seqsum_tui.shared.command_palette import ScreenCommands
from seqsum_tui.shared.key_line import KeyLine
from seqsum_tui.shared.polling import Poll

if TYPE_CHECKING:
    from seqsum.compare import Comparison, Row, RunData
    from seqsum.compare.files import Part
    from seqsum.runs import Summary

CURVES, SETTINGS, SCATTER = range(3)
PARTS: tuple[Part, ...] = ("curves", "config", "scatter")
BROAD = 170
FEWEST_LINES = 5


class CompareScreen(ArrangesRows, ExportsComparison):
    """Compares runs, live ones too. Leaving changes nothing for them."""

    CSS_PATH = "screen.tcss"
    COMMANDS = {ScreenCommands}  # noqa: RUF012
    BINDINGS: ClassVar[list[BindingType]] = bindings.COMPARE
    HORIZONTAL_BREAKPOINTS = [(0, "-stacked"), (BROAD, "-broad")]  # noqa: RUF012
    HELP_TITLE = "Runs compared"
    HELP_KEYS: ClassVar[list[tuple[str, list[BindingType]]]] = [
        ("The comparison", bindings.COMPARE),
        ("The table", bindings.COMPARE_TABLE),
        ("The settings", bindings.DIFFERENCES),
    ]

    def __init__(self, run_ids: Sequence[str]) -> None:
        # Ids begin with their date: the rows stand in the order in which the runs were made.
        self._ids = sorted(set(run_ids))
        # Opened from one run: the others are compared with it.
        super().__init__(baseline=self._ids[0] if len(self._ids) == 1 else None)
        self._reader: ComparisonReader | None = None
        self._comparison: Comparison | None = None
        self._poll: Poll | None = None
        self._told: set[str] = set()
        self._view = CURVES
        self._x: XKind = "step"
        self._field: str | None = None
        self._of_best = True
        self._end: int | None = -1

    def compose(self) -> ComposeResult:
        """Make the widgets."""
        yield CompareBar()
        yield Static(id="hint")
        with Container(id="body"):
            with Vertical(id="top"):
                yield CompareChart("", x_name="step", empty="Reading…", id="curves")
                yield SettingScatter(id="scatter")
            with Vertical(id="bottom"):
                yield CompareTable()
                yield DifferencesView()
        yield Static(id="empty")
        yield KeyLine()

    def on_mount(self) -> None:
        """Start reading."""
        self._reader = ComparisonReader(self.console.workspace.folder, tuple(self._ids))
        self._poll = Poll(
            self._reader.read, self._show, self._failed, self.console.seconds, lambda: self.console.in_front(self)
        )
        self.query_one(CompareTable).focus()
        self.app.theme_changed_signal.subscribe(self, lambda _: self.show_again())
        self._say_empty()
        self.call_after_refresh(self._aim_reader)
        self.run_worker(self._poll.run(), name="comparison reader")
        if len(self._ids) == 1:
            self.action_add()

    def on_screen_resume(self) -> None:
        """Read again after another screen was in front."""
        self._wake()

    def _wake(self) -> None:
        if self._poll is not None:
            self._poll.wake()

    # Reading

    def _show(self, comparison: Comparison) -> None:
        offered, before, self._comparison = self._offered(), self._summaries(), comparison
        self.console.tell_endings(before, self._summaries())
        for problem in comparison.problems:
            if problem not in self._told:
                self._told.add(problem)
                self.notify(display.literal(problem), title="A run can't be read", severity="error", markup=False)
        if comparison.measures and comparison.measures not in self._told:
            self._told.add(comparison.measures)
            self.notify(display.literal(comparison.measures), title="Measures differ", severity="warning", markup=False)
        if self._reader is not None and self._reader.metric is None and comparison.metrics:
            # What is compared stays, also when a live run writes its first accuracy.
            self._reader.metric = comparison.metric
        self.show_again()
        if offered != self._offered():
            self.refresh_bindings()

    def _summaries(self) -> dict[str, Summary]:
        return {run.id: run.summary for run in self._comparison.runs} if self._comparison else {}

    def _offered(self) -> tuple[bool, bool]:
        """What decides which keys do something."""
        return self._comparison is not None, self.has_groups

    def _failed(self, error: Exception) -> None:
        text = display.literal(str(error)) or type(error).__name__
        if text not in self._told:
            self._told.add(text)
            self.notify(text, title="The runs can't be read", severity="error", markup=False)

    def _aim_reader(self) -> None:
        """Have the next reading fetch as many points as the chart can show, of the stretch it shows."""
        if self._reader is None:
            return
        chart = self.query_one(CompareChart)
        self._reader.buckets = max(2 * chart.size.width, 120)
        view = chart.view if self._x == "step" else None
        self._reader.window = None if view is None else (int(view[0]), int(view[1]) + 1)
        self._reader.lead = 0 if view is None else lead(chart.smoothing)
        self._wake()

    def on_resize(self) -> None:
        """Wider charts show more points."""
        self.call_after_refresh(self._resized)

    def _resized(self) -> None:
        self._share_height()
        self._show_scatter()
        self._aim_reader()

    @on(Chart.ViewChanged)
    def read_stretch(self) -> None:
        """A zoomed chart shows finer buckets."""
        self.call_after_refresh(self._aim_reader)

    # Showing

    def show_again(self) -> None:
        """Show the comparison as it is and as it is asked for."""
        comparison = self._comparison
        if comparison is None or not self.is_attached:
            return
        chart = self.query_one(CompareChart)
        self._show_table(comparison)
        row = self.chosen_row
        self._keep_ends(chart, comparison)
        if chart.title != comparison.metric:
            chart.title = comparison.metric
        chart.set_empty(self._why_empty())
        chart.show(self._rows, self._front(row))
        self._show_settings()
        self._show_scatter()
        self._show_bar()
        self._say_empty()
        self._share_height()

    def _show_table(self, comparison: Comparison) -> None:
        at = self.query_one(CompareChart).cursor_x
        self.make_rows(comparison, at, self._x)
        where = None if at is None else format_x(at, self._x_kind, 0.0)
        self.query_one(CompareTable).show(comparison, self._rows, where)

    def _keep_ends(self, chart: CompareChart, comparison: Comparison) -> None:
        """The axis reaches over all steps of what is drawn, also while only a stretch of them is read."""
        drawn = [run for row in self._rows if row.drawn for run in row.runs] or comparison.runs
        end = max(map(_last_step, drawn), default=0) if self._x == "step" else None
        if end != self._end:
            self._end = end
            view, cursor = chart.view, chart.cursor_x
            if end is None:
                chart.set_x_axis("time", "duration", (0.0, None))
                return
            chart.set_x_axis("step", "number", (0.0, float(max(end, 1))))
            chart.set_view(view)
            chart.set_cursor(cursor)

    @property
    def _x_kind(self) -> AxisKind:
        return "number" if self._x == "step" else "duration"

    @property
    def comparison(self) -> Comparison | None:
        """The last reading."""
        return self._comparison

    @property
    def compared_ids(self) -> Sequence[str]:
        """The runs that are compared, also those not read yet."""
        return self._ids

    @property
    def part(self) -> Part:
        """The part of it that is looked at."""
        return PARTS[self._view]

    @property
    def shown(self) -> Shown | None:
        """Everything that decides what is seen."""
        if self._comparison is None:
            return None
        chart = self.query_one(CompareChart)
        return Shown(
            self._comparison, self._rows, self._x, log_y=chart.log_y, x_range=chart.view, field=self._field,
            of_best=self._of_best, smoothing=chart.smoothing, limits=chart.y_span, leave_out=chart.leave_out,
        )  # fmt: skip

    def _show_settings(self) -> None:
        shown = self.shown
        if shown is None or self._view != SETTINGS:
            return
        metric = shown.comparison.metric
        values = {f"{metric}, final": tuple(formatting.metric(metric, row.final) for row in shown.drawn)}
        if shown.comparison.direction:
            values[f"{metric}, best"] = tuple(formatting.metric(metric, row.best) for row in shown.drawn)
        self.query_one(DifferencesView).show(shown.drawn, shown.differences, values)

    def _show_scatter(self) -> None:
        shown, row = self.shown, self.chosen_row
        if shown is not None and self._view == SCATTER:
            self.query_one(SettingScatter).show(shown, row.key if row else None)

    def _show_bar(self) -> None:
        comparison = self._comparison
        assert comparison is not None
        base = next((row for row in self._rows if row.baseline), None)
        facts = [note for note in notes_of(self._rows) if note.startswith("different")]
        facts += ["not one measure"] if comparison.measures.startswith("not one measure") else []
        if base is not None and len(self._rows) > 1:
            facts.append(f"Δ from {base.look.sign} {display.literal(base.name)}")
        facts.append(formatting.count(len(comparison.runs), "run"))
        if comparison.direction:
            facts.append(f"{comparison.direction} is better")
        self.query_one(CompareBar).show(self._view, tuple(facts))

    def _why_empty(self) -> str:
        comparison = self._comparison
        if comparison is None or not comparison.metrics:
            return "These runs have no metrics yet"
        if self._rows and not any(row.drawn for row in self._rows):
            return "Every run is hidden: space shows the one under the cursor"
        return f"No values of {comparison.metric} here; m shows another metric"

    def _say_empty(self) -> None:
        self.set_class(not self._ids, "-empty")
        if not self._ids:
            self.query_one("#empty", Static).update(_first_steps())
        hint = self.query_one("#hint", Static)
        alone = len(self._ids) == 1
        if hint.display != alone:
            hint.display = alone
            key = ("a", "bold $text-accent")
            hint.update(Content.assemble("One run so far. Press ", key, " to choose what to compare it with."))

    def _share_height(self) -> None:
        """Give the table the lines it needs, up to half of the screen; the chart has the rest."""
        bottom = self.query_one("#bottom")
        if self.size.width >= BROAD:
            bottom.styles.height = "1fr"
            return
        needed = self.query_one(DifferencesView).needed if self._view == SETTINGS else len(self._rows) + 1
        share = 60 if self._view == SETTINGS else 45
        height = min(max(needed, 2), max(FEWEST_LINES, (self.size.height - 2) * share // 100))
        if bottom.styles.height is None or bottom.styles.height.value != height:
            bottom.styles.height = height

    @on(CompareTable.Highlighted)
    def bring_to_front(self) -> None:
        """The row under the cursor lies over the others."""
        row = self.query_one(CompareTable).selected
        if row is None:
            return
        if self._view == SCATTER:
            self.query_one(SettingScatter).choose(row.key)
        self.query_one(CompareChart).show(self._rows, self._front(row))
        self.refresh_bindings()

    def _front(self, row: Row | None) -> str | None:
        """The row that lies on top; over a slow line none, for another order paints the whole chart anew."""
        return None if row is None or self.console.remote else row.key

    @on(Chart.CursorMoved)
    def show_values(self) -> None:
        """The table tells the values at the chart's cursor."""
        if self._comparison is not None:
            self._show_table(self._comparison)

    # What the keys do

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer what there is something to do for."""
        if action in ("back", "add"):
            return True
        if action == "unfold":
            return self.has_groups
        if action in ("field", "choose_field", "best_or_final"):
            return self._view == SCATTER
        return self._comparison is not None or action == "help"

    def action_back(self) -> None:
        """Take the cursor away, or leave."""
        chart = self.query_one(CompareChart)
        if chart.cursor_x is not None and self._view != SCATTER:
            chart.action_clear_cursor()
        else:
            self.dismiss(None)

    def action_view(self, view: int) -> None:
        """Show the curves, the settings or the scatter."""
        self._view = view
        self.set_class(view == SETTINGS, "-settings")
        self.set_class(view == SCATTER, "-scatter")
        self.set_focus(self.query_one(DifferencesView if view == SETTINGS else CompareTable))
        self.show_again()
        self.refresh_bindings()
        # The scatter's ticks depend on the width it gets now.
        self.call_after_refresh(self.show_again)

    def action_hide(self) -> None:
        """Hide the row under the cursor, or show it again, where it can be seen."""
        if self._view != SETTINGS:
            super().action_hide()

    def on_compare_bar_chosen(self, message: CompareBar.Chosen) -> None:
        """Show the view that was clicked."""
        self.action_view(message.view)

    def action_chart(self, action: str, *arguments: int) -> None:
        """Do to the chart what its own key would."""
        chart = self.query_one(CompareChart)
        getattr(chart, f"action_{action}")(*arguments)
        self.query_one(SettingScatter).log_y = chart.log_y
        if action == "smooth":
            self._aim_reader()

    @on(Chart.LimitsSet)
    def take_limits(self) -> None:
        """The scatter has the ends of the curves."""
        chart, scatter = self.query_one(CompareChart), self.query_one(SettingScatter)
        scatter.y_span, scatter.leave_out = chart.y_span, chart.leave_out

    def compare_metric(self, metric: str) -> None:
        """Compare this metric."""
        if self._reader is not None:
            self._reader.metric, self._reader.higher = metric, None
            self._wake()

    def action_direction(self) -> None:
        """Say that higher, or lower, is better."""
        if self._reader is not None and self._comparison is not None:
            self._reader.higher = self._comparison.direction != "higher"
            self._wake()

    def action_time(self) -> None:
        """Curves over training time, or over steps."""
        comparison = self._comparison
        if comparison is None:
            return
        if self._x == "step" and not comparison.has_seconds:
            self.notify("These runs have not written their training time.", markup=False)
            return
        self._x = "time" if self._x == "step" else "step"
        chart = self.query_one(CompareChart)
        chart.set_view(None)
        chart.set_cursor(None)
        self.show_again()
        self._aim_reader()

    def scatter_over(self, field: str) -> None:
        """Show the scatter over a setting."""
        self._field = field
        self.action_view(SCATTER)

    def action_best_or_final(self) -> None:
        """Scatter of best or of last values."""
        self._of_best = not self._of_best
        self.show_again()

    def action_open(self) -> None:
        """Watch the run under the cursor; unfold a group."""
        row = self.chosen_row
        if row is None:
            return
        if row.kind == "group":
            self.action_unfold()
            return
        from seqsum.runs import Run

        self.console.open_live(Run(self.console.workspace.folder / row.key))

    def on_scatter_picked(self, message: Scatter.Picked) -> None:
        """The point that was clicked belongs to the row under the cursor."""
        self.query_one(CompareTable).select(message.key)

    def on_compare_table_opened(self) -> None:
        """Watch the run."""
        self.action_open()

    # Which runs

    def compare_runs(self, ids: Sequence[str]) -> None:
        """Compare these runs instead."""
        self._ids = sorted(set(ids))
        if self._reader is not None:
            self._reader.ids = tuple(self._ids)
        self._say_empty()
        self._wake()


def _first_steps() -> Content:
    key = "bold $background on $accent"
    return Content.assemble(
        ("Nothing to compare yet\n\n", "bold"),
        *(
            "Press ",
            (" a ", key),
            " to choose runs: ",
            (" space ", key),
            " marks several, ",
            (" enter ", key),
            " adds them.\n",
        ),
        ("In the list of runs, c compares the marked ones.", "$foreground 60%"),
    )


def _last_step(run: RunData) -> int:
    """Where a run's curve ends; a fork without points of its own has its parent's."""
    return run.final[0] if run.final else int(run.curve.x[-1]) if run.curve.x.size else 0

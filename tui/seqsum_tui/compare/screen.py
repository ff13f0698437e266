"""Runs beside each other: curves over one another, a table of values, the settings that differ, and a scatter."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, ClassVar, cast

from textual import on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container, Vertical
from textual.content import Content
from textual.widgets import Static

from seqsum import formatting
from seqsum.compare import ComparisonReader
from seqsum.compare.files import Shown, content
from seqsum.compare.significance import tested
from seqsum.errors import UserError
from seqsum.plotting.smoothing import lead
from seqsum.plotting.ticks import AxisKind, format_x
from seqsum.runs import Run
from seqsum_tui.charts import Chart
from seqsum_tui.charts.scatter import Scatter
from seqsum_tui.charts.surface import ChartSurface
from seqsum_tui.compare.chart import CompareChart
from seqsum_tui.compare.differences import DifferencesView
from seqsum_tui.compare.export import offers
from seqsum_tui.compare.model import SCATTER, SETTINGS, CompareModel
from seqsum_tui.compare.scatter import SettingScatter
from seqsum_tui.compare.table import CompareTable
from seqsum_tui.dialogs.choose import Choice, ChooseScreen
from seqsum_tui.dialogs.export import Chosen, ExportScreen, write_shown
from seqsum_tui.shared import bindings, display
from seqsum_tui.shared.command_palette import Command, ScreenCommands
from seqsum_tui.shared.context import OPENING, ConsoleScreen
from seqsum_tui.shared.key_line import KeyLine
from seqsum_tui.shared.key_words import key_ink, keys_line
from seqsum_tui.shared.polling import in_thread
from seqsum_tui.shared.view_bar import ViewBar

if TYPE_CHECKING:
    from seqsum.compare import Comparison, Row
    from seqsum.compare.files import Part
    from seqsum.compare.significance import Tested
    from seqsum.runs import Summary

BROAD, HIGH = 170, 34
"""Columns from which the table stands beside the chart, and lines from which that has a frame."""
FEWEST_LINES = 5
VIEWS = ("Curves", "Settings", "Scatter")
TABLE_KEYS = ("compare.baseline", "baseline"), ("compare.hide", "hides"), ("compare.open", "opens")


class CompareScreen(ConsoleScreen[None]):
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

    def __init__(self, run_ids: Sequence[str], metric: str | None = None, baseline_group: str | None = None) -> None:
        super().__init__()
        self.model = CompareModel(run_ids)
        if baseline_group is not None:
            self.model.baseline = f"group:{baseline_group}"
        self._metric = metric
        self.reader: ComparisonReader | None = None
        self._axis: tuple[AxisKind, int | None] = "number", -1
        self._tested_for: object = None
        self._hinted = Content("")

    def compose(self) -> ComposeResult:
        """Make the widgets."""
        yield ViewBar("Compare", VIEWS)
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
        self.reader = ComparisonReader(self.console.workspace.folder, tuple(self.model.ids))
        self.reader.metric = self._metric
        self.query_one(CompareTable).focus()
        self.app.theme_changed_signal.subscribe(self, lambda _: self.show_again())
        self._say_empty()
        self.call_after_refresh(self._aim_reader)
        self.begin_reading(self.reader.read, self._show, partial(self.tell_once, title="The runs can't be read"))
        if len(self.model.ids) == 1:
            self.action_add()

    # Reading

    def _show(self, comparison: Comparison) -> None:
        offered, before, self.model.comparison = self._offered(), self.model.summaries, comparison
        self.console.tell_endings(before, self.model.summaries)
        for problem in comparison.problems:
            self.tell_once(problem, "A run can't be read")
        if comparison.measures:
            self.tell_once(comparison.measures, "Measures differ", "warning")
        if self.reader is not None and self.reader.metric is None and comparison.metrics:
            # What is compared stays, also when a live run writes its first accuracy.
            self.reader.metric = comparison.metric
        self.show_again()
        if offered != self._offered():
            self.refresh_bindings()

    def _offered(self) -> tuple[bool, bool]:
        """What decides which keys do something."""
        return self.model.comparison is not None, self.model.has_groups

    def _aim_reader(self) -> None:
        """Have the next reading fetch as many points as the chart can show, of the stretch it shows."""
        if self.reader is None:
            return
        chart = self.query_one(CompareChart)
        self.reader.buckets = max(2 * chart.size.width, 120)
        view = chart.view if self.model.x == "step" else None
        ends = None if view is None else [int(self.model.value(end)) for end in view]
        self.reader.window = None if ends is None else (ends[0], ends[1] + 1)
        self.reader.lead = 0 if view is None else lead(chart.smoothing)
        self.wake()

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
        comparison = self.model.comparison
        if comparison is None or not self.is_open:
            return
        chart = self.query_one(CompareChart)
        self._show_table(comparison)
        row = self.chosen_row
        self._keep_ends(chart)
        if chart.title != comparison.metric:
            chart.title = comparison.metric
        chart.set_empty(self.model.why_empty)
        chart.show(self.model.rows, self._front(row), log_x=self.model.log_x)
        self._show_settings()
        self._show_scatter()
        self.query_one(ViewBar).show(self.model.view, self.model.facts)
        self._say_empty()
        self._share_height()
        self._test()

    def _test(self) -> None:
        """Have it worked out beside how sure the differences between groups are, when they are others."""
        wanted, comparison = self.model.to_test, self.model.comparison
        if wanted == self._tested_for or comparison is None:
            return
        self._tested_for, rows = wanted, list(self.model.rows)
        if wanted is None:
            self.model.tested = {}
        else:
            self.run_worker(self._take_tested(lambda: tested(rows, comparison)), group="tested", exclusive=True)

    async def _take_tested(self, work: Callable[[], Mapping[str, Tested]]) -> None:
        self.model.tested = await in_thread(work)
        self.show_again()

    def _show_table(self, comparison: Comparison) -> None:
        at = self.query_one(CompareChart).cursor_x
        self.model.make_rows(None if at is None else self.model.value(at))
        where = None if at is None else format_x(at, self.model.x_kind, 0.0)
        self.query_one(CompareTable).show(comparison, self.model.rows, where, self.model.tested)

    def _keep_ends(self, chart: CompareChart) -> None:
        """The axis reaches over all steps of what is drawn, also while only a stretch of them is read."""
        model, end = self.model, self.model.last_step
        axis = model.x_kind, end
        if axis != self._axis:
            same, self._axis = axis[0] == self._axis[0], axis
            view, cursor = chart.view, chart.cursor_x
            right = None if end is None else math.log10(max(end, 1)) if model.log_x else float(max(end, 1))
            chart.set_x_axis(model.x_name, model.x_kind, (None if model.log_x else 0.0, right))
            if same:
                chart.set_view(view)
                chart.set_cursor(cursor)

    @property
    def chosen_row(self) -> Row | None:
        """The row under the cursor."""
        return self.query_one(CompareTable).selected

    @property
    def shown(self) -> Shown | None:
        """Everything that decides what is seen."""
        chart = self.query_one(CompareChart)
        return self.model.shown(
            log_y=chart.log_y, x_range=chart.view, smoothing=chart.smoothing, limits=chart.y_span,
            leave_out=chart.leave_out,
        )  # fmt: skip

    def _show_settings(self) -> None:
        shown = self.shown
        if shown is None or self.model.view != SETTINGS:
            return
        metric = shown.comparison.metric
        values = {f"{metric}, final": tuple(formatting.metric(metric, row.final) for row in shown.drawn)}
        if shown.comparison.direction:
            values[f"{metric}, best"] = tuple(formatting.metric(metric, row.best) for row in shown.drawn)
        self.query_one(DifferencesView).show(shown.drawn, shown.differences, values)

    def _show_scatter(self) -> None:
        shown, row = self.shown, self.chosen_row
        if shown is not None and self.model.view == SCATTER:
            self.query_one(SettingScatter).show(shown, row.key if row else None)

    def _say_empty(self) -> None:
        self.set_class(not self.model.ids, "-empty")
        if not self.model.ids:
            self.query_one("#empty", Static).update(_first_steps())
        hint, row = self.query_one("#hint", Static), self.chosen_row
        said = Content(display.literal(self.model.said_of(row))) if row is not None else Content("")
        if len(self.model.ids) == 1:
            key = key_ink(self.app, "compare.add")
            said = Content.assemble("One run so far. Press ", key, " to choose what to compare it with.")
        if said != self._hinted:
            self._hinted = said
            # With groups the line stays, so that nothing moves as one goes through them.
            hint.display = bool(said.plain) or bool(self.model.tested)
            hint.update(said)

    def _share_height(self) -> None:
        """Give the table the lines it needs, up to half of the screen; the chart has the rest."""
        bottom = self.query_one("#bottom")
        for chart in self.query(ChartSurface):
            chart.set_class(self.size.height >= HIGH, "-framed")
        bottom.border_title = "Settings" if self.model.view == SETTINGS else "Values"
        bottom.border_subtitle = keys_line(self.app, TABLE_KEYS)
        if self.size.width >= BROAD:
            bottom.styles.height = "1fr"
            return
        needed = self.query_one(DifferencesView).needed if self.model.view == SETTINGS else len(self.model.rows) + 1
        share = 60 if self.model.view == SETTINGS else 45
        height = min(max(needed, 2), max(FEWEST_LINES, (self.size.height - 2) * share // 100))
        if bottom.styles.height is None or bottom.styles.height.value != height:
            bottom.styles.height = height

    @on(CompareTable.Highlighted)
    def bring_to_front(self) -> None:
        """The row under the cursor lies over the others."""
        row = self.chosen_row
        if row is None:
            return
        self._say_empty()
        if self.model.view == SCATTER:
            self.query_one(SettingScatter).choose(row.key)
        self.query_one(CompareChart).show(self.model.rows, self._front(row), log_x=self.model.log_x)
        self.refresh_bindings()

    def _front(self, row: Row | None) -> str | None:
        """The row that lies on top; over a slow line none, for another order paints the whole chart anew."""
        return None if row is None or self.console.remote else row.key

    @on(Chart.CursorMoved)
    def show_values(self) -> None:
        """The table tells the values at the chart's cursor."""
        if self.model.comparison is not None:
            self._show_table(self.model.comparison)

    # What the keys do

    def why_not(self, action: str, parameters: tuple[object, ...]) -> str | None:
        """There must be something to do it for."""
        if action == "unfold" and not self.model.has_groups:
            return "No group of runs is compared."
        if action in ("field", "choose_field", "best_or_final") and self.model.view != SCATTER:
            return "That counts in the scatter: 3 shows it."
        if action not in ("back", "add", "help", "unfold") and self.model.comparison is None:
            return "The runs are being read."
        return None

    def action_back(self) -> None:
        """Take the cursor away, or leave."""
        chart = self.query_one(CompareChart)
        if chart.cursor_x is not None and self.model.view != SCATTER:
            chart.action_clear_cursor()
        else:
            self.dismiss(None)

    def action_view(self, view: int) -> None:
        """Show the curves, the settings or the scatter."""
        self.model.view = view
        self.set_class(view == SETTINGS, "-settings")
        self.set_class(view == SCATTER, "-scatter")
        self.set_focus(self.query_one(DifferencesView if view == SETTINGS else CompareTable))
        self.show_again()
        self.refresh_bindings()
        # The scatter's ticks depend on the width it gets now.
        self.call_after_refresh(self.show_again)

    def on_view_bar_chosen(self, message: ViewBar.Chosen) -> None:
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
        if self.reader is not None:
            self.reader.metric, self.reader.higher = metric, None
            self.wake()

    def action_direction(self) -> None:
        """Say that higher, or lower, is better."""
        if self.reader is not None and self.model.comparison is not None:
            self.reader.higher = self.model.comparison.direction != "higher"
            self.wake()

    def action_time(self) -> None:
        """Curves over training time, or over steps."""
        comparison = self.model.comparison
        if comparison is None:
            return
        if self.model.x == "step" and not comparison.has_seconds:
            self.notify("These runs have not written their training time.")
            return
        self.model.x = "time" if self.model.x == "step" else "step"
        self._take_axis()

    def action_log_x(self) -> None:
        """Curves over a logarithmic x, or a linear one."""
        self.model.log_x = not self.model.log_x
        self._take_axis()

    def _take_axis(self) -> None:
        chart = self.query_one(CompareChart)
        chart.set_view(None)
        chart.set_cursor(None)
        self.show_again()
        self._aim_reader()

    def scatter_over(self, field: str) -> None:
        """Show the scatter over a setting."""
        self.model.field = field
        self.action_view(SCATTER)

    def action_best_or_final(self) -> None:
        """Scatter of best or of last values."""
        self.model.of_best = not self.model.of_best
        self.show_again()

    @on(CompareTable.Chosen)
    def action_open(self) -> None:
        """Watch the run under the cursor; unfold a group."""
        row = self.chosen_row
        if row is None:
            return
        if row.kind == "group":
            self.action_unfold()
            return
        self.console.open_live(Run(self.console.workspace.folder / row.key))

    def on_scatter_picked(self, message: Scatter.Picked) -> None:
        """The point that was clicked belongs to the row under the cursor."""
        self.query_one(CompareTable).select(message.key)

    # The rows

    def action_baseline(self) -> None:
        """Differences are from the row under the cursor."""
        if (row := self.chosen_row) is not None:
            self.model.baseline = row.key
            self.show_again()

    def action_hide(self) -> None:
        """Hide the row under the cursor, or show it again, where it can be seen."""
        if (row := self.chosen_row) is not None and self.model.view != SETTINGS:
            self.model.hide(row.key)
            self.show_again()

    def action_only(self) -> None:
        """Hide all rows but the one under the cursor and the baseline; again, show all."""
        if (row := self.chosen_row) is not None:
            self.model.show_only(row)
            self.show_again()

    def on_compare_table_toggled(self, message: CompareTable.Toggled) -> None:
        """Hide or show the row whose sign was clicked."""
        self.model.hide(message.key)
        self.show_again()

    def action_unfold(self) -> None:
        """Show the runs of a group, or fold them again."""
        row = self.chosen_row
        group = None if row is None else self.model.unfold(row)
        if group is not None:
            self.show_again()
            self.query_one(CompareTable).select(group)
            self.show_again()
        elif row is not None:
            self.query_one(KeyLine).say("This is one run; a group's row unfolds.")

    def action_order(self) -> None:
        """Best rows first, or in the order they were made."""
        self.model.best_first = not self.model.best_first
        self.show_again()

    def action_remove(self) -> None:
        """Take the row under the cursor out of the comparison."""
        if (row := self.chosen_row) is not None:
            self.compare_runs(self.model.without(row))

    # Metric, setting, runs

    def action_metric(self, direction: int) -> None:
        """Compare the next metric."""
        if (metric := self.model.next_metric(direction)) is not None:
            self.compare_metric(metric)

    def action_choose_metric(self) -> None:
        """Choose the metric from a list."""
        comparison = self.model.comparison
        if comparison is not None:
            choices = [Choice(name, name) for name in comparison.metrics]
            screen = ChooseScreen("Metric", choices, current=comparison.metric)
            self.app.push_screen(screen, lambda chosen: self.compare_metric(chosen[0]) if chosen else None)

    def action_field(self, direction: int) -> None:
        """Scatter over the next setting."""
        shown = self.shown
        if shown is not None and (field := self.model.next_field(shown, direction)) is not None:
            self.scatter_over(field)

    def action_choose_field(self) -> None:
        """Choose the scatter's setting from a list."""
        screen = ChooseScreen("Setting", [Choice(path, path) for path in self.model.fields], current=None)
        self.app.push_screen(screen, lambda chosen: self.scatter_over(chosen[0]) if chosen else None)

    @work(group=OPENING, exclusive=True)
    async def action_add(self) -> None:
        """Choose runs to add."""
        try:
            found = await in_thread(self.console.workspace.summaries)
        except (UserError, OSError) as error:
            title = "The workspace can't be read"
            self.notify(display.told(error), title=title, severity="error")
            return
        runs = [run for run in found if run.id not in self.model.ids]
        if not self.is_current:
            return
        if not runs:
            self.notify("There is no other run in this workspace; n in the list of runs starts one.")
            return
        choices = [Choice(run.id, run.name, _detail(run)) for run in runs]
        screen = ChooseScreen("Add runs to the comparison", choices, several=True)
        chosen = await self.app.push_screen_wait(screen)
        if chosen:
            self.compare_runs([*self.model.ids, *chosen])

    def compare_runs(self, ids: Sequence[str]) -> None:
        """Compare these runs instead."""
        self.model.take_runs(ids)
        if self.reader is not None:
            self.reader.ids = tuple(self.model.ids)
        self._say_empty()
        self.wake()

    def extra_commands(self) -> Iterator[Command]:
        """Offer every metric and every setting to the command palette."""
        if self.model.comparison is None:
            return
        for metric in self.model.comparison.metrics:
            yield Command(f"Compare {metric}", f"Show {metric} of every run", partial(self.compare_metric, metric))
        for path in self.model.fields:
            name = f"Scatter over {path}"
            yield Command(name, "A point for each run", partial(self.scatter_over, path))

    # Files

    def copied(self) -> tuple[str, str] | None:
        """Return the table, or the settings that differ, as CSV."""
        shown = self.shown
        if shown is None:
            return None
        part: Part = "config" if self.model.part == "config" else "table"
        try:
            text = content(shown, part, "csv")[0].decode()
        except UserError:
            return None
        return "the settings that differ" if part == "config" else "the table", text

    def action_export(self) -> None:
        """Write what is shown to a file."""
        shown = self.shown
        if shown is not None:
            screen = ExportScreen(offers(self.model.part, shown.comparison.metric))
            self.app.push_screen(screen, lambda chosen: self._begin_to_write(shown, chosen))

    def _begin_to_write(self, shown: Shown, chosen: Chosen | None) -> None:
        if chosen is not None:
            made = partial(content, shown, cast("Part", chosen.offer.part), chosen.offer.format)
            self.run_worker(write_shown(self, chosen.path, made), name="export", group="export")


def _first_steps() -> Content:
    key = "bold $background on $accent"
    return Content.assemble(
        ("Nothing to compare yet\n\n", "bold"),
        *("Press ", (" a ", key), " to choose runs: "),
        *((" space ", key), " marks several, ", (" enter ", key), " adds them.\n"),
        ("In the list of runs, c compares the marked ones.", "$foreground-muted"),
    )


def _detail(run: Summary) -> str:
    group = f", group {run.group}" if run.group else ""
    return f"{display.status(run.status).word}, {run.preset}{group}, {run.id}"

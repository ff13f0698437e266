"""The charts of a run in a grid that a person arranges, in step: one cursor, one stretch of x, one smoothing."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container
from textual.message import Message

from seqsum_tui.charts import Chart, Mark, Series
from seqsum_tui.charts.chart import keys_beside
from seqsum_tui.charts.legend import Note
from seqsum_tui.charts.tiles import Grid
from seqsum_tui.live.curves import READING, event_marks, panel_series, why_empty
from seqsum_tui.live.layout import MOST_CHARTS, LiveLayout, grid_for
from seqsum_tui.live.reader import last_step, x_end
from seqsum_tui.live.x_axis import XAxis
from seqsum_tui.shared.key_words import keys_note
from seqsum_tui.shared.metric_panels import FROM_ZERO, SLIM, Panel

if TYPE_CHECKING:
    from seqsum.plotting.y_range import Limits
    from seqsum_tui.live.reader import RunView

KEYS = (("live.metric", "metric"), ("chart.log_y", "log"), ("chart.smooth_more", "smooth"))
"""What is done with the chart that has the keys, for its frame, behind what `enter` does."""
SHORT, FOR_VALUE = {"learning rate": "lr"}, 12
"""What titles are called where a frame has not so many cells beside them."""
FRAMED = 12
"""Charts so many lines high have a frame."""
LOSS_SIGN, MAIN_SIGN, OTHER_SIGN = 0, 2, 3


@dataclass
class ChartChosen(Message):
    """A person asked for one chart in full (its place), or for all (None)."""

    place: int | None


@dataclass
class ChartLooksChanged(Message):
    """A person gave a chart a logarithmic or linear y axis, or the charts another smoothing."""

    title: str
    log_y: bool
    smoothing: float


class ChartsLaidOut(Message):
    """The charts of the live view have other sizes or other places now."""


class LiveChart(Chart, inherit_bindings=False):
    """A chart whose keys leave room for the live view's."""

    BINDINGS: ClassVar[list[BindingType]] = keys_beside()

    def __init__(self, place: int) -> None:
        super().__init__(empty=READING)
        self.place = place
        self.enlarged = False

    def on_resize(self) -> None:
        """A wider chart shows more points."""
        self.post_message(ChartsLaidOut())

    def _head_of(self, width: int) -> str:
        """In a frame the title has the chart's key before it, and is short where the chart is slim."""
        head = super()._head_of(width)
        if not self.framed or not head:
            return head
        return f"{self.place + 1} {head if width > len(head) + FOR_VALUE else SHORT.get(head, head)}"

    def _told_in_frame(self) -> list[Note]:
        keys = [("live.enlarge", "all charts" if self.enlarged else "enlarge"), *KEYS]
        return [*super()._told_in_frame(), *([keys_note(self.app, keys)] if self.has_focus else [])]

    def action_toggle_log(self) -> None:
        """Change between a linear and a logarithmic y axis, and remember it."""
        super().action_toggle_log()
        self._tell_looks()

    def action_smooth(self, direction: int) -> None:
        """Smooth more (1) or less (-1), and remember it."""
        super().action_smooth(direction)
        self._tell_looks()

    def _tell_looks(self) -> None:
        self.post_message(ChartLooksChanged(self.title, self.log_y, self.smoothing))

    def on_click(self, event: object) -> None:
        """A double click shows this chart alone, or all again."""
        if getattr(event, "chain", 1) == 2:
            self.post_message(ChartChosen(self.place))


class LiveCharts(Container):
    """As many charts as there is room for, or one alone. The others wait to be asked for by their number."""

    DEFAULT_CSS = """
    LiveCharts { layout: grid; grid-gutter: 0 1; grid-rows: 1fr; grid-columns: 1fr; }
    """

    def __init__(self, layout: LiveLayout) -> None:
        super().__init__()
        self.arrangement = layout
        self.axis = XAxis()
        self.enlarged: int | None = None
        self.grid = Grid(1, 1, 1)
        self.charts = [LiveChart(place) for place in range(len(layout.charts))]
        """In their order, also those that have no room."""
        self.panels: Sequence[Panel] = ()
        """What they show."""
        self._ends: dict[str, tuple[Limits | None, bool]] = {}
        """By title, the ends of y that a person set, and whether outliers are left out."""
        self._limits: object = None
        self._laid_out: object = None

    def compose(self) -> ComposeResult:
        """Make the charts."""
        yield from self.charts

    @property
    def in_hand(self) -> int:
        """The place of the chart that has the keys, else of the one that stands alone, else the first."""
        focused = next((chart.place for chart in self.charts if chart.has_focus), None)
        return focused if focused is not None else self.enlarged or 0

    @property
    def buckets(self) -> int:
        """How many buckets a curve needs: two for each cell of the widest chart."""
        return 2 * max([chart.size.width for chart in self.charts if chart.display] + [40])

    @property
    def window(self) -> tuple[float, float] | None:
        """The stretch of steps that is shown, or None for everything. One that follows the newest has no end."""
        chart = self.charts[0]
        if chart.view is None:
            return None
        left, right = chart.view
        return self.axis.step(left), math.inf if chart.following else self.axis.step(right)

    @property
    def cursor_step(self) -> int | None:
        """The step under the cursor, if there is one."""
        x = self.charts[0].cursor_x
        return None if x is None else round(self.axis.step(x))

    # What they show

    def show(self, view: RunView) -> None:
        """Draw what was read."""
        if len(view.panels) != len(self.charts):
            self._make_charts(len(view.panels))
        self._take_axis(view)
        marks = self._marks(view)
        for chart, panel in zip(self.charts, view.panels, strict=True):
            if chart.title != panel.title:
                chart.title = panel.title
            chart.log_y = panel.title in self.arrangement.log
            chart.y_span, chart.leave_out = self._ends.get(panel.title, (None, False))
            chart.smoothing = self.arrangement.smoothing
            chart.set_empty(why_empty(view.summary))
            chart.set_series(self._series(view, panel))
            chart.set_marks(marks)
        self.panels = view.panels
        self._take_y_limits()
        self.lay_out()
        self._align()

    def _align(self) -> None:
        Chart.align_heads(chart for chart in self.charts if chart.display)

    def _take_y_limits(self) -> None:
        """Shares run from 0 to 1, until one zooms in: then it is the difference between 99% and 99.9% that counts."""
        zoomed = self.charts[0].view is not None
        for chart, panel in zip(self.charts, self.panels, strict=False):
            share = panel.share and not zoomed
            chart.set_y_limits(0.0 if share or panel.title in FROM_ZERO else None, 1.0 if share else None)

    def _make_charts(self, count: int) -> None:
        for chart in self.charts[count:]:
            chart.remove()
        kept = self.charts[:count]
        new = [LiveChart(place) for place in range(len(kept), count)]
        for chart in new:
            chart.set_x_axis(self.axis.kind, self.axis.chart_kind)
            chart.set_cursor(kept[0].cursor_x)
        self._limits = None
        self.charts = [*kept, *new]
        self.mount(*new)
        if self.enlarged is not None and self.enlarged >= count:
            self.enlarged = None

    def _take_axis(self, view: RunView) -> None:
        """Bring the x axes up to date. A view that is zoomed stays where it is, unless the axis is another one."""
        last = last_step(view.summary, view.curves)
        limits = view.axis.limits(x_end(view.summary, last), last, view.summary.live)
        before, self.axis = self.axis, view.axis
        other = before.kind != view.axis.kind
        window, cursor = self.charts[0].view, self.charts[0].cursor_x
        following = self.charts[0].following
        if other or ((view.axis.kind, limits) != self._limits and window is None):
            self._limits = view.axis.kind, limits
            for chart in self.charts:
                chart.set_x_axis(self.axis.kind, self.axis.chart_kind, limits)
                if cursor is not None:
                    chart.set_cursor(self.axis.place(before.step(cursor)) if other else cursor)
        tail = self.axis.place(last)
        for chart in self.charts:
            chart.set_tail(tail)
            if other and window is not None:
                left, right = (self.axis.place(before.step(x)) for x in window)
                chart.set_view((left, tail if following else right))

    def _marks(self, view: RunView) -> list[Mark]:
        marks = event_marks(view.events, view.checkpoints)
        if self.axis.kind == "step":
            return marks
        places = self.axis.of(np.array([mark.x for mark in marks], dtype=np.float64))
        return [replace(mark, x=float(place)) for mark, place in zip(marks, places, strict=True)]

    def _series(self, view: RunView, panel: Panel) -> list[Series]:
        curves = {name: self.axis.moved(view.curves[name]) for name in panel.names if name in view.curves}
        parent = None
        if view.parent is not None:
            axis = view.parent.axis
            parent = {name: axis.moved(curve) for name, curve in view.parent.curves.items()}, view.parent.newest
        sign = LOSS_SIGN if panel.title == "loss" else MAIN_SIGN if panel == view.choices[1] else OTHER_SIGN
        return panel_series(panel, curves, view.newest, sign, parent)

    # How they are laid out

    def lay_out(self) -> None:
        """Give each chart its place, as far as there is room."""
        if not self.size:
            return
        width, height = self.size
        slim = bool(self.panels) and self.panels[-1].title in SLIM
        grid = grid_for(len(self.charts), width + 1, height, self.arrangement.columns, slim=slim)
        if self.enlarged is not None:
            grid = Grid(1, 1, 1)
        laid_out = (grid, self.enlarged, self.size, len(self.charts))
        if laid_out == self._laid_out:
            return
        self._laid_out = laid_out
        self.grid = grid
        self.styles.grid_size_columns, self.styles.grid_size_rows = grid.columns, grid.rows
        self.styles.grid_columns = " ".join(["1fr"] * (grid.columns - 1) + [str(grid.slim or "1fr")])
        for chart in self.charts:
            shown = chart.place < grid.shown if self.enlarged is None else chart.place == self.enlarged
            last = self.enlarged is None and chart.place == grid.shown - 1
            chart.styles.column_span = grid.columns - chart.place % grid.columns if last else 1
            chart.display = shown
            chart.enlarged = chart.place == self.enlarged
            chart.set_class(height // grid.rows >= FRAMED, "-framed")
        if self.screen.focused in self.charts and not self.charts[self.in_hand].display:
            self.focus_first()
        self.call_after_refresh(self._align)
        self.post_message(ChartsLaidOut())

    @property
    def room_for(self) -> int:
        """How many charts can be seen at once here, in the present number of columns."""
        width, height = self.size
        return grid_for(MOST_CHARTS, width + 1, height, self.arrangement.columns).shown

    @property
    def squeezed_out(self) -> Panel | None:
        """A panel that needs little room and has none."""
        shown = zip(self.charts, self.panels, strict=False)
        return next((panel for chart, panel in shown if panel.title in SLIM and not chart.display), None)

    def forget_ranges(self) -> None:
        """Take away the ends of y that a person set."""
        self._ends.clear()
        for chart in self.charts:
            chart.y_span, chart.leave_out = None, False

    def enlarge(self, place: int | None) -> None:
        """Show one chart alone; the same again, or None, shows all."""
        if place is not None and place >= len(self.charts):
            return
        held = self.in_hand
        focus = self.screen.focused in self.charts
        self.enlarged = None if place == self.enlarged else place
        self.lay_out()
        if focus or self.enlarged is not None:
            wanted = self.charts[held if self.enlarged is None else self.enlarged]
            self.screen.set_focus(wanted if wanted.display else self.charts[0])

    def focus_first(self) -> None:
        """Give a chart that can be seen the keys."""
        # Not `focus`, which waits for a refresh, and may come after a key that went elsewhere.
        self.screen.set_focus(next((chart for chart in self.charts if chart.display), self.charts[0]))

    def focus_place(self, place: int) -> None:
        """Give one chart the keys, if it can be seen."""
        if 0 <= place < len(self.charts) and self.charts[place].display:
            self.screen.set_focus(self.charts[place])

    def on_resize(self) -> None:
        """More room, more charts."""
        self.lay_out()

    # In step

    def on_chart_cursor_moved(self, message: Chart.CursorMoved) -> None:
        """Move the cursor of all charts."""
        for chart in self.charts:
            if chart is not message.chart:
                chart.set_cursor(message.x)

    def on_chart_view_changed(self, message: Chart.ViewChanged) -> None:
        """Show the same stretch in all charts."""
        for chart in self.charts:
            if chart is not message.chart:
                chart.set_view(message.view)
        self._take_y_limits()

    def on_chart_limits_set(self, message: Chart.LimitsSet) -> None:
        """Keep the ends of y with the metric, wherever its chart is moved."""
        self._ends[message.chart.title] = message.chart.y_span, message.chart.leave_out

    def on_chart_looks_changed(self, message: ChartLooksChanged) -> None:
        """Smooth all charts alike."""
        self.arrangement = replace(self.arrangement.with_log(message.title, message.log_y), smoothing=message.smoothing)
        for chart in self.charts:
            chart.smoothing = message.smoothing
            if chart.title == message.title:
                chart.log_y = message.log_y

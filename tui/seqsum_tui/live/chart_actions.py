"""What a person does with the charts of the live view: add, remove, change, move, and what they stand over."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from seqsum_tui.live.branching import BranchesRuns
from seqsum_tui.live.chart_grid import LiveCharts
from seqsum_tui.live.layout import MOST_CHARTS, MOST_COLUMNS, LiveLayout, moved
from seqsum_tui.shared.messages import ChartChosen, ChartLooksChanged
from seqsum_tui.shared.metric_panels import Panel, title_kept

if TYPE_CHECKING:
    from seqsum_tui.live.reader import RunView

SCREEN = "live"


class ArrangesCharts(BranchesRuns):
    """Adds the actions on the grid of charts. The layout is remembered for every run, and for the next time."""

    def __init__(self) -> None:
        super().__init__()
        self._view: RunView | None = None
        self._ordered: tuple[Panel, ...] | None = None

    # What subclasses give

    def aim_reader(self) -> None:
        """Have the next reading fetch what the charts show."""
        raise NotImplementedError

    # The layout

    @property
    def arrangement(self) -> LiveLayout:
        """How the charts are laid out."""
        return self.query_one(LiveCharts).arrangement

    def take_layout(self, layout: LiveLayout) -> None:
        """Lay the charts out otherwise, and remember it."""
        charts = self.query_one(LiveCharts)
        charts.arrangement = layout
        charts.lay_out()
        self.console.keep_layout(SCREEN, layout.plain())
        self.call_after_refresh(self.aim_reader)

    @property
    def panels(self) -> tuple[Panel, ...]:
        """The charts as the person wants them: the next reading will have them so."""
        if self._view is None:
            return ()
        if self._ordered is None or self._view.wanted == self.arrangement.charts:
            return self._view.panels
        return self._ordered

    def _take_panels(self, panels: Sequence[Panel]) -> None:
        assert self._view is not None
        self._ordered = tuple(panels)
        known = [name for panel in self._view.choices for name in panel.names]
        titles = tuple(title_kept(panel, known) for panel in panels)
        self.take_layout(replace(self.arrangement, charts=titles))

    def _others(self) -> list[Panel]:
        return [] if self._view is None else [one for one in self._view.choices if one not in self.panels]

    def action_metric(self) -> None:
        """Show the next metric in the chart that has the keys."""
        others = self._others()
        if self._view is None or not others:
            return
        place, choices = self.query_one(LiveCharts).in_hand, self._view.choices
        panels = list(self.panels)
        place = min(place, len(panels) - 1)
        # From where it is on, round and round: not the first again that is free.
        at = choices.index(panels[place]) if panels[place] in choices else -1
        order = [*choices[at + 1 :], *choices[: at + 1]]
        panels[place] = next(panel for panel in order if panel in others)
        self._take_panels(panels)

    def action_add_charts(self) -> None:
        """Choose charts to add from all that there are of this run."""
        from seqsum_tui.dialogs.choose import Choice, ChooseScreen

        others = self._others()
        if self._view is None:
            return
        if not others or len(self.panels) >= MOST_CHARTS:
            text = "every metric of the run has its chart" if not others else f"{MOST_CHARTS} charts are the most"
            self.notify(text, markup=False)
            return
        choices = [Choice(panel.title, panel.title, ", ".join(panel.names)) for panel in others]
        self.app.push_screen(ChooseScreen("Add charts", choices, several=True), self._add)

    def _add(self, titles: list[str] | None) -> None:
        if not titles or self._view is None:
            return
        added = [panel for panel in self._others() if panel.title in titles]
        panels = [*self.panels, *added][:MOST_CHARTS]
        self._take_panels(panels)
        charts = self.query_one(LiveCharts)
        charts.enlarged = None
        if charts.room_for < len(panels):
            filled = "" if self.has_class("-filled") else "; f gives the charts the whole screen"
            text = f"{charts.room_for} of {len(panels)} have room here{filled}; a number shows one alone"
            self.notify(text, markup=False)

    def action_remove_chart(self) -> None:
        """Take the chart that has the keys out of the grid."""
        panels = self.panels
        if len(panels) > 1:
            place = min(self.query_one(LiveCharts).in_hand, len(panels) - 1)
            self._take_panels([*panels[:place], *panels[place + 1 :]])

    def action_move_chart(self, by: int) -> None:
        """Move the chart that has the keys, and the keys with it."""
        charts, panels = self.query_one(LiveCharts), self.panels
        place = charts.in_hand
        if place < len(panels):
            order = moved(panels, place, by)
            charts.focus_place(order.index(panels[place]))
            self._take_panels(order)

    def action_columns(self) -> None:
        """One more column, then as many as the size gives again."""
        most = min(MOST_COLUMNS, len(self.query_one(LiveCharts).charts))
        columns = self.arrangement.columns + 1
        self.take_layout(replace(self.arrangement, columns=0 if columns > most else columns))
        self.notify(f"{self.arrangement.columns or 'as many as fit'} in a row", title="Charts", timeout=2, markup=False)

    def action_default_charts(self) -> None:
        """Show the charts that there are at first, as they are at first."""
        self.query_one(LiveCharts).enlarge(None)
        self.take_layout(LiveLayout())

    def action_x_axis(self) -> None:
        """Have the charts stand over what comes next: steps, epochs, time trained, the clock."""
        if self._view is None:
            return
        axes = self._view.axes
        at = axes.index(self._view.axis.kind) if self._view.axis.kind in axes else -1
        self.take_layout(replace(self.arrangement, x=axes[(at + 1) % len(axes)]))

    def action_chart(self, place: int) -> None:
        """Show one chart alone, or all again."""
        self.query_one(LiveCharts).enlarge(place)

    def action_enlarge(self) -> None:
        """Show the chart that has the keys alone, or all again."""
        self.action_chart(self.query_one(LiveCharts).in_hand)

    def on_chart_chosen(self, message: ChartChosen) -> None:
        """Show the chart alone, or all again."""
        self.query_one(LiveCharts).enlarge(message.place)

    def on_charts_laid_out(self) -> None:
        """Wider charts show more points."""
        self.call_after_refresh(self.aim_reader)

    def on_chart_looks_changed(self, message: ChartLooksChanged) -> None:
        """Remember smoothing and axis; a stretch that is smoothed more needs more before it."""
        self.console.keep_layout(SCREEN, self.arrangement.plain())
        self.call_after_refresh(self.aim_reader)

"""What a person does with the charts of the live view: add, remove, change, move, and what they stand over."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from seqsum_tui.dialogs.choose import Choice, ChooseScreen
from seqsum_tui.live.chart_grid import LiveCharts
from seqsum_tui.live.layout import MOST_CHARTS, MOST_COLUMNS, LiveLayout, moved
from seqsum_tui.shared.context import ConsoleScreen
from seqsum_tui.shared.metric_panels import Panel, titles_kept, with_lacking

if TYPE_CHECKING:
    from seqsum_tui.live.reader import RunView

SCREEN = "live"
STEPPED_THROUGH = 12
"""Metrics that one steps through; more are chosen from a list."""


class ChartActions:
    """The actions on a screen's grid of charts. The layout is remembered for every run, and for the next time.

    view: the last reading of the run. aim_reader: has the next reading fetch what the charts show.
    """

    def __init__(self, screen: ConsoleScreen[None], aim_reader: Callable[[], None]) -> None:
        self._screen, self._aim_reader = screen, aim_reader
        self.view: RunView | None = None
        self._ordered: tuple[Panel, ...] | None = None
        self._placed: tuple[tuple[str, Panel], ...] = ()
        """`RunView.placed` as the next reading will have it."""

    @property
    def _charts(self) -> LiveCharts:
        return self._screen.query_one(LiveCharts)

    # The layout

    @property
    def arrangement(self) -> LiveLayout:
        """How the charts are laid out."""
        return self._charts.arrangement

    def take_layout(self, layout: LiveLayout) -> None:
        """Lay the charts out otherwise, and remember it."""
        charts = self._charts
        charts.arrangement = layout
        charts.lay_out()
        self._screen.console.keep_layout(SCREEN, layout.plain())
        self._screen.call_after_refresh(self._aim_reader)

    @property
    def panels(self) -> tuple[Panel, ...]:
        """The charts as the person wants them: the next reading will have them so."""
        if self.view is None:
            return ()
        if self._ordered is None or self.view.wanted == self.arrangement.charts:
            return self.view.panels
        return self._ordered

    def _take_panels(self, panels: Sequence[Panel]) -> None:
        assert self.view is not None
        self._ordered = tuple(panels)
        view, wanted = self.view, self.arrangement.charts
        known = [name for panel in view.choices for name in panel.names]
        shown = view.placed if view.wanted == wanted else self._placed
        titles = titles_kept(panels, shown, known, logged=view.logged)
        self._placed = tuple(zip(titles, panels, strict=True))
        self.take_layout(replace(self.arrangement, charts=with_lacking(titles, wanted, shown)))

    def _others(self) -> list[Panel]:
        return [] if self.view is None else [one for one in self.view.choices if one not in self.panels]

    def next_metric(self) -> None:
        """Show the next metric in the chart that has the keys; of many it is chosen from a list."""
        others = self._others()
        if self.view is None or not others:
            return
        if len(others) > STEPPED_THROUGH:
            self._pick()
            return
        place, choices = self._charts.in_hand, self.view.choices
        panels = list(self.panels)
        place = min(place, len(panels) - 1)
        # From where it is on, round and round: not the first again that is free.
        at = choices.index(panels[place]) if panels[place] in choices else -1
        order = [*choices[at + 1 :], *choices[: at + 1]]
        panels[place] = next(panel for panel in order if panel in others)
        self._take_panels(panels)

    def _pick(self) -> None:
        """Choose what the chart that has the keys shows; what is marked besides is added behind it."""
        place = min(self._charts.in_hand, len(self.panels) - 1)
        now = self.panels[place]
        choices = sorted((_choice(panel) for panel in (now, *self._others())), key=_in_order)
        title = f"Chart {place + 1} shows {now.title}: show instead"
        screen = ChooseScreen(title, choices, several=True, current=now.title)
        self._screen.app.push_screen(screen, lambda titles: self._take_picked(now, titles))

    def _take_picked(self, now: Panel, titles: list[str] | None) -> None:
        panels, others = list(self.panels), {panel.title: panel for panel in self._others()}
        picked = [others[title] for title in titles or () if title in others]
        if picked and now in panels:
            place = panels.index(now)
            self._take_panels([*panels[:place], *picked, *panels[place + 1 :]][:MOST_CHARTS])

    def add(self) -> None:
        """Choose charts to add from all that there are of this run."""
        others = self._others()
        if self.view is None:
            return
        if not others or len(self.panels) >= MOST_CHARTS:
            text = "every metric of the run has its chart" if not others else f"{MOST_CHARTS} charts are the most"
            self._screen.notify(text)
            return
        choices = sorted((_choice(panel) for panel in others), key=_in_order)
        self._screen.app.push_screen(ChooseScreen("Add charts", choices, several=True), self._take_added)

    def _take_added(self, titles: list[str] | None) -> None:
        if not titles or self.view is None:
            return
        added = [panel for panel in self._others() if panel.title in titles]
        panels = [*self.panels, *added][:MOST_CHARTS]
        self._take_panels(panels)
        charts = self._charts
        charts.enlarged = None
        if charts.room_for < len(panels):
            filled = "" if self._screen.has_class("-filled") else "; f gives the charts the whole screen"
            text = f"{charts.room_for} of {len(panels)} have room here{filled}; a number shows one alone"
            self._screen.notify(text)

    def remove(self) -> None:
        """Take the chart that has the keys out of the grid."""
        panels = self.panels
        if len(panels) > 1:
            place = min(self._charts.in_hand, len(panels) - 1)
            self._take_panels([*panels[:place], *panels[place + 1 :]])

    def move(self, by: int) -> None:
        """Move the chart that has the keys, and the keys with it."""
        charts, panels = self._charts, self.panels
        place = charts.in_hand
        if place < len(panels):
            order = moved(panels, place, by)
            charts.focus_place(order.index(panels[place]))
            self._take_panels(order)

    def more_columns(self) -> None:
        """One more column, then as many as the size gives again."""
        most = min(MOST_COLUMNS, len(self._charts.charts))
        columns = self.arrangement.columns + 1
        self.take_layout(replace(self.arrangement, columns=0 if columns > most else columns))
        self._screen.notify(f"{self.arrangement.columns or 'as many as fit'} in a row", title="Charts", timeout=2)

    def reset(self) -> None:
        """Show the charts that there are at first, as they are at first."""
        self._charts.enlarge(None)
        self._charts.forget_ranges()
        self.take_layout(LiveLayout())

    def next_x_axis(self) -> None:
        """Have the charts stand over what comes next: steps, epochs, time trained, the clock."""
        if self.view is None:
            return
        axes = self.view.axes
        at = axes.index(self.view.axis.kind) if self.view.axis.kind in axes else -1
        self.take_layout(replace(self.arrangement, x=axes[(at + 1) % len(axes)]))

    def keep(self) -> None:
        """Remember smoothing and axis; a stretch that is smoothed more needs more before it."""
        self._screen.console.keep_layout(SCREEN, self.arrangement.plain())
        self._screen.call_after_refresh(self._aim_reader)


def _choice(panel: Panel) -> Choice:
    """A chart in a list; its metrics' names are told where they are others than its title."""
    names = ", ".join(panel.names)
    return Choice(panel.title, panel.title, "" if names.replace("_", " ") == panel.title else names)


def _in_order(choice: Choice) -> list[tuple[int, str]]:
    """As people count: layer 2 before layer 10."""
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d+)", choice.name)]

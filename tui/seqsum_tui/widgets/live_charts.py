"""Loss, what the task measures, and learning rate in step: one cursor, one stretch of steps."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal

from seqsum_tui import bindings
from seqsum_tui.charts import Chart, Series
from seqsum_tui.messages import ChartChosen
from seqsum_tui.metric_panels import Panel
from seqsum_tui.reading import last_step, x_end
from seqsum_tui.widgets.curves import event_marks, panel_series

if TYPE_CHECKING:
    from seqsum_tui.reading import RunView

NAMES = ("loss", "accuracy", "lr")


def _keys() -> list[BindingType]:
    keys: list[BindingType] = []
    for binding in Chart.BINDINGS:
        assert isinstance(binding, Binding)
        other = bindings.CHART_KEYS.get(binding.id or "", binding.key)
        # The footer belongs to the run; `?` tells the chart's keys.
        keys.append(replace(binding, key=other, show=False))
    return keys


class LiveChart(Chart, inherit_bindings=False):
    """A chart whose keys leave room for the live view's."""

    BINDINGS: ClassVar[list[BindingType]] = _keys()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Escape takes the cursor away while there is one; else it is the screen's."""
        return self.cursor_x is not None if action == "clear_cursor" else True

    def on_click(self, event: object) -> None:
        """A double click shows this chart alone, or all again."""
        if getattr(event, "chain", 1) == 2 and self.id is not None:
            self.post_message(ChartChosen(NAMES.index(self.id)))


class LiveCharts(Horizontal):
    """The charts side by side, or one alone. On a narrow screen the learning rate waits to be asked for."""

    DEFAULT_CSS = """
    LiveCharts {
        height: 1fr;
        & > LiveChart { width: 1fr; margin-right: 1; display: block; }
        &.-narrow > #lr { display: none; }
        &.-one > LiveChart { display: none; }
        &.-one > LiveChart.-chosen, &.-one > #lr.-chosen { display: block; }
    }
    """

    def __init__(self) -> None:
        super().__init__()
        self._end: float | None = None
        self.enlarged: int | None = None

    def compose(self) -> ComposeResult:
        """Make the charts."""
        yield LiveChart("loss", id="loss", x_name="step", empty="The first values come soon")
        yield LiveChart(
            "accuracy", id="accuracy", x_name="step", y_limits=(0.0, 1.0), empty="The first values come soon"
        )
        yield LiveChart(
            "learning rate", id="lr", x_name="step", y_limits=(0.0, None), empty="The first values come soon"
        )

    @property
    def charts(self) -> list[LiveChart]:
        return list(self.query(LiveChart))

    @property
    def buckets(self) -> int:
        """How many buckets a curve needs: two for each cell of the widest chart."""
        return 2 * max([chart.size.width for chart in self.charts] + [40])

    @property
    def window(self) -> tuple[float, float] | None:
        """The stretch of steps that is shown, or None for everything."""
        return self.query_one("#loss", LiveChart).view

    @property
    def cursor_step(self) -> int | None:
        """The step under the cursor, if there is one."""
        x = self.query_one("#loss", LiveChart).cursor_x
        return None if x is None else round(x)

    def show(self, view: RunView) -> None:
        """Draw what was read."""
        end = x_end(view.summary.steps, last_step(view.summary, view.curves))
        if end != self._end and self.window is None:
            self._end = end
            for chart in self.charts:
                cursor = chart.cursor_x
                chart.set_x_axis("step", limits=(0.0, end))
                chart.set_cursor(cursor)
        marks = event_marks(view.events, view.checkpoints)
        for chart, drawn in zip(self.charts, _series(view), strict=True):
            chart.set_series(drawn)
            chart.set_marks(marks)
        beside = self.query_one("#accuracy", LiveChart)
        if beside.title != view.beside.title:
            beside.title = view.beside.title
            beside.set_y_limits(*((0.0, 1.0) if view.beside.share else (None, None)))

    def enlarge(self, place: int | None) -> None:
        """Show one chart alone; the same again, or None, shows all."""
        focus = any(chart.has_focus for chart in self.charts)
        self.enlarged = None if place == self.enlarged else place
        self.set_class(self.enlarged is not None, "-one")
        for index, chart in enumerate(self.charts):
            chart.set_class(index == self.enlarged, "-chosen")
        if focus or self.enlarged is not None:
            self.charts[self.enlarged or 0].focus()

    def focus_first(self) -> None:
        """Give a chart that can be seen the keys."""
        next((chart for chart in self.charts if chart.display), self.charts[0]).focus()

    def on_resize(self) -> None:
        """Two charts on a narrow screen, three on a wide one."""
        self.set_class(self.size.width < 90, "-narrow")

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


def _series(view: RunView) -> Iterable[list[Series]]:
    parent = view.parent.curves if view.parent else None
    yield panel_series(view.loss, view.curves, 0, parent)
    yield panel_series(view.beside, view.curves, 2, parent)
    yield panel_series(Panel("learning rate", (("lr", ""),)), view.curves, 3)

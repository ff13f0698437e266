"""Three charts as the live view will hold them; `python tests/tui/charts/demo.py` to try keys and mouse."""

from __future__ import annotations

import numpy as np
from textual.app import App, ComposeResult
from textual.containers import Horizontal
from textual.widgets import Footer

from seqsum_tui.charts import Chart, Mark, Series


def curves(steps: int = 12_000) -> tuple[list[Series], list[Series], list[Series], list[Mark]]:
    """Return loss, accuracy and learning-rate series, and marks, of a made-up run."""
    random = np.random.default_rng(7)
    x = np.arange(100, steps + 1, 100, dtype=float)
    fall = 2.3 / (1 + np.exp((x - 4200) / 900)) + 0.05
    loss = fall * np.exp(random.normal(0, 0.22, x.size)) + 0.01
    loss[60:64] = np.nan
    loss[80] = np.inf
    ex = np.arange(500, steps + 1, 500, dtype=float)
    held = np.interp(ex, x, fall) * 1.1 + 0.02
    accuracy = 1 / (1 + np.exp(-(ex - 4500) / 800)) * 0.88 + 0.1 + random.normal(0, 0.015, ex.size)
    rate = 1e-4 + (1e-3 - 1e-4) * 0.5 * (1 + np.cos(np.pi * x / 20_000))
    rate[x > 7000] *= 0.5
    marks = [Mark(float(k), "checkpoint", kind="checkpoint") for k in range(1000, steps, 1000)]
    marks += [Mark(7000.0, "learning rate 5e-4", kind="change"), Mark(9200.0, "paused", kind="pause")]
    return (
        [Series("train", x, loss), Series("eval", ex, held)],
        [Series("accuracy", ex, accuracy)],
        [Series("learning rate", x, rate)],
        marks,
    )


class Demo(App[None]):
    """Three charts that share cursor and view."""

    CSS = """
    Chart { border: round $panel; padding: 0 1; }
    Chart:focus { border: round $accent; }
    """

    def compose(self) -> ComposeResult:
        loss, accuracy, rate, marks = curves()
        ends = (0.0, 20_000.0)
        with Horizontal():
            yield Chart("loss", series=loss, marks=marks, x_name="step", id="loss", smoothing=500.0, x_limits=ends)
            yield Chart(
                "accuracy", series=accuracy, marks=marks, x_name="step", id="accuracy", x_limits=ends, y_limits=(0, 1)
            )
            yield Chart("learning rate", series=rate, marks=marks, x_name="step", id="rate", x_limits=ends)
        yield Footer()

    def on_chart_cursor_moved(self, event: Chart.CursorMoved) -> None:
        for chart in self.query(Chart):
            if chart is not event.chart:
                chart.set_cursor(event.x)

    def on_chart_view_changed(self, event: Chart.ViewChanged) -> None:
        for chart in self.query(Chart):
            if chart is not event.chart:
                chart.set_view(event.view)


if __name__ == "__main__":
    Demo().run()

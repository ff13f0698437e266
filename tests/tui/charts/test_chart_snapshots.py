"""Pictures of the chart alone; `pytest --snapshot-update` after a change that is meant."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from textual.app import App, ComposeResult

from seqsum_tui.charts import Band, Chart, Mark, Series


class Alone(App[None]):
    """One chart over the whole screen."""

    def __init__(self, chart: Chart) -> None:
        super().__init__()
        self.chart = chart

    def compose(self) -> ComposeResult:
        yield self.chart


def waves(x: np.ndarray) -> np.ndarray:
    """Return something that looks like noise and is the same on every machine."""
    return np.sin(x / 37) * np.sin(x / 11) + np.sin(x / 5) * 0.4


def test_noisy_loss_with_gap_marks_and_cursor(snap_compare: Callable[..., bool]) -> None:
    x = np.arange(0.0, 12_000.0, 50.0)
    loss = 2.3 / (1 + (x / 3000) ** 2) + 0.15 + waves(x) * 0.12
    loss[150:158] = np.nan
    loss[200] = np.inf
    seen = np.arange(0.0, 12_000.0, 500.0)
    chart = Chart(
        "loss",
        series=[Series("train", x, loss), Series("eval", seen, 2.4 / (1 + (seen / 3000) ** 2) + 0.2)],
        marks=[
            Mark(6000.0, "learning rate 5e-4"),
            *(Mark(float(k), kind="checkpoint") for k in range(2000, 12_000, 2000)),
        ],
        x_name="step",
        x_limits=(0, 20_000),
        smoothing=200.0,
    )
    assert snap_compare(Alone(chart), terminal_size=(60, 20), press=["left", "left", "left"])


def test_log_axis_with_bands(snap_compare: Callable[..., bool]) -> None:
    x = np.arange(0.0, 5000.0, 100.0)
    series, bands = [], []
    for name, speed in (("rnn", 900.0), ("lstm", 500.0)):
        middle = 2.3 * np.exp(-x / speed) + 0.003
        series.append(Series(name, x, middle))
        bands.append(Band(name, x, middle * 0.6, middle * 1.5))
    chart = Chart("median of 8 runs", series=series, bands=bands, x_name="step", log_y=True)
    assert snap_compare(Alone(chart), terminal_size=(60, 20))

"""Curves of buckets: what is finite in them is drawn, what is not has signs, and points are counted, not buckets."""

from __future__ import annotations

import math
import re
from pathlib import Path

import numpy as np
import pytest
from textual.app import App, ComposeResult
from textual.widgets import Input

from seqsum.plotting.smoothing import smooth
from seqsum.presets import load_preset
from seqsum.runs import Buckets, Run, Store, Workspace
from seqsum_tui.app import Console
from seqsum_tui.charts import Chart
from seqsum_tui.charts.raster import View, draw_line
from seqsum_tui.dialogs.text_input import LineScreen
from seqsum_tui.live.chart_grid import LiveCharts
from seqsum_tui.live.curves import bucket_series
from seqsum_tui.live.screen import LiveScreen
from support.screens import screen_text

KINDS = (math.nan, math.inf, -math.inf)


def values_with_holes(count: int, density: float, seed: int) -> np.ndarray:
    random = np.random.default_rng(seed)
    values = 2 * np.exp(-np.arange(count) / count) + 0.2 * random.normal(size=count)
    for kind in KINDS:
        values[random.random(count) < density / 3] = kind
    return values


def buckets_of(folder: Path, values: np.ndarray, count: int) -> Buckets:
    with Store.create(folder / "metrics.db", 1, {}) as store:
        store.append([("loss", step, float(value)) for step, value in enumerate(values)])
        return store.buckets("loss", count=count)


@pytest.mark.parametrize("count", [30, 200, 1500])
@pytest.mark.parametrize("density", [0.0005, 0.02, 0.5, 1.0])
@pytest.mark.parametrize("log_y", [False, True])
def test_each_bucket_shows_what_is_finite_in_it_and_a_sign_for_what_is_not(
    tmp_path: Path, count: int, density: float, log_y: bool
) -> None:
    values = values_with_holes(8000, density, count)
    buckets = buckets_of(tmp_path, values, count)
    series, view = bucket_series("loss", buckets), View(0, 8000, 0.01 if log_y else -1.0, 3.0, 60, 20, log_y)
    drawn = series.drawn(log_y)
    drawing = draw_line(
        series.x, drawn.y, view, drawn.low, drawn.high, signs=(drawn.nan, drawn.above, drawn.below)
    )  # fmt: skip
    dots = {(int(row), int(column)) for row, column in np.argwhere(drawing.dots)}
    signs = {"nan": set(), "above": set(), "below": set()}
    for first, last in zip(buckets.first.astype(int), buckets.last.astype(int), strict=True):
        points = values[first : last + 1]
        column = int(np.floor(view.across(np.array([(first + last) / 2]))[0] + 0.5))
        shown = points[np.isfinite(points) & ((points > 0) | (not log_y))]
        if shown.size:
            for height in (shown.mean(), shown.min(), shown.max()):
                row = int(np.floor(view.down(np.array([height]))[0] + 0.5))
                assert not 0 <= row < view.rows or (row, column) in dots
        signs["nan"] |= {column // 2} if np.isnan(points).any() else set()
        signs["above"] |= {column // 2} if (points == math.inf).any() else set()
        signs["below"] |= {column // 2} if (points <= 0 if log_y else points == -math.inf).any() else set()
    for kind, columns in signs.items():
        assert set(np.flatnonzero(getattr(drawing, kind)).tolist()) == columns, kind


class Room(App[None]):
    CSS = "Chart { width: 130; height: 20; }"

    def __init__(self, chart: Chart) -> None:
        super().__init__()
        self.chart = chart

    def compose(self) -> ComposeResult:
        yield self.chart


@pytest.mark.parametrize("count", [30, 300, 8000])
async def test_a_log_axis_counts_points_and_signs_hide_no_line(tmp_path: Path, count: int) -> None:
    values = np.where(np.arange(8000) % 3 == 0, -1.0, np.linspace(1.0, 1.01, 8000))
    values[17], values[18] = -math.inf, math.nan
    chart = Chart("loss", series=[bucket_series("train", buckets_of(tmp_path, values, count))], log_y=True)
    async with Room(chart).run_test(size=(140, 24)):
        text = screen_text(chart.app)
    hidden = int(np.count_nonzero(values <= 0))
    assert f"↓ {hidden:,} points at or below zero aren't shown" in text
    for line in text.splitlines()[1:-2]:
        # A line under signs is seen in at least six of seven cells.
        assert "↓↓" not in line or "⣿" not in line


@pytest.mark.parametrize("log_y", [False, True])
async def test_the_newest_value_is_the_last_that_was_recorded(tmp_path: Path, log_y: bool) -> None:
    values = np.arange(8000) % 2.0
    series = bucket_series("train", buckets_of(tmp_path, values, 100), last=1.0)
    chart = Chart("loss", series=[series], log_y=log_y)
    async with Room(chart).run_test(size=(140, 24)) as pilot:
        assert screen_text(chart.app).startswith(f"loss{' · log y' * log_y}  ● train 1 ")
        chart.smoothing = 300.0
        await pilot.pause()
        assert screen_text(chart.app).startswith(f"loss{' · log y' * log_y}  ● train 1 (~0.5")
        chart.set_cursor(4000.0)
        await pilot.pause()
        assert re.search(r"train 0\.5000 \(~0\.5\d*\) .* mean of 64", screen_text(chart.app))


# In the console


@pytest.fixture
def craft(tmp_path: Path):
    def make(name: str, values: np.ndarray) -> Run:
        config = load_preset("baseline").config.changed({"train.steps": str(len(values))}, "test")
        run = Workspace(tmp_path / "runs").create("baseline", config, name)
        with run.store() as store:
            store.append([("loss", step, float(value)) for step, value in enumerate(values)])
            store.set_state(status="finished", step=len(values) - 1, train_seconds=1.0, steps_per_second=1.0)
        return run

    return make


@pytest.fixture
def console(tmp_path: Path) -> Console:
    made = Console(tmp_path / "runs", remote=False)
    made.animation_level = "none"
    return made


def heads(console: Console) -> str:
    """The lines of the frames round the charts."""
    return "\n".join(line for line in screen_text(console).splitlines() if line.strip()[:2] in ("╭─", "╰─"))


async def opened(console: Console, pilot, until, run: Run) -> LiveCharts:
    screen = LiveScreen(run)
    console.push_screen(screen)
    await until(pilot, lambda: console.screen is screen and "●" in heads(console))
    return screen.query_one(LiveCharts)


async def test_live_charts_tell_the_last_value_the_outliers_and_the_ends(console, craft, until) -> None:
    values = np.where(np.arange(3001) == 100, 1e30, 0.5 + np.arange(3001) % 2)
    async with console.run_test(size=(200, 40)) as pilot:
        charts = await opened(console, pilot, until, craft("spike", values))
        # A run this short is replayed first.
        await until(pilot, lambda: "loss ● 0.5000" in heads(console))
        await until(pilot, lambda: "O leaves outliers out" in heads(console))
        await pilot.press("O")
        await until(pilot, lambda: "outliers left out" in heads(console) and "1.4" in screen_text(console))
        assert "⇑" in screen_text(console)
        await pilot.press("O", "Y")
        await until(pilot, lambda: isinstance(console.screen, LineScreen))
        for wrong, said in (("3", "is no range"), ("2 1", "is not below"), ("a b", "is no number")):
            console.screen.query_one(Input).value = wrong
            await pilot.press("enter")
            await until(pilot, lambda said=said: said in screen_text(console))
        console.screen.query_one(Input).value = "0, 0.9"
        await pilot.press("enter")
        await until(pilot, lambda: not isinstance(console.screen, LineScreen) and "y 0 to 0.9" in heads(console))
        assert charts.charts[0].y_span == (0.0, 0.9) and "⇑ beyond the axis" in heads(console)
        # It stays with its metric, and goes when it is taken back.
        await pilot.press("greater_than_sign")
        await until(pilot, lambda: [chart.y_span for chart in charts.charts] == [None, (0.0, 0.9), None])
        await pilot.press("Y")
        await until(pilot, lambda: isinstance(console.screen, LineScreen))
        assert console.screen.query_one(Input).value == "0,0.9"
        console.screen.query_one(Input).value = "auto"
        await pilot.press("enter")
        await until(pilot, lambda: "O leaves outliers out" in heads(console))


async def test_a_stretch_under_zoom_is_smoothed_with_what_came_before(console, craft, until) -> None:
    random = np.random.default_rng(0)
    noise = -np.log1p(np.arange(20_000)) + random.normal(size=20_000)
    truth = smooth(np.arange(20_000.0), noise, 500.0)
    async with console.run_test(size=(200, 40)) as pilot:
        charts = await opened(console, pilot, until, craft("whole", noise))
        chart = charts.charts[0]
        await pilot.press("s")
        assert chart.smoothing > 0 and "steps" in heads(console)
        while chart.smoothing != 500.0:
            await pilot.press("s" if chart.smoothing < 500 else "S")
        for one in charts.charts:
            one.set_view((10_000.0, 10_100.0))
        await pilot.press("plus")
        await until(pilot, lambda: chart.series[0].x[0] < 10_000 - 11 * 500)
        shown, (left, right) = chart.series[0], chart.x_range
        inside = (shown.x >= left) & (shown.x <= right)
        assert inside.sum() > 50 and shown.x.size < 2000
        np.testing.assert_allclose(shown.smoothed(500.0)[inside], truth[shown.x[inside].astype(int)], atol=0.01)

"""The grid of the live view: which charts, where, over what; and that it comes back the next time."""

import math

import numpy as np
import pytest
from textual.app import App
from textual.widgets import OptionList

from seqsum.compare.history import History
from seqsum.runs import Buckets
from seqsum_tui.app import Console
from seqsum_tui.dialogs.choose import ChooseScreen
from seqsum_tui.live.chart_grid import LiveCharts
from seqsum_tui.live.layout import Grid, LiveLayout, grid_for, moved
from seqsum_tui.live.screen import LiveScreen
from seqsum_tui.live.slim_line import SlimLine
from seqsum_tui.live.x_axis import axis_of
from seqsum_tui.settings.store import Settings
from seqsum_tui.shared.metric_panels import DEFAULT, MAIN, Panel
from support.screens import listed
from support.stores import alter

SIZES = [(60, 20), (80, 24), (120, 40)]
START = 1_800_000_000.0


@pytest.fixture
def console(scene, still, query_server, tmp_path):
    settings = Settings(tmp_path / "console.toml")
    return Console(scene.folder, now=still, remote=False, query_command=query_server("good"), settings=settings)


@pytest.fixture
def run(scene):
    """A run of 12,400 steps, 100 steps a second, which paused for ten minutes at step 6,000."""
    made = scene.run(name="one", status="running", step=12_400)
    with made.store() as store:
        for step in range(100, 12_500, 100):
            pause = 600.0 if step > 6000 else 0.0
            more = {"grad_norm": 1.5, "steps_per_second": 100.0, "train_seconds": step / 100, "epoch": step / 1000}
            store.append([(name, step, value) for name, value in more.items()])
            store.set_state(updated=START + 724)
            if step % 1000 == 0:
                store.append([("wall_time", step, START + step / 100 + pause), ("memory_mb", step, 250.0)])
        for step, kind, seconds in ((0, "started", 0.0), (6000, "paused", 60.0), (6000, "continued", 660.0)):
            alter(
                store, "INSERT INTO event(time, step, kind, detail) VALUES (?, ?, ?, '{}')", START + seconds, step, kind
            )
        alter(store, "DELETE FROM event WHERE detail LIKE '%4711%'")
    return made


def charts(app):
    return app.screen.query_one(LiveCharts).charts


def titles(app):
    return [chart.title for chart in charts(app)]


async def test_shares_fill_the_height_only_while_all_of_them_is_shown(run, console, watch, until):
    async with console.run_test(size=(120, 40)) as pilot:
        await watch(pilot, run)
        accuracy, rate = charts(console)[1:]
        await until(pilot, lambda: accuracy.plot_view and (accuracy.plot_view.y0, accuracy.plot_view.y1) == (0.0, 1.0))
        await pilot.press("end", "plus", "plus", "plus")
        await until(pilot, lambda: accuracy.plot_view.y0 > 0.5)
        shown = [y for one in accuracy.series for x, y in zip(one.x, one.y, strict=True) if x >= accuracy.x_range[0]]
        assert accuracy.plot_view.y0 <= min(shown) and max(shown) <= accuracy.plot_view.y1 < 1.1
        assert rate.plot_view.y0 == 0.0
        await pilot.press("0")
        await until(pilot, lambda: (accuracy.plot_view.y0, accuracy.plot_view.y1) == (0.0, 1.0))


def seen(app):
    return [chart.title for chart in charts(app) if chart.region.area]


@pytest.mark.parametrize("size", SIZES)
async def test_charts_are_added_moved_removed_and_come_back(run, scene, console, watch, until, still, size):
    async with console.run_test(size=size) as pilot:
        await watch(pilot, run)
        assert titles(console) == ["loss", "accuracy", "learning rate"]
        await pilot.press("M")
        await until(pilot, lambda: isinstance(console.screen, ChooseScreen))
        await until(pilot, lambda: [found.option_count for found in console.screen.query(OptionList)] == [3])
        await pilot.press("space", "space", "space", "enter")
        await until(pilot, lambda: isinstance(console.screen, LiveScreen) and len(charts(console)) == 6)
        await until(pilot, lambda: all(chart.series for chart in charts(console)))
        shown = console.screen.query_one(LiveCharts).grid.shown
        assert seen(console) == titles(console)[:shown] and shown == {60: 2, 80: 2, 120: 6}[size[0]]
        # One that has no room is there by its number.
        await pilot.press("6")
        await until(pilot, lambda: seen(console) == ["memory MB"])
        assert charts(console)[5].series[0].y[-1] == 250.0
        await pilot.press("6", "f")
        await until(pilot, lambda: len(seen(console)) >= {60: 4, 80: 4, 120: 6}[size[0]])
        await pilot.press("1", "1", "less_than_sign")
        await until(pilot, lambda: titles(console)[0] == "loss" and charts(console)[0].has_focus)
        await pilot.press("greater_than_sign")
        await until(pilot, lambda: titles(console)[:2] == ["accuracy", "loss"])
        assert charts(console)[1].has_focus
        await pilot.press("backspace")
        await until(pilot, lambda: "loss" not in titles(console))
        await pilot.press("w", "w")
        await until(pilot, lambda: console.screen.query_one(LiveCharts).grid.columns == 2)
        await pilot.press("y", "s", "t")
        await until(pilot, lambda: charts(console)[0].x_name == "epoch")
        await until(pilot, lambda: not any(worker.group == "settings" for worker in console.workers))
        kept = Settings(console.settings.path).layout("live")
        log = [chart.title for chart in charts(console) if chart.log_y]
        assert len(log) == 1 and kept == {
            "charts": [MAIN, "learning rate", "grad norm", "steps per second", "memory MB"],
            "columns": 2, "x": "epoch", "smoothing": charts(console)[0].smoothing, "log": log,
        }  # fmt: skip
    again = Console(scene.folder, now=still, remote=False, settings=Settings(console.settings.path))
    async with again.run_test(size=size) as pilot:
        await until(pilot, lambda: listed(again))
        again.screen.open_run(run.id)
        await until(pilot, lambda: isinstance(again.screen, LiveScreen) and again.screen.view is not None)
        assert titles(again) == ["accuracy", "learning rate", "grad norm", "steps per second", "memory MB"]
        assert [chart.title for chart in charts(again) if chart.log_y] == log
        assert {chart.smoothing for chart in charts(again)} == {kept["smoothing"]} != {0.0}
        await until(pilot, lambda: charts(again)[0].x_name == "epoch")
        await pilot.press("ctrl+r")
        await until(pilot, lambda: titles(again) == ["loss", "accuracy", "learning rate"])


async def test_every_axis_puts_values_and_marks_where_they_were(run, console, watch, until):
    with run.store() as store:
        store.add_event(9000, "set", field="optim.lr", old="0.001", new="0.005")
        # The clock goes by what the run wrote, also for what this moment's clock would say.
        alter(store, "UPDATE event SET time = ? WHERE kind = 'set'", START + 690)
    async with console.run_test(size=(120, 40)) as pilot:
        await watch(pilot, run)
        loss = charts(console)[0]
        await pilot.press("left", *["shift+left"])
        await until(pilot, lambda: loss.cursor_x == 12_400)
        for name, of, ends in (
            ("epoch", lambda step: step / 1000, (0, 20)),
            ("time", lambda step: step / 100, (0, 240)),
            ("clock", lambda step: START + step / 100 + 600 * (step > 6000), (START, START + 960)),
            ("step", lambda step: step, (0, 20_000)),
        ):
            await pilot.press("t")
            await until(pilot, lambda name=name: loss.x_name == name)
            steps = np.arange(100.0, 12_500, 100)
            assert np.allclose(loss.series[0].x, [of(step) for step in steps], atol=1.5)
            assert loss.extent == pytest.approx(ends)
            by_label = {mark.label: mark.x for mark in loss.marks}
            assert by_label["lr 0.001→0.005"] == pytest.approx(of(9000), abs=1.5)
            assert {chart.cursor_x for chart in charts(console)} == {loss.cursor_x}
            assert loss.cursor_x == pytest.approx(of(12_400), abs=1.5)
            assert console.screen.query_one(LiveCharts).cursor_step == pytest.approx(12_400, abs=150)


async def test_a_zoomed_view_follows_the_newest_value(run, console, watch, until):
    async with console.run_test(size=(120, 40)) as pilot:
        await watch(pilot, run)
        loss, accuracy, _ = charts(console)
        await pilot.press("plus", "plus")
        await until(pilot, lambda: loss.view is not None)
        assert loss.view[1] == 12_400 and loss.following and accuracy.view == loss.view
        width = loss.view[1] - loss.view[0]
        await until(pilot, lambda: console.screen.reader.window == (loss.view[0], math.inf))
        with run.store() as store:
            store.append([("loss", step, 0.25) for step in range(12_500, 14_100, 100)])
            store.set_state(step=14_000)
        await until(pilot, lambda: loss.view[1] == 14_000)
        assert accuracy.view == loss.view and loss.view[1] - loss.view[0] == pytest.approx(width)
        await until(pilot, lambda: loss.series[0].x[-1] == 14_000)
        # Panned away it stays where it is.
        await pilot.press("shift+left")
        await until(pilot, lambda: not loss.following)
        before = loss.view
        with run.store() as store:
            store.append([("loss", 14_100, 0.25)])
            store.set_state(step=14_100)
        await until(pilot, lambda: console.screen.view.summary.step == 14_100)
        assert loss.view == before == accuracy.view
        await pilot.press("end")
        await until(pilot, lambda: loss.following and loss.view[1] == 14_100)
        await pilot.press("0")
        await until(pilot, lambda: loss.view is None and loss.x_range == (0, 20_000))


async def test_the_clock_stands_still_in_a_pause_and_goes_on_after_it(run):
    with run.store() as store, History(run) as history:
        axis = axis_of("clock", history, store.events())
    assert axis.place(5900) == pytest.approx(START + 59, abs=0.5)
    assert axis.place(6001) == pytest.approx(START + 660, abs=1)
    assert np.all(np.diff(axis.places) >= 0)
    assert axis.step(axis.place(3000)) == pytest.approx(3000)


@pytest.mark.parametrize(
    ("count", "width", "height", "columns", "grid"),
    [
        (3, 119, 23, 0, Grid(3, 1, 3)),
        (3, 79, 12, 0, Grid(2, 1, 2)),
        (3, 59, 9, 0, Grid(2, 1, 2)),
        (4, 119, 23, 0, Grid(2, 2, 4)),
        (9, 119, 37, 0, Grid(3, 3, 9)),
        (9, 119, 23, 0, Grid(3, 3, 9)),
        (1, 10, 2, 0, Grid(1, 1, 1)),
        (5, 119, 23, 1, Grid(1, 4, 4)),
        (5, 30, 23, 4, Grid(1, 4, 4)),
    ],
)
def test_the_grid_shows_as_many_as_have_room(count, width, height, columns, grid):
    assert grid_for(count, width, height, columns) == grid


def test_a_layout_from_a_file_is_taken_as_far_as_it_makes_sense():
    assert LiveLayout.read({}) == LiveLayout() == LiveLayout.read({"charts": [], "columns": 99, "x": "y", "log": 3})
    many = [f"m{number}" for number in range(20)]
    assert LiveLayout.read({"charts": [*many, 7, "m1"]}).charts == tuple(many[:9])
    assert LiveLayout.read({"smoothing": 1.0, "columns": "2"}).charts == DEFAULT
    # A share, as earlier versions smoothed by, is no number of steps.
    assert LiveLayout.read({"smoothing": 0.9}).smoothing == 0
    layout = LiveLayout(("a",), 2, "time", 200.0, ("a",))
    assert LiveLayout.read(layout.plain()) == layout


def test_charts_are_moved_not_beyond_the_ends():
    assert moved(["a", "b", "c"], 0, 1) == ("b", "a", "c")
    assert moved(["a", "b", "c"], 2, 1) == ("a", "b", "c") == moved(["a", "b", "c"], 0, -1)


@pytest.mark.parametrize(("values", "said"), [([0.1, 0.1, 0.1], None), ([0.1, 0.05, 0.0125], "learning rate 0.1")])
async def test_what_has_no_chart_has_a_line_while_it_changes(values, said):
    class Alone(App):
        def compose(self):
            yield SlimLine()

    panel, steps = Panel("learning rate", (("lr", ""),)), np.array([0.0, 50.0, 100.0])
    curve = Buckets.of_points(steps, np.array(values))
    async with Alone().run_test(size=(80, 2)) as pilot:
        line = pilot.app.query_one(SlimLine)
        line.show(panel, curve, (0.0, 200.0), values[-1])
        await pilot.pause()
        assert line.display == (said is not None)
        if said:
            text = str(line.render())
            assert text.startswith(said) and text.endswith("◆ 0.0125")
            # Half of the axis is still to come.
            room = 78 - len(f"{said}  ◆ 0.0125")
            assert text.index("◆") == pytest.approx(len(said) + 1 + room / 2, abs=1)

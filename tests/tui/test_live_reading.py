"""What the live view reads again and again of a run that trains: only what is new, and never what is gone."""

import os

import pytest
from textual.app import App

from seqsum import formatting
from seqsum.compare.history import History
from seqsum.runs import Run, rewinding
from seqsum.runs.checkpoint_files import steps_saved
from seqsum.runs.gone import RunGone
from seqsum_tui.app import Console
from seqsum_tui.charts import Series, plot
from seqsum_tui.charts.series import same
from seqsum_tui.dialogs.checkpoint_list import line_of
from seqsum_tui.dialogs.checkpoints import checkpoints_of
from seqsum_tui.live import reader as live_reader
from seqsum_tui.live.chart_grid import LiveCharts
from seqsum_tui.live.events import EventsView, stretches
from seqsum_tui.live.reader import RunReader
from seqsum_tui.live.run_events import EventReader
from support.screens import screen_text

NOW = 1_800_000_000.0


@pytest.fixture
def console(scene, still):
    made = Console(scene.folder, now=still, remote=False)
    made.animation_level = "none"
    return made


def test_events_are_those_of_the_store_whatever_happened_between(scene):
    run, reader = scene.run(status="running", step=1000), EventReader()
    with run.store() as store:
        for step in (100, 200, 300):
            store.add_event(step, "checkpoint")
        first = reader.read(store)
        assert list(first) == store.events() and reader.read(store) is first
        store.add_event(400, "set", field="optim.lr", old="1", new="2")
        assert list(reader.read(store)) == store.events() and reader.read(store)[:4] == first
        # Back, and on again: the events that come have the ids of those that went.
        store.truncate(100)
        assert list(reader.read(store)) == store.events()
        store.rewind(0)
        store.add_event(0, "rewound", came=400)
        store.add_event(50, "checkpoint")
        assert list(reader.read(store)) == store.events() and reader.read(store)[-1].step == 50


def test_a_changed_value_and_a_record_written_later_are_read(scene):
    run = scene.run(status="running", step=1000)
    reader = RunReader(run)
    before = reader.read()
    assert reader.read() is None and before.record.backend is None and before.config.optim.lr == 0.001
    with run.store() as store:
        store.set_state(changes={"optim.lr": 0.5})
    changed = reader.read()
    assert changed.config.optim.lr == 0.5 and changed.differences["optim.lr"] == ("0.5", "0.001")
    run.record.with_facts(backend="fused").write(run.folder)
    assert reader.read().record.backend == "fused" and reader.read() is None


@pytest.mark.parametrize("moment", ["folder", "first", "stamp", "record", "curves"])
def test_what_is_wished_in_the_middle_of_a_reading_is_read_the_next_time(scene, monkeypatch, moment):
    """The wishes come from another thread, at any moment."""
    reader, wished = RunReader(scene.run(status="running", step=1000)), []
    place, name = {
        "folder": (RunGone, "check"),
        "first": (rewinding, "finish"),
        "stamp": (live_reader, "file_stamp"),
        "record": (Run, "record_or_blank"),
        "curves": (History, "metrics"),
    }[moment]
    before = getattr(place, name)

    def wish(*given):
        if not wished:
            wished.append(name)
            reader.buckets, reader.charts, reader.window = 94, ("accuracy",), (100.0, 500.0)
        return before.fget(*given) if isinstance(before, property) else before(*given)

    monkeypatch.setattr(place, name, property(wish) if isinstance(before, property) else wish)
    first = reader.read()
    assert wished
    view = reader.read() or first
    assert (view.buckets, view.wanted) == (94, ("accuracy",)) and reader.read() is None
    assert view.curves["accuracy"].x[0] >= 100 and view.curves["accuracy"].x[-1] <= 501


def test_checkpoints_in_a_row_share_a_line(scene):
    run = scene.run(status="running", step=1000)
    with run.store() as store:
        for step in (100, 200, 300):
            store.add_event(step, "checkpoint", reason="interval")
        store.add_event(350, "checkpoint", reason="snapshot")
        store.add_event(400, "checkpoint", reason="interval")
        lines = stretches(store.events())
    assert [(first.step, last.step, count) for first, last, count in lines] == [
        (400, 400, 1), (350, 350, 1), (100, 300, 3), (0, 0, 1),
    ]  # fmt: skip


async def test_events_that_are_not_read_yet_are_not_said_to_be_none():
    class Alone(App):
        def compose(self):
            yield EventsView()

    async with Alone().run_test() as pilot:
        view = pilot.app.query_one(EventsView)
        assert "Reading…" in screen_text(pilot.app) and "Nothing has happened" not in screen_text(pilot.app)
        view.show(())
        await pilot.pause()
        assert "Nothing has happened yet." in screen_text(pilot.app) and "Reading…" not in screen_text(pilot.app)


async def test_the_events_are_up_to_date_when_one_looks(scene, console, watch, until):
    run = scene.run(status="running", step=1000)
    async with console.run_test(size=(120, 40)) as pilot:
        await watch(pilot, run)
        with run.store() as store:
            for step in range(1000, 1500):
                store.add_event(step, "checkpoint", reason="interval", path=f"step-{step}")
        await until(pilot, lambda: len(console.screen.view.events) == 501)
        await pilot.press("e")
        await until(pilot, lambda: "500 since step 1,000" in screen_text(console) and "started" in screen_text(console))
        with run.store() as store:
            store.add_event(1500, "paused")
        await until(pilot, lambda: "paused" in screen_text(console))
        assert console.screen.query_one(EventsView).size


async def test_only_charts_that_changed_are_drawn(scene, console, watch, until, monkeypatch):
    run = scene.run(status="running", step=1000)
    async with console.run_test(size=(120, 40)) as pilot:
        await watch(pilot, run)
        loss, accuracy, rate = console.screen.query_one(LiveCharts).charts
        await until(pilot, lambda: rate.series and rate.plot_view is not None)
        drawn, paint = [], plot.paint_data

        def painted(canvas, layout, view, *more, **named):
            drawn.append(view)
            return paint(canvas, layout, view, *more, **named)

        monkeypatch.setattr(plot, "paint_data", painted)
        with run.store() as store:
            store.append([("lr", 1100, 0.0007)])
        await until(pilot, lambda: rate.plot_view in drawn)
        assert loss.plot_view not in drawn and accuracy.plot_view not in drawn


def test_series_are_the_same_only_when_all_of_them_is():
    def series(**more):
        return Series(**{"name": "a", "x": [1, 2], "y": [0.5, float("nan")], "sign": "●", **more})

    assert same(series(), series())
    others = ({"name": "b"}, {"y": [0.5, 1.0]}, {"x": [1, 3]}, {"low": [0, 0]}, {"sign": "■"}, {"back": True},
              {"x": [1], "y": [0.5]}, {"colour": "#ffffff"}, {"role": "points"})  # fmt: skip
    assert not any(same(series(), series(**other)) for other in others)


def test_a_rewind_that_was_killed_is_ended_when_the_run_is_opened(scene):
    run, name = scene.run(status="stopped", step=200), "rewound-20260101-000000-000000"
    for step in (200, 300):
        (run.checkpoints / f"step-{step}").mkdir(parents=True)
    (run.folder / f".{name}.new").mkdir()
    with run.store() as store:
        store.add_event(200, "rewound", came=300, kept=name)
    assert RunReader(run).read().checkpoints == (200,)
    assert steps_saved(run.folder / name / "checkpoints") == [300]


def test_checkpoints_of_a_folder_that_is_none(tmp_path):
    assert steps_saved(tmp_path / "nothing") == []
    (tmp_path / "file").touch()
    assert steps_saved(tmp_path / "file") == []


def test_what_the_head_tells_is_the_newest_of_the_chart(scene, monkeypatch):
    run = scene.run(status="running", step=1000)
    reader, metrics = RunReader(run), History.metrics

    def meanwhile(history):
        # The run goes on between the reading of its state and that of its curves.
        with run.store() as store:
            store.append([("lr", 1100, 0.0123), ("loss", 1100, 0.456)])
        return metrics(history)

    monkeypatch.setattr(History, "metrics", meanwhile)
    view = reader.read()
    for name in ("lr", "loss"):
        assert view.summary.metrics[name] == view.newest[name] == view.curves[name].values[-1]


def test_every_checkpoint_has_an_age_whether_or_not_its_saving_was_noted(scene):
    run = scene.run()
    with run.store() as store:
        store.add_event(100, "checkpoint")
    for step in (100, 200, 300):
        folder = run.checkpoints / f"step-{step}"
        folder.mkdir(parents=True)
        os.utime(folder, (NOW, NOW - step))
    assert [(one.step, one.time) for one in checkpoints_of(run)][:2] == [(300, NOW - 300), (200, NOW - 200)]
    lines = [line_of(one, NOW, 3).plain for one in checkpoints_of(run)]
    assert [line.split(" ago")[0][-2:] for line in lines[:2]] == ["5m", "3m"]


def test_only_the_last_of_the_best_checkpoints_is_called_the_best(scene):
    run = scene.run()
    for step, reason in ((100, "best"), (200, "best"), (300, "interval"), (400, "snapshot")):
        (run.checkpoints / f"step-{step}").mkdir(parents=True)
        with run.store() as store:
            store.add_event(step, "checkpoint", reason=reason)
    told = [(one.step, one.why) for one in checkpoints_of(run)]
    assert told[:4] == [(400, "saved by hand"), (300, ""), (200, "best"), (100, "best until then")]


@pytest.mark.parametrize(
    ("seconds", "age", "ago"),
    [(0, "0s", "0s ago"), (-30, "0s", "0s ago"), (3700, "1h", "1h ago"), (-2.3e9, "?", "in the future")],
)
def test_what_is_yet_to_come_has_no_age(seconds, age, ago):
    assert (formatting.age(seconds), formatting.ago(seconds)) == (age, ago)

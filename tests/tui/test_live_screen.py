"""One run, live: charts, keys, dialog, questions, at each size."""

import math
import time

import numpy as np
import psutil
import pytest
from textual import events
from textual.widgets import Input, Static, TabbedContent

from seqsum.formatting import learning_rate
from seqsum.runs import Run
from seqsum.runs.media import histogram_detail, text_detail
from seqsum.runs.run import BY_SIGNAL
from seqsum_tui.app import Console
from seqsum_tui.dialogs.set_value import SetValueScreen
from seqsum_tui.live.chart_grid import LiveCharts
from seqsum_tui.live.config import ConfigView
from seqsum_tui.live.log import LogView, continuation
from seqsum_tui.live.reader import RunReader, x_end
from seqsum_tui.live.screen import LiveScreen
from seqsum_tui.query.ask_panel import AskPanel, QuestionInput
from seqsum_tui.query.session import FRESH_SECONDS
from support.new_run import FakeLauncher
from support.screens import listed, screen_text, screen_words

SIZES = [(60, 20), (80, 24), (120, 40)]


def chart(app, name):
    return app.screen.query_one(LiveCharts).charts[("loss", "accuracy", "lr").index(name)]


@pytest.fixture
def console(scene, still, query_server):
    return Console(scene.folder, now=still, remote=False, query_command=query_server("good"))


@pytest.fixture
def told(console, monkeypatch):
    toasts = []
    monkeypatch.setattr(console, "notify", lambda message, *, title="", **more: toasts.append((title, message)))
    monkeypatch.setattr(console, "bell", lambda: toasts.append("bell"))
    return toasts


@pytest.mark.parametrize("size", SIZES)
async def test_it_shows_the_stored_values(scene, console, watch, size):
    run = scene.run(name="one", status="running", step=12_400)
    async with console.run_test(size=size) as pilot:
        await watch(pilot, run)
        shown = screen_text(console)
        assert "● running" in shown and "62%" in shown and "12,400/20,000 steps" in shown
        with run.store() as store:
            steps, losses = store.points("loss")
            latest = store.latest()
        rate = f"lr {learning_rate(latest['lr'][1])}"
        assert rate in "\n".join(shown.splitlines()[:2]), "whether or not there is room for its chart"
        (loss,) = chart(console, "loss").series
        assert loss.x[-1] == steps[-1]
        assert loss.low.min() == pytest.approx(losses.min()) and loss.high.max() == pytest.approx(losses.max())
        train, accuracy = chart(console, "accuracy").series
        assert (train.name, accuracy.name) == ("train", "eval")
        assert accuracy.y[-1] == pytest.approx(latest["accuracy"][1])
        assert chart(console, "lr").series[0].y[-1] == pytest.approx(latest["lr"][1])
        assert (chart(console, "lr").region.width >= 20) == (size[0] >= 90)


@pytest.mark.parametrize("live", [True, False], ids=["live", "list"])
@pytest.mark.parametrize("reason", [f"{BY_SIGNAL}; so be it", "can't write: no room; it goes on by itself"])
async def test_a_run_that_is_held_up_is_suspended_has_no_speed_and_is_offered_what_helps(
    scene, console, watch, until, monkeypatch, live, reason
):
    """No file of the run changes then."""
    run, helped = scene.run(name="one", status="running", step=12_400), reason.startswith(BY_SIGNAL)
    async with console.run_test(size=(120, 40)) as pilot:
        if live:
            await watch(pilot, run)
        await until(pilot, lambda: "● running" in screen_text(console))
        assert not live or " steps/s" in screen_text(console)
        with monkeypatch.context() as patch:
            patch.setattr(Run, "held_up", lambda run, pid: reason)
            await until(pilot, lambda: "¦ suspended" in screen_text(console) and reason in screen_text(console))
            shown = screen_text(console)
            assert "running" not in shown and " steps/s" not in shown
            can = {verb: console.screen.check_action(verb, ()) for verb in ("continue", "resume", "stop", "pause")}
            assert can == {"continue": helped, "resume": helped, "stop": True, "pause": False}
            assert ("p goes on, x saves and stops." in shown) == helped
            if not helped:
                await pilot.press("r")
                await until(pilot, lambda: f"It {reason}." in screen_text(console))
        await until(pilot, lambda: "● running" in screen_text(console) and reason not in screen_text(console))


async def test_a_run_that_has_ended_has_its_mean_speed(scene, console, watch, until):
    run = scene.run(name="one", step=12_400, status="stopped")
    with run.store() as store:
        store.set_state(steps_per_second=15.0)
    async with console.run_test(size=(120, 40)) as pilot:
        await watch(pilot, run)
        await until(pilot, lambda: "trained  4,000 steps/s" in screen_text(console))


async def test_where_a_run_failed_is_marked_and_what_can_be_done_is_true(scene, console, watch, until):
    run = scene.run(status="failed", step=3000, reason="loss became inf at step 3,001")
    with run.store() as store:
        store.add_event(3000, "failed", reason="loss became inf at step 3,001; its update was not made")
    async with console.run_test(size=(120, 40)) as pilot:
        await watch(pilot, run)
        assert "r runs it again from its first step" in screen_text(console)
        chart(console, "loss").set_cursor(3000.0)
        await until(pilot, lambda: "✗ loss became" in screen_text(console))
        run.checkpoints.joinpath("step-3000").mkdir(parents=True)
        with run.store() as store:
            store.add_event(3000, "checkpoint", path="step-3000")
        await until(pilot, lambda: "r resumes it from its newest checkpoint" in screen_text(console))


@pytest.mark.parametrize(("saved", "says"), [(True, "From where it was."), (False, "it has no checkpoint.")])
async def test_where_a_resumed_run_goes_on_from_is_told(scene, still, until, monkeypatch, saved, says):
    run = scene.run(status="failed", step=3000)
    if saved:
        run.checkpoints.joinpath("step-3000").mkdir(parents=True)
    console = Console(scene.folder, now=still, remote=False, launcher=(launcher := FakeLauncher()))
    toasts = []
    monkeypatch.setattr(console, "notify", lambda message, **more: toasts.append(message))
    async with console.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: listed(console))
        await pilot.press("r")
        await until(pilot, lambda: toasts)
    assert len(toasts) == 1 and toasts[0].endswith(says)
    assert [one.id for one in launcher.submitted] == [run.id]


async def test_new_points_arrive(scene, console, watch, until):
    run = scene.run(status="running", step=5000)
    async with console.run_test(size=(120, 40)) as pilot:
        await watch(pilot, run)
        with run.store() as store:
            store.append([("loss", 5100, 0.25), ("loss", 5200, math.nan), ("loss", 5300, math.inf)])
            store.set_state(step=5300)
        await until(pilot, lambda: chart(console, "loss").series[0].x[-1] == 5300)
        series = chart(console, "loss").series[0]
        assert series.y[-3] == 0.25 and math.isnan(series.y[-2]) and series.y[-1] == math.inf
        await until(pilot, lambda: "× NaN ↑ +∞" in screen_text(console))


async def test_a_cursor_and_a_zoom_are_shared_and_escape_takes_the_cursor_first(scene, console, watch, until):
    run = scene.run(step=20_000)
    async with console.run_test(size=(120, 40)) as pilot:
        await watch(pilot, run)
        await pilot.press("left", "left")
        await pilot.pause()
        places = {chart(console, name).cursor_x for name in ("loss", "accuracy", "lr")}
        assert len(places) == 1 and None not in places
        await pilot.press("plus")
        await until(pilot, lambda: chart(console, "lr").view is not None)
        assert chart(console, "lr").view == chart(console, "loss").view == console.screen.reader.window
        await pilot.press("escape")
        await pilot.pause()
        assert chart(console, "accuracy").cursor_x is None and isinstance(console.screen, LiveScreen)
        await pilot.press("0")
        await until(pilot, lambda: console.screen.reader.window is None)
        await pilot.press("escape")
        await until(pilot, lambda: not isinstance(console.screen, LiveScreen))


async def test_marks_tell_what_was_changed(scene, console, watch):
    run = scene.run(status="running")
    with run.store() as store:
        store.add_event(3000, "set", field="optim.lr", old="0.001", new="[red]0.005[/]")
        store.add_event(4000, "paused")
    async with console.run_test(size=(120, 40)) as pilot:
        await watch(pilot, run)
        for name in ("loss", "accuracy", "lr"):
            marks = chart(console, name).marks
            assert [(mark.x, mark.label) for mark in marks] == [(3000, "lr 0.001→[red]0.005[/]"), (4000, "paused")]


@pytest.mark.parametrize("size", SIZES)
async def test_one_chart_alone_and_all_again(scene, console, watch, until, size):
    run = scene.run()
    async with console.run_test(size=size) as pilot:
        await watch(pilot, run)
        await pilot.press("3")
        await until(pilot, lambda: chart(console, "lr").region.width > size[0] - 5)
        assert chart(console, "loss").region.width == 0 and chart(console, "lr").has_focus
        await pilot.press("3")
        await until(pilot, lambda: chart(console, "loss").region.width > 0)
        await pilot.press("f")
        # With the whole screen there is room for all, one below the other.
        await until(pilot, lambda: all(chart(console, name).region.height > 6 for name in ("loss", "accuracy", "lr")))
        assert chart(console, "lr").region.bottom > size[1] - 3 and chart(console, "lr").region.y > 8


@pytest.mark.parametrize("size", SIZES)
async def test_the_learning_rate_is_checked_as_one_types_and_then_set(scene, console, watch, until, work, told, size):
    run = scene.run(name="one", status="running", step=3000, alive=False)
    worker = work(run)
    async with console.run_test(size=size) as pilot:
        await watch(pilot, run)
        await pilot.press("l")
        await until(pilot, lambda: isinstance(console.screen, SetValueScreen))
        box = console.screen.query_one(Input)
        assert box.value == "0.001"
        problem = console.screen.query_one("#problem", Static)
        box.value = "-1"
        await pilot.pause()
        assert "above 0" in str(problem.render())
        await pilot.press("enter")
        assert isinstance(console.screen, SetValueScreen)
        box.value = "5e-3"
        await pilot.pause()
        assert str(problem.render()).strip() == ""
        await pilot.press("enter")
        await until(pilot, lambda: told)
        assert worker.done == [("set", {"field": "optim.lr", "value": "5e-3"})]
        assert told[0][0] == "one: changed"
        await until(pilot, lambda: [mark.label for mark in chart(console, "lr").marks] == ["lr 0.001→5e-3"])


async def test_every_live_field_can_be_changed_from_the_palette(scene, console, watch, until, work):
    worker = work(run := scene.run(status="running", step=3000, alive=False))
    async with console.run_test() as pilot:
        await watch(pilot, run)
        await pilot.press("ctrl+p", *"clip_norm")
        await until(pilot, lambda: "Change optim.clip_norm" in screen_text(console))
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(console.screen, SetValueScreen))
        console.screen.query_one(Input).value = "1.5"
        await pilot.press("enter")
        await until(pilot, lambda: worker.done == [("set", {"field": "optim.clip_norm", "value": "1.5"})])


async def test_any_live_field_is_chosen_from_a_list(scene, console, watch, until, work):
    worker = work(run := scene.run(status="running", step=3000, alive=False))
    async with console.run_test(size=(80, 24)) as pilot:
        await watch(pilot, run)
        await pilot.press("v")
        await until(pilot, lambda: "Change while it trains" in screen_text(console))
        await pilot.press(*"evaluate", "enter")
        await until(pilot, lambda: isinstance(console.screen, SetValueScreen))
        console.screen.query_one(Input).value = "250"
        await pilot.press("enter")
        await until(pilot, lambda: worker.done == [("set", {"field": "train.evaluate_every", "value": "250"})])


async def test_pause_continue_save_and_stop(scene, console, watch, until, work, told):
    worker = work(run := scene.run(name="one", status="running", step=3000, alive=False))
    async with console.run_test() as pilot:
        await watch(pilot, run)
        for key, verb in (("p", "pause"), ("p", "resume"), ("c", "snapshot"), ("x", "stop")):
            await pilot.press(key)
            count = len(worker.done)
            await until(pilot, lambda verb=verb: worker.done and worker.done[-1][0] == verb)
            status = {"pause": "paused", "resume": "running", "snapshot": "running", "stop": "stopped"}[verb]
            await until(pilot, lambda status=status: console.screen.view.summary.status == status)
            assert len(worker.done) >= count
        await until(pilot, lambda: len(told) == 4)
        assert told[2] == ("one: checkpoint saved", "at step 3,000")
        assert "bell" not in told
        assert "r resumes" in screen_text(console)


async def test_a_run_that_ends_while_watched_is_told_once(scene, console, watch, until, work, told):
    worker = work(run := scene.run(name="one", status="running", step=20_000, alive=False))
    async with console.run_test() as pilot:
        await watch(pilot, run)
        worker.end("finished")
        await until(pilot, lambda: "bell" in told)
        assert told[0][0] == "◉ one finished" and "accuracy 95.00%" in told[0][1]
        await pilot.press("escape")
        await until(pilot, lambda: not isinstance(console.screen, LiveScreen))
        await until(pilot, lambda: console.screen.run_in_hand()[1].status == "finished")
        assert len(told) == 2


@pytest.mark.parametrize("size", SIZES)
async def test_a_run_that_died_shows_the_end_of_its_log(scene, console, watch, until, size):
    run = scene.run(status="running", alive=False, log="a\n[red]b[/]\n\x1b[31mKilled\x1b[0m\n")
    async with console.run_test(size=size) as pilot:
        await watch(pilot, run)
        await until(pilot, lambda: console.screen.query_one(TabbedContent).active == "log")
        await until(pilot, lambda: "[red]b[/]" in screen_text(console))
        shown = screen_text(console)
        assert "† died" in shown and "r runs it again" in " ".join(shown.split())
        assert "\x1b" not in shown and "\\x1b[31mKilled" in shown


@pytest.mark.parametrize("size", SIZES)
async def test_a_question_to_a_finished_run(scene, console, watch, until, size):
    run = scene.run()
    (run.checkpoints / "step-20000").mkdir()
    async with console.run_test(size=size) as pilot:
        await watch(pilot, run)
        assert not console.screen.query_one(AskPanel).session.warm
        await pilot.press("A")
        await until(pilot, lambda: console.screen.query_one(AskPanel).session.warm)
        await until(pilot, lambda: "numbers from 0 to 9" in console.screen.query_one(QuestionInput).placeholder)
        await pilot.press(*[{" ": "space"}.get(key, key) for key in "1 2 3 5 1 2 4"], "enter")
        await until(pilot, lambda: "1 2 3 5 1 2 4 → 8  ✓ right" in screen_text(console))
        shown = screen_text(console)
        assert "step 3,000" in shown and "91.00%" in shown
        await pilot.press("x", "enter")
        await until(pilot, lambda: "[red]x[/] is not a number" in screen_text(console))
        await pilot.press("up", "up")
        assert console.screen.query_one(QuestionInput).value == "1 2 3 5 1 2 4"
        await pilot.press("down", "down")
        assert console.screen.query_one(QuestionInput).value == ""
        process = console.screen.query_one(AskPanel).session.pid
        await pilot.press("escape")
        assert isinstance(console.screen, LiveScreen)
        await pilot.press("escape")
        await until(pilot, lambda: not isinstance(console.screen, LiveScreen))
        await until(pilot, lambda: not psutil.pid_exists(process))


async def test_a_question_to_a_live_run_saves_a_checkpoint_first(scene, console, watch, until, work):
    worker = work(run := scene.run(status="running", step=700, alive=False))
    began = time.monotonic()
    async with console.run_test() as pilot:
        await watch(pilot, run)
        await pilot.press("A", "4", "enter")
        await until(pilot, lambda: "4 → 4" in screen_text(console))
        for question in ("5", "6"):
            await pilot.press(question, "enter")
            await until(pilot, lambda question=question: f"{question} → {question}" in screen_text(console))
        assert set(map(str, worker.done)) == {str(("snapshot", {"kept": False}))}
        most = 1 + (time.monotonic() - began) // FRESH_SECONDS
        assert len(worker.done) <= most, "one for all that is asked in a moment"


async def test_a_run_without_a_checkpoint_says_so(scene, console, watch, until):
    run = scene.run(status="stopped", step=700)
    async with console.run_test() as pilot:
        await watch(pilot, run)
        await pilot.press("A", "4", "enter")
        await until(pilot, lambda: "nothing to ask: run" in screen_text(console))


async def test_a_query_server_that_dies_is_told_and_started_again(scene, console, watch, until, query_server):
    commands = [query_server("good"), query_server("dies")]

    def next_command(folder):
        return commands.pop()(folder)

    console.query_command = next_command
    run = scene.run()
    (run.checkpoints / "step-20000").mkdir()
    async with console.run_test() as pilot:
        await watch(pilot, run)
        await pilot.press("A", "4", "enter")
        await until(pilot, lambda: "ask again to start it anew" in screen_text(console).replace("\n", ""))
        await pilot.press("5", "enter")
        await until(pilot, lambda: "5 → 5" in screen_text(console))


async def test_the_config_marks_what_differs_from_the_preset(scene, console, watch, until):
    run = scene.run("sota", changes={"train.batch_size": "32"})
    async with console.run_test(size=(120, 40)) as pilot:
        await watch(pilot, run)
        await pilot.press("g")
        await until(pilot, lambda: console.screen.query_one(ConfigView).has_focus)
        text = str(console.screen.query_one(ConfigView).query_one(Static).render())
        marked = [line for line in text.splitlines() if "✎" in line and "batch_size" in line]
        assert len(marked) == 1 and "32" in marked[0] and "preset 64" in marked[0]
        assert text.count("✎") == 2
        for facts in run.config().fields():
            assert facts.name in text


async def test_the_log_follows_its_end(scene, console, watch, until):
    run = scene.run(status="running", log="".join(f"line {index}\n" for index in range(200)))
    async with console.run_test(size=(80, 24)) as pilot:
        await watch(pilot, run)
        await pilot.press("o")
        await until(pilot, lambda: "line 199" in screen_text(console))
        with run.log.open("a") as log:
            log.write("line 200\n")
        await until(pilot, lambda: "line 200" in screen_text(console))
        await pilot.press("home")
        await until(pilot, lambda: "line 0" in screen_text(console))
        with run.log.open("a") as log:
            log.write("line 201\n")
        await until(pilot, lambda: "line 201" in console.screen.query_one(LogView).lines)
        assert "line 201" not in screen_text(console)


async def test_a_task_without_accuracy_shows_its_error_and_m_shows_the_next_metric(scene, console, watch, until):
    run = scene.run("sunspots_lstm", status="running", step=0)
    with run.store() as store:
        for step in range(10, 210, 10):
            points = {"loss": 0.5, "eval_loss": 0.4, "mae": 20.0, "mae_same_as_last": 25.0, "rmse": 30.0, "lr": 0.01}
            store.append([(name, step, value) for name, value in points.items()])
    async with console.run_test(size=(120, 40)) as pilot:
        await watch(pilot, run)
        await until(pilot, lambda: chart(console, "accuracy").title == "mae")
        for name, expected in (
            ("accuracy", [("same as last", 25), ("eval", 20)]),
            ("loss", [("train", 0.5), ("eval", 0.4)]),
        ):
            assert [(one.name, one.y[-1]) for one in chart(console, name).series] == expected
        assert chart(console, "accuracy").plot_view.y1 > 1
        await pilot.press("tab", "m")
        await until(pilot, lambda: chart(console, "accuracy").title == "rmse")
        await until(pilot, lambda: chart(console, "accuracy").series[0].y[-1] == 30)


async def test_a_message_of_the_run_is_told_while_one_looks_and_stands_in_events(scene, console, watch, until, told):
    run = scene.run(status="running")
    with run.store() as store:
        store.add_event(1, "message", text="an old one")
    async with console.run_test(size=(120, 40)) as pilot:
        await watch(pilot, run)
        with run.store() as store:
            store.add_event(2, "message", text="sample: 2 lines in the log", **text_detail("sample", "a\nb"))
            store.add_event(2, "message", text="weights  0 █ 1", **histogram_detail("weights", np.arange(3.0)))
            store.add_event(
                2, "message", text="weights saved as weights/step-2.safetensors", weights="step-2.safetensors"
            )
            store.add_event(2, "message", text="swanlab: [red]no[/] key; the run goes on without it")
        await until(pilot, lambda: told)
        assert told == [("", "swanlab: [red]no[/] key; the run goes on without it")]
        await pilot.press("e")
        await until(pilot, lambda: "[red]no[/] key" in screen_text(console) and "an old one" in screen_text(console))
        assert "2 lines in the log" in screen_text(console) and "weights saved as" in screen_text(console)


async def test_the_temperature_goes_with_the_question_of_a_task_that_writes_on(
    scene, console, watch, until, query_server
):
    console.query_command = query_server("writes")
    run = scene.run()
    (run.checkpoints / "step-20000").mkdir()
    async with console.run_test(size=(120, 40)) as pilot:
        await watch(pilot, run)
        await pilot.press("A")
        await until(pilot, lambda: "/t 0.8" in console.screen.query_one(QuestionInput).placeholder)
        box = console.screen.query_one(QuestionInput)
        asked = {"ab ": "ab |None", "/t 0.5": None, "cd": "cd|0.5", "/t 2 ef": "ef|2.0", "/t 0": None, "gh": "gh|None"}
        for typed, shown in {**asked, "/t x": "a number from 0 to 100", "": "|None"}.items():
            box.value = typed
            await pilot.press("enter")
            if shown is not None:
                await until(pilot, lambda shown=shown: shown in screen_text(console))


@pytest.mark.parametrize(
    ("before", "after", "new"),
    [
        ([], ["a"], None),
        (["a"], ["a", "b"], ["b"]),
        (["a", "b", "c"], ["b", "c", "d"], ["d"]),
        (["a", "b"], ["x", "y"], None),
        (["a", "b"], ["a"], None),
    ],
)
def test_what_a_log_adds(before, after, new):
    assert continuation(before, after) == new


@pytest.mark.parametrize("binned", [True, False])
async def test_a_run_that_is_deleted_elsewhere_is_told_not_raised_and_may_come_back(
    scene, console, watch, until, told, binned
):
    run = scene.run(status="stopped")
    async with console.run_test(size=(120, 40)) as pilot:
        await watch(pilot, run)
        away = run.folder.with_name(".bin" if binned else ".elsewhere") / run.id
        away.parent.mkdir()
        run.folder.rename(away)
        await until(pilot, lambda: told)
        assert told[0][0] == ("The run is in the bin" if binned else "The run is gone")
        assert (f"seqsum restore {run.id} brings it back" in screen_text(console)) == binned
        away.rename(run.folder)
        await until(pilot, lambda: "■ stopped" in str(console.screen.query_one("#banner").render()))
        await pilot.press("escape")
        await until(pilot, lambda: not isinstance(console.screen, LiveScreen))


@pytest.mark.parametrize("size", [(60, 20), (80, 24), (120, 40)])
async def test_why_a_finished_run_ended_early_is_told(scene, console, watch, until, size):
    run = scene.run(status="finished", step=3000)
    async with console.run_test(size=size) as pilot:
        await watch(pilot, run)
        assert not console.screen.query_one("#banner").display
        with run.store() as store:
            store.set_state(reason="stopped early: accuracy is 100.00% at step 3,000")
        console.screen.wake()
        words = "stopped early: accuracy is 100.00% at step 3,000."
        await until(pilot, lambda: words in screen_words(console))


async def test_resizing_never_breaks(scene, console, watch, until):
    run = scene.run(status="running", step=8000)
    async with console.run_test(size=(120, 40)) as pilot:
        await watch(pilot, run)
        for size in [(60, 20), (200, 50), (30, 8), (80, 24), (10, 3), (120, 40)]:
            await pilot.resize_terminal(*size)
            await pilot.pause()
        assert "● running" in screen_text(console)


async def test_charts_that_were_covered_while_the_terminal_changed_are_drawn_for_its_size(
    scene, console, watch, until, still_for
):
    run = scene.run(status="finished", step=20_000)
    async with console.run_test(size=(120, 40)) as pilot:
        await watch(pilot, run)
        live = console.screen
        await pilot.resize_terminal(80, 24)
        in_front = await still_for(pilot)
        await pilot.resize_terminal(120, 40)
        await still_for(pilot)
        await pilot.press("question_mark")
        await until(pilot, lambda: console.screen is not live)
        await pilot.resize_terminal(80, 24)
        await still_for(pilot)
        await pilot.press("escape")
        await until(pilot, lambda: console.screen is live)
        assert await still_for(pilot) == in_front


@pytest.mark.parametrize(
    ("status", "step", "end"),
    [
        ("running", 0, 20_000 / 2**14),
        ("running", 9_999, 10_000),
        ("paused", 10_001, 20_000),
        ("stopped", 10_001, 10_001),
        ("failed", 0, 1),
        ("finished", 20_000, 20_000),
    ],
)
def test_the_step_axis_ends_at_a_halving_of_the_run_and_where_it_ended_there(scene, status, step, end):
    run = scene.run(status=status, step=step).summary()
    assert x_end(run, float(step)) == end


def test_nothing_is_read_again_until_something_changed(scene):
    run = scene.run(status="running", step=5000, alive=False)
    lock = scene.hold(run)
    reader = RunReader(run)
    assert reader.read().summary.status == "running"
    assert reader.read() is None
    with run.store() as store:
        store.add_event(5000, "paused")
    assert [event.kind for event in reader.read().events] == ["started", "paused"]
    assert reader.read() is None
    scene.release(lock)
    assert reader.read().summary.status == "died"
    assert reader.read() is None
    reader.window = (1000.0, 2000.0)
    assert reader.read().curves["loss"].x.tolist() == list(range(1000, 2100, 100))


async def test_each_line_of_a_paste_is_asked_in_order(scene, console, watch, until, told, monkeypatch):
    monkeypatch.setattr("seqsum_tui.query.ask_panel.MOST_ANSWERS", 3)
    run = scene.run()
    (run.checkpoints / "step-20000").mkdir()
    async with console.run_test(size=(120, 40)) as pilot:
        await watch(pilot, run)
        await pilot.press("A")
        await until(pilot, lambda: "numbers from 0 to 9" in console.screen.query_one(QuestionInput).placeholder)
        console.post_message(events.Paste("1 2\n\n3 4 5\nx\n6 7\n8 9\n"))
        await until(pilot, lambda: "[red]x[/] is not a number" in screen_text(console))
        shown = screen_text(console)
        assert shown.index("is not a number") < shown.index("3 4 5 →") < shown.index("1 2 →")
        assert "6 7" not in shown
        ((_, said),) = told
        assert said.startswith("The first 3 lines are asked, 2 are left out")

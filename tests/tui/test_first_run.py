"""What a first run shows: three questions that turn right, and a run too short to be seen, shown slowly once."""

import pytest

from seqsum.runs.store import ANSWERS
from seqsum_tui.app import Console
from seqsum_tui.live.chart_grid import LiveCharts
from seqsum_tui.live.screen import LiveScreen
from seqsum_tui.runs.screen import RunsScreen
from support.screens import listed, screen_text

SIZES = [(60, 20), (80, 24), (120, 40)]


@pytest.fixture
def console(scene, still, query_server):
    return Console(scene.folder, now=still, remote=False, query_command=query_server("good"))


def answer(run, step, *said):
    questions = ("1+2+3 =", 6), ("7+8 mod 10 =", 5), ("[red]9[/]\x1b =", 9)
    answers = [
        {"asked": asked, "said": str(one), "right": one == truth}
        for one, (asked, truth) in zip(said, questions, strict=True)
    ]
    with run.store() as store:
        store.add_event(step, ANSWERS, answers=answers)


@pytest.mark.parametrize("size", SIZES)
async def test_questions_turn_right_under_the_curves(scene, console, watch, until, size):
    run = scene.run(status="running", step=5000)
    answer(run, 0, 4, 5, 1)
    async with console.run_test(size=size) as pilot:
        await watch(pilot, run)
        assert "1+2+3 = 4 ✗" in screen_text(console) and "7+8 mod 10 = 5 ✓" in screen_text(console)
        answer(run, 500, 6, 5, 9)
        await until(pilot, lambda: "1+2+3 = 6 ✓" in screen_text(console))
        await pilot.press("e")
        await until(pilot, lambda: "started" in screen_text(console))
        assert "answers" not in screen_text(console), "it is nothing that happened to the run"


async def test_a_question_without_a_right_answer_has_no_sign(scene, console, watch):
    run = scene.run(status="running", step=5000)
    with run.store() as store:
        store.add_event(0, ANSWERS, answers=[{"asked": "so so →", "said": "good", "right": None}])
    async with console.run_test(size=(80, 24)) as pilot:
        await watch(pilot, run)
        assert "so so → good" in screen_text(console)
        assert "good ✗" not in screen_text(console) and "good ✓" not in screen_text(console)


@pytest.mark.parametrize("answers", [[], "x", [3], [{"asked": 3}], None])
async def test_answers_that_a_stranger_wrote_stop_nothing(scene, console, watch, answers):
    run = scene.run(status="running", step=5000)
    with run.store() as store:
        store.add_event(0, ANSWERS, answers=answers)
    async with console.run_test(size=(80, 24)) as pilot:
        await watch(pilot, run)
        assert "running" in screen_text(console)


def quick(scene, **more):
    run = scene.run(status="finished", step=20_000, **more)
    with run.store() as store:
        store.set_state(train_seconds=0.41)
    answer(run, 500, 4, 5, 1)
    answer(run, 19_000, 6, 5, 9)
    return run


def drawn_to(console):
    return console.screen.query_one(LiveCharts).charts[0].series[0].x[-1]


@pytest.mark.parametrize("size", SIZES)
async def test_a_run_too_short_to_be_seen_is_replayed_once(scene, console, watch, until, size):
    run = quick(scene)
    async with console.run_test(size=size) as pilot:
        await watch(pilot, run)
        await until(pilot, lambda: "replayed slowly: it took 0.4" in screen_text(console))
        assert "20,000/20,000" not in screen_text(console)
        seen = {drawn_to(console)} if console.screen.query_one(LiveCharts).charts[0].series else set()
        await until(pilot, lambda: "1+2+3 = 4 ✗" in screen_text(console))
        await until(pilot, lambda: "20,000/20,000" in screen_text(console))
        assert "replayed" not in screen_text(console) and "1+2+3 = 6 ✓" in screen_text(console)
        assert drawn_to(console) == 20_000 and all(one < 20_000 for one in seen)
        # Never again.
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(console.screen, RunsScreen))
        await watch(pilot, run)
        assert "20,000/20,000" in screen_text(console) and "replayed" not in screen_text(console)


@pytest.mark.parametrize(("seen", "replayed"), [(None, True), (1.5, True), (2.5, False)])
async def test_a_run_that_was_just_started_is_replayed_when_too_little_of_it_was_seen(
    scene, console, until, seen, replayed
):
    run = scene.run(status="finished", step=20_000)
    with run.store() as store:
        store.set_state(train_seconds=4.5)
    clock = [1000.0]
    console.now = lambda: clock[0]
    async with console.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: listed(console))
        if seen is not None:
            with run.store() as store:
                store.set_state(status="running", step=10_000)
            lock = scene.hold(run)
        console.screen.open_run(run.id, started=True)
        await until(pilot, lambda: isinstance(console.screen, LiveScreen) and console.screen.view is not None)
        if seen is not None:
            clock[0] += seen
            with run.store() as store:
                store.set_state(step=15_000)
            await until(pilot, lambda: console.screen.view.summary.step == 15_000)
            # What passes before the end is read counts for nothing.
            clock[0] += 60
            with run.store() as store:
                store.set_state(status="finished", step=20_000)
            scene.release(lock)
        await until(pilot, lambda: console.screen.view.summary.status == "finished")
        assert ("replayed: it took 4.5" in screen_text(console)) is replayed
        await until(pilot, lambda: "20,000/20,000" in screen_text(console))


async def test_any_key_ends_the_replay_and_does_what_it_does(scene, console, watch, until):
    run = quick(scene)
    async with console.run_test(size=(120, 40)) as pilot:
        await watch(pilot, run)
        await until(pilot, lambda: "replayed" in screen_text(console))
        await pilot.press("o")
        await until(pilot, lambda: "20,000/20,000" in screen_text(console))
        assert "replayed" not in screen_text(console) and drawn_to(console) == 20_000
        assert isinstance(console.screen, LiveScreen) and console.screen.query_one("#tabs").active == "log"


async def test_a_run_that_took_its_time_or_failed_is_not_replayed(scene, console, watch, until):
    slow, failed = scene.run(name="slow"), scene.run(name="failed", status="failed", step=500, reason="no")
    with failed.store() as store:
        store.set_state(train_seconds=0.2)
    async with console.run_test(size=(120, 40)) as pilot:
        for run in (slow, failed):
            await watch(pilot, run)
            assert "replayed" not in screen_text(console)
            await pilot.press("escape")
            await until(pilot, lambda: isinstance(console.screen, RunsScreen))

"""Ask on a broad screen: panels of one question, pages large, checkpoints that come, the replay and its file."""

import asyncio
import json
from collections import Counter

import pyte
import pytest
from textual.widgets import Input

from seqsum_tui.app import Console
from seqsum_tui.dialogs.text_input import LineScreen
from seqsum_tui.query import session
from seqsum_tui.query.box import QueryBox
from seqsum_tui.query.checkpoint_slider import CheckpointSlider
from seqsum_tui.query.screen import QueryScreen
from seqsum_tui.runs.screen import RunsScreen
from support.asking import HereClient, learn
from support.screens import listed, screen_text, screen_words, toasts

SHORT = {"task.min_length": "1", "task.max_length": "2", "model.hidden_size": "8", "model.embedding_size": "4"}
SIZE = (160, 45)


class CountingClient(HereClient):
    """Counts what it is asked; `held` is answered when `go_on` is set."""

    asked: Counter[str]
    held: str
    go_on: asyncio.Event

    async def request(self, ask, **fields):
        self.asked[ask, fields.get("checkpoint")] += 1
        if ask == self.held:
            await self.go_on.wait()
        return await super().request(ask, **fields)


@pytest.fixture
def asked(monkeypatch):
    """What the servers were asked, by its name and the checkpoint that was named."""
    for name, value in {"asked": Counter(), "held": "", "go_on": asyncio.Event()}.items():
        monkeypatch.setattr(CountingClient, name, value, raising=False)
    monkeypatch.setattr(session, "QueryClient", CountingClient)
    monkeypatch.setattr(session, "FRESH_SECONDS", 1e9)
    return CountingClient.asked


@pytest.fixture
def console(scene, still):
    made = Console(scene.folder, now=still, remote=False)
    made.animation_level = "none"
    return made


@pytest.fixture
def opened(console, until, asked):
    """Open the screen of a run and wait until its model answers."""

    async def open(pilot, run):
        await until(pilot, lambda: listed(console))
        console.push_screen(screen := QueryScreen(run.id))
        await until(pilot, lambda: screen.askings and screen.askings[0].session.facts and not screen.busy)
        return screen

    return open


async def put(pilot, until, screen, question):
    screen.query_one(QueryBox).value = question
    screen.action_box()
    await pilot.press("enter", "escape")
    await until(pilot, lambda: not screen.askings[0].waits and not screen.busy)


def titles(screen):
    return [str(pane.border_title) for pane in screen.board.panes]


def adder(scene, *steps, **more):
    return learn(scene.run("baseline", changes=SHORT, **more), *steps)


OF_A_SUM = ["1 Answer", "2 Trajectory", "2 Probabilities", "4 Learned"]


async def test_panels_follow_one_question_and_ask_it_once(console, scene, opened, asked, until):
    async with console.run_test(size=SIZE) as pilot:
        screen = await opened(pilot, adder(scene, 0, 300))
        assert titles(screen) == ["1 Answer", "2 Trajectory", "2 Step by step", "4 Learned"]
        for question in ("3 4", "5 5"):
            asked.clear()
            await put(pilot, until, screen, question)
            assert asked == {(ask, None): 1 for ask in ("predict", "trajectory", "inspect", "history")}
            # One server walks over many inputs: first for the view that fits the task best.
            assert list(asked).index(("trajectory", None)) < list(asked).index(("history", None))
            answer, ring, thinks, learned = screen.board.panes
            assert answer.written.startswith(question) and question in learned.written
            assert [at.token for at in screen.askings[0].answers["trajectory"].path] == question.split()
            assert ring.query_one("Plane").display
            assert [name.split()[-1] for name in thinks.query_one("HeatMap").subject.columns] == question.split()
        # A page shows one of them large; the same key, or escape, leads back. Nothing is asked again.
        for back in ("2", "escape"):
            await pilot.press("2")
            await until(pilot, lambda: not screen.board.overview and screen.board.title == "Trajectory")
            assert [pane.query_one("Plane").size.width for pane in screen.board.panes] > [SIZE[0] * 0.9]
            await pilot.press(back)
            await until(pilot, lambda: screen.board.overview and titles(screen) == OF_A_SUM)
        assert sum(asked.values()) == 4
        # Tab leads from panel to panel; the border says which has the keys.
        seen = []
        for _ in range(5):
            (active,) = [pane for pane in screen.board.panes if pane.has_focus_within] or [None]
            seen.append(None if active is None else str(active.border_title))
            plain = {pane.styles.border_top for pane in screen.board.panes if pane is not active}
            assert len(plain) == 1 and (active is None or active.styles.border_top not in plain)
            await pilot.press("tab")
        assert sorted(filter(None, seen)) == sorted(OF_A_SUM) and seen.count(None) == 1
        await pilot.press("escape", "escape")
        await until(pilot, lambda: isinstance(console.screen, RunsScreen))


async def test_as_many_panels_as_there_is_room_for_and_v_turns_one(console, scene, opened, until):
    async with console.run_test(size=(60, 20)) as pilot:
        screen = await opened(pilot, adder(scene, 0, 300))
        await put(pilot, until, screen, "3 4")
        for size, shown in (
            ((200, 60), 4),
            ((160, 24), 4),
            ((120, 40), 3),
            ((120, 35), 2),
            ((119, 40), 1),
            ((60, 20), 1),
        ):
            await pilot.resize_terminal(*size)
            await until(pilot, lambda shown=shown: len(screen.board.panes) == shown)
            assert "✓ right" in screen_text(console) or "✗ wrong" in screen_text(console)
            regions = [pane.region for pane in screen.board.panes]
            assert sum(region.area for region in regions) == screen.board.region.area
            assert all(region.height >= 8 for region in regions)
            if shown == 4 and size[1] > 30:
                answer, _, thinks, _ = (region.height for region in regions)
                assert 1.5 * answer < thinks, "what explains an answer has more room than the answer"
            if shown == 3:
                answer, ring, thinks = screen.board.panes
                assert ring.region.height == screen.board.region.height and thinks.region.x == answer.region.x
                assert not answer.query_one("#scroll").max_scroll_y, "ten bars have room"
        await pilot.resize_terminal(*SIZE)
        await until(pilot, lambda: len(screen.board.panes) == 4)
        screen.set_focus(screen.board.panes[2].picture)
        await pilot.press("v")
        await until(pilot, lambda: titles(screen) == [*OF_A_SUM[:2], "2 Hidden", OF_A_SUM[3]])
        await pilot.press("2")
        await until(pilot, lambda: not screen.board.overview and screen.board.title == "Hidden")


async def test_an_answer_without_bars_leaves_its_room_to_what_explains_it(console, scene, opened, until):
    small = {"model.hidden_size": "8", "model.embedding_size": "8"}
    run = learn(scene.run("dates", changes=small), 0)
    async with console.run_test(size=(160, 60)) as pilot:
        screen = await opened(pilot, run)
        answer, _, thinks, _ = screen.board.panes
        keys = answer.query_one("#words").render()
        assert "shows every key" in str(keys) and not answer.query_one("#scroll").max_scroll_y
        await put(pilot, until, screen, "3 March 2021")
        assert 2.5 * answer.region.height < thinks.region.height
        assert thinks.query_one("HeatMap").size.height > 15


async def test_below_a_short_answer_stands_what_tells_most_of_it(console, scene, opened, asked, until):
    small = {"model.hidden_size": "8", "model.embedding_size": "8"}
    run = learn(scene.run("dates", changes=small), 0)
    async with console.run_test(size=(80, 24)) as pilot:
        screen = await opened(pilot, run)
        await put(pilot, until, screen, "3 March 2021")
        (pane,) = screen.board.panes
        await until(pilot, lambda: pane.query_one("Ribbons").display)
        assert pane.written.startswith("3 March 2021 → ") and "Where the decoder looked" in pane.written
        assert pane.query_one("Ribbons").has_focus and screen.board.page == "answer"
        # Where there is no room for both, the answer has it.
        await pilot.resize_terminal(60, 14)
        await until(pilot, lambda: not pane.query_one("Ribbons").display)
        assert pane.written.startswith("3 March 2021 → ") and "looked" not in pane.written


async def test_an_answer_alone_on_a_broad_screen_has_its_picture_too(console, scene, opened, asked, until):
    async with console.run_test(size=(120, 40)) as pilot:
        screen = await opened(pilot, adder(scene, 0))
        await put(pilot, until, screen, "3 4")
        asked.clear()
        await pilot.press("1")
        await until(pilot, lambda: not screen.board.overview and screen.board.panes[0].query_one("Plane").display)
        (pane,) = screen.board.panes
        assert pane.query_one("Plane").size.height >= 15 and pane.written.startswith("3 4") and not asked
        assert not pane.query_one("#scroll").max_scroll_y, "ten bars have room"


async def test_below_ten_bars_there_is_no_room_and_nothing_more_is_asked(console, scene, opened, asked, until):
    async with console.run_test(size=(80, 24)) as pilot:
        screen = await opened(pilot, adder(scene, 0))
        asked.clear()
        await put(pilot, until, screen, "3 4")
        assert "9 ·" in screen_text(console) or "9 ▏" in screen_text(console) or "9 █" in screen_text(console)
        assert {ask for ask, _ in asked} == {"predict"}


async def test_below_a_forecast_the_data_go_on_in_a_chart(console, scene, opened, until):
    run = learn(scene.run("sunspots_lstm", changes={"model.hidden_size": "8"}), 0)
    async with console.run_test(size=(80, 24)) as pilot:
        screen = await opened(pilot, run)
        await pilot.press("escape", "2")
        await until(pilot, lambda: "What would be forecast after each step" in screen_text(console))
        assert "How likely" not in screen_text(console)
        await pilot.press("1")
        await put(pilot, until, screen, " ".join(["10 20 30"] * 8))
        (pane,) = screen.board.panes
        await until(pilot, lambda: pane.query_one("QueryChart").display)
        assert "next 11 values" in pane.written and "█" not in pane.written, "it is drawn once"
        assert pane.query_one("QueryChart").size.height > 8


async def test_a_slow_view_holds_none_of_the_others_up(console, scene, opened, until):
    CountingClient.held = "history"
    async with console.run_test(size=SIZE) as pilot:
        screen = await opened(pilot, adder(scene, 0, 300))
        screen.query_one(QueryBox).value = "3 4"
        await pilot.press("enter")
        await until(pilot, lambda: set(screen.askings[0].made) >= {"inspect", "trajectory"})
        assert screen.busy and "computing…\nWhat each checkpoint answers" in screen.board.panes[3].written
        assert screen.board.panes[2].query_one("HeatMap").display
        CountingClient.go_on.set()
        await until(pilot, lambda: not screen.busy and screen.board.panes[3].query_one("QueryChart").display)


async def test_new_checkpoints_are_followed_unless_an_older_one_was_chosen(console, scene, opened, asked, until):
    run = adder(scene, 0, status="running", step=1500)

    def steps():
        return {screen.askings[0].reply and screen.askings[0].reply.step, screen.askings[0].latest}

    async with console.run_test(size=SIZE) as pilot:
        screen = await opened(pilot, run)
        await put(pilot, until, screen, "3 4")
        assert steps() == {0}
        learn(run, 100)
        await until(pilot, lambda: steps() == {100} and not screen.busy)
        assert len(screen.askings[0].answers["history"].rows) == 2
        await pilot.press("left_square_bracket")
        await until(pilot, lambda: screen.askings[0].reply and screen.askings[0].reply.step == 0 and not screen.busy)
        asked.clear()
        learn(run, 200)
        await until(pilot, lambda: screen.askings[0].session.checkpoints == (0, 100, 200))
        assert screen.askings[0].reply.step == 0 and not asked
        await pilot.press("n")
        await until(pilot, lambda: steps() == {200})


async def test_the_replay_is_halted_and_stepped_through_on_every_panel(console, scene, opened, asked, until):
    every = (0, 50, 100, 150, 200)
    async with console.run_test(size=SIZE) as pilot:
        screen = await opened(pilot, adder(scene, *every))
        await put(pilot, until, screen, "3 4")
        asking, slider = screen.askings[0], screen.query_one(CheckpointSlider)
        asked.clear()
        await pilot.press("p")
        await until(pilot, lambda: screen.replay.film)
        await pilot.press("space")
        await until(pilot, lambda: screen.replay.film and screen.replay.film.halted and not screen.busy)
        assert "space Halt/go on" in screen_text(console)
        await pilot.press(*["left"] * 5)
        for at, step in enumerate(every[:4], start=1):
            await until(pilot, lambda step=step: asking.reply and asking.reply.step == step and not screen.busy)
            assert set(asking.made) == {"trajectory", "inspect", "history"}
            assert f"‖ {at} of 5" in str(slider.render())
            learned = screen.board.panes[3].query_one("QueryChart")
            assert [mark.x for mark in learned.marks if mark.kind == "asked"] == [step]
            await pilot.press("right")
        await until(pilot, lambda: asking.reply and asking.reply.step == 200 and not screen.busy)
        await pilot.press(*["left"] * 3, "space")
        await until(pilot, lambda: screen.replay.film is None and asking.session.step is None and not screen.busy)
        # What a checkpoint has said is kept: to go back asks nothing.
        assert {count for (_, step), count in asked.items() if step is not None} == {1}
        await pilot.press("p")
        await until(pilot, lambda: screen.replay.film)
        await pilot.press("escape")
        await until(pilot, lambda: screen.replay.film is None)
        assert isinstance(console.screen, QueryScreen)


async def test_the_replay_is_written_for_asciinema(console, scene, opened, until, tmp_path):
    run = adder(scene, 0, 100, 300)
    async with console.run_test(size=SIZE, notifications=True) as pilot:
        screen = await opened(pilot, run)
        await put(pilot, until, screen, "3 4")
        (tmp_path / "there.cast").write_text("mine")
        await pilot.press("E")
        await until(pilot, lambda: isinstance(console.screen, LineScreen))
        proposed = console.screen.query_one(Input).value
        assert proposed.endswith("baseline.cast")
        for name, said in (
            ("there.cast", "is there already"),
            ("no/such/folder.cast", "no folder"),
            ("film.gif", "must end in .cast"),
        ):
            console.screen.query_one(Input).value = str(tmp_path / name)
            await pilot.press("enter")
            await until(pilot, lambda said=said: said in screen_words(console))
        console.screen.query_one(Input).value = str(tmp_path / "film.cast")
        await pilot.press("enter")
        await until(pilot, lambda: any("asciinema play" in toast for toast in toasts(console)))
        assert screen.askings[0].session.step is None and (tmp_path / "there.cast").read_text() == "mine"
    head, *events = map(json.loads, (tmp_path / "film.cast").read_text().splitlines())
    assert head["version"] == 2 and (head["width"], head["height"]) == SIZE
    assert [time for time, _, _ in events] == sorted(time for time, _, _ in events) and len(events) == 4
    terminal = pyte.Screen(*SIZE)
    stream = pyte.Stream(terminal)
    for step, (_, kind, data) in zip((0, 100, 300), events, strict=False):
        assert kind == "o"
        stream.feed(data)
        shown = "\n".join(terminal.display)
        assert f"step {step:,} of 300" in shown and all(title in shown for title in OF_A_SUM)


async def test_what_is_no_question_is_told_once_and_a_forecast_needs_none(console, scene, opened, until):
    run = learn(scene.run("sunspots_lstm", changes={"model.hidden_size": "8"}), 1, 2)
    async with console.run_test(size=SIZE) as pilot:
        screen = await opened(pilot, run)
        await until(pilot, lambda: "from 11 values before the data's end" in screen_text(console))
        assert titles(screen) == ["1 Answer", "5 Forecast", "2 Step by step", "5 Errors"]
        await put(pilot, until, screen, "no number")
        await until(pilot, lambda: "✗" in screen_text(console))
        text = screen_text(console)
        assert text.count("✗") == 1 and "from 11 values before the data's end" in text
        await pilot.press("less_than_sign")
        await until(pilot, lambda: "from 22 values before the data's end" in screen_text(console))
        # Where there is no room for panels, it stands in the answer's place.
        await pilot.resize_terminal(80, 24)
        await until(pilot, lambda: "from 22 values before the data's end" in screen_text(console))

"""The Query screen: real answers of small networks, at every size, by keys and by mouse."""

import asyncio
import os
from contextlib import suppress

import psutil
import pytest
from textual import events
from textual.app import App
from textual.content import Content
from textual.widgets import Input

from seqsum.errors import UserError
from seqsum.formatting import percent
from seqsum.query.answering import Answerer
from seqsum.query.questions.loss_per_character import LossPerCharacterAnswer
from seqsum.runs import bin
from seqsum.tasks.forecast import Forecast, ForecastConfig
from seqsum_tui.app import Console
from seqsum_tui.charts import Mark
from seqsum_tui.dialogs.choose import ChooseScreen
from seqsum_tui.dialogs.text_input import LineScreen
from seqsum_tui.query import session
from seqsum_tui.query.answer_list import AnswerList
from seqsum_tui.query.batch import filter_of, questions_of, series_of
from seqsum_tui.query.box import QueryBox
from seqsum_tui.query.checkpoint_slider import CheckpointSlider
from seqsum_tui.query.client import server_command
from seqsum_tui.query.heat_map import Heat, HeatMap
from seqsum_tui.query.pane import QueryPane
from seqsum_tui.query.screen import QueryScreen
from seqsum_tui.query.views.shown import Curves, Dots, Line, Lines, Shown, curve
from seqsum_tui.query.views.writing import surprise
from seqsum_tui.runs.screen import RunsScreen
from support.asking import HereClient, learn
from support.screens import listed, screen_text, screen_words

SIZES = [(60, 20), (80, 24), (120, 40)]
SHORT = {"task.min_length": "1", "task.max_length": "2", "model.hidden_size": "8", "model.embedding_size": "4"}
TEXT = "the cat sat on the mat. " * 400


@pytest.fixture
def here(monkeypatch):
    monkeypatch.setattr(session, "QueryClient", HereClient)


@pytest.fixture
def console(scene, still):
    made = Console(scene.folder, now=still, remote=False)
    made.animation_level = "none"
    return made


@pytest.fixture
def adder(scene):
    """A run that learns sums of one or two numbers, with three checkpoints."""
    return learn(scene.run("baseline", changes=SHORT), 0, 100, 1500)


@pytest.fixture
def opened(console, until):
    """Open the screen and wait until its model answers."""

    async def open(pilot, run, step=None):
        await until(pilot, lambda: listed(console))
        screen = QueryScreen(run.id, step)
        console.push_screen(screen)
        await until(pilot, lambda: screen.askings and screen.askings[0].session.facts)
        return screen

    return open


async def test_the_pages_are_offered_once_it_is_known_which_there_are(console, adder, until, monkeypatch):
    loads = asyncio.Event()

    class Slow(HereClient):
        async def start(self):
            await loads.wait()
            return await super().start()

    monkeypatch.setattr(session, "QueryClient", Slow)
    async with console.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: listed(console))
        console.push_screen(QueryScreen(adder.id, None))
        await until(pilot, lambda: "shows every key" in screen_text(console))
        assert "turn the pages" not in screen_text(console)
        loads.set()
        await until(pilot, lambda: "1 … 4" in screen_text(console) and "turn the pages" in screen_text(console))


async def put(pilot, until, screen, question):
    """Type a question and wait for its answer; the box keeps the keys."""
    asking = screen.askings[0]
    before = asking.reply
    screen.query_one(QueryBox).value = question
    screen.action_box()
    await pilot.press("enter")
    await until(pilot, lambda: asking.question == question and asking.reply not in (None, before))


async def turn(pilot, until, screen, page):
    """Turn to a page by its key, and wait until it shows."""
    if isinstance(screen.focused, QueryBox):
        await pilot.press("escape")
    await pilot.press(page)
    await done(pilot, until, screen)


async def done(pilot, until, screen):
    """Wait until nothing is computed any more and the chosen view is there."""

    def shown():
        if screen.busy or "computing" in screen_text(screen.app):
            return False
        wanted = dict(screen.askings[0].titles(screen.board.page)).get(screen.board.title)
        return screen.board.page == "answer" or wanted is None or wanted in screen.askings[0].made

    await until(pilot, shown)


async def every_view(pilot, until, screen):
    """Go through the views of a page by their key, each as it is done; the first is shown again at the end."""
    seen = set()
    await done(pilot, until, screen)
    while screen.board.title not in seen:
        seen.add(screen.board.title)
        yield screen.board.title
        await pilot.press("v")
        await done(pilot, until, screen)


async def test_an_answer_and_the_inside_at_every_size(console, adder, here, opened, until):
    async with console.run_test(size=SIZES[0]) as pilot:
        screen = await opened(pilot, adder)
        assert "numbers from 0 to 9" in screen.query_one(QueryBox).placeholder
        await pilot.press("3", "space", "4", "enter")
        await until(pilot, lambda: screen.askings[0].reply)
        expected = Answerer(adder).ask("predict", input="3 4")[1]["answer"]
        assert screen.askings[0].reply.answer.model_dump() == expected
        for size in SIZES:
            await pilot.resize_terminal(*size)
            await until(pilot, lambda: "entropy" in screen_text(console) and "3 4" in screen_text(console))
            said = "✓ right" if expected["correct"] else "✗ wrong, it is 7"
            assert said in screen_text(console) and screen.query_one("#pages").region.right <= size[0]

        inside = Answerer(adder).ask("inspect", input="3 4")[1]["answer"]
        for size, pages in ((SIZES[2], "2"), (SIZES[0], "234")):
            await pilot.resize_terminal(*size)
            for page in pages:
                await turn(pilot, until, screen, page)
                async for title in every_view(pilot, until, screen):
                    text = screen_text(console)
                    assert "✗ query" not in text and "Nothing of this page" not in text
                    shown = [one.size.height for one in screen.query_one(QueryPane).children if one.display]
                    assert max(shown) >= 2, (size, title)
        await turn(pilot, until, screen, "2")
        # The view that fits the task best comes first.
        assert screen.board.titles[:2] == ["Trajectory", "Probabilities"] and screen.board.title == "Trajectory"
        await pilot.press("v")
        heat = screen.query_one(HeatMap)
        await until(pilot, lambda: heat.subject and heat.subject.row_word == "answer")
        assert heat.subject.values == tuple(zip(*inside["probabilities"], strict=True))
        await until(pilot, lambda: heat.has_focus)
        await pilot.press("v")
        await until(pilot, lambda: screen.board.title == "Hidden" and heat.subject.row_word == "unit")
        await pilot.press("home", "end", *["up"] * 20, "down", "down")
        value = inside["layers"][0]["hidden"][1][2]
        said = f"unit 3, step 2 (4): {value:+.4f}, ".replace("-", "−")
        await until(pilot, lambda: heat.cursor_words.startswith(said))
        # The mouse does the same.
        await pilot.click(heat, offset=(heat.name_width + 2, 2))
        await until(pilot, lambda: heat.cursor_words.startswith("unit 1, step 1 (3)"))


@pytest.mark.parametrize(
    ("preset", "changes", "pages"),
    [
        ("character_lm", {"model.hidden_size": "8"}, "2345"),
        ("sunspots_lstm", {}, "2345"),
        ("dates", {"model.hidden_size": "8"}, "24"),
    ],
)
async def test_every_view_of_other_tasks(console, scene, here, opened, until, tmp_path, preset, changes, pages):
    if preset == "character_lm":
        (tmp_path / "text.txt").write_text(TEXT)
        changes = {**changes, "task.corpus": str(tmp_path / "text.txt")}
    run = learn(scene.run(preset, changes=changes), 1, 2)
    seen = set()
    async with console.run_test(size=SIZES[0]) as pilot:
        screen = await opened(pilot, run)
        await pilot.press("ctrl+r")
        await until(pilot, lambda: screen.askings[0].reply)
        for page in pages:
            await turn(pilot, until, screen, page)
            async for title in every_view(pilot, until, screen):
                assert "✗ query" not in screen_text(console), screen_text(console)
                seen.add(title)
        if preset == "character_lm":
            await turn(pilot, until, screen, "5")
            await pilot.press("T", "o")
            await until(pilot, lambda: "temperature 1, out of the 1 likeliest" in screen_text(console))
            assert seen >= {"Sample", "Surprise", "Forget gate", "Cell", "Trajectory", "Learned"}
        if preset == "sunspots_lstm":
            await turn(pilot, until, screen, "5")
            await until(pilot, lambda: "from the series asked" in screen_text(console))
            await pilot.press("less_than_sign")
            await until(pilot, lambda: "from 11 values before" in screen_text(console))
            truth = Answerer(run).ask("forecast", offset=11)[1]["answer"]["truth"]
            (line,) = [one for one in screen.query_one("QueryChart").series if one.name == "truth"]
            assert line.y.tolist() == truth
            assert seen >= {"Forecasts", "Forecast", "Errors", "Learned", "Accuracy"}
        if preset == "dates":
            assert seen >= {"Attention", "Probabilities", "Hidden backwards", "Saliency", "Three cells"}


async def test_checkpoints_one_by_one_and_side_by_side(console, adder, here, opened, until):
    async with console.run_test(size=(120, 40)) as pilot:
        screen = await opened(pilot, adder)
        await put(pilot, until, screen, "3 4")
        newest = screen.askings[0].reply
        await pilot.press("escape", "left_square_bracket", "left_square_bracket")
        await until(pilot, lambda: screen.askings[0].reply and screen.askings[0].reply.step == 0)
        assert "step 0 of 1,500" in screen_text(console)
        await turn(pilot, until, screen, "4")
        found = Answerer(adder).ask("history", input="3 4")[1]["answer"]
        assert screen.askings[0].answers["history"].model_dump() == found and screen.askings[0].aha == found["aha"]
        # The mouse on the line of checkpoints, and all of them one after another.
        slider = screen.query_one(CheckpointSlider)
        await pilot.click(slider, offset=(12, 0))
        await pilot.press("n", "2")
        await done(pilot, until, screen)
        await pilot.click(slider, offset=(12, 0))
        await until(pilot, lambda: screen.askings[0].reply and screen.askings[0].reply.step == 0)
        turned, asking = [], screen.askings[0]
        turn_to = asking.turn_to
        asking.turn_to = lambda step: turned.append(step) or turn_to(step)
        await pilot.press("p")
        await until(pilot, lambda: turned == [0, 100, 1500] and screen.replay.film is None)
        await done(pilot, until, screen)
        await pilot.press("n", "1")
        await until(pilot, lambda: screen.askings[0].reply == newest or (
            screen.askings[0].reply and screen.askings[0].reply.answer == newest.answer))  # fmt: skip

        await pilot.press("vertical_line")
        await until(pilot, lambda: isinstance(console.screen, ChooseScreen))
        await pilot.press("down", "down", "enter")
        await until(pilot, lambda: len(screen.askings) == 2 and screen.askings[1].reply)
        assert screen.askings[1].reply.step == 0
        text = screen_text(console)
        assert "step 1,500" in text and "step 0" in text and " ≠" in text
        await put(pilot, until, screen, "5 5")
        await until(pilot, lambda: all(asking.reply and asking.question == "5 5" for asking in screen.askings))
        await turn(pilot, until, screen, "2")
        await pilot.press("v")
        first, second = [pane.query_one(HeatMap) for pane in screen.board.panes]
        await until(pilot, lambda: first.subject and second.subject and first.subject != second.subject)
        await until(pilot, lambda: first.has_focus)
        await pilot.press(*["up"] * 10, "home", "down", "right")
        await until(pilot, lambda: (second.row, second.column) == (first.row, first.column) == (1, 1))
        await pilot.press("vertical_line")
        await until(pilot, lambda: len(screen.board.panes) == 1)


async def test_the_nearest_inputs_are_listed_and_one_is_asked(console, adder, here, opened, until):
    found = Answerer(adder).ask("nearest_neighbours", input="3 4", count=100)[1]["answer"]["rows"]
    async with console.run_test(size=(80, 24)) as pilot:
        screen = await opened(pilot, adder)
        await put(pilot, until, screen, "3 4")
        await turn(pilot, until, screen, "2")
        listed = screen.query_one(AnswerList)
        await pilot.press("V")
        await until(pilot, lambda: screen.board.title == "Nearest" and listed.has_focus)
        assert [line.question for line in listed.lines] == [row["input"] for row in found]
        for row in found[:9]:
            words = f"→ {row['prediction']}" + ("" if row["correct"] else f"   it is {row['truth']}")
            assert any(row["input"] in line and words in line for line in screen_text(console).splitlines())
        await pilot.press("down", "enter")
        await until(pilot, lambda: screen.askings[0].question == found[1]["input"])


async def test_wrong_answers_by_cell_by_filter_and_one_by_one(console, adder, here, opened, until):
    answerer = Answerer(adder)
    every = answerer.ask("mistakes", limit=500)[1]["answer"]
    confusion = answerer.ask("evaluate")[1]["answer"]["confusion"]
    truth, said = every["rows"][0]["truth"], every["rows"][0]["prediction"]
    async with console.run_test(size=(80, 24)) as pilot:
        screen = await opened(pilot, adder)
        await pilot.press("escape")
        await turn(pilot, until, screen, "3")
        heat, listed = screen.query_one(HeatMap), screen.query_one(AnswerList)
        await until(pilot, lambda: heat.has_focus)
        await pilot.press(*["up"] * 10, "home", *["down"] * int(truth), *["right"] * int(said), "enter")
        count = confusion[int(truth)][int(said)]
        await until(pilot, lambda: listed.display and len(listed.lines) == count)
        await until(pilot, lambda: f"{count:,} with truth={truth} answer={said}" in screen_text(console))
        await pilot.press("f")
        await until(pilot, lambda: isinstance(console.screen, LineScreen))
        assert console.screen.query_one(Input).value == f"truth={truth} answer={said}"
        console.screen.query_one(Input).value = "size=3"
        await pilot.press("enter")
        await until(pilot, lambda: "is not understood" in screen_text(console))
        console.screen.query_one(Input).value = "length=1"
        await pilot.press("enter")
        ones = [row for row in every["rows"] if row["length"] == 1]
        await until(
            pilot,
            lambda: isinstance(console.screen, QueryScreen) and f"{len(ones)} with length=1" in screen_text(console),
        )
        screen.list_only({})
        await until(pilot, lambda: len(listed.lines) == every["total"] and listed.has_focus)
        await pilot.press("enter")
        await until(pilot, lambda: screen.askings[0].reply and screen.board.page == "answer")
        assert screen.askings[0].question == every["rows"][0]["input"] and "✗ wrong" in screen_text(console)


async def test_wrong_input_the_box_and_a_file(console, adder, here, opened, until, tmp_path):
    async with console.run_test(size=(60, 20)) as pilot:
        screen = await opened(pilot, adder)
        for question in ("1 2", "3 4"):
            await put(pilot, until, screen, question)
        screen.query_one(QueryBox).value = "1 2 ten 4"
        await pilot.press("enter")
        await until(pilot, lambda: 'number 3 is "ten"' in screen_text(console))
        above, below = screen_text(console).splitlines()[3:5]
        assert below.index("▲") == above.index("ten") and below.count("▲") == 3
        box = screen.query_one(QueryBox)
        await pilot.press("up")
        await until(pilot, lambda: box.value == "3 4")
        await pilot.press("up")
        await until(pilot, lambda: box.value == "1 2")
        await pilot.press("down", "enter")
        await until(pilot, lambda: screen.askings[0].question == "3 4" and screen.askings[0].reply)
        assert not screen.query_one("#problem").display
        # h asks the hardest.
        await pilot.press("escape", "h")
        hardest = Answerer(adder).ask("hardest_input", seed=1)[1]["answer"]
        await until(pilot, lambda: "the hardest of 110" in screen_text(console))
        assert screen.askings[0].question == hardest["input"]

        (tmp_path / "questions.txt").write_text("1 2\nten\n\n9 9\n0\n")
        await pilot.press("b")
        await until(pilot, lambda: isinstance(console.screen, LineScreen))
        console.screen.query_one(Input).value = str(tmp_path / "nothing.txt")
        await pilot.press("enter")
        await until(pilot, lambda: "can't read" in screen_text(console))
        console.screen.query_one(Input).value = str(tmp_path / "questions.txt")
        await pilot.press("enter")
        await until(pilot, lambda: "questions.txt: 4 questions" in screen_text(console))
        answers = [Answerer(adder).ask("predict", input=one)[1]["answer"]["correct"] for one in ("1 2", "9 9", "0")]
        text = screen_words(console)
        assert f"✓ {sum(answers)} right ✗ {3 - sum(answers)} wrong ! 1 can't be read" in text
        await pilot.press("w")
        wrong = 4 - sum(answers)
        await until(pilot, lambda: len(screen.query_one(AnswerList).lines) == wrong)


async def test_keys_lead_there_and_back(console, adder, here, until):
    async with console.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: listed(console) and console.screen.run_in_hand())
        await pilot.press("a")
        await until(pilot, lambda: isinstance(console.screen, QueryScreen) and console.screen.askings[0].session.facts)
        assert isinstance(console.screen.focused, QueryBox)
        await pilot.press("escape")
        await until(pilot, lambda: not isinstance(console.screen.focused, QueryBox))
        await pilot.press("question_mark")
        await until(pilot, lambda: "Ask the model: keys" in screen_text(console))
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(console.screen, QueryScreen))
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(console.screen, RunsScreen))


@pytest.mark.parametrize(
    ("status", "says"), [("running", "wait for one"), ("stopped", "seqsum resume"), ("finished", "train it again")]
)
async def test_a_run_without_a_checkpoint_says_so_and_what_helps(console, scene, until, status, says):
    run = scene.run(status=status, step=10)
    run.checkpoints.mkdir(exist_ok=True)
    async with console.run_test(size=(120, 20)) as pilot:
        console.push_screen(screen := QueryScreen(run.id))
        await until(pilot, lambda: screen.askings and screen.askings[0].session.summary)
        await until(pilot, lambda: ("no checkpoint yet" in screen_text(console)) == (status == "running"))
        await until(pilot, lambda: ("no model to ask" in screen_text(console)) == (status != "running"))
        screen.query_one(QueryBox).value = "1 2"
        await pilot.press("enter")
        if status != "running":
            await until(pilot, lambda: "nothing to ask: run" in screen_text(console) and says in screen_text(console))
        assert says in run.no_checkpoint() and ("yet" in run.no_checkpoint()) == (status == "running")


@pytest.mark.parametrize("harm", ["bin", "store"])
@pytest.mark.parametrize("when", ["before", "after"])
async def test_the_head_says_that_a_run_can_not_be_read(console, adder, here, opened, until, harm, when):
    def harmed():
        if harm == "bin":
            bin.delete(adder)
        else:
            os.truncate(adder.folder / "metrics.db", 4096)

    async with console.run_test(size=(80, 24)) as pilot:
        if when == "before":
            harmed()
            console.push_screen(screen := QueryScreen(adder.id))
        else:
            screen = await opened(pilot, adder)
            harmed()
        says = "✗ in the bin" if harm == "bin" else "! unreadable"
        await until(pilot, lambda: says in str(screen.query_one("#head").render()))
        text = screen_text(console)
        assert "✗" in text and not any(stale in text for stale in ("reading the run", "no checkpoint", "finished"))


@pytest.mark.parametrize(("key", "shows"), [("3", "accuracy"), ("r", "entropy")])
async def test_keys_pressed_while_the_model_loads_count(console, adder, until, monkeypatch, key, shows):
    go_on = asyncio.Event()

    class Slow(HereClient):
        async def start(self):
            await go_on.wait()
            return await super().start()

        async def request(self, ask, **fields):
            await go_on.wait()
            return await super().request(ask, **fields)

    monkeypatch.setattr(session, "QueryClient", Slow)
    async with console.run_test(size=(80, 24)) as pilot:
        console.push_screen(screen := QueryScreen(adder.id))
        await until(pilot, lambda: "loading the model" in screen_text(console))
        await pilot.press("escape", key)
        go_on.set()
        await until(pilot, lambda: shows in "".join(pane.written for pane in screen.board.panes))


async def test_a_live_run_is_asked_as_it_is_now(console, scene, work, here, opened, until):
    run = learn(scene.run("baseline", status="running", step=1500, alive=False, changes=SHORT), 0, 1500)
    for saved in run.checkpoints.glob("step-*"):
        os.utime(saved, (0, 0))  # long ago: what is asked now needs a new one
    worker = work(run)
    async with console.run_test(size=(80, 24)) as pilot:
        screen = await opened(pilot, run)
        await put(pilot, until, screen, "3 4")
        assert worker.done == [("snapshot", {"kept": False})]
        await until(pilot, lambda: "of a core" in screen_text(console))
        # A checkpoint that is named is asked as it was.
        await pilot.press("escape", "left_square_bracket")
        await until(pilot, lambda: screen.askings[0].reply and screen.askings[0].reply.step == 0)
        assert len(worker.done) == 1


def servers():
    """The query servers that this process has started and not ended."""
    found = []
    for child in psutil.Process().children():
        with suppress(psutil.NoSuchProcess):  # an ended child that nobody has waited for has no command line
            if "seqsum.query" in child.cmdline():
                found.append(child)
    return found


async def test_a_query_server_that_is_killed_is_started_again_with_a_message(console, adder, opened, until):
    """Real servers, which are processes of their own."""
    console.query_command = server_command
    async with console.run_test(size=(80, 24)) as pilot:
        screen = await opened(pilot, adder)
        await put(pilot, until, screen, "3 4")
        first = screen.askings[0].reply.answer
        (server,) = servers()
        server.kill()
        await until(pilot, lambda: not server.is_running())
        await put(pilot, until, screen, "5 4")
        await until(pilot, lambda: "the query server had ended; another was started" in screen_text(console))
        await put(pilot, until, screen, "3 4")
        assert screen.askings[0].reply.answer == first
        await pilot.press("escape", "escape")
        await until(pilot, lambda: isinstance(console.screen, RunsScreen) and not servers())


async def test_an_answer_from_an_older_checkpoint_says_so_as_long_as_it_is(console, adder, here, opened, until):
    (adder.checkpoints / "step-1500" / "model.safetensors").write_bytes(b"gone")

    def told() -> bool:  # a long path is wrapped anywhere
        shown = "".join(screen_text(console).split())
        return "step-1500" in shown and "usingtheonebeforeit" in shown

    async with console.run_test(size=(120, 40)) as pilot:
        screen = await opened(pilot, adder)
        await put(pilot, until, screen, "3 4")
        await until(pilot, told)
        await put(pilot, until, screen, "5 4")
        await until(pilot, told)
        await pilot.press("escape", "left_square_bracket")
        await until(pilot, lambda: "before it" not in screen_text(console))


async def test_a_query_server_that_dies_over_a_question_is_told(console, adder, until, query_server):
    console.query_command = query_server("dies")
    async with console.run_test(size=(80, 24)) as pilot:
        console.push_screen(screen := QueryScreen(adder.id))
        await until(pilot, lambda: screen.askings and screen.askings[0].session.summary)
        screen.query_one(QueryBox).value = "1 2"
        console.query_command = query_server("good")
        await pilot.press("enter")
        await until(pilot, lambda: "ended without an answer" in screen_text(console))


def test_a_file_of_several_columns_is_what_its_run_is_asked(tmp_path):
    path = tmp_path / "shop.csv"
    rows = [(step, 10.5 * step, 7 - step % 2, step % 3 == 0) for step in range(40)]
    text = "".join(f"{step},{sales},{price},{holiday:d}\n" for step, sales, price, holiday in rows)
    path.write_text(f"day,sales,price,holiday\n{text}40,,,1\n41,,,0\n")
    settings = {"column": "sales", "input_columns": ["price"], "known_columns": ["holiday"]}
    typed = series_of(str(path), settings)
    assert typed.split()[-4:] == ["399;7;0", "409.5;6;1", "?;?;1", "?;?;0"] and len(typed.split()) == 42
    codec = Forecast(ForecastConfig(file=str(path), window=5, **settings)).codec
    values, price, holiday = codec.read(typed)
    assert values == [sales for _, sales, _, _ in rows] and price == [price for _, _, price, _ in rows]
    assert holiday == [*(float(holiday) for *_, holiday in rows), 1.0, 0.0]
    path.write_text(f"day,sales,price,holiday\n{text}")
    assert series_of(f"{path} day", {"input_columns": ["price"]}).split()[-1] == "39;6"


def test_lines_and_files(tmp_path):
    assert filter_of("truth=8 answer = new york length=5") == {"truth": "8", "prediction": "new york", "length": 5}
    assert filter_of("") == {}
    for line, words in (("8", "not understood"), ("truth=", "needs a value"), ("length=long", "number of steps")):
        with pytest.raises(UserError, match=words):
            filter_of(line)
    (tmp_path / "my sales.csv").write_text("year,sales,returns\n2001,3.5,1\n2002,4,2\n")
    assert series_of(str(tmp_path / "my sales.csv"), {}) == "1; 2"
    assert series_of(f"{tmp_path / 'my sales.csv'} sales", {}) == "3.5; 4"
    table, gone = tmp_path / "my sales.csv", tmp_path / "gone.csv"
    for line, words in (("", "type the path"), (str(gone), "^file: "), (f"{table} sale", "no column")):
        with pytest.raises(UserError, match=words):
            series_of(line, {})
    for encoding in ("utf-8", "utf-8-sig", "utf-16", "cp1252"):
        (tmp_path / "asked.txt").write_bytes("été ?\r\n\r\nâge ?\n".encode(encoding))
        assert questions_of(str(tmp_path / "asked.txt")).lines == ("été ?", "âge ?")
    (tmp_path / "asked.txt").write_bytes("été ?\nâge".encode() + b"\xff?")
    with pytest.raises(UserError, match=r"line 2: byte 0xFF \(byte 13 of the file\)"):
        questions_of(str(tmp_path / "asked.txt"))
    (tmp_path / "asked.txt").write_bytes("1 2 3\n".encode("utf-16-le"))
    with pytest.raises(UserError, match="as text: it looks like UTF-16 without a mark"):
        questions_of(str(tmp_path / "asked.txt"))
    (tmp_path / "asked.txt").write_bytes(b"a" + "é".encode() * 8_000_010)  # its end is cut within a character
    with pytest.raises(UserError, match="too long"):
        questions_of(str(tmp_path / "asked.txt"))
    (tmp_path / "empty.txt").write_text("\n\n")
    for name, words in ((tmp_path, "not a file"), (tmp_path / "empty.txt", "no questions"), (gone, "can't read")):
        with pytest.raises(UserError, match=words):
            questions_of(str(name))


class Room(App[None]):
    """A pane, and a box that keeps the keys: a widget that gets them is painted anew in any case."""

    def compose(self):
        yield Input()
        yield QueryPane()

    @property
    def lines(self):
        return screen_text(self).splitlines()


def views(at):
    """One view of each kind, of the question `at`."""
    line = curve("p", [1, 2, 3], [0.1 * at, 0.5, 0.9 / at])
    yield Shown("Curves", Content("learned"), Curves((line,), "step", span=(0.0, 1.0)))
    yield Shown("Log", Content("norms"), Curves((line,), "step", log_y=True, marks=(Mark(float(at), "here"),)))
    yield Shown("Heat", Content("states"), Heat(((0.1 * at, 0.2),), ("1",), ("a", "b")), (("a", 1.0), ("b", at / 9)))
    yield Shown("Dots", Content("plane"), Dots((0.0, float(at)), (1.0, 2.0 / at), (0, 1), ("x", "y")))
    yield Shown("Lines", Content("list"), Lines((Line("q", Content(f"answer {at}"), False),)))
    yield Shown("Words", Content(f"words {at}"))


@pytest.mark.parametrize("kind", range(6))
@pytest.mark.parametrize(
    "meanwhile", ["nothing", "computing", "another picture", "hidden", "another size", "another theme"]
)
async def test_a_pane_shows_what_it_was_given_last_whatever_came_between(kind, meanwhile):
    first, second = (list(views(at))[kind] for at in (1, 3))
    async with Room().run_test(size=(70, 24)) as pilot:
        pane = pilot.app.query_one(QueryPane)
        pane.show(first)
        await pilot.pause()
        before = pilot.app.lines
        if meanwhile == "computing":
            pane.say(Content("computing…"))
            await pilot.pause()
        if meanwhile == "another picture":
            pane.show(list(views(2))[(kind + 2) % 5])
            await pilot.pause()
        if meanwhile == "hidden":
            pane.display = False
            await pilot.pause()
        if meanwhile == "another size":
            pane.say(Content("computing…"))
            await pilot.resize_terminal(60, 20)
        if meanwhile == "another theme":
            pane.say(Content("computing…"))
            pilot.app.theme = "textual-light"
            await pilot.pause()
        pane.display = True
        pane.show(second)
        await pilot.pause()
        seen, size, theme = pilot.app.lines, pilot.app.size, pilot.app.theme
    fresh = Room()
    async with fresh.run_test(size=size) as pilot:
        fresh.theme = theme
        fresh.query_one(QueryPane).show(second)
        await pilot.pause()
        assert seen == fresh.lines and seen != before


async def test_the_head_tells_the_accuracy_of_the_checkpoint_that_answers(console, scene, here, opened, until):
    run = learn(scene.run("baseline", changes=SHORT, step=2000), 0, 700, 1500)
    with run.store() as store:
        steps, values = store.points("accuracy")
    told = {
        step: next((f"accuracy {percent(value)} at step {int(at):,}" for at, value in known if at <= step), "")
        for known in [list(zip(steps.tolist(), values.tolist(), strict=True))[::-1]]
        for step in (0, 700, 1500)
    }
    assert told[0] == "" and "step 500" in told[700] and "step 1,500" in told[1500]

    def head():
        return str(screen.query_one("#head").render())

    async with console.run_test(size=(120, 40)) as pilot:
        screen = await opened(pilot, run)
        await put(pilot, until, screen, "3 4")
        await until(pilot, lambda: told[1500] in head())
        # Where it would be cut in its middle, when that was measured is left out.
        await pilot.resize_terminal(60, 20)
        await until(pilot, lambda: " at step" not in head())
        assert told[1500].startswith(head().partition("  acc")[2].join(("acc", ""))) and len(head()) <= 60
        await pilot.resize_terminal(120, 40)
        await until(pilot, lambda: told[1500] in head())
        await pilot.press("escape", "left_square_bracket")
        await until(pilot, lambda: told[700] in head() and told[1500] not in head())
        await pilot.press("left_square_bracket")
        await until(pilot, lambda: "accuracy" not in head())
        seen = []
        screen.show_head, shown = lambda: (shown(), seen.append(head())), screen.show_head
        await pilot.press("p")
        await until(pilot, lambda: screen.replay.film is None and told[1500] in head())
        assert any(told[700] in one for one in seen)
        await pilot.press("vertical_line")
        await until(pilot, lambda: isinstance(console.screen, ChooseScreen))
        await pilot.press("down", "enter")
        await until(pilot, lambda: len(screen.askings) == 2 and screen.askings[1].reply)
        first, second = (str(pane.query_one("#title").render()) for pane in screen.board.panes)
        assert "step 1,500  accuracy" in first and told[700].split(" at ")[0] in second


async def test_below_each_character_stands_what_the_legend_says():
    bits = [0.2, 1.6, 8.4, 9.4, 23.0, None]
    view = surprise(LossPerCharacterAnswer(characters=list("abcdef"), bits=bits, mean_bits=4.0), None)
    async with Room().run_test(size=(90, 24)) as pilot:
        pilot.app.query_one(QueryPane).show(view)
        await pilot.pause()
        rows = [line.strip() for line in pilot.app.lines]
    # The characters stand side by side, as the text that they are.
    assert rows[rows.index("abcdef") + 1] == "02899?" and "9 for 9 or more" in view.words.plain


async def test_an_empty_question_waits_for_the_model_that_takes_one(console, scene, here, until, monkeypatch):
    run = learn(scene.run("sunspots_lstm"), 1, 2)
    async with console.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: listed(console))
        loaded = asyncio.Event()
        begin = HereClient.start

        async def start(self):
            await loaded.wait()
            return await begin(self)

        monkeypatch.setattr(HereClient, "start", start)
        console.push_screen(screen := QueryScreen(run.id))
        await until(pilot, lambda: screen.askings and isinstance(screen.focused, QueryBox))
        await pilot.press("enter")
        loaded.set()
        await until(pilot, lambda: screen.askings[0].reply is not None)
        assert screen.askings[0].question == ""


def test_the_first_character_has_no_cost_and_is_no_broken_value():
    (series,) = surprise(
        LossPerCharacterAnswer(characters=list("abc"), bits=[None, 1.5, 2.5], mean_bits=2.0), None
    ).picture.series
    assert series.x.tolist() == [2, 3] and series.y.tolist() == [1.5, 2.5]


async def test_each_line_of_a_paste_is_asked(console, adder, here, opened, until, monkeypatch):
    told = []
    monkeypatch.setattr("seqsum_tui.query.screen.MOST_QUESTIONS", 3)
    monkeypatch.setattr(QueryScreen, "notify", lambda self, message, **more: told.append(message))
    async with console.run_test(size=(80, 24)) as pilot:
        screen = await opened(pilot, adder)
        screen.action_box()
        console.post_message(events.Paste("1 2\r\n\n7\nno number\n4 5\n6\n"))
        await until(pilot, lambda: "pasted lines: 3 questions" in screen_text(console))
        shown = screen_text(console)
        assert "1 2" in shown and "7" in shown and "no number" in shown
        assert told == ["The first 3 lines are asked; 2 are left out."]
        # One line waits in the box, to be looked at first.
        screen.action_box()
        console.post_message(events.Paste("8 9\n"))
        await until(pilot, lambda: screen.query_one(QueryBox).value == "8 9")


async def test_a_page_that_was_turned_to_stays_where_room_comes_for_the_dashboard(console, adder, opened, until):
    async with console.run_test(size=(80, 24)) as pilot:
        screen = await opened(pilot, adder)
        await put(pilot, until, screen, "3 4")
        await pilot.press("escape", "2")
        await until(pilot, lambda: screen.board.page == "inside")
        await pilot.resize_terminal(120, 40)
        await until(pilot, lambda: screen.board.large)
        assert not screen.board.overview and screen.board.page == "inside"
        await pilot.press("2")
        await until(pilot, lambda: screen.board.overview)
        # A page that nobody turned to makes room for it.
        await pilot.resize_terminal(80, 24)
        await until(pilot, lambda: not screen.board.overview)
        await pilot.resize_terminal(120, 40)
        await until(pilot, lambda: screen.board.overview)

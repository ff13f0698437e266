"""Keys: what is typed ahead goes where it was meant, and what can't act says why."""

import pytest
from textual import events
from textual.actions import parse
from textual.binding import Binding
from textual.keys import _character_to_key
from textual.widgets import Input

from seqsum_tui.app import Console
from seqsum_tui.compare.screen import CompareScreen
from seqsum_tui.dialogs.text_input import LineScreen
from seqsum_tui.live.screen import LiveScreen
from seqsum_tui.new_run.screen import NewRunScreen
from seqsum_tui.query.box import QueryBox
from seqsum_tui.query.screen import QueryScreen
from seqsum_tui.runs.bin_screen import BinScreen
from seqsum_tui.runs.screen import RunsScreen
from seqsum_tui.settings.screen import SettingsScreen
from seqsum_tui.shared.key_line import KeyLine
from support.screens import listed


@pytest.fixture
def console(scene, still, query_server):
    made = Console(scene.folder, now=still, remote=False, query_command=query_server("good"))
    made.animation_level = "none"
    return made


def type_ahead(console, *keys):
    """Keys as a terminal sends what was typed while the console was busy: all at once."""
    for key in keys:
        for one in [key] if len(key) > 1 and not key.isspace() and key in NAMED else key:
            name = one if one in NAMED else _character_to_key(one)
            console.post_message(events.Key(name, None if one in NAMED and len(one) > 1 else one))


NAMED = {"ctrl+f", "ctrl+p", "ctrl+s", "ctrl+u", "enter", "escape", "f2", "down", "tab"}


@pytest.mark.parametrize("first", [[], ["f2"], ["tab"]])
async def test_a_word_typed_behind_the_key_that_finds(scene, console, until, first):
    scene.run(name="one")
    async with console.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: listed(console))
        # From the list on: the form is not even made when its keys are there.
        type_ahead(console, "n", *first, "ctrl+f", "hidden", "enter", "ctrl+u", "48")
        await until(pilot, lambda: isinstance(console.screen, NewRunScreen) and console.screen.draft.changes)
        await until(pilot, lambda: console.screen.draft.text("model.hidden_size") == "48")
        assert console.screen.draft.changes == ("model.hidden_size",)


async def test_a_question_typed_behind_the_key_that_asks(scene, console, until):
    run = scene.run(name="one", status="stopped", step=10)
    (run.checkpoints / "step-10").mkdir()
    async with console.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: listed(console))
        type_ahead(console, "a", "1 2 3")
        await until(pilot, lambda: isinstance(console.screen, QueryScreen))
        await until(pilot, lambda: console.screen.query_one(QueryBox).value == "1 2 3")
        assert run.summary().status == "stopped"


async def test_a_name_typed_behind_the_key_that_renames(scene, console, until):
    run = scene.run(name="one", status="stopped", step=10)
    async with console.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: listed(console))
        type_ahead(console, "R", "ctrl+u", "ddx n", "enter", "down")
        await until(pilot, lambda: run.summary().name == "ddx n")
        await until(pilot, lambda: isinstance(console.screen, RunsScreen))
        assert run.folder.is_dir(), "no letter of it was a command"


@pytest.mark.parametrize(
    ("keys", "kept"),
    [(("t", "ddx, n", "enter"), ("tags", ("ddx", "n"))), (("N", "nqxd", "ctrl+s"), ("note", "nqxd"))],
)
async def test_a_mark_typed_behind_the_key_that_makes_it(scene, console, until, keys, kept):
    run = scene.run(name="one", status="stopped", step=10)
    field, value = kept
    async with console.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: listed(console))
        type_ahead(console, *keys, "down")
        await until(pilot, lambda: getattr(run.summary(), field) == value)
        await until(pilot, lambda: isinstance(console.screen, RunsScreen))
        assert run.folder.is_dir(), "no letter of it was a command"


async def test_a_filter_typed_behind_the_key_that_filters(scene, console, until):
    runs = [scene.run(name=name, status="stopped", step=10) for name in ("dxn", "qqq")]
    async with console.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: listed(console))
        type_ahead(console, "/", "dxn", "enter", "R", "ctrl+u", "found", "enter")
        await until(pilot, lambda: runs[0].summary().name == "found")
        assert runs[1].summary().name == "qqq"


async def test_a_word_typed_behind_the_key_of_the_palette(scene, console, until):
    scene.run(name="one", status="stopped", step=10)
    async with console.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: listed(console))
        type_ahead(console, "ctrl+p", "settings", "enter")
        await until(pilot, lambda: isinstance(console.screen, SettingsScreen))


async def test_changes_typed_behind_the_key_that_forks(scene, console, until):
    run = scene.run(name="one", step=20_000)
    (run.checkpoints / "step-20000").mkdir()
    async with console.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: listed(console))
        type_ahead(console, "enter")
        await until(pilot, lambda: isinstance(console.screen, LiveScreen) and console.screen.view is not None)
        live = console.screen
        type_ahead(console, "F", "optim.lr=1")
        await until(pilot, lambda: console.screen is not live and console.screen.focused is not None)
        await until(pilot, lambda: any("optim.lr=1" in box.value for box in console.screen.query(Input)))


async def test_a_line_typed_behind_a_dialog_that_is_yet_to_be_made(console, until, scene):
    scene.run(name="one")
    read = []
    async with console.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: listed(console))
        console.push_screen(LineScreen("A line", lambda text: read.append(text) or text))
        type_ahead(console, "quick", "enter")
        await until(pilot, lambda: read == ["quick"])


def silent(screen):
    """The keys of a screen that can't act now and mean nothing else: key → the action."""
    acts, cannot = set(), {}
    for binding in Binding.make_bindings(screen.BINDINGS):
        namespace, name, arguments = parse(binding.action)
        if namespace or screen.check_action(name, arguments):
            acts.add(binding.key)
        else:
            cannot.setdefault(binding.key, binding.action)
    # A part that has the cursor may mean something by it.
    return {key: action for key, action in cannot.items() if key not in acts and key not in screen.active_bindings}


async def said_of_each(pilot, until, screen):
    """Press every key of the screen that can't act; return what is said of each."""
    said = {}
    for key in silent(screen):
        await pilot.press(key)
        line = screen.query_one(KeyLine)
        said[key] = str(line.render()).strip()
        assert pilot.app.screen is screen, key
    return said


async def test_a_key_that_can_not_act_says_why_on_every_screen(scene, console, until):
    """Whatever a screen holds: nothing, a run that is over, one that trains."""
    async with console.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: listed(console))
        before = {"": "There is no run yet: n starts one."}
        said = await said_of_each(pilot, until, console.screen)
        assert len(said) > 10 and said["enter"] == before[""] and "B shows the bin" in said["u"]
        over, alive = scene.run("baseline", "over"), scene.run("baseline", "alive", status="running", step=9_000)
        await until(pilot, lambda: console.screen.line_in_hand() is not None)
        said |= await said_of_each(pilot, until, console.screen)
        for make in (
            lambda: LiveScreen(over), lambda: LiveScreen(alive), BinScreen,
            lambda: CompareScreen([over.id, alive.id]), lambda: QueryScreen(over.id),
            lambda: NewRunScreen(console.workspace, console.launcher),
        ):  # fmt: skip
            screen = make()
            await console.push_screen(screen)
            ready = {LiveScreen: lambda s=screen: s.view, CompareScreen: lambda s=screen: s.model.comparison}
            await until(pilot, ready.get(type(screen), lambda s=screen: s.is_mounted))
            await until(pilot, lambda s=screen: s.focused is not None or isinstance(s, BinScreen))
            if isinstance(screen, QueryScreen):
                await until(pilot, lambda s=screen: s.askings and s.askings[0].session.asks is not None)
                await pilot.press("escape")
            found = await said_of_each(pilot, until, screen)
            for key, sentence in found.items():
                assert sentence.endswith(".") and len(sentence) < 60, (type(screen).__name__, key, sentence)
            said |= {f"{type(screen).__name__} {key}": sentence for key, sentence in found.items()}
            await screen.dismiss(None)
            await until(pilot, lambda: isinstance(console.screen, RunsScreen))
        assert "It is running" in said["LiveScreen r"]


async def test_a_reason_gives_way_to_the_next_key(scene, console, until):
    scene.run(name="one")
    async with console.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: listed(console))
        line = console.screen.query_one(KeyLine)
        keys = str(line.render())
        await pilot.press("p")
        assert "It is finished; only one that trains can be paused." in str(line.render())
        await pilot.press("down")
        await until(pilot, lambda: str(line.render()) == keys)

"""A run that a script trains, in the console."""

import asyncio
import contextlib

import pytest
from textual.widgets import Input, TabbedContent

import seqsum
from seqsum_tui.app import Console
from seqsum_tui.dialogs.choose import ChooseScreen
from seqsum_tui.dialogs.set_value import SetValueScreen
from seqsum_tui.live.chart_grid import LiveCharts
from support.screens import screen_text


@pytest.fixture
def console(scene, still):
    return Console(scene.folder, now=still, remote=False)


@contextlib.contextmanager
def script(scene, live=("lr",), **more):
    """What a script begins with: 20 steps, and a value that can be changed."""
    config = {"lr": 0.5, "model": {"hidden [red]": 8}}
    with seqsum.watch("mine", config, total_steps=100, live=live, workspace=scene.folder, **more) as run:
        for step in range(1, 21):
            run.log(step, loss=1 / step, **{"val/ppl": 20.0 - step})
        yield run


def titles(app):
    return [panel.title for panel in app.screen.view.panels]


@pytest.mark.parametrize("size", [(60, 20), (80, 24), (120, 40)])
async def test_its_metrics_have_charts_and_what_it_has_not_is_not_offered(scene, console, watch, until, size):
    with script(scene) as watched:
        async with console.run_test(size=size) as pilot:
            await watch(pilot, watched.run)
            await until(pilot, lambda: "20%" in screen_text(console))
            assert titles(console) == ["loss", "val/ppl"]
            assert len(console.screen.query_one(LiveCharts).charts) >= 1
            shown = screen_text(console)
            assert "● running" in shown and "20/100" in shown and "first values" not in shown
            assert "ask ›" not in shown and "does not understand" not in shown
            assert console.screen.query_one("#tabs", TabbedContent).active == "events"
            for key in ("a", "c", "F"):
                await pilot.press(key)
                await until(pilot, lambda: "A script of its own trains it" in screen_text(console))


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_the_log_tab_says_in_whole_what_it_is_for(scene, console, watch, until, size):
    with script(scene) as watched:
        async with console.run_test(size=size) as pilot:
            await watch(pilot, watched.run)
            await pilot.press("o")
            said = "What its script prints stands where that runs; here is what it keeps."
            await until(pilot, lambda: said in screen_text(console))
            watched.text("sample", "two\nlines")
            await until(pilot, lambda: "sample (step 20)" in screen_text(console) and said not in screen_text(console))


async def test_its_live_value_has_the_dialog(scene, console, watch, until):
    with script(scene) as watched:
        async with console.run_test(size=(120, 40)) as pilot:
            await watch(pilot, watched.run)
            await pilot.press("l")
            await until(pilot, lambda: isinstance(console.screen, SetValueScreen))
            assert "config.lr is 0.5   a number" in screen_text(console)
            box = console.screen.query_one("#value", Input)
            box.value = "fast"
            await until(pilot, lambda: 'must be a number, got "fast"' in screen_text(console))
            box.value = "0.25"
            await pilot.press("enter")
            await until(pilot, lambda: watched.value("lr") == 0.25)
            await until(pilot, lambda: "config.lr 0.5→0.25" in screen_text(console))


async def test_without_live_values_it_says_how_there_can_be_some(scene, console, watch, until):
    with script(scene, live=()) as watched:
        async with console.run_test(size=(120, 40)) as pilot:
            await watch(pilot, watched.run)
            await pilot.press("l")
            await until(pilot, lambda: "has declared no lr that can change" in screen_text(console))


async def test_of_its_end_nothing_is_said_that_is_not_so(scene, console, watch, until):
    with contextlib.suppress(ArithmeticError), script(scene):
        raise ArithmeticError("no way")
    async with console.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: "died" in screen_text(console))
        for key in ("a", "e", "r"):
            await pilot.press(key)
            await until(pilot, lambda: "A script of its own trains it" in screen_text(console))
        shown = screen_text(console)
        assert "ArithmeticError: no way" in shown and "\\n" not in shown and "runs it again" not in shown
        run = scene.workspace.runs()[0]
        await watch(pilot, run)
        assert "runs it again" not in screen_text(console) and "no way" in screen_text(console)


async def test_pausing_waits_for_the_script(scene, console, watch, until):
    with script(scene) as watched:
        async with console.run_test(size=(120, 40)) as pilot:
            await watch(pilot, watched.run)
            assert watched.paused() == 0.0
            await pilot.press("p")
            # The script is at its loop's head in another thread meanwhile.
            waited = asyncio.get_running_loop().run_in_executor(None, _wait_there, watched)
            await until(pilot, lambda: "paused" in screen_text(console).splitlines()[0])
            await pilot.press("p")
            assert await waited > 0
            await until(pilot, lambda: "running" in screen_text(console).splitlines()[0])


def _wait_there(watched):
    seconds = 0.0
    while not seconds:
        seconds = watched.paused()
    return seconds


async def test_the_list_says_of_what_it_logs_not_that_it_has_none(scene, console, until):
    with seqsum.watch("mine", total_steps=100, workspace=scene.folder) as run:
        async with console.run_test(size=(120, 40)) as pilot:
            await until(pilot, lambda: screen_text(console).count("The first values come soon") == 2)
            for step in range(1, 21):
                run.log(step, loss=1 / step)
            await until(pilot, lambda: "It has logged no accuracy" in screen_text(console))
            assert "first values" not in screen_text(console)


async def test_it_stands_in_the_list_and_in_compare(scene, console, until):
    with script(scene), script(scene, group="g"):
        async with console.run_test(size=(120, 40)) as pilot:
            await until(pilot, lambda: screen_text(console).count("● running") >= 2)
            assert "mine-2" in screen_text(console)
            await pilot.press("space", "down", "space", "c")
            await until(pilot, lambda: "loss" in screen_text(console) and "mine-2" in screen_text(console))
            assert "can't be read" not in screen_text(console)


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_of_many_metrics_the_chart_is_chosen_from_a_list(scene, console, watch, until, size):
    with seqsum.watch("many", workspace=scene.folder) as watched:
        for step in range(1, 6):
            watched.log(step, **{f"layer_{number}/norm": number / step for number in range(200)})
        async with console.run_test(size=size) as pilot:
            await watch(pilot, watched.run)
            await until(pilot, lambda: titles(console)[:1] == ["layer 0/norm"])
            await pilot.press("m")
            await until(pilot, lambda: isinstance(console.screen, ChooseScreen))
            await until(pilot, lambda: "layer 2/norm" in screen_text(console))
            assert "Chart 1 shows layer 0/norm" in screen_text(console)
            await pilot.press(*"173", "enter")
            await until(pilot, lambda: titles(console)[:1] == ["layer 173/norm"])
            # Letters in their order find what nothing is called by; what is marked besides stands behind it.
            before = titles(console)
            await pilot.press("m", *"l42nrm", "space")
            await until(pilot, lambda: "[x] layer 42/norm" in screen_text(console))
            for _ in range(6):
                await pilot.press("backspace")
            await pilot.press(*"91/n", "space", "enter")
            await until(pilot, lambda: titles(console)[:2] == ["layer 42/norm", "layer 91/norm"])
            assert titles(console)[2:] == before[1:]
            await pilot.press("m", "escape")
            await until(pilot, lambda: not isinstance(console.screen, ChooseScreen))
            assert titles(console)[:2] == ["layer 42/norm", "layer 91/norm"]

"""What holds on every screen: the palette, the help, small and odd terminals, ends that are told, copying."""

from __future__ import annotations

import csv
import importlib
import math
import pkgutil
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest
from textual.actions import parse
from textual.binding import Binding
from textual.content import Content
from textual.pilot import Pilot
from textual.screen import Screen
from textual.widgets import Input

import seqsum_tui
from seqsum.runs import Run
from seqsum.sweeps.definition import names
from seqsum_tui.app import Console
from seqsum_tui.compare.screen import CompareScreen
from seqsum_tui.dialogs.help import HelpLine, HelpScreen
from seqsum_tui.dialogs.set_value import SetValueScreen
from seqsum_tui.live.screen import LiveScreen
from seqsum_tui.new_run.screen import NewRunScreen
from seqsum_tui.query.screen import QueryScreen
from seqsum_tui.runs.bin_screen import BinScreen
from seqsum_tui.runs.screen import RunsScreen
from seqsum_tui.settings.keymap import key_groups
from seqsum_tui.settings.screen import SettingsScreen
from seqsum_tui.settings.store import Settings
from seqsum_tui.shared import dialog_keys
from seqsum_tui.shared.command_palette import ScreenCommands
from seqsum_tui.shared.live_value import LiveValue
from seqsum_tui.sweep.screen import SweepScreen
from support.screens import listed, screen_strips, toasts
from support.sweeps import finished_sweep

SIZES = [(120, 40), (60, 20), (30, 8), (80, 24)]
LONG = "訓練 [red]x[/] é\u0301 " + "とても長い名前" * 12


@pytest.fixture
def runs(scene) -> list[Run]:
    changes = {"track.description": LONG, "track.group": LONG[:60], "track.tags": LONG[:50]}
    made = [
        scene.run("baseline", "short", status="stopped", step=9_000),
        scene.run("sota", LONG, status="failed", step=4_000, reason=LONG, log=f"{LONG}\n" * 3, changes=changes),
        scene.run("baseline", LONG + "!", status="running", step=9_000),
    ]
    for run in made:
        (run.checkpoints / "step-4000").mkdir()
    return made


@pytest.fixture
def console(scene, still, query_server) -> Console:
    made = Console(scene.folder, now=still, remote=False, query_command=query_server("good"))
    made.animation_level = "none"
    return made


def screens(console: Console, runs: list[Run]) -> Iterator[Screen[object]]:
    """Every screen of the console, over runs with names that are hard to show."""
    yield LiveScreen(runs[1])
    yield LiveScreen(runs[2])
    yield CompareScreen([run.id for run in runs])
    yield QueryScreen(runs[1].id)
    yield NewRunScreen(console.workspace, console.launcher, "sota", runs[1].config(), title=LONG)
    yield SweepScreen("made" if "made" in names(console.workspace) else _swept(console))
    yield SettingsScreen(console.settings)
    yield BinScreen()
    yield SetValueScreen(LiveValue.of_config(runs[0].config(), "optim.lr"), LONG, 1e-3)


def _swept(console: Console) -> str:
    ends = {("0.001", "rnn"): [0.1, 0.2], ("0.1", "rnn"): [math.nan, 0.2], ("0.1", "lstm"): [0.9, 1.0]}
    return finished_sweep(console.workspace, {"optim.lr": "0.001,0.1", "model.cell": "rnn,lstm"}, ends).name


async def opened(pilot: Pilot[None], until: Callable[..., Awaitable[None]], screen: Screen[object]) -> None:
    await pilot.app.push_screen(screen)
    # The bin is empty: there is nothing in it that could have the focus.
    await until(
        pilot, lambda: pilot.app.screen is screen and (screen.focused is not None or isinstance(screen, BinScreen))
    )


async def test_every_screen_fits_every_size_with_any_name(console, runs, until):
    async with console.run_test(size=SIZES[0]) as pilot:
        await until(pilot, lambda: listed(console))
        for screen in (None, *screens(console, runs)):
            if screen is not None:
                await opened(pilot, until, screen)
            front = console.screen
            assert not getattr(front.focused, "cursor_blink", False), "a cursor that blinks is traffic for nothing"
            for size in SIZES:
                await pilot.resize_terminal(*size)
                await until(pilot, lambda front=front, size=size: tuple(front.size) == size)
                strips = screen_strips(console)
                assert [strip.cell_length for strip in strips] == [size[0]] * size[1], (type(front).__name__, size)
            if screen is not None:
                await screen.dismiss(None)
                await until(pilot, lambda: isinstance(console.screen, RunsScreen))
            await pilot.resize_terminal(*SIZES[0])


def possible(screen: Screen[object]) -> dict[str, str]:
    """Action → id of what the screen's own keys can do now; what belongs to the app apart."""
    found = {}
    for binding in Binding.make_bindings(screen.BINDINGS):
        _, action, arguments = parse(binding.action)
        if binding.id and hasattr(screen, f"action_{action}") and screen.check_action(action, arguments):
            found[binding.action] = binding.id
    return found


async def test_the_palette_has_every_action_and_help_has_every_key(console, runs, until):
    told: set[str] = set()
    async with console.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: listed(console))
        for screen in (None, *screens(console, runs)):
            if screen is not None:
                await opened(pilot, until, screen)
                await pilot.pause()
            front = console.screen
            commands = list(ScreenCommands(front).commands())
            names = [command.name for command in commands]
            assert len(set(names)) == len(names), "each once"
            offered = {command.run.args[0] for command in commands if getattr(command.run, "args", ())}
            assert possible(front).keys() <= offered, type(front).__name__
            assert all(command.help for command in commands)
            assert all(" " not in name.partition("  (")[2] for name in names), "a key of a pair is called by itself"
            if not front.is_modal:
                page = HelpScreen.of(front)
                await opened(pilot, until, page)
                pairs = {one.tooltip for one in front.BINDINGS if " " in (one.key_display or "")}
                assert all(" " not in line.names for line in page.query(HelpLine) if line.words in pairs)
                assert "hidden size" in {line.names for line in page.query(HelpLine)}, "a word keeps its blank"
                words = {line.words for line in page.query(HelpLine)}
                missing = {
                    binding.id
                    for binding in Binding.make_bindings(front.BINDINGS)
                    if binding.id and binding.tooltip not in words
                }
                assert not missing, type(front).__name__
                told |= words
                await page.dismiss(None)
            if screen is not None:
                await screen.dismiss(None)
                await until(pilot, lambda: isinstance(console.screen, RunsScreen))
    # Dialogs say their keys on their frames, a form in words of its own.
    dialogs = [name for name in vars(dialog_keys) if name.isupper()]
    apart = ("FORK", "REWIND", "DIFFERENCES", "COMPARE_TABLE", "APP", "FORM", *dialogs)
    unexplained = {
        key.id for part, keys in key_groups() for key in keys if part not in apart and key.tooltip not in told
    }
    assert not unexplained, "keys that no help page tells of"


def parts_with_keys() -> Iterator[type]:
    """Every screen and widget of the console that has keys of its own."""
    for module in pkgutil.walk_packages(seqsum_tui.__path__, "seqsum_tui."):
        if module.name != "seqsum_tui.__main__":
            for found in vars(importlib.import_module(module.name)).values():
                if isinstance(found, type) and found.__module__ == module.name and vars(found).get("BINDINGS"):
                    yield found


def test_every_key_can_be_given_another() -> None:
    known = {key.id for _, keys in key_groups() for key in keys}
    # What chooses inside one field is the form's grammar, as letters are a text's.
    grammar = {"ChoiceBar", "ChoiceMenu", "Fold"}
    parts = [part for part in parts_with_keys() if part.__name__ not in grammar]
    assert len(parts) > 20
    for part in parts:
        ids = {binding.id for binding in Binding.make_bindings(part.BINDINGS)}
        assert ids <= known, (part.__name__, ids - known)


async def test_an_action_runs_from_the_palette(console, runs, until):
    async with console.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: listed(console))
        await opened(pilot, until, LiveScreen(runs[2]))
        await until(pilot, lambda: console.screen.view is not None)
        await pilot.press("ctrl+p")
        await until(pilot, lambda: console.screen.query(Input))
        await pilot.press(*"Learning rate")
        await until(pilot, lambda: any(option.option_count for option in console.screen.query("CommandList")))
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(console.screen, SetValueScreen))


@pytest.mark.parametrize(("status", "reason"), [("finished", None), ("failed", "the loss became NaN"), (None, None)])
async def test_an_end_is_told_on_any_screen(scene, console, until, monkeypatch, status, reason):
    """Also of a run that is not on the screen; once; with the bell."""
    run = scene.run("baseline", "mine", status="running", step=9_000, alive=False)
    lock = scene.hold(run)
    bells: list[int] = []
    monkeypatch.setattr(console, "bell", lambda: bells.append(1))
    async with console.run_test(size=(80, 24), notifications=True) as pilot:
        await until(pilot, lambda: listed(console))
        await opened(pilot, until, SettingsScreen(console.settings))
        await until(pilot, lambda: console.endings.known)
        if status is not None:
            with run.store() as store:
                store.set_state(status=status, reason=reason)
        scene.release(lock)

        def told() -> list[str]:
            return [text for text in toasts(console) if "mine" in text]

        await until(pilot, told)
        assert (reason or status or "died") in told()[0]
        await console.screen.dismiss(None)
        await until(pilot, lambda: listed(console) and not console.screen.run_in_hand()[1].live)
        assert len(told()) == 1 and bells == [1]


async def test_what_is_copied_goes_to_a_file_where_the_terminal_has_no_clipboard(
    scene, still, until, tmp_path: Path, monkeypatch
):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    settings = Settings()
    settings.put("copy", "file")
    console = Console(scene.folder, now=still, remote=False, settings=settings)
    async with console.run_test(size=(80, 24)) as pilot:
        await pilot.press("n")
        await until(pilot, lambda: isinstance(console.screen, NewRunScreen))
        await pilot.press("ctrl+y")
        await until(pilot, (tmp_path / "seqsum" / "copied.txt").exists)
    assert (tmp_path / "seqsum" / "copied.txt").read_text().startswith("seqsum train adds")


async def test_every_screen_has_something_to_copy(scene, console, runs, until, monkeypatch):
    copied: list[str] = []
    monkeypatch.setattr(console, "copy_to_clipboard", copied.append)
    async with console.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: listed(console))
        await pilot.press("M", "ctrl+y")
        await until(pilot, lambda: copied)
        assert sorted(copied.pop().split()) == sorted(run.id for run in runs)
        await pilot.press("escape")
        for screen in (LiveScreen(runs[0]), CompareScreen([run.id for run in runs[:2]]), QueryScreen(runs[0].id)):
            await opened(pilot, until, screen)
            if isinstance(screen, QueryScreen):
                screen.board.front.say(Content("1 2  →  3"))
            if isinstance(screen, CompareScreen):
                await until(pilot, lambda screen=screen: screen.shown is not None)
            await pilot.press("ctrl+y")
            await until(pilot, lambda: copied)
            await screen.dismiss(None)
            await until(pilot, lambda: isinstance(console.screen, RunsScreen))
    live, table, answer = copied
    assert live == runs[0].id
    names = [row[0] for row in csv.reader(table.splitlines())][1:]
    assert names == [run.summary().name for run in runs[:2]]
    assert answer == "1 2  →  3"


async def test_three_keys_lead_a_newcomer_to_a_run(scene, still, until, fork_server):
    console = Console(scene.folder, now=still, remote=False, launcher=fork_server)
    async with console.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "Press" in str(console.screen.query_one("#empty").render()))
        await pilot.press("n")
        await until(pilot, lambda: isinstance(console.screen, NewRunScreen))
        await pilot.press("enter", "enter")
        await until(pilot, lambda: isinstance(console.screen, LiveScreen))
        run = console.screen.run
        run.wait_for_worker(0)
        await until(pilot, lambda: run.summary().step > 0)
        with run.store() as store:
            store.post_command("stop")
        await until(pilot, lambda: not run.worker_lives)


async def test_a_console_that_is_closed_right_after_a_resize_just_ends(console):
    async with console.run_test(size=(80, 24)) as pilot:
        await pilot.resize_terminal(100, 30)
    console.action_redraw()

"""Files in, files out from the Ask screen: chosen, answered by a process of its own, told, and stopped."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from textual.widgets import Input, OptionList, Static

from seqsum.errors import UserError
from seqsum_tui.app import Console
from seqsum_tui.dialogs.confirm import ConfirmScreen
from seqsum_tui.dialogs.told import ToldScreen
from seqsum_tui.query import session
from seqsum_tui.query.file_dialog import MEASURE, FileScreen, FileWanted
from seqsum_tui.query.file_job import FileJob
from seqsum_tui.query.screen import QueryScreen
from seqsum_tui.shared.path_input import completed
from support.asking import HereClient, learn
from support.screens import listed, screen_text, screen_words

SHORT = {"task.min_length": "1", "task.max_length": "2", "model.hidden_size": "8", "model.embedding_size": "4"}


@pytest.fixture
def console(scene, still, monkeypatch, tmp_path):
    monkeypatch.setattr(session, "QueryClient", HereClient)
    place = tmp_path / "mine"
    place.mkdir()
    monkeypatch.chdir(place)
    made = Console(scene.folder, now=still, remote=False)
    made.animation_level = "none"
    return made


@pytest.fixture
def adder(scene):
    return learn(scene.run("baseline", changes=SHORT), 0, 20)


async def opened(pilot, run, until):
    """Open the screen and, once its model answers, the dialog."""
    await until(pilot, lambda: listed(pilot.app))
    screen = QueryScreen(run.id)
    pilot.app.push_screen(screen)
    await until(pilot, lambda: screen.askings and screen.askings[0].session.facts)
    await pilot.press("escape", "F")
    await until(pilot, lambda: isinstance(pilot.app.screen, FileScreen))
    return screen


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_a_file_is_answered_beside_the_console(console, adder, until, size):
    Path("sums.txt").write_text("1 2\n3\nno sum\n")
    async with console.run_test(size=size) as pilot:
        screen = await opened(pilot, adder, until)
        await pilot.press(*"su")
        await pilot.pause()
        await pilot.press("tab")
        dialog = console.screen
        await until(pilot, lambda: dialog.query_one("#file", Input).value == "sums.txt")
        output = dialog.query_one("#output", Input)
        await until(pilot, lambda: output.value.endswith("sums-answered.csv"))
        await pilot.press("enter")
        await until(pilot, lambda: screen.query_one("#job", Static).display)
        assert "answering sums.txt" in screen_text(console) and "F stops it" in screen_text(console)
        await until(pilot, lambda: isinstance(console.screen, ToldScreen))
        assert "3 rows, 2 answered" in screen_text(console) and "line 3" in screen_text(console)
        await pilot.press("escape")
        assert console.screen is screen
        await until(pilot, lambda: not screen.query_one("#job", Static).display)
    rows = list(csv.DictReader(Path("sums-answered.csv").read_text().splitlines()))
    assert [row["truth"] for row in rows] == ["3", "3", ""] and rows[2]["reason"]


async def answering_much(pilot, adder, until):
    """Have a file answered that takes a while; return the screen once that is under way."""
    Path("sums.txt").write_text("1 2\n" * 300_000)
    screen = await opened(pilot, adder, until)
    await pilot.press(*"sums.txt")
    await pilot.press("enter")
    await until(pilot, lambda: "rows" in str(screen.query_one("#job", Static).render()))
    return screen


async def test_it_is_stopped_and_leaves_nothing(console, adder, until):
    async with console.run_test(size=(100, 30)) as pilot:
        screen = await answering_much(pilot, adder, until)
        await pilot.press("F")
        await until(pilot, lambda: isinstance(console.screen, ConfirmScreen))
        await pilot.press("q")
        await until(pilot, lambda: console.screen is screen)
        assert console.is_running and screen.query_one("#job", Static).display, "q answers the question alone"
        await pilot.press("F")
        await until(pilot, lambda: isinstance(console.screen, ConfirmScreen))
        await pilot.press("y")
        await until(pilot, lambda: not screen.query_one("#job", Static).display)
    assert [path.name for path in Path.cwd().iterdir()] == ["sums.txt"]


async def test_who_leaves_is_asked_while_a_file_is_answered(console, adder, until):
    async with console.run_test(size=(100, 30)) as pilot:
        await answering_much(pilot, adder, until)
        await pilot.press("escape", "q")
        await until(pilot, lambda: isinstance(console.screen, ConfirmScreen))
        assert "Leave while it is answering sums.txt?" in screen_text(console)
        await pilot.press("n")
        await until(pilot, lambda: not isinstance(console.screen, ConfirmScreen))
        assert console.is_running
        await pilot.press("q")
        await until(pilot, lambda: isinstance(console.screen, ConfirmScreen))
        await pilot.press("y")
        await until(pilot, lambda: not console.is_running)
    assert [path.name for path in Path.cwd().iterdir()] == ["sums.txt"]


async def test_a_run_is_measured_on_a_file(console, scene, until):
    lines = ["text,label", *(f"film {n} {'ok' if n % 2 else 'no'},{n % 2}" for n in range(60))]
    Path("films.csv").write_text("\n".join(lines))
    changes = {"task.file": str(Path("films.csv").absolute()), "model.hidden_size": "8"}
    run = learn(scene.run("text_classification", changes=changes), 0, 2)
    async with console.run_test(size=(120, 40)) as pilot:
        await opened(pilot, run, until)
        dialog = console.screen
        await pilot.press(*"films.csv", "down")
        assert dialog.query_one(OptionList).highlighted == MEASURE
        assert dialog.query_one("#truth").display and not dialog.query_one("#to").display
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(console.screen, ToldScreen))
        assert "60 sequences of the file" in screen_text(console) and "macro_f1" in screen_text(console)


def line_above(dialog, widget):
    """Return what the line above a widget is called: a problem stands under the line that it is about."""
    lines = list(dialog.query_one("#dialog").children)
    above = lines[lines.index(widget) - 1]
    return next((line.id for line in above.query(Input)), above.id)


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_what_is_wrong_is_told_in_the_dialog(console, adder, until, size):
    Path("sums.txt").write_text("1 2\n")
    Path("sums.csv").write_text("first,second\n1 2,3\n4 5,6\n")
    Path("there.csv").write_text("x")
    Path("no").mkdir()
    async with console.run_test(size=size) as pilot:
        await opened(pilot, adder, until)
        dialog = console.screen
        problem = dialog.query_one("#problem", Static)
        for typed, output, column, field, told in (
            ("", "", "", "file", "type the path"), ("nope.csv", "", "", "file", "no such file"),
            (f"{'long' * 50}.csv", "", "", "file", "no such file"),
            ("no", "", "", "file", "is a folder"), ("sums.txt", "a.xlsx", "", "output", "must end in one of"),
            ("sums.txt", "there.csv", "", "output", "there already"),
            ("sums.csv", "sums.csv", "", "output", "that is the file that is read"),
            ("sums.txt", "nowhere/a.csv", "", "output", "no folder"),
            ("sums.csv", "a.csv", "", "column", "none called input or question or prompt or text; the columns are"),
            ("sums.csv", "a.csv", "frist", "column", 'no column "frist"; did you mean "first"?'),
        ):  # fmt: skip
            dialog.query_one("#file", Input).value = typed
            dialog.query_one("#column", Input).value = column
            await pilot.pause()
            if output:
                dialog.query_one("#output", Input).value = output
            await pilot.press("enter")
            await until(pilot, lambda told=told: told in str(problem.render()))
            assert console.screen is dialog and "--" not in str(problem.render())
            assert line_above(dialog, problem) == field and console.focused.id == field
            assert told[:12] in screen_words(console)
        dialog.query_one("#column", Input).value = "second"
        await until(pilot, lambda: not str(problem.render()).strip())
        await pilot.press("down", "enter")
        await until(pilot, lambda: "can't be measured on a file" in str(problem.render()))
        assert line_above(dialog, problem) == "offers"
        await pilot.press("escape")
        assert not isinstance(console.screen, FileScreen)


async def test_what_is_wrong_later_is_told_without_a_commands_words(scene, adder, tmp_path):
    (tmp_path / "sums.txt").write_text("1 2\n")
    (tmp_path / "there.csv").write_text("of another")
    job = FileJob(scene.folder, adder.id, None, FileWanted(tmp_path / "sums.txt", tmp_path / "there.csv"))
    with pytest.raises(UserError) as caught:
        await job.run()
    assert "overwrite it with --force" in str(caught.value)
    assert caught.value.in_form == f"{tmp_path / 'there.csv'} is there already; choose another name"


def test_paths_are_completed_as_a_shell_does(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "new.csv").touch()
    (tmp_path / ".hidden").touch()
    here = Path()
    assert (
        completed("da", here) == "data/"
        and completed("data/", here) == "data/new.csv"
        and completed("data/new.csv", here) is None
    )
    assert completed(f"{tmp_path}/d", here) == f"{tmp_path}/data/" and completed("nothing/x", here) is None
    assert completed("", here) is None and completed("x", here) is None and completed(".h", here) == ".hidden"
    assert completed("new", tmp_path / "data") == "new.csv"

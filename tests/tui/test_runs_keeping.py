"""What a person does with runs in the list: filter, sort, mark, say something of them, delete and bring back."""

import json
import shutil
import threading

import pytest
from textual.widgets import Input, OptionList, Static, TextArea

from seqsum.runs import Workspace, bin
from seqsum.runs.annotations import Annotations
from seqsum_tui.app import Console
from seqsum_tui.dialogs.confirm import ConfirmScreen
from seqsum_tui.runs.bin_screen import BinScreen
from seqsum_tui.runs.filter_line import FilterBox, FilterLine
from seqsum_tui.runs.preview import RunPreview
from seqsum_tui.runs.screen import RunsScreen
from seqsum_tui.runs.table import RunTable
from seqsum_tui.shared.top_bar import TopBar
from support.screens import listed, screen_text

ALIKE = "The command line then knows each of them by its id only; ^y copies it."
SIZES = [(60, 20), (80, 24), (120, 40)]


def table(app):
    return app.screen.query_one(RunTable)


def keys(app):
    return [line.summary.name for line in table(app).lines]


def ready(app):
    return lambda: listed(app) and table(app).has_focus


async def typed(pilot, text):
    await pilot.press(*("space" if letter == " " else letter for letter in text))


@pytest.fixture
def console(scene, still):
    return Console(scene.folder, now=still, remote=False)


@pytest.fixture
def told(console, monkeypatch):
    toasts = []
    monkeypatch.setattr(console, "notify", lambda message, *, title="", **more: toasts.append((title, message)))
    return toasts


@pytest.fixture
def three(scene):
    """Newest first in the list: gamma, beta, alpha."""
    changes = ({"model.cell": "lstm"}, {}, {"model.cell": "gru"})
    return [
        scene.run(name=name, created=1000.0 + place, step=300 * (place + 1), changes=changed)
        for place, (name, changed) in enumerate(zip(("alpha", "beta", "gamma"), changes, strict=True))
    ]


@pytest.fixture
def group(scene):
    """Three replicates; what they reached is 0.2, 0.4 and 1.0."""
    made = []
    for seed, accuracy in enumerate((0.2, 1.0, 0.4)):
        changes = {"track.group": "G [red]x[/]", "train.seed": str(seed)}
        made.append(scene.run(name=f"seed {seed}", changes=changes, created=2000.0 + seed, step=500))
        with made[-1].store() as store:
            store.append([("accuracy", 500, accuracy)])
    return made


@pytest.mark.parametrize("size", SIZES)
async def test_a_filter_finds_as_one_types_and_says_what_is_wrong_where(console, three, until, size):
    async with console.run_test(size=size) as pilot:
        await until(pilot, ready(console))
        await pilot.press("slash")
        box = console.screen.query_one(FilterBox)
        box.value = "cell = lstm or name:ga"
        await pilot.press("end", "m")
        await until(pilot, lambda: keys(console) == ["gamma", "alpha"])
        assert "2 runs" in screen_text(console) and "2 of 3 runs" in console.screen.query_one(TopBar).counts
        box.value += " and acuracy > 1"
        problem = console.screen.query_one("#filter-problem", Static)
        await until(pilot, lambda: problem.display and "did you mean" in str(problem.render()))
        lines = screen_text(console).splitlines()
        carets = next(line for line in lines if "^" in line)
        assert lines[1][carets.index("^") : carets.rindex("^") + 1] == "acuracy"
        await pilot.press("escape")
        await until(pilot, lambda: len(keys(console)) == 3 and table(console).has_focus)
        assert not console.screen.query_one(FilterLine).has_class("-shown")
        await pilot.press("slash")
        box.value = "nothing-like-it"
        await until(pilot, lambda: not keys(console))
        assert "No run is like that" in screen_text(console)
        for unreadable in ("accuracy > x", "foo = 3", "("):
            box.value = unreadable
            await until(pilot, lambda: "can't be read yet" in screen_text(console))
            assert "No run is like that" not in screen_text(console)
            box.value = "nothing-like-it"
            await until(pilot, lambda: "No run is like that" in screen_text(console))
        box.value = "name = 'a*'"
        await until(pilot, lambda: "that; in quotes a * is only a *." in screen_text(console))
        await pilot.press("enter")
        assert table(console).has_focus and console.screen.query_one(FilterBox).display
        await pilot.press("escape")
        await until(pilot, lambda: len(keys(console)) == 3)


async def test_what_could_follow_is_offered_and_taken_by_tab_or_right(console, three, until):
    async with console.run_test(size=(60, 20)) as pilot:
        await until(pilot, ready(console))
        await pilot.press("slash", "c")
        box, below = console.screen.query_one(FilterBox), console.screen.query_one("#filter-problem", Static)
        await until(pilot, lambda: box.render_line(0).text.strip() == "curriculum_steps =")
        assert str(below.render()).startswith("curriculum_steps =  cell =  clip_norm =")
        await pilot.press("shift+tab")
        await until(pilot, lambda: box.render_line(0).text.strip() == "cell =")
        await pilot.press("e", "tab")
        assert box.value == "cell = "
        await until(pilot, lambda: box.render_line(0).text.strip() == "cell = gru".strip())
        await pilot.press("l")
        # A word that is not whole is no mistake yet.
        await until(pilot, lambda: box.render_line(0).text.strip() == "cell = lstm".strip())
        assert "never" not in screen_text(console)
        await pilot.press("right")
        await until(pilot, lambda: keys(console) == ["alpha"])
        await pilot.press("backspace", "enter")
        await until(pilot, lambda: 'cell is never "lst"' in screen_text(console))
        # What is typed on mends the filter, and is no command.
        assert box.has_focus
        await pilot.press("m", "enter")
        await until(pilot, lambda: table(console).has_focus and keys(console) == ["alpha"])
        await pilot.press("slash", "end", "backspace", "backspace", "enter")
        assert box.has_focus and box.value == "cell = ls"
        await pilot.press("escape")
        await until(pilot, lambda: len(keys(console)) == 3)
        await pilot.press("slash")
        assert str(below.render()).startswith("status:  has:") and "never" not in screen_text(console)


async def test_any_column_sorts_by_dialog_key_or_click_and_stays_so(scene, console, three, until):
    async with console.run_test(size=(80, 24)) as pilot:
        await until(pilot, ready(console))
        assert keys(console) == ["gamma", "beta", "alpha"]
        await pilot.press("s")
        await until(pilot, lambda: console.screen.query(OptionList))
        await typed(pilot, "cell")
        await pilot.press("enter")
        await until(pilot, lambda: keys(console) == ["gamma", "alpha", "beta"])
        assert "cell" in screen_text(console).splitlines()[1] and "lstm" in screen_text(console)
        await pilot.press("S")
        await until(pilot, lambda: keys(console) == ["beta", "alpha", "gamma"])
        # On the first line the cursor goes on showing what comes first; elsewhere it stays on its run.
        assert table(console).selected.summary.name == "beta"
        await pilot.press("end")
        heading = screen_text(console).splitlines()[1]
        await pilot.click(RunTable, offset=(heading.index("name"), 0))
        await until(pilot, lambda: keys(console) == ["alpha", "beta", "gamma"])
        assert table(console).selected.summary.name == "gamma"
        await pilot.click(RunTable, offset=(heading.index("name"), 0))
        await until(pilot, lambda: keys(console) == ["gamma", "beta", "alpha"])
        assert "name ↓" in screen_text(console)
    assert console.settings.layout("runs") == {"column": "name", "reverse": True, "grouped": True}
    again = Console(scene.folder, settings=console.settings, remote=False)
    async with again.run_test(size=(80, 24)) as pilot:
        await until(pilot, ready(again))
        assert "name ↓" in screen_text(again)


@pytest.mark.parametrize("size", SIZES)
async def test_a_group_is_one_row_that_unfolds(console, group, until, size):
    async with console.run_test(size=size) as pilot:
        await until(pilot, ready(console))
        line = screen_text(console).splitlines()[2]
        assert "▸ G [red" in line and "×3" in line and "40" in line
        assert ("✓1 ·2" in line) and ("◉ finished" in line) == (size[0] >= 80)
        if size[0] >= 120:
            assert "30.00–70.00%" in line
        else:
            assert "40.00%" in line and "±" not in line
        words = console.screen.query_one(RunPreview).query_one(Static)
        await until(pilot, lambda: "1 of 3 ended runs converged" in str(words.render()))
        if size[1] < 24:
            assert "accuracy 40.00% (30.00%–70.00%)" in screen_text(console)
        else:
            assert "accuracy: median 40.00%, half of them 30.00%–70.00%, all 20.00%–100.00%" in str(words.render())
        if size[0] >= 80 and size[1] >= 24:
            await until(pilot, lambda: console.screen.query_one("#preview-accuracy").series)
            chart = console.screen.query_one("#preview-accuracy")
            assert chart.series[0].y[-1] == pytest.approx(0.4)
        await pilot.press("enter")
        await until(pilot, lambda: keys(console) == ["G [red]x[/]", "seed 2", "seed 1", "seed 0"])
        assert "▾ G" in screen_text(console) and "└ seed 2" in screen_text(console)
        await pilot.press("down", "f")
        await until(pilot, lambda: len(keys(console)) == 1)
        await pilot.press("F")
        await until(pilot, lambda: keys(console) == ["seed 2", "seed 1", "seed 0"])


async def test_what_one_says_of_runs_is_kept_in_their_folders(console, three, until):
    alpha, beta, gamma = three

    def said(run):
        return Annotations.read(run.folder)

    async with console.run_test(size=(80, 24)) as pilot:
        await until(pilot, ready(console))
        await pilot.press("asterisk")
        await until(pilot, lambda: "★" in screen_text(console) and said(gamma).starred)
        await pilot.press("R")
        await until(pilot, lambda: console.screen.query("#text"))
        console.screen.query_one("#text", Input).value = "\x1b"
        await until(pilot, lambda: "✗ name: must be" in screen_text(console))
        console.screen.query_one("#text", Input).value = "optim.lr=1"
        await until(pilot, lambda: "looks like a setting; a fork is how" in screen_text(console))
        console.screen.query_one("#text", Input).value = "delta"
        await pilot.press("enter")
        await until(pilot, lambda: keys(console) == ["delta", "beta", "alpha"])
        await pilot.press("space", "space")
        await until(pilot, lambda: "2 marked" in console.screen.query_one(TopBar).counts)
        await pilot.press("t")
        await until(pilot, lambda: console.screen.query("#text"))
        await typed(pilot, "night,a")
        await pilot.press("enter")
        await until(pilot, lambda: said(beta).tags == said(gamma).tags == ("night", "a"))
        await until(pilot, lambda: all(run.tags for run in console.screen.chosen_runs()))
        await pilot.press("t")
        await until(pilot, lambda: console.screen.query("#text"))
        console.screen.query_one("#text", Input).value = "night"
        await pilot.press("enter")
        await until(pilot, lambda: said(beta).tags == said(gamma).tags == ("night",))
        await pilot.press("escape")
        await until(pilot, lambda: not table(console).marked)
        await pilot.press("end", "N")
        await until(pilot, lambda: console.screen.query("#text"))
        console.screen.query_one("#text", TextArea).text = "look\nagain"
        await pilot.press("ctrl+s")
        await until(pilot, lambda: said(alpha).note == "look\nagain" and "¶" in screen_text(console))
        # What is typed next goes on from what stands there.
        await pilot.press("N")
        await until(pilot, lambda: console.screen.query("#text"))
        await pilot.press("!", "ctrl+s")
        await until(pilot, lambda: said(alpha).note == "look\nagain!")
    assert said(alpha).tags is None and json.loads((gamma.folder / "run.json").read_text())["name"] == "gamma"


async def test_deleted_runs_come_back_by_undo_or_from_the_bin(scene, console, three, until, told):
    scene.run(name="busy", status="running", created=3000.0)
    async with console.run_test(size=(80, 24)) as pilot:
        await until(pilot, ready(console))
        await pilot.press("space", "space", "d")
        await until(pilot, lambda: isinstance(console.screen, ConfirmScreen))
        assert "1 of them still train" in screen_text(console)
        await pilot.press("y")
        await until(pilot, lambda: isinstance(console.screen, RunsScreen))
        await until(pilot, lambda: keys(console) == ["busy", "beta", "alpha"])
        assert told[-1][0] == "1 run in the bin, 1 not" and "stop it first" in told[-1][1]
        await pilot.press("escape", "u")
        await until(pilot, lambda: "gamma" in keys(console))
        await pilot.press("end", "d")
        await until(pilot, lambda: "alpha" not in keys(console))
        await pilot.press("end", "d")
        await until(pilot, lambda: keys(console) == ["busy", "gamma"])
        await pilot.press("B")
        await until(pilot, lambda: isinstance(console.screen, BinScreen) and len(table(console).lines) == 2)
        assert "2 deleted runs" in screen_text(console) and "deleted ↑" in screen_text(console)
        assert keys(console) == ["beta", "alpha"]
        await pilot.press("end", "enter")
        await until(pilot, lambda: keys(console) == ["beta"])
        await pilot.press("E")
        assert bin.contents(scene.folder) == [three[1].id]
        await pilot.press("E")
        await until(pilot, lambda: "The bin is empty" in screen_text(console))
        await pilot.press("escape")
        await until(pilot, lambda: keys(console) == ["busy", "gamma", "alpha"])
    assert {run.id for run in Workspace(scene.folder).runs()} >= {three[0].id, three[2].id}
    assert bin.contents(scene.folder) == []


async def test_a_group_is_deleted_after_a_question_that_says_how_many(scene, console, group, until):
    async with console.run_test(size=(80, 24)) as pilot:
        await until(pilot, ready(console))
        for no in ("escape", "n", "u"):
            await pilot.press("d")
            await until(pilot, lambda: isinstance(console.screen, ConfirmScreen))
            shown = screen_text(console)
            assert "Put 3 runs into the bin?" in shown and "group G [red]x[/]" in shown and "Delete 3" in shown
            await pilot.press(no)
            await until(pilot, lambda: isinstance(console.screen, RunsScreen))
        assert bin.contents(scene.folder) == []
        await pilot.press("d", "enter")
        await until(pilot, lambda: len(bin.contents(scene.folder)) == 3 and not keys(console))
        await pilot.press("u")
        await until(pilot, lambda: keys(console) == ["G [red]x[/]"] and not bin.contents(scene.folder))


async def test_undo_typed_at_once_is_not_lost(scene, console, three, until, monkeypatch):
    moved, delete = threading.Event(), bin.delete

    def slowly(run):
        assert moved.wait(20)
        delete(run)

    monkeypatch.setattr(bin, "delete", slowly)
    async with console.run_test(size=(80, 24)) as pilot:
        await until(pilot, ready(console))
        await pilot.press("d", "u")
        assert bin.contents(scene.folder) == []
        told = []
        monkeypatch.setattr(console, "notify", lambda message, *, title="", **more: told.append(title))
        moved.set()
        await until(pilot, lambda: "1 run back from the bin" in told)
        await until(pilot, lambda: keys(console) == ["gamma", "beta", "alpha"])
        assert bin.contents(scene.folder) == [] and not any("deleted" in title for title in told)


async def test_what_another_deletes_is_said_to_be_in_the_bin_and_comes_back(scene, console, three, until, told):
    async with console.run_test(size=(80, 24)) as pilot:
        await until(pilot, ready(console))
        bin.delete(three[0])
        bin.delete(three[1])
        await until(pilot, lambda: told)
        assert told[0][0] == "2 runs in the bin" and told[0][1].startswith("beta, alpha: deleted elsewhere. u brings")
        await pilot.press("u")
        await until(pilot, lambda: keys(console) == ["gamma", "beta", "alpha"])
        shutil.rmtree(three[2].folder)
        await until(pilot, lambda: told[-1][0] == "1 run gone")


async def test_a_run_whose_folder_was_renamed_is_not_gone(scene, console, three, until, told):
    async with console.run_test(size=(80, 24)) as pilot:
        await until(pilot, ready(console))
        three[0].folder.rename(three[0].folder.with_name("20000101-000000-aaaa"))
        shutil.rmtree(three[2].folder)
        await until(pilot, lambda: told)
        assert [title for title, _ in told] == ["1 run gone"] and told[0][1].startswith("gamma: no folder")


async def test_a_name_that_another_run_has_is_said(console, three, until, told):
    async with console.run_test(size=(80, 24)) as pilot:
        await until(pilot, ready(console))
        await pilot.press("R")
        await until(pilot, lambda: console.screen.query("#text"))
        console.screen.query_one("#text", Input).value = "alpha"
        await pilot.press("enter")
        await until(pilot, lambda: ("Another run is called alpha", ALIKE) in told)


async def test_marked_runs_are_stopped_together_and_told_once(scene, console, until, work, told):
    runs = [scene.run(name=f"run-{place}", status="running", alive=False, created=1000.0 + place) for place in range(2)]
    scene.run(name="ended", created=500.0)
    workers = [work(run) for run in runs]
    async with console.run_test(size=(80, 24)) as pilot:
        await until(pilot, ready(console))
        await pilot.press("M", "x")
        await until(pilot, lambda: told)
        assert [[verb for verb, _ in worker.done] for worker in workers] == [["stop"], ["stop"]]
        assert told == [("2 runs stopped", "")]
        await until(pilot, lambda: all(line.summary.status != "running" for line in table(console).lines))
        assert told == [("2 runs stopped", "")]


async def test_a_run_starts_again_with_its_own_settings(scene, console, until):
    scene.run("sota_warmup", name="one", changes={"optim.lr": "0.002"})
    async with console.run_test(size=(80, 24)) as pilot:
        await until(pilot, ready(console))
        await pilot.press("e")
        await until(pilot, lambda: type(console.screen).__name__ == "NewRunScreen")
        assert console.screen.draft.config.optim.lr == 0.002 and console.screen.draft.preset.name == "sota_warmup"
        await until(pilot, lambda: "Run one again" in screen_text(console))

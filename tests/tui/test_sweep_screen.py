"""A sweep on the screen: what each view shows, what its keys do, and a sweep begun in New run."""

from __future__ import annotations

import csv
import io
import math
import os
import re

import pytest
from textual.widgets import Input, Static

from seqsum.files import try_lock
from seqsum.runs.lock import take_lock
from seqsum.sweeps import definition, steering
from seqsum.sweeps.definition import LOCK, Wanted, folder_of, read_wanted, want
from seqsum.sweeps.file import read_sweep_file
from seqsum_tui.app import Console
from seqsum_tui.compare.screen import CompareScreen
from seqsum_tui.dialogs.choose import ChooseScreen
from seqsum_tui.dialogs.text_input import LineScreen
from seqsum_tui.live.screen import LiveScreen
from seqsum_tui.new_run.screen import NewRunScreen
from seqsum_tui.sweep import reader
from seqsum_tui.sweep.decides import Decides
from seqsum_tui.sweep.grid import GridMap
from seqsum_tui.sweep.parallel import Parallel
from seqsum_tui.sweep.screen import SweepScreen
from seqsum_tui.sweep.table import SettingTable, Strip
from support.command_line import call, lines
from support.screens import listed, screen_text, screen_words
from support.sweeps import finished_sweep

LR, HIDDEN = "optim.lr", "model.hidden_size"
FIELDS = {LR: "0.001,0.01,0.1", HIDDEN: "8,16"}
VALUES = {
    ("0.001", "8"): [0.2, 0.3, 0.4], ("0.001", "16"): [0.3, 0.5, 0.4], ("0.01", "8"): [0.9, 0.8, 0.7],
    ("0.01", "16"): [0.95, 0.99, 0.9], ("0.1", "8"): [math.nan, math.nan, 0.1], ("0.1", "16"): [0.15, math.nan, 0.2],
}  # fmt: skip
SIZES = [(80, 24), (120, 40), (200, 60)]
VIEWS = ["settings", "parallel", "grid", "decides"]


@pytest.fixture
def sweep(scene):
    return finished_sweep(scene.workspace, FIELDS, VALUES, states={("0.1", "8"): "pruned"})


@pytest.fixture
def console(scene, still):
    made = Console(scene.folder, now=still, remote=False)
    made.animation_level = "none"
    return made


async def begin(console, pilot, until, name="made"):
    await until(pilot, lambda: listed(console))
    console.open_sweep(name)
    await until(pilot, lambda: console.screen.query(SettingTable) and console.screen.query_one(SettingTable).lines)


def chosen(console):
    return tuple(console.screen.query_one(SettingTable).selected.result.setting.values.values())


@pytest.mark.parametrize("size", SIZES)
async def test_every_setting_is_listed_best_first_with_what_broke(sweep, console, until, size):
    async with console.run_test(size=size) as pilot:
        await begin(console, pilot, until)
        text = screen_text(console)
        assert len(console.screen.query_one(SettingTable).lines) == 6 and "95.00%" in text
        assert "best: lr 0.01, hidden_size 16" in text and "finished  6 settings  3 seeds each" in text
        assert chosen(console) == ("0.01", "16")
        rows = [line for line in text.splitlines() if line.lstrip().startswith(("◉", "⊘")) and "0.1 " in line]
        assert len(rows) == 2 and "⊘" in rows[-1] and "×2" in rows[-1] and "×1" in rows[0]


@pytest.mark.parametrize("goal", ["accuracy", "eval_loss"])
def test_a_strip_holds_the_quartiles_where_they_belong(goal):
    values = [1.0, 2.0, 3.0, 4.0, 5.0] if goal == "eval_loss" else [0.0, 0.25, 0.5, 0.75, 1.0]
    drawn = Strip.of(goal, values, higher=True).drawn(values, 41)
    assert drawn[20] == "●" and drawn[10:20] == "━" * 10 and drawn[21:31] == "━" * 10
    assert drawn[:10] == "─" * 10 and drawn[31:] == "─" * 10
    lost = Strip.of(goal, values, higher=True).drawn([-math.inf, *values[1:3]], 41)
    gone = Strip.of(goal, values, higher=True).drawn([-math.inf, -math.inf, values[1]], 41)
    assert "●" not in gone and gone[0] == "━"
    assert not Strip.of(goal, values, higher=True).drawn([-math.inf, -math.inf], 41).strip()
    # The lower quartile falls on the broken run, which stands at the worst end.
    assert lost[:10] == "━" * 10 and lost.index("●") == 10


@pytest.mark.parametrize("size", SIZES)
async def test_each_view_shows_the_setting_under_the_cursor(sweep, console, until, size):
    async with console.run_test(size=size) as pilot:
        await begin(console, pilot, until)
        await pilot.press("2", "down")
        parallel = console.screen.query_one(Parallel)
        await until(pilot, lambda: parallel.subject is not None and parallel.display)
        assert parallel.subject.chosen == console.screen.query_one(SettingTable).selected.key
        text = screen_text(console)
        assert "median accuracy" in text and "hidden_size" in text and "lr" in text
        await pilot.press("3")
        grid = console.screen.query_one(GridMap)
        await until(pilot, lambda: grid.has_focus and grid.subject is not None)
        assert {str(one.setting.number) for one in grid.cell.settings} == {grid.subject.chosen}
        await until(pilot, lambda: "lr 0.01, hidden_size 8: median accuracy 80.00%" in screen_text(console))
        await pilot.press("right")
        await until(pilot, lambda: chosen(console) == ("0.1", "8"))
        assert "×" in screen_text(console)
        await pilot.press("up")
        await until(pilot, lambda: chosen(console) == ("0.1", "16"))


async def test_in_a_narrow_grid_numbers_have_fewer_digits(scene, console, until):
    rates = ("0.0003", "0.0005", "0.001", "0.003", "0.005", "0.01", "0.03", "0.05")
    values = {(rate, size): [0.1 * at + 0.05] for at, rate in enumerate(rates) for size in ("8", "16")}
    finished_sweep(scene.workspace, {LR: ",".join(rates), HIDDEN: "8,16"}, values)
    async with console.run_test(size=(60, 20)) as pilot:
        await begin(console, pilot, until)
        await pilot.press("3")
        await until(pilot, lambda: console.screen.query_one(GridMap).has_focus)
        await until(pilot, lambda: "75%" in screen_text(console))
        heading = next(line for line in screen_text(console).splitlines() if "3e-4" in line and "%" not in line)
        assert "…" not in heading and len(set(heading.split())) == 8
        assert [f"{10 * at + 5}%" in screen_text(console) for at in range(8)] == [True] * 8


@pytest.mark.parametrize(("size", "many"), [((120, 40), 38), ((80, 24), 30), ((120, 40), 300)])
async def test_a_grid_of_many_values_shows_what_there_is_room_for(scene, console, until, size, many):
    rates = [f"0.{at:03}" for at in range(1, many + 1)]
    values = {(rate, units): [0.5 + 0.001 * at] for at, rate in enumerate(rates) for units in ("8", "16")}
    finished_sweep(scene.workspace, {LR: ",".join(rates), HIDDEN: "8,16"}, values)
    async with console.run_test(size=size) as pilot:
        await begin(console, pilot, until)
        await pilot.press("3")
        grid = console.screen.query_one(GridMap)
        await until(pilot, lambda: grid.has_focus and grid.subject is not None and "lr →" in screen_text(console))
        for key, there in (("end", rates[-1]), ("home", rates[0])):
            # The cursor begins at the best, which is the last.
            while key == "home" and grid.column > 0:
                grid.action_move(0, -1)
            await until(pilot, lambda there=there: f"lr {there}," in screen_text(console))
            lines = screen_text(console).splitlines()
            foot = next(at for at, line in enumerate(lines) if "lr →" in line)
            # Every name is whole, and the cursor's is one of them: two that touch would be neither.
            names = lines[foot - 1].split()
            assert names and set(names) <= set(rates) and there in names
            # Of a number no digit is left out.
            cells = "".join(lines[foot - 1 - 2 * at] for at in (1, 2))
            assert "1…" not in cells and "5…" not in cells
            width = grid.content_size.width
            fewer = [line for line in lines if f"of {many}" in line and "lr " in line]
            assert bool(fewer) == (2 * many + 14 > width), lines


async def test_a_click_on_a_line_or_a_cell_chooses_the_setting(sweep, console, until):
    async with console.run_test(size=(120, 40)) as pilot:
        await begin(console, pilot, until)
        await pilot.press("3")
        grid = console.screen.query_one(GridMap)
        await until(pilot, lambda: grid.display and "0.001" in screen_text(console))
        rows = [line.rstrip() for line in screen_text(console).splitlines()]
        y = next(at for at, line in enumerate(rows) if "40.00%" in line and "15.00%" in line)
        await pilot.click(offset=(rows[y].index("15.00%") + 1, y))
        await until(pilot, lambda: chosen(console) == ("0.1", "16"))
        await pilot.press("2")
        parallel = console.screen.query_one(Parallel)
        await until(pilot, lambda: parallel.display and parallel.size.height > 5)
        # The best ends at the top right.
        await pilot.click(Parallel, offset=(parallel.content_size.width - 1, 1))
        await until(pilot, lambda: chosen(console) == ("0.01", "16"))


async def test_what_decides_is_worked_out_beside_and_leads_to_the_grid(sweep, console, until, monkeypatch):
    monkeypatch.setattr(reader.SweepReader, "importances", lambda self: {HIDDEN: 0.2, LR: 0.8})
    async with console.run_test(size=(80, 24)) as pilot:
        await begin(console, pilot, until)
        await pilot.press("4")
        decides = console.screen.query_one(Decides)
        await until(pilot, lambda: len(decides.lines) == 2)
        assert "20.00%" in screen_text(console) and "80.00%" in screen_text(console)
        await pilot.press("down", "enter")
        grid = console.screen.query_one(GridMap)
        await until(pilot, lambda: grid.display and grid.subject is not None and grid.subject.grid.across == "lr")
        await pilot.press("h")
        await until(pilot, lambda: grid.subject.grid.across == "hidden_size" and grid.subject.grid.up == "lr")


async def test_a_setting_opens_its_runs_and_marked_ones_stand_beside_each_other(sweep, console, until):
    async with console.run_test(size=(120, 40)) as pilot:
        await begin(console, pilot, until)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(console.screen, CompareScreen))
        assert len(console.screen.model.ids) == 3
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(console.screen, SweepScreen))
        await pilot.press("space", "space", "c")
        await until(pilot, lambda: isinstance(console.screen, CompareScreen))
        assert len(console.screen.model.ids) == 6


async def test_compared_settings_are_compared_by_the_goal_with_the_better_one_as_baseline(scene, console, until):
    values = {("0.001",): [0.2, 0.3], ("0.01",): [0.9, 0.8], ("0.1",): [0.5, 0.6]}
    finished_sweep(scene.workspace, {LR: "0.001,0.01,0.1"}, values, goal="eval_loss")
    async with console.run_test(size=(120, 40)) as pilot:
        await begin(console, pilot, until)
        await pilot.press("down", "space", "space", "c")
        await until(pilot, lambda: isinstance(console.screen, CompareScreen) and console.screen.model.tested)
        model = console.screen.model
        assert model.comparison.metric == "eval_loss"
        assert next(row.name for row in model.rows if row.baseline) == "made: lr 0.1"
        # The cursor is on the baseline: of what is beside it a sentence is said all the same.
        await until(pilot, lambda: "made: lr 0.01 and made: lr 0.1 may be equally good" in screen_text(console))
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(console.screen, SweepScreen))
        text = screen_text(console)
        assert "With 2 seeds each no difference can be told from chance" in text
        await pilot.press("3", "4")
        assert console.screen.view == 0, "one field is no grid"


async def test_a_run_trained_again_leaves_its_sweep_s_group(scene, console, until):
    finished_sweep(scene.workspace, {LR: "0.001,0.01"}, {("0.001",): [0.5, 0.5]})
    async with console.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: listed(console))
        await pilot.press("e")
        await until(pilot, lambda: isinstance(console.screen, NewRunScreen))
        assert console.screen.draft.config.track.group is None and console.screen.draft.text(LR) == "0.001"


async def test_a_setting_of_one_run_is_watched_and_trained_again(scene, console, until):
    finished_sweep(scene.workspace, {LR: "0.001,0.01"}, {("0.001",): [0.5], ("0.01",): [0.6]})
    async with console.run_test(size=(120, 40)) as pilot:
        await begin(console, pilot, until)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(console.screen, LiveScreen))
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(console.screen, SweepScreen))
        await pilot.press("e")
        await until(pilot, lambda: isinstance(console.screen, NewRunScreen))
        assert console.screen.draft.text(LR) == "0.01"


async def test_the_table_is_copied_and_written(sweep, console, until, tmp_path, monkeypatch):
    monkeypatch.setattr("seqsum_tui.dialogs.export.default_folder", lambda: tmp_path)
    async with console.run_test(size=(120, 40)) as pilot:
        await begin(console, pilot, until)
        what, text = console.screen.copied()
        assert what == "the table" and len(list(csv.DictReader(io.StringIO(text)))) == 6
        for view, downs, name in (
            ("1", 3, "made-settings.csv"),
            ("2", 2, "made-parallel.pdf"),
            ("3", 1, "made-grid.svg"),
        ):
            await pilot.press(view, "E")
            await until(pilot, lambda: console.screen.query("#path"))
            await pilot.press(*["down"] * downs)
            path = tmp_path / name
            await until(pilot, lambda end=name: console.screen.query_one("#path", Input).value.endswith(end))
            await pilot.press("enter")
            await until(pilot, lambda there=path: there.exists() and isinstance(console.screen, SweepScreen))


async def test_a_sweep_is_paused_stopped_resumed_and_extended(scene, console, until, monkeypatch):
    """What is asked of the driver lies in its folder; a lock stands for the driver."""
    sweep = finished_sweep(scene.workspace, FIELDS, {("0.001", "8"): [0.5, 0.6]})
    workspace = scene.workspace
    driven = []
    monkeypatch.setattr(steering, "drive_beside", lambda workspace, name: driven.append(name))
    lock = try_lock(folder_of(workspace, sweep.name) / LOCK)
    async with console.run_test(size=(120, 40)) as pilot:
        await begin(console, pilot, until)
        await until(pilot, lambda: "● running" in screen_text(console))
        await pilot.press("p")
        await until(pilot, lambda: read_wanted(workspace, sweep.name).paused)
        await until(pilot, lambda: "paused" in screen_text(console))
        await pilot.press("p")
        await until(pilot, lambda: not read_wanted(workspace, sweep.name).paused)
        await until(pilot, lambda: "● running" in screen_text(console))
        await pilot.press("x")
        await until(pilot, lambda: read_wanted(workspace, sweep.name).stopped)
        os.close(lock)  # the driver has saved, and goes
        await until(pilot, lambda: "stopped" in screen_text(console))
        await pilot.press("r")
        await until(pilot, lambda: driven == [sweep.name])
        assert read_wanted(workspace, sweep.name).stopped, "until a driver has it"
        await pilot.press("plus")
        await until(pilot, lambda: isinstance(console.screen, LineScreen))
        text = console.screen.query_one("#text", Input)
        assert text.value == "4 seeds", "a grid has no more settings"
        for wrong in ("9", "1 seeds", "2 seeds"):
            text.value = wrong
            await pilot.press("enter")
            assert isinstance(console.screen, LineScreen), wrong
        text.value = "5 seeds"
        await pilot.press("enter")
        await until(pilot, lambda: definition.read(workspace, sweep.name).seeds == (0, 1, 2, 3, 4))
        await until(pilot, lambda: driven == [sweep.name] * 2)


@pytest.mark.parametrize("drawn", [False, True])
@pytest.mark.parametrize("first", [0, 3])
async def test_what_can_t_be_more_is_told_in_words_of_the_screen_with_a_way_out(scene, console, until, drawn, first):
    """Whatever is typed, the sentence names something that can be typed, which is then taken, and no flag."""
    sweep = finished_sweep(scene.workspace, {LR: "0.001,0.01"}, {("0.001",): [0.5] * 6, ("0.01",): [0.6] * 6})
    facts = {"sampler": "random" if drawn else "grid", "seeds": tuple(range(first, first + 6))}
    changed = sweep.model_copy(update=facts).model_dump(mode="json")
    definition.write_json(folder_of(scene.workspace, sweep.name) / definition.DEFINITION, changed)
    example = "12 seeds" if first == 0 else "3-14 seeds"

    def problem():
        return str(console.screen.query_one("#problem", Static).render())

    async with console.run_test(size=(120, 40)) as pilot:
        await begin(console, pilot, until)
        for wrong in (
            "abc",
            "",
            "0",
            "2",
            "99999",
            "1 seed",
            "3 seeds",
            "0 seeds",
            "9-3 seeds",
            "5000 seeds",
            "8-20 seeds",
        ):
            await pilot.press("plus")
            await until(pilot, lambda: isinstance(console.screen, LineScreen))
            dialog = console.screen
            dialog.query_one("#text", Input).value = wrong
            await pilot.press("enter")
            await until(pilot, lambda: "✗" in problem())
            said = problem().removeprefix("✗ ")
            assert console.screen is dialog and "--" not in said and said[0].isupper() and said.endswith("."), wrong
            assert f"such as {example}" in said, wrong
            numbers = re.search(r"type (\d+) to ([\d,]+)|in all, such as (\d+)", said)
            assert drawn or not numbers
            if drawn and "seed" not in wrong:
                assert numbers is not None, wrong
                for typed in filter(None, numbers.groups()):
                    dialog.query_one("#text", Input).value = typed
                    await until(pilot, lambda: "✗" not in problem())
            dialog.query_one("#text", Input).value = example
            await until(pilot, lambda: "✗" not in problem())
            await pilot.press("escape")
            await until(pilot, lambda: not isinstance(console.screen, LineScreen))


@pytest.mark.parametrize(
    ("asked", "held", "live", "said", "head"),
    [
        (Wanted(stopped=True), False, False, "■ stopped", "■ stopped"),
        (Wanted(), False, False, "■ stopped", "died"),
        (Wanted(paused=True), True, False, "‖ paused", "paused"),
        (Wanted(), True, False, "● under way", "running"),
        (Wanted(stopped=True), False, True, "● 2 live", "stopped"),
    ],
)
async def test_a_setting_is_under_way_only_while_something_goes_on(
    scene, console, until, asked, held, live, said, head
):
    """The same on the screen, by the command, in its JSON and its file."""
    fields, runs = {LR: "0.001,0.01"}, {("0.001",): [0.5, 0.6]}
    sweep = finished_sweep(scene.workspace, fields, runs, states={("0.001",): "running"})
    want(scene.workspace, sweep.name, asked)
    lock, locks = try_lock(folder_of(scene.workspace, sweep.name) / LOCK) if held else None, []
    for run in scene.workspace.runs():
        with run.store() as store:
            store.set_state(status="running" if live else "stopped")
        locks += [take_lock(run.folder)] if live else []
    async with console.run_test(size=(120, 40)) as pilot:
        await begin(console, pilot, until)
        sign, _, words = said.partition(" ")
        await until(pilot, lambda: head in screen_text(console) and words in screen_text(console))
        (row,) = [row for row in screen_text(console).splitlines() if "0.001" in row and "0/2" in row]
        assert sign in row and words in row
        assert live or held or "under way" not in screen_text(console)
    folder = ["--workspace", str(scene.folder)]
    word = {"■": "stopped", "‖": "paused", "●": "running"}[sign]
    (told,) = lines("sweep", "--show", sweep.name, *folder)[-1]["settings"]
    assert told["state"] == word
    shown = call("sweep", "--show", sweep.name, *folder)[1]
    assert {"■": "stopped", "‖": "paused", "●": "under way"}[sign] in shown.split("\n", 1)[1].partition("P:")[0]
    path = scene.folder.parent / "told.csv"
    assert call("sweep", "--show", sweep.name, "--output", str(path), *folder)[0] == 0
    assert next(csv.DictReader(path.open()))["state"] == word
    for one in filter(None, [lock, *locks]):
        os.close(one)


async def test_more_settings_are_tried_of_a_range(scene, console, until, monkeypatch):
    sweep = finished_sweep(scene.workspace, {LR: "0.001,0.01"}, {("0.001",): [0.5], ("0.01",): [0.6]})
    drawn = sweep.model_copy(update={"sampler": "random"})
    definition.write_json(folder_of(scene.workspace, sweep.name) / definition.DEFINITION, drawn.model_dump(mode="json"))
    monkeypatch.setattr(steering, "drive_beside", lambda workspace, name: None)
    async with console.run_test(size=(120, 40)) as pilot:
        await begin(console, pilot, until)
        await pilot.press("plus")
        await until(pilot, lambda: isinstance(console.screen, LineScreen))
        console.screen.query_one("#text", Input).value = "2"
        await pilot.press("enter")
        assert isinstance(console.screen, LineScreen), "two were tried already"
        console.screen.query_one("#text", Input).value = "9"
        await pilot.press("enter")
        await until(pilot, lambda: definition.read(scene.workspace, sweep.name).trials == 9)


async def test_the_list_opens_the_sweep_of_a_group_or_offers_all(sweep, scene, console, until):
    other = finished_sweep(scene.workspace, {LR: "0.001,0.01"}, {("0.001",): [0.5]}, name="other")
    scene.run(name="alone")
    async with console.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: listed(console))
        table = console.screen.query_one("#runs")

        def groups():
            return [line for line in table.lines if (line.summary.group or "").startswith("other:")]

        await until(pilot, groups)
        table.select(groups()[0].key)
        await pilot.press("w")
        await until(pilot, lambda: isinstance(console.screen, SweepScreen))
        assert console.screen.name_of_sweep == other.name
        await pilot.press("w")
        await until(pilot, lambda: isinstance(console.screen, ChooseScreen))
        await pilot.press("down", "enter")
        await until(pilot, lambda: isinstance(console.screen, SweepScreen))
        assert console.screen.name_of_sweep == "made"
        await pilot.press("escape")
        await until(pilot, lambda: listed(console))


@pytest.mark.parametrize("size", SIZES)
async def test_why_a_sweep_can_t_be_read_stays_until_it_can(sweep, console, until, scene, size):
    file = folder_of(scene.workspace, sweep.name) / definition.DEFINITION
    whole = file.read_bytes()
    file.write_text("garbage")
    async with console.run_test(size=size) as pilot:
        await until(pilot, lambda: listed(console))
        console.open_sweep(sweep.name)
        await until(pilot, lambda: "Can't read" in screen_text(console))
        await pilot.press("p")
        assert "being read" not in screen_text(console)
        assert "Can't read" in console.screen.why_not("pause", ())
        file.write_bytes(whole)
        await until(pilot, lambda: "best: lr 0.01, hidden_size 16" in screen_text(console))
        assert not console.screen.query_one("#empty").display and console.screen.focused is not None


async def test_searched_for_by_its_whole_name_a_sweep_comes_first(sweep, scene, console, until):
    for name in ("made-2", "made-3"):
        finished_sweep(scene.workspace, {LR: "0.001,0.01"}, {("0.001",): [0.5]}, name=name)
    scene.run(name="alone")
    async with console.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: listed(console))
        table = console.screen.query_one("#runs")
        table.select(next(line.key for line in table.lines if line.summary.name == "alone"))
        await pilot.press("w")
        await until(pilot, lambda: isinstance(console.screen, ChooseScreen))
        await pilot.press(*"made", "enter")
        await until(pilot, lambda: isinstance(console.screen, SweepScreen))
        assert console.screen.name_of_sweep == "made"


async def test_without_a_sweep_it_is_said_how_one_begins(scene, console, until):
    scene.run(name="alone")
    told = []
    async with console.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: listed(console))
        console.screen.notify = lambda message, **more: told.append(message)
        await pilot.press("w")
        await until(pilot, lambda: told)
    assert "New run" in told[0] and "0.001,0.01" in told[0]


# In New run


async def form(console, pilot, until, field):
    await until(pilot, lambda: listed(console) or console.screen.query("#empty"))
    console.open_new_run(lambda run, queued: None, preset="baseline")
    await until(pilot, lambda: isinstance(console.screen, NewRunScreen))
    screen = console.screen
    await until(pilot, lambda: screen.query_one("ConfigForm").whole)
    screen.query_one("ConfigForm").focus_field(field)
    await until(pilot, lambda: screen.query_one("ConfigForm").current is not None)
    return screen


async def test_a_list_typed_into_a_number_is_a_sweep_and_its_size_is_said(scene, console, until):
    async with console.run_test(size=(120, 40)) as pilot:
        screen = await form(console, pilot, until, LR)
        await pilot.press(*"0.001,0.01,0.1")
        await until(pilot, lambda: screen.draft.space)
        screen.query_one("#seeds", Input).value = "4"
        await until(pilot, lambda: "3 settings × 4 seeds = 12 runs" in screen_text(console))
        text = screen_text(console).replace("\n", " ")
        assert "seqsum sweep baseline --optim.lr 0.001,0.01,0.1 --seeds 4" in text and "of disk" in text
        assert screen.draft.config.optim.lr == screen.draft.preset.config.optim.lr and "Sweep: F5" in text


@pytest.mark.parametrize(("typed", "why"), [("0.1..0.01", "from a lower"), ("0.001,-1", "above 0"), ("0.1,,", "empty")])
async def test_a_wrong_list_is_told_at_its_field(scene, console, until, typed, why):
    async with console.run_test(size=(120, 40)) as pilot:
        screen = await form(console, pilot, until, LR)
        await pilot.press(*typed)
        await until(pilot, lambda: LR in screen.draft.problems)
        assert why in screen.draft.problems[LR] and screen.draft.config is None


async def test_several_of_a_choice_are_asked_for_and_a_range_asks_how_many(scene, console, until):
    async with console.run_test(size=(120, 40)) as pilot:
        screen = await form(console, pilot, until, "model.cell")
        await pilot.press("ctrl+t")
        await until(pilot, lambda: isinstance(console.screen, LineScreen))
        console.screen.query_one("#text", Input).value = "rnn,lstm"
        await pilot.press("enter")
        await until(pilot, lambda: console.screen is screen and screen.draft.is_several("model.cell"))
        assert not screen.query_one("#trials").display
        screen.query_one("ConfigForm").focus_field(LR)
        await pilot.press(*"0.001..0.1:log")
        await until(pilot, lambda: screen.query_one("#trials").display)
        screen.query_one("#trials", Input).value = "7"
        await until(pilot, lambda: screen.draft.trials == 7)
        assert "--trials 7" in screen.draft.command(scene.folder)
        screen.query_one("#trials", Input).value = "x"
        await until(pilot, lambda: screen.draft.wrong == 1)
        screen.query_one("ConfigForm").focus_field("task.name")
        await pilot.press("ctrl+t")
        assert console.screen is screen, "which task it is decides which fields there are"


async def several(console, pilot, until, screen, field, text):
    """Give a field several values by the dialog; return what it said of them, empty where it took them."""
    screen.query_one("ConfigForm").focus_field(field)
    await pilot.press("ctrl+t")
    await until(pilot, lambda: isinstance(console.screen, LineScreen))
    dialog = console.screen
    dialog.query_one("#text", Input).value = text
    await pilot.press("enter")
    await until(pilot, lambda: console.screen is screen or "✗" in str(dialog.query_one("#problem").content))
    return "" if console.screen is screen else str(dialog.query_one("#problem").content)


@pytest.mark.parametrize(
    ("field", "typed", "why"),
    [
        (LR, "0.001,abc", "abc"),
        (LR, "0.01,0.010", "one value only"),
        (HIDDEN, "0..8", "1"),
        ("model.cell", "rnn,lsmt", "lsmt"),
    ],
)  # fmt: skip
async def test_a_value_that_the_field_can_t_have_is_told_where_it_is_typed(scene, console, until, field, typed, why):
    async with console.run_test(size=(80, 24)) as pilot:
        screen = await form(console, pilot, until, field)
        assert why in await several(console, pilot, until, screen, field, typed)
        assert not screen.draft.sweeps


@pytest.mark.parametrize(
    ("field", "typed", "shown", "one"),
    [
        ("model.cell", "rnn, lstm", "◉ rnn  ◉ lstm  ○ gru", "rnn"),
        ("model.bidirectional", "off,on", "◉ off  ◉ on", "true"),
    ],
)
async def test_several_of_a_choice_stay_until_a_person_takes_one(scene, console, until, field, typed, shown, one):
    async with console.run_test(size=(120, 40)) as pilot:
        screen = await form(console, pilot, until, LR)
        screen.action_unfold_all()
        assert not await several(console, pilot, until, screen, field, typed)
        row = screen.query_one("ConfigForm").row(field)
        await until(pilot, lambda: row.editor.render().plain == shown and row.editor.has_focus)
        for key in ("right", "left", "space"):
            await pilot.press(key)
            await until(pilot, lambda: "^t changes them, ^r takes" in screen_text(console))
            assert screen.draft.text(field) == typed
        await pilot.press("ctrl+r")
        await until(pilot, lambda: not screen.draft.is_several(field))
        await pilot.press("left")
        await until(pilot, lambda: screen.draft.text(field) == one)


async def test_words_of_the_form_are_those_of_a_sweep_also_while_a_field_is_wrong(scene, console, until):
    finished_sweep(scene.workspace, {LR: "0.001,0.01"}, {("0.001",): [0.5]}, name="baseline-sweep")
    async with console.run_test(size=(160, 40)) as pilot:
        screen = await form(console, pilot, until, LR)
        await pilot.press(*"0.001,0.01")
        await until(pilot, lambda: "called baseline-sweep-2 if left empty" in screen_text(console))
        await until(pilot, lambda: "F5 Sweep" in screen_text(console) and "F5 Start" not in screen_text(console))
        screen.query_one("#name", Input).value = "baseline-sweep"
        await until(pilot, lambda: screen.draft.name_problem == 'there is a sweep "baseline-sweep" already')
        screen.query_one("#name", Input).value = ""
        for widget, words in (
            ("#name", "without one it is called baseline-sweep-2"), ("#seeds", "each setting is trained with"),
            ("#start", "starts the sweep"),
        ):  # fmt: skip
            screen.query_one(widget).focus()
            await until(pilot, lambda words=words: words in screen_text(console))
            assert "F7" not in str(screen.query_one("#help").content)
        screen.query_one("ConfigForm").focus_field("train.steps")
        await pilot.press(*"many")
        await until(pilot, lambda: screen.draft.wrong)
        screen.query_one("ConfigForm").focus_field(LR)
        await pilot.press("end", *",,")
        for _ in range(2):
            await until(pilot, lambda: screen.draft.config is None and "F5 Sweep" in screen_text(console))
            command = screen.draft.command(scene.folder)
            assert command.startswith("seqsum sweep baseline ") and "Sweep: F5" in screen_text(console)
            await pilot.press("backspace", "backspace")
        await pilot.press("f5")
        await until(pilot, lambda: "before the sweep can start" in screen_text(console))


async def test_on_a_small_terminal_a_sweep_s_size_is_said(scene, console, until):
    async with console.run_test(size=(60, 20)) as pilot:
        screen = await form(console, pilot, until, LR)
        await pilot.press(*"0.001,0.01,0.1")
        screen.query_one("#seeds", Input).value = "4"
        await until(pilot, lambda: "= 12 runs" in screen_text(console))
        words = screen_words(console)
        assert "3 settings × 4 seeds = 12 runs · about " in words and " of disk" in words
        assert screen.query_one("ConfigForm").size.height >= 4


async def test_a_sweep_is_kept_as_the_file_that_makes_it(scene, console, until, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "rates.toml").write_text("mine")
    async with console.run_test(size=(120, 40)) as pilot:
        screen = await form(console, pilot, until, LR)
        await pilot.press(*"0.001..0.1:log")
        assert not await several(console, pilot, until, screen, "model.cell", "rnn,gru")
        screen.query_one("#trials", Input).value = "7"
        screen.query_one("#name", Input).value = "rates"
        await until(pilot, lambda: screen.draft.trials == 7 and screen.draft.name == "rates")
        await pilot.press("f4")
        await until(pilot, lambda: isinstance(console.screen, LineScreen))
        assert console.screen.query_one("#text", Input).value.endswith("rates-2.toml")
        console.screen.query_one("#text", Input).value = "rates.toml"
        await pilot.press("enter")
        await until(pilot, lambda: "is there already" in screen_text(console))
        console.screen.query_one("#text", Input).value = "kept.toml"
        await pilot.press("enter")
        await until(pilot, lambda: (tmp_path / "kept.toml").exists() and console.screen is screen)
        await until(pilot, lambda: "saved: seqsum sweep " in screen_text(console))
    assert (tmp_path / "rates.toml").read_text() == "mine"
    told = {}
    for words in (["kept.toml", "--workspace", str(scene.folder)], screen.draft.command(scene.folder).split()[2:]):
        made = lines("sweep", *words, "--dry-run")[0]
        told[words[0]] = {name: made[name] for name in ("name", "preset", "seeds", "trials")}
    assert len(told) == 2 and len({str(one) for one in told.values()}) == 1
    kept = read_sweep_file(tmp_path / "kept.toml")
    assert kept.changes == {LR: "0.001..0.1:log", "model.cell": "rnn,gru"}


async def test_the_form_starts_a_sweep_and_shows_it(scene, console, until, monkeypatch):
    began = []
    monkeypatch.setattr("seqsum_tui.new_run.starter.drive_beside", lambda workspace, name: began.append(name))
    async with console.run_test(size=(120, 40)) as pilot:
        screen = await form(console, pilot, until, LR)
        await pilot.press(*"0.001,0.01")
        await until(pilot, lambda: screen.draft.space)
        screen.query_one("#seeds", Input).value = "2"
        screen.query_one("#name", Input).value = "two rates"
        await until(pilot, lambda: screen.draft.name_problem)
        screen.query_one("#name", Input).value = "rates"
        await until(pilot, lambda: not screen.draft.wrong)
        await pilot.press("f5")
        await until(pilot, lambda: isinstance(console.screen, SweepScreen))
        assert began == ["rates"] == definition.names(scene.workspace)
        made = definition.read(scene.workspace, "rates")
        assert (made.seeds, made.trials, made.sampler) == ((0, 1), 2, "grid")
        await pilot.press("escape")
        await until(pilot, lambda: not isinstance(console.screen, SweepScreen | NewRunScreen))


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("size", SIZES)
def test_what_it_looks_like(snap_compare, sweep, console, until, monkeypatch, view, size):
    monkeypatch.setattr(reader.SweepReader, "importances", lambda self: {LR: 0.8, HIDDEN: 0.2})

    async def ready(pilot):
        await begin(console, pilot, until)
        await pilot.press(str(VIEWS.index(view) + 1), *["down"] * (view == "parallel"))
        await until(pilot, lambda: view != "decides" or len(console.screen.query_one(Decides).lines) == 2)

    assert snap_compare(console, terminal_size=size, run_before=ready)

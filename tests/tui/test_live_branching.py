"""Fork and rewind from the live view, of a run that really trained: dialogs, curves, and what becomes of the run."""

import shutil

import pytest
from textual.widgets import Button, Input, Static

from seqsum.runs import Run, Workspace
from seqsum_tui.app import Console
from seqsum_tui.dialogs.choose import ChooseScreen
from seqsum_tui.dialogs.fork import ForkScreen, parse_changes
from seqsum_tui.dialogs.rewind import RewindScreen
from seqsum_tui.dialogs.set_value import SetValueScreen
from seqsum_tui.live.chart_grid import LiveChart
from seqsum_tui.live.screen import LiveScreen
from support.engine import points_of, small, wait_for_end, wait_for_step
from support.screens import listed, screen_text

SIZES = [(60, 20), (80, 24), (120, 40)]
CHANGES = {"train__steps": 300, "train__log_every": 10, "train__backend": "torch"}


@pytest.fixture(scope="module")
def trained(fork_server, tmp_path_factory):
    run = Workspace(tmp_path_factory.mktemp("parents")).create("test", small(**CHANGES), "parent")
    fork_server.submit(run)
    assert wait_for_end(run).status == "finished"
    return run


@pytest.fixture
def parent(trained, tmp_path):
    """The finished run, in a workspace of its own."""
    shutil.copytree(trained.folder, tmp_path / "runs" / trained.id)
    return Run(tmp_path / "runs" / trained.id)


@pytest.fixture
def console(parent, fork_server):
    made = Console(parent.folder.parent, remote=False, launcher=fork_server)
    made.animation_level = "none"
    return made


def words_of(app, selector):
    return " ".join(str(app.screen.query_one(selector, Static).render()).split())


@pytest.fixture
def opened(console, until):
    """Open the live view of a run and then a dialog, by its key."""

    async def open_it(pilot, run, key, kind):
        await until(pilot, lambda: listed(console))
        console.screen.open_run(run.id)
        await until(pilot, lambda: isinstance(console.screen, LiveScreen) and console.screen.view is not None)
        await pilot.press(key)
        await until(pilot, lambda: isinstance(console.screen, kind))

    return open_it


@pytest.mark.parametrize("size", [SIZES[0], SIZES[2]])
async def test_a_fork_starts_on_its_parents_curve(parent, console, opened, until, size):
    async with console.run_test(size=size) as pilot:
        await opened(pilot, parent, "F", ForkScreen)
        # The run made all its steps: a fork from its end needs more of them.
        line = console.screen.query_one("#changes", Input)
        assert console.screen.step == 300 and line.value == "train.steps=600 "
        await pilot.press(*["down"] * 6)
        await until(pilot, lambda: console.screen.step == 150)
        assert "step 150" in screen_text(console) and not line.value
        line.value = "optim.lr=0.02"
        await until(pilot, lambda: "optim.lr 0.001 → 0.02" in words_of(console, "#outcome"))
        await pilot.press("tab", *"mine", "enter")
        await until(pilot, lambda: isinstance(console.screen, LiveScreen) and console.screen.run.record.name == "mine")
        child = console.screen.run
        assert child.record.parent == {"run": parent.id, "step": 150}
        await until(pilot, lambda: console.screen.view and console.screen.view.summary.status == "finished")
        theirs, own = points_of(parent)["loss"], points_of(child)["loss"]
        assert own[0][0] == 160 and own != [point for point in theirs if point[0] > 150]

        def drawn():
            return {
                one.name: list(zip(one.x, one.y, strict=True)) for one in console.screen.query_one(LiveChart).series
            }

        await until(pilot, lambda: len(drawn().get("train", ())) == len(theirs))
        assert drawn()["train"] == [point for point in theirs if point[0] <= 150] + own
        # What is held out stands beside how the parent went on.
        assert drawn()["parent"] == [point for point in points_of(parent)["eval_loss"] if point[0] >= 150]
        marks = console.screen.query_one(LiveChart).marks
        assert (150, "forked from parent") in [(mark.x, mark.label) for mark in marks]
        assert {mark.x for mark in marks if mark.kind == "checkpoint"} == set(range(150, 301, 25))
        if size[0] == 120:
            assert "fork of parent at step 150" in screen_text(console)
        await pilot.press("escape")
        await until(pilot, lambda: not isinstance(console.screen, LiveScreen))


async def test_a_fork_that_would_end_at_once_is_told_before_anything_is_typed(
    parent, fork_server, console, opened, until
):
    early = {"train__stopping_threshold": 1e6, "train__evaluate_every": 50, "train__checkpoint_every": 50}
    run = Workspace(parent.folder.parent).create("test", small(**{**CHANGES, **early}), "early")
    fork_server.submit(run)
    assert wait_for_end(run).step == 50
    async with console.run_test(size=(120, 40)) as pilot:
        await opened(pilot, run, "F", ForkScreen)
        await until(pilot, lambda: "at step 50 already, and the fork ends as soon" in words_of(console, "#outcome"))


async def test_what_can_not_be_forked_is_said_as_one_types(parent, console, opened, until):
    async with console.run_test(size=(80, 24)) as pilot:
        await opened(pilot, parent, "F", ForkScreen)
        line, button = console.screen.query_one("#changes", Input), console.screen.query_one("#accept", Button)
        await pilot.press("down")
        for typed, said in {
            "model.hidden_size=9": "model.hidden_size can't change in a fork",
            "optim.lr": '"optim.lr" must be path=value',
            "optim.lr=-1": "optim.lr must be above 0",
            "optim.rate=1": "optim.rate is no field;",
            "train.name='a": "a quotation mark is not closed",
            "foo=1": "foo is no field; fields are written section.field",
            "optim.lr=1 optim.lr=2": "optim.lr stands twice; leave one of them out",
            "train.steps=200": "train.steps must be above 275, the step it goes on from, got 200; e.g. 550",
        }.items():
            line.value = typed
            await until(pilot, lambda said=said: said in words_of(console, "#outcome"))
            assert button.disabled
            await pilot.press("enter")
        assert isinstance(console.screen, ForkScreen)
        line.value, name = "train.steps=400", console.screen.query_one("#name", Input)
        name.value = "optim.lr=0.1"
        said = '"optim.lr=0.1" looks like a setting; it goes into the line Change'
        await until(pilot, lambda: said in words_of(console, "#outcome"))
        assert button.disabled
        name.value = ""
        line.value = "--train.steps=400"
        await until(pilot, lambda: not button.disabled)
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(console.screen, LiveScreen))
        assert len(list(parent.folder.parent.glob("2*"))) == 1


async def test_a_setting_is_chosen_from_a_list_and_given_a_value(parent, console, opened, until):
    async with console.run_test(size=(80, 24)) as pilot:
        await opened(pilot, parent, "F", ForkScreen)
        fork = console.screen
        line = fork.query_one("#changes", Input)
        # Other steps take the place of those offered; what else is typed stands beside them.
        for keys, stands in (
            ("train.steps=450", "train.steps=450"),
            ("optim.lr=0.02", "train.steps=600 optim.lr=0.02"),
            ("optim.lr=0.02 train.steps=450", "optim.lr=0.02 train.steps=450"),
            (["home", *"train.steps=4"], "train.steps=4"),
        ):
            line.value = "train.steps=600 "
            line.cursor_position = len(line.value)
            await pilot.press(*keys)
            await until(pilot, lambda stands=stands: line.value == stands)
            assert line.cursor_position == len(stands)
        # What can't be read yet is kept for the person who typed it.
        for before, value in (("optim.lr", "2"), ("train.steps=600 ", "1.5")):
            line.value = before
            await pilot.press("ctrl+f")
            await until(pilot, lambda: isinstance(console.screen, ChooseScreen))
            await pilot.press(*"clip_norm", "enter")
            await until(pilot, lambda: isinstance(console.screen, SetValueScreen))
            console.screen.query_one(Input).value = value
            await pilot.press("enter")
            await until(pilot, lambda: console.screen is fork)
            assert line.value == f"{before.strip()} optim.clip_norm={value}"
        # A path is completed as one types.
        line.value = ""
        await pilot.press(*"optim.we")
        await until(pilot, lambda: line.render_line(0).text.strip() == "optim.weight_decay=".strip())
        await pilot.press("right")
        assert line.value == "optim.weight_decay="


@pytest.mark.parametrize("size", SIZES[:2])
async def test_a_rewound_run_goes_on_from_there(parent, console, opened, until, size):
    async with console.run_test(size=size) as pilot:
        await opened(pilot, parent, "R", RewindScreen)
        # Where it stands is nothing to go back to.
        assert console.screen.step == 275
        await pilot.press(*["down"] * 5)
        await until(pilot, lambda: "From step 300 back to 150" in words_of(console, "#outcome"))
        assert "6 later checkpoints and all that was written after it" in words_of(console, "#outcome")
        await pilot.press("enter")
        await until(pilot, lambda: console.screen.query_one("#accept", Button).has_focus)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(console.screen, LiveScreen))
        await until(pilot, lambda: console.screen.view.summary.status == "stopped")
        assert parent.summary().step == 150
        await until(pilot, lambda: console.screen.query_one(LiveChart).series[0].x[-1] == 150)
        assert (150, "rewound from 300") in [(mark.x, mark.label) for mark in console.screen.query_one(LiveChart).marks]
        assert len(list(parent.folder.glob("rewound-*"))) == 1
        await until(pilot, lambda: "u Undo" in screen_text(console).splitlines()[-1])
        await pilot.press("u")
        await until(pilot, lambda: console.screen.query_one(LiveChart).series[0].x[-1] == 300)
        await until(pilot, lambda: console.screen.view.summary.status == "finished")
        assert console.screen.view.checkpoints[-1] == 300 and "u" not in console.screen.active_bindings


async def test_a_run_that_trains_is_stopped_and_then_rewound(fork_server, console, opened, until, tmp_path):
    long = small(**{**CHANGES, "train__steps": 1_000_000, "train__checkpoint_every": 50})
    run = Workspace(tmp_path / "runs").create("test", long, "long")
    fork_server.submit(run)
    wait_for_step(run, 120)
    async with console.run_test(size=(80, 24)) as pilot:
        await opened(pilot, run, "R", RewindScreen)
        await pilot.press("end")
        await until(pilot, lambda: console.screen.step == 50)
        await until(pilot, lambda: "The run is stopped first" in words_of(console, "#outcome"))
        await pilot.press("enter", "enter")
        await until(pilot, lambda: isinstance(console.screen, LiveScreen))
        await until(pilot, lambda: run.summary().status == "stopped" and run.summary().step == 50)
    assert not run.worker_lives


@pytest.mark.parametrize(("key", "kind"), [("F", ForkScreen), ("R", RewindScreen)])
async def test_the_list_of_checkpoints_follows_the_run(parent, console, opened, until, key, kind):
    async with console.run_test(size=(80, 24)) as pilot:
        await opened(pilot, parent, key, kind)
        dialog = console.screen
        await pilot.press("down", "down")
        await until(pilot, lambda: dialog.step in (225, 250))
        step, older = dialog.step, dialog.step - 25
        if kind is RewindScreen:
            await until(pilot, lambda: f"From step 300 back to {step}" in words_of(console, "#outcome"))
        with parent.store() as store:
            store.set_state(step=400, points_step=400)
        for new in (325, 350):
            shutil.copytree(parent.checkpoints / "step-300", parent.checkpoints / f"step-{new}")
        await until(pilot, lambda: "step 350" in screen_text(console))
        assert dialog.step == step and f"step {step}" in screen_text(console)
        if kind is RewindScreen:
            await until(pilot, lambda: f"From step 400 back to {step}" in words_of(console, "#outcome"))
        shutil.rmtree(parent.checkpoints / f"step-{step}")
        await until(pilot, lambda: dialog.step == older)
        assert f"step {step}" not in [line.split("  ")[0].strip() for line in screen_text(console).splitlines()]


async def test_a_run_without_a_checkpoint_can_be_neither(fork_server, console, until, tmp_path):
    run = Workspace(tmp_path / "runs").create("test", small(), "fresh")
    async with console.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: listed(console))
        console.screen.open_run(run.id)
        await until(pilot, lambda: isinstance(console.screen, LiveScreen) and console.screen.view is not None)
        assert not {"F", "R"} & set(console.screen.active_bindings)


def test_changes_are_read_with_quotes_and_dashes():
    assert parse_changes("a.b=1 --c.d='x y' e.f=") == {"a.b": "1", "c.d": "x y", "e.f": ""}

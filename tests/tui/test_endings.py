"""How the ends of runs are told: one by one, those of a group together."""

import os
from dataclasses import replace

import pytest

from seqsum.files import try_lock
from seqsum.runs import Summary, Workspace
from seqsum.runs.verdict import Verdict
from seqsum.sweeps import definition
from seqsum_tui.app import Console
from seqsum_tui.notifications import ends_to_tell, turns_to_tell
from seqsum_tui.sweep.screen import SweepScreen
from support.screens import listed
from support.sweeps import finished_sweep


def run(id, status="finished", group="seeds", **metrics):
    return Summary(
        id=id, name=id, preset="baseline", status=status, step=50, steps=100, pid=None, created=0.0, updated=0.0,
        reason="out of memory" if status == "failed" else None, train_seconds=1.0, steps_per_second=0.0,
        metrics=metrics, group=group, tags=(),
    )  # fmt: skip


def told(ended, runs):
    return ends_to_tell(ended, {one.id: one for one in runs})


def test_a_run_alone_is_told_with_its_result():
    alone = run("alone", group=None, accuracy=0.5)
    of_one = run("only", group="one", mae=0.25)
    assert told([alone, of_one], [alone, of_one, run("other")]) == [
        ("◉ alone finished", "at step 50 of 100, accuracy 50.00%", False),
        ("◉ only finished", "at step 50 of 100, mean absolute error 0.2500", False),
    ]


def test_of_a_log_that_does_not_say_how_many_steps_it_is_to_make_the_step_alone_is_told():
    alone = replace(run("alone", group=None, accuracy=0.5), steps=0)
    assert told([alone], [alone]) == [("◉ alone finished", "at step 50, accuracy 50.00%", False)]


def test_a_group_is_told_once_when_its_last_run_ended():
    first, second, third = run("a", accuracy=0.2), run("b", accuracy=0.9), run("c", accuracy=0.4)
    assert told([first], [first, second, run("c", "queued")]) == []
    assert told([second, third], [first, second, third]) == [
        ("◉ seeds finished", "3 runs, median accuracy 40.00%", False)
    ]


def test_what_went_wrong_in_a_group_is_told_at_once_and_by_name():
    good, bad = run("good", accuracy=0.4), run("bad", "failed")
    failure = ("✗ bad failed", "at step 50 of 100\nout of memory", True)
    assert told([bad], [bad, run("c", "running")]) == [failure]
    # Half-way between a value and none there is none.
    ended = ("◉ seeds finished", "1 of 2 runs, median accuracy NaN (1 of 2 with a value)", False)
    assert told([bad], [good, bad]) == [failure, ended]
    ended = ("◉ seeds finished", "2 of 3 runs, median accuracy 40.00% (2 of 3 with a value)", False)
    assert told([bad], [good, run("better", accuracy=0.9), bad]) == [failure, ended]
    assert told([bad], [bad, run("worse", "died")]) == [failure]


def test_runs_of_a_group_that_were_stopped_at_once_are_one_notice():
    stopped = [run(f"seed-{seed}", "stopped") for seed in range(20)]
    (title, _, bad), *more = told(stopped, [*stopped, run("last", "running")])
    assert title == "■ 20 runs of seeds stopped" and not bad and more == []


@pytest.mark.parametrize("word", ["collapsed", "diverged"])
def test_a_live_run_that_goes_wrong_is_told_once(word):
    well = run("one", "running", None)
    wrong = replace(well, verdict=Verdict(word, "So it is."))
    (told_once,) = turns_to_tell({"one": well}, {"one": wrong})
    assert told_once[0].endswith(f" one {word}") and told_once[1] == "So it is."
    assert turns_to_tell({"one": replace(well, verdict=Verdict("learned", "So."))}, {"one": wrong}) == [told_once]
    # Nor is it told again, of a run that was not seen before, of one that ended, or of each of a group.
    for before, after in (
        ({"one": wrong}, wrong), ({}, wrong), ({"one": well}, replace(wrong, status="finished")),
        ({"one": well}, replace(wrong, group="seeds")),
        ({"one": well}, replace(wrong, verdict=Verdict("at chance", "So."))),
    ):  # fmt: skip
        assert turns_to_tell(before, {"one": after}) == []


def test_an_end_says_how_it_went():
    ((_, text, _),) = told([ended := replace(run("a", group=None), verdict=Verdict("plateau", "It is flat."))], [ended])
    assert text.endswith("\nPlateau. It is flat.")
    why = "gradient norm became +∞ at step 186 (learning rate 10); its update was not made"
    verdict = Verdict("diverged", "Gradient norm became +∞ at step 186 (learning rate 10); its update was not made.")
    failed = replace(run("a", "failed", group=None), reason=why, verdict=verdict)
    ((_, text, _),) = told([failed], [failed])
    assert text.endswith(f"\nDiverged: {why}") and text.count("186") == 1


@pytest.mark.parametrize(("on_its_screen", "keys"), [(False, "; w, then r goes on"), (True, "any more; r goes on")])
async def test_of_a_sweep_that_died_the_keys_are_told_beside_one_that_can_t_be_read(
    scene, still, until, on_its_screen, keys
):
    for name in ("first", "made"):
        finished_sweep(scene.workspace, {"optim.lr": "0.001,0.01"}, {("0.001",): [0.5, 0.6]}, name=name)
    (definition.folder_of(scene.workspace, "first") / definition.DEFINITION).write_text("garbage")
    lock = try_lock(definition.folder_of(scene.workspace, "made") / definition.LOCK)
    told = []
    console = Console(scene.folder, now=still, remote=False)
    async with console.run_test(size=(120, 40)) as pilot:
        console.notify = lambda message, *, title="", **more: told.append((title, message))
        await until(pilot, lambda: "made" in console.endings.sweeps)
        if on_its_screen:
            console.open_sweep("made")
            await until(pilot, lambda: isinstance(console.screen, SweepScreen))
        os.close(lock)
        await until(pilot, lambda: told)
    ((title, text),) = told
    assert title.endswith(" made died") and text.endswith(keys)


async def test_of_a_sweep_one_end_is_told_not_those_of_its_runs(scene, still, until):
    """Its runs end by the dozen; what one waits for is which setting is best."""
    values = {("0.001",): [0.5, 0.6], ("0.01",): [0.9, 0.8]}
    sweep = finished_sweep(scene.workspace, {"optim.lr": "0.001,0.01"}, values)
    folder = definition.folder_of(scene.workspace, sweep.name)
    lock = try_lock(folder / definition.LOCK)
    runs = scene.workspace.runs()
    with runs[0].store() as store:
        store.set_state(status="running")
    scene.hold(runs[0])
    told = []
    console = Console(scene.folder, now=still, remote=False)
    async with console.run_test(size=(120, 40)) as pilot:
        console.notify = lambda message, *, title="", **more: told.append((title, message))
        await until(pilot, lambda: sweep.name in console.endings.sweeps)
        with runs[0].store() as store:
            store.set_state(status="finished")
        await until(pilot, lambda: all(not run.summary().live for run in runs))
        os.close(lock)
        await until(pilot, lambda: told)
    assert [title for title, _ in told] == ["◉ made finished"]
    assert told[0][1].startswith("best: lr 0.01, median accuracy 85.00% over 2 seeds")


async def test_of_a_sweep_that_is_new_the_end_is_told_and_of_its_runs_none(scene, still, until, tmp_path):
    """It may begin and end between two looks at the sweeps: a console that was open before knows of it all the same."""
    scene.run(name="other", status="running", step=10)
    elsewhere = Workspace(tmp_path / "elsewhere")
    finished_sweep(elsewhere, {"optim.lr": "0.001,0.01"}, {("0.001",): [0.5, 0.6], ("0.01",): [0.7, 0.8]})
    runs = {run.id: run.summary() for run in elsewhere.runs()}
    told = []
    console = Console(scene.folder, now=still, remote=False)
    async with console.run_test(size=(120, 40)) as pilot:
        console.notify = lambda message, *, title="", **more: told.append(title)
        await until(pilot, lambda: console.endings.looked and listed(console))
        for place in (*runs, definition.place(elsewhere).name):
            (elsewhere.folder / place).rename(scene.folder / place)
        console.tell_endings({id: replace(one, status="running") for id, one in runs.items()}, runs)
        await until(pilot, lambda: told)
    assert told == ["◉ made finished"]

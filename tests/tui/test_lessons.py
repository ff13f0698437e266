"""The six lessons are ticked by what was done; help is found by a word."""

from __future__ import annotations

import shutil
from dataclasses import replace

import pytest

from seqsum.runs.entry import read_entry
from seqsum.runs.verdict import RULES, WORDS, Verdict
from seqsum_tui.app import Console
from seqsum_tui.dialogs.lessons import LESSONS, LessonsScreen
from seqsum_tui.runs.screen import RunsScreen
from seqsum_tui.shared.display import VERDICTS
from support.screens import screen_text

TITLES = [lesson.title for lesson in LESSONS]


@pytest.fixture
def console(scene, still):
    return Console(scene.folder, now=still, remote=False)


def ticked(console) -> list[str]:
    lines = [line.strip(" │") for line in screen_text(console).splitlines()]
    return [title for title in TITLES for line in lines if line.startswith("✓") and f" {title} " in line]


RAISED = {"optim.lr": "0.02", "schedule.warmup_steps": "500"}


def judged(entry, word, **changes):
    return replace(entry, summary=replace(entry.summary, verdict=Verdict(word, "so"), **changes))


@pytest.mark.parametrize(("verdicts", "group", "changes", "reached"), [
    ([], None, {}, []),
    (["at chance", "learning"], None, {}, []),
    (["learned"], None, RAISED, ["Learn"]),
    (["collapsed"], None, {}, ["Explode"]),
    (["diverged", "learned"], None, {}, ["Learn", "Explode"]),
    # The preset's own warm-up is nothing that was found.
    (["learned"] * 4, "seeds", {}, ["Learn"]),
    (["learned"] * 4, "seeds", {"schedule.warmup_steps": "500"}, ["Learn"]),
    (["learned"] * 4, "seeds", {"optim.lr": "0.02"}, ["Learn"]),
    (["learned"] * 3 + ["plateau"], "seeds", RAISED, ["Learn"]),
    (["learned"] * 4, "seeds", RAISED, ["Learn", "Warm up"]),
])  # fmt: skip
def test_runs_reach_lessons(scene, verdicts, group, changes, reached):
    entries = []
    for word in verdicts:
        entry = read_entry(scene.run("adds", changes=changes))
        entries.append(judged(entry, word, group=group))
    assert [lesson.title for lesson in LESSONS if lesson.reached(entries, [])] == reached


@pytest.mark.parametrize(("preset", "word", "looked", "reached"), [
    ("baseline", "learned", "inside: Trajectory", ["Look inside"]),
    ("baseline", "learned", "whole: By length", ["Generalise"]),
    ("baseline", "learned", "inside: Probabilities", []),
    ("baseline", "at chance", "inside: Trajectory", []),
    ("baseline", "at chance", "whole: By length", []),
    ("dates", "learned", "inside: Trajectory", []),
])  # fmt: skip
def test_only_a_sum_that_learned_is_looked_into(scene, preset, word, looked, reached):
    entry, other = (judged(read_entry(scene.run(one)), said) for one, said in ((preset, word), ("adds", "learned")))
    seen = [f"{looked}: {entry.summary.id}"]
    found = [lesson.title for lesson in LESSONS if lesson.reached([entry, other], seen)]
    assert [title for title in found if title != "Learn"] == reached


def test_every_verdict_has_a_rule_a_place_and_a_sign():
    assert set(RULES) == set(WORDS) == set(VERDICTS) and len(WORDS) == len(RULES)


@pytest.mark.parametrize(("end", "said", "reached"), [
    (0.1, {}, []), (0.9999, {}, ["Fork"]), (0.9999, {"run": None}, []), (0.9999, {"run": ["x"]}, []),
])  # fmt: skip
async def test_a_fork_that_went_further_is_ticked(scene, console, until, end, said, reached):
    parent = scene.run(name="first", step=5000)
    child = scene.run(name="second", step=5000)
    for run, accuracy in ((child, end), (scene.run(name="third", step=5000), 0.9999)):
        with run.store() as store:
            store.append([("accuracy", 5001, accuracy)])
    child.record.with_facts(parent={"run": parent.id, "step": 100} | said).write(child.folder)
    async with console.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: isinstance(console.screen, RunsScreen))
        await pilot.press("L")
        await until(pilot, lambda: "Learn" in ticked(console))
        assert [title for title in ticked(console) if title == "Fork"] == reached
        before = ticked(console)
        await pilot.press("escape")
        await until(pilot, lambda: not isinstance(console.screen, LessonsScreen))
        # What was reached stays reached, also when its runs go.
        for run in console.workspace.runs():
            shutil.rmtree(run.folder)
        await until(pilot, lambda: "No runs yet" in screen_text(console))
        await pilot.press("L")
        await until(pilot, lambda: ticked(console) == before)
        await pilot.press("escape")


async def test_help_is_searched(scene, console, until):
    scene.run()
    async with console.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: isinstance(console.screen, RunsScreen))
        await pilot.press("question_mark")
        await until(pilot, lambda: "Choose a preset" in screen_text(console))
        # As fast as keys come: all of them are meant for the box.
        await pilot.press("slash", *"collapsed")
        await until(pilot, lambda: "is lost again" in screen_text(console))
        text = screen_text(console)
        assert "Choose a preset" not in text and "What a filter says" not in text
        await pilot.press("x", "x")
        await until(pilot, lambda: "Nothing is called so." in screen_text(console))
        await pilot.press("escape")
        await until(pilot, lambda: "Choose a preset" in screen_text(console))
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(console.screen, RunsScreen))

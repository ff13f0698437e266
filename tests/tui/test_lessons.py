"""The six lessons are ticked by what was done; help is found by a word."""

from __future__ import annotations

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


@pytest.mark.parametrize(("verdicts", "group", "warm", "reached"), [
    ([], None, "0", []),
    (["at chance", "learning"], None, "0", []),
    (["learned"], None, "100", ["Learn"]),
    (["collapsed"], None, "0", ["Explode"]),
    (["diverged", "learned"], None, "0", ["Learn", "Explode"]),
    (["learned"] * 4, "seeds", "0", ["Learn"]),
    (["learned"] * 3 + ["plateau"], "seeds", "100", ["Learn"]),
    (["learned"] * 4, "seeds", "100", ["Learn", "Warm up"]),
])  # fmt: skip
def test_runs_reach_lessons(scene, verdicts, group, warm, reached):
    entries = []
    for word in verdicts:
        entry = read_entry(scene.run(changes={"schedule.warmup_steps": warm}))
        entries.append(replace(entry, summary=replace(entry.summary, group=group, verdict=Verdict(word, "so"))))
    assert [lesson.title for lesson in LESSONS if lesson.reached(entries, [])] == reached


def test_every_verdict_has_a_rule_a_place_and_a_sign():
    assert set(RULES) == set(WORDS) == set(VERDICTS) and len(WORDS) == len(RULES)


async def test_what_was_looked_at_and_forked_is_ticked(scene, console, until):
    parent = scene.run(name="first")
    child = scene.run(name="second")
    child.record.with_facts(parent={"run": parent.id, "step": 100}).write(child.folder)
    async with console.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: isinstance(console.screen, RunsScreen))
        console.looked_at("inside: Trajectory")
        console.looked_at("inside: Probabilities")
        console.looked_at("whole: Calibration")
        await pilot.press("L")
        await until(pilot, lambda: ticked(console) == ["Fork", "Look inside"])
        assert "2 reached" in screen_text(console)
        await pilot.press("escape")
        await until(pilot, lambda: not isinstance(console.screen, LessonsScreen))


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

"""The first train, as a newcomer has it: a real terminal, a real worker, a console and a terminal that die."""

from __future__ import annotations

import os
import re
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from seqsum.presets import DEFAULT_PRESET
from seqsum.runs import Workspace
from support.terminal import Terminal

COMMAND = [sys.executable, "-m", "seqsum_tui"]


def steps_shown(screen: str) -> int:
    """The step that the live view's head line shows, or −1."""
    match = re.search(r"([\d,]+)/3,000 steps", screen)
    return int(match[1].replace(",", "")) if match else -1


def braille(screen: str) -> int:
    """How many dots of curves (and of the grid) the screen shows."""
    return sum((ord(character) - 0x2800).bit_count() for character in screen if 0x2800 <= ord(character) <= 0x28FF)


@pytest.fixture
def environment(tmp_path: Path) -> Iterator[dict[str, str]]:
    # A fresh machine: nothing is compiled yet, so that the run can be seen on its way.
    fresh = {"HOME": str(tmp_path), "SEQSUM_CACHE": str(tmp_path / "cache"), "LANG": "C.UTF-8"}
    yield {**os.environ, "SEQSUM_WORKSPACE": str(tmp_path / "runs"), **fresh}
    # A worker outlives the console that started it, and so it would outlive a test that failed.
    for summary in Workspace(tmp_path / "runs").summaries():
        if summary.live and summary.pid:
            os.kill(summary.pid, signal.SIGKILL)


def test_train_watch_lose_the_terminal_come_back_and_ask(environment: dict[str, str]) -> None:
    console = Terminal(COMMAND, environment)
    console.wait_for("No runs yet")
    console.press("n")
    console.wait_for("look for")
    console.press("ctrl+f")
    console.wait_for("Find a field")
    console.press("train.steps")
    console.wait_for("train.steps")
    console.press("enter")
    console.wait_for("optimizer steps of the whole run")
    console.press("ctrl+a", "ctrl+k")
    console.wait_for("--train.steps ''")
    console.press("3000")
    console.wait_for(lambda screen: re.search(r"--train\.steps 3000\b", screen) is not None)
    console.press("f5")
    first = console.wait_for(lambda screen: steps_shown(screen) > 0)
    console.wait_for(lambda screen: steps_shown(screen) > steps_shown(first) and braille(screen) != braille(first))
    left_at = steps_shown(console.text)
    console.kill()

    again = Terminal(COMMAND, environment)
    again.wait_for(lambda screen: DEFAULT_PRESET in screen and re.search(r"running|finished", screen) is not None)
    again.press("enter")
    again.wait_for(lambda screen: steps_shown(screen) > left_at)
    again.press("a")
    again.wait_for("enter Ask")
    again.press("1 2 3 5 1 2 4", "enter")
    again.wait_for(lambda screen: re.search(r"1 2 3 5 1 2 4\s*→\s*\d", screen) is not None)
    # Each key by itself: a terminal that gets escape and a letter at once reads alt and the letter.
    again.press("escape")
    again.wait_for(lambda screen: "esc Back" in screen and "enter Ask" not in screen)
    again.press("escape")
    again.wait_for("esc Runs")
    again.press("escape")
    again.wait_for(lambda screen: "q Quit" in screen and "finished" in screen)
    again.press("q")
    again.wait_for_end()
    assert os.waitstatus_to_exitcode(again.close()) == 0


def test_a_terminal_that_goes_away_ends_the_console_quietly(environment: dict[str, str]) -> None:
    console = Terminal(COMMAND, environment, columns=80, lines=24)
    console.wait_for("No runs yet")
    # close() returns only when the process has ended: a console that spins on would hang here.
    console.close()

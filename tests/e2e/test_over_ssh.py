"""The console over a slow line, in real terminals: few bytes, keys that answer, and an end when the line is lost."""

from __future__ import annotations

import math
import os
import re
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from seqsum.presets import load_preset
from seqsum.runs import Run, Workspace
from seqsum.runs.lock import take_lock
from seqsum_tui.terminal_io.rate_limit import ANSWER_SECONDS
from support.terminal import Terminal

COMMAND = [sys.executable, "-m", "seqsum_tui"]
LINE = 20_000
"""Bytes a second of the slow line."""
MOST_BYTES = 3_000
"""Of one update of the charts on a screen of 120×40."""
PATIENCE = 4.0
"""Seconds in which a key must have been answered: here beside other tests; alone it takes a tenth of it."""


class Training:
    """A run that seems to train: its lock is held, and values come when the test says so."""

    def __init__(self, folder: Path) -> None:
        self.run: Run = Workspace(folder).create("baseline", load_preset("baseline").config)
        self.run.log.write_text("the worker says hello\n", encoding="utf-8")
        lock = take_lock(self.run.folder)
        assert lock is not None
        self._lock, self.step = lock, 0
        self.advance(8_000)

    def advance(self, steps: int, factor: float = 1) -> None:
        """Write so many steps; `factor` makes the values leave the axes."""
        with self.run.store() as store:
            points: list[tuple[str, int, float]] = []
            for step in range(self.step + 100, self.step + steps + 1, 100):
                learned = 1 / (1 + math.exp(-(step - 9_000) / 1_500))
                points.append(("loss", step, factor * (2.3 - 2 * learned + 0.1 * math.sin(step / 170))))
                points.append(("lr", step, factor * 1e-3 * (1 - step / 40_000)))
                if step % 500 == 0:
                    points.append(("accuracy", step, 0.1 + 0.8 * learned))
            self.step += steps
            store.append(points)
            store.set_state(status="running", step=self.step, steps_per_second=400.0, train_seconds=20.0, pid=1)

    def close(self) -> None:
        os.close(self._lock)


@pytest.fixture
def training(tmp_path: Path) -> Iterator[Training]:
    made = Training(tmp_path / "runs")
    yield made
    made.close()


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    more = {"SEQSUM_WORKSPACE": str(tmp_path / "runs"), "HOME": str(tmp_path), "LANG": "C.UTF-8"}
    ours = {name: value for name, value in os.environ.items() if name not in ("SSH_CONNECTION", "SSH_TTY", "NO_COLOR")}
    return {**ours, **more, "COLORTERM": "truecolor"}


def over_ssh(environment: dict[str, str]) -> dict[str, str]:
    return {**environment, "SSH_CONNECTION": "10.0.0.1 50000 10.0.0.2 22"}


def watch(environment: dict[str, str], training: Training, rate: float | None = None) -> Terminal:
    """Open the console and its live view."""
    console = Terminal(COMMAND, environment, bytes_per_second=rate)
    console.wait_for("running")
    console.press("enter")
    console.wait_for(f"{training.step:,}/20,000")
    return console


def quiet(console: Terminal, seconds: float = 0.4) -> None:
    """Read until nothing has come for a while."""
    before = -1
    while before != console.received:
        before = console.received
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            console.read(0.1)


def test_an_update_of_the_charts_takes_few_bytes_and_shows_the_same(
    environment: dict[str, str], training: Training
) -> None:
    """Also one that scales every axis anew, which comes in parts."""
    console = watch(over_ssh(environment), training)
    answered = time.monotonic() + ANSWER_SECONDS
    quiet(console)
    opened, sizes = console.received, []
    while time.monotonic() < answered:
        before = console.received
        training.advance(400)
        console.wait_for(f"{training.step:,}/20,000")
        quiet(console)
        sizes.append(console.received - before)
    assert max(sizes) < MOST_BYTES, sizes
    assert opened < 2 * LINE, "two screens are there within two seconds of the slow line"
    began, before = time.monotonic(), console.received
    for factor in (2, 3):
        training.advance(400, factor)
        console.wait_for(f"{training.step:,}/20,000")
    quiet(console, 1.2)
    assert console.received - before > MOST_BYTES, "two pictures were nearly all new"
    assert console.most_bytes(0.5, began) < MOST_BYTES
    seen = console.text
    console.press("ctrl+l")
    before = console.received
    quiet(console)
    assert console.received - before > MOST_BYTES, "everything was sent again"
    assert console.text == seen
    console.kill()


def test_a_slow_line_stays_usable_while_charts_update(environment: dict[str, str], training: Training) -> None:
    console = watch(over_ssh(environment), training, LINE)
    ended = threading.Event()

    def train() -> None:
        while not ended.wait(0.25) and training.step < 19_000:
            training.advance(100)

    thread = threading.Thread(target=train)
    thread.start()
    try:
        answers = {"o": "the worker says hello", "g": "longest training sequence", "?": "A run, live: keys"}
        for key, answer in answers.items():
            began = time.monotonic()
            console.press(key)
            console.wait_for(answer)
            assert time.monotonic() - began < PATIENCE, key
        console.press("escape")
        step = training.step
        console.wait_for(lambda screen: f"{step:,}/20,000" not in screen and "A run, live" not in screen)
    finally:
        ended.set()
        thread.join()
        console.kill()


@pytest.mark.parametrize("remote", [False, True], ids=["here", "over SSH"])
def test_the_picture_survives_other_sizes(environment: dict[str, str], training: Training, remote: bool) -> None:
    console = watch(over_ssh(environment) if remote else environment, training)
    quiet(console)
    before = console.text
    for columns, lines in ((60, 20), (200, 60), (20, 5)):
        console.resize(columns, lines)
        # The last line is the keys', wherever it is; nothing else is left of the size before.
        console.wait_for(lambda screen, lines=lines: "esc Runs" in screen.split("\n")[lines - 1])
        quiet(console)
    console.resize(120, 40)
    console.wait_for(lambda screen: screen == before)
    console.kill()


@pytest.mark.parametrize("deaf", [False, True], ids=["hang-up", "hang-up ignored"])
def test_a_lost_line_ends_the_console(environment: dict[str, str], training: Training, deaf: bool) -> None:
    console = Terminal(COMMAND, environment, deaf=deaf)
    console.wait_for("running")
    process = psutil.Process(console.pid)
    began = time.monotonic()
    # close() returns when the process has ended, however it ends: one that spun on would hang here.
    console.close()
    assert not process.is_running() and time.monotonic() - began < 20


def test_two_consoles_watch_and_steer_one_workspace(environment: dict[str, str], training: Training) -> None:
    first, second = watch(environment, training), Terminal(COMMAND, environment)
    second.wait_for("running")
    training.advance(400)
    first.wait_for(f"{training.step:,}/20,000")
    with training.run.store() as store:
        store.set_state(status="paused")
    second.wait_for("paused")
    first.wait_for("paused")
    second.press("q")
    second.wait_for_end()
    training.advance(400)
    first.wait_for(lambda screen: f"{training.step:,}/20,000" in screen and "running" in screen)
    assert os.waitstatus_to_exitcode(second.close()) == 0
    first.kill()


def test_without_colour_what_is_shown_is_grey(environment: dict[str, str], training: Training) -> None:
    console = watch({**environment, "NO_COLOR": "1"}, training)
    colours = console.colours
    console.kill()
    assert colours and all(colour == "default" or len(set(re.findall("..", colour))) == 1 for colour in colours)

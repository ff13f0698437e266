"""A run is asked in a real terminal while it trains, and its answer turns from wrong to right."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from seqsum.control import commands
from seqsum.launch import LocalLauncher
from seqsum.presets import load_preset
from seqsum.runs import Run, Workspace
from seqsum.training.trainer import Trainer
from support.terminal import Terminal

# It trains from the first moment, but with this rate it learns nothing; the test opens the valve when it has seen that.
CHANGES = {
    "task.modulus": "3",
    "task.min_length": "1",
    "task.max_length": "3",
    "optim.lr": "1e-9",
    "schedule.name": "constant",
    "train.steps": "100000000",
    "train.checkpoint_every": "100000000",
    "train.evaluate_every": "20000",
}
RATE = "0.01"


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    config = load_preset("baseline").config.changed(CHANGES, "test")
    made = commands.start(Workspace(tmp_path / "runs"), LocalLauncher(), "baseline", config, "learner")
    yield made
    pid = made.summary().pid
    if made.worker_lives and pid:
        os.kill(pid, signal.SIGKILL)


def wrong_at_first(run: Run) -> str:
    """A question that the first weights answer wrong, and the surest of them."""
    trainer, found = Trainer(run.config()), []
    trainer.model.eval()
    for a in range(3):
        for b in range(3):
            logits = trainer.model(torch.tensor([[a, b]]), torch.tensor([2]))[0].tolist()
            if logits.index(max(logits)) != (a + b) % 3:
                found.append((max(logits) - sorted(logits)[-2], f"{a} {b}"))
    return max(found)[1]


def test_the_answer_turns_from_wrong_to_right(run: Run, tmp_path: Path) -> None:
    question = wrong_at_first(run)
    environment = {**os.environ, "HOME": str(tmp_path), "SEQSUM_WORKSPACE": str(tmp_path / "runs"), "LANG": "C.UTF-8"}
    console = Terminal([sys.executable, "-m", "seqsum_tui"], environment)
    console.wait_for(lambda screen: "learner" in screen and "running" in screen)
    console.press("a")
    console.wait_for("ready")
    console.press(question, "enter")
    screen = console.wait_for(lambda screen: "✗ wrong" in screen or "✓ right" in screen)
    assert "✗ wrong" in screen and "running" in screen
    assert "of a core" in screen, "what asking takes is shown"

    commands.set_value(run, "optim.lr", RATE)
    deadline = time.monotonic() + 120
    while "✓ right" not in console.text:
        assert time.monotonic() < deadline, console.text
        console.press("enter")  # the question still stands in the box
        again = time.monotonic() + 1
        while "✓ right" not in console.text and time.monotonic() < again:
            assert console.read(0.1)
    assert "running" in console.text

    console.press("escape")
    console.wait_for("h Hardest")
    console.press("4")
    learned = console.wait_for("is answered right from step", seconds=120)
    assert "✗" in learned and "✓" in learned
    assert run.summary().status == "running", "asked all the time, it trains on"
    commands.stop(run)
    console.wait_for("stopped")
    console.press("escape")  # from the page to the panels, and then to the list
    console.wait_for("1 Answer ─")
    console.press("escape")
    console.wait_for("n New")
    console.press("q")
    console.wait_for_end()
    assert os.waitstatus_to_exitcode(console.close()) == 0

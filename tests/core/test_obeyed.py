"""Whoever asks for something is heard while an evaluation is made that takes minutes; real workers."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from seqsum.control import commands
from seqsum.launch import WarmLauncher
from seqsum.presets import load_preset
from seqsum.runs import Run, Workspace, checkpoint_files
from support.engine import wait_for_end, wait_until

# One step is soon made, and what an evaluation asks takes a wide network a minute and more.
WIDE: dict[str, Any] = {
    "train.batch_size": 1, "train.steps": 100_000, "train.evaluate_every": 1, "train.checkpoint_every": 100_000,
    "model.hidden_size": 768,
}  # fmt: skip
CASES: dict[str, tuple[str, dict[str, Any]]] = {
    "exact, step by step": ("baseline", {"train.backend": "torch", "model.cell": "lstm"}),
    "exact, compiled, behind the loop": ("baseline", {"train.backend": "fused", "model.cell": "lstm"}),
    "exact, compiled, waited for": (
        "baseline", {"train.backend": "fused", "model.cell": "lstm", "train.early_stop": 5}
    ),
    "the whole space, row by row": ("baseline", {"model.cell": "lstm", "model.bidirectional": True}),
    "long sequences": ("baseline", {"task.max_length": 10_000}),
    "tags": ("tagging_rnn", {"model.hidden_size": 512, "task.max_length": 500}),
    "a text": ("character_lm", {"task.characters": 300_000}),
    "written sequences": ("dates", {"model.hidden_size": 512}),
}  # fmt: skip
SOON = 20.0
"""Seconds. On a busy machine a step, a batch and a checkpoint of these take some; all the batches take minutes."""


def started(fork_server: WarmLauncher, folder: Path, case: str) -> Run:
    """A run whose first evaluation has begun, or will in a moment."""
    preset, changes = CASES[case]
    run = Workspace(folder).create(preset, load_preset(preset).config.changed({**WIDE, **changes}, "test"), "wide")
    fork_server.submit(run)
    wait_until(lambda: run.summary().step >= 1, "the first step")
    return run


def unevaluated(run: Run) -> bool:
    return "eval_loss" not in run.summary().metrics


@pytest.mark.parametrize("case", CASES)
def test_a_stop_and_a_signal_end_an_evaluation(case: str, fork_server: WarmLauncher, tmp_path: Path) -> None:
    run = started(fork_server, tmp_path, case)
    began = time.monotonic()
    assert commands.stop(run)["ok"]
    assert wait_for_end(run).status == "stopped"
    assert time.monotonic() - began < SOON
    assert unevaluated(run)
    step = run.summary().step
    newest = checkpoint_files.newest_whole(run.checkpoints)
    assert newest is not None and newest[0] == step
    # It goes on with what it owes, and hears a signal as well.
    commands.resume(run, fork_server)
    pid = wait_until(lambda: run.summary().status == "running" and run.summary().pid, "the resumed worker")
    began = time.monotonic()
    os.kill(pid, signal.SIGTERM)
    assert wait_for_end(run).status == "stopped"
    assert time.monotonic() - began < SOON


@pytest.mark.parametrize("case", ["exact, step by step", "exact, compiled, behind the loop", "a text"])
def test_a_snapshot_and_a_pause_do_not_wait_for_an_evaluation(
    case: str, fork_server: WarmLauncher, tmp_path: Path
) -> None:
    run = started(fork_server, tmp_path, case)
    began = time.monotonic()
    assert commands.snapshot(run)["ok"]
    assert time.monotonic() - began < SOON
    assert checkpoint_files.steps_saved(run.checkpoints)
    began = time.monotonic()
    assert commands.pause(run)["ok"]
    assert time.monotonic() - began < SOON
    assert run.summary().status == "paused"
    assert commands.resume(run, fork_server)["ok"]
    assert run.summary().status == "running"
    commands.stop(run)
    assert wait_for_end(run).status == "stopped"


@pytest.mark.parametrize("backend", ["torch", "fused"])
def test_the_last_evaluation_can_be_put_off_and_is_made_then(
    backend: str, fork_server: WarmLauncher, tmp_path: Path
) -> None:
    """A run stopped in its last evaluation has made its steps, and has no result until it goes on."""
    config = load_preset("baseline").config.changed(
        {"train.steps": 3, "train.batch_size": 1, "train.backend": backend, "model.hidden_size": 768,
         "model.num_layers": 2},
        "test",
    )  # fmt: skip
    run = Workspace(tmp_path).create("baseline", config, "last")
    fork_server.submit(run)
    wait_until(lambda: run.summary().step == 3, "the last step")
    pid = run.summary().pid
    assert pid is not None
    os.kill(pid, signal.SIGTERM)
    assert wait_for_end(run).status == "stopped"
    assert unevaluated(run)
    commands.resume(run, fork_server)
    summary = wait_for_end(run)
    assert (summary.status, summary.step) == ("finished", 3)
    assert not unevaluated(run)
    with run.store() as store:
        steps, _ = store.points("accuracy")
    assert steps.tolist() == [3]

"""A run killed again and again at random moments ends with the same bits as one that nobody touched."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from seqsum.control import commands
from seqsum.launch import WarmLauncher
from seqsum.runs import Run
from seqsum.training import checkpoint
from support.engine import kill, new_run, outcome_of, small, step_of, train_here, wait_for_end, wait_until

KILLS = 12
STEPS = 1200
CHANGES: dict[str, Any] = {
    "train__steps": STEPS,
    "train__log_every": 7,
    "train__evaluate_every": 60,
    "train__checkpoint_every": 40,
    "model__num_layers": 2,
    "optim__clip_norm": 1.0,
    "schedule__warmup_steps": 100,
    "train__backend": "torch",
}
# Compiled code is met on its way only by a larger model on a longer way.
FUSED = {"train__backend": "fused", "model__hidden_size": 48, "train__batch_size": 32}
FUSED_TIMES = 20


def at_a_step(step: int) -> Callable[[Run], bool]:
    return lambda run: step_of(run) >= step


def while_it_saves(step: int) -> Callable[[Run], bool]:
    """True while a checkpoint lies half-written in its folder, after `step`."""
    return lambda run: any(run.checkpoints.glob(".step-*")) and step_of(run) >= step


def just_saved(step: int) -> Callable[[Run], bool]:
    """True once there is a checkpoint after `step` that was not there at the first look."""
    seen: list[int] = []

    def moment(run: Run) -> bool:
        steps = checkpoint.steps_saved(run.checkpoints)[-1:]
        if not seen and step_of(run) >= step:
            seen.extend(steps or [0])
        return bool(seen) and steps > seen

    return moment


def as_it_begins(_: int) -> Callable[[Run], bool]:
    return lambda run: run.summary().status == "running"


@pytest.mark.parametrize(
    ("cell", "keep", "seed", "times"), [("rnn", "off", 1, 1), ("lstm", "1", 2, 1), ("gru", "2", 3, FUSED_TIMES)]
)
def test_killed_at_random_moments(
    cell: str, keep: str, seed: int, times: int, fork_server: WarmLauncher, disk_path: Path
) -> None:
    steps = {name: CHANGES[name] * times for name in CHANGES if name.startswith("train__") and name != "train__backend"}
    changes = {**CHANGES, **steps, **(FUSED if times > 1 else {})}
    config = small(**changes, model__cell=cell, train__keep_checkpoints=keep)
    expected = train_here(config, disk_path / "here")
    draw = random.Random(seed)
    run = new_run(disk_path / "runs", config)
    pid = fork_server.submit(run)
    for index in range(KILLS):
        # Spread over the run, so that it is met alive each time; a kill throws it back by a checkpoint at most.
        step = times * ((STEPS - 300) * index // KILLS + draw.randrange(80))
        moment = draw.choice([at_a_step, just_saved, while_it_saves, as_it_begins])(step)
        wait_until(lambda moment=moment: moment(run) or not run.worker_lives, "the moment to kill")
        assert run.worker_lives, f"it ended before kill {index}: {run.summary()}"
        kill(run, pid)
        assert run.summary().status == "died"
        for saved in checkpoint.steps_saved(run.checkpoints)[-1:]:
            checkpoint.load(run.checkpoints / f"step-{saved}")
        pid = commands.resume(run, fork_server)["pid"]
    summary = wait_for_end(run)
    assert (summary.status, summary.step) == ("finished", STEPS * times)
    assert Run(run.folder).record.backend == config.train.backend
    assert outcome_of(run) == expected
    with run.store() as store:
        assert len(store.events(kind="started")) + len(store.events(kind="resumed")) >= KILLS // 2
        assert store.events(kind="message") == [], "no checkpoint was found damaged"
    assert not list(run.checkpoints.glob(".*"))


def test_killed_while_its_learning_rate_is_changed(fork_server: WarmLauncher, tmp_path: Path) -> None:
    config = small(**CHANGES)
    draw = random.Random(3)
    run = new_run(tmp_path / "runs", config)
    pid = fork_server.submit(run)
    changes: dict[int, list[tuple[str, str]]] = {}
    for index in range(10):
        step = (STEPS - 300) * index // 10 + draw.randrange(60)
        wait_until(lambda step=step: step_of(run) >= step, "the moment to change")
        value = f"{draw.uniform(1e-4, 1e-2):.6f}"
        at = commands.set_value(run, "optim.lr", value)["step"]
        changes.setdefault(at, []).append(("optim.lr", value))
        if index % 2:
            kill(run, pid)
            pid = commands.resume(run, fork_server)["pid"]
    assert wait_for_end(run).status == "finished"
    assert outcome_of(run) == train_here(config, tmp_path / "here", changes)

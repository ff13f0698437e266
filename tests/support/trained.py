"""Runs with checkpoints, made without a worker, and a query server for them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from seqsum.presets import load_preset
from seqsum.runs import Run
from seqsum.training.trainer import Trainer
from support.engine import new_run, small


def trained(folder: Path, *steps: int, **changes: Any) -> Run:
    config = small(task__modulus=10, train__steps=1000, **changes)
    run, trainer = new_run(folder, config), Trainer(config)
    for step in steps:
        while trainer.step < step:
            trainer.run_chunk([step])
        trainer.save(run.checkpoints)
    return run


def preset_run(folder: Path, preset: str, **changes: Any) -> Run:
    """A run of a preset after a few steps."""
    config = load_preset(preset).config.changed({name.replace("__", "."): value for name, value in changes.items()}, "")
    run, trainer = new_run(folder, config), Trainer(config)
    trainer.run_chunk([1])
    trainer.save(run.checkpoints)
    return run


def trained_run(folder: Path, *steps: int, **changes: Any) -> Run:
    """A run with a checkpoint at each of `steps`, made without a worker."""
    config = small(task__modulus=10, **changes)
    run = new_run(folder, config)
    trainer = Trainer(config)
    for step in steps:
        save_at(trainer, run, step)
    return run


def save_at(trainer: Trainer, run: Run, step: int) -> None:
    while trainer.step < step:
        trainer.run_chunk([step])
    trainer.save(run.checkpoints, changes={}, train_seconds=0.0)


class Server:
    """The query server, asked one line at a time."""

    def __init__(self, run: Run) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-m", "seqsum.query", str(run.folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def read(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        return json.loads(self.process.stdout.readline())

    def ask(self, line: str) -> dict[str, Any]:
        assert self.process.stdin is not None
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        return self.read()

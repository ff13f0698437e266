"""What the engine's tests share: small configurations, plain PyTorch to compare with, and waiting for a condition."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

import numpy as np
import torch
from torch import Tensor, nn

from seqsum.config import Config
from seqsum.models.settings import RecurrentConfig
from seqsum.runs import Run, Store, Summary, Workspace
from seqsum.training import checkpoint
from seqsum.training.trainer import Trainer

# One thread, as the worker has it: two that wait for each other on a busy machine are many times slower.
torch.set_num_threads(1)

Answer = TypeVar("Answer")

# Borders that fall on each other seldom: log_every is prime, evaluation and checkpoints are no multiples of it.
SMALL = {
    "task.modulus": 5,
    "task.min_length": 1,
    "task.max_length": 3,
    "model.embedding_size": 4,
    "model.hidden_size": 8,
    "train.batch_size": 4,
    "train.steps": 120,
    "train.log_every": 7,
    "train.evaluate_every": 30,
    "train.checkpoint_every": 25,
}

_stores: WeakKeyDictionary[Run, Store] = WeakKeyDictionary()

# Depend on the clock; every other metric depends on the configuration alone.
CLOCK_METRICS = {"steps_per_second", "train_seconds", "wall_time", "cpu_percent", "memory_mb"}


def small(**changes: Any) -> Config:
    """A configuration that trains in a blink; `train__steps=50` changes train.steps."""
    return Config().changed({**SMALL, **{name.replace("__", "."): value for name, value in changes.items()}}, "test")


class PlainModel(nn.Module):
    """The model as a PyTorch tutorial writes it: packed sequences, and the last layer's last hidden state."""

    def __init__(self, modulus: int, config: RecurrentConfig) -> None:
        super().__init__()
        self.embedding = nn.Embedding(modulus + 1, config.embedding_size, padding_idx=modulus)
        sizes = (config.embedding_size, config.hidden_size, config.num_layers)
        if config.cell == "lstm":
            self.rnn: nn.RNNBase = nn.LSTM(*sizes, batch_first=True)
        elif config.cell == "gru":
            self.rnn = nn.GRU(*sizes, batch_first=True)
        else:
            self.rnn = nn.RNN(*sizes, nonlinearity=config.nonlinearity, batch_first=True)
        self.head = nn.Linear(config.hidden_size, modulus)

    def forward(self, tokens: Tensor, lengths: Tensor) -> Tensor:
        packed = nn.utils.rnn.pack_padded_sequence(
            self.embedding(tokens), lengths, batch_first=True, enforce_sorted=False
        )
        _, state = self.rnn(packed)
        hidden = state[0] if isinstance(state, tuple) else state
        return self.head(hidden[-1])


def random_batches(
    modulus: int, low: int, high: int, steps: int, batch_size: int, seed: int = 0
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Tokens [steps, batch, high] padded with `modulus`, lengths and targets [steps, batch], by a Python loop."""
    generator = np.random.default_rng(seed)
    tokens = np.full((steps, batch_size, high), modulus)
    lengths = generator.integers(low, high + 1, size=(steps, batch_size))
    targets = np.zeros((steps, batch_size), dtype=np.int64)
    for step in range(steps):
        for row in range(batch_size):
            sequence = generator.integers(0, modulus, size=lengths[step, row])
            tokens[step, row, : len(sequence)] = sequence
            targets[step, row] = sum(sequence.tolist()) % modulus
    return tokens, lengths, targets


def wait_until(condition: Callable[[], Answer], what: str, seconds: float = 200.0) -> Answer:
    """Wait until `condition` gives something true, and return that."""
    deadline = time.monotonic() + seconds
    while True:
        answer = condition()
        if answer:
            return answer
        assert time.monotonic() < deadline, f"waited {seconds:g} s in vain: {what}"
        time.sleep(0.005)


def step_of(run: Run) -> int:
    """How far a run is; -1 while a worker is launched that has not begun, whatever its predecessor had reached."""
    # Kept open: opening it two hundred times a second would take the worker's time.
    if run not in _stores:
        _stores[run] = run.store()
    state = _stores[run].state()
    return -1 if state["status"] in ("queued", "starting") else int(state["step"])


def wait_for_step(run: Run, step: int) -> None:
    """Wait until a live run has made `step` steps."""

    def reached() -> bool:
        # Before the look at the step: a run that ended in between has made its last one.
        alive = run.worker_lives
        reached = step_of(run) >= step
        assert alive or reached, f"the worker ended: {run.summary()}\n" + "\n".join(run.log_tail())
        return reached

    wait_until(reached, f"step {step}")


def wait_for_end(run: Run) -> Summary:
    """Wait until a run's worker is gone."""
    wait_until(lambda: not run.worker_lives, "the worker's end")
    return run.summary()


def kill(run: Run, pid: int) -> None:
    """SIGKILL a run's worker, and wait until the kernel has let its lock go."""
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: not run.worker_lives, "the worker's death")


def points_of(run: Run) -> dict[str, list[tuple[int, float]]]:
    """Every point of a run, but for those that depend on the clock."""
    with run.store() as store:
        return {
            name: [(int(step), float(value)) for step, value in zip(*store.points(name), strict=True)]
            for name in sorted(store.metrics())
            if name not in CLOCK_METRICS
        }


def last_bytes(run: Run) -> tuple[str, bytes, bytes]:
    """The name, the weights and the optimizer's state of the last checkpoint, as they lie on the disk."""
    folder = run.checkpoints / f"step-{checkpoint.steps_saved(run.checkpoints)[-1]}"
    return folder.name, (folder / "model.safetensors").read_bytes(), (folder / "optimizer.safetensors").read_bytes()


def outcome_of(run: Run) -> tuple[dict[str, list[tuple[int, float]]], tuple[str, bytes, bytes]]:
    """All that must be the same, to the bit, however a run was interrupted."""
    return points_of(run), last_bytes(run)


def train_here(
    config: Config, folder: Path, changes: dict[int, list[tuple[str, str]]] | None = None
) -> tuple[dict[str, list[tuple[int, float]]], tuple[str, bytes, bytes]]:
    """`outcome_of` for a trainer in this process, without a worker, with live changes at the given steps."""
    trainer, left = Trainer(config), dict(changes or {})
    points: dict[str, list[tuple[int, float]]] = {}
    while True:
        for field, value in left.pop(trainer.step, []):
            trainer.change(field, value)
        if trainer.done:
            break
        made = trainer.run_chunk(left)
        assert trainer.failure is None
        if trainer.evaluation_due:
            made += trainer.evaluate()[2]
        for name, step, value in made:
            points.setdefault(name, []).append((step, value))
    path = trainer.save(folder)
    files = ((path / name).read_bytes() for name in ("model.safetensors", "optimizer.safetensors"))
    return dict(sorted(points.items())), (path.name, *files)


def new_run(folder: Path, config: Config, name: str | None = None) -> Run:
    return Workspace(folder).create("test", config, name)


def tensors(module: nn.Module) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in module.state_dict().items()}


def same_bits(one: dict[str, Tensor], other: dict[str, Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)

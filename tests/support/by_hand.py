"""Networks whose weights were worked out by hand, so that what they do is known."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from torch import Tensor

from seqsum.config import Config
from seqsum.runs import Run
from seqsum.training.trainer import Trainer
from support.engine import new_run, small

BINARY = {
    "task__modulus": 2,
    "task__max_length": 5,
    "model__nonlinearity": "relu",
    "model__embedding_size": 1,
}
X_ITSELF = torch.tensor([[0.0], [1.0], [0.0]])  # the last row is the padding's
PARITY = {
    # s' = |s - x|, in two units relu(s - x) and relu(x - s), of which s is the sum: s is 1 after an odd number of ones.
    "embedding.weight": X_ITSELF,
    "rnn.weight_ih_l0": torch.tensor([[-1.0], [1.0]]),
    "rnn.weight_hh_l0": torch.tensor([[1.0, 1.0], [-1.0, -1.0]]),
    "head.weight": torch.tensor([[-1.0, -1.0], [1.0, 1.0]]),
    "head.bias": torch.tensor([0.5, -0.5]),
}
ANY_ONE = {
    # s' = min(1, s + x) = relu(s + x) - relu(s + x - 1): s stays 1 after the first one.
    "embedding.weight": X_ITSELF,
    "rnn.weight_ih_l0": torch.tensor([[1.0], [1.0]]),
    "rnn.weight_hh_l0": torch.tensor([[1.0, -1.0], [1.0, -1.0]]),
    "rnn.bias_hh_l0": torch.tensor([0.0, -1.0]),
    "head.weight": torch.tensor([[-1.0, 1.0], [1.0, -1.0]]),
    "head.bias": torch.tensor([0.5, -0.5]),
}
SWITCHED = {**PARITY, "head.weight": -PARITY["head.weight"], "head.bias": -PARITY["head.bias"]}


def run_of(folder: Path, config: Config) -> Run:
    """A run with a checkpoint at its end."""
    run, trainer = new_run(folder, config), Trainer(config)
    while not trainer.done:
        trainer.run_chunk()
    trainer.save(run.checkpoints)
    return run


def with_weights(folder: Path, weights: dict[str, Tensor], **changes: Any) -> Run:
    """A run whose checkpoint has these weights, and zeros in place of all others."""
    units = {"model__hidden_size": len(weights["rnn.weight_ih_l0"])}
    run = run_of(folder, small(train__steps=1, **BINARY, **units, **changes))
    checkpoint = run.checkpoints / "step-1"
    model = checkpoint / "model.safetensors"
    zeros = {name: torch.zeros_like(value) for name, value in safetensors.torch.load_file(model).items()}
    assert all(zeros[name].shape == value.shape for name, value in weights.items())
    safetensors.torch.save_file(zeros | weights, model)
    sums = json.loads((checkpoint / "checksums.json").read_text())
    sums[model.name] = hashlib.sha256(model.read_bytes()).hexdigest()
    (checkpoint / "checksums.json").write_text(json.dumps(sums))
    return run


def drifting(share: float) -> dict[str, Tensor]:
    """Parity, and beside it a walk that each one moves up and each zero down by 1: it leaks into the answer, `share` of
    the way from one answer to the other at each step."""
    # The walk is the difference of two units that only grow: relu(up + x) and relu(down + 1 - x).
    recurrent = torch.zeros(4, 4)
    recurrent[:2, :2] = PARITY["rnn.weight_hh_l0"]
    recurrent[2:, 2:] = torch.eye(2)
    leak = torch.tensor([1.0, 1.0, share, -share])
    return {
        "embedding.weight": X_ITSELF,
        "rnn.weight_ih_l0": torch.tensor([[-1.0], [1.0], [1.0], [-1.0]]),
        "rnn.weight_hh_l0": recurrent,
        "rnn.bias_hh_l0": torch.tensor([0.0, 0.0, 0.0, 1.0]),
        "head.weight": torch.stack([-leak, leak]),
        "head.bias": PARITY["head.bias"],
    }

"""Does the question "reach" foretell to what length a network holds? Beside the length that is measured, for many.

python -m tests.reach [--seeds 3000-3009] [--farthest 2000]

Eight kinds of network of the preset adds are trained for each seed. Those that are right on at least 99% of inputs of
each trained length are asked how far they will hold; then random inputs are read on, and the first length at
which fewer than 99% are right is the measured one. Printed are the rank correlation (Spearman) of both, those beyond
the farthest counted alike, and how often the foretold length is within a factor of two.
"""

from __future__ import annotations

import argparse
import itertools
import tempfile
from pathlib import Path

import numpy as np
import torch

from seqsum.presets import load_preset
from seqsum.query.answering import Answerer
from seqsum.query.loading import load
from seqsum.query.questions.reach import LEVEL, Reach, ReachAnswer
from seqsum.runs import Run, Workspace
from seqsum.training.trainer import Trainer

from .bench.ranks import twice_midranks
from .support.arguments import seeds

KINDS: dict[str, dict[str, object]] = {
    "as it is": {},
    "no decay": {"optim.weight_decay": 0.0},
    "decay 0.1": {"optim.weight_decay": 0.1},
    "128 units, decay 1.0": {"model.hidden_size": 128, "optim.weight_decay": 1.0, "train.steps": 4000},
    "decay 1.0, 6,000 steps": {"optim.weight_decay": 1.0, "train.steps": 6000},
    "tanh": {"model.nonlinearity": "tanh", "train.steps": 4000},
    "GRU of 32": {"model.cell": "gru", "model.hidden_size": 32, "optim.weight_decay": 0.1, "train.steps": 4000},
    "LSTM of 32": {"model.cell": "lstm", "model.hidden_size": 32, "optim.weight_decay": 0.1, "train.steps": 4000},
}
ROWS = 500


def holds(run: Run, farthest: int, seed: int) -> float:
    """Return the first length at which random inputs are answered rightly less often than LEVEL, by plain reading;
    infinity beyond the farthest. Lengths are looked at a twentieth apart."""
    loaded = load(run)
    modulus = loaded.task.vocabulary
    digits = np.random.default_rng(seed).integers(modulus, size=(farthest, ROWS))
    totals, state, looked = np.zeros(ROWS, dtype=np.int64), None, 0
    with torch.inference_mode():
        for length, read in enumerate(digits, 1):
            totals = (totals + read) % modulus
            logits, state = loaded.model.step(torch.from_numpy(read), state)
            if length >= 5 and length >= looked * 1.05:
                looked = length
                if (logits.argmax(dim=-1).numpy() == totals).mean() < LEVEL:
                    return float(length)
    return float("inf")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=seeds, default="3000-3009")
    parser.add_argument("--farthest", type=int, default=2_000)
    options = parser.parse_args()
    torch.set_num_threads(1)
    foretold, measured, left_out = list[float](), list[float](), 0
    with tempfile.TemporaryDirectory() as folder:
        for (kind, changes), seed in itertools.product(KINDS.items(), options.seeds):
            run = _trained(Workspace(Path(folder)), {**changes, "train.seed": seed})
            answer = Answerer(run, seconds=None).answer(Reach(checkpoint=None))[1]
            assert isinstance(answer, ReachAnswer)
            if not answer.learned:
                left_out += 1
                continue
            foretold.append(answer.foretold or float("inf"))
            measured.append(holds(run, options.farthest, seed))
            print(f"{kind:<24} {seed}  foretold {foretold[-1]:>6,.0f}  measured {measured[-1]:>6,.0f}", flush=True)
    told, found = np.array(foretold), np.array(measured)
    # Which of those beyond the farthest is the longest is not known.
    told = np.minimum(told, options.farthest)
    found = np.minimum(found, options.farthest)
    correlation = np.corrcoef(twice_midranks(told.tolist()), twice_midranks(found.tolist()))[0, 1]
    within = ((told / found < 2) & (told / found > 0.5)).mean()
    print(f"{len(told)} networks, {left_out} left out that had not learned")
    print(f"rank correlation {correlation:.3f}; within a factor of two: {within:.0%}")


def _trained(workspace: Workspace, changes: dict[str, object]) -> Run:
    """Train a network here and now, and keep its last checkpoint."""
    config = load_preset("adds").config.changed(changes, "reach")
    run, trainer = workspace.create("adds", config), Trainer(config)
    while not trainer.done:
        trainer.run_chunk()
        if trainer.evaluation_due:
            trainer.evaluate()
    trainer.save(run.checkpoints)
    return run


if __name__ == "__main__":
    main()

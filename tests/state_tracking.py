"""Which networks can track a state? Families × tasks, trained on short inputs and asked about long ones, many seeds.

python -m tests.state_tracking --file FILE [--seeds 0-4] [--steps 3000] [--families A,B] [--tasks A,B] [--processes 2]

One layer each, 64 wide, Adam as it comes; lengths 3 to 40, of which the longest rises evenly over the run ("short ones
first"); every 250 steps twelve lengths from 41 to 500 are asked, 32 inputs each, and a network that has them all right
has solved the task and stops. A line of FILE is one run; an interrupted call goes on where it was, and prints the table
of all that is in FILE at the end.
"""

from __future__ import annotations

import argparse
import itertools
import json
import statistics
import time
from collections.abc import Iterator
from multiprocessing import get_context
from typing import Any

import numpy as np
import torch
from torch import Tensor

from seqsum.config import Config
from seqsum.evaluation.evaluate import answering
from seqsum.models.base import SequenceModel
from seqsum.presets import load_preset
from seqsum.tasks import AnyTask
from seqsum.tasks.base import Ints
from seqsum.training.trainer import Trainer

from .support.arguments import file_to_write, seeds, some_of

FAMILIES: dict[str, dict[str, Any]] = {
    "RNN, tanh": {"model.name": "recurrent", "model.cell": "rnn"},
    "RNN, ReLU": {"model.name": "recurrent", "model.cell": "rnn", "model.nonlinearity": "relu"},
    "GRU": {"model.name": "recurrent", "model.cell": "gru"},
    "LSTM": {"model.name": "recurrent", "model.cell": "lstm"},
    "sLSTM": {"model.name": "slstm"},
    "bilinear": {"model.name": "bilinear"},
    "DeltaNet, −1…1": {"model.name": "delta_net", "model.eigenvalues": "signed"},
    "DeltaNet, 0…1": {"model.name": "delta_net", "model.eigenvalues": "positive"},
    "minGRU": {"model.name": "minimal", "model.cell": "mingru"},
    "minLSTM": {"model.name": "minimal", "model.cell": "minlstm"},
    "LRU": {"model.name": "lru"},
    "state space": {"model.name": "state_space"},
    "Transformer": {"model.name": "transformer"},
}
TASKS: dict[str, dict[str, Any]] = {
    "parity": {"task.name": "parity_check"},
    "even pairs": {"task.name": "even_pairs"},
    "cycle navigation": {"task.name": "cycle_navigation"},
    "modular arithmetic": {"task.name": "modular_arithmetic"},
    "sum modulo 10": {"task.name": "sum_modulo"},
    "S3 products": {"task.name": "permutation_product"},
}
EVERY = 250
LENGTHS = [int(length) for length in np.linspace(41, 500, 12)]
ROWS = 32


def configuration(family: str, task: str, seed: int, steps: int) -> Config:
    """Return what one run trains."""
    return load_preset("permutation_product").config.changed(
        {
            **TASKS[task], **FAMILIES[family],
            "task.min_length": 3, "task.max_length": 40, "task.curriculum_steps": steps,
            "model.hidden_size": 64, "model.num_layers": 1,
            "optim.name": "adam", "optim.lr": 3e-3, "optim.clip_norm": 1.0, "schedule.name": "constant",
            "train.seed": seed, "train.steps": steps, "train.batch_size": 64, "train.log_every": EVERY,
            "train.evaluate_every": EVERY, "train.best_metric": "eval_loss", "train.stopping_threshold": None,
        },
        "state_tracking",
    )  # fmt: skip


def asked(task: AnyTask) -> list[tuple[Tensor, Tensor, Ints]]:
    """Return the inputs, lengths and answers that are asked, of each length."""
    parts = [next(task.held_out(length, length)) for length in LENGTHS]
    return [
        (torch.from_numpy(part.inputs[:ROWS]), torch.from_numpy(part.lengths[:ROWS]), part.targets[:ROWS])
        for part in parts
    ]


def shares_right(model: SequenceModel, questions: list[tuple[Tensor, Tensor, Ints]]) -> Iterator[float]:
    """Yield the share of right answers of each length."""
    for inputs, lengths, targets in questions:
        with answering(model):
            answers = model(inputs, lengths).argmax(dim=1).numpy()
        yield float((answers == targets).mean())


def run(wanted: tuple[str, str, int, int]) -> dict[str, Any]:
    """Train one network: family, task, seed, steps. Return its share of right answers at the end, and the step at which
    it had solved the task."""
    family, task, seed, steps = wanted
    torch.set_num_threads(1)
    began, trainer = time.perf_counter(), Trainer(configuration(family, task, seed, steps))
    solved, questions = None, asked(trainer.task)
    while not trainer.done and solved is None and trainer.failure is None:
        trainer.run_chunk()
        if trainer.step % EVERY == 0 and trainer.failure is None:
            solved = trainer.step if all(share == 1 for share in shares_right(trainer.model, questions)) else None
    share = statistics.mean(shares_right(trainer.model, questions)) if trainer.failure is None else 0.0
    return {
        "family": family, "task": task, "seed": seed, "steps": steps, "share": share, "solved": solved,
        "failure": trainer.failure, "parameters": trainer.parameters, "seconds": time.perf_counter() - began,
    }  # fmt: skip


def table(rows: list[dict[str, Any]], tasks: list[str]) -> Iterator[str]:
    """Yield a line for each family: of each task how many seeds solved it and after how many steps, else the middle and
    the best share."""
    yield f"| network | parameters | {' | '.join(tasks)} |"
    yield "|---" * (len(tasks) + 2) + "|"
    for family in FAMILIES:
        mine = [row for row in rows if row["family"] == family]
        if not mine:
            continue
        cells = [cell([row for row in mine if row["task"] == task]) for task in tasks]
        sizes = sorted(row["parameters"] for row in mine)
        yield f"| {family} | {sizes[0]:,}–{sizes[-1]:,} | {' | '.join(cells)} |"


def cell(rows: list[dict[str, Any]]) -> str:
    if not rows:
        return "–"
    shares, solved = [row["share"] for row in rows], [row["solved"] for row in rows if row["solved"] is not None]
    middle = f"{100 * statistics.median(shares):.0f}%, {100 * max(shares):.0f}%"
    return f"{middle}; {len(solved)} of {len(rows)}" + (f", {statistics.median(solved):,.0f}" if solved else "")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--file", type=file_to_write, required=True)
    parser.add_argument("--seeds", type=seeds, default="0-4")
    parser.add_argument("--steps", type=int, default=3_000)
    named = {name.replace(", ", " "): name for name in FAMILIES}
    parser.add_argument("--families", type=some_of(named), default=",".join(named), help=", ".join(named))
    parser.add_argument("--tasks", type=some_of(TASKS), default=",".join(TASKS), help=", ".join(TASKS))
    parser.add_argument("--processes", type=int, default=2)
    options = parser.parse_args()
    families, tasks = [named[name] for name in options.families], options.tasks
    rows = [json.loads(line) for line in options.file.read_text().splitlines()] if options.file.exists() else []
    known = {(row["family"], row["task"], row["seed"], row["steps"]) for row in rows}
    wanted = [
        (family, task, seed, options.steps)
        for seed, task, family in itertools.product(options.seeds, tasks, families)
        if (family, task, seed, options.steps) not in known
    ]
    # Fresh processes now and then: the C library gives little of what the large tasks took back.
    with get_context("spawn").Pool(options.processes, maxtasksperchild=10) as pool:
        for row in pool.imap_unordered(run, wanted):
            rows.append(row)
            with options.file.open("a") as file:
                file.write(json.dumps(row) + "\n")
            print(json.dumps(row), flush=True)
    for line in table([row for row in rows if row["steps"] == options.steps], tasks):
        print(line)


if __name__ == "__main__":
    main()

"""How large a run will be and how long it will take, before it starts: exact weights, a guess at the time.

The time of a step is modelled as a fixed part, a part for each step of a sequence, and the multiplications. The model
is scaled by what earlier runs took on this machine; where there is none, it stands for a laptop's core. It is a guess
all the same: other work and the first compilation are in no model. Evaluations are: by how much they read, and how
often.
"""

from __future__ import annotations

import math
import socket
import statistics
from collections.abc import Iterable
from dataclasses import dataclass

from seqsum.config import Config, resolved
from seqsum.errors import UserError
from seqsum.models.settings import AutoregressiveConfig
from seqsum.models.size import model_size
from seqsum.runs import Workspace
from seqsum.runs.disk import run_bytes
from seqsum.setting_notes import Note, notes
from seqsum.tasks import AnyTask
from seqsum.training.backends.fused_support import why_not_fused
from seqsum.training.early_stopping import check_best

SOURCE = "form"
PROBE = 64
"""Sequences that are drawn to see how long they are."""
PLACES = 8
"""Steps of a run whose sequences are looked at: with a curriculum, or a length drawn by the step, they differ."""
NEWEST = 60
"""Earlier runs that are looked at."""
NEAREST = 5
SHORTEST_SECONDS = 0.5
"""Of an earlier run: a shorter one tells of starting, not of training."""

# Seconds: of a step, of a layer at one place of a sequence, of a multiplication with a weight, forward and back; and
# of a place that an evaluation reads, beside the multiplications.
FUSED = 1.5e-5, 1e-6, 8e-11, 1e-8
TORCH = 1e-3, 5e-5, 2e-10, 2e-7
WAITING = 3e-3
"""Seconds of a step in which several processes wait for each other."""


@dataclass(frozen=True)
class Cost:
    """What a run's time depends on: `kind` is compared as it is, `seconds` is a step's time by the stated rates."""

    task: str
    kind: tuple[str | int, ...]
    seconds: float


@dataclass(frozen=True)
class Speed:
    """An earlier run of this machine: what a step took, beside what the stated rates say."""

    cost: Cost
    seconds: float


@dataclass(frozen=True)
class Estimate:
    """parameters: exact, None for a plug-in's model; seconds: of the whole training, None where nothing can be said;
    runs: how many earlier runs of this machine the time rests on; bytes: what its folder takes on the disk when it is
    largest, a guess but for the checkpoints; notes: what else a person should know."""

    parameters: int | None
    steps: int
    seconds: float | None
    runs: int
    bytes: float | None = None
    notes: tuple[Note, ...] = ()


def estimate(config: Config, speeds: Iterable[Speed] = ()) -> Estimate:
    """Estimate a run. Reads the task's data; raises UserError when it can't be read or the configuration is wrong."""
    said, (config, task) = config, resolved(config, SOURCE)
    check_best(config, SOURCE, task)
    size = model_size(task, config.model)
    cost = step_cost(config, task)
    steps, told = config.train.steps, tuple(notes(said, task))
    parameters = size.parameters if size else None
    room = None if parameters is None else run_bytes(config, parameters)
    if cost is None:
        return Estimate(parameters, steps, None, 0, room, told)
    alike = sorted((speed for speed in speeds if speed.cost.kind == cost.kind), key=lambda speed: _far(speed, cost))
    nearest = alike[:NEAREST]
    scale = statistics.median(speed.seconds / speed.cost.seconds for speed in nearest) if nearest else 1.0
    return Estimate(parameters, steps, steps * cost.seconds * scale, len(nearest), room, told)


def step_cost(config: Config, task: AnyTask, backend: str | None = None) -> Cost | None:
    """Return what a step costs by the stated rates; None for a plug-in's model.

    `backend` is what a run is known to have used; else it is what the run would choose.
    """
    size = model_size(task, config.model)
    if size is None:
        return None
    if backend is None:
        fits = config.train.backend != "torch" and why_not_fused(config, task) is None
        several = config.train.processes > 1 and not isinstance(config.model, AutoregressiveConfig)
        backend = "data_parallel" if several else "fused" if fits else "torch"
    length = statistics.mean(_length(config, task, config.train.steps * place // PLACES) for place in range(PLACES))
    step, place, product, _ = FUSED if backend == "fused" else TORCH
    both_ways = getattr(config.model, "bidirectional", False)
    layers = getattr(config.model, "num_layers", 1) * (2 if both_ways else 1)
    products = config.train.batch_size * length * size.others
    seconds = step + place * length * layers + product * products
    if backend == "data_parallel":
        seconds = step + WAITING + place * length * layers + product * products / config.train.processes
    # The way forward alone is a third of the multiplications. Compiled code evaluates what it can walk through.
    walked = backend == "fused" and task.enumerable() is not None and not both_ways
    _, _, product, read = FUSED if walked else TORCH
    seconds += task.steps_asked * (read * layers + product / 3 * size.others) / config.train.evaluate_every
    kind = config.model.name, str(getattr(config.model, "cell", "")), backend, config.train.threads
    return Cost(config.task.name, kind, seconds)


def _length(config: Config, task: AnyTask, step: int) -> float:
    batch = task.batches(config.train.seed, step, 1, min(config.train.batch_size, PROBE))
    if task.answer != "sequence":
        return float(batch.inputs.shape[2])
    length = batch.inputs.shape[2] + batch.targets.shape[2]
    # An encoder and a decoder: each half of the weights meets one of the two sequences.
    return length / 2 if config.model.name == "encoder_decoder" else float(length)


def read_speeds(workspace: Workspace) -> list[Speed]:
    """Return what the newest runs that were trained on this machine took; runs that can't be read tell nothing."""
    found: list[Speed] = []
    here = socket.gethostname()
    for run in workspace.runs()[:NEWEST]:
        try:
            record = run.record
            if record.host != here or record.device not in ("cpu", None) or record.backend is None:
                continue
            with run.store() as store:
                summary, together = run.summary_from(store), store.state().get("together", 1)
            seconds = summary.train_seconds or 0.0
            if summary.step < 1 or seconds < SHORTEST_SECONDS or together > 1:
                continue
            config, task = resolved(record.parsed_config(), SOURCE)
            cost = step_cost(config, task, record.backend)
        except (UserError, OSError):
            continue
        if cost is not None:
            found.append(Speed(cost, seconds / summary.step))
    return found


def _far(speed: Speed, cost: Cost) -> float:
    """How unlike an earlier run is: another task counts as a step of ten times the work."""
    return abs(math.log10(speed.cost.seconds / cost.seconds)) + (speed.cost.task != cost.task)

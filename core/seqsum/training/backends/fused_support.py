"""Which runs the fused backend can compute. No torch: the configuration is judged before a worker exists."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from seqsum.config import Config
from seqsum.errors import ConfigError
from seqsum.models.settings import RecurrentConfig
from seqsum.registry import make_task, task_type
from seqsum.runs import Store
from seqsum.tasks import AnyTask
from seqsum.tasks.base import DataTask

OF_TORCH_ONLY = ("muon", "schedule_free")
"""Optimizers that neither compiled code nor a recorded step has."""
LANES = 16
"""Runs whose steps are made together, at most."""
FEWEST = 6
"""Runs that are put together, at least: fewer are over sooner on several cores."""
WIDEST_IN_LANES, MOST_ROWS_IN_LANES, MOST_CLASSES_IN_LANES = 64, 128, 128
"""Of small networks: what 16 of them need stays in the processor's second cache, and a step's gradients are one sum.
Rows: a batch's sequences, times the longest."""

PARTS, ROWS, WORK = 2, 16, 1 << 25
"""A batch is divided in PARTS where each has ROWS at least and a step's recurrent products, forward, WORK
multiplications, some milliseconds."""


def why_not_fused(config: Config, task: AnyTask) -> str | None:
    """Return why the fused backend can't compute a run, as in "must be auto or torch: …"; None if it can."""
    model, train = config.model, config.train
    if not isinstance(model, RecurrentConfig):
        return f'the model "{model.name}" is not the recurrent one'
    if task.answer not in ("class", "tags") or not task.vocabulary:
        return f'the task "{config.task.name}" does not answer tokens with classes'
    if model.bidirectional and task.carries_state:
        return "model.bidirectional is on, and the task carries the state from step to step"
    if model.form != "stacked":
        return f"model.form is {model.form}"
    if model.hidden_noise:
        return "model.hidden_noise is on"
    if config.optim.name in OF_TORCH_ONLY:
        return f"optim.name is {config.optim.name}"
    if config.optim.decays_in_part:
        return f"optim.weight_decay_on is {config.optim.weight_decay_on}"
    if train.dtype != "float32":
        return f"train.dtype is {train.dtype}"
    if train.device not in ("auto", "cpu"):
        return f"train.device is {train.device}"
    if train.threads > 1:
        parts = batch_parts(config, task)
        if train.threads > parts:
            small = "batches this small" if train.batch_size < ROWS * PARTS else "steps this small"
            most = f"on at most {parts}" if parts > 1 else f"{small} on one"
            return f"train.threads is {train.threads}; compiled code computes {most}"
    if train.processes > 1:
        return f"train.processes is {train.processes}; compiled code computes in one"
    return None


def batch_parts(config: Config, task: AnyTask) -> int:
    """Return into how many parts compiled code divides a batch; each part's work can be a thread's.

    It hangs on the configuration and the first batch's length alone, whatever others a step stands in a chunk with: a
    run has the same bits on any number of threads, and however its chunks are cut.
    """
    model, train = config.model, config.train
    assert isinstance(model, RecurrentConfig)
    length = task.batches(train.seed, 0, 1, train.batch_size).inputs.shape[2]
    gates = {"lstm": 4, "gru": 3}.get(model.cell, 1)
    layers = model.num_layers * (2 if model.bidirectional else 1)
    work = train.batch_size * length * layers * gates * model.hidden_size**2
    return PARTS if train.batch_size >= ROWS * PARTS and work >= WORK else 1


def lanes_key(config: Config) -> str | None:
    """Return what runs have in common whose steps can be made together, each in a lane of the processor's vectors; None
    where a run's can't be, or where that is not faster.

    Learning rates, schedules and the optimizer's constants may differ, and how often is evaluated and saved.
    """
    model, train = config.model, config.train
    kind = task_type(config.task.name)
    # A plug-in's task may not bear that several threads ask it.
    own = kind.__module__.startswith("seqsum.") and not issubclass(kind, DataTask)
    if not isinstance(model, RecurrentConfig) or kind.answer != "class" or not own:
        return None
    if (
        model.hidden_size > WIDEST_IN_LANES
        or (model.dropout and model.num_layers > 1)
        or model.bidirectional
        or config.optim.name not in ("adam", "adamw")
        or config.track.swanlab != "off"
    ):
        return None
    task = make_task(config.task, None)
    rows = train.batch_size * task.batches(train.seed, 0, 1, 1).inputs.shape[2]
    few = max(task.vocabulary, task.classes) <= MOST_CLASSES_IN_LANES and rows <= MOST_ROWS_IN_LANES
    if (
        train.backend == "torch"
        or train.threads > 1
        or not few
        or task.carries_state
        or why_not_fused(config, task) is not None
    ):
        return None
    parts = model.model_dump(mode="json"), config.task.model_dump(mode="json"), config.optim.name, train.batch_size
    return json.dumps(parts, sort_keys=True)


def check_backend(config: Config, task: AnyTask, source: str) -> None:
    """Raise ConfigError when train.backend is fused and can't be."""
    reason = why_not_fused(config, task) if config.train.backend == "fused" else None
    if reason:
        raise ConfigError(source, [("train.backend", f"must be auto or torch: {reason}")])


def fused_from(state: Mapping[str, Any], store: Store, step: int) -> int | None:
    """Return the step from which compiled code computes what follows the checkpoint of `step`; None if that is open.

    state: the checkpoint's. Where it took over before, it does so again: a run that goes on or is forked has the same
    bits.
    """
    known: int | None = state.get("fused_from")
    if known is not None:
        return known
    return next((event.step for event in store.events(kind="backend") if event.step >= step), None)

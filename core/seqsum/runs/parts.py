"""Which part of its data a run's metric is of: training, validation or the test; in a word, for those who read it."""

from __future__ import annotations

from seqsum.errors import UserError

TEST = "test_"
"""Begins the names of what was measured on the test part."""
OF_TRAINING = frozenset({"loss", "train_accuracy"})
OF_THE_RUN = frozenset(
    {"lr", "epoch", "grad_norm", "wall_time", "train_seconds", "steps_per_second", "cpu_percent", "memory_mb"}
    | {"gpu_percent", "gpu_memory_mb"}
)
"""Metrics of no data."""


def part_of(metric: str, task: str) -> str:
    """Return which part of the data of a task (its name) a metric is of: training, validation or test; "" where data is
    made without end, for a metric of no data, and for a task that nobody knows."""
    from seqsum.registry import task_type

    try:
        held_out = task_type(task).part
    except UserError:
        return ""
    if held_out is None or metric in OF_THE_RUN:
        return ""
    if metric in OF_TRAINING:
        return "training"
    return "test" if metric.startswith(TEST) else held_out


def part_told(metric: str, task: str) -> str:
    """Return ` of the validation part`, or of another, for behind a metric's name or value; "" as `part_of` has it."""
    part = part_of(metric, task)
    return f" of the {part} part" if part else ""

"""Tasks by name: ours, and those that plug-ins register."""

from __future__ import annotations

from typing import Any

from seqsum.errors import UserError, did_you_mean
from seqsum.schema import name_of
from seqsum.tasks.base import AnyTask, TaskConfig

TASKS: dict[str, type[AnyTask]] = {}


def register_task(task: type[AnyTask]) -> type[AnyTask]:
    """Make a task known under the name its settings give; usable as a decorator. Raises UserError when it is taken."""
    name = name_of(task.config_type)
    if TASKS.get(name, task) is not task:
        raise UserError(f'plug-in: there is a task "{name}" already; give yours another name')
    TASKS[name] = task
    return task


def task_type(name: str) -> type[AnyTask]:
    """Return the task class of that name; raise UserError if there is none."""
    if name not in TASKS:
        raise UserError(f'no task "{name}"{did_you_mean(name, TASKS) or "; the tasks are " + ", ".join(TASKS)}')
    return TASKS[name]


def make_task(config: TaskConfig, facts: dict[str, Any] | None = None) -> AnyTask:
    """Make the task that a section describes; raises UserError when its data can't be read.

    `facts` are a checkpoint's: what the task found in its data when the run began.
    """
    kind = task_type(config.name)
    return kind.restored(config, facts) if facts else kind(config)

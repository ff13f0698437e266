"""What a task's questions look like, and what its classes are called. No torch here."""

from __future__ import annotations

from typing import Any

import numpy as np

from seqsum.errors import UserError
from seqsum.tasks.base import AnyTask, Task

MOST_LABELS = 1000


def goes_on(task: AnyTask) -> bool:
    """Whether an input is a prompt that is gone on from."""
    return type(task).continues is not Task.continues


def what_is_asked(task: AnyTask) -> dict[str, Any]:
    """Say what a question looks like: `input_hint`; `empty`, whether nothing at all is a question too; `samples`,
    whether the task goes on writing, so that a temperature makes a difference; `series`, whether it is a series."""
    try:
        task.parse("")
        empty = True
    except UserError:
        empty = False
    return {
        "input_hint": task.input_hint,
        "empty": empty,
        "samples": goes_on(task) and task.answer != "values",
        "series": task.answer == "values",
    }


def labels_of(task: AnyTask) -> list[str] | None:
    """What each class is called: [classes]; None for values and for more than a thousand classes."""
    if task.answer == "values" or task.classes > MOST_LABELS:
        return None
    if type(task).class_names is not Task.class_names or task.answer != "class":
        return task.class_names()
    # Tasks write a class the same whatever the input.
    nothing = np.zeros(1, dtype=np.int64)
    return [task.render(task.read_answer(nothing, np.array(place))) for place in range(task.classes)]

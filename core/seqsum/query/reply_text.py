"""An answer as a person reads it, beside its JSON-ready values. No torch here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from seqsum.errors import UserError
from seqsum.tasks.base import AnyTask, Inputs, Task

if TYPE_CHECKING:
    from seqsum.query.predictor import Prediction

MOST_LABELS = 1000


def what_is_asked(task: AnyTask) -> dict[str, Any]:
    """Say what a question looks like: `input_hint`; `empty`, whether nothing at all is a question too; `samples`,
    whether the task goes on writing, so that a temperature makes a difference; `series`, whether it is a series."""
    try:
        task.parse("")
        empty = True
    except UserError:
        empty = False
    continues = type(task).continues is not Task.continues
    return {
        "input_hint": task.input_hint,
        "empty": empty,
        "samples": continues and task.answer != "values",
        "series": task.answer == "values",
    }


def in_words(task: AnyTask, inputs: Inputs, found: Prediction) -> dict[str, Any]:
    """Return what a reply says beside the answer itself.

    kind: the task's answer (class, tags, sequence, values), or `continuation` of a prompt by tokens
    text: input, prediction and truth as the task writes them; a truth that nobody knows is None
    labels: for a class, what each of the probabilities belongs to
    """
    kind: str = task.answer
    if kind in ("class", "tags") and task.continues(inputs) is not None:
        kind = "continuation"
    text = {
        "input": task.render(found.input),
        "prediction": task.render(found.prediction),
        "truth": None if found.truth is None else task.render(found.truth),
    }
    words: dict[str, Any] = {"kind": kind, "text": text}
    if kind == "class" and task.classes <= MOST_LABELS:
        words["labels"] = [task.render(task.read_answer(inputs, np.array(place))) for place in range(task.classes)]
    return words

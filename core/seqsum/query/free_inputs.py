"""Tasks in which every sequence of tokens is an input with a right class: any can be drawn, and gone on with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from seqsum.errors import UserError
from seqsum.query.task_facts import labels_of
from seqsum.tasks.base import AnyTask, Ints

if TYPE_CHECKING:
    from seqsum.query.loading import Loaded

MOST_TOKENS = 32
"""Of the vocabulary, and classes."""


def unfree(loaded: Loaded, what: str) -> str | None:
    """Say in a sentence why inputs can't be gone on with; None where they can, as far as that is known from outside.
    what: the question's name"""
    task = loaded.task
    name = f'the task "{loaded.config.task.name}"'
    if task.answer != "class":
        return f"{what}: it is for tasks that answer with one class, and {name} answers otherwise"
    if not task.vocabulary:
        return f"{what}: it needs tokens for an input, and {name} reads numbers"
    many = [
        f"{number:,} {things}"
        for number, things in ((task.classes, "classes"), (task.vocabulary, "different tokens"))
        if number > MOST_TOKENS
    ]
    if many:
        return f"{what}: {name} has {' and '.join(many)} here, and it takes at most {MOST_TOKENS} of each"
    return None if loaded.model.reads_stepwise else f"{what}: this network does not read step by step"


def right_classes(task: AnyTask, inputs: Sequence[Ints], what: str) -> Ints:
    """Return the right class of each input, int64 [inputs]; raise UserError where one has none."""
    place = {name: at for at, name in enumerate(labels_of(task) or [])}
    found = np.empty(len(inputs), dtype=np.int64)
    for at, read in enumerate(inputs):
        try:
            truth = task.truth(read)
        except (LookupError, ValueError, ArithmeticError):
            # The beginning of an input need not be an input: half an expression has no value.
            truth = None
        if truth is None:
            raise UserError(
                f'{what}: not every sequence of tokens has a right answer in the task "{task.config.name}", so that '
                "inputs can't be gone on with"
            )
        found[at] = place[task.render(truth)]
    return found

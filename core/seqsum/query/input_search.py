"""An input as one would type it, drawn from what is held out."""

from __future__ import annotations

import numpy as np

from seqsum.errors import UserError
from seqsum.query.examples import Deadline, first_of, fixed_part
from seqsum.query.loading import Loaded
from seqsum.tasks.base import AnyTask, Inputs

PIECE = 40  # steps taken from a text that goes on
TRIES = 20


def random_input(loaded: Loaded, seed: int, deadline: Deadline, length: int | None = None) -> str:
    """Return an input as one would type it, drawn from what is held out; raises UserError for a length it lacks."""
    task = loaded.task
    generator = np.random.Generator(np.random.Philox(key=[seed, 1]))
    examples = task.held_out() if length is None or task.carries_state else task.held_out(length, length)
    drawn = fixed_part(examples, TRIES, seed, deadline)
    rows = [(part, row) for part in drawn for row in range(len(part.lengths))]
    for place in generator.permutation(len(rows)).tolist():
        inputs = first_of(*rows[place])
        if task.carries_state:
            steps = min(length or PIECE, len(inputs))
            start = int(generator.integers(len(inputs) - steps + 1))
            inputs = inputs[start : start + steps]
        text = typed(task, inputs)
        if text is not None:
            return text
    raise untypable(task)


def untypable(task: AnyTask) -> UserError:
    """The error of a task that reads none of its inputs from what it would write."""
    return UserError(f'input: those of the task "{task.config.name}" can\'t be written as one would type them')


def typed(task: AnyTask, inputs: Inputs) -> str | None:
    """Write an input as one would type it; None when that would be read as another one."""
    text = task.render(task.echo(inputs))
    try:
        again = task.parse(text)
    except UserError:
        return None
    if again.shape != inputs.shape:
        return None
    return text if np.allclose(again, inputs, rtol=1e-3, atol=1e-3) else None

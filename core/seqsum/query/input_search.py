"""Something to ask: a random input, and the hardest of many."""

from __future__ import annotations

import numpy as np

from seqsum.errors import UserError
from seqsum.query.examples import Deadline, examples_of, first_of, fixed_part, truth_of, walked
from seqsum.query.loading import Loaded
from seqsum.query.protocol import InputAnswer
from seqsum.tasks.base import AnyTask, Inputs

PIECE = 40  # steps taken from a text that goes on
TRIES = 20
MOST_SEARCHED = 20_000


def random_input(loaded: Loaded, seed: int, length: int | None = None) -> str:
    """Return an input as one would type it, drawn from what is held out; raises UserError for a length it lacks."""
    task = loaded.task
    generator = np.random.Generator(np.random.Philox(key=[seed, 1]))
    examples = task.held_out() if length is None or task.carries_state else task.held_out(length, length)
    drawn = fixed_part(examples, TRIES, seed, Deadline("random"))
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
    raise UserError(f'random: the inputs of the task "{task.config.name}" can\'t be written as one would type them')


def hardest_input(loaded: Loaded, seed: int, count: int, length: int | None = None) -> InputAnswer:
    """Return the input of highest loss among `count` (at most) that are held out, each asked once."""
    task = loaded.task
    if task.carries_state:
        raise UserError("hardest: a text that goes on has no single inputs to compare; see loss per character")
    examples, _ = examples_of(loaded, length, length)
    deadline = Deadline("hardest")
    part = fixed_part(examples, min(count, MOST_SEARCHED), seed, deadline)
    best: tuple[float, Inputs, Inputs, Inputs] | None = None
    searched = 0
    for answered in walked(loaded, iter(part), deadline):
        searched += len(answered.loss)
        losses = np.where(np.isnan(answered.loss), np.inf, answered.loss)
        for row in np.argsort(-losses, kind="stable")[:TRIES].tolist():
            if best is not None and losses[row] <= best[0]:
                break
            inputs = first_of(answered.examples, row)
            if typed(task, inputs) is not None:
                best = (
                    float(losses[row]), inputs, answered.answers[row], truth_of(answered.examples, row, task.answer)
                )  # fmt: skip
                break
    if best is None:
        raise UserError(
            f'hardest: the inputs of the task "{task.config.name}" can\'t be written as one would type them'
        )
    loss, inputs, answer, target = best
    truth = task.truth(inputs)
    truth = task.read_answer(inputs, target) if truth is None else truth
    return {
        "input": typed(task, inputs) or "",
        "prediction": task.render(task.read_answer(inputs, answer)),
        "truth": task.render(truth),
        "loss": loss,
        "searched": searched,
    }


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

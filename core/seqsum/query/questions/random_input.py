"""Something to ask: a random input, and the hardest of many."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from seqsum.errors import UserError
from seqsum.query.question import LONGEST_WRITTEN, MOST, Answer, Number, Question, field
from seqsum.tasks.base import AnyTask, Inputs

if TYPE_CHECKING:
    from seqsum.query.asked import Asked
    from seqsum.query.loading import Loaded

MOST_SEARCHED = 20_000
PIECE = 40  # steps taken from a text that goes on
TRIES = 20


class InputAnswer(Answer):
    input: str
    """As one would type it."""
    prediction: str | None = None
    truth: str | None = None
    loss: Number = None
    """Hardest: cross-entropy in nats per token asked, or squared error. Null for a random one, as are the two above."""
    searched: int = 0
    """Among how many it is the hardest; 0 for a random one."""


class RandomInput(Question):
    name: ClassVar = "random_input"
    answers: ClassVar = InputAnswer

    length: int | None = field(None, "how long the input is", ge=1, le=LONGEST_WRITTEN)
    seed: int | None = field(None, "which input; default: another each time", ge=0, le=MOST)

    def answer(self, asked: Asked) -> InputAnswer:
        return InputAnswer(input=random_input(asked, self.seed, self.length))


class HardestInput(RandomInput):
    name: ClassVar = "hardest_input"
    slow: ClassVar = True

    count: int = field(2_000, "among how many the hardest is looked for", ge=1, le=MOST_SEARCHED)

    @classmethod
    def unfit(cls, loaded: Loaded) -> str | None:
        if not loaded.task.carries_state:
            return None
        return "hardest: a text that goes on has no single inputs to compare; see loss per character"

    def answer(self, asked: Asked) -> InputAnswer:
        """The input of highest loss among `count` (at most) that are held out, each asked once."""
        from seqsum.query.examples import first_of, fixed_part, texts_of

        examples, _ = asked.examples(self.length, self.length)
        part = fixed_part(examples, self.count, asked.seed(self.seed), asked.deadline)
        highest, searched = -math.inf, 0
        best: InputAnswer | None = None
        for answered in asked.walked(iter(part)):
            searched += len(answered.loss)
            losses = np.where(np.isnan(answered.loss), np.inf, answered.loss)
            for row in np.argsort(-losses, kind="stable")[:TRIES].tolist():
                if best is not None and losses[row] <= highest:
                    break
                text = typed(asked.task, first_of(answered.examples, row))
                if text is not None:
                    highest = float(losses[row])
                    best = InputAnswer(**{**texts_of(asked.task, answered, row), "input": text}, loss=highest)
                    break
        if best is None:
            raise untypable(asked.task)
        return best.model_copy(update={"searched": searched})


def random_input(asked: Asked, seed: int | None, length: int | None) -> str:
    """Return an input as one would type it, drawn from what is held out; raises UserError for a length it lacks.

    Without a length it is one of those trained on: what is held out may be ten times as long.
    """
    from seqsum.query.examples import first_of, fixed_part
    from seqsum.query.questions.accuracy_by_length import trained_lengths

    task, seed = asked.task, asked.seed(seed)
    generator = np.random.Generator(np.random.Philox(key=[seed, 1]))
    lengths = trained_lengths(asked.loaded) if length is None else [length, length]
    examples = task.held_out() if lengths is None or task.carries_state else task.held_out(*lengths)
    drawn = fixed_part(examples, TRIES, seed, asked.deadline)
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
    text = task.as_typed(inputs)
    try:
        again = task.parse(text)
    except UserError:
        return None
    if again.shape != inputs.shape:
        return None
    return text if np.allclose(again, inputs, rtol=1e-3, atol=1e-3) else None

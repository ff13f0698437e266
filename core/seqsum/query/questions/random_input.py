"""Something to ask: a random input, and the hardest of many."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from seqsum.query.question import LONGEST_WRITTEN, MOST, Answer, Number, Question, field

if TYPE_CHECKING:
    from seqsum.query.asked import Asked
    from seqsum.query.loading import Loaded

MOST_SEARCHED = 20_000


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
        from seqsum.query.input_search import random_input

        return InputAnswer(input=random_input(asked.loaded, asked.seed(self.seed), asked.deadline, self.length))


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
        from seqsum.query.input_search import TRIES, typed, untypable

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
                    truth, prediction = texts_of(asked.task, answered, row)
                    best = InputAnswer(input=text, prediction=prediction, truth=truth, loss=highest)
                    break
        if best is None:
            raise untypable(asked.task)
        return best.model_copy(update={"searched": searched})

"""Three cells compared: how much each step's input counts for the loss (document 3)."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from seqsum.query.question import LONGEST_INSPECTED, LONGEST_WRITTEN, MOST, Answer, Number, Question, TypedAnswer, field
from seqsum.query.questions.random_input import random_input

if TYPE_CHECKING:
    from seqsum.query.asked import Asked


CELLS = "rnn", "lstm", "gru"


class GradientCurve(Answer):
    cell: str
    trained: bool
    """False: first weights, as drawn."""
    norms: list[Number]
    """[steps]: ‖∂loss/∂x_t‖, loss the cross-entropy at the end."""


class GradientNormsAnswer(TypedAnswer):
    tokens: list[str]
    curves: list[GradientCurve]
    """The run's own network first, then a fresh rnn, lstm and gru of its sizes."""


class GradientNorms(Question):
    name: ClassVar = "gradient_norms"
    answers: ClassVar = GradientNormsAnswer
    needs_input: ClassVar = True

    input: str | None = field(None, "what to ask; null: a random input")
    length: int | None = field(None, "how long a random input is", ge=1, le=LONGEST_WRITTEN)
    seed: int | None = field(None, "seed of a random input and of the fresh networks", ge=0, le=MOST)

    def answer(self, asked: Asked) -> GradientNormsAnswer:
        from seqsum.query.gradients import fresh_of, gradient_norms

        text = self.input
        if text is None:
            text = random_input(asked, self.seed, self.length)
        read = asked.read(text)
        read.check_length(LONGEST_INSPECTED, "gradients")
        config = asked.loaded.config.model
        own = str(getattr(config, "cell", config.name))
        curves = [GradientCurve(cell=own, trained=True, norms=gradient_norms(read).tolist())]
        for cell in CELLS:
            # The first weights are the same at every request, so that a picture changes with the input alone.
            fresh = fresh_of(asked.task, config, cell, self.seed or 0).to(next(read.model.parameters()).dtype).eval()
            curves.append(GradientCurve(cell=cell, trained=False, norms=gradient_norms(read, fresh).tolist()))
        return GradientNormsAnswer(tokens=asked.task.input_names(read.inputs), curves=curves)

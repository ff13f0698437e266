"""How much of a text was expected."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from seqsum.errors import UserError
from seqsum.query.question import Number, OfInput, TypedAnswer

if TYPE_CHECKING:
    from seqsum.query.asked import Asked
    from seqsum.query.loading import Loaded
    from seqsum.query.model_input import ModelInput

AT_ONCE = 1024  # tokens whose logits are held together


class LossPerCharacterAnswer(TypedAnswer):
    unit: str = "character"
    """What one of them is called: a word or a subword, too."""
    characters: list[str]
    bits: list[Number]
    """−log2 p(character | those before); null for the first, before which nothing was read."""
    mean_bits: Number
    """Over all but the first."""


class LossPerCharacter(OfInput):
    name: ClassVar = "loss_per_character"
    answers: ClassVar = LossPerCharacterAnswer

    @classmethod
    def unfit(cls, loaded: Loaded) -> str | None:
        from seqsum.query.task_facts import goes_on

        task = loaded.task
        if task.answer == "tags" and goes_on(task) and task.classes == task.vocabulary:
            return None
        return f'loss: the task "{task.config.name}" is not to say the next token; character_lm is'

    def answer(self, asked: Asked) -> LossPerCharacterAnswer:
        read = asked.read(self.input)
        if len(read.inputs) < 2:
            raise UserError("loss: one token has nothing before it; type at least two")
        bits = bits_per_token(read)
        return LossPerCharacterAnswer(
            unit=asked.task.unit,
            characters=asked.task.input_names(read.inputs),
            bits=[None, *bits],
            mean_bits=float(np.mean(bits)),
        )


def bits_per_token(read: ModelInput) -> list[float]:
    """Return −log2 p(token | those before it): [tokens − 1], of all but the first."""
    import torch
    import torch.nn.functional as F

    row, bits, state = read.row, list[float](), None
    last = row.shape[1] - 1
    with torch.inference_mode():
        for start in range(0, last, AT_ONCE):
            part = row[:, start : min(start + AT_ONCE, last)]
            logits, state = read.model.read(part, state)
            following = row[0, start + 1 : start + 1 + part.shape[1]]
            losses = F.cross_entropy(logits[0].double(), following, reduction="none")
            bits += (losses / math.log(2)).tolist()
    return bits

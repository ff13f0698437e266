"""Writing on from a prompt, and how much of a text was expected."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F

from seqsum.errors import UserError
from seqsum.models.generation import continued
from seqsum.query.protocol import LONGEST_WRITTEN
from seqsum.query.question import Question

AT_ONCE = 1024  # characters whose logits are held together


@dataclass(frozen=True)
class Sample:
    """prompt, written: as text; between: what stands between the two; tokens: each by itself, with the probability it
    was drawn with"""

    prompt: str
    written: str
    between: str
    tokens: list[str]
    probabilities: list[float]


def sample(question: Question, length: int | None, temperature: float | None, top_k: int | None, seed: int) -> Sample:
    """Go on from a prompt; raises UserError where the task does not write on."""
    task, inputs = question.task, question.inputs
    usual = task.continues(inputs)
    if task.answer != "tags" or usual is None:
        raise UserError(
            f'sample: the task "{task.config.name}" does not write on from a prompt; '
            "character_lm and counting do (seqsum train character_lm)"
        )
    length = usual if length is None else length
    if length > LONGEST_WRITTEN:
        raise UserError(f"sample: length must be at most {LONGEST_WRITTEN:,}, got {length:,}")
    with torch.inference_mode():
        tokens, chances = continued(question.model, question.row, length, temperature, seed, top_k)
    names = task.class_names()
    written = task.read_answer(inputs, tokens)
    return Sample(
        task.render(task.echo(inputs)),
        task.render(written),
        "" if isinstance(written, str) else " ",
        [names[token] for token in tokens.tolist()],
        chances,
    )


def bits_per_token(question: Question) -> list[float | None]:
    """Return −log2 p(token | those before it): [tokens]; None for the first, before which nothing was read.

    Raises UserError where the network is not asked for the next token, or fewer than two were typed.
    """
    task, inputs = question.task, question.inputs
    if task.answer != "tags" or task.continues(inputs) is None or task.classes != task.vocabulary:
        raise UserError(f'loss: the task "{task.config.name}" is not to say the next token; character_lm is')
    if len(inputs) < 2:
        raise UserError("loss: one token has nothing before it; type at least two")
    bits: list[float | None] = [None]
    state = None
    with torch.inference_mode():
        for start in range(0, len(inputs) - 1, AT_ONCE):
            part = question.row[:, start : min(start + AT_ONCE, len(inputs) - 1)]
            logits, state = question.model.read(part, state)
            following = question.row[0, start + 1 : start + 1 + part.shape[1]]
            losses = F.cross_entropy(logits[0].double(), following, reduction="none")
            bits += (losses / math.log(2)).tolist()
    return bits

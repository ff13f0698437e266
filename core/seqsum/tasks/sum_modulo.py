"""Sum modulo N: read a sequence of digits, answer with the remainder of their sum (document 1)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, Literal

import numpy as np
from pydantic import field_validator

from seqsum.schema import setting
from seqsum.tasks.base import (
    Answer,
    Batches,
    Examples,
    Inputs,
    InputSpace,
    Ints,
    Task,
    TaskConfig,
    at_least_min_length,
    check_lengths,
    told_asked,
)
from seqsum.tasks.curriculum import curriculum_setting, longest_by_step
from seqsum.tasks.numbers import Numbers
from seqsum.tasks.registry import register_task
from seqsum.tasks.stream import StepStream, below

LONGEST = 10_000


class SumModuloConfig(TaskConfig):
    """Settings of the sum-modulo task."""

    name: Literal["sum_modulo"] = setting("sum_modulo", "the task: the sum of a sequence of numbers, modulo N")
    modulus: int = setting(
        10, "N: numbers run from 0 to N−1, and so does the answer (sum mod N)", ge=2, le=100, unit="classes"
    )
    min_length: int = setting(
        2, "shortest training sequence; lengths are drawn uniformly", ge=1, le=LONGEST, unit="tokens"
    )
    max_length: int = setting(5, "longest training sequence", ge=1, le=LONGEST, unit="tokens")
    curriculum_steps: int = curriculum_setting()

    _ordered = field_validator("max_length")(at_least_min_length)


@register_task
class SumModulo(Task[SumModuloConfig]):
    """n ~ U{min_length…max_length} numbers, each ~ U{0…modulus−1}; the class is their sum modulo `modulus`."""

    config_type: ClassVar[type[TaskConfig]] = SumModuloConfig
    title: ClassVar[str] = "Sum modulo N"
    codec: Numbers
    answer: ClassVar[Answer] = "class"
    lengths_alike: ClassVar[bool] = True

    def __init__(self, config: SumModuloConfig) -> None:
        super().__init__(config)
        self.vocabulary = config.modulus
        self.classes = config.modulus
        self.input_hint = f"numbers from 0 to {config.modulus - 1}, separated by spaces"
        self.codec = Numbers(0, config.modulus - 1, self.input_hint, LONGEST, parted=",;+", nothing="nothing to add")

    def batches(self, seed: int, first_step: int, steps: int, batch_size: int) -> Batches:
        low, high = self.config.min_length, self.config.max_length
        stream = StepStream(seed, "sum_modulo/train", batch_size * (1 + high))
        words = stream.words(first_step, steps)
        longest = longest_by_step(low, high, self.config.curriculum_steps, first_step, steps)
        lengths = low + below(words[:, :batch_size], longest[:, None] - low + 1)
        tokens = below(words[:, batch_size:], self.vocabulary).reshape(steps, batch_size, high)
        padded = np.arange(high) >= lengths[:, :, None]
        np.copyto(tokens, 0, where=padded)
        targets = np.einsum("sbl->sb", tokens) % self.vocabulary
        np.copyto(tokens, self.padding, where=padded)
        return Batches(tokens, lengths, targets)

    def enumerable(self, low: int | None = None, high: int | None = None) -> InputSpace | None:
        space = self._space(low, high)
        return space if space.exhaustive else None

    def held_out(self, low: int | None = None, high: int | None = None) -> Iterator[Examples]:
        space = self._space(low, high)
        for tokens in space.samples():
            count, length = tokens.shape
            # Of the shortest lengths there are fewer sequences than are asked of the others.
            weights = np.full(count, space.samples_per_length / count)
            yield Examples(tokens, np.full(count, length), self.truths(tokens), weights=weights)

    @property
    def steps_asked(self) -> int:
        space = self._space(None, None)
        return space.size if space.exhaustive else space.samples_per_length * sum(space.lengths)

    @property
    def notes(self) -> list[str]:
        space = self._space(None, None)
        if space.exhaustive:
            return []
        what = f"lengths, evenly spread, {space.samples_per_length:,} sequences of each"
        return told_asked(len(space.lengths), space.high - space.low + 1, what)

    def truths(self, tokens: Ints) -> Ints:
        remainders: Ints = tokens.sum(axis=1) % self.vocabulary
        return remainders

    def truth(self, inputs: Inputs) -> int:
        return int(inputs.sum()) % self.vocabulary

    def shown_questions(self) -> list[Inputs]:
        low, high = self.config.min_length, self.config.max_length
        sums = ((min(max(3, low), high), 1, 1), (low, 7, 1), (high, 9, 7))
        return [(first + stride * np.arange(length)) % self.vocabulary for length, first, stride in sums]

    def as_question(self, inputs: Inputs) -> str:
        wraps = f" mod {self.vocabulary}" if inputs.sum() >= self.vocabulary else ""
        return f"{'+'.join(map(str, inputs.tolist()))}{wraps} ="

    def parse(self, text: str) -> Ints:
        return np.array(self.codec.encode(text), dtype=np.int64)

    def _space(self, low: int | None, high: int | None) -> InputSpace:
        low = self.config.min_length if low is None else low
        high = self.config.max_length if high is None else high
        check_lengths(low, high, LONGEST)
        return InputSpace(self.vocabulary, low, high)

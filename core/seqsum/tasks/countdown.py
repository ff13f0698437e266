"""Countdown: from a single number a whole sequence, down to zero and then the end (document 3, one to many)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, Literal

import numpy as np

from seqsum.errors import UserError
from seqsum.schema import setting
from seqsum.tasks.base import Answer, Batches, Examples, Inputs, Ints, Task, TaskConfig, only_length
from seqsum.tasks.numbers import Numbers
from seqsum.tasks.registry import register_task
from seqsum.tasks.stream import StepStream, below


class CountdownConfig(TaskConfig):
    """Settings of the countdown task."""

    name: Literal["countdown"] = setting("countdown", "the task: read one number, then count down from it to 0")
    largest: int = setting(20, "numbers to count down from run from 1 to this", ge=1, le=500)


class CountdownCodec(Numbers):
    """One number, and then "go on" as often as there can be something to say."""

    def encode(self, text: str) -> list[int]:
        numbers = super().encode(text)
        if len(numbers) > 1:
            raise UserError(f"input: {len(numbers)} numbers are too many; type {self.hint}")
        return numbers + [self.high + 1] * self.high

    def decode(self, inputs: list[int], answer: list[int]) -> list[int]:
        """Return the numbers before the first end."""
        return answer[: answer.index(self.high)] if self.high in answer else answer


@register_task
class Countdown(Task[CountdownConfig]):
    """The number n at the first step, nothing new at the others; the targets are n−1, n−2, …, 0, then the end.

    The network never sees its own answers: the hidden state alone must keep count, and know when to end. There are only
    `largest` inputs, so training meets them all, and all are asked in each evaluation: the question is whether the
    state can count, not whether it can guess a number it has never met.

    Tokens: 0…largest are numbers, largest+1 says "go on". Classes: 0…largest−1 are numbers, `largest` is the end, which
    is asked at every step after 0.
    """

    config_type: ClassVar[type[TaskConfig]] = CountdownConfig
    title: ClassVar[str] = "Countdown"
    codec: CountdownCodec
    answer: ClassVar[Answer] = "tags"
    causal: ClassVar[bool] = True

    def __init__(self, config: CountdownConfig) -> None:
        super().__init__(config)
        self.go_on = config.largest + 1
        self.vocabulary = config.largest + 2
        self.classes = config.largest + 1
        self.end = config.largest
        self.input_hint = f"one number from 1 to {config.largest}"
        self.codec = CountdownCodec(1, config.largest, self.input_hint)

    def batches(self, seed: int, first_step: int, steps: int, batch_size: int) -> Batches:
        words = StepStream(seed, "countdown/train", batch_size).words(first_step, steps)
        examples = self._examples(1 + below(words, self.config.largest).reshape(-1))
        shape = (steps, batch_size, self.config.largest + 1)
        return Batches(
            examples.inputs.reshape(shape), examples.lengths.reshape(shape[:2]), examples.targets.reshape(shape)
        )

    def held_out(self, low: int | None = None, high: int | None = None) -> Iterator[Examples]:
        only_length(low, high, 1, "every input is one number")
        yield self._examples(np.arange(1, self.config.largest + 1, dtype=np.int64))

    @property
    def steps_asked(self) -> int:
        return self.config.largest * (self.config.largest + 1)

    def parse(self, text: str) -> Ints:
        return np.array(self.codec.encode(text), dtype=np.int64)

    def truth(self, inputs: Inputs) -> list[int]:
        return list(range(int(inputs[0]) - 1, -1, -1))

    def read_answer(self, inputs: Inputs, answer: Inputs) -> list[int]:
        return self.codec.decode(inputs.tolist(), answer.tolist())

    def input_names(self, inputs: Inputs) -> list[str]:
        """The number, and a dot for each "go on"."""
        return ["·" if token == self.go_on else str(token) for token in inputs.tolist()]

    def class_names(self) -> list[str]:
        return [*map(str, range(self.end)), "end"]

    def echo(self, inputs: Inputs) -> list[int]:
        return [int(inputs[0])]

    def _inputs(self, starts: Ints) -> Ints:
        inputs = np.full((len(starts), self.config.largest + 1), self.go_on, dtype=np.int64)
        inputs[:, 0] = starts
        return inputs

    def _examples(self, starts: Ints) -> Examples:
        width = self.config.largest + 1
        left = starts[:, None] - 1 - np.arange(width)
        return Examples(self._inputs(starts), np.full(len(starts), width), np.where(left < 0, self.end, left))

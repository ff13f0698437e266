"""Running sum modulo N: read a sequence of digits, and say after each one the remainder of the sum so far."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import ClassVar, Literal

import numpy as np

from seqsum.schema import setting
from seqsum.tasks.base import NOT_ASKED, Answer, Batches, Examples, Inputs, InputSpace, Ints, Task, TaskConfig
from seqsum.tasks.registry import register_task
from seqsum.tasks.sum_modulo import SumModulo, SumModuloConfig


class RunningSumConfig(SumModuloConfig):
    """Settings of the running-sum task."""

    name: Literal["running_sum"] = setting(  # type: ignore[assignment]
        "running_sum", "the task: the sum so far of a sequence of numbers, modulo N, after each of them"
    )


@register_task
class RunningSum(SumModulo):
    """The sequences of `sum_modulo`, with a target at every prefix: the sum up to there, modulo `modulus`."""

    config_type: ClassVar[type[TaskConfig]] = RunningSumConfig
    title: ClassVar[str] = "Running sum modulo N"
    answer: ClassVar[Answer] = "tags"
    causal: ClassVar[bool] = True

    def batches(self, seed: int, first_step: int, steps: int, batch_size: int) -> Batches:
        """The sequences are those of `sum_modulo` with the same seed."""
        made = super().batches(seed, first_step, steps, batch_size)
        return replace(made, targets=self._sums(made.inputs))

    def enumerable(self, low: int | None = None, high: int | None = None) -> InputSpace | None:
        """None: it is for tasks with one answer for a sequence."""
        return None

    def held_out(self, low: int | None = None, high: int | None = None) -> Iterator[Examples]:
        for part in super().held_out(low, high):
            yield replace(part, targets=self._sums(part.inputs))

    @property
    def steps_asked(self) -> int:
        space = self._space(None, None)
        return sum(length * min(self.vocabulary**length, space.samples_per_length) for length in space.lengths)

    def truth(self, inputs: Inputs) -> list[int]:  # type: ignore[override]
        sums: list[int] = self._sums(inputs).tolist()
        return sums

    def as_question(self, inputs: Inputs) -> str:
        return Task.as_question(self, inputs)

    def _sums(self, tokens: Inputs) -> Ints:
        """The sum so far at each place of the last axis, NOT_ASKED where a row is padded."""
        read = tokens != self.padding
        return np.where(read, np.where(read, tokens, 0).cumsum(axis=-1) % self.vocabulary, NOT_ASKED)

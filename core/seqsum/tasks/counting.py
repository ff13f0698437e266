"""Counting: 1 2 2 3 3 3 … 9×9, over and over; say what comes next, which takes counting (document 4)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, Literal

import numpy as np

from seqsum.schema import setting
from seqsum.tasks.base import Answer, Batches, Examples, Inputs, Ints, Task, TaskConfig, only_length, told_asked
from seqsum.tasks.numbers import Numbers
from seqsum.tasks.readers import ParallelReaders, read_once
from seqsum.tasks.registry import register_task

LONGEST_VALIDATION = 100_000
CONTINUED = 100


class CountingConfig(TaskConfig):
    """Settings of the counting task."""

    name: Literal["counting"] = setting("counting", "the task: 1 2 2 3 3 3 …, each number as often as it says")
    largest: int = setting(9, "the number after which the sequence begins again at 1", ge=1, le=100)
    repeats: int = setting(
        100, "how often the whole sequence is repeated: the length of an epoch", ge=1, le=10_000, unit="times"
    )
    bptt: int = setting(
        20, "tokens read between two updates; gradients go back no further, the hidden state is kept", ge=1, le=10_000,
        unit="tokens",
    )  # fmt: skip


class CountingCodec(Numbers):
    """Numbers that are gone on from."""

    def ahead(self, text: str, steps: int | None) -> tuple[int, list[list[float]]]:
        return steps or CONTINUED, []


@register_task
class Counting(Task[CountingConfig]):
    """The number i stands i times, from 1 to `largest`, and the whole is repeated; the target is the next number.

    Tokens are the numbers themselves; 0 never occurs, as in the document. Validation reads the same sequence (there is
    no other) from its start to its end, at most 100,000 numbers of it, from a hidden state of zeros.
    """

    config_type: ClassVar[type[TaskConfig]] = CountingConfig
    title: ClassVar[str] = "Counting sequence"
    codec: CountingCodec
    answer: ClassVar[Answer] = "tags"
    carries_state: ClassVar[bool] = True
    causal: ClassVar[bool] = True

    def __init__(self, config: CountingConfig) -> None:
        super().__init__(config)
        self.vocabulary = self.classes = config.largest + 1
        numbers = np.arange(1, config.largest + 1, dtype=np.int64)
        self.cycle: Ints = np.repeat(numbers, numbers)
        self.readers = ParallelReaders(np.tile(self.cycle, config.repeats))
        self.input_hint = f"numbers from 1 to {config.largest}, separated by spaces; a first number is enough"
        self.codec = CountingCodec(1, config.largest, self.input_hint)

    def steps_per_epoch(self, batch_size: int) -> float:
        return self.readers.steps_per_epoch(batch_size, self.config.bptt)

    def batches(self, seed: int, first_step: int, steps: int, batch_size: int) -> Batches:
        """The sequence is what it is: the seed plays no part."""
        return self.readers.batches(first_step, steps, batch_size, self.config.bptt)

    def held_out(self, low: int | None = None, high: int | None = None) -> Iterator[Examples]:
        """Yield one reading of the sequence, as much of it as is worth asking: whole cycles."""
        only_length(low, high, None, "the sequence is read in one go, from its beginning to its end")
        return read_once(self.readers.tokens[: self._cycles_asked * len(self.cycle)], cyclic=True)

    @property
    def steps_asked(self) -> int:
        return self._cycles_asked * len(self.cycle)

    @property
    def notes(self) -> list[str]:
        return told_asked(self._cycles_asked, self.config.repeats, "repeats of the sequence")

    @property
    def _cycles_asked(self) -> int:
        return max(1, min(self.config.repeats, LONGEST_VALIDATION // len(self.cycle)))

    def parse(self, text: str) -> Ints:
        return np.array(self.codec.encode(text), dtype=np.int64)

    def continues(self, prompt: Inputs) -> int:
        return CONTINUED

    def continuation(self, prompt: Inputs, length: int) -> list[int] | None:
        """Return what follows a prompt; None if the prompt is no part of the sequence.

        Where the prompt leaves open how often its first number came before, that number has just begun.
        """
        cycle = self.cycle
        for start in range(len(cycle)):
            if np.array_equal(cycle[(start + np.arange(len(prompt))) % len(cycle)], prompt):
                after = start + len(prompt) + np.arange(length)
                found: list[int] = cycle[after % len(cycle)].tolist()
                return found
        return None

    def truth(self, inputs: Inputs) -> list[int] | None:
        return self.continuation(inputs, CONTINUED)

"""Noise with random labels: what a network learns by heart, and that nothing follows from it (document 5)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from seqsum.errors import UserError
from seqsum.formatting import count
from seqsum.schema import setting, shown
from seqsum.tasks.base import (
    EVALUATED_TOKENS,
    Answer,
    Batches,
    Examples,
    Inputs,
    Ints,
    Task,
    TaskConfig,
    only_length,
    told_asked,
)
from seqsum.tasks.epochs import EpochBatches, keyed_generator
from seqsum.tasks.registry import register_task

FRESH_SAMPLES = 256
MOST_NUMBERS = 100_000_000


class MemoriseNoiseConfig(TaskConfig):
    """Settings of memorising noise."""

    name: Literal["memorise_noise"] = setting("memorise_noise", "the task: noise with random labels, learned by heart")
    samples: int = setting(32, "how many there are to learn", ge=1, le=100_000, unit="samples")
    length: int = setting(50, "steps of each sample", ge=1, le=10_000, unit="steps")
    features: int = setting(100, "random numbers at each step", ge=1, le=8192, unit="numbers")
    classes: int = setting(2, "labels to draw from", ge=2, le=1000, unit="classes")
    data_seed: int = setting(0, "the same data_seed gives the same noise and labels, whatever train.seed is", ge=0)


@register_task
class MemoriseNoise(Task[MemoriseNoiseConfig]):
    """Standard normal noise [samples, length, features], labels drawn evenly; both fixed by `data_seed`.

    Held out are 256 samples (fewer of very large ones) that are never trained on: no network can do better there than
    chance.
    """

    config_type: ClassVar[type[TaskConfig]] = MemoriseNoiseConfig
    title: ClassVar[str] = "Memorise noise"
    answer: ClassVar[Answer] = "class"

    def __init__(self, config: MemoriseNoiseConfig) -> None:
        super().__init__(config)
        if config.samples * config.length * config.features > MOST_NUMBERS:
            raise UserError(
                f"task: samples × length × features is more than {MOST_NUMBERS:,} numbers; make one of them smaller"
            )
        self.features = config.features
        self.classes = config.classes
        self._fresh = max(1, min(FRESH_SAMPLES, EVALUATED_TOKENS // (config.length * config.features)))
        self.input_hint = (
            f"the number of a sample: 0 to {config.samples - 1} are those to learn, {config.samples} to "
            f"{config.samples + self._fresh - 1} are never trained on"
        )
        self._noise, self._labels = self._draw("samples", config.samples)

    def steps_per_epoch(self, batch_size: int) -> float:
        return self.config.samples / batch_size

    def batches(self, seed: int, first_step: int, steps: int, batch_size: int) -> Batches:
        chosen = EpochBatches(seed, "memorise_noise/train", self.config.samples).indices(first_step, steps, batch_size)
        return Batches(self._noise[chosen], np.full(chosen.shape, self.config.length), self._labels[chosen])

    def held_out(self, low: int | None = None, high: int | None = None) -> Iterator[Examples]:
        length = self.config.length
        only_length(low, high, length, f"task.length gives every sample {count(length, 'step')}")
        noise, labels = self._draw("fresh", self._fresh)
        yield Examples(noise, np.full(self._fresh, length), labels)

    @property
    def notes(self) -> list[str]:
        return told_asked(self._fresh, FRESH_SAMPLES, "samples that are never trained on")

    def parse(self, text: str) -> Inputs:
        word = text.strip()
        if not re.fullmatch(r"[0-9]{1,9}", word) or int(word) >= self.config.samples + self._fresh:
            raise UserError(f"input: {shown(word)} is no sample; type {self.input_hint}")
        number = int(word)
        fresh = number >= self.config.samples
        sample: NDArray[np.float32] = (
            self._draw("fresh", self._fresh)[0][number - self.config.samples] if fresh else self._noise[number]
        )
        return sample

    def truth(self, inputs: Inputs) -> int | None:
        number = self._number(inputs)
        if number is None:
            return None
        if number < self.config.samples:
            return int(self._labels[number])
        return int(self._draw("fresh", self._fresh)[1][number - self.config.samples])

    def echo(self, inputs: Inputs) -> Any:
        """The number of the sample: its thousands of values tell a person nothing."""
        return self._number(inputs)

    def _number(self, inputs: Inputs) -> int | None:
        for first, noise in ((0, self._noise), (self.config.samples, self._draw("fresh", self._fresh)[0])):
            found = np.flatnonzero((noise == inputs).all(axis=(1, 2)))
            if len(found):
                return first + int(found[0])
        return None

    def _draw(self, purpose: str, samples: int) -> tuple[NDArray[np.float32], Ints]:
        config = self.config
        generator = keyed_generator(config.data_seed, "memorise_noise", purpose)
        labels = generator.integers(0, config.classes, size=samples, dtype=np.int64)
        noise = generator.standard_normal((samples, config.length, config.features), dtype=np.float32)
        return noise, labels

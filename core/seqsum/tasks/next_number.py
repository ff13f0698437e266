"""Next number: short windows of evenly rising numbers modulo N; say at each step what comes next (document 2)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np

from seqsum.errors import UserError
from seqsum.formatting import count
from seqsum.schema import setting
from seqsum.tasks.base import (
    EVALUATED_TOKENS,
    NOT_ASKED,
    Answer,
    Batches,
    Examples,
    Inputs,
    Ints,
    Task,
    TaskConfig,
    only_length,
    spread_evenly,
    told_asked,
)
from seqsum.tasks.epochs import EpochBatches, keyed_generator
from seqsum.tasks.numbers import Numbers
from seqsum.tasks.registry import register_task

NOBODY_KNOWS = "?"
MOST_NUMBERS = 100_000_000


class NextNumberConfig(TaskConfig):
    """Settings of the next-number task."""

    name: Literal["next_number"] = setting("next_number", "the task: evenly rising numbers modulo N; what comes next?")
    modulus: int = setting(10, "N: numbers run from 0 to N−1 and begin again at 0", ge=3, le=100)
    stride: Literal["one", "per_sequence"] = setting(
        "one",
        "how far the numbers rise: one, as published, where the last number alone tells the next; or per_sequence, "
        "drawn from 1 to N−1 for each window, where it takes the two last numbers",
    )
    window: int = setting(5, "numbers in a window; all but the last are read", ge=3, le=1000, unit="numbers")
    sequences: int = setting(1000, "windows in the data, training and validation together", ge=2, le=1_000_000)
    held_out_share: float = setting(0.2, "share of the windows kept for validation", gt=0, le=0.9)
    unseen_windows: bool = setting(
        False, "keep whole (start, stride) pairs for validation: then nothing asked there was met in training"
    )
    data_seed: int = setting(
        0, "which windows are drawn and how they are split; train.seed does not change them", ge=0, le=2**32 - 1
    )


@dataclass(frozen=True)
class NextNumberCodec(Numbers):
    """strides: whether the numbers rise by more than 1, so that it takes two to tell by how much"""

    strides: bool = False

    def encode(self, text: str) -> list[int]:
        numbers = super().encode(text)
        if self.strides and len(numbers) < 2:
            raise UserError(f"input: one number does not show how far the numbers rise; type {self.hint}")
        return numbers

    def decode(self, inputs: list[int], answer: list[Any]) -> list[Any]:
        """Nothing is asked after the first number when only the second shows the stride."""
        return [NOBODY_KNOWS, *answer[1:]] if self.strides else answer


@register_task
class NextNumber(Task[NextNumberConfig]):
    """Windows start + stride·t (mod N) with a random start; the target at each step is the number after it.

    There are only N different windows with stride `one` and N·(N−1) with `per_sequence`: split as published, window by
    window, validation holds little that training does not. `unseen_windows` splits by (start, stride) instead. With
    `per_sequence` nothing is asked after the first number, for nobody can know the stride yet.
    """

    config_type: ClassVar[type[TaskConfig]] = NextNumberConfig
    title: ClassVar[str] = "Next number"
    codec: NextNumberCodec
    answer: ClassVar[Answer] = "tags"
    causal: ClassVar[bool] = True

    def __init__(self, config: NextNumberConfig) -> None:
        super().__init__(config)
        self.vocabulary = self.classes = config.modulus
        least = "at least two numbers" if self._strides else "numbers"
        self.input_hint = f"{least} from 0 to {config.modulus - 1}, separated by spaces, e.g. {self._example()}"
        self.codec = NextNumberCodec(0, config.modulus - 1, self.input_hint, strides=self._strides)
        windows, held_out = self._draw()
        self.training: Ints = windows[~held_out]
        self.validation: Ints = windows[held_out]

    @property
    def notes(self) -> list[str]:
        # The first two numbers tell the others.
        trained = set(map(tuple, self.training[:, :2].tolist()))
        met = sum(tuple(window) in trained for window in self.validation[:, :2].tolist())
        told = told_asked(self._most_asked, len(self.validation), "held-out windows, evenly spread")
        if not met:
            return told
        return [
            *told,
            f"windows: {met:,} of {count(len(self.validation), 'held-out window')} stand in the training part, too, as "
            "there are so few different ones (task.unseen_windows keeps them apart)",
        ]

    def steps_per_epoch(self, batch_size: int) -> float:
        return len(self.training) / batch_size

    def batches(self, seed: int, first_step: int, steps: int, batch_size: int) -> Batches:
        epochs = EpochBatches(seed, "next_number/train", len(self.training))
        windows = self.training[epochs.indices(first_step, steps, batch_size)]
        lengths = np.full((steps, batch_size), self.config.window - 1)
        return Batches(windows[..., :-1], lengths, self._targets(windows))

    def held_out(self, low: int | None = None, high: int | None = None) -> Iterator[Examples]:
        length = self.config.window - 1
        only_length(low, high, length, f"every input has task.window - 1 = {length} numbers")
        windows = self.validation[spread_evenly(0, len(self.validation) - 1, self._most_asked)]
        yield Examples(windows[:, :-1], np.full(len(windows), length), self._targets(windows))

    def parse(self, text: str) -> Ints:
        return np.array(self.codec.encode(text), dtype=np.int64)

    def truth(self, inputs: Inputs) -> list[Any] | None:
        """Return the next number after each; None when the numbers do not rise evenly as those of the task do."""
        rises = np.diff(inputs) % self.config.modulus
        stride = int(rises[0]) if self._strides else 1
        if stride == 0 or (rises != stride).any():
            return None
        return self.codec.decode(inputs.tolist(), ((inputs + stride) % self.config.modulus).tolist())

    def read_answer(self, inputs: Inputs, answer: Inputs) -> list[Any]:
        return self.codec.decode(inputs.tolist(), answer.tolist())

    @property
    def steps_asked(self) -> int:
        return min(self._most_asked, len(self.validation)) * (self.config.window - 1)

    @property
    def _most_asked(self) -> int:
        return EVALUATED_TOKENS // self.config.window

    @property
    def _strides(self) -> bool:
        return self.config.stride == "per_sequence"

    def _example(self) -> str:
        stride = 3 if self._strides else 1
        return " ".join(str((1 + stride * place) % self.config.modulus) for place in range(self.config.window - 1))

    def _targets(self, windows: Ints) -> Ints:
        targets = windows[..., 1:].copy()
        if self._strides:
            targets[..., 0] = NOT_ASKED
        return targets

    def _draw(self) -> tuple[Ints, np.ndarray[Any, np.dtype[np.bool_]]]:
        """Return the windows, int64 [sequences, window], and which of them are kept for validation."""
        config = self.config
        if config.sequences * config.window > MOST_NUMBERS:
            raise UserError(f"task: sequences × window is more than {MOST_NUMBERS:,} numbers; make one of them smaller")
        generator = keyed_generator(config.data_seed, "next_number/data")
        starts = generator.integers(0, config.modulus, config.sequences)
        strides = np.ones(config.sequences, dtype=np.int64)
        if self._strides:
            strides = generator.integers(1, config.modulus, config.sequences)
        windows = (starts[:, None] + strides[:, None] * np.arange(config.window)) % config.modulus
        # What the split keeps together.
        kinds = starts * config.modulus + strides if config.unseen_windows else np.arange(config.sequences)
        order = generator.permutation(np.unique(kinds))
        if len(order) < 2:
            raise UserError(
                "task.sequences: too few to keep some different ones for validation; "
                f"make it larger than {config.sequences}"
            )
        kept = max(1, min(round(config.held_out_share * len(order)), len(order) - 1))
        held_out = np.isin(kinds, order[:kept])
        return windows, held_out

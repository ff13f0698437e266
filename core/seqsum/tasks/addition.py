"""Addition: read two decimal numbers, write their sum digit by digit (document 3, sequences of unequal lengths)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from seqsum.schema import setting
from seqsum.tasks.alphabet import Alphabet, AlphabetCodec, TranslationTask, by_length, padded
from seqsum.tasks.base import NOT_ASKED, Batches, Examples, Inputs, Ints, TaskConfig
from seqsum.tasks.registry import register_task
from seqsum.tasks.stream import StepStream, below

QUESTION = Alphabet("0123456789.+")
ANSWER = Alphabet("0123456789.")
END = len(ANSWER)
HELD_OUT_SHARE = 16  # one pair in so many is never trained on
HELD_OUT = 2_000
DRAWN = 65_536  # pairs among which those held out are looked for
WORDS = 8  # random words that a pair takes


class AdditionConfig(TaskConfig):
    """Settings of the addition task."""

    name: Literal["addition"] = setting("addition", "the task: add two decimal numbers")
    digits: int = setting(4, "most digits of a number before its point", ge=1, le=6, unit="digits")
    decimals: int = setting(0, "most digits after its point; 0 for whole numbers", ge=0, le=3, unit="digits")
    write: Literal["forward", "backward"] = setting(
        "backward", "backward: the sum is written from its last digit, as one adds on paper; forward: as one reads it"
    )


@dataclass(frozen=True)
class Numbers:
    """Many decimal numbers: whole part, digits after the point, and those digits as a number; each int64 [rows]."""

    whole: Ints
    decimals: Ints
    fraction: Ints

    @property
    def digits(self) -> Ints:
        """How many digits each whole part has."""
        return np.array([len(str(whole)) for whole in self.whole.tolist()], dtype=np.int64)

    def scaled(self, decimals: int) -> Ints:
        """Each number times 10^decimals, a whole number."""
        scaled: Ints = self.whole * 10**decimals + self.fraction * 10 ** (decimals - self.decimals)
        return scaled

    def rows(self, places: NDArray[np.intp]) -> Numbers:
        return Numbers(self.whole[places], self.decimals[places], self.fraction[places])

    def texts(self) -> list[str]:
        columns = (self.whole.tolist(), self.decimals.tolist(), self.fraction.tolist())
        return [
            written(whole * 10**decimals + fraction, decimals)
            for whole, decimals, fraction in zip(*columns, strict=True)
        ]


def written(scaled: int, decimals: int) -> str:
    """Write scaled / 10^decimals with that many decimals: written(1205, 2) is 12.05."""
    if not decimals:
        return str(scaled)
    whole, fraction = divmod(scaled, 10**decimals)
    return f"{whole}.{fraction:0{decimals}d}"


class BackwardCodec(AlphabetCodec):
    """The answer is written from its last digit."""

    def decode(self, inputs: list[int], answer: list[int]) -> str:
        return super().decode(inputs, answer)[::-1]


@register_task
class Addition(TranslationTask[AdditionConfig]):
    """Two numbers, "12.5+7.25" → their sum with as many decimals as the longer of the two, "19.75".

    How many digits a number has before and after its point is drawn first, evenly, and then the digits. One pair of
    numbers in 16, chosen by a hash of the two whatever their order, is held out.
    """

    config_type: ClassVar[type[TaskConfig]] = AdditionConfig
    title: ClassVar[str] = "Add decimal numbers"
    read: ClassVar[Alphabet] = QUESTION
    written: ClassVar[Alphabet] = ANSWER

    def __init__(self, config: AdditionConfig) -> None:
        super().__init__(config)
        number = config.digits + (config.decimals + 1 if config.decimals else 0)
        self._input_width = 2 * number + 1
        self._target_width = number + 2  # the sum has one digit more, and an end
        # Twice as much as is trained on, so that longer numbers can be tried too.
        self.longest_answer = 2 * self._target_width
        kind = f"numbers with up to {config.digits} digits"
        self.input_hint = (
            f"two {kind} before the point and {config.decimals} after it, such as 12.5+7"
            if config.decimals
            else f"two whole {kind}, such as {'1234'[: config.digits]}+7"
        )
        codec = AlphabetCodec if config.write == "forward" else BackwardCodec
        self.codec = codec(QUESTION.characters, ANSWER.characters, self.input_hint, spaces=False)

    def batches(self, seed: int, first_step: int, steps: int, batch_size: int) -> Batches:
        words = StepStream(seed, "addition/train", WORDS * batch_size).words(first_step, steps)
        first, second = self._drawn(words.reshape(steps * batch_size, WORDS))
        first = self._moved_to_training(first, second)
        rows, targets = self._questions(first, second)
        lengths = np.array([len(row) for row in rows])
        inputs = padded(rows, self._input_width, self.padding)
        return Batches(
            inputs.reshape(steps, batch_size, -1),
            lengths.reshape(steps, batch_size),
            targets.reshape(steps, batch_size, -1),
        )

    def held_out(self, low: int | None = None, high: int | None = None) -> Iterator[Examples]:
        """Yield at most 2,000 held-out questions; all those with so many digits count alike together, as in training,
        however few they are."""
        rows, targets, weights = self._held_out_questions
        return by_length(rows, targets, low, high, weights)

    def truth(self, inputs: Inputs) -> str | None:
        """The sum, with as many decimals as the longer number has; None when the text is not number+number."""
        question = re.fullmatch(r"([0-9]+)(?:\.([0-9]+))?\+([0-9]+)(?:\.([0-9]+))?", QUESTION.text(inputs.tolist()))
        if question is None:
            return None
        first_whole, first_fraction, second_whole, second_fraction = (part or "" for part in question.groups())
        decimals = max(len(first_fraction), len(second_fraction))
        first = int(first_whole + first_fraction.ljust(decimals, "0"))
        second = int(second_whole + second_fraction.ljust(decimals, "0"))
        return written(first + second, decimals)

    def _drawn(self, words: NDArray[np.uint32]) -> tuple[Numbers, Numbers]:
        """Make pairs from words uint32 [rows, 8]."""

        def numbers(words: NDArray[np.uint32]) -> Numbers:
            digits = 1 + below(words[:, 0], self.config.digits)
            lowest = np.where(digits == 1, 0, 10 ** (digits - 1))
            decimals = below(words[:, 2], self.config.decimals + 1)
            return Numbers(
                lowest + below(words[:, 1], 10**digits - lowest),
                decimals,
                below(words[:, 3], 10**decimals),
            )

        return numbers(words[:, :4]), numbers(words[:, 4:])

    def _is_held_out(self, first: Numbers, second: Numbers) -> NDArray[np.bool_]:
        one, other = first.scaled(self.config.decimals), second.scaled(self.config.decimals)
        pair = np.minimum(one, other).astype(np.uint64) << np.uint64(32) | np.maximum(one, other).astype(np.uint64)
        held: NDArray[np.bool_] = _mixed(pair) % np.uint64(HELD_OUT_SHARE) == 0
        return held

    def _moved_to_training(self, first: Numbers, second: Numbers) -> Numbers:
        """Return first numbers of which none makes a held-out pair: those that do count on within their digits."""
        digits = first.digits
        lowest = np.where(digits == 1, 0, 10 ** (digits - 1))
        whole = first.whole
        while (held := self._is_held_out(first, second)).any():
            whole = np.where(held, lowest + (whole - lowest + 1) % (10**digits - lowest), whole)
            first = Numbers(whole, first.decimals, first.fraction)
        return first

    def _questions(self, first: Numbers, second: Numbers) -> tuple[list[list[int]], Ints]:
        """Return the questions' tokens and the answers int64 [rows, target width], NOT_ASKED after the end token."""
        most = self.config.decimals
        longer = np.maximum(first.decimals, second.decimals)
        sums = (first.scaled(most) + second.scaled(most)) // 10 ** (most - longer)
        texts = [written(total, decimals) for total, decimals in zip(sums.tolist(), longer.tolist(), strict=True)]
        answers = [[*ANSWER.tokens(text[::-1] if self.config.write == "backward" else text), END] for text in texts]
        pairs = zip(first.texts(), second.texts(), strict=True)
        rows = [QUESTION.tokens(f"{one}+{other}") for one, other in pairs]
        return rows, padded(answers, self._target_width, NOT_ASKED)

    @cached_property
    def _held_out_questions(self) -> tuple[list[list[int]], Ints, NDArray[np.float64]]:
        """Questions, answers, and how much each counts, float64 [rows]."""
        words = StepStream(0, "addition/held_out", WORDS * DRAWN).words(0, 1).reshape(DRAWN, WORDS)
        first, second = self._drawn(words)
        places = np.flatnonzero(self._is_held_out(first, second))
        first, second = first.rows(places), second.rows(places)
        question = (first.scaled(self.config.decimals), first.decimals, second.scaled(self.config.decimals))
        _, once = np.unique(np.stack([*question, second.decimals], axis=1), axis=0, return_index=True)
        places = np.sort(once)[:HELD_OUT]
        first, second = first.rows(places), second.rows(places)
        kinds = np.stack([first.digits, first.decimals, second.digits, second.decimals], axis=1)
        _, kind, counts = np.unique(kinds, axis=0, return_inverse=True, return_counts=True)
        return *self._questions(first, second), 1 / counts[kind.reshape(-1)]


def _mixed(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Scatter 64-bit numbers (splitmix64's finaliser, Steele, Lea & Flood 2014)."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))

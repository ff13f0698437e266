"""Tasks of "Neural Networks and the Chomsky Hierarchy" (Delétang et al. 2022, arXiv 2207.02098), with its protocol.

Train on lengths 1–40, one length a batch; ask about lengths 41–500. Regular tasks answer with one class. The others
answer with a string: as many blanks follow the input as the answer is long, and the answer is read at the blanks.
"""

from __future__ import annotations

import re
from abc import abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationInfo, create_model, field_validator

from seqsum.errors import UserError
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
    at_least_min_length,
    check_lengths,
    spread_evenly,
)
from seqsum.tasks.codec import Codec
from seqsum.tasks.curriculum import curriculum_setting, longest_by_step
from seqsum.tasks.numbers import read_words
from seqsum.tasks.registry import register_task
from seqsum.tasks.stream import StepStream, below

LONGEST = 2000
ROWS_ASKED = 32
LENGTHS_ASKED = 12

Words = NDArray[np.uint32]


class ChomskyConfig(TaskConfig):
    """What the tasks of the Chomsky hierarchy have in common."""

    min_length: int = setting(
        1, "shortest training input; one length is drawn for each batch", ge=1, le=LONGEST, unit="tokens"
    )
    max_length: int = setting(40, "longest training input", ge=1, le=LONGEST, unit="tokens")
    longest_asked: int = setting(
        500, "longest held-out input: lengths from max_length + 1 to this are asked", ge=2, le=LONGEST, unit="tokens"
    )
    curriculum_steps: int = curriculum_setting()

    _ordered = field_validator("max_length")(at_least_min_length)

    @field_validator("longest_asked")
    @classmethod
    def _longer(cls, value: int, info: ValidationInfo) -> int:
        high = info.data.get("max_length")
        if high is not None and value <= high:
            raise ValueError(f"must be above task.max_length ({high}), got {value}")
        return value


@dataclass(frozen=True)
class Symbols(Codec):
    """Symbols of an alphabet, with or without something between them; the answer is one class."""

    alphabet: tuple[str, ...]
    answers: tuple[str, ...]
    hint: str

    def encode(self, text: str) -> list[int]:
        words = [(found.start(), found[0]) for found in re.finditer(r"[^\s,]+", text)]
        single = all(len(symbol) == 1 for symbol in self.alphabet)
        if len(words) == 1 and words[0][1] not in self.alphabet and single:
            words = [(words[0][0] + place, symbol) for place, symbol in enumerate(words[0][1])]
        places = {symbol: place for place, symbol in enumerate(self.alphabet)}
        tokens = read_words(words, places.get, self.hint, "symbol", LONGEST, nothing="nothing there")
        self.check(tokens)
        return tokens

    def check(self, tokens: list[int]) -> None:
        """Raise UserError when the symbols don't make an input."""

    def decode(self, inputs: list[int], answer: Any) -> Any:
        return self.answers[answer]


class Expression(Symbols):
    """Digits and operators in turns."""

    def check(self, tokens: list[int]) -> None:
        if len(tokens) % 2 == 0 or any(token > 4 for token in tokens[::2]) or any(token < 5 for token in tokens[1::2]):
            raise UserError(
                "input: digits 0 to 4 and operators + - * must take turns, a digit first and last, e.g. 1+2*3"
            )


class StringSymbols(Symbols):
    """Symbols, behind which stand as many blanks as the answer is long: it is read there."""

    def blanks(self, tokens: list[int]) -> tuple[int, int]:
        """How many blanks stand behind these tokens, and how many of them are asked about."""
        return len(tokens), len(tokens)

    def encode(self, text: str) -> list[int]:
        tokens = super().encode(text)
        return tokens + [len(self.alphabet)] * self.blanks(tokens)[0]

    def decode(self, inputs: list[int], answer: list[int]) -> list[str]:
        tokens = [token for token in inputs if token != len(self.alphabet)]
        typed, asked = len(tokens), self.blanks(tokens)[1]
        return [self.answers[place] for place in answer[typed : typed + asked]]


class TwiceAsLong(StringSymbols):
    def blanks(self, tokens: list[int]) -> tuple[int, int]:
        return 2 * len(tokens), 2 * len(tokens)


class StackSymbols(StringSymbols):
    """A stack, and then actions; of the blanks as many are asked about as the stack that is left is high, and one."""

    def blanks(self, tokens: list[int]) -> tuple[int, int]:
        height = 0
        for token in tokens:
            height = max(0, height - 1) if token == 2 else height + 1
        return len(tokens) + 1, height + 1

    def check(self, tokens: list[int]) -> None:
        actions = next((place for place, token in enumerate(tokens) if token >= 2), len(tokens))
        if not actions or any(token < 2 for token in tokens[actions:]):
            raise UserError(
                "input: first the stack, 0 and 1 from its bottom up, then the actions, e.g. 0 1 1 push0 pop pop"
            )


class ChomskyTask(Task[ChomskyConfig]):
    """One of the paper's tasks: an alphabet, a way to draw inputs, and the right answers."""

    alphabet: tuple[str, ...]
    answers: tuple[str, ...]
    codec_type: ClassVar[type[Symbols]] = Symbols
    codec: Symbols
    causal: ClassVar[bool] = True
    lengths_alike: ClassVar[bool] = True

    def __init__(self, config: ChomskyConfig) -> None:
        super().__init__(config)
        # The paper's blank is a token of its own, one above the alphabet.
        self.vocabulary = len(self.alphabet) + (self.answer == "tags")
        self.classes = len(self.answers)
        self.input_hint = f"symbols out of {' '.join(self.alphabet)}, separated by spaces"
        self.codec = self.codec_type(self.alphabet, self.answers, self.input_hint)

    @property
    def blank(self) -> int:
        return len(self.alphabet)

    def draw(self, words: Words, length: int) -> Ints:
        """Draw inputs from random words uint32 [rows, ≥ length + 1]: int64 [rows, length]."""
        return below(words[:, :length], len(self.alphabet))

    @abstractmethod
    def solve(self, tokens: Ints) -> Ints:
        """Return the right answers: int64 [rows], or int64 [rows, answer_length] with NOT_ASKED behind their ends."""

    def fitted(self, length: int) -> int:
        """The length of input that is made when `length` is drawn."""
        return length

    def batches(self, seed: int, first_step: int, steps: int, batch_size: int) -> Batches:
        low, high = self.config.min_length, self.config.max_length
        stream = StepStream(seed, f"{self.config.name}/train", 1 + batch_size * (high + 1))
        words = stream.words(first_step, steps)
        longest = longest_by_step(low, high, self.config.curriculum_steps, first_step, steps)
        drawn = low + below(words[:, 0], longest - low + 1)
        made = [
            self._examples(self.draw(words[step, 1:].reshape(batch_size, high + 1), self.fitted(int(drawn[step]))))
            for step in range(steps)
        ]
        width = max(example.inputs.shape[1] for example in made)
        inputs = np.full((steps, batch_size, width), self.padding, dtype=np.int64)
        targets = np.full((steps, batch_size, width), NOT_ASKED, dtype=np.int64)
        for step, example in enumerate(made):
            inputs[step, :, : example.inputs.shape[1]] = example.inputs
            if self.answer == "tags":
                targets[step, :, : example.targets.shape[1]] = example.targets
        lengths = np.stack([example.lengths for example in made])
        if self.answer == "class":
            targets = np.stack([example.targets for example in made]).astype(np.int64)
        return Batches(inputs, lengths, targets)

    def _examples(self, tokens: Ints) -> Examples:
        answers = self.solve(tokens)
        if self.answer == "class":
            return Examples(tokens, np.full(len(tokens), tokens.shape[1]), answers)
        # tokens:   s s s . . . .     (. is blank)
        # targets:  - - - a a a end   (- is not asked)
        rows, length = tokens.shape
        blanks = np.full((rows, answers.shape[1]), self.blank, dtype=np.int64)
        nothing = np.full((rows, length), NOT_ASKED, dtype=np.int64)
        inputs = np.concatenate([tokens, blanks], axis=1)
        return Examples(inputs, np.full(rows, inputs.shape[1]), np.concatenate([nothing, answers], axis=1))

    def held_out(self, low: int | None = None, high: int | None = None) -> Iterator[Examples]:
        """Yield 32 inputs of each length; without bounds, of twelve lengths spread over the unseen ones.

        Each length counts alike, however long its answers are, as in the paper's score and in training.
        """
        if low is None and high is None:
            spread = np.linspace(self.config.max_length + 1, self.config.longest_asked, LENGTHS_ASKED)
            lengths = sorted({int(length) for length in spread})
        else:
            low, high = low or self.config.min_length, high or self.config.longest_asked
            check_lengths(low, high, LONGEST)
            # With its answer an input is at most three times as long.
            lengths = spread_evenly(low, high, EVALUATED_TOKENS // (3 * ROWS_ASKED * (low + high) // 2))
        for length in lengths:
            generator = np.random.Generator(np.random.Philox(key=[length, 0]))
            words = generator.integers(0, 2**32, size=(ROWS_ASKED, length + 1), dtype=np.uint32)
            examples = self._examples(self.draw(words, self.fitted(length)))
            asked = int((examples.targets != NOT_ASKED).sum())
            yield replace(examples, weights=np.full(ROWS_ASKED, 1 / asked))

    def parse(self, text: str) -> Ints:
        return np.array(self.codec.encode(text), dtype=np.int64)

    def _typed(self, inputs: Inputs) -> Ints:
        return np.asarray(inputs[inputs != self.blank] if self.answer == "tags" else inputs, dtype=np.int64)

    def echo(self, inputs: Inputs) -> list[str]:
        return [self.alphabet[token] for token in self._typed(inputs)]

    def input_names(self, inputs: Inputs) -> list[str]:
        """The symbols, and a dot for each blank."""
        return [(*self.alphabet, "·")[token] for token in inputs.tolist()]

    def class_names(self) -> list[str]:
        return list(self.answers)

    def truth(self, inputs: Inputs) -> Any:
        answers = self.solve(self._typed(inputs)[None])[0]
        return self._words(answers)

    def read_answer(self, inputs: Inputs, answer: Inputs) -> Any:
        return self.codec.decode(inputs.tolist(), answer.tolist())

    def _words(self, answers: Ints) -> Any:
        if answers.ndim == 0:
            return self.answers[int(answers)]
        return [self.answers[int(answer)] for answer in answers if answer != NOT_ASKED]


def _config(name: str, words: str) -> type[ChomskyConfig]:
    """Return the section of the task that is called so."""
    named: Any = (Literal[name], setting(name, f"the task: {words}"))
    return create_model(f"{name}_config", __base__=ChomskyConfig, name=named)


class BitsTask(ChomskyTask):
    """A task that answers a string of 0 and 1 with another."""

    answer: ClassVar[Answer] = "tags"
    codec_type = StringSymbols
    alphabet = ("0", "1")
    answers = ("0", "1")


@register_task
class EvenPairs(ChomskyTask):
    """Whether a string of 0 and 1 has an even number of 01 and 10 pairs, which is whether its ends are the same."""

    config_type: ClassVar[type[TaskConfig]] = _config("even_pairs", "is the number of unequal neighbours even?")
    title: ClassVar[str] = "Even pairs"
    answer: ClassVar[Answer] = "class"
    alphabet = ("0", "1")
    answers = ("even", "odd")

    def solve(self, tokens: Ints) -> Ints:
        return np.asarray(tokens[:, 0] != tokens[:, -1], dtype=np.int64)


@register_task
class ParityCheck(ChomskyTask):
    """Whether a string of 0 and 1 has an even number of ones."""

    config_type: ClassVar[type[TaskConfig]] = _config("parity_check", "is the number of ones even?")
    title: ClassVar[str] = "Parity check"
    answer: ClassVar[Answer] = "class"
    alphabet = ("0", "1")
    answers = ("even", "odd")

    def solve(self, tokens: Ints) -> Ints:
        return np.asarray(tokens.sum(axis=1) % 2, dtype=np.int64)


@register_task
class CycleNavigation(ChomskyTask):
    """Where one stands on a ring of five places after steps back (-), none (0) and forward (+), from place 0."""

    config_type: ClassVar[type[TaskConfig]] = _config("cycle_navigation", "where on a ring of five do steps end?")
    title: ClassVar[str] = "Cycle navigation"
    answer: ClassVar[Answer] = "class"
    alphabet = ("-", "0", "+")
    answers = ("0", "1", "2", "3", "4")

    def solve(self, tokens: Ints) -> Ints:
        return np.asarray((tokens - 1).sum(axis=1) % 5, dtype=np.int64)


@register_task
class ModularArithmetic(ChomskyTask):
    """The value modulo 5 of digits 0–4 joined by + - *, products first. Lengths are odd: an even one loses a token."""

    config_type: ClassVar[type[TaskConfig]] = _config("modular_arithmetic", "the value of an expression modulo 5")
    title: ClassVar[str] = "Modular arithmetic"
    codec_type = Expression
    answer: ClassVar[Answer] = "class"
    alphabet = ("0", "1", "2", "3", "4", "+", "-", "*")
    answers = ("0", "1", "2", "3", "4")

    def fitted(self, length: int) -> int:
        return length - 1 + length % 2

    def draw(self, words: Words, length: int) -> Ints:
        tokens = below(words[:, :length], 5)
        tokens[:, 1::2] = 5 + below(words[:, 1:length:2], 3)
        return tokens

    def solve(self, tokens: Ints) -> Ints:
        total = np.zeros(len(tokens), dtype=np.int64)
        term = tokens[:, 0].copy()
        for place in range(1, tokens.shape[1], 2):
            operator, digit = tokens[:, place], tokens[:, place + 1]
            times = operator == 7
            total = np.where(times, total, total + term)
            term = np.where(times, term * digit, np.where(operator == 6, -digit, digit)) % 5
        return np.asarray((total + term) % 5, dtype=np.int64)


@register_task
class ReverseString(BitsTask):
    """A string of 0 and 1, backwards."""

    config_type: ClassVar[type[TaskConfig]] = _config("reverse_string", "the input backwards")
    title: ClassVar[str] = "Reverse string"

    def solve(self, tokens: Ints) -> Ints:
        return tokens[:, ::-1]


@register_task
class DuplicateString(BitsTask):
    """A string of 0 and 1, twice."""

    config_type: ClassVar[type[TaskConfig]] = _config("duplicate_string", "the input twice")
    title: ClassVar[str] = "Duplicate string"
    codec_type = TwiceAsLong

    def solve(self, tokens: Ints) -> Ints:
        return np.concatenate([tokens, tokens], axis=1)


@register_task
class OddsFirst(BitsTask):
    """The symbols at places 1, 3, 5 … and then those at 2, 4, 6 …, counted from one as the paper does."""

    config_type: ClassVar[type[TaskConfig]] = _config("odds_first", "the symbols at odd places first, then the others")
    title: ClassVar[str] = "Odds first"

    def solve(self, tokens: Ints) -> Ints:
        return np.concatenate([tokens[:, ::2], tokens[:, 1::2]], axis=1)


@register_task
class StackManipulation(ChomskyTask):
    """A stack of 0 and 1, bottom first, then actions; the answer is the stack that is left, top first, and an end.

    A pop of an empty stack does nothing.
    """

    config_type: ClassVar[type[TaskConfig]] = _config("stack_manipulation", "a stack after pushes and pops")
    title: ClassVar[str] = "Stack manipulation"
    answer: ClassVar[Answer] = "tags"
    codec_type = StackSymbols
    alphabet = ("0", "1", "pop", "push0", "push1")
    answers = ("0", "1", "end")

    def draw(self, words: Words, length: int) -> Ints:
        symbols = below(words[:, :length], 2)
        if length == 1:
            return symbols
        held = 1 + below(words[:, length], length - 1)
        actions = 2 + below(words[:, :length], 3)
        return np.where(np.arange(length) < held[:, None], symbols, actions)

    def solve(self, tokens: Ints) -> Ints:
        rows, length = tokens.shape
        stack = np.zeros((rows, length + 1), dtype=np.int64)
        height = np.zeros(rows, dtype=np.int64)
        every = np.arange(rows)
        for place in range(length):
            token = tokens[:, place]
            pushed = token != 2
            # 0 and 1 stand for themselves, push0 and push1 (3, 4) for 0 and 1.
            stack[every, height] = np.where(pushed, np.where(token > 2, token - 3, token), stack[every, height])
            height = np.where(pushed, height + 1, np.maximum(height - 1, 0))
        places = height[:, None] - 1 - np.arange(length + 1)
        answers = np.where(places >= 0, np.take_along_axis(stack, np.maximum(places, 0), axis=1), NOT_ASKED)
        answers[every, height] = 2
        return np.asarray(answers, dtype=np.int64)

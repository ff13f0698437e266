"""Tagging: say of each bracket whether it has a partner; it takes a look in both directions (document 3)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import field_validator

from seqsum.formatting import count
from seqsum.schema import setting
from seqsum.tasks.base import (
    EVALUATED_TOKENS,
    FEWEST,
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
    told_asked,
)
from seqsum.tasks.codec import Codec
from seqsum.tasks.epochs import keyed_generator
from seqsum.tasks.numbers import read_words
from seqsum.tasks.registry import register_task
from seqsum.tasks.stream import StepStream, below

LONGEST = 1000
HELD_OUT = 4000
LONGEST_MET = 20  # of longer ones there are too many to be met twice
BRACKETS = "()"
OPEN, CLOSE = 0, 1
ALONE, MATCHED = 0, 1
MARKS = "!."
"""How the two tags are written: `!` under a bracket without a partner, `.` under one that has it."""


class TaggingConfig(TaskConfig):
    """Settings of the tagging task."""

    name: Literal["tagging"] = setting("tagging", "the task: brackets; tag each as matched or alone")
    min_length: int = setting(
        10, "shortest training sequence; lengths are drawn uniformly", ge=1, le=LONGEST, unit="brackets"
    )
    max_length: int = setting(20, "longest training sequence", ge=1, le=LONGEST, unit="brackets")

    _ordered = field_validator("max_length")(at_least_min_length)


@dataclass(frozen=True)
class BracketCodec(Codec):
    hint: str

    def encode(self, text: str) -> list[int]:
        brackets = [(at, character) for at, character in enumerate(text) if not character.isspace()]
        known = {"(": OPEN, ")": CLOSE}
        return read_words(brackets, known.get, self.hint, "character", LONGEST, called="brackets")

    def decode(self, inputs: list[int], answer: list[int]) -> str:
        return "".join(MARKS[tag] for tag in answer)


@register_task
class Tagging(Task[TaggingConfig]):
    """Sequences of random brackets; the tag of each is whether it has a partner in the usual pairing.

    A closing bracket's tag follows from what stands before it, an opening one's from what comes after: a network that
    reads from the left alone must guess half of them. Training data is endless; the held-out sequences are a fixed
    random sample (of short lengths, training meets them all sooner or later).
    """

    config_type: ClassVar[type[TaskConfig]] = TaggingConfig
    title: ClassVar[str] = "Bracket tagging"
    codec: BracketCodec
    answer: ClassVar[Answer] = "tags"

    def __init__(self, config: TaggingConfig) -> None:
        super().__init__(config)
        self.vocabulary = self.classes = 2
        self.input_hint = "brackets, e.g. (()())) — each is tagged . when it has a partner and ! when it has none"
        self.codec = BracketCodec(self.input_hint)

    @property
    def steps_asked(self) -> int:
        lengths = _asked(self.config.min_length, self.config.max_length)
        return max(FEWEST, HELD_OUT // len(lengths)) * sum(lengths)

    @property
    def notes(self) -> list[str]:
        low, high = self.config.min_length, self.config.max_length
        told = told_asked(len(_asked(low, high)), high - low + 1, "lengths, evenly spread")
        if low > LONGEST_MET:
            return told
        return [
            *told,
            "brackets: training draws from all sequences, so it meets held-out ones, too: of "
            f"{low} brackets there are {count(2**low, 'sequence')}",
        ]

    def batches(self, seed: int, first_step: int, steps: int, batch_size: int) -> Batches:
        low, high = self.config.min_length, self.config.max_length
        words = StepStream(seed, "tagging/train", batch_size * (1 + high)).words(first_step, steps)
        lengths = low + below(words[:, :batch_size], high - low + 1)
        tokens = below(words[:, batch_size:], 2).reshape(steps, batch_size, high)
        tokens[np.arange(high) >= lengths[:, :, None]] = self.padding
        tags = matched(tokens.reshape(-1, high)).reshape(tokens.shape)
        return Batches(tokens, lengths, tags)

    def held_out(self, low: int | None = None, high: int | None = None) -> Iterator[Examples]:
        low = self.config.min_length if low is None else low
        high = self.config.max_length if high is None else high
        check_lengths(low, high, LONGEST)
        lengths = _asked(low, high)
        count = max(FEWEST, HELD_OUT // len(lengths))
        for length in lengths:
            # The sample of a length depends on nothing else: every run is asked the same.
            tokens = keyed_generator(0, "tagging/held_out", length).integers(0, 2, (count, length), dtype=np.int64)
            yield Examples(tokens, np.full(count, length), matched(tokens))

    def parse(self, text: str) -> Ints:
        return np.array(self.codec.encode(text), dtype=np.int64)

    def truth(self, inputs: Inputs) -> str:
        return self.read_answer(inputs, matched(inputs.astype(np.int64)[None])[0])

    def read_answer(self, inputs: Inputs, answer: Inputs) -> str:
        return self.codec.decode(inputs.tolist(), answer.tolist())

    def input_names(self, inputs: Inputs) -> list[str]:
        return list(self.echo(inputs))

    def class_names(self) -> list[str]:
        return list(MARKS)

    def echo(self, inputs: Inputs) -> str:
        return "".join(BRACKETS[int(token)] for token in inputs)


def matched(tokens: Ints) -> Ints:
    """Tag each bracket: int64 [rows, length] → int64 [rows, length]; NOT_ASKED where the token is no bracket.

    A closing bracket is alone when it takes the depth below the lowest so far; an opening one is when, seen from the
    right with the roles exchanged, it does the same.
    """
    rise = np.where(tokens == OPEN, 1, np.where(tokens == CLOSE, -1, 0))
    left_alone = _falls_below(rise)
    right_alone = _falls_below(-rise[:, ::-1])[:, ::-1]
    alone = np.where(tokens == CLOSE, left_alone, right_alone)
    tags: Ints = np.where(rise == 0, NOT_ASKED, np.where(alone, ALONE, MATCHED))
    return tags


def _asked(low: int, high: int) -> list[int]:
    """The lengths that an evaluation asks about."""
    return spread_evenly(low, high, EVALUATED_TOKENS // (FEWEST * (low + high) // 2))


def _falls_below(rise: Ints) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Where a walk that starts at 0 reaches a new lowest place below 0: bool [rows, length]."""
    depth = np.cumsum(rise, axis=1)
    lowest = np.minimum(np.minimum.accumulate(depth, axis=1), 0)
    before = np.concatenate([np.zeros((len(rise), 1), dtype=np.int64), lowest[:, :-1]], axis=1)
    falls: np.ndarray[Any, np.dtype[np.bool_]] = depth < before
    return falls

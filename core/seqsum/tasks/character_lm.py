"""Character language model: read text, say at each character which one comes next, and write on (document 3)."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import field_validator

from seqsum.errors import UserError
from seqsum.formatting import count, percent
from seqsum.schema import setting
from seqsum.tasks.alphabet import places_in
from seqsum.tasks.base import (
    Answer,
    Batches,
    DataTask,
    Examples,
    Inputs,
    Ints,
    TaskConfig,
    one_test_part,
    only_length,
    told_asked,
)
from seqsum.tasks.corpus import STANDARD_LIBRARY, Corpus, fingerprint_of, read_corpus, source_name
from seqsum.tasks.readers import ParallelReaders, read_once
from seqsum.tasks.registry import register_task
from seqsum.tasks.text_files import ENCODING_WORDS, REPLACEMENT, Encoding, unknown_of

UNKNOWN = 0
CONTINUED = 200
LONGEST_VALIDATION = 100_000
SHORTEST_CORPUS = 20
LONGEST_PROMPT = 100_000


class CharacterLmConfig(TaskConfig):
    """Settings of the character language model's task."""

    name: Literal["character_lm"] = setting("character_lm", "the task: text; which character comes next?")
    corpus: str = setting(
        STANDARD_LIBRARY,
        "the text: stdlib for the Python standard library's sources, or the path of a text file or a folder of them",
        basic=True,
    )
    characters: int = setting(
        1_000_000, "how much text is read at most; folders in the order of their file names", ge=SHORTEST_CORPUS,
        le=1_000_000_000, unit="characters",
    )  # fmt: skip
    vocabulary_size: int = setting(
        128, "how many different characters are told apart, the most frequent; all others count as one unknown", ge=1,
        le=10_000, unit="characters",
    )  # fmt: skip
    held_out_share: float = setting(0.1, "share of the text, at its end, kept for validation", gt=0, le=0.5)
    encoding: Encoding = setting("auto", ENCODING_WORDS)
    test_corpus: str | None = setting(
        None, "a text file or a folder for the test; its first 100,000 characters are asked once, at the end"
    )
    test_share: float = setting(
        0.0, "instead: share of the text, at its very end, kept for the test; validation stands before it", ge=0, le=0.5
    )
    bptt: int = setting(
        64, "characters read between two updates; gradients go back no further, the hidden state is kept", ge=1,
        le=10_000, unit="characters",
    )  # fmt: skip

    @field_validator("corpus")
    @classmethod
    def _same_from_every_folder(cls, value: str) -> str:
        if not value.strip() or "\0" in value:
            raise ValueError(f"must be {STANDARD_LIBRARY} or the path of a text file or folder")
        return source_name(value)

    @field_validator("test_corpus")
    @classmethod
    def _same_for_the_test(cls, value: str | None) -> str | None:
        return None if value is None else cls._same_from_every_folder(value)

    _one_test_part = field_validator("test_share")(one_test_part)


@register_task
class CharacterLm(DataTask[CharacterLmConfig]):
    """Text as tokens: 0 for an unknown character, then the training text's most frequent ones.

    The last `held_out_share` of the text is held out, before the test part where it has one (of each at most 100,000
    characters are asked, from its start, read in one go).
    Training reads the rest with as many readers as the batch has rows, the hidden state carried from step to step.
    """

    config_type: ClassVar[type[TaskConfig]] = CharacterLmConfig
    measures = ("bits_per_character",)
    title: ClassVar[str] = "Character language model"
    answer: ClassVar[Answer] = "tags"
    carries_state: ClassVar[bool] = True
    causal: ClassVar[bool] = True
    input_hint = "the beginning of a text; the network writes on"

    def __init__(self, config: CharacterLmConfig, facts: dict[str, Any] | None = None) -> None:
        """`facts`: what a checkpoint knows of its corpus; the corpus is then read only when it is asked for."""
        super().__init__(config)
        self._test_file, self._test_share = config.test_corpus, config.test_share
        self._readers: ParallelReaders | None = None
        if facts is None:
            corpus, training, validation, test = self._read()
            # Ties by the character itself: the same text gives the same vocabulary everywhere.
            ranked = sorted(Counter(training).items(), key=lambda item: (-item[1], item[0]))
            counts = [count for _, count in ranked[: config.vocabulary_size]]
            characters = "".join(character for character, _ in ranked[: config.vocabulary_size])
            unknown = float((encoded(validation, characters) == UNKNOWN).mean())
            facts = {
                "characters": characters,
                "counts": [len(training) - sum(counts), *counts],
                "fingerprint": corpus.fingerprint,
                "notes": [
                    *_notes(corpus, config),
                    f"corpus: {len(characters):,} of {len(ranked):,} characters are told apart (task.vocabulary_size); "
                    f"{percent(unknown)} of the held-out text is unknown",
                    *told_asked(LONGEST_VALIDATION, len(validation), "held-out characters, the first"),
                ],
            }
            if self.has_test:
                facts["test_fingerprint"] = fingerprint_of(test)
                facts["notes"] += self._test_notes(test, characters)
        # Vocabulary, how often each occurs in the training text, and the whole text's SHA-256.
        self._facts = facts
        self._characters: str = facts["characters"]
        self.vocabulary = self.classes = len(self._characters) + 1

    def steps_per_epoch(self, batch_size: int) -> float:
        return self._texts.steps_per_epoch(batch_size, self.config.bptt)

    def batches(self, seed: int, first_step: int, steps: int, batch_size: int) -> Batches:
        """The order is the text's own: the seed plays no part."""
        return self._texts.batches(first_step, steps, batch_size, self.config.bptt)

    @property
    def steps_asked(self) -> int:
        trained: int = sum(self._facts["counts"])
        share = self.config.held_out_share
        return min(LONGEST_VALIDATION, round(trained * share / (1 - share)))

    def held_out(self, low: int | None = None, high: int | None = None) -> Iterator[Examples]:
        only_length(low, high, None, "the held-out text is read in one go, from its beginning to its end")
        return read_once(self._asked, cyclic=False)

    def loss_metrics(self, loss: float) -> dict[str, float]:
        """bits_per_character of the held-out text, and what knowing each character's frequency alone would give."""
        return {
            "bits_per_character": loss / math.log(2),
            "unigram_bits_per_character": unigram_bits(self._facts["counts"], self._asked),
        }

    def parse(self, text: str) -> Ints:
        if not text:
            raise UserError(f"input: nothing was typed; type {self.input_hint}")
        if len(text) > LONGEST_PROMPT:
            raise UserError(f"input: {len(text):,} characters are too many; type at most {LONGEST_PROMPT:,}")
        return encoded(text, self._characters)

    def remarks(self, text: str) -> list[str]:
        unknown = int((self.parse(text) == UNKNOWN).sum())
        return [unknown_of(unknown, len(text))] if unknown else []

    def continues(self, prompt: Inputs) -> int:
        return CONTINUED

    def read_answer(self, inputs: Inputs, answer: Inputs) -> str:
        return "".join(REPLACEMENT if token == UNKNOWN else self._characters[token - 1] for token in answer.tolist())

    def echo(self, inputs: Inputs) -> str:
        return self.read_answer(inputs, inputs)

    def input_names(self, inputs: Inputs) -> list[str]:
        return list(self.echo(inputs))

    def class_names(self) -> list[str]:
        return [REPLACEMENT, *self._characters]

    @property
    def _asked(self) -> Ints:
        """The text of the part that is held out here, as tokens."""
        self._load()
        return self._test if self.part == "test" else self._validation

    @property
    def _texts(self) -> ParallelReaders:
        self._load()
        assert self._readers is not None
        return self._readers

    def _load(self) -> None:
        """Turn the text into tokens, once; raises UserError when it is no longer the text of the vocabulary."""
        if self._readers is not None:
            return
        corpus, training, validation, test = self._read()
        other = corpus.source if corpus.fingerprint != self._facts["fingerprint"] else ""
        if not other and self.has_test and fingerprint_of(test) != self._facts["test_fingerprint"]:
            other = self.config.test_corpus or corpus.source
        if other:
            raise UserError(
                f"task.{'corpus' if other == corpus.source else 'test_corpus'}: the text of {other} is not what it was "
                "when the run began; put the old text back, or start a new run"
            )
        self._validation = encoded(validation, self._characters)[:LONGEST_VALIDATION]
        self._test = encoded(test, self._characters)[:LONGEST_VALIDATION]
        self._readers = ParallelReaders(encoded(training, self._characters))

    def _test_notes(self, test: str, characters: str) -> list[str]:
        """Say what the test's text is."""
        unknown = float((encoded(test, characters) == UNKNOWN).mean())
        source = f"of {self.config.test_corpus}" if self.config.test_corpus else "the last of the text"
        return [
            f"corpus: the test has {count(len(test), 'character')}, {source}, asked once, at the end; "
            f"{percent(unknown)} of it is unknown",
            *told_asked(LONGEST_VALIDATION, len(test), "test characters, the first"),
        ]

    def _read(self) -> tuple[Corpus, str, str, str]:
        """Return the corpus, and its training, validation and test part."""
        encoding = self.config.encoding
        corpus = read_corpus(self.config.corpus, self.config.characters, encoding=encoding)
        length = len(corpus.text)
        if length < SHORTEST_CORPUS:
            raise UserError(
                f"task.corpus: {corpus.source} has {count(length, 'character')} of text; give at least "
                f"{SHORTEST_CORPUS}"
            )
        # Two characters at least: one to read, one to ask about.
        end = length - (max(2, round(length * self.config.test_share)) if self.config.test_share else 0)
        border = end - max(2, round(length * self.config.held_out_share))
        test = corpus.text[end:]
        if self.config.test_corpus is not None:
            test = read_corpus(self.config.test_corpus, LONGEST_VALIDATION, "task.test_corpus", encoding).text
            if len(test) < SHORTEST_CORPUS:
                raise UserError(
                    f"task.test_corpus: {self.config.test_corpus} has {count(len(test), 'character')} of text; give at "
                    f"least {SHORTEST_CORPUS}"
                )
        return corpus, corpus.text[:border], corpus.text[border:end], test


def encoded(text: str, characters: str) -> Ints:
    """Turn text into tokens, int64 [len(text)]: 1 + its place in `characters`, or 0."""
    return places_in(text, characters) + 1


def unigram_bits(counts: list[int], tokens: Ints) -> float:
    """Return the cross-entropy, in bits per token, of tokens under the frequencies that were counted.

    One is added to each count, so that a token that was never counted has a finite price.
    """
    frequencies = np.asarray(counts, dtype=np.float64) + 1
    return float(-np.log2(frequencies / frequencies.sum())[tokens].mean())


def _notes(corpus: Corpus, config: CharacterLmConfig) -> list[str]:
    """What a person should know of the text, one sentence each."""
    name = "the standard library" if corpus.source == STANDARD_LIBRARY else corpus.source
    notes = [f"corpus: {count(len(corpus.text), 'character')} from {count(corpus.files, 'file')} of {name}"]
    if corpus.cut:
        notes.append(f"corpus: there is more text than task.characters ({config.characters:,}); the rest was not read")
    if corpus.skipped:
        which = f"{'the first is ' * (corpus.skipped > 1)}{corpus.first_skipped}"
        notes.append(f"corpus: passed over: {count(corpus.skipped, 'file')} that can't be read as text; {which}")
    if corpus.copies:
        notes.append(f"corpus: left out: {count(corpus.copies, 'file')} with the text of another")
    for encoding, files in corpus.encodings.items():
        notes.append(f"corpus: {count(files, 'file')} in no UTF-8, read as {encoding}")
    if corpus.undecodable:
        where = f" (the first in {corpus.wrong})" if corpus.wrong else ""
        notes.append(f"corpus: {count(corpus.undecodable, 'place')} can't be decoded{where}, read as {REPLACEMENT}")
    return notes

"""Language model of characters, words or subwords: read text, say at each which comes next, write on (document 3)."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator
from copy import copy
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, Literal, NamedTuple

import numpy as np
from pydantic import field_validator

from seqsum.errors import UserError
from seqsum.formatting import count, number, percent
from seqsum.schema import setting
from seqsum.tasks.asked_rows import AskedRows
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
from seqsum.tasks.codec import Codec
from seqsum.tasks.corpus import STANDARD_LIBRARY, Corpus, fingerprint_of, read_corpus, source_name
from seqsum.tasks.file_rows import AskedFile, FileColumn, open_rows
from seqsum.tasks.plain_tokens import CharacterTokens, SubwordTokens, WordTokens, tokens_of
from seqsum.tasks.readers import ParallelReaders, read_once
from seqsum.tasks.registry import register_task
from seqsum.tasks.text_files import ENCODING_WORDS, REPLACEMENT, Encoding
from seqsum.tasks.tokenizer import KIND_WORDS, Kind, Tokenizer, Words, enough, learned, restored

UNKNOWN = 0
MUCH_UNKNOWN = 0.05
"""The share of held-out tokens that are unknown from which on accuracy says too little."""
CONTINUED = 200
LONGEST_VALIDATION = 100_000
LONGEST_FILE = 10_000_000
"""Characters of a file that are asked."""
SHORTEST_CORPUS = 20
PASSAGE, PASSAGES = 100, 200
"""How long, and how many, the passages of a test are that are looked for in the other parts."""
CODE_POINTS = 0x110000
"""Unicode's: what a character can be that training never saw."""
LONGEST_PROMPT = 100_000
USUAL_VOCABULARY = {"characters": 128, "words": 5_000, "subwords": 2_000}
"""How many tokens of a kind are told apart where no number is set."""


class CharacterLmConfig(TaskConfig):
    """Settings of the character language model's task."""

    name: Literal["character_lm"] = setting(
        "character_lm", "the task: text; which character, word or subword comes next?"
    )
    corpus: str = setting(
        STANDARD_LIBRARY,
        "the text: stdlib for the Python standard library's sources, or the path of a text file or a folder of them",
        basic=True,
    )
    characters: int = setting(
        1_000_000, "how much text is read at most; folders in the order of their file names", ge=SHORTEST_CORPUS,
        le=1_000_000_000, unit="characters",
    )  # fmt: skip
    tokenizer: Kind = setting("characters", KIND_WORDS, basic=True)
    vocabulary_size: int | None = setting(
        None, "how many different tokens are told apart, the most frequent; all other characters or words count as one "
        "unknown; off takes 128 characters, 5,000 words or 2,000 subwords", ge=1, le=50_000, unit="tokens",
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
        64, "tokens read between two updates: characters, words or subwords; gradients go back no further, the hidden "
        "state is kept", ge=1, le=10_000, unit="tokens",
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
    _enough = field_validator("vocabulary_size")(enough)

    @property
    def most_tokens(self) -> int:
        """How many tokens are told apart at most."""
        return self.vocabulary_size or USUAL_VOCABULARY[self.tokenizer]


@dataclass(frozen=True)
class TextCodec(Codec):
    """A text as tokens from 1 on, 0 being an unknown one; the answer goes on from it.

    tokenizer: its facts; hint: what to type
    """

    tokenizer: dict[str, Any]
    hint: str

    @cached_property
    def known(self) -> CharacterTokens | WordTokens | SubwordTokens:
        return tokens_of(self.tokenizer)

    def encode(self, text: str) -> list[int]:
        return [1 + place for place in self.known.tokens(self.begun(text))]

    def begun(self, text: str) -> str:
        """A beginning as the tokenizer takes it: a space after its last word belongs to the word that follows."""
        if not text:
            raise UserError(f"input: nothing was typed; type {self.hint}")
        if len(text) > LONGEST_PROMPT:
            raise UserError(f"input: {len(text):,} characters are too many; type at most {LONGEST_PROMPT:,}")
        return text[:-1] if "characters" not in self.tokenizer and re.search(r"\S $", text) else text

    def decode(self, inputs: list[int], answer: list[int]) -> str:
        return self.text([*inputs, *answer])[len(self.text(inputs)) :]

    def text(self, tokens: list[int]) -> str:
        return self.known.text(token - 1 for token in tokens)

    def ahead(self, text: str, steps: int | None) -> tuple[int, list[list[float]]]:
        return steps or CONTINUED, []


class AskedText(NamedTuple):
    """Text that is held out.

    tokens: int64 [tokens]; characters: how many it has; spelling_bits: what its unknown ones cost beyond their tokens
    """

    tokens: Ints
    characters: int
    spelling_bits: float


@register_task
class CharacterLm(DataTask[CharacterLmConfig]):
    """Text as tokens: 0 for an unknown one, then those that the tokenizer tells apart.

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
    codec: TextCodec
    input_hint = "the beginning of a text; the network writes on"

    def __init__(self, config: CharacterLmConfig, facts: dict[str, Any] | None = None) -> None:
        """`facts`: what a checkpoint knows of its corpus; the corpus is then read only when it is asked for."""
        super().__init__(config)
        self._test_file, self._test_share = config.test_corpus, config.test_share
        self._readers: ParallelReaders | None = None
        self._asked_rows: AskedRows | None = None
        if facts is None:
            corpus, training, validation, test = self._read()
            tokenizer, there = learned(config.tokenizer, [training], config.most_tokens)
            tokens = encoded(training, tokenizer)
            facts = {
                **tokenizer.facts(),
                "counts": np.bincount(tokens, minlength=len(tokenizer.names) + 1).tolist(),
                "fingerprint": corpus.fingerprint,
                "notes": [
                    *_notes(corpus, config),
                    *_vocabulary_notes(config, tokenizer, there, training, tokens, validation),
                    *told_asked(LONGEST_VALIDATION, len(validation), "held-out characters, the first"),
                ],
            }
            if tokenizer.unit != "subword":
                facts["spelling"] = dict(sorted(Counter(spelt(tokenizer, training)).items()))
            if self.has_test:
                facts["test_fingerprint"] = fingerprint_of(test)
                facts["notes"] += self._test_notes(test, tokenizer, corpus, training + validation)
        # The tokenizer, how often each token occurs in the training text, what `spelt` leaves of it, and the whole
        # text's SHA-256.
        self._facts = facts
        self._tokenizer = restored(facts)
        self.unit = self._tokenizer.unit
        self.codec = TextCodec(self._tokenizer.facts(), self.input_hint)
        self.vocabulary = self.classes = len(self._tokenizer.names) + 1

    @property
    def question_column(self) -> FileColumn:
        return FileColumn(usual=("text", "prompt", "input"), encoding=self.config.encoding)

    def of_file(self, file: AskedFile) -> CharacterLm:
        """A text file is read as it stands; where a column is named, its cells are, a line each."""
        found, rows, wrong = copy(self), AskedRows(unit=self.unit, of="character"), ""
        if file.column is None:
            corpus = read_corpus(source_name(file.path), LONGEST_FILE, "file", self.config.encoding)
            text, left, wrong = corpus.text, corpus.cut, corpus.wrong
        else:
            text, left = _column_text(file.path, self.question_column.called(file.column))
        if len(text) < SHORTEST_CORPUS:
            raise UserError(f"file: it has {count(len(text), 'character')} of text; give at least {SHORTEST_CORPUS}")
        rows.rows = len(text)
        rows.notes += [f"  there is more text; the first {LONGEST_FILE:,} characters are asked"] if left else []
        rows.notes += [f"  what can't be decoded ({wrong}) is read as {REPLACEMENT}"] if wrong else []
        found._validation = found._of_part(text, LONGEST_FILE)
        rows.tokens = len(found._validation.tokens)
        rows.unknown = int((found._validation.tokens == UNKNOWN).sum())
        found.part, found._asked_rows = "file", rows
        return found

    @property
    def asked_rows(self) -> AskedRows | None:
        return self._asked_rows

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
        return read_once(self._asked.tokens, cyclic=False)

    def loss_metrics(self, loss: float) -> dict[str, float]:
        """bits_per_character of the held-out text, and what knowing each token's frequency alone would give.

        The bits of all tokens go to the characters, whatever a token is; what is unknown costs its spelling, too.
        """
        tokens, characters, spelling = self._asked
        # About the first token nothing is asked.
        asked = characters - len(self._tokenizer.text([int(tokens[0]) - 1]))
        unigram = unigram_bits(self._facts["counts"], tokens)
        return {
            "bits_per_character": loss / math.log(2) * ((len(tokens) - 1) / asked) + spelling / asked,
            "unigram_bits_per_character": unigram * (len(tokens) / characters) + spelling / characters,
        }

    def parse(self, text: str) -> Ints:
        return encoded(self.codec.begun(text), self._tokenizer)

    def remarks(self, text: str) -> list[str]:
        return self._tokenizer.remarks(self.codec.begun(text))

    def continues(self, prompt: Inputs) -> int:
        return CONTINUED

    def read_answer(self, inputs: Inputs, answer: Inputs) -> str:
        return self.codec.decode(inputs.tolist(), answer.tolist())

    def echo(self, inputs: Inputs) -> str:
        return self.codec.text(inputs.tolist())

    def input_names(self, inputs: Inputs) -> list[str]:
        names = self.class_names()
        return [names[token] for token in inputs.tolist()]

    def class_names(self) -> list[str]:
        return [REPLACEMENT, *self._tokenizer.names]

    @property
    def _asked(self) -> AskedText:
        """The text of the part that is held out here."""
        if self.part != "file":
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
        self._validation, self._test = self._of_part(validation), self._of_part(test)
        self._readers = ParallelReaders(encoded(training, self._tokenizer))

    def _of_part(self, text: str, most: int = LONGEST_VALIDATION) -> AskedText:
        """A held-out part as it is asked; raises UserError where nothing could be asked of it."""
        asked = text[:most]
        tokens = encoded(asked, self._tokenizer)
        if asked and len(tokens) < 2:
            raise UserError(
                f"task.tokenizer: a held-out part is a single {self.unit}, before which nothing is read; give more "
                "text, or take characters"
            )
        # Nobody is asked for the first character.
        said = asked[1:] if self.config.tokenizer == "characters" else asked
        return AskedText(tokens, len(asked), spelling_bits(self._tokenizer, self._facts.get("spelling"), said))

    def _test_notes(self, test: str, tokenizer: Tokenizer, corpus: Corpus, others: str) -> list[str]:
        """Say what the test's text is; raises UserError where all of a text of its own stands in the other parts."""
        unknown = float((encoded(test, tokenizer) == UNKNOWN).mean())
        source = f"of {self.config.test_corpus}" if self.config.test_corpus else "the last of the text"
        notes = [
            f"corpus: the test has {count(len(test), 'character')}, {source}, asked once, at the end; "
            f"{percent(unknown)} of it is unknown",
            *told_asked(LONGEST_VALIDATION, len(test), "test characters, the first"),
        ]
        if self.config.test_corpus is None:
            return notes
        # At one place alone: a text that repeats itself goes on with what it had before, and was not copied.
        if 0 <= others.find(test) == others.rfind(test):
            raise UserError(
                f"task.test_corpus: all that is asked of {self.config.test_corpus} stands in {corpus.source}, too, so "
                "that the test would not be held out; cut it from there, or name another text"
            )
        passages = passages_of(test)
        again = sum(passage in others for passage in passages)
        if again:
            notes.append(
                f"corpus: {again:,} of {count(len(passages), 'passage')} of {len(passages[0])} characters that were "
                "looked for stand in the training or validation part, too: the test is kinder by as much"
            )
        return notes

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
        if border < 2:
            raise UserError(
                "task.held_out_share: too little text is left to train on; hold out less, or give more text"
            )
        test = corpus.text[end:]
        if self.config.test_corpus is not None:
            test = read_corpus(self.config.test_corpus, LONGEST_VALIDATION, "task.test_corpus", encoding).text
            if len(test) < SHORTEST_CORPUS:
                raise UserError(
                    f"task.test_corpus: {self.config.test_corpus} has {count(len(test), 'character')} of text; give at "
                    f"least {SHORTEST_CORPUS}"
                )
        return corpus, corpus.text[:border], corpus.text[border:end], test


def passages_of(text: str) -> list[str]:
    """Return passages of PASSAGE characters of a text, one behind the other or as many as PASSAGES, evenly spread; the
    whole of a shorter one."""
    many = min(PASSAGES, max(1, len(text) // PASSAGE))
    return [text[at : at + PASSAGE] for at in (place * max(0, len(text) - PASSAGE) // many for place in range(many))]


def _column_text(path: str, column: FileColumn) -> tuple[str, bool]:
    """Return the cells of a column, a line each, and whether there are more."""
    rows = open_rows(path, column)
    name, cells, length = rows.column(column), list[str](), 0
    for row in rows.rows():
        if length > LONGEST_FILE:
            return "\n".join(cells), True
        cells.append(rows.cell(row, name))
        length += len(cells[-1]) + 1
    return "\n".join(cells), False


def encoded(text: str, tokenizer: Tokenizer) -> Ints:
    """Turn text into tokens, int64 [tokens]: 1 + its place in the tokenizer, or 0."""
    return tokenizer.places(text) + 1


def spelt(tokenizer: Tokenizer, text: str) -> Iterator[str]:
    """Yield the characters by whose frequencies what is unknown is spelt: of words all, else those that are unknown."""
    yield from text if isinstance(tokenizer, Words) else (one for one in text if one not in tokenizer.names)


def spelling_bits(tokenizer: Tokenizer, counts: dict[str, int] | None, text: str) -> float:
    """Return how many bits it takes to spell what of a text is unknown, by how frequent each character is in training.

    Without them a model would be the better, the less it told apart. One is added to each count, and one stands for all
    that was never counted, of which each is one of Unicode's. One more sign, as frequent as all others are on the mean,
    ends each word. counts: of the characters that `spelt` yields; None where nothing is spelt, and in checkpoints of
    earlier versions that read characters
    """
    if counts is None:
        return 0.0
    total, ended = float(sum(counts.values()) + len(counts) + 1), 0
    end = total / (len(counts) + 1)
    unknown = list(spelt(tokenizer, text))
    if isinstance(tokenizer, Words):
        words = tokenizer.unknown(text)
        unknown, total, ended = [one for word in words for one in word], total + end, len(words)
    weights = [counts.get(one, 0) + 1 for one in unknown] + [end] * ended
    never = sum(one not in counts for one in unknown)
    return float(-np.log2(np.array(weights) / total).sum()) + never * math.log2(CODE_POINTS)


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


def _vocabulary_notes(
    config: CharacterLmConfig, tokenizer: Tokenizer, there: int, training: str, tokens: Ints, validation: str
) -> list[str]:
    """Say how many tokens are told apart, and where the text gives fewer than were asked for.

    there: how many could be; tokens: those of the training text
    """
    known, wanted = len(tokenizer.names), config.vocabulary_size
    unknown = 0.0
    if tokenizer.unit == "subword":
        told = f"{known:,} subwords are told apart (task.vocabulary_size)"
    else:
        unknown = float((encoded(validation, tokenizer) == UNKNOWN).mean())
        of = "text" if tokenizer.unit == "character" else "words"
        told = f"{known:,} of {there:,} {tokenizer.unit}s are told apart (task.vocabulary_size); "
        told += f"{percent(unknown)} of the held-out {of} {'is' if of == 'text' else 'are'} unknown"
    notes = [f"corpus: {told}"]
    if unknown >= MUCH_UNKNOWN:
        larger = "a larger task.vocabulary_size, or " if known < there else ""
        notes.append(
            f"corpus: to say of an unknown {tokenizer.unit} that it is unknown counts as right, so accuracy is high "
            f"for little; {larger}task.tokenizer subwords, to which nothing is unknown, makes it say more"
        )
    if tokenizer.unit == "character":
        return notes
    mean = number(len(training) / len(tokens))
    notes.append(f"corpus: a {tokenizer.unit} has {mean} characters on the mean, white space and marks included")
    if wanted is not None and known < wanted:
        notes.append(
            f"corpus: the training text gives no more than {known:,} {tokenizer.unit}s; task.vocabulary_size is "
            f"{wanted:,}"
        )
    return notes

"""Text classification: read a text by characters, words or subwords, say which label it has (document 5)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from copy import copy
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import field_validator

from seqsum.errors import UserError
from seqsum.formatting import count, percent
from seqsum.schema import setting
from seqsum.tasks.alphabet import Codes, encoded, near_lengths, padded, unknown_alike, within
from seqsum.tasks.asked_rows import AskedPair, AskedRows, PairsOfFile
from seqsum.tasks.base import (
    EVALUATED_TOKENS,
    Answer,
    Batches,
    DataTask,
    Examples,
    Inputs,
    Ints,
    Part,
    TaskConfig,
    one_test_part,
    told_asked,
)
from seqsum.tasks.codec import Codec
from seqsum.tasks.epochs import EpochBatches
from seqsum.tasks.file_rows import AskedFile, FileColumn, column_of_two
from seqsum.tasks.header import Header
from seqsum.tasks.label_scores import LabelCounts
from seqsum.tasks.labelled_lines import WORDS, LabelledLines, LinesSource, read_lines
from seqsum.tasks.plain_tokens import CharacterTokens, SubwordTokens, WordTokens, tokens_of
from seqsum.tasks.registry import register_task
from seqsum.tasks.stream import StepStream, below
from seqsum.tasks.tables import listed
from seqsum.tasks.text_columns import MissingCells, Pair, as_read
from seqsum.tasks.text_files import ENCODING_WORDS, REPLACEMENT, DataFile, Encoding
from seqsum.tasks.tokenizer import KIND_WORDS, Characters, Kind, Tokenizer, enough, learned, restored
from seqsum.text import one_line

ASCII = "".join(map(chr, range(32, 127)))
"""The vocabulary of checkpoints that keep none of their own."""
MOST_ASKED = 2_000  # held-out texts
WHOLE = 1 << 40  # characters: more than a text has


class TextClassificationConfig(TaskConfig):
    """Settings of text classification."""

    name: Literal["text_classification"] = setting("text_classification", "the task: a text; which label has it?")
    file: DataFile = setting(
        None,
        "a CSV or JSONL file of texts with labels; off for lines of code and which package of the standard library "
        "each comes from",
        basic=True,
    )
    text_column: str | None = setting(
        None,
        "the column that holds the texts; off takes `text`, else the first; in JSON Lines also a path such as a.b.0.c",
    )
    label_column: str | None = setting(
        None, "the column that holds the labels, or a path to it; off takes `label`, else the last"
    )
    header: Header = setting("auto", "whether the first line names the columns; auto finds out")
    encoding: Encoding = setting("auto", ENCODING_WORDS)
    missing: MissingCells = setting(
        "refuse", "what is done with rows whose text or label is empty: refuse the file, or drop them"
    )
    test_file: DataFile = setting(
        None,
        "a file of texts with labels for the test, with the columns of task.file; they are asked once, at the end",
    )
    test_share: float = setting(
        0.0, "instead: share of the texts kept for the test; of the others a fifth is held out for validation", ge=0,
        le=0.5,
    )  # fmt: skip
    sampling: Literal["as_they_are", "balanced"] = setting(
        "as_they_are",
        "how training draws texts: as_they_are, each once an epoch; balanced, every label as often as any other, which "
        "helps where some are rare",
    )
    tokenizer: Kind = setting("characters", KIND_WORDS, basic=True)
    vocabulary_size: int = setting(
        5_000, "how many different tokens are told apart, the most frequent; all other characters or words count as "
        "one unknown", ge=1, le=50_000, unit="tokens",
    )  # fmt: skip
    max_length: int = setting(
        80, "how many tokens of a text are read: characters, words or subwords; the rest is cut off", ge=1, le=10_000,
        unit="tokens",
    )  # fmt: skip

    _one_test_part = field_validator("test_share")(one_test_part)
    _enough = field_validator("vocabulary_size")(enough)


@dataclass(frozen=True)
class LabelCodec(Codec):
    """A text as tokens, those unknown being one above the others; the answer is a label.

    tokenizer: its facts; max_length: how many tokens are read; hint: what to type
    """

    tokenizer: dict[str, Any]
    labels: list[str]
    max_length: int
    hint: str

    @cached_property
    def known(self) -> CharacterTokens | WordTokens | SubwordTokens:
        return tokens_of(self.tokenizer)

    def typed(self, text: str) -> str:
        """Return the text; raises UserError where there is nothing to read."""
        if not text.strip():
            raise UserError(f"input: nothing was typed; type {self.hint}")
        return text

    def encode(self, text: str) -> list[int]:
        read = as_read(self.typed(text), self.max_length if "characters" in self.tokenizer else WHOLE) or " "
        unknown = len(self.known.names)
        return [unknown if place < 0 else place for place in self.known.tokens(read)[: self.max_length]]

    def decode(self, inputs: list[int], answer: int) -> str:
        return self.labels[answer]


@register_task
class TextClassification(DataTask[TextClassificationConfig]):
    """Tokens are those that the tokenizer tells apart, of characters the most frequent in the order of their code
    points, then one for all others.

    Held out is every fifth file of the standard library, or the rows that a hash chooses of what is read of their text,
    so that what reads alike stands in one part; at most 2,000 texts of those are asked, evenly spread. The test part is
    a file of its own, or other rows that the hash chooses.
    """

    config_type: ClassVar[type[TaskConfig]] = TextClassificationConfig
    measures = ("balanced_accuracy", "macro_f1")
    title: ClassVar[str] = "Text classification"
    answer: ClassVar[Answer] = "class"
    codec: LabelCodec

    def __init__(self, config: TextClassificationConfig, facts: dict[str, Any] | None = None) -> None:
        """`facts`: what a checkpoint knows of its labels; the file is then read only when it is asked for."""
        super().__init__(config)
        self._test_file, self._test_share = config.test_file, config.test_share
        self._training: tuple[Codes, Ints, Ints] | None = None
        self._parts: dict[str, list[Examples]] = {}
        self._known: dict[bytes, set[int]] = {}
        self._file: PairsOfFile | None = None
        self._counts: LabelCounts | None = None
        if facts is None:
            # Where characters are read, texts are split by what is read of them; else by the whole texts.
            reading = self._reading(config.max_length if config.tokenizer == "characters" else WHOLE)
            lines = read_lines(reading)
            facts = {
                "labels": lines.labels,
                "fingerprint": lines.fingerprint,
                "max_length": reading.max_length,
                "columns": list(lines.columns),
                **self._vocabulary_of(lines),
            }
        # The labels, the tokenizer, how far texts were read to split them, and the SHA-256 of the texts, their labels
        # and their split.
        self._facts = facts
        self._tokenizer = restored(facts, ASCII)
        self.unit = self._tokenizer.unit
        self.vocabulary = len(self._tokenizer.names) + 1
        self.labels: list[str] = facts["labels"]
        self.classes = len(self.labels)
        kind = "a line of code" if config.file is None else "a text"
        self.input_hint = f"{kind}; the labels are {listed(self.labels)}"
        self.codec = LabelCodec(self._tokenizer.facts(), self.labels, config.max_length, self.input_hint)

    @property
    def question_column(self) -> FileColumn:
        return self._column(0)

    @property
    def truth_column(self) -> FileColumn:
        return self._column(1)

    def _column(self, place: int) -> FileColumn:
        config = self.config
        named = self._facts.get("columns") or (config.text_column, config.label_column)
        return column_of_two(config, named, WORDS, place)

    def of_file(self, file: AskedFile) -> TextClassification:
        found = copy(self)
        found.part = "file"
        columns = (
            self.question_column.called(file.column),
            self.truth_column.called(file.truth_column),
        )
        found._file = PairsOfFile(file, *columns, self.unit)
        with suppress(UserError):  # the training part may be gone: it tells which label is the most frequent
            found._load()
        return found

    @property
    def asked_rows(self) -> AskedRows | None:
        return None if self._file is None else self._file.found

    def steps_per_epoch(self, batch_size: int) -> float:
        codes, _, _ = self._load()
        return len(codes) / batch_size

    def batches(self, seed: int, first_step: int, steps: int, batch_size: int) -> Batches:
        codes, lengths, labels = self._load()
        if self.config.sampling == "balanced":
            chosen = balanced(labels, seed, first_step, steps, batch_size)
        else:
            chosen = EpochBatches(seed, "text_classification/train", len(codes)).indices(first_step, steps, batch_size)
        width = int(lengths[chosen].max(initial=1))
        return Batches(codes[chosen, :width].astype(np.int64), lengths[chosen], labels[chosen])

    def held_out(self, low: int | None = None, high: int | None = None) -> Iterator[Examples]:
        """Yield the held-out texts, shortest first, those of nearly one length together; low, high: of which length."""
        if self._file is not None:
            yield from self._of_file(self._file, low, high)
            return
        self._load()
        what = "test text" if self.part == "test" else "held-out text"
        yield from within(self._asked, low, high, what, f"{self.unit}s")

    def held_out_metrics(self, answers: Sequence[Inputs]) -> dict[str, float]:
        """balanced_accuracy: the mean over labels of the share of each one's texts that are right; macro_f1: that of
        their F1 (`label_scores`); majority_class_accuracy: that of always saying the training part's most frequent
        label."""
        counts = self._counts
        if self._file is None:
            self._load()
            targets = np.concatenate([part.targets.astype(np.int64) for part in self._asked])
            answered = np.concatenate([np.asarray(answer) for answer in answers])
            if len(answered) != len(targets):  # only some lengths were asked
                return {}
            counts = LabelCounts.of(answered, targets, self.classes)
        assert counts is not None
        majority = None if self._training is None else float(counts.asked[self._majority] / counts.asked.sum())
        return {
            "balanced_accuracy": float(np.nanmean(counts.recall)),
            "macro_f1": counts.macro_f1,
            **({} if majority is None else {"majority_class_accuracy": majority}),
        }

    def sums_up(self, targets: Inputs, answers: Inputs) -> bool:
        if self._file is None:
            return False
        found = LabelCounts.of(answers, targets, self.classes)
        self._counts = found if self._counts is None else self._counts + found
        return True

    def _of_file(self, file: PairsOfFile, low: int | None, high: int | None) -> Iterator[Examples]:
        """Yield the texts of a file whose label is known, in the order of its parts."""
        places = {label: place for place, label in enumerate(self.labels)}
        self._counts = None
        for part in file.parts():
            known = list[AskedPair]()
            for pair in part:
                label = pair.truth.strip()
                if label in places:
                    known.append(pair)
                else:
                    file.found.labels[label] += 1
                    file.found.leave_out("with a label that the run does not know", pair.line)
            if not known:
                continue
            codes, lengths = self._encoded([(pair.text, pair.truth) for pair in known])
            fit = file.of_lengths(known, lengths, low, high)
            if not fit.any():
                continue
            for row in np.flatnonzero(fit & (lengths >= self.config.max_length)).tolist():
                if self._tokenizer.length(as_read(known[row].text, WHOLE)) > self.config.max_length:
                    file.found.cut.add(known[row].line)
            codes, lengths = codes[fit], lengths[fit]
            labels = np.array([places[pair.truth.strip()] for pair in known], dtype=np.int64)[fit]
            unknown = codes == len(self._tokenizer.names)
            file.found.tokens += int(lengths.sum())
            file.found.unknown += int((unknown & (np.arange(codes.shape[1]) < lengths[:, None])).sum())
            yield from near_lengths(codes, lengths, labels)
        if not file.found.asked:
            raise UserError(file.nothing_asked)

    def parse(self, text: str) -> Ints:
        codes, lengths = self._encoded([(self.codec.typed(text), "")])
        return codes[0, : lengths[0]].astype(np.int64)

    def remarks(self, text: str) -> list[str]:
        whole, most = as_read(text, WHOLE), self.config.max_length
        there = self._tokenizer.length(whole)
        cut = [f"only the first {most:,} of {there:,} {self.unit}s were read"] if most < there else []
        return [*cut, *self._tokenizer.remarks(whole, most)]

    def truth(self, inputs: Inputs) -> str | None:
        """The label of a held-out text, once the texts are read; None for others, and where its rows disagree."""
        labels = self._known.get(inputs.astype(np.int64).tobytes(), set())
        return self.labels[min(labels)] if len(labels) == 1 else None

    def read_answer(self, inputs: Inputs, answer: Inputs) -> str:
        return self.labels[int(answer)]

    def input_names(self, inputs: Inputs) -> list[str]:
        return [self._tokenizer.names[place] if place >= 0 else REPLACEMENT for place in self._places(inputs)]

    def class_names(self) -> list[str]:
        return list(self.labels)

    def echo(self, inputs: Inputs) -> str:
        return self._tokenizer.text(self._places(inputs))

    def render(self, answer: Any) -> str:
        return one_line(str(answer))

    def _reading(self, max_length: int | None) -> LinesSource:
        config = self.config
        return LinesSource(
            config.file,
            config.text_column,
            config.label_column,
            config.header,
            config.missing,
            max_length,
            config.test_file,
            config.test_share,
            config.encoding,
        )

    @property
    def _asked(self) -> list[Examples]:
        """What is asked of the part that is held out here."""
        return self._parts[self.part or "validation"]

    def _vocabulary_of(self, lines: LabelledLines) -> dict[str, Any]:
        """Return the tokenizer's facts and `notes`: the training texts' most frequent tokens, and what is left."""
        most, kind = self.config.vocabulary_size, self.config.tokenizer
        reads = self.config.max_length if kind == "characters" else WHOLE
        tokenizer, there = learned(kind, [as_read(text, reads) for text, _ in lines.training], most)
        if kind == "characters":
            tokenizer = Characters("".join(sorted(tokenizer.names)) or " ")
        known = len(tokenizer.names)
        told = f"texts: {known:,} {tokenizer.unit}s of the training texts are told apart"
        if there > known:
            told += f", of {there:,} (task.vocabulary_size)"
        elif kind != "characters" and known < most:
            told += f", all that there are (task.vocabulary_size is {most:,})"
        if kind != "subwords":
            asked = [tokenizer.places(as_read(text, reads))[: self.config.max_length] for text, _ in lines.held_out]
            unknown = np.concatenate([*asked, np.zeros(0, dtype=np.int64)]) < 0
            share = percent(float(unknown.sum()) / max(1, len(unknown)))
            told += f"; {share} of the {tokenizer.unit}s held out are unknown"
        unread = self._unread(tokenizer)
        asking, tested = len(self._unlike(lines, tokenizer)), len(self._unlike(lines, tokenizer, "test"))
        if not asking or (lines.test and not tested):
            which = "test" if asking else "held-out"
            raise UserError(
                f"task.vocabulary_size: but for {unread} all {which} texts read as training texts; make it larger, "
                "or give more texts"
            )
        alike = len(lines.held_out) - asking
        notes = [*lines.notes, told]
        if alike:
            notes.append(f"texts: not asked: {count(alike, 'held-out text')}, a training text but for {unread}")
        if len(lines.test) > tested:
            alike = len(lines.test) - tested
            notes.append(f"texts: not asked: {count(alike, 'test text')}, a text of the other parts but for {unread}")
        notes += told_asked(self._most_asked, tested, "test texts, evenly spread")
        return {
            **tokenizer.facts(),
            "notes": notes + told_asked(self._most_asked, asking, "held-out texts, evenly spread"),
        }

    @property
    def _keeps_none(self) -> bool:
        """Whether the checkpoint is of the time when none kept its characters."""
        return not {"characters", "words", "subwords"} & self._facts.keys()

    @property
    def _most_asked(self) -> int:
        return min(MOST_ASKED, EVALUATED_TOKENS // self.config.max_length)

    def _unread(self, tokenizer: Tokenizer) -> str:
        """What of a text the network does not see."""
        if isinstance(tokenizer, Characters):
            return "unknown characters"
        return ("unknown words and " if tokenizer.unit == "word" else "") + "what stands after task.max_length"

    def _unlike(self, lines: LabelledLines, tokenizer: Tokenizer, part: Part = "validation") -> list[Pair]:
        """The texts of a part that a network can tell from every text of those before it."""
        most = self.config.max_length
        known = set(tokenizer.names) if isinstance(tokenizer, Characters) else set[str]()

        def tokens(text: str) -> str | bytes:
            if isinstance(tokenizer, Characters):
                return unknown_alike(as_read(text, most), known)
            return tokenizer.places(as_read(text, WHOLE))[:most].tobytes()

        before, asked = (lines.training, lines.held_out)
        if part == "test":
            before, asked = [*lines.training, *lines.held_out], lines.test
        met = {tokens(text) for text, _ in before} if asked else set()
        return [pair for pair in asked if tokens(pair[0]) not in met]

    def _load(self) -> tuple[Codes, Ints, Ints]:
        """Turn the texts into tokens, once; raises UserError when they are no longer those of the facts."""
        if self._training is None:
            lines = read_lines(self._reading(self._facts.get("max_length")))
            if lines.fingerprint != self._facts["fingerprint"]:
                source = self.config.file or "the standard library"
                also = f", or of {self.config.test_file}," if self.config.test_file else ""
                raise UserError(
                    f"task.file: the texts of {source}{also} are not what they were when the run began; put the old "
                    "ones back, or start a new run"
                )
            held_out = lines.held_out if self._keeps_none else self._unlike(lines, self._tokenizer)
            places = {label: place for place, label in enumerate(self.labels)}
            labels = np.array([places[label] for _, label in lines.training], dtype=np.int64)
            self._majority = Counter(labels.tolist()).most_common(1)[0][0]
            self._parts["validation"] = self._examples(held_out, places)
            if lines.test:
                self._parts["test"] = self._examples(self._unlike(lines, self._tokenizer, "test"), places)
            self._training = (*self._encoded(lines.training), labels)
        return self._training

    def _examples(self, texts: list[Pair], places: dict[str, int]) -> list[Examples]:
        """Return texts to be asked, evenly spread, the shortest first; `truth` knows their labels from here on."""
        count = len(texts)
        spread = np.unique(np.linspace(0, count - 1, min(count, self._most_asked)).astype(np.int64))
        pairs = [texts[place] for place in spread]
        codes, lengths = self._encoded(pairs)
        targets = np.array([places[label] for _, label in pairs], dtype=np.int64)
        for row, length, target in zip(codes, lengths.tolist(), targets.tolist(), strict=True):
            self._known.setdefault(row[:length].astype(np.int64).tobytes(), set()).add(target)
        return near_lengths(codes, lengths, targets)

    def _encoded(self, pairs: Sequence[tuple[str, str]]) -> tuple[Codes, Ints]:
        most, tokenizer = self.config.max_length, self._tokenizer
        if isinstance(tokenizer, Characters):
            return encoded([as_read(text, most) for text, _ in pairs], str(tokenizer.names))
        unknown = len(tokenizer.names)
        # An empty text is read as a single space.
        rows = [tokenizer.places(as_read(text, WHOLE) or " ")[:most] for text, _ in pairs]
        lengths = np.array([len(row) for row in rows], dtype=np.int64)
        codes = padded(
            [np.where(row < 0, unknown, row).tolist() for row in rows], int(lengths.max(initial=1)), self.padding
        )
        return codes.astype(np.min_scalar_type(self.padding)), lengths

    def _places(self, inputs: Inputs) -> list[int]:
        """The tokenizer's tokens of an input."""
        return [token if token < len(self._tokenizer.names) else -1 for token in inputs.tolist()]


def balanced(labels: Ints, seed: int, first_step: int, steps: int, batch_size: int) -> Ints:
    """Draw texts for consecutive steps, every label that occurs as likely as any other, and so every text of a label:
    places int64 [steps, batch_size]."""
    order = np.argsort(labels, kind="stable")
    _, starts, counts = np.unique(labels[order], return_index=True, return_counts=True)
    words = StepStream(seed, "text_classification/balanced", 2 * batch_size).words(first_step, steps)
    drawn = below(words[:, :batch_size], len(starts))
    places: Ints = order[starts[drawn] + below(words[:, batch_size:], counts[drawn])]
    return places

"""Text classification: read a text character by character, say which label it has (document 5)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import field_validator

from seqsum.errors import UserError
from seqsum.formatting import count, percent
from seqsum.schema import setting
from seqsum.tasks.alphabet import Codes, encoded, most_frequent, near_lengths, unknown_alike, within
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
from seqsum.tasks.epochs import EpochBatches
from seqsum.tasks.header import Header
from seqsum.tasks.label_scores import LabelCounts
from seqsum.tasks.labelled_lines import LabelledLines, LinesSource, read_lines
from seqsum.tasks.registry import register_task
from seqsum.tasks.stream import StepStream, below
from seqsum.tasks.tables import listed
from seqsum.tasks.text_columns import MissingCells, Pair, as_read
from seqsum.tasks.text_files import ENCODING_WORDS, REPLACEMENT, DataFile, Encoding, unknown_of
from seqsum.text import one_line

ASCII = "".join(map(chr, range(32, 127)))
"""The vocabulary of checkpoints that keep none of their own."""
MOST_ASKED = 2_000  # held-out texts


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
    vocabulary_size: int = setting(
        5_000, "how many different characters are told apart, the most frequent; all others count as one unknown", ge=1,
        le=50_000, unit="characters",
    )  # fmt: skip
    max_length: int = setting(
        80, "how many characters of a text are read; the rest is cut off", ge=1, le=10_000, unit="characters"
    )

    _one_test_part = field_validator("test_share")(one_test_part)


@register_task
class TextClassification(DataTask[TextClassificationConfig]):
    """Tokens are the training texts' most frequent characters in their order, then one for all others.

    Held out is every fifth file of the standard library, or the rows that a hash chooses of what is read of their text,
    so that what reads alike stands in one part; at most 2,000 texts of those are asked, evenly spread. The test part is
    a file of its own, or other rows that the hash chooses.
    """

    config_type: ClassVar[type[TaskConfig]] = TextClassificationConfig
    measures = ("balanced_accuracy", "macro_f1")
    title: ClassVar[str] = "Text classification"
    answer: ClassVar[Answer] = "class"

    def __init__(self, config: TextClassificationConfig, facts: dict[str, Any] | None = None) -> None:
        """`facts`: what a checkpoint knows of its labels; the file is then read only when it is asked for."""
        super().__init__(config)
        self._test_file, self._test_share = config.test_file, config.test_share
        self._training: tuple[Codes, Ints, Ints] | None = None
        self._parts: dict[str, list[Examples]] = {}
        self._known: dict[bytes, set[int]] = {}
        if facts is None:
            reading = self._reading(config.max_length)
            lines = read_lines(reading)
            facts = {
                "labels": lines.labels,
                "fingerprint": lines.fingerprint,
                "max_length": reading.max_length,
                **self._vocabulary_of(lines),
            }
        # The labels, the characters that are told apart, how far texts were read to split them, and the SHA-256 of the
        # texts, their labels and their split.
        self._facts = facts
        self._characters: str = facts.get("characters", ASCII)
        self.vocabulary = len(self._characters) + 1
        self.labels: list[str] = facts["labels"]
        self.classes = len(self.labels)
        kind = "a line of code" if config.file is None else "a text"
        self.input_hint = f"{kind}; the labels are {listed(self.labels)}"

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
        self._load()
        yield from within(self._asked, low, high, "test text" if self.part == "test" else "held-out text")

    def held_out_metrics(self, answers: Sequence[Inputs]) -> dict[str, float]:
        """balanced_accuracy: the mean over labels of the share of each one's texts that are right; macro_f1: that of
        their F1 (`label_scores`); majority_class_accuracy: that of always saying the training part's most frequent
        label."""
        self._load()
        targets = np.concatenate([examples.targets for examples in self._asked])
        answered = np.concatenate([np.asarray(answer) for answer in answers])
        if len(answered) != len(targets):  # only some lengths were asked
            return {}
        counts = LabelCounts.of(answered, targets, self.classes)
        return {
            "balanced_accuracy": float(np.nanmean(counts.recall)),
            "macro_f1": counts.macro_f1,
            "majority_class_accuracy": float((targets == self._majority).mean()),
        }

    def parse(self, text: str) -> Ints:
        if not text.strip():
            raise UserError(f"input: nothing was typed; type {self.input_hint}")
        codes, lengths = encoded([as_read(text, self.config.max_length)], self._characters)
        return codes[0, : lengths[0]].astype(np.int64)

    def remarks(self, text: str) -> list[str]:
        whole, read = as_read(text, len(text)), as_read(text, self.config.max_length)
        told = (
            [f"only the first {len(read):,} of {len(whole):,} characters were read"] if len(read) < len(whole) else []
        )
        unknown = sum(character not in self._characters for character in read)
        return [*told, unknown_of(unknown, len(read))] if unknown else told

    def truth(self, inputs: Inputs) -> str | None:
        """The label of a held-out text, once the texts are read; None for others, and where its rows disagree."""
        labels = self._known.get(inputs.astype(np.int64).tobytes(), set())
        return self.labels[min(labels)] if len(labels) == 1 else None

    def read_answer(self, inputs: Inputs, answer: Inputs) -> str:
        return self.labels[int(answer)]

    def input_names(self, inputs: Inputs) -> list[str]:
        return list(self.echo(inputs))

    def class_names(self) -> list[str]:
        return list(self.labels)

    def echo(self, inputs: Inputs) -> str:
        known = self._characters
        return "".join(known[code] if code < len(known) else REPLACEMENT for code in inputs.tolist())

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
        """Return the facts `characters` and `notes`: the training texts' most frequent characters, and what is left."""
        read = [as_read(text, self.config.max_length) for text, _ in lines.training]
        counts = Counter("".join(read))
        characters = most_frequent(counts, self.config.vocabulary_size) or " "
        asked = Counter("".join(as_read(text, self.config.max_length) for text, _ in lines.held_out))
        unknown = asked.total() - sum(asked[character] for character in characters)
        told = f"texts: {len(characters):,} characters of the training texts are told apart"
        if len(counts) > len(characters):
            told += f", of {len(counts):,} (task.vocabulary_size)"
        told += f"; {percent(unknown / max(1, asked.total()))} of the characters held out are unknown"
        asking, tested = len(self._unlike(lines, characters)), len(self._unlike(lines, characters, "test"))
        if not asking or (lines.test and not tested):
            which = "test" if asking else "held-out"
            raise UserError(
                f"task.vocabulary_size: but for unknown characters all {which} texts read as training texts; make it "
                "larger, or give more texts"
            )
        alike = len(lines.held_out) - asking
        notes = [*lines.notes, told]
        if alike:
            notes.append(
                f"texts: not asked: {count(alike, 'held-out text')}, a training text but for unknown characters"
            )
        if len(lines.test) > tested:
            alike = len(lines.test) - tested
            notes.append(
                f"texts: not asked: {count(alike, 'test text')}, a text of the other parts but for unknown characters"
            )
        notes += told_asked(self._most_asked, tested, "test texts, evenly spread")
        return {
            "characters": characters,
            "notes": notes + told_asked(self._most_asked, asking, "held-out texts, evenly spread"),
        }

    @property
    def _most_asked(self) -> int:
        return min(MOST_ASKED, EVALUATED_TOKENS // self.config.max_length)

    def _unlike(self, lines: LabelledLines, characters: str, part: Part = "validation") -> list[Pair]:
        """The texts of a part that a network can tell from every text of those before it."""
        known, most = set(characters), self.config.max_length

        def tokens(text: str) -> str:
            return unknown_alike(as_read(text, most), known)

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
            held_out = self._unlike(lines, self._characters) if "characters" in self._facts else lines.held_out
            places = {label: place for place, label in enumerate(self.labels)}
            labels = np.array([places[label] for _, label in lines.training], dtype=np.int64)
            self._majority = Counter(labels.tolist()).most_common(1)[0][0]
            self._parts["validation"] = self._examples(held_out, places)
            if lines.test:
                self._parts["test"] = self._examples(self._unlike(lines, self._characters, "test"), places)
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
        return encoded([as_read(text, self.config.max_length) for text, _ in pairs], self._characters)


def balanced(labels: Ints, seed: int, first_step: int, steps: int, batch_size: int) -> Ints:
    """Draw texts for consecutive steps, every label that occurs as likely as any other, and so every text of a label:
    places int64 [steps, batch_size]."""
    order = np.argsort(labels, kind="stable")
    _, starts, counts = np.unique(labels[order], return_index=True, return_counts=True)
    words = StepStream(seed, "text_classification/balanced", 2 * batch_size).words(first_step, steps)
    drawn = below(words[:, :batch_size], len(starts))
    places: Ints = order[starts[drawn] + below(words[:, batch_size:], counts[drawn])]
    return places

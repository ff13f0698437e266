"""Pairs of texts: read a source, character by character, and write its target (document 3, unequal lengths)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from copy import copy
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import field_validator

from seqsum.cells import shorten
from seqsum.errors import UserError
from seqsum.formatting import count, percent
from seqsum.schema import setting
from seqsum.tasks.alphabet import (
    ENDS,
    Codes,
    encoded,
    most_frequent,
    near_lengths,
    unknown_alike,
    within,
)
from seqsum.tasks.asked_rows import AskedPair, AskedRows, PairsOfFile
from seqsum.tasks.base import (
    NOT_ASKED,
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
from seqsum.tasks.edit_distance import edit_distances
from seqsum.tasks.epochs import EpochBatches
from seqsum.tasks.file_rows import AskedFile, FileColumn, column_of_two
from seqsum.tasks.header import Header
from seqsum.tasks.paired_texts import LONGEST, WORDS, PairedTexts, PairsSource, number_target, read_pairs
from seqsum.tasks.registry import register_task
from seqsum.tasks.text_columns import MissingCells, Pair, as_read
from seqsum.tasks.text_files import ENCODING_WORDS, REPLACEMENT, DataFile, Encoding, unknown_of
from seqsum.text import one_line

MOST_ASKED = 1_000  # pairs of a part
WRITTEN_TOKENS = 100_000  # of a part's answers, about: they are written one by one
EXAMPLE = 40  # cells
ROWS = 1_024  # whose edits are counted at once


class PairsConfig(TaskConfig):
    """Settings of pairs of texts."""

    name: Literal["pairs"] = setting("pairs", "the task: a text; what is written for it?")
    file: DataFile = setting(
        None,
        "a CSV or JSONL file of sources and targets; off for the numbers 1 to 9,999 and their English words",
        basic=True,
    )
    source_column: str | None = setting(
        None,
        "the column of what is read; off takes `source`, else the first; in JSON Lines also a path such as a.b.0.c",
    )
    target_column: str | None = setting(
        None, "the column of what is written, or a path to it; off takes `target`, else the last"
    )
    header: Header = setting("auto", "whether the first line names the columns; auto finds out")
    encoding: Encoding = setting("auto", ENCODING_WORDS)
    missing: MissingCells = setting(
        "refuse", "what is done with rows whose source or target is empty: refuse the file, or drop them"
    )
    test_file: DataFile = setting(
        None, "a file of pairs for the test, with the columns of task.file; they are asked once, at the end"
    )
    test_share: float = setting(
        0.0, "instead: share of the pairs kept for the test; of the others a fifth is held out for validation", ge=0,
        le=0.5,
    )  # fmt: skip
    vocabulary_size: int = setting(
        500, "how many different characters are told apart in sources, and in targets, the most frequent; all others "
        "count as one unknown, which is never written", ge=1, le=50_000, unit="characters",
    )  # fmt: skip
    longest: int = setting(
        100, "pairs with a longer source or target are left out", ge=1, le=LONGEST, unit="characters"
    )

    _one_test_part = field_validator("test_share")(one_test_part)


@dataclass(frozen=True)
class PairCodec(Codec):
    """Characters of the sources as tokens, those unknown being one above the others; the answer is a target.

    longest: how many characters are read; hint: what to type
    """

    sources: str
    targets: str
    longest: int
    hint: str

    def encode(self, text: str) -> list[int]:
        read = as_read(text, self.longest)
        if not read:
            raise UserError(f"input: nothing was typed; type {self.hint}")
        places = {character: place for place, character in enumerate(self.sources)}
        return [places.get(character, len(places)) for character in read]

    def decode(self, inputs: list[int], answer: list[int]) -> str:
        end = len(self.targets) + 1
        return _text(answer[: answer.index(end)] if end in answer else answer, self.targets)


@register_task
class Pairs(DataTask[PairsConfig]):
    """Sources and targets as characters; what is unknown among those of the training part is one token of its own.

    Held out are the pairs that a hash of the source chooses, so that one source stands in one part; of each part at
    most 1,000 are asked, evenly spread. The test part is a file of its own, or other pairs that the hash chooses.
    """

    config_type: ClassVar[type[TaskConfig]] = PairsConfig
    measures = ("edit_distance", "character_error_rate")
    title: ClassVar[str] = "Pairs of texts"
    codec: PairCodec
    answer: ClassVar[Answer] = "sequence"

    def __init__(self, config: PairsConfig, facts: dict[str, Any] | None = None) -> None:
        """`facts`: what a checkpoint knows of its pairs; the file is then read only when it is asked for."""
        super().__init__(config)
        self._test_file, self._test_share = config.test_file, config.test_share
        self._training: tuple[Codes, Ints, Codes, Ints] | None = None
        self._parts: dict[str, list[Examples]] = {}
        self._known: dict[bytes, set[str]] = {}
        self._file: PairsOfFile | None = None
        self._sums = np.zeros(3, dtype=np.int64)
        """Of a file: edits, characters and rows."""
        # The characters that are told apart, the longest answer, a source to show, the SHA-256 of the pairs and their
        # split, and what is to be said of them.
        self._facts = self._found(read_pairs(self._reading)) if facts is None else facts
        self._sources: str = self._facts["sources"]
        self._targets: str = self._facts["targets"]
        self.longest_answer: int = self._facts["longest_answer"]
        self.vocabulary = len(self._sources) + 1
        self.end = len(self._targets) + 1
        self.classes = self.begin = self.end + 1
        self.target_vocabulary = self.end + 2
        kind = "a number" if config.file is None else "a text"
        self.input_hint = f"{kind} such as {self._facts['example']}"
        self.codec = PairCodec(self._sources, self._targets, config.longest, self.input_hint)

    @property
    def question_column(self) -> FileColumn:
        return self._column(0)

    @property
    def truth_column(self) -> FileColumn:
        return self._column(1)

    def _column(self, place: int) -> FileColumn:
        config = self.config
        named = self._facts.get("columns") or (config.source_column, config.target_column)
        return column_of_two(config, named, WORDS, place)

    def of_file(self, file: AskedFile) -> Pairs:
        found = copy(self)
        found.part = "file"
        targets = self.truth_column.called(file.truth_column)
        found._file = PairsOfFile(file, self.question_column.called(file.column), targets, self.unit)
        return found

    @property
    def asked_rows(self) -> AskedRows | None:
        return None if self._file is None else self._file.found

    def steps_per_epoch(self, batch_size: int) -> float:
        return len(self._load()[0]) / batch_size

    def batches(self, seed: int, first_step: int, steps: int, batch_size: int) -> Batches:
        sources, lengths, targets, target_lengths = self._load()
        chosen = EpochBatches(seed, "pairs/train", len(sources)).indices(first_step, steps, batch_size)
        width = int(lengths[chosen].max())
        answers = self._answers(targets[chosen.ravel()], target_lengths[chosen.ravel()])
        return Batches(
            sources[chosen, :width].astype(np.int64), lengths[chosen], answers.reshape(steps, batch_size, -1)
        )

    def held_out(self, low: int | None = None, high: int | None = None) -> Iterator[Examples]:
        """Yield the held-out pairs, the shortest sources first, those of nearly one length together."""
        if self._file is not None:
            yield from self._of_file(self._file, low, high)
            return
        self._load()
        yield from within(self._asked, low, high, "test source" if self.part == "test" else "held-out source")

    def held_out_metrics(self, answers: Sequence[Inputs]) -> dict[str, float]:
        """edit_distance: how many characters of an answer must be put right, on the mean; character_error_rate: that
        for each character of the targets. The share of answers with none is the accuracy."""
        sums = self._sums
        if self._file is None:
            self._load()
            truths = [examples.targets for examples in self._asked]
            if sum(map(len, answers)) != sum(map(len, truths)):  # only some lengths were asked
                return {}
            sums = self._summed(truths, answers)
        edits, characters, rows = sums.tolist()
        return {"edit_distance": edits / rows, "character_error_rate": edits / characters}

    def sums_up(self, targets: Inputs, answers: Inputs) -> bool:
        if self._file is None:
            return False
        self._sums += self._summed([targets], [answers])
        return True

    def _summed(self, truths: Sequence[Inputs], answers: Sequence[Inputs]) -> Ints:
        """Return how many characters must be put right, how many there are, and the rows: int64 [3]."""
        edits = characters = 0
        said, targets = (_evened(parts, self.end) for parts in (answers, truths))
        for start in range(0, len(targets), ROWS):
            some = slice(start, start + ROWS)
            lengths, asked = (_before_end(tokens[some], self.end) for tokens in (said, targets))
            edits += int(edit_distances(said[some], lengths, targets[some], asked).sum())
            characters += int(asked.sum())
        return np.array([edits, characters, len(targets)], dtype=np.int64)

    def _of_file(self, file: PairsOfFile, low: int | None, high: int | None) -> Iterator[Examples]:
        """Yield the pairs of a file that are short enough, in the order of its parts."""
        self._sums, most = np.zeros(3, dtype=np.int64), self.config.longest
        for part in file.parts():
            pairs, short = list[Pair](), list[AskedPair]()
            for pair in part:
                read = as_read(pair.text, len(pair.text)), as_read(pair.truth, len(pair.truth))
                if max(map(len, read)) > most:
                    file.found.leave_out(f"longer than {most:,} characters (task.longest)", pair.line)
                else:
                    pairs.append(read)
                    short.append(pair)
            if not pairs:
                continue
            codes, lengths = encoded([source for source, _ in pairs], self._sources)
            fit = file.of_lengths(short, lengths, low, high)
            if not fit.any():
                continue
            codes, lengths = codes[fit], lengths[fit]
            file.found.tokens += int(lengths.sum())
            file.found.unknown += int((codes == len(self._sources)).sum())
            answers = self._answers(*encoded([target for _, target in pairs], self._targets))[fit]
            yield from near_lengths(codes, lengths, answers)
        if not file.found.asked:
            raise UserError(file.nothing_asked)

    def parse(self, text: str) -> Ints:
        return np.array(self.codec.encode(text), dtype=np.int64)

    def remarks(self, text: str) -> list[str]:
        whole, read = as_read(text, len(text)), as_read(text, self.config.longest)
        told = (
            [f"only the first {len(read):,} of {len(whole):,} characters were read"] if len(read) < len(whole) else []
        )
        unknown = sum(character not in self._sources for character in read)
        return [*told, unknown_of(unknown, len(read))] if unknown else told

    def truth(self, inputs: Inputs) -> str | None:
        """The words of a number; of a file's sources the target of one that is asked, once the pairs are read, and None
        where its rows disagree."""
        if self.config.file is None:
            return number_target(self.echo(inputs))
        targets = self._known.get(inputs.astype(np.int64).tobytes(), set())
        return next(iter(targets)) if len(targets) == 1 else None

    def read_answer(self, inputs: Inputs, answer: Inputs) -> str:
        return self.codec.decode(inputs.tolist(), answer.tolist())

    def echo(self, inputs: Inputs) -> str:
        return _text(inputs.tolist(), self._sources)

    def input_names(self, inputs: Inputs) -> list[str]:
        return list(self.echo(inputs))

    def class_names(self) -> list[str]:
        return [*self._targets, REPLACEMENT, ENDS]

    def render(self, answer: Any) -> str:
        return one_line(str(answer))

    @property
    def _reading(self) -> PairsSource:
        config = self.config
        return PairsSource(
            config.file,
            config.source_column,
            config.target_column,
            config.header,
            config.encoding,
            config.missing,
            config.longest,
            config.test_file,
            config.test_share,
        )

    @property
    def _asked(self) -> list[Examples]:
        """What is asked of the part that is held out here."""
        return self._parts[self.part or "validation"]

    def _found(self, pairs: PairedTexts) -> dict[str, Any]:
        """Return the facts of pairs; raises UserError where too few characters are told apart."""
        most = self.config.vocabulary_size
        counts = [Counter("".join(pair[at] for pair in pairs.training)) for at in (0, 1)]
        sources, targets = (most_frequent(those, most) for those in counts)
        told = f"pairs: {len(sources):,} characters of the training sources are told apart"
        told += f", of {len(counts[0]):,}" if len(counts[0]) > most else ""
        told += f", and {len(targets):,} of the targets"
        told += f", of {len(counts[1]):,}" if len(counts[1]) > most else ""
        left_out = len(pairs.training) - len(_writable(pairs.training, targets))
        if left_out == len(pairs.training):
            raise UserError(
                "task.vocabulary_size: every training target has a character that is not told apart; make it larger"
            )
        if left_out:
            told += f"; left out: {count(left_out, 'training pair')} whose target has another one"
        longest = 1 + max(len(target) for part in (pairs.training, pairs.held_out, pairs.test) for _, target in part)
        notes = [*pairs.notes, told, *_asking("held-out", pairs.held_out, _unlike(pairs, sources), targets, longest)]
        if pairs.test:
            notes += _asking("test", pairs.test, _unlike(pairs, sources, "test"), targets, longest)
        fitting = (source for source, _ in pairs.held_out if len(source) <= EXAMPLE)
        return {
            "sources": sources,
            "targets": targets,
            "longest_answer": longest,
            "example": shorten(one_line(max(fitting, key=len, default=pairs.held_out[0][0])), EXAMPLE),
            "fingerprint": pairs.fingerprint,
            "columns": list(pairs.columns),
            "notes": notes,
        }

    def _load(self) -> tuple[Codes, Ints, Codes, Ints]:
        """Return the training pairs as tokens, sources [pairs, longest] and targets, each with their lengths.

        Turned into tokens once; raises UserError when the pairs are no longer those of the facts.
        """
        if self._training is None:
            pairs = read_pairs(self._reading)
            if pairs.fingerprint != self._facts["fingerprint"]:
                source = self.config.file or "the numbers"
                also = f", or of {self.config.test_file}," if self.config.test_file else ""
                raise UserError(
                    f"task.file: the pairs of {source}{also} are not what they were when the run began; put the old "
                    "ones back, or start a new run"
                )
            self._parts["validation"] = self._examples(_unlike(pairs, self._sources))
            if pairs.test:
                self._parts["test"] = self._examples(_unlike(pairs, self._sources, "test"))
            written = _writable(pairs.training, self._targets)
            self._training = (
                *encoded([source for source, _ in written], self._sources),
                *encoded([target for _, target in written], self._targets),
            )
        return self._training

    def _examples(self, pairs: list[Pair]) -> list[Examples]:
        """Return pairs to be asked, evenly spread; `truth` knows their targets from here on."""
        spread = np.linspace(0, len(pairs) - 1, min(len(pairs), _most_asked(self.longest_answer)))
        chosen = [pairs[place] for place in np.unique(spread.astype(np.int64))]
        codes, lengths = encoded([source for source, _ in chosen], self._sources)
        for row, length, (_, target) in zip(codes, lengths.tolist(), chosen, strict=True):
            self._known.setdefault(row[:length].astype(np.int64).tobytes(), set()).add(target)
        return near_lengths(codes, lengths, self._answers(*encoded([target for _, target in chosen], self._targets)))

    def _answers(self, codes: Codes, lengths: Ints) -> Ints:
        """Return targets with their end, NOT_ASKED behind it: int64 [rows, longest_answer], or more for longer ones."""
        width = max(self.longest_answer, codes.shape[1] + 1)
        answers = np.full((len(codes), width), self.end)
        answers[:, : codes.shape[1]] = codes  # filled up with what is the end here
        answers[np.arange(width) > lengths[:, None]] = NOT_ASKED
        return answers


def _most_asked(longest_answer: int) -> int:
    return min(MOST_ASKED, WRITTEN_TOKENS // longest_answer)


def _unlike(pairs: PairedTexts, characters: str, part: Part = "validation") -> list[Pair]:
    """The pairs of a part whose source a network can tell from every source of the parts before it."""
    known = set(characters)
    before, asked = pairs.training, pairs.held_out
    if part == "test":
        before, asked = [*before, *asked], pairs.test
    met = {unknown_alike(source, known) for source, _ in before}
    return [pair for pair in asked if unknown_alike(pair[0], known) not in met]


def _asking(which: str, there: list[Pair], asked: list[Pair], targets: str, longest_answer: int) -> list[str]:
    """Return what is to be said of the pairs of a part that are asked, and of those that are not; raises UserError
    where none is asked."""
    if not asked:
        raise UserError(
            f"task.vocabulary_size: but for unknown characters all {which} sources read as others; make it larger, or "
            "give more pairs"
        )
    notes = []
    if len(there) > len(asked):
        alike = count(len(there) - len(asked), f"{which} pair")
        notes.append(f"pairs: not asked: {alike}, whose source is that of another part but for unknown characters")
    unknown = len(asked) - len(_writable(asked, targets))
    if unknown:
        notes.append(
            f"pairs: {percent(unknown / len(asked))} of the {which} targets have a character that is not told apart, "
            "and always count as wrong"
        )
    return notes + told_asked(_most_asked(longest_answer), len(asked), f"{which} pairs, evenly spread")


def _writable(pairs: Sequence[Pair], characters: str) -> list[Pair]:
    """The pairs whose target has no other characters: what stands for all others is never learned to be written."""
    known = set(characters)
    return [pair for pair in pairs if known.issuperset(pair[1])]


def _text(tokens: Sequence[int], characters: str) -> str:
    return "".join(characters[token] if 0 <= token < len(characters) else REPLACEMENT for token in tokens)


def _before_end(tokens: Ints, end: int) -> Ints:
    """How many tokens stand before the first end, or all: int64 [rows]."""
    ends = tokens == end
    lengths: Ints = np.where(ends.any(axis=1), ends.argmax(axis=1), tokens.shape[1])
    return lengths


def _evened(parts: Sequence[Inputs], end: int) -> Ints:
    """Join rows of tokens of several widths, filled up with the end: int64 [rows, widest]."""
    joined = np.full((sum(map(len, parts)), max((part.shape[1] for part in parts), default=0)), end)
    row = 0
    for part in parts:
        joined[row : row + len(part), : part.shape[1]] = part
        row += len(part)
    return joined

"""Pairs of texts: read a source, character by character, and write its target (document 3, unequal lengths)."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import field_validator

from seqsum.errors import UserError
from seqsum.files import file_stamp
from seqsum.formatting import count, percent
from seqsum.schema import setting, shown
from seqsum.tasks.alphabet import ENDS, by_length, padded, places_in
from seqsum.tasks.base import (
    NOT_ASKED,
    Answer,
    Batches,
    DataTask,
    Examples,
    Inputs,
    Ints,
    TaskConfig,
    one_test_part,
    told_asked,
)
from seqsum.tasks.edit_distance import edit_distances
from seqsum.tasks.epochs import EpochBatches
from seqsum.tasks.header import Header
from seqsum.tasks.labelled_lines import MissingCells, as_read, part_of
from seqsum.tasks.number_words import in_words
from seqsum.tasks.registry import register_task
from seqsum.tasks.tables import listed_lines, read_table
from seqsum.tasks.text_files import ENCODING_WORDS, REPLACEMENT, DataFile, Encoding, unknown_of
from seqsum.text import one_line

NUMBERS = 10_000
MOST_ASKED = 1_000  # pairs of a part: each answer is written token by token

Pair = tuple[str, str]
"""A source and its target."""
Parts = tuple[tuple[Pair, ...], tuple[Pair, ...], tuple[Pair, ...], tuple[str, ...]]
"""The pairs for training, held out for validation, and for the test; and what is to be said of them."""


class PairsConfig(TaskConfig):
    """Settings of pairs of texts."""

    name: Literal["pairs"] = setting("pairs", "the task: a text; what is written for it?")
    file: DataFile = setting(
        None,
        "a CSV or JSONL file of sources and targets; off for the numbers 0 to 9,999 and their English words",
        basic=True,
    )
    source_column: str | None = setting(
        None, "the column of what is read, or in JSON Lines a path such as a.0.b; off takes `source`, else the first"
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
        500, "how many different characters are told apart in sources and in targets, the most frequent", ge=1,
        le=50_000, unit="characters",
    )  # fmt: skip
    longest: int = setting(100, "pairs with a longer source or target are left out", ge=1, le=1_000, unit="characters")

    _one_test_part = field_validator("test_share")(one_test_part)


@register_task
class Pairs(DataTask[PairsConfig]):
    """Sources and targets as characters; what is unknown among those of the training part is one token of its own.

    Held out are the pairs that a hash of the source chooses, so that one source stands in one part; of each part at
    most 1,000 are asked, evenly spread.
    """

    config_type: ClassVar[type[TaskConfig]] = PairsConfig
    title: ClassVar[str] = "Pairs of texts"
    answer: ClassVar[Answer] = "sequence"

    def __init__(self, config: PairsConfig, facts: dict[str, Any] | None = None) -> None:
        """`facts`: what a checkpoint knows of its pairs; the file is then read only when it is asked for."""
        super().__init__(config)
        self._test_file, self._test_share = config.test_file, config.test_share
        self._parts: Parts | None = None
        self._trained: tuple[list[list[int]], list[list[int]]] | None = None
        self._known: dict[bytes, set[str]] = {}
        self._facts = self._read() if facts is None else facts
        self._sources: str = self._facts["sources"]
        self._targets: str = self._facts["targets"]
        self.longest_answer: int = self._facts["longest_answer"]
        self.vocabulary = len(self._sources) + 1
        self.end = len(self._targets) + 1
        self.classes = self.begin = self.end + 1
        self.target_vocabulary = self.end + 2
        self.input_hint = "a number such as 4071" if config.file is None else "a text, as the sources of the file are"

    def steps_per_epoch(self, batch_size: int) -> float:
        return len(self._tokens()[0]) / batch_size

    def batches(self, seed: int, first_step: int, steps: int, batch_size: int) -> Batches:
        sources, targets = self._tokens()
        chosen = EpochBatches(seed, "pairs/train", len(sources)).indices(first_step, steps, batch_size)
        places = chosen.ravel().tolist()
        read = [sources[place] for place in places]
        lengths = np.array([len(row) for row in read]).reshape(steps, batch_size)
        width = int(lengths.max())
        return Batches(
            padded(read, width, self.padding).reshape(steps, batch_size, width),
            lengths,
            padded([targets[place] for place in places], self.longest_answer, NOT_ASKED).reshape(steps, batch_size, -1),
        )

    def held_out(self, low: int | None = None, high: int | None = None) -> Iterator[Examples]:
        sources, targets = self._asked()
        return by_length(sources, padded(targets, self.longest_answer, NOT_ASKED), low, high)

    def held_out_metrics(self, answers: Sequence[Inputs]) -> dict[str, float]:
        """edit_distance: how many characters of an answer must be put right, on the mean; character_error_rate: that
        for each character of the targets. The share of answers with none is the accuracy."""
        targets = np.concatenate([part.targets for part in self.held_out()])
        if sum(map(len, answers)) != len(targets):  # only some lengths were asked
            return {}
        width = max(part.shape[1] for part in answers)
        said = np.concatenate([padded(part.tolist(), width, self.end) for part in answers])
        lengths, asked = (_before_end(tokens, self.end) for tokens in (said, targets))
        edits = edit_distances(said, lengths, targets, asked)
        return {
            "edit_distance": float(edits.mean()),
            "character_error_rate": float(edits.sum() / max(1, int(asked.sum()))),
        }

    def parse(self, text: str) -> Ints:
        read = as_read(text, self.config.longest)
        if not read:
            raise UserError(f"input: nothing was typed; type {self.input_hint}")
        return np.array(_encoded(read, self._sources), dtype=np.int64)

    def remarks(self, text: str) -> list[str]:
        whole, read = as_read(text, len(text)), as_read(text, self.config.longest)
        told = (
            [f"only the first {len(read):,} of {len(whole):,} characters were read"] if len(read) < len(whole) else []
        )
        unknown = sum(character not in self._sources for character in read)
        return [*told, unknown_of(unknown, len(read))] if unknown else told

    def truth(self, inputs: Inputs) -> str | None:
        """The target of an asked source, once the pairs are read; None for others, and where its rows disagree."""
        targets = self._known.get(inputs.astype(np.int64).tobytes(), set())
        return next(iter(targets)) if len(targets) == 1 else None

    def read_answer(self, inputs: Inputs, answer: Inputs) -> str:
        tokens = answer.tolist()
        tokens = tokens[: tokens.index(self.end)] if self.end in tokens else tokens
        return _text(tokens, self._targets)

    def echo(self, inputs: Inputs) -> str:
        return _text(inputs.tolist(), self._sources)

    def input_names(self, inputs: Inputs) -> list[str]:
        return list(self.echo(inputs))

    def class_names(self) -> list[str]:
        return [*self._targets, REPLACEMENT, ENDS]

    def render(self, answer: Any) -> str:
        return one_line(str(answer))

    def _load(self) -> Parts:
        """Read the pairs, once; raises UserError when they are no longer those of the facts."""
        if self._parts is None:
            config = self.config
            stamps = file_stamp(config.file or ""), file_stamp(config.test_file or "")
            parts = read_pairs(config, stamps)
            known = getattr(self, "_facts", {}).get("fingerprint")
            if known is not None and known != _fingerprint(parts):
                source = config.file or "the numbers"
                also = f", or of {config.test_file}," if config.test_file else ""
                raise UserError(
                    f"task.file: the pairs of {source}{also} are not what they were when the run began; put the old "
                    "ones back, or start a new run"
                )
            self._parts = parts
        return self._parts

    def _read(self) -> dict[str, Any]:
        """Read the pairs, and say what an answer needs of them."""
        training, held_out, test, notes = self._load()
        sources, targets = (
            _most_frequent((pair[at] for pair in training), self.config.vocabulary_size) for at in (0, 1)
        )
        writable = len(_writable(training, targets))
        if not writable:
            raise UserError(
                "task.vocabulary_size: every training target has a character that is not told apart; make it larger"
            )
        asked = [*held_out, *test]
        unknown = sum(not {*target} <= {*targets} for _, target in asked)
        told = (
            f"pairs: {len(sources):,} characters of the training sources and {len(targets):,} of the targets are told "
            f"apart; {percent(unknown / len(asked))} of the targets that are asked have another one, and can't be "
            "answered right"
        )
        return {
            "sources": sources,
            "targets": targets,
            "longest_answer": 1 + max(len(target) for part in (training, asked) for _, target in part),
            "fingerprint": _fingerprint((training, held_out, test, notes)),
            "notes": [
                *notes,
                told,
                *(
                    [f"pairs: so have {count(len(training) - writable, 'training pair')}, which are left out"]
                    if writable < len(training)
                    else []
                ),
                *told_asked(MOST_ASKED, len(held_out), "held-out pairs, evenly spread"),
                *told_asked(MOST_ASKED, len(test), "test pairs, evenly spread"),
            ],
        }

    def _tokens(self) -> tuple[list[list[int]], list[list[int]]]:
        """The training pairs as tokens, each target with its end."""
        if self._trained is None:
            self._trained = self._encode(_writable(self._load()[0], self._targets))
        return self._trained

    def _encode(self, pairs: Sequence[Pair]) -> tuple[list[list[int]], list[list[int]]]:
        return (
            [_encoded(source, self._sources) for source, _ in pairs],
            [[*_encoded(target, self._targets), self.end] for _, target in pairs],
        )

    def _asked(self) -> tuple[list[list[int]], list[list[int]]]:
        """What is asked of the part that is held out here; `truth` knows its targets from here on."""
        pairs = self._load()[2 if self.part == "test" else 1]
        spread = np.unique(np.linspace(0, len(pairs) - 1, min(len(pairs), MOST_ASKED)).astype(np.int64)).tolist()
        chosen = [pairs[place] for place in spread]
        sources, targets = self._encode(chosen)
        for tokens, (_, target) in zip(sources, chosen, strict=True):
            self._known.setdefault(np.array(tokens, dtype=np.int64).tobytes(), set()).add(target)
        return sources, targets


@lru_cache(maxsize=2)  # a form makes the task anew at every change
def read_pairs(config: PairsConfig, stamps: object) -> Parts:
    """Read pairs and part them. `stamps`: of the files as they are now; a changed one is read anew."""
    notes: list[str] = []
    if config.file is None:
        pairs, columns = [(str(number), in_words(number)) for number in range(NUMBERS)], ("source", "target")
        name = "the numbers 0 to 9,999 and their words"
    else:
        pairs, columns, notes = _from_file(config.file, config, "task.file", None)
        name = one_line(Path(config.file).name)
    pairs, told = _short_enough(pairs, config.longest, name)
    notes += told
    parts: dict[str, list[Pair]] = {"training": [], "validation": [], "test": []}
    for pair in pairs:
        parts[part_of(pair[0], config.test_share)].append(pair)
    training, held_out, test = parts.values()
    if config.test_file is not None:
        more, _, told = _from_file(config.test_file, config, "task.test_file", columns)
        more, left_out = _short_enough(more, config.longest, one_line(Path(config.test_file).name))
        notes += [*told, *left_out]
        seen = {source for source, _ in pairs}
        test = [pair for pair in more if pair[0] not in seen]
    _check(training, held_out, test, config, name)
    parted = f"{len(training):,} for training and {len(held_out):,} held out"
    parted += f", {len(test):,} for the test, asked once, at the end" if test else ""
    return tuple(training), tuple(held_out), tuple(test), (*notes, f"pairs: {name}; {parted}, by the source")


def _check(training: list[Pair], held_out: list[Pair], test: list[Pair], config: PairsConfig, name: str) -> None:
    """Raise UserError for a part that has nothing in it."""
    wants_test = config.test_file is not None or config.test_share > 0
    if wants_test and not test:
        field = "test_share" if config.test_file is None else "test_file"
        raise UserError(f"task.{field}: no pair is left for the test, whose source stands in no other part; give more")
    if not training or not held_out:
        different = len({source for source, _ in (*training, *held_out)})
        raise UserError(
            f"task.file: {name} has {count(different, 'different source')}, all of them in one part when every fifth "
            "is held out; give more pairs, or name another column (task.source_column)"
        )


def _from_file(
    file: str, config: PairsConfig, field: str, columns: tuple[str, str] | None
) -> tuple[list[Pair], tuple[str, str], list[str]]:
    """Return a file's pairs, as they are read, the columns they come from, and what is to be said of it."""
    wanted = columns or (config.source_column, config.target_column)
    table = read_table(file, config.header, field=field, encoding=config.encoding, paths=wanted)
    source = wanted[0] or ("source" if "source" in table.columns else table.columns[0])
    target = wanted[1] or ("target" if "target" in table.columns else table.columns[-1])
    places = table.column(source, "task.source_column"), table.column(target, "task.target_column")
    if places[0] == places[1]:
        raise UserError(
            f"task.target_column: {table.source} has source and target in one column, {shown(source)}; name another"
        )
    # Cells are far shorter than a file, so that their whole length is read here, and judged behind.
    cells = [[as_read(cell, len(cell)) for cell in table.cells(place)] for place in places]
    pairs = list(zip(*cells, strict=True))
    empty = [row for row, pair in enumerate(pairs) if not all(pair)]
    notes = [*table.notes, f"pairs: {shown(source)} is read, and {shown(target)} is written"]
    if empty:
        lines = listed_lines([table.places[row] for row in empty])
        if config.missing == "refuse":
            column, what = (places[0], "source") if not pairs[empty[0]][0] else (places[1], "target")
            raise UserError(
                f"{table.place(empty[0], column)}: the {what} is empty, {count(len(empty), 'row')} in all ({lines}); "
                "fill in what is missing, or set task.missing to drop"
            )
        notes.append(f"pairs: left out: {count(len(empty), 'row')} without source or target ({lines})")
    return [(pair[0], pair[1]) for pair in pairs if all(pair)], (source, target), notes


def _short_enough(pairs: list[Pair], longest: int, name: str) -> tuple[list[Pair], list[str]]:
    """Leave out long pairs, and say so; raises UserError where none is left."""
    kept = [pair for pair in pairs if max(map(len, pair)) <= longest]
    if not kept:
        raise UserError(f"task.longest: no pair of {name} is at most {longest:,} characters long; make it larger")
    left = len(pairs) - len(kept)
    return kept, [f"pairs: left out: {count(left, 'pair')} of {name} longer than {longest:,} (task.longest)"] * (
        left > 0
    )


def _writable(pairs: Sequence[Pair], characters: str) -> list[Pair]:
    """The pairs whose target has no other characters: what stands for all others is never learned to be written."""
    known = set(characters)
    return [pair for pair in pairs if known.issuperset(pair[1])]


def _most_frequent(texts: Iterator[str], most: int) -> str:
    """The most frequent characters, in their order; ties by the character itself."""
    counts = Counter("".join(texts))
    ranked = sorted(counts, key=lambda character: (-counts[character], character))
    return "".join(sorted(ranked[:most]))


def _encoded(text: str, characters: str) -> list[int]:
    """Places among `characters`; their number is that of all others."""
    places = places_in(text, characters)
    tokens: list[int] = np.where(places < 0, len(characters), places).tolist()
    return tokens


def _text(tokens: Sequence[int], characters: str) -> str:
    return "".join(characters[token] if 0 <= token < len(characters) else REPLACEMENT for token in tokens)


def _before_end(tokens: Ints, end: int) -> Ints:
    """How many tokens stand before the first end, or all: int64 [rows]."""
    ends = tokens == end
    lengths: Ints = np.where(ends.any(axis=1), ends.argmax(axis=1), tokens.shape[1])
    return lengths


def _fingerprint(parts: Parts) -> str:
    """SHA-256 of the pairs and their split."""
    return hashlib.sha256(repr(parts[:3]).encode("utf-8", "surrogatepass")).hexdigest()

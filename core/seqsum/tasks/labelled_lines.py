"""Texts with labels: a CSV or JSON Lines file that the user names, or lines of the standard library's packages."""

from __future__ import annotations

import sysconfig
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from seqsum.errors import UserError
from seqsum.files import file_stamp
from seqsum.formatting import count
from seqsum.schema import shown
from seqsum.tasks.header import Header
from seqsum.tasks.tables import Table, listed, read_table
from seqsum.tasks.text_columns import (
    HELD_OUT_IN,
    MissingCells,
    Pair,
    as_read,
    check_whole,
    fingerprint_of,
    like_no_value,
    part_of,
    two_columns,
    without_empty,
)
from seqsum.tasks.text_files import Encoding, decode
from seqsum.text import one_line

WORDS = ("text", "label")
PACKAGES = ("asyncio", "email", "importlib", "multiprocessing", "unittest", "xml")
SHORTEST_LINE = 10  # characters; what is shorter stands in every package
MOST_LABELS = 1_000
MOST_TOLD = 5


@dataclass(frozen=True)
class LinesSource:
    """What is read, and how: file None is the standard library.

    text_column: None means the column called text, else the first; label_column: None means that called label, else
    the last; header: whether the first line names the columns; missing: what to do with rows without text or label
    max_length: how many characters of a text the model reads: texts that are the same up to there are one text. None,
    as old checkpoints have it, splits by the texts as they stand in the file
    test_file: a file of texts for the test; test_share: the share of the texts that are kept for it; encoding: of the
    files
    """

    file: str | None = None
    text_column: str | None = None
    label_column: str | None = None
    header: Header = "auto"
    missing: MissingCells = "refuse"
    max_length: int | None = None
    test_file: str | None = None
    test_share: float = 0.0
    encoding: Encoding = "auto"

    @property
    def has_test(self) -> bool:
        return self.test_file is not None or self.test_share > 0

    def same(self, text: str) -> str:
        """What texts that the model reads alike, but for white space, have in common."""
        return text if self.max_length is None else " ".join(as_read(text, self.max_length).split())


@dataclass(frozen=True)
class LabelledLines:
    """(text, label) pairs, for training, held out for validation, and for the test; no text stands in two of them.

    notes: what a person should know of them, one sentence each; columns: what those of texts and labels are called
    """

    training: list[Pair]
    held_out: list[Pair]
    notes: list[str]
    test: list[Pair]
    columns: Pair = WORDS

    @property
    def labels(self) -> list[str]:
        """Every label, sorted."""
        return sorted({label for part in (self.training, self.held_out, self.test) for _, label in part})

    @property
    def fingerprint(self) -> str:
        """SHA-256 of texts, labels and split."""
        return fingerprint_of(self.training, self.held_out, self.test)


def read_lines(reading: LinesSource) -> LabelledLines:
    """Read a file, or the standard library without one; raises UserError saying what is wrong and where.

    Names that end in .jsonl, .ndjson or .json hold one JSON object a line, all others CSV.
    """
    return _read(reading, (file_stamp(reading.file or ""), file_stamp(reading.test_file or "")))


@lru_cache(maxsize=2)
def _read(reading: LinesSource, stamp: object) -> LabelledLines:
    """`stamp`: of the files as they are now; a changed one is read anew."""
    return standard_library(reading) if reading.file is None else _from_file(reading.file, reading)


def standard_library(reading: LinesSource = LinesSource()) -> LabelledLines:
    """Lines of code and the package each comes from, held out by file.

    The files of a package are ordered by their size, and the second of every five is held out; of the others, those for
    the test are spread evenly. Indentation, blank
    lines, comments and lines under ten characters are left out, and so is from the held-out part every line that stands
    in the training part.
    """
    folder = Path(sysconfig.get_path("stdlib"))
    training: list[Pair] = []
    held_out: list[Pair] = []
    test: list[Pair] = []
    for package in PACKAGES:
        found = (path.relative_to(folder) for path in (folder / package).rglob("*.py"))
        names = [path.as_posix() for path in found if not {"test", "tests"} & set(path.parts)]
        sources = {name: decode((folder / name).read_bytes()).text for name in names}
        # By size: so the held-out files are small and large in the same measure.
        for place, name in enumerate(sorted(sources, key=lambda name: (len(sources[name]), name))):
            part = held_out if place % HELD_OUT_IN == 1 else training
            if part is training and int((place + 1) * reading.test_share) > int(place * reading.test_share):
                part = test
            lines = (line.strip() for line in sources[name].splitlines())
            part += [(line, package) for line in lines if len(line) >= SHORTEST_LINE and not line.startswith("#")]
    if not training or not held_out:
        raise UserError("task.file: the standard library's sources are not installed here; name a CSV or JSONL file")
    source = f"lines of the standard library's packages {listed(PACKAGES)}"
    return _made(training, held_out, test, reading, source, "files")


def _from_file(file: str, reading: LinesSource) -> LabelledLines:
    name = one_line(Path(file).name)
    paths = (reading.text_column, reading.label_column)
    table = read_table(file, reading.header, bear_wrong=True, encoding=reading.encoding, paths=paths)
    text_column = reading.text_column or ("text" if "text" in table.own else table.own[0])
    label_column = reading.label_column or ("label" if "label" in table.own else table.own[-1])
    pairs, left_out = _pairs(table, (text_column, label_column), reading.missing)
    parts: dict[str, list[Pair]] = {"training": [], "validation": [], "test": []}
    for pair in pairs:
        parts[part_of(reading.same(pair[0]), reading.test_share)].append(pair)
    training, held_out, test = parts.values()
    columns = f"texts: {shown(text_column)} is read, and {shown(label_column)} is the label"
    notes = [*table.notes, f"{columns}; left out: {left_out}" if left_out else columns]
    notes += like_no_value(pairs, "texts", WORDS)
    lines = _made(training, held_out, test, reading, name, "texts", notes, (text_column, label_column))
    classes = len(lines.labels)
    if classes < 2:
        raise UserError(
            f"task.label_column: every row of {name} has the label {shown(lines.labels[0])}; classification needs two "
            "different labels"
        )
    if classes > MOST_LABELS:
        raise UserError(
            f"task.label_column: column {shown(label_column)} of {name} has {classes:,} different labels, more than "
            f"{MOST_LABELS:,}; name the column that holds the class"
        )
    if not training or not held_out:
        different = len({reading.same(text) for text, _ in pairs})
        raise UserError(
            f"task.file: {name} has only {count(different, 'different text')} in column {shown(text_column)}, in "
            f"{count(len(pairs), 'row')}, and none of them falls into "
            f"{'the part that is held out, a fifth of the texts' if training else 'the part to train on'}; give more "
            "texts, or name another column (task.text_column)"
        )
    return lines


def _pairs(table: Table, columns: Pair, missing: MissingCells, field: str = "task.file") -> tuple[list[Pair], str]:
    """Return texts and labels, and in words which rows were left out because one of the two is empty."""
    texts, labels = places = two_columns(table, columns, WORDS)
    pairs = [(text, label.strip()) for text, label in zip(table.cells(texts), table.cells(labels), strict=True)]
    check_whole(table, pairs, places, WORDS)
    return without_empty(table, pairs, places, WORDS, missing, field)


def _made(
    training: list[Pair],
    held_out: list[Pair],
    test: list[Pair],
    reading: LinesSource,
    source: str,
    by: str,
    notes: Sequence[str] = (),
    columns: Pair = WORDS,
) -> LabelledLines:
    """columns: those of texts and labels, for the test's file"""
    seen = {reading.same(text) for text, _ in training}
    fresh = [pair for pair in held_out if reading.same(pair[0]) not in seen]
    told = [*notes, f"texts: {source}; {len(training):,} for training and {len(fresh):,} held out, by {by}"]
    if reading.has_test:
        seen |= {reading.same(text) for text, _ in fresh}
        if reading.test_file is not None:
            test, more = _test_pairs(reading.test_file, reading, columns)
            told += more
        unmet = [pair for pair in test if reading.same(pair[0]) not in seen]
        told.append(_test_note(test, unmet, reading))
        test = unmet
    known = {label for _, label in training}
    for part, pairs in (("held-out", fresh), ("test", test)):
        unseen = Counter(label for _, label in pairs if label not in known)
        for label, texts in sorted(unseen.items())[:MOST_TOLD]:
            told.append(
                f"texts: label {shown(label)} occurs only in the {part} part ({count(texts, 'text')}): nothing can "
                "learn it, so it always counts as wrong"
            )
        if len(unseen) > MOST_TOLD:
            told.append(f"texts: so with {count(len(unseen) - MOST_TOLD, 'more label')}")
    trained, asked = Counter(label for _, label in training), {label for _, label in fresh}
    never = [label for label in sorted(trained) if label not in asked]
    if fresh and never:
        names = listed([f"{shown(label)} ({count(trained[label], 'text')} to train on)" for label in never], MOST_TOLD)
        told.append(
            f"texts: no text held out has the label {names}: nothing says whether "
            f"{'it is' if len(never) == 1 else 'they are'} learned; give more such texts"
        )
    return LabelledLines(training, fresh, told, test, columns)


def _test_pairs(file: str, reading: LinesSource, columns: tuple[str, str]) -> tuple[list[Pair], list[str]]:
    """Read the test's file, and return what is to be said of it."""
    table = read_table(file, reading.header, True, "task.test_file", reading.encoding, columns)
    pairs, left_out = _pairs(table, columns, reading.missing, "task.test_file")
    return pairs, [*table.notes, *([f"texts: left out of {table.source}: {left_out}"] if left_out else [])]


def _test_note(test: list[Pair], unmet: list[Pair], reading: LinesSource) -> str:
    """Say what the test's texts are; raises UserError where there are none."""
    setting, off = ("test_share", "0") if reading.test_file is None else ("test_file", "off")
    where = "" if reading.test_file is None else f" of {one_line(Path(reading.test_file).name)}"
    if not unmet:
        why = f": all {count(len(test), 'text')}{where} stand in the other parts, too" if test else ""
        raise UserError(f"task.{setting}: no text is left for the test{why}; give more texts, or set it to {off}")
    again = (
        f"; {count(len(test) - len(unmet), 'other')} stand in the other parts, too" if len(test) > len(unmet) else ""
    )
    return f"texts: the test has {count(len(unmet), 'text')}{where}, asked once, at the end{again}"

"""Sources and targets: a CSV or JSON Lines file that the user names, or the numbers 1 to 9,999 in English words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from seqsum.errors import UserError
from seqsum.files import file_stamp
from seqsum.formatting import count
from seqsum.schema import shown
from seqsum.tasks.header import Header
from seqsum.tasks.number_words import in_words
from seqsum.tasks.tables import read_table
from seqsum.tasks.text_columns import (
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
from seqsum.tasks.text_files import Encoding
from seqsum.text import one_line

WORDS = ("source", "target")
NUMBERS = range(1, 10_000)  # a z stands in zero alone: held out, its letter would never be seen
LONGEST = 1_000
"""The most characters that a source or a target may be set to have."""


@dataclass(frozen=True)
class PairsSource:
    """What is read, and how: file None is the numbers in words.

    source_column, target_column: None means the column called source or target, else the first or the last; longest:
    pairs with a longer source or target are left out; test_file: a file of pairs for the test; test_share: the share of
    the pairs that are kept for it
    """

    file: str | None
    source_column: str | None
    target_column: str | None
    header: Header
    encoding: Encoding
    missing: MissingCells
    longest: int
    test_file: str | None
    test_share: float


@dataclass(frozen=True)
class PairedTexts:
    """Pairs as they are read, for training, held out for validation, and for the test; no source stands in two of them.

    notes: what a person should know of them, one sentence each; columns: what those of sources and targets are called
    """

    training: list[Pair]
    held_out: list[Pair]
    test: list[Pair]
    notes: list[str]
    columns: Pair = WORDS

    @property
    def fingerprint(self) -> str:
        """SHA-256 of sources, targets and split."""
        return fingerprint_of(self.training, self.held_out, self.test)


def read_pairs(reading: PairsSource) -> PairedTexts:
    """Read pairs and part them by their sources; raises UserError saying what is wrong and where.

    Names that end in .jsonl, .ndjson or .json hold one JSON object a line, all others CSV.
    """
    return _read(reading, (file_stamp(reading.file or ""), file_stamp(reading.test_file or "")))


@lru_cache(maxsize=2)  # a form makes the task anew at every change
def _read(reading: PairsSource, stamp: object) -> PairedTexts:
    """`stamp`: of the files as they are now; a changed one is read anew."""
    notes: list[str] = []
    columns = WORDS
    if reading.file is None:
        name = f"the numbers 1 to {NUMBERS[-1]:,} in words"
        pairs = [(str(number), in_words(number)) for number in NUMBERS]
    else:
        name = one_line(Path(reading.file).name)
        pairs, columns, notes = _from_file(reading.file, reading)
    pairs, told = _short_enough(pairs, reading.longest, name)
    parts: dict[str, list[Pair]] = {"training": [], "validation": [], "test": []}
    for pair in pairs:
        parts[part_of(_same(pair), reading.test_share)].append(pair)
    training, held_out, test = parts.values()
    if not training or not held_out:
        different = len(set(map(_same, pairs)))
        but = f" but {count(different, 'different source')}" if different < len(pairs) else ""
        other = ", or name another column (task.source_column)" if but else ""
        raise UserError(
            f"task.file: {name} has {count(len(pairs), 'pair')}{but}, too few for a part to train on and another, a "
            f"fifth of them, to be held out; give more pairs{other}"
        )
    notes += told
    notes.append(f"pairs: {name}; {len(training):,} for training and {len(held_out):,} held out, by the source")
    notes += _ambiguous(pairs)
    if reading.test_file is not None:
        more, _, told = _from_file(reading.test_file, reading, columns)
        test, left_out = _short_enough(more, reading.longest, one_line(Path(reading.test_file).name), "task.test_file")
        notes += [*told, *left_out]
    if reading.test_file is not None or reading.test_share > 0:
        seen = {_same(pair) for pair in (*training, *held_out)}
        unmet = [pair for pair in test if _same(pair) not in seen]
        notes.append(_test_note(test, unmet, reading))
        test = unmet
    return PairedTexts(training, held_out, test, notes, columns)


def number_target(source: str) -> str | None:
    """Return what is to be written for a number; None for what is none of those that are read."""
    if not (source.isascii() and source.isdecimal()) or len(source) > len(str(NUMBERS[-1])):
        return None
    number = int(source)
    return in_words(number) if number in NUMBERS and str(number) == source else None


def _same(pair: Pair) -> str:
    """What pairs have in common whose sources read alike, but for how much white space is in them."""
    return " ".join(pair[0].split())


def _from_file(file: str, reading: PairsSource, columns: Pair | None = None) -> tuple[list[Pair], Pair, list[str]]:
    """Return a file's pairs, the columns they come from, and what is to be said of it.

    columns: those of task.file, for the test's file
    """
    field = "task.file" if columns is None else "task.test_file"
    wanted = columns or (reading.source_column, reading.target_column)
    table = read_table(file, reading.header, True, field, reading.encoding, wanted)
    source = wanted[0] or ("source" if "source" in table.own else table.own[0])
    target = wanted[1] or ("target" if "target" in table.own else table.own[-1])
    places = two_columns(table, (source, target), WORDS)
    sources, targets = ([as_read(cell, len(cell)) for cell in table.cells(place)] for place in places)
    pairs = list(zip(sources, targets, strict=True))
    check_whole(table, pairs, places, WORDS)
    pairs, left_out = without_empty(table, pairs, places, WORDS, reading.missing, field)
    told = f"pairs: {shown(source)} is read, and {shown(target)} is written"
    if columns is not None:
        told = f"pairs: {table.source} is for the test"
    elif reading.header == "auto" and wanted == (None, None) and (source, target) != WORDS and table.named_by:
        # Above texts any text may be a name, and lists of pairs often have no names.
        told += f"; if line {table.named_by} is a pair as well, set task.header to no"
    notes = [*table.notes, f"{told}; left out: {left_out}" if left_out else told]
    return pairs, (source, target), notes + like_no_value(pairs, "pairs", WORDS)


def _short_enough(pairs: list[Pair], longest: int, name: str, field: str = "task.file") -> tuple[list[Pair], list[str]]:
    """Leave out long pairs, and say so; raises UserError where none is left."""
    kept = [pair for pair in pairs if max(map(len, pair)) <= longest]
    if not kept:
        shortest = min(max(map(len, pair)) for pair in pairs)
        problem = f"no pair of {name} has source and target of at most {longest:,} characters; the shortest pair has"
        if shortest > LONGEST:
            raise UserError(f"{field}: {problem} {shortest:,}, more than can be read ({LONGEST:,}); give shorter texts")
        raise UserError(f"task.longest: {problem} {shortest:,}; make it larger")
    left = len(pairs) - len(kept)
    if not left:
        return kept, []
    return kept, [
        f"pairs: left out: {count(left, 'pair')} of {name} with more than {longest:,} characters (task.longest)"
    ]


def _ambiguous(pairs: Sequence[Pair]) -> list[str]:
    """Return the note that some sources have several targets; none where each has one."""
    targets: dict[str, set[str]] = {}
    for source, target in pairs:
        targets.setdefault(source, set()).add(target)
    several = sum(len(those) > 1 for those in targets.values())
    if not several:
        return []
    return [
        f"pairs: {count(several, 'source')} with more than one target: an answer is right for the pair whose target it "
        "is, and wrong for the others"
    ]


def _test_note(test: list[Pair], unmet: list[Pair], reading: PairsSource) -> str:
    """Say what the test's pairs are; raises UserError where there are none."""
    setting, off = ("test_share", "0") if reading.test_file is None else ("test_file", "off")
    where = "" if reading.test_file is None else f" of {one_line(Path(reading.test_file).name)}"
    if not unmet:
        why = f": the sources of all {count(len(test), 'pair')}{where} stand in the other parts, too" if test else ""
        raise UserError(f"task.{setting}: no pair is left for the test{why}; give more pairs, or set it to {off}")
    again = len(test) - len(unmet)
    also = f"; {count(again, 'other')} not, whose source stands in the other parts, too" if again else ""
    return f"pairs: the test has {count(len(unmet), 'pair')}{where}, asked once, at the end{also}"

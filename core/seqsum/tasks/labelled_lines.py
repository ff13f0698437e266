"""Texts with labels: a CSV or JSON Lines file that the user names, or lines of the standard library's packages."""

from __future__ import annotations

import hashlib
import re
import sysconfig
import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal

from seqsum.errors import UserError
from seqsum.files import file_stamp
from seqsum.formatting import count
from seqsum.schema import shown
from seqsum.tasks.header import Header
from seqsum.tasks.number_format import MISSING
from seqsum.tasks.tables import Table, listed, listed_lines, read_table
from seqsum.tasks.text_files import REPLACEMENT, decode
from seqsum.text import one_line

PACKAGES = ("asyncio", "email", "importlib", "multiprocessing", "unittest", "xml")
SHORTEST_LINE = 10  # characters; what is shorter stands in every package
HELD_OUT_IN = 5  # one file, or row, in five
WHITE_SPACE = re.compile(r"\s")
MOST_LABELS = 1_000
MOST_TOLD = 5
INVISIBLE = dict.fromkeys(map(ord, "\N{ZERO WIDTH SPACE}\N{WORD JOINER}\N{ZERO WIDTH NO-BREAK SPACE}\N{SOFT HYPHEN}"))
NO_VALUE = {word for word in MISSING if any(map(str.isalpha, word))}
"""Words that often stand for no value, and may yet be a text or a label."""
MissingCells = Literal["refuse", "drop"]


@dataclass(frozen=True)
class LinesSource:
    """What is read, and how: file None is the standard library.

    text_column: None means the column called text, else the first; label_column: None means that called label, else
    the last; header: whether the first line names the columns; missing: what to do with rows without text or label
    max_length: how many characters of a text the model reads: texts that are the same up to there are one text. None,
    as old checkpoints have it, splits by the texts as they stand in the file
    """

    file: str | None = None
    text_column: str | None = None
    label_column: str | None = None
    header: Header = "auto"
    missing: MissingCells = "refuse"
    max_length: int | None = None

    def same(self, text: str) -> str:
        """What texts that the model reads alike, but for white space, have in common."""
        return text if self.max_length is None else " ".join(as_read(text, self.max_length).split())


def as_read(text: str, length: int) -> str:
    """A text as a model reads it: composed characters, none that can't be seen, white space as spaces, and cut off."""
    composed = unicodedata.normalize("NFC", text).translate(INVISIBLE)
    return WHITE_SPACE.sub(" ", composed.strip()[:length])


@dataclass(frozen=True)
class LabelledLines:
    """(text, label) pairs, for training and held out; no text stands in both.

    notes: what a person should know of them, one sentence each
    """

    training: list[tuple[str, str]]
    held_out: list[tuple[str, str]]
    notes: list[str]

    @property
    def labels(self) -> list[str]:
        """Every label, sorted."""
        return sorted({label for part in (self.training, self.held_out) for _, label in part})

    @property
    def fingerprint(self) -> str:
        """SHA-256 of texts, labels and split."""
        digest = hashlib.sha256()
        for part in (self.training, self.held_out):
            for pair in part:
                digest.update(repr(pair).encode())
            digest.update(b"\n")
        return digest.hexdigest()


def read_lines(reading: LinesSource) -> LabelledLines:
    """Read a file, or the standard library without one; raises UserError saying what is wrong and where.

    Names that end in .jsonl, .ndjson or .json hold one JSON object a line, all others CSV.
    """
    return _read(reading, file_stamp(reading.file or ""))


@lru_cache(maxsize=2)
def _read(reading: LinesSource, stamp: object) -> LabelledLines:
    """`stamp`: of the file as it is now; a changed one is read anew."""
    return standard_library(reading) if reading.file is None else _from_file(reading.file, reading)


def standard_library(reading: LinesSource = LinesSource()) -> LabelledLines:
    """Lines of code and the package each comes from, held out by file.

    The files of a package are ordered by their size, and the second of every five is held out. Indentation, blank
    lines, comments and lines under ten characters are left out, and so is from the held-out part every line that stands
    in the training part.
    """
    folder = Path(sysconfig.get_path("stdlib"))
    training: list[tuple[str, str]] = []
    held_out: list[tuple[str, str]] = []
    for package in PACKAGES:
        found = (path.relative_to(folder) for path in (folder / package).rglob("*.py"))
        names = [path.as_posix() for path in found if not {"test", "tests"} & set(path.parts)]
        sources = {name: decode((folder / name).read_bytes()).text for name in names}
        # By size: so the held-out files are small and large in the same measure.
        for place, name in enumerate(sorted(sources, key=lambda name: (len(sources[name]), name))):
            part = held_out if place % HELD_OUT_IN == 1 else training
            lines = (line.strip() for line in sources[name].splitlines())
            part += [(line, package) for line in lines if len(line) >= SHORTEST_LINE and not line.startswith("#")]
    if not training or not held_out:
        raise UserError("task.file: the standard library's sources are not installed here; name a CSV or JSONL file")
    return _made(training, held_out, reading, f"lines of the standard library's packages {listed(PACKAGES)}", "files")


def _from_file(file: str, reading: LinesSource) -> LabelledLines:
    name = one_line(Path(file).name)
    table = read_table(file, reading.header, bear_wrong=True)
    text_column = reading.text_column or ("text" if "text" in table.columns else table.columns[0])
    label_column = reading.label_column or ("label" if "label" in table.columns else table.columns[-1])
    pairs, left_out = _pairs(table, text_column, label_column, reading.missing)
    held = [_is_held_out(reading.same(text)) for text, _ in pairs]
    training = [pair for pair, out in zip(pairs, held, strict=True) if not out]
    held_out = [pair for pair, out in zip(pairs, held, strict=True) if out]
    columns = f"texts: {shown(text_column)} is read, and {shown(label_column)} is the label"
    notes = [*table.notes, f"{columns}; left out: {left_out}" if left_out else columns]
    unsaid = [row for row, pair in enumerate(pairs) if any(one.strip().lower() in NO_VALUE for one in pair)]
    if unsaid:
        words = sorted({shown(one.strip()) for row in unsaid for one in pairs[row] if one.strip().lower() in NO_VALUE})
        notes.append(
            f"texts: {count(len(unsaid), 'row')} with {listed(words)} as text or label, read as any other word"
        )
    lines = _made(training, held_out, reading, name, "texts", notes)
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
            f"task.file: {name} has {count(len(pairs), 'row')} but {count(different, 'different text')} in column "
            f"{shown(text_column)}, all of them in one part when every fifth text is held out; give more texts, or "
            "name another column (task.text_column)"
        )
    return lines


def _pairs(
    table: Table, text_column: str, label_column: str, missing: MissingCells
) -> tuple[list[tuple[str, str]], str]:
    """Return texts and labels, and in words which rows were left out because one of the two is empty."""
    texts = table.column(text_column, "task.text_column")
    labels = table.column(label_column, "task.label_column")
    if texts == labels:
        raise UserError(
            f"task.label_column: {table.source} has text and label in one column, {shown(text_column)}; the columns "
            f"are {listed(table.columns)}"
        )
    pairs = [(text, label.strip()) for text, label in zip(table.cells(texts), table.cells(labels), strict=True)]
    torn = next((row for row, (_, label) in enumerate(pairs) if table.wrong and REPLACEMENT in label), None)
    if torn is not None:
        raise UserError(
            f"{table.place(torn, labels)}: {shown(pairs[torn][1])} is no whole label: {table.source}, {table.wrong} "
            "can't be decoded; put the character right, or save the file as UTF-8"
        )
    empty = [row for row, (text, label) in enumerate(pairs) if not label or not text.strip()]
    if not empty:
        return pairs, ""
    lines = listed_lines([table.places[row] for row in empty])
    if missing == "refuse":
        column, what = (texts, "text") if pairs[empty[0]][1] else (labels, "label")
        also = f"; {count(len(empty), 'row')} are without text or label ({lines})" if len(empty) > 1 else ""
        raise UserError(
            f"{table.place(empty[0], column)}: the {what} is empty{also}; fill in what is missing, or set task.missing "
            "to drop"
        )
    absent = set(empty)
    kept = [pair for row, pair in enumerate(pairs) if row not in absent]
    if not kept:
        raise UserError(f"task.file: no row of {table.source} has both a text and a label")
    return kept, f"{count(len(empty), 'row')} without text or label ({lines})"


def _is_held_out(text: str) -> bool:
    """By the text itself: a text that stands in several rows stands in one part only."""
    return int.from_bytes(hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()[:8]) % HELD_OUT_IN == 0


def _made(
    training: list[tuple[str, str]],
    held_out: list[tuple[str, str]],
    reading: LinesSource,
    source: str,
    by: str,
    notes: Sequence[str] = (),
) -> LabelledLines:
    seen = {reading.same(text) for text, _ in training}
    fresh = [pair for pair in held_out if reading.same(pair[0]) not in seen]
    told = [*notes, f"texts: {source}; {len(training):,} for training and {len(fresh):,} held out, by {by}"]
    known = {label for _, label in training}
    unseen = Counter(label for _, label in fresh if label not in known)
    for label, texts in sorted(unseen.items())[:MOST_TOLD]:
        told.append(
            f"texts: label {shown(label)} occurs only in the held-out part ({count(texts, 'text')}): nothing can learn "
            "it, so it always counts as wrong"
        )
    if len(unseen) > MOST_TOLD:
        told.append(f"texts: so with {count(len(unseen) - MOST_TOLD, 'more label')}")
    return LabelledLines(training, fresh, told)

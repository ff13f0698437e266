"""What becomes of the rows of a file that a model is asked, and rows with their right answers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from seqsum.formatting import count, percent
from seqsum.schema import shown
from seqsum.tasks.file_rows import AskedFile, FileColumn, FileRows, open_rows
from seqsum.tasks.tables import FEW, listed_lines

AT_ONCE = 4_096
"""Rows that are read and asked at a time."""
MOST_TOLD = 5
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]


@dataclass
class Lines:
    """How many lines there are, and the first of them."""

    number: int = 0
    first: list[int] = field(default_factory=list)

    def add(self, line: int) -> None:
        self.number += 1
        if len(self.first) < FEW:
            self.first.append(line)

    def __str__(self) -> str:
        more = f" and {self.number - len(self.first):,} more" if self.number > len(self.first) else ""
        return listed_lines(self.first) + more


@dataclass
class AskedRows:
    """rows: how many the file has (of a text, characters); left_out: those that are not asked, by the reason; labels:
    how often each label stands there that the run does not know; tokens, unknown: how many tokens were read, and how
    many of them are unknown; unit: what a token is called; cut: those of which only the beginning is asked; notes: how
    the file was read"""

    rows: int = 0
    left_out: dict[str, Lines] = field(default_factory=dict)
    labels: Counter[str] = field(default_factory=Counter)
    tokens: int = 0
    unknown: int = 0
    unit: str = "token"
    of: str = "row"
    cut: Lines = field(default_factory=Lines)
    notes: list[str] = field(default_factory=list)
    share: float = 0.0
    """How much of the file was read, 0 to 1."""

    def leave_out(self, reason: str, line: int) -> None:
        self.left_out.setdefault(reason, Lines()).add(line)

    @property
    def asked(self) -> int:
        return self.rows - sum(lines.number for lines in self.left_out.values())

    def told(self) -> Iterator[str]:
        """Say what became of them, a sentence each."""
        left = self.rows - self.asked
        yield (
            f"file: {count(self.rows, self.of)}, {self.asked:,} asked"
            if left
            else (f"file: {count(self.rows, self.of)}, all asked")
        )
        for reason, lines in self.left_out.items():
            yield f"  not asked: {count(lines.number, 'row')} {reason} ({lines})"
        if self.cut.number:
            yield f"  only the beginning was read: {count(self.cut.number, 'row')} ({self.cut})"
        if self.labels:
            names = [f"{shown(label)} ({times:,})" for label, times in self.labels.most_common(MOST_TOLD)]
            more = f" and {len(self.labels) - MOST_TOLD:,} more" if len(self.labels) > MOST_TOLD else ""
            yield f"  labels that the run does not know: {', '.join(names)}{more}"
        if self.unknown:
            share = percent(self.unknown / self.tokens)
            yield f"  {self.unknown:,} of {count(self.tokens, self.unit)} are unknown to the run ({share})"
        yield from self.notes


@dataclass(frozen=True)
class AskedPair:
    """A row of a file. line: where it begins; truth: the right answer, as it stands there"""

    line: int
    text: str
    truth: str


class PairsOfFile:
    """Reads the rows of a file, a part of them at a time, as often as they are asked."""

    def __init__(self, file: AskedFile, question: FileColumn, truth: FileColumn, unit: str) -> None:
        """Raises UserError where the file, or a column of it, is not there."""
        self._path, self._wanted = file.path, (question, truth)
        rows = open_rows(file.path, *self._wanted)
        self.source = rows.source
        self._columns = rows.column(question), rows.column(truth)
        self._unit = unit
        self.found = AskedRows(unit=unit)

    def parts(self) -> Iterator[list[AskedPair]]:
        """Yield the pairs that have both, some at a time; what is left out is counted anew."""
        rows, self.found = open_rows(self._path, *self._wanted), AskedRows(unit=self._unit)
        every = self._pairs(rows)
        while part := list(islice(every, AT_ONCE)):
            yield part

    def of_lengths(self, pairs: Sequence[AskedPair], lengths: Ints, low: int | None, high: int | None) -> Flags:
        """Return which pairs are low…high long, bool [n]; the others are left out.

        lengths: int64 [n], how long each is
        """
        fit = (lengths >= (low or 0)) & (high is None or lengths <= high)
        for row in np.flatnonzero(~fit).tolist():
            self.found.leave_out("of a length that is not asked for", pairs[row].line)
        return fit

    @property
    def nothing_asked(self) -> str:
        """Say why nothing of the file was asked."""
        reasons = [f"{count(lines.number, 'row')} {why} ({lines})" for why, lines in self.found.left_out.items()]
        return f"file: no row of {self.source} can be asked: {'; '.join(reasons) or 'it has none'}"

    def _pairs(self, rows: FileRows) -> Iterator[AskedPair]:
        for row in rows.rows():
            self.found.rows += 1
            self.found.share = rows.share
            if row.wrong:
                self.found.leave_out("that can't be read", row.line)
                continue
            text, truth = (rows.cell(row, column) for column in self._columns)
            if not text.strip() or not truth.strip():
                self.found.leave_out("with an empty question or answer", row.line)
            else:
                yield AskedPair(row.line, text, truth)

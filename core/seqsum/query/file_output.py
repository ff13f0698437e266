"""The answers to a file, written as another: its columns, and those of the answers behind them, a row for each row."""

from __future__ import annotations

import csv
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, BinaryIO

from seqsum.errors import UserError
from seqsum.formatting import count, finite, six_digits
from seqsum.query.file_formats import Format
from seqsum.query.file_predictions import FilePredictions, RowAnswer
from seqsum.tasks.asked_rows import Lines
from seqsum.tasks.base import AnyTask
from seqsum.tasks.tables import as_cell

TOLD_SECONDS = 0.1
"""Between two calls that say how far it is: some rows take longer, thousands of others less."""
MOST_REASONS = 5


@dataclass
class Written:
    """What became of a file's rows: how many were answered, and which have no answer, by the reason; remarks: those of
    which something should be known, and the first of that; of_file: what should be known of the file; told_at: when it
    was said how far it is, by the monotonic clock."""

    of_file: list[str] = field(default_factory=list)
    rows: int = 0
    refused: dict[str, Lines] = field(default_factory=dict)
    remarks: Lines = field(default_factory=Lines)
    remark: str = ""
    told_at: float = 0.0

    @property
    def answered(self) -> int:
        return self.rows - sum(lines.number for lines in self.refused.values())

    def add(self, answer: RowAnswer) -> None:
        self.rows += 1
        line = 0 if answer.row is None else answer.row.line
        if answer.reason:
            # Of reasons that differ from row to row the last group takes all that come late.
            known = answer.reason in self.refused or len(self.refused) < MOST_REASONS
            self.refused.setdefault(answer.reason if known else "another reason", Lines()).add(line)
        elif answer.remark:
            self.remarks.add(line)
            self.remark = self.remark or answer.remark

    def told(self) -> list[str]:
        """Say it, a sentence each."""
        all_of = "all" if self.answered == self.rows else f"{self.answered:,}"
        found = [f"{count(self.rows, 'row')}, {all_of} answered", *(f"  {remark}" for remark in self.of_file)]
        found += [
            f"  no answer: {count(lines.number, 'row')} ({lines}): {reason}" for reason, lines in self.refused.items()
        ]
        if self.remarks.number:
            rows = count(self.remarks.number, "row")
            found.append(
                f"  not read whole, or with what is unknown: {rows} ({self.remarks}); the first: {self.remark}"
            )
        return found


def write_answers(
    found: FilePredictions, stream: BinaryIO, format: Format, prefix: str, told: Callable[[float, Written], None]
) -> Written:
    """Write every row with its answer, in UTF-8; return what became of the rows.

    prefix: what stands before the answers' columns where the file has one of their names already; told: called between
    rows with how much of the file was read, 0 to 1; what it raises ends the writing. Raises UserError where the file
    changes meanwhile.
    """
    every = found.rows.all_columns()
    names = _names(found, every, prefix)
    columns = list(found.rows.columns if format == "jsonl" else every)
    written = Written(found.rows.remarks)
    if format == "jsonl":
        columns = [name if columns.count(name) == 1 else f"{name}.{at + 1}" for at, name in enumerate(columns)]
        for answer in found.answers():
            row = _object(answer, columns)
            values = dict(zip(names, finite([*answer.values, answer.reason]), strict=True))
            stream.write(json.dumps({**row, **values}, ensure_ascii=False).encode("utf-8", "surrogatepass") + b"\n")
            _count(written, answer, found, told)
        return written
    separator = "\t" if format == "tsv" else ";" if found.rows.separator == ";" else ","
    rows = csv.writer(_Encoded(stream), delimiter=separator, lineterminator="\n")
    rows.writerow([*columns, *names])
    for answer in found.answers():
        cells = _cells(answer, columns)
        rows.writerow([*cells, *(_cell(found.task, value) for value in answer.values), answer.reason])
        _count(written, answer, found, told)
    return written


class _Encoded:
    """Text into a stream of bytes."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        return self._stream.write(text.encode("utf-8", "surrogatepass"))


def _count(written: Written, answer: RowAnswer, found: FilePredictions, told: Callable[[float, Written], None]) -> None:
    written.add(answer)
    if (now := time.monotonic()) - written.told_at >= TOLD_SECONDS:
        written.told_at = now
        told(found.rows.share, written)


def _names(found: FilePredictions, columns: Sequence[str], prefix: str) -> list[str]:
    """What the answers' columns are called; raises UserError where the file has all of those names, too."""
    for names in (found.columns, [f"{prefix}.{name}" for name in found.columns]):
        if not set(names) & set(columns):
            return names
    twice = next(name for name in found.columns if f"{prefix}.{name}" in columns or name in columns)
    raise UserError(f'predict: {found.rows.source} has columns "{twice}" and "{prefix}.{twice}" already; rename one')


def _object(answer: RowAnswer, columns: Sequence[str]) -> dict[str, Any]:
    """A row as a JSON object: the very one of JSON Lines."""
    if answer.row is None:
        return dict.fromkeys(columns)
    return answer.row.made if answer.row.made is not None else dict(zip(columns, answer.row.cells, strict=True))


def _cells(answer: RowAnswer, columns: Sequence[str]) -> list[str]:
    """A row as cells; a line that is no JSON object has none."""
    if answer.row is None:
        return [""] * len(columns)
    made = answer.row.made
    return answer.row.cells if made is None else [as_cell(made.get(column)) for column in columns]


def _cell(task: AnyTask, value: Any) -> str:
    """Write a value as the task writes it, a number of a series as its column's are; a probability with six digits."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return task.render([value]) if task.answer == "values" else six_digits(value)
    return task.render(value)

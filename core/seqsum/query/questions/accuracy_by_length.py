"""Accuracy by length, far beyond what was trained on."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from seqsum.errors import UserError
from seqsum.query.question import Answer, OverLengths, field

if TYPE_CHECKING:
    from seqsum.query.asked import Asked
    from seqsum.query.loading import Loaded
    from seqsum.tasks.base import Examples

FARTHEST = 500
ROWS = 400  # of each length
MOST_ROWS = 1_000  # so many sums there are of the greatest length, too
DENSE = 20  # up to this every length is asked
SPARSE = 24  # and so many beyond
TOGETHER = 8_000_000  # tokens of all sequences asked: of so few a task makes each length in one go
Z = 1.959964  # of a 95% interval


class AccuracyByLengthAnswer(Answer):
    lengths: list[int]
    """Every one up to 20, then ever sparser."""
    accuracy: list[float]
    low: list[float]
    high: list[float]
    """95% interval (Wilson 1927) of each accuracy, as there are more sequences of a length than are asked."""
    asked: list[int]
    chance: float | None
    trained: list[int] | None
    """[shortest, longest] of the training, where the task says so."""


class AccuracyByLength(OverLengths):
    """high: 500 by default, where the task goes so far."""

    name: ClassVar = "accuracy_by_length"
    answers: ClassVar = AccuracyByLengthAnswer

    rows: int | None = field(
        None, "how many inputs of each length, where a task makes any number; default 400", ge=1, le=MOST_ROWS
    )

    @classmethod
    def unfit(cls, loaded: Loaded) -> str | None:
        try:
            if knows_lengths(loaded):
                return None
        except UserError as error:
            return str(error)  # the data is gone, and with it what could be asked about
        return f'lengths: the task "{loaded.task.config.name}" has no inputs of different lengths to compare'

    def answer(self, asked: Asked) -> AccuracyByLengthAnswer:
        """Ask all held-out inputs of each length, or `rows` where a task makes as many as are wanted, always the same.

        Accuracy is that of `evaluate`: of single tags, of whole sequences.
        """
        loaded, answer = asked.loaded, asked.task.answer
        trained = trained_lengths(loaded)
        if trained is None and (self.low is None or self.high is None):
            lengths = _held_out_lengths(loaded, self.low, self.high)
        else:
            first, last = trained or (1, FARTHEST)
            low = self.low if self.low is not None else first
            lengths = spread_lengths(low, self.high if self.high is not None else max(FARTHEST, last))
        found = AccuracyByLengthAnswer(
            lengths=[], accuracy=[], low=[], high=[], asked=[], chance=loaded.chance, trained=trained
        )
        for length in lengths:
            try:
                part = _of_length(asked, length, self.rows or ROWS)
            except UserError:
                if len(lengths) == 1:
                    raise
                continue  # not every task has inputs of every length
            right = counted = 0.0
            rows = 0
            for answered in asked.walked(iter(part)):
                hits, weight = answered.counted(answer)
                right, counted = right + hits, counted + weight
                rows += len(answered.right) if answer == "sequence" else int(answered.asked_of_rows.sum())
            if rows:
                bounds = wilson(right / counted * rows, rows)
                found.lengths.append(length)
                found.accuracy.append(right / counted)
                found.low.append(bounds[0])
                found.high.append(bounds[1])
                found.asked.append(rows)
        if not found.lengths:
            raise UserError(f"lengths: there is no held-out input of {lengths[0]} to {lengths[-1]} steps")
        return found


def spread_lengths(low: int, high: int, dense: int = DENSE, sparse: int = SPARSE) -> list[int]:
    """Return every length from low up to `dense`, and so many more up to high, ever sparser."""
    near = list(range(low, min(high, dense) + 1))
    if high <= dense:
        return near
    beyond = np.geomspace(max(low, dense + 1), high, sparse).round().astype(int)
    return sorted({*near, *beyond.tolist()})


def wilson(right: float, asked: int) -> tuple[float, float]:
    """Return the 95% interval of a share (Wilson 1927); (0, 1) when nothing was asked."""
    if not asked:
        return 0.0, 1.0
    share, square = right / asked, Z * Z
    middle = (share + square / (2 * asked)) / (1 + square / asked)
    half = Z / (1 + square / asked) * math.sqrt(share * (1 - share) / asked + square / (4 * asked * asked))
    return max(0.0, middle - half), min(1.0, middle + half)


def trained_lengths(loaded: Loaded) -> list[int] | None:
    """[shortest, longest] input of the training, where the task's settings say so."""
    low, high = (getattr(loaded.config.task, name, None) for name in ("min_length", "max_length"))
    return [low, high] if isinstance(low, int) and isinstance(high, int) else None


def knows_lengths(loaded: Loaded) -> bool:
    """Whether there are inputs of different lengths to compare."""
    if loaded.task.answer == "values" or loaded.task.carries_state:
        return False
    if trained_lengths(loaded) is not None:
        return True
    # Held-out batches differ in length where inputs do, so that this ends with the second.
    found: set[int] = set()
    for batch in loaded.task.held_out():
        found.update(batch.lengths.tolist())
        if len(found) > 1:
            return True
    return False


def _of_length(asked: Asked, length: int, rows: int) -> list[Examples]:
    """The held-out inputs of a length; `rows` of them, always the same ones, where the task makes any number."""
    from seqsum.query.examples import fixed_part

    task = asked.task
    if trained_lengths(asked.loaded) is None:
        # As `evaluate` asks them, for one length is to have one accuracy.
        parts = (part.rows(part.lengths == length) for part in task.held_out(length, length))
        return [part for part in parts if len(part.lengths)]
    # Tasks that make any length make the more of each the fewer lengths are asked for, up to 100,000, and one
    # length after the other, the shortest first: from a range the first batch is enough.
    try:
        first = next(task.held_out(length, length + min(DENSE, TOGETHER // (rows * length))), None)
    except UserError:
        first = None  # the range goes beyond the longest there is
    if first is not None and len(first.lengths) >= rows and (first.lengths == length).all():
        return [replace(first.rows(slice(rows)), weights=None)]  # of one length all count alike
    return fixed_part(task.held_out(length, length), rows, 0, asked.deadline)


def _held_out_lengths(loaded: Loaded, low: int | None, high: int | None) -> list[int]:
    """The lengths of what is held out, for tasks that can't make any length."""
    lengths = np.unique(np.concatenate([batch.lengths for batch in loaded.task.held_out(low, high)])).tolist()
    places = np.unique(np.linspace(0, len(lengths) - 1, min(len(lengths), DENSE + SPARSE)).round().astype(int))
    return [int(lengths[place]) for place in places]

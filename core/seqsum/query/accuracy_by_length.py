"""Accuracy by length, far beyond what was trained on."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from seqsum.errors import UserError
from seqsum.query.examples import Deadline, fixed_part, walked
from seqsum.query.loading import Loaded
from seqsum.query.protocol import AccuracyByLengthAnswer
from seqsum.tasks.base import Examples

FARTHEST = 500
ROWS = 400  # of each length
DENSE = 20  # up to this every length is asked
SPARSE = 24  # and so many beyond
TOGETHER = 20_000  # tokens of one sequence of each length: of so few a task makes 400 each
Z = 1.959964  # of a 95% interval


def spread_lengths(low: int, high: int) -> list[int]:
    """Return every length up to 20 and 24 more up to `high`, ever sparser."""
    dense = list(range(low, min(high, DENSE) + 1))
    if high <= DENSE:
        return dense
    beyond = np.geomspace(max(low, DENSE + 1), high, SPARSE).round().astype(int)
    return sorted({*dense, *beyond.tolist()})


def wilson(right: float, asked: int) -> tuple[float, float]:
    """Return the 95% interval of a share (Wilson 1927); (0, 1) when nothing was asked."""
    if not asked:
        return 0.0, 1.0
    share, square = right / asked, Z * Z
    middle = (share + square / (2 * asked)) / (1 + square / asked)
    half = Z / (1 + square / asked) * math.sqrt(share * (1 - share) / asked + square / (4 * asked * asked))
    return max(0.0, middle - half), min(1.0, middle + half)


def chance_of(loaded: Loaded) -> float | None:
    """Accuracy of guessing among the classes."""
    return 1 / loaded.task.classes if loaded.task.answer in ("class", "tags") else None


def trained_lengths(loaded: Loaded) -> list[int] | None:
    """[shortest, longest] input of the training, where the task's settings say so."""
    low, high = (getattr(loaded.config.task, name, None) for name in ("min_length", "max_length"))
    return [low, high] if isinstance(low, int) and isinstance(high, int) else None


def knows_lengths(loaded: Loaded) -> bool:
    """Whether there are inputs of different lengths to compare."""
    task = loaded.task
    if task.answer == "values" or task.carries_state:
        return False
    if trained_lengths(loaded) is not None:
        return True
    try:
        # Held-out batches differ in length where inputs do, so that this ends with the second.
        found: set[int] = set()
        for batch in task.held_out():
            found.update(batch.lengths.tolist())
            if len(found) > 1:
                return True
    except UserError:
        pass  # the data is gone, and with it what could be asked about
    return False


def accuracy_by_length(loaded: Loaded, low: int | None, high: int | None) -> AccuracyByLengthAnswer:
    """Ask at most 400 inputs of each length, always the same ones.

    Accuracy is that of `evaluate`: of single tags, of whole sequences. Raises UserError for a task that knows no
    lengths, or for lengths it does not have.
    """
    task = loaded.task
    trained = trained_lengths(loaded)
    if task.answer == "values" or task.carries_state or (trained is None and (low is None or high is None)):
        lengths = _held_out_lengths(loaded, low, high)
    else:
        low = low if low is not None else (trained or [1, FARTHEST])[0]
        high = high if high is not None else max(FARTHEST, (trained or [1, FARTHEST])[1])
        lengths = spread_lengths(low, high)
    deadline = Deadline("lengths")
    found: AccuracyByLengthAnswer = {
        "lengths": [],
        "accuracy": [],
        "low": [],
        "high": [],
        "asked": [],
        "chance": chance_of(loaded),
        "trained": trained,
    }
    for length in lengths:
        try:
            part = _of_length(loaded, length, deadline)
        except UserError:
            if len(lengths) == 1:
                raise
            continue  # not every task has inputs of every length
        right = counted = 0.0
        asked = 0
        for answered in walked(loaded, iter(part), deadline):
            hits, weight = answered.counted(task.answer)
            right, counted = right + hits, counted + weight
            asked += len(answered.right) if task.answer == "sequence" else int(answered.asked_of_rows.sum())
        if asked:
            share = right / counted
            bounds = wilson(share * asked, asked)
            found["lengths"].append(length)
            found["accuracy"].append(share)
            found["low"].append(bounds[0])
            found["high"].append(bounds[1])
            found["asked"].append(asked)
    if not found["lengths"]:
        raise UserError(f"lengths: there is no held-out input of {low} to {high} steps")
    return found


def _of_length(loaded: Loaded, length: int, deadline: Deadline) -> list[Examples]:
    """At most 400 held-out inputs of a length, always the same ones."""
    if trained_lengths(loaded) is not None:
        # Tasks that make any length make the more of each the fewer lengths are asked for, up to 100,000, and one
        # length after the other, the shortest first: from a range the first batch is enough.
        try:
            first = next(loaded.task.held_out(length, length + min(DENSE, TOGETHER // length)), None)
        except UserError:
            first = None  # the range goes beyond the longest there is
        if first is not None and (first.lengths == length).all():
            return [replace(first.rows(slice(ROWS)), weights=None)]  # of one length all count alike
    return fixed_part(loaded.task.held_out(length, length), ROWS, 0, deadline)


def _held_out_lengths(loaded: Loaded, low: int | None, high: int | None) -> list[int]:
    """The lengths of what is held out, for tasks that can't make any length."""
    task = loaded.task
    if task.answer == "values" or task.carries_state:
        raise UserError(f'lengths: the task "{task.config.name}" has no inputs of different lengths to compare')
    lengths = np.unique(np.concatenate([batch.lengths for batch in task.held_out(low, high)])).tolist()
    places = np.unique(np.linspace(0, len(lengths) - 1, min(len(lengths), DENSE + SPARSE)).round().astype(int))
    return [int(lengths[place]) for place in places]

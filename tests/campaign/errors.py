"""File-changing calls that end in an error: said in a sentence, nothing half done, nobody waits for ever."""

from __future__ import annotations

import errno
import random
import shutil
from collections.abc import Iterator
from pathlib import Path

from campaign.faults import Fault, calls_of, child
from campaign.kills import differing
from campaign.operations import Operation, Training, counts, ends_alike, run_in, said_in, whole
from campaign.report import Count, Failure
from support.engine import outcome_of

CODES = (errno.ENOSPC, errno.EIO, errno.EROFS, errno.EDQUOT, errno.EMFILE, errno.ENOMEM, errno.EACCES)
WAITS = 4.0
"""Seconds after which a worker that waits for a disk to have room is taken to wait; it is killed then."""
Trial = tuple[int, Fault, int]


def drawn(calls: int, most: int, draw: random.Random) -> list[Trial]:
    """Return which calls fail, with which error, once or from there on: all there are, or so many."""
    kinds = (Fault.ONCE, Fault.FROM_HERE)
    every = [(moment, how, code) for moment in range(1, calls + 1) for how in kinds for code in CODES]
    return every if not most or len(every) <= most else sorted(draw.sample(every, most))


def run(folder: Path, seed: int, most: int, only: str = "") -> Iterator[Count]:
    """Let calls fail in every operation and every kind of training; at most so many times each, 0 for all there are."""
    yield from counts(folder, seed, most, only, _operation, _training)


def by(trial: Trial, calls: int) -> str:
    moment, how, code = trial
    return f"{errno.errorcode[code]} {'once' if how is Fault.ONCE else 'from then on'} at call {moment} of {calls}"


def _operation(operation: Operation, folder: Path, draw: random.Random, most: int) -> Count:
    at = folder / "runs"
    operation.prepare(at)
    before = said_in(at)
    calls = calls_of(lambda: operation.work(at))
    after = said_in(at)
    shutil.rmtree(folder)
    count = Count(f"error: {operation.name}", calls)
    for trial in drawn(calls, most, draw):
        operation.prepare(at)
        end = child(lambda: operation.work(at), *trial)
        found = said_in(at)
        problem = None
        if end.status not in (0, 1, 2) or "Traceback" in end.said:
            problem = f"it ends with {end.status}: {end.said[-200:]}"
        elif found not in (before, after):
            problem = differing(found, before, after)
        elif end.status == 0 and found != after:
            problem = "it says that it is done, and is not"
        elif found != after and (again := child(lambda: operation.work(at))).status:
            problem = f"done again, it ends with {again.status}: {again.said[-300:]}"
        elif said_in(at) != after:
            problem = "done again, it is not as it should"
        count.add(end, Failure.of(problem, by(trial, calls)))
        shutil.rmtree(folder)
    return count


def _training(training: Training, folder: Path, draw: random.Random, most: int) -> Count:
    at = folder / "runs"
    training.prepare(at)
    calls = calls_of(lambda: training.work(at))
    right = outcome_of(run_in(at))
    shutil.rmtree(folder)
    count = Count(f"error: {training.name}", calls)
    for trial in drawn(calls, most, draw):
        training.prepare(at)
        end = child(lambda: training.work(at), *trial, seconds=WAITS)
        found = run_in(at)
        problem = whole(found)
        if end.status not in (0, 1, 2, None):
            problem = f"it ends with {end.status}: {end.said[-200:]}"
        if problem is None and found.summary().status != "finished":
            again = child(lambda: training.work(at))
            problem = f"gone on with, it ends with {again.status}: {again.said[-300:]}" if again.status else None
        if problem is None:
            problem = ends_alike(found, right)
        # One that waits for room is no trial that hangs.
        count.note(end.met, Failure.of(problem, by(trial, calls)))
        shutil.rmtree(folder)
    return count

"""SIGKILL before, amid and after file-changing calls: what was done is done or not done, and a run goes on with the
same bits."""

from __future__ import annotations

import random
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from campaign.faults import KILLS, Fault, calls_of, child
from campaign.operations import (
    Operation,
    Training,
    counts,
    ends_alike,
    leftovers,
    run_in,
    said_in,
    whole,
)
from campaign.report import Count, Failure
from seqsum.runs import Workspace
from support.engine import new_run, outcome_of, small


def drawn(calls: int, most: int, draw: random.Random) -> list[tuple[int, Fault]]:
    """Return at which calls to kill, and when: all of them in every way, or so many, first and last among them."""
    every = [(moment, how) for moment in range(1, calls + 1) for how in KILLS]
    if not most or len(every) <= most:
        return every
    return [every[0], *sorted(draw.sample(every[1:-1], max(most - 2, 0))), every[-1]]


def run(folder: Path, seed: int, most: int, only: str = "") -> Iterator[Count]:
    """Kill every operation and every kind of training; at most so many times each, 0 for at every call."""
    yield from counts(folder, seed, most, only, _operation, _training)


def _operation(operation: Operation, folder: Path, draw: random.Random, most: int) -> Count:
    at = folder / "runs"
    operation.prepare(at)
    before = said_in(at)
    calls = calls_of(lambda: operation.work(at))
    after = said_in(at)
    assert before != after, operation.name
    shutil.rmtree(folder)
    count = Count(f"kill: {operation.name}", calls)
    for moment, how in drawn(calls, most, draw):
        operation.prepare(at)
        end = child(lambda: operation.work(at), moment, how)
        found = said_in(at)
        again = 0 if found == after else child(lambda: operation.work(at)).status
        problem = None
        if found not in (before, after):
            problem = differing(found, before, after)
        elif again or said_in(at) != after:
            problem = f"done again, it ends with {again}, and not as it should"
        elif how is Fault.AFTER and moment == calls and found != after:
            problem = "it was done, and is not"
        else:
            new_run(at, small(), "another")
            if left := leftovers(at):
                problem = f"left for ever: {', '.join(left)}"
        count.add(end, Failure.of(problem, f"{how.name} call {moment} of {calls}"))
        shutil.rmtree(folder)
    return count


def differing(found: dict[str, Any], before: dict[str, Any], after: dict[str, Any]) -> str:
    """Return what is neither as before nor as after."""
    for part, said in found.items():
        if said not in (before[part], after[part]):
            return f"half done: {part}: {str(said)[:300]}"
    return "half done: a part is as before, another one as after"


def _training(training: Training, folder: Path, draw: random.Random, most: int) -> Count:
    at = folder / "runs"
    training.prepare(at)
    calls = calls_of(lambda: training.work(at))
    right = outcome_of(run_in(at))
    shutil.rmtree(folder)
    count = Count(f"kill: {training.name}", calls)
    # How a thread's calls fall among the loop's differs from run to run: the last ones may not come.
    for moment, how in drawn(calls, most, draw):
        training.prepare(at)
        end = child(lambda: training.work(at), moment, how)
        found = run_in(at)
        problem = whole(found)
        if problem is None:
            if found.summary().status != "finished":
                assert child(lambda: training.work(at)).status == 0
            problem = ends_alike(found, right)
        if problem is None and len(Workspace(at).runs()) != 1:
            problem = "there is not one run"
        count.add(end, Failure.of(problem, f"{how.name} call {moment} of {calls}"))
        shutil.rmtree(folder)
    return count

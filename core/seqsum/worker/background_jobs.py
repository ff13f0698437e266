"""What is done behind the training loop, in threads: evaluations and the writing of checkpoints.

At the fused backend's speed both would take longer than the training between them. Their order is kept, and so is what
the run's folder promises: a checkpoint is written when the points up to it are, and never one before another.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from seqsum.training.ordered_worker import OrderedWorker

MOST = 40  # each holds a copy of the weights; training waits when more are behind
SLOW_SECONDS = 0.25
MOST_SLOW = 2
"""Evaluations behind when one takes as long: whoever stops the run has to wait for those, or lose them."""
LOOK_SECONDS = 0.005

Until = Callable[[], bool]


class Abandoned(Exception):
    """An evaluation was given up: something else has to be done at once."""


@dataclass
class Job:
    """Something to be done: `begin` gives the work, `end` takes its result; both are called by the loop's own thread.

    An evaluation (`early`) begins when it is taken on. A checkpoint begins when the jobs before it are ended, and
    its work is done after the next write of points. `dropped` is called in place of `end` where it was abandoned.
    """

    begin: Callable[[], Callable[[], Any]]
    end: Callable[[Any], None]
    early: bool = False
    dropped: Callable[[], None] = lambda: None


class BackgroundJobs:
    """Jobs in order. `look` ends those that are done; `settle` waits for all."""

    def __init__(self, write: Callable[[], None], until: Until = lambda: False) -> None:
        """`write` writes the points that are known, and calls `written`. until: when `add` shall wait no longer."""
        self._write, self._until = write, until
        self._waiting: deque[Job] = deque()
        self._held: deque[tuple[Job, Callable[[], Any]]] = deque()
        self._saving: deque[Job] = deque()
        # An evaluation need not wait for a disk.
        self._early = OrderedWorker("evaluation")
        self._late = OrderedWorker("checkpoint")

    def __len__(self) -> int:
        return len(self._waiting) + len(self._held) + len(self._saving)

    def add(self, job: Job) -> None:
        """Take a job on; wait for the oldest ones when there are many."""
        if job.early:
            self._early.add(job.begin())
        self._waiting.append(job)
        self.look()
        while self._too_many and self._wait_for_one(self._until):
            pass

    @property
    def _too_many(self) -> bool:
        evaluations = sum(job.early for job in self._waiting)
        return len(self) > MOST or (evaluations > MOST_SLOW and self._early.seconds > SLOW_SECONDS)

    def look(self) -> None:
        """End every job that is done, up to the first that is not. Raises what one raised."""
        while self._waiting:
            if self._waiting[0].early and not self._early.done:
                break
            self._pass_on()
        while self._saving and self._late.done:
            self._end_saving()

    def write(self, work: Callable[[], None]) -> None:
        """Have points written in the checkpoints' thread: those that are known now, so that it is as `written`."""
        self._late.add(work)
        self._saving.append(Job(lambda: work, lambda _: None))
        self.written()

    def written(self) -> None:
        """Every point known so far is written: the checkpoints that waited for that can be, too."""
        while self._held:
            job, work = self._held.popleft()
            self._late.add(work)
            self._saving.append(job)

    def settle(self, until: Until | None = None) -> bool:
        """Wait until every job is ended, or `until` says to wait no longer; return whether they are.

        Raises what one raised.
        """
        while len(self):
            if not self._wait_for_one(until):
                return False
        return True

    def _wait_for_one(self, until: Until | None) -> bool:
        if self._saving:
            self._end_saving()
        elif self._held:
            self._write()
        else:
            while until is not None and self._waiting[0].early and not self._early.done:
                if until():
                    return False
                time.sleep(LOOK_SECONDS)
            self._pass_on()
        return True

    def _pass_on(self) -> None:
        """End the first evaluation, waiting for it, or begin the first checkpoint."""
        first = self._waiting.popleft()
        if first.early:
            try:
                result = self._early.result()
            except Abandoned:
                first.dropped()
            else:
                first.end(result)
        else:
            self._held.append((first, first.begin()))

    def _end_saving(self) -> None:
        self._saving.popleft().end(self._late.result())

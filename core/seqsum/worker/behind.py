"""What is done behind the training loop, in threads: evaluations and the writing of checkpoints.

At the fused backend's speed both would take longer than the training between them. Their order is kept, and so is what
the run's folder promises: a checkpoint is written when the points up to it are, and never one before another.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

MOST = 8  # each holds a copy of the weights; training waits when more are behind


@dataclass
class Errand:
    """Something to be done: `begin` gives the job once all errands before are ended; `end` takes its result.

    begin and end are called by the loop's own thread, the job by another.
    """

    begin: Callable[[], Callable[[], Any]]
    end: Callable[[Any], None]
    early: bool = False
    """Whether the job may begin before the errands before it are ended."""
    future: Future[Any] | None = None


class Behind:
    """Errands in order. `look` ends those that are done; `settle` waits for all."""

    def __init__(self) -> None:
        self._errands: deque[Errand] = deque()
        # An evaluation need not wait for a disk.
        self._early = ThreadPoolExecutor(1, "evaluation")
        self._late = ThreadPoolExecutor(1, "checkpoint")

    def add(self, errand: Errand) -> None:
        """Take an errand on; wait for the oldest ones when there are many."""
        if errand.early:
            errand.future = self._early.submit(errand.begin())
        self._errands.append(errand)
        self.look()
        while len(self._errands) > MOST:
            self._end_first()

    def look(self) -> None:
        """End every errand that is done, up to the first that is not. Raises what a job raised."""
        while self._errands:
            first = self._errands[0]
            if first.future is None:
                first.future = self._late.submit(first.begin())
            if not first.future.done():
                return
            self._end_first()

    def settle(self) -> None:
        """Wait until every errand is ended. Raises what a job raised."""
        while self._errands:
            self._end_first()

    def _end_first(self) -> None:
        first = self._errands[0]
        if first.future is None:
            first.future = self._late.submit(first.begin())
        result = first.future.result()
        self._errands.popleft()
        first.end(result)

"""Jobs done one after another in a thread of their own."""

from __future__ import annotations

import threading
import time
import weakref
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any

Outcome = tuple[Any, BaseException | None]
Jobs = SimpleQueue[Callable[[], Any] | None]


class OrderedWorker:
    """Does jobs in the order in which they were added, and keeps their results in that order.

    In place of a ThreadPoolExecutor, whose locks cost the thread that adds a job several times as much: a fused run
    adds a hundred a second between chunks of a few milliseconds. When one has raised, those after it are not done: they
    raise the same. The thread does not keep a process from ending, and ends when nobody has the OrderedWorker any more.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._jobs: Jobs = SimpleQueue()
        self._outcomes: SimpleQueue[Outcome] = SimpleQueue()
        self._thread: threading.Thread | None = None
        self._took = [0.0]

    @property
    def seconds(self) -> float:
        """How long the last job took."""
        return self._took[0]

    def add(self, job: Callable[[], Any]) -> None:
        if self._thread is None:
            given = self._jobs, self._outcomes, self._took
            self._thread = threading.Thread(target=_work, args=given, name=self._name, daemon=True)
            self._thread.start()
            weakref.finalize(self, self._jobs.put, None)
        self._jobs.put(job)

    @property
    def done(self) -> bool:
        """Whether `result` has one at hand."""
        return not self._outcomes.empty()

    def result(self) -> Any:
        """Wait for the oldest job whose result was not taken, and return that; raises what the job raised."""
        value, error = self._outcomes.get()
        if error is not None:
            raise error
        return value


def _work(jobs: Jobs, outcomes: SimpleQueue[Outcome], took: list[float]) -> None:
    failure: BaseException | None = None
    while True:
        job = jobs.get()
        if job is None:
            return
        try:
            if failure is None:
                began = time.monotonic()
                value = job()
                took[0] = time.monotonic() - began
                outcomes.put((value, None))
                continue
        except BaseException as error:  # the one who waits for it gets it
            failure = error
        finally:
            # While it waits for the next, nothing of the last is kept.
            job = value = None
        outcomes.put((None, failure))

"""Jobs done one after another in a thread of their own."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any

Outcome = tuple[Any, BaseException | None]


class OrderedWorker:
    """Does jobs in the order in which they were added, and keeps their results in that order.

    In place of a ThreadPoolExecutor, whose locks cost the thread that adds a job several times as much: a fused run
    adds a hundred a second between chunks of a few milliseconds. When one has raised, those after it are not done: they
    raise the same. The thread does not keep a process from ending.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._jobs: SimpleQueue[Callable[[], Any]] = SimpleQueue()
        self._outcomes: SimpleQueue[Outcome] = SimpleQueue()
        self._thread: threading.Thread | None = None
        self.seconds = 0.0
        """How long the last job took."""

    def add(self, job: Callable[[], Any]) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name=self._name, daemon=True)
            self._thread.start()
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

    def _work(self) -> None:
        failure: BaseException | None = None
        while True:
            job = self._jobs.get()
            try:
                if failure is None:
                    began = time.monotonic()
                    value = job()
                    self.seconds = time.monotonic() - began
                    self._outcomes.put((value, None))
                    continue
            except BaseException as error:  # the one who waits for it gets it
                failure = error
            self._outcomes.put((None, failure))

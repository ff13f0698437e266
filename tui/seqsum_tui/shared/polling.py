"""Blocking work beside the screen: threads that never hold the console back, and a poll that stops with its screen."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

T = TypeVar("T")

STILL_READINGS = 8
"""After so many readings that found nothing new, reading is rarer."""
STILL_PACE = 3
"""How much rarer."""


async def in_thread(work: Callable[[], T]) -> T:
    """Run `work` in a daemon thread and return its result, or raise what it raised.

    Not asyncio.to_thread: the event loop joins its own threads when it ends, so a worker that does not answer for a
    minute would hold the console open for that minute.
    """
    outcome: Future[T] = Future()
    # Whoever waits may be cancelled; the thread is not.
    outcome.set_running_or_notify_cancel()

    def run() -> None:
        try:
            outcome.set_result(work())
        except BaseException as error:
            outcome.set_exception(error)

    threading.Thread(target=run, name="console-work", daemon=True).start()
    return await asyncio.wrap_future(outcome)


class Poll:
    """Reads again and again, at a pace, as long as its screen can be seen.

    `read` runs in a thread and returns what is new, or None; `show` gets it on the event loop. At most one reading is
    under way, so a slow disk makes readings rarer, never more. `wake` asks for one at once. A reading that fails is
    told to `failed`, and tried again. Where nothing changes for a while it reads more rarely: `stamp` says what of a
    reading stays the same object then; a reading of None is nothing new, too.
    """

    def __init__(
        self,
        read: Callable[[], Any],
        show: Callable[[Any], object],
        failed: Callable[[Exception], object],
        seconds: float,
        visible: Callable[[], bool],
        stamp: Callable[[Any], object] = lambda found: None,
    ) -> None:
        self._read, self._show, self._failed = read, show, failed
        self._seconds, self._visible = seconds, visible
        self._stamp, self._before, self._still = stamp, object(), 0
        self._awake = asyncio.Event()

    def wake(self) -> None:
        """Read now."""
        self._still = 0
        self._awake.set()

    async def run(self) -> None:
        """Poll until cancelled."""
        clock = asyncio.get_running_loop().time
        while True:
            while not self._visible():
                self._awake.clear()
                await self._awake.wait()
            self._awake.clear()
            began = clock()
            try:
                found = await in_thread(self._read)
            except Exception as error:
                self._failed(error)
                found = None
            took = clock() - began
            self._note(found)
            if found is not None:
                self._show(found)
            # A workspace of thousands of runs takes longer to read: then reading stays a small share of the time.
            pace = STILL_PACE if self._still >= STILL_READINGS else 1
            pause = max(pace * self._seconds, min(20 * took, 3.0))
            try:
                await asyncio.wait_for(self._awake.wait(), pause)
            except TimeoutError:
                continue

    def _note(self, found: Any) -> None:
        stamp = None if found is None else self._stamp(found)
        new = found is not None and (stamp is None or stamp is not self._before)
        self._before = self._before if stamp is None else stamp
        self._still = 0 if new else self._still + 1

"""A tracker kept away from the training: in a thread of its own, behind a bounded queue, with time limits."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Mapping, Sequence
from typing import Any

from seqsum.formatting import duration
from seqsum.text import one_line
from seqsum.trackers.base import Media, Point, Tracker

START_SECONDS = 120.0  # importing a tracker's library from a slow disk
CALL_SECONDS = 30.0
FINISH_SECONDS = 10.0
LATE_FINISH_SECONDS = 30.0  # for a run that ends before its tracker has begun
GONE_SECONDS = 1.0  # for one that never began
MEDIA_SECONDS = 30.0  # at most one set of charts in this time, and one at the end
QUEUE_SIZE = 500

Job = tuple[str, tuple[Any, ...]]


class Guarded:
    """Passes a tracker's calls to its thread and never waits, but for `finish`, which waits for a bounded time.

    The first thing that goes wrong becomes one message (`messages`); from then on the tracker is left alone.
    """

    def __init__(
        self, tracker: Tracker, *, start_seconds: float = START_SECONDS, call_seconds: float = CALL_SECONDS
    ) -> None:
        self.name = tracker.name
        self._tracker = tracker
        self._limits = {"start": start_seconds}
        self._call_seconds = call_seconds
        self._jobs: queue.Queue[Job] = queue.Queue(QUEUE_SIZE)
        self._running: tuple[str, float] | None = None  # the call under way, and when it began
        self._failure: str | None = None
        self._told = False
        self.started = False
        """Whether the tracker has begun."""
        self._media_at = -MEDIA_SECONDS
        self._last_media: Media | None = None
        self._thread = threading.Thread(target=self._work, name=f"tracker {self.name}", daemon=True)
        self._thread.start()

    def start(self, config: Mapping[str, Mapping[str, Any]], facts: Mapping[str, Any]) -> None:
        self._put("start", config, facts)

    def log(self, points: Sequence[Point]) -> None:
        """Log each metric's newest value; called ten times a second that is enough for a chart."""
        newest = {name: (step, value) for name, step, value in points}
        if newest:
            chosen = sorted((step, name, value) for name, (step, value) in newest.items())
            self._put("log", [(name, step, value) for step, name, value in chosen])

    def media(self, media: Media) -> None:
        """Log an evaluation's charts, unless the last ones are a moment ago: then they wait for the end."""
        self._last_media = media
        now = time.monotonic()
        if now - self._media_at >= MEDIA_SECONDS:
            self._media_at = now
            self._last_media = None
            self._put("media", media)

    def messages(self) -> list[str]:
        """Return what a person should hear, once."""
        running = self._running
        if self._failure is None and running is not None:
            limit = self._limits.get(running[0], self._call_seconds)
            if time.monotonic() - running[1] > limit:
                self._fail(f"did not come back from {running[0]} within {duration(limit)}")
        if self._failure is None or self._told:
            return []
        self._told = True
        return [f"{self.name}: {self._failure}; the run goes on without it"]

    def finish(self, status: str, reason: str | None, seconds: float | None = None) -> None:
        """End the tracker, waiting `seconds` at most (10 by default, 30 while it still starts)."""
        if self._failure is not None and not self.started:
            seconds = GONE_SECONDS
        if seconds is None:
            seconds = FINISH_SECONDS if self.started else LATE_FINISH_SECONDS
        if self._last_media is not None:
            self._put("media", self._last_media)
        deadline = time.monotonic() + seconds
        try:
            self._jobs.put(("finish", (status, reason)), timeout=seconds)
        except queue.Full:
            pass
        else:
            self._thread.join(max(0.0, deadline - time.monotonic()))
        if self._thread.is_alive() and self._failure is None:
            self._fail(f"did not finish within {duration(seconds)}")

    @property
    def stuck(self) -> bool:
        """Whether the tracker still hangs: then the process must not wait for what it left behind."""
        return self._thread.is_alive()

    def _put(self, call: str, *arguments: Any) -> None:
        if self._failure is not None:
            return
        try:
            self._jobs.put_nowait((call, arguments))
        except queue.Full:
            self._fail(f"does not keep up: {QUEUE_SIZE} calls wait")

    def _fail(self, what: str) -> None:
        self._failure = self._failure or what

    def _work(self) -> None:
        while True:
            call, arguments = self._jobs.get()
            # A tracker that failed while it logged can still close its files; one that never began has none.
            if self._failure is None or (call == "finish" and self.started):
                self._running = (call, time.monotonic())
                try:
                    getattr(self._tracker, call)(*arguments)
                    self.started = self.started or call == "start"
                # A library that calls sys.exit raises no Exception.
                except BaseException as error:
                    self._fail(f"{call} failed: {type(error).__name__}: {one_line(str(error))[:300]}")
                self._running = None
            if call == "finish":
                return

"""How much is sent over a slow line, and when: what a person asked for at once, everything else a little a second."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable

MOST_BYTES = 2_700
"""Bytes a second that nobody asked for. With what ends an update, it stays below 3 kB."""
FEWEST_BYTES = 300
"""Less than that waits: ever smaller parts would cost more moves than cells."""
ANSWER_SECONDS = 3.0
"""So long after a key, a click or another size, what is painted counts as the answer."""
SECOND = 1.0


class Pace:
    """Counts what was sent.

    Args:
        now: a clock, in seconds.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._asked = now()
        self._sent: deque[tuple[float, int]] = deque()

    def asked(self) -> None:
        """A person did something, and waits for the answer. May come from another thread."""
        self._asked = self._now()

    def sent(self, size: int) -> None:
        """So many bytes were sent."""
        now = self._now()
        self._sent.append((now, size))
        self._forget(now)

    def room(self) -> float:
        """Return how many bytes may be sent now."""
        now = self._now()
        if now - self._asked < ANSWER_SECONDS:
            return math.inf
        self._forget(now)
        room = MOST_BYTES - sum(size for _, size in self._sent)
        return room if room >= FEWEST_BYTES else 0

    def wait(self) -> float:
        """Return the seconds until something that was sent does not count any more."""
        return max(self._sent[0][0] + SECOND - self._now(), 0.0) if self._sent else 0.0

    def _forget(self, now: float) -> None:
        while self._sent and now - self._sent[0][0] >= SECOND:
            self._sent.popleft()

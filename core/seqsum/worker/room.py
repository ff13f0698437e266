"""Whether the disk will last: a worker looks at what is free every few seconds, and says so before it is full."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from pathlib import Path

from seqsum.formatting import roughly, size
from seqsum.runs.disk import WAYS_OUT, disk_bytes, free_bytes

LOOK_SECONDS = 10.0
"""Between two looks, each of some microseconds."""
SHORTEST_SECONDS, LONGEST_SECONDS = 300.0, 900.0
"""Over how long the rate is measured at which the disk fills, by whatever fills it."""
LEAST_BYTES, LEAST_CHECKPOINTS, LEAST_SHARE = 100_000_000, 3, 0.05
"""Less is too little: so many bytes or checkpoints, but of a small disk not more than a share."""
AFTER = "when it is full, the run waits, and goes on by itself when there is room"


class RoomWatch:
    """Looks at a run's disk.

    short: in a sentence, why it will not last; None while it will.
    """

    def __init__(
        self,
        folder: Path,
        checkpoint: int,
        clock: Callable[[], float] = time.monotonic,
        free: Callable[[Path], int | None] = free_bytes,
    ) -> None:
        """checkpoint: what one takes, in bytes; clock: in seconds; free: what tells how many bytes are free"""
        self.short: str | None = None
        self._folder, self._clock, self._free = folder, clock, free
        share = int(LEAST_SHARE * (disk_bytes(folder) or 0))
        self._least = max(min(max(LEAST_BYTES, LEAST_CHECKPOINTS * checkpoint), share), 2 * checkpoint)
        self._looks: deque[tuple[float, int]] = deque()

    def look(self, seconds_left: float | None) -> bool:
        """Look, where the last time is some seconds ago; return whether `short` is another since.

        seconds_left: how long the run trains from now on, where that is known
        """
        now = self._clock()
        if self._looks and now - self._looks[-1][0] < LOOK_SECONDS:
            return False
        free = self._free(self._folder)
        if free is None:
            return False
        self._looks.append((now, free))
        while now - self._looks[0][0] > LONGEST_SECONDS:
            self._looks.popleft()
        before = self.short
        told = self._told(free, seconds_left)
        # Said once, in the words of then, until there is room again.
        self.short = before if before is not None and told is not None else told
        return self.short != before

    def _told(self, free: int, seconds_left: float | None) -> str | None:
        if free < self._least:
            return f"only {size(free)} are free on the disk of this run: {WAYS_OUT}; {AFTER}"
        since, now = self._looks[0][0], self._looks[-1][0]
        if seconds_left is None or now - since < SHORTEST_SECONDS:
            return None
        # In the later half as well: what was filled at one stroke goes on no further.
        lost = min(self._lost(self._looks[0]), self._lost(self._looks[len(self._looks) // 2]))
        if lost <= 0:
            return None
        lasts = free / lost
        # With some room to spare on both sides, so that a guess does not change with every look.
        if lasts > seconds_left * (1.2 if self.short is not None else 1.0):
            return None
        return (
            f"the disk of this run fills: {size(free)} are free, at the rate of the last {roughly(now - since)} enough "
            f"for {roughly(lasts)}, and the run needs {roughly(seconds_left)} more: {WAYS_OUT}; {AFTER}"
        )

    def _lost(self, look: tuple[float, int]) -> float:
        """How many bytes a second went since a look."""
        (since, then), (now, free) = look, self._looks[-1]
        return (then - free) / (now - since)

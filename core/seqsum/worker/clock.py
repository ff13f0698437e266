"""How long a run has trained, how fast it is, and what it takes of its machine."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from seqsum.worker.system_metrics import SystemMetrics

SPEED_SECONDS = 2.0


class TrainingClock:
    """Counts the time between `tick`s, but not that in which the run is `paused`."""

    def __init__(self, seconds: float, speed: float, system: SystemMetrics) -> None:
        """seconds: trained before; speed: steps per second, until there is a newer figure."""
        self.seconds, self.paused = seconds, False
        self._speed, self._system = speed, system
        self._now = 0.0
        self._since = (0.0, 0)

    def restart(self, step: int) -> None:
        """Count from here and now on."""
        self.skip()
        self._since = (self._now, step)
        self._system.restart()

    def skip(self) -> None:
        """Leave out the time since the last tick."""
        self._now = time.perf_counter()

    def tick(self) -> None:
        """Add the time since the last tick."""
        before = self._now
        self.skip()
        if not self.paused:
            self.seconds += self._now - before

    def speed(self, step: int) -> float:
        """Return steps per second over the last seconds, evaluation and writing included."""
        (since, before), now = self._since, time.perf_counter()
        if step != before and not self.paused:
            self._speed = (step - before) / (now - since)
            if now - since > SPEED_SECONDS:
                self._since = (now, step)
        return self._speed

    def points(self, at: int, step: int, before: int, seconds: float) -> list[tuple[str, int, float]]:
        """Return what stands beside the log point of step `at`, in a chunk that began at step `before` after `seconds`
        and ended at `step`: time in proportion inside it."""
        self.tick()
        trained = seconds + (self.seconds - seconds) * (at - before) / (step - before)
        known = [("steps_per_second", at, self.speed(step)), ("train_seconds", at, trained)]
        return [*((name, at, value) for name, value in self._system.read()), *known]

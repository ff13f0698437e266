"""What a run takes of its machine, and what time it is: read once a second at most, beside the training loop."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    import torch

SECONDS = 1.0
MEGABYTE = 1e6


class SystemMetrics:
    """Load and memory of this process and, when it computes on one, of its graphics card.

    `read` gives the metrics `wall_time` (seconds since 1970), `cpu_percent` (100: one core busy), `memory_mb`
    (resident), `gpu_percent` and `gpu_memory_mb`. It costs some tens of microseconds when a second has passed, and a
    look at the clock otherwise.
    """

    def __init__(self, device: torch.device | None, clock: Callable[[], float] = time.monotonic) -> None:
        self._process = psutil.Process()
        self._device, self._clock = device, clock
        self._on_card = device is not None and device.type == "cuda"
        self._tells_load = self._on_card
        self._since, self._used = 0.0, 0.0
        self._due = 0.0
        self.restart()

    def restart(self) -> None:
        """Forget what was before: the process waited. The next reading is made at once."""
        self._since, self._used, self._due = self._clock(), time.process_time(), self._clock()

    def read(self) -> list[tuple[str, float]]:
        """Return (metric, value) of now; nothing until a second has passed since the last time."""
        now = self._clock()
        if now < self._due:
            return []
        self._due = now + SECONDS
        found = [("wall_time", time.time()), ("memory_mb", self._process.memory_info().rss / MEGABYTE)]
        used, passed = time.process_time(), now - self._since
        if passed > 0.1:
            # Over less the clock of the processor, which ticks in hundredths of a second, says little.
            found.append(("cpu_percent", 100 * (used - self._used) / passed))
            self._since, self._used = now, used
        if self._on_card:
            found += self._of_card()
        return found

    def _of_card(self) -> list[tuple[str, float]]:
        import torch

        found = [("gpu_memory_mb", torch.cuda.memory_allocated(self._device) / MEGABYTE)]
        if self._tells_load:
            try:
                found.append(("gpu_percent", float(torch.cuda.utilization(self._device))))
            except Exception:
                # It needs NVIDIA's management library, which a machine may lack; how it says so is its own affair.
                self._tells_load = False
        return found

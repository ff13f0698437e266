"""SIGTERM and SIGINT ask a worker to save and stop; SIGHUP, a terminal that went away, is nothing to it."""

from __future__ import annotations

import signal
from types import FrameType


class StopSignal:
    """Remembers that SIGTERM or SIGINT came; the loop looks between chunks."""

    def __init__(self) -> None:
        self.name: str | None = None
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._remember)

    def _remember(self, number: int, frame: FrameType | None) -> None:
        self.name = signal.Signals(number).name

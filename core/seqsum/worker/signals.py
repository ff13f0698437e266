"""SIGTERM and SIGINT ask a worker to save and stop; SIGHUP, a terminal that went away, is nothing to it; after SIGCONT
it goes on."""

from __future__ import annotations

import signal
from collections.abc import Callable
from types import FrameType


class StopSignal:
    """Remembers that SIGTERM or SIGINT came; the loop looks between chunks.

    continued: what is called when a process goes on that a signal had stopped
    """

    def __init__(self) -> None:
        self.name: str | None = None
        self.continued: Callable[[], object] = lambda: None
        signal.signal(signal.SIGCONT, lambda number, frame: self.continued())
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._remember)

    def _remember(self, number: int, frame: FrameType | None) -> None:
        self.name = signal.Signals(number).name

"""SIGINT and SIGTERM for a command that begins what goes on by itself: from its first moment to its last what has begun
is saved and stopped, and what has not begun is not there. Only the standard library is imported here."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from types import FrameType

HEARD = (signal.SIGINT, signal.SIGTERM)
PATIENCE = 3
"""The signal with which a person lets go of what is being begun."""
LET_GO = "let go: what has begun saves and stops by itself"


class Signals(list[int]):
    """Those that came, in their order.

    Until something begins, the first one raises KeyboardInterrupt with its number, and `unbegun` where there is such a
    sentence. From `begins` on they are only remembered: half a start would read as one that died. Once it is known how
    to `stop` what has begun, the first one does that, and the next lets go, a KeyboardInterrupt with the number of the
    first.
    """

    def __init__(self, stop: Callable[[], object] | None = None, unbegun: str = "") -> None:
        super().__init__()
        self.unbegun = unbegun
        self._stop = stop
        self._begins = False

    @property
    def cause(self) -> str:
        """What has stopped a run, as its reason says it."""
        # A run whose reason begins with the signal's name was stopped by its engine; see `launch.job`.
        return "" if not self else "ctrl-C" if self[0] == signal.SIGINT else "a SIGTERM to what followed it"

    def begins(self) -> None:
        """From here on something may have begun."""
        self._begins = True

    def stops(self, stop: Callable[[], object]) -> None:
        """Have the first signal call `stop`, at once where it has come already."""
        self._stop = stop
        if self:
            stop()

    def over(self) -> None:
        """Nothing is left to stop: the next signal ends the command."""
        self._stop, self._begins, self.unbegun = None, False, ""

    def hear(self, number: int, frame: FrameType | None) -> None:
        """Take a signal, as its handler."""
        self.append(number)
        if self._stop is not None and len(self) == 1:
            self._stop()
        elif self._stop is not None:
            raise KeyboardInterrupt(self[0], LET_GO)
        elif not self._begins or len(self) >= PATIENCE:
            words = LET_GO if self._begins else self.unbegun
            raise KeyboardInterrupt(*([self[0], words] if words else [self[0]]))


@contextlib.contextmanager
def stopping(stop: Callable[[], object] | None = None, unbegun: str = "") -> Iterator[Signals]:
    """While inside, hear SIGINT and SIGTERM as Signals has it; without a `stop`, and before anything begins, the first
    one is a KeyboardInterrupt. Beside the main thread nothing is heard."""
    signals = Signals(stop, unbegun)
    if threading.current_thread() is not threading.main_thread():
        yield signals
        return
    before = {number: signal.signal(number, signals.hear) for number in HEARD}
    try:
        yield signals
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)

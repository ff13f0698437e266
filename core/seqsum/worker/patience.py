"""What a worker does while it can't write: it waits, says for what, and goes on by itself."""

from __future__ import annotations

import errno
import os
import sqlite3
import time
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

from seqsum.runs.database import BUSY, NO_WRITING
from seqsum.runs.lock import LONGEST_REASON
from seqsum.text import one_line
from seqsum.worker.signals import StopSignal

PASSING = (
    errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS, errno.EBUSY, errno.EMFILE, errno.ENFILE, errno.ESTALE,
    errno.ENOTCONN,  # a server that is away
)  # fmt: skip
STORE_SECONDS = 1.0
"""How long a program that holds the store is waited for until that is said."""
RETRY_SECONDS = 0.2
GRACE_SECONDS = 20.0
"""How long it is tried once more after a signal that asks to stop."""

Made = TypeVar("Made")


class Patience:
    """Does again what can't be done for want of room, of a disk or of somebody else's lock, until it can be done. In
    any thread.

    waits: for what, in a sentence; None while nothing is in the way. It is written into the run's lock file as well,
        over what stands there: that needs no room on a full disk.
    """

    def __init__(self, lock: int, signals: StopSignal) -> None:
        """lock: the descriptor of the run's lock file"""
        self.waits: str | None = None
        self.ended: Callable[[], None] = lambda: None
        """What is called when it goes on."""
        self._lock, self._signals = lock, signals
        self._say(None)

    def __call__(self, work: Callable[[], Made]) -> Made:
        """Return what work gives. Raises what it raised where waiting does not help, or a signal asks to stop."""
        since: float | None = None
        while True:
            try:
                made = work()
            except (OSError, sqlite3.Error) as error:
                now = time.monotonic()
                since = now if since is None or not self._signals.name else since
                if not _passes(error) or now - since > GRACE_SECONDS:
                    raise
                self._say(f"can't write: {_words(error)}; it goes on by itself when it can")
                time.sleep(RETRY_SECONDS)
            else:
                if since is not None:
                    self._say(None)
                    self.ended()
                return made

    def _say(self, reason: str | None) -> None:
        self.waits = reason
        text = one_line(reason or "").encode()[:LONGEST_REASON]
        with suppress(OSError):
            os.pwrite(self._lock, text.ljust(LONGEST_REASON), 0)


def log(message: str) -> None:
    """Write a line into the log, where there is room for it."""
    with suppress(OSError):
        print(message, flush=True)


def _passes(error: OSError | sqlite3.Error) -> bool:
    if isinstance(error, OSError):
        return error.errno in PASSING
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in (*NO_WRITING, *BUSY)


def _words(error: OSError | sqlite3.Error) -> str:
    if isinstance(error, OSError):
        return f"{error.strerror}{f' ({error.filename})' if error.filename else ''}"
    return "another program holds metrics.db" if error.sqlite_errorcode & 0xFF in BUSY else str(error)

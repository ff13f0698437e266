"""The lock that says a worker lives: the kernel lets it go when the process ends, however it ends."""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path

LOCK_FILE = "worker.lock"
# A reader that tests the lock holds it for microseconds; a writer waits that out.
PATIENCE_SECONDS = 1.0


def take_lock(folder: Path) -> int | None:
    """Take the run's lock and return its file descriptor, or None when a worker holds it.

    The lock belongs to the open file: a child that inherits the descriptor keeps it after this process closes its own.
    """
    descriptor = os.open(folder / LOCK_FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return descriptor
        except BlockingIOError:
            if time.monotonic() > deadline:
                os.close(descriptor)
                return None
            time.sleep(0.01)


def is_locked(folder: Path) -> bool:
    """Tell whether a worker holds the run's lock."""
    try:
        descriptor = os.open(folder / LOCK_FILE, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False

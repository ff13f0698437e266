"""A run with a worker at it, for tests that need no worker. No torch here."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from seqsum.runs import Run
from seqsum.runs.lock import take_lock


@contextmanager
def held(run: Run) -> Iterator[None]:
    """Hold a run's lock, as its worker does."""
    lock = take_lock(run.folder)
    assert lock is not None
    try:
        yield
    finally:
        os.close(lock)

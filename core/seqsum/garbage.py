"""When Python looks for garbage, seldom, for most objects stay until the program ends; and where memory comes from."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager, suppress

COLLECT_AFTER = 5_000
M_ARENA_MAX = -8


def collect_seldom() -> None:
    """Look for garbage once in 5,000 objects that are made and stay, and not, as Python does, in 700."""
    gc.set_threshold(COLLECT_AFTER, 10, 10)


def keep_one_heap() -> None:
    """Have every thread take its memory from one heap, where the C library is GNU's. Of a heap for each thread, which
    is its way, holes stay: a console that watches a run for ten minutes held 7% more than after the first, else 4%."""
    import ctypes

    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).mallopt(M_ARENA_MAX, 1)


@contextmanager
def without_collection() -> Iterator[None]:
    """Look for no garbage meanwhile, nor ever in what is here by then: it takes longer than many an import."""
    collected = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if collected:
            gc.enable()

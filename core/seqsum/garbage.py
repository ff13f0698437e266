"""When Python looks for garbage, seldom, for most objects stay until the program ends; and where memory comes from."""

from __future__ import annotations

import gc
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

COLLECT_AFTER = 5_000
OFTEN = (2_000, 2, 2)
"""Garbage that lived for a moment, such as a notice that went, waits for 8,000 objects more, and not for 50,000."""
NAMES = 90_000
EVERYWHERE = 2
"""The generation of objects with which all are looked through."""
LARGE = 64 * 2**10
"""Bytes."""
# <malloc.h>
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD, M_ARENA_MAX = -1, -3, -8


def collect_seldom() -> None:
    """Look for garbage once in 5,000 objects that are made and stay, and not, as Python does, in 700."""
    gc.set_threshold(COLLECT_AFTER, 10, 10)


def settle(seconds: float) -> None:
    """Look for garbage everywhere once, so many seconds from now, and from then on, more often, only in what came
    after: a program that has opened stays as it is, and to look through its 100,000 objects takes a tenth of a second.
    What grows once more in any case has grown then.
    """

    def looked() -> None:
        gc.collect()
        gc.freeze()
        # Python takes a quarter of what the last look found to be few: from here on that is next to nothing.
        gc.collect()
        _grow_names()
        gc.set_threshold(*OFTEN)

    timer = threading.Timer(seconds, looked)
    timer.daemon = True
    timer.start()


def _grow_names() -> None:
    # Python keeps a table of names. Those that come and go, a path's parts among them, leave holes; when no place is
    # left it is made anew, a megabyte larger, in time for the holes that follow.
    for number in range(NAMES):
        sys.intern(f"name {number}")


def keep_one_heap() -> None:
    """Have every thread take its memory from one heap, where the C library is GNU's, and give back what is free.

    Of a heap for each thread, which is its way, holes stay; large parts come from the heap once one was freed; and
    nothing but the heap's end goes back. Here large parts go back at once, and all that is free whenever Python has
    looked for garbage everywhere.
    """
    import ctypes

    with suppress(OSError, AttributeError):
        library = ctypes.CDLL(None)
        library.mallopt(M_ARENA_MAX, 1)
        library.mallopt(M_MMAP_THRESHOLD, LARGE)
        library.mallopt(M_TRIM_THRESHOLD, LARGE)
        give_back = library.malloc_trim

        def looked(phase: str, found: dict[str, int]) -> None:
            if phase == "stop" and found["generation"] == EVERYWHERE:
                give_back(0)

        gc.callbacks.append(looked)


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

"""When Python looks for garbage: seldom, for most objects stay until the program ends."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

COLLECT_AFTER = 5_000


def collect_seldom() -> None:
    """Look for garbage once in 5,000 objects that are made and stay, and not, as Python does, in 700."""
    gc.set_threshold(COLLECT_AFTER, 10, 10)


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

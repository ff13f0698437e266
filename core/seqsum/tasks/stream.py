"""Random numbers addressed by optimizer step, so that a step's data never depends on how the loop cuts its chunks."""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import NDArray

WORDS_PER_COUNT = 8  # one Philox counter gives four 64-bit words, each read as two 32-bit ones


class StepStream:
    """An endless stream of 32-bit words, a fixed number for each step, that can be read from any step on.

    Philox is counter-based: jumping to step N costs nothing. A run that logs every 10 steps and one that logs every 100
    see the same data, and so does a run that was stopped in between.
    """

    def __init__(self, seed: int, purpose: str, words_per_step: int) -> None:
        """`purpose` separates the streams of one seed, e.g. "sum_modulo/train"."""
        digest = hashlib.sha256(f"{seed}/{purpose}".encode()).digest()
        self._key = np.frombuffer(digest[:16], dtype=np.uint64)
        self._words_per_step = words_per_step
        self._counts_per_step = -(-words_per_step // WORDS_PER_COUNT)

    def words(self, first_step: int, steps: int) -> NDArray[np.uint32]:
        """Return the words of `steps` steps from `first_step` on: uint32 [steps, words_per_step]."""
        bits = np.random.Philox(key=self._key)
        bits.advance(first_step * self._counts_per_step)
        raw = bits.random_raw(steps * self._counts_per_step * 4)
        return raw.view(np.uint32).reshape(steps, self._counts_per_step * WORDS_PER_COUNT)[:, : self._words_per_step]


def below(words: NDArray[np.uint32], high: int | NDArray[np.int64]) -> NDArray[np.int64]:
    """Map 32-bit words to integers 0…high−1, one each (multiply-shift; the bias is under high / 2³²).

    high: the same for all words, or what can be broadcast to them
    """
    # In place: making data is a tenth of a small model's step in compiled code.
    wide = np.multiply(words, np.asarray(high, dtype=np.uint64), dtype=np.uint64)
    wide >>= np.uint64(32)
    return wide.view(np.int64)

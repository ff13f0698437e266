"""Dropout between layers: which units are silent at a step.

Each is drawn by itself, addressed by step, layer, place and unit: it does not hang on how chunks are cut, rows are
packed or a batch is divided. PyTorch draws from its one generator, so that a run's units are others there.
"""

from __future__ import annotations

import numpy as np

from seqsum.training.backends.fused import simd
from seqsum.training.backends.fused.matmul import compiled

RANGE = 2.0**32
WEYL = np.uint64(0x9E3779B97F4A7C15)
LOW = np.uint64(0xFFFFFFFF)


@compiled
def mixed(word):
    """Return a uint64 of which each bit hangs on all of a uint64's: the end of SplitMix64 (Steele and others, 2014)."""
    word = (word ^ (word >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    word = (word ^ (word >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return word ^ (word >> np.uint64(31))


@compiled
def row_word(draw, layer, t, row):
    """Return the word from which on each gives two units of a row. draw: int64, the step's; row: of the whole batch."""
    place = (np.uint64(layer) << np.uint64(56)) | (np.uint64(t) << np.uint64(28)) | np.uint64(row)
    return mixed(np.uint64(draw) ^ mixed(place + WEYL))


@compiled
def drop(shape, at, work, layer, packed, steps, draw, first_row):
    """drops = 0 with the probability p of dropout, else 1 / (1 - p), and dropped = h · drops, of a layer's h.

    draw: the step's random number; first_row: that of the first of these rows in the whole batch
    """
    width, kept = shape.width, np.float32(1.0 / (1.0 - shape.dropout / RANGE))
    for t in range(steps):
        for r in range(packed.active[t]):
            place = (layer * shape.most + packed.starts[t] + r) * width
            word = row_word(draw, layer, t, first_row + packed.order[r])
            for i in range(0, shape.hidden, 2):
                word += WEYL
                drawn = mixed(word)
                for one in range(min(2, shape.hidden - i)):
                    silent = np.int64(drawn & LOW) < shape.dropout
                    work[at.drops + place + i + one] = np.float32(0) if silent else kept
                    drawn >>= np.uint64(32)
    rows, first = packed.starts[steps], layer * shape.most * width
    simd.multiply(work, rows * width, (at.h + first, at.drops + first, at.dropped + first))

"""Which rows of a batch each step reads: sequences by length, as in PyTorch's PackedSequence."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from seqsum.training.backends.fused.matmul import compiled


class Packed(NamedTuple):
    """How a batch lies in the activations: step 0 of every row first, then step 1 of those that are long enough, …

    order: int64 [batch], rows from the longest to the shortest
    active: int64 [length], how many of them each step reads, in fours
    starts: int64 [length + 1], where each step's rows begin
    """

    order: NDArray[np.int64]
    active: NDArray[np.int64]
    starts: NDArray[np.int64]


@compiled
def pack(lengths, packed):
    """Fill `packed` for a batch's lengths, int64 [batch]; return the number of steps of the longest."""
    order, active, starts = packed
    batch, length = order.size, active.size
    counts = np.zeros(length + 2, np.int64)
    for b in range(batch):
        counts[lengths[b]] += 1
    longer = 0
    for t in range(length, -1, -1):
        if t < length:
            active[t] = min(batch, (longer + 3) // 4 * 4)
        count = counts[t]
        counts[t] = longer
        longer += count
    for b in range(batch):
        order[counts[lengths[b]]] = b
        counts[lengths[b]] += 1
    steps = 0
    for t in range(length):
        starts[t + 1] = starts[t] + active[t]
        if active[t] > 0:
            steps = t + 1
    return steps

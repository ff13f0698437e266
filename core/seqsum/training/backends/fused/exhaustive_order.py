"""In which order an exhaustive evaluation meets the sequences of an input space."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from seqsum.training.backends.fused.layout import COLUMNS
from seqsum.training.backends.fused.matmul import LANES


@dataclass(frozen=True)
class ExhaustiveOrder:
    """Beginnings of sequences in blocks, each extended by every token.

    blocks: int64 [blocks, 3]: length of the beginnings, the column of the first, how many
    sequences: int64 [sequences that are asked]: the places in counting order, the shortest first, in the order in which
    they are asked: block by block, token by token
    """

    blocks: NDArray[np.int64]
    sequences: NDArray[np.int64]


def exhaustive_order(vocabulary: int, low: int, high: int) -> ExhaustiveOrder:
    """Return an order of all sequences of lengths low to high, depth first, so that little has to be kept."""
    starts = np.zeros(high + 2, dtype=np.int64)
    for length in range(low, high + 1):
        starts[length + 1] = starts[length] + vocabulary**length
    # Children that are extended themselves have to be kept, in COLUMNS columns; the last ones need not: as many at once
    # as fill long loops and stay in the processor's first cache.
    few = max(1, COLUMNS // vocabulary)
    many = min(COLUMNS, max(LANES, 2 * few // LANES * LANES))
    blocks: list[tuple[int, int, int]] = []
    sequences: list[NDArray[np.int64]] = []

    def extend(length: int, beginnings: NDArray[np.int64]) -> None:
        at_once = few if length + 1 < high else many
        for first in range(0, len(beginnings), at_once):
            some = beginnings[first : first + at_once]
            blocks.append((length, first, len(some)))
            longer = (np.arange(vocabulary)[:, None] + some * vocabulary).ravel()
            if length + 1 >= low:
                sequences.append(starts[length + 1] + longer)
            if length + 1 < high:
                extend(length + 1, longer)

    extend(0, np.zeros(1, dtype=np.int64))
    return ExhaustiveOrder(np.array(blocks, dtype=np.int64), np.concatenate(sequences))

"""What a network that reads from both ends turns round: a sequence's rows, and its tokens, within its own length.

A layer that reads backward runs as one that reads forward, over s = length - 1 - t, in the same packed rows.
"""

from __future__ import annotations

import numpy as np

from seqsum.training.backends.fused import simd
from seqsum.training.backends.fused.matmul import compiled


@compiled
def flip(shape, work, packed, lengths, steps, source, to, more):
    """Row (length - 1 - t, r) of `source` to row (t, r), for every step of each sequence; past its length zeros.

    source, to: places of [rows, width]; more: 1 to add to what is there, and then nothing past the length
    """
    width = shape.width
    for t in range(steps):
        for r in range(packed.active[t]):
            row, length = to + (packed.starts[t] + r) * width, lengths[packed.order[r]]
            if t < length:
                other = source + (packed.starts[length - 1 - t] + r) * width
                if more == 1:
                    simd.add(work, width, (row, other, row))
                else:
                    simd.copy(work, width, (other, row))
            elif more == 0:
                work[row : row + width] = np.float32(0)


@compiled
def flip_tokens(tokens, lengths, padding, backwards):
    """Fill `backwards`, int64 [batch, length], with each sequence's tokens from its last to its first, then padding."""
    for b in range(tokens.shape[0]):
        for t in range(tokens.shape[1]):
            backwards[b, t] = tokens[b, lengths[b] - 1 - t] if t < lengths[b] else padding

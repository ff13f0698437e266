"""Weights in the order in which the products read them, and their gradients back in PyTorch's."""

from __future__ import annotations

import numpy as np

from seqsum.training.backends.fused import simd
from seqsum.training.backends.fused.matmul import compiled


@compiled
def across(values, place, gates, hidden, inputs, x, to, width):
    """PyTorch's weight [gates·hidden, inputs] turned: x [inputs, gates·width]."""
    for q in range(gates):
        for i in range(hidden):
            source = place + (q * hidden + i) * inputs
            target = to + q * width + i
            for j in range(inputs):
                x[target + j * gates * width] = values[source + j]


@compiled
def along(values, place, gates, hidden, inputs, x, to, width, wide):
    """PyTorch's weight [gates·hidden, inputs] filled up: x [gates·width, wide]."""
    for q in range(gates):
        for i in range(hidden):
            source, target = place + (q * hidden + i) * inputs, to + (q * width + i) * wide
            for j in range(inputs):
                x[target + j] = values[source + j]


@compiled
def take_weight(gradients, place, gates, hidden, inputs, x, source, width, wide):
    """A filled-up gradient x [gates·width, wide] to PyTorch's [gates·hidden, inputs]."""
    for q in range(gates):
        for i in range(hidden):
            start, target = source + (q * width + i) * wide, place + (q * hidden + i) * inputs
            for j in range(inputs):
                gradients[target + j] = x[start + j]


@compiled
def take_bias(gradients, place, gates, hidden, x, source, width, rows, sums):
    """Sums over the rows of x [rows, gates·width] to a bias [gates·hidden]; `sums` is room for one row."""
    wide = gates * width
    x[sums : sums + wide] = np.float32(0)
    for r in range(rows):
        simd.add(x, wide, (sums, source + r * wide, sums))
    for q in range(gates):
        for i in range(hidden):
            gradients[place + q * hidden + i] = x[sums + q * width + i]

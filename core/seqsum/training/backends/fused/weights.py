"""Weights in the order in which the products read them, and their gradients back in PyTorch's."""

from __future__ import annotations

import numpy as np

from seqsum.training.backends.fused import simd
from seqsum.training.backends.fused.matmul import compiled


@compiled
def put_transposed(shape, values, place, inputs, work, to):
    """PyTorch's weight [gates·hidden, inputs] turned: work [inputs, wide]."""
    for q in range(shape.gates):
        for i in range(shape.hidden):
            source = place + (q * shape.hidden + i) * inputs
            target = to + q * shape.width + i
            for j in range(inputs):
                work[target + j * shape.wide] = values[source + j]


@compiled
def put_rows(shape, values, place, inputs, work, to, pitch):
    """PyTorch's weight [gates·hidden, inputs] filled up: work [wide, pitch]."""
    for q in range(shape.gates):
        for i in range(shape.hidden):
            source, target = place + (q * shape.hidden + i) * inputs, to + (q * shape.width + i) * pitch
            for j in range(inputs):
                work[target + j] = values[source + j]


@compiled
def take_weight(gradients, place, gates, hidden, inputs, work, source, width, pitch):
    """A filled-up gradient, work [gates·width, pitch], to PyTorch's [gates·hidden, inputs]."""
    for q in range(gates):
        for i in range(hidden):
            start, target = source + (q * width + i) * pitch, place + (q * hidden + i) * inputs
            for j in range(inputs):
                gradients[target + j] = work[start + j]


@compiled
def take_bias(gradients, place, gates, hidden, work, source, width, rows, sums):
    """Sums over the rows of work [rows, gates·width] to a bias [gates·hidden]; `sums` is room for one row."""
    wide = gates * width
    work[sums : sums + wide] = np.float32(0)
    for r in range(rows):
        simd.add(work, wide, (sums, source + r * wide, sums))
    for q in range(gates):
        for i in range(hidden):
            gradients[place + q * hidden + i] = work[sums + q * width + i]

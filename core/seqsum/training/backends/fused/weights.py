"""Weights in the order in which the products read them, and their gradients back in PyTorch's."""

from __future__ import annotations

from seqsum.training.backends.fused import simd
from seqsum.training.backends.fused.matmul import LANES, compiled


@compiled
def put_transposed(shape, values, place, inputs, work, to):
    """PyTorch's weight [gates·hidden, inputs] turned: work [inputs, wide]."""
    for q in range(shape.gates):
        # Some rows at once: what is written lies beside each other.
        for first in range(0, shape.hidden, LANES):
            target = to + q * shape.width
            for j in range(inputs):
                for i in range(first, min(shape.hidden, first + LANES)):
                    work[target + j * shape.wide + i] = values[place + (q * shape.hidden + i) * inputs + j]


@compiled
def put_rows(shape, values, place, inputs, columns, work, to, pitch):
    """PyTorch's weight [gates·hidden, inputs] filled up: work [wide, pitch]; of wider rows, `columns`, some columns."""
    for q in range(shape.gates):
        for i in range(shape.hidden):
            source, target = place + (q * shape.hidden + i) * columns, to + (q * shape.width + i) * pitch
            for j in range(inputs):
                work[target + j] = values[source + j]


@compiled
def take_weight(gradients, place, gates, hidden, inputs, columns, work, source, width, pitch):
    """A filled-up gradient, work [gates·width, pitch], to PyTorch's [gates·hidden, inputs]; of wider rows, `columns`,
    to some columns."""
    for q in range(gates):
        for i in range(hidden):
            start, target = source + (q * width + i) * pitch, place + (q * hidden + i) * columns
            for j in range(inputs):
                gradients[target + j] = work[start + j]


@compiled
def add_rows(work, n, rows, source, pitch, sums):
    """sums [n] += Σ of the rows of work [rows, n], `pitch` apart."""
    for r in range(rows):
        simd.add(work, n, (sums, source + r * pitch, sums))


@compiled
def take_bias(gradients, place, gates, hidden, work, sums, width):
    """A filled-up gradient, work [gates·width], to PyTorch's [gates·hidden]."""
    for q in range(gates):
        for i in range(hidden):
            gradients[place + q * hidden + i] = work[sums + q * width + i]

"""The compiled chunk: for each step forward, loss, backward through time, clipping, optimizer."""

from __future__ import annotations

import math
from typing import NamedTuple, TypeAlias

import numba
import numpy as np
from numba import njit, types
from numpy.typing import NDArray

from seqsum.training.backends.fused import layout, simd
from seqsum.training.backends.fused.backward import backward, head_backward
from seqsum.training.backends.fused.directions import flip_tokens
from seqsum.training.backends.fused.forward import forward
from seqsum.training.backends.fused.layout import LSTM, SAVED_C, named
from seqsum.training.backends.fused.loss import cross_entropy, gather_asked, head
from seqsum.training.backends.fused.matmul import part
from seqsum.training.backends.fused.optimizers import Optimizer, clip, gradient_norm, update
from seqsum.training.backends.fused.packing import Packed, pack

Ints: TypeAlias = NDArray[np.int64]
Floats: TypeAlias = NDArray[np.float32]
Doubles: TypeAlias = NDArray[np.float64]


class Parameters(NamedTuple):
    """All of a model's, flat: float32 [parameters] each. first, second: the optimizer's running means (`update`)."""

    values: Floats
    gradients: Floats
    first: Floats
    second: Floats


class ChunkBatches(NamedTuple):
    """What a chunk's steps read: tokens int64 [steps, batch, length], lengths int64 [steps, batch], targets int64
    [steps, batch, length or 1], learning rates float64 [steps]; for dropout a random number of each step, int64
    [steps], and which row of the whole batch the first one is."""

    tokens: Ints
    lengths: Ints
    targets: Ints
    rates: Doubles
    draws: Ints
    first_row: int


class Results(NamedTuple):
    """What a chunk's steps gave, filled in also for the one that failed: mean loss float64, right answers and answers
    asked for int64, gradient norm float64 [steps]."""

    losses: Doubles
    right: Ints
    asked: Ints
    norms: Doubles


INT, INTS, FLOATS, DOUBLES, TABLE = layout.INT, layout.INTS, layout.FLOATS, layout.DOUBLES, layout.TABLE
CUBE = types.int64[:, :, ::1]
SIGNATURE = (
    layout.SHAPE, named(layout.Places, INT), FLOATS, layout.PARAMETER_PLACES, named(Parameters, FLOATS),
    named(Optimizer, INT, *[types.float64] * (len(Optimizer._fields) - 1)), INT,
    named(ChunkBatches, CUBE, TABLE, CUBE, DOUBLES, INTS, INT), named(Results, DOUBLES, INTS, INTS, DOUBLES), INT,
)  # fmt: skip
PARTS_SIGNATURE = (
    named(Optimizer, INT, *[types.float64] * (len(Optimizer._fields) - 1)), types.float64, INT,
    named(Parameters, FLOATS), types.float32[:, ::1], types.float64,
)  # fmt: skip


@part
def carry_state(shape, at, work, packed, steps):
    """h₀, c₀ of the next step = h, c of this one's last; every row of these tasks is as long as the others."""
    width, last = shape.width, packed.starts[steps - 1]
    for layer in range(shape.layers):
        for r in range(shape.batch):
            to, row = (layer * shape.batch + packed.order[r]) * width, layer * shape.most + last + r
            simd.copy(work, width, (at.h + row * width, at.h_0 + to))
            if shape.cell == LSTM:
                simd.copy(work, width, (at.saved + (row * shape.saved + SAVED_C) * width, at.c_0 + to))


# `cache.set_up` has named the folder, if there is one that can be written.
@njit(error_model="numpy", nogil=True, cache=bool(numba.config.CACHE_DIR))
def run_chunk(shape, at, work, places, parameters, optimizer, done, batches, results, whole):
    """Make one update per step; return how many were made: all, or those before a loss or gradient that isn't finite.

    work, at: a `WorkArray`'s numbers and places; done: updates made before; whole: 0, or where these are rows of a
    larger batch, how many answers all of that is asked for: then one step's gradient is made, and no update, and
    results.losses is the sum over these rows
    """
    values, gradients = parameters.values, parameters.gradients
    packed = Packed(
        np.zeros(shape.batch, np.int64), np.zeros(shape.length, np.int64), np.zeros(shape.length + 1, np.int64)
    )
    asked_of, margins = np.zeros(shape.most, np.int64), np.zeros(shape.most, np.float32)
    backwards = np.zeros((shape.batch, shape.length), np.int64)
    for s in range(batches.rates.size):
        tokens, lengths = batches.tokens[s], batches.lengths[s]
        steps = pack(lengths, packed)
        if shape.directions == 2:
            flip_tokens(tokens, lengths, shape.vocabulary, backwards)
        forward(
            shape, at, work, values, places, packed, lengths, steps, tokens, backwards, batches.draws[s],
            batches.first_row,
        )  # fmt: skip
        read, rows, asked = gather_asked(shape, at, work, packed, steps, lengths, batches.targets[s], asked_of)
        head(shape, at, work, values, places, read, rows)
        loss, right = cross_entropy(shape, at, work, rows, asked_of, margins, max(asked, whole))
        head_backward(shape, at, work, gradients, places, packed, lengths, steps, read, rows)
        backward(shape, at, work, values, gradients, places, packed, lengths, steps, tokens, backwards)
        if whole > 0:
            results.losses[s], results.right[s], results.asked[s] = loss, right, asked
            if shape.carried == 1:
                carry_state(shape, at, work, packed, steps)
            return 0
        norm = gradient_norm(gradients)
        results.losses[s] = loss / asked if asked > 0 else np.nan
        results.right[s], results.asked[s], results.norms[s] = right, asked, norm
        if not (math.isfinite(results.losses[s]) and math.isfinite(norm)):
            return s
        clip(optimizer, norm, gradients)
        update(optimizer, batches.rates[s], done + s + 1, parameters)
        if shape.carried == 1:
            carry_state(shape, at, work, packed, steps)
    return batches.rates.size


@njit(error_model="numpy", nogil=True, cache=bool(numba.config.CACHE_DIR))
def update_of_parts(optimizer, rate, step, parameters, parts, loss):
    """Make an update with the sum of a batch's parts' gradients, float32 [parts, parameters]; return the sum's norm.

    None is made where the loss or the norm is not finite. The parts are added in their order, whoever made them first.
    """
    gradients = parameters.gradients
    for i in range(gradients.size):
        total = parts[0, i]
        for which in range(1, parts.shape[0]):
            total += parts[which, i]
        gradients[i] = total
    norm = gradient_norm(gradients)
    if math.isfinite(loss) and math.isfinite(norm):
        clip(optimizer, norm, gradients)
        update(optimizer, rate, step, parameters)
    return norm

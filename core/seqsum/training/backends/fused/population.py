"""The chunk of several networks of one shape, trained at once: each in its own lane of every vector.

Each network has its own weights, batches, learning rates and optimizer settings, and its own sequence of operations:
those of `chunk.run_chunk`, so that its weights have the same bits as if it were trained alone. A row is a sequence of
each network's batch, from the longest to the shortest; what a network's row is too short for is not counted there.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numba
import numpy as np
from numba import njit, types
from numpy.typing import NDArray

from seqsum.training.backends.fused import lanes, layout, simd
from seqsum.training.backends.fused.layout import (
    ADAMW,
    B_HH,
    B_IH,
    GRU,
    LSTM,
    RNN_RELU,
    RNN_TANH,
    SAVED_C,
    W_HH,
    W_IH,
    Shape,
    named,
)
from seqsum.training.backends.fused.matmul import LANES, compiled, part
from seqsum.training.backends.fused.optimizers import moment_scales
from seqsum.training.backends.fused.packing import Packed, pack

Ints = NDArray[np.int64]
Doubles = NDArray[np.float64]
Floats = NDArray[np.float32]


class PopulationPlaces(NamedTuple):
    """Where the parts of the work array begin; sizes in numbers of each network."""

    values: int  # [parameters]
    gradients: int
    first: int
    second: int
    constants: int  # lanes.CONSTANTS
    zero: int
    one: int
    share: int
    bias: int  # [wide]
    table: int  # [vocabulary, wide], what each token brings to the first layer's gates
    d_table: int
    inputs: int  # [batch, wide]
    recurrent: int  # [batch, wide]
    h: int  # [layers, length, batch, hidden]
    h_0: int  # [batch, hidden], zeros
    saved: int  # [layers, length, batch, saved · hidden]
    d_gates: int  # [length, batch, wide]
    d_gates_h: int
    d_out: int  # [length, batch, hidden]
    d_h_next: int  # [batch, hidden]
    d_c_next: int
    read: int  # [batch, hidden]
    d_read: int
    logits: int  # [batch, classes]
    found: int  # [batch, 3]


class PopulationBatches(NamedTuple):
    """As `chunk.ChunkBatches`, of LANES networks: tokens int64 [lanes, steps, batch, length], lengths and targets int64
    [lanes, steps, batch], learning rates float64 [lanes, steps]."""

    tokens: Ints
    lengths: Ints
    targets: Ints
    rates: Doubles


class PopulationOptimizer(NamedTuple):
    """kind: place in OPTIMIZERS, the same for all; the rest float64 [lanes], as in `optimizers.Optimizer`.

    done: updates made before, int64 [lanes]
    """

    kind: int
    beta1: Doubles
    beta2: Doubles
    eps: Doubles
    weight_decay: Doubles
    clip_norm: Doubles
    clip_value: Doubles
    done: Ints


class PopulationResults(NamedTuple):
    """As `chunk.Results`: [lanes, steps] each; made: int64 [lanes], updates of each network."""

    losses: Doubles
    right: Ints
    norms: Doubles
    made: Ints


def places_of(shape: Shape, parameters: int) -> tuple[PopulationPlaces, int]:
    """Return where the parts of a work array begin, and how many float32 numbers it has."""
    batch, hidden, layers = shape.batch, shape.hidden, shape.layers
    wide, rows = shape.gates * hidden, shape.batch * shape.length
    sizes = PopulationPlaces(
        values=parameters,
        gradients=parameters,
        first=parameters,
        second=parameters,
        constants=len(lanes.CONSTANTS),
        zero=1,
        one=1,
        share=1,
        bias=wide,
        table=shape.vocabulary * wide,
        d_table=shape.vocabulary * wide,
        inputs=batch * wide,
        recurrent=batch * wide,
        h=layers * rows * hidden,
        h_0=batch * hidden,
        saved=max(1, layers * shape.saved * rows * hidden),
        d_gates=rows * wide,
        d_gates_h=rows * wide if shape.cell == GRU else 1,
        d_out=rows * hidden,
        d_h_next=batch * hidden,
        d_c_next=batch * hidden,
        read=batch * hidden,
        d_read=batch * hidden,
        logits=batch * shape.classes,
        found=batch * 3,
    )
    starts = np.cumsum([0, *sizes]) * LANES
    return PopulationPlaces(*starts.tolist()[:-1]), int(starts[-1])


@compiled
def pack_lanes(batches, s, alive, packed, tokens, last, targets, counts):
    """Lay out step s of every lane: rows from the longest to the shortest; return the steps of the longest.

    tokens: int32 [length, batch, LANES], −1 where a row has ended; last: int32 [batch, LANES], a row's last step;
    targets: int32 [batch, LANES]; counts: int64 [length], rows that any lane reads at each step
    """
    batch = last.size // LANES
    counts[:] = 0
    tokens[:] = -1
    steps = 0
    for lane in range(alive.size):
        if alive[lane] == 0:
            continue
        lengths = batches.lengths[lane, s]
        pack(lengths, packed)
        for r in range(batch):
            row = packed.order[r]
            size = lengths[row]
            last[r * LANES + lane] = size - 1
            targets[r * LANES + lane] = batches.targets[lane, s, row]
            for t in range(size):
                tokens[(t * batch + r) * LANES + lane] = batches.tokens[lane, s, row, t]
                counts[t] = max(counts[t], r + 1)
            steps = max(steps, size)
    return steps


@part
def forward_lanes(shape, at, work, places, counts, steps, tokens):
    """As `forward.forward`: every layer's states at every step, with what the way back needs of them."""
    batch, hidden = shape.batch, shape.hidden
    wide, embedding = shape.gates * hidden, shape.embedding
    for layer in range(shape.layers):
        b_ih, b_hh = places.layers[layer, B_IH], places.layers[layer, B_HH]
        w_ih, w_hh = at.values + places.layers[layer, W_IH] * LANES, at.values + places.layers[layer, W_HH] * LANES
        both = wide - hidden if shape.cell == GRU else wide
        simd.add(work, both * LANES, (at.values + b_ih * LANES, at.values + b_hh * LANES, at.bias))
        if shape.cell == GRU:
            simd.copy(work, hidden * LANES, (at.values + (b_ih + both) * LANES, at.bias + both * LANES))
        b_hn = at.values + (b_hh + both) * LANES
        if layer == 0 and embedding > 0:
            lanes.products(
                work, (at.values + places.embedding * LANES, embedding, 1), (w_ih, embedding, 1),
                (at.table, wide, 1), (at.bias, 0, 1), (shape.vocabulary, wide, embedding),
            )  # fmt: skip
        elif layer == 0:
            for v in range(shape.vocabulary):
                for g in range(wide):
                    to = at.table + (v * wide + g) * LANES
                    simd.add(work, LANES, (w_ih + (g * shape.vocabulary + v) * LANES, at.bias + g * LANES, to))
        for t in range(steps):
            n, row = counts[t], (layer * shape.length + t) * batch
            h, h_prev = at.h + row * hidden * LANES, at.h_0
            if t > 0:
                h_prev = at.h + (row - batch) * hidden * LANES
                lanes.products(
                    work, (h_prev, hidden, 1), (w_hh, hidden, 1), (at.recurrent, wide, 1), (at.zero, 0, 0),
                    (n, wide, hidden),
                )  # fmt: skip
            else:
                work[at.recurrent : at.recurrent + n * wide * LANES] = np.float32(0)
            if layer == 0:
                for r in range(n):
                    lanes.gather_inputs(
                        work, at.table, tokens, (t * batch + r) * LANES, at.inputs + r * wide * LANES, wide
                    )
            else:
                below = at.h + ((layer - 1) * shape.length + t) * batch * hidden * LANES
                lanes.products(
                    work, (below, hidden, 1), (w_ih, hidden, 1), (at.inputs, wide, 1), (at.bias, 0, 1),
                    (n, wide, hidden),
                )  # fmt: skip
            if shape.cell == RNN_TANH:
                simd.tanh_step(work, n * hidden * LANES, (at.inputs, at.recurrent, h))
            elif shape.cell == RNN_RELU:
                simd.relu_step(work, n * hidden * LANES, (at.inputs, at.recurrent, h))
                for r in range(n):
                    # Past its end a row could grow out of all bounds.
                    lanes.zero_past_end(work, tokens, (t * batch + r) * LANES, h + r * hidden * LANES, hidden)
            elif shape.cell == LSTM:
                width = hidden * LANES
                for r in range(n):
                    i, q = at.inputs + r * wide * LANES, at.recurrent + r * wide * LANES
                    k = at.saved + (row + r) * shape.saved * width
                    c = at.h_0 if t == 0 else at.saved + ((row - batch + r) * shape.saved + SAVED_C) * width
                    simd.lstm_step(
                        work, width,
                        (i, i + width, i + 2 * width, i + 3 * width, q, q + width, q + 2 * width, q + 3 * width, c,
                         k, k + width, k + 2 * width, k + 3 * width, k + 4 * width, k + 5 * width, h + r * width),
                    )  # fmt: skip
            else:
                width = hidden * LANES
                for r in range(n):
                    i, q = at.inputs + r * wide * LANES, at.recurrent + r * wide * LANES
                    k = at.saved + (row + r) * shape.saved * width
                    simd.gru_step(
                        work, width,
                        (i, i + width, i + 2 * width, q, q + width, q + 2 * width, b_hn, h_prev + r * width,
                         k, k + width, k + 2 * width, k + 3 * width, h + r * width),
                    )  # fmt: skip


@part
def head_lanes(shape, at, work, places, counts, steps, last, targets):
    """From the last states to the loss, and back to d_read, with the head's gradients."""
    batch, hidden, classes = shape.batch, shape.hidden, shape.classes
    w_head, b_head = at.values + places.w_head * LANES, at.values + places.b_head * LANES
    top = at.h + (shape.layers - 1) * shape.length * batch * hidden * LANES
    for t in range(steps):
        for r in range(counts[t]):
            h = top + (t * batch + r) * hidden * LANES
            lanes.keep_where(work, last, r * LANES, t, h, at.read + r * hidden * LANES, hidden)
    lanes.products(
        work, (at.read, hidden, 1), (w_head, hidden, 1), (at.logits, classes, 1), (b_head, 0, 1),
        (batch, classes, hidden),
    )  # fmt: skip
    for r in range(batch):
        lanes.softmax_gradient(
            work, at.logits + r * classes * LANES, classes, targets, r * LANES, at.share, at.found + 3 * r * LANES
        )
    lanes.products(
        work, (at.logits, 1, classes), (at.read, 1, hidden),
        (at.gradients + places.w_head * LANES, hidden, 1), (at.zero, 0, 0), (classes, hidden, batch),
    )  # fmt: skip
    lanes.products(
        work, (at.logits, 1, classes), (at.one, 0, 0), (at.gradients + places.b_head * LANES, 1, 1),
        (at.zero, 0, 0), (classes, 1, batch),
    )  # fmt: skip
    lanes.products(
        work, (at.logits, classes, 1), (w_head, 1, hidden), (at.d_read, hidden, 1), (at.zero, 0, 0),
        (batch, hidden, classes),
    )  # fmt: skip
    for t in range(steps):
        for r in range(counts[t]):
            d_out = at.d_out + (t * batch + r) * hidden * LANES
            lanes.only_where(work, last, r * LANES, t, at.d_read + r * hidden * LANES, d_out, hidden)


@part
def through_time_lanes(shape, at, work, places, counts, steps, layer):
    """d_gates of a layer at every step, from the last on."""
    batch, hidden = shape.batch, shape.hidden
    wide, width = shape.gates * hidden, shape.hidden * LANES
    w_hh = at.values + places.layers[layer, W_HH] * LANES
    d_recurrent = at.d_gates_h if shape.cell == GRU else at.d_gates
    work[at.d_h_next : at.d_h_next + batch * width] = np.float32(0)
    work[at.d_c_next : at.d_c_next + batch * width] = np.float32(0)
    for t in range(steps - 1, -1, -1):
        n, row = counts[t], (layer * shape.length + t) * batch
        if t < steps - 1:
            lanes.products(
                work, (d_recurrent + (t + 1) * batch * wide * LANES, wide, 1), (w_hh, 1, hidden),
                (at.d_h_next, hidden, 1), (at.zero, 0, 0), (counts[t + 1], hidden, wide),
            )  # fmt: skip
        h, d_out = at.h + row * width, at.d_out + t * batch * width
        d_gates = at.d_gates + t * batch * wide * LANES
        if shape.cell == RNN_TANH:
            simd.tanh_back(work, n * width, (d_out, at.d_h_next, h, d_gates))
        elif shape.cell == RNN_RELU:
            simd.relu_back(work, n * width, (d_out, at.d_h_next, h, d_gates))
        elif shape.cell == LSTM:
            for r in range(n):
                k, g, i = at.saved + (row + r) * shape.saved * width, d_gates + r * wide * LANES, r * width
                c_prev = at.h_0 if t == 0 else at.saved + ((row - batch + r) * shape.saved + SAVED_C) * width
                simd.lstm_back(
                    work, width,
                    (d_out + i, at.d_h_next + i, at.d_c_next + i, k, k + width, k + 2 * width, k + 3 * width,
                     c_prev, k + 5 * width,
                     g, g + width, g + 2 * width, g + 3 * width, at.d_c_next + i),
                )  # fmt: skip
        else:
            for r in range(n):
                k, g, i = at.saved + (row + r) * shape.saved * width, d_gates + r * wide * LANES, r * width
                q = at.d_gates_h + (t * batch + r) * wide * LANES
                h_prev = at.h_0 if t == 0 else h - batch * width + i
                simd.gru_back(
                    work, width,
                    (d_out + i, at.d_h_next + i, at.d_c_next + i, k, k + width, k + 2 * width, k + 3 * width,
                     h_prev,
                     g, g + width, g + 2 * width, q, q + width, q + 2 * width, at.d_c_next + i),
                )  # fmt: skip


@part
def recurrent_bias(shape, at, work, b_ih, b_hh, counts, steps):
    """db_hh = db_ih, but a gru's of n."""
    hidden, wide = shape.hidden, shape.gates * shape.hidden
    simd.copy(work, wide * LANES, (at.gradients + b_ih * LANES, at.gradients + b_hh * LANES))
    if shape.cell == GRU:
        lanes.products_of_steps(
            work, (at.d_gates_h + 2 * hidden * LANES, 1, wide, shape.batch * wide), (at.one, 0, 0, 0),
            (at.gradients + (b_hh + 2 * hidden) * LANES, 1, 1), at.zero, (hidden, 1), 0, counts, steps,
        )  # fmt: skip


@part
def gradients_lanes(shape, at, work, places, counts, steps, layer, tokens):
    """A layer's gradients from its d_gates, and d_out of the layer below or of the tokens."""
    batch, hidden, embedding, vocabulary = shape.batch, shape.hidden, shape.embedding, shape.vocabulary
    wide = shape.gates * hidden
    d_recurrent = at.d_gates_h if shape.cell == GRU else at.d_gates
    w_ih, w_hh = places.layers[layer, W_IH], places.layers[layer, W_HH]
    b_ih, b_hh = places.layers[layer, B_IH], places.layers[layer, B_HH]
    h = at.h + layer * shape.length * batch * hidden * LANES
    step, h_step = batch * wide, batch * hidden
    # At each step from the second on the states before it.
    lanes.products_of_steps(
        work, (d_recurrent, 1, wide, step), (h - h_step * LANES, 1, hidden, h_step),
        (at.gradients + w_hh * LANES, hidden, 1), at.zero, (wide, hidden), 1, counts, steps,
    )  # fmt: skip
    if layer > 0:
        below = at.h + (layer - 1) * shape.length * batch * hidden * LANES
        lanes.products_of_steps(
            work, (at.d_gates, 1, wide, step), (below, 1, hidden, h_step),
            (at.gradients + w_ih * LANES, hidden, 1), at.zero, (wide, hidden), 0, counts, steps,
        )  # fmt: skip
        for t in range(steps):
            lanes.products(
                work, (at.d_gates + t * batch * wide * LANES, wide, 1), (at.values + w_ih * LANES, 1, hidden),
                (at.d_out + t * batch * hidden * LANES, hidden, 1), (at.zero, 0, 0), (counts[t], hidden, wide),
            )  # fmt: skip
        lanes.products_of_steps(
            work, (at.d_gates, 1, wide, step), (at.one, 0, 0, 0), (at.gradients + b_ih * LANES, 1, 1), at.zero,
            (wide, 1), 0, counts, steps,
        )  # fmt: skip
        recurrent_bias(shape, at, work, b_ih, b_hh, counts, steps)
        return
    lanes.sum_by_token(work, at.d_gates, tokens, 0, vocabulary, at.d_table, wide, counts, steps, batch)
    # Each row has a token.
    lanes.products(
        work, (at.d_table, 1, wide), (at.one, 0, 0), (at.gradients + b_ih * LANES, 1, 1), (at.zero, 0, 0),
        (wide, 1, vocabulary),
    )  # fmt: skip
    recurrent_bias(shape, at, work, b_ih, b_hh, counts, steps)
    if embedding == 0:
        for g in range(wide):
            for v in range(vocabulary):
                source, to = at.d_table + (v * wide + g) * LANES, w_ih + g * vocabulary + v
                simd.copy(work, LANES, (source, at.gradients + to * LANES))
        return
    known = at.values + places.embedding * LANES
    lanes.products(
        work, (at.d_table, 1, wide), (known, 1, embedding), (at.gradients + w_ih * LANES, embedding, 1),
        (at.zero, 0, 0), (wide, embedding, vocabulary),
    )  # fmt: skip
    lanes.products(
        work, (at.d_table, wide, 1), (at.values + w_ih * LANES, 1, embedding),
        (at.gradients + places.embedding * LANES, embedding, 1), (at.zero, 0, 0), (vocabulary, embedding, wide),
    )  # fmt: skip


@compiled
def loss_lanes(at, work, batch, alive, losses, right):
    """Sum up each lane's losses and right answers of a step, the rows in order."""
    for lane in range(alive.size):
        loss = 0.0
        count = 0
        for r in range(batch):
            place = at.found + 3 * r * LANES + lane
            loss += math.log(work[place]) + work[place + LANES]
            count += work[place + 2 * LANES] != 0
        losses[lane], right[lane] = loss, count


@compiled
def norm_lanes(at, work, parameters, room, norms):
    """‖g‖₂ of each lane in float64."""
    lanes.square_sums(work, at.gradients, parameters, 0, room)
    lanes.square_sums(work, at.gradients, parameters, LANES // 2, room)
    half = LANES // 2
    while half > 0:
        for i in range(half * LANES):
            room[i] += room[i + half * LANES]
        half //= 2
    for lane in range(norms.size):
        norms[lane] = math.sqrt(room[lane])


@compiled
def constants_lanes(at, work, optimizer, rates, made, norms, alive):
    """Set what an update reads, of each lane."""
    for lane in range(alive.size):
        rate, beta1, beta2 = rates[lane], optimizer.beta1[lane], optimizer.beta2[lane]
        step = optimizer.done[lane] + made[lane] + 1
        size, root = moment_scales(beta1, beta2, rate, step)
        scale = np.float32(1)
        if norms[lane] > optimizer.clip_norm[lane]:
            scale = np.float32(optimizer.clip_norm[lane] / (norms[lane] + 1e-6))
        decay = optimizer.weight_decay[lane]
        place = at.constants + lane
        work[place] = np.float32(alive[lane])
        work[place + LANES] = scale
        work[place + 2 * LANES] = np.float32(optimizer.clip_value[lane])
        work[place + 3 * LANES] = np.float32(decay)
        work[place + 4 * LANES] = np.float32(beta1)
        work[place + 5 * LANES] = np.float32(1 - beta1)
        work[place + 6 * LANES] = np.float32(beta2)
        work[place + 7 * LANES] = np.float32(1 - beta2)
        work[place + 8 * LANES] = np.float32(optimizer.eps[lane])
        work[place + 9 * LANES] = size
        work[place + 10 * LANES] = root
        work[place + 11 * LANES] = np.float32(1 - rate * decay)


INT, INTS, FLOATS, DOUBLES = layout.INT, layout.INTS, layout.FLOATS, layout.DOUBLES
SIGNATURE = (
    layout.SHAPE, named(PopulationPlaces, INT), FLOATS, layout.PARAMETER_PLACES, INT, INTS,
    named(PopulationBatches, types.int64[:, :, :, ::1], *[types.int64[:, :, ::1]] * 2, types.float64[:, ::1]),
    named(PopulationOptimizer, INT, *[DOUBLES] * 6, INTS),
    named(PopulationResults, types.float64[:, ::1], types.int64[:, ::1], types.float64[:, ::1], INTS),
)  # fmt: skip


@njit(error_model="numpy", nogil=True, cache=bool(numba.config.CACHE_DIR))
def run_population(shape, at, work, places, parameters, alive, batches, optimizer, results):
    """Make one update per step in every lane that is alive, int64 [lanes]; a lane whose loss or gradient is not finite
    makes none from there on.

    work, at: see `places_of`; parameters: how many a network has
    """
    batch, length = shape.batch, shape.length
    packed = Packed(np.zeros(batch, np.int64), np.zeros(length, np.int64), np.zeros(length + 1, np.int64))
    tokens = np.zeros(length * batch * LANES + LANES, np.int32)
    last, targets = np.full(batch * LANES, -1, np.int32), np.zeros(batch * LANES, np.int32)
    counts = np.zeros(length, np.int64)
    room, norms, losses = np.zeros(LANES * LANES), np.zeros(LANES), np.zeros(LANES)
    right = np.zeros(LANES, np.int64)
    work[at.one : at.one + LANES] = np.float32(1)
    work[at.share : at.share + LANES] = np.float32(1.0 / batch)
    moved = (at.values, at.gradients, at.first, at.second)
    for s in range(batches.rates.shape[1]):
        steps = pack_lanes(batches, s, alive, packed, tokens, last, targets, counts)
        if steps == 0:
            return
        forward_lanes(shape, at, work, places, counts, steps, tokens)
        head_lanes(shape, at, work, places, counts, steps, last, targets)
        loss_lanes(at, work, batch, alive, losses, right)
        for layer in range(shape.layers - 1, -1, -1):
            through_time_lanes(shape, at, work, places, counts, steps, layer)
            gradients_lanes(shape, at, work, places, counts, steps, layer, tokens)
        norm_lanes(at, work, parameters, room, norms)
        for lane in range(LANES):
            if alive[lane] == 0:
                continue
            results.losses[lane, s], results.norms[lane, s] = losses[lane] / batch, norms[lane]
            results.right[lane, s] = right[lane]
            if not (math.isfinite(losses[lane]) and math.isfinite(norms[lane])):
                alive[lane] = 0
        constants_lanes(at, work, optimizer, batches.rates[:, s], results.made, norms, alive)
        if optimizer.kind == ADAMW:
            lanes.update_adamw(work, parameters, moved, at.constants)
        else:
            lanes.update_adam(work, parameters, moved, at.constants)
        for lane in range(LANES):
            results.made[lane] += alive[lane]

"""The way forward: from tokens to every layer's hidden states, with what the way back needs of them.

Shapes in `layout.Places`. A row is one sequence at one step t; rows are packed (`packing`).
"""

from __future__ import annotations

import numpy as np

from seqsum.training.backends.fused import simd
from seqsum.training.backends.fused.directions import flip
from seqsum.training.backends.fused.dropout import drop
from seqsum.training.backends.fused.layout import B_HH, B_IH, GRU, LSTM, RNN_RELU, RNN_TANH, SAVED_C, W_HH, W_IH
from seqsum.training.backends.fused.matmul import (
    compiled,
    is_large,
    pack_right,
    part,
    product,
    product_more,
    with_packed,
)  # fmt: skip
from seqsum.training.backends.fused.weights import put_transposed


@part
def forward(shape, at, work, values, places, packed, lengths, steps, tokens, backwards, draw, first_row):
    """x⁰ = embedding(tokens), xˡ = hˡ⁻¹; in every layer hₜ, cₜ = cell(W_ih xₜ + b_ih + b_hh, W_hh hₜ₋₁, cₜ₋₁).

    A layer that reads backward is one that reads forward what `directions` has turned round: row (s, r) is its step s.
    backwards: tokens as it reads them; draw, first_row: as `drop` has them
    """
    for layer in range(shape.layers):
        read = tokens if layer % shape.directions == 0 else backwards
        put_biases(shape, at, work, values, places, layer)
        if layer < shape.directions:
            token_inputs(shape, at, work, values, places, layer, packed, steps, read)
        else:
            if layer % shape.directions == 0:
                for below in range(layer - shape.directions, layer):
                    if shape.dropout > 0:
                        drop(shape, at, work, below, packed, steps, draw, first_row)
                    if shape.directions == 2:
                        rises, place = at.dropped if shape.dropout > 0 else at.h, below * shape.most * shape.width
                        flip(shape, work, packed, lengths, steps, rises + place, at.flipped + place, 0)
            layer_inputs(shape, at, work, values, places, layer, packed.starts[steps])
        w_hh_t = at.w_hh_t + layer * shape.hidden * shape.wide
        put_transposed(shape, values, places.layers[layer, W_HH], shape.hidden, work, w_hh_t)
        recur(shape, at, work, layer, packed, steps, w_hh_t, read)
    if shape.directions == 2 and shape.tags == 1:
        top = (shape.layers - 1) * shape.most * shape.width
        flip(shape, work, packed, lengths, steps, at.h + top, at.flipped + top, 0)


@part
def put_biases(shape, at, work, values, places, layer):
    """b = b_ih + b_hh, but a gru's b_hn apart, which r multiplies: n = tanh(… + b_in + r (… + b_hn))."""
    b_ih, b_hh, hidden = places.layers[layer, B_IH], places.layers[layer, B_HH], shape.hidden
    work[at.bias : at.bias + shape.wide] = np.float32(0)
    for q in range(shape.gates):
        for i in range(hidden):
            both = values[b_ih + q * hidden + i]
            if shape.cell == GRU and q == 2:
                work[at.b_hn + layer * shape.width + i] = values[b_hh + q * hidden + i]
            else:
                both += values[b_hh + q * hidden + i]
            work[at.bias + q * shape.width + i] = both


@part
def token_inputs(shape, at, work, values, places, layer, packed, steps, tokens):
    """inputs = W_ih embedding(token) + b, once for each token of the vocabulary; rows that are read whole get a copy.

    tokens: int64 [batch, length]; `vocabulary` stands for the padding
    """
    wide, embedding, vocabulary = shape.wide, shape.embedding, shape.vocabulary
    w_ih, known = places.layers[layer, W_IH], vocabulary + 1
    if embedding > 0:
        put_transposed(shape, values, w_ih, embedding, work, at.w_ih_t)
        for v in range(known):
            for i in range(embedding):
                work[at.embedding + v * shape.wide_embedding + i] = values[places.embedding + v * embedding + i]
            simd.copy(work, wide, (at.bias, at.token_inputs + v * wide))
        product_more(
            work, (at.embedding, shape.wide_embedding, 1), (at.w_ih_t, wide), (at.token_inputs, wide),
            (known, wide, embedding), at.scratch,
        )  # fmt: skip
    else:
        put_transposed(shape, values, w_ih, vocabulary, work, at.token_inputs)
        for v in range(vocabulary):
            simd.add(work, wide, (at.token_inputs + v * wide, at.bias, at.token_inputs + v * wide))
        simd.copy(work, wide, (at.bias, at.token_inputs + vocabulary * wide))
    for t in range(steps if shape.gates == 1 else 0):
        for r in range(packed.active[t]):
            token = tokens[packed.order[r], t]
            simd.copy(work, wide, (at.token_inputs + token * wide, at.inputs + (packed.starts[t] + r) * wide))


@part
def layer_inputs(shape, at, work, values, places, layer, rows):
    """inputs = W_ih h + b, of the layer below's h, as dropout leaves it, all rows at once; its two directions' h beside
    each other, the forward one's first."""
    put_transposed(shape, values, places.layers[layer, W_IH], shape.directions * shape.hidden, work, at.w_ih_t)
    for r in range(rows):
        simd.copy(work, shape.wide, (at.bias, at.inputs + r * shape.wide))
    for half in range(shape.directions):
        product_more(
            work, (read_below(shape, at, layer, half), shape.width, 1),
            (at.w_ih_t + half * shape.hidden * shape.wide, shape.wide), (at.inputs, shape.wide),
            (rows, shape.wide, shape.hidden), at.scratch,
        )  # fmt: skip


@compiled
def read_below(shape, at, layer, half):
    """Return where the states lie that a layer above the first reads of one direction below, in its own order."""
    direction = layer % shape.directions
    place = (layer - direction - shape.directions + half) * shape.most * shape.width
    if half != direction:
        return at.flipped + place
    return (at.dropped if shape.dropout > 0 else at.h) + place


@part
def cell_before(shape, at, layer, packed, t, r):
    """Return where an lstm's cells before step t of row r lie."""
    if t == 0:
        return at.c_0 + (layer * shape.batch + r) * shape.width
    last = layer * shape.most + packed.starts[t - 1] + r
    return at.saved + (last * shape.saved + SAVED_C) * shape.width


@part
def recur(shape, at, work, layer, packed, steps, w_hh_t, tokens):
    """recurrent = W_hh hₜ₋₁, and hₜ = cell(inputs, recurrent), for the active rows of one step after the other."""
    width, wide, first = shape.width, shape.wide, layer * shape.most
    large = is_large(shape.batch, wide, shape.hidden)
    if large:
        pack_right(work, (w_hh_t, wide), at.packed, wide, shape.hidden)
    for t in range(steps):
        n, row = packed.active[t], first + packed.starts[t]
        h_prev, h = at.h_prev + row * width, at.h + row * width
        before = at.h_0 + layer * shape.batch * width if t == 0 else at.h + (first + packed.starts[t - 1]) * width
        simd.copy(work, n * width, (before, h_prev))
        if t == 0 and shape.carried == 0:
            work[at.recurrent : at.recurrent + n * wide] = np.float32(0)
        elif large:
            writes = (at.saved + row * shape.saved * width, n * shape.saved * width)
            with_packed(work, (h_prev, width), at.packed, (at.recurrent, wide), (n, wide, shape.hidden), writes)
        else:
            product(work, (h_prev, width, 1), (w_hh_t, wide), (at.recurrent, wide), (n, wide, shape.hidden), at.scratch)
        inputs = at.inputs + packed.starts[t] * wide
        if shape.cell == RNN_TANH:
            simd.tanh_step(work, n * width, (inputs, at.recurrent, h))
        elif shape.cell == RNN_RELU:
            simd.relu_step(work, n * width, (inputs, at.recurrent, h))
        elif shape.cell == LSTM:
            for r in range(n):
                i, q, k = inputs + r * wide, at.recurrent + r * wide, at.saved + (row + r) * shape.saved * width
                if layer < shape.directions:
                    i = at.token_inputs + tokens[packed.order[r], t] * wide
                c = cell_before(shape, at, layer, packed, t, r)
                simd.lstm_step(
                    work, width,
                    (i, i + width, i + 2 * width, i + 3 * width, q, q + width, q + 2 * width, q + 3 * width, c,
                     k, k + width, k + 2 * width, k + 3 * width, k + 4 * width, k + 5 * width, h + r * width),
                )  # fmt: skip
        else:
            b_hn = at.b_hn + layer * width
            for r in range(n):
                i, q, k = inputs + r * wide, at.recurrent + r * wide, at.saved + (row + r) * shape.saved * width
                if layer < shape.directions:
                    i = at.token_inputs + tokens[packed.order[r], t] * wide
                simd.gru_step(
                    work, width,
                    (i, i + width, i + 2 * width, q, q + width, q + 2 * width, b_hn, h_prev + r * width,
                     k, k + width, k + 2 * width, k + 3 * width, h + r * width),
                )  # fmt: skip

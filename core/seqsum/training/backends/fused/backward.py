"""The way back: the loss's gradient by every parameter, through time.

d_… is the loss's gradient by …; what an equation of `forward` computes as y = W x gives dx = Wᵀ dy and dW = dy xᵀ.
"""

from __future__ import annotations

import numpy as np

from seqsum.training.backends.fused import simd
from seqsum.training.backends.fused.directions import flip
from seqsum.training.backends.fused.forward import cell_before, read_below
from seqsum.training.backends.fused.layout import B_HH, B_IH, BLOCK, GRU, LSTM, RNN_RELU, RNN_TANH, W_HH, W_IH
from seqsum.training.backends.fused.loss import read_half
from seqsum.training.backends.fused.matmul import (
    compiled,
    is_large,
    pack_right,
    part,
    product,
    product_if,
    with_packed,
)  # fmt: skip
from seqsum.training.backends.fused.weights import add_rows, put_rows, take_bias, take_weight


@part
def backward(shape, at, work, values, gradients, places, packed, lengths, steps, tokens, backwards):
    """From the gradients by what the head read to those of all layers and the embedding, the top layer first."""
    for layer in range(shape.layers - 1, -1, -1):
        read = tokens if layer % shape.directions == 0 else backwards
        through_time(shape, at, work, values, places, layer, packed, lengths, steps, read)
        take_gradients(shape, at, work, gradients, places, layer)
        if layer < shape.directions:
            of_tokens(shape, at, work, values, gradients, places, layer)
        elif shape.directions == 2 and layer % 2 == 0:
            of_both(shape, at, work, layer, packed, lengths, steps)


@part
def head_backward(shape, at, work, gradients, places, packed, lengths, steps, read, rows):
    """dW = d_logitsᵀ h, db = Σ d_logits, d_out = d_logits W, at the rows that were read; elsewhere zero."""
    width, wide = shape.width, shape.wide_classes
    hidden, columns = shape.hidden, shape.directions * shape.hidden
    for half in range(shape.directions):
        half_read = read_half(shape, at, read, half)
        product(work, (at.logits, 1, wide), (half_read, width), (at.d_weight, width), (wide, width, rows), at.scratch)
        w_head = places.w_head + half * hidden
        take_weight(gradients, w_head, 1, shape.classes, hidden, columns, work, at.d_weight, wide, width)
    work[at.sums : at.sums + wide] = np.float32(0)
    add_rows(work, wide, rows, at.logits, wide, at.sums)
    take_bias(gradients, places.b_head, 1, shape.classes, work, at.sums, wide)
    for half in range(shape.directions):
        place = half * shape.most * width
        d_read = at.read + place
        if shape.tags == 1:
            d_read = at.d_out if half == 0 else at.d_flipped
        w_head = at.w_head + half * wide * width
        product(work, (at.logits, wide, 1), (w_head, width), (d_read, width), (rows, width, wide), at.scratch)
        if half == 1 and shape.tags == 1:
            flip(shape, work, packed, lengths, steps, at.d_flipped, at.d_out + place, 0)
        if shape.tags == 0 and shape.gates == 1:
            work[at.d_out + place : at.d_out + place + packed.starts[steps] * width] = np.float32(0)
            for r in range(shape.batch):
                last = packed.starts[lengths[packed.order[r]] - 1] + r
                simd.copy(work, width, (d_read + r * width, at.d_out + place + last * width))


@part
def d_out_of(shape, at, layer, packed, lengths, t, r):
    """Return where an lstm's or gru's row r finds its d_out of step t: the top layer may be read in few steps."""
    first = layer % shape.directions * shape.most
    if shape.tags == 0 and layer >= shape.layers - shape.directions:
        return at.read + (first + r) * shape.width if lengths[packed.order[r]] == t + 1 else at.zeros
    return at.d_out + (first + packed.starts[t] + r) * shape.width


@part
def through_time(shape, at, work, values, places, layer, packed, lengths, steps, tokens):
    """d_h = d_out + W_hhᵀ d_gatesₜ₊₁ (and what passes the weights by), d_gates = d_h · cell′, from the last step on.

    What they give the weights is added up as soon as it is a block, from which they are still at hand.
    """
    width, wide, first = shape.width, shape.wide, layer * shape.most
    hidden, directions = shape.hidden, shape.directions
    d_out = at.d_out + layer % directions * shape.most * width
    put_rows(shape, values, places.layers[layer, W_HH], hidden, hidden, work, at.w_hh, width)
    large = is_large(shape.batch, wide, shape.hidden)
    if large:
        pack_right(work, (at.w_hh, width), at.packed, width, wide)
    if layer >= directions:
        for half in range(directions):
            w_ih = places.layers[layer, W_IH] + half * hidden
            put_rows(shape, values, w_ih, hidden, directions * hidden, work, at.w_ih + half * wide * width, width)
    begin(shape, at, work, layer)
    end, after = packed.starts[steps], 0
    for t in range(steps - 1, -1, -1):
        n, start = packed.active[t], packed.starts[t]
        if t < steps - 1:
            sizes = (packed.active[t + 1], width, wide)
            if large:
                reads = (at.saved + (first + start) * shape.saved * width, n * shape.saved * width)
                with_packed(work, (after, wide), at.packed, (at.d_h_next, width), sizes, reads)
            else:
                product(work, (after, wide, 1), (at.w_hh, width), (at.d_h_next, width), sizes, at.scratch)
        at_end = shape.kept - (end - start)
        d_gates, d_gates_h, row = at.d_gates + at_end * wide, at.d_gates_h + at_end * wide, first + start
        if shape.cell == RNN_TANH:
            simd.tanh_back(work, n * width, (d_out + start * width, at.d_h_next, at.h + row * width, d_gates))
        elif shape.cell == RNN_RELU:
            simd.relu_back(work, n * width, (d_out + start * width, at.d_h_next, at.h + row * width, d_gates))
        elif shape.cell == LSTM:
            for r in range(n):
                k, g, i = at.saved + (row + r) * shape.saved * width, d_gates + r * wide, r * width
                simd.lstm_back(
                    work, width,
                    (d_out_of(shape, at, layer, packed, lengths, t, r), at.d_h_next + i, at.d_c_next + i,
                     k, k + width, k + 2 * width, k + 3 * width,
                     cell_before(shape, at, layer, packed, t, r), k + 5 * width,
                     g, g + width, g + 2 * width, g + 3 * width, at.d_c_next + i),
                )  # fmt: skip
        else:
            for r in range(n):
                k, g, i = at.saved + (row + r) * shape.saved * width, d_gates + r * wide, r * width
                q = d_gates_h + r * wide
                simd.gru_back(
                    work, width,
                    (d_out_of(shape, at, layer, packed, lengths, t, r), at.d_h_next + i, at.d_c_next + i,
                     k, k + width, k + 2 * width, k + 3 * width,
                     at.h_prev + (row + r) * width,
                     g, g + width, g + 2 * width, q, q + width, q + 2 * width, at.d_c_next + i),
                )  # fmt: skip
        after = d_gates_h if shape.cell == GRU else d_gates
        if layer < directions:
            for r in range(n):
                to = at.d_token_inputs + tokens[packed.order[r], t] * wide
                simd.add(work, wide, (to, d_gates + r * wide, to))
        if end - start >= BLOCK or t == 0:
            more = 1 if end < packed.starts[steps] else 0
            add_block(shape, at, work, layer, start, end - start, d_gates, after, more)
            end = start


@part
def begin(shape, at, work, layer):
    """Set to zero what the steps add to."""
    work[at.d_h_next : at.d_h_next + shape.batch * shape.width] = np.float32(0)
    work[at.d_c_next : at.d_c_next + shape.batch * shape.width] = np.float32(0)
    work[at.sums : at.sums + shape.wide] = np.float32(0)
    work[at.sums_h : at.sums_h + shape.wide] = np.float32(0)
    if layer < shape.directions:
        known = shape.vocabulary + 1
        work[at.d_token_inputs : at.d_token_inputs + known * shape.wide] = np.float32(0)


@compiled
def add_block(shape, at, work, layer, start, rows, d_gates, d_recurrent, more):
    """dW_hh += Σ d_gatesₜ hₜ₋₁ᵀ, db += Σ d_gatesₜ of some rows, from row `start`; a gru's two biases of n differ.

    Above the first layer dW_ih += Σ d_gates hᵀ, of the layer below's h, and its d_out = d_gates W_ih, too; both as
    dropout leaves them. With two directions, one of each by the h below of the same direction, its d_out as it is, and
    one by the other's, which was flipped (`of_both`).
    """
    width, wide = shape.width, shape.wide
    h_prev = at.h_prev + (layer * shape.most + start) * width
    sizes = (wide, width, rows)
    product_if(work, (d_recurrent, 1, wide), (h_prev, width), (at.d_weight, width), sizes, at.scratch, more)
    if shape.cell == GRU:
        add_rows(work, width, rows, d_recurrent + 2 * width, wide, at.sums_h)
    if layer >= shape.directions:
        add_rows(work, wide, rows, d_gates, wide, at.sums)
        for half in range(shape.directions):
            d_out = at.d_out if half == layer % shape.directions else at.d_flipped
            d_out += (half * shape.most + start) * width
            below, weight = read_below(shape, at, layer, half) + start * width, half * wide * width
            product_if(
                work, (d_gates, 1, wide), (below, width), (at.d_weight_ih + weight, width), sizes, at.scratch, more
            )
            product_if(
                work, (d_gates, wide, 1), (at.w_ih + weight, width), (d_out, width), (rows, width, wide), at.scratch, 0
            )
            if shape.dropout > 0 and shape.directions == 1:
                drops = at.drops + ((layer - 1) * shape.most + start) * width
                simd.multiply(work, rows * width, (d_out, drops, d_out))


@compiled
def of_both(shape, at, work, layer, packed, lengths, steps):
    """d_out of the two directions below a layer: what the same direction above gives, and what the other one does."""
    size = shape.most * shape.width
    for half in range(2):
        d_out = at.d_out + half * size
        flip(shape, work, packed, lengths, steps, at.d_flipped + half * size, d_out, 1)
        if shape.dropout > 0:
            drops = at.drops + (layer - 2 + half) * size
            simd.multiply(work, packed.starts[steps] * shape.width, (d_out, drops, d_out))


@part
def take_gradients(shape, at, work, gradients, places, layer):
    """Weights and biases of a layer, but the first's W_ih; db_ih = db_hh, but a gru's of n."""
    gates, hidden, width, wide = shape.gates, shape.hidden, shape.width, shape.wide
    b_ih, b_hh = places.layers[layer, B_IH], places.layers[layer, B_HH]
    columns = shape.directions * hidden
    take_weight(gradients, places.layers[layer, W_HH], gates, hidden, hidden, hidden, work, at.d_weight, width, width)
    if layer >= shape.directions:
        for half in range(shape.directions):
            w_ih, source = places.layers[layer, W_IH] + half * hidden, at.d_weight_ih + half * wide * width
            take_weight(gradients, w_ih, gates, hidden, hidden, columns, work, source, width, width)
    else:
        # Each row has a token.
        add_rows(work, wide, shape.vocabulary + 1, at.d_token_inputs, wide, at.sums)
    take_bias(gradients, b_ih, gates, hidden, work, at.sums, width)
    take_bias(gradients, b_hh, gates, hidden, work, at.sums, width)
    if shape.cell == GRU:
        take_bias(gradients, b_hh + 2 * hidden, 1, hidden, work, at.sums_h, width)


@part
def of_tokens(shape, at, work, values, gradients, places, layer):
    """From d_token_inputs, Σ d_gates of the rows with that token, dW_ih and, where there is one, d_embedding."""
    wide, embedding, pitch, vocabulary = shape.wide, shape.embedding, shape.wide_embedding, shape.vocabulary
    w_ih, known = places.layers[layer, W_IH], vocabulary + 1
    if embedding == 0:
        for q in range(shape.gates):
            for i in range(shape.hidden):
                to = w_ih + (q * shape.hidden + i) * vocabulary
                for v in range(vocabulary):
                    gradients[to + v] = work[at.d_token_inputs + v * wide + q * shape.width + i]
        return
    product(
        work, (at.d_token_inputs, 1, wide), (at.embedding, pitch), (at.d_weight, pitch), (wide, pitch, known),
        at.scratch,
    )  # fmt: skip
    take_weight(gradients, w_ih, shape.gates, shape.hidden, embedding, embedding, work, at.d_weight, shape.width, pitch)
    put_rows(shape, values, w_ih, embedding, embedding, work, at.w_embedding, pitch)
    product(
        work, (at.d_token_inputs, wide, 1), (at.w_embedding, pitch), (at.d_weight, pitch), (vocabulary, pitch, wide),
        at.scratch,
    )  # fmt: skip
    for v in range(vocabulary):
        for i in range(embedding):
            to, given = places.embedding + v * embedding + i, work[at.d_weight + v * pitch + i]
            # Both directions read the tokens; the forward one comes last on the way back.
            gradients[to] = given if layer == shape.directions - 1 else gradients[to] + given
    # The padding's row never learns.
    for i in range(embedding):
        gradients[places.embedding + vocabulary * embedding + i] = np.float32(0)

"""The way back: the loss's gradient by every parameter, through time.

d_… is the loss's gradient by …; what an equation of `forward` computes as y = W x gives dx = Wᵀ dy and dW = dy xᵀ.
"""

from __future__ import annotations

import numpy as np

from seqsum.training.backends.fused import simd
from seqsum.training.backends.fused.layout import B_HH, B_IH, GRU, LSTM, RNN_RELU, RNN_TANH, W_HH, W_IH
from seqsum.training.backends.fused.matmul import part, product
from seqsum.training.backends.fused.weights import put_rows, take_bias, take_weight


@part
def backward(shape, at, work, values, gradients, places, packed, steps, tokens):
    """From d_out of the top layer to the gradients of all layers and the embedding, the top layer first."""
    rows = packed.starts[steps]
    for layer in range(shape.layers - 1, -1, -1):
        put_rows(shape, values, places.layers[layer, W_HH], shape.hidden, work, at.w_hh, shape.width)
        through_time(shape, at, work, layer, packed, steps)
        recurrent_gradients(shape, at, work, gradients, places, layer, rows)
        if layer > 0:
            to_layer_below(shape, at, work, values, gradients, places, layer, rows)
        else:
            to_tokens(shape, at, work, values, gradients, places, packed, steps, tokens)


@part
def head_backward(shape, at, work, gradients, places, packed, lengths, steps, read, rows):
    """dW = d_logitsᵀ h, db = Σ d_logits, d_out = d_logits W, at the rows that were read; elsewhere zero."""
    width, wide = shape.width, shape.wide_classes
    product(work, (at.logits, 1, wide), (read, width), (at.d_weight, width), (wide, width, rows), at.scratch)
    take_weight(gradients, places.w_head, 1, shape.classes, shape.hidden, work, at.d_weight, wide, width)
    take_bias(gradients, places.b_head, 1, shape.classes, work, at.logits, wide, rows, at.bias)
    d_read = at.d_out if shape.tags == 1 else at.read
    product(work, (at.logits, wide, 1), (at.w_head, width), (d_read, width), (rows, width, wide), at.scratch)
    if shape.tags == 0:
        work[at.d_out : at.d_out + packed.starts[steps] * width] = np.float32(0)
        for r in range(shape.batch):
            last = packed.starts[lengths[packed.order[r]] - 1] + r
            simd.copy(work, width, (at.read + r * width, at.d_out + last * width))


@part
def through_time(shape, at, work, layer, packed, steps):
    """d_h = d_out + W_hhᵀ d_gatesₜ₊₁ (and what passes the weights by), d_gates = d_h · cell′, from the last step on."""
    width, wide, first = shape.width, shape.wide, layer * shape.most
    d_recurrent = at.d_gates_h if shape.cell == GRU else at.d_gates
    work[at.d_h_next : at.d_h_next + shape.batch * width] = np.float32(0)
    work[at.d_c_next : at.d_c_next + shape.batch * width] = np.float32(0)
    for t in range(steps - 1, -1, -1):
        n, start = packed.active[t], packed.starts[t]
        if t < steps - 1:
            product(
                work, (d_recurrent + packed.starts[t + 1] * wide, wide, 1), (at.w_hh, width), (at.d_h_next, width),
                (packed.active[t + 1], width, wide), at.scratch,
            )  # fmt: skip
        d_gates, d_out, row = at.d_gates + start * wide, at.d_out + start * width, first + start
        if shape.cell == RNN_TANH:
            simd.tanh_back(work, n * width, (d_out, at.d_h_next, at.h + row * width, d_gates))
        elif shape.cell == RNN_RELU:
            simd.relu_back(work, n * width, (d_out, at.d_h_next, at.h + row * width, d_gates))
        elif shape.cell == LSTM:
            for r in range(n):
                k, g, i = at.saved + (row + r) * shape.saved * width, d_gates + r * wide, r * width
                simd.lstm_back(
                    work, width,
                    (d_out + i, at.d_h_next + i, at.d_c_next + i, k, k + width, k + 2 * width, k + 3 * width,
                     at.c_prev + row * width + i, k + 5 * width,
                     g, g + width, g + 2 * width, g + 3 * width, at.d_c_next + i),
                )  # fmt: skip
        else:
            for r in range(n):
                k, g, i = at.saved + (row + r) * shape.saved * width, d_gates + r * wide, r * width
                q = at.d_gates_h + (start + r) * wide
                simd.gru_back(
                    work, width,
                    (d_out + i, at.d_h_next + i, at.d_c_next + i, k, k + width, k + 2 * width, k + 3 * width,
                     at.h_prev + row * width + i,
                     g, g + width, g + 2 * width, q, q + width, q + 2 * width, at.d_c_next + i),
                )  # fmt: skip


@part
def recurrent_gradients(shape, at, work, gradients, places, layer, rows):
    """dW_hh = Σ d_gatesₜ hₜ₋₁ᵀ, db_ih = db_hh = Σ d_gatesₜ; a gru's two biases of n differ."""
    gates, hidden, width, wide = shape.gates, shape.hidden, shape.width, shape.wide
    d_recurrent = at.d_gates_h if shape.cell == GRU else at.d_gates
    h_prev = at.h_prev + layer * shape.most * width
    b_ih, b_hh = places.layers[layer, B_IH], places.layers[layer, B_HH]
    product(work, (d_recurrent, 1, wide), (h_prev, width), (at.d_weight, width), (wide, width, rows), at.scratch)
    take_weight(gradients, places.layers[layer, W_HH], gates, hidden, hidden, work, at.d_weight, width, width)
    take_bias(gradients, b_ih, gates, hidden, work, at.d_gates, width, rows, at.bias)
    if shape.cell == GRU:
        take_bias(gradients, b_hh, gates, hidden, work, at.d_gates_h, width, rows, at.bias)
    else:
        for i in range(gates * hidden):
            gradients[b_hh + i] = gradients[b_ih + i]


@part
def to_layer_below(shape, at, work, values, gradients, places, layer, rows):
    """dW_ih = d_gatesᵀ h, of the layer below's h, and its d_out = d_gates W_ih."""
    width, wide, w_ih = shape.width, shape.wide, places.layers[layer, W_IH]
    below = at.h + (layer - 1) * shape.most * width
    product(work, (at.d_gates, 1, wide), (below, width), (at.d_weight, width), (wide, width, rows), at.scratch)
    take_weight(gradients, w_ih, shape.gates, shape.hidden, shape.hidden, work, at.d_weight, width, width)
    put_rows(shape, values, w_ih, shape.hidden, work, at.w_ih, width)
    product(work, (at.d_gates, wide, 1), (at.w_ih, width), (at.d_out, width), (rows, width, wide), at.scratch)


@part
def to_tokens(shape, at, work, values, gradients, places, packed, steps, tokens):
    """d_token_inputs = Σ d_gates of the rows with that token; from it dW_ih and, where there is one, d_embedding."""
    wide, embedding, pitch, vocabulary = shape.wide, shape.embedding, shape.wide_embedding, shape.vocabulary
    w_ih, known = places.layers[0, W_IH], vocabulary + 1
    work[at.d_token_inputs : at.d_token_inputs + known * wide] = np.float32(0)
    for t in range(steps):
        for r in range(packed.active[t]):
            to = at.d_token_inputs + tokens[packed.order[r], t] * wide
            simd.add(work, wide, (to, at.d_gates + (packed.starts[t] + r) * wide, to))
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
    take_weight(gradients, w_ih, shape.gates, shape.hidden, embedding, work, at.d_weight, shape.width, pitch)
    put_rows(shape, values, w_ih, embedding, work, at.w_embedding, pitch)
    product(
        work, (at.d_token_inputs, wide, 1), (at.w_embedding, pitch), (at.d_weight, pitch), (vocabulary, pitch, wide),
        at.scratch,
    )  # fmt: skip
    for v in range(vocabulary):
        for i in range(embedding):
            gradients[places.embedding + v * embedding + i] = work[at.d_weight + v * pitch + i]
    # The padding's row never learns.
    for i in range(embedding):
        gradients[places.embedding + vocabulary * embedding + i] = np.float32(0)

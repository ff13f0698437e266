"""The compiled chunk: for each step forward, loss, backward through time, clipping, optimizer."""

from __future__ import annotations

import math

import numba
import numpy as np
from numba import njit

from seqsum.training.backends.fused import simd
from seqsum.training.backends.fused.matmul import FLAGS, LANES, compiled, product, product_more
from seqsum.training.backends.fused.optimizers import update
from seqsum.training.backends.fused.softmax import softmax_rows, sort_rows
from seqsum.training.backends.fused.weights import across, along, take_bias, take_weight

EMPTY = np.float32(-1e30)
"""The logit of the classes that fill a vector up: their probability is zero."""


@compiled
def round_up(width):
    return (width + LANES - 1) // LANES * LANES


INTS, FLOATS, DOUBLES = (kind[::1] for kind in (numba.int64, numba.float32, numba.float64))
SIGNATURE = (
    INTS, INTS, INTS, INTS, DOUBLES, numba.int64[:, :, ::1], numba.int64[:, ::1], numba.int64[:, :, ::1], DOUBLES,
    numba.int64, FLOATS, FLOATS, FLOATS, FLOATS, FLOATS, DOUBLES, INTS, INTS, DOUBLES,
)  # fmt: skip


# `cache.set_up` has named the folder, if there is one that can be written.
@njit(fastmath=FLAGS, error_model="numpy", nogil=True, cache=bool(numba.config.CACHE_DIR))
def run_chunk(
    shape, at, places, options, constants, tokens, lengths, targets, rates, done, values, gradients, first, second, x,
    losses, rights, askeds, norms
):  # fmt: skip
    """Make one update per step; return how many were made: all, or those before a loss or gradient that isn't finite.

    shape: `Shape.numbers`; at: `Workspace.places`; places: `parameter_places`
    options: int64 [3]: the optimizer's place in OPTIMIZERS, whether to clip by norm, by value
    constants: float64 [8]: beta1, beta2, eps, momentum, smoothing, weight_decay, clip_norm, clip_value
    tokens int64 [steps, batch, length]; lengths int64 [steps, batch]; targets int64 [steps, batch] or [steps, batch,
    length]; rates float64 [steps]; done: updates made before
    values, gradients, first, second: float32 [parameters]; x: the workspace
    losses, norms float64 [steps]; rights, askeds int64 [steps]: filled in, also for the step that failed
    """
    cell, vocabulary, embedding, hidden, layers, classes, batch, length, tags, carried = shape
    (
        a_state, a_cell_state, a_entered, a_entered_g, a_emb, a_in_across, a_in_along, a_emb_along, a_h_across,
        a_h_along, a_bias, a_bias_h, a_head_across, a_head_along, a_hidden, a_before, a_cell_before, a_kept, a_gates,
        a_grad, a_grad_h, a_above, a_back, a_later, a_later_kept, a_asked, a_logits, a_weight_g, a_scratch
    ) = at  # fmt: skip
    gates = 4 if cell == 2 else 3 if cell == 3 else 1
    kept = 6 if cell == 2 else 4 if cell == 3 else 0
    width, wide_classes = round_up(hidden), round_up(classes)
    wide = gates * width
    entered_wide = round_up(max(1, embedding))
    most = batch * length
    unknown = vocabulary + 1
    order, alive, starts = np.zeros(batch, np.int64), np.zeros(length, np.int64), np.zeros(length + 1, np.int64)
    asked_of = np.zeros(most, np.int64)
    best_less = np.zeros(most, np.float32)
    d_hidden = a_grad_h if cell == 3 else a_grad
    p_emb, p_head, p_head_bias = places[0], places[1], places[2]

    for s in range(rates.size):
        sort_rows(lengths[s], length, order, alive)
        longest = 0
        for t in range(length):
            starts[t + 1] = starts[t] + alive[t]
            if alive[t] > 0:
                longest = t + 1
        rows = starts[longest]

        # Forward
        for layer in range(layers):
            p_in, p_back = places[3 + 4 * layer], places[4 + 4 * layer]
            p_bias, p_bias_h = places[5 + 4 * layer], places[6 + 4 * layer]
            bias_h = a_bias_h + layer * width
            x[a_bias : a_bias + wide] = np.float32(0)
            for q in range(gates):
                for i in range(hidden):
                    both = values[p_bias + q * hidden + i]
                    if cell == 3 and q == 2:
                        x[bias_h + i] = values[p_bias_h + q * hidden + i]
                    else:
                        both += values[p_bias_h + q * hidden + i]
                    x[a_bias + q * width + i] = both
            if layer == 0:
                if embedding > 0:
                    across(values, p_in, gates, hidden, embedding, x, a_in_across, width)
                    for v in range(unknown):
                        for i in range(embedding):
                            x[a_emb + v * entered_wide + i] = values[p_emb + v * embedding + i]
                        simd.copy(x, wide, (a_bias, a_entered + v * wide))
                    product_more(
                        x, a_emb, entered_wide, 1, a_in_across, wide, a_entered, wide, unknown, wide, embedding,
                        a_scratch,
                    )  # fmt: skip
                else:
                    across(values, p_in, gates, hidden, vocabulary, x, a_entered, width)
                    for v in range(vocabulary):
                        simd.add(x, wide, (a_entered + v * wide, a_bias, a_entered + v * wide))
                    simd.copy(x, wide, (a_bias, a_entered + vocabulary * wide))
                for t in range(longest):
                    for r in range(alive[t]):
                        token = tokens[s, order[r], t]
                        simd.copy(x, wide, (a_entered + token * wide, a_gates + (starts[t] + r) * wide))
            else:
                across(values, p_in, gates, hidden, hidden, x, a_in_across, width)
                for r in range(rows):
                    simd.copy(x, wide, (a_bias, a_gates + r * wide))
                under = a_hidden + (layer - 1) * most * width
                product_more(x, under, width, 1, a_in_across, wide, a_gates, wide, rows, wide, hidden, a_scratch)
            h_across = a_h_across + layer * hidden * wide
            across(values, p_back, gates, hidden, hidden, x, h_across, width)
            h_of, before_of = a_hidden + layer * most * width, a_before + layer * most * width
            cells_of, kept_of = a_cell_before + layer * most * width, a_kept + layer * most * kept * width
            for t in range(longest):
                n, start = alive[t], starts[t]
                before = before_of + start * width
                if t == 0:
                    simd.copy(x, n * width, (a_state + layer * batch * width, before))
                else:
                    simd.copy(x, n * width, (h_of + starts[t - 1] * width, before))
                if t == 0 and carried == 0:
                    x[a_back : a_back + n * wide] = np.float32(0)
                else:
                    product(x, before, width, 1, h_across, wide, a_back, wide, n, wide, hidden, a_scratch)
                gate, h = a_gates + start * wide, h_of + start * width
                if cell == 0:
                    simd.tanh_step(x, n * width, (gate, a_back, h))
                elif cell == 1:
                    simd.relu_step(x, n * width, (gate, a_back, h))
                elif cell == 2:
                    cells = cells_of + start * width
                    if t == 0:
                        simd.copy(x, n * width, (a_cell_state + layer * batch * width, cells))
                    for r in range(n):
                        g, b, k = gate + r * wide, a_back + r * wide, kept_of + (start + r) * kept * width
                        c = cells + r * width
                        if t > 0:
                            # The cell state of the step before, four gates into what was kept of it.
                            simd.copy(x, width, (kept_of + ((starts[t - 1] + r) * kept + 4) * width, c))
                        simd.lstm_step(
                            x, width,
                            (g, g + width, g + 2 * width, g + 3 * width, b, b + width, b + 2 * width, b + 3 * width, c,
                             k, k + width, k + 2 * width, k + 3 * width, k + 4 * width, k + 5 * width, h + r * width),
                        )  # fmt: skip
                else:
                    for r in range(n):
                        g, b, k = gate + r * wide, a_back + r * wide, kept_of + (start + r) * kept * width
                        simd.gru_step(
                            x, width,
                            (g, g + width, g + 2 * width, b, b + width, b + 2 * width, bias_h, before + r * width,
                             k, k + width, k + 2 * width, k + 3 * width, h + r * width),
                        )  # fmt: skip

        # Loss
        top = a_hidden + (layers - 1) * most * width
        for c in range(classes):
            for i in range(hidden):
                weight = values[p_head + c * hidden + i]
                x[a_head_across + i * wide_classes + c] = weight
                x[a_head_along + c * width + i] = weight
        asked = 0
        if tags == 1:
            answers = rows
            read = top
            for t in range(longest):
                for r in range(alive[t]):
                    target = targets[s, order[r], t] if t < lengths[s, order[r]] else -1
                    asked_of[starts[t] + r] = target
                    asked += target >= 0
        else:
            answers = batch
            read = a_asked
            for r in range(batch):
                asked_of[r] = targets[s, order[r], 0]
                place = starts[lengths[s, order[r]] - 1] + r
                simd.copy(x, width, (top + place * width, a_asked + r * width))
            asked = batch
        for r in range(answers):
            for c in range(classes):
                x[a_logits + r * wide_classes + c] = values[p_head_bias + c]
            for c in range(classes, wide_classes):
                x[a_logits + r * wide_classes + c] = EMPTY
        product_more(
            x, read, width, 1, a_head_across, wide_classes, a_logits, wide_classes, answers, wide_classes, hidden,
            a_scratch,
        )  # fmt: skip
        loss, right = softmax_rows(x, a_logits, wide_classes, classes, answers, asked_of, best_less, asked)
        losses[s] = loss / asked if asked > 0 else np.nan
        rights[s] = right
        askeds[s] = asked

        # Backward
        product(x, a_logits, 1, wide_classes, read, width, a_weight_g, width, wide_classes, width, answers, a_scratch)
        take_weight(gradients, p_head, 1, classes, hidden, x, a_weight_g, wide_classes, width)
        take_bias(gradients, p_head_bias, 1, classes, x, a_logits, wide_classes, answers, a_bias)
        if tags == 1:
            product(
                x, a_logits, wide_classes, 1, a_head_along, width, a_above, width, answers, width, wide_classes,
                a_scratch,
            )  # fmt: skip
        else:
            product(
                x, a_logits, wide_classes, 1, a_head_along, width, a_asked, width, answers, width, wide_classes,
                a_scratch,
            )  # fmt: skip
            x[a_above : a_above + rows * width] = np.float32(0)
            for r in range(batch):
                place = starts[lengths[s, order[r]] - 1] + r
                simd.copy(x, width, (a_asked + r * width, a_above + place * width))
        for layer in range(layers - 1, -1, -1):
            p_in, p_back = places[3 + 4 * layer], places[4 + 4 * layer]
            p_bias, p_bias_h = places[5 + 4 * layer], places[6 + 4 * layer]
            h_of, before_of = a_hidden + layer * most * width, a_before + layer * most * width
            cells_of, kept_of = a_cell_before + layer * most * width, a_kept + layer * most * kept * width
            along(values, p_back, gates, hidden, hidden, x, a_h_along, width, width)
            x[a_later : a_later + batch * width] = np.float32(0)
            x[a_later_kept : a_later_kept + batch * width] = np.float32(0)
            for t in range(longest - 1, -1, -1):
                n, start = alive[t], starts[t]
                if t < longest - 1:
                    later = alive[t + 1]
                    product(
                        x, d_hidden + starts[t + 1] * wide, wide, 1, a_h_along, width, a_later, width, later, width,
                        wide, a_scratch,
                    )  # fmt: skip
                d, above, h = a_grad + start * wide, a_above + start * width, h_of + start * width
                if cell == 0:
                    simd.tanh_back(x, n * width, (above, a_later, h, d))
                elif cell == 1:
                    simd.relu_back(x, n * width, (above, a_later, h, d))
                elif cell == 2:
                    for r in range(n):
                        k, g = kept_of + (start + r) * kept * width, d + r * wide
                        row = r * width
                        simd.lstm_back(
                            x, width,
                            (above + row, a_later + row, a_later_kept + row, k, k + width, k + 2 * width, k + 3 * width,
                             cells_of + start * width + row, k + 5 * width,
                             g, g + width, g + 2 * width, g + 3 * width, a_later_kept + row),
                        )  # fmt: skip
                else:
                    for r in range(n):
                        k, g, e = kept_of + (start + r) * kept * width, d + r * wide, a_grad_h + (start + r) * wide
                        row = r * width
                        simd.gru_back(
                            x, width,
                            (above + row, a_later + row, a_later_kept + row, k, k + width, k + 2 * width, k + 3 * width,
                             before_of + start * width + row,
                             g, g + width, g + 2 * width, e, e + width, e + 2 * width, a_later_kept + row),
                        )  # fmt: skip
            product(x, d_hidden, 1, wide, before_of, width, a_weight_g, width, wide, width, rows, a_scratch)
            take_weight(gradients, p_back, gates, hidden, hidden, x, a_weight_g, width, width)
            take_bias(gradients, p_bias, gates, hidden, x, a_grad, width, rows, a_bias)
            if cell == 3:
                take_bias(gradients, p_bias_h, gates, hidden, x, a_grad_h, width, rows, a_bias)
            else:
                for i in range(gates * hidden):
                    gradients[p_bias_h + i] = gradients[p_bias + i]
            if layer > 0:
                under = a_hidden + (layer - 1) * most * width
                product(x, a_grad, 1, wide, under, width, a_weight_g, width, wide, width, rows, a_scratch)
                take_weight(gradients, p_in, gates, hidden, hidden, x, a_weight_g, width, width)
                along(values, p_in, gates, hidden, hidden, x, a_in_along, width, width)
                product(x, a_grad, wide, 1, a_in_along, width, a_above, width, rows, width, wide, a_scratch)
                continue
            x[a_entered_g : a_entered_g + unknown * wide] = np.float32(0)
            for t in range(longest):
                for r in range(alive[t]):
                    to = a_entered_g + tokens[s, order[r], t] * wide
                    simd.add(x, wide, (to, a_grad + (starts[t] + r) * wide, to))
            if embedding > 0:
                product(
                    x, a_entered_g, 1, wide, a_emb, entered_wide, a_weight_g, entered_wide, wide, entered_wide, unknown,
                    a_scratch,
                )  # fmt: skip
                take_weight(gradients, p_in, gates, hidden, embedding, x, a_weight_g, width, entered_wide)
                along(values, p_in, gates, hidden, embedding, x, a_emb_along, width, entered_wide)
                product(
                    x, a_entered_g, wide, 1, a_emb_along, entered_wide, a_weight_g, entered_wide, vocabulary,
                    entered_wide, wide, a_scratch,
                )  # fmt: skip
                for v in range(vocabulary):
                    for i in range(embedding):
                        gradients[p_emb + v * embedding + i] = x[a_weight_g + v * entered_wide + i]
                # The padding's row never learns.
                for i in range(embedding):
                    gradients[p_emb + vocabulary * embedding + i] = np.float32(0)
            else:
                for q in range(gates):
                    for i in range(hidden):
                        to = p_in + (q * hidden + i) * vocabulary
                        for v in range(vocabulary):
                            gradients[to + v] = x[a_entered_g + v * wide + q * width + i]

        # Update
        square = 0.0
        for i in range(gradients.size):
            square += np.float64(gradients[i]) * np.float64(gradients[i])
        norm = math.sqrt(square)
        norms[s] = norm
        if not (math.isfinite(losses[s]) and math.isfinite(norm)):
            return s
        if options[1] == 1 and norm > constants[6]:
            scale = np.float32(constants[6] / (norm + 1e-6))
            for i in range(gradients.size):
                gradients[i] *= scale
        if options[2] == 1:
            bound = np.float32(constants[7])
            for i in range(gradients.size):
                gradients[i] = min(max(gradients[i], -bound), bound)
        update(options[0], (constants[0], constants[1], constants[2], constants[3], constants[4], constants[5]),
               rates[s], done + s + 1, values, gradients, first, second)  # fmt: skip
        if carried == 1:
            for layer in range(layers):
                last = starts[longest - 1]
                for r in range(batch):
                    to = (layer * batch + order[r]) * width
                    source = a_hidden + (layer * most + last + r) * width
                    simd.copy(x, width, (source, a_state + to))
                    if cell == 2:
                        source = a_kept + ((layer * most + last + r) * kept + 4) * width
                        simd.copy(x, width, (source, a_cell_state + to))
    return rates.size

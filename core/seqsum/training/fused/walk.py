"""The whole input space asked in compiled code: each sequence's last step once, the states of its beginning shared.

Here a column is a sequence: activations are units × columns, so that everything up to the loss is whole vectors. One
recurrent product serves all the tokens that can follow a beginning.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numba
import numpy as np
from numba import njit
from numpy.typing import NDArray

from seqsum.training.fused import vectors
from seqsum.training.fused.layout import COLUMNS, Shape, parameter_places
from seqsum.training.fused.matmul import FLAGS, LANES, tiles, tiles_more
from seqsum.training.fused.vectors import Vector

PRODUCT = 48
"""Sums of exponentials, each at most the number of classes, that are multiplied before one logarithm is taken."""


def _better(*x: Vector) -> list[Vector]:
    """Take in the logits of one more class: the highest so far, and which class that is."""
    highest, answer, logits, number = x
    above = highest.builder.fcmp_ordered(">", logits.value, highest.value)

    def chosen(one: Vector, other: Vector) -> Vector:
        return Vector(one.builder, one.builder.select(above, one.value, other.value))

    return [chosen(logits, highest), chosen(number, answer)]


better = vectors.elementwise(4, 2, _better)
more = vectors.elementwise(3, 1, lambda total, logits, highest: total + vectors.exp(logits - highest))


@njit(error_model="numpy", nogil=True)
def add_exponentials(x, n, places):
    """total += exp(logits − highest). Apart: reassociated, the exponential would lose digits."""
    more(x, n, places)


@njit(fastmath=FLAGS, error_model="numpy", nogil=True)
def fill(x, place, n, value):
    for i in range(n):
        x[place + i] = value


@njit(fastmath=FLAGS, error_model="numpy", nogil=True)
def step_layer(x, n, cell, hidden, gi, back, before, cells, bias_n, out, kept):
    """One cell step of n columns; rows are COLUMNS apart. cells: an lstm's cell states, replaced; kept: room for 5."""
    row = COLUMNS + LANES
    step = hidden * row
    for i in range(hidden):
        g, b, h, s = gi + i * row, back + i * row, out + i * row, before + i * row
        if cell == 0:
            vectors.tanh_step(x, n, (g, b, h))
        elif cell == 1:
            vectors.relu_step(x, n, (g, b, h))
        elif cell == 2:
            c = cells + i * row
            vectors.lstm_step(
                x, n,
                (g, g + step, g + 2 * step, g + 3 * step, b, b + step, b + 2 * step, b + 3 * step, c,
                 kept, kept + row, kept + 2 * row, kept + 3 * row, c, kept + 4 * row, h),
            )  # fmt: skip
        else:
            fill(x, kept, n, x[bias_n + i])
            vectors.gru_step(
                x, n,
                (g, g + step, g + 2 * step, b, b + step, b + 2 * step, kept, s,
                 kept + row, kept + 2 * row, kept + 3 * row, kept + 4 * row, h),
            )  # fmt: skip


INTS, FLOATS, DOUBLES = (kind[::1] for kind in (numba.int64, numba.float32, numba.float64))
SIGNATURE = (INTS, INTS, FLOATS, numba.int64, numba.int64, numba.int16[::1], INTS, numba.int64[:, ::1], INTS, DOUBLES)


@njit(fastmath=FLAGS, error_model="numpy", nogil=True, cache=bool(numba.config.CACHE_DIR))
def walk(shape, places, values, low, high, truths, offsets, confusion, right, losses):
    """Ask about every sequence of lengths low to high.

    shape: `Shape.numbers`; places: `parameter_places`; values float32 [parameters]
    truths: int16, the right classes of all sequences, each length's in counting order from offsets[length] on
    confusion: int64 [classes, classes], added to; right: int64 [high + 1], added to, by length
    losses: float64 [1], the sum of cross-entropies, added to
    """
    cell, vocabulary, embedding, hidden, layers, classes = shape[:6]
    gates = 4 if cell == 2 else 3 if cell == 3 else 1
    wide = gates * hidden
    row = COLUMNS + LANES
    level_size = 2 * layers * hidden * row
    # An upper bound of the tokens' columns: `most` beginnings at once, in whole vectors.
    most = max(LANES, COLUMNS // vocabulary // LANES * LANES)
    most = min(most, COLUMNS)
    a_entered = 0
    a_bias_n = a_entered + vocabulary * wide
    a_bias = a_bias_n + layers * hidden
    a_gi = a_bias + layers * wide
    a_back = a_gi + wide * row
    a_out = a_back + layers * wide * row
    a_cells = a_out + layers * hidden * row
    a_kept = a_cells + layers * hidden * row
    a_logits = a_kept + 5 * row
    a_highest = a_logits + classes * row
    a_answer = a_highest + row
    a_number = a_answer + row
    a_total = a_number + row
    a_levels = a_total + row
    x = np.zeros(a_levels + (high + 1) * level_size, np.float32)
    sequence = np.zeros((high + 1, COLUMNS), np.int64)
    count, cursor = np.zeros(high + 1, np.int64), np.zeros(high + 1, np.int64)

    for layer in range(layers):
        p_bias, p_bias_h = places[5 + 4 * layer], places[6 + 4 * layer]
        for g in range(wide):
            bias = values[p_bias + g]
            if cell == 3 and g >= 2 * hidden:
                x[a_bias_n + layer * hidden + g - 2 * hidden] = values[p_bias_h + g]
            else:
                bias += values[p_bias_h + g]
            x[a_bias + layer * wide + g] = bias
    for v in range(vocabulary):
        for g in range(wide):
            total = np.float32(0)
            if embedding > 0:
                for i in range(embedding):
                    total += values[places[0] + v * embedding + i] * values[places[3] + g * embedding + i]
            else:
                total = values[places[3] + g * vocabulary + v]
            x[a_entered + v * wide + g] = total + x[a_bias + g]

    loss = 0.0
    level = 0
    count[0] = 1
    while level >= 0:
        if cursor[level] >= count[level]:
            level -= 1
            continue
        parents = min(most, count[level] - cursor[level])
        # With more tokens than columns a beginning's children are asked, but must not be stored.
        if level + 1 < high:
            parents = min(parents, max(1, COLUMNS // vocabulary))
        first = cursor[level]
        cursor[level] += parents
        n = (parents + LANES - 1) // LANES * LANES
        states = a_levels + level * level_size
        later = a_levels + (level + 1) * level_size
        for layer in range(layers):
            back = a_back + layer * wide * row
            if level == 0:
                fill(x, back, wide * row, np.float32(0))
            else:
                before = states + layer * hidden * row + first
                tiles(values, places[4 + 4 * layer], hidden, 1, x, before, row, x, back, row, wide, n, hidden)
        for v in range(vocabulary):
            for layer in range(layers):
                out, cells = a_out + layer * hidden * row, a_cells + layer * hidden * row
                for g in range(wide):
                    bias = x[a_entered + v * wide + g] if layer == 0 else x[a_bias + layer * wide + g]
                    fill(x, a_gi + g * row, n, bias)
                if layer > 0:
                    tiles_more(
                        values, places[3 + 4 * layer], hidden, 1, x, a_out + (layer - 1) * hidden * row, row,
                        x, a_gi, row, wide, n, hidden,
                    )  # fmt: skip
                if cell == 2:
                    source = states + (layers + layer) * hidden * row + first
                    for i in range(hidden):
                        vectors.copy(x, n, (source + i * row, cells + i * row))
                step_layer(
                    x, n, cell, hidden, a_gi, a_back + layer * wide * row, states + layer * hidden * row + first, cells,
                    a_bias_n + layer * hidden, out, a_kept,
                )  # fmt: skip
            if level + 1 < high:
                start = v * parents
                for layer in range(layers):
                    for i in range(hidden):
                        place = (layer * hidden + i) * row
                        for c in range(parents):
                            x[later + place + start + c] = x[a_out + place + c]
                        if cell == 2:
                            for c in range(parents):
                                x[later + layers * hidden * row + place + start + c] = x[a_cells + place + c]
                for c in range(parents):
                    sequence[level + 1, start + c] = sequence[level, first + c] * vocabulary + v
            if level + 1 < low:
                continue
            top = a_out + (layers - 1) * hidden * row
            for c in range(classes):
                fill(x, a_logits + c * row, n, values[places[2] + c])
            tiles_more(values, places[1], hidden, 1, x, top, row, x, a_logits, row, classes, n, hidden)
            vectors.copy(x, n, (a_logits, a_highest))
            fill(x, a_answer, n, np.float32(0))
            for c in range(1, classes):
                fill(x, a_number, n, np.float32(c))
                better(x, n, (a_highest, a_answer, a_logits + c * row, a_number, a_highest, a_answer))
            fill(x, a_total, n, np.float32(0))
            for c in range(classes):
                add_exponentials(x, n, (a_total, a_logits + c * row, a_highest, a_total))
            product = 1.0
            for c in range(parents):
                truth = truths[offsets[level + 1] + sequence[level, first + c] * vocabulary + v]
                answer = int(x[a_answer + c])
                confusion[truth, answer] += 1
                right[level + 1] += truth == answer
                loss += x[a_highest + c] - x[a_logits + truth * row + c]
                product *= x[a_total + c]
                if c % PRODUCT == PRODUCT - 1:
                    loss += math.log(product)
                    product = 1.0
            loss += math.log(product)
        if level + 1 < high:
            level += 1
            count[level] = parents * vocabulary
            cursor[level] = 0
    losses[0] += loss


@dataclass(frozen=True)
class Walked:
    """What was found: confusion int64 [classes, classes], right answers by length int64 [high + 1], sum of losses."""

    confusion: NDArray[np.int64]
    right: NDArray[np.int64]
    loss: float


def walk_space(
    shape: Shape, offsets: dict[str, int], values: NDArray[np.float32], low: int, high: int, truths: NDArray[np.int16]
) -> Walked:
    """Ask a model with these weights, float32 [parameters], about every sequence of lengths low to high.

    truths: int16, the right class of every sequence, in counting order, the shortest first
    """
    starts = np.zeros(high + 2, dtype=np.int64)
    for length in range(low, high + 1):
        starts[length + 1] = starts[length] + shape.vocabulary**length
    confusion = np.zeros((shape.classes, shape.classes), dtype=np.int64)
    right, losses = np.zeros(high + 1, dtype=np.int64), np.zeros(1)
    walk(shape.numbers(), parameter_places(shape, offsets), values, low, high, truths, starts, confusion, right, losses)
    return Walked(confusion, right, float(losses[0]))

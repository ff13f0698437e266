"""The whole input space asked in compiled code: each sequence's last step once, the states of its beginning shared.

Here a column is a sequence: activations are units × columns, so that everything up to the loss is whole vectors. One
recurrent product serves all the tokens that can follow a beginning.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numba
import numpy as np
from numba import njit
from numpy.typing import NDArray

from seqsum.training.backends.fused import exhaustive_steps, layout, simd
from seqsum.training.backends.fused.exhaustive_order import exhaustive_order
from seqsum.training.backends.fused.layout import B_HH, B_IH, COLUMNS, GRU, LSTM, RNN_RELU, RNN_TANH, W_HH, W_IH
from seqsum.training.backends.fused.matmul import LANES, tiles, tiles_more

# Sums over columns in whatever order is fastest: nothing is trained by them. Never `nnan` or `ninf`: a loss that is not
# finite must be seen.
FLAGS = {"reassoc", "contract", "nsz"}
compiled = njit(fastmath=FLAGS, error_model="numpy", nogil=True)

ROW = COLUMNS + LANES
"""Numbers from one row to the next: a row may be filled up to a whole vector."""

PIECE = 2e9
"""Multiplications, some tenths of a second at most: whoever waits for the end is heard between its pieces."""

SAFE = 43.0
"""Up to here e²ˣ is a float32 number, not infinite nor zero."""


@compiled
def rows_copied(x, n, rows, source, to):
    for i in range(rows):
        simd.copy(x, n, (source + i * ROW, to + i * ROW))


@compiled
def step_first(x, n, cell, hidden, short, inputs, recurrent, before, out):
    """One step of the first layer, n columns; `inputs`: what the token brings to each gate.

    before: the states before, an lstm's cells below them; out: likewise; short: whether those two are e²ˣ.
    """
    step = hidden * ROW
    for i in range(hidden):
        e, b, s, h = inputs + i, recurrent + i * ROW, before + i * ROW, out + i * ROW
        if cell == RNN_TANH and short:
            if i % 2 == 1:
                exhaustive_steps.tanh_of_products(x, n, (b - ROW, b, e - 1, e, h - ROW, h))
            elif i == hidden - 1:
                exhaustive_steps.tanh_of_product(x, n, (b, e, h))
        elif cell == RNN_TANH:
            exhaustive_steps.tanh_first(x, n, (b, e, h))
        elif cell == RNN_RELU:
            exhaustive_steps.relu_first(x, n, (b, e, h))
        elif cell == LSTM:
            exhaustive_steps.lstm_first(
                x, n,
                (b, b + step, b + 2 * step, b + 3 * step, s + step, e, e + hidden, e + 2 * hidden, e + 3 * hidden,
                 h + step, h),
            )  # fmt: skip
        else:
            exhaustive_steps.gru_first(x, n, (b, b + step, b + 2 * step, s, e, e + hidden, e + 2 * hidden, h))


@compiled
def step_above(x, n, cell, hidden, inputs, recurrent, before, out):
    """One step of a layer above the first, n columns; `inputs`: gates × columns."""
    step = hidden * ROW
    for i in range(hidden):
        e, b, s, h = inputs + i * ROW, recurrent + i * ROW, before + i * ROW, out + i * ROW
        if cell == RNN_TANH:
            exhaustive_steps.tanh_above(x, n, (e, b, h))
        elif cell == RNN_RELU:
            exhaustive_steps.relu_above(x, n, (e, b, h))
        elif cell == LSTM:
            exhaustive_steps.lstm_above(
                x, n,
                (e, e + step, e + 2 * step, e + 3 * step, b, b + step, b + 2 * step, b + 3 * step, s + step,
                 h + step, h),
            )  # fmt: skip
        else:
            exhaustive_steps.gru_above(x, n, (e, e + step, e + 2 * step, b, b + step, b + 2 * step, s, h))


@compiled
def judge(x, parents, classes, truth, highest, answer, said, total, confusion):
    """Count and add up the answers to `parents` sequences; return (right answers, sum of losses)."""
    right = 0
    counts, wide = confusion.reshape(classes * classes), np.uint64(classes)
    for c in range(parents):
        right += x[truth + c] == x[answer + c]
    for c in range(parents):
        # Unsigned: numba need not look for a negative place, which it would take for one from the end.
        counts[np.uint64(x[truth + c]) * wide + np.uint64(x[answer + c])] += 1
    loss = np.float64(0)
    for c in range(parents):
        loss += np.float64(x[highest + c] - x[said + c])
    # So many sums of exponentials, each at most the number of classes, have a product that a float64 holds.
    most = int(690.0 / math.log(classes + 1.0))
    for first in range(0, parents, most):
        product = 1.0
        for c in range(first, min(parents, first + most)):
            product *= np.float64(x[total + c])
        loss += math.log(product)
    return right, loss


@compiled
def put_weights(shape, values, places, x, inputs, bias, b_hh):
    """Lay out what tokens and biases bring to the gates; return whether e²ˣ of all that can enter a tanh is finite.

    inputs: vocabulary × gates; bias, b_hh: layers × gates. Both biases are in b_hh, which all tokens share; a gru's two
    of n must stay apart.
    """
    cell, vocabulary, embedding, hidden, layers = shape[:5]
    wide = shape.gates * hidden
    for layer in range(layers):
        p_bias, p_bias_h = places.layers[layer, B_IH], places.layers[layer, B_HH]
        for g in range(wide):
            apart = cell == GRU and g >= 2 * hidden
            x[bias + layer * wide + g] = values[p_bias + g] if apart else np.float32(0)
            x[b_hh + layer * wide + g] = values[p_bias_h + g] + (np.float32(0) if apart else values[p_bias + g])
    highest, w_ih = 0.0, places.layers[0, W_IH]
    for v in range(vocabulary):
        for g in range(wide):
            total = x[bias + g]
            if embedding > 0:
                for i in range(embedding):
                    total += (
                        values[places.embedding + v * embedding + i]
                        * values[places.layers[0, W_IH] + g * embedding + i]
                    )
            else:
                total += values[w_ih + g * vocabulary + v]
            x[inputs + v * wide + g] = total
            highest = max(highest, np.float64(abs(total)))
    if cell != RNN_TANH:
        return False
    for g in range(wide):
        # States are between −1 and 1. NaN may or may not be found here: it goes through either way.
        bound = np.float64(abs(x[b_hh + g]))
        for i in range(hidden):
            bound += abs(values[places.layers[0, W_HH] + g * hidden + i])
        highest = max(highest, bound)
    if highest >= SAFE:
        return False
    for i in range(vocabulary * wide):
        x[inputs + i] = math.exp(2.0 * x[inputs + i])
    return True


SIGNATURE = (
    layout.SHAPE, layout.PARAMETER_PLACES, layout.FLOATS, layout.INT, layout.INT, layout.TABLE, layout.INT,
    layout.FLOATS, layout.TABLE, layout.INTS, layout.DOUBLES,
)  # fmt: skip


@njit(fastmath=FLAGS, error_model="numpy", nogil=True, cache=bool(numba.config.CACHE_DIR))
def ask_blocks(shape, places, values, low, high, blocks, asked, x, confusion, right, losses):
    """Ask about the sequences of some blocks, of lengths low to high.

    values: float32 [parameters]
    blocks: some of `ExhaustiveOrder.blocks`, those before them asked before; asked: how many sequences those had
    x: float32, `room_for` zeros the first time, behind them the right classes as `ExhaustiveOrder.sequences`, and LANES
    confusion: int64 [classes, classes], added to; right: int64 [high + 1], added to, by length
    losses: float64 [high + 1], sums of cross-entropies, added to, by length
    """
    cell, vocabulary, _, hidden, layers, classes = shape[:6]
    wide = shape.gates * hidden
    # A layer's states, and below them an lstm's cells.
    kept = hidden * (2 if cell == LSTM else 1)
    level_size = layers * kept * ROW
    a_inputs = 0
    a_bias = a_inputs + vocabulary * wide
    a_b_hh = a_bias + layers * wide
    a_head_bias = a_b_hh + layers * wide
    a_gates = a_head_bias + classes
    a_recurrent = a_gates + wide * ROW
    a_out = a_recurrent + layers * wide * ROW
    a_logits = a_out + layers * kept * ROW
    a_highest = a_logits + classes * ROW
    a_answer, a_said, a_total = a_highest + ROW, a_highest + 2 * ROW, a_highest + 3 * ROW
    a_levels = a_highest + 4 * ROW
    a_truths = a_levels + high * level_size
    for c in range(classes):
        x[a_head_bias + c] = values[places.b_head + c]
    short = put_weights(shape, values, places, x, a_inputs, a_bias, a_b_hh)

    for block in range(len(blocks)):
        level, first, parents = blocks[block]
        n = (parents + LANES - 1) // LANES * LANES
        states = a_levels + level * level_size + first
        for layer in range(layers):
            recurrent = a_recurrent + layer * wide * ROW
            for g in range(wide):
                exhaustive_steps.spread(x, n, (a_b_hh + layer * wide + g, recurrent + g * ROW))
            before = states + layer * kept * ROW
            w_hh = places.layers[layer, W_HH]
            tiles_more(values, (w_hh, hidden, 1), x, (before, ROW), x, (recurrent, ROW), (wide, n, hidden))
            if layer == 0 and short:
                for g in range(wide):
                    exhaustive_steps.double_exponential(x, n, (recurrent + g * ROW, recurrent + g * ROW))
        for v in range(vocabulary):
            step_first(x, n, cell, hidden, short, a_inputs + v * wide, a_recurrent, states, a_out)
            for layer in range(1, layers):
                p_in, under = places.layers[layer, W_IH], a_out + (layer - 1) * kept * ROW
                if cell == GRU:
                    for g in range(wide):
                        exhaustive_steps.spread(x, n, (a_bias + layer * wide + g, a_gates + g * ROW))
                    tiles_more(values, (p_in, hidden, 1), x, (under, ROW), x, (a_gates, ROW), (wide, n, hidden))
                else:
                    tiles(values, (p_in, hidden, 1), x, (under, ROW), x, (a_gates, ROW), (wide, n, hidden))
                step_above(
                    x, n, cell, hidden, a_gates, a_recurrent + layer * wide * ROW, states + layer * kept * ROW,
                    a_out + layer * kept * ROW,
                )  # fmt: skip
            if level + 1 < high:
                # What is copied beyond the last parent, the next token's columns cover.
                rows_copied(x, n, layers * kept, a_out, a_levels + (level + 1) * level_size + v * parents)
            if level + 1 < low:
                continue
            for c in range(classes):
                exhaustive_steps.spread(x, n, (a_head_bias + c, a_logits + c * ROW))
            top = a_out + (layers - 1) * kept * ROW
            tiles_more(values, (places.w_head, hidden, 1), x, (top, ROW), x, (a_logits, ROW), (classes, n, hidden))
            truth = a_truths + asked
            exhaustive_steps.answers(x, n, classes, a_logits, ROW, (truth, a_highest, a_answer, a_said))
            exhaustive_steps.sum_of_powers(x, n, classes, a_logits, ROW, (a_highest, a_total))
            hits, lost = judge(x, parents, classes, truth, a_highest, a_answer, a_said, a_total, confusion)
            right[level + 1] += hits
            losses[level + 1] += lost
            asked += parents


def room_for(shape: layout.Shape, high: int) -> int:
    """Return how many float32 numbers `ask_blocks` works on for lengths up to `high`, beside the right classes."""
    wide = shape.gates * shape.hidden
    kept = shape.layers * shape.hidden * (2 if shape.cell == LSTM else 1)
    rows = wide + shape.layers * wide + kept + shape.classes + 4 + high * kept
    return (shape.vocabulary + 2 * shape.layers) * wide + shape.classes + rows * ROW


@dataclass(frozen=True)
class Counts:
    """What was found: confusion int64 [classes, classes]; by length, right answers int64 [high + 1] and sums of losses
    float64 [high + 1]."""

    confusion: NDArray[np.int64]
    right: NDArray[np.int64]
    losses: NDArray[np.float64]


class Exhaustive:
    """Asks models of one shape about every sequence of lengths low to high, one after another."""

    def __init__(
        self, shape: layout.Shape, offsets: dict[str, int], low: int, high: int, truths: NDArray[np.integer]
    ) -> None:
        """truths: the right class of every sequence, in counting order, the shortest first."""
        self._shape, self._places = shape, layout.ParameterPlaces.of(shape, offsets)
        self._low, self._high = low, high
        order = exhaustive_order(shape.vocabulary, low, high)
        self._pieces = self._cut(order.blocks)
        count = room_for(shape, high)
        self._numbers = np.zeros(count + len(order.sequences) + LANES, dtype=np.float32)
        self._numbers[count:-LANES] = truths[order.sequences]

    def _cut(self, blocks: NDArray[np.int64]) -> list[tuple[NDArray[np.int64], int]]:
        """Cut it into pieces that are over in a moment: blocks, and how many sequences are asked before them."""
        shape = self._shape
        wide, above = shape.gates * shape.hidden, shape.layers - 1
        products = shape.layers * wide + shape.vocabulary * (above * wide + shape.classes)
        done = np.cumsum(blocks[:, 2] * float(products * shape.hidden))
        borders = np.searchsorted(done, np.arange(PIECE, done[-1], PIECE)).tolist()
        asked = np.cumsum(np.where(blocks[:, 0] + 1 >= self._low, blocks[:, 2] * shape.vocabulary, 0))
        starts = sorted({0, *borders})
        return [
            (blocks[start:end], int(asked[start - 1]) if start else 0)
            for start, end in zip(starts, [*starts[1:], len(blocks)], strict=True)
        ]

    def ask(self, values: NDArray[np.float32], check: Callable[[], None] | None = None) -> Counts:
        """Ask a model with these weights, float32 [parameters].

        check: called between its pieces; what it raises ends it
        """
        classes = self._shape.classes
        confusion = np.zeros((classes, classes), dtype=np.int64)
        right, losses = np.zeros(self._high + 1, dtype=np.int64), np.zeros(self._high + 1)
        for blocks, asked in self._pieces:
            ask_blocks(
                self._shape, self._places, values, self._low, self._high, blocks, asked, self._numbers,
                confusion, right, losses,
            )  # fmt: skip
            if check is not None:
                check()
        return Counts(confusion, right, losses)

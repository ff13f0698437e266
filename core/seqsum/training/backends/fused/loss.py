"""The head and the mean cross-entropy of what is asked, with its gradient by the logits."""

from __future__ import annotations

import math

import numpy as np

from seqsum.training.backends.fused import simd, sums
from seqsum.training.backends.fused.matmul import compiled, part, product_more

EMPTY = np.float32(-1e30)
"""The logit of the classes that fill a vector up: their probability is zero."""


@part
def gather_asked(shape, at, work, packed, steps, lengths, targets, asked_of):
    """Find what the head reads: every row, or each sequence's last, copied to `read`.

    lengths int64 [batch]; targets int64 [batch, length] or [batch, 1]; asked_of: int64 [rows], the right class of each
    row that is read, negative where nothing is asked. Returns (place of the first, how many rows, how many are asked).
    What reads backward has read all of a sequence at its own last step, too: its states are found by `read_half`.
    """
    top = at.h + (shape.layers - shape.directions) * shape.most * shape.width
    if shape.tags == 1:
        asked = 0
        for t in range(steps):
            for r in range(packed.active[t]):
                target = targets[packed.order[r], t] if t < lengths[packed.order[r]] else -1
                asked_of[packed.starts[t] + r] = target
                asked += target >= 0
        return top, packed.starts[steps], asked
    for r in range(shape.batch):
        asked_of[r] = targets[packed.order[r], 0]
        last = packed.starts[lengths[packed.order[r]] - 1] + r
        for half in range(shape.directions):
            place = half * shape.most * shape.width
            simd.copy(work, shape.width, (top + place + last * shape.width, at.read + place + r * shape.width))
    return at.read, shape.batch, shape.batch


@compiled
def read_half(shape, at, read, half):
    """Return where the states lie that the head reads of one direction; read: place of the forward one's."""
    if half == 1 and shape.tags == 1:
        return at.flipped + (shape.layers - 1) * shape.most * shape.width
    return read + half * shape.most * shape.width


@part
def head(shape, at, work, values, places, read, rows):
    """logits = W h + b; in the padding of the classes as good as minus infinity."""
    wide, hidden = shape.wide_classes, shape.hidden
    for c in range(shape.classes):
        for half in range(shape.directions):
            for i in range(hidden):
                weight = values[places.w_head + (c * shape.directions + half) * hidden + i]
                work[at.w_head_t + (half * hidden + i) * wide + c] = weight
                work[at.w_head + (half * wide + c) * shape.width + i] = weight
    for r in range(rows):
        for c in range(shape.classes):
            work[at.logits + r * wide + c] = values[places.b_head + c]
        for c in range(shape.classes, wide):
            work[at.logits + r * wide + c] = EMPTY
    for half in range(shape.directions):
        product_more(
            work, (read_half(shape, at, read, half), shape.width, 1), (at.w_head_t + half * hidden * wide, wide),
            (at.logits, wide), (rows, wide, hidden), at.scratch,
        )  # fmt: skip


@compiled
def cross_entropy(shape, at, work, rows, asked_of, margins, asked):
    """L = mean of log Σ exp(logits) − logits[target] over what is asked; the logits become dL/dlogits.

    dL/dlogits = (softmax(logits) − one_hot(target)) / asked. margins: float32 [rows], room. Returns (sum of losses,
    right answers).
    """
    wide, classes = shape.wide_classes, shape.classes
    loss = 0.0
    right = 0
    for r in range(rows):
        place = at.logits + r * wide
        best = work[place]
        answer = 0
        for c in range(1, classes):
            if work[place + c] > best:
                best = work[place + c]
                answer = c
        margins[r] = best - work[place + max(0, asked_of[r])]
        right += answer == asked_of[r]
        work[at.scratch] = best
        simd.subtract(work, wide, (place, at.scratch, place))
    simd.exponential(work, rows * wide, (at.logits, at.logits))
    share = np.float32(1.0 / max(1, asked))
    for r in range(rows):
        place = at.logits + r * wide
        if asked_of[r] < 0:
            for c in range(wide):
                work[place + c] = np.float32(0)
            continue
        total = sums.total(work, place, classes)
        loss += math.log(total) + margins[r]
        work[at.scratch] = share / total
        simd.scale(work, wide, (place, at.scratch, place))
        work[place + asked_of[r]] -= share
    return loss, right

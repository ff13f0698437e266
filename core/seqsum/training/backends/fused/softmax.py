"""What is done row by row: sequences in order of length, and the loss of each."""

from __future__ import annotations

import math

import numpy as np

from seqsum.training.backends.fused import simd
from seqsum.training.backends.fused.matmul import compiled


@compiled
def sort_rows(lengths, length, order, alive):
    """order: rows from the longest to the shortest; alive[t]: how many of them step t reads, in fours."""
    batch = lengths.size
    counts = np.zeros(length + 2, np.int64)
    for b in range(batch):
        counts[lengths[b]] += 1
    longer = 0
    for t in range(length, -1, -1):
        if t < length:
            alive[t] = min(batch, (longer + 3) // 4 * 4)
        count = counts[t]
        counts[t] = longer
        longer += count
    for b in range(batch):
        order[counts[lengths[b]]] = b
        counts[lengths[b]] += 1


@compiled
def softmax_rows(x, logits, wide, classes, rows, targets, answered, asked):
    """Loss, right answers, and the gradient in place of the logits, times the number of rows that are asked.

    targets: int64 [rows], negative where nothing is asked. Returns (sum of losses, right).
    """
    loss = 0.0
    right = 0
    for r in range(rows):
        place = logits + r * wide
        best = x[place]
        answer = 0
        for c in range(1, classes):
            if x[place + c] > best:
                best = x[place + c]
                answer = c
        answered[r] = best - x[place + max(0, targets[r])]
        right += answer == targets[r]
        for c in range(wide):
            x[place + c] -= best
    simd.exponential(x, rows * wide, (logits, logits))
    share = np.float32(1.0 / max(1, asked))
    for r in range(rows):
        place = logits + r * wide
        if targets[r] < 0:
            for c in range(wide):
                x[place + c] = np.float32(0)
            continue
        total = np.float32(0)
        for c in range(classes):
            total += x[place + c]
        loss += math.log(total) + answered[r]
        scale = share / total
        for c in range(wide):
            x[place + c] *= scale
        x[place + targets[r]] -= share
    return loss, right

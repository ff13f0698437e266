"""The optimizers: one update of every parameter at once."""

from __future__ import annotations

import math

import numpy as np

from seqsum.training.backends.fused.matmul import compiled


@compiled
def update(optimizer, constants, rate, step, values, gradients, first, second):
    """One update of every parameter, as PyTorch's own optimizers make it.

    first, second: adam, adamw: exp_avg, exp_avg_sq; sgd: momentum_buffer; rmsprop: square_avg and momentum_buffer.
    """
    beta1, beta2, eps, momentum, smoothing, decay = constants
    n = values.size
    rate32, decay32 = np.float32(rate), np.float32(decay)
    if optimizer <= 1:
        keep1, take1 = np.float32(beta1), np.float32(1 - beta1)
        keep2, take2 = np.float32(beta2), np.float32(1 - beta2)
        size = np.float32(rate / (1 - beta1**step))
        root = np.float32(1 / math.sqrt(1 - beta2**step))
        tiny = np.float32(eps)
        if optimizer == 1:
            shrink = np.float32(1 - rate * decay)
            for i in range(n):
                values[i] *= shrink
        elif decay != 0:
            for i in range(n):
                gradients[i] += decay32 * values[i]
        for i in range(n):
            g = gradients[i]
            m = keep1 * first[i] + take1 * g
            v = keep2 * second[i] + take2 * g * g
            first[i] = m
            second[i] = v
            values[i] -= size * m / (np.sqrt(v) * root + tiny)
        return
    if decay != 0:
        for i in range(n):
            gradients[i] += decay32 * values[i]
    keep = np.float32(momentum)
    if optimizer == 2:
        if momentum == 0:
            for i in range(n):
                values[i] -= rate32 * gradients[i]
        else:
            if step == 1:
                keep = np.float32(0)
            for i in range(n):
                first[i] = keep * first[i] + gradients[i]
                values[i] -= rate32 * first[i]
        return
    kept, taken, tiny = np.float32(smoothing), np.float32(1 - smoothing), np.float32(eps)
    for i in range(n):
        g = gradients[i]
        first[i] = kept * first[i] + taken * g * g
        g = g / (np.sqrt(first[i]) + tiny)
        if momentum != 0:
            second[i] = keep * second[i] + g
            g = second[i]
        values[i] -= rate32 * g

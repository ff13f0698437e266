"""Clipping and the optimizers: one update of every parameter at once."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from seqsum.training.backends.fused.layout import ADAMW, SGD
from seqsum.training.backends.fused.matmul import compiled, part
from seqsum.training.backends.fused.sums import total_of_squares


class Optimizer(NamedTuple):
    """An optimizer's constants. kind: place in OPTIMIZERS; a clipping that is off has an infinite bound."""

    kind: int
    beta1: float
    beta2: float
    eps: float
    momentum: float
    smoothing: float
    weight_decay: float
    clip_norm: float
    clip_value: float


@part
def gradient_norm(gradients):
    """‖g‖₂ in float64."""
    return math.sqrt(total_of_squares(gradients, 0, gradients.size))


@part
def clip(optimizer, norm, gradients):
    """g ← g · clip_norm / ‖g‖ where ‖g‖ is above it, then each gᵢ into ±clip_value."""
    if norm > optimizer.clip_norm:
        scale = np.float32(optimizer.clip_norm / (norm + 1e-6))
        for i in range(gradients.size):
            gradients[i] *= scale
    if optimizer.clip_value < math.inf:
        bound = np.float32(optimizer.clip_value)
        for i in range(gradients.size):
            gradients[i] = min(max(gradients[i], -bound), bound)


@compiled
def moment_scales(beta1, beta2, rate, step):
    """Return Adam's two corrections of means that began at zero: of the first, with the rate, and of the second."""
    return np.float32(rate / (1 - beta1**step)), np.float32(1 / math.sqrt(1 - beta2**step))


@compiled
def update(optimizer, rate, step, parameters):
    """θ ← θ − rate · (what the optimizer makes of g), as PyTorch's own optimizers make it; `step` counts from 1.

    parameters.first, second: adam, adamw: exp_avg, exp_avg_sq; sgd: momentum_buffer; rmsprop: square_avg and
    momentum_buffer.
    """
    kind, beta1, beta2, eps, momentum, smoothing, decay = optimizer[:7]
    values, gradients, first, second = parameters
    n = values.size
    rate32, decay32 = np.float32(rate), np.float32(decay)
    if kind <= ADAMW:
        keep1, take1 = np.float32(beta1), np.float32(1 - beta1)
        keep2, take2 = np.float32(beta2), np.float32(1 - beta2)
        size, root = moment_scales(beta1, beta2, rate, step)
        tiny = np.float32(eps)
        if kind == ADAMW:
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
    if kind == SGD:
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

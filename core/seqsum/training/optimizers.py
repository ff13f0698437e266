"""The optimizers by name, over one flat parameter."""

from __future__ import annotations

import torch
from torch import nn

from seqsum.config import OptimConfig


def make_optimizer(values: nn.Parameter, optim: OptimConfig) -> torch.optim.Optimizer:
    """Make the optimizer that a section describes; the learning rate is set before each step."""
    # PyTorch's fused kernels: one call over one tensor, with the same arithmetic.
    fused = values.device.type in ("cpu", "cuda", "mps") and values.dtype != torch.bfloat16
    betas = (optim.beta1, optim.beta2)
    if optim.name == "adam":
        return torch.optim.Adam(
            [values], lr=optim.lr, betas=betas, eps=optim.eps, weight_decay=optim.weight_decay, fused=fused
        )
    if optim.name == "adamw":
        return torch.optim.AdamW(
            [values], lr=optim.lr, betas=betas, eps=optim.eps, weight_decay=optim.weight_decay, fused=fused
        )
    if optim.name == "sgd":
        return torch.optim.SGD(
            [values], lr=optim.lr, momentum=optim.momentum, weight_decay=optim.weight_decay, fused=fused
        )
    return torch.optim.RMSprop(
        [values],
        lr=optim.lr,
        alpha=optim.smoothing,
        eps=optim.eps,
        weight_decay=optim.weight_decay,
        momentum=optim.momentum,
    )

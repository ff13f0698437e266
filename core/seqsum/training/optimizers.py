"""The optimizers by name, over one flat parameter."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from types import ModuleType

import torch
from torch import nn

from seqsum.config import OptimConfig
from seqsum.training.muon import Flat, MuonWithAdamW

# PyTorch's optimizers load the compiler behind torch.compile, for more than a second, only to switch it off for these
# methods. Nothing is compiled with it here: told that it is off already, they leave it alone.
for _method in (torch.optim.Optimizer.add_param_group, torch.optim.Optimizer.zero_grad):
    _function = inspect.unwrap(_method)
    if _function is not _method:
        setattr(_function, "__dynamo_disable", _function)


def make_optimizer(model: nn.Module, flat: Flat, optim: OptimConfig) -> torch.optim.Optimizer:
    """Make the optimizer that a section describes; the learning rate is set before each step."""
    values = flat.values
    if optim.decays_in_part:
        # `PartialDecay` makes it.
        optim = optim.model_copy(update={"weight_decay": 0.0})
    if optim.name == "muon":
        return MuonWithAdamW(model, flat, optim)
    if optim.name == "schedule_free":
        made: torch.optim.Optimizer = _schedule_free().ScheduleFreeAdamW(values, optim)
        return made
    # PyTorch's fused kernels: one call over one tensor, with the same arithmetic.
    fused = values.device.type in ("cpu", "cuda", "mps") and values.dtype != torch.bfloat16
    betas = (optim.beta1, optim.beta2)
    if optim.name in ("adam", "adamw"):
        kind = torch.optim.Adam if optim.name == "adam" else torch.optim.AdamW
        return kind([values], lr=optim.lr, betas=betas, eps=optim.eps, weight_decay=optim.weight_decay, fused=fused)
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


RECURRENT = "weight_hh"
"""In the name that PyTorch gives a matrix from hidden state to hidden state."""


class PartialDecay:
    """Weight decay of matrices, or of recurrent ones, alone, made before each step as PyTorch's optimizers make that of
    all weights: AdamW's pulls at the weights (Loshchilov & Hutter 2019), the others' at the gradient."""

    def __init__(self, model: nn.Module, flat: Flat, optim: OptimConfig) -> None:
        embeddings = {id(part.weight) for part in model.modules() if isinstance(part, nn.Embedding)}
        parameters = dict(model.named_parameters())
        self._values, self._gradients, self._decoupled = flat.values, flat.gradients, optim.name == "adamw"
        self._decay = torch.zeros_like(flat.values.data)
        for name, part in flat.split(self._decay):
            matrix = part.ndim > 1 and id(parameters[name]) not in embeddings
            if RECURRENT in name if optim.weight_decay_on == "recurrent" else matrix:
                part.fill_(optim.weight_decay)

    @torch.no_grad()
    def pull(self, rate: float) -> None:
        """rate: the learning rate of the step that follows."""
        if self._decoupled:
            self._values.addcmul_(self._values, self._decay, value=-rate)
        else:
            self._gradients.addcmul_(self._values, self._decay)


@contextmanager
def training_weights(optimizer: torch.optim.Optimizer) -> Iterator[None]:
    """Inside, the weights are those that steps are made from; outside, those that answer. Only schedule-free AdamW
    tells them apart."""
    if "train_mode" not in optimizer.defaults:
        yield
        return
    optimizer.begin()  # type: ignore[attr-defined]
    try:
        yield
    finally:
        optimizer.end()  # type: ignore[attr-defined]


def _schedule_free() -> ModuleType:
    """Its library is loaded for those who ask for it."""
    return import_module("seqsum.training.schedule_free")


@torch.no_grad()
def update(optimizer: torch.optim.Optimizer) -> None:
    """Make one update: `optimizer.step()` without the wrapping that loads the compiler and looks for hooks."""
    inspect.unwrap(type(optimizer).step)(optimizer)

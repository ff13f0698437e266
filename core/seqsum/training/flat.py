"""All parameters of a model in one flat tensor, and all gradients in another."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn


class FlatParameters:
    """Moves a model's parameters and gradients into two flat tensors; the model's own become views of them.

    One tensor means one call for zeroing, for the norm, for clipping and for the optimizer, where a small model would
    spend more time in calls than in
    arithmetic: on the tutorial's baseline that alone is about a sixth of the step.
    """

    def __init__(self, model: nn.Module) -> None:
        parameters = dict(model.named_parameters())
        total = sum(parameter.numel() for parameter in parameters.values())
        first = next(iter(parameters.values()))
        self.values = nn.Parameter(torch.empty(total, dtype=first.dtype, device=first.device))
        self.gradients = torch.zeros_like(self.values.data)
        self.values.grad = self.gradients
        self._places: list[tuple[str, int, torch.Size]] = []
        offset = 0
        for name, parameter in parameters.items():
            self._places.append((name, offset, parameter.shape))
            view = self.values.data[offset : offset + parameter.numel()].view(parameter.shape)
            view.copy_(parameter.data)
            parameter.data = view
            parameter.grad = self.gradients[offset : offset + parameter.numel()].view(parameter.shape)
            offset += parameter.numel()

    def split(self, flat: Tensor) -> Iterator[tuple[str, Tensor]]:
        """Yield (parameter name, its part of `flat` in its own shape) for a tensor laid out like the values."""
        for name, offset, shape in self._places:
            yield name, flat[offset : offset + shape.numel()].view(shape)

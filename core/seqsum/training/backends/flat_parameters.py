"""All parameters of a model in one flat tensor, and all gradients in another."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn


class FlatParameters:
    """Moves a model's parameters and gradients into two flat tensors; the model's own become views of them.

    One tensor means one call for zeroing, for the norm, for clipping and for the optimizer, where a small model would
    spend more time in calls than in arithmetic: on the tutorial's baseline that alone is about a sixth of the step.
    """

    def __init__(self, model: nn.Module) -> None:
        parameters = dict(model.named_parameters())
        self._model = model
        self._others = sorted(model.state_dict().keys() - parameters.keys())
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

    def frozen(self) -> Callable[[], dict[str, Tensor]]:
        """Copy the model's state as quickly as can be; the function returned gives it by name, in whatever thread."""
        values = self.values.detach().clone()
        # Buffers, and parameters under a second name. Few models have any, and asking costs as much as all the rest.
        state = self._model.state_dict() if self._others else {}
        others = {name: state[name].clone(memory_format=torch.contiguous_format) for name in self._others}
        return lambda: {**dict(self.split(values)), **others}

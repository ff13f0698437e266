"""A diagonal complex state space, from continuous time: S4D's, with one state for all channels as in S5."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from seqsum.models.blocks import BlockModel, LayerState, Mixed, Mixer
from seqsum.models.scan import complex_scan
from seqsum.models.settings import StateSpaceConfig
from seqsum.models.writing import block_model
from seqsum.tasks import AnyTask


class StateSpace(Mixer):
    """dh/dt = a ⊙ h + B x,  y = 2 Re(C h) + D ⊙ x, with a = −exp(r) + i f (Gu et al. 2022, arXiv 2206.11893).

    x is held for a time Δ, one for each unit: h' = exp(Δ a) ⊙ h + (exp(Δ a) − 1) / a ⊙ (B x) (zero-order hold). First
    a = −1/2 + i π n (S4D-Lin). All channels drive one state (Smith et al. 2023, arXiv 2208.04933).

    The state holds the real parts of h, then the imaginary ones: [batch, 2 × state_size].
    """

    def __init__(self, config: StateSpaceConfig) -> None:
        super().__init__()
        size, width = config.state_size, config.hidden_size
        self.rate = nn.Parameter(torch.full((size,), math.log(0.5)))
        self.frequency = nn.Parameter(math.pi * torch.arange(size, dtype=torch.float32))
        low, high = math.log(config.min_step), math.log(config.max_step)
        self.step = nn.Parameter(low + (high - low) * torch.rand(size))
        self.enter = nn.Linear(width, 2 * size, bias=False)
        # Re(C h) = Re C · Re h − Im C · Im h: one real map, the sign being the weights' own.
        self.leave = nn.Linear(2 * size, width, bias=False)
        self.skip = nn.Parameter(torch.randn(width))
        nn.init.normal_(self.enter.weight, std=width**-0.5)
        nn.init.normal_(self.leave.weight, std=(2 * size) ** -0.5)

    def begin(self, inputs: Tensor) -> LayerState:
        return (inputs.new_zeros(inputs.shape[0], self.leave.in_features),)

    def forward(self, inputs: Tensor, state: LayerState, look: bool = False) -> Mixed:
        step = torch.exp(self.step)
        decay, angle = -torch.exp(self.rate) * step, self.frequency * step
        hidden = complex_scan(decay, angle, self._held(self.enter(inputs), decay, angle, step), state[0])
        return Mixed(2 * self.leave(hidden) + self.skip * inputs, (hidden[:, -1],))

    def _held(self, driven: Tensor, decay: Tensor, angle: Tensor, step: Tensor) -> Tensor:
        """(exp(Δ a) − 1) / a ⊙ driven, real and imaginary parts side by side."""
        grown, scale = torch.exp(decay), step / (decay**2 + angle**2)
        # (p + i q) / (Δ a) with p + i q = exp(Δ a) − 1 and Δ a = decay + i angle
        p, q = grown * torch.cos(angle) - 1, grown * torch.sin(angle)
        real, imaginary = scale * (p * decay + q * angle), scale * (q * decay - p * angle)
        x, y = driven.chunk(2, dim=-1)
        return torch.cat([real * x - imaginary * y, real * y + imaginary * x], dim=-1)


def build(task: AnyTask, config: StateSpaceConfig) -> BlockModel:
    return block_model(task, config, lambda: StateSpace(config))

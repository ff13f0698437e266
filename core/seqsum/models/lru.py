"""The linear recurrent unit: a diagonal complex recurrence, kept stable by how it is written (arXiv 2303.06349)."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from seqsum.models.blocks import BlockModel, LayerState, Mixed, Mixer
from seqsum.models.scan import complex_scan
from seqsum.models.settings import LruConfig
from seqsum.models.writing import block_model
from seqsum.tasks import AnyTask


class Lru(Mixer):
    """h' = λ ⊙ h + γ ⊙ (B x);  y = Re(C h') + D ⊙ x, with λ = exp(−exp(ν) + i exp(θ)) (sections 3.3 and 3.4).

    The state holds the real parts of h, then the imaginary ones: [batch, 2 × state_size].
    """

    def __init__(self, config: LruConfig) -> None:
        super().__init__()
        size, width = config.state_size, config.hidden_size
        # Drawn evenly over the ring between the two radii, and over all angles.
        low, high = config.min_radius**2, config.max_radius**2
        modulus = torch.sqrt(low + (high - low) * torch.rand(size)).clamp(min=1e-3, max=1 - 1e-6)
        self.nu = nn.Parameter(torch.log(-torch.log(modulus)))
        self.theta = nn.Parameter(torch.log(2 * math.pi * torch.rand(size).clamp(min=1e-6)))
        self.gamma = nn.Parameter(0.5 * torch.log1p(-(modulus**2)))
        self.enter = nn.Linear(width, 2 * size, bias=False)
        # Re(C h) = Re C · Re h − Im C · Im h: one real map, the sign being the weights' own.
        self.leave = nn.Linear(2 * size, width, bias=False)
        self.skip = nn.Parameter(torch.randn(width))
        nn.init.normal_(self.enter.weight, std=(2 * width) ** -0.5)
        nn.init.normal_(self.leave.weight, std=size**-0.5)

    def begin(self, inputs: Tensor) -> LayerState:
        return (inputs.new_zeros(inputs.shape[0], self.leave.in_features),)

    def forward(self, inputs: Tensor, state: LayerState, look: bool = False) -> Mixed:
        decay, angle = torch.exp(self.nu), torch.exp(self.theta)
        driven = self.enter(inputs) * torch.exp(self.gamma).repeat(2)
        hidden = complex_scan(-decay, angle, driven, state[0])
        return Mixed(self.leave(hidden) + self.skip * inputs, (hidden[:, -1],))


def build(task: AnyTask, config: LruConfig) -> BlockModel:
    return block_model(task, config, lambda: Lru(config))

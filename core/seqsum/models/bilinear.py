"""A bilinear recurrent network: the input says by which matrix the state is multiplied (arXiv 2505.21749)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from seqsum.models.blocks import BlockModel, LayerState, Mixed, Mixer
from seqsum.models.settings import BilinearConfig
from seqsum.models.writing import block_model
from seqsum.tasks import AnyTask


class Bilinear(Mixer):
    """h'_i = Σ_jk W_ijk h_j x_k, without anything added, then made of length 1: a length says nothing here.

    The state is h, [batch, state_size]; what it begins with is learned.
    """

    def __init__(self, config: BilinearConfig) -> None:
        super().__init__()
        size, width = config.state_size, config.hidden_size
        # Σ_k W_ijk x_k keeps the length of h at first, as x has numbers of about 1.
        self.weight = nn.Parameter(torch.randn(size, size, width) * (size * width) ** -0.5)
        self.first = nn.Parameter(torch.randn(size))
        self.leave = nn.Linear(size, width)

    def begin(self, inputs: Tensor) -> LayerState:
        return (nn.functional.normalize(self.first, dim=0).expand(inputs.shape[0], -1),)

    def forward(self, inputs: Tensor, state: LayerState, look: bool = False) -> Mixed:
        hidden = state[0]
        # [batch, steps, i, j]: the matrix of every step
        matrices = torch.einsum("ijk,btk->btij", self.weight, inputs)
        found: list[Tensor] = []
        for step in range(inputs.shape[1]):
            hidden = nn.functional.normalize((matrices[:, step] @ hidden.unsqueeze(-1)).squeeze(-1), dim=1)
            found.append(hidden)
        # Of length 1 its numbers are small; the map reads them at about 1.
        outputs = self.leave(torch.stack(found, dim=1) * hidden.shape[1] ** 0.5)
        return Mixed(outputs, (hidden,))


def build(task: AnyTask, config: BilinearConfig) -> BlockModel:
    return block_model(task, config, lambda: Bilinear(config))

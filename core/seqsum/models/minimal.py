"""minGRU and minLSTM: gates see the input alone, so that all steps can be computed at once (arXiv 2410.01201)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from seqsum.models.blocks import BlockModel, LayerState, Mixed, Mixer
from seqsum.models.scan import linear_scan
from seqsum.models.settings import MinimalConfig
from seqsum.models.writing import block_model
from seqsum.tasks import AnyTask


class MinGRU(Mixer):
    """z = σ(W x + b);  ĥ = W x + b;  h' = (1 − z) h + z ĥ (section 3.1)."""

    def __init__(self, hidden_size: int) -> None:
        super().__init__()
        self.linear = nn.Linear(hidden_size, 2 * hidden_size)

    def begin(self, inputs: Tensor) -> LayerState:
        return (torch.zeros_like(inputs[:, 0]),)

    def forward(self, inputs: Tensor, state: LayerState, look: bool = False) -> Mixed:
        take, candidate = self.linear(inputs).chunk(2, dim=-1)
        take = torch.sigmoid(take)
        hidden = linear_scan(1 - take, take * candidate, state[0])
        # Named for what z does; a GRU's update gate, as PyTorch has it, is 1 − z.
        return Mixed(hidden, (hidden[:, -1],), {"input": take, "candidate": candidate})


class MinLSTM(MinGRU):
    """f, i = σ(W x + b);  ĥ = W x + b;  h' = f / (f + i) · h + i / (f + i) · ĥ (section 3.2)."""

    def __init__(self, hidden_size: int) -> None:
        super().__init__(hidden_size)
        self.linear = nn.Linear(hidden_size, 3 * hidden_size)

    def forward(self, inputs: Tensor, state: LayerState, look: bool = False) -> Mixed:
        forget, take, candidate = self.linear(inputs).chunk(3, dim=-1)
        forget, take = torch.sigmoid(forget), torch.sigmoid(take)
        forget, take = forget / (forget + take), take / (forget + take)
        hidden = linear_scan(forget, take * candidate, state[0])
        return Mixed(hidden, (hidden[:, -1],), {"input": take, "forget": forget, "candidate": candidate})


def build(task: AnyTask, config: MinimalConfig) -> BlockModel:
    kind = MinGRU if config.cell == "mingru" else MinLSTM
    return block_model(task, config, lambda: kind(config.hidden_size))

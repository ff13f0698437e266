"""sLSTM: an LSTM whose input gate is exponential, and whose memory is normalised (xLSTM, arXiv 2405.04517)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from seqsum.models.blocks import BlockModel, LayerState, Mixed, Mixer
from seqsum.models.settings import SlstmConfig
from seqsum.models.writing import block_model
from seqsum.tasks import AnyTask

GATES = "input", "forget", "candidate", "output"


class Slstm(Mixer):
    """c' = f c + i z;  n' = f n + i;  h' = o c' / n' (equations 8 to 14), each gate from W x + R h + b.

    z = tanh, o = f = σ, i = exp. R joins only units of one head. The numbers stay small by m' = max(log f + m, log i):
    i and f are divided by it, which leaves c' / n' as it is (equations 15 to 17).

    The state is (h, c, n, m), each [batch, hidden_size].
    """

    def __init__(self, config: SlstmConfig) -> None:
        super().__init__()
        width, heads = config.hidden_size, config.num_heads
        size = width // heads
        self.linear = nn.Linear(width, 4 * width)
        self.recurrent = nn.Parameter(torch.empty(heads, size, 4 * size).uniform_(-(size**-0.5), size**-0.5))
        with torch.no_grad():
            # Memory is kept at first: forget gates begin open, some wider than others.
            self.linear.bias[width : 2 * width] = torch.linspace(3, 6, width)

    def begin(self, inputs: Tensor) -> LayerState:
        zeros = torch.zeros_like(inputs[:, 0])
        # Nothing is there yet that could be forgotten: the first m is the first input gate's.
        return zeros, zeros, zeros, torch.full_like(zeros, -torch.inf)

    def forward(self, inputs: Tensor, state: LayerState, look: bool = False) -> Mixed:
        entering = self.linear(inputs)
        hidden, cell, total, stabiliser = state
        heads, size, _ = self.recurrent.shape
        outputs: list[Tensor] = []
        gates: list[tuple[Tensor, ...]] = []
        for step in range(inputs.shape[1]):
            # [batch, heads, size] with [heads, size, 4 × size], then each gate's units side by side
            back = torch.einsum("bhs,hsg->bhg", hidden.view(-1, heads, size), self.recurrent)
            back = back.view(-1, heads, 4, size).transpose(1, 2).flatten(1)
            i, f, z, o = (entering[:, step] + back).chunk(4, dim=1)
            forgetting = F.logsigmoid(f) + stabiliser
            stabiliser = torch.maximum(forgetting, i)
            i, f, z, o = torch.exp(i - stabiliser), torch.exp(forgetting - stabiliser), torch.tanh(z), torch.sigmoid(o)
            cell, total = f * cell + i * z, f * total + i
            hidden = o * cell / total
            outputs.append(hidden)
            gates += [(i, f, z, o)] if look else []
        seen = {name: torch.stack(each, 1) for name, each in zip(GATES, zip(*gates, strict=True), strict=False)}
        return Mixed(torch.stack(outputs, 1), (hidden, cell, total, stabiliser), seen)

    def shown(self, mixed: Mixed) -> tuple[Tensor, Tensor | None]:
        hidden, cell, total, _ = mixed.state
        return hidden, cell / total


def build(task: AnyTask, config: SlstmConfig) -> BlockModel:
    return block_model(task, config, lambda: Slstm(config))

"""One step of an LSTM or GRU by its formula, gates in sight; the weights are PyTorch's, one block of rows a gate."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from seqsum.models.cells import Rnn

Gates = dict[str, Tensor]
"""name → [batch, hidden_size]"""

GATES: dict[str, tuple[str, ...]] = {
    "lstm": ("input", "forget", "candidate", "output"),
    "gru": ("reset", "update", "candidate"),
}


def cell_step(rnn: Rnn, name: str, inputs: Tensor, hidden: Tensor, memory: Tensor) -> tuple[Tensor, Tensor, Gates]:
    """Read one step: inputs [batch, features], hidden and memory [batch, hidden_size] → both after it, and the gates.

    name: which weights, e.g. l0 or l1_reverse. `memory` is an LSTM's cell state c; others leave it as it is.

    LSTM (Hochreiter & Schmidhuber 1997, with Gers' forget gate):
        i, f, o = σ(W x + b + U h + d);  g = tanh(…);  c' = f c + i g;  h' = o tanh(c')
    GRU (Cho et al. 2014, as PyTorch has it: r stands outside U h + d):
        r, z = σ(W x + b + U h + d);  n = tanh(W x + b + r (U h + d));  h' = (1 − z) n + z h
    """
    weight_ih, weight_hh, bias_ih, bias_hh = (
        getattr(rnn, f"{part}_{name}") for part in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    )
    entering = F.linear(inputs, weight_ih, bias_ih)
    recurrent = F.linear(hidden, weight_hh, bias_hh)
    if isinstance(rnn, nn.LSTM):
        before = (entering + recurrent).chunk(4, dim=1)
        i, f, o = (torch.sigmoid(before[place]) for place in (0, 1, 3))
        g = torch.tanh(before[2])
        memory = f * memory + i * g
        return o * torch.tanh(memory), memory, dict(zip(GATES["lstm"], (i, f, g, o), strict=True))
    if isinstance(rnn, nn.GRU):
        x_r, x_z, x_n = entering.chunk(3, dim=1)
        h_r, h_z, h_n = recurrent.chunk(3, dim=1)
        r, z = torch.sigmoid(x_r + h_r), torch.sigmoid(x_z + h_z)
        n = torch.tanh(x_n + r * h_n)
        return (1 - z) * n + z * hidden, memory, dict(zip(GATES["gru"], (r, z, n), strict=True))
    squash = torch.tanh if rnn.nonlinearity == "tanh" else torch.relu
    return squash(entering + recurrent), memory, {}

"""Recurrent layers step by step, through single cells (document 5's RNNWithCell and MultiLayerRNNCell).

The weights are those of the stacked module, and so are the outputs; what is gained is a look at every step.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from seqsum.models.base import State

Rnn = nn.RNN | nn.LSTM | nn.GRU


def run_cells(rnn: Rnn, inputs: Tensor, state: State | None, noise: float = 0.0) -> tuple[Tensor, State]:
    """Run the layers of a forward-only module: inputs [batch, length, features] → outputs [batch, length, hidden_size].

    noise: standard deviation of what is added to each layer's hidden state after each step.
    Returns the outputs of the last layer and the state after the last step, as the module itself does.
    """
    batch = inputs.shape[0]
    zeros = inputs.new_zeros(batch, rnn.hidden_size)
    hidden = [zeros] * rnn.num_layers
    memory = [zeros] * rnn.num_layers
    if isinstance(state, tuple):
        hidden, memory = list(state[0]), list(state[1])
    elif state is not None:
        hidden = list(state)
    outputs: list[Tensor] = []
    for step in range(inputs.shape[1]):
        entering = inputs[:, step]
        for layer in range(rnn.num_layers):
            if layer and rnn.dropout:
                entering = F.dropout(entering, rnn.dropout, rnn.training)
            hidden[layer], memory[layer] = run_cell(rnn, layer, entering, hidden[layer], memory[layer])
            if noise:
                hidden[layer] = hidden[layer] + noise * torch.randn_like(hidden[layer])
            entering = hidden[layer]
        outputs.append(entering)
    last = torch.stack(hidden)
    return torch.stack(outputs, dim=1), (last, torch.stack(memory)) if isinstance(rnn, nn.LSTM) else last


def run_cell(rnn: Rnn, layer: int, inputs: Tensor, hidden: Tensor, memory: Tensor) -> tuple[Tensor, Tensor]:
    """One step of one layer: inputs [batch, features] → hidden and cell state [batch, hidden_size] (LSTM; else as
    was).
    """
    weights = [getattr(rnn, f"{name}_l{layer}") for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")]
    if isinstance(rnn, nn.LSTM):
        hidden, memory = torch.lstm_cell(inputs, (hidden, memory), *weights)
        return hidden, memory
    if isinstance(rnn, nn.GRU):
        return torch.gru_cell(inputs, hidden, *weights), memory
    cell = torch.rnn_tanh_cell if rnn.nonlinearity == "tanh" else torch.rnn_relu_cell
    return cell(inputs, hidden, *weights), memory

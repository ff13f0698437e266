"""Stacked recurrent layers and a linear head (documents 1 to 5)."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from seqsum.models.base import EmbeddingModel, State
from seqsum.models.cells import Rnn, run_cells
from seqsum.models.initialisation import identity, lecun_normal, orthogonal
from seqsum.models.settings import RecurrentConfig
from seqsum.tasks import AnyTask


class RecurrentModel(EmbeddingModel):
    """Embedding (or one-hot, or plain numbers) → RNN, LSTM or GRU → linear head.

    Parameter names are plain PyTorch's (embedding.weight, rnn.weight_ih_l0, head.weight …), so that an nn.Embedding,
    nn.RNN and nn.Linear of the same sizes load a checkpoint.
    """

    def __init__(self, task: AnyTask, config: RecurrentConfig) -> None:
        super().__init__(task, config.embedding_size if config.token_input == "embedding" else None)
        self.vocabulary = task.vocabulary
        self.form = config.form
        self.hidden_noise, self.noise_schedule = config.hidden_noise, config.noise_schedule
        self.rnn = make_rnn(
            config.cell,
            self.width,
            config.hidden_size,
            config.num_layers,
            nonlinearity=config.nonlinearity,
            dropout=config.dropout,
            bidirectional=config.bidirectional,
        )
        self.reads_stepwise = not config.bidirectional
        self.head = nn.Linear(config.hidden_size * (2 if config.bidirectional else 1), task.classes)
        if config.initialisation == "lecun_normal":
            lecun_normal(self.rnn, self.head)
        elif config.initialisation == "orthogonal":
            orthogonal(self.rnn)
        elif config.initialisation == "identity":
            identity(self.rnn)

    def forward(self, inputs: Tensor, lengths: Tensor, targets: Tensor | None = None) -> Tensor:
        if self.rnn.bidirectional:
            return self._from_both_ends(inputs, lengths)
        outputs, _ = self._run(inputs, None)  # [batch, length, hidden_size]
        logits: Tensor = self.head(self.asked(outputs, lengths))
        return logits

    def first_state(self, inputs: Tensor) -> State:
        zeros = self.head.weight.new_zeros(self.rnn.num_layers, inputs.shape[0], self.rnn.hidden_size)
        return (zeros, zeros) if isinstance(self.rnn, nn.LSTM) else zeros

    def read(self, inputs: Tensor, state: State | None) -> tuple[Tensor, State]:
        outputs, state = self._run(inputs, state)
        return self.head(outputs), state

    def _run(self, inputs: Tensor, state: State | None) -> tuple[Tensor, State]:
        entered = self.enter(inputs)
        noise = self.hidden_noise if self.training else 0.0
        if self.noise_schedule == "learning_rate":
            noise *= self.rate_share
        if self.form == "cells" or noise:
            return run_cells(self.rnn, entered, state, noise)
        outputs, state = self.rnn(entered, state)
        return outputs, state

    def enter(self, inputs: Tensor) -> Tensor:
        if self.embedding is not None or inputs.is_floating_point():
            return super().enter(inputs)
        hot = F.one_hot(inputs, self.vocabulary + 1)[..., : self.vocabulary]
        return hot.to(self.head.weight.dtype)

    def _from_both_ends(self, inputs: Tensor, lengths: Tensor) -> Tensor:
        # Packed: the reading from the right must begin at each row's own end, not in its padding.
        packed = pack_padded_sequence(self.enter(inputs), lengths.cpu(), batch_first=True, enforce_sorted=False)
        outputs, state = self.rnn(packed)
        if self.answer == "tags":
            logits: Tensor = self.head(pad_packed_sequence(outputs, batch_first=True, total_length=inputs.shape[1])[0])
            return logits
        hidden = state[0] if isinstance(state, tuple) else state
        logits = self.head(torch.cat([hidden[-2], hidden[-1]], dim=1))
        return logits


def make_rnn(
    cell: str,
    input_size: int,
    hidden_size: int,
    num_layers: int,
    *,
    nonlinearity: str = "tanh",
    dropout: float = 0.0,
    bidirectional: bool = False,
) -> Rnn:
    """Make PyTorch's stacked module of a cell (rnn, lstm, gru), batch first."""
    # PyTorch warns of dropout without a next layer; there is nothing between layers to silence then.
    dropout = dropout if num_layers > 1 else 0.0
    options: dict[str, Any] = {"batch_first": True, "dropout": dropout, "bidirectional": bidirectional}
    if cell == "rnn":
        return nn.RNN(input_size, hidden_size, num_layers, nonlinearity=nonlinearity, **options)
    return (nn.LSTM if cell == "lstm" else nn.GRU)(input_size, hidden_size, num_layers, **options)

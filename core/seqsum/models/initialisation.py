"""First weights other than PyTorch's own."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn


@torch.no_grad()
def lecun_normal(*modules: nn.Module) -> None:
    """Draw every weight matrix from N(0, 1/inputs) and set every bias to zero (LeCun et al. 1998; document 4).

    The matrices of an LSTM's or GRU's gates are drawn row by row from the same distribution: each gate has the same
    number of inputs. Embeddings are not for this: PyTorch draws them from N(0, 1) as that library does.
    """
    for module in modules:
        for parameter in module.parameters():
            if parameter.dim() < 2:
                parameter.zero_()
            else:
                parameter.normal_(0.0, parameter.shape[1] ** -0.5)


@torch.no_grad()
def orthogonal(rnn: nn.RNNBase) -> None:
    """Give each recurrent matrix, of a gated cell each gate's, orthogonal columns: every direction keeps its length
    (Saxe, McClelland & Ganguli 2014, arXiv 1312.6120)."""
    for block in _recurrent_blocks(rnn):
        nn.init.orthogonal_(block)


@torch.no_grad()
def identity(rnn: nn.RNNBase) -> None:
    """Make each recurrent matrix, of a gated cell each gate's, the identity, and each of the cell's biases zero (Le,
    Jaitly & Hinton 2015, arXiv 1504.00941)."""
    for block in _recurrent_blocks(rnn):
        nn.init.eye_(block)
    for name, parameter in rnn.named_parameters():
        if name.startswith("bias"):
            parameter.zero_()


def _recurrent_blocks(rnn: nn.RNNBase) -> Iterator[Tensor]:
    """Yield the square matrices [hidden_size, hidden_size] that lead from a state to the next."""
    for name, parameter in rnn.named_parameters():
        if name.startswith("weight_hh"):
            yield from torch.split(parameter, rnn.hidden_size)

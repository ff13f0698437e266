"""First weights other than PyTorch's own."""

from __future__ import annotations

import torch
from torch import nn


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

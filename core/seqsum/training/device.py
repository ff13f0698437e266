"""Where a run computes."""

from __future__ import annotations

import torch

from seqsum.config import Config
from seqsum.errors import UserError
from seqsum.training.card import is_worth_a_card


def choose_device(config: Config, parameters: int, length: int) -> torch.device:
    """Return the device for `train.device`; raise UserError when the one asked for is not there.

    auto: CUDA when there is one and a step is large enough (`is_worth_a_card`), else the CPU. MPS only when asked for:
    for the models of these documents it is slower than the CPU (document 1).
    """
    asked = config.train.device
    if asked == "auto":
        large = is_worth_a_card(config, parameters, length)
        return torch.device("cuda" if large and torch.cuda.is_available() else "cpu")
    if asked == "cuda" and not torch.cuda.is_available():
        raise UserError("train.device: there is no CUDA device here; use auto or cpu")
    if asked == "mps" and not torch.backends.mps.is_available():
        raise UserError("train.device: there is no MPS device here; use auto or cpu")
    return torch.device(asked)

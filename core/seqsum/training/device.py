"""Where a run computes."""

from __future__ import annotations

import torch

from seqsum.config import Config
from seqsum.errors import UserError

# Below this many multiplications a step, a GPU waits for its kernels to start most of the time.
WORTH_A_GPU = 200_000_000


def choose_device(config: Config, parameters: int, length: int) -> torch.device:
    """Return the device for `train.device`; raise UserError when the one asked for is not there.

    auto: CUDA when there is one and a step is large enough (parameters × batch × sequence length), else the CPU. MPS
    only when asked for: for the models of these documents it is slower than the CPU (document 1).
    """
    asked = config.train.device
    if asked == "auto":
        large = parameters * config.train.batch_size * max(1, length) >= WORTH_A_GPU
        return torch.device("cuda" if large and torch.cuda.is_available() else "cpu")
    if asked == "cuda" and not torch.cuda.is_available():
        raise UserError("train.device: there is no CUDA device here; use auto or cpu")
    if asked == "mps" and not torch.backends.mps.is_available():
        raise UserError("train.device: there is no MPS device here; use auto or cpu")
    return torch.device(asked)

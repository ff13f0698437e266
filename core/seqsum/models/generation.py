"""Going on from a prompt: tokens drawn one after another, and forecasts fed on themselves."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from seqsum.models.base import SequenceModel
from seqsum.tasks.base import Inputs


def continued(
    model: SequenceModel, prompt: Tensor, length: int, temperature: float | None, seed: int, top_k: int | None = None
) -> tuple[Inputs, list[float]]:
    """Go on from a prompt [1, tokens] for `length` tokens; return them, int64 [length], and each one's probability.

    temperature: None or 0 takes the likeliest token; 1 draws from the model's own distribution, higher is freer
    top_k: draw among the k likeliest alone; tokens as likely as the k-th stay in
    """
    generator = torch.Generator().manual_seed(seed)
    logits, state = model.read(prompt, None)
    tokens: list[int] = []
    chances: list[float] = []
    for _ in range(length):
        scores = logits[0, -1].double()
        if top_k is not None and top_k < len(scores):
            scores = scores.masked_fill(scores < scores.topk(top_k).values[-1], -torch.inf)
        probabilities = torch.softmax(scores / temperature if temperature else scores, dim=-1)
        token = int(torch.multinomial(probabilities, 1, generator=generator)) if temperature else int(scores.argmax())
        tokens.append(token)
        chances.append(float(probabilities[token]))
        logits, state = model.read(torch.tensor([[token]]), state)
    return np.array(tokens, dtype=np.int64), chances


def forecast(
    model: SequenceModel,
    windows: Tensor,
    steps: int,
    check: Callable[[], None] | None = None,
    beside: Tensor | None = None,
) -> Inputs:
    """Forecast `steps` values ahead of each window [rows, length, features], each value fed back as the newest one.

    Returns float32 [rows, steps]. check: called after each step; what it raises ends the forecast
    beside: [rows, steps − 1, features − 1], what stands beside each value that is fed back; None where it stands alone
    """
    return quantile_forecast(model, windows, steps, check, beside)[:, :, 0]


def quantile_forecast(
    model: SequenceModel,
    windows: Tensor,
    steps: int,
    check: Callable[[], None] | None = None,
    beside: Tensor | None = None,
) -> Inputs:
    """Forecast as `forecast` does, and return all the values that the model gives at each step, of which the first is
    fed back: float32 [rows, steps, values]."""
    values: list[Tensor] = []
    lengths = torch.full((windows.shape[0],), windows.shape[1])
    for step in range(steps):
        value = model(windows, lengths)  # [rows, values]
        values.append(value)
        if step + 1 < steps:
            newest = value[:, :1] if beside is None else torch.cat([value[:, :1], beside[:, step]], dim=1)
            windows = torch.cat([windows[:, 1:], newest.unsqueeze(1)], dim=1)
        if check is not None:
            check()
    return torch.stack(values, dim=1).float().cpu().numpy()

"""Going on from a prompt: tokens drawn one after another, and forecasts fed on themselves."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor

from seqsum.models.base import SequenceModel

PATHS = 200
"""Futures that are drawn of a window: its 10% quantile is then off by 2% of them, one standard deviation."""


class Said(NamedTuple):
    """What a model says to an input.

    answer: a class; or tags or tokens (the end included) [n]; or values [n]
    probabilities: of each class, where one is asked; else of what was said at each step; of values none
    ends: of an interval around each value, [n][2]; None without one
    """

    answer: Any
    probabilities: list[float]
    ends: list[list[float]] | None = None


def said(
    model: SequenceModel,
    answer: str,
    row: Tensor,
    length: int | None = None,
    *,
    end: int = 0,
    longest: int = 0,
    beside: Tensor | None = None,
    quantiles: bool = False,
    interval: float | None = None,
    temperature: float | None = None,
    top_k: int | None = None,
    seed: int = 0,
) -> Said:
    """Ask one input, row [1, length(, features)]. answer: of which kind, as the task has it.

    length: how many steps to go on for, where an answer is a continuation; end, longest: of a written answer, its last
    token and most tokens; quantiles: whether two ends stand beside a value; interval: how much of what comes is between
    them; beside: see `forecast`; temperature, top_k, seed: see `continued`
    """
    lengths = torch.tensor([row.shape[1]])
    if answer == "values" and length is not None:
        ends = None if interval is None else interval_forecast(model, row, length, interval, beside)[0].tolist()
        return Said(forecast(model, row, length, beside=beside)[0].tolist(), [], ends)
    if answer == "values":
        values = model(row, lengths)[0].float()
        if not quantiles:
            return Said(values.tolist(), [])
        return Said(values[:1].tolist(), [], [values[1:].sort().values.tolist()])
    if answer == "sequence":
        tokens = written(model.decode(row, lengths, longest)[0].tolist(), end)
        chances = model(row, lengths, torch.tensor([tokens]))[0].double().softmax(dim=-1)
        return Said(tokens, chances[torch.arange(len(tokens)), tokens].tolist())
    if length is not None:
        return Said(*continued(model, row, length, temperature, seed, top_k))
    chances = model(row, lengths)[0].double().softmax(dim=-1)
    shares = chances if answer == "class" else chances.max(dim=-1).values
    return Said(chances.argmax(dim=-1).tolist(), shares.tolist())


def written(tokens: list[int], end: int) -> list[int]:
    """Return tokens up to the first end token, that one included."""
    return tokens[: tokens.index(end) + 1] if end in tokens else tokens


def continued(
    model: SequenceModel, prompt: Tensor, length: int, temperature: float | None, seed: int, top_k: int | None = None
) -> tuple[list[int], list[float]]:
    """Go on from a prompt [1, tokens] for `length` tokens; return them, and each one's probability.

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
    return tokens, chances


def forecast(
    model: SequenceModel,
    windows: Tensor,
    steps: int,
    check: Callable[[], None] | None = None,
    beside: Tensor | None = None,
) -> Tensor:
    """Forecast `steps` values ahead of each window [rows, length, features], each value fed back as the newest one.

    Returns float32 [rows, steps]. check: called after each step; what it raises ends the forecast
    beside: [rows, steps − 1, features − 1], what stands beside each value that is fed back; None where it stands alone
    """
    values: list[Tensor] = []

    def take(value: Tensor) -> Tensor:
        values.append(value[:, 0])
        return values[-1]

    _fed(model, windows, steps, take, check, beside)
    return torch.stack(values, dim=1).float().cpu()


def interval_forecast(
    model: SequenceModel, windows: Tensor, steps: int, share: float, beside: Tensor | None = None, seed: int = 0
) -> Tensor:
    """Return the two ends of the interval that is to hold `share` of what comes: float32 [rows, steps, 2].

    The model gives the median and the ends of one step. Further ahead many futures of each window are drawn, each value
    fed back as `forecast` does; the ends are their quantiles. Between and beyond the model's three quantiles a value is
    drawn as from two halves of normal distributions, which have them.
    """
    generator = torch.Generator().manual_seed(seed)
    within = torch.special.ndtri(torch.tensor(0.5 + share / 2, dtype=torch.float64)).item()
    paths = windows.repeat_interleave(PATHS, dim=0)
    every = None if beside is None else beside.repeat_interleave(PATHS, dim=0)
    levels = torch.tensor([0.5 - share / 2, 0.5 + share / 2], dtype=torch.float64)
    ends: list[Tensor] = []

    def draw(value: Tensor) -> Tensor:
        low, high = value[:, 1:].min(dim=1).values, value[:, 1:].max(dim=1).values
        middle = value[:, 0].clamp(low, high)
        normal = torch.randn(len(value), generator=generator, dtype=torch.float64).to(value)
        drawn: Tensor = middle + normal * torch.where(normal < 0, middle - low, high - middle) / within
        if not ends:
            ends.append(torch.stack([low, high], dim=1)[::PATHS].double())
        else:
            ends.append(torch.quantile(drawn.double().view(-1, PATHS), levels.to(drawn.device), dim=1).T)
        return drawn

    _fed(model, paths, steps, draw, None, every)
    return torch.stack(ends, dim=1).float().cpu()


def _fed(
    model: SequenceModel,
    windows: Tensor,
    steps: int,
    take: Callable[[Tensor], Tensor],
    check: Callable[[], None] | None,
    beside: Tensor | None,
) -> None:
    """Answer windows step by step. take: is given what the model says, [rows, values], and returns the newest value
    [rows], which is fed back."""
    lengths = torch.full((windows.shape[0],), windows.shape[1])
    for step in range(steps):
        newest = take(model(windows, lengths)).unsqueeze(1)
        if step + 1 < steps:
            newest = newest if beside is None else torch.cat([newest, beside[:, step]], dim=1)
            windows = torch.cat([windows[:, 1:], newest.unsqueeze(1)], dim=1)
        if check is not None:
            check()

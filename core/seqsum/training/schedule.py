"""The learning rate as a function of the step. No torch: the console draws it too."""

from __future__ import annotations

import math
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from seqsum.config import Config

Part = TypeVar("Part", float, NDArray[np.float64])


def learning_rate(config: Config, step: int, plateau_scale: float = 1.0) -> float:
    """Return the learning rate of the update that follows `step` finished ones.

    Document 1: a linear warm-up from warmup_start × lr over warmup_steps, then a cosine to min_lr. With cosine_period
    "total_steps" the cosine's half wave lasts train.steps and begins after the warm-up, as PyTorch's LinearLR and
    CosineAnnealingLR(T_max=steps) behind a SequentialLR do; with "after_warmup" it ends at min_lr exactly at the end.
    The other curves begin after the warm-up and fill what is left; one_cycle has a rise of its own, and no other.
    `plateau_scale`: what is left of the peak after the plateaus that were met.
    """
    peak, schedule = config.optim.lr, config.schedule
    floor = min(schedule.min_lr, peak)
    if schedule.name == "one_cycle":
        # Smith & Topin 2018, in cosine form, as PyTorch's OneCycleLR(total_steps=train.steps) has it: the first update
        # at warmup_start × lr, the last one at min_lr.
        summit = schedule.rise * config.train.steps - 1
        if step < summit:
            return float(_half_wave(peak * schedule.warmup_start, peak, step / summit))
        return float(_half_wave(peak, floor, (step - summit) / (config.train.steps - 1 - summit)))
    if step < schedule.warmup_steps:
        return peak * (schedule.warmup_start + (1 - schedule.warmup_start) * step / schedule.warmup_steps)
    since = step - schedule.warmup_steps
    left = max(1, config.train.steps - schedule.warmup_steps)
    if schedule.name == "constant":
        return peak
    if schedule.name == "cosine":
        period = left if schedule.cosine_period == "after_warmup" else config.train.steps
        return float(_half_wave(peak, floor, since / period))
    if schedule.name == "linear":
        return peak + (floor - peak) * min(1.0, since / left)
    if schedule.name == "step":
        return max(floor, peak * schedule.factor ** (since // schedule.step_size))
    return max(floor, peak * plateau_scale)


def learning_rates(config: Config, step: int, steps: int, plateau_scale: float = 1.0) -> list[float]:
    """Return the learning rates of `steps` updates from `step` on, the same numbers as `learning_rate` gives."""
    schedule = config.schedule
    if schedule.name == "cosine" and step >= schedule.warmup_steps and steps > 1:
        # The commonest curve at once: one by one they would cost as much as a small model's step.
        period = max(1, config.train.steps - schedule.warmup_steps)
        period = period if schedule.cosine_period == "after_warmup" else config.train.steps
        since = np.arange(step - schedule.warmup_steps, step - schedule.warmup_steps + steps)
        peak = config.optim.lr
        rates: list[float] = _half_wave(peak, min(schedule.min_lr, peak), since / period).tolist()
        return rates
    return [learning_rate(config, at, plateau_scale) for at in range(step, step + steps)]


def _half_wave(start: float, end: float, done: Part) -> Part:
    """From start to end along half a cosine; `done` is the share of the way, and stays at the end beyond 1."""
    # NumPy's cosine for one number, too: math.cos may end in another bit, and a run would depend on its chunks.
    part: Part = end + (start - end) * 0.5 * (1 + np.cos(math.pi * np.minimum(1.0, done)))
    return part

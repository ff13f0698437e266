"""What a metric's name tells: which way it is better, and whether it is a share of a whole."""

from __future__ import annotations

import math
import re
from typing import Literal

from seqsum.formatting import in_percent

Direction = Literal["higher", "lower"]

HIGHER = frozenset({"accuracy", "acc", "auc", "bleu", "f1", "precision", "r2", "recall", "return", "reward", "score"})
LOWER = frozenset(
    {"bits", "brier", "cer", "deviation", "distance", "entropy", "error", "loss", "mae", "mape", "mse", "nll"}
    | {"perplexity", "regret", "rmse", "smape", "wer"}
)
SPEEDS = frozenset({"steps_per_second"})
SHARES = frozenset({"accuracy", "acc", "auc", "f1", "precision", "recall", "share"})
SIGNED = frozenset({"loss", "nll", "entropy", "regret"})
"""Lower is better, and below 0 is possible: of a density, say."""


def direction_of(metric: str) -> Direction | None:
    """Return which way `metric` is better, or None where neither is: a learning rate, a norm, an unknown name."""
    if metric in SPEEDS:
        return "higher"
    words = _words(metric)
    if words & HIGHER:
        return "higher"
    return "lower" if words & LOWER else None


def points_per_unit(metric: str) -> float | None:
    """Return how many percentage points one unit of a share is (100 of an accuracy, 1 of what is counted in percent
    already), or None for a metric that is no share: its differences are told in percent of a value."""
    return 1.0 if in_percent(metric) else 100.0 if _words(metric) & SHARES else None


def bounds_of(metric: str) -> tuple[float, float]:
    """Return between which values a metric of this name lies, both included; infinite where its name tells none."""
    words = _words(metric)
    if in_percent(metric) and words & HIGHER:
        return 0.0, 100.0
    if words & SHARES:
        return 0.0, 1.0
    if "perplexity" in words:
        return 1.0, math.inf
    return (0.0, math.inf) if words & LOWER and not words & SIGNED else (-math.inf, math.inf)


def _words(metric: str) -> set[str]:
    return set(re.split(r"[^a-z0-9]+", metric.lower()))

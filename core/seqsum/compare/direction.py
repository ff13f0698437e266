"""Which way a metric is better, judged by its name."""

from __future__ import annotations

import re
from typing import Literal

Direction = Literal["higher", "lower"]

HIGHER = frozenset({"accuracy", "acc", "auc", "bleu", "f1", "precision", "r2", "recall", "return", "reward", "score"})
LOWER = frozenset(
    {"bits", "brier", "cer", "deviation", "distance", "entropy", "error", "loss", "mae", "mape", "mse", "nll"}
    | {"perplexity", "regret", "rmse", "smape", "wer"}
)
SPEEDS = frozenset({"steps_per_second"})


def direction_of(metric: str) -> Direction | None:
    """Return which way `metric` is better, or None where neither is: a learning rate, a norm, an unknown name."""
    if metric in SPEEDS:
        return "higher"
    words = set(re.split(r"[^a-z0-9]+", metric.lower()))
    if words & HIGHER:
        return "higher"
    return "lower" if words & LOWER else None

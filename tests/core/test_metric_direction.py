"""What a metric's name tells of it."""

from __future__ import annotations

import math

import pytest

from seqsum.runs.metric_direction import bounds_of

INFINITE = math.inf


@pytest.mark.parametrize(
    ("metric", "bounds"),
    [
        ("accuracy", (0, 1)), ("train_accuracy", (0, 1)), ("f1", (0, 1)), ("recall_yes", (0, 1)),
        ("coverage_share", (0, 1)), ("accuracy_percent", (0, 100)), ("val_acc (%)", (0, 100)),
        ("perplexity", (1, INFINITE)), ("mae", (0, INFINITE)), ("bits_per_character", (0, INFINITE)),
        ("edit_distance", (0, INFINITE)),
        ("eval_loss", (-INFINITE, INFINITE)), ("nll", (-INFINITE, INFINITE)), ("r2", (-INFINITE, INFINITE)),
        ("reward", (-INFINITE, INFINITE)), ("cpu_percent", (-INFINITE, INFINITE)),
    ],
)  # fmt: skip
def test_between_which_values_it_lies(metric: str, bounds: tuple[float, float]) -> None:
    assert bounds_of(metric) == bounds

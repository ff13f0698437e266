"""Short ones first: the longest training sequence rises with the steps."""

from __future__ import annotations

from typing import Any

import numpy as np

from seqsum.schema import setting
from seqsum.tasks.base import Ints


def curriculum_setting() -> Any:
    """The field of a task whose lengths run from min_length to max_length."""
    return setting(
        0, "short ones first: over so many steps the longest training sequence rises from min_length to max_length; 0 "
        "for all lengths from the start", ge=0, le=1_000_000_000, unit="steps",
    )  # fmt: skip


def longest_by_step(low: int, high: int, rising: int, first_step: int, steps: int) -> Ints:
    """Return how long a sequence may be in each step, int64 [steps]: from low to high over `rising` steps."""
    if not rising:
        return np.full(steps, high)
    return np.minimum(low + (high - low) * np.arange(first_step, first_step + steps) // rising, high)

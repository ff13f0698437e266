"""A line of values in one row of text, for tables."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from seqsum.plotting.y_range import without_outliers
from seqsum_tui.charts.palette import OVER, UNDER
from seqsum_tui.charts.series import Floats

_BLOCKS = "▁▂▃▄▅▆▇█"
_LEAST = 0.5
"""A line spans at least this share of its size: what changes by a hundredth looks like that."""
_FLATTENED = 1000.0
"""A mean so many times as far away as all others together has an arrow instead."""


def sparkline(values: ArrayLike, width: int, ends: tuple[float, float] | None = None) -> str:
    """Return `values` as a string of exactly `width` cells.

    More values than cells are averaged, fewer leave the right side empty. A cell with no finite value in it is `↑`, `↓`
    or `×`, a mean far beyond all others `⇑` or `⇓`; the lowest of the others is near `▁` and the highest near `█`,
    when they differ by half of their size or more. Equal values are `▄`.

    Args:
        values: numbers, oldest first; may hold NaN and infinities.
        width: cells; 0 or less gives an empty string.
        ends: what stands for `▁` and `█`, for values that have a range of their own, such as shares.
    """
    if width <= 0:
        return ""
    array = np.asarray(values, dtype=np.float64).reshape(-1)
    if not array.size:
        return " " * width
    finite = np.isfinite(array)
    cells = min(width, array.size)
    starts = np.arange(cells) * array.size // cells
    counts = np.add.reduceat(finite.astype(np.int64), starts)
    scale = float(np.abs(array[finite]).max()) if finite.any() else 1.0
    scale = scale or 1.0
    sums = np.add.reduceat(np.where(finite, array, 0.0) / scale, starts)
    shown = counts > 0
    means = sums[shown] / counts[shown]
    text = np.full(cells, "×")
    text[np.logical_or.reduceat(array == -np.inf, starts)] = "↓"
    text[np.logical_or.reduceat(array == np.inf, starts)] = "↑"
    if means.size:
        low, high = (ends[0] / scale, ends[1] / scale) if ends is not None else _ends(means)
        levels = np.rint(np.clip((means - low) / (high - low), 0.0, 1.0) * (len(_BLOCKS) - 1)).astype(int)
        blocks = np.array(list(_BLOCKS))[levels]
        if ends is None:
            blocks = np.where(means > high + 1e-9, OVER, np.where(means < low - 1e-9, UNDER, blocks))
        text[shown] = blocks
    return "".join(text) + " " * (width - cells)


def _ends(means: Floats) -> tuple[float, float]:
    low, high = without_outliers([(means, means)], flattened=_FLATTENED) or (float(means.min()), float(means.max()))
    missing = _LEAST * max(abs(low), abs(high)) - (high - low)
    if missing > 0 or high == low:
        half = max(missing / 2, 1e-12)
        # A hair lower: equal values are the fourth block of eight, not the fifth.
        low, high = low - half * 0.999, high + half
    return low, high

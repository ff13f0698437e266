"""A line of values in one row of text, for tables."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

_BLOCKS = "▁▂▃▄▅▆▇█"


def sparkline(values: ArrayLike, width: int) -> str:
    """Return `values` as a string of exactly `width` cells.

    More values than cells are averaged, fewer leave the right side empty. The lowest mean is `▁` and the highest
    `█`; equal values are `▄`. A cell with no finite value in it is `×`.

    Args:
        values: numbers, oldest first; may hold NaN and infinities.
        width: cells; 0 or less gives an empty string.
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
    sums = np.add.reduceat(np.where(finite, array, 0.0) / (scale or 1.0), starts)
    shown = counts > 0
    means = sums[shown] / counts[shown]
    text = np.full(cells, "×")
    if means.size:
        low, high = means.min(), means.max()
        if high - low > 1e-12:
            levels = np.rint((means - low) / (high - low) * (len(_BLOCKS) - 1)).astype(int)
        else:
            levels = np.full(means.size, 3)
        text[shown] = np.array(list(_BLOCKS))[levels]
    return "".join(text) + " " * (width - cells)

"""Pictures that are lines of text: how numbers are spread, and an image in shades."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from seqsum.formatting import count, number
from seqsum.runs.media import buckets, moments

BINS = 24
BARS = " ▁▂▃▄▅▆▇█"
SHADES = " ░▒▓█"
WIDEST = 64
"""Characters that an image is wide, at most; each is about twice as high as wide."""


def spread(values: NDArray[np.float64]) -> str:
    """Return how numbers of any shape are spread: `-0.31 ▁▂▅█▃▁ 0.4  1,000 numbers, mean 0.01`; one of them is finite
    at least, and others don't count."""
    finite = values[np.isfinite(values)]
    counts, low, high = buckets(finite, BINS)
    heights = np.ceil(counts / counts.max() * (len(BARS) - 1)).astype(int)
    bars = "".join(BARS[height] for height in heights)
    ends, mean = (number(low), number(high)), number(moments(finite)[0])
    return f"{ends[0]} {bars} {ends[1]}  {count(finite.size, 'number')}, mean {mean}"


def shades(pixels: NDArray[np.float64]) -> list[str]:
    """Return an image, float64 [height, width], as lines: what is lowest is empty, what is highest full."""
    height, width = pixels.shape
    columns = min(width, WIDEST)
    rows = max(1, round(height * columns / width / 2))
    xs = np.minimum((np.arange(columns) + 0.5) * width / columns, width - 1).astype(int)
    ys = np.minimum((np.arange(rows) + 0.5) * height / rows, height - 1).astype(int)
    finite = np.nan_to_num(pixels, posinf=0.0, neginf=0.0)
    low, high = float(finite.min()), float(finite.max())
    levels = (finite[np.ix_(ys, xs)] - low) / (high - low if high > low else 1.0)
    places = np.minimum(levels * len(SHADES), len(SHADES) - 1).astype(int)
    return ["".join(SHADES[place] for place in row) for row in places]

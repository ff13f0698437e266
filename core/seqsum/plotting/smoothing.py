"""Exponential moving average by distance in steps: the same points look the same in a longer run and under zoom."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from seqsum.runs.buckets import Buckets, Floats

_NEGLIGIBLE = 40.0
"""exp(-40) is below the last bit of a float64."""
LEAD = 12.0
"""So many time constants before a stretch still tell in it, by less than 1e-5."""


def lead(over: float) -> int:
    """Return how many steps before a stretch a moving average over `over` steps needs to know."""
    return math.ceil(LEAD * over)


def smooth(steps: Floats, values: Floats, over: float) -> Floats:
    """Return the moving average of points: s(t) = Σ w·y / Σ w over all points up to t, w = exp(-(t - step) / over).

    On evenly spaced points that is the debiased average of TensorBoard with weight exp(-distance / over). A value that
    is not finite stays as it is and does not enter the average.

    Args:
        steps: float64[n], ascending.
        values: float64[n].
        over: the time constant in steps; 0 changes nothing.

    Raises:
        ValueError: over is negative or no number.
    """
    finite = np.isfinite(values)
    return np.where(finite, _smoothed(steps, steps, values, finite.astype(np.float64), over), values)


def smooth_buckets(buckets: Buckets, over: float) -> Floats:
    """Return the moving average in the middle of each bucket: what `smooth` has there on the points themselves, spread
    evenly over the bucket. Where a bucket has no finite value it is what `Buckets.values` is."""
    values = buckets.values
    averages = _smoothed(buckets.first, buckets.last, values, buckets.finite, over)
    return np.where(buckets.finite > 0, averages, values)


def _smoothed(first: Floats, last: Floats, values: Floats, counts: Floats, over: float) -> Floats:
    if not over >= 0 or np.isinf(over):
        raise ValueError(f"smoothing must be a number of steps, 0 or more, not {over}")
    kept = counts > 0
    if over == 0 or not kept.any():
        return values
    n, width, end, mean = counts[kept], (last - first)[kept] / over, last[kept] / over, values[kept]
    # Scaled so that sums of values near the largest float do not overflow.
    scale = 1e-10 if np.abs(mean).max() > 1e290 else 1.0
    mean = mean * scale
    distance = width / np.maximum(n - 1, 1)
    whole = _geometric(n, distance)
    # On average half of a bucket's own points lie before one of them, which counts itself.
    half = _geometric((n + 1) / 2, distance)
    from_last = np.diff(end, prepend=end[0])
    to_middle = np.exp(-np.maximum(from_last - width / 2, 0.0))
    to_middle[0] = 0.0
    sums = _decayed_sums(end, whole * mean), _decayed_sums(end, whole)
    above, below = (np.concatenate(([0.0], total[:-1])) * to_middle for total in sums)
    result = values.copy()
    result[kept] = (above + half * mean) / (below + half) / scale
    return result


def _geometric(n: Floats, distance: Floats) -> Floats:
    """Return Σ exp(-distance · j) over j = 0 … n - 1, for whole or broken n."""
    if not distance.any():
        return n
    apart = distance > 1e-12
    safe = np.where(apart, distance, 1.0)
    return np.where(apart, np.expm1(-n * safe) / np.expm1(-safe), n)


def _decayed_sums(places: Floats, values: Floats) -> Floats:
    """Return s[t] = Σ values[i] · exp(-(places[t] - places[i])) over i ≤ t, without a Python loop over t.

    After each pass s[t] holds the sum over twice as many values as before; it ends where older values no longer count.
    """
    sums, reach = values.copy(), 1
    distances = np.diff(places)
    # Evenly spaced, as most are, one factor does for all.
    even = float(distances[0]) if distances.size and np.ptp(distances) <= 1e-9 * distances[0] else None
    while reach < sums.size:
        apart = places[reach:] - places[:-reach] if even is None else even * reach
        if np.min(apart) > _NEGLIGIBLE:
            break
        sums[reach:] += np.exp(-apart) * sums[:-reach]
        reach *= 2
    return sums

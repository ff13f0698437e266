"""Exponential moving average of a metric, as TensorBoard draws it."""

from __future__ import annotations

import numpy as np

from .series import Floats

LEVELS = (0.0, 0.3, 0.6, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995)
"""The steps that the smoothing keys go through."""

_NEGLIGIBLE = 40.0
"""exp(-40) is below the last bit of a float64."""


def _decayed_sums(values: Floats, weight: float) -> Floats:
    """Return s[t] = weight * s[t-1] + values[t], with s[-1] = 0, without a Python loop over t.

    After each pass s[t] holds the sum over twice as many values as before; it ends where older values no longer count.
    """
    sums, reach = values.copy(), 1
    while reach < sums.size and reach * -np.log(weight) < _NEGLIGIBLE:
        sums[reach:] += weight**reach * sums[:-reach]
        reach *= 2
    return sums


def smooth(values: Floats, weight: float) -> Floats:
    """Return the debiased exponential moving average of `values`.

    TensorBoard's method: s[t] = weight * s[t-1] + (1 - weight) * y[t] from s = 0, divided by 1 - weight**t so that the
    first values are not pulled to zero. A value that is not finite stays as it is and does not enter the average.

    Args:
        values: float64[n].
        weight: in [0, 1); 0 changes nothing.

    Returns:
        float64[n].

    Raises:
        ValueError: weight is outside [0, 1).
    """
    if not 0.0 <= weight < 1.0:
        raise ValueError(f"smoothing must be at least 0 and below 1, not {weight}")
    if weight == 0.0 or values.size == 0:
        return values
    finite = np.isfinite(values)
    kept = values if finite.all() else values[finite]
    if not kept.size:
        return values
    # Scaled so that sums of values near the largest float do not overflow.
    scale = 1e-10 if max(kept.max(), -kept.min()) > 1e300 else 1.0
    averages = _decayed_sums(kept * scale if scale != 1.0 else kept, weight)
    averages *= (1.0 - weight) / scale
    # Further on the divisor is 1 to the last bit.
    count = min(kept.size, int(-_NEGLIGIBLE / np.log(weight)) + 1)
    averages[:count] /= -np.expm1(np.arange(1, count + 1) * np.log(weight))
    if kept.size == values.size:
        return averages
    result = values.copy()
    result[finite] = averages
    return result

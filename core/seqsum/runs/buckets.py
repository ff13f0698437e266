"""A metric over a range of steps, thinned to what a chart can show."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Buckets:
    """A metric over a range of steps, thinned to a few buckets; float64 [n] each.

    x: where it is drawn, the middle step. first, last: its first and last step.
    mean, low, high: of its `finite` values (NaN where it has none). positive_mean, positive_low: of the `positive`
    values among them, which a logarithmic axis can show.
    nonfinite: how many were NaN or infinite; above, below: how many of these were plus or minus infinity.
    Without thinning a bucket is one point, and low = mean = high.
    """

    x: Floats
    first: Floats
    last: Floats
    mean: Floats
    low: Floats
    high: Floats
    finite: Floats
    nonfinite: Floats
    above: Floats
    below: Floats
    positive: Floats
    positive_mean: Floats
    positive_low: Floats

    @classmethod
    def empty(cls) -> Buckets:
        return cls(*(np.zeros(0) for _ in fields(cls)))

    @classmethod
    def of_points(cls, steps: Floats, values: Floats) -> Buckets:
        """Return points as they are, a bucket each."""
        finite, positive = np.isfinite(values), np.isfinite(values) & (values > 0)
        value, above_zero = np.where(finite, values, np.nan), np.where(positive, values, np.nan)
        whole, broken, more = (flags.astype(np.float64) for flags in (finite, ~finite, positive))
        above, below = ((values == infinity).astype(np.float64) for infinity in (np.inf, -np.inf))
        ends = (steps, steps, steps)
        return cls(*ends, value, value, value, whole, broken, above, below, more, above_zero, above_zero)

    @classmethod
    def of_rollup(cls, table: Floats) -> Buckets:
        """Return what `rollup.read` found."""
        first, last, low, high, total, finite, nonfinite, above, below, positive, positive_low, positive_total = table.T
        mean, positive_mean = _mean(total, finite, low, high), _mean(positive_total, positive, positive_low, high)
        middle = (first + last) / 2
        counts = (finite, nonfinite, above, below, positive)
        return cls(middle, first, last, mean, low, high, *counts, positive_mean, positive_low)

    @classmethod
    def joined(cls, parts: Sequence[Buckets]) -> Buckets:
        """Return several, one after the other."""
        if not parts:
            return cls.empty()
        return cls(*(np.concatenate([getattr(part, one.name) for part in parts]) for one in fields(cls)))

    def where(self, kept: NDArray[np.bool_] | NDArray[np.intp]) -> Buckets:
        """Return those that `kept` marks, or those at these places."""
        return Buckets(*(getattr(self, one.name)[kept] for one in fields(self)))

    @property
    def values(self) -> Floats:
        """What a line shows: the mean of the finite values; where there is none, what there is instead.

        Of several kinds plus infinity, then minus infinity: NaN is what usually follows from them.
        """
        broken = np.where(self.above > 0, np.inf, np.where(self.below > 0, -np.inf, np.nan))
        return np.where(self.finite > 0, self.mean, broken)

    def on_axis(self, log: bool) -> tuple[Floats, Floats, Floats]:
        """Return the line, the low and the high that an axis shows: on a logarithmic one those of what is above zero,
        where there is any; else the line is minus infinity, or what is not finite."""
        if not log:
            return self.values, self.low, self.high
        positive = self.positive > 0
        line = np.where(positive, self.positive_mean, np.where(self.finite > 0, -np.inf, self.values))
        return line, self.positive_low, np.where(positive, self.high, np.nan)

    @property
    def nan(self) -> Floats:
        """How many values were NaN."""
        return self.nonfinite - self.above - self.below


def _mean(total: Floats, count: Floats, low: Floats, high: Floats) -> Floats:
    mean = np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0)
    # A sum of values near the largest float has overflowed.
    return np.where((count > 0) & ~np.isfinite(mean), low / 2 + high / 2, mean)

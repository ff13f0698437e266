"""A group of runs as one curve: median and quartiles on common steps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from seqsum.runs.store import Floats

MOST_PLACES = 2000
QUARTILES = (0.25, 0.5, 0.75)


@dataclass(frozen=True, eq=False)
class Spread:
    """float64[n] each: x ascending, the quartiles there, and of how many curves.

    NaN where no curve has a value.
    """

    x: Floats = field(repr=False)
    low: Floats = field(repr=False)
    median: Floats = field(repr=False)
    high: Floats = field(repr=False)
    count: NDArray[np.int64] = field(repr=False)


def resampled(x: Floats, y: Floats, places: Floats) -> Floats:
    """Return the curve (x ascending, y) at `places`, straight between its points; NaN beyond its ends and in gaps."""
    if not x.size:
        return np.full(places.shape, np.nan)
    right = np.clip(np.searchsorted(x, places, side="left"), 0, x.size - 1)
    left = np.maximum(right - 1, 0)
    with np.errstate(invalid="ignore", divide="ignore"):
        values: Floats = y[left] + (places - x[left]) / (x[right] - x[left]) * (y[right] - y[left])
    exact = x[right] == places
    values[exact] = y[right][exact]
    values[(places < x[0]) | (places > x[-1])] = np.nan
    values[~np.isfinite(values)] = np.nan
    return values


def quantiles(values: Floats, shares: Sequence[float]) -> Floats:
    """Return float64[len(shares), n]: quantiles down the columns of float64[m, n], NaN left out.

    The linear method, numpy's default; numpy's own nanquantile takes a Python call for each column.
    """
    ordered = np.sort(values, axis=0)
    counts = np.count_nonzero(~np.isnan(values), axis=0)
    rows = []
    for share in shares:
        place = np.maximum(counts - 1, 0) * share
        low = np.floor(place).astype(np.int64)
        high = np.minimum(low + 1, np.maximum(counts - 1, 0))
        below, above = (np.take_along_axis(ordered, at[None, :], axis=0)[0] for at in (low, high))
        rows.append(below + (place - low) * (above - below))
    return np.stack(rows)


def spread(curves: Sequence[tuple[Floats, Floats]], most: int = MOST_PLACES) -> Spread:
    """Return the quartiles of several (x, y) curves at every x of any of them, or at `most` places in equal distances.

    A curve counts where it has values: after the end of a shorter one the others go on.
    """
    places = np.unique(np.concatenate([x for x, _ in curves])) if curves else np.zeros(0)
    if not places.size:
        empty = np.zeros(0)
        return Spread(empty, empty, empty, empty, np.zeros(0, dtype=np.int64))
    if places.size > most:
        places = np.linspace(places[0], places[-1], most)
    values = np.stack([resampled(x, y, places) for x, y in curves])
    low, median, high = quantiles(values, QUARTILES)
    return Spread(places, low, median, high, np.count_nonzero(~np.isnan(values), axis=0))


def quartiles(values: Sequence[float | None]) -> tuple[float, float, float] | None:
    """Return (lower quartile, median, upper quartile) of what is a number, or None."""
    kept = np.array([value for value in values if value is not None and np.isfinite(value)], dtype=np.float64)
    if not kept.size:
        return None
    low, median, high = quantiles(kept[:, None], QUARTILES)[:, 0].tolist()
    return low, median, high

"""Whether a part of one series stands in another."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

COPIED = 25
"""Values in a row that make a copy, at least, where a test has as many."""
LOOKED_INTO = 8
"""Runs that may be copies and are looked into, the longest."""


def copied_run(series: NDArray[np.float64], test: NDArray[np.float64], window: int) -> tuple[int, int] | None:
    """Return the place and length of a run of a test's values that is a copy of a part of the series, the longest; None
    where there is none.

    The first window of a test is never asked for, so it may be the end of the series; a copy has a whole window and a
    value behind it, and at least COPIED values, or all of a shorter test. It stands at one place of the series alone,
    and no part of it that is longer than a third of it comes again there: a series that repeats itself, as constant,
    periodic and coarsely rounded ones do, goes on with what it had before, and nothing says that it was copied.
    """
    length, there = max(window + 1, min(COPIED, len(test))), len(series)
    if length > min(there, len(test)):
        return None
    kinds = np.unique(np.concatenate([series, test]), return_inverse=True)[1].reshape(-1)
    runs = _alike(kinds, length)
    own = runs[: there - length + 1]
    once, places, counts = np.unique(own, return_index=True, return_counts=True)
    once, places = once[counts == 1], places[counts == 1]
    found: list[tuple[int, int, int]] = []
    seen = 0
    for at in np.flatnonzero(np.isin(runs[there:], once)).tolist():
        if at >= seen:  # else it ends where the run does in which it begins
            begin = int(places[np.searchsorted(once, runs[there + at])])
            most = min(there - begin, len(test) - at)
            same = kinds[begin : begin + most] == kinds[there + at : there + at + most]
            many = most if same.all() else int(np.argmin(same))
            found.append((many, at, begin))
            seen = at + many - length + 1
    for many, at, begin in sorted(found, reverse=True)[:LOOKED_INTO]:
        part = many // 3 + 1
        parts = _alike(kinds[:there], part)
        if (np.bincount(parts)[parts[begin : begin + many - part + 1]] == 1).all():
            return at, many
    return None


def _alike(values: NDArray[np.int64], length: int) -> NDArray[np.int64]:
    """Return a number for each run of a length, by the place where it begins, that is the same for runs that are alike:
    int64 [n − length + 1]."""
    runs, size = values, 1
    while size < length:  # a run is alike where two shorter ones are, which may overlap
        step = min(size, length - size)
        pairs = runs[:-step] * (int(runs.max()) + 1) + runs[step:]
        runs, size = np.unique(pairs, return_inverse=True)[1].reshape(-1), size + step
    return runs

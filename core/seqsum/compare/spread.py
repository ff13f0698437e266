"""A group of runs as one: its median and quartiles, at the end and step by step, in which every run counts.

A run whose last value is not finite, that failed or died, or has no value, ranks as worst: below all others where
higher is better, else above them. Runs that still train do not count until they end; while none has ended, those that
have a value count as they stand. What can't be read does not count: nobody knows how it ended.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from seqsum.runs.buckets import Floats
from seqsum.runs.metric_direction import Direction
from seqsum.runs.run import LIVE_STATUSES
from seqsum.runs.store import UNREADABLE

MOST_PLACES = 2000
QUARTILES = (0.25, 0.5, 0.75)
BROKEN_STATUSES = ("failed", "died")


@dataclass(frozen=True)
class Standing:
    """What the runs of a group come to in one metric.

    lowest, low, median, high, highest: the ends and the quartiles (linear method) of the runs that count, by size; NaN
        where a run without a value stands, which ranks as worst. Without a better direction it is left out.
    valued: how many of the runs that count have a value. total: how many runs there are. waiting: how many still train
        and don't count yet.
    """

    lowest: float
    low: float
    median: float
    high: float
    highest: float
    valued: int
    total: int
    waiting: int = 0

    @property
    def quartiles(self) -> tuple[float, float, float]:
        return self.low, self.median, self.high

    @property
    def share(self) -> str:
        """Which of the runs the numbers tell of: `1 of 5`, `3 of 5 so far`; nothing where it is all."""
        return share_text(self.valued, self.total, self.waiting)


def share_text(valued: int, total: int, waiting: int = 0) -> str:
    """Return `1 of 5` for one run with a value out of five, `3 of 5 so far` while some still train, or nothing."""
    if valued == total:
        return ""
    return f"{valued} of {total}" + (" so far" if waiting else "")


def worst(direction: Direction | None) -> float:
    """Return what stands for a run without a value: an infinity, or NaN where neither way is better."""
    return math.nan if direction is None else -math.inf if direction == "higher" else math.inf


def is_broken(status: str, final: float | None) -> bool:
    """Whether a run of this status and last value ranks as worst."""
    return status in BROKEN_STATUSES or final is None or not math.isfinite(final)


def as_ranked(status: str, final: float | None, direction: Direction | None) -> float:
    """Return what a run of this status and last value counts as in a ranking: the value, or the worst there is."""
    return worst(direction) if final is None or is_broken(status, final) else final


def counting(runs: Sequence[tuple[str, bool]]) -> list[bool]:
    """Tell which runs of a group count, given each one's status and whether it has any value: those that have ended and
    can be read; while none has, those with a value."""
    ended = [status not in LIVE_STATUSES and status != UNREADABLE for status, _ in runs]
    return ended if any(ended) else [valued for _, valued in runs]


def standing_of(
    runs: Sequence[tuple[str, float | None]], direction: Direction | None, values: Sequence[float | None] | None = None
) -> Standing | None:
    """Return what a group's runs come to, given each one's status and last value (None without one).

    values: what is ranked instead of the last values, e.g. best ones; a run that broke has none of these either.
    None when no run has any value, or none counts.
    """
    if all(final is None for _, final in runs):
        return None
    counts = counting([(status, value is not None) for status, value in runs])
    ranked, valued = [], 0
    for (status, final), value, counted in zip(runs, values or [final for _, final in runs], counts, strict=True):
        if not counted:
            continue
        if is_broken(status, final) or value is None or not math.isfinite(value):
            ranked.append(worst(direction))
        else:
            ranked.append(value)
            valued += 1
    ranked = sorted(value for value in ranked if not math.isnan(value))
    if not ranked:
        return None
    low, median, high = (_number(quantile(ranked, share)) for share in QUARTILES)
    waiting = sum(status in LIVE_STATUSES and not counted for (status, _), counted in zip(runs, counts, strict=True))
    return Standing(_number(ranked[0]), low, median, high, _number(ranked[-1]), valued, len(runs), waiting)


def _number(value: float) -> float:
    return value if math.isfinite(value) else math.nan


def quantile(ordered: Sequence[float], share: float) -> float:
    """Return a quantile of ascending numbers by the linear method, numpy's default; infinities stand for themselves."""
    return float(quantiles(np.array(ordered)[:, None], (share,))[0, 0])


def quartiles(values: Sequence[float | None]) -> tuple[float, float, float] | None:
    """Return (lower quartile, median, upper quartile) of what is a number, or None."""
    kept = sorted(value for value in values if value is not None and math.isfinite(value))
    if not kept:
        return None
    low, median, high = (quantile(kept, share) for share in QUARTILES)
    return low, median, high


# Curves


@dataclass(frozen=True, eq=False)
class Member:
    """One run's curve in a group: y over x ascending, float64[n] each.

    final: the run's last value, which says whether it ranks as worst where it has no point any more.
    whole: whether the curve reaches to the run's last point; not when only a stretch of it was read.
    """

    x: Floats = field(repr=False)
    y: Floats = field(repr=False)
    status: str
    final: float | None
    whole: bool = True

    @property
    def ended(self) -> bool:
        """Whether nothing comes after the curve."""
        return self.whole and self.status not in LIVE_STATUSES

    @property
    def broken(self) -> bool:
        return is_broken(self.status, self.final)


@dataclass(frozen=True, eq=False)
class Spread:
    """float64[n] each: x ascending, and there the median and the quartiles of the runs that count.

    median: NaN where a run without a value stands. low, high: infinite there, for the edge of a chart.
    carried: how many runs ended before the last x, and count on with their last value.
    broken: how many of them rank as worst at the last x.
    """

    x: Floats = field(repr=False)
    low: Floats = field(repr=False)
    median: Floats = field(repr=False)
    high: Floats = field(repr=False)
    carried: int = 0
    broken: int = 0


def curve_notes(carried: int, broken: int) -> list[str]:
    """Return what a legend says of curves of groups, given how many of their runs are carried on and how many rank as
    worst."""
    notes = [f"{broken} without a value, ranked worst"] if broken else []
    return notes + ([f"{carried} ended earlier, last value carried on"] if carried else [])


def spread(
    members: Sequence[Member],
    direction: Direction | None,
    most: int = MOST_PLACES,
    shares: Sequence[float] = QUARTILES,
) -> Spread:
    """Return the quartiles of a group, or what other quantiles `shares` names, the median between them, at every x of
    any of its runs, or at `most` places in equal distances.

    They begin where all runs that count have begun, so that no run's beginning makes them jump. A run that ended keeps
    its last value to the end, one that broke ranks as worst from its last point on. Where one goes on beyond what is
    known of it, all end.
    """
    counts = counting([(member.status, member.final is not None) for member in members])
    known = [member.whole or bool(member.x.size) for member in members]
    chosen = [member for member, *counted in zip(members, counts, known, strict=True) if all(counted)]
    drawn = [member for member in chosen if member.x.size]
    places = _places(drawn, most)
    if not places.size:
        return Spread(np.zeros(0), np.zeros(0), np.zeros(0), np.zeros(0))
    values = np.stack([_everywhere(member, places, worst(direction)) for member in chosen])
    low, median, high = quantiles(values, shares)
    median[np.isinf(median)] = np.nan
    carried = sum(int(member.ended and not member.broken and member.x[-1] < places[-1]) for member in drawn)
    broken = int(np.count_nonzero(~np.isfinite(values[:, -1])))
    return Spread(places, low, median, high, carried, broken)


def _places(members: Sequence[Member], most: int) -> Floats:
    if not members:
        return np.zeros(0)
    begin = max(float(member.x[0]) for member in members)
    open_ends = [float(member.x[-1]) for member in members if not member.ended]
    end = min(open_ends) if open_ends else max(float(member.x[-1]) for member in members)
    places = np.unique(np.concatenate([member.x for member in members]))
    places = places[(places >= begin) & (places <= end)]
    return places if places.size <= most else np.linspace(places[0], places[-1], most)


def _everywhere(member: Member, places: Floats, worst: float) -> Floats:
    """A run's values at all places, the worst there is where it has none."""
    values = resampled(member.x, member.y, places)
    last = float(member.x[-1]) if member.x.size else -math.inf
    if member.broken:
        values[places >= last] = np.nan
    else:
        values[places > last] = member.y[-1] if member.x.size else member.final
    return np.where(np.isfinite(values), values, worst)


def resampled(x: Floats, y: Floats, places: Floats) -> Floats:
    """Return the curve (x ascending, y) at `places`, straight between its points; NaN beyond its ends and in gaps."""
    if not x.size:
        return np.full(places.shape, np.nan)
    values = np.interp(places, x, y, left=np.nan, right=np.nan)
    return np.where(np.isfinite(values), values, np.nan)


def quantiles(values: Floats, shares: Sequence[float]) -> Floats:
    """Return float64[len(shares), n]: quantiles down the columns of float64[m, n], NaN left out.

    The linear method, numpy's default; numpy's own nanquantile takes a Python call for each column. An infinity stands
    for itself: between a number and an infinity there is no middle.
    """
    ordered = np.sort(values, axis=0)
    counts = np.count_nonzero(~np.isnan(values), axis=0)
    rows = []
    for share in shares:
        place = np.maximum(counts - 1, 0) * share
        low = np.floor(place).astype(np.int64)
        high = np.minimum(low + 1, np.maximum(counts - 1, 0))
        below, above = (np.take_along_axis(ordered, at[None, :], axis=0)[0] for at in (low, high))
        with np.errstate(invalid="ignore"):
            found = below + (place - low) * (above - below)
        found = np.where(np.isinf(below), below, np.where(np.isinf(above) & (place > low), above, found))
        rows.append(np.where((place == low) | (below == above), below, found))
    return np.stack(rows)

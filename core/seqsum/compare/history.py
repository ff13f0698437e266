"""A run's points together with those of the runs it was forked from: one curve from step 0 on."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from seqsum.errors import UserError
from seqsum.runs import Buckets, Run, Store
from seqsum.runs.buckets import Floats
from seqsum.runs.metric_direction import Direction

MOST_ANCESTORS = 100
WIDEST = 2**62
LEAD_BUCKETS = 64


@dataclass(frozen=True)
class Part:
    """What one run contributes: its points with after < step ≤ before."""

    run: Run
    after: int
    before: int


def parts_of(run: Run) -> list[Part]:
    """Return the parts of a run's curve, oldest first; an ancestor that is gone is left out."""
    parts = [Part(run, -1, WIDEST)]
    while len(parts) <= MOST_ANCESTORS:
        parent = _parent(parts[0].run)
        if parent is None:
            break
        folder, step = parent
        if any(part.run.id == folder.name for part in parts):
            break
        child = parts[0]
        parts[0] = Part(child.run, step, child.before)
        parts.insert(0, Part(Run(folder), -1, min(step, child.before)))
    return parts


def _parent(run: Run) -> tuple[Path, int] | None:
    try:
        found: Any = run.record.parent
        return (run.folder.with_name(str(found["run"])), int(found["step"])) if found else None
    except (UserError, LookupError, TypeError, ValueError):
        return None


class History:
    """Reads the curve of a run with its ancestors; a context that closes their stores.

    Raises UserError when the run's own store can't be read.
    """

    def __init__(self, run: Run) -> None:
        self._stack = ExitStack()
        self._parts: list[tuple[Store, int, int]] = []
        try:
            for part in parts_of(run):
                try:
                    store = self._stack.enter_context(part.run.store())
                except UserError:
                    if part.run is run:
                        raise
                    continue
                self._parts.append((store, part.after, part.before))
        except BaseException:
            self._stack.close()
            raise

    def __enter__(self) -> History:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def metrics(self) -> list[str]:
        """Return the names of all metrics that have a point, in the order they first appeared."""
        return list(dict.fromkeys(name for store, _, _ in self._parts for name in store.metrics()))

    def curve(
        self, metric: str, first: int | None = None, last: int | None = None, count: int = 240, lead: int = 0
    ) -> Buckets:
        """Return a metric over steps first…last (default: all), thinned to at least `count` buckets when it is long.

        lead: as many steps before `first`, in fewer buckets: what a moving average needs of them.
        """
        curve = self._stretch(metric, first, last, count)
        if first is None or lead <= 0:
            return curve
        begin = min(first, int(curve.first[0])) if curve.x.size else first
        return Buckets.joined([*self._before(metric, begin, lead), curve])

    def _before(self, metric: str, begin: int, lead: int) -> list[Buckets]:
        """Return the points of `lead` steps before `begin`, each once: the further back the coarser."""
        parts: list[Buckets] = []
        low = max(begin - lead, 0)
        while low < begin:
            found = self._stretch(metric, low, begin - 1, LEAD_BUCKETS)
            parts.append(found.where(found.last < begin))
            # The last bucket may hold points from `begin` on, too: those before are read again, more finely.
            beyond = found.first[found.last >= begin]
            low = int(beyond[0]) if beyond.size and beyond[0] > low else begin
        return parts

    def _stretch(self, metric: str, first: int | None, last: int | None, count: int) -> Buckets:
        found = []
        for store, after, before in self._parts:
            low = after + 1 if first is None else max(first, after + 1)
            high = before if last is None else min(last, before)
            if low > high:
                continue
            buckets = store.buckets(metric, low, high, count)
            # A bucket at an end may reach beyond the part; its middle says to which side it belongs.
            inside = (buckets.x > after) & (buckets.x <= before)
            found.append(buckets.where(inside))
        return Buckets.joined(found)

    def final(self, metric: str) -> tuple[int, float] | None:
        """Return the (step, value) of the run's own last point; the value may be NaN or infinite."""
        store, after, before = self._parts[-1]
        found = store.point_at(metric, before)
        return found if found is not None and found[0] > after else None

    def at(self, metric: str, step: int) -> tuple[int, float] | None:
        """Return the (step, value) of the last point at or before `step`; the value may be NaN or infinite."""
        for store, after, before in reversed(self._parts):
            found = store.point_at(metric, min(step, before))
            if found is not None and found[0] > after:
                return found
        return None

    def best(self, metric: str, direction: Direction) -> tuple[int, float] | None:
        """Return the (step, value) of the run's own best finite point, the first of equal ones; the roll-up finds it.

        What its parent reached before the fork is the parent's.
        """
        store, after, before = self._parts[-1]
        return _best(store, metric, after, before, direction)

    def near(self, metric: str, step: int) -> tuple[int, float] | None:
        """Return the point nearest to `step` (the later of two), or None before the first and after the last point."""
        found: list[tuple[int, float]] = []
        ends: list[int] = []
        for store, after, before in self._parts:
            extent = store.extent(metric)
            if extent is None:
                continue
            ends += [max(extent[0], after + 1), min(extent[1], before)]
            steps, values = _points_near(store, metric, step, after, before)
            found += zip(steps.astype(int).tolist(), values.tolist(), strict=True)
        if not found or not min(ends) <= step <= max(ends):
            return None
        return min(found, key=lambda point: (abs(point[0] - step), -point[0]))


def _points_near(store: Store, metric: str, step: int, after: int, before: int) -> tuple[Floats, Floats]:
    """Return the points around `step`: at least the nearest one on each side, where there are any."""
    extent = store.extent(metric)
    if extent is None:
        return np.zeros(0), np.zeros(0)
    reach = 64
    while True:
        low, high = max(after, step - reach - 1), min(before, step + reach)
        steps, values = store.points(metric, low, high)
        left = bool((steps <= step).any()) or low < extent[0]
        right = bool((steps >= step).any()) or high >= extent[1] or high == before
        if (left or low == after) and right:
            return steps, values
        reach *= 8


def _best(store: Store, metric: str, after: int, before: int, direction: Direction) -> tuple[int, float] | None:
    buckets = store.buckets(metric, after + 1, before)
    x = buckets.x
    values = buckets.low if direction == "lower" else buckets.high
    if not x.size:
        return None
    # Thinned buckets stand for several points: they tell the value, and between which neighbours to look for it.
    thinned = bool(np.any((x % 1 != 0) | (buckets.low < buckets.high)))
    if not thinned:
        inside = (x > after) & (x <= before)
        return _first_best(x[inside], values[inside], direction)
    # The last bucket may hold points beyond the part.
    edge = int(x[-2]) if x.size > 1 else after
    best = _first_best(*store.points(metric, max(edge, after), before), direction)
    inner = _first_best(np.arange(x.size - 1, dtype=np.float64), values[:-1], direction)
    if inner is not None and (best is None or not _better(best[1], inner[1], direction)):
        place = inner[0]
        low = int(x[place - 1]) if place else after
        found = _first_best(*store.points(metric, max(low, after), min(int(x[place + 1]), before)), direction)
        if found is not None and (best is None or not _better(best[1], found[1], direction)):
            best = found
    return best


def _first_best(x: Floats, values: Floats, direction: Direction) -> tuple[int, float] | None:
    kept = np.flatnonzero(np.isfinite(values))
    if not kept.size:
        return None
    at = kept[values[kept].argmin() if direction == "lower" else values[kept].argmax()]
    return int(x[at]), float(values[at])


def _better(one: float, other: float, direction: Direction) -> bool:
    return one < other if direction == "lower" else one > other

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
from seqsum.runs.run import MOST_ANCESTORS

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
        self,
        metric: str,
        first: int | None = None,
        last: int | None = None,
        count: int = 240,
        lead: int = 0,
        *,
        fewer: bool = False,
    ) -> Buckets:
        """Return a metric over steps first…last (default: all), thinned to at least `count` buckets when it is long.

        lead: as many steps before `first`, in fewer buckets: what a moving average needs of them.
        fewer: not many more than `count`, however long it grows.
        """
        curve = self._stretch(metric, first, last, count, fewer)
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

    def _stretch(self, metric: str, first: int | None, last: int | None, count: int, fewer: bool = False) -> Buckets:
        found = []
        for store, after, before in self._parts:
            low = after + 1 if first is None else max(first, after + 1)
            high = before if last is None else min(last, before)
            if low > high:
                continue
            buckets = store.buckets(metric, low, high, count, fewer=fewer)
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
        sign = 1 if direction == "lower" else -1
        buckets = store.buckets(metric, after + 1, before)
        # Buckets stand for several points: read are those of the best one, and of those that may hold points beyond.
        read = (buckets.first <= after) | (buckets.last > before)
        lows = buckets.low if direction == "lower" else -buckets.high
        best = _lowest(np.where(read, np.nan, lows))
        if best is not None:
            read[best] = True
        ends = zip(buckets.first[read].astype(int).tolist(), buckets.last[read].astype(int).tolist(), strict=True)
        parts = [store.points(metric, max(first - 1, after), min(last, before)) for first, last in ends]
        steps, values = (np.concatenate([part[at] for part in parts] or [np.zeros(0)]) for at in (0, 1))
        place = _lowest(sign * values)
        return None if place is None else (int(steps[place]), float(values[place]))

    def near(self, metric: str, step: int) -> tuple[int, float] | None:
        """Return the point nearest to `step` (the later of two), or None before the first and after the last point."""
        found: list[tuple[int, float]] = []
        for store, after, before in self._parts:
            around = store.point_at(metric, min(step, before)), store.point_from(metric, max(step, after + 1))
            found += [point for point in around if point is not None and after < point[0] <= before]
        if not found or not min(found)[0] <= step <= max(found)[0]:
            return None
        return min(found, key=lambda point: (abs(point[0] - step), -point[0]))


def _lowest(values: Floats) -> int | None:
    """Return the place of the first of the smallest numbers that are finite."""
    finite = np.flatnonzero(np.isfinite(values))
    return int(finite[values[finite].argmin()]) if finite.size else None

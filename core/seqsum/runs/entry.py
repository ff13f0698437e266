"""What a long list of runs shows of one and filters it by: its summary, its configuration, and small curves."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from seqsum.errors import UserError
from seqsum.runs.buckets import Buckets
from seqsum.runs.kinds import Fields
from seqsum.runs.run import Run, Summary
from seqsum.runs.store import READING_SECONDS, STATUSES, UNREADABLE, Store

CURVES = ("loss", "accuracy")
CURVE_POINTS = 24
ABSENT = object()


@dataclass(frozen=True)
class Entry:
    """config: section → field → value, with what was changed while the run trained.
    curves: `loss` and `accuracy`, or what a log of another program has for them, if there are any, oldest first, at
        most CURVE_POINTS each; NaN or infinite where nothing was finite.
    """

    summary: Summary
    config: Mapping[str, Mapping[str, Any]] = field(repr=False)
    curves: Mapping[str, tuple[float, ...]] = field(repr=False)

    def setting(self, path: str) -> Any:
        """Return the value of `section.field`, or ABSENT where the run has no such field."""
        section, _, name = path.partition(".")
        return self.config.get(section, {}).get(name, ABSENT)


def read_entry(run: Run, patience: float = READING_SECONDS, before: Entry | None = None) -> Entry:
    """Read a run. patience: how long to wait, in seconds, for a program that holds its store. before: what was known of
    it, for what its record does not say any more.

    Raises UserError when its store can't be read, StoreBusy when another program holds it.
    """
    with run.reading(), run.store(patience) as store:
        store.limit()
        summary, changes = run.summary_and_changes(store)
        config: Mapping[str, Mapping[str, Any]] = run.settings(changes) if changes else run.record_or_blank().config
        if not config and before is not None:
            summary, config = summary.like(before.summary), before.config
        return Entry(run.judged(store, summary), config, _curves(store, summary))


def unreadable_entry(run: Run, reason: str, before: Entry | None = None) -> Entry:
    """Return a line for a run that can't be read. before: what was known of it."""
    config = run.record_or_blank().config or (before.config if before else {})
    return Entry(run.unreadable(reason, before.summary if before else None), config, {})


def stale_entry(run: Run, before: Entry | None, reason: str) -> Entry:
    """Return the last known line of a run that can't be read for the moment; before: what was known of it."""
    if before is None or before.summary.status == UNREADABLE:
        outcome = Fields(run.record_or_blank().outcome or {}, "outcome")
        status = outcome.one_of("status", STATUSES, UNREADABLE)
        before = Entry(run.unreadable(reason, status=status), run.record_or_blank().config, {})
        if status == UNREADABLE:
            return before
    problem = f"{reason.removeprefix('runs: ')}; this is what was known of it last"
    return replace(before, summary=replace(before.summary, problems=(problem,)))


def _curves(store: Store, summary: Summary) -> dict[str, tuple[float, ...]]:
    found = {}
    for name in CURVES:
        own = summary.named(name)
        if own in summary.metrics:
            with suppress(UserError):
                found[name] = thinned(store.buckets(own, count=CURVE_POINTS))
    return found


def thinned(buckets: Buckets) -> tuple[float, ...]:
    """Return the means of CURVE_POINTS equal shares of a curve (or its points, when they are fewer), four digits each.

    A share with no finite value is what there is instead: an infinity, or NaN.
    """
    values = buckets.values
    if values.size > CURVE_POINTS:
        starts = np.arange(CURVE_POINTS) * values.size // CURVE_POINTS
        finite = np.isfinite(values)
        counts = np.add.reduceat(finite.astype(np.int64), starts)
        sums = np.add.reduceat(np.where(finite, values, 0.0), starts)
        above, below = (np.logical_or.reduceat(values == infinity, starts) for infinity in (np.inf, -np.inf))
        broken = np.where(above, np.inf, np.where(below, -np.inf, np.nan))
        values = np.where(counts > 0, sums / np.maximum(counts, 1), broken)
    return tuple(float(f"{value:.4g}") for value in values.tolist())

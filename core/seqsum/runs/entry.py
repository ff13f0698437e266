"""What a long list of runs shows of one and filters it by: its summary, its configuration, and small curves."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from seqsum.errors import UserError
from seqsum.runs.run import Run, Summary
from seqsum.runs.store import Buckets, Store

CURVES = {"loss": ("loss", "eval_loss"), "accuracy": ("accuracy", "train_accuracy")}
CURVE_POINTS = 24
ABSENT = object()


@dataclass(frozen=True)
class Entry:
    """config: section → field → value, with what was changed while the run trained.
    curves: `loss` and `accuracy`, if there are any, oldest first, at most CURVE_POINTS each; NaN where nothing was
        finite.
    """

    summary: Summary
    config: Mapping[str, Mapping[str, Any]] = field(repr=False)
    curves: Mapping[str, tuple[float, ...]] = field(repr=False)

    def setting(self, path: str) -> Any:
        """Return the value of `section.field`, or ABSENT where the run has no such field."""
        section, _, name = path.partition(".")
        return self.config.get(section, {}).get(name, ABSENT)


def read_entry(run: Run) -> Entry:
    """Read a run; raises UserError when its files are missing or damaged."""
    with run.reading(), run.store() as store:
        summary = run.summary_from(store)
        return Entry(summary, _config(run, store), _curves(store, summary))


def _config(run: Run, store: Store) -> Mapping[str, Mapping[str, Any]]:
    changes = store.state().get("changes")
    if changes:
        try:
            return run.record.parsed_config().changed(changes, f"run {run.id}").plain()
        except UserError:
            # Its plug-in is missing here: the list shows it as it began.
            return run.record.config
    return run.record.config


def _curves(store: Store, summary: Summary) -> dict[str, tuple[float, ...]]:
    found = {}
    for name, metrics in CURVES.items():
        metric = next((metric for metric in metrics if metric in summary.metrics), None)
        if metric is not None:
            try:
                found[name] = thinned(store.buckets(metric, count=CURVE_POINTS))
            except sqlite3.Error:
                continue
    return found


def thinned(buckets: Buckets, most: int = CURVE_POINTS) -> tuple[float, ...]:
    """Return the means of `most` equal shares of a curve (or its points, when they are fewer), four digits each."""
    values = buckets.mean
    if values.size > most:
        starts = np.arange(most) * values.size // most
        finite = np.isfinite(values)
        counts = np.add.reduceat(finite.astype(np.int64), starts)
        sums = np.add.reduceat(np.where(finite, values, 0.0), starts)
        values = np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)
    return tuple(float(f"{value:.4g}") for value in values.tolist())

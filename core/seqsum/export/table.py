"""Metrics as CSV, and everything that is known of a run as JSON."""

from __future__ import annotations

import csv
import json
import math
from dataclasses import asdict
from typing import Any, TextIO

from seqsum.errors import UserError
from seqsum.runs import Run

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def write_csv(run: Run, file: TextIO) -> None:
    """Write one row for each step that has points: step, then one column for each metric.

    A metric without a point at a step leaves its cell empty; values that are no numbers read nan, inf and -inf. Numbers
    are written so that reading them gives the same bits. Raises UserError when there are no points yet.
    """
    with run.store() as store:
        names = store.metrics()
        columns = [store.points(name) for name in names]
    if not names:
        raise UserError(f"export: run {run.id} has no metrics yet")
    rows: dict[int, list[str]] = {}
    for place, (steps, values) in enumerate(columns):
        for step, value in zip(steps.tolist(), values.tolist(), strict=True):
            rows.setdefault(int(step), [""] * len(names))[place] = repr(value)
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(["step", *(harmless(name) for name in names)])
    writer.writerows([str(step), *rows[step]] for step in sorted(rows))


def write_json(run: Run, file: TextIO) -> None:
    """Write record, configuration as it stands, state, metrics and events.

    JSON knows no NaN and no infinity: they become null.
    """
    with run.store() as store:
        metrics: dict[str, Any] = {}
        for name in store.metrics():
            steps, values = store.points(name)
            metrics[name] = {"steps": [int(step) for step in steps], "values": [_finite(value) for value in values]}
        events = [asdict(event) for event in store.events()]
    summary = run.summary()
    whole = {
        "run": run.id,
        "name": summary.name,
        "status": summary.status,
        "reason": summary.reason,
        "step": summary.step,
        "steps": summary.steps,
        "train_seconds": summary.train_seconds,
        "record": run.record_or_blank().plain(),
        "config": run.settings(),
        "metrics": metrics,
        "events": events,
    }
    json.dump(whole, file, indent=1, allow_nan=False)
    file.write("\n")


def _finite(value: Any) -> float | None:
    return float(value) if math.isfinite(value) else None


def harmless(name: str) -> str:
    """A plug-in may name its metric anything; a spreadsheet must not take it for a formula."""
    return f"'{name}" if name.startswith(FORMULA_STARTS) else name

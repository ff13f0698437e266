"""Metrics as CSV, and everything that is known of a run as JSON."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any, TextIO

from seqsum.errors import UserError
from seqsum.formatting import finite
from seqsum.runs import Run

Cell = str | int | float | None
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
    rows: dict[int, list[Cell]] = {}
    for place, (steps, values) in enumerate(columns):
        for step, value in zip(steps.tolist(), values.tolist(), strict=True):
            rows.setdefault(int(step), [None] * len(names))[place] = value
    file.write(as_csv([["step", *names], *([step, *rows[step]] for step in sorted(rows))]))


def write_json(run: Run, file: TextIO) -> None:
    """Write record, configuration as it stands, state, metrics and events.

    JSON knows no NaN and no infinity: they become null.
    """
    with run.store() as store:
        metrics: dict[str, Any] = {}
        for name in store.metrics():
            steps, values = store.points(name)
            metrics[name] = {"steps": steps.astype(int).tolist(), "values": finite(values.tolist())}
        events = [asdict(event) for event in store.events()]
    summary = run.summary()
    whole = {
        "run": run.id,
        **{name: getattr(summary, name) for name in ("name", "status", "reason", "step", "steps", "train_seconds")},
        "record": run.record_or_blank().plain(),
        "config": run.settings(),
        "metrics": metrics,
        "events": events,
    }
    json.dump(whole, file, indent=1, allow_nan=False)
    file.write("\n")


def as_csv(lines: Iterable[Sequence[Cell]]) -> str:
    """Return lines as CSV; numbers read back to the same bits, None is empty, no text begins a formula."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerows([_text(cell) for cell in line] for line in lines)
    return file.getvalue()


def _text(cell: Cell) -> str:
    if cell is None:
        return ""
    # A plug-in may name its metric anything; a spreadsheet must not take it for a formula.
    return (f"'{cell}" if cell.startswith(FORMULA_STARTS) else cell) if isinstance(cell, str) else repr(cell)

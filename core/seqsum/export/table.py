"""Metrics as CSV, and everything that is known of a run as JSON."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any

from seqsum.export.media_tables import Cell, media_tables
from seqsum.export.whole import Stored
from seqsum.formatting import finite
from seqsum.runs import Run

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def table(several: Sequence[Stored]) -> tuple[list[str], list[list[Cell]]]:
    """Return the names of the columns, and one row for each step that has points: step, then each metric; of several
    runs with each one's id and name before. A metric without a point at a step has None."""
    names = list(dict.fromkeys(name for stored in several for name in stored.points))
    places = {name: place for place, name in enumerate(names)}
    table: list[list[Cell]] = []
    for stored in several:
        rows: dict[int, list[Cell]] = {}
        for name, (steps, values) in stored.points.items():
            for step, value in zip(steps.tolist(), values.tolist(), strict=True):
                rows.setdefault(int(step), [None] * len(names))[places[name]] = value
        before = [] if len(several) == 1 else [stored.run.id, stored.run.name]
        table += [[*before, step, *rows[step]] for step in sorted(rows)]
    return [*([] if len(several) == 1 else ["run", "name"]), "step", *names], table


def csv_of(several: Sequence[Stored]) -> dict[str, str]:
    """Return the table of runs as CSV, under "", and those of their histograms and texts, each under its name.

    Values that are no numbers read nan, inf and -inf. Numbers are written so that reading them gives the same bits.
    """
    names, rows = table(several)
    others = media_tables(several).items()
    return {"": as_csv([names, *rows]), **{name: as_csv([one.columns, *one.rows]) for name, one in others}}


def json_of(runs: Sequence[Run]) -> str:
    """Return record, configuration as it stands, state, metrics and events of a run; of several a list of that.

    JSON knows no NaN and no infinity: they become null.
    """
    told = [_plain(run) for run in runs]
    return json.dumps(told[0] if len(told) == 1 else told, indent=1, allow_nan=False) + "\n"


def _plain(run: Run) -> dict[str, Any]:
    with run.store() as store:
        metrics: dict[str, Any] = {}
        for name in store.metrics():
            steps, values = store.points(name)
            metrics[name] = {"steps": steps.astype(int).tolist(), "values": finite(values.tolist())}
        events = [asdict(event) for event in store.events()]
    summary = run.summary()
    return {
        "run": run.id,
        **{name: getattr(summary, name) for name in ("name", "status", "reason", "step", "steps", "train_seconds")},
        "record": run.record_or_blank().plain(),
        "config": run.settings(),
        "metrics": metrics,
        "events": events,
    }


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

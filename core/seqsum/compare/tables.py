"""A comparison as tables: what stands on the screen, for spreadsheets and scripts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from seqsum.compare.reader import Comparison, RunData
from seqsum.compare.rows import Row, XKind
from seqsum.export.media_tables import Cell
from seqsum.formatting import change, points
from seqsum.runs.buckets import Floats
from seqsum.runs.metric_direction import points_per_unit

X_NAMES: Mapping[XKind, str] = {"step": "step", "time": "train_seconds"}


def summary_table(comparison: Comparison, rows: Sequence[Row]) -> list[list[Cell]]:
    """One line for each row: name, run ids, values of the metric, and differences from the baseline.

    with_value: how many of the runs the numbers tell of; the others rank as worst, or `waiting`, don't count yet.
    """
    unit = difference_unit(comparison)
    heading: list[Cell] = ["name", "runs", "status", "task", "with_value", "of", "waiting", "metric", "final"]
    heading += ["final_step", "final_lower_quartile", "final_upper_quartile", "best", "best_step", "at_cursor"]
    heading += [f"{what}_difference_{unit}" for what in ("final", "best", "at_cursor")]
    lines = [[*heading, "baseline"]]
    for row in rows:
        low, high = row.final_quartiles or (None, None)
        line: list[Cell] = [row.name, " ".join(run.id for run in row.runs), row.status, " ".join(row.tasks)]
        line += [row.valued, len(row.runs), row.waiting, comparison.metric]
        line += [row.final, row.final_step, low, high, row.best, row.best_step, row.at]
        line += [row.final_difference, row.best_difference, row.at_difference, "baseline" if row.baseline else ""]
        lines.append(line)
    return lines


def curves_table(
    rows: Sequence[Row], x: XKind, x_range: tuple[float, float] | None = None, smoothing: float = 0.0
) -> list[list[Cell]]:
    """One line for each x at which a drawn row has a point, one column for each row; groups have their quartiles too.

    Long curves are thinned as on the screen: a value is the mean of what is finite in its bucket. Runs with values that
    are not have a second column, how many of them.
    """
    drawn = [row for row in rows if row.drawn]
    heading: list[Cell] = [X_NAMES[x]]
    columns: list[tuple[Floats, Floats]] = []
    counted: set[Cell] = set()
    for row, name in zip(drawn, unique_names(drawn), strict=True):
        heading.append(name)
        columns.append((row.x, row.smoothed(smoothing)))
        buckets = row.buckets
        if buckets is not None and buckets.nonfinite.any():
            heading.append(f"{name} not finite")
            counted.add(heading[-1])
            columns.append((row.x, buckets.nonfinite))
        if row.kind == "group":
            heading += [f"{name} lower quartile", f"{name} upper quartile"]
            columns += [(row.x, np.where(np.isinf(edge), np.nan, edge)) for edge in (row.low, row.high)]
    lines: dict[float, list[Cell]] = {}
    for place, (places, values) in enumerate(columns):
        counts = heading[place + 1] in counted
        for at, value in zip(places.tolist(), values.tolist(), strict=True):
            if x_range is None or x_range[0] <= at <= x_range[1]:
                lines.setdefault(at, [None] * len(columns))[place] = int(value) if counts else value
    return [heading, *([int(at) if at.is_integer() else at, *lines[at]] for at in sorted(lines))]


def differences_table(differences: Mapping[str, Sequence[str]], names: Sequence[str]) -> list[list[Cell]]:
    """One line for each field in which the runs differ, one column for each run."""
    lines: list[list[Cell]] = [["field", *names]]
    lines += [[path, *values] for path, values in differences.items()]
    return lines


def scatter_table(comparison: Comparison, runs: Sequence[RunData], field: str, of_best: bool) -> list[list[Cell]]:
    """One line for each run: the setting's value and the metric's."""
    lines: list[list[Cell]] = [["name", "run", field, f"{'best' if of_best else 'final'} {comparison.metric}"]]
    for run in runs:
        point = run.best if of_best else run.final
        value = run.fields.get(field)
        kept = value if isinstance(value, int | float | str) or value is None else str(value)
        lines.append([run.summary.name, run.id, kept, point[1] if point else None])
    return lines


def row_plain(row: Row, comparison: Comparison) -> dict[str, Any]:
    """A row as JSON-ready values; NaN and infinity stay for the writer to judge."""
    unit = difference_unit(comparison)
    facts: dict[str, Any] = {
        "name": row.name,
        "kind": row.kind,
        "runs": [run.id for run in row.runs],
        "status": row.status,
        "tasks": list(row.tasks),
        "with_value": row.valued,
        "waiting": row.waiting,
        "metric": comparison.metric,
        "better": comparison.direction,
        **{name: getattr(row, name) for name in ("final", "final_step", "best", "best_step", "at", "baseline")},
        **{f"{what}_difference_{unit}": getattr(row, f"{what}_difference") for what in ("final", "best", "at")},
    }
    if row.final_quartiles is not None:
        facts["final_quartiles"] = list(row.final_quartiles)
    return facts


def difference_unit(comparison: Comparison) -> str:
    """Return what differences are told in: percentage `points` of a share, else `percent` of the baseline's value."""
    return "percent" if points_per_unit(comparison.metric) is None else "points"


def difference_text(row: Row, value: float | None, metric: str) -> str:
    """Return a difference of `metric` for people: `+3.10 pp` (points of a percentage) or `+3.1%`; `base` for the
    baseline itself, `–` where there is nothing to tell."""
    if value is None:
        return "base" if row.baseline else "–"
    if points_per_unit(metric) is not None:
        return points(value)
    return change(value)


def unique_names(rows: Sequence[Row]) -> list[str]:
    """Return the rows' names, with the run's id where two have the same."""
    names = [row.name for row in rows]
    return [name if names.count(name) == 1 else f"{name} ({row.key})" for name, row in zip(names, rows, strict=True)]

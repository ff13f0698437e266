"""The lines of a comparison: runs, or groups of runs folded into their median, each with its curve and its numbers."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np

from seqsum.compare.looks import Look
from seqsum.compare.reader import Comparison, RunData
from seqsum.compare.spread import quartiles, spread
from seqsum.runs.store import Floats

GROUP = "group:"
XKind = Literal["step", "time"]


@dataclass(frozen=True, eq=False)
class Row:
    """One line of the table and of the chart.

    key: the run's id, or `group:NAME`.
    kind: `run`; `group`, whose numbers are medians of its members'; `member` of a group that is unfolded.
    final_quartiles: of a group's last values.
    *_difference: percent of the baseline's value; None without one, for the baseline itself, or where it is 0.
    x, y: the curve, x in steps or in seconds of training. low, high: the values behind each point of a run, or the
        quartiles of a group.
    drawn: whether the curve belongs on the chart: it is not hidden, and no unfolded group.
    """

    key: str
    kind: Literal["run", "group", "member"]
    name: str
    look: Look
    status: str
    runs: tuple[RunData, ...] = field(repr=False)
    x: Floats = field(repr=False)
    y: Floats = field(repr=False)
    low: Floats = field(repr=False)
    high: Floats = field(repr=False)
    final: float | None
    final_step: int | None
    best: float | None
    best_step: int | None
    at: float | None = None
    final_quartiles: tuple[float, float] | None = None
    final_difference: float | None = None
    best_difference: float | None = None
    at_difference: float | None = None
    folded: bool = False
    hidden: bool = False
    baseline: bool = False

    @property
    def drawn(self) -> bool:
        return not self.hidden and (self.kind != "group" or self.folded)


def rows_of(
    comparison: Comparison,
    *,
    folded: bool = True,
    unfolded: Collection[str] = (),
    hidden: Collection[str] = (),
    baseline: str | None = None,
    at: float | None = None,
    x: XKind = "step",
    best_first: bool = False,
) -> list[Row]:
    """Return the rows of a comparison.

    Args:
        folded: whether runs of one group, two or more of them, become a row of medians.
        unfolded: keys of groups whose members are shown after all.
        hidden: keys that are not drawn.
        baseline: the key of the row that others are compared with; None takes the first.
        at: where values are taken from the curves, in units of x.
        x: what the curves stand over.
        best_first: best values first, instead of the order asked for.
    """
    groups: dict[str, list[RunData]] = {}
    for run in comparison.runs:
        groups.setdefault(run.summary.group or "", []).append(run)
    blocks: list[list[Row]] = []
    done: set[str] = set()
    for run in comparison.runs:
        group = run.summary.group or ""
        if not folded or not group or len(groups[group]) < 2:
            blocks.append([_run_row(run, "run", x, at)])
        elif group not in done:
            done.add(group)
            key = GROUP + group
            members = [_run_row(member, "member", x, at) for member in groups[group]]
            opened = key in unfolded
            if best_first and opened:
                members.sort(key=lambda row: _rank(row, comparison))
            blocks.append([_group_row(key, group, members, folded=not opened), *(members if opened else [])])
    if baseline is None and blocks:
        baseline = blocks[0][0].key
    if best_first:
        blocks.sort(key=lambda block: _rank(block[0], comparison))
    rows = [row for block in blocks for row in block]
    return _compared(rows, hidden, baseline)


def percent_difference(value: float | None, base: float | None) -> float | None:
    """Return by how many percent of |base| `value` is above it; None where that says nothing."""
    if value is None or base is None or not (math.isfinite(value) and math.isfinite(base)) or base == 0:
        return None
    return 100 * (value - base) / abs(base)


def value_at(x: Floats, y: Floats, at: float) -> float | None:
    """Return the value of the point nearest to `at` (the later of two); None beyond the curve's ends."""
    if not x.size:
        return None
    # Points of a thinned curve stand in the middle of their buckets: half a bucket further it still has values.
    slack = float(np.median(np.diff(x))) / 2 if x.size > 1 else 0.0
    if not x[0] - slack <= at <= x[-1] + slack:
        return None
    right = int(np.searchsorted(x, at, side="right"))
    places = [place for place in (right, right - 1) if 0 <= place < x.size]
    return float(y[min(places, key=lambda place: abs(float(x[place]) - at))])


def _run_row(run: RunData, kind: Literal["run", "member"], x: XKind, at: float | None) -> Row:
    places, y, low, high = run.curve.x, run.curve.values, run.curve.low, run.curve.high
    if x == "time":
        if run.seconds is None:
            places = y = low = high = np.zeros(0)
        else:
            places = run.seconds
    return Row(
        key=run.id,
        kind=kind,
        name=run.summary.name,
        look=run.look,
        status=run.summary.status,
        runs=(run,),
        x=places,
        y=y,
        low=low,
        high=high,
        final=run.final[1] if run.final else None,
        final_step=run.final[0] if run.final else None,
        best=run.best[1] if run.best else None,
        best_step=run.best[0] if run.best else None,
        at=None if at is None else value_at(places, y, at),
    )


def _group_row(key: str, name: str, members: Sequence[Row], *, folded: bool) -> Row:
    curve = spread([(member.x, member.y) for member in members])
    finals = quartiles([member.final for member in members])
    bests = quartiles([member.best for member in members])
    steps = quartiles([member.best_step for member in members])
    ends = quartiles([member.final_step for member in members])
    ats = quartiles([member.at for member in members])
    statuses = [member.status for member in members]
    return Row(
        key=key,
        kind="group",
        name=name,
        look=members[0].look,
        status=next((one for one in ("running", "starting", "paused", "queued") if one in statuses), statuses[0]),
        runs=tuple(run for member in members for run in member.runs),
        x=curve.x,
        y=curve.median,
        low=curve.low,
        high=curve.high,
        final=finals[1] if finals else None,
        final_step=round(ends[1]) if ends else None,
        best=bests[1] if bests else None,
        best_step=round(steps[1]) if steps else None,
        at=ats[1] if ats else None,
        final_quartiles=(finals[0], finals[2]) if finals else None,
        folded=folded,
    )


def _compared(rows: Sequence[Row], hidden: Collection[str], baseline: str | None) -> list[Row]:
    base = next((row for row in rows if row.key == baseline), None)
    # The baseline may be folded into its group, or gone.
    base = base or next((row for row in rows if any(run.id == baseline for run in row.runs)), rows[0] if rows else None)
    found = []
    for row in rows:
        more = {"hidden": row.key in hidden, "baseline": row is base}
        if base is None or row is base:
            found.append(replace(row, **more))  # type: ignore[arg-type]
            continue
        found.append(
            replace(
                row,
                final_difference=percent_difference(row.final, base.final),
                best_difference=percent_difference(row.best, base.best),
                at_difference=percent_difference(row.at, base.at),
                **more,  # type: ignore[arg-type]
            )
        )
    return found


def _rank(row: Row, comparison: Comparison) -> tuple[bool, float]:
    value = row.final if row.best is None else row.best
    if value is None or not math.isfinite(value):
        return True, 0.0
    return False, -value if comparison.direction == "higher" else value

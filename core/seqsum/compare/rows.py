"""The lines of a comparison: runs, or groups of runs folded into their median, each with its curve and its numbers."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from statistics import median
from typing import Literal

import numpy as np

from seqsum.compare.fields import SEED
from seqsum.compare.looks import Look
from seqsum.compare.reader import Comparison, RunData, tokens_among
from seqsum.compare.spread import QUARTILES, Member, curve_notes, is_broken, share_text, spread, standing_of
from seqsum.plotting.smoothing import smooth, smooth_buckets
from seqsum.runs.buckets import Buckets, Floats
from seqsum.runs.metric_direction import points_per_unit
from seqsum.runs.per_token import Tokens
from seqsum.runs.run import LIVE_STATUSES
from seqsum.runs.store import UNREADABLE
from seqsum.runs.workspace import GROUP
from seqsum.text import one_line

XKind = Literal["step", "time"]


def _nothing() -> Floats:
    return np.zeros(0)


@dataclass(frozen=True, eq=False)
class Row:
    """One line of the table and of the chart.

    key: the run's id, or `group:NAME`.
    kind: `run`; `group`, whose numbers are medians of its members'; `member` of a group that is unfolded.
    final_quartiles: of a group's last values. In these, as in the medians, NaN stands for a run that ranks as worst.
    valued, waiting: how many of the runs have a value that counts, and how many don't count yet because they train.
    tasks: the tasks of its runs, as far as they can be read;
        with several, as with several kinds of tokens, a group has no numbers and no curve of its own, and is never
        folded.
    *_difference: from the baseline's value: points of a percentage for a metric that is a share, else percent of it.
        None without one, for the baseline itself, where it is 0, or where the tasks or the tokens differ.
    x, y: the curve, x in steps or in seconds of training. low, high: the values behind each point of a run, or the
        quartiles of a group, infinite where a run without a value stands.
    steps: where the points of a group's curve stand in steps, by its longest run.
    carried, broken: of a group's curve, as in `Spread`.
    drawn: whether the curve belongs on the chart: it is not hidden, and no unfolded group.
    """

    key: str
    kind: Literal["run", "group", "member"]
    name: str
    look: Look
    status: str
    """Of a group: the one that all its runs have, or how many have which."""
    runs: tuple[RunData, ...] = field(repr=False)
    x: Floats = field(default_factory=_nothing, repr=False)
    y: Floats = field(default_factory=_nothing, repr=False)
    low: Floats = field(default_factory=_nothing, repr=False)
    high: Floats = field(default_factory=_nothing, repr=False)
    final: float | None = None
    final_step: int | None = None
    best: float | None = None
    best_step: int | None = None
    at: float | None = None
    final_quartiles: tuple[float, float] | None = None
    final_difference: float | None = None
    best_difference: float | None = None
    at_difference: float | None = None
    valued: int = 1
    waiting: int = 0
    tasks: tuple[str, ...] = ()
    steps: Floats | None = field(default=None, repr=False)
    carried: int = 0
    broken: int = 0
    folded: bool = False
    hidden: bool = False
    baseline: bool = False

    @property
    def measured_over(self) -> tuple[Collection[str], Collection[Tokens]]:
        """What its values are of, the tasks and the tokens: only rows of the same can be compared."""
        return self.tasks, tokens_among(self.runs)

    @property
    def mixed(self) -> bool:
        """Whether its runs can't be compared with each other."""
        return any(len(several) > 1 for several in self.measured_over)

    @property
    def drawn(self) -> bool:
        return not self.hidden and (self.kind != "group" or self.folded)

    @property
    def buckets(self) -> Buckets | None:
        """What the points of a run's curve stand for; None for a group, and for a run without a curve here."""
        return None if self.kind == "group" or not self.x.size else self.runs[0].curve

    @property
    def measured(self) -> bool:
        """Whether it has a value that others can be compared with."""
        return any(value is not None and math.isfinite(value) for value in (self.final, self.best))

    def smoothed(self, over: float) -> Floats:
        """Return y as the moving average over so many steps; 0 changes nothing."""
        if self.buckets is not None:
            return smooth_buckets(self.buckets, over)
        return smooth(self.x if self.steps is None else self.steps, self.y, over)

    @property
    def size(self) -> str:
        """How many runs a group has, or how many of them its numbers tell of: `×5`, `1 of 5`, `3 of 5 so far`;
        `×5 mixed` for runs of different tasks."""
        if self.kind != "group":
            return ""
        if self.mixed:
            return f"×{len(self.runs)} mixed"
        return share_text(self.valued, len(self.runs), self.waiting) or f"×{len(self.runs)}"


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
    shares: Sequence[float] = QUARTILES,
) -> list[Row]:
    """Return the rows of a comparison.

    Args:
        folded: whether runs of one group, two or more of them, become a row of medians.
        unfolded: keys of groups whose members are shown after all.
        hidden: keys that are not drawn.
        baseline: the key of the row that others are compared with; None takes the first.
        at: where values are taken from the curves, in units of x.
        x: what the curves stand over.
        best_first: best values first, instead of the order asked for; where tokens differ there is no best one.
        shares: of which quantiles the curve of a group has its band, the median between them.
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
            members = [_run_row(member, "member", x, at) for member in sorted(groups[group], key=_seed)]
            row = _group_row(key, group, members, comparison, at, shares, folded=key not in unfolded)
            if best_first:
                members.sort(key=lambda row: _rank(row, comparison))
            blocks.append([row] if row.folded else [row, *members])
    if baseline is None:
        baseline = next((row.key for block in blocks for row in block if row.tasks and not row.mixed), None)
    if best_first and len(comparison.tokens) <= 1:
        blocks.sort(key=lambda block: _rank(block[0], comparison))
    rows = [row for block in blocks for row in block]
    return _compared(rows, hidden, baseline, points_per_unit(comparison.metric))


def _seed(run: RunData) -> int:
    seed = run.fields.get(SEED)
    return seed if type(seed) is int else 0


def notes_of(rows: Sequence[Row]) -> list[str]:
    """Return what one must know to read these rows: that their tasks differ, what can't be read, and how runs of groups
    count that ended early or without a value."""
    tasks = dict.fromkeys(task for row in rows for task in row.tasks)
    notes = [f"different tasks, not comparable: {', '.join(tasks)}"] if len(tasks) > 1 else []
    unknown = [row.name for row in rows if row.kind != "group" and not row.tasks]
    notes += [f"what {one_line(', '.join(unknown))} was set to can't be read"] if unknown else []
    unread = [run for row in rows if row.kind == "group" for run in row.runs if run.summary.status == UNREADABLE]
    notes += [f"{len(unread)} can't be read, and don't count"] if unread else []
    return notes + curve_notes(sum(row.carried for row in rows), sum(row.broken for row in rows))


def difference(value: float | None, base: float | None, points: float | None) -> float | None:
    """Return by how much `value` is above `base`: with `points` that many percentage points for a unit, else percent of
    |base|. None where that says nothing."""
    if value is None or base is None or not (math.isfinite(value) and math.isfinite(base)):
        return None
    if points is None:
        return 100 * (value - base) / abs(base) if base else None
    return points * (value - base)


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
            places = y = low = high = _nothing()
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
        valued=int(run.final is not None and math.isfinite(run.final[1])),
        tasks=(run.task,) if run.task else (),
    )


def _group_row(
    key: str,
    name: str,
    members: Sequence[Row],
    comparison: Comparison,
    at: float | None,
    shares: Sequence[float],
    *,
    folded: bool,
) -> Row:
    runs = tuple(run for member in members for run in member.runs)
    tasks = tuple(dict.fromkeys(run.task for run in runs if run.task))
    statuses = [member.status for member in members]
    ends = [(member.status, member.final) for member in members]
    row = Row(
        key=key,
        kind="group",
        name=name,
        look=members[0].look,
        status=_statuses(statuses),
        runs=runs,
        valued=0,
        waiting=sum(status in LIVE_STATUSES for status in statuses),
        tasks=tasks,
        folded=folded,
    )
    if row.mixed:
        return replace(row, folded=False)
    end = None if comparison.window is None else comparison.window[1]
    curve = spread([_member(member, end) for member in members], comparison.direction, shares=shares)
    row = replace(
        row,
        x=curve.x,
        y=curve.median,
        low=curve.low,
        high=curve.high,
        steps=_steps_at(curve.x, members),
        carried=curve.carried,
        broken=curve.broken,
        at=None if at is None else value_at(curve.x, curve.median, at),
    )
    finals = standing_of(ends, comparison.direction)
    if finals is not None:
        final_step, quartiles = _middle([member.final_step for member in members]), (finals.low, finals.high)
        row = replace(row, final=finals.median, final_step=final_step, final_quartiles=quartiles)
        row = replace(row, valued=finals.valued, waiting=finals.waiting)
    bests = standing_of(ends, comparison.direction, [member.best for member in members])
    if bests is not None:
        # A median that a run without a value stands for is reached nowhere.
        reached = [] if math.isnan(bests.median) else members
        steps = [member.best_step for member in reached if not is_broken(member.status, member.final)]
        row = replace(row, best=bests.median, best_step=_middle(steps))
    return row


def _steps_at(x: Floats, members: Sequence[Row]) -> Floats:
    longest = max(members, key=lambda member: float(member.x[-1]) if member.x.size else -math.inf)
    return np.interp(x, longest.x, longest.runs[0].curve.x) if longest.x.size else x


def _statuses(statuses: Sequence[str]) -> str:
    """Return the status that all have, or how many have which: 4 stopped, 1 finished."""
    found = Counter(statuses).most_common()
    return found[0][0] if len(found) == 1 else ", ".join(f"{many} {status}" for status, many in found)


def _member(row: Row, end: float | None) -> Member:
    """A run's curve in a group: its means, for one value in a bucket that is not finite hides no others."""
    (run,) = row.runs
    y = run.curve.mean if row.x.size else row.y
    whole = end is None or row.final_step is None or row.final_step <= end
    return Member(row.x, y, row.status, row.final, whole)


def _middle(steps: Sequence[int | None]) -> int | None:
    kept = [step for step in steps if step is not None]
    return round(median(kept)) if kept else None


def _compared(rows: Sequence[Row], hidden: Collection[str], baseline: str | None, points: float | None) -> list[Row]:
    base = next((row for row in rows if row.key == baseline), None)
    # The baseline may be folded into its group, or gone.
    base = base or next((row for row in rows if any(run.id == baseline for run in row.runs)), rows[0] if rows else None)
    found = []
    for row in rows:
        made = replace(row, hidden=row.key in hidden, baseline=row is base)
        if base is not None and row is not base and row.measured_over == base.measured_over:
            made = replace(
                made,
                final_difference=difference(row.final, base.final, points),
                best_difference=difference(row.best, base.best, points),
                at_difference=difference(row.at, base.at, points),
            )
        found.append(made)
    return found


def _rank(row: Row, comparison: Comparison) -> tuple[int, float]:
    """Best first; then what ranks as worst: runs that broke, by the best that they had before; then those without."""
    value = row.final if row.best is None else row.best
    if value is None or not math.isfinite(value):
        return 2, 0.0
    broken = row.kind != "group" and is_broken(row.status, row.final)
    return int(broken), -value if comparison.direction == "higher" else value

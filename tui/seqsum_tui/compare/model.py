"""What a person made of a comparison: its rows, their order, and what they are compared with. Knows no screen."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from seqsum import formatting
from seqsum.compare import rows_of
from seqsum.compare.files import Shown, scatter_field, scatter_fields
from seqsum.compare.rows import XKind, notes_of
from seqsum.compare.significance import sentence, values_of
from seqsum.plotting.ticks import AxisKind
from seqsum_tui.shared import display

if TYPE_CHECKING:
    from seqsum.compare import Comparison, Row, RunData
    from seqsum.compare.files import Part
    from seqsum.compare.significance import Tested
    from seqsum.plotting.y_range import Limits
    from seqsum.runs import Summary

CURVES, SETTINGS, SCATTER = range(3)
PARTS: tuple[Part, ...] = ("curves", "config", "scatter")


class CompareModel:
    """The runs that are compared and everything asked of them, apart from how the chart is set.

    ids: the runs, also those not read yet, in the order in which they were made. comparison: the last reading.
    """

    def __init__(self, run_ids: Sequence[str]) -> None:
        self.ids: list[str] = []
        self.comparison: Comparison | None = None
        self.rows: list[Row] = []
        self.view = CURVES
        self.x: XKind = "step"
        self.log_x = False
        self.of_best = True
        self.field: str | None = None
        """The setting of the scatter; None takes the most telling."""
        self.best_first = False
        """Whether the best rows come first, or those that were made first."""
        self.tested: Mapping[str, Tested] = {}
        """How each group of the last reading did, and how sure the differences from the baseline are, by its key."""
        self._hidden: set[str] = set()
        self._unfolded: set[str] = set()
        self.take_runs(run_ids)
        # Opened from one run: the others are compared with it.
        self.baseline = self.ids[0] if len(self.ids) == 1 else None
        """The key of the row that differences are counted from."""

    # What there is

    @property
    def summaries(self) -> dict[str, Summary]:
        """What is known of the runs, by id."""
        return {run.id: run.summary for run in self.comparison.runs} if self.comparison else {}

    @property
    def has_groups(self) -> bool:
        """Whether there is a group to unfold."""
        return any(row.kind != "run" for row in self.rows)

    @property
    def part(self) -> Part:
        """The part that is looked at."""
        return PARTS[self.view]

    @property
    def x_kind(self) -> AxisKind:
        """What x counts."""
        if self.log_x:
            return "log" if self.x == "step" else "log duration"
        return "number" if self.x == "step" else "duration"

    @property
    def x_name(self) -> str:
        """What stands at the x axis."""
        return f"{'log ' if self.log_x else ''}{self.x}"

    def value(self, place: float) -> float:
        """Return the x at a place on the axis: steps, or seconds."""
        return float(10**place) if self.log_x else place

    @property
    def last_step(self) -> int | None:
        """Where the longest curve that is drawn ends; None over time."""
        if self.x != "step" or self.comparison is None:
            return None
        drawn = [run for row in self.rows if row.drawn for run in row.runs] or self.comparison.runs
        return max(map(_last_step, drawn), default=0)

    @property
    def fields(self) -> list[str]:
        """The settings in which the runs that are drawn differ, the most telling first."""
        return scatter_fields([run for row in self.rows if row.drawn for run in row.runs])

    @property
    def facts(self) -> tuple[str, ...]:
        """What is being compared, the most important first."""
        comparison = self.comparison
        if comparison is None:
            return ()
        base = next((row for row in self.rows if row.baseline), None)
        facts = [note for note in notes_of(self.rows) if note.startswith("different")]
        facts += ["not one measure"] if comparison.measures.startswith("not one measure") else []
        if base is not None and len(self.rows) > 1:
            named = f"{base.look.sign} {display.literal(base.name)}"
            facts.append(f"Δ from {named}" if base.measured else f"no Δ: {named} has no value")
        if any(value is not None and math.isnan(value) for row in self.rows for value in (row.final, row.best)):
            facts.append("NaN: runs without a value rank worst")
        facts += [comparison.part.strip()] if comparison.part else []
        facts.append(formatting.count(len(comparison.runs), "run"))
        return (*facts, f"{comparison.direction} is better") if comparison.direction else tuple(facts)

    @property
    def why_empty(self) -> str:
        """Why there is no curve."""
        if self.comparison is None or not self.comparison.metrics:
            return "These runs have no metrics yet"
        if self.rows and not any(row.drawn for row in self.rows):
            return "Every run is hidden: space shows the one under the cursor"
        return f"No values of {self.comparison.metric} here; m shows another metric"

    def shown(
        self, *, log_y: bool, x_range: tuple[float, float] | None, smoothing: float, limits: Limits | None,
        leave_out: bool,
    ) -> Shown | None:  # fmt: skip
        """Return everything that decides what is seen, on a chart that is set like this; None before a reading.

        x_range: places on the axis.
        """
        if self.comparison is None:
            return None
        if x_range is not None:
            x_range = self.value(x_range[0]), self.value(x_range[1])
        return Shown(
            self.comparison, self.rows, self.x, log_y=log_y, x_range=x_range, field=self.field, of_best=self.of_best,
            smoothing=smoothing, limits=limits, leave_out=leave_out, log_x=self.log_x,
        )  # fmt: skip

    @property
    def to_test(self) -> tuple[object, ...] | None:
        """What a test of the groups rests on, to be worked out again when it changes; None with no groups to test."""
        comparison, groups = self.comparison, [row for row in self.rows if row.kind == "group"]
        if comparison is None or comparison.direction is None or len(groups) < 2:
            return None
        return tuple((row.key, row.baseline, tuple(values_of(row, comparison.direction))) for row in self.rows)

    def said_of(self, row: Row) -> str:
        """Say in a sentence how a group did beside the baseline, of that itself how the first of the others did."""
        base = next((one for one in self.rows if one.baseline), None)
        if row is base:
            # Nothing is said of it beside itself: of the first that there is.
            row = next((one for one in self.rows if one is not base and one.key in self.tested), row)
        told = self.tested.get(row.key) if row.kind == "group" else None
        if base is None or told is None or told.against is None or base.kind != "group":
            return ""
        return sentence(row.name, base.name, told.against)

    # What a person does

    def take_runs(self, ids: Sequence[str]) -> None:
        """Compare these runs. Ids begin with their date: rows stand in the order in which the runs were made."""
        self.ids = sorted(set(ids))

    def without(self, row: Row) -> list[str]:
        """Return the runs but those of a row."""
        gone = {run.id for run in row.runs}
        return [id for id in self.ids if id not in gone]

    def make_rows(self, at: float | None) -> None:
        """Make the rows as they are asked for, with their values at `at`."""
        if self.comparison is not None:
            self.rows = rows_of(
                self.comparison, unfolded=self._unfolded, hidden=self._hidden, baseline=self.baseline, at=at, x=self.x,
                best_first=self.best_first,
            )  # fmt: skip

    def next_metric(self, direction: int) -> str | None:
        """Return the metric after, or before, the one that is compared."""
        comparison = self.comparison
        if comparison is None or not comparison.metrics:
            return None
        metrics = comparison.metrics
        place = metrics.index(comparison.metric) if comparison.metric in metrics else -direction
        return metrics[(place + direction) % len(metrics)]

    def next_field(self, shown: Shown, direction: int) -> str | None:
        """Return the setting after, or before, that of the scatter."""
        fields = self.fields
        now = scatter_field(shown)
        return fields[((fields.index(now) if now in fields else -1) + direction) % len(fields)] if fields else None

    def hide(self, key: str) -> None:
        """Hide a row, or show it again."""
        self._hidden ^= {key}

    def show_only(self, row: Row) -> None:
        """Hide all rows but this one and the baseline; again, show all."""
        others = {other.key for other in self.rows if other.key != row.key and not other.baseline}
        self._hidden = set() if self._hidden == others else others

    def unfold(self, row: Row) -> str | None:
        """Show the runs of a row's group, or fold them again; return the group's key, None where there is no group."""
        if row.kind == "run":
            return None
        group = f"group:{row.runs[0].summary.group}"
        self._unfolded ^= {group}
        return group


def _last_step(run: RunData) -> int:
    """Where a run's curve ends; a fork without points of its own has its parent's."""
    return run.final[0] if run.final else int(run.curve.x[-1]) if run.curve.x.size else 0

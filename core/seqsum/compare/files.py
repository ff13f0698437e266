"""What a comparison shows, as the content of a file: the same for the screen and the command line."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from seqsum.compare.axis import field_axis
from seqsum.compare.fields import SEED, differing_fields, texts_of
from seqsum.compare.looks import Look
from seqsum.compare.plot import curves_picture, scatter_picture
from seqsum.compare.reader import Comparison, RunData
from seqsum.compare.rows import Row, XKind
from seqsum.compare.tables import curves_table, differences_table, scatter_table, summary_table, unique_names
from seqsum.errors import UserError
from seqsum.export.table import as_csv
from seqsum.plotting import picture_file
from seqsum.plotting.axes import ValueAxis
from seqsum.plotting.y_range import Limits
from seqsum.text import printable

FORMATS = ("csv", *picture_file.FORMATS)
Part = Literal["table", "curves", "config", "scatter"]


@dataclass(frozen=True, eq=False)
class Shown:
    """Everything that decides what is seen of a comparison.

    field: the setting of the scatter; None takes the first number in which the runs differ.
    of_best: the scatter shows best values, not last ones.
    x_range: the stretch of x that is shown, or None for all of it.
    smoothing: how many steps curves are smoothed over.
    limits, leave_out: the ends of y, and whether outliers are left out.
    log_x: the curves stand over a logarithmic x.
    """

    comparison: Comparison
    rows: Sequence[Row]
    x: XKind = "step"
    log_y: bool = False
    x_range: tuple[float, float] | None = None
    field: str | None = None
    of_best: bool = False
    smoothing: float = 0.0
    limits: Limits | None = None
    leave_out: bool = False
    log_x: bool = False

    @property
    def drawn(self) -> list[Row]:
        """The rows that can be seen as curves: folded groups, members of unfolded ones, runs; without the hidden."""
        return [row for row in self.rows if row.drawn]

    @property
    def runs(self) -> list[tuple[RunData, Look]]:
        """The runs of these rows; those of a folded group have its look."""
        return [(run, row.look) for row in self.drawn for run in row.runs]

    @property
    def differences(self) -> dict[str, tuple[str, ...]]:
        """What the rows that are drawn were set to, where they differ."""
        seeds = all(row.kind == "run" for row in self.drawn)
        return differing_fields([texts_of([run.fields for run in row.runs]) for row in self.drawn], seeds=seeds)


def content(shown: Shown, part: Part, format: str) -> tuple[bytes, list[str]]:
    """Return a part of a comparison as csv, svg, png or pdf, and what a person should hear of it.

    Raises UserError when there is nothing to show, or no picture of that part.
    """
    if format == "csv":
        return _csv(shown, part).encode("utf-8", "backslashreplace"), []
    if part not in ("curves", "scatter"):
        raise UserError(f"compare: {part} is no picture; choose csv, or curves or scatter")
    axis = ValueAxis(shown.log_y, shown.limits, shown.leave_out)
    if part == "curves":
        picture = curves_picture(
            shown.comparison, shown.rows, shown.x, axis, x_range=shown.x_range, smoothing=shown.smoothing,
            log_x=shown.log_x,
        )  # fmt: skip
    else:
        field = scatter_field(shown)
        picture = scatter_picture(shown.comparison, shown.runs, field, axis, of_best=shown.of_best)
    return picture_file.written(picture, format)


def scatter_field(shown: Shown) -> str:
    """Return the setting a scatter is drawn over; raise UserError when no run has it, or the runs differ in none."""
    if shown.field is not None:
        if not any(shown.field in run.fields for run, _ in shown.runs):
            raise UserError(
                f'compare: no run has a field "{printable(shown.field)}"; write section.field, e.g. optim.lr'
            )
        return shown.field
    choices = scatter_fields([run for run, _ in shown.runs])
    if not choices:
        raise UserError("compare: the runs differ in no setting; choose others, or name one with --field")
    return choices[0]


def scatter_fields(runs: Sequence[RunData]) -> list[str]:
    """Return the settings in which runs differ, the most telling first: numbers that split the runs most evenly."""

    def place(path: str) -> tuple[bool, bool, float]:
        axis = field_axis([run.fields.get(path) for run in runs])
        minor = path == SEED or path.startswith("run.")
        # Entropy: many values, and none that nearly all runs share.
        shares = [count / len(runs) for count in Counter(axis.places).values()]
        return minor, axis.kind == "names", sum(share * math.log(share) for share in shares)

    return sorted(differing_fields([texts_of([run.fields]) for run in runs]), key=place)


def _csv(shown: Shown, part: Part) -> str:
    if part == "table":
        return as_csv(summary_table(shown.comparison, [row for row in shown.rows if not row.hidden]))
    if part == "curves":
        return as_csv(curves_table(shown.rows, shown.x, shown.x_range, shown.smoothing))
    if part == "config":
        return as_csv(differences_table(shown.differences, unique_names(shown.drawn)))
    runs = [run for run, _ in shown.runs]
    return as_csv(scatter_table(shown.comparison, runs, scatter_field(shown), shown.of_best))

"""The scatter of a comparison: a metric over a setting, a point for each run with its row's sign and colour."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from seqsum.compare import field_axis
from seqsum.compare.axis import medians, scatter_notes
from seqsum.compare.files import scatter_field
from seqsum.errors import UserError
from seqsum_tui.charts.palette import series_colour
from seqsum_tui.charts.scatter import Cloud, Scatter
from seqsum_tui.shared import display

if TYPE_CHECKING:
    from seqsum.compare.files import Shown

TICK_CELLS = 9


class SettingScatter(Scatter):
    """Says what to do while there is nothing to show."""

    def show(self, shown: Shown, chosen: str | None) -> None:
        """Show the points of what is drawn; those of the chosen row stand out."""
        metric, way = shown.comparison.metric, "best" if shown.of_best else "final"
        self.chosen = chosen
        try:
            field = scatter_field(shown)
        except UserError:
            self.title = metric
            self.set_empty("These runs differ in no setting: a adds others")
            self.set_clouds((), (0.0, 1.0), ())
            return
        runs = [run for run, _ in shown.runs]
        axis = field_axis([run.fields.get(field) for run in runs])
        places = dict(zip((run.id for run in runs), axis.places, strict=True))
        clouds, broken = [], 0
        for row in shown.drawn:
            own = []
            for run in row.runs:
                point = run.best if shown.of_best else run.final
                if point is not None:
                    own.append((places[run.id], point[1]))
            broken += len(row.runs) - sum(math.isfinite(value) for _, value in own)
            clouds.append(Cloud(row.key, row.look.sign, series_colour(row.look.hue, self.app).css, tuple(own)))
        low, high = min(axis.places), max(axis.places)
        margin = 0.5 if axis.kind == "names" else 0.06 * (high - low) or 0.5
        span = low - margin, high + margin
        direction, of_best = shown.comparison.direction, shown.of_best
        middle = medians(axis.places, runs, direction, of_best=of_best) if axis.kind != "names" else []
        notes = ["log x"] if axis.kind == "log" else []
        notes += scatter_notes(runs, broken, bool(middle))
        self.title = f"{way} {metric} over {display.literal(field)}"
        self.set_empty(f"No {way} values of {metric}")
        self.set_clouds(clouds, span, axis.ticks(*span, max(self.size.width // TICK_CELLS, 2)), middle, notes)

"""The curves of a comparison. The table beside it is its legend: signs, names and values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from textual.binding import BindingType

from seqsum.compare.spread import curve_notes
from seqsum_tui.charts import Band, Chart, Series
from seqsum_tui.charts.legend import Entry, Note
from seqsum_tui.charts.palette import series_colour
from seqsum_tui.charts.plot import Layer

if TYPE_CHECKING:
    from seqsum.compare import Row


class CompareChart(Chart, can_focus=False, inherit_bindings=False):
    """Its keys are the screen's, so that they work wherever the cursor is."""

    BINDINGS: ClassVar[list[BindingType]] = []
    _counted: Sequence[str] = ()

    def show(self, rows: Sequence[Row], chosen: str | None) -> None:
        """Draw these rows; the chosen one lies on top."""
        drawn = sorted((row for row in rows if row.drawn), key=lambda row: row.key == chosen)
        series, bands = [], []
        for row in drawn:
            colour = series_colour(row.look.hue, self.app).css
            group = row.kind == "group"
            low, high = (None, None) if group else (row.low, row.high)
            series.append(
                Series(
                    row.key, row.x, row.y, low, high, sign=row.look.sign, colour=colour, thinned=row.buckets,
                    steps=row.steps,
                )
            )  # fmt: skip
            if group:
                bands.append(Band(row.key, row.x, row.low, row.high))
        self._counted = curve_notes(sum(row.carried for row in drawn), sum(row.broken for row in drawn))
        self.set_bands(bands)
        self.set_series(series)

    def _told(self) -> list[Note]:
        return [*super()._told(), *((note,) for note in self._counted)]

    def _entries(self, layers: Sequence[Layer]) -> list[Entry]:
        return []

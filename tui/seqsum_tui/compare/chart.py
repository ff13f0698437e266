"""The curves of a comparison. The table beside it is its legend: signs, names and values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from textual.binding import BindingType

from seqsum import formatting
from seqsum.compare.spread import curve_notes
from seqsum_tui.charts import Band, Chart, Series
from seqsum_tui.charts.legend import Entry, Note
from seqsum_tui.charts.line_ends import LineEnd
from seqsum_tui.charts.palette import series_colour
from seqsum_tui.charts.plot import Layer
from seqsum_tui.charts.text import shorten_name
from seqsum_tui.shared import display
from seqsum_tui.shared.key_words import keys_note

if TYPE_CHECKING:
    from seqsum.compare import Row

LONGEST_NAME = 16
KEYS = tuple((f"compare.{id}", does) for id, does in (
    ("metric", "metric"), ("time", "time"), ("log_x", "log x"), ("log_y", "log y"), ("smooth", "smooth"),
))  # fmt: skip
"""What is done with the chart, for its frame."""


class CompareChart(Chart, can_focus=False, inherit_bindings=False):
    """Its keys are the screen's, so that they work wherever the cursor is."""

    BINDINGS: ClassVar[list[BindingType]] = []
    _counted: Sequence[str] = ()
    _rows: Mapping[str, Row] = {}

    def show(self, rows: Sequence[Row], chosen: str | None, *, log_x: bool = False) -> None:
        """Draw these rows; the chosen one lies on top. log_x: over the exponents of their x, where that is above 0."""
        drawn = sorted((row for row in rows if row.drawn), key=lambda row: row.key == chosen)
        series, bands = [], []
        for row in drawn:
            colour = series_colour(row.look.hue, self.app).css
            group = row.kind == "group"
            kept = np.flatnonzero(row.x > 0) if log_x else slice(None)
            x = np.log10(row.x[kept]) if log_x else row.x
            y, low, high = row.y[kept], row.low[kept], row.high[kept]
            buckets = row.buckets if row.buckets is None or isinstance(kept, slice) else row.buckets.where(kept)
            # Smoothing goes by steps, whatever the axis.
            steps = (row.x if row.steps is None else row.steps)[kept]
            series.append(
                Series(
                    row.key, x, y, None if group else low, None if group else high, sign=row.look.sign, colour=colour,
                    thinned=buckets, steps=steps,
                )
            )  # fmt: skip
            if group:
                bands.append(Band(row.key, x, low, high))
        self._rows = {row.key: row for row in drawn}
        self._counted = curve_notes(sum(row.carried for row in drawn), sum(row.broken for row in drawn))
        self.set_bands(bands)
        self.set_series(series)

    def _told(self) -> list[Note]:
        return [*super()._told(), *((note,) for note in self._counted)]

    def _told_in_frame(self) -> list[Note]:
        return [*self._told(), keys_note(self.app, KEYS)]

    def tag(self, end: LineEnd) -> str:
        """A row's name and how many runs it has, as in the table, and its value."""
        row = self._rows[end.layer.series.name]
        name = shorten_name(display.literal(row.name), LONGEST_NAME)
        return f"{f'{name} {row.size}'.strip()} {formatting.metric(self.title, float(end.layer.shown[end.at]))}"

    def _entries(self, layers: Sequence[Layer]) -> list[Entry]:
        return []

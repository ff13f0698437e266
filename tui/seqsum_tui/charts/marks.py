"""Marks on a chart: what happened, each at its x. A run that trains fast has thousands of checkpoints among them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
from rich.cells import cell_len

from seqsum.text import shown
from seqsum_tui.charts.axes import Layout
from seqsum_tui.charts.canvas import Canvas
from seqsum_tui.charts.palette import MARK_SIGNS, OTHER_MARK_SIGN
from seqsum_tui.charts.plot import BAND, MARK, MARK_SIGN
from seqsum_tui.charts.raster import View
from seqsum_tui.charts.series import Floats, Mark

QUIET_KINDS = {"checkpoint"}
QUIET_APART = 4
"""Quiet marks stand at least so many cells apart; of those that come closer the newest shows."""
LONGEST_LABEL = 40


@dataclass(frozen=True, eq=False)
class PlacedMarks:
    """Marks, made ready to be painted again and again: those that come seldom (`loud`), and those that come often."""

    loud: tuple[Mark, ...] = ()
    quiet: tuple[Mark, ...] = ()
    quiet_x: Floats = field(default_factory=lambda: np.zeros(0), repr=False)

    @classmethod
    def of(cls, marks: Iterable[Mark]) -> PlacedMarks:
        """Sort marks into the two kinds, each in the order given."""
        loud: list[Mark] = []
        quiet: list[Mark] = []
        for mark in marks:
            (quiet if mark.kind in QUIET_KINDS else loud).append(mark)
        places = np.fromiter((mark.x for mark in quiet), np.float64, len(quiet))
        return cls(tuple(loud), tuple(quiet), places)

    def at(self, x: float, view: View) -> list[Mark]:
        """Return the marks in the column of `x`: those that come seldom, else one of the others."""
        column = view.cell_column(x)
        loud = [mark for mark in self.loud if view.cell_column(mark.x) == column]
        if loud:
            return loud
        places = np.flatnonzero(view.cell_columns(self.quiet_x) == column)
        return [self.quiet[int(places[-1])]] if places.size else []

    def quiet_in(self, view: View) -> dict[int, Mark]:
        """Return column → the quiet mark shown there: the newest, and of the others those that leave it its room."""
        inside = np.flatnonzero((self.quiet_x >= view.x0) & (self.quiet_x <= view.x1))
        columns, first = np.unique(view.cell_columns(self.quiet_x[inside])[::-1], return_index=True)
        kept: dict[int, Mark] = {}
        for column, at in zip(columns[::-1].tolist(), first[::-1].tolist(), strict=True):
            if not kept or min(kept) - column >= QUIET_APART:
                kept[column] = self.quiet[int(inside[-1 - at])]
        return kept

    def left_out(self, view: View) -> bool:
        """Whether there are quiet marks in view that are not shown."""
        inside = np.count_nonzero((self.quiet_x >= view.x0) & (self.quiet_x <= view.x1))
        return bool(inside > 1 and inside > len(self.quiet_in(view)))


def mark_sign(mark: Mark) -> str:
    """Return the one-cell sign of a mark."""
    sign = shown(mark.sign)
    if len(sign) == 1 and cell_len(sign) == 1:
        return sign
    return MARK_SIGNS.get(mark.kind, OTHER_MARK_SIGN)


def paint_marks(canvas: Canvas, layout: Layout, view: View, marks: PlacedMarks) -> None:
    """Draw each mark's sign at the top, a dotted line below it, and its label where nothing else is.

    Checkpoints come often: theirs is a sign on the axis line only, some cells apart, and nothing where there is no room
    for that line. Of several marks in one column the last one that is not a checkpoint shows. Plots of less than three
    rows have none.
    """
    if layout.plot_height < 3:
        return
    loud = {view.cell_column(mark.x): mark for mark in marks.loud if view.x0 <= mark.x <= view.x1}
    left = layout.gutter
    if layout.axis_row is not None:
        # Where there are more of them than shown, the ticks say more.
        crowded = marks.left_out(view)
        for column, mark in marks.quiet_in(view).items():
            if column not in loud and not (crowded and canvas.codes[layout.axis_row, left + column] == ord("┬")):
                canvas.put(layout.axis_row, left + column, mark_sign(mark), MARK_SIGN)
    for column, mark in loud.items():
        for row in range(1, layout.plot_height):
            if canvas.inks[row, left + column] <= BAND:
                canvas.put(row, left + column, "┊", MARK)
        canvas.put(0, left + column, mark_sign(mark), MARK_SIGN)
    for column, mark in loud.items():
        label = shown(mark.label)
        words = label.split()
        # Whole words, so that none is half of another; and beside the sign, on the side where there is room.
        for text in (label, *(f"{' '.join(words[:count]).rstrip(':,')}…" for count in range(len(words) - 1, 0, -1))):
            cells = cell_len(text)
            # Beside the sign, and two cells from what stands on the other side.
            after, before = column + 2, column - 1 - cells
            for start, first, last in ((after, after - 1, after + cells + 2), (before, before - 2, column)):
                inside = start >= 0 and start + cells <= layout.plot_width and 4 <= cells <= LONGEST_LABEL
                if inside and canvas.free(0, 1, left + max(first, 0), left + last):
                    canvas.text(0, left + start, text, MARK)
                    break
            else:
                continue
            break

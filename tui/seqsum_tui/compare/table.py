"""The table under the curves: a line for each run or group, which is also the chart's legend."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.cells import cell_len
from rich.style import Style
from textual.binding import BindingType
from textual.message import Message

from seqsum.compare import Comparison, Row
from seqsum.compare.significance import Tested
from seqsum_tui.charts.palette import series_colour
from seqsum_tui.charts.text import shorten_name
from seqsum_tui.compare.columns import LUXURIES, RowColumn, columns_of
from seqsum_tui.shared import bindings, display
from seqsum_tui.shared.columns import fitting
from seqsum_tui.shared.line_table import ColumnTable, Piece


class CompareTable(ColumnTable[Row, RowColumn]):
    """A click on the sign of a row hides or shows it."""

    SIGN_CELLS = 3
    COMPONENT_CLASSES: ClassVar[set[str]] = {"line-table--better", "line-table--worse"}
    BINDINGS: ClassVar[list[BindingType]] = bindings.COMPARE_TABLE
    DEFAULT_CSS = """
    CompareTable {
        & > .line-table--better { color: $text-success; }
        & > .line-table--worse { color: $text-error; }
    }
    """

    @dataclass
    class Toggled(Message):
        """A person clicked the sign of a row: hide or show it."""

        key: str

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._columns: list[RowColumn] = []
        self._direction: str | None = None

    def show(
        self, comparison: Comparison, rows: Sequence[Row], at: str | None, tested: Mapping[str, Tested] | None = None
    ) -> None:
        """Show these rows; `at` says in words where the chart's cursor stands, `tested` how sure differences are."""
        self._direction = comparison.direction
        self._columns = columns_of(comparison.metric, rows, at, tested)
        self.take_width()
        self.replace(rows)

    def take_width(self) -> None:
        """Choose the columns that fit."""
        self.places = fitting(self._columns, self.size.width - 2 * self.GUTTER, LUXURIES)

    def sign_clicked(self, index: int) -> None:
        """Have the row hidden or shown."""
        self.post_message(self.Toggled(self.lines[index].key))

    def cell(self, row: Row, column: RowColumn, width: int) -> Iterable[Piece]:
        """A name with its sign, or a text."""
        quiet = self.style_of("quiet") if row.hidden else Style()
        if column.key == "name":
            return self._run_cell(row, width, quiet)
        text = column.text(row)
        return [(column.fitted(text, width), self._judged(text) if column.judged and not row.hidden else quiet)]

    def _run_cell(self, row: Row, width: int, quiet: Style) -> list[Piece]:
        sign = "·" if row.hidden else row.look.sign if row.drawn else "▾"
        colour = series_colour(row.look.hue, self.app).rich_color
        ink = quiet if row.hidden or not row.drawn else Style(color=colour, bold=True)
        lead = "  " if row.kind == "member" else ""
        tail = f" {row.size}" if row.kind == "group" else ""
        room = width - 2 - len(lead) - len(tail)
        text = display.literal(row.name)
        # Cut in the middle: names of runs differ at their ends.
        shown = shorten_name(text, room)
        rest = " " * (room - cell_len(shown))
        group = Style(italic=row.kind == "group")
        return [(lead, Style()), (f"{sign} ", ink), (shown, quiet + group), (tail + rest, quiet)]

    def _judged(self, text: str) -> Style:
        """Better than the baseline, or worse; the number's own sign says it without colour."""
        if self._direction is None or text[:1] not in "+-" or not any(digit in text for digit in "123456789"):
            return Style()
        better = (text[0] == "+") == (self._direction == "higher")
        return self.style_of("better" if better else "worse")

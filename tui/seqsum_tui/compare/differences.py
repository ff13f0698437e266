"""The settings in which runs differ: a line for each field, a column for each run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING, ClassVar

from rich.cells import cell_len
from rich.style import Style
from textual import events
from textual.binding import BindingType

from seqsum.config import as_shown
from seqsum_tui.charts.palette import series_colour
from seqsum_tui.charts.text import shorten_name
from seqsum_tui.shared import bindings, display
from seqsum_tui.shared.line_table import LineTable, Piece

if TYPE_CHECKING:
    from seqsum.compare import Row

PADDING, GAP = 1, 2
NARROWEST, NARROW_WIDEST, WIDEST = 8, 14, 22
NOTHING = {
    0: "No run is shown: space shows the one under the cursor.",
    1: "One run differs from nothing: a adds others.",
}
SAME = "These runs differ in no setting; seeds within a group, names and tags are left out."


@dataclass(frozen=True)
class Setting:
    """A line: the name of a setting, or of a value of the metric, and what it is in each run."""

    key: str
    texts: tuple[str, ...]


class DifferencesView(LineTable[Setting]):
    """Fields stay in view while one moves to runs on the right. What differs from the baseline is bold."""

    HEADING_ROWS = 1
    COMPONENT_CLASSES: ClassVar[set[str]] = {"line-table--field"}
    BINDINGS: ClassVar[list[BindingType]] = bindings.DIFFERENCES
    DEFAULT_CSS = """
    DifferencesView { scrollbar-size-vertical: 0; }
    DifferencesView > .line-table--field { color: $foreground-muted; }
    """

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._rows: tuple[Row, ...] = ()
        self._note = ""
        self._first = self._base = 0

    @property
    def needed(self) -> int:
        """The lines that show everything."""
        return len(self.lines) + 1

    def show(
        self, rows: Sequence[Row], differences: Mapping[str, Sequence[str]], values: Mapping[str, Sequence[str]]
    ) -> None:
        """Show these rows' settings, below lines of `values` of the metric."""
        self._rows = tuple(rows)
        self._base = next((place for place, row in enumerate(rows) if row.baseline), 0)
        self._note = "" if differences else NOTHING.get(len(rows), SAME)
        both = {**values, **differences}
        told = ((name, tuple(display.literal(as_shown(name, text)) for text in texts)) for name, texts in both.items())
        self.replace([Setting(name, texts) for name, texts in told])
        self.action_scroll(0, 0)

    def action_scroll(self, lines: int, columns: int) -> None:
        """Move by lines and by runs."""
        self.scroll_relative(y=lines, animate=False, immediate=True)
        self._first += columns
        self.take_width()
        self.refresh_changed()

    def on_click(self, event: events.Click) -> None:
        """No line is chosen here."""
        event.prevent_default()

    def take_width(self) -> None:
        """Have as many runs in view as fit."""
        self._first = max(0, min(self._first, len(self._rows) - 1))
        while self._first and self._shown_from(self._first - 1) == len(self._rows):
            self._first -= 1

    # Drawing

    @property
    def _field_width(self) -> int:
        longest = max((cell_len(line.key) for line in self.lines), default=5)
        return min(longest, max(12, self.size.width * 2 // 5))

    def _width(self, place: int) -> int:
        widest = WIDEST if self.size.width >= 100 else NARROW_WIDEST
        name = cell_len(display.literal(self._rows[place].name)) + 2
        return min(max([NARROWEST, name, *(cell_len(line.texts[place]) for line in self.lines)]), widest)

    def _shown_from(self, first: int) -> int:
        """Return the place after the last run that fits when `first` is the leftmost."""
        room = self.size.width - 2 * PADDING - self._field_width
        ends = list(accumulate(GAP + self._width(place) for place in range(first, len(self._rows))))
        if ends and ends[-1] > room:
            # How many more there are needs some.
            room -= len(self._more(len(ends)))
        return first + max(sum(end <= room for end in ends), min(1, len(ends)))

    def _more(self, runs: int) -> str:
        return f"  +{runs}›"

    @property
    def _shown(self) -> range:
        """The places of the runs that are in view."""
        return range(self._first, self._shown_from(self._first))

    def heading(self) -> Iterable[Piece]:
        """The runs, each with its sign."""
        before = f"‹ {self._first} more" if self._first else "field"
        yield " " * PADDING, Style()
        yield display.fit(before, self._field_width), Style()
        for place in self._shown:
            row, width = self._rows[place], self._width(place) - 2
            name = display.fit(shorten_name(display.literal(row.name), width), width)
            yield " " * GAP, Style()
            yield f"{row.look.sign} ", Style(color=series_colour(row.look.hue, self.app).rich_color, bold=True)
            yield name, Style(bold=row.baseline)
        if after := len(self._rows) - self._shown.stop:
            yield self._more(after), Style()

    def pieces(self, line: Setting) -> Iterable[Piece]:
        """A setting, and what it is in each run."""
        yield " " * PADDING, Style()
        yield display.fit(display.literal(line.key), self._field_width), self.style_of("field")
        for place in self._shown:
            equal = line.texts[place] == line.texts[self._base]
            ink = self.style_of("quiet") if equal and place != self._base else Style(bold=not equal)
            yield " " * GAP, Style()
            yield display.fit(line.texts[place], self._width(place)), ink

    def over(self, index: int) -> Style:
        """There is no cursor."""
        return Style()

    def note(self, y: int) -> Iterable[Piece]:
        """Say why there is nothing."""
        return [(f" {self._note}", Style())] if y == self.HEADING_ROWS + len(self.lines) - self.scroll_offset.y else []

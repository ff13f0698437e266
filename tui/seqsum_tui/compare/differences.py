"""The settings in which runs differ: a line for each field, a column for each run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.binding import BindingType
from textual.strip import Strip
from textual.widget import Widget

from seqsum_tui.charts.text import shorten_middle
from seqsum_tui.compare.looks import look_ink
from seqsum_tui.shared import bindings, display

if TYPE_CHECKING:
    from seqsum.compare import Row

PADDING, GAP = 1, 2
NARROWEST, NARROW_WIDEST, WIDEST = 8, 14, 22
NOTHING = {
    0: "No run is shown: space shows the one under the cursor.",
    1: "One run differs from nothing: a adds others.",
}
SAME = "These runs differ in no setting; seeds within a group, names and tags are left out."


class DifferencesView(Widget, can_focus=True):
    """Fields stay in view while one moves to runs on the right. What differs from the baseline is bold."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"differences--heading", "differences--same", "differences--field"}
    BINDINGS: ClassVar[list[BindingType]] = bindings.DIFFERENCES
    DEFAULT_CSS = """
    DifferencesView {
        height: 1fr;
        & > .differences--heading { color: $foreground 60%; background: $panel; }
        & > .differences--field { color: $foreground 75%; }
        & > .differences--same { color: $foreground 60%; }
    }
    """

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._rows: tuple[Row, ...] = ()
        self._lines: list[tuple[str, tuple[str, ...]]] = []
        self._note = ""
        self._top = self._first = self._base = 0

    @property
    def needed(self) -> int:
        """The lines that show everything."""
        return len(self._lines) + 1

    def show(
        self, rows: Sequence[Row], differences: Mapping[str, Sequence[str]], values: Mapping[str, Sequence[str]]
    ) -> None:
        """Show these rows' settings, below lines of `values` of the metric."""
        before = [row.key for row in self._rows], self._lines, self._base
        self._rows = tuple(rows)
        self._base = next((place for place, row in enumerate(rows) if row.baseline), 0)
        self._lines = [(name, tuple(map(display.literal, texts))) for name, texts in {**values, **differences}.items()]
        self._note = "" if differences else NOTHING.get(len(rows), SAME)
        self._clamp()
        if before != ([row.key for row in rows], self._lines, self._base):
            self.refresh()

    def action_scroll(self, lines: int, columns: int) -> None:
        """Move by lines and by runs."""
        self._top += lines
        self._first += columns
        self._clamp()
        self.refresh()

    def on_resize(self) -> None:
        self._clamp()

    def on_mouse_scroll_down(self) -> None:
        self.action_scroll(1, 0)

    def on_mouse_scroll_up(self) -> None:
        self.action_scroll(-1, 0)

    def _clamp(self) -> None:
        self._top = max(0, min(self._top, self.needed - self.size.height))
        self._first = max(0, min(self._first, len(self._rows) - 1))
        while self._first and self._shown_from(self._first - 1) == len(self._rows):
            self._first -= 1

    def notify_style_update(self) -> None:
        """Take up new colours."""
        super().notify_style_update()
        self.refresh()

    # Drawing

    @property
    def _field_width(self) -> int:
        longest = max((cell_len(name) for name, _ in self._lines), default=5)
        return min(longest, max(12, self.size.width * 2 // 5))

    def _width(self, place: int) -> int:
        texts = [texts[place] for _, texts in self._lines]
        widest = WIDEST if self.size.width >= 100 else NARROW_WIDEST
        name = cell_len(display.literal(self._rows[place].name)) + 2
        return min(max([NARROWEST, name, *map(cell_len, texts)]), widest)

    def _shown_from(self, first: int) -> int:
        """Return the place after the last run that fits when `first` is the leftmost."""
        room = self.size.width - 2 * PADDING - self._field_width - 4
        place = first
        while place < len(self._rows) and (room := room - GAP - self._width(place)) >= 0:
            place += 1
        return max(place, min(first + 1, len(self._rows)))

    def render_line(self, y: int) -> Strip:
        """Draw one line."""
        ground, field_width = self.rich_style, self._field_width
        shown = range(self._first, self._shown_from(self._first))
        cells: list[tuple[str, Style]] = []
        if y == 0:
            style = self.get_component_rich_style("differences--heading")
            ground = ground + Style(color=style.color, bgcolor=style.bgcolor)
            before, after = self._first, len(self._rows) - len(shown) - self._first
            cells.append((display.fit(f"‹ {before} more" if before else "field", field_width), Style()))
            for place in shown:
                row = self._rows[place]
                name = display.fit(
                    shorten_middle(display.literal(row.name), self._width(place) - 2), self._width(place) - 2
                )
                ink = Style(color=look_ink(self.app, row.look), bold=True)
                cells += [(" " * GAP, Style()), (f"{row.look.sign} ", ink), (name, Style(bold=row.baseline))]
            if after:
                cells.append((f"  +{after}›", Style()))
        else:
            index = self._top + y - 1
            if index >= len(self._lines):
                note = self._note if index == len(self._lines) else ""
                return Strip([Segment(f" {note}", ground)]).adjust_cell_length(self.size.width, ground)
            name, texts = self._lines[index]
            field = Style(color=self.get_component_rich_style("differences--field").color)
            same = Style(color=self.get_component_rich_style("differences--same").color)
            cells.append((display.fit(display.literal(name), field_width), field))
            for place in shown:
                equal = texts[place] == texts[self._base]
                ink = same if equal and place != self._base else Style(bold=not equal)
                cells += [(" " * GAP, Style()), (display.fit(texts[place], self._width(place)), ink)]
        segments = [Segment(" " * PADDING, ground), *(Segment(text, ground + style) for text, style in cells)]
        return Strip(segments).adjust_cell_length(self.size.width, ground)

"""The table under the curves: a line for each run or group, which is also the chart's legend."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from seqsum_tui.charts.text import shorten_middle
from seqsum_tui.compare.columns import Column, arrange, columns_of
from seqsum_tui.compare.looks import look_ink
from seqsum_tui.shared import bindings, display

if TYPE_CHECKING:
    from seqsum.compare import Comparison, Row

HEADING_ROWS = 1
PADDING = 1


class CompareTable(ScrollView, can_focus=True):
    """The cursor stands on a row by its key, and stays on it when others come, go or change places."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "compare--heading",
        "compare--cursor",
        "compare--quiet",
        "compare--better",
        "compare--worse",
    }
    BINDINGS: ClassVar[list[BindingType]] = bindings.COMPARE_TABLE
    DEFAULT_CSS = """
    CompareTable {
        height: 1fr;
        overflow-x: hidden;
        scrollbar-size-vertical: 1;
        & > .compare--heading { color: $foreground 60%; background: $panel; }
        & > .compare--cursor { background: $primary-muted; text-style: bold; }
        & > .compare--quiet { color: $foreground 60%; }
        & > .compare--better { color: $text-success; }
        & > .compare--worse { color: $text-error; }
    }
    """

    class Highlighted(Message):
        """The cursor came to another row."""

    class Opened(Message):
        """A person double-clicked the row under the cursor."""

    class Toggled(Message):
        """A person clicked the sign of a row: hide or show it."""

        def __init__(self, key: str) -> None:
            super().__init__()
            self.key = key

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._rows: tuple[Row, ...] = ()
        self._columns: list[Column] = []
        self._places: list[tuple[Column, int]] = []
        self._direction: str | None = None
        self._cursor = 0
        self._drawn: dict[int, Strip] = {}

    @property
    def selected(self) -> Row | None:
        """The row under the cursor."""
        return self._rows[self._cursor] if self._rows else None

    @property
    def rows(self) -> tuple[Row, ...]:
        """The rows that are shown."""
        return self._rows

    def show(self, comparison: Comparison, rows: Sequence[Row], at: str | None) -> None:
        """Show these rows; `at` says in words where the chart's cursor stands."""
        chosen = self.selected
        self._rows, self._direction = tuple(rows), comparison.direction
        self._columns = columns_of(comparison.metric, rows, at)
        self._places = arrange(self._columns, self.size.width - 2 * PADDING)
        self.virtual_size = Size(self.size.width, len(rows) + HEADING_ROWS)
        keys = [row.key for row in rows]
        if chosen is not None and chosen.key in keys:
            self._cursor = keys.index(chosen.key)
        else:
            self._cursor = min(self._cursor, max(len(keys) - 1, 0))
        self._keep_in_view()
        self._refresh_changed()

    def _refresh_changed(self) -> None:
        """Paint only lines that differ: a comparison that grows changes a few numbers at a time."""
        for y in range(self.size.height):
            if self._drawn.get(y) != self._line(y):
                self.refresh(Region(0, y, self.size.width, 1))

    def select(self, key: str) -> None:
        """Put the cursor on a row, if it is there."""
        for index, row in enumerate(self._rows):
            if row.key == key:
                self._move_to(index)

    def action_move(self, lines: int) -> None:
        """Move the cursor by lines; beyond an end it stops there."""
        self._move_to(self._cursor + lines)

    def action_page(self, pages: int) -> None:
        """Move the cursor by screenfuls."""
        self._move_to(self._cursor + pages * max(self.size.height - HEADING_ROWS, 1))

    def action_end(self, direction: int) -> None:
        """Move the cursor to the first (-1) or last (1) row."""
        self._move_to(0 if direction < 0 else len(self._rows) - 1)

    def _move_to(self, index: int) -> None:
        if not self._rows:
            return
        before, self._cursor = self._cursor, min(max(index, 0), len(self._rows) - 1)
        if before != self._cursor:
            self._keep_in_view()
            self._refresh_changed()
            self.post_message(self.Highlighted())

    def _keep_in_view(self) -> None:
        top, room = self.scroll_offset.y, max(self.size.height - HEADING_ROWS, 1)
        if self._cursor < top:
            self.scroll_to(y=self._cursor, animate=False, immediate=True)
        elif self._cursor >= top + room:
            self.scroll_to(y=self._cursor - room + 1, animate=False, immediate=True)

    def on_resize(self) -> None:
        """Choose the columns that fit."""
        self._places = arrange(self._columns, self.size.width - 2 * PADDING)
        self.virtual_size = Size(self.size.width, len(self._rows) + HEADING_ROWS)
        self._keep_in_view()
        self.refresh()

    def on_click(self, event: events.Click) -> None:
        """A click chooses the row, on its sign hides or shows it; a double click opens it."""
        index = event.y - HEADING_ROWS + self.scroll_offset.y
        if event.y < HEADING_ROWS or index >= len(self._rows):
            return
        if event.x <= PADDING + 1:
            self.post_message(self.Toggled(self._rows[index].key))
        elif index == self._cursor and event.chain > 1:
            self.post_message(self.Opened())
        else:
            self._move_to(index)

    def notify_style_update(self) -> None:
        """Take up new colours."""
        super().notify_style_update()
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """Draw one line."""
        self._drawn[y] = line = self._line(y)
        return line

    def _line(self, y: int) -> Strip:
        ground = self.rich_style
        if y < HEADING_ROWS:
            over = self.get_component_rich_style("compare--heading")
            cells = [[(self._fitted(column.heading, column, width), Style())] for column, width in self._places]
            return self._strip(cells, ground + Style(color=over.color, bgcolor=over.bgcolor))
        index = y - HEADING_ROWS + self.scroll_offset.y
        if index >= len(self._rows):
            return Strip.blank(self.size.width, ground)
        row = self._rows[index]
        over = Style()
        if index == self._cursor:
            style = self.get_component_rich_style("compare--cursor")
            over = Style(bgcolor=style.bgcolor, bold=style.bold)
        return self._strip([self._cell(row, column, width) for column, width in self._places], ground + over)

    def _cell(self, row: Row, column: Column, width: int) -> list[tuple[str, Style]]:
        quiet = Style(color=self.get_component_rich_style("compare--quiet").color) if row.hidden else Style()
        if column.kind == "name":
            return self._run_cell(row, width, quiet)
        text = self._fitted(column.text(row), column, width)
        if column.kind == "difference" and not row.hidden:
            return [(text, self._judged(text.strip()))]
        return [(text, quiet)]

    def _run_cell(self, row: Row, width: int, quiet: Style) -> list[tuple[str, Style]]:
        sign = "·" if row.hidden else row.look.sign if row.drawn else "▾"
        ink = quiet if row.hidden or not row.drawn else Style(color=look_ink(self.app, row.look), bold=True)
        lead = "  " if row.kind == "member" else ""
        tail = f" {row.size}" if row.kind == "group" else ""
        room = width - 2 - len(lead) - len(tail)
        text = display.literal(row.name)
        # Cut in the middle: names of runs differ at their ends.
        shown = shorten_middle(text, room)
        rest = " " * (room - cell_len(shown))
        group = Style(italic=row.kind == "group")
        return [(lead, Style()), (f"{sign} ", ink), (shown, quiet + group), (tail + rest, quiet)]

    def _judged(self, text: str) -> Style:
        """Better than the baseline, or worse; the number's own sign says it without colour."""
        if self._direction is None or text[:1] not in "+-" or not any(digit in text for digit in "123456789"):
            return Style()
        better = (text[0] == "+") == (self._direction == "higher")
        return Style(color=self.get_component_rich_style(f"compare--{'better' if better else 'worse'}").color)

    def _fitted(self, text: str, column: Column, width: int) -> str:
        if column.kind == "name":
            return display.fit(f"  {text}", width)
        return display.fit(text, width) if column.key == "status" else display.fit_right(text, width)

    def _strip(self, cells: list[list[tuple[str, Style]]], ground: Style) -> Strip:
        gap = 2 if self.size.width - 2 * PADDING >= 76 else 1
        segments = [Segment(" " * PADDING, ground)]
        for place, pieces in enumerate(cells):
            if place:
                segments.append(Segment(" " * gap, ground))
            segments.extend(Segment(text, ground + style) for text, style in pieces)
        return Strip(segments).adjust_cell_length(self.size.width, ground)

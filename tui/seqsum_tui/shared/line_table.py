"""A table of lines: a cursor that stays on its line, and only lines painted that changed, among thousands."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar, Generic, Protocol, TypeVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from seqsum_tui.shared.columns import C, Place

Piece = tuple[str, Style]


class Keyed(Protocol):
    """A line, by whose key it is found again."""

    @property
    def key(self) -> str: ...


L = TypeVar("L", bound=Keyed)


class LineTable(ScrollView, Generic[L], can_focus=True):
    """One line below the other. The cursor stands on a line's key, not on its place: it stays there when others come
    and go."""

    HEADING_ROWS: ClassVar[int] = 0
    SIGN_CELLS: ClassVar[int] = 0
    """Cells at the left end of a line where a click is not for the cursor, but for the sign that stands there."""
    COMPONENT_CLASSES: ClassVar[set[str]] = {"line-table--heading", "line-table--cursor", "line-table--quiet"}
    DEFAULT_CSS = """
    LineTable {
        height: 1fr;
        overflow-x: hidden;
        scrollbar-size-vertical: 1;
        & > .line-table--heading { color: $foreground-muted; background: $panel; }
        & > .line-table--cursor { background: $primary-muted; text-style: bold; }
        & > .line-table--quiet { color: $foreground-muted; }
    }
    """

    @dataclass
    class Highlighted(Message):
        """The cursor stands on another line (None: there is none)."""

        key: str | None

    @dataclass
    class Chosen(Message):
        """A person chose the line under the cursor."""

        key: str

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.lines: tuple[L, ...] = ()
        self.cursor = 0
        self._wanted: str | None = None
        self._drawn: dict[int, Strip] = {}
        self._styles: dict[tuple[str, ...], Style] = {}

    # Lines

    @property
    def selected(self) -> L | None:
        """The line under the cursor."""
        return self.lines[self.cursor] if self.lines else None

    def find(self, key: str) -> int | None:
        """Return the place of a line, if it is there."""
        return next((index for index, line in enumerate(self.lines) if line.key == key), None)

    def select(self, key: str) -> None:
        """Put the cursor on a line, now or when it is there."""
        self._wanted = key
        index = self.find(key)
        if index is not None:
            self._wanted = None
            self.move_to(index)

    def replace(self, lines: Sequence[L], *, keep_place: bool = False) -> None:
        """Have these lines; cursor and view stay on the lines they were on, and only what differs is painted.

        keep_place: the cursor stays at its place instead.
        """
        before, chosen = self.cursor, self.selected
        self.lines = tuple(lines)
        found = None if chosen is None or keep_place else self.find(chosen.key)
        self.cursor = min(before, max(len(lines) - 1, 0)) if found is None else found
        self._measure()
        key, now_key = chosen and chosen.key, self.lines[self.cursor].key if self.lines else None
        if self.cursor != before or key != now_key:
            if self.scroll_offset.y > 0:
                self._scroll(self.scroll_offset.y + self.cursor - before)
            self._into_view()
        self.refresh_changed()
        if key != now_key:
            self.post_message(self.Highlighted(now_key))
        if self._wanted is not None:
            self.select(self._wanted)

    # Moving

    def action_move(self, lines: int) -> None:
        """Move the cursor by lines; beyond an end it stops there."""
        self.move_to(self.cursor + lines)

    def action_page(self, pages: int) -> None:
        """Move the cursor by screenfuls."""
        self.move_to(self.cursor + pages * max(self._rows_in_view, 1))

    def action_choose(self) -> None:
        """Choose the line under the cursor."""
        if self.lines:
            self.post_message(self.Chosen(self.lines[self.cursor].key))

    def move_to(self, index: int) -> None:
        """Put the cursor on a line by its place; beyond an end it stops there."""
        before, self.cursor = self.cursor, min(max(index, 0), max(len(self.lines) - 1, 0))
        self._into_view()
        if before != self.cursor:
            # Who goes elsewhere does not wait for the line any more.
            self._wanted = None
            self.refresh_at(before)
            self.refresh_at(self.cursor)
            self.post_message(self.Highlighted(self.lines[self.cursor].key))

    @property
    def _rows_in_view(self) -> int:
        return self.size.height - self.HEADING_ROWS

    def _into_view(self) -> None:
        top, rows = self.scroll_offset.y, self._rows_in_view
        if self.cursor < top:
            self._scroll(self.cursor)
        elif self.cursor >= top + rows > top:
            self._scroll(self.cursor - rows + 1)

    def _scroll(self, top: int) -> None:
        self.scroll_to(y=top, animate=False, immediate=True)

    def _measure(self) -> None:
        self.virtual_size = Size(self.size.width, len(self.lines) + self.HEADING_ROWS)

    def on_resize(self) -> None:
        """Keep the cursor in view."""
        self.take_width()
        self._measure()
        self._into_view()

    def take_width(self) -> None:
        """Take up the width there is now."""

    # Mouse

    def index_at(self, y: int) -> int | None:
        """Return which line is drawn there."""
        index = y - self.HEADING_ROWS + self.scroll_offset.y
        return index if y >= self.HEADING_ROWS and index < len(self.lines) else None

    def on_click(self, event: events.Click) -> None:
        """A click moves the cursor there; a second one chooses the line."""
        index = self.index_at(event.y)
        if event.y < self.HEADING_ROWS:
            self.heading_clicked(event.x)
        elif index is not None and event.x < self.SIGN_CELLS:
            self.sign_clicked(index)
        elif index is not None:
            again = index == self.cursor and event.chain > 1
            self.move_to(index)
            if again:
                self.action_choose()

    def heading_clicked(self, x: int) -> None:
        """Do what a click on the heading is for."""

    def sign_clicked(self, index: int) -> None:
        """Do what a click on the sign of a line is for."""

    # Drawing

    def pieces(self, line: L) -> Iterable[Piece]:
        """Return what stands in a line."""
        return [(line.key, Style())]

    def heading(self) -> Iterable[Piece]:
        """Return what stands above all lines."""
        return []

    def over(self, index: int) -> Style:
        """Return what lies over a whole line."""
        return self.style_of("cursor", "bgcolor", "bold") if index == self.cursor else Style()

    def note(self, y: int) -> Iterable[Piece]:
        """Return what stands in a row below the last line."""
        return []

    def render_line(self, y: int) -> Strip:
        """Draw one row."""
        self._drawn[y] = drawn = self._draw(y)
        return drawn

    def _draw(self, y: int) -> Strip:
        index, ground, over = self.index_at(y), self.rich_style, Style()
        if y < self.HEADING_ROWS:
            pieces, ground = self.heading(), ground + self.style_of("heading", "color", "bgcolor", "bold")
        elif index is None:
            pieces = self.note(y)
        else:
            pieces, over = self.pieces(self.lines[index]), self.over(index)
        quiet = self.style_of("quiet").color
        strip = Strip(
            Segment(text, ground + (style.without_color if over and style.color == quiet else style) + over)
            for text, style in pieces
        )
        return strip.adjust_cell_length(self.size.width, ground + over)

    def refresh_changed(self) -> None:
        """Paint the rows that differ from what was drawn there."""
        for y in range(self.size.height):
            drawn = self._draw(y)
            if self._drawn.get(y) != drawn:
                self._drawn[y] = drawn
                self.refresh(Region(0, y, self.size.width, 1))

    def refresh_at(self, index: int) -> None:
        """Paint one line."""
        self.refresh(Region(0, index - self.scroll_offset.y + self.HEADING_ROWS, self.size.width, 1))

    def style_of(self, name: str, *parts: str) -> Style:
        """Return parts of a component class's style, else its colour alone."""
        found = self._styles.get((name, *parts))
        if found is None:
            whole = self.get_component_rich_style(f"line-table--{name}")
            found = Style(**{part: getattr(whole, part) for part in parts or ("color",)})
            self._styles[name, *parts] = found
        return found

    def notify_style_update(self) -> None:
        """Take up new colours."""
        super().notify_style_update()
        self._styles.clear()
        self.refresh()


class ColumnTable(LineTable[L], Generic[L, C]):
    """A table whose lines have columns, with their titles above."""

    HEADING_ROWS = 1
    GUTTER: ClassVar[int] = 1
    """Cells before the first column."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.places: list[Place[C]] = []
        self.arrows: dict[str, str] = {}
        """The arrow of each column that the lines are sorted by, by its key."""

    def heading(self) -> Iterable[Piece]:
        """Return the titles."""
        yield " " * self.GUTTER, Style()
        for place in self.places:
            arrow = self.arrows.get(place.column.key, "")
            yield " " * place.gap, Style()
            yield place.column.heading(place.width, arrow), Style(bold=True) if arrow else Style()

    def pieces(self, line: L) -> Iterable[Piece]:
        """Return the cells of a line, with the gaps before them."""
        yield from self.signs(line)
        for place in self.places:
            yield " " * place.gap, Style()
            yield from self.cell(line, place.column, place.width)

    def signs(self, line: L) -> Iterable[Piece]:
        """Return what stands before the first column."""
        return [(" " * self.GUTTER, Style())]

    def cell(self, line: L, column: C, width: int) -> Iterable[Piece]:
        """Return what stands in a column of a line, in exactly `width` cells."""
        return [(column.fitted(line.key, width), Style())]

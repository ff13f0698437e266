"""The list of runs: one line each, drawn only where it changed; thousands of runs cost no more than a screenful."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from seqsum_tui.runs.columns import USUAL, Place, arrange, sorted_column
from seqsum_tui.shared import bindings, display

if TYPE_CHECKING:
    from seqsum_tui.runs.listing import Line, Listing

HEADING_ROWS = 1
# Before each line: whether it is marked, whether it has a star or a note, and an empty cell.
GUTTER, END = 3, 1
MARK, STAR, NOTE = "◆", "★", "¶"
SHARE_CELLS = 5
NOTHING = "No run is like that; esc takes the filter away."

Piece = tuple[str, Style]


@dataclass
class RunHighlighted(Message):
    """The cursor of the list of runs stands on another line, a run or a group (None: the list is empty)."""

    key: str | None


@dataclass
class RunChosen(Message):
    """A person chose a run from the list."""

    run_id: str


@dataclass
class GroupChosen(Message):
    """A person chose a group of runs from the list, by its key."""

    key: str


class RunsMarked(Message):
    """The marks of the list of runs changed."""


@dataclass
class ColumnChosen(Message):
    """A person clicked on the title of a column."""

    key: str


class RunTable(ScrollView, can_focus=True):
    """A line per run, or per group of them. The cursor stands on a line's key, not on its place: it stays there when
    others come and go. Marks stay on runs that a filter hides.

    Args:
        now: the time in seconds since 1970, for ages.
    """

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "run-table--heading",
        "run-table--cursor",
        "run-table--hover",
        "run-table--quiet",
        "run-table--open",
        "run-table--unknown",
        "run-table--marked",
        "run-table--star",
        *(f"run-table--{status}" for status in display.STATUSES),
    }
    BINDINGS: ClassVar[list[BindingType]] = bindings.RUN_TABLE

    DEFAULT_CSS = """
    RunTable {
        height: 1fr;
        overflow-x: hidden;
        scrollbar-size-vertical: 1;
        & > .run-table--heading { color: $foreground 60%; background: $panel; }
        & > .run-table--cursor { background: $primary-muted; text-style: bold; }
        & > .run-table--hover { background: $foreground 6%; }
        & > .run-table--quiet { color: $foreground 65%; }
        & > .run-table--open { color: $foreground 25%; }
        & > .run-table--marked { color: $text-accent; }
        & > .run-table--star { color: $text-warning; }
        & > .run-table--unknown { color: $foreground 70%; }
        & > .run-table--queued { color: $foreground 70%; }
        & > .run-table--starting { color: $text-primary; }
        & > .run-table--running { color: $text-primary; }
        & > .run-table--paused { color: $text-warning; }
        & > .run-table--stopped { color: $foreground 70%; }
        & > .run-table--finished { color: $text-success; }
        & > .run-table--failed { color: $text-error; }
        & > .run-table--died { color: $text-error; }
        & > .run-table--unreadable { color: $text-error; }
    }
    """

    def __init__(self, now: Callable[[], float], *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._now = now
        self._listing: Listing | None = None
        self._lines: tuple[Line, ...] = ()
        self._cursor = 0
        self._hover: int | None = None
        self._wanted: str | None = None
        self._second = 0
        self._places: list[Place] = []
        self._drawn: dict[int, tuple[str, ...]] = {}
        self._inks: dict[str, Style] = {}
        self._overs: dict[str, Style] = {}
        self.marked: dict[str, None] = {}
        """The ids of the marked runs, in the order in which they were marked."""

    # Data

    @property
    def selected(self) -> Line | None:
        """The line under the cursor."""
        return self._lines[self._cursor] if self._lines else None

    @property
    def lines(self) -> tuple[Line, ...]:
        return self._lines

    def selected_ids(self) -> list[str]:
        """The marked runs; without marks those of the line under the cursor."""
        if self.marked:
            return list(self.marked)
        line = self.selected
        return [] if line is None else line.ids

    def show(self, listing: Listing) -> None:
        """Show these lines; cursor and view stay on the runs they were on, and only lines that differ are painted."""
        before, was = self._lines, self._listing
        second = int(self._now())
        self._listing, self._lines = listing, listing.lines
        # Who stands on the first line wants to see what comes first in the new order, too.
        ordered = was is not None and (was.view.column, was.view.reverse) != (listing.view.column, listing.view.reverse)
        if ordered and self._cursor == 0:
            before = ()
        headings = was is None or (was.shown, was.view.column, was.descending) != (
            listing.shown, listing.view.column, listing.descending,
        )  # fmt: skip
        if headings:
            self._lay_out()
        same = before is self._lines or [line.key for line in before] == [line.key for line in self._lines]
        if not same or headings:
            self._replace(before)
        elif before is not self._lines or second != self._second:
            # Of the same runs only the ages change, and no more often.
            self._refresh_changed()
        self._second = second

    def _replace(self, before: tuple[Line, ...]) -> None:
        old_cursor = self._cursor
        chosen = before[old_cursor] if before else None
        if chosen is not None:
            self._cursor = self._place_of(chosen, min(old_cursor, max(len(self._lines) - 1, 0)))
        self._drawn.clear()
        self.virtual_size = Size(self.size.width, len(self._lines) + HEADING_ROWS)
        if self.scroll_offset.y > 0:
            self.scroll_to(y=self.scroll_offset.y + self._cursor - old_cursor, animate=False, immediate=True)
        self._into_view()
        self.refresh()
        now_chosen = self.selected
        if (chosen and chosen.key) != (now_chosen and now_chosen.key):
            self.post_message(RunHighlighted(now_chosen.key if now_chosen else None))
        if self._wanted is not None:
            self.select(self._wanted)

    def _place_of(self, chosen: Line, otherwise: int) -> int:
        """Where a line is now; a member whose group was folded is in its group's line."""
        for index, line in enumerate(self._lines):
            if line.key == chosen.key:
                return index
        if chosen.kind != "group":
            for index, line in enumerate(self._lines):
                if line.kind == "group" and line.summary.group == chosen.summary.group:
                    return index
        return otherwise

    def select(self, run_id: str) -> None:
        """Put the cursor on a run, or the group that holds it, now or when it is in the list."""
        self._wanted = run_id
        for index, line in enumerate(self._lines):
            if line.key == run_id or (line.kind == "group" and line.folded and run_id in line.ids):
                self._wanted = None
                self._move_to(index)
                return

    def _refresh_changed(self) -> None:
        now = self._now()
        for y, drawn in list(self._drawn.items()):
            index = self._index_at(y)
            if index is not None and self._cells(self._lines[index], now) != drawn:
                self.refresh(Region(0, y, self.size.width, 1))

    # Marks

    def action_mark(self) -> None:
        """Mark the runs of the line under the cursor, or not, and go to the next line."""
        line = self.selected
        if line is not None:
            self.mark(line.ids, on=not self._is_marked(line))
            self._move_to(self._cursor + 1)

    def action_mark_all(self) -> None:
        """Mark every run that is listed; none when all are."""
        ids = [id for line in self._lines for id in line.ids]
        self.mark(ids, on=not all(id in self.marked for id in ids))

    def mark(self, ids: Iterable[str], *, on: bool) -> None:
        """Mark these runs, or take their marks away."""
        for id in ids:
            if on:
                self.marked[id] = None
            else:
                self.marked.pop(id, None)
        self._refresh_changed()
        self.post_message(RunsMarked())

    def _is_marked(self, line: Line) -> bool:
        return bool(self.marked) and all(entry.summary.id in self.marked for entry in line.entries)

    # Moving

    def action_move(self, lines: int) -> None:
        """Move the cursor by lines; beyond an end it stops there."""
        self._move_to(self._cursor + lines)

    def action_page(self, pages: int) -> None:
        """Move the cursor by screenfuls."""
        self._move_to(self._cursor + pages * max(self._rows_in_view, 1))

    @property
    def _rows_in_view(self) -> int:
        return self.size.height - HEADING_ROWS

    def _move_to(self, index: int) -> None:
        if not self._lines:
            return
        index = min(max(index, 0), len(self._lines) - 1)
        before, self._cursor = self._cursor, index
        self._into_view()
        if before != index:
            # Who goes elsewhere does not wait for the line any more.
            self._wanted = None
            for line in (before, index):
                self._refresh_line(line)
            self.post_message(RunHighlighted(self._lines[index].key))

    def _into_view(self) -> None:
        top, index = self.scroll_offset.y, self._cursor
        if index < top:
            self.scroll_to(y=index, animate=False, immediate=True)
        elif index >= top + self._rows_in_view > top:
            self.scroll_to(y=index - self._rows_in_view + 1, animate=False, immediate=True)

    def _refresh_line(self, index: int | None) -> None:
        if index is not None:
            self.refresh(Region(0, index - self.scroll_offset.y + HEADING_ROWS, self.size.width, 1))

    def _index_at(self, y: int) -> int | None:
        index = y - HEADING_ROWS + self.scroll_offset.y
        return index if y >= HEADING_ROWS and index < len(self._lines) else None

    # Mouse

    def on_click(self, event: events.Click) -> None:
        """A click chooses the line, one on its gutter marks it; a second one opens it; one on a title sorts."""
        if event.y < HEADING_ROWS:
            self._heading_clicked(event.x)
            return
        index = self._index_at(event.y)
        if index is None:
            return
        if event.x < GUTTER - 1:
            line = self._lines[index]
            self._move_to(index)
            self.mark(line.ids, on=not self._is_marked(line))
        elif index == self._cursor and event.chain > 1:
            line = self._lines[index]
            self.post_message(GroupChosen(line.key) if line.kind == "group" else RunChosen(line.key))
        else:
            self._move_to(index)

    def _heading_clicked(self, x: int) -> None:
        start, sorted_with = GUTTER, ""
        for place in self._places:
            end = start + place.gap + place.width
            sorted_with = sorted_with if place.column.tight else place.column.key
            if start <= x < end:
                self.post_message(ColumnChosen(sorted_with))
                return
            start = end

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Show which line the mouse is on."""
        self._set_hover(self._index_at(event.y))

    def on_leave(self) -> None:
        """The mouse is elsewhere."""
        self._set_hover(None)

    def _set_hover(self, index: int | None) -> None:
        if index != self._hover:
            before, self._hover = self._hover, index
            self._refresh_line(before)
            self._refresh_line(index)

    # Drawing

    def on_resize(self) -> None:
        """Choose the columns that fit."""
        self._lay_out()
        self._drawn.clear()
        self.virtual_size = Size(self.size.width, len(self._lines) + HEADING_ROWS)
        self._move_to(self._cursor)

    def _lay_out(self) -> None:
        listing, extra = self._listing, None
        if listing is not None and listing.view.column not in USUAL:
            extra = sorted_column(listing.view.column, self._sorted_cell)
        wanted = listing.shown if listing is not None else ()
        self._places = arrange(self.size.width - GUTTER - END, wanted, extra)

    def _sorted_cell(self, line: Line) -> str:
        listing = self._listing
        return "" if listing is None else listing.cell(line, listing.view.column)

    def notify_style_update(self) -> None:
        """Take up new colours."""
        super().notify_style_update()
        self._inks.clear()
        self._overs.clear()
        self.refresh()

    def _cells(self, line: Line, now: float) -> tuple[str, ...]:
        cells = (place.column.cell(line, now, place.width) for place in self._places)
        return (line.summary.status, f"{line.summary.progress}", *self._gutter(line), *cells)

    def _gutter(self, line: Line) -> tuple[str, str]:
        run = line.summary
        marked = MARK if self._is_marked(line) else " "
        return marked, STAR if run.starred else NOTE if run.note else " "

    def _heading(self) -> Strip:
        listing, pieces = self._listing, []
        for place in self._places:
            arrow = ""
            if listing is not None and listing.view.column == place.column.key:
                arrow = "↓" if listing.descending else "↑"
            pieces.append([(place.column.heading(place.width, arrow), Style(bold=True) if arrow else Style())])
        return self._strip([(" " * GUTTER, Style())], pieces, self._over("heading"))

    def render_line(self, y: int) -> Strip:
        """Draw one line."""
        if y < HEADING_ROWS:
            return self._heading()
        index = self._index_at(y)
        if index is None:
            self._drawn.pop(y, None)
            return self._blank(y)
        line = self._lines[index]
        run = line.summary
        cells = self._cells(line, self._now())
        self._drawn[y] = cells
        colour = self._ink(run.status if run.status in display.STATUSES else "unknown")
        mark, sign = cells[2:4]
        gutter = [(mark, self._ink("marked")), (sign, self._ink("star" if sign == STAR else "quiet")), (" ", Style())]
        pieces: list[list[Piece]] = []
        for place, text in zip(self._places, cells[4:], strict=True):
            if place.column.key == "progress":
                share = display.fit_right(text.strip(), SHARE_CELLS)
                done, rest = display.bar(run.progress, place.width - SHARE_CELLS)
                pieces.append([(done, colour), (rest, self._ink("open")), (share, Style())])
            elif place.column.key == "status":
                pieces.append([(text, colour)])
            else:
                pieces.append([(text, self._ink("quiet") if place.column.quiet else Style())])
        if index == self._cursor:
            return self._strip(gutter, pieces, self._over("cursor"))
        return self._strip(gutter, pieces, self._over("hover") if index == self._hover else Style())

    def _blank(self, y: int) -> Strip:
        if self._lines or y != HEADING_ROWS + 1 or self._listing is None or not self._listing.entries:
            return Strip.blank(self.size.width, self.rich_style)
        text = display.fit(" " * GUTTER + NOTHING, self.size.width)
        return Strip([Segment(text, self.rich_style + self._ink("quiet"))])

    def _ink(self, name: str) -> Style:
        if name not in self._inks:
            self._inks[name] = Style(color=self.get_component_rich_style(f"run-table--{name}").color)
        return self._inks[name]

    def _over(self, name: str) -> Style:
        """What lies over a whole line. Its colour stays that of each cell, except in the heading."""
        if name not in self._overs:
            style = self.get_component_rich_style(f"run-table--{name}")
            colour = style.color if name == "heading" else None
            self._overs[name] = Style(color=colour, bgcolor=style.bgcolor, bold=style.bold)
        return self._overs[name]

    def _strip(self, gutter: list[Piece], cells: list[list[Piece]], over: Style) -> Strip:
        """Join the cells, each made of one or more pieces, with the gaps of the columns."""
        ground = self.rich_style
        segments = [Segment(text, ground + style + over) for text, style in gutter]
        for place, pieces in zip(self._places, cells, strict=True):
            segments.append(Segment(" " * place.gap, ground + over))
            segments.extend(Segment(text, ground + style + over) for text, style in pieces)
        return Strip(segments).adjust_cell_length(self.size.width, ground + over)

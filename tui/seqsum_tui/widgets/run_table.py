"""The list of runs: one line each, drawn only where it changed; thousands of runs cost no more than a screenful."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import BindingType
from textual.geometry import Region, Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from seqsum_tui import bindings, words
from seqsum_tui.messages import RunChosen, RunHighlighted
from seqsum_tui.widgets.run_columns import Place, arrange

if TYPE_CHECKING:
    from seqsum.runs import Summary

HEADING_ROWS = 1
PADDING = 1
SHARE_CELLS = 5

Piece = tuple[str, Style]


class RunTable(ScrollView, can_focus=True):
    """A line per run, newest first. The cursor stands on a run, not on a line: it stays there when others come and go.

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
        *(f"run-table--{status}" for status in words.STATUSES),
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
        & > .run-table--unknown { color: $foreground 70%; }
        & > .run-table--queued { color: $foreground 70%; }
        & > .run-table--running { color: $text-primary; }
        & > .run-table--paused { color: $text-warning; }
        & > .run-table--stopped { color: $foreground 70%; }
        & > .run-table--finished { color: $text-success; }
        & > .run-table--failed { color: $text-error; }
        & > .run-table--died { color: $text-error; }
    }
    """

    def __init__(self, now: Callable[[], float], *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._now = now
        self._runs: tuple[Summary, ...] = ()
        self._cursor = 0
        self._hover: int | None = None
        self._wanted: str | None = None
        self._places: list[Place] = []
        self._drawn: dict[int, tuple[str, ...]] = {}

    # Data

    @property
    def selected(self) -> Summary | None:
        """The run under the cursor."""
        return self._runs[self._cursor] if self._runs else None

    def show(self, runs: Sequence[Summary]) -> None:
        """Show these runs; cursor and view stay on the runs they were on, and only lines that differ are painted."""
        before, chosen = self._runs, self.selected
        self._runs = tuple(runs)
        same_lines = [run.id for run in before] == [run.id for run in self._runs]
        if same_lines:
            self._refresh_changed()
            return
        old_cursor = self._cursor
        if chosen is not None:
            found = next((index for index, run in enumerate(self._runs) if run.id == chosen.id), None)
            self._cursor = min(old_cursor, max(len(self._runs) - 1, 0)) if found is None else found
        self._drawn.clear()
        self.virtual_size = Size(self.size.width, len(self._runs) + HEADING_ROWS)
        if self.scroll_offset.y > 0:
            self.scroll_to(y=self.scroll_offset.y + self._cursor - old_cursor, animate=False, immediate=True)
        self.refresh()
        now_chosen = self.selected
        if (chosen and chosen.id) != (now_chosen and now_chosen.id):
            self.post_message(RunHighlighted(now_chosen.id if now_chosen else None))
        if self._wanted is not None:
            self.select(self._wanted)

    def select(self, run_id: str) -> None:
        """Put the cursor on a run, now or when it is in the list."""
        self._wanted = run_id
        for index, run in enumerate(self._runs):
            if run.id == run_id:
                self._wanted = None
                self._move_to(index)
                return

    def _refresh_changed(self) -> None:
        now = self._now()
        for y, drawn in list(self._drawn.items()):
            index = self._index_at(y)
            if index is not None and self._cells(self._runs[index], now) != drawn:
                self.refresh(Region(0, y, self.size.width, 1))

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
        if not self._runs:
            return
        index = min(max(index, 0), len(self._runs) - 1)
        before, self._cursor = self._cursor, index
        top = self.scroll_offset.y
        if index < top:
            self.scroll_to(y=index, animate=False, immediate=True)
        elif index >= top + self._rows_in_view:
            self.scroll_to(y=index - self._rows_in_view + 1, animate=False, immediate=True)
        if before != index:
            for line in (before, index):
                self._refresh_line(line)
            self.post_message(RunHighlighted(self._runs[index].id))

    def _refresh_line(self, index: int | None) -> None:
        if index is not None:
            self.refresh(Region(0, index - self.scroll_offset.y + HEADING_ROWS, self.size.width, 1))

    def _index_at(self, y: int) -> int | None:
        index = y - HEADING_ROWS + self.scroll_offset.y
        return index if y >= HEADING_ROWS and index < len(self._runs) else None

    # Mouse

    def on_click(self, event: events.Click) -> None:
        """A click chooses the line; a click on the chosen line opens its run."""
        index = self._index_at(event.y)
        if index is None:
            return
        if index == self._cursor and event.chain > 1:
            self.post_message(RunChosen(self._runs[index].id))
        else:
            self._move_to(index)

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
        self._places = arrange(self.size.width - 2 * PADDING)
        self._drawn.clear()
        self.virtual_size = Size(self.size.width, len(self._runs) + HEADING_ROWS)
        self._move_to(self._cursor)

    def notify_style_update(self) -> None:
        """Take up new colours."""
        super().notify_style_update()
        self.refresh()

    def _cells(self, run: Summary, now: float) -> tuple[str, ...]:
        return (run.status, *(place.column.cell(run, now, place.width) for place in self._places))

    def render_line(self, y: int) -> Strip:
        """Draw one line."""
        if y < HEADING_ROWS:
            heading = [[(place.column.heading(place.width), Style())] for place in self._places]
            return self._strip(heading, self._over("heading"))
        index = self._index_at(y)
        if index is None:
            self._drawn.pop(y, None)
            return Strip.blank(self.size.width, self.rich_style)
        run = self._runs[index]
        cells = self._cells(run, self._now())
        self._drawn[y] = cells
        colour = self._ink(run.status if run.status in words.STATUSES else "unknown")
        pieces: list[list[Piece]] = []
        for place, text in zip(self._places, cells[1:], strict=True):
            if place.column.key == "progress":
                share = words.fit_right(text.strip(), SHARE_CELLS)
                done, rest = words.bar(run.progress, place.width - SHARE_CELLS)
                pieces.append([(done, colour), (rest, self._ink("open")), (share, Style())])
            elif place.column.key == "status":
                pieces.append([(text, colour)])
            else:
                pieces.append([(text, self._ink("quiet") if place.column.quiet else Style())])
        if index == self._cursor:
            return self._strip(pieces, self._over("cursor"))
        return self._strip(pieces, self._over("hover") if index == self._hover else Style())

    def _ink(self, name: str) -> Style:
        return Style(color=self.get_component_rich_style(f"run-table--{name}").color)

    def _over(self, name: str) -> Style:
        """What lies over a whole line. Its colour stays that of each cell, except in the heading."""
        style = self.get_component_rich_style(f"run-table--{name}")
        return Style(color=style.color if name == "heading" else None, bgcolor=style.bgcolor, bold=style.bold)

    def _strip(self, cells: list[list[Piece]], over: Style) -> Strip:
        """Join the cells, each made of one or more pieces, with the gaps of the columns."""
        ground = self.rich_style
        segments = [Segment(" " * PADDING, ground + over)]
        for place, pieces in zip(self._places, cells, strict=True):
            segments.append(Segment(" " * place.gap, ground + over))
            segments.extend(Segment(text, ground + style + over) for text, style in pieces)
        return Strip(segments).adjust_cell_length(self.size.width, ground + over)

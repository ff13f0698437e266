"""The list of runs: one line each; thousands of runs cost no more than a screenful."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import ClassVar

from rich.style import Style
from textual import events
from textual.binding import BindingType
from textual.message import Message

from seqsum.runs.filter import clue
from seqsum_tui.runs.columns import (
    OUTCOME,
    OWNER,
    SIZE,
    USUAL,
    RunColumn,
    arrange,
    sorted_column,
    tells_verdict,
    verdict_word,
)
from seqsum_tui.runs.listing import Line, Listing, View
from seqsum_tui.shared import bindings, display
from seqsum_tui.shared.line_table import ColumnTable, Piece

MARK, STAR, NOTE = "◆", "★", "¶"
SHARE_CELLS = 5
NOTHING = "No run is like that; "
UNREADABLE = "The filter can't be read yet; esc takes it away."


class RunsMarked(Message):
    """The marks of the list of runs changed."""


@dataclass
class ColumnChosen(Message):
    """A person clicked on the title of a column."""

    key: str


def _verdict_style(word: str) -> str:
    return f"verdict-{word.replace(' ', '-')}"


COLOURS = {name: status.colour for name, status in display.STATUSES.items()} | {
    _verdict_style(word): verdict.colour for word, verdict in display.VERDICTS.items()
}


class RunTable(ColumnTable[Line, RunColumn]):
    """A line per run, or per group of them. Marks stay on runs that a filter hides.

    Args:
        now: the time in seconds since 1970, for ages.
    """

    # Before each line: whether it is marked, whether it has a star or a note, and an empty cell.
    GUTTER, SIGN_CELLS, END = 3, 2, 1
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        f"line-table--{name}" for name in ("hover", "open", "unknown", "marked", "star", *COLOURS)
    }
    BINDINGS: ClassVar[list[BindingType]] = bindings.RUN_TABLE
    DEFAULT_CSS = """
    RunTable {
        & > .line-table--hover { background: $foreground 6%; }
        & > .line-table--quiet { color: $foreground-muted; }
        & > .line-table--open { color: $foreground 25%; }
        & > .line-table--marked { color: $text-accent; }
        & > .line-table--star { color: $text-warning; }
        & > .line-table--unknown { color: $foreground-muted; }
    }
    """ + "\n".join(f"RunTable > .line-table--{name} {{ color: {colour}; }}" for name, colour in COLOURS.items())

    def __init__(self, now: Callable[[], float], *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._now = now
        self._listing = Listing(View())
        self._hover: int | None = None
        self._second = 0
        self.marked: dict[str, None] = {}
        """The ids of the marked runs, in the order in which they were marked."""

    def selected_ids(self) -> list[str]:
        """The marked runs; without marks those of the line under the cursor."""
        if self.marked:
            return list(self.marked)
        line = self.selected
        return [] if line is None else line.ids

    def show(self, listing: Listing) -> None:
        """Show these lines."""
        was, self._listing = self._listing, listing
        before, self._second = self._second, int(self._now())
        # Of the same runs only the ages change, and no more often.
        if listing is was and before == self._second:
            return
        self.arrows = {listing.view.column: "↓" if listing.descending else "↑"}
        self.take_width()
        # Who stands on the first line wants to see what comes first in the new order, too.
        ordered = (was.view.column, was.view.reverse) != (listing.view.column, listing.view.reverse)
        self.replace(listing.lines, keep_place=ordered and self.cursor == 0)

    def find(self, key: str) -> int | None:
        """Return the place of a run or a group; a run of a folded group is in the group's line."""
        for index, line in enumerate(self.lines):
            if line.key == key or (line.kind == "group" and line.folded and key in line.ids):
                return index
        return None

    # Marks

    def action_mark(self) -> None:
        """Mark the runs of the line under the cursor, or not, and go to the next line."""
        if self.lines:
            self.sign_clicked(self.cursor)
            self.action_move(1)

    def action_mark_all(self) -> None:
        """Mark every run that is listed; none when all are."""
        ids = [id for line in self.lines for id in line.ids]
        self.mark(ids, on=not all(id in self.marked for id in ids))

    def mark(self, ids: Iterable[str], *, on: bool) -> None:
        """Mark these runs, or take their marks away."""
        for id in ids:
            if on:
                self.marked[id] = None
            else:
                self.marked.pop(id, None)
        self.refresh_changed()
        self.post_message(RunsMarked())

    def _is_marked(self, line: Line) -> bool:
        return bool(self.marked) and all(entry.summary.id in self.marked for entry in line.entries)

    # Mouse

    def sign_clicked(self, index: int) -> None:
        """Mark the line, or not."""
        line = self.lines[index]
        self.move_to(index)
        self.mark(line.ids, on=not self._is_marked(line))

    def heading_clicked(self, x: int) -> None:
        """Sort by the column, or the one that it belongs to."""
        end, sorted_with = self.GUTTER, ""
        for place in self.places:
            end += place.gap + place.width
            sorted_with = sorted_with if place.column.tight else place.column.key
            if self.GUTTER <= x < end:
                self.post_message(ColumnChosen(sorted_with))
                return

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Show which line the mouse is on."""
        self._set_hover(self.index_at(event.y))

    def on_leave(self) -> None:
        """The mouse is elsewhere."""
        self._set_hover(None)

    def _set_hover(self, index: int | None) -> None:
        before, self._hover = self._hover, index
        for one in (before, index) if before != index else ():
            if one is not None:
                self.refresh_at(one)

    # Drawing

    def take_width(self) -> None:
        """Choose the columns that fit."""
        column, extra = self._listing.view.column, None
        if column not in USUAL:
            extra = sorted_column(column, lambda line: self._listing.cell(line, column))
        owners = self._listing.owners or column == OWNER.key
        sizes = self._listing.sizes or column == SIZE.key
        self.places = arrange(self.size.width - self.GUTTER - self.END, extra, owners=owners, sizes=sizes)

    def signs(self, line: Line) -> Iterable[Piece]:
        """Mark, and star or note."""
        run = line.summary
        sign = STAR if run.starred else NOTE if run.note else " "
        yield MARK if self._is_marked(line) else " ", self.style_of("marked")
        yield sign, self.style_of("star" if sign == STAR else "quiet")
        yield " ", Style()

    def cell(self, line: Line, column: RunColumn, width: int) -> Iterable[Piece]:
        """A text, with a bar before that of the progress."""
        run, text = line.summary, column.cell(line, self._now(), width)
        colour = self.style_of(run.status if run.status in display.STATUSES else "unknown")
        if column.key == "progress":
            done, rest = display.bar(run.progress, width - SHARE_CELLS)
            share = display.fit_right(text.strip(), SHARE_CELLS)
            return [(done, colour), (rest, self.style_of("open")), (share, Style())]
        word = verdict_word(line)
        if column.key == "verdict" or (column is OUTCOME and tells_verdict(line)):
            colour = self.style_of("unknown" if word is None else _verdict_style(word))
        coloured = column.key in ("status", "verdict")
        return [(text, colour if coloured else self.style_of("quiet") if column.quiet else Style())]

    def over(self, index: int) -> Style:
        """The line under the mouse has a ground, too."""
        hovered = index == self._hover and index != self.cursor
        return self.style_of("hover", "bgcolor", "bold") if hovered else super().over(index)

    def note(self, y: int) -> Iterable[Piece]:
        """Say that a filter finds nothing, or can't be read."""
        if not self.lines and y == self.HEADING_ROWS + 1 and self._listing.entries:
            why = clue(self._listing.view.filter)
            nothing = NOTHING + (why or "esc takes the filter away") + "."
            said = nothing if self._listing.error is None else UNREADABLE
            yield display.fit(" " * self.GUTTER + said, self.size.width), self.style_of("quiet")

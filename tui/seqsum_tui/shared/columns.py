"""Columns of a table: what each is called, and which of them fit into a width."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from seqsum_tui.shared import display

# Of the columns that come last, one comes only when those that are always there have these cells more than the fewest.
RESERVE = 8


@dataclass(frozen=True)
class Column:
    """One column. `rank` 0 is always there; the others come in their order as long as there is room.

    title: of a sorted column, whose arrow takes room, `short` stands there when that has no place.
    tight: follows the column before it with one empty cell, and is sorted with it.
    """

    key: str
    title: str
    width: int
    rank: int = 0
    widest: int = 0
    right: bool = False
    short: str = ""
    tight: bool = False

    def fitted(self, text: str, width: int) -> str:
        """Return `text` in exactly `width` cells, at its end of them."""
        return display.fit_right(text, width) if self.right else display.fit(text, width)

    def heading(self, width: int, arrow: str = "") -> str:
        """Return the title in exactly `width` cells, with the arrow of a sorted column."""
        titles = (f"{self.title} {arrow}", f"{self.title}{arrow}", f"{self.short}{arrow}") if arrow else (self.title,)
        return self.fitted(next((title for title in titles if len(title) <= width), arrow or self.title), width)


C = TypeVar("C", bound=Column)


@dataclass(frozen=True)
class Place(Generic[C]):
    """A column with the cells it got, and the empty ones before it."""

    column: C
    gap: int
    width: int


def fitting(columns: Sequence[C], width: int, last: int) -> list[Place[C]]:
    """Return the columns that fit into `width` cells, in order, none wrapped; what is left goes to those that can be
    wider. From rank `last` on they come only where the others have some room."""
    gap = 2 if width >= 76 else 1
    chosen = [column for column in columns if column.rank == 0]
    room = width - sum(column.width for column in chosen) - gap * (len(chosen) - 1)
    for column in sorted((column for column in columns if column.rank), key=lambda column: column.rank):
        taken = column.width + (1 if column.tight else gap)
        if room < taken + (RESERVE if column.rank >= last else 0):
            break
        chosen.append(column)
        room -= taken
    widths = {column.key: column.width for column in chosen}
    # First half of it for each that is always there, all for the others; then what is left.
    for column, share in [(one, 1 if one.rank else 2) for one in chosen] + [(one, 1) for one in chosen]:
        more = min(column.widest - widths[column.key], (room + share - 1) // share)
        if more > 0:
            widths[column.key] += more
            room -= more
    shown = [column for column in columns if column in chosen]
    return [
        Place(column, (1 if column.tight else gap) if index else 0, widths[column.key])
        for index, column in enumerate(shown)
    ]

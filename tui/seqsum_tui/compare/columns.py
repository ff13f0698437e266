"""The columns of the comparison's table: what they say, and which of them fit."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Literal

from seqsum import formatting
from seqsum.compare.tables import difference_text
from seqsum.runs.metric_direction import points_per_unit
from seqsum_tui.shared import display

if TYPE_CHECKING:
    from seqsum.compare import Row

Kind = Literal["name", "text", "difference"]
NAME_WIDEST, NAME_FIRST = 44, 8


@dataclass(frozen=True)
class Column:
    """rank: 0 is always there, then the lower ones go in first."""

    key: str
    heading: str
    width: int
    rank: int
    text: Callable[[Row], str]
    kind: Kind = "text"


def columns_of(metric: str, rows: Sequence[Row], at: str | None) -> list[Column]:
    """Return every column that says something: those of the cursor only with one, quartiles only with groups.

    at: where the cursor stands, in words.
    """

    value, wide = partial(formatting.metric, metric), 7 if points_per_unit(metric) is None else 9

    def change(key: str, rank: int) -> Column:
        field = f"{key}_difference"
        return Column(
            field, "Δ", wide, rank, lambda row: difference_text(row, getattr(row, field), metric), "difference"
        )

    found = [
        Column("name", "run", 14, 0, lambda row: row.name, "name"),
        Column("final", "final", 8, 0, lambda row: value(row.final)),
        change("final", 1),
    ]
    if any(row.final_quartiles for row in rows):
        found.append(Column("quartiles", "quartiles", 15, 7, lambda row: _quartiles(row, value)))
    found += [
        Column("best", "best", 8, 2, lambda row: value(row.best)),
        change("best", 6),
        Column("best_step", "at step", 8, 4, lambda row: "–" if row.best_step is None else f"{row.best_step:,}"),
    ]
    if at is not None:
        found += [
            Column("at", f"at {at}", max(10, len(f"at {at}")), 3, lambda row: value(row.at)),
            change("at", 5),
        ]
    words = [display.status(row.status).word for row in rows]
    widest = max([8, *map(len, words)])
    found.append(Column("status", "status", widest, 8, lambda row: display.status(row.status).word))
    return found


def arrange(columns: Sequence[Column], width: int) -> list[tuple[Column, int]]:
    """Return the columns that fit into `width` cells with their widths, in order; the name takes what is left."""
    gap = 2 if width >= 76 else 1
    chosen = [column for column in columns if column.rank == 0]
    room = width - sum(column.width + gap for column in chosen) + gap
    for column in sorted((column for column in columns if column.rank), key=lambda column: column.rank):
        # What matters less waits until names have some room.
        if room - (NAME_FIRST if column.rank >= 5 else 0) < column.width + gap:
            break
        chosen.append(column)
        room -= column.width + gap
    more = min(max(room, 0), NAME_WIDEST - 14)
    shown = [column for column in columns if column in chosen]
    return [(column, column.width + (more if column.kind == "name" else 0)) for column in shown]


def _quartiles(row: Row, value: Callable[[float | None], str]) -> str:
    if row.final_quartiles is None:
        return ""
    return "–".join(value(end) for end in row.final_quartiles)

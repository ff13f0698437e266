"""The columns of the list of runs: what each shows, and which of them fit into a width."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from seqsum_tui import words

if TYPE_CHECKING:
    from seqsum.runs import Summary


@dataclass(frozen=True)
class Column:
    """One column. `rank` 0 is always there; the others come in their order as long as there is room."""

    key: str
    title: str
    width: int
    text: Callable[[Summary, float], str]
    rank: int = 0
    widest: int = 0
    right: bool = False
    quiet: bool = False

    def cell(self, summary: Summary, now: float, width: int) -> str:
        """Return what stands in the cell, in exactly `width` cells."""
        text = self.text(summary, now)
        return words.fit_right(text, width) if self.right else words.fit(text, width)

    def heading(self, width: int) -> str:
        return words.fit_right(self.title, width) if self.right else words.fit(self.title, width)


COLUMNS = (
    Column("status", "status", 10, lambda run, now: words.status(run.status).text),
    Column("name", "name", 12, lambda run, now: words.literal(run.name), widest=32),
    Column("preset", "preset", 12, lambda run, now: words.literal(run.preset), rank=7, widest=18, quiet=True),
    Column("progress", "progress", 10, lambda run, now: f"{int(run.progress * 100 + 1e-9)}%", widest=30),
    Column("step", "step", 15, lambda run, now: f"{run.step:,}/{run.steps:,}", rank=5, right=True, quiet=True),
    Column("loss", "loss", 7, lambda run, now: words.metric(run.metrics.get("loss")), rank=2, right=True),
    Column("accuracy", "accuracy", 8, lambda run, now: words.percent(run.metrics.get("accuracy")), rank=1, right=True),
    Column("left", "left", 7, lambda run, now: words.duration(run.seconds_left), rank=4, right=True, quiet=True),
    Column("speed", "speed", 7, lambda run, now: _speed(run), rank=6, right=True, quiet=True),
    Column("age", "age", 4, lambda run, now: words.age(now - run.created), rank=3, right=True, quiet=True),
)


def _speed(run: Summary) -> str:
    return words.speed(run.steps_per_second) if run.status == "running" else "–"


@dataclass(frozen=True)
class Place:
    """A column with the cells it got, and the empty ones before it."""

    column: Column
    gap: int
    width: int


def arrange(width: int) -> list[Place]:
    """Return the columns that fit into `width` cells, in order, none wrapped; what is left widens names and bars."""
    gap = 2 if width >= 76 else 1
    chosen = [column for column in COLUMNS if column.rank == 0]
    room = width - sum(column.width for column in chosen) - gap * (len(chosen) - 1)
    for column in sorted((column for column in COLUMNS if column.rank), key=lambda column: column.rank):
        if room < column.width + gap:
            break
        chosen.append(column)
        room -= column.width + gap
    widths = {column.key: column.width for column in chosen}
    for column in sorted(chosen, key=lambda column: column.rank):
        if column.widest > column.width and room > 0:
            more = min(column.widest - column.width, room if column.rank else (room + 1) // 2)
            widths[column.key] += more
            room -= more
    for column in chosen:
        if room > 0 and column.widest:
            more = min(column.widest - widths[column.key], room)
            widths[column.key] += more
            room -= more
    shown = [column for column in COLUMNS if column in chosen]
    return [Place(column, gap if index else 0, widths[column.key]) for index, column in enumerate(shown)]

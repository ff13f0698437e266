"""The columns of the list of runs: what each shows, and which of them fit into a width."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from seqsum import formatting
from seqsum_tui.charts.sparkline import sparkline
from seqsum_tui.shared import display

if TYPE_CHECKING:
    from seqsum.compare.spread import Standing
    from seqsum_tui.runs.listing import Line

LOSS_CURVE, ACCURACY_CURVE = 9, 13
"""Cells of the curves; of groups the quartiles stand there, those of accuracy in full."""
UNFOLDED, FOLDED, MEMBER = "▾ ", "▸ ", "└ "


@dataclass(frozen=True)
class Column:
    """One column. `rank` 0 is always there; the others come in their order as long as there is room.

    text: what stands in it, given the line, the time in seconds since 1970, and the cells there are.
    title: of a sorted column, whose arrow takes room, `short` stands there when that has no place.
    tight: follows the column before it with one empty cell, and is sorted with it.
    wanted: it is there only when some run has something for it.
    """

    key: str
    title: str
    width: int
    text: Callable[[Line, float, int], str]
    rank: int = 0
    widest: int = 0
    right: bool = False
    quiet: bool = False
    short: str = ""
    tight: bool = False
    wanted: bool = False

    def cell(self, line: Line, now: float, width: int) -> str:
        """Return what stands in the cell, in exactly `width` cells."""
        text = self.text(line, now, width)
        return display.fit_right(text, width) if self.right else display.fit(text, width)

    def heading(self, width: int, arrow: str = "") -> str:
        """Return the title in exactly `width` cells, with the arrow of a sorted column."""
        title = self.title
        if arrow:
            title = next(
                (
                    text
                    for text in (f"{title} {arrow}", f"{title}{arrow}", f"{self.short}{arrow}")
                    if len(text) <= width
                ),
                arrow,
            )
        return display.fit_right(title, width) if self.right else display.fit(title, width)


def _status(line: Line, now: float, width: int) -> str:
    if line.kind != "group":
        status = display.status(line.summary.status)
        return status.text if len(status.text) <= width else status.word
    found = line.statuses
    if len(found) == 1:
        return display.status(line.summary.status).text
    order = (*display.STATUSES, *found)
    return " ".join(f"{display.status(one).sign}{found[one]}" for one in dict.fromkeys(order) if one in found)


def _step(line: Line, now: float, width: int) -> str:
    return f"{display.step(line.summary)}/{display.steps(line.summary)}"


def _name(line: Line, now: float, width: int) -> str:
    # What the sign is for stands in the preview.
    name = ("! " if line.summary.problems and line.kind != "group" else "") + display.literal(line.summary.name)
    if line.kind == "group":
        size = f" {line.size}"
        return (FOLDED if line.folded else UNFOLDED) + display.fit(name, width - 2 - len(size)).rstrip() + size
    return MEMBER + name if line.kind == "member" else name


def _loss(line: Line, now: float, width: int) -> str:
    return formatting.number(line.summary.metrics.get("loss"), width)


def _accuracy(line: Line, now: float, width: int) -> str:
    accuracy = line.summary.metrics.get("accuracy")
    return formatting.percent(accuracy) + ("*" if line.summary.measure and accuracy is not None else "")


def _curve(metric: str) -> Callable[[Line, float, int], str]:
    def text(line: Line, now: float, width: int) -> str:
        if line.kind == "group":
            spread = line.spread.get(metric)
            return "" if spread is None else quartiles(metric, spread, width)
        curve = line.curve(metric)
        return drawn(curve, width, formatting.is_share(metric)) if curve else ""

    return text


def quartiles(metric: str, spread: Standing, width: int) -> str:
    """Return the middle half of a group in `width` cells: 88.12–99.50%, 0.12–0.30; NaN where a run without a value
    stands."""
    ends = spread.low, spread.high
    if all(map(math.isnan, ends)):
        return ""
    if metric == "accuracy":
        return "–".join(formatting.percent(end).removesuffix("%") for end in ends) + "%"
    return "–".join(formatting.number(end, (width - 1) // 2) for end in ends)


@lru_cache(maxsize=4096)
def drawn(curve: tuple[float, ...], width: int, share: bool) -> str:
    """Return a curve in one row, a share from 0 to 100% as in its chart; needs numpy, which is there once anything was
    read."""
    # A row of its own for the eye: full blocks would touch the line above.
    return sparkline(curve, width, (0.0, 1.0) if share else None).replace("█", "▇")


def _left(line: Line, now: float, width: int) -> str:
    return formatting.duration(line.summary.seconds_left)


def _speed(line: Line, now: float, width: int) -> str:
    run = line.summary
    return formatting.speed(run.steps_per_second) if run.status == "running" else "–"


COLUMNS = (
    Column("status", "status", 10, _status),
    Column("name", "name", 12, _name, widest=32),
    Column("preset", "preset", 12, lambda line, now, width: display.literal(line.summary.preset), 9, 18, quiet=True),
    Column(
        "progress", "progress", 10, lambda line, now, width: formatting.progress(line.summary.progress), widest=30
    ),
    Column(
        "step", "step", 15, _step, 10, right=True,
        quiet=True,
    ),
    Column(
        "loss", "loss", 7, _loss, 2, right=True
    ),
    Column("loss curve", "", LOSS_CURVE, _curve("loss"), 7, quiet=True, tight=True),
    Column("accuracy", "accuracy", 8, _accuracy, 1, right=True, short="acc"),
    Column("accuracy curve", "", ACCURACY_CURVE, _curve("accuracy"), 6, quiet=True, tight=True),
    Column(
        "left", "left", 7, _left, 5, right=True, quiet=True
    ),
    Column("speed", "speed", 9, _speed, 11, right=True, quiet=True),
    Column(
        "group", "group", 8, lambda line, now, width: display.literal(line.summary.group or ""), 12, 16, quiet=True,
        wanted=True,
    ),
    Column(
        "tags", "tags", 8, lambda line, now, width: display.literal(", ".join(line.summary.tags)), 8, 20, quiet=True,
        wanted=True,
    ),
    Column(
        "age", "age", 4, lambda line, now, width: formatting.age(now - line.summary.created), 4, right=True, quiet=True
    ),
)  # fmt: skip
USUAL = frozenset(column.key for column in COLUMNS)
SORTED_RANK, SORTED_WIDTH = 3, 9
# From this rank on a column comes only when names have these cells more than the fewest.
LUXURIES, NAME_RESERVE = 7, 8


@dataclass(frozen=True)
class Place:
    """A column with the cells it got, and the empty ones before it."""

    column: Column
    gap: int
    width: int


def sorted_column(key: str, text: Callable[[Line], str]) -> Column:
    """Return a column for what the list is sorted by when it is none of the usual ones: a metric, a setting."""
    title = key.rpartition(".")[2].replace("_", " ")
    return Column(
        key, display.fit(title, SORTED_WIDTH - 1).strip(), SORTED_WIDTH, lambda line, now, width: text(line),
        SORTED_RANK, 14, right=True,
    )  # fmt: skip


def arrange(width: int, wanted: Collection[str] = (), extra: Column | None = None) -> list[Place]:
    """Return the columns that fit into `width` cells, in order, none wrapped; what is left widens names and bars.

    wanted: the columns that have something in them, of those that are not always shown. extra: one column more.
    """
    columns: Sequence[Column] = [column for column in COLUMNS if not column.wanted or column.key in wanted]
    if extra is not None:
        columns = [*columns[:-1], extra, columns[-1]]
    gap = 2 if width >= 76 else 1

    def before(column: Column) -> int:
        return 1 if column.tight else gap

    chosen = [column for column in columns if column.rank == 0]
    room = width - sum(column.width for column in chosen) - gap * (len(chosen) - 1)
    for column in sorted((column for column in columns if column.rank), key=lambda column: column.rank):
        reserve = NAME_RESERVE if column.rank >= LUXURIES else 0
        if room < column.width + before(column) + reserve:
            break
        chosen.append(column)
        room -= column.width + before(column)
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
    shown = [column for column in columns if column in chosen]
    return [Place(column, before(column) if index else 0, widths[column.key]) for index, column in enumerate(shown)]

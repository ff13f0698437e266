"""The columns of the list of runs: what each shows, and which of them fit into a width."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import TYPE_CHECKING

from rich.cells import cell_len

from seqsum import formatting
from seqsum_tui.charts.sparkline import sparkline
from seqsum_tui.charts.text import SETTING, shorten_name
from seqsum_tui.shared import display
from seqsum_tui.shared.columns import Column, Place, fitting

if TYPE_CHECKING:
    from seqsum.compare.spread import Standing
    from seqsum_tui.runs.listing import Line

LOSS_CURVE, ACCURACY_CURVE = 9, 13
"""Cells of the curves; of groups the quartiles stand there, those of accuracy in full."""
NARROWEST = 10
"""Cells that a group's name has at least beside the whole of how many runs it has."""
UNFOLDED, FOLDED, MEMBER = "▾ ", "▸ ", "└ "


@dataclass(frozen=True)
class RunColumn(Column):
    """text: what stands in it, given the line, the time in seconds since 1970, and the cells there are."""

    text: Callable[[Line, float, int], str] = field(kw_only=True)
    quiet: bool = False

    def cell(self, line: Line, now: float, width: int) -> str:
        """Return what stands in the cell, in exactly `width` cells."""
        return self.fitted(self.text(line, now, width), width)


def _status(line: Line, now: float, width: int) -> str:
    if line.kind != "group":
        return _signed(display.status(line.summary.status), width)
    found = line.statuses
    if len(found) == 1:
        return _signed(display.status(line.summary.status), width)
    order = (*display.STATUSES, *found)
    parts = [f"{display.status(one).sign}{found[one]}" for one in dict.fromkeys(order) if one in found]
    spaced = " ".join(parts)
    return spaced if cell_len(spaced) <= width else "".join(parts)


def tells_verdict(line: Line) -> bool:
    """Whether the column of the status, where that of the verdict has no room, tells how it went: of what is over."""
    return set(line.statuses) == {"finished"} and bool(line.verdicts)


def _outcome(line: Line, now: float, width: int) -> str:
    return (_verdict if tells_verdict(line) else _status)(line, now, width)


def _signed(shown: display.Status, width: int) -> str:
    """A status in a width: the space goes before the sign does."""
    texts = shown.text, f"{shown.sign}{shown.word}", shown.word
    return next((text for text in texts if len(text) <= width), shown.word)


def verdict_word(line: Line) -> str | None:
    """Return how a run went, or all runs of a group; None where nothing is told, or not the same of all."""
    found = line.verdicts
    return next(iter(found)) if len(found) == 1 and found.total() == len(line.entries) else None


def _verdict(line: Line, now: float, width: int) -> str:
    word = verdict_word(line)
    if word is not None:
        return _signed(display.VERDICTS[word], width)
    found = line.verdicts
    return " ".join(f"{one.sign}{found[word]}" for word, one in display.VERDICTS.items() if word in found)


def _step(line: Line, now: float, width: int) -> str:
    return f"{display.step(line.summary)}/{display.steps(line.summary)}"


def _name(line: Line, now: float, width: int) -> str:
    # What the sign is for stands in the preview.
    name = ("! " if line.summary.problems and line.kind != "group" else "") + display.literal(line.summary.name)
    if line.kind == "group":
        # What tells it from other groups goes before how many runs it has.
        sizes = [f" {line.size}", f" {line.short_size}", *([""] if SETTING in name else [])]
        rooms = [width - 2 - len(size) for size in sizes]
        fits = next((at for at, room in enumerate(rooms) if _fits(name, room)), 1 if rooms[0] < NARROWEST else 0)
        shown = display.fit(shorten_name(name, rooms[fits]) if SETTING in name else name, rooms[fits]).rstrip()
        return (FOLDED if line.folded else UNFOLDED) + shown + sizes[fits]
    lead = MEMBER if line.kind == "member" else ""
    return lead + shorten_name(name, width - len(lead))


def _fits(name: str, room: int) -> bool:
    """Whether a group's name, or of a sweep's all values of the setting, stands in so many cells."""
    return cell_len(name) <= room or (SETTING in name and room > 0 and "…" not in shorten_name(name, room)[1:])


def _loss(line: Line, now: float, width: int) -> str:
    return formatting.number(line.summary.value("loss"), width)


def _accuracy(line: Line, now: float, width: int) -> str:
    accuracy = line.summary.value("accuracy")
    return formatting.percent(accuracy) + ("*" if line.summary.measure and accuracy is not None else "")


def _curve(metric: str) -> Callable[[Line, float, int], str]:
    def text(line: Line, now: float, width: int) -> str:
        if line.kind == "group":
            spread = line.spread.get(line.summary.named(metric))
            return "" if spread is None else quartiles(metric, spread, width)
        curve = line.curve(metric)
        return drawn(curve, width, formatting.is_share(metric)) if curve else ""

    return text


def quartiles(metric: str, spread: Standing, width: int) -> str:
    """Return the middle half of a group in `width` cells: 88.12–99.50%, 0.12–0.30, .008–.014; NaN where a run
    without a value stands. Rounded outward, so that the median as shown lies inside."""
    ends = spread.low, spread.high
    if all(map(math.isnan, ends)):
        return ""
    if metric == "accuracy":
        shown = dict.fromkeys(formatting.percent(end) for end in ends)
        return "–".join("100" if text == "100.00%" else text.removesuffix("%") for text in shown) + "%"
    return formatting.interval(*ends, width)


@lru_cache(maxsize=4096)
def drawn(curve: tuple[float, ...], width: int, share: bool) -> str:
    """Return a curve in one row, a share from 0 to 100% as in its chart; needs numpy, which is there once anything was
    read."""
    # A row of its own for the eye: full blocks would touch the line above.
    return sparkline(curve, width, (0.0, 1.0) if share else None).replace("█", "▇")


def _group(line: Line, now: float, width: int) -> str:
    return display.literal(line.summary.group or "")


def _tags(line: Line, now: float, width: int) -> str:
    return display.literal(", ".join(line.summary.tags))


def _owner(line: Line, now: float, width: int) -> str:
    return display.literal(", ".join(line.owners))


def _age(line: Line, now: float, width: int) -> str:
    return formatting.age(now - line.summary.created)


def _left(line: Line, now: float, width: int) -> str:
    if line.kind != "group" and line.summary.place is not None:
        return line.summary.place.short
    return formatting.duration(line.summary.seconds_left)


def _size(line: Line, now: float, width: int) -> str:
    return formatting.NONE if line.summary.size is None else formatting.size(line.summary.size)


def _speed(line: Line, now: float, width: int) -> str:
    return formatting.speed(line.summary.steps_per_second)


COLUMNS = (
    RunColumn("status", "status", 10, text=_status),
    RunColumn("name", "name", 12, widest=32, text=_name),
    RunColumn("verdict", "verdict", 11, 5, text=_verdict),
    RunColumn("preset", "preset", 12, 10, 18, text=lambda line, *_: display.literal(line.summary.preset), quiet=True),
    RunColumn("progress", "progress", 10, widest=30, text=lambda line, *_: formatting.progress(line.summary.progress)),
    RunColumn("step", "step", 15, 11, right=True, text=_step, quiet=True),
    RunColumn("loss", "loss", 7, 2, right=True, text=_loss),
    RunColumn("loss curve", "", LOSS_CURVE, 8, tight=True, text=_curve("loss"), quiet=True),
    RunColumn("accuracy", "accuracy", 8, 1, right=True, short="acc", text=_accuracy),
    RunColumn("accuracy curve", "", ACCURACY_CURVE, 7, tight=True, text=_curve("accuracy"), quiet=True),
    RunColumn("left", "left", 7, 6, right=True, text=_left, quiet=True),
    RunColumn("speed", "speed", 9, 12, right=True, text=_speed, quiet=True),
    RunColumn("group", "group", 8, 13, 16, text=_group, quiet=True),
    RunColumn("tags", "tags", 8, 9, 20, text=_tags, quiet=True),
    RunColumn("age", "age", 4, 4, right=True, text=_age, quiet=True),
)
OWNER = RunColumn("owner", "owner", 8, 3, 14, text=_owner, quiet=True)
"""Stands there where not all runs are of the person who looks."""
SIZE = RunColumn("size", "size", 7, 3, right=True, text=_size, quiet=True)
"""Stands there where the list is sorted by it, and in the bin."""
OUTCOME = RunColumn("status", "status", 10, text=_outcome)
"""Stands for the status where the verdict has no column."""
USUAL = frozenset(column.key for column in (*COLUMNS, OWNER, SIZE))
SORTED_RANK, SORTED_WIDTH, LUXURIES = 3, 9, 8


def sorted_column(key: str, text: Callable[[Line], str]) -> RunColumn:
    """Return a column for what the list is sorted by when it is none of the usual ones: a metric, a setting."""
    title = display.fit(key.rpartition(".")[2].replace("_", " "), SORTED_WIDTH - 1).strip()
    return RunColumn(key, title, SORTED_WIDTH, SORTED_RANK, 14, right=True, text=lambda line, *_: text(line))


def arrange(
    width: int, extra: RunColumn | None = None, *, owners: bool = False, sizes: bool = False
) -> list[Place[RunColumn]]:
    """Return the columns that fit into `width` cells, whatever stands in them, so that none moves when a first tag
    comes. extra: one column more. owners: with that of whose runs they are; sizes: with that of what they take.
    """
    columns = list(COLUMNS)
    columns[-1:-1] = [column for column, shown in ((SIZE, sizes), (extra, extra is not None)) if shown and column]
    if owners:
        columns.insert(2, OWNER)
    places = fitting(columns, width, LUXURIES)
    if any(place.column.key == "verdict" for place in places):
        return places
    return [replace(place, column=OUTCOME) if place.column.key == OUTCOME.key else place for place in places]

"""The settings of a sweep, a line each, with its seeds as quantiles on one axis."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

from rich.cells import cell_len
from rich.style import Style
from textual.binding import BindingType
from textual.message import Message

from seqsum import formatting
from seqsum.compare.significance import interval, interval_title, value_text
from seqsum.compare.spread import QUARTILES, quantile
from seqsum.sweeps.axes import is_logarithmic
from seqsum_tui.shared import bindings, display
from seqsum_tui.shared.columns import Column, fitting
from seqsum_tui.shared.line_table import ColumnTable, LineTable, Piece

if TYPE_CHECKING:
    from seqsum.sweeps.results import Result
    from seqsum_tui.sweep.reader import SweepView

MARK = "◆"
STATES = {"complete": "◉", "running": "●", "paused": "‖", "stopped": "■", "pruned": "⊘", "failed": "✗"}
WORDS = {
    "complete": "", "running": "under way", "paused": "paused", "stopped": "stopped", "pruned": "given up",
    "failed": "failed",
}  # fmt: skip
WIDEST_FIELD, NARROWEST_FIELD = 18, 5
SEEDS, LUXURIES = "seeds", 7
NARROWEST_STRIP, WIDEST_STRIP = 12, 68
LOST = 4
"""Cells behind the seeds for how many have no value."""


@dataclass(frozen=True)
class SettingLine:
    """A setting under its number."""

    result: Result

    @property
    def key(self) -> str:
        return str(self.result.setting.number)


@dataclass(frozen=True)
class SettingColumn(Column):
    """A column of the table."""

    text: Callable[[Result], str] = field(kw_only=True)


@dataclass(frozen=True)
class Strip:
    """The axis that all seeds stand on: from the lowest to the highest value, `log` where that is a decade or more."""

    goal: str
    low: float
    high: float
    log: bool
    higher: bool

    @classmethod
    def of(cls, goal: str, values: Iterable[float], *, higher: bool) -> Strip:
        """Return the axis for these values; infinities stand beyond its end."""
        finite = [value for value in values if math.isfinite(value)]
        low, high = (min(finite), max(finite)) if finite else (0.0, 1.0)
        log = bool(finite) and is_logarithmic(goal, low, high)
        return cls(goal, low, high, log, higher)

    def column(self, value: float, width: int) -> int:
        """Return where a value stands among `width` cells; what is beyond an end at that end."""
        value = min(max(value, self.low), self.high)
        low, high = self.low, self.high
        if self.log:
            value, low, high = math.log(value), math.log(low), math.log(high)
        return round((value - low) / (high - low) * (width - 1)) if high > low else (width - 1) // 2

    def drawn(self, values: Sequence[float], width: int) -> str:
        """Return the seeds in `width` cells: from end to end, the middle half thick, and a dot for the median; nothing
        where no seed has a value, and no dot where the median falls on one without."""
        if width <= 0 or not any(map(math.isfinite, values)):
            return " " * max(width, 0)
        places = [self.column(values[0], width), *(self.column(quantile(values, share), width) for share in QUARTILES)]
        places.append(self.column(values[-1], width))
        first, low, middle, high, last = places
        cells = [" "] * width
        cells[first : last + 1] = "─" * (last + 1 - first)
        if len(values) > 1:
            cells[low : high + 1] = "━" * (high + 1 - low)
        if math.isfinite(quantile(values, 0.5)):
            cells[middle] = "●"
        return "".join(cells)

    def heading(self, width: int) -> str:
        """Return the ends of the axis in `width` cells."""
        low, high = (formatting.metric(self.goal, end) for end in (self.low, self.high))
        if self.high <= self.low or cell_len(low) + cell_len(high) + 1 > width:
            return display.fit(SEEDS, width)
        middle = f" {SEEDS} " if cell_len(low) + cell_len(high) + len(SEEDS) + 4 <= width else ""
        return low + middle.center(width - cell_len(low) - cell_len(high)) + high


class SettingTable(ColumnTable[SettingLine, SettingColumn]):
    """The best setting first. Space marks."""

    SIGN_CELLS = 3
    GUTTER = 3
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "line-table--good", "line-table--bad", "line-table--mark", "line-table--live",
    }  # fmt: skip
    BINDINGS: ClassVar[list[BindingType]] = bindings.SWEEP_TABLE
    DEFAULT_CSS = """
    SettingTable {
        & > .line-table--good { color: $text-success; }
        & > .line-table--bad { color: $text-error; }
        & > .line-table--live { color: $text-primary; }
        & > .line-table--mark { color: $accent; }
    }
    """

    @dataclass
    class Chosen(LineTable.Chosen):
        """A person chose a setting."""

    @dataclass
    class Marked(Message):
        """Other settings are marked now."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._columns: list[SettingColumn] = []
        self.strip: Strip | None = None
        self.marked: set[str] = set()

    def show(self, view: SweepView) -> None:
        """Show a sweep's settings."""
        values = [value for one in view.results for value in one.values]
        self.strip = Strip.of(view.sweep.goal, values, higher=view.sweep.direction == "higher")
        self._columns = columns_of(view)
        self.marked &= {str(one.setting.number) for one in view.results}
        self.take_width()
        self.replace([SettingLine(one) for one in view.results])
        self.refresh()

    def take_width(self) -> None:
        """Choose the columns that fit."""
        self.places = fitting(self._columns, self.size.width - self.GUTTER - 1, LUXURIES)

    def action_mark(self) -> None:
        """Mark the setting under the cursor, or not, and go on to the next."""
        if (line := self.selected) is not None:
            self.marked ^= {line.key}
            self.refresh()
            self.action_move(1)
            self.post_message(self.Marked())

    def sign_clicked(self, index: int) -> None:
        """Mark the setting, or not."""
        self.marked ^= {self.lines[index].key}
        self.refresh()
        self.post_message(self.Marked())

    def heading(self) -> Iterable[Piece]:
        """Return the titles; over the seeds the ends of their axis."""
        yield " " * self.GUTTER, Style()
        for place in self.places:
            yield " " * place.gap, Style()
            strip = self.strip if place.column.key == SEEDS else None
            if strip is not None:
                yield strip.heading(place.width - LOST) + " " * LOST, Style()
            else:
                yield place.column.heading(place.width), Style()

    def signs(self, line: SettingLine) -> Iterable[Piece]:
        """Return whether it is marked, and how it stands."""
        state = line.result.state
        ink = {"failed": "bad", "running": "live"}.get(state, "quiet")
        yield MARK if line.key in self.marked else " ", self.style_of("mark")
        yield STATES[state], self.style_of(ink)
        yield " ", Style()

    def cell(self, line: SettingLine, column: SettingColumn, width: int) -> Iterable[Piece]:
        """A text; of the seeds, where they stand."""
        result = line.result
        if column.key == SEEDS:
            return self._seeds(result, width)
        quiet = column.key in ("interval", "p", "state") or result.setting.state in ("pruned", "failed")
        style = self.style_of("quiet") if quiet else Style(bold=column.key == "median")
        return [(column.fitted(column.text(result), width), style)]

    def _seeds(self, result: Result, width: int) -> list[Piece]:
        # The last cells say how many seeds have no value: they count as the worst, and stand at that end.
        broken = f" ×{result.broken}" if result.broken else ""
        room = width - LOST
        drawn = self.strip.drawn(result.values, room) if self.strip else " " * room
        ink = self.style_of("live" if result.state == "running" else "good")
        ink = self.style_of("quiet") if result.setting.state in ("pruned", "failed") else ink
        return [(drawn, ink), (display.fit(broken, LOST), self.style_of("bad"))]


def columns_of(view: SweepView) -> list[SettingColumn]:
    """Return the table's columns: the fields, the median, and what is known of it."""
    sweep, goal = view.sweep, view.sweep.goal

    def value_of(path: str) -> Callable[[Result], str]:
        return lambda one: display.literal(one.setting.values.get(path, "–"))

    found, spread = [], interval_title(one.sample for one in view.results)
    for path, name in view.names.items():
        texts = [name, *(one.setting.values.get(path, "") for one in view.results)]
        width = min(max(map(cell_len, texts)), WIDEST_FIELD)
        found.append(SettingColumn(path, name, max(width, NARROWEST_FIELD), right=True, text=value_of(path)))
    found += [
        SettingColumn("median", "median", 8, right=True, text=lambda one: _metric(goal, one)),
        SettingColumn(SEEDS, SEEDS, NARROWEST_STRIP, 1, widest=WIDEST_STRIP, text=lambda one: ""),
        SettingColumn("n", "ended", 7, 5, right=True, text=lambda one: f"{_n(one)}/{len(sweep.seeds)}"),
        SettingColumn("interval", spread, 18, 4, right=True, text=lambda one: _interval(goal, one, spread)),
    ]
    if any(map(_state, view.results)):
        found.insert(-1, SettingColumn("state", "state", 9, 3, text=_state))
    if goal == "accuracy":
        converged = SettingColumn("converged", "converged", 9, 6, right=True, text=_converged)
        found.append(converged)
    found.append(SettingColumn("p", "p", 7, 2, right=True, text=_p))
    if any(one.setting.reason for one in view.results):
        longest = max(cell_len(one.setting.reason) for one in view.results)
        found.append(
            SettingColumn("why", "why", min(longest, 24), 7, min(longest, 60), text=lambda one: one.setting.reason)
        )
    return found


def _metric(goal: str, one: Result) -> str:
    return value_text(goal, one.median)


def _n(one: Result) -> int:
    return one.sample.n if one.sample is not None else 0


def _state(one: Result) -> str:
    if one.state == "running" and one.live:
        return f"{one.live} live"
    return WORDS[one.state]


def _interval(goal: str, one: Result, title: str) -> str:
    return "–" if one.sample is None else interval(goal, one.sample, title)


def _converged(one: Result) -> str:
    return "–" if one.converged is None or one.sample is None else f"{one.converged} of {one.sample.n}"


def _p(one: Result) -> str:
    if one.against is None or one.against.p is None:
        return "–"
    return formatting.p_number(one.against.p)

"""A table of numbers as colours: units or classes down, steps across, and a cursor that names what it stands on."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from rich.text import Text
from textual import events
from textual.binding import BindingType
from textual.color import Color
from textual.message import Message

from seqsum import formatting
from seqsum_tui.charts.ramp import SHADES, Scale, cell_style, shade, share, tenths
from seqsum_tui.shared import bindings, display
from seqsum_tui.shared.picture import Picture

WIDEST_NAME = 14
WIDEST_CELL = 9
HEADINGS = 2
"""Lines above the cells: what the cursor stands on, and the steps."""
TALLEST_CELL = 4


@dataclass(frozen=True)
class Heat:
    """What a heat map shows.

    values: a row for each unit or class, a value for each step; rows of one length. NaN shows as `?`
    rows, columns: their names; row_word, column_word: what they are, e.g. `unit` and `step`
    scale: `diverging` for values round zero, `sequential` for values from zero up
    most: what is a full colour, in all rows or in each
    above, below: what is said of a value: of a sequential one, what it is so much of; of one above and below zero
    """

    values: tuple[tuple[float, ...], ...]
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    row_word: str = "unit"
    column_word: str = "step"
    scale: Scale = "sequential"
    most: float | tuple[float, ...] = 1.0
    above: str = "positive"
    below: str = "negative"
    percent: bool = False
    """Whether values are shares, read in percent."""
    numbered: bool = True
    """Whether columns are places in a row, and not only names."""
    chooses: bool = False
    """Whether enter on a cell leads on, to what the cell counts."""

    @property
    def liveliest(self) -> tuple[int, int]:
        """Row and column of what is looked for first: of a table of truths the commonest mistake, else what is largest
        in the last step."""
        if self.rows == self.columns:
            places = itertools.product(range(len(self.rows)), range(len(self.columns)))
            # Where there is no mistake, the first place.
            return max(places, key=lambda at: self.values[at[0]][at[1]] if at[0] != at[1] else 0.0, default=(0, 0))
        last = len(self.columns) - 1
        sizes = [abs(row[last]) if math.isfinite(row[last]) else 0.0 for row in self.values] if last >= 0 else [0.0]
        return sizes.index(max(sizes, default=0.0)) if sizes else 0, max(last, 0)

    def full(self, row: int) -> float:
        """Return what is a full colour in a row."""
        return self.most[row] if isinstance(self.most, tuple) else self.most

    def spelled(self, value: float) -> str:
        """Return a value as people read it."""
        if self.percent:
            return formatting.percent(value)
        return formatting.number(value, signed=self.scale == "diverging").replace("-", "−")

    def meaning(self, row: int, column: int) -> str:
        """Say in words what a cell holds."""
        value = self.values[row][column]
        if not math.isfinite(value):
            return ""
        part = share(value, self.full(row))
        size = next(at for at, limit in enumerate(SIZES) if abs(part) <= limit)
        if self.percent:
            return f" {self.above}"
        if self.scale == "sequential":
            return f", {AMOUNTS[size]} {self.above}"
        return f", {DEGREES[size]} {self.above if value > 0 else self.below}" if size else ", close to zero"


SIZES = (0.05, 0.35, 0.65, 0.95, 1.0)
AMOUNTS = ("nearly nothing", "a little", "about half", "most", "nearly all")
DEGREES = ("", "slightly", "clearly", "strongly", "very strongly")
"""How a share of the largest is called, up to each of the sizes."""


def steps_named(tokens: Sequence[str]) -> tuple[str, ...]:
    """Return the tokens as names of columns, as `display.token` shows each."""
    return tuple(map(display.token, tokens))


class HeatMap(Picture[Heat], can_focus=True):
    """Scrolls with its cursor when it is larger than its place. Where there is no colour, blocks stand for it."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"heat--name", "heat--here", "heat--value"}
    BINDINGS: ClassVar[list[BindingType]] = bindings.HEAT_MAP
    DEFAULT_CSS = """
    HeatMap {
        & > .heat--name { color: $foreground-muted; }
        & > .heat--here { color: $background; background: $foreground 80%; text-style: bold; }
        & > .heat--value { color: $foreground; }
    }
    """

    @dataclass
    class CursorMoved(Message):
        """A person moved the cursor to a column."""

        heat_map: HeatMap
        row: int
        column: int

    @dataclass
    class Chosen(Message):
        """A person chose a cell of a map that leads on."""

        row: int
        column: int

    def __init__(self) -> None:
        super().__init__()
        self._top = self._first = 0
        self.row = self.column = 0
        self._held = False

    def show(self, subject: Heat | None) -> None:
        """Show other values. The cursor is on the liveliest of them until a person moves it; then it stays as near to
        where it was as it can."""
        if subject != self.subject:
            self.subject = subject
            held = self._held
            self.move_to(*((self.row, self.column) if held or subject is None else subject.liveliest))
            self._held = held

    def move_to(self, row: int, column: int) -> None:
        """Put the cursor on a cell, without posting a message."""
        heat, self._held = self.subject, True
        if heat is not None:
            self.row = max(0, min(row, len(heat.rows) - 1))
            self.column = max(0, min(column, len(heat.columns) - 1))
        self._reveal()
        self.refresh()

    def action_move(self, rows: int, columns: int) -> None:
        """Move the cursor."""
        self._moved(self.row + rows, self.column + columns)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer enter where a cell leads on."""
        return self.why_not(action, parameters) is None

    def why_not(self, action: str, parameters: tuple[object, ...]) -> str | None:
        """Say why enter does nothing here."""
        leads_on = action != "choose" or (self.subject is not None and self.subject.chooses)
        return None if leads_on else "A cell of this picture leads no further."

    def action_choose(self) -> None:
        """Go on to what the cell under the cursor counts."""
        self.post_message(self.Chosen(self.row, self.column))

    def _moved(self, row: int, column: int) -> None:
        before = self.row, self.column
        self.move_to(row, column)
        if before != (self.row, self.column):
            self.post_message(self.CursorMoved(self, self.row, self.column))

    def on_resize(self) -> None:
        self._reveal()
        # What was drawn first may have known no size yet.
        self.refresh()

    def on_click(self, event: events.Click) -> None:
        """Put the cursor under the pointer."""
        x, y = event.x - self.name_width - 1, event.y - HEADINGS
        if self.subject is not None and x >= 0 and y >= 0:
            self._moved(self._top + y // self._cell_height, self._first + x // self._cell_width)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        event.stop()
        self.action_move(1, 0)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        event.stop()
        self.action_move(-1, 0)

    @property
    def cursor_words(self) -> str:
        """What stands under the cursor, e.g. `unit 7, step 3 (5): −0.512`."""
        heat = self.subject
        if heat is None or not heat.rows or not heat.columns:
            return ""
        said = heat.spelled(heat.values[self.row][self.column]) + heat.meaning(self.row, self.column)
        place = heat.columns[self.column]
        place = f"{self.column + 1} ({place})" if heat.numbered else place
        return f"{heat.row_word} {heat.rows[self.row]}, {heat.column_word} {place}: {said}"

    # Where things stand

    @property
    def name_width(self) -> int:
        names = self.subject.rows if self.subject is not None else ()
        return min(max((cell_len(name) for name in names), default=0), WIDEST_NAME)

    @property
    def _cell_width(self) -> int:
        """Cells grow with the place there is, and with the names of the steps."""
        heat = self.subject
        if heat is None or not heat.columns:
            return 3
        room = (self.size.width - self.name_width - 1) // len(heat.columns)
        named = max(cell_len(name) for name in heat.columns) + 1
        return max(3, min(named, WIDEST_CELL), min(room, 4 * self._cell_height + 3))

    @property
    def _cell_height(self) -> int:
        """Cells are as high as all rows of them find room for."""
        heat = self.subject
        fitting = (self.rows - HEADINGS) // len(heat.rows) if heat is not None and heat.rows else 1
        return max(1, min(fitting, TALLEST_CELL))

    @property
    def _rows_shown(self) -> int:
        return max((self.rows - HEADINGS) // self._cell_height, 1)

    @property
    def drawn(self) -> int:
        """How many lines there are to draw: what they mean stands below them, after a blank one where there is room."""
        heat = self.subject
        return min(HEADINGS + self._cell_height * len(heat.rows) + 1, self.rows) if heat is not None else 0

    @property
    def _columns_shown(self) -> int:
        return max((self.size.width - self.name_width - 1) // self._cell_width, 1)

    def _reveal(self) -> None:
        heat = self.subject
        if heat is None:
            self._top = self._first = 0
            return
        self._top = max(min(self._top, self.row), self.row - self._rows_shown + 1, 0)
        self._top = max(min(self._top, len(heat.rows) - self._rows_shown), 0)
        self._first = max(min(self._first, self.column), self.column - self._columns_shown + 1, 0)
        self._first = max(min(self._first, len(heat.columns) - self._columns_shown), 0)

    # Drawing

    def legend(self, heat: Heat) -> Text:
        """Return what the colours, figures and marks of the cells mean, with the ends of the scale."""
        each, diverging = isinstance(heat.most, tuple), heat.scale == "diverging"
        full = 1.0 if each else heat.full(0)

        def part(tenth: float) -> str:
            if each:
                return f"{formatting.whole_percent(tenth)} of the largest in its row"
            return formatting.whole_percent(tenth * full) if heat.percent else formatting.shortest(tenth * full, 3)

        parts: list[str | tuple[str, Style]] = []
        if self.plain:
            shown = [(f"+{SHADES[at]}" if diverging else SHADES[at] * 2, part(at / 4)) for at in (2, 4)]
            parts.append(f"blank 0  {'  '.join(f'{sign} {size}' for sign, size in shown)}, ░ and ▓ between")
        else:
            behind = self.background_colors[1]
            for at in range(-10 if diverging else 0, 11, 2 if diverging else 1):
                text = tenths(at / 10 * full, full, heat.scale)
                style = cell_style(at / 10 * full, full, heat.scale, behind)
                parts.append((text if diverging else text[1:], style))
            ends = "" if each else f" {f'−{part(1)}' if diverging else '0'} to {part(1)}:"
            parts.append(ends)
            parts.append(f" 7 is {part(0.7)}, X {'all' if each else part(1)}, · nearly 0")
        parts.append("; + above 0, − below" if diverging else "")
        if any(not math.isfinite(value) for row in heat.values for value in row):
            parts.append("; ? not known")
        size = self.size
        if len(heat.rows) > size.height - HEADINGS - 1:
            parts.append("; ↑↓ more rows")
        if len(heat.columns) * 3 > size.width - self.name_width - 1:
            parts.append("; ‹› more columns")
        made = Text.assemble(*parts)
        if self.plain or made.cell_len <= size.width * self.most_legend:
            return made
        # The least that is said twice, by the ends of the scale and by its figures.
        return Text.assemble(*(one for one in parts if one is not ends))

    def draw(self, heat: Heat, y: int) -> list[Segment]:
        """Return one line of the picture."""
        ground = self.rich_style
        name = ground + self.get_component_rich_style("heat--name", partial=True)
        here = self.get_component_rich_style("heat--here")
        if y == 0:
            words = display.fit(self.cursor_words, self.size.width)
            return [Segment(words, ground + self.get_component_rich_style("heat--value", partial=True))]
        shown = range(self._first, min(self._first + self._columns_shown, len(heat.columns)))
        cell = self._cell_width
        if y == 1:
            more = ("‹" if self._first else " ") if shown else ""
            parts = [Segment(" " * self.name_width + more, name)]
            for at in shown:
                text = display.fit_right(heat.columns[at], cell)
                parts.append(Segment(text, here if at == self.column and self.has_focus else name))
            parts.append(Segment("›" if shown and shown[-1] + 1 < len(heat.columns) else "", name))
            return parts
        row, line = divmod(y - HEADINGS, self._cell_height)
        row += self._top
        if row >= len(heat.rows):
            return []
        named = line == self._cell_height // 2
        chosen = row == self.row and self.has_focus
        parts = [Segment(display.fit_right(heat.rows[row] if named else "", self.name_width), here if chosen else name)]
        more_up = row == self._top and self._top > 0
        more_down = row == self._top + self._rows_shown - 1 and row + 1 < len(heat.rows)
        parts.append(Segment("↑" if more_up else "↓" if more_down else " ", name))
        behind = self.background_colors[1]
        parts += [self._cell(heat, row, at, named, chosen and at == self.column, cell, behind) for at in shown]
        return parts

    def _cell(self, heat: Heat, row: int, column: int, named: bool, chosen: bool, width: int, behind: Color) -> Segment:
        """Return a line of a cell. named: the one with its figure"""
        value, most = heat.values[row][column], heat.full(row)
        text = tenths(value, most, heat.scale) if named else ""
        if self.plain:
            block = shade(value, most)
            text = (text[0] if text and heat.scale == "diverging" else block) + block * (width - 2)
            text = f"[{text[: width - 2]}]" if chosen else f"{text} "
            return Segment(text, self.rich_style)
        style = cell_style(value, most, heat.scale, behind)
        if chosen and named:
            return Segment(display.fit(f"[{text.strip()}".rjust(width - 1) + "]", width), style + Style(bold=True))
        return Segment(text.rjust(width - 1) + " ", style)

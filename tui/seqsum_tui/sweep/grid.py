"""Two fields of a sweep as a grid: in each cell the median of the goal there, the better the stronger its colour."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from rich.cells import cell_len
from rich.style import Style
from rich.text import Text
from textual import events
from textual.binding import BindingType
from textual.message import Message

from seqsum import formatting
from seqsum.sweeps.axes import Cell, Grid
from seqsum_tui.charts.canvas import Canvas
from seqsum_tui.charts.ramp import FULL
from seqsum_tui.charts.text import shorten
from seqsum_tui.shared import bindings, display
from seqsum_tui.shared.picture import Painting

WIDEST_NAME, WIDEST_CELL, NARROWEST_CELL, TALLEST_CELL = 20, 26, 2, 9
WIDEST_HEAD = 10
"""Of a column's name that reaches over its neighbours, whose own are left out then."""
NUMBER_CELLS = 4
"""In fewer no number stands: the colour tells alone."""
ABOVE = 1
"""Lines above the cells."""
BELOW = 2
"""Lines below them: the columns' names, and what they are."""
SHADES = " ░▒▓█"
BROKEN = "×"
CURSOR = "◆"
GIVEN_UP = "⊘"


@dataclass(frozen=True, eq=False)
class Shown:
    """A grid, the goal in it, which way that is better, and the key of the setting under the table's cursor."""

    grid: Grid
    goal: str
    higher: bool
    chosen: str | None


class GridMap(Painting[Shown], can_focus=True):
    """The cursor is on a cell; the table's goes to the best setting there."""

    BINDINGS: ClassVar[list[BindingType]] = bindings.SWEEP_GRID
    row = column = 0

    @dataclass
    class Moved(Message):
        """A person moved to a cell, whose best setting has this key."""

        key: str

    @dataclass
    class Opened(Message):
        """A person asked for the setting of the cell."""

    def show(self, subject: Shown | None) -> None:
        """Show a grid; the cursor is on the cell of the chosen setting."""
        if subject is not None:
            there = [
                (row, column)
                for row, cells in enumerate(subject.grid.cells)
                for column, cell in enumerate(cells)
                if any(str(one.setting.number) == subject.chosen for one in cell.settings)
            ]
            self.row, self.column = there[0] if there else (0, 0)
        super().show(subject)

    @property
    def cell(self) -> Cell | None:
        """The cell under the cursor."""
        grid = self.subject.grid if self.subject is not None else None
        return grid.cells[self.row][self.column] if grid is not None and grid.cells and grid.cells[0] else None

    def action_move(self, rows: int, columns: int) -> None:
        """Move the cursor, upwards to higher values."""
        if self.subject is None or self.cell is None:
            return
        grid = self.subject.grid
        self.row = min(max(self.row - rows, 0), len(grid.rows) - 1)
        self.column = min(max(self.column + columns, 0), len(grid.columns) - 1)
        self._painted_for = None
        self.refresh()
        if self.cell is not None and self.cell.settings:
            self.post_message(self.Moved(str(self.cell.settings[0].setting.number)))

    def action_choose(self) -> None:
        """Ask for the setting of the cell."""
        if self.cell is not None and self.cell.settings:
            self.post_message(self.Opened())

    def on_focus(self) -> None:
        """Show that the keys are for it, or not any more."""
        super().show(self.subject)

    on_blur = on_focus

    # Where things stand

    def _name_width(self, grid: Grid) -> int:
        return min(max(*map(cell_len, grid.rows), cell_len(grid.up) + 2), WIDEST_NAME, max(self.size.width // 3, 4))

    def _cell_size(self, grid: Grid) -> tuple[int, int]:
        """Return the width and the height of a cell."""
        room = (self.size.width - self._name_width(grid) - 1) // max(len(grid.columns), 1)
        height = (self.rows - ABOVE - BELOW) // max(len(grid.rows), 1)
        return max(min(room, WIDEST_CELL), NARROWEST_CELL), max(min(height, TALLEST_CELL), 1)

    def _window(self, grid: Grid) -> tuple[range, range]:
        """Return which rows and columns there is room for; those around the cursor, where not for all."""
        width, height = self._cell_size(grid)
        across = max((self.size.width - self._name_width(grid) - 1) // width, 1)
        up = max((self.rows - ABOVE - BELOW) // height, 1)
        return _around(self.row, up, len(grid.rows)), _around(self.column, across, len(grid.columns))

    @property
    def drawn(self) -> int:
        """How many lines the picture takes."""
        if self.subject is None:
            return 0
        grid = self.subject.grid
        return min(ABOVE + self._cell_size(grid)[1] * len(grid.rows) + BELOW, self.rows)

    def on_click(self, event: events.Click) -> None:
        """Put the cursor under the pointer; a second click opens what is there."""
        if self.subject is None or self.cell is None:
            return
        grid = self.subject.grid
        width, height = self._cell_size(grid)
        rows, columns = self._window(grid)
        column, from_top = (event.x - self._name_width(grid) - 1) // width, (event.y - ABOVE) // height
        if 0 <= column < len(columns) and 0 <= from_top < len(rows) and event.y >= ABOVE:
            again = event.chain > 1
            self.action_move(self.row - rows[len(rows) - 1 - from_top], columns[column] - self.column)
            if again:
                self.action_choose()

    # Drawing

    def legend(self, shown: Shown) -> Text:
        """Return what the cells mean."""
        grid = shown.grid
        several = max((len(cell.settings) for row in grid.cells for cell in row), default=0)
        parts = [f"median {shown.goal}" + (f" of up to {several} settings a cell" if several > 1 else "")]
        parts.append("a stronger colour is better")
        if any(cell.value is not None and math.isnan(cell.value) for row in grid.cells for cell in row):
            parts.append(f"{BROKEN}: it falls on runs without a value")
        rows, columns = self._window(grid)
        for name, some, all_ in ((grid.across, columns, grid.columns), (grid.up, rows, grid.rows)):
            if len(some) < len(all_):
                parts.insert(0, f"{name} {some[0] + 1}–{some[-1] + 1} of {len(all_):,} shown")
        return Text(" · ".join(parts))

    def words(self, shown: Shown) -> str:
        """Say what the cursor stands on."""
        grid, cell = shown.grid, self.cell
        if cell is None:
            return ""
        where = f"{grid.across} {grid.columns[self.column]}, {grid.up} {grid.rows[self.row]}"
        if not cell.settings:
            return f"{where}: not tried"
        many = f" over {formatting.count(len(cell.settings), 'setting')}" if len(cell.settings) > 1 else ""
        none = "given up before a seed had ended" if _is_over(cell) else "no value yet"
        told = none if cell.value is None else f"median {shown.goal} {self._text(shown, cell)}"
        return f"{where}: {told}{many}"

    def _text(self, shown: Shown, cell: Cell, room: int | None = None) -> str:
        """Return the value of a cell; in fewer cells where there are but `room`."""
        if room is not None and cell.value is not None:
            share = formatting.is_share(shown.goal)
            return formatting.whole_percent(cell.value) if share else formatting.number(cell.value, room)
        if cell.value is None:
            return GIVEN_UP if _is_over(cell) else "…" if cell.settings else "·"
        return BROKEN if math.isnan(cell.value) else formatting.metric(shown.goal, cell.value)

    def paint(self, shown: Shown, canvas: Canvas) -> None:
        """Paint cells and names, the highest row on top."""
        grid = shown.grid
        if not grid.rows or not grid.columns or canvas.height < ABOVE + 1 + BELOW:
            return
        named, (width, height) = self._name_width(grid), self._cell_size(grid)
        quiet, strong = self.ink(self.quiet), self.ink(Style(bold=True))
        canvas.text(0, 0, display.fit(display.literal(self.words(shown)), canvas.width), strong)
        rows, columns = self._window(grid)
        for from_top, row in enumerate(reversed(rows)):
            top = ABOVE + from_top * height
            name = _fitted(grid.rows[row], named)
            here = strong if row == self.row else quiet
            canvas.text(top + height // 2, 0, display.fit_right(name, named), here)
            for place, column in enumerate(columns):
                self._paint_cell(shown, canvas, (row, column), (top, named + 1 + place * width), (width, height))
        below = ABOVE + height * len(rows)
        for column, place, text in self._heads(grid, columns, width, canvas.width - named - 1):
            canvas.text(below, named + 1 + place, text, strong if column == self.column else quiet)
        canvas.text(below + 1, 0, display.fit_right(shorten(f"{grid.up} ↑", named), named), quiet)
        canvas.text(below + 1, named + 1, f"{grid.across} →", quiet)

    def _heads(self, grid: Grid, columns: range, width: int, room: int) -> list[tuple[int, int, str]]:
        """Return column, place and text of the columns' names, as many as stand side by side; the cursor's is one."""
        names = {column: _fitted(grid.columns[column], width - 1) for column in columns}
        told_apart = len({*names.values()}) == len(names) and not any("…" in name for name in names.values())
        if width - 1 < WIDEST_HEAD and not told_apart:
            # Whole names of some of them.
            names = {column: _fitted(grid.columns[column], WIDEST_HEAD) for column in columns}
        heads: dict[int, tuple[int, str]] = {}
        for column in (self.column, *columns):
            name = names[column]
            middle = (column - columns[0]) * width + (width - 1 - cell_len(name)) // 2
            place = min(max(middle, 0), max(room - cell_len(name), 0))
            ends = ((at, at + cell_len(text)) for at, text in heads.values())
            if all(place > end or place + cell_len(name) < at for at, end in ends):
                heads[column] = place, name
        return [(column, place, name) for column, (place, name) in heads.items()]

    def _paint_cell(
        self, shown: Shown, canvas: Canvas, at: tuple[int, int], place: tuple[int, int], size: tuple[int, int]
    ) -> None:
        cell = shown.grid.cells[at[0]][at[1]]
        (top, left), (width, height) = place, size
        text, weight = self._text(shown, cell), shown.grid.goodness(cell, higher=shown.higher)
        chosen = at == (self.row, self.column)
        room = width - 1
        colour_only = weight is not None and room < NUMBER_CELLS
        if weight is not None and cell_len(text) > room:
            text = "" if colour_only else self._text(shown, cell, room)
        framed = chosen and cell_len(text) + 2 <= room and not colour_only
        style = Style(bold=chosen, underline=chosen and not framed and not colour_only)
        fill = " "
        if weight is None or self.plain:
            fill = SHADES[round((weight or 0.0) * 4)] if weight is not None else " "
            style += self.quiet if weight is None else Style()
        else:
            behind = self.background_colors[1].blend(FULL, 0.08 + 0.92 * weight, alpha=1.0)
            front = behind.blend(behind.get_contrast_text(1.0), 0.85, alpha=1.0)
            style += Style(color=front.rich_color, bgcolor=behind.rich_color)
        ink = self.ink(style)
        for line in range(height):
            words = ""
            if line == height // 2:
                words = shorten("" if colour_only else text, room)
                words = f"[{words}]" if framed else CURSOR[:room] if chosen and not words else words
            side = max(width - 1 - cell_len(words), 0)
            padded = fill * (side // 2) + words + fill * (side - side // 2)
            canvas.text(top + line, left, padded, ink)


def _is_over(cell: Cell) -> bool:
    """Whether nothing comes of a cell's settings any more."""
    return bool(cell.settings) and all(one.setting.state in ("pruned", "failed") for one in cell.settings)


def _around(cursor: int, shown: int, all_: int) -> range:
    """Return `shown` places of all, the cursor's in their middle where it can be."""
    first = min(max(cursor - shown // 2, 0), max(all_ - shown, 0))
    return range(first, min(first + shown, all_))


def _fitted(name: str, width: int) -> str:
    """Return the name of a row or column in at most `width` cells: a number in fewer digits, rather than cut."""
    text = display.literal(name)
    if cell_len(text) <= width:
        return text
    try:
        return formatting.number(float(text), width)
    except ValueError:
        return shorten(text, width)

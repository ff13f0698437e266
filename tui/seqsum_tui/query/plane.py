"""Points in a plane as braille dots: the classes in the colours of the wheel, each clump with its class's name."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import numpy as np
from rich.cells import cell_len
from rich.style import Style
from rich.text import Text

from seqsum_tui.charts.canvas import BRAILLE, Canvas
from seqsum_tui.charts.palette import SIGNS, wheel_colour
from seqsum_tui.charts.raster import pack
from seqsum_tui.query.views.shown import Dots
from seqsum_tui.shared.picture import Painting

WIDEST_NAME = 3
"""Cells up to which a class's own name stands among the points; longer ones have a sign."""
NAMED_SHARE = 0.15
"""A further clump of a class has its name, too, where it holds so much of the class."""
APART = 3
"""Lines that names of the same class stand apart; in columns twice as many."""
STEPS = "①②③④⑤⑥⑦⑧⑨⑩⑪⑫⑬⑭⑮⑯⑰⑱⑲⑳"
LATER = "∘"
"""A step of the path behind the last that has a figure."""

Cell = tuple[int, int]


class Plane(Painting[Dots]):
    """Names lie on top, then the points, then the path of one question: it is seen where nothing else is.

    Where points of several classes share a cell, it has the colour of the class that most of them have.
    """

    def sign(self, label: int) -> str:
        """Return what stands for a class among the points: its own name, where all names are short."""
        labels = self.subject.labels if self.subject is not None else ()
        if all(cell_len(name) <= WIDEST_NAME for name in labels):
            return labels[label]
        return SIGNS[label] if len(labels) <= len(SIGNS) else chr(ord("A") + label % 26)

    def colour(self, label: int) -> Style:
        """Return the colour of a class: the wheel's, in the order of the classes."""
        count = len(self.subject.labels) if self.subject is not None else 0
        return Style(color=wheel_colour(label / count, self.app).rich_color) if count else Style()

    def legend(self, dots: Dots) -> Text:
        """Return the classes in their colours, and what the path is."""
        parts: list[str | tuple[str, Style]] = []
        for label, name in enumerate(dots.labels):
            sign = self.sign(label)
            parts += [(sign if sign == name else f"{sign} {name}", self.colour(label) + Style(bold=True)), " "]
        said = [f"colour and name: {dots.meaning}"] if dots.labels else []
        if dots.path:
            tokens = " ".join(token for _, _, token in dots.path)
            last = STEPS[min(len(dots.path), len(STEPS)) - 1]
            steps = f"①–{last}" if len(dots.path) > 1 else "①"
            said.append(f"dotted path {steps}: after each step of {tokens}")
        return Text.assemble(*parts, " · ".join(said))

    def paint(self, dots: Dots, canvas: Canvas) -> None:
        """Paint names, points and path."""
        width, height = canvas.width, canvas.height
        if not dots.x or width < 2 or height < 2:
            return
        points = np.array([*zip(dots.x, dots.y, strict=True), *((x, y) for x, y, _ in dots.path)])
        low, high = points.min(axis=0), points.max(axis=0)
        # One scale for both: a ring is to look round. Dots are as far apart across as down.
        room = np.array([2 * width - 1, 4 * height - 1])
        scale = max(float(((high - low) / room).max()), 1e-12)
        places = (points - (low + high) / 2) / scale * [1, -1] + room / 2
        at = np.clip(np.round(places).astype(np.int64), 0, room)
        count = len(dots.x)
        bits = _bits(at[:count], canvas)
        cells: dict[Cell, Counter[int]] = {}
        for (column, row), label in zip((at[:count] // [2, 4]).tolist(), dots.label, strict=True):
            cells.setdefault((row, column), Counter())[label] += 1
        path = at[count:]
        line = _bits(_joined(path), canvas)
        for row, column in np.argwhere((bits | line) > 0).tolist():
            mine = cells.get((row, column))
            style = self.quiet if mine is None else self.colour(max(mine, key=lambda one: (mine[one], -one)))
            shown = line[row, column] if mine is None else bits[row, column]
            canvas.put(row, column, chr(BRAILLE + int(shown)), self.ink(style))
        taken = self._paint_names(canvas, cells) if dots.labels else set()
        self._paint_steps(canvas, [(row, column) for column, row in (path // [2, 4]).tolist()], taken, set(cells))

    def _paint_names(self, canvas: Canvas, cells: dict[Cell, Counter[int]]) -> set[Cell]:
        """Write each class's name on its densest cell, and on those of its other clumps; return the cells they take.

        Without colours, every point has its class's name near it.
        """
        taken: set[Cell] = set()
        by_label: dict[int, Counter[Cell]] = {}
        for cell, found in cells.items():
            for label, many in found.items():
                by_label.setdefault(label, Counter())[cell] += many
        for label, mine in sorted(by_label.items(), key=lambda pair: -max(pair[1].values())):
            sign, least = self.sign(label), 0 if self.app.no_color else NAMED_SHARE * mine.total()
            first = True
            while mine:
                row, column = max(mine, key=lambda cell: (mine[cell], -cell[0], -cell[1]))
                near = [cell for cell in mine if abs(cell[0] - row) < APART and abs(cell[1] - column) < 2 * APART]
                enough = first or sum(mine[cell] for cell in near) >= least
                for cell in near:
                    del mine[cell]
                start = min(max(column - (cell_len(sign) - 1) // 2, 0), max(canvas.width - cell_len(sign), 0))
                here = [(row, start + at) for at in range(-1, cell_len(sign) + 1)]
                # Two names side by side would read as one.
                if enough and taken.isdisjoint(here):
                    canvas.text(row, start, sign, self.ink(self.colour(label) + Style(bold=True)))
                    taken.update(here[1:-1])
                    first = False
        return taken

    def _paint_steps(self, canvas: Canvas, path: list[Cell], taken: set[Cell], points: set[Cell]) -> None:
        """Number the steps of the path, each in the nearest cell without a name, and without points where there is one
        beside."""
        ink = self.ink(Style(bold=True))
        for step, (row, column) in enumerate(path):
            near = [(row + down, column + across) for down in (-1, 0, 1) for across in (-2, -1, 0, 1, 2)]
            free = [cell for cell in near
                    if cell not in taken and 0 <= cell[0] < canvas.height and 0 <= cell[1] < canvas.width]  # fmt: skip
            if free:
                best = min(free, key=lambda cell: (cell in points, 4 * (cell[0] - row) ** 2 + (cell[1] - column) ** 2))
                canvas.put(*best, STEPS[step] if step < len(STEPS) else LATER, ink)
                taken.add(best)


def _bits(at: np.ndarray, canvas: Canvas) -> np.ndarray:
    """Return uint32[height, width]: the braille patterns of dots at (column, row)."""
    dots = np.zeros((4 * canvas.height, 2 * canvas.width), dtype=np.bool_)
    dots[at[:, 1], at[:, 0]] = True
    return pack(dots)


def _joined(path: np.ndarray) -> np.ndarray:
    """Return every other dot of the lines between places that follow each other: int[n, 2]."""
    lines = [np.linspace(*ends, int(np.abs(ends[1] - ends[0]).max()) // 2 + 1) for ends in pairwise(path)]
    return np.concatenate([path, *lines]).round().astype(np.int64)

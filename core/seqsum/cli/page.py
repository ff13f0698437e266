"""Pages of the command line for people: titles, paragraphs, and rows whose columns stand below each other."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest

from rich.console import Console
from rich.text import Text

from seqsum.text import one_line

WIDEST = 120
NARROW = 64
INDENT = 2
GAP = 2
WIDEST_COLUMNS = (36, 20)
STYLES = ("cyan", "green")
TITLE = "bold"


@dataclass(frozen=True)
class Rows:
    """Rows under a title, each of as many columns: what is typed, perhaps its value, and what it means."""

    title: str
    rows: Sequence[tuple[str, ...]]
    beside: str = ""


class _Console(Console):
    def on_broken_pipe(self) -> None:
        """Leave it to the command line, which ends well when its reader goes away."""
        raise BrokenPipeError


class Page:
    """Writes to standard output; in colour only to a terminal that wants it."""

    def __init__(self) -> None:
        plain = bool(os.environ.get("NO_COLOR"))
        self._console = _Console(
            file=sys.stdout, highlight=False, markup=False, emoji=False, color_system=None if plain else "auto"
        )
        self._width = min(self._console.width, WIDEST)

    def line(self, text: str, style: str = "") -> None:
        """Print a paragraph."""
        for part in text.split("\n"):
            self._print(self._wrapped(part, self._width, style))

    def sections(self, sections: Sequence[Rows]) -> None:
        """Print sections whose columns stand below each other."""
        rows = [row for section in sections for row in section.rows]
        columns = max(map(len, rows), default=1) - 1
        cells = [[Text(one_line(row[at])).cell_len for row in rows] for at in range(columns)]
        widths = [min(max(column, default=0), WIDEST_COLUMNS[at]) for at, column in enumerate(cells)]
        for section in sections:
            if section.rows:
                beside = f"  {section.beside}" if section.beside else ""
                self._print([Text(""), *self._wrapped(section.title + beside, self._width, TITLE)])
            for row in section.rows:
                self._row(row, widths)

    def _row(self, row: tuple[str, ...], widths: list[int]) -> None:
        *labels, words = row
        if self._width < NARROW:
            self._print(self._indented(self._wrapped("  ".join(labels), self._width - INDENT, STYLES[0]), INDENT))
            self._print(self._indented(self._wrapped(words, max(20, self._width - 3 * INDENT)), 3 * INDENT))
            return
        left = INDENT + sum(widths) + GAP * len(widths)
        columns = [
            self._wrapped(label, width, style) for label, width, style in zip(labels, widths, STYLES, strict=False)
        ]
        columns.append(self._wrapped(words, self._width - left))
        for parts in zip_longest(*columns, fillvalue=Text("")):
            line = Text(" " * INDENT)
            for part, width in zip(parts, widths, strict=False):
                line.append_text(part).append(" " * (width + GAP - part.cell_len))
            line.append_text(parts[-1])
            line.rstrip()
            self._print([line])

    def _wrapped(self, text: str, width: int, style: str = "") -> list[Text]:
        lines = Text(one_line(text), style).wrap(self._console, width, overflow="fold")
        for line in lines:
            line.rstrip()
        return list(lines) or [Text("")]

    def _indented(self, lines: list[Text], by: int) -> list[Text]:
        return [Text(" " * by).append_text(line) for line in lines]

    def _print(self, lines: Sequence[Text]) -> None:
        for line in lines:
            self._console.print(line, soft_wrap=True)

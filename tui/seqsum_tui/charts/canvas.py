"""A grid of characters and inks, filled with numpy, compared and turned into lines of segments."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from seqsum_tui.charts.text import single_cells

BRAILLE = 0x2800
_SPACE = 0x20
_CONTINUED = 0
"""Stands in the second cell of a character two cells wide."""


class Canvas:
    """`height` x `width` cells, each with a character and the number of an ink (0 is blank)."""

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = width, height
        self.codes: NDArray[np.uint32] = np.full((height, width), _SPACE, dtype=np.uint32)
        self.inks: NDArray[np.int16] = np.zeros((height, width), dtype=np.int16)

    def copy(self) -> Canvas:
        """Return a canvas of its own with the same contents."""
        other = Canvas(0, 0)
        other.width, other.height = self.width, self.height
        other.codes, other.inks = self.codes.copy(), self.inks.copy()
        return other

    def text(self, row: int, column: int, text: str, ink: int) -> None:
        """Write `text` from `column` on; what falls outside is left out, a wide character cut in half too."""
        if not 0 <= row < self.height:
            return
        if text.isascii() and column >= 0 and column + len(text) <= self.width:
            self.codes[row, column : column + len(text)] = np.frombuffer(text.encode(), dtype=np.uint8)
            self.inks[row, column : column + len(text)] = ink
            return
        for character, cells in single_cells(text):
            if column >= 0 and column + cells <= self.width:
                self.codes[row, column] = ord(character)
                self.codes[row, column + 1 : column + cells] = _CONTINUED
                self.inks[row, column : column + cells] = ink
            column += cells

    def put(self, row: int, column: int, glyph: str, ink: int) -> None:
        """Write one character one cell wide; outside the canvas nothing."""
        if 0 <= row < self.height and 0 <= column < self.width:
            self.codes[row, column] = ord(glyph)
            self.inks[row, column] = ink

    def free(self, top: int, bottom: int, left: int, right: int) -> bool:
        """Return whether rows top..bottom-1 of columns left..right-1 are blank or hold grid dots only (ink 1)."""
        return bool((self.inks[top:bottom, left:right] <= 1).all())

    def strip(self, inks: Sequence[Style], row: int) -> Strip:
        """Return one row in the given styles."""
        codes, numbers = self.codes[row], self.inks[row]
        if not codes.size:
            return Strip([], 0)
        if not codes.all():
            keep = codes != _CONTINUED
            codes, numbers = codes[keep], numbers[keep]
        text = codes.astype("<u4").tobytes().decode("utf-32-le")
        cuts = [0, *(np.flatnonzero(numbers[1:] != numbers[:-1]) + 1).tolist(), len(text)]
        segments = [Segment(text[start:stop], inks[int(numbers[start])]) for start, stop in pairwise(cuts)]
        return Strip(segments, self.width)

    def changes(self, before: Canvas) -> list[tuple[int, int, int]]:
        """Return (row, first column, last column) of what differs from a canvas of the same size."""
        differs = (self.codes != before.codes) | (self.inks != before.inks)
        found = []
        for row in np.flatnonzero(differs.any(axis=1)).tolist():
            columns = np.flatnonzero(differs[row])
            found.append((row, int(columns[0]), int(columns[-1])))
        return found

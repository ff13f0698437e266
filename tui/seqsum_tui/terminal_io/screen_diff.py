"""Fewer bytes for the same picture, for slow lines: what the terminal shows already is not sent again.

Textual paints whole strips, each piece with its full style. `Thrift` reads what it writes, keeps what the terminal
shows, and writes only the cells that differ, with the shortest moves of the cursor and changes of style; a picture can
be sent in parts, and what changed again before it was sent is not sent twice. A row with characters whose widths are
the terminal's own affair is passed on as it stands; after a sequence that is not known nothing on the screen is taken
for granted.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from rich.cells import get_character_cell_size

from seqsum_tui.terminal_io.sgr import PLAIN, Ink, change, of_blank, styled

TOKEN = re.compile(r"\x1b\[(\d+);(\d+)H|\x1b\[([0-9;]*)m|([^\x00-\x1f\x7f]+)|(\n)|([\s\S])")
UPDATE = re.compile(r"\x1b\[\d+;\d+H")
CLEARS = re.compile(r"\x1b\[\?(?:1049|47|1047)[hl]|\x1b\[\d*J|\x1bc")
LINK = re.compile(r"\x1b\]8;[^\x1b\x07]*(?:\x1b\\|\x07)")
"""Begin and end of a link: it takes more bytes than its words, which name the address, too."""
BRIDGE = 5
"""Cells that are written again rather than jumped over: a jump takes as many bytes."""


Cell = tuple[str, Ink] | None
"""What a cell shows; the second half of a wide character is empty; None is not known."""


class Piece(NamedTuple):
    """What is painted from a place on, as cells and as it came."""

    y: int
    x: int
    cells: list[Cell]
    raw: list[str]


class Thrift:
    """The screen as it was sent, and as it is wanted. Not for several threads."""

    def __init__(self) -> None:
        self.width = 0
        self._shown: dict[int, list[Cell]] = {}
        self._wanted: dict[int, list[Cell]] = {}
        self._owed: dict[int, int] = {}
        self._odd: dict[int, str] = {}
        self._home: tuple[int, int] | None = None
        self._ink: Ink | None = None
        self._at: tuple[int, int] | None = None
        self._out: list[str] = []
        self._size, self._most = 0, math.inf

    @property
    def owing(self) -> bool:
        """Whether something is wanted that was not sent yet."""
        return bool(self._owed)

    def forget(self, width: int | None = None) -> None:
        """Take nothing on the screen for granted, e.g. after another size or another program."""
        self._shown.clear()
        self._wanted.clear()
        self._owed.clear()
        self._odd.clear()
        self._ink = self._at = None
        self.width = width or self.width

    def lessen(self, data: str, most: float = math.inf) -> str:
        """Return what has the same effect on the terminal as `data`, or its beginning.

        Of a picture about `most` bytes are returned, those that are wanted longest first; `more` returns the rest.
        """
        data = LINK.sub("", data)
        if not UPDATE.match(data):
            return self._give_up(data) if CLEARS.search(data) else data
        ink, piece = PLAIN, Piece(0, 0, [], [])
        pieces: list[Piece] = []
        odd: set[int] = set()
        for token in TOKEN.finditer(data):
            row, column, style, text, newline, other = token.groups()
            if text is not None:
                cells = _cells(text, ink)
                if cells is None:
                    odd.add(piece.y)
                else:
                    piece.cells.extend(cells)
                piece.raw.append(text)
            elif style is not None:
                ink = styled(ink, style)
                piece.raw.append(token.group())
            elif row is not None:
                pieces.append(piece)
                piece = Piece(int(row) - 1, int(column) - 1, [], [])
            elif newline is None and other is not None:
                return self.more() + self._give_up(data)
        pieces.append(piece)
        as_it_stands = "".join(self._as_it_stands(y, [each for each in pieces if each.y == y]) for y in odd)
        for each in pieces:
            if each.y not in odd:
                self._want(each.y, each.x, each.cells)
        # Where the cursor is left matters to input methods, though it is not seen.
        self._home = None if piece.cells else (piece.y, piece.x)
        return as_it_stands + self.more(most - len(as_it_stands))

    def more(self, most: float = math.inf) -> str:
        """Return about `most` bytes of what is owed to the terminal."""
        self._out, self._size, self._most = [], 0, most
        while self._owed:
            y, begin = next(iter(self._owed.items()))
            reached = self._settle(y, begin)
            if reached < len(self._wanted[y]):
                self._owed[y] = reached
                break
            del self._owed[y]
            if begin:
                # What changed left of there meanwhile has its turn after the other rows.
                self._owed[y] = 0
        if self._home is not None and self._at != self._home:
            self._move(*self._home)
        return "".join(self._out)

    def _as_it_stands(self, y: int, pieces: Sequence[Piece]) -> str:
        """Return what paints a row that only the terminal knows the widths of; nothing of it is known afterwards."""
        text = "".join(f"\x1b[{y + 1};{piece.x + 1}H\x1b[0m{''.join(piece.raw)}" for piece in pieces if piece.raw)
        if self._odd.get(y) == text:
            return ""
        self._out, self._size, self._most = [], 0, math.inf
        if y in self._owed:
            self._settle(y, 0)
        for known in (self._shown, self._wanted, self._owed):
            known.pop(y, None)
        self._odd[y] = text
        self._ink = self._at = None
        return "".join(self._out) + text

    def _give_up(self, data: str) -> str:
        self.forget()
        # Textual ends every piece with a reset; so it may rely on one.
        return f"\x1b[0m{data}"

    def _want(self, y: int, x: int, line: list[Cell]) -> None:
        row = self._wanted.setdefault(y, [])
        if len(row) < x + len(line):
            row += [None] * (x + len(line) - len(row))
        if row[x : x + len(line)] != line:
            self._odd.pop(y, None)
            _keep(row, x, line)
            self._owed.setdefault(y, 0)

    def _settle(self, y: int, begin: int) -> int:
        """Send what differs in a row from a column on; return the column that was reached."""
        wanted, shown = self._wanted[y], self._shown.setdefault(y, [])
        shown += [None] * (len(wanted) - len(shown))
        place, end = begin, len(wanted)
        while place < end:
            if wanted[place] is None or shown[place] == wanted[place]:
                place += 1
                continue
            if place and _is_tail(wanted[place]):
                place -= 1  # a wide character is sent whole
            last = place + 1
            bridged = 0
            while last < end and bridged <= BRIDGE and wanted[last] is not None:
                bridged = 0 if shown[last] != wanted[last] else bridged + 1
                last += 1
            last -= bridged
            if last < end and _is_tail(wanted[last]):
                last += 1
            sent = self._send(y, place, wanted[place:last])
            _keep(shown, place, wanted[place : place + sent])
            place += sent
            if place < last:
                break
        return place

    def _send(self, y: int, x: int, cells: list[Cell]) -> int:
        """Write cells while there is room; return how many."""
        count = 0
        for cell in cells:
            assert cell is not None
            text, ink = cell
            if text:
                if self._size >= self._most:
                    break
                if not count and self._at != (y, x):
                    self._move(y, x)
                self._wear(ink, blank=text == " ")
                self._write(text)
            count += 1
        if count:
            # Behind the last column the cursor stands where the terminal likes.
            self._at = (y, x + count) if x + count < self.width else None
        return count

    def _write(self, text: str) -> None:
        self._out.append(text)
        self._size += len(text) if text.isascii() else len(text.encode())

    def _move(self, y: int, x: int) -> None:
        if self._at is not None and self._at[0] == y and self._at[1] < x:
            self._write(f"\x1b[{x - self._at[1]}C")
        else:
            self._write(f"\x1b[{y + 1};{x + 1}H")
        self._at = (y, x)

    def _wear(self, ink: Ink, blank: bool) -> None:
        if ink == self._ink or (blank and self._ink is not None and of_blank(self._ink) == of_blank(ink)):
            return
        self._write(change(self._ink, ink))
        self._ink = ink


def _keep(row: list[Cell], x: int, cells: list[Cell]) -> None:
    """Put cells into a row."""
    if not cells:
        return
    end = x + len(cells)
    # Half of a wide character that is written over leaves the terminal to show what it likes.
    if x and _is_tail(row[x]) and not _is_tail(cells[0]):
        row[x - 1] = None
    if end < len(row) and _is_tail(row[end]):
        row[end] = None
    row[x:end] = cells


def _is_tail(cell: Cell) -> bool:
    return cell is not None and not cell[0]


def _cells(text: str, ink: Ink) -> list[Cell] | None:
    """One cell for each column of the text; None where a terminal's own idea of widths decides."""
    if text.isascii():
        return [_cell(character, ink) for character in text]
    cells: list[Cell] = []
    for character in text:
        size = get_character_cell_size(character)
        if size == 0 or ord(character) > 0xFFFF:
            return None
        cells.append(_cell(character, ink))
        if size == 2:
            cells.append(_cell("", ink))
    return cells


@lru_cache(8192)
def _cell(character: str, ink: Ink) -> tuple[str, Ink]:
    """The same cell is the same object, which makes comparing fast. A blank's ink is what can be seen of it."""
    return character, of_blank(ink) if character == " " else ink

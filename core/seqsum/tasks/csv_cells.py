"""Lines of CSV cut into cells, in its common dialects."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cached_property

SEPARATORS = {"\t": "tabs", ";": "semicolons", "|": "bars", ",": "commas"}
PROBED = 200  # lines looked at to find the separator
WHOLE_ROWS = 0.9


def first_row(lines: Sequence[str]) -> tuple[int, int]:
    """Return the place of the first line that is neither blank nor a comment, and how many comments stand before it."""
    at = comments = 0
    while at < len(lines) and (not (line := lines[at].lstrip()) or line.startswith("#")):
        comments += bool(line)
        at += 1
    return at, comments


def separator_of(lines: Sequence[str]) -> str:
    """Return the separator that the first line has, and of several the one that most lines have as often as it.

    Where that leaves several, it is not the comma: 0;18,7 has two columns.
    """
    plain = [re.sub(r'"[^"]*"', "", line) for line in lines if line.strip()]
    there = [separator for separator in SEPARATORS if separator in plain[0]]
    if not there:
        return ","
    whole = [line for line in plain if '"' not in line] or plain
    return max(there, key=lambda one: sum(line.count(one) == plain[0].count(one) for line in whole))


class Cells:
    """Lines cut into cells. literal: the lines in which a quotation mark was read as part of the text.

    A quotation mark that is closed in a later line can be read in two ways where the lines up to there are whole rows
    each: as one cell of many lines, or as two texts that have a mark at their beginning and at their end. It is a cell
    when all of the file is CSV to the letter, in rows of equal length, and something else in it shows that its writer
    quotes, as `_quotes` has it; otherwise the marks are part of the texts, so that two stray ones swallow no rows.
    """

    def __init__(self, lines: Sequence[str], separator: str, begin: int) -> None:
        """begin: the first line that is read"""
        self._lines, self.separator, self._begin = lines, separator, begin
        self.literal: list[int] = []

    def rows(self) -> Iterator[tuple[int, list[str] | None]]:
        """Yield the line on which each row begins, from 1 on, and its cells; None for a blank line of a table with
        several columns, which is no row."""
        at, columns = self._begin, None
        while at < len(self._lines):
            row, following = self.row(at, columns)
            blank = columns is not None and columns > 1 and not self._lines[at].strip() and following == at + 1
            yield at + 1, None if blank else row
            columns = len(row) if columns is None else columns
            at = following

    def row(self, at: int, columns: int | None) -> tuple[list[str], int]:
        """Return the cells of the row that begins in a line, and the line after it.

        columns: how many a row has, once that is known
        """
        line = self._lines[at]
        if '"' not in line:
            return [cell.lstrip(" ") for cell in line.split(self.separator)], at + 1
        cells: list[str] = []
        place, begun = 0, at
        while True:
            while self._lines[at].startswith(" ", place):
                place += 1
            closed = self._quoted(at, place, begun, columns) if self._lines[at].startswith('"', place) else None
            if closed is None:
                end = self._lines[at].find(self.separator, place)
                end = len(self._lines[at]) if end < 0 else end
                cells.append(self._lines[at][place:end])
            else:
                text, at, end = closed
                cells.append(text)
            if end >= len(self._lines[at]):
                return cells, at + 1
            place = end + 1

    def _quoted(self, at: int, place: int, begun: int, columns: int | None) -> tuple[str, int, int] | None:
        """Return the text of the quoted cell that begins there, and line and place of its end; None when the quotation
        mark is none: nothing closes it, or text stands behind what would."""
        parts: list[str] = []
        first, place = at, place + 1
        while at < len(self._lines):
            line = self._lines[at]
            while (end := line.find('"', place)) >= 0:
                parts.append(line[place:end])
                if line.startswith('"', end + 1):
                    parts.append('"')
                    place = end + 2
                    continue
                after = end + 1
                while line.startswith(" ", after):
                    after += 1
                closes = after == len(line) or line.startswith(self.separator, after)
                if closes and not (at > first and self._rows_each(begun, at, columns) and not self._quotes):
                    return "".join(parts), at, after
                self._tell(first)
                return None
            parts += [line[place:], "\n"]
            at, place = at + 1, 0
        self._tell(first)
        return None

    def _rows_each(self, first: int, last: int, columns: int | None) -> bool:
        """Whether nearly all of these lines are whole rows by themselves."""
        if columns is None or columns == 1:
            return False
        lines = self._lines[first : last + 1]
        return sum(line.count(self.separator) == columns - 1 for line in lines) >= WHOLE_ROWS * len(lines)

    @cached_property
    def _quotes(self) -> bool:
        """Whether the file is CSV to the letter whose writer is seen to quote.

        To the letter: quotation marks stand around cells alone, doubled within them, and all rows have as many cells.
        Seen to quote: a quoted cell holds a doubled mark, or one that can't be read in two ways holds a separator or a
        line break, or all rows have quoted cells, and most of them one that can't be read in two ways.
        """
        mark = re.escape(self.separator)
        quoted = re.compile(f' *"([^"]*(?:""[^"]*)*)" *(?={mark}|\n|$)')
        plain = re.compile(f'[^"\n{mark}]*')
        text, place, line = "\n".join(self._lines[self._begin :]), 0, self._begin
        columns: int | None = None
        seen = False
        rows = quoting = sure = 0
        while place <= len(text):
            begun, begin, cells = line, place, 0
            inside: list[bool] = []  # of each quoted cell, whether it can be read in one way only
            while True:
                found = quoted.match(text, place)
                if found is None:
                    found = plain.match(text, place)
                else:
                    cell, lines = found[1], found[1].count("\n")
                    line += lines
                    inside.append(not (lines and self._rows_each(begun, line, columns)))
                    seen |= '"' in cell or (inside[-1] and (lines > 0 or self.separator in cell))
                cells += 1
                place = found.end() if found else place
                if place == len(text) or text[place] == "\n":
                    break
                if text[place] != self.separator:
                    return False
                place += 1
            if text[begin:place].strip():
                columns = cells if columns is None else columns
                if cells != columns:
                    return False
                # The names need not be quoted.
                rows, quoting, sure = rows + 1, quoting + bool(inside or not rows), sure + any(inside)
            place, line = place + 1, line + 1
        return seen or (quoting == rows and 2 * sure > rows)

    def _tell(self, at: int) -> None:
        if not self.literal or self.literal[-1] != at + 1:
            self.literal.append(at + 1)

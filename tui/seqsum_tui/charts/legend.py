"""The lines above the plot: title, a sign, name and value for each series, and short notes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from rich.style import Style

from seqsum_tui.charts.text import shorten, shorten_middle

Piece = tuple[str, Style]
Note = tuple[str, ...]
"""What stands beside the title: in whole words, and shorter where there are fewer cells."""

FRAME_ENDS = 4
"""Cells of a frame's line, within its corners, that its title leaves free."""
_GAP = 2
_NOTED = 20
"""Cells that are left for a note beside series."""
_VALUE = 7
"""Cells kept for a value, so that a line does not move when a value gains or loses a digit."""


@dataclass(frozen=True)
class Entry:
    """One series in the legend; `smoothed` is the moving average there, or empty."""

    sign: str
    name: str
    value: str
    smoothed: str
    ink: Style


@dataclass(frozen=True)
class LegendInks:
    """Styles of the legend's parts."""

    title: Style
    name: Style
    value: Style
    note: Style
    blank: Style


BETWEEN = " · "


def fitted(notes: Sequence[Note], room: int) -> str:
    """Return of `notes`, the most important first, those that fit into `room` cells, in words as long as fit; none is
    cut."""
    kept: list[str] = []
    chosen: list[Note] = []
    for note in notes:
        if cell_len(BETWEEN.join([*kept, note[-1]])) <= room:
            kept.append(note[-1])
            chosen.append(note)
    for at, note in enumerate(chosen):
        wordings = ([*kept[:at], words, *kept[at + 1 :]] for words in note)
        kept = next(wording for wording in wordings if cell_len(BETWEEN.join(wording)) <= room)
    return BETWEEN.join(kept)


def _entry_width(entry: Entry, name: int | None, smoothed: bool) -> int:
    name_width = cell_len(entry.name) if name is None else min(cell_len(entry.name), name)
    width = 1 + (1 + name_width if name_width else 0) + 1 + max(_VALUE, cell_len(entry.value))
    return width + (_VALUE + 4 if smoothed and entry.smoothed else 0)


def _entry_pieces(entry: Entry, name: int | None, smoothed: bool, inks: LegendInks) -> list[Piece]:
    shown = entry.name if name is None else shorten_middle(entry.name, name)
    pieces = [(entry.sign, entry.ink)]
    if shown:
        pieces.append((f" {shown}", inks.name))
    pieces.append((f" {entry.value}", inks.value))
    if smoothed and entry.smoothed:
        pieces.append((f" ({entry.smoothed})", inks.note))
    used = sum(cell_len(text) for text, _ in pieces)
    return [*pieces, (" " * (_entry_width(entry, name, smoothed) - used), inks.blank)]


def _wrap(widths: Sequence[int], room: Sequence[int]) -> list[int] | None:
    """Return how many of `widths` go on each line of `room` cells, or None when they do not fit."""
    counts, start = [], 0
    for cells in room:
        used = count = 0
        while start + count < len(widths):
            used += widths[start + count] + (_GAP if count else 0)
            if used > cells:
                break
            count += 1
        counts.append(count)
        start += count
    return counts if start == len(widths) else None


def legend_lines(
    title: str, entries: Sequence[Entry], notes: Sequence[Note], width: int, most_lines: int, inks: LegendInks
) -> list[list[Piece]]:
    """Return at least one and at most `most_lines` lines of pieces, each exactly `width` cells.

    What does not fit goes in this order: moving averages, notes (the last first), long names, names, the title, the
    last series (a `+2` says how many are missing).
    """
    if width <= 0 or most_lines <= 0:
        return []
    title = shorten(title, max(width - 2, 1))
    lead = cell_len(title) + _GAP if title else 0
    notes_width = cell_len(BETWEEN.join(note[0] for note in notes)) + _GAP if notes else 0
    longest = max((cell_len(entry.name) for entry in entries), default=0)
    names = [None, *(n for n in (24, 16, 12, 8, 5) if n < longest)]

    for smoothed, noted in ((True, True), (False, True), (False, False)):
        room = width - lead - (notes_width if noted else 0)
        widths = [_entry_width(entry, None, smoothed) for entry in entries]
        if _wrap(widths, [room]) is not None and room >= 0:
            return [_line(title, entries, None, smoothed, notes, width, inks)]
    # Without a title the first line has room for series, and always for a note.
    beside = 0 if title else max(width - _NOTED, 0)
    for name in names:
        for lines in range(2, most_lines + 1):
            for smoothed in (True, False):
                rooms = [beside, *[width] * (lines - 1)]
                counts = _wrap([_entry_width(entry, name, smoothed) for entry in entries], rooms)
                if counts is not None:
                    return [
                        _line(title, entries[: counts[0]], name, smoothed, notes, width, inks),
                        *_entry_lines(entries[counts[0] :], counts[1:], name, smoothed, width, inks),
                    ]
    if most_lines > 1:
        first = _line(title, (), None, False, notes, width, inks)
        return [first, *_squeezed("", entries, width, most_lines - 1, inks)]
    return _squeezed(title, entries, width, 1, inks)


def framed_lines(
    title: str, entries: Sequence[Entry], width: int, most_lines: int, inks: LegendInks
) -> list[list[Piece]]:
    """Return the title of the frame round `width` cells, with the series where all have room, else those on lines below
    it: at most `most_lines` of them."""
    room = width - FRAME_ENDS
    for smoothed in (True, False):
        if cell_len(title) + sum(1 + _entry_width(entry, None, smoothed) for entry in entries) <= room:
            pieces = [(title, inks.title)]
            for entry in entries:
                pieces += [(" ", inks.blank), *_entry_pieces(entry, None, smoothed, inks)]
            return [pieces]
    return [[(shorten(title, room), inks.title)], *legend_lines("", entries, (), width, most_lines, inks)]


def _entry_lines(
    entries: Sequence[Entry], counts: Sequence[int], name: int | None, smoothed: bool, width: int, inks: LegendInks
) -> list[list[Piece]]:
    shown, start = [], 0
    for count in filter(None, counts):
        shown.append(_line("", entries[start : start + count], name, smoothed, (), width, inks))
        start += count
    return shown


def _squeezed(title: str, entries: Sequence[Entry], width: int, lines: int, inks: LegendInks) -> list[list[Piece]]:
    """Return lines with short names, then none, then as many series as there is room for."""
    lead = cell_len(title) + _GAP if title else 0
    for name in (12, 8, 5, 0):
        widths = [_entry_width(entry, name, False) for entry in entries]
        if _wrap(widths, [width - lead] * lines) is not None:
            counts = _wrap(widths, [width - lead] * lines) or []
            break
    else:
        if title and width - lead < 12:
            return [_line(title, (), None, False, (), width, inks)]
        name, counts = 0, []
        widths = [_entry_width(entry, 0, False) for entry in entries]
        for line in range(lines):
            tail = 4 if line == lines - 1 else 0
            count, start = 0, sum(counts)
            while start + count < len(widths) and _wrap(widths[start : start + count + 1], [width - lead - tail]):
                count += 1
            counts.append(count)
    shown = []
    for line, count in enumerate(counts):
        missing = len(entries) - count if line == len(counts) - 1 else 0
        more = [(f"+{missing}",)] if missing else []
        shown.append(_line(title, entries[:count], name, False, more, width, inks))
        entries = entries[count:]
    return shown


def _line(
    title: str,
    entries: Sequence[Entry],
    name: int | None,
    smoothed: bool,
    notes: Sequence[Note],
    width: int,
    inks: LegendInks,
) -> list[Piece]:
    pieces: list[Piece] = []
    if title:
        pieces.append((title, inks.title))
    for entry in entries:
        if pieces:
            pieces.append((" " * _GAP, inks.blank))
        pieces += _entry_pieces(entry, name, smoothed, inks)
    used = sum(cell_len(text) for text, _ in pieces)
    told = fitted(notes, max(width - used - (1 if used else 0), 0))
    pieces.append((" " * (width - used - cell_len(told)), inks.blank))
    pieces.append((told, inks.note))
    return [piece for piece in pieces if piece[0]]

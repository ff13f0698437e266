"""Text fitted to cells."""

from __future__ import annotations

from rich.cells import cell_len, set_cell_size


def shorten(text: str, width: int) -> str:
    """Return `text` in at most `width` cells, with an ellipsis where it was cut."""
    if width <= 0:
        return ""
    if cell_len(text) <= width:
        return text
    if width == 1:
        return "…"
    return set_cell_size(text, width - 1).rstrip() + "…"


def single_cells(text: str) -> list[tuple[str, int]]:
    """Return the characters of `text` with their widths, without those that take no cell."""
    return [(character, cell_len(character)) for character in text if cell_len(character) > 0]


def shorten_middle(text: str, width: int) -> str:
    """Return `text` in at most `width` cells, cut in the middle: names of runs often differ at their ends."""
    if cell_len(text) <= width or width < 4:
        return shorten(text, width)
    tail = ""
    for character, cells in reversed(single_cells(text)):
        if cell_len(tail) + cells > width // 2:
            break
        tail = character + tail
    return shorten(text, width - cell_len(tail)) + tail

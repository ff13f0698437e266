"""Text in cells of a terminal, and in the characters that people see: one of them may be several of Unicode's."""

from __future__ import annotations

from rich.cells import cell_len, split_graphemes


def clusters(text: str) -> list[str]:
    """Return the characters that people see, each with its marks, variation selector and what is joined to it."""
    return [text[start:end] for start, end, _ in split_graphemes(text)[0]]


def shorten(text: str, width: int) -> str:
    """Return a text in at most `width` cells, with an ellipsis where it was cut; no character is cut in two."""
    if width <= 0:
        return ""
    if cell_len(text) <= width:
        return text
    kept, used = "", 0
    for part in clusters(text):
        used += cell_len(part)
        if used > width - 1:
            break
        kept += part
    return kept.rstrip() + "…"

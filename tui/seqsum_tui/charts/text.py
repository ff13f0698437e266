"""Text from outside, made safe and fitted to cells."""

from __future__ import annotations

import unicodedata

from rich.cells import cell_len, set_cell_size

_FORMAT_CATEGORIES = {"Cf", "Zl", "Zp", "Cs", "Co", "Cn"}
_ZERO_WIDTH_JOINER = "\u200d"


def _visible(character: str) -> str:
    code = ord(character)
    if code in (0x09, 0x0A, 0x0D):
        return " "
    if code < 0x20:
        return chr(0x2400 + code)
    if code == 0x7F:
        return "\u2421"
    if 0x80 <= code < 0xA0:
        return "\ufffd"
    if unicodedata.category(character) in _FORMAT_CATEGORIES and character != _ZERO_WIDTH_JOINER:
        return "\ufffd"
    return character


def clean(text: str) -> str:
    """Return `text` with every character that could steer a terminal replaced by one that can be seen.

    Tabs and line ends become spaces, control characters their Unicode pictures (ESC is `␛`), invisible
    format characters such as bidirectional overrides the replacement character.
    """
    text = str(text)
    if text.isascii() and text.isprintable():
        return text
    return unicodedata.normalize("NFC", "".join(map(_visible, text)))


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

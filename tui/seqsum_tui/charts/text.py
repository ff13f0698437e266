"""Text fitted to cells."""

from __future__ import annotations

from rich.cells import cell_len

from seqsum.cells import clusters, shorten

__all__ = ["shorten", "shorten_middle", "shorten_name", "shorten_words", "single_cells"]

SETTING = ": "
"""Between a sweep's name and its setting, in the name of a group."""
SEED = "-seed-"
"""Between a setting and a seed, in the name of a run."""
NARROWEST_SETTING = 10
"""Cells in which the values of a setting stand with spaces between them, and behind a sign for what is left out."""


def single_cells(text: str) -> list[tuple[str, int]]:
    """Return what a grid with one character in a cell can hold of `text`: of each character that people see the first
    of Unicode's, with its width, without those that take no cell."""
    return [(part[0], cell_len(part[0])) for part in clusters(text) if cell_len(part[0]) > 0]


def shorten_words(text: str, width: int) -> str:
    """Return `text` in at most `width` cells; a word with digits in it goes as a whole: half a number is another."""
    cut = shorten(text, width)
    if cut == text:
        return cut
    kept, word = cut.removesuffix("…"), text.split(" ")[cut.count(" ")]
    if not kept.endswith(word) and any(map(str.isdigit, word)):
        kept = kept[: kept.rfind(" ") + 1].rstrip()
    return f"{kept}…" if width > 0 else ""


def shorten_middle(text: str, width: int) -> str:
    """Return `text` in at most `width` cells, cut in the middle: names of runs often differ at their ends."""
    if cell_len(text) <= width or width < 4:
        return shorten(text, width)
    tail = ""
    for part in reversed(clusters(text)):
        if cell_len(part + tail) > width // 2:
            break
        tail = part + tail
    return shorten(text, width - cell_len(tail)) + tail


def shorten_name(text: str, width: int) -> str:
    """Return the name of a run or a group in at most `width` cells; of a sweep's setting, `sweep: lr 0.01, …`, what
    tells it from the sweep's others."""
    _, colon, setting = text.partition(SETTING)
    if cell_len(text) <= width or not colon:
        return shorten_middle(text, width)
    if cell_len(setting) >= width:
        # The values alone: which field each belongs to stands in a sweep's own screen.
        values = [part.rpartition(" ")[2] for part in setting.split(", ")]
        if cell_len(", ".join(values)) >= width:
            values[-1] = values[-1].replace(SEED, " #")
        setting = ", ".join(values)
        if width < NARROWEST_SETTING or cell_len(setting) >= width >= cell_len(",".join(values)):
            return shorten(",".join(values), width)
    return "…" + shorten_middle(setting, width - 1)

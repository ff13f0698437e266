"""What Textual 8.2.8 keeps of lines that nothing shows any more is let go: a console that watches a run draws new
numbers all day.

A `Strip` that already has the length that is asked for is kept in its own cache, a circle: 50,000 pieces of lines
waited for the garbage collector every 20 seconds. What draws a widget is kept as the key of a cache of colours
(github.com/Textualize/textual/issues/6665). And what is remembered of places and widths, thousands of results each,
fills for a quarter of an hour with what comes only once: a new number's width, where a curve's piece is seen.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any

import rich.cells
from rich.style import Style as RichStyle
from textual._styles_cache import StylesCache
from textual.color import Color
from textual.geometry import Region
from textual.strip import Strip
from textual.style import Style

PLACES, WIDTHS = 512, 1024
"""Results that are kept of each way to cut or move a region, and texts whose width is."""
OF_PLACES = ("grow", "intersection", "shrink", "union")
_adjust_cell_length, _crop_extend, _divide = Strip.adjust_cell_length, Strip.crop_extend, Strip.divide


def keep_little() -> None:
    """Have no line kept in its own cache, no widget's lines for the colours around it, and few places and widths."""
    Strip.adjust_cell_length = _adjusted  # type: ignore
    Strip.crop_extend = _cropped  # type: ignore
    Strip.divide = _divided  # type: ignore
    StylesCache.get_inner_outer = lambda _, base, background: _inner_outer(base, background)  # type: ignore
    for name in OF_PLACES:
        setattr(Region, name, lru_cache(PLACES)(getattr(Region, name).__wrapped__))
    every, few = rich.cells.cached_cell_len, lru_cache(WIDTHS)(rich.cells.cached_cell_len.__wrapped__)
    # It has other names in the modules that imported it.
    for module in [*sys.modules.values()]:
        for name, value in [*getattr(module, "__dict__", {}).items()]:
            if value is every:
                setattr(module, name, few)


def _adjusted(strip: Strip, cell_length: int, style: RichStyle | None = None) -> Strip:
    return strip if strip.cell_length == cell_length else _adjust_cell_length(strip, cell_length, style)


def _cropped(strip: Strip, start: int, end: int, style: RichStyle | None) -> Strip:
    return strip if start <= 0 and end == strip.cell_length else _crop_extend(strip, start, end, style)


def _divided(strip: Strip, cuts: Iterable[int]) -> Sequence[Strip]:
    places = [cut for cut in cuts if cut <= strip.cell_length]
    return [strip] if places == [strip.cell_length] else _divide(strip, places)


@lru_cache(1024)
def _inner_outer(base: Color, background: Color) -> tuple[Any, Any]:
    return Style(background=base + background), Style(background=base)

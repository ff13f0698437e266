"""What Textual 8.2.8 keeps of lines that nothing shows any more is let go: a console that watches a run draws new
numbers all day.

A `Strip` that already has the length that is asked for is kept in its own cache, a circle: 50,000 pieces of lines
waited for the garbage collector every 20 seconds. What draws a widget is kept as the key of a cache of colours
(github.com/Textualize/textual/issues/6665).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any

from rich.style import Style as RichStyle
from textual._styles_cache import StylesCache
from textual.color import Color
from textual.strip import Strip
from textual.style import Style

_adjust_cell_length, _crop_extend, _divide = Strip.adjust_cell_length, Strip.crop_extend, Strip.divide


def keep_little() -> None:
    """Have no line kept in its own cache, and no widget's lines for the colours around it."""
    Strip.adjust_cell_length = _adjusted  # type: ignore
    Strip.crop_extend = _cropped  # type: ignore
    Strip.divide = _divided  # type: ignore
    StylesCache.get_inner_outer = lambda _, base, background: _inner_outer(base, background)  # type: ignore


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

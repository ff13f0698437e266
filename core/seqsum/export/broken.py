"""Values that have no place on an axis, in pictures: NaN and the infinities, each with its own mark at the edge."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable

from seqsum.export.drawing import Area, Line, Picture, Words

NAN, ABOVE, BELOW = "NaN", "+infinity", "-infinity"
KINDS = (NAN, ABOVE, BELOW)
CLOSEST = 9.0  # units between two marks of a kind
SIZE, WIDTH = 3.5, 1.5
KEY_WIDTHS = {NAN: 24.0, ABOVE: 48.0, BELOW: 46.0}
KEY_GAP, KEY_COLOUR = 18.0, "#666666"


def kind_of(value: float) -> str | None:
    """Return what a value is that has no place, or None for one that has."""
    if math.isnan(value):
        return NAN
    return None if math.isfinite(value) else ABOVE if value > 0 else BELOW


def mark_broken(
    picture: Picture, points: Iterable[tuple[float, float]], top: float, bottom: float, color: str
) -> set[str]:
    """Mark the values of (place across, value) points that have no place; return which kinds there are.

    NaN is a cross and minus infinity an arrow at the bottom, plus infinity an arrow at the top. Marks that would touch
    those before them are left out.
    """
    last: dict[str, float] = {}
    for x, value in points:
        kind = kind_of(value)
        if kind is None or x - last.get(kind, -math.inf) < CLOSEST:
            continue
        last[kind] = x
        _mark(picture, kind, x, top + 2 * SIZE if kind == ABOVE else bottom - 2 * SIZE, color)
    return set(last)


def key_to(picture: Picture, kinds: Collection[str], right: float, baseline: float) -> None:
    """Write what the marks mean, ending at `right`."""
    for kind in reversed([kind for kind in KINDS if kind in kinds]):
        picture.marks.append(Words(kind, (right, baseline), anchor="end", color=KEY_COLOUR))
        right -= KEY_WIDTHS[kind] + 8
        _mark(picture, kind, right, baseline - 4, KEY_COLOUR)
        right -= KEY_GAP


def _mark(picture: Picture, kind: str, x: float, y: float, color: str) -> None:
    # Drawn, not written: a font may lack it.
    if kind == NAN:
        for side in (-SIZE, SIZE):
            picture.marks.append(Line(((x - SIZE, y - side), (x + SIZE, y + side)), color, WIDTH))
        return
    ahead = -SIZE if kind == ABOVE else SIZE
    picture.marks.append(Line(((x, y - ahead), (x, y)), color, WIDTH))
    picture.marks.append(Area(((x, y + 1.3 * ahead), (x - SIZE, y), (x + SIZE, y)), color))

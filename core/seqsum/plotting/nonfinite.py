"""Values that have no place on an axis, in pictures: NaN and the infinities, each with its own mark at the edge."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping

import numpy as np
from numpy.typing import NDArray

from seqsum.plotting.drawing import Area, Line, Picture, Words
from seqsum.runs.buckets import Buckets, Floats

NAN, ABOVE, BELOW = "NaN", "+infinity", "-infinity"
OVER, UNDER = "above the range", "below the range"
KINDS = (NAN, ABOVE, BELOW, OVER, UNDER)
AT_TOP = (ABOVE, OVER)
CLOSEST = 18.0  # units between two marks of a kind: a line below them can still be seen
SIZE, WIDTH = 3.5, 1.5
LETTER = 6.6  # units of a letter of the key, at most
KEY_GAP, KEY_COLOUR = 18.0, "#666666"


def kind_of(value: float) -> str | None:
    """Return what a value is that has no place, or None for one that has."""
    if math.isnan(value):
        return NAN
    return None if math.isfinite(value) else ABOVE if value > 0 else BELOW


def kinds_in(buckets: Buckets) -> dict[str, NDArray[np.bool_]]:
    """Return for each kind of value that has no place which buckets hold one."""
    return {NAN: buckets.nan > 0, ABOVE: buckets.above > 0, BELOW: buckets.below > 0}


def kinds_of(values: Floats) -> dict[str, NDArray[np.bool_]]:
    """Return for each kind of value that has no place which values are of it."""
    return {NAN: np.isnan(values), ABOVE: values == np.inf, BELOW: values == -np.inf}


def mark_broken(
    picture: Picture, x: Floats, kinds: Mapping[str, NDArray[np.bool_]], top: float, bottom: float, color: str
) -> set[str]:
    """Mark at the places across (units) which kinds of values without a place there are; return those that there are.

    NaN is a cross at the bottom, what is too small an arrow there, what is too large an arrow at the top. Marks that
    would stand too close to those before them are left out.
    """
    for kind, there in kinds.items():
        last = -math.inf
        for place in x[there].tolist():
            if place - last >= CLOSEST:
                _mark(picture, kind, place, top + 2 * SIZE if kind in AT_TOP else bottom - 2 * SIZE, color)
                last = place
    return {kind for kind, there in kinds.items() if there.any()}


def key_to(picture: Picture, kinds: Collection[str], right: float, baseline: float) -> None:
    """Write what the marks mean, ending at `right`."""
    for kind in reversed([kind for kind in KINDS if kind in kinds]):
        picture.marks.append(Words(kind, (right, baseline), anchor="end", color=KEY_COLOUR))
        right -= LETTER * len(kind) + 8
        _mark(picture, kind, right, baseline - 4, KEY_COLOUR)
        right -= KEY_GAP


def _mark(picture: Picture, kind: str, x: float, y: float, color: str) -> None:
    # Drawn, not written: a font may lack it.
    if kind == NAN:
        for side in (-SIZE, SIZE):
            picture.marks.append(Line(((x - SIZE, y - side), (x + SIZE, y + side)), color, WIDTH))
        return
    ahead = -SIZE if kind in AT_TOP else SIZE
    picture.marks.append(Line(((x, y - ahead), (x, y)), color, WIDTH))
    picture.marks.append(Area(((x, y + 1.3 * ahead), (x - SIZE, y), (x + SIZE, y)), color))

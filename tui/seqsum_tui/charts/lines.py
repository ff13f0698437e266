"""Lays lines over one another, so that none hides another."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from seqsum_tui.charts.canvas import BRAILLE
from seqsum_tui.charts.raster import Bools, View, pack
from seqsum_tui.charts.series import Band, Floats

Codes = NDArray[np.uint32]
Inks = NDArray[np.int16]


def lay_lines(codes: Codes, inks: Inks, lines: Sequence[tuple[int, Bools]]) -> None:
    """Draw lines, (ink, bool[rows, columns]) each, the topmost last.

    A cell has the dots of all its lines. Along a stretch that lines share their colours take turns, two cells each:
    every other turn is the topmost line's.
    """
    if not lines:
        return
    union: Bools = np.logical_or.reduce([dots for _, dots in lines])
    bits = pack(union)
    covers = [cells_of(dots) for _, dots in lines]
    others = np.maximum(np.sum(covers, axis=0) - 1, 0)
    pair = np.arange(codes.shape[1]) // 2
    turn = np.where(pair % 2, np.minimum(1 + pair // 2 % np.maximum(others, 1), others), 0)
    seen = np.zeros(codes.shape, dtype=np.int64)
    for (ink, _), cover in zip(reversed(lines), reversed(covers), strict=True):
        inks[cover & (seen == turn)] = ink
        seen += cover
    drawn = seen > 0
    codes[drawn] = bits[drawn] + np.uint32(BRAILLE)


def cells_of(dots: Bools) -> Bools:
    """Return bool[height, width]: the cells in which there is any dot of bool[4 * height, 2 * width]."""
    rows = dots[0::4] | dots[1::4] | dots[2::4] | dots[3::4]
    found: Bools = rows[:, 0::2] | rows[:, 1::2]
    return found


def gap_between(one: tuple[Floats, Floats], other: tuple[Floats, Floats], view: View) -> Band:
    """Return the band between two lines, (x, y) each, where both are; it may be empty."""
    (x, y), (other_x, other_y) = ((x[kept], y[kept]) for x, y in (one, other) for kept in (view.drawable(y),))
    if not (x.size and other_x.size):
        return Band("", *np.zeros((3, 0)))
    places = np.union1d(x, other_x)
    places = places[(places >= max(x[0], other_x[0])) & (places <= min(x[-1], other_x[-1]))]
    values = np.interp(places, x, y), np.interp(places, other_x, other_y)
    return Band("", places, np.minimum(*values), np.maximum(*values))

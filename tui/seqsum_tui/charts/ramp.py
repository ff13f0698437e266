"""Colour ramps of heat maps, with the sign of each step, so that colour is never alone.

Blue below zero and orange above it (Okabe and Ito's pair that stays apart under the common kinds of colour blindness),
mixed into the ground: so a ramp fits a dark and a light theme alike, and its lightness rises with the size of a value.
"""

from __future__ import annotations

import math
from typing import Literal

from rich.style import Style
from textual.color import Color

Scale = Literal["diverging", "sequential"]

BELOW = Color.parse("#2f7fd0")
ABOVE = Color.parse("#e8891c")
FULL = Color.parse("#f2c14e")
SHADES = " ░▒▓█"


def share(value: float, most: float) -> float:
    """Return where a value stands on the ramp, −1 to 1; `most` is the size that counts as full."""
    if not math.isfinite(value) or most <= 0:
        return 0.0
    return max(-1.0, min(1.0, value / most))


def shade(value: float, most: float) -> str:
    """Return the block that stands for the size of a value."""
    if not math.isfinite(value):
        return "?"
    return SHADES[round(abs(share(value, most)) * (len(SHADES) - 1))]


def tenths(value: float, most: float, scale: Scale) -> str:
    """Return a value in two cells: its sign (on a diverging ramp) and the nearest tenth of `most`; X is all of it."""
    if not math.isfinite(value):
        return " ?"
    part = share(value, most)
    digit = round(abs(part) * 10)
    if digit == 0:
        return " ·"
    sign = ("+" if part > 0 else "−") if scale == "diverging" else " "
    return sign + ("X" if digit > 9 else str(digit))


def whole(value: float, most: int) -> str:
    """Return a value in two cells, as the nearest whole number from 0 to `most` < 10."""
    return f" {min(max(round(value), 0), most)}" if math.isfinite(value) else " ?"


def colour(value: float, most: float, scale: Scale, ground: Color) -> Color:
    """Return the colour of a value on a ground."""
    part = share(value, most)
    full = FULL if scale == "sequential" else ABOVE if part > 0 else BELOW
    return ground.blend(full, abs(part), alpha=1.0)


def cell_style(value: float, most: float, scale: Scale, ground: Color) -> Style:
    """Return the style of a cell: its colour behind, and in front what can be read on it."""
    behind = colour(value, most, scale, ground)
    front = behind.blend(behind.get_contrast_text(1.0), 0.78, alpha=1.0)
    return Style(color=front.rich_color, bgcolor=behind.rich_color)

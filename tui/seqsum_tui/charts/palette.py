"""Colours and signs of series and marks.

The hues are those of Okabe and Ito, "Color Universal Design" (2008), which stay apart under the common kinds of
colour blindness. Lightness, and where it was needed the hue, is moved so that each has a contrast of at least 3:1 with
the ground of every theme, and that any two of the eight stay apart under each kind (a distance of 10 in CIELAB).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from rich.cells import cell_len
from textual.color import Color, Lab, lab_to_rgb

if TYPE_CHECKING:
    from textual.app import App

DARK_COLOURS = ("#56b4e9", "#f0a030", "#2fc79a", "#e58fbe", "#f0e442", "#f2703c", "#c3d4f0", "#949494")
"""For a dark ground: sky blue, orange, bluish green, reddish purple, yellow, vermilion, pale blue, grey."""

LIGHT_COLOURS = ("#0067a6", "#a35c00", "#00694c", "#a3437e", "#4e4b06", "#b00828", "#5031f6", "#444d50")
"""For a light ground: blue, orange, bluish green, reddish purple, olive, red, violet, grey."""

TERMINAL_COLOURS = ("bright_blue", "yellow", "green", "magenta", "cyan", "red", "blue", "white")
"""The terminal's own colours, for themes that leave the ground to the terminal."""

TERMINAL_WHEEL = ("red", "yellow", "green", "cyan", "blue", "magenta")
WHEEL_START, WHEEL_CHROMA = 0.5, 42.0
"""Of the wheel in CIELAB: the angle of its first hue, a red, and how far from grey all are."""

GREY = "#808080"
"""The colour of what others are measured against; where a theme has shades, that of its quiet words."""
SIGNS = ("●", "■", "▲", "◆", "○", "□", "△", "◇", "▼", "✚", "▽", "★")
"""One-cell glyphs; each series of a chart has its own."""

OVER, UNDER = "⇑", "⇓"
"""Signs of values beyond the ends of an axis; those of what is infinite are arrows with one line."""
MARK_SIGNS = {"change": "Δ", "checkpoint": "▴", "pause": "║"}
"""The usual sign of each kind of mark."""

OTHER_MARK_SIGN = "!"


def series_colour(index: int, app: App[object]) -> Color:
    """Return the colour of the series at `index` in the console's theme; colours come round again after eight."""
    if app.native_ansi_color:
        return Color.parse(f"ansi_{TERMINAL_COLOURS[index % len(TERMINAL_COLOURS)]}")
    colours = DARK_COLOURS if app.current_theme.dark else LIGHT_COLOURS
    return Color.parse(colours[index % len(colours)])


def wheel_colour(turn: float, app: App[object]) -> Color:
    """Return a colour of the wheel, `turn` of the way round: equally light all round, and as light as the theme needs.

    Where the terminal has its own colours only, the nearest of six.
    """
    if app.native_ansi_color:
        return Color.parse(f"ansi_{TERMINAL_WHEEL[int(turn % 1 * len(TERMINAL_WHEEL))]}")
    angle = 2 * math.pi * turn + WHEEL_START
    lightness = 72 if app.current_theme.dark else 44
    return lab_to_rgb(Lab(lightness, WHEEL_CHROMA * math.cos(angle), WHEEL_CHROMA * math.sin(angle))).clamped


def unique_signs(wanted: list[str]) -> list[str]:
    """Return one sign per series: the wanted one where it is one cell wide and still free, else the next free."""
    taken = {sign for sign in wanted if cell_len(sign) == 1 and len(sign) == 1}
    free = [sign for sign in SIGNS if sign not in taken] + [chr(code) for code in range(ord("A"), ord("Z") + 1)]
    used: set[str] = set()
    signs = []
    for sign in wanted:
        if sign not in taken or sign in used:
            sign = free.pop(0) if free else "?"
        used.add(sign)
        signs.append(sign)
    return signs

"""A run's hue in the colours of the theme."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.app import App
from textual.color import Color

from seqsum_tui.charts.palette import TERMINAL_COLOURS, series_colour

if TYPE_CHECKING:
    from rich.color import Color as RichColor

    from seqsum.compare import Look


def look_colour(app: App[object], look: Look) -> str:
    """Return the colour of a look, as the charts read it."""
    if app.native_ansi_color:
        return f"ansi_{TERMINAL_COLOURS[look.hue % len(TERMINAL_COLOURS)]}"
    return series_colour(look.hue, dark=app.current_theme.dark)


def look_ink(app: App[object], look: Look) -> RichColor:
    """Return the colour of a look for a text."""
    return Color.parse(look_colour(app, look)).rich_color

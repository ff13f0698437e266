"""The styles that a chart draws with, from its component classes, the theme and the series' colours."""

from __future__ import annotations

from collections.abc import Sequence

from rich.style import Style
from textual.color import Color, ColorParseError
from textual.widget import Widget

from seqsum_tui.charts import palette, plot
from seqsum_tui.charts.legend import LegendInks
from seqsum_tui.charts.series import Series

_FAINT = 0.42
"""How much of a series' colour its raw line and its band keep against the ground."""
_SHADE = 0.16
"""And how much the ground behind a line takes on in its band: what the band's dots come to, seen from afar."""

_QUIET = {"note", "axis", "grid", "band", "mark"}
"""Parts that are dim where the terminal's own colours leave no shades."""


def _component(widget: Widget, name: str) -> Style:
    """Return a component class's colour and text style, and its background only where it has one of its own."""
    style = widget.get_component_rich_style(f"chart--{name}")
    own = widget.get_component_styles(f"chart--{name}")
    return Style(
        color=style.color,
        bgcolor=style.bgcolor if own.has_rule("background") else None,
        bold=style.bold,
        underline=style.underline,
        reverse=style.reverse,
        dim=True if widget.app.native_ansi_color and name in _QUIET else style.dim,
    )


def _ground(widget: Widget) -> Style:
    return Style(bgcolor=widget.background_colors[1].rich_color)


def _series_styles(widget: Widget, series: Series, hue: int) -> list[Style]:
    """Return the styles of a series' line, of what is faint behind it, of its sign, and of its line in a band."""
    app = widget.app
    try:
        colour = Color.parse(series.colour)
    except ColorParseError:
        colour = palette.series_colour(hue, app)
    if series.colour == palette.GREY and not app.native_ansi_color:
        colour = Color.from_rich_color(_component(widget, "note").color)
    line = Style(color=colour.rich_color)
    if app.native_ansi_color:
        return [line, line + Style(dim=True), line + Style(bold=True), line]
    ground = widget.background_colors[1]
    faint, shade = (ground.blend(colour, part, alpha=1.0).rich_color for part in (_FAINT, _SHADE))
    return [line, Style(color=faint), line + Style(bold=True), line + Style(bgcolor=shade)]


def plot_inks(widget: Widget, series: Sequence[Series]) -> list[Style]:
    """Return the styles in the order of the ink numbers, then all of them again on the cursor's ground."""
    cursor = _component(widget, "cursor")
    ground = _ground(widget)
    inks = [Style()] * plot.FIRST_SERIES
    inks[plot.GRID] = _component(widget, "grid")
    inks[plot.BAND] = _component(widget, "band")
    inks[plot.AXIS] = _component(widget, "axis")
    inks[plot.LABEL] = _component(widget, "label")
    inks[plot.MARK] = _component(widget, "mark")
    inks[plot.MARK_SIGN] = inks[plot.MARK] + Style(bold=True)
    inks[plot.CURSOR] = Style(color=cursor.color)
    inks[plot.CURSOR_LABEL] = _component(widget, "cursor-label")
    inks[plot.EMPTY] = _component(widget, "empty")
    hue = 0
    for one in series:
        inks += _series_styles(widget, one, hue)
        # What others are measured against takes no hue: the first of them has the same, in whatever chart it is.
        hue += one.colour != palette.GREY
    under_cursor = Style(bgcolor=cursor.bgcolor)
    return [*(ground + ink for ink in inks), *(ground + ink + under_cursor for ink in inks)]


def legend_inks(widget: Widget) -> LegendInks:
    """Return the styles of the lines above the plot."""
    ground = _ground(widget)
    return LegendInks(
        title=ground + _component(widget, "title"),
        name=ground + _component(widget, "name"),
        value=ground + _component(widget, "value"),
        note=ground + _component(widget, "note"),
        blank=ground,
    )

"""The painting half of the chart widget: holds what to show, and paints only the cells that change."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import ClassVar

import numpy as np
from rich.segment import Segment
from rich.style import Style
from textual.content import Content
from textual.geometry import Region
from textual.reactive import reactive
from textual.strip import Strip
from textual.style import Style as TextStyle
from textual.widget import Widget

from seqsum import formatting
from seqsum.plotting.ticks import AxisKind, Ticks, format_x
from seqsum.plotting.y_range import Limits
from seqsum.text import shown
from seqsum_tui.charts import palette, plot
from seqsum_tui.charts.axes import arrange, plot_rows, rows_for_legend, x_extent, y_range, y_ticks
from seqsum_tui.charts.canvas import Canvas
from seqsum_tui.charts.inks import legend_inks, plot_inks
from seqsum_tui.charts.legend import FRAME_ENDS, Entry, LegendInks, Note, Piece, fitted, framed_lines, legend_lines
from seqsum_tui.charts.line_ends import LineEnd, line_ends, paint_ends
from seqsum_tui.charts.marks import PlacedMarks, mark_sign, paint_marks
from seqsum_tui.charts.plot import Layer, nearest_shown
from seqsum_tui.charts.raster import View
from seqsum_tui.charts.series import Band, Floats, Mark, Series, same
from seqsum_tui.charts.text import shorten
from seqsum_tui.charts.viewport import Viewport

LOG_Y = "log y"
OFFER = "O leaves outliers out", "O: no outliers"


class ChartSurface(Widget):
    """Lines over a shared x, without keys or mouse; see `Chart`.

    With the class `-framed` it stands in a border, which has the title and, at the bottom, the notes.

    Args:
        title: shown first, literally.
        series, bands, marks: the first data.
        empty: what stands in the plot while there is nothing to draw.
        x_name: what x counts, such as `step`.
        x_kind: what x is in; see `AxisKind`.
        x_limits: the x that is shown at least when everything fits; None takes the data's. A known end, such as the
            number of steps of the run, keeps the axis still while the line grows.
        y_limits: fixed bottom and top; None takes the data's.
        log_y: logarithmic y axis.
        smoothing: time constant of the moving average, in steps.
    """

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "chart--title",
        "chart--name",
        "chart--value",
        "chart--note",
        "chart--axis",
        "chart--label",
        "chart--grid",
        "chart--band",
        "chart--mark",
        "chart--cursor",
        "chart--cursor-label",
        "chart--empty",
    }

    DEFAULT_CSS = """
    ChartSurface {
        width: 1fr;
        height: 1fr;
        & > .chart--title { color: $foreground; text-style: bold; }
        & > .chart--name { color: $foreground-muted; }
        & > .chart--value { color: $foreground; text-style: bold; }
        & > .chart--note { color: $foreground-muted; }
        & > .chart--axis { color: $foreground 35%; }
        & > .chart--label { color: $foreground-muted; }
        & > .chart--grid { color: $foreground 25%; }
        & > .chart--band { color: $foreground 30%; }
        & > .chart--mark { color: $foreground-muted; }
        & > .chart--cursor { color: $foreground-muted; background: $foreground 12%; }
        & > .chart--cursor-label { color: $background; background: $foreground 80%; }
        & > .chart--empty { color: $foreground-muted; }
        &:focus > .chart--title { color: $accent; text-style: bold underline; }
        &:focus > .chart--axis { color: $accent; }
        &.-framed {
            border: round $foreground 20%; border-subtitle-color: $foreground-muted;
            &:focus { border: round $border; }
            &:focus > .chart--title { color: $primary; text-style: bold; }
            &:focus > .chart--axis { color: $foreground 35%; }
        }
    }
    """

    ALLOW_SELECT = False

    log_y: reactive[bool] = reactive(False, repaint=False)
    """Logarithmic y axis."""
    smoothing: reactive[float] = reactive(0.0, repaint=False)
    """Time constant of the moving average in steps; 0 draws values as they are."""
    leave_out: reactive[bool] = reactive(False, repaint=False)
    """Leave outliers out of the y axis where they flatten the rest; arrows at the edge stand for them."""
    y_span: reactive[Limits | None] = reactive[Limits | None](None, repaint=False)
    """Bottom and top of the y axis that a person set, or None; before those of `set_y_limits`."""
    cursor_x: reactive[float | None] = reactive[float | None](None, repaint=False)
    """Where the cursor stands, or None."""

    def __init__(
        self,
        title: str = "",
        *,
        series: Iterable[Series] = (),
        bands: Iterable[Band] = (),
        marks: Iterable[Mark] = (),
        empty: str = "No values",
        x_name: str = "",
        x_kind: AxisKind = "number",
        x_limits: tuple[float | None, float | None] = (None, None),
        y_limits: tuple[float | None, float | None] = (None, None),
        log_y: bool = False,
        smoothing: float = 0.0,
        id: str | None = None,
    ) -> None:
        super().__init__(id=id)
        self._title, self._empty = shown(title), empty
        self.x_name, self._x_kind = shown(x_name), x_kind
        self._x_limits, self._y_limits = x_limits, y_limits
        self.series, self.bands, self.marks = tuple(series), tuple(bands), tuple(marks)
        self._placed = PlacedMarks.of(self.marks)
        self._viewport = Viewport()
        self._least_head = 0
        self._frame: tuple[list[Piece], str] = [], ""
        self._tail: float | None = None
        self._layers: list[Layer] | None = None
        self._base: Canvas | None = None
        self._layout = arrange(0, 0, 0)
        self.plot_view: View | None = None
        self._notes: list[Note] = []
        self._inks: list[Style] = []
        self._inks_for: object = None
        self._legend_inks: LegendInks | None = None
        self._head: list[list[Piece]] = []
        self._canvas: Canvas | None = None
        self._strips: list[Strip] = []
        self._composed_for: object = None
        self._waiting = self._stale = False
        self.spell: Callable[[float], str] | None = None
        """How values are written in the legend, where neither name nor title says it."""
        self.set_reactive(ChartSurface.log_y, log_y)
        self.set_reactive(ChartSurface.smoothing, self.validate_smoothing(smoothing))

    # Data and settings

    @property
    def title(self) -> str:
        """What stands first above the plot."""
        return self._title

    @title.setter
    def title(self, title: str) -> None:
        self._title = shown(title)
        # It names the metric, and with that the unit of y.
        self._changed()

    def set_series(self, series: Iterable[Series]) -> None:
        """Draw these series instead of the ones before; later ones lie on top. The same again costs nothing."""
        before, self.series = self.series, tuple(series)
        if not same(before, self.series):
            self._layers = None
            self._changed()

    def set_bands(self, bands: Iterable[Band]) -> None:
        """Shade these bands instead of the ones before."""
        before, self.bands = self.bands, tuple(bands)
        if not same(before, self.bands):
            self._changed()

    def set_marks(self, marks: Iterable[Mark]) -> None:
        """Show these marks instead of the ones before."""
        before, self.marks = self.marks, tuple(marks)
        if before != self.marks:
            top = self._top_row
            self._placed = PlacedMarks.of(self.marks)
            self._changed(plot=top != self._top_row)

    def set_x_axis(
        self, name: str, kind: AxisKind = "number", limits: tuple[float | None, float | None] = (None, None)
    ) -> None:
        """Change what x counts; the view becomes everything."""
        self.x_name, self._x_kind, self._x_limits = shown(name), kind, limits
        self._viewport = Viewport()
        self.cursor_x = None
        self._changed()

    def set_x_limits(self, first: float | None, last: float | None) -> None:
        """Fix the first or last x; None takes the data's."""
        if (first, last) != self._x_limits:
            self._x_limits = (first, last)
            self._changed()

    def set_y_limits(self, bottom: float | None, top: float | None) -> None:
        """Fix the bottom or top of the y axis; None takes the data's."""
        if (bottom, top) != self._y_limits:
            self._y_limits = (bottom, top)
            self._changed()

    def set_least_head(self, lines: int) -> None:
        """Begin the plot below at least so many lines, as high as charts do that stand beside this one."""
        if lines != self._least_head:
            self._least_head = lines
            self._changed()

    @property
    def head_needed(self) -> int:
        """How many lines above the plot it needs of its own."""
        width, height = self.size
        if not width or not height:
            return 0
        if not self._take_inks():
            # Drawn in full, and before it is looked at: the picture at hand has other inks, or another size.
            self._canvas, self._stale = None, True
        layers = self._current_layers()
        return len(self._own_legend(layers, width, height)[1])

    def set_empty(self, text: str) -> None:
        """Change what stands in the plot while there is nothing to draw."""
        if text != self._empty:
            self._empty = text
            self._changed()

    @property
    def view(self) -> tuple[float, float] | None:
        """The window of x that is shown, or None when it is everything."""
        return None if self._viewport.window is None else self.x_range

    def set_view(self, view: tuple[float, float] | None) -> None:
        """Show this window of x, or everything (None), without posting a message."""
        before = self._viewport
        self._viewport = Viewport() if view is None else before.show(view[0], view[1], self.reach)
        if self._viewport != before:
            self._changed()

    def set_cursor(self, x: float | None) -> None:
        """Put the cursor at `x`, or take it away (None), without posting a message."""
        self.cursor_x = x

    @property
    def extent(self) -> tuple[float, float]:
        """The ends of x when everything is shown: those of the data and the x limits, rounded outward."""
        places = [one.x for one in self.series] + [band.x for band in self.bands]
        return x_extent(places, self._x_limits)

    def set_tail(self, x: float | None) -> None:
        """Say where the newest value is, of this or any other chart in step with it; None takes the extent's end.

        A view that follows the newest value ends there, and none is panned beyond.
        """
        if x != self._tail:
            self._tail = x
            if self._viewport.window is not None:
                self._changed()

    @property
    def reach(self) -> tuple[float, float]:
        """The ends of x that zooming and panning move in."""
        low, high = self.extent
        return low, high if self._tail is None or self._tail <= low else self._tail

    @property
    def following(self) -> bool:
        """Whether the view's right edge stays at the newest value."""
        return self._viewport.follow

    @property
    def x_range(self) -> tuple[float, float]:
        """The ends of x that are shown now."""
        return self._viewport.resolve(self.extent if self._viewport.window is None else self.reach)

    def validate_smoothing(self, smoothing: float) -> float:
        """Keep it a number of steps."""
        return min(max(float(smoothing), 0.0), 1e9)

    def _redraw(self) -> None:
        self._layers = None
        self._changed()

    watch_log_y = watch_smoothing = watch_leave_out = watch_y_span = _redraw

    def watch_cursor_x(self) -> None:
        """Redraw what lies over the data."""
        self._changed(plot=False)

    # Painting

    def _changed(self, *, plot: bool = True) -> None:
        """Note that something changed; the work is done once, after all changes of this moment."""
        if plot:
            self._base = None
        if self.is_attached and not self._waiting:
            self._waiting = True
            self.call_later(self.repaint)

    def notify_style_update(self) -> None:
        """Take up new colours."""
        self._composed_for = None
        super().notify_style_update()

    def render_lines(self, crop: Region) -> list[Strip]:
        """Draw anew when the picture at hand has not this size, these colours, or what was given while hidden."""
        if self._stale or self._composed_for != self._ground():
            self._draw()
        return super().render_lines(crop)

    def render_line(self, y: int) -> Strip:
        """Return one line of the picture."""
        return self._strips[y] if y < len(self._strips) else Strip.blank(self.size.width, self.rich_style)

    def _ground(self) -> object:
        return self.size, self.background_colors, self.app.theme

    def repaint(self) -> None:
        """Draw the picture and have the cells that differ from the one before painted."""
        self._waiting = False
        if not self.size or not self.is_attached:
            # Nobody sees it now; what it shows next is to be of what was given last.
            self._stale = True
            self.refresh()
            return
        regions = self._draw()
        if regions is None:
            self.refresh()
        elif regions:
            self.refresh(*regions)

    def _draw(self) -> list[Region] | None:
        """Make the strips of all lines; return the regions that differ from before, or None for all of them."""
        width, height = self.size
        self._stale = False
        if not width or not height:
            self._composed_for, self._canvas, self._strips = None, None, []
            return None
        same_ground = self._take_inks()
        layers = self._current_layers()
        head_height = len(self._legend(layers, width, height)[1])
        if self._base is None or (self._base.width, self._base.height) != (width, height - head_height):
            self._base = self._draw_base(layers, width, height - head_height)
        in_frame, head = self._legend(layers, width, height)
        if len(head) != head_height:
            # The values at the cursor are known once there is an axis: a long one may have taken a line more.
            self._base = self._draw_base(layers, width, height - len(head))
        canvas = self._base.copy()
        self._draw_over(canvas, layers)
        self._entitle_frame(in_frame, width)

        before, old_head, old_strips = self._canvas, self._head, self._strips
        self._canvas, self._head = canvas, head
        if not same_ground or before is None or (before.width, before.height) != (width, canvas.height):
            self._strips = [Strip([Segment(*piece) for piece in line], width) for line in head]
            self._strips += [canvas.strip(self._inks, row) for row in range(canvas.height)]
            return None
        strips, regions = list(old_strips), []
        for row, (line, old_line) in enumerate(zip(head, old_head, strict=True)):
            if line != old_line:
                strips[row] = Strip([Segment(*piece) for piece in line], width)
                regions.append(Region(0, row, width, 1))
        top = len(head)
        for row, first, last in canvas.changes(before):
            strips[top + row] = canvas.strip(self._inks, row)
            regions.append(Region(first, top + row, last - first + 1, 1))
        self._strips = strips
        return regions

    def _take_inks(self) -> bool:
        """Bring the styles up to date; return whether they are the ones of the picture before."""
        ground = self._ground()
        inks_for = ground, tuple(one.colour for one in self.series)
        same = self._composed_for == ground and self._inks_for == inks_for
        if not same:
            self._inks, self._legend_inks = plot_inks(self, self.series), legend_inks(self)
            self._composed_for, self._inks_for = ground, inks_for
        return same

    def _current_layers(self) -> list[Layer]:
        if self._layers is None:
            signs = palette.unique_signs([shown(one.sign) for one in self.series])
            self._layers = [
                Layer(one, sign, index, one.drawn(self.log_y), self._smoothed(one))
                for index, (one, sign) in enumerate(zip(self.series, signs, strict=True))
            ]
        return self._layers

    def _smoothed(self, series: Series) -> Floats | None:
        if not self.smoothing or series.role == "points":
            return None
        return series.smoothed(self.smoothing)

    def _draw_base(self, layers: Sequence[Layer], width: int, height: int) -> Canvas:
        """Return a canvas with axes and data: everything that stays while only the cursor moves."""
        canvas = Canvas(width, height)
        self.plot_view, self._notes = None, []
        if not height:
            return canvas
        span = y_range(self._drawn_columns(layers), self.x_range, self.log_y, self._limits_now, self.leave_out)
        if span is None and not self._axes_alone:
            plot.paint_note(canvas, self._why_empty())
            return canvas
        y_ends, ticks = (0.1, 1.0), Ticks()
        if span is not None:
            y_ends = span.bottom, span.top
            ticks = y_ticks(*y_ends, plot_rows(height), self.log_y, share=self._share)
        self._layout = layout = arrange(width, height, ticks.width)
        if not layout.plot_width or not layout.plot_height:
            return canvas
        self.plot_view = view = View(*self.x_range, *y_ends, layout.plot_width, layout.plot_height, self.log_y)
        signs = self._paint(canvas, view, ticks, layers)
        if ticks.base:
            self._notes.append((f"y from {ticks.base}",))
        if span is None:
            plot.paint_note(canvas, self._why_empty())
        self._note_values(signs, span is not None and span.flattened)
        return canvas

    @property
    def _axes_alone(self) -> bool:
        """Whether there are axes also where no value has a place: something has an x."""
        return any(one.x.size for one in self.series)

    def _paint(self, canvas: Canvas, view: View, ticks: Ticks, layers: Sequence[Layer]) -> str:
        """Draw axes and data; return the signs at the edges, for values that have no place."""
        whole = self._x_kind in ("number", "plain") and all(one.whole for one in self.series)
        plot.paint_axes(canvas, self._layout, view, ticks, self._x_kind, self.x_name, whole=whole)
        drawn = sorted(layers, key=lambda layer: not layer.series.back)
        painted = plot.paint_data(canvas, self._layout, view, drawn, self.bands, signs_along=self.app.no_color)
        paint_ends(canvas, self._layout, line_ends(view, drawn, painted.fronts), self.tag, self._top_row)
        return plot.edge_signs(painted.drawings)

    @property
    def _top_row(self) -> int:
        """The first row of the plot that is not the marks'."""
        return 1 if self._placed.loud else 0

    def tag(self, end: LineEnd) -> str:
        """Return what stands at a line's end, where there is room: name and value, `~` before an average."""
        one, smoothed = end.layer.series, end.layer.smoothed is not None
        newest = one.last is not None and not smoothed and end.at == one.x.size - 1
        value = one.last if newest else float(end.layer.shown[end.at])
        name = "" if one.name == self._title or len(self.series) == 1 else shown(one.name)
        return f"{name} {'~' if smoothed else ''}{self._value_text(one, value)}".strip()

    def _drawn_columns(self, layers: Sequence[Layer]) -> list[tuple[Floats, Sequence[Floats | None]]]:
        columns: list[tuple[Floats, Sequence[Floats | None]]] = [
            (layer.series.x, (layer.drawn.y, layer.drawn.low, layer.drawn.high, layer.smoothed)) for layer in layers
        ]
        return columns + [(band.x, (band.low, band.high)) for band in self.bands]

    @property
    def _with_points(self) -> Sequence[Series]:
        """The series whose points are counted."""
        return self.series

    def _note_values(self, signs: str, flattened: bool) -> None:
        """Say what the signs at the edges stand for, and what could be done about values that flatten the picture."""
        hidden = sum(one.not_positive(*self.x_range) for one in self._with_points) if self.log_y else 0
        # On a log axis the arrow down is of what is hidden.
        signs = signs.replace("↓", "") if hidden else signs
        broken = [f"{sign} {plot.BROKEN[sign]}" for sign in signs if sign in plot.BROKEN]
        self._notes += [(" ".join(broken),)] if broken else []
        if hidden:
            points, isnt = formatting.count(hidden, "point"), "isn't" if hidden == 1 else "aren't"
            self._notes.append((f"↓ {points} at or below zero {isnt} shown", f"↓ {points} ≤ 0", "↓ ≤ 0"))
        beyond = "".join(sign for sign in signs if sign in (palette.OVER, palette.UNDER))
        self._notes += [(f"{beyond} beyond the axis", f"{beyond} beyond")] if beyond else []
        if self.y_span is not None:
            self._notes.append((self._span_words(self.y_span),))
        elif flattened:
            self._notes.append(("outliers left out", "no outliers") if self.leave_out else OFFER)

    def _span_words(self, span: Limits) -> str:
        """Say which ends a person set, as far as this axis has them."""
        text = formatting.percent if self._share else formatting.full
        ends = ["auto" if end is None or (self.log_y and end <= 0) else text(end) for end in span]
        return f"y {' to '.join(ends)}"

    @property
    def _share(self) -> bool:
        """Whether y is read in percent."""
        name = self._title or next((one.name for one in self.series), "")
        return formatting.is_share(name, max((one.highest for one in self.series), default=0.0))

    @property
    def _limits_now(self) -> Limits:
        """The ends of y that a person set, else those that the owner did."""
        return self._y_limits if self.y_span is None else self.y_span

    def _why_empty(self) -> str:
        if not self._axes_alone:
            return self._empty
        if self.log_y and any(np.isfinite(one.y).any() for one in self.series):
            return "No values above 0 here for a logarithmic axis"
        return "No finite values here"

    def _draw_over(self, canvas: Canvas, layers: Sequence[Layer]) -> None:
        """Draw marks and cursor over the data."""
        if self.plot_view is None:
            return
        paint_marks(canvas, self._layout, self.plot_view, self._placed)
        if self.cursor_x is not None:
            label = self._x_text(self.cursor_x)
            plot.paint_cursor(canvas, self._layout, self.plot_view, layers, self.cursor_x, label, len(self._inks) // 2)

    def _behind(self, x: float, view: View) -> str:
        """Say of how many points the values at `x` are the mean, where they are."""
        counts = [
            float(one.thinned.finite[index])
            for one in self.series
            if one.thinned is not None and (index := nearest_shown(one, x, view)) is not None
        ]
        most = int(max(counts, default=1.0))
        return f" · mean of {most:,}" if most > 1 else ""

    def _x_text(self, x: float) -> str:
        view = self.plot_view
        return format_x(x, self._x_kind, (view.x1 - view.x0) / view.columns if view else 0.0)

    def _legend(self, layers: Sequence[Layer], width: int, height: int) -> tuple[list[Piece], list[list[Piece]]]:
        """Return the title of the frame, and the lines above the plot: how many depends on names and size only, never
        on values."""
        in_frame, lines = self._own_legend(layers, width, height)
        if self._legend_inks is not None:
            blank = [(" " * width, self._legend_inks.blank)]
            lines += [blank] * (min(self._least_head, rows_for_legend(height)) - len(lines))
        return in_frame, lines

    def _own_legend(self, layers: Sequence[Layer], width: int, height: int) -> tuple[list[Piece], list[list[Piece]]]:
        inks, rows = self._legend_inks, rows_for_legend(height)
        if inks is None:
            return [], []
        if not self.framed:
            return [], legend_lines(self._head_of(width), self._entries(layers), self._told(), width, rows, inks)
        title = self._head_of(width - FRAME_ENDS)
        in_frame, *lines = framed_lines(title, self._entries(layers), width, rows, inks)
        return in_frame, lines

    @property
    def framed(self) -> bool:
        """Whether it stands in a border."""
        return self.has_class("-framed")

    def _entitle_frame(self, title: list[Piece], width: int) -> None:
        """Write the title and the newest values into the frame, and below what else there is to say."""
        if not self.framed:
            return
        frame = title, fitted(self._told_in_frame(), width - FRAME_ENDS)
        if frame != self._frame:
            self._frame = frame
            styled = ((text, TextStyle.from_rich_style(ink)) for text, ink in title)
            self.border_title = Content.assemble(*styled).rstrip()
            self.border_subtitle = Content(frame[1])

    def _told_in_frame(self) -> list[Note]:
        """Return what the frame says at the bottom, the most important first."""
        return self._told()

    @staticmethod
    def align_heads(charts: Iterable[ChartSurface]) -> None:
        """Have the plots of charts that stand side by side begin on one line."""
        rows: dict[int, list[ChartSurface]] = {}
        for chart in charts:
            rows.setdefault(chart.region.y, []).append(chart)
        for beside in rows.values():
            lines = max(chart.head_needed for chart in beside)
            for chart in beside:
                chart.set_least_head(lines)

    def _entries(self, layers: Sequence[Layer]) -> list[Entry]:
        """Return what is said of each series."""
        entries = []
        for layer in layers:
            value, smoothed = self._values(layer)
            name = shown(layer.series.name)
            if len(layers) == 1 and name == self._title:
                name = ""
            entries.append(Entry(layer.sign, name, value, smoothed, self._inks[plot.sign_ink(layer.index)]))
        return entries

    def _head_of(self, width: int) -> str:
        """Return the title, and always what kind of axis y has."""
        if not self.log_y:
            return self._title
        return f"{shorten(self._title, width - len(LOG_Y) - 5)} · {LOG_Y}" if self._title else LOG_Y

    def _values(self, layer: Layer) -> tuple[str, str]:
        """Return the texts of a series' value and of its moving average, at the cursor or else the newest."""
        one = layer.series
        if self.cursor_x is None or self.plot_view is None:
            index = one.x.size - 1 if one.x.size else None
        else:
            index = nearest_shown(one, self.cursor_x, self.plot_view)
        if index is None:
            return "–", "" if layer.smoothed is None else "–"
        newest = self.cursor_x is None and one.last is not None
        value = one.last if newest else float(one.y[index])
        smoothed = "" if layer.smoothed is None else f"~{self._value_text(one, float(layer.smoothed[index]))}"
        return self._value_text(one, value), smoothed

    def _value_text(self, one: Series, value: float | None) -> str:
        # A chart of one metric has its name as title; where several things stand together, each has its own, and where
        # y is in percent, so are all of them.
        if self.spell is not None and value is not None:
            return self.spell(value)
        return formatting.metric("accuracy" if self._share else self._title or one.name, value)

    def _told(self) -> list[Note]:
        """Return what stands at the right of the title: the cursor's place, or how the chart is set."""
        if self.cursor_x is not None and self.plot_view is not None:
            here = self._placed.at(self.cursor_x, self.plot_view)
            x = self._x_text(self.cursor_x)
            place = f"{self.x_name} {x}".strip()
            places = f"{place}{self._behind(self.cursor_x, self.plot_view)}", place, x
            if here:
                happened = ", ".join(f"{mark_sign(mark)} {shown(mark.label)}" for mark in here)
                words = happened.split(" ")
                # Whole words, so that no number loses digits.
                told = happened, *(f"{' '.join(words[:count])}…" for count in range(len(words) - 1, 1, -1)), words[0]
                return [told] if self._layout.label_row is not None else [told, places]
            return [places]
        notes = list(self._notes)
        if self.smoothing and any(one.x.size for one in self.series):
            steps = f"{formatting.number(self.smoothing)} step{'s' * (self.smoothing != 1)}"
            notes.append((f"smooth over {steps}", f"~{steps}"))
        if self._viewport.window is not None:
            notes.append(("newest" if self._viewport.follow else "zoom",))
        if self.plot_view is not None and self._placed.left_out(self.plot_view):
            number = formatting.count(len(self._placed.quiet), self._placed.quiet[0].kind)
            some = f"{mark_sign(self._placed.quiet[0])} some"
            notes.append((f"{some} of {number}", f"{some} of {len(self._placed.quiet):,}", some))
        return notes

"""The chart widget: the painted surface with keys, mouse and messages."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message

from seqsum.plotting.y_range import Limits
from seqsum_tui.charts.smoothing import next_level
from seqsum_tui.charts.surface import ChartSurface
from seqsum_tui.charts.viewport import Viewport
from seqsum_tui.key import hidden, key

_ZOOM = 0.75


class Chart(ChartSurface, can_focus=True):
    """Metrics as braille lines over a shared x, with axes, cursor, marks, zoom and smoothing.

    Give it data with `set_series`, `set_bands` and `set_marks`. Setting `log_y`, `smoothing`, `cursor_x` or `view`
    redraws and posts nothing; what a person does with keys or mouse posts `CursorMoved` and `ViewChanged`, so that a
    screen can keep several charts in step. Only cells that changed are painted again. The arguments are those of
    `ChartSurface`.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        hidden("chart.cursor_left", "left", "move_cursor(-1)", "Cursor left", "Move the cursor to the value before"),
        hidden("chart.cursor_right", "right", "move_cursor(1)", "Cursor right", "Move the cursor to the next value"),
        hidden("chart.pan_left", "shift+left", "pan(-1)", "Pan left", "Show earlier values at the same zoom"),
        hidden("chart.pan_right", "shift+right", "pan(1)", "Pan right", "Show later values at the same zoom"),
        hidden("chart.start", "home", "to_start", "Start", "Show the first values at the same zoom"),
        hidden("chart.tail", "end", "to_tail", "Newest", "Show the newest values and follow them"),
        hidden("chart.zoom_in", "plus,equals_sign", "zoom(1)", "Zoom in", "Show a narrower stretch, round the cursor",
               display="+"),
        hidden("chart.zoom_out", "minus", "zoom(-1)", "Zoom out", "Show a wider stretch", display="-"),
        key("chart.fit", "0", "fit", "Fit", "Show everything"),
        key("chart.log_y", "l", "toggle_log", "Log y", "Logarithmic or linear y axis"),
        hidden("chart.y_range", "Y", "y_range", "Y range", "Set the ends of the y axis"),
        hidden("chart.leave_out", "O", "leave_out", "Outliers", "Leave outliers out of the y axis, or show them again"),
        key("chart.smooth_more", "s", "smooth(1)", "Smooth", "Smooth more; the raw line stays behind"),
        hidden("chart.smooth_less", "S", "smooth(-1)", "Smooth less", "Smooth less"),
        hidden("chart.clear_cursor", "escape", "clear_cursor", "Clear cursor", "Take the cursor away"),
    ]  # fmt: skip

    @dataclass
    class Told(Message):
        """A person did something to the chart."""

        chart: Chart

        @property
        def control(self) -> Chart:
            """The chart, for `@on` with a selector."""
            return self.chart

    @dataclass
    class CursorMoved(Told):
        """A person moved the cursor to `x`, or took it away (None)."""

        x: float | None

    @dataclass
    class ViewChanged(Told):
        """A person zoomed or panned: the chart now shows x0 to x1. `view` is what to set on another chart."""

        x0: float
        x1: float
        view: tuple[float, float] | None

    class LimitsWanted(Told):
        """A person wants to set the ends of the y axis."""

    class LimitsSet(Told):
        """A person has set the ends of the y axis, or left out outliers, or took that back."""

    _pinned_x: float | None = None
    _drag: tuple[int, tuple[float, float]] | None = None
    _dragged = False

    def set_cursor(self, x: float | None) -> None:
        """Put the cursor at `x`, or take it away (None), without posting a message."""
        self._pinned_x = x
        super().set_cursor(x)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Escape takes the cursor away while there is one; else it is the screen's."""
        return self.cursor_x is not None if action == "clear_cursor" else True

    # What a person does

    def _move_cursor_to(self, x: float | None, *, pin: bool) -> None:
        if pin:
            self._pinned_x = x
        if x != self.cursor_x:
            self.cursor_x = x
            self.post_message(self.CursorMoved(self, x))

    def _take_viewport(self, viewport: Viewport) -> None:
        if viewport != self._viewport:
            self._viewport = viewport
            self._changed()
            self.post_message(self.ViewChanged(self, *self.x_range, self.view))

    def action_move_cursor(self, direction: int) -> None:
        """Move the cursor to the next value on the left (-1) or right (1) that is in another place on the screen."""
        x0, x1 = self.x_range
        inside = [one.x[(one.x >= x0) & (one.x <= x1)] for one in self.series] if self.cursor_x is None else []
        if self.cursor_x is None:
            ends = [x[-1] for x in inside if x.size]
            if ends:
                self._move_cursor_to(float(max(ends)), pin=True)
            return
        beyond = self.cursor_x + direction * 0.75 * self._column_width()
        found = []
        for one in self.series:
            index = int(np.searchsorted(one.x, beyond, side="left" if direction > 0 else "right"))
            index -= direction < 0
            if 0 <= index < one.x.size:
                found.append(float(one.x[index]))
        if found:
            target = min(found) if direction > 0 else max(found)
            self._take_viewport(self._viewport.reveal(target, self.reach))
            self._move_cursor_to(target, pin=True)

    def action_clear_cursor(self) -> None:
        """Take the cursor away."""
        self._move_cursor_to(None, pin=True)

    def action_pan(self, direction: int) -> None:
        """Show the stretch a quarter of the view further left (-1) or right (1)."""
        self._take_viewport(self._viewport.pan(0.25 * direction, self.reach))

    def action_zoom(self, direction: int) -> None:
        """Zoom in (1) or out (-1) round the cursor, else round the newest value in view."""
        x0, x1 = self.x_range
        centre = self.cursor_x if self.cursor_x is not None else min(x1, self.reach[1])
        self._take_viewport(self._viewport.zoom(_ZOOM**direction, min(max(centre, x0), x1), self.reach))

    def action_fit(self) -> None:
        """Show everything."""
        self._take_viewport(Viewport())

    def action_to_start(self) -> None:
        """Show the first values at the same zoom."""
        self._take_viewport(self._viewport.reveal(self.reach[0], self.reach))

    def action_to_tail(self) -> None:
        """Show the newest values at the same zoom, and follow them."""
        self._take_viewport(self._viewport.reveal(self.reach[1], self.reach))

    def action_toggle_log(self) -> None:
        """Change between a linear and a logarithmic y axis."""
        self.log_y = not self.log_y

    def action_smooth(self, direction: int) -> None:
        """Smooth more (1) or less (-1)."""
        span = max((one.steps_within(*self.x_range) for one in self.series), default=0.0)
        self.smoothing = next_level(self.smoothing, direction, span)

    def action_leave_out(self) -> None:
        """Leave outliers out of the y axis, or show them again."""
        self.leave_out = not self.leave_out
        self.post_message(self.LimitsSet(self))

    def take_limits(self, limits: Limits | None) -> None:
        """Set the ends of the y axis as a person asks; None leaves them to the data."""
        self.y_span = limits
        self.post_message(self.LimitsSet(self))

    def action_y_range(self) -> None:
        """Ask for the ends of the y axis."""
        self.post_message(self.LimitsWanted(self))

    # Mouse

    def _column_width(self) -> float:
        x0, x1 = self.x_range
        return (x1 - x0) / max(self._layout.plot_width, 1)

    def x_under(self, event: events.MouseEvent) -> float:
        """Return the x of the cell under the pointer, which may lie outside the plot."""
        if self.plot_view is None:
            return self.x_range[0]
        return self.plot_view.x_at(event.x - self.content_offset.x - self._layout.gutter)

    def _nearest_x(self, x: float) -> float | None:
        """Return the x of the value nearest to `x` in any series, or None when there are none."""
        places = [float(one.x[index]) for one in self.series if (index := one.nearest(x)) is not None]
        x0, x1 = self.x_range
        places = [place for place in places if x0 <= place <= x1]
        return min(places, key=lambda place: abs(place - x)) if places else None

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """Begin to drag."""
        if event.button == 1:
            self._drag, self._dragged = (event.x, self.x_range), False
            self.capture_mouse()

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Move the cursor with the pointer, or the view while dragging."""
        if self._drag is None:
            x = self._nearest_x(self.x_under(event))
            if x is not None:
                self._move_cursor_to(x, pin=False)
            return
        start, (x0, x1) = self._drag
        self._dragged = self._dragged or event.x != start
        if self._dragged and self._viewport.window is not None:
            shift = (start - event.x) * self._column_width()
            self._take_viewport(self._viewport.show(x0 + shift, x1 + shift, self.reach))

    def on_mouse_up(self, event: events.MouseUp) -> None:
        """End a drag, or leave the cursor where it was clicked."""
        if self._drag is None:
            return
        self._drag = None
        self.release_mouse()
        if not self._dragged:
            self._move_cursor_to(self._nearest_x(self.x_under(event)), pin=True)

    def on_click(self, event: events.Click) -> None:
        """Show everything on a double click."""
        if event.chain == 2:
            self.action_fit()

    def on_leave(self, event: events.Leave) -> None:
        """Put the cursor back to where it was clicked."""
        if not self.is_mouse_over:
            self._move_cursor_to(self._pinned_x, pin=False)

    def _wheel(self, event: events.MouseEvent) -> None:
        """Zoom round the pointer; sideways, or with shift, pan."""
        event.stop()
        event.prevent_default()
        direction = -1 if isinstance(event, events.MouseScrollUp | events.MouseScrollLeft) else 1
        if event.shift or isinstance(event, events.MouseScrollLeft | events.MouseScrollRight):
            self._take_viewport(self._viewport.pan(0.1 * direction, self.reach))
        else:
            self._take_viewport(self._viewport.zoom(_ZOOM**-direction, self.x_under(event), self.reach))

    on_mouse_scroll_up = on_mouse_scroll_down = on_mouse_scroll_left = on_mouse_scroll_right = _wheel


def keys_beside(screen_has: Collection[str] = ()) -> list[BindingType]:
    """Return the keys of a chart on a screen with keys of its own: none in the line of keys, `y` for the logarithmic
    axis, and without those of the ids that the screen has."""
    kept = [key for key in Chart.BINDINGS if isinstance(key, Binding) and key.id not in screen_has]
    return [replace(key, key="y" if key.id == "chart.log_y" else key.key, show=False) for key in kept]

"""Which stretch of x a chart shows: all of it, a window, or a window that follows the newest value. No screen here."""

from __future__ import annotations

from dataclasses import dataclass

_SMALLEST_SHARE = 1e-7
"""The narrowest window, as a share of the whole extent."""


@dataclass(frozen=True)
class Viewport:
    """A stretch of x, or everything.

    Args:
        window: (left, right) in units of x, or None for everything there is.
        follow: the window's right edge stays at the newest value.
    """

    window: tuple[float, float] | None = None
    follow: bool = False

    def resolve(self, extent: tuple[float, float]) -> tuple[float, float]:
        """Return the (left, right) to show when the data reach over `extent`."""
        if self.window is None:
            return extent
        left, right = self.window
        if self.follow:
            return extent[1] - (right - left), extent[1]
        return left, right

    def show(self, left: float, right: float, extent: tuple[float, float]) -> Viewport:
        """Return a viewport of [left, right], moved into the extent; it follows the tail when it touches the end.

        A window as wide as the extent or wider is everything.
        """
        low, high = extent
        whole = high - low
        width = max(right - left, whole * _SMALLEST_SHARE)
        if not width < whole * (1 - 1e-9):
            return Viewport()
        left = min(max((left + right - width) / 2, low), high - width)
        follow = left + width >= high - whole * 1e-9
        return Viewport((left, left + width), follow)

    def zoom(self, factor: float, centre: float, extent: tuple[float, float]) -> Viewport:
        """Return a viewport `factor` times as wide, in which `centre` keeps its place on the screen."""
        left, right = self.resolve(extent)
        centre = min(max(centre, left), right)
        left, right = centre - (centre - left) * factor, centre + (right - centre) * factor
        return self.show(left, right, extent)

    def pan(self, share: float, extent: tuple[float, float]) -> Viewport:
        """Return a viewport moved right by `share` of its width (left when negative), inside the extent."""
        if self.window is None:
            return self
        left, right = self.resolve(extent)
        shift = (right - left) * share
        return self.show(left + shift, right + shift, extent)

    def reveal(self, x: float, extent: tuple[float, float]) -> Viewport:
        """Return a viewport moved just far enough that `x` is in it."""
        left, right = self.resolve(extent)
        if self.window is None or left <= x <= right:
            return self
        shift = x - right if x > right else x - left
        return self.show(left + shift, right + shift, extent)

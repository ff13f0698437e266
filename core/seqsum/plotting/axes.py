"""Axes of pictures: their scales, ticks and grid, what they show of a curve, and where its line leaves them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from seqsum.formatting import count
from seqsum.plotting.drawing import Area, Line, Picture, Place, Words
from seqsum.plotting.nonfinite import OVER, UNDER, kinds_in
from seqsum.plotting.ticks import value_ticks
from seqsum.plotting.y_range import Limits, ends_of
from seqsum.runs.buckets import Buckets, Floats

Ends = tuple[float, float]

MARGIN = 6
"""Units between the upper end of a scale of values and that of its plot."""

OFFER = "outliers flatten the curves; --no-outliers or --ylim LOW,HIGH shows the rest"


@dataclass(frozen=True)
class ValueAxis:
    """How a person wants the values: on a logarithmic axis, between some ends, without outliers."""

    log: bool = False
    limits: Limits | None = None
    leave_out: bool = False

    @property
    def ends(self) -> Limits:
        """The ends that are set; a logarithmic axis has none at or below zero."""
        low, high = self.limits or (None, None)
        usable = [end if end is None or end > 0 or not self.log else None for end in (low, high)]
        return usable[0], usable[1]


PLAIN = ValueAxis()


@dataclass(frozen=True)
class Scale:
    """Maps values to places on an axis from `start` to `end`, and those beyond it to its ends."""

    low: float
    high: float
    start: float
    end: float
    logarithmic: bool = False

    def __call__(self, value: float) -> float:
        low, high = self.low, self.high
        value = min(max(value, low), high)
        if self.logarithmic:
            value, low, high = math.log10(value), math.log10(low), math.log10(high)
        # Halved, so that the span of the largest numbers does not overflow.
        return self.start + (self.end - self.start) * ((value / 2 - low / 2) / (high / 2 - low / 2))


@dataclass(frozen=True, eq=False)
class Drawn:
    """What an axis shows of a curve: float64[n] each, and the values that have no place by their kind.

    hidden: how many values a logarithmic axis can't show.
    """

    x: Floats
    y: Floats
    low: Floats
    high: Floats
    kinds: Mapping[str, NDArray[np.bool_]]
    hidden: int = 0

    @classmethod
    def of_buckets(cls, x: Floats, buckets: Buckets, log: bool, line: Floats | None = None) -> Drawn:
        """Return buckets as they stand at `x`; `line` is drawn in place of their means."""
        y, low, high = buckets.on_axis(log)
        hidden = int((buckets.finite - buckets.positive + buckets.below).sum()) if log else 0
        return cls(x, y if line is None else line, low, high, kinds_in(buckets), hidden)

    def where(self, kept: NDArray[np.bool_]) -> Drawn:
        """Return those that `kept` marks."""
        kinds = {kind: there[kept] for kind, there in self.kinds.items()}
        return Drawn(self.x[kept], self.y[kept], self.low[kept], self.high[kept], kinds, self.hidden)

    def part(self, log: bool) -> tuple[Floats, Floats] | None:
        """Return the lowest and the highest of each place that has a place on the axis."""
        columns = np.stack((self.y, self.low, self.high))
        columns = np.where(np.isfinite(columns) & ((columns > 0) | (not log)), columns, np.nan)
        columns = columns[:, ~np.isnan(columns).all(axis=0)]
        return (np.nanmin(columns, axis=0), np.nanmax(columns, axis=0)) if columns.size else None

    def beyond(self, scale: Scale) -> dict[str, NDArray[np.bool_]]:
        """Return all kinds of values without a place, those above and below the scale included."""
        with np.errstate(invalid="ignore"):
            over = (np.isfinite(self.high) & (self.high > scale.high)) | (np.isfinite(self.y) & (self.y > scale.high))
            under = (np.isfinite(self.low) & (self.low < scale.low)) | (np.isfinite(self.y) & (self.y < scale.low))
        return {**self.kinds, OVER: over, UNDER: under}

    def stretches(self, log: bool) -> list[slice]:
        """Return the stretches between gaps of the line."""
        usable = np.isfinite(self.y) & ((self.y > 0) | (not log))
        edges = np.flatnonzero(np.diff(np.concatenate(([False], usable, [False])).astype(np.int8)))
        return [slice(int(start), int(end)) for start, end in zip(edges[::2], edges[1::2], strict=True)]


def axis_notes(picture: Picture, axis: ValueAxis, hidden: int, flattened: bool) -> list[str]:
    """Return what a picture says of values that it does not show: those that a logarithmic axis can't, and outliers,
    but for where a person set the ends; beside the picture it offers to leave them out."""
    notes = [f"{count(hidden, 'point')} at or below zero {'is' if hidden == 1 else 'are'} not shown"] if hidden else []
    if flattened and axis.limits is None:
        notes.append("outliers left out" if axis.leave_out else "a few outliers flatten the rest")
        picture.notes += [] if axis.leave_out else [OFFER]
    return notes


def value_scale(
    curves: Sequence[Drawn], axis: ValueAxis, bottom: float, top: float, rounded: Callable[[float, float], Ends]
) -> tuple[Scale, bool]:
    """Return the scale that shows curves between two heights, and whether outliers flatten them.

    rounded: what the ends are for the lowest and the highest value, where nobody set them
    """
    parts = [part for curve in curves if (part := curve.part(axis.log)) is not None]
    low, high, flattened = 0.1 if axis.log else 0.0, 1.0, False
    if parts:
        *ends, flattened = ends_of(parts, log=axis.log, fixed=axis.ends, leave_out=axis.leave_out)
        low, high = rounded(*ends)
    return Scale(*between(axis, low, high), bottom, top, axis.log), flattened


def band(x: Sequence[float], low: Sequence[float], high: Sequence[float], color: str) -> Area:
    """Return the pale area between two lines over the same places."""
    return Area((*zip(x, high, strict=True), *reversed([*zip(x, low, strict=True)])), pale(color))


def between(axis: ValueAxis, low: float, high: float) -> Ends:
    """Return the ends of an axis: those that are set, else the ones given, but never none between them."""
    set_low, set_high = axis.ends
    low, high = low if set_low is None else set_low, high if set_high is None else set_high
    if low < high:
        return low, high
    return (
        (high / 10 if axis.log else high - 1.0, high) if set_low is None else (low, low * 10 if axis.log else low + 1)
    )


def draw_axes(
    picture: Picture,
    x: Scale,
    y: Scale,
    ticks: Sequence[tuple[float, str]],
    words: str,
    *,
    share: bool = False,
    labelled: bool = True,
) -> None:
    """Draw the grid of a plot and write its ticks; `ticks` and `words` are those of x, which `labelled` writes below.

    share: the values are in percent
    """
    left, right, bottom, top = x.start, x.end, y.start, y.end - MARGIN
    for tick, label in value_ticks(y.low, y.high, 6, log=y.logarithmic, share=share).pairs:
        height = y(tick)
        picture.marks.append(Line(((left, height), (right, height)), "#e4e4e4"))
        picture.marks.append(Words(label, (left - 8, height + 4), anchor="end"))
    for tick, label in ticks:
        place = x(tick)
        picture.marks.append(Line(((place, top), (place, bottom)), "#f0f0f0"))
        if labelled:
            picture.marks.append(Words(label, (place, bottom + 16), anchor="middle"))
    if labelled:
        picture.marks.append(Words(words, ((left + right) / 2, bottom + 34), anchor="middle"))
    picture.marks.append(Line(((left, top), (left, bottom), (right, bottom)), "#888888"))


def lines_on(scale: Scale, x: Sequence[float], values: Sequence[float]) -> list[tuple[Place, ...]]:
    """Return the parts of a line that lie on a scale, cut where it leaves and enters."""
    lines: list[list[Place]] = []
    inside = [scale.low <= value <= scale.high for value in values]
    for at, (place, value) in enumerate(zip(x, values, strict=True)):
        cuts: list[Place] = []
        if at and not (inside[at - 1] and inside[at]):
            cuts = _crossings(scale, (x[at - 1], values[at - 1]), (place, value))
        if inside[at]:
            if not at or not inside[at - 1]:
                lines.append(cuts[:1])
            lines[-1].append((place, scale(value)))
        elif at and inside[at - 1]:
            lines[-1] += cuts[-1:]
        elif len(cuts) == 2:
            lines.append(cuts)
    return [tuple(line) for line in lines]


def _crossings(scale: Scale, start: Place, end: Place) -> list[Place]:
    """Return where the straight line between two points meets the ends of the scale, from start to end."""

    def height(value: float) -> float:
        return math.log10(value) if scale.logarithmic else value / 2

    (x0, y0), (x1, y1) = (start[0], height(start[1])), (end[0], height(end[1]))
    found = []
    for limit in (scale.low, scale.high):
        if y0 != y1 and 0 <= (share := (height(limit) - y0) / (y1 - y0)) <= 1:
            found.append((share, (x0 + share * (x1 - x0), scale(limit))))
    return [place for _, place in sorted(found)]


def pale(color: str) -> str:
    """The colour mixed with three parts of white: opaque, as a PNG is."""
    parts = (int(color[place : place + 2], 16) for place in (1, 3, 5))
    return "#" + "".join(f"{(part + 3 * 255) // 4:02x}" for part in parts)

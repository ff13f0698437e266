"""The plot of a run: loss, accuracy and learning rate over the steps, one below the other."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from seqsum.cells import shorten
from seqsum.errors import UserError
from seqsum.formatting import is_share, shortest
from seqsum.plotting.drawing import Area, Line, Picture, Place, Words
from seqsum.plotting.nonfinite import OVER, UNDER, key_to, kinds_in, mark_broken
from seqsum.plotting.y_range import Limits, ends_of
from seqsum.runs import Buckets, Run
from seqsum.runs.store import Floats

WIDTH, PANEL, TOP, BOTTOM = 900, 220, 52, 40
LEFT, RIGHT, GAP = 74, 24, 34
BUCKETS = 400
LOG_RATIO = 30.0  # a loss that falls by more than this is shown on a logarithmic axis

# Told apart by dashes as well as by colour.
STYLES = (("#0b62a4", ()), ("#c44e00", (7.0, 4.0)))
PANELS = (
    ("loss", ("loss", "eval_loss")),
    ("accuracy", ("accuracy", "train_accuracy")),
    ("learning rate", ("lr",)),
)


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


def outliers_note(flattened: bool, axis: ValueAxis) -> str:
    """Return what a picture says of outliers, if anything; nothing where a person set the ends."""
    if not flattened or axis.limits is not None:
        return ""
    return "outliers left out" if axis.leave_out else "a few outliers flatten the rest"


def hidden_note(hidden: int) -> str:
    """Return what a picture says of the values that a logarithmic axis can't show, if anything."""
    return f"{counted(hidden)} at or below zero {'is' if hidden == 1 else 'are'} not shown" if hidden else ""


def counted(points: int) -> str:
    """Return `1 point`, `3 points`."""
    return f"{points:,} point{'s' * (points != 1)}"


OFFER = "outliers flatten the curves; --no-outliers or --ylim LOW,HIGH shows the rest"


def plot(run: Run, axis: ValueAxis = PLAIN) -> Picture:
    """Draw a run's metrics, thinned to a few hundred places, with the range of what was thinned behind the line.

    axis: of the loss; a loss that falls far has a logarithmic one anyway. Values that are not finite have a mark at the
    edge. Raises UserError when there is nothing to draw yet.
    """
    with run.store() as store:
        there = set(store.metrics())
        panels = [
            (title, {name: store.buckets(name, count=BUCKETS) for name in names if name in there})
            for title, names in PANELS
        ]
    panels = [(title, series) for title, series in panels if series]
    if not panels:
        raise UserError(f"export: run {run.id} has no metrics to plot yet")
    height = TOP + len(panels) * PANEL + (len(panels) - 1) * GAP + BOTTOM
    summary = run.summary()
    title = f"{summary.name} ({summary.id})"
    picture = Picture(WIDTH, height, title)
    picture.marks.append(Words(shorten(title, 90), (LEFT, 26), size=15, color="#111111"))
    last = max(float(buckets.x[-1]) for _, series in panels for buckets in series.values())
    steps = Scale(0.0, max(last, 1.0), LEFT, WIDTH - RIGHT)
    for index, (name, series) in enumerate(panels):
        top = TOP + index * (PANEL + GAP)
        _panel(picture, name, series, steps, top, axis, with_steps=index == len(panels) - 1)
    return picture


def _panel(
    picture: Picture,
    title: str,
    series: dict[str, Buckets],
    steps: Scale,
    top: float,
    axis: ValueAxis,
    *,
    with_steps: bool,
) -> None:
    bottom = top + PANEL
    low = None if axis.limits is None else axis.limits[0]
    # Whoever wants to see 0 wants no axis that has none.
    log = axis.log or (_falls_far(series) and (low is None or low > 0))
    axis = replace(axis, log=log) if title == "loss" else PLAIN
    x = {name: np.array([steps(step) for step in buckets.x.tolist()]) for name, buckets in series.items()}
    curves = {name: Drawn.of_buckets(x[name], buckets, axis.log) for name, buckets in series.items()}
    values, flattened = _value_scale(title, list(curves.values()), axis, bottom, top + 6)
    for tick in value_ticks(values):
        y = values(tick)
        picture.marks.append(Line(((LEFT, y), (WIDTH - RIGHT, y)), "#e4e4e4"))
        picture.marks.append(Words(tick_label(tick, share=is_share(title)), (LEFT - 8, y + 4), anchor="end"))
    for tick in round_ticks(steps.low, steps.high, 8):
        at = steps(tick)
        picture.marks.append(Line(((at, top), (at, bottom)), "#f0f0f0"))
        if with_steps:
            picture.marks.append(Words(tick_label(tick), (at, bottom + 16), anchor="middle"))
    if with_steps:
        picture.marks.append(Words("step", ((LEFT + WIDTH - RIGHT) / 2, bottom + 32), anchor="middle"))
    picture.marks.append(Line(((LEFT, top), (LEFT, bottom), (WIDTH - RIGHT, bottom)), "#888888"))
    place = WIDTH - RIGHT
    broken: set[str] = set()
    for (name, curve), (color, dashes) in reversed(list(zip(curves.items(), STYLES, strict=False))):
        for part in curve.stretches(axis.log):
            _curve(picture, curve, part, values, color, dashes)
        broken |= mark_broken(picture, curve.x, curve.beyond(values), top, bottom, color)
        words = name.replace("_", " ")
        place -= 8 * len(words) + 34
        picture.marks.append(Line(((place, top - 8), (place + 26, top - 8)), color, 2.0, dashes))
        picture.marks.append(Words(words, (place + 31, top - 4)))
    key_to(picture, broken, place - 20, top - 4)
    hidden = hidden_note(sum(curve.hidden for curve in curves.values()))
    notes = [title, "logarithmic" if axis.log else "", hidden, outliers_note(flattened, axis)]
    picture.marks.append(Words(", ".join(filter(None, notes)), (LEFT, top - 4), size=12, color="#111111"))
    if flattened and axis == ValueAxis(axis.log):
        picture.notes.append(OFFER)


def _curve(picture: Picture, curve: Drawn, part: slice, values: Scale, color: str, dashes: tuple[float, ...]) -> None:
    x, y = curve.x[part].tolist(), curve.y[part].tolist()
    low, high = ([values(value) for value in column[part].tolist()] for column in (curve.low, curve.high))
    if any(abs(one - other) > 0.5 for one, other in zip(low, high, strict=True)):
        outline = (*zip(x, high, strict=True), *reversed(list(zip(x, low, strict=True))))
        picture.marks.append(Area(tuple(outline), pale(color)))
    for line in lines_on(values, x, y):
        if len(line) == 1:
            (x0, y0) = line[0]
            picture.marks.append(Line(((x0 - 2, y0), (x0 + 2, y0)), color, 1.6))
        else:
            picture.marks.append(Line(line, color, 1.6, dashes))


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


def _falls_far(series: Mapping[str, Buckets]) -> bool:
    lows = np.concatenate([buckets.low[np.isfinite(buckets.low)] for buckets in series.values()])
    highs = np.concatenate([buckets.high[np.isfinite(buckets.high)] for buckets in series.values()])
    return bool(lows.size) and 0 < float(lows.min()) < float(highs.max()) / LOG_RATIO


def _value_scale(title: str, curves: Sequence[Drawn], axis: ValueAxis, bottom: float, top: float) -> tuple[Scale, bool]:
    if title == "accuracy":
        return Scale(0.0, 1.0, bottom, top), False
    parts = [part for curve in curves if (part := curve.part(axis.log)) is not None]
    if not parts:
        return Scale(*between(axis, 0.1 if axis.log else 0.0, 1.0), bottom, top, axis.log), False
    low, high, flattened = ends_of(parts, log=axis.log, fixed=axis.ends, leave_out=axis.leave_out)
    if not axis.log:
        low = min(0.0, low)
    if high <= low:
        high = 10 * low if axis.log else 0.0 if low < 0 else low + 1.0
    return Scale(*between(axis, low, high), bottom, top, axis.log), flattened


def between(axis: ValueAxis, low: float, high: float) -> tuple[float, float]:
    """Return the ends of an axis: those that are set, else the ones given, but never none between them."""
    set_low, set_high = axis.ends
    low, high = low if set_low is None else set_low, high if set_high is None else set_high
    if low < high:
        return low, high
    return (
        (high / 10 if axis.log else high - 1.0, high) if set_low is None else (low, low * 10 if axis.log else low + 1)
    )


def value_ticks(scale: Scale) -> list[float]:
    """Return round values to label on an axis."""
    if not scale.logarithmic:
        return round_ticks(scale.low, scale.high, 5)
    first, last = math.floor(math.log10(scale.low)), math.ceil(math.log10(scale.high))
    every = max(1, (last - first) // 6)
    ticks = [10.0**power for power in range(first, last + 1, every)]
    return [tick for tick in ticks if scale.low <= tick <= scale.high]


def round_ticks(low: float, high: float, count: int) -> list[float]:
    """Return about `count` multiples of 1, 2 or 5 times a power of ten between low and high."""
    rough = (high - low) / max(1, count)
    if not rough > 0 or not math.isfinite(rough):
        return [low]
    power = 10.0 ** math.floor(math.log10(rough))
    distance = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= rough * 0.999)
    first, last = math.ceil(low / distance - 1e-9), math.floor(high / distance + 1e-9)
    return [float(f"{index * distance:.12g}") for index in range(first, last + 1)]


def tick_label(value: float, *, share: bool = False) -> str:
    """Return the words of a tick; those of a share are in percent."""
    if share:
        return f"{shortest(100 * value, 6)}%"
    return f"{value:,.0f}" if value == int(value) and abs(value) < 1e7 else shortest(value, 4)


def pale(color: str) -> str:
    """The colour mixed with three parts of white: opaque, as a PNG is."""
    parts = (int(color[place : place + 2], 16) for place in (1, 3, 5))
    return "#" + "".join(f"{(part + 3 * 255) // 4:02x}" for part in parts)

"""The plot of a run: loss, accuracy and learning rate over the steps, one below the other."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from seqsum.errors import UserError
from seqsum.export.broken import key_to, mark_broken
from seqsum.export.drawing import Area, Line, Picture, Place, Words
from seqsum.formatting import shortest
from seqsum.runs import Buckets, Run

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
class Scale:
    """Maps values to places on an axis from `start` to `end`."""

    low: float
    high: float
    start: float
    end: float
    logarithmic: bool = False

    def __call__(self, value: float) -> float:
        low, high = self.low, self.high
        if self.logarithmic:
            value, low, high = math.log10(max(value, low)), math.log10(low), math.log10(high)
        return self.start + (self.end - self.start) * (value - low) / (high - low)


def plot(run: Run) -> Picture:
    """Draw a run's metrics, thinned to a few hundred places, with the range of what was thinned behind the line.

    Values that are not finite leave a gap, and a mark at the edge. Raises UserError when there is nothing to draw yet.
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
    shown = title if len(title) <= 90 else title[:89] + "…"
    picture.marks.append(Words(shown, (LEFT, 26), size=15, color="#111111"))
    last = max(float(buckets.x[-1]) for _, series in panels for buckets in series.values())
    steps = Scale(0.0, max(last, 1.0), LEFT, WIDTH - RIGHT)
    for index, (name, series) in enumerate(panels):
        top = TOP + index * (PANEL + GAP)
        _panel(picture, name, series, steps, top, with_steps=index == len(panels) - 1)
    return picture


def _panel(
    picture: Picture, title: str, series: dict[str, Buckets], steps: Scale, top: float, *, with_steps: bool
) -> None:
    bottom = top + PANEL
    values = _value_scale(title, series, bottom, top + 6)
    for tick in value_ticks(values):
        y = values(tick)
        picture.marks.append(Line(((LEFT, y), (WIDTH - RIGHT, y)), "#e4e4e4"))
        picture.marks.append(Words(tick_label(tick), (LEFT - 8, y + 4), anchor="end"))
    for tick in round_ticks(steps.low, steps.high, 8):
        x = steps(tick)
        picture.marks.append(Line(((x, top), (x, bottom)), "#f0f0f0"))
        if with_steps:
            picture.marks.append(Words(tick_label(tick), (x, bottom + 16), anchor="middle"))
    if with_steps:
        picture.marks.append(Words("step", ((LEFT + WIDTH - RIGHT) / 2, bottom + 32), anchor="middle"))
    picture.marks.append(Line(((LEFT, top), (LEFT, bottom), (WIDTH - RIGHT, bottom)), "#888888"))
    place = WIDTH - RIGHT
    broken: set[str] = set()
    for (name, buckets), (color, dashes) in reversed(list(zip(series.items(), STYLES, strict=False))):
        for run_of in _runs(buckets):
            _curve(picture, buckets, run_of, steps, values, color, dashes)
        points = [(steps(x), value) for x, value in zip(buckets.x.tolist(), buckets.values.tolist(), strict=True)]
        broken |= mark_broken(picture, points, top, bottom, color)
        words = name.replace("_", " ")
        place -= 8 * len(words) + 34
        picture.marks.append(Line(((place, top - 8), (place + 26, top - 8)), color, 2.0, dashes))
        picture.marks.append(Words(words, (place + 31, top - 4)))
    key_to(picture, broken, place - 20, top - 4)
    suffix = ", logarithmic" if values.logarithmic else ""
    picture.marks.append(Words(title + suffix, (LEFT, top - 4), size=12, color="#111111"))


def _curve(
    picture: Picture,
    buckets: Buckets,
    places: slice,
    steps: Scale,
    values: Scale,
    color: str,
    dashes: tuple[float, ...],
) -> None:
    x = [steps(value) for value in buckets.x[places].tolist()]
    mean = [values(value) for value in buckets.mean[places].tolist()]
    low, high = ([values(value) for value in part[places].tolist()] for part in (buckets.low, buckets.high))
    if any(abs(one - other) > 0.5 for one, other in zip(low, high, strict=True)):
        outline = (*zip(x, high, strict=True), *reversed(list(zip(x, low, strict=True))))
        picture.marks.append(Area(tuple(outline), pale(color)))
    line: tuple[Place, ...] = tuple(zip(x, mean, strict=True))
    if len(line) == 1:
        (x0, y0) = line[0]
        line, dashes = ((x0 - 2, y0), (x0 + 2, y0)), ()
    picture.marks.append(Line(line, color, 1.6, dashes))


def _runs(buckets: Buckets) -> list[slice]:
    """The stretches between gaps."""
    finite = np.isfinite(buckets.values)
    edges = np.flatnonzero(np.diff(np.concatenate(([False], finite, [False])).astype(np.int8)))
    return [slice(int(start), int(end)) for start, end in zip(edges[::2], edges[1::2], strict=True)]


def _value_scale(title: str, series: dict[str, Buckets], bottom: float, top: float) -> Scale:
    if title == "accuracy":
        return Scale(0.0, 1.0, bottom, top)
    lows = np.concatenate([buckets.low for buckets in series.values()])
    highs = np.concatenate([buckets.high for buckets in series.values()])
    finite_lows, finite_highs = lows[np.isfinite(lows)], highs[np.isfinite(highs)]
    low = float(finite_lows.min()) if len(finite_lows) else 0.0
    high = float(finite_highs.max()) if len(finite_highs) else 1.0
    if title == "loss" and 0 < low < high / LOG_RATIO:
        return Scale(low, high, bottom, top, logarithmic=True)
    low = min(0.0, low)
    if high <= low:
        high = 0.0 if low < 0 else low + 1.0
    return Scale(low, high, bottom, top)


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


def tick_label(value: float) -> str:
    """Return the words of a tick."""
    return f"{value:,.0f}" if value == int(value) and abs(value) < 1e7 else shortest(value, 4)


def pale(color: str) -> str:
    """The colour mixed with three parts of white: opaque, as a PNG is."""
    parts = (int(color[place : place + 2], 16) for place in (1, 3, 5))
    return "#" + "".join(f"{(part + 3 * 255) // 4:02x}" for part in parts)

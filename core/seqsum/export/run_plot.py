"""The plot of a run: loss, accuracy and learning rate over the steps, one below the other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from seqsum.cells import shorten
from seqsum.errors import UserError
from seqsum.formatting import is_share
from seqsum.plotting.axes import (
    MARGIN,
    PLAIN,
    Drawn,
    Scale,
    ValueAxis,
    axis_notes,
    band,
    draw_axes,
    lines_on,
    value_scale,
)
from seqsum.plotting.drawing import Line, Picture, Words
from seqsum.plotting.nonfinite import key_to, mark_broken
from seqsum.plotting.ticks import linear_ticks
from seqsum.runs import Buckets, Run

WIDTH, PANEL, TOP, BOTTOM = 900, 220, 52, 40
LEFT, RIGHT, GAP = 74, 24, 34
BUCKETS = 400
LOG_RATIO = 30.0  # a loss that falls by more than this is shown on a logarithmic axis

# Told apart by dashes as well as by colour.
STYLES = (("#0b62a4", ()), ("#c44e00", (7.0, 4.0)), ("#3f6b2a", (2.0, 3.0)))
PANELS = (
    ("loss", ("loss", "eval_loss")),
    ("accuracy", ("accuracy", "train_accuracy")),
    ("mean absolute error", ("mae", "mae_same_as_last", "mae_seasonal_naive")),
    ("mean absolute error over the horizon", ("horizon_mae", "horizon_mae_same_as_last", "horizon_mae_seasonal_naive")),
    ("bits per character", ("bits_per_character",)),
    ("learning rate", ("lr",)),
)


OF_THE_MACHINE = ("wall_time", "train_seconds", "cpu_percent", "memory_mb", "gpu_percent", "gpu_memory_mb")


def plot(run: Run, axis: ValueAxis = PLAIN) -> Picture:
    """Draw a run's metrics, thinned to a few hundred places, with the range of what was thinned behind the line.

    axis: of the loss; a loss that falls far has a logarithmic one anyway. Values that are not finite have a mark at the
    edge. Raises UserError when there is nothing to draw yet.
    """
    with run.store() as store:
        there = set(store.metrics())
        kinds: tuple[tuple[str, tuple[str, ...]], ...] = PANELS
        if run.record_or_blank().watched is not None:
            usual = {*OF_THE_MACHINE, *(name for _, names in PANELS for name in names)}
            kinds = (*PANELS, *((name, (name,)) for name in store.metrics() if name not in usual))
        panels = [
            (title, {name: store.buckets(name, count=BUCKETS) for name in names if name in there})
            for title, names in kinds
        ]
    # In a damaged store a metric may have points, and none with a number.
    panels = [(title, {name: found for name, found in series.items() if len(found.x)}) for title, series in panels]
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
    values, flattened = _scale(title, list(curves.values()), axis, bottom, top + MARGIN)
    ticks = linear_ticks(steps.low, steps.high, 9).pairs
    draw_axes(picture, steps, values, ticks, "step", share=is_share(title), labelled=with_steps)
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
    hidden = sum(curve.hidden for curve in curves.values())
    notes = [title, *["logarithmic"] * axis.log, *axis_notes(picture, axis, hidden, flattened)]
    picture.marks.append(Words(", ".join(notes), (LEFT, top - 4), size=12, color="#111111"))


def _curve(picture: Picture, curve: Drawn, part: slice, values: Scale, color: str, dashes: tuple[float, ...]) -> None:
    x, y = curve.x[part].tolist(), curve.y[part].tolist()
    low, high = ([values(value) for value in column[part].tolist()] for column in (curve.low, curve.high))
    if any(abs(one - other) > 0.5 for one, other in zip(low, high, strict=True)):
        picture.marks.append(band(x, low, high, color))
    for line in lines_on(values, x, y):
        if len(line) == 1:
            (x0, y0) = line[0]
            picture.marks.append(Line(((x0 - 2, y0), (x0 + 2, y0)), color, 1.6))
        else:
            picture.marks.append(Line(line, color, 1.6, dashes))


def _falls_far(series: Mapping[str, Buckets]) -> bool:
    lows = np.concatenate([buckets.low[np.isfinite(buckets.low)] for buckets in series.values()])
    highs = np.concatenate([buckets.high[np.isfinite(buckets.high)] for buckets in series.values()])
    return bool(lows.size) and 0 < float(lows.min()) < float(highs.max()) / LOG_RATIO


def _scale(title: str, curves: Sequence[Drawn], axis: ValueAxis, bottom: float, top: float) -> tuple[Scale, bool]:
    if title == "accuracy":
        return Scale(0.0, 1.0, bottom, top), False

    def rounded(low: float, high: float) -> tuple[float, float]:
        low = low if axis.log else min(0.0, low)
        if high <= low:
            high = 10 * low if axis.log else 0.0 if low < 0 else low + 1.0
        return low, high

    return value_scale(curves, axis, bottom, top, rounded)

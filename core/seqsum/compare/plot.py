"""A comparison as a picture on white: curves with bands, or a scatter; each run with its colour and its sign."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from seqsum.cells import shorten
from seqsum.compare.axis import field_axis, medians, scatter_notes
from seqsum.compare.looks import Look
from seqsum.compare.reader import Comparison, RunData
from seqsum.compare.rows import Row, XKind, notes_of
from seqsum.errors import UserError
from seqsum.formatting import metric, number
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
from seqsum.plotting.drawing import Area, Line, Picture, Place, Words
from seqsum.plotting.nonfinite import key_to, kind_of, kinds_of, mark_broken
from seqsum.plotting.ticks import linear_ticks, log_x_ticks

WIDTH, PLOT, TOP, AXIS = 900, 420, 52, 48
LEFT, RIGHT = 74, 24
ENTRY, ENTRIES, ENTRY_LINE = 266, 3, 18
SIGNS_ALONG = 6
X_WORDS: dict[XKind, str] = {"step": "step", "time": "training time in seconds"}


@dataclass(frozen=True)
class Frame:
    """Where a plot stands, and what its axes span."""

    x: Scale
    y: Scale


def curves_picture(
    comparison: Comparison,
    rows: Sequence[Row],
    x: XKind,
    axis: ValueAxis = PLAIN,
    *,
    x_range: tuple[float, float] | None = None,
    smoothing: float = 0.0,
    log_x: bool = False,
) -> Picture:
    """Draw the rows that are drawn, later ones in front; groups as median and quartile band.

    smoothing: how many steps the curves are smoothed over. Raises UserError when there is nothing to draw.
    """
    drawn = [row for row in rows if row.drawn and row.y.size]
    if not drawn:
        raise UserError(f"compare: no run that is shown has values of {comparison.metric}")
    begin = min((float(row.x[row.x > 0][0]) for row in drawn if row.x[-1] > 0), default=1.0) if log_x else 0.0
    low_x, high_x = x_range or (begin, max(float(row.x[-1]) for row in drawn))
    curves = [_on_axis(row, axis.log, smoothing).where((row.x >= low_x) & (row.x <= high_x)) for row in drawn]
    values, flattened = _scale(curves, axis, share=comparison.share)
    frame = Frame(Scale(low_x, max(high_x, low_x * (1 + 1e-9) + 1e-9), LEFT, WIDTH - RIGHT, log_x), values)
    what = [_what(drawn), f"smoothed over {number(smoothing)} steps" if smoothing else ""]
    hidden = sum(curve.hidden for curve in curves)
    picture = _begin(comparison.metric, ", ".join(filter(None, what)), len(drawn), values, hidden, flattened, axis)
    ticks = (log_x_ticks if log_x else linear_ticks)(low_x, high_x, 9).pairs
    words = f"{X_WORDS[x]}{', log' if log_x else ''}"
    draw_axes(picture, frame.x, frame.y, ticks, words, share=comparison.share)
    for row, curve in zip(drawn, curves, strict=True):
        if row.kind == "group":
            _band(picture, frame, row, curve)
    broken: set[str] = set()
    for turn, (row, curve) in enumerate(zip(drawn, curves, strict=True)):
        _curve(picture, frame, row, curve, turn / len(drawn))
        places = np.array([frame.x(at) for at in curve.x.tolist()])
        broken |= mark_broken(picture, places, curve.beyond(frame.y), TOP, TOP + PLOT, row.look.paper_colour)
    key_to(picture, broken, WIDTH - RIGHT, TOP - 6)
    entries = [(row.look, _entry_words(row, comparison.metric)) for row in drawn]
    _legend(picture, entries)
    return picture


def _on_axis(row: Row, log: bool, smoothing: float) -> Drawn:
    """What an axis shows of a row: runs as their buckets, groups as their median and quartiles."""
    line = row.smoothed(smoothing) if smoothing else None
    if row.buckets is not None:
        return Drawn.of_buckets(row.x, row.buckets, log, line)
    y = row.y if line is None else line
    hidden = int(np.count_nonzero(y <= 0)) if log else 0
    return Drawn(row.x, y, row.low, row.high, kinds_of(row.y), hidden)


def scatter_picture(
    comparison: Comparison,
    runs: Sequence[tuple[RunData, Look]],
    field: str,
    axis: ValueAxis = PLAIN,
    *,
    of_best: bool,
) -> Picture:
    """Draw each run's metric over one of its settings. Raises UserError when there is nothing to draw."""
    x_axis = field_axis([run.fields.get(field) for run, _ in runs])
    points = []
    for (run, look), place in zip(runs, x_axis.places, strict=True):
        point = run.best if of_best else run.final
        if point is not None and math.isfinite(point[1]):
            points.append((run.summary.name, look, place, point[1]))
    broken = len(runs) - len(points)
    if not points:
        raise UserError(f"compare: no run that is shown has values of {comparison.metric}")
    found = np.array([value for _, _, _, value in points])
    cloud = Drawn(np.array([place for _, _, place, _ in points]), found, found, found, kinds_of(found))
    values, flattened = _scale([cloud], axis, share=comparison.share)
    low, high = float(cloud.x.min()), float(cloud.x.max())
    margin = 0.5 if x_axis.kind == "names" else 0.06 * (high - low) or 0.5
    frame = Frame(Scale(low - margin, high + margin, LEFT, WIDTH - RIGHT), values)
    title = f"{'best' if of_best else 'final'} {comparison.metric}"
    middle: list[tuple[float, float]] = []
    if x_axis.kind != "names":
        middle = medians(x_axis.places, [run for run, _ in runs], comparison.direction, of_best=of_best)
    over = ", ".join([f"over {field}", *scatter_notes([run for run, _ in runs], broken, bool(middle))])
    hidden = int(np.count_nonzero(found <= 0)) if axis.log else 0
    picture = _begin(title, over, len(points), values, hidden, flattened, axis)
    ticks = x_axis.ticks(low - margin, high + margin, 8)
    words = field + (", logarithmic" if x_axis.kind == "log" else "")
    draw_axes(picture, frame.x, frame.y, ticks, words, share=comparison.share)
    for line in lines_on(frame.y, *zip(*middle, strict=True)) if len(middle) > 1 else []:
        picture.marks.append(
            Line(tuple((frame.x(place), height) for place, height in line), "#bbbbbb", 1.4, (4.0, 3.0))
        )
    for _, look, place, value in points:
        if frame.y.low <= value <= frame.y.high:
            _sign(picture, look, (frame.x(place), frame.y(value)), 6.0)
    kinds = cloud.beyond(frame.y)
    marked: set[str] = set()
    for at, (_, look, place, _) in enumerate(points):
        there = {kind: flags[at : at + 1] for kind, flags in kinds.items()}
        marked |= mark_broken(picture, np.array([frame.x(place)]), there, TOP, TOP + PLOT, look.paper_colour)
    key_to(picture, marked, WIDTH - RIGHT, TOP - 6)
    _legend(picture, [(look, f"{name}  {_shown(comparison.metric, value)}") for name, look, _, value in points])
    return picture


def _begin(
    title: str, subtitle: str, entries: int, values: Scale, hidden: int, flattened: bool, axis: ValueAxis
) -> Picture:
    lines = math.ceil(entries / ENTRIES)
    picture = Picture(WIDTH, TOP + PLOT + AXIS + lines * ENTRY_LINE + 10, f"{title} {subtitle}")
    words = f"{title}{', logarithmic' if values.logarithmic else ''}"
    notes = ", ".join(axis_notes(picture, axis, hidden, flattened))
    picture.marks.append(Words(words, (LEFT, 26), size=15, color="#111111"))
    picture.marks.append(Words(subtitle, (WIDTH - RIGHT, 26), anchor="end", color="#666666"))
    if notes:
        picture.marks.append(Words(notes, (LEFT, TOP - 8), color="#666666"))
    return picture


def _band(picture: Picture, frame: Frame, row: Row, curve: Drawn) -> None:
    # Where a run without a value stands at a quartile, the band goes on to the edge.
    low = np.where(curve.low == -np.inf, frame.y.low, curve.low)
    high = np.where(curve.high == np.inf, frame.y.high, curve.high)
    log = frame.y.logarithmic
    whole = Drawn(curve.x, low, low, high, {}).where(np.isfinite(high) & ((high > 0) | (not log)))
    whole = replace(whole, y=np.where(whole.y <= 0, frame.y.low, whole.y)) if log else whole
    for part in whole.stretches(log):
        x = [frame.x(at) for at in whole.x[part].tolist()]
        upper = [frame.y(value) for value in whole.high[part].tolist()]
        lower = [frame.y(value) for value in whole.y[part].tolist()]
        picture.marks.append(band(x, lower, upper, row.look.paper_colour))


def _curve(picture: Picture, frame: Frame, row: Row, curve: Drawn, turn: float) -> None:
    colour = row.look.paper_colour
    places: list[Place] = []
    for part in curve.stretches(frame.y.logarithmic):
        x = [frame.x(at) for at in curve.x[part].tolist()]
        for line in lines_on(frame.y, x, curve.y[part].tolist()):
            places += line
            if len(line) > 1:
                picture.marks.append(Line(line, colour, 1.8 if row.kind == "group" else 1.4))
    if not places:
        return
    # Each row's signs begin elsewhere, so that those of curves that lie on one another stand side by side.
    for share in range(SIGNS_ALONG):
        target = LEFT + (WIDTH - RIGHT - LEFT) * (share + turn) / SIGNS_ALONG
        nearest = min(places, key=lambda place: abs(place[0] - target))
        if abs(nearest[0] - target) < (WIDTH - RIGHT - LEFT) / SIGNS_ALONG / 2:
            _sign(picture, row.look, nearest, 4.0)
    _sign(picture, row.look, places[-1], 4.5)


def _scale(curves: Sequence[Drawn], axis: ValueAxis, *, share: bool) -> tuple[Scale, bool]:
    def rounded(low: float, high: float) -> tuple[float, float]:
        if axis.log:
            return low, high if high > low else low * 10
        if share and low >= 0 and high <= 1:
            return 0.0, 1.0
        low = 0.0 if 0 <= low < high / 2 else low
        margin = 0.04 * (high - low) or abs(high) * 0.1 or 1.0
        return low if low == 0 else low - margin, high + margin

    return value_scale(curves, axis, TOP + PLOT, TOP + MARGIN, rounded)


def _what(rows: Sequence[Row]) -> str:
    runs = sum(len(row.runs) for row in rows)
    groups = ["groups as median and quartiles"] if any(row.kind == "group" for row in rows) else []
    return ", ".join([f"{runs} run{'s' * (runs != 1)}", *groups, *notes_of(rows)])


def _entry_words(row: Row, name: str) -> str:
    size = ""
    if row.kind == "group":
        # The pictures' font has no times sign.
        size = f" ({len(row.runs)} runs)" if row.size.startswith("×") else f" ({row.size})"
    return f"{row.name}{size}  {_shown(name, row.final)}"


def _shown(name: str, value: float | None) -> str:
    return (None if value is None else kind_of(value)) or metric(name, value)


def _legend(picture: Picture, entries: Sequence[tuple[Look, str]]) -> None:
    lines = math.ceil(len(entries) / ENTRIES)
    for place, (look, words) in enumerate(entries):
        x, y = LEFT + (place // lines) * ENTRY, TOP + PLOT + AXIS + 12 + (place % lines) * ENTRY_LINE
        _sign(picture, look, (x + 6, y - 4), 4.5)
        picture.marks.append(Words(shorten(words, 38), (x + 18, y)))


# A sign's outline round (0, 0) in units of its size, and whether it is filled. Drawn, not written: a font may lack it.
_CIRCLE = tuple((math.cos(part * math.pi / 8), math.sin(part * math.pi / 8)) for part in range(16))
_SQUARE = ((-0.9, -0.9), (0.9, -0.9), (0.9, 0.9), (-0.9, 0.9))
_UP = ((0.0, -1.1), (1.1, 0.9), (-1.1, 0.9))
_DOWN = ((0.0, 1.1), (1.1, -0.9), (-1.1, -0.9))
_DIAMOND = ((0.0, -1.3), (1.1, 0.0), (0.0, 1.3), (-1.1, 0.0))
_CORNERS = ((-0.3, -1), (0.3, -1), (0.3, -0.3), (1, -0.3), (1, 0.3), (0.3, 0.3))
_PLUS = tuple((side * 1.2 * x, side * 1.2 * y) for side in (1, -1) for x, y in _CORNERS)
_STAR = tuple(
    (size * math.sin(part * math.pi / 5), -size * math.cos(part * math.pi / 5))
    for part in range(10)
    for size in ((1.4 if part % 2 == 0 else 0.6),)
)
_SHAPES = {
    "●": (_CIRCLE, True), "○": (_CIRCLE, False), "■": (_SQUARE, True), "□": (_SQUARE, False), "▲": (_UP, True),
    "△": (_UP, False), "▼": (_DOWN, True), "▽": (_DOWN, False), "◆": (_DIAMOND, True), "◇": (_DIAMOND, False),
    "✚": (_PLUS, True), "★": (_STAR, True),
}  # fmt: skip


def _sign(picture: Picture, look: Look, place: Place, size: float) -> None:
    shape = _SHAPES.get(look.sign)
    x, y = place
    if shape is None:
        words = Words(look.sign, (x, y + size), size=2.6 * size, anchor="middle", color=look.paper_colour)
        picture.marks.append(words)
        return
    outline, filled = shape
    picture.marks.append(Area(tuple((x + size * dx, y + size * dy) for dx, dy in outline), look.paper_colour))
    if not filled:
        inner = tuple((x + 0.6 * size * dx, y + 0.6 * size * dy) for dx, dy in outline)
        picture.marks.append(Area(inner, "#ffffff"))

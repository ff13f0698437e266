"""A comparison as a picture on white: curves with bands, or a scatter; each run with its colour and its sign."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from seqsum.compare.axis import field_axis, medians, scatter_notes
from seqsum.compare.looks import Look
from seqsum.compare.reader import Comparison, RunData
from seqsum.compare.rows import Row, XKind, notes_of
from seqsum.errors import UserError
from seqsum.export.broken import key_to, kind_of, mark_broken
from seqsum.export.drawing import Area, Line, Picture, Place, Words
from seqsum.export.plot import Scale, pale, round_ticks, tick_label, value_ticks
from seqsum.formatting import is_share, metric
from seqsum.runs.store import Floats

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
    *,
    log_y: bool = False,
    x_range: tuple[float, float] | None = None,
) -> Picture:
    """Draw the rows that are drawn, later ones in front; groups as median and quartile band.

    Raises UserError when there is nothing to draw.
    """
    drawn = [row for row in rows if row.drawn and row.y.size]
    if not drawn:
        raise UserError(f"compare: no run that is shown has values of {comparison.metric}")
    low_x, high_x = x_range or (0.0, max(float(row.x[-1]) for row in drawn))
    columns = []
    for row in drawn:
        inside = (row.x >= low_x) & (row.x <= high_x)
        columns += [row.y[inside], row.low[inside], row.high[inside]]
    values = _value_scale(columns, log_y, share=is_share(comparison.metric))
    frame = Frame(Scale(low_x, max(high_x, low_x + 1e-9), LEFT, WIDTH - RIGHT), values)
    picture = _begin(comparison.metric, _what(drawn), len(drawn), log_y=values.logarithmic)
    _axes(picture, frame, [(tick, tick_label(tick)) for tick in round_ticks(low_x, high_x, 8)], X_WORDS[x])
    for row in drawn:
        if row.kind == "group":
            _band(picture, frame, row)
    broken: set[str] = set()
    for turn, row in enumerate(drawn):
        _curve(picture, frame, row, turn / len(drawn))
        broken |= mark_broken(picture, _points(frame, row), TOP, TOP + PLOT, row.look.paper_colour)
    key_to(picture, broken, WIDTH - RIGHT, TOP - 6)
    entries = [(row.look, _entry_words(row, comparison.metric)) for row in drawn]
    _legend(picture, entries)
    return picture


def scatter_picture(
    comparison: Comparison, runs: Sequence[tuple[RunData, Look]], field: str, *, of_best: bool, log_y: bool = False
) -> Picture:
    """Draw each run's metric over one of its settings. Raises UserError when there is nothing to draw."""
    axis = field_axis([run.fields.get(field) for run, _ in runs])
    points = []
    for (run, look), place in zip(runs, axis.places, strict=True):
        point = run.best if of_best else run.final
        if point is not None and math.isfinite(point[1]):
            points.append((run.summary.name, look, place, point[1]))
    broken = len(runs) - len(points)
    if not points:
        raise UserError(f"compare: no run that is shown has values of {comparison.metric}")
    values = _value_scale([np.array([value for _, _, _, value in points])], log_y, share=is_share(comparison.metric))
    low, high = min(point[2] for point in points), max(point[2] for point in points)
    margin = 0.5 if axis.kind == "names" else 0.06 * (high - low) or 0.5
    frame = Frame(Scale(low - margin, high + margin, LEFT, WIDTH - RIGHT), values)
    title = f"{'best' if of_best else 'final'} {comparison.metric}"
    middle: list[tuple[float, float]] = []
    if axis.kind != "names":
        middle = medians(axis.places, [run for run, _ in runs], comparison.direction, of_best=of_best)
    over = ", ".join([f"over {field}", *scatter_notes([run for run, _ in runs], broken, bool(middle))])
    picture = _begin(title, over, len(points), log_y=values.logarithmic)
    ticks = axis.ticks(low - margin, high + margin, 8)
    _axes(picture, frame, ticks, field + (", logarithmic" if axis.kind == "log" else ""))
    if len(middle) > 1:
        line = tuple((frame.x(place), frame.y(value)) for place, value in middle)
        picture.marks.append(Line(line, "#bbbbbb", 1.4, (4.0, 3.0)))
    for _, look, place, value in points:
        _sign(picture, look, (frame.x(place), frame.y(value)), 6.0)
    _legend(picture, [(look, f"{name}  {_shown(comparison.metric, value)}") for name, look, _, value in points])
    return picture


def _begin(title: str, subtitle: str, entries: int, *, log_y: bool) -> Picture:
    lines = math.ceil(entries / ENTRIES)
    picture = Picture(WIDTH, TOP + PLOT + AXIS + lines * ENTRY_LINE + 10, f"{title} {subtitle}")
    words = f"{title}{', logarithmic' if log_y else ''}"
    picture.marks.append(Words(words, (LEFT, 26), size=15, color="#111111"))
    picture.marks.append(Words(subtitle, (WIDTH - RIGHT, 26), anchor="end", color="#666666"))
    return picture


def _axes(picture: Picture, frame: Frame, x_ticks: Sequence[tuple[float, str]], x_words: str) -> None:
    bottom = TOP + PLOT
    for tick in value_ticks(frame.y):
        y = frame.y(tick)
        picture.marks.append(Line(((LEFT, y), (WIDTH - RIGHT, y)), "#e4e4e4"))
        picture.marks.append(Words(tick_label(tick), (LEFT - 8, y + 4), anchor="end"))
    for tick, label in x_ticks:
        x = frame.x(tick)
        picture.marks.append(Line(((x, TOP), (x, bottom)), "#f0f0f0"))
        picture.marks.append(Words(label, (x, bottom + 16), anchor="middle"))
    picture.marks.append(Words(x_words, ((LEFT + WIDTH - RIGHT) / 2, bottom + 34), anchor="middle"))
    picture.marks.append(Line(((LEFT, TOP), (LEFT, bottom), (WIDTH - RIGHT, bottom)), "#888888"))


def _band(picture: Picture, frame: Frame, row: Row) -> None:
    # Where a run without a value stands at a quartile, the band goes on to the edge.
    low = np.where(row.low == -np.inf, frame.y.low, row.low)
    high = np.where(row.high == np.inf, frame.y.high, row.high)
    for part in _pieces(frame, row.x, low, high):
        x = [frame.x(at) for at in row.x[part].tolist()]
        upper = [frame.y(value) for value in high[part].tolist()]
        lower = [frame.y(value) for value in low[part].tolist()]
        outline = (*zip(x, upper, strict=True), *reversed(list(zip(x, lower, strict=True))))
        picture.marks.append(Area(tuple(outline), pale(row.look.paper_colour)))


def _curve(picture: Picture, frame: Frame, row: Row, turn: float) -> None:
    colour = row.look.paper_colour
    places: list[Place] = []
    for part in _pieces(frame, row.x, row.y):
        line = [
            (frame.x(at), frame.y(value)) for at, value in zip(row.x[part].tolist(), row.y[part].tolist(), strict=True)
        ]
        places += line
        if len(line) > 1:
            picture.marks.append(Line(tuple(line), colour, 1.8 if row.kind == "group" else 1.4))
    if not places:
        return
    # Each row's signs begin elsewhere, so that those of curves that lie on one another stand side by side.
    for share in range(SIGNS_ALONG):
        target = LEFT + (WIDTH - RIGHT - LEFT) * (share + turn) / SIGNS_ALONG
        nearest = min(places, key=lambda place: abs(place[0] - target))
        if abs(nearest[0] - target) < (WIDTH - RIGHT - LEFT) / SIGNS_ALONG / 2:
            _sign(picture, row.look, nearest, 4.0)
    _sign(picture, row.look, places[-1], 4.5)


def _points(frame: Frame, row: Row) -> list[tuple[float, float]]:
    inside = (row.x >= frame.x.low) & (row.x <= frame.x.high)
    return [(frame.x(at), value) for at, value in zip(row.x[inside].tolist(), row.y[inside].tolist(), strict=True)]


def _pieces(frame: Frame, x: Floats, *columns: Floats) -> list[slice]:
    """The stretches in view in which every column has a place on the y axis."""
    usable = (x >= frame.x.low) & (x <= frame.x.high)
    for column in columns:
        usable &= np.isfinite(column) & (column > 0 if frame.y.logarithmic else True)
    edges = np.flatnonzero(np.diff(np.concatenate(([False], usable, [False])).astype(np.int8)))
    return [slice(int(start), int(end)) for start, end in zip(edges[::2], edges[1::2], strict=True)]


def _value_scale(columns: Sequence[Floats], log_y: bool, *, share: bool) -> Scale:
    values = np.concatenate(columns)
    values = values[np.isfinite(values) & (values > 0 if log_y else True)]
    bottom, top = TOP + PLOT, TOP + 6
    if not values.size:
        return Scale(0.0, 1.0, bottom, top)
    low, high = float(values.min()), float(values.max())
    if log_y:
        return Scale(low, high if high > low else low * 10, bottom, top, logarithmic=True)
    if share and low >= 0 and high <= 1:
        return Scale(0.0, 1.0, bottom, top)
    if 0 <= low < high / 2:
        low = 0.0
    margin = 0.04 * (high - low) or abs(high) * 0.1 or 1.0
    return Scale(low if low == 0 else low - margin, high + margin, bottom, top)


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
        picture.marks.append(Words(words if len(words) <= 38 else words[:37] + "…", (x + 18, y)))


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

"""A figure for a paper: curves of runs and groups at the size in which they are printed, with one legend above them.

Sizes are points, 1/72 inch. Letters are as large as those of a caption, whatever the width; margins and ticks follow
from what has to be written.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np

from seqsum.compare.looks import HUES, PAPER_COLOURS
from seqsum.compare.reader import Comparison, ComparisonReader
from seqsum.compare.rows import Row, rows_of
from seqsum.compare.spread import QUARTILES
from seqsum.compare.tables import unique_names
from seqsum.errors import UserError, did_you_mean
from seqsum.formatting import count, enumerated
from seqsum.plotting.axes import PLAIN, Drawn, Scale, ValueAxis, axis_notes, lines_on, value_scale
from seqsum.plotting.drawing import Area, Line, Picture, Words
from seqsum.plotting.nonfinite import kinds_of, mark_broken
from seqsum.plotting.ticks import linear_ticks, log_x_ticks, value_ticks
from seqsum.plotting.y_range import Limits
from seqsum.text import one_line, printable

Bands = Literal["quartiles", "range", "none"]
BANDS: dict[Bands, tuple[float, float, float]] = {"quartiles": QUARTILES, "range": (0.0, 0.5, 1.0), "none": QUARTILES}
BAND_WORDS: dict[Bands, str] = {
    "quartiles": "lines are medians and bands quartiles over the runs of a group",
    "range": "lines are medians over the runs of a group, bands reach from the lowest to the highest",
    "none": "lines are medians over the runs of a group",
}
UNITS = {"in": 72.0, "cm": 72 / 2.54, "mm": 72 / 25.4, "pt": 1.0}
COLUMN = 3.3 * 72
"""The width of one column of two on letter paper."""
NARROWEST, WIDEST = 100.0, 1500.0
WIDE = 4.5 * 72
"""From there on letters are a point larger."""
SHAPE = 0.58
"""Height of a plot, for a width of one."""
TALLEST = 190.0
BUCKETS = 300
DASHES: tuple[tuple[float, ...], ...] = (
    (), (4.5, 1.6), (1.3, 1.5), (6.0, 1.5, 1.3, 1.5), (8.0, 2.0), (2.6, 1.3), (6.0, 1.5, 1.3, 1.5, 1.3, 1.5),
    (10.0, 3.0),
)  # fmt: skip
INK, GREY, GRID = "#222222", "#666666", "#e6e6e6"
OPACITY = 0.18


class Stroke(NamedTuple):
    """How a row is drawn, by its place in the legend: told apart by dashes as well as by colour."""

    color: str
    dashes: tuple[float, ...]


@dataclass(frozen=True)
class FigureOptions:
    """What a person wants of a figure. width: in points; metrics: one plot for each, None for the most telling one;
    x: the ends of its axis, of which either may be None."""

    width: float = COLUMN
    metrics: Sequence[str] | None = None
    axis: ValueAxis = PLAIN
    x: Limits | None = None
    log_x: bool = False
    bands: Bands = "quartiles"

    @property
    def size(self) -> float:
        """Of the letters."""
        return 8.0 if self.width < WIDE else 9.0


def width_of(text: str, what: str) -> float:
    """Return a width in points, of `3.3in`, `8.4cm`, `84mm` or `240pt`. Raises UserError for anything else."""
    found = re.fullmatch(r"\s*(\d{1,4}(?:\.\d{1,4})?)\s*(in|cm|mm|pt)\s*", text)
    width = float(found[1]) * UNITS[found[2]] if found else 0.0
    if not NARROWEST <= width <= WIDEST:
        raise UserError(f'{what} must be like 3.3in, 8.4cm or 84mm, from 1.4in to 20in, got "{printable(text)}"')
    return width


def figure(folder: Path, ids: Sequence[str], options: FigureOptions) -> Picture:
    """Draw runs of a workspace, those of a group as one curve with a band.

    Raises UserError where a run can't be read, has no such metric, or there is nothing to draw.
    """
    read = [_read(folder, ids, metric, options) for metric in options.metrics or (None,)]
    plots = [(comparison, [row for row in rows if row.drawn and row.y.size]) for comparison, rows in read]
    for comparison, drawn in plots:
        if not drawn:
            raise UserError(f"export: no run that is named has values of {comparison.metric}")
    rows = list({row.key: row for _, drawn in plots for row in drawn}.values())
    names = dict(zip((row.key for row in rows), unique_names(rows), strict=True))
    strokes = {row.key: Stroke(PAPER_COLOURS[at % HUES], DASHES[at % len(DASHES)]) for at, row in enumerate(rows)}
    picture = Picture(options.width, 0.0, ", ".join(comparison.metric for comparison, _ in plots), points=True)
    height = min(SHAPE * options.width, TALLEST) * (1.0 if len(plots) == 1 else 0.72)
    scales = [_scales(picture, comparison, drawn, options, height) for comparison, drawn in plots]
    labels = [label for _, _, y in scales for _, label in _y_ticks(y)]
    left, right = max((_width(label, options.size - 1) for label in labels), default=0.0) + 9, options.width - 6
    top = _legend(picture, rows, names, strokes, options, left, right) if len(rows) > 1 else 3.0
    for place, ((comparison, drawn), (curves, x, y)) in enumerate(zip(plots, scales, strict=True)):
        head, last = top + options.size + 5, place == len(plots) - 1
        bottom = head + height
        x, y = replace(x, start=left, end=right), replace(y, start=bottom, end=head)
        picture.marks.append(Words(_title(comparison, y), (left, top + options.size), size=options.size, color=INK))
        _axes(picture, x, y, options, labelled=last)
        _curves(picture, drawn, curves, x, y, strokes, options)
        top = bottom + (2 * options.size + 10 if last else 8)
    picture.height = top + 2
    groups = [row for row in rows if row.kind == "group"]
    if groups:
        picture.notes.append(f"for the caption: {BAND_WORDS[options.bands]}")
        told = [f"{printable(one_line(names[row.key]))} has {_runs_told(row)}" for row in groups]
        picture.notes.append(f"for the caption: {enumerated(told, 'and')}")
    return picture


def _runs_told(row: Row) -> str:
    """Say over how many runs a group's line is drawn."""
    all_of = count(len(row.runs), "run")
    return all_of if row.valued == len(row.runs) else f"{row.valued:,} of {all_of}"


def _read(folder: Path, ids: Sequence[str], metric: str | None, options: FigureOptions) -> tuple[Comparison, list[Row]]:
    low, high = options.x or (None, None)
    window = None if options.x is None else (int(low or 0), 2**62 if high is None else int(high))
    reader = ComparisonReader(folder, ids, metric, BUCKETS, window)
    comparison = reader.read()
    assert comparison is not None
    if comparison.problems:
        raise UserError(comparison.problems[0])
    if metric is not None and metric not in comparison.metrics:
        near = did_you_mean(metric, comparison.metrics) or f"; there are {', '.join(comparison.metrics)}"
        raise UserError(f'export: no run has a metric "{printable(metric)}"{near}')
    return comparison, rows_of(comparison, shares=BANDS[options.bands])


def _scales(
    picture: Picture, comparison: Comparison, drawn: Sequence[Row], options: FigureOptions, height: float
) -> tuple[list[Drawn], Scale, Scale]:
    """Return what is drawn of each row, and both axes; where they stand on the page is said later."""
    first, last = options.x or (None, None)
    begun = min((float(row.x[row.x > 0][0]) for row in drawn if row.x[-1] > 0), default=1.0) if options.log_x else 0.0
    low = begun if first is None or (options.log_x and first <= 0) else first
    high = max(float(row.x[-1]) for row in drawn) if last is None else last
    high = high if high > low else low * (1 + 1e-9) + 1e-9
    shares = comparison.share
    curves = [_on_axis(row, options).where((row.x >= low) & (row.x <= high)) for row in drawn]

    def rounded(lowest: float, highest: float) -> tuple[float, float]:
        if options.axis.log:
            return lowest, highest if highest > lowest else lowest * 10
        if shares and lowest >= 0 and highest <= 1 and highest - lowest > 0.3:
            return 0.0, 1.0
        lowest = 0.0 if 0 <= lowest < highest / 2 else lowest
        margin = 0.05 * (highest - lowest) or abs(highest) * 0.1 or 1.0
        return lowest if lowest == 0 else lowest - margin, min(highest + margin, 1.0) if shares else highest + margin

    y, flattened = value_scale(curves, options.axis, height, 0.0, rounded)
    picture.notes += axis_notes(picture, options.axis, sum(curve.hidden for curve in curves), flattened)
    return curves, Scale(low, high, 0.0, 1.0, options.log_x), y


def _on_axis(row: Row, options: FigureOptions) -> Drawn:
    """What is drawn of a row: a group's median and band, a run's own values."""
    log = options.axis.log
    if row.buckets is not None:
        return replace(Drawn.of_buckets(row.x, row.buckets, log), low=row.y, high=row.y)
    banded = options.bands != "none"
    low, high = (row.low, row.high) if banded else (row.y, row.y)
    return Drawn(row.x, row.y, low, high, kinds_of(row.y), int(np.count_nonzero(row.y <= 0)) if log else 0)


def _title(comparison: Comparison, y: Scale) -> str:
    return comparison.metric.replace("_", " ") + (" (log scale)" if y.logarithmic else "")


def _y_ticks(y: Scale) -> list[tuple[float, str]]:
    # Papers write shares as numbers from 0 to 1.
    several = min(max(3, int(abs(y.end - y.start) / 19)), 7)
    return value_ticks(y.low, y.high, several, log=y.logarithmic).pairs


def _axes(picture: Picture, x: Scale, y: Scale, options: FigureOptions, *, labelled: bool) -> None:
    size, left, right, bottom, top = options.size - 1, x.start, x.end, y.start, y.end
    for tick, label in _y_ticks(y):
        picture.marks.append(Line(((left, y(tick)), (right, y(tick))), GRID, 0.5))
        picture.marks.append(Words(label, (left - 4, y(tick) + 0.35 * size), size=size, anchor="end", color=INK))
    several = max(2, int((right - left) / 40))
    ticks = (log_x_ticks if options.log_x else linear_ticks)(x.low, x.high, several).pairs
    for tick, _ in ticks:
        picture.marks.append(Line(((x(tick), bottom), (x(tick), bottom + 2.5)), GREY, 0.6))
    if labelled:
        end = -np.inf
        for tick, label in ticks:
            half = _width(label, size) / 2
            place = min(max(x(tick), half), picture.width - half - 1)
            if place - half > end + 3:
                picture.marks.append(Words(label, (place, bottom + size + 4), size=size, anchor="middle", color=INK))
                end = place + half
        words = "step" + (" (log scale)" if options.log_x else "")
        middle = (left + right) / 2
        picture.marks.append(
            Words(words, (middle, bottom + 2 * options.size + 6), size=options.size, anchor="middle", color=INK)
        )
    picture.marks.append(Line(((left, top), (left, bottom), (right, bottom)), GREY, 0.6))


def _curves(
    picture: Picture,
    drawn: Sequence[Row],
    curves: Sequence[Drawn],
    x: Scale,
    y: Scale,
    strokes: dict[str, Stroke],
    options: FigureOptions,
) -> None:
    for row, curve in zip(drawn, curves, strict=True):
        if row.kind == "group" and options.bands != "none":
            _band(picture, strokes[row.key].color, curve, x, y)
    # The first that is named lies in front.
    for row, curve in reversed([*zip(drawn, curves, strict=True)]):
        color, dashes = strokes[row.key]
        for part in curve.stretches(y.logarithmic):
            places = [x(at) for at in curve.x[part].tolist()]
            for line in lines_on(y, places, curve.y[part].tolist()):
                if len(line) > 1:
                    picture.marks.append(Line(line, color, 1.2, dashes))
                else:
                    ((across, height),) = line
                    picture.marks.append(Line(((across - 1, height), (across + 1, height)), color, 1.6))
        # What lies beyond ends that a person set is left out on purpose.
        kinds = {kind: there for kind, there in curve.kinds.items() if there.any()}
        everywhere = np.array([x(at) for at in curve.x.tolist()])
        if mark_broken(picture, everywhere, kinds, y.end, y.start, color):
            picture.notes.append(f"{printable(row.name)}: {', '.join(kinds)} is marked at the plot's edge")


def _band(picture: Picture, color: str, curve: Drawn, x: Scale, y: Scale) -> None:
    # Where a run without a value stands at an end of the band, that goes on to the edge.
    low = np.where(curve.low == -np.inf, y.low, curve.low)
    high = np.where(curve.high == np.inf, y.high, curve.high)
    low = np.where(low <= 0, y.low, low) if y.logarithmic else low
    there = np.isfinite(low) & np.isfinite(high) & ((high > 0) | (not y.logarithmic))
    for part in Drawn(curve.x, np.where(there, low, np.nan), low, high, {}).stretches(y.logarithmic):
        across = [x(at) for at in curve.x[part].tolist()]
        upper, lower = ([y(value) for value in column[part].tolist()] for column in (high, low))
        if len(across) > 1:
            outline = (*zip(across, upper, strict=True), *reversed([*zip(across, lower, strict=True)]))
            picture.marks.append(Area(outline, color, OPACITY))


def _legend(
    picture: Picture,
    rows: Sequence[Row],
    names: dict[str, str],
    strokes: dict[str, Stroke],
    options: FigureOptions,
    left: float,
    right: float,
) -> float:
    """Write the names above the plots, as many in a line as there is room for; return where they end."""
    sample, gap, size = 17.0, 10.0, options.size
    words = {row.key: _cut(one_line(names[row.key]), right - left - sample - 3, size) for row in rows}
    widths = {row.key: sample + 3 + _width(words[row.key], size) for row in rows}
    columns, widest = len(rows), max(widths.values())
    alone = sum(widths.values()) + gap * (len(rows) - 1) <= right - left
    if not alone:
        columns = max(1, min(len(rows), int((right - left + gap) / (widest + gap))))
        # No line is left with less than its share of the names.
        columns = -(-len(rows) // -(-len(rows) // columns))
    across = left
    for place, row in enumerate(rows):
        if not alone:
            across = left + (place % columns) * (widest + gap)
        down = 3 + (place // columns) * (size + 3.5)
        middle, (color, dashes) = down + 0.62 * size, strokes[row.key]
        if row.kind == "group" and options.bands != "none":
            high, low, end = middle - 3.2, middle + 3.2, across + sample
            corners = ((across, high), (end, high), (end, low), (across, low))
            picture.marks.append(Area(corners, color, OPACITY))
        picture.marks.append(Line(((across, middle), (across + sample, middle)), color, 1.2, dashes))
        picture.marks.append(Words(words[row.key], (across + sample + 3, down + size - 1), size=size, color=INK))
        across += widths[row.key] + gap
    lines = -(-len(rows) // columns)
    return 3 + lines * (size + 3.5) + 2


def _cut(text: str, room: float, size: float) -> str:
    """Return words with three dots in place of what has no room."""
    if _width(text, size) <= room:
        return text
    while text and _width(f"{text}...", size) > room:
        text = text[:-1]
    return f"{text}..."


@cache
def _letters() -> dict[str, int]:
    from fpdf.fonts import CORE_FONTS_CHARWIDTHS

    return dict(CORE_FONTS_CHARWIDTHS["helvetica"])


def _width(text: str, size: float) -> float:
    """Return how wide words are in Helvetica, with some room for fonts that take its place."""
    return 1.06 * size * sum(_letters().get(letter, 600) for letter in text) / 1000

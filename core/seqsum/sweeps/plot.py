"""A sweep as pictures on white: its seeds setting by setting, lines over parallel axes, a grid, and what decides."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from seqsum.cells import shorten
from seqsum.compare.looks import PAPER_COLOURS
from seqsum.compare.significance import value_text
from seqsum.compare.spread import QUARTILES, quantile
from seqsum.formatting import count, is_share, metric, percent
from seqsum.plotting.axes import Scale, pale
from seqsum.plotting.drawing import Area, Line, Picture, Place, Words
from seqsum.plotting.ticks import value_ticks
from seqsum.sweeps.axes import Axis, Cell, axes_of, goodness, grid_of, is_logarithmic
from seqsum.sweeps.definition import Sweep
from seqsum.sweeps.results import Result
from seqsum.sweeps.space import label, short_names

WIDTH, LEFT, RIGHT, TOP = 900, 250, 90, 64
ROW, BOX, FOOT = 22, 5, 44
HEIGHT = 420
INK, QUIET, FAINT, BAD = PAPER_COLOURS[0], "#666666", "#e4e4e4", PAPER_COLOURS[5]
MOST_TICKS = 6
MOST_LETTERS = 40
DIAMOND = ((0.0, -5.0), (5.0, 0.0), (0.0, 5.0), (-5.0, 0.0))


def seeds_picture(sweep: Sweep, results: Sequence[Result]) -> Picture:
    """Draw a line for each setting: its seeds from end to end, the middle half as a bar, a mark for the median."""
    values = [value for one in results for value in one.values if math.isfinite(value)]
    picture = _begin(sweep, results, TOP + ROW * len(results) + FOOT)
    low, high = (min(values), max(values)) if values else (0.0, 1.0)
    log = bool(values) and is_logarithmic(sweep.goal, low, high)
    margin = 0.0 if log else 0.04 * (high - low) or abs(high) * 0.1 or 1.0
    x = Scale(low - margin, high + margin if not log or high > low else low * 10, LEFT, WIDTH - RIGHT, log)
    bottom = TOP + ROW * len(results)
    for tick, text in value_ticks(x.low, x.high, MOST_TICKS, log=log, share=is_share(sweep.goal)).pairs:
        picture.marks.append(Line(((x(tick), TOP - 4), (x(tick), bottom)), FAINT))
        picture.marks.append(Words(text, (x(tick), bottom + 14), anchor="middle"))
    words = f"{sweep.goal} of each seed{', logarithmic' if log else ''}: line all, bar the middle half, mark the median"
    picture.marks.append(Words(words, ((LEFT + WIDTH - RIGHT) / 2, bottom + 32), anchor="middle", color=QUIET))
    for number, one in enumerate(results):
        y = TOP + ROW * number + ROW / 2
        picture.marks.append(Words(_name(one.setting.values), (LEFT - 10, y + 4), anchor="end"))
        _box(picture, one, x, y)
        told = value_text(sweep.goal, one.median) if one.sample is not None else one.state
        lost = f", {one.broken} lost" if one.broken else ""
        picture.marks.append(Words(f"{told}{lost}", (WIDTH - RIGHT + 10, y + 4), color=BAD if lost else "#333333"))
    return picture


def _name(values: Mapping[str, str]) -> str:
    """Return a setting in words, or by its values alone, in the order of the fields, where that is too long."""
    words = label(values)
    return words if len(words) <= MOST_LETTERS else shorten(", ".join(values.values()), MOST_LETTERS)


def _box(picture: Picture, one: Result, x: Scale, y: float) -> None:
    if not any(map(math.isfinite, one.values)):
        return
    colour = INK if one.setting.state in ("complete", "running") else QUIET
    low, middle, high = (x(quantile(one.values, share)) for share in QUARTILES)
    picture.marks.append(Line(((x(one.values[0]), y), (x(one.values[-1]), y)), colour, 1.2))
    bar = ((low, y - BOX), (high, y - BOX), (high, y + BOX), (low, y + BOX))
    picture.marks.append(Area(bar, pale(colour)))
    picture.marks.append(Line((*bar, bar[0]), colour, 1.0))
    if one.median is not None:
        picture.marks.append(Area(tuple((middle + dx, y + dy) for dx, dy in DIAMOND), colour))


def parallel_picture(sweep: Sweep, results: Sequence[Result]) -> Picture:
    """Draw each setting as a line over parallel axes, the better the stronger; what has no value ends below."""
    axes, higher = axes_of(sweep, results), sweep.direction == "higher"
    picture = _begin(sweep, results, TOP + HEIGHT + FOOT)
    bottom, top, beyond = TOP + HEIGHT - 30, TOP + 30, TOP + HEIGHT - 6 if higher else TOP + 8
    places = [70 + at * (WIDTH - 170) / max(len(axes) - 1, 1) for at in range(len(axes))]

    def height(place: float | None) -> float:
        return beyond if place is None else bottom + (top - bottom) * place

    good = [goodness(place, higher=higher) for place in axes[-1].places]
    for at in sorted(range(len(results)), key=good.__getitem__):
        line = tuple((x, height(axis.places[at])) for x, axis in zip(places, axes, strict=True))
        ended = results[at].setting.state in ("complete", "running")
        picture.marks.append(Line(line, _mixed(INK, 0.15 + 0.85 * good[at]) if ended else "#bbbbbb", 1.4))
    for axis, x in zip(axes, places, strict=True):
        _axis(picture, axis, x, (top, bottom), last=axis is axes[-1], better="higher" if higher else "lower")
    if any(None in axis.places for axis in axes):
        picture.marks.append(Words("no value", (places[-1] + 8, beyond + 4), color=BAD))
    return picture


def _axis(picture: Picture, axis: Axis, x: float, ends: tuple[float, float], *, last: bool, better: str) -> None:
    top, bottom = ends
    picture.marks.append(Line(((x, top), (x, bottom)), "#888888", 1.2))
    title = f"{axis.title}{', log' if axis.log else ''}" + (f" ({better} is better)" if last else "")
    picture.marks.append(Words(title, (x, top - 14), anchor="end" if last else "middle", color="#111111"))
    for place, text in axis.ticks:
        y = bottom + (top - bottom) * place
        picture.marks.append(Line(((x - 3, y), (x + 3, y)), "#888888"))
        picture.marks.append(Words(shorten(text, 16), (x + 7, y + 4), color="#333333"))


def grid_picture(sweep: Sweep, results: Sequence[Result], across: str, up: str) -> Picture:
    """Draw two fields as a grid, in each cell the median of the goal there, the better the stronger its colour."""
    grid = grid_of(sweep, results, across, up)
    picture = _begin(sweep, results, TOP + HEIGHT + FOOT)
    wide, high = (WIDTH - 210) / max(len(grid.columns), 1), (HEIGHT - 20) / max(len(grid.rows), 1)
    for row, name in enumerate(grid.rows):
        y = TOP + high * (len(grid.rows) - 1 - row)
        picture.marks.append(Words(shorten(name, 20), (150, y + high / 2 + 4), anchor="end"))
        for column, cell in enumerate(grid.cells[row]):
            good = grid.goodness(cell, higher=sweep.direction == "higher")
            _cell(picture, sweep, cell, (160 + wide * column, y), (wide - 2, high - 2), good)
    for column, name in enumerate(grid.columns):
        place = (160 + wide * (column + 0.5), TOP + HEIGHT - 4)
        picture.marks.append(Words(shorten(name, max(int(wide / 7), 4)), place, anchor="middle"))
    picture.marks.append(Words(grid.across, (160 + (WIDTH - 210) / 2, TOP + HEIGHT + 16), anchor="middle", color=QUIET))
    picture.marks.append(Words(grid.up, (150, TOP - 8), anchor="end", color=QUIET))
    return picture


def _cell(picture: Picture, sweep: Sweep, cell: Cell, place: Place, size: Place, share: float | None) -> None:
    """Draw a cell; share: how good it is, None without a value."""
    (x, y), (wide, high) = place, size
    colour = "#f4f4f4" if share is None else _mixed(INK, 0.08 + 0.92 * share)
    picture.marks.append(Area(((x, y), (x + wide, y), (x + wide, y + high), (x, y + high)), colour))
    text = "" if cell.value is None else "no value" if math.isnan(cell.value) else metric(sweep.goal, cell.value)
    ink = "#ffffff" if share is not None and share > 0.5 else "#333333"
    picture.marks.append(Words(text, (x + wide / 2, y + high / 2 + 4), anchor="middle", color=ink))


def importance_picture(sweep: Sweep, results: Sequence[Result], shares: Mapping[str, float]) -> Picture:
    """Draw a bar for each field's share of the differences."""
    names = short_names([part.path for part in sweep.space])
    picture = _begin(sweep, results, TOP + 30 * max(len(shares), 1) + FOOT)
    for number, (path, share) in enumerate(shares.items()):
        y, end = TOP + 30 * number, LEFT + (WIDTH - RIGHT - LEFT) * share
        picture.marks.append(Words(shorten(names.get(path, path), 40), (LEFT - 10, y + 16), anchor="end"))
        picture.marks.append(Area(((LEFT, y + 4), (end, y + 4), (end, y + 20), (LEFT, y + 20)), INK))
        picture.marks.append(Words(percent(share), (end + 8, y + 16)))
    words = "share of the differences between settings that goes with each field (functional ANOVA, of ranks)"
    picture.marks.append(Words(words, (LEFT, TOP + 30 * max(len(shares), 1) + 24), color=QUIET))
    return picture


def _begin(sweep: Sweep, results: Sequence[Result], height: int) -> Picture:
    picture = Picture(WIDTH, height, f"{sweep.name}: {sweep.goal} of {sweep.preset}")
    picture.marks.append(Words(sweep.name, (24, 28), size=15, color="#111111"))
    broken = sum(one.broken for one in results)
    parts = [count(len(results), "setting"), f"{count(len(sweep.seeds), 'seed')} each"]
    parts += [f"{count(broken, 'run')} without a value, ranked worst"] if broken else []
    picture.marks.append(Words(", ".join(parts), (WIDTH - 24, 28), anchor="end", color=QUIET))
    return picture


def _mixed(color: str, share: float) -> str:
    """Return a colour mixed with white: `share` of it."""
    parts = (int(color[place : place + 2], 16) for place in (1, 3, 5))
    return "#" + "".join(f"{round(part * share + 255 * (1 - share)):02x}" for part in parts)

"""Lines, their ends, what is shaded between them, and marks: against the dots of each line drawn alone."""

from __future__ import annotations

import itertools
import re

import numpy as np
import pytest
from rich.cells import cell_len
from textual.app import App, ComposeResult
from textual.containers import Horizontal
from textual.geometry import Region

from seqsum_tui.charts import Band, Chart, Mark, Series
from seqsum_tui.charts.palette import SIGNS
from support.screens import screen_text

X = np.arange(0.0, 1001.0, 10.0)
BRAILLE = 0x2800
DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))


class Room(App[None]):
    """Charts side by side."""

    def __init__(self, *charts: Chart, size: tuple[int, int] = (60, 20)) -> None:
        super().__init__()
        self.charts, self.size_wanted = charts, size

    def compose(self) -> ComposeResult:
        with Horizontal():
            for chart in self.charts:
                chart.styles.width, chart.styles.height = self.size_wanted
                yield chart


def plot_of(chart: Chart) -> list[str]:
    """The lines of the plot alone: right of the y axis, above the x axis."""
    lines = [strip.text for strip in chart.render_lines(Region(0, 0, *chart.size))]
    corner = next(row for row, line in enumerate(lines) if "└" in line)
    left = lines[corner].index("└") + 1
    return [line[left:] for line in lines[1:corner] if line[left - 1] in "│┤"]


async def drawn(chart: Chart, size: tuple[int, int] = (60, 20)) -> list[str]:
    async with Room(chart, size=size).run_test(size=(size[0] + 2, size[1] + 2)):
        return plot_of(chart)


def is_line(character: str) -> bool:
    return BRAILLE < ord(character) < BRAILLE + 256


def dots_of(plot: list[str]) -> np.ndarray:
    """bool[4 * rows, 2 * columns] of what braille shows."""
    found = np.zeros((4 * len(plot), 2 * len(plot[0])), dtype=bool)
    for (row, column), bit in ((at, bit) for at, bit in np.ndenumerate(np.array(DOTS))):
        for y, line in enumerate(plot):
            for x, character in enumerate(line):
                found[4 * y + row, 2 * x + column] = is_line(character) and bool((ord(character) - BRAILLE) & bit)
    return found


def wave(seed: int, points: int) -> np.ndarray:
    return 0.5 + 0.4 * np.cumsum(np.random.default_rng(seed).normal(0, 0.1, points)).clip(-1, 1)


@pytest.mark.parametrize("points", [3, 7, 101, 2000], ids=lambda points: f"{points} points")
@pytest.mark.parametrize("stop", [400.0, 1000.0], ids=["in the middle", "at the edge"])
async def test_each_end_lies_on_its_line_and_on_no_other_end(points, stop) -> None:
    x = np.linspace(0.0, stop, points)
    lines = [wave(seed, points) for seed in range(3)]
    # Two that end in one place, and one that is another all along.
    lines += [lines[0].copy(), np.append(wave(9, points)[:-1], lines[1][-1])]
    ends = {"y_limits": (0.0, 1.0), "x_limits": (0.0, 1000.0)}
    whole = await drawn(Chart("", series=[Series(f"s{k}", x, y) for k, y in enumerate(lines)], **ends), (90, 20))
    for sign, y in zip(SIGNS, lines, strict=False):
        alone = await drawn(Chart("", series=[Series("", x, y, sign=sign)], **ends), (90, 20))
        cells = {
            (row, column)
            for row, line in enumerate(alone)
            for column, found in enumerate(line)
            if is_line(found) or found == sign
        }
        places = [(row, line.index(sign)) for row, line in enumerate(whole) if sign in line]
        assert len(places) == 1 and places[0] in cells, f"{sign} at {places}"


async def test_a_line_that_leaves_the_view_has_no_end_in_it() -> None:
    plot = await drawn(Chart("", series=[Series("", X, X)], y_limits=(0.0, 500.0)))
    assert not any(SIGNS[0] in line for line in plot)


@pytest.mark.parametrize("share", [0.5, 0.9, 1.0], ids=["room", "little room", "no room beside"])
async def test_tags_tell_name_and_newest_value_and_cover_no_line(share) -> None:
    x = X * share
    levels = {"train": 0.91, "eval": 0.72, "parent": 0.7, "naive": 0.21}
    series = [Series(name, x, np.full(X.size, level), last=level + 0.001) for name, level in levels.items()]
    ends = {"y_limits": (0.0, 1.0), "x_limits": (0.0, 1000.0)}
    plot = await drawn(Chart("accuracy", series=series, **ends))
    for name, level in levels.items():
        assert sum(f"{name} {100 * level + 0.1:.2f}%" in line for line in plot) == 1, "\n".join(plot)
    bare = await drawn(Chart("accuracy", series=series, **ends), (30, 20))
    assert not any("train" in line for line in bare)
    # Of each line only what its own end covers is missing.
    for level in levels.values():
        row = round((1 - level) * (4 * len(plot) - 1)) // 4
        assert sum(map(is_line, plot[row])) >= int(len(plot[0]) * share) - 4


async def test_three_lines_that_end_close_to_each_other_have_a_tag_each() -> None:
    ends = {"model": 0.227, "AR(9)": 0.231, "same as last": 0.274}
    # The third comes down steeply beside the end, where tags of the others would stand.
    courses = [
        np.full(X.size, 0.227),
        np.full(X.size, 0.231),
        np.interp(X, [0, 700, 950, 1000], [0.3, 0.8, 0.274, 0.274]),
    ]
    lines = [Series(name, X, course) for name, course in zip(ends, courses, strict=True)]
    plot = await drawn(Chart("", series=lines, y_limits=(0.0, 0.9), x_limits=(0.0, 1000.0)))
    rows = [next(row for row, line in enumerate(plot) if f"{name} {end:.3f}" in line) for name, end in ends.items()]
    assert len(set(rows)) == 3, "\n".join(plot)


async def test_an_average_at_a_line_s_end_is_told_from_a_value() -> None:
    ends = {"y_limits": (0.0, 1.0), "x_limits": (0.0, 1000.0)}
    falling = [Series("", X, 0.9 - 0.8 * X / X.max())]
    assert not any("~" in line for line in await drawn(Chart("loss", series=falling, **ends)))
    plot = await drawn(Chart("loss", series=falling, smoothing=100.0, **ends))
    (told,) = re.findall(r"~(0[.]\d+)", "\n".join(plot))
    assert float(told) > 0.11, "the average lags behind the last value, 0.1"


async def test_marks_that_come_later_cover_no_letter_of_a_tag() -> None:
    chart = Chart("", series=[Series("accuracy", X, np.ones(X.size), last=1.0)], y_limits=(0.0, 1.1))
    async with Room(chart).run_test(size=(62, 22)) as pilot:
        assert plot_of(chart)[0].rstrip().endswith("100.00%"), "without marks the first row is free"
        chart.set_marks([Mark(600.0, "aha", "★"), Mark(1000.0, "asked now", "▲")])
        await pilot.pause()
        plot = plot_of(chart)
        assert all(sign in plot[0] for sign in "★▲") and "asked now" in plot[0]
        assert ["100.00%" in line for line in plot[:3]] == [False, False, True], "\n".join(plot)


@pytest.mark.parametrize("log_y", [False, True])
async def test_a_band_has_no_trench_where_its_line_runs_and_the_line_is_whole(log_y) -> None:
    middle = 0.1 * 10 ** (np.sin(X / 150) / 2)
    band = Band("median", X, middle / 10, middle * 10)
    ends = {"y_limits": (0.0001, 10.0) if log_y else (-0.5, 1.0), "log_y": log_y}
    alone = await drawn(Chart("", series=[Series("median", X, middle)], **ends))
    chart = Chart("", series=[Series("median", X, middle)], bands=[band], **ends)
    async with Room(chart).run_test(size=(62, 22)):
        plot, ground = plot_of(chart), chart.background_colors[1].rich_color
        left = chart.size.width - len(plot[0])
        strips = [strip for strip in chart.render_lines(Region(0, 0, *chart.size)) if strip.text[left:] in plot]
    inside = 0
    for row, (strip, line) in enumerate(zip(strips, alone, strict=True)):
        for column, character in enumerate(line):
            if bin(max(ord(character) - BRAILLE, 0)).count("1") > 1 and is_line(character):
                (cell,) = strip.crop(left + column, left + column + 1)
                assert cell.text == character, f"the line's own dots, at {row}, {column}"
                inside += cell.style.bgcolor != ground
    assert inside >= len(plot[0]) - 10


async def test_without_a_band_no_line_has_a_ground_of_its_own() -> None:
    chart = Chart("loss", series=[Series("", X, X)])
    async with Room(chart).run_test(size=(62, 22)):
        grounds = {
            segment.style.bgcolor
            for strip in chart.render_lines(Region(0, 0, *chart.size))
            for segment in strip
            if segment.style is not None
        }
    assert len(grounds) == 1


async def test_lines_that_coincide_are_both_seen_and_the_gap_between_others_is_shaded() -> None:
    y = np.where(X < 500, 0.5, 0.2)
    ends = {"y_limits": (0.0, 1.0), "x_limits": (0.0, 2000.0)}
    other = np.where(X < 500, 0.5, 0.8)
    for gap in ("", "train"):
        chart = Chart("loss", series=[Series("train", X, y), Series("eval", X, other, gap_to=gap)], **ends)
        async with Room(chart).run_test(size=(62, 22)):
            plot, width = plot_of(chart), chart.size.width
            strips = chart.render_lines(Region(0, 0, *chart.size))
            row = next(row for row, line in enumerate(strips) if line.text.endswith(plot[len(plot) // 2]))
            left = width - len(plot[0])
            together = [str(segment.style.color) for segment in strips[row].crop(left, left + 12) for _ in segment.text]
            assert len(set(together)) == 2, "each has its colour where they coincide"
            assert min(map(together.count, set(together))) >= 4
            rows, columns = len(plot), len(plot[0])
            between = dots_of(plot)[rows + 8 : 3 * rows - 8, columns // 2 + 4 : columns - 4]
            assert (between.mean() > 0.2) if gap else (between.mean() < 0.1)


async def test_the_plots_of_charts_side_by_side_begin_on_one_line() -> None:
    one = Chart("loss", series=[Series("", X, X)])
    several = Chart("accuracy", series=[Series(f"a long name {k}", X, X * k) for k in range(4)])
    low = Chart("learning rate", series=[Series("", X, X)])
    app = Room(one, several, low, size=(32, 16))
    async with app.run_test(size=(100, 20)) as pilot:

        def tops() -> set[int]:
            shown = [chart.render_lines(Region(0, 0, *chart.size)) for chart in (one, several, low)]
            return {next(row for row, strip in enumerate(lines) if "┤" in strip.text) for lines in shown}

        assert len({len(plot_of(chart)) for chart in (one, several)}) == 2, "of their own they do not"
        Chart.align_heads((one, several, low))
        await pilot.pause()
        assert len({len(plot_of(chart)) for chart in (one, several, low)}) == 1
        assert len(tops()) == 1
        several.set_series([Series("", X, X)])
        await pilot.pause()
        Chart.align_heads((one, several, low))
        await pilot.pause()
        assert one.head_needed == several.head_needed == 1 and len(plot_of(one)) == len(plot_of(several))


@pytest.mark.parametrize("framed", [False, True])
@pytest.mark.parametrize("width", range(20, 80, 6))
async def test_where_some_marks_have_no_room_none_is_said_to_be_there(width, framed) -> None:
    saved = [Mark(10.0 * k, kind="checkpoint") for k in range(1, 100)]
    chart = Chart("loss", series=[Series("", X, X)], marks=saved)
    chart.set_class(framed, "-framed")
    app = Room(chart, size=(width, 16))
    async with app.run_test(size=(width, 16)) as pilot:
        await pilot.pause()
        lines = [*screen_text(app).splitlines()]
        (axis,) = (line for line in lines if "┴" in line or "┬" in line)
        assert 0 < axis.count("▴") < len(saved)
        said = " ".join(line for line in lines if line is not axis)
        assert not re.search(r"▴ [0-9]", said), "that would be all of them"
        assert width < 40 or "▴ some" in said


LABELS = ("lr 0.001→0.005", "rewound from 12,000", "paused", "the loss became NaN at step 3,412")


@pytest.mark.parametrize("width", range(24, 100, 3))
async def test_marks_say_whole_words_or_none(width) -> None:
    marks = [Mark(200.0 + 230 * place, label) for place, label in enumerate(LABELS)]
    chart = Chart("", series=[Series("", X, np.zeros(X.size))], marks=marks, y_limits=(-1.0, 1.0))
    first = (await drawn(chart, (width, 14)))[0]
    said = re.sub("[Δ⠁-⣿┊]", " ", first).strip()
    pieces = [piece for piece in re.split(r"\s{2,}|(?<=…)\s", said) if piece.strip()]
    allowed = {
        " ".join(label.split()[:count]) + ("" if count == len(label.split()) else "…")
        for label in LABELS
        for count in range(1, len(label.split()) + 1)
    }
    assert set(map(str.strip, pieces)) <= allowed
    assert first.count("Δ") == len({round(mark.x) for mark in marks}) or width < 40


@pytest.mark.parametrize("count", [1, 5, 30, 300, 5000])
@pytest.mark.parametrize("width", [30, 60, 200])
async def test_checkpoints_stand_apart_and_the_head_says_how_many_there_are(count, width) -> None:
    places = np.linspace(0.0, 1000.0, count + 1)[1:]
    marks = [Mark(float(x), "checkpoint", kind="checkpoint") for x in places]
    chart = Chart("", series=[Series("", X, X)], marks=marks)
    async with Room(chart, size=(width, 14)).run_test(size=(width + 2, 16)):
        lines = [strip.text for strip in chart.render_lines(Region(0, 0, *chart.size))]
    ruler = next(line for line in lines if "└" in line)
    shown = [column for column, character in enumerate(ruler) if character == "▴"]
    assert shown and all(right - left >= 4 for left, right in itertools.pairwise(shown))
    columns = {round(x / 1000 * (2 * (width - ruler.index("└") - 1) - 1)) // 2 for x in places}
    apart = all(right - left >= 4 for left, right in zip(sorted(columns), sorted(columns)[1:], strict=False))
    assert ("▴" in lines[0]) == (not apart or len(columns) < count)
    assert all(cell_len(line) == width for line in lines)
    if "▴" in lines[0]:
        assert f"{count:,}" in lines[0]

"""The rasteriser against one that walks every segment column by column in plain Python."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from seqsum_tui.charts.raster import View, draw_band, draw_line, pack


def nearest(value: float) -> int:
    return math.floor(value + 0.5)


class Plain:
    """The documented rules, one point and one segment at a time, over columns and rows without end."""

    def __init__(self, view: View) -> None:
        self.view = view
        self.dots: set[tuple[int, int]] = set()

    def place(self, x: float, y: float) -> tuple[float, float]:
        view = self.view
        bottom, top = view.y0, view.y1
        if view.log_y:
            bottom, top, y = math.log10(bottom), math.log10(top), math.log10(y)
        across = (x - view.x0) / (view.x1 - view.x0) * (view.columns - 1)
        return across, (top - y) / (top - bottom) * (view.rows - 1)

    def usable(self, y: float) -> bool:
        return math.isfinite(y) and (y > 0 or not self.view.log_y)

    def fill(self, column: int, a: int, b: int) -> None:
        if 0 <= column < self.view.columns:
            for row in range(max(min(a, b), 0), min(max(a, b), self.view.rows - 1) + 1):
                self.dots.add((row, column))

    def line(self, x: list[float], y: list[float]) -> None:
        for i, (px, py) in enumerate(zip(x, y, strict=True)):
            if not self.usable(py):
                continue
            ax, ay = self.place(px, py)
            self.fill(nearest(ax), nearest(ay), nearest(ay))
            if i + 1 < len(x) and self.usable(y[i + 1]):
                self.segment(ax, ay, *self.place(x[i + 1], y[i + 1]))

    def segment(self, ax: float, ay: float, bx: float, by: float) -> None:
        first, last = nearest(ax), nearest(bx)
        if first == last:
            self.fill(first, nearest(ay), nearest(by))
            return
        path = [(first, nearest(ay))]
        path += [(c, nearest(ay + (by - ay) * (c - ax) / (bx - ax))) for c in range(first + 1, last)]
        path.append((last, nearest(by)))
        for (left, a), (right, b) in itertools.pairwise(path):
            self.fill(left, a, a)
            self.fill(right, b, b)
            if abs(b - a) > 1:
                middle = (a + b) // 2
                if b > a:
                    self.fill(left, a, middle)
                    self.fill(right, middle + 1, b)
                else:
                    self.fill(left, middle + 1, a)
                    self.fill(right, b, middle)


def dots_of(array: np.ndarray) -> set[tuple[int, int]]:
    return {(int(row), int(column)) for row, column in np.argwhere(array)}


def random_case(seed: int) -> tuple[np.ndarray, np.ndarray, View]:
    random = np.random.default_rng(seed)
    count = int(random.choice([1, 2, 3, 8, 40, 300, 2000]))
    x = np.sort(random.uniform(0, 100, count))
    y = np.cumsum(random.normal(size=count)) * random.choice([0.01, 1, 100]) + random.normal()
    for share, value in ((0.15, math.nan), (0.03, math.inf), (0.03, -math.inf)):
        if random.random() < 0.5:
            y[random.random(count) < share] = value
    log_y = bool(random.random() < 0.4)
    left, right = sorted(random.uniform(-20, 120, 2))
    if random.random() < 0.4:
        left, right = 0.0, 100.0
    usable = y[np.isfinite(y) & ((y > 0) | (not log_y))]
    low, high = (float(usable.min()), float(usable.max())) if usable.size else (1.0, 2.0)
    if random.random() < 0.5:
        low, high = low + (high - low) * 0.3, high - (high - low) * 0.2
    if high - low < 1e-9:
        low, high = low * 0.5 if log_y else low - 1, high + 1
    width, height = int(random.integers(1, 50)), int(random.integers(1, 20))
    return x, y, View(left, right, low, high, width, height, log_y)


@pytest.mark.parametrize("seed", range(300))
def test_lines_are_those_of_the_plain_rasteriser(seed: int) -> None:
    x, y, view = random_case(seed)
    plain = Plain(view)
    plain.line(x.tolist(), y.tolist())
    assert dots_of(draw_line(x, y, view).dots) == plain.dots


@pytest.mark.parametrize("seed", range(100))
def test_points_alone_are_not_joined(seed: int) -> None:
    x, y, view = random_case(seed)
    plain = Plain(view)
    for px, py in zip(x.tolist(), y.tolist(), strict=True):
        plain.line([px], [py])
    assert dots_of(draw_line(x, y, view, join=False).dots) == plain.dots


@pytest.mark.parametrize("seed", range(100))
def test_low_and_high_fill_their_whole_span(seed: int) -> None:
    x, y, view = random_case(seed)
    random = np.random.default_rng(seed + 1000)
    size = np.abs(y[np.isfinite(y)]).max(initial=1.0)
    low, high = y - random.uniform(0, 0.2, y.size) * size, y + random.uniform(0, 0.2, y.size) * size
    plain = Plain(view)
    plain.line(x.tolist(), y.tolist())
    for px, py, bottom, top in zip(x, y, low, high, strict=True):
        if plain.usable(py):
            column, row = plain.place(px, py)
            ends = [plain.place(px, end)[1] if plain.usable(end) else row for end in (bottom, top)]
            plain.fill(nearest(column), nearest(min(*ends, row)), nearest(max(*ends, row)))
    assert dots_of(draw_line(x, y, view, low, high).dots) == plain.dots


def test_a_line_is_not_drawn_across_nan() -> None:
    x = np.arange(5.0)
    view = View(0, 4, 0, 1, 20, 5)
    whole = draw_line(x, np.array([0, 0.25, 0.5, 0.75, 1.0]), view).dots
    broken = draw_line(x, np.array([0, 0.25, math.nan, 0.75, 1.0]), view).dots
    columns = broken.any(axis=0)
    assert whole.any(axis=0).all()
    assert columns[:10].all() and columns[30:].all() and not columns[11:29].any()


def test_values_without_a_place_are_flagged_where_they_are() -> None:
    x = np.arange(8.0)
    y = np.array([1.0, math.nan, 1.0, math.inf, 1.0, -math.inf, 1.0, 0.0])
    linear = draw_line(x, y, View(0, 7, 0, 2, 8, 4))
    assert np.flatnonzero(linear.nan).tolist() == [1]
    assert np.flatnonzero(linear.above).tolist() == [3]
    assert np.flatnonzero(linear.below).tolist() == [5]
    logarithmic = draw_line(x, y, View(0, 7, 0.1, 2, 8, 4, log_y=True))
    assert np.flatnonzero(logarithmic.below).tolist() == [5, 7]


def test_a_point_between_two_gaps_is_reported_as_lone() -> None:
    y = np.array([1.0, 1.0, math.nan, 2.0, math.nan, 1.0, 1.0])
    drawing = draw_line(np.arange(7.0), y, View(0, 6, 0, 3, 7, 3))
    assert drawing.lone.tolist() == [[1, 3]]


def test_a_segment_whose_ends_are_both_outside_crosses_the_view() -> None:
    view = View(10, 11, 0.4, 0.6, 30, 10)
    drawing = draw_line(np.array([0.0, 21.0]), np.array([0.0, 1.0]), view)
    assert drawing.dots.any(axis=0).all()
    # y = x / 21 is 0.5, the middle of the view, where x is 10.5.
    assert drawing.dots[view.rows // 2 - 1 : view.rows // 2 + 1, view.columns // 2].any()


def test_far_and_huge_neighbours_keep_the_slope_in_view() -> None:
    view = View(0.0, 1.0, 0.0, 1.0, 40, 20)
    near = draw_line(np.array([-1.0, 2.0]), np.array([-1.0, 2.0]), view).dots
    far = draw_line(np.array([-1e6, 1e6]), np.array([-1e6, 1e6]), view).dots
    assert (near != far).sum() <= 2
    drawing = draw_line(np.array([0.0, 0.5, 1.0]), np.array([0.5, 1e300, 0.5]), view)
    assert drawing.dots[0].any() and drawing.dots.any(axis=1)[:10].all()


@pytest.mark.parametrize("log_y", [False, True])
def test_a_band_shades_between_its_curves_and_nowhere_else(log_y: bool) -> None:
    x = np.linspace(0, 10, 23)
    low, high = 1 + x * 0.3, 3 + x * 0.9
    low[11] = math.nan
    view = View(-1, 11, 0.5, 14, 40, 15, log_y)
    dots = draw_band(x, low, high, view)
    plain = Plain(view)
    for column in range(view.columns):
        here = view.x0 + column * (view.x1 - view.x0) / (view.columns - 1)
        gap = x[10] < here < x[12]
        rows = np.flatnonzero(dots[:, column])
        if gap or not 0 <= here <= 10:
            assert not rows.size or min(abs(here - x[10]), abs(here - x[12]), abs(here), abs(here - 10)) < 0.16
            continue
        top = plain.place(here, 3 + here * 0.9)[1]
        bottom = plain.place(here, 1 + here * 0.3)[1]
        assert rows.min() >= top - 2.5 and rows.max() <= bottom + 2.5
        assert rows.min() <= top + 2.5 and rows.max() >= bottom - 2.5
        assert (np.diff(rows) == 2).all()


def test_pack_gives_the_unicode_braille_bits() -> None:
    # Unicode numbers the dots 1-2-3-7 down the left column and 4-5-6-8 down the right one.
    order = {(0, 0): 1, (1, 0): 2, (2, 0): 3, (3, 0): 7, (0, 1): 4, (1, 1): 5, (2, 1): 6, (3, 1): 8}
    for (row, column), number in order.items():
        dots = np.zeros((8, 6), dtype=np.bool_)
        dots[4 + row, 2 + column] = True
        bits = pack(dots)
        assert bits[1, 1] == 1 << (number - 1)
        assert np.count_nonzero(bits) == 1


@pytest.mark.parametrize(
    "wrong",
    [
        {"x1": 0.0},
        {"y1": 0.0},
        {"y0": math.nan},
        {"log_y": True},
        {"width": 0},
    ],
)
def test_an_impossible_view_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError):
        View(**({"x0": 0.0, "x1": 1.0, "y0": 0.0, "y1": 1.0, "width": 2, "height": 2} | wrong))

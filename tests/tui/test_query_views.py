"""What is drawn inside the Ask screen, against what it stands for: weights, classes, legends, lengths, years."""

import colorsys
import math
import re
from collections import Counter
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from textual.app import App
from textual.content import Content

from seqsum.formatting import percent
from seqsum.runs import Run
from seqsum_tui.charts.palette import wheel_colour
from seqsum_tui.query.heat_map import Heat, HeatMap
from seqsum_tui.query.pane import QueryChart, QueryPane
from seqsum_tui.query.plane import Plane
from seqsum_tui.query.ribbons import Looks, Ribbons, ribbon
from seqsum_tui.query.session import Session
from seqsum_tui.query.views.registry import Pane, views
from seqsum_tui.query.views.shown import WRONG, Dots, Shown
from support.screens import screen_strips, screen_text

SIZES = [(60, 20), (120, 40)]


class Alone(App[None]):
    """A pane by itself."""

    def __init__(self, plain=False):
        super().__init__()
        self.no_color = plain or self.no_color

    def compose(self):
        yield QueryPane()

    def show(self, picture):
        """Show a picture, and give it the keys."""
        self.pane.show(picture if isinstance(picture, Shown) else Shown("", Content("words"), picture))
        self.pane.picture.focus()

    @property
    def pane(self):
        return self.query_one(QueryPane)

    @property
    def lines(self):
        return screen_text(self).splitlines()


def made(name, **answer):
    """The views of an answer."""
    view = views()[name]
    found = view.make(view.question.answers(**answer), Pane(Session(Run(Path()), lambda folder: [])))
    return found if isinstance(found, list) else [found]


# Attention

READ, WRITTEN = "11 March 1991", "1991-03-11⏎"


def weights_of(seed):
    random = np.random.default_rng(seed)
    weights = np.exp(3 * random.normal(size=(len(WRITTEN), len(READ))))
    return weights / weights.sum(axis=1, keepdims=True)


def looks_of(weights):
    shown = made("attention", tokens=list(READ), written=list(WRITTEN), weights=weights.tolist())
    assert [one.title for one in shown] == ["Attention", "Attention map"]
    return shown[0]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("plain", [False, True])
async def test_ribbons_bars_and_words_are_those_of_the_weights(size, plain):
    weights = weights_of(size[0])
    async with Alone(plain).run_test(size=size) as pilot:
        pilot.app.show(looks_of(weights))
        for at, row in [*enumerate(weights)][::5]:
            await pilot.pause()
            lines = pilot.app.lines
            head = next(line for line in lines if " looks at " in line)
            said = head.split(" looks at ")
            assert said[0].strip() == f"'{WRITTEN[at]}'"
            # The strongest come first, as far as there is room, each with its place where its token comes again.
            order = np.argsort(-row)[: np.count_nonzero(row >= 0.05)]
            names = ["␣" if READ[place] == " " else READ[place] for place in order]
            parts = [
                f"'{name}'" + (f" (no. {place + 1})" if READ.count(READ[place]) > 1 else "") + f" {row[place]:.0%}"
                for name, place in zip(names, order, strict=True)
            ]
            full, cut = ", ".join(parts), said[1].strip()
            assert cut == full or (cut.endswith("…") and full.startswith(cut[:-1]))
            bars = lines[lines.index(head) + 1][1:-1]
            heights = [" ▁▂▃▄▅▆▇█".index(sign) for sign in bars]
            tokens = lines[lines.index(head) + 2][1:-1]
            columns = [match.start() for match in re.finditer(r"\S", tokens)]
            assert "".join(tokens.split()) == READ.replace(" ", "␣")
            assert [heights[column] for column in columns] == [round(8 * weight) for weight in row]
            assert sum(heights) == sum(heights[column] for column in columns)
            await pilot.press("right", "down", "right", "right", "down")
        assert pilot.app.query_one(Ribbons).chosen == len(WRITTEN) - 1
        await pilot.press("home")
        assert pilot.app.query_one(Ribbons).chosen == 0


@pytest.mark.parametrize("seed", range(20))
def test_a_ribbon_is_as_wide_as_its_weight_and_joins_its_ends(seed):
    random = np.random.default_rng(seed)
    rows, columns = int(random.integers(1, 30)), int(random.integers(20, 120))
    below, above = random.uniform(5, columns - 5, size=2)
    weights = np.sort(random.uniform(0.05, 1, size=5))
    drawn = [ribbon(below, above, weight, rows, columns) for weight in weights]
    for dots, weight in zip(drawn, weights, strict=True):
        assert dots.any(axis=1).all()
        for line, end in ((dots[0], above), (dots[-1], below)):
            there = np.flatnonzero(line)
            assert there[0] - 1 <= 2 * end + 1 <= there[-1] + 2
        # Every line of dots touches the one before it.
        assert all((a | np.roll(a, 1) | np.roll(a, -1))[b].any() for a, b in pairwise(dots))
        straight = ribbon(below, below, weight, rows, columns)
        assert abs(straight.sum(axis=1) - max(6 * weight, 1)).max() <= 1
    assert all((a <= b).all() for a, b in pairwise(drawn))


@pytest.mark.parametrize("plain", [False, True])
async def test_strong_ribbons_have_more_ink_and_weak_ones_none(plain):
    """One token looks at one other alone, and nowhere else is a ribbon."""
    weights = np.full((2, 2), 0.02)
    weights[0, 0] = weights[1, 1] = 0.98
    async with Alone(plain).run_test(size=(60, 20)) as pilot:
        pilot.app.show(Looks(("a", "b"), ("x", "y"), tuple(map(tuple, weights.tolist()))))
        await pilot.pause()
        rows = [line for line in pilot.app.lines if any("⠀" < sign <= "⣿" for sign in line)]
        ink = np.array([[sum(bin(ord(sign) - 0x2800).count("1") for sign in part if "⠀" <= sign <= "⣿")
                         for part in (row[:9], row[9:])] for row in rows]).sum(axis=0)  # fmt: skip
    assert ink.min() > 0
    # Without colour what is not chosen is dotted: half of the dots.
    assert ink[1] == (pytest.approx(ink[0] / 2, rel=0.1) if plain else pytest.approx(ink[0], rel=0.1))


@pytest.mark.parametrize(("read", "written"), [(300, 200), (1, 1), (40, 3), (3, 40)])
@pytest.mark.parametrize("size", [(60, 20), (30, 8), (12, 5)])
async def test_lines_of_any_length_fit(read, written, size):
    weights = np.full((written, read), 1 / read)
    weights[:, -1] = np.nan
    looks = Looks(
        tuple(f"t{at}" for at in range(written)), tuple(f"r{at}" for at in range(read)), tuple(map(tuple, weights))
    )
    async with Alone().run_test(size=size) as pilot:
        pilot.app.show(looks)
        await pilot.press("end")
        await pilot.pause()
        assert f"t{written - 1}" in pilot.app.lines[-1 - pilot.app.query_one(Ribbons).most_legend] or size[0] < 30
        assert all(len(line) <= size[0] for line in pilot.app.lines)


# The plane


@pytest.mark.parametrize("theme", ["textual-dark", "textual-light", "gruvbox", "solarized-light", "dracula"])
async def test_hues_run_round_the_wheel_in_the_order_of_the_classes(theme):
    app = Alone()
    async with app.run_test() as pilot:
        app.theme = theme
        await pilot.pause()
        ground = app.screen.background_colors[1]
        for count in (2, 3, 10, 12, 40):
            colours = [wheel_colour(at / count, app) for at in range(count)]
            turns = np.array([colorsys.rgb_to_hsv(*colour.normalized)[0] for colour in colours])
            steps = np.diff(np.append(turns, turns[0])) % 1
            assert steps.min() > 0 and steps.sum() == pytest.approx(1)
            assert all(contrast(colour, ground) >= 3 for colour in colours)


def contrast(one, other):
    """The contrast ratio of WCAG 2."""

    def luminance(colour):
        linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in colour.normalized]
        return float(np.dot(linear, [0.2126, 0.7152, 0.0722]))

    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def ring(count, path=(), meaning="the sum"):
    """Forty points of each class round its place on a ring, and a path from place to place."""
    random = np.random.default_rng(count)
    turns = [2 * math.pi * label / count for label in range(count) for _ in range(40)]
    spread = 0.03 * random.normal(size=(len(turns), 2))
    x, y = np.cos(turns) + spread[:, 0], np.sin(turns) + spread[:, 1]
    steps = [(math.cos(2 * math.pi * at / count), math.sin(2 * math.pi * at / count), str(at)) for at in path]
    labels = tuple(map(str, range(count)))
    return Dots(tuple(x), tuple(y), tuple(at for at in range(count) for _ in range(40)), labels, tuple(steps), meaning)


def names_in(lines, count):
    """Where the name of each class stands, as (x, y) from the middle of the picture."""
    found = {}
    for row, line in enumerate(lines):
        for match in re.finditer(r"\d+", line):
            found.setdefault(match.group(), []).append((match.start(), row))
    return found


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("count", [10, 12])
@pytest.mark.parametrize("plain", [False, True])
async def test_each_class_is_named_where_it_lies_and_the_path_covers_no_name(size, count, plain):
    seen = []
    for path in ((), (0, 3, 1, 4, 4)):
        async with Alone(plain).run_test(size=size) as pilot:
            # A legend as long as it may be, so that the picture is as high both times.
            pilot.app.show(ring(count, path, "a long word " * 90))
            await pilot.pause()
            plane = pilot.app.query_one(Plane)
            rows = pilot.app.lines[plane.region.y : plane.region.y + plane.rows]
            seen.append(names_in(rows, count))
            legend = " ".join(pilot.app.lines[plane.region.y + plane.rows :])
            assert re.sub(r"\s+", " ", legend).startswith(" " + " ".join(map(str, range(count)))), legend
            strips = screen_strips(pilot.app)[plane.region.y : plane.region.y + plane.rows]
            expected = {str(at): wheel_colour(at / count, pilot.app).rich_color for at in range(count)}
            inks = {
                segment.text: segment.style.color for strip in strips for segment in strip if segment.text in expected
            }
            if not plain:
                assert inks == expected
            width, height = plane.size.width, plane.rows
    assert seen[0] == seen[1] and set(seen[0]) == set(map(str, range(count)))
    for name, places in seen[0].items():
        for column, row in places:
            x, y = column + len(name) / 2 - 1 - width / 2, 2 * (height / 2 - row - 0.5)
            turn = math.atan2(y, x) / (2 * math.pi) % 1
            off = abs(turn - int(name) / count)
            assert min(off, 1 - off) < 0.7 / count


async def test_a_path_is_numbered_step_by_step_and_leaves_points_their_colours():
    def inks(app):
        strips = screen_strips(app)
        return [[(sign, segment.style.color) for segment in strip for sign in segment.text] for strip in strips]

    pictures = []
    for path in ((), (0, 5, 2)):
        async with Alone().run_test(size=(80, 30)) as pilot:
            pilot.app.show(ring(10, path, "a long word " * 90))
            await pilot.pause()
            rows = pilot.app.query_one(Plane).rows
            pictures.append(inks(pilot.app)[1 : 1 + rows])
    before, after = pictures
    signs = Counter(sign for row in after for sign, _ in row)
    assert all(signs[step] == 1 for step in "①②③") and signs["④"] == 0
    changed = [(a, b) for old, new in zip(before, after, strict=True) for a, b in zip(old, new, strict=True) if a != b]
    # Only where nothing was is anything new, but for a step that has no free place beside it.
    assert len(changed) > 20 and sum(a[0] != " " for a, _ in changed) <= 3


@pytest.mark.parametrize(("path", "told"), [((), ""), ((0, 3, 1), " · dotted path ①–③: after each step of 0 3 1")])
async def test_the_legend_of_a_plane_names_classes_meaning_and_path(path, told):
    async with Alone().run_test(size=(120, 40)) as pilot:
        pilot.app.show(ring(4, path))
        await pilot.pause()
        plane = pilot.app.query_one(Plane)
        legend = " ".join(line.strip() for line in pilot.app.lines[plane.region.y + plane.rows :])
    assert legend == f"0 1 2 3 colour and name: the sum{told}"


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_the_mark_of_the_aha_says_all_its_words(size):
    rows = [
        {"step": step, "prediction": "6", "correct": step > 200, "probability": share, "entropy": 0.1,
         "probabilities": None, "accuracy": share}
        for step, share in zip(range(200, 2001, 200), (0.2, *[1.0] * 9), strict=True)
    ]  # fmt: skip
    (shown,) = made("history", input="1 2 3", truth="6", labels=None, rows=rows, asked=2000, threshold=0.99, aha=400,
                    aha_input=400)  # fmt: skip
    async with Alone().run_test(size=size) as pilot:
        pilot.app.show(shown)
        await pilot.pause()
        assert "aha: 99.00% from here" in "\n".join(pilot.app.lines)


def test_how_forecasts_became_better_is_shown_by_their_error():
    rows = [
        {"step": step, "prediction": "51 52", "correct": None, "probability": None, "entropy": None,
         "probabilities": None, "accuracy": None, "error": error}
        for step, error in ((100, 30.5), (200, 21.25), (300, 22.0))
    ]  # fmt: skip
    (shown,) = made("history", input="50", truth=None, labels=None, rows=rows, asked=None, threshold=0.99, aha=None,
                    aha_input=None)  # fmt: skip
    (line,) = shown.picture.series
    assert line.name == "mean absolute error" and line.y.tolist() == [30.5, 21.25, 22.0]
    assert shown.picture.span == (0.0, None)
    assert shown.words.plain.startswith("mean absolute error 21.250 at step 200, the least of 3 checkpoints")
    assert "aha" not in shown.words.plain


# Heat maps


def heats():
    random = np.random.default_rng(1)
    states = np.clip(random.normal(0, 0.6, size=(6, 9)), -1, 1)
    rows, columns = tuple("abcdef"), tuple("123456789")

    def table(values):
        return tuple(map(tuple, values.tolist()))

    yield Heat(table(states), rows, columns, scale="diverging")
    yield Heat(table(5.2 * states), rows, columns, scale="diverging", most=5.2)
    yield Heat(table(np.abs(states)), rows, columns, percent=True, above="likely")
    yield Heat(table(np.abs(states)), rows, columns, above="of the old memory is kept")
    yield Heat(table(np.where(states > 0.9, np.nan, states)), rows, columns, scale="diverging", most=(1, 2, 3, 4, 5, 6))


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("plain", [False, True])
async def test_every_sign_on_a_heat_map_is_explained_below_it(size, plain):
    async with Alone(plain).run_test(size=size) as pilot:
        for heat, full in zip(heats(), ("1", "5.2", "100%", "1", "largest in its row"), strict=True):
            pilot.app.show(heat)
            await pilot.press("end")
            await pilot.pause()
            drawn = pilot.app.query_one(HeatMap)
            top, end = drawn.region.y + 2, drawn.region.y + drawn.drawn
            cells = "".join(line[2 + drawn.name_width :] for line in pilot.app.lines[top:end])
            legend = " ".join(pilot.app.lines[end:])
            explained = set(legend) | set("123456789" if " 7 is " in legend else "")
            assert set(cells) - set("[] ") <= explained, (cells, legend)
            numbers = re.findall(r"\d+\.\d+|\d+", legend.replace("123456789", ""))
            assert all(len(number) <= len("5.15") for number in numbers), legend
            assert full in legend


@pytest.mark.parametrize(("size", "high"), [((80, 24), 1), ((120, 40), 3), ((200, 60), 4)])
async def test_a_heat_map_fills_the_room_there_is_and_its_legend_follows_it(size, high):
    labels = tuple("0123456789")
    table = tuple(tuple(float(row == column) for column in range(10)) for row in range(10))
    async with Alone().run_test(size=size) as pilot:
        pilot.app.show(Heat(table, labels, labels, "truth", numbered=False, chooses=True))
        await pilot.pause()
        drawn = pilot.app.query_one(HeatMap)
        lines, top = pilot.app.lines, drawn.region.y + 2
        named = [y for y, line in enumerate(lines) if y >= top and line[1:3].strip() in labels]
        assert named == [top + high * at + high // 2 for at in range(10)]
        below = next(y for y, line in enumerate(lines) if "7 is" in line)
        assert below <= top + 10 * high + 1, "no gap between cells and what explains them"
        assert await pilot.click(HeatMap, offset=(4, 2 + 5 * high - 1))
        assert (drawn.row, drawn.column) == (4, 0)


@pytest.mark.parametrize("width", [58, 120])
async def test_the_legend_of_a_low_heat_map_is_whole(width):
    labels = tuple("0123456789")
    table = tuple(tuple(float(row == column) for column in range(10)) for row in range(10))
    async with Alone().run_test(size=(width, 10)) as pilot:
        pilot.app.show(Heat(table, labels, labels, "truth", percent=True, numbered=False))
        await pilot.pause()
        (legend,) = (line for line in pilot.app.lines if "7 is" in line)
    assert legend.rstrip().endswith("7 is 70%, X 100%, · nearly 0; ↑↓ more rows")
    assert ("0 to 100%" in legend) == (width == 120)


async def test_the_cursor_begins_where_most_is_seen_and_stays_where_it_was_put():
    labels = ("0", "1", "2")
    mistakes = Heat(((0.9, 0.1, 0.0), (0.0, 0.6, 0.4), (0.2, 0.0, 0.8)), labels, labels, "truth", numbered=False)
    states = Heat(((0.9, 0.1), (0.2, -0.7), (float("nan"), 0.5)), labels, ("a", "b"), scale="diverging")
    never_wrong = Heat(((1.0, 0.0), (0.0, 1.0)), ("0", "1"), ("0", "1"))
    async with Alone().run_test(size=(100, 30)) as pilot:
        for heat, place in ((mistakes, (1, 2)), (states, (1, 1)), (never_wrong, (0, 0)), (mistakes, (1, 2))):
            pilot.app.show(heat)
            drawn = pilot.app.query_one(HeatMap)
            assert (drawn.row, drawn.column) == place
            await pilot.pause()
            names = [line[1] for line in pilot.app.lines[drawn.region.y + 2 : drawn.region.y + drawn.drawn]]
            assert [name for name in names if name.strip()] == list(heat.rows), "all is in view"
        await pilot.press("up", "left")
        pilot.app.show(states)
        assert (drawn.row, drawn.column) == (0, 1)


async def test_the_cursor_says_its_value_in_words():
    limits = (0.05, 0.35, 0.65, 0.95)
    async with Alone().run_test(size=(100, 30)) as pilot:
        for heat in heats():
            pilot.app.show(heat)
            drawn = pilot.app.query_one(HeatMap)
            for row, column in np.ndindex(len(heat.rows), len(heat.columns)):
                drawn.move_to(row, column)
                value, words = heat.values[row][column], drawn.cursor_words
                part = abs(value) / (heat.most[row] if isinstance(heat.most, tuple) else heat.most)
                size = sum(part > limit for limit in limits)
                if math.isnan(value):
                    assert words.endswith(": NaN")
                elif heat.percent:
                    assert words.endswith(f" {percent(value)} likely")
                elif heat.scale == "sequential":
                    amount = ("nearly nothing", "a little", "about half", "most", "nearly all")[size]
                    assert words.endswith(f", {amount} of the old memory is kept")
                else:
                    assert words.endswith("positive" if size and value > 0 else "negative" if size else "close to zero")
                    assert ("strongly" in words) == (size > 2)


@pytest.mark.parametrize("size", [(60, 20), (60, 34), (120, 40)])
@pytest.mark.parametrize("counts", [(1.0, 0.5, 0.01), (1.0, -0.4, math.nan)])
async def test_every_sign_of_a_strip_is_explained_below_it(size, counts):
    tokens = tuple(zip("abc", counts, strict=True))
    async with Alone().run_test(size=size) as pilot:
        pilot.app.show(
            Shown("", Content("words"), Looks(("a",), ("b",), ((1.0,),)), tokens, counts="without it p falls")
        )
        await pilot.pause()
        lines = [line.strip() for line in pilot.app.lines]
    at = next(at for at, line in enumerate(lines) if line.split() == ["a", "b", "c"])
    figures, said = lines[at + 1], " ".join(lines[at + 2 : at + 4])
    assert said.startswith("without it p falls: X most, 5 half")
    assert set(figures) - set(" +0123456789") <= set(said) and ("?" in said) == ("?" in figures)


# By length


def by_length(lengths, trained):
    count = len(lengths)
    answer = {"lengths": lengths, "accuracy": [1 / (1 + at / 9) for at in range(count)], "low": [0.0] * count}
    (shown,) = made(
        "accuracy_by_length", **answer, high=[1.0] * count, asked=[400] * count, chance=0.1, trained=trained
    )
    return shown


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(("lengths", "trained"), [([2, *range(3, 21), 40, 80, 200, 500], [2, 5]), ([1, 4, 9], [1, 3])])
async def test_lengths_that_go_far_stand_by_their_logarithm(size, lengths, trained):
    async with Alone().run_test(size=size) as pilot:
        pilot.app.show(by_length(lengths, trained))
        await pilot.pause()
        chart, lines = pilot.app.query_one(QueryChart), pilot.app.lines
        assert f"at length {lengths[-1]}" in "\n".join(lines), "the head's accuracy is that of this length alone"
        axis = next(at for at, line in enumerate(lines) if "┬" in line)
        ticks = [match.start() for match in re.finditer("┬", lines[axis])]
        labels = [int(label) for label in lines[axis + 1].split() if label.isdigit()]
        assert pilot.app.pane.written.startswith(f"Trained on {trained[0]}–{trained[1]}, between ▸ and ◂.")
        left, right = lines[axis].index("└") + 1, len(lines[axis].rstrip()) - 1
        places = [math.log10(label / lengths[0]) / math.log10(lengths[-1] / lengths[0]) for label in labels]
        expected = [one for one in (1, 2, 5, 10, 20, 50, 100, 200, 500) if lengths[0] <= one <= lengths[-1]]
        # The name of the axis takes the place of the last ones, where there is no other.
        assert labels == expected[: len(labels)] and len(labels) >= len(expected) - 2
        assert len(ticks) == len(labels)
        for tick, place in zip(ticks, places, strict=True):
            assert abs(left + place * (right - left) - tick) <= 1
        marks = {mark.sign: mark for mark in chart.marks}
        assert 10 ** marks["▸"].x == pytest.approx(trained[0]) and 10 ** marks["◂"].x == pytest.approx(trained[1])
        assert f"◂ trained on {trained[0]}–{trained[1]}" in "\n".join(lines) and "100%┤" in "\n".join(lines)
        # The cursor names lengths, not their logarithms.
        await pilot.press("left")
        await pilot.pause()
        assert f"length {lengths[-1]}" in "\n".join(pilot.app.lines)


async def test_lengths_near_each_other_stand_evenly():
    shown = by_length([2, 3, 4, 5, 6, 7], [2, 5])
    assert shown.picture.x_kind == "number" and list(shown.picture.series[0].x) == [2, 3, 4, 5, 6, 7]


# Forecasts


def forecast(time=None, truth=(5.0, 6.0)):
    answer = {"history": [1.0, 2.0, 3.0, 4.0], "forecast": [4.5, 5.5, 7.0], "truth": truth and list(truth)}
    return made("forecast", **answer, autoregressive=[4.0, 5.0, 6.0], order=2, error_by_horizon=None, time=time)[0]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("plain", [False, True])
async def test_a_forecast_has_years_the_truth_as_points_and_a_boundary(size, plain):
    years = [1996.0, 1997.0, 1998.0, 1999.0, 2000.0, 2001.0, 2002.0]
    async with Alone(plain).run_test(size=size) as pilot:
        pilot.app.show(forecast({"name": "year", "unit": "", "at": years}))
        await pilot.pause()
        chart, text, written = pilot.app.query_one(QueryChart), screen_text(pilot.app), pilot.app.pane.written
    named = {one.name: one for one in chart.series}
    assert named["before"].x.tolist() == years[:4] and named["model"].x.tolist() == years[4:]
    assert named["truth"].x.tolist() == years[4:6] and named["truth"].y.tolist() == [5.0, 6.0]
    assert named["truth"].role == "points" and named["model"].role == "line"
    # Where the first year would stand, the name of the axis does.
    assert {"year", "1998", "2000", "2002"} <= set(text.split()) and chart.x_name == "year" and "▸" in text
    assert years[3] < chart.marks[0].x < years[4] and "(▸ 2000 on)" in written
    assert text.count("▲") >= 3  # in the legend and for each value


async def test_a_forecast_of_dates_and_of_steps():
    days = [86_400.0 * at for at in range(18_262, 18_269)]  # 2020-01-01 on
    async with Alone().run_test(size=(120, 30)) as pilot:
        pilot.app.show(forecast({"name": "when", "unit": "second", "at": days}, truth=None))
        await pilot.pause()
        assert "01 Jan" in screen_text(pilot.app) and "(▸ 2020-01-05 on)" in pilot.app.pane.written
        pilot.app.show(forecast())
        await pilot.pause()
        assert pilot.app.query_one(QueryChart).x_name == "steps ahead"
        assert pilot.app.query_one(QueryChart).series[0].x.tolist() == [-3, -2, -1, 0]


async def test_a_forecast_and_its_errors_name_the_same_lines_alike():
    horizon = {"model": [1.0, 2.0], "autoregressive": [2.0, 3.0], "same_as_last": [4.0, 5.0], "windows": 9}
    views = made("forecast", history=[1.0, 2.0], forecast=[3.0, 4.0], truth=[3.0, 5.0], autoregressive=[2.0, 3.0],
                 order=2, error_by_horizon=horizon, time=None)  # fmt: skip
    looks = []
    async with Alone().run_test(size=(120, 30)) as pilot:
        for shown in views:
            pilot.app.show(shown)
            await pilot.pause()
            (legend,) = (line for line in screen_strips(pilot.app) if "● model" in line.text and "AR(2)" in line.text)
            cells = [(letter, part.style.color) for part in legend for letter in part.text]
            named = "".join(letter for letter, _ in cells)
            looks.append({
                name: cells[named.index(f" {name} ") - 1]
                for name in ("before", "model", "AR(2)", "truth", "same as last") if f" {name} " in named
            })  # fmt: skip
    forecast, errors = looks
    assert forecast.keys() == {"before", "model", "AR(2)", "truth"} and errors.keys() == {
        "model", "AR(2)", "same as last"
    }  # fmt: skip
    assert forecast["model"] == errors["model"] and forecast["AR(2)"] == errors["AR(2)"]
    assert len(set(forecast.values())) == 4 and errors["same as last"][0] != forecast["truth"][0]


@pytest.mark.parametrize("size", SIZES, ids=["60x20", "120x40"])
@pytest.mark.parametrize("kind", ["attention", "ring"])
def test_what_they_look_like(snap_compare, size, kind):
    async def shown(pilot):
        pilot.app.theme = "textual-light" if size == SIZES[1] else "textual-dark"
        # Day, month and year are looked at in the order of the answer.
        weights = np.full((len(WRITTEN), len(READ)), 0.01)
        for at, place in enumerate((9, 10, 11, 12, 8, 3, 4, 2, 0, 1, 12)):
            weights[at, place] = 0.6 + 0.03 * at
        pilot.app.show(looks_of(weights) if kind == "attention" else ring(10, (0, 3, 1)))
        await pilot.press("right", "right")

    assert snap_compare(Alone(), terminal_size=size, run_before=shown)


def test_a_machine_is_a_table_whose_wrong_arrows_stand_out() -> None:
    states = [{"answer": name, "right": name, "share": 0.5, "example": example} for name, example in ("a0", "b1")]
    wrong = [{"state": 1, "token": "1", "to": 1, "right": "a"}]
    (shown,) = made(
        "automaton", states=states, tokens=["0", "1"], arrows=[[0, 1], [1, 1]], certain=[[1.0, 1.0]] * 2, start=0,
        strays=0.0, needed=2, right=False, wrong=1, wrong_arrows=wrong, asked=30, shortest=1, longest=5, dot="",
    )  # fmt: skip
    head, *lines = shown.words.plain.splitlines()[-1], *(line.text.plain for line in shown.picture.lines)
    assert [line.split() for line in lines] == [["→0", "a", "50.00%", "0", "1"], ["1", "b", "50.00%", "1", "1"]]
    # The list puts a mark of two cells before each line.
    assert [head.rindex(token) for token in "01"] == [2 + at for at in (len(lines[0]) - 3, len(lines[0]) - 1)]
    assert [line.question for line in shown.picture.lines] == ["0", "1"]
    red = [text for line in shown.picture.lines for text in coloured(line.text, WRONG)]
    assert red == ["1"] and "1 of all 4 arrows lead elsewhere" in shown.words.plain


def coloured(text: Content, style: str) -> list[str]:
    return [text.plain[span.start : span.end] for span in text.spans if str(span.style) == style]


def test_heads_and_gates_of_blocks_say_what_they_are():
    def layer(number, **gates):
        return {"layer": number, "direction": "forward", "hidden": [[0.1], [0.2]], "cell": None, "gates": gates}

    heads = {"head 1": [[1.0, 0.0], [0.3, 0.7]], "head 2": [[1.0, 0.0], [0.5, 0.5]]}
    shown = {
        picture.title: picture
        for picture in made(
            "inspect", tokens=["a", "b"], labels=None, prediction="x", truth=None, correct=None, probabilities=[],
            written=None, values=None, gradient_norms=[0.1, 0.2],
            saliency={"target": "x", "gradient_input": [0.1, 0.2], "leave_one_out": [0.1, 0.2]},
            layers=[layer(0, **heads), layer(1, candidate=[[3.0], [-4.0]], write=[[0.5], [1.5]])],
        )
    }  # fmt: skip
    head = shown["Layer 1 head 1"]
    assert (head.picture.rows, head.picture.columns) == (("a", "b"), ("a", "b"))
    assert head.picture.values == ((1.0, 0.3), (0.0, 0.7)), "a line for each step that is looked at"
    assert "Layer 1 head 2" in shown
    assert shown["Write gate 2"].picture.most == 1.5 and "1 all of it, 2 turns its sign" in str(
        shown["Write gate 2"].words
    )
    assert shown["Candidate 2"].picture.most == 4.0 and "−1 to 1" not in str(shown["Candidate 2"].words)


def test_counterexamples_are_a_list_to_ask_from() -> None:
    wrong = [
        {"by": "searching", "pattern": None, "input": "4 6 7", "tokens": ["4", "6", "7"], "length": 3, "said": "1",
         "right": "7"},
        {"by": "repeating", "pattern": ["7", "6"], "input": "7 6 7 6 7", "tokens": list("76767"), "length": 5,
         "said": "2", "right": "3"},
    ]  # fmt: skip
    facts = {"patterns": [10, 90], "earliest": [None, 5], "kept": 200, "shortest": 2, "repeated": 500, "searched": 200}
    (shown,) = made("counterexample", wrong=[0, 1], found=wrong, lead=[3.0, -1.0], **facts)
    assert "✗ Not right for every input: one of 3 steps is answered 1 instead of 7; of 100" in shown.words.plain
    assert "come again and again: 1 of 90 of 2 tokens." in shown.words.plain
    assert "in which up to 2 tokens come again and again 1 is wrong" in shown.words.plain
    assert [line.question for line in shown.picture.lines] == ["4 6 7", "7 6 7 6 7"]
    assert [line.text.plain.split() for line in shown.picture.lines] == [
        ["3", "1", "7", "4", "6", "7"],
        ["5", "2", "3", "7", "6", "7", "6", "7"],
    ]
    head, text = shown.words.plain.splitlines()[-1], shown.picture.lines[0].text.plain
    # The list puts a mark of two cells before each line.
    assert (head.index("right"), head.index("input")) == (2 + text.index("7"), 2 + text.index("4"))
    (shown,) = made("counterexample", wrong=[0, 0], found=[], lead=[3.0, 2.5, 2.75], **facts)
    assert "the right answer leads by at least 2.5000 logits" in shown.words.plain
    assert shown.picture.series[0].x.tolist() == [2.0, 3.0, 4.0]

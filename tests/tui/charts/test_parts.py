"""Series, text, palette, sparkline, legend, layout and canvas: the parts that need no screen."""

from __future__ import annotations

import math
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest
from rich.cells import cell_len, split_graphemes
from rich.style import Style
from textual.color import Color
from textual.theme import BUILTIN_THEMES

from seqsum.text import shown
from seqsum_tui.charts import Band, Series, sparkline
from seqsum_tui.charts.axes import YRange, arrange, rows_for_legend, x_extent, y_range
from seqsum_tui.charts.canvas import Canvas
from seqsum_tui.charts.legend import Entry, LegendInks, fitted, legend_lines
from seqsum_tui.charts.palette import DARK_COLOURS, LIGHT_COLOURS, SIGNS, series_colour, unique_signs
from seqsum_tui.charts.text import shorten, shorten_middle, shorten_name, shorten_words

PLAIN = Style()
INKS = LegendInks(PLAIN, PLAIN, PLAIN, PLAIN, PLAIN)


def test_the_charts_stand_alone() -> None:
    code = "import sys, seqsum_tui.charts; print(*[m for m in sys.modules if m in ('torch', 'seqsum.config', 'numba')])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


@pytest.mark.parametrize("log_y", [False, True])
@pytest.mark.parametrize("y", [[], [1.0, 2.0], [-1.0, 2.0], [0.0], [math.nan, 3.0, 1.0], [math.inf, 2.0], [-math.inf]])
def test_what_has_no_place_is_flagged_point_by_point(y: list[float], log_y: bool) -> None:
    series = Series("a", range(len(y)), y)
    drawn = series.drawn(log_y)
    assert drawn.nan.tolist() == [math.isnan(value) for value in y]
    assert drawn.above.tolist() == [value == math.inf for value in y]
    assert drawn.below.tolist() == [value <= 0 if log_y else value == -math.inf for value in y]
    assert series.highest == max([0.0, *(value for value in y if math.isfinite(value))])


def test_a_series_sorts_and_leaves_out_points_without_x() -> None:
    series = Series("a", [3, 1, math.nan, 2], [30, 10, 0, 20], low=[3, 1, 0, 2], high=[4, 2, 0, 3])
    assert series.x.tolist() == [1, 2, 3]
    assert series.y.tolist() == [10, 20, 30]
    assert series.low is not None and series.low.tolist() == [1, 2, 3]
    assert series.high is not None and series.high.tolist() == [2, 3, 4]


def test_points_at_the_same_x_keep_their_order() -> None:
    series = Series("a", [2, 1, 2, 1], [1, 2, 3, 4])
    assert series.y.tolist() == [2, 4, 1, 3]


@pytest.mark.parametrize("x", [[math.nan, 1.0], [1.0, math.nan], [1.0, math.inf], [-math.inf, 1.0]])
def test_an_x_that_is_not_finite_goes_wherever_it_stands(x: list[float]) -> None:
    assert Series("a", x, [1, 2]).x.tolist() == [1.0]


def test_unequal_or_flat_arrays_are_refused_by_name() -> None:
    with pytest.raises(ValueError, match="loss: y has 2 values and x has 3"):
        Series("loss", [1, 2, 3], [1, 2])
    with pytest.raises(ValueError, match="high has 1"):
        Band("b", [1, 2], [1, 2], [3])
    with pytest.raises(ValueError, match="one-dimensional"):
        Series("a", [[1, 2]], [[1, 2]])


def test_the_nearest_point() -> None:
    series = Series("a", [0, 10, 20], [1, 2, 3])
    assert [series.nearest(x) for x in (-5, 4, 5, 6, 14, 99)] == [0, 0, 1, 1, 1, 2]
    assert Series("a", [], []).nearest(3) is None


def test_nothing_that_steers_a_terminal_comes_through() -> None:
    text = shown("a\x1b[31mb\x07\x9b2J\n\tc\u202e\u200bd\u2028\x7f")
    assert text.isprintable()
    assert text == r"a\x1b[31mb\x07\x9b2J  c\u202e\u200bd\u2028\x7f"
    assert shown("[b]损失[/b]") == "[b]损失[/b]"


@pytest.mark.parametrize("width", range(0, 12))
@pytest.mark.parametrize("text", ["learning rate", "损失和学习率", "a损b失c", "xy"])
def test_shortened_text_fits_and_shows_that_it_was_cut(text: str, width: int) -> None:
    for short in (shorten(text, width), shorten_middle(text, width)):
        assert cell_len(short) <= width
        assert short == text or width == 0 or "…" in short
    assert cell_len(text) > width or shorten(text, width) == text


def luminance(colour: str) -> float:
    """Relative luminance as WCAG 2 defines it."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def grounds(dark: bool) -> list[str]:
    """What charts and tables stand on in the themes that are offered; a terminal's own colours are not known."""
    systems = [theme.to_color_system().generate() for theme in BUILTIN_THEMES.values() if theme.dark is dark]
    return [system[name] for system in systems for name in ("background", "surface") if system[name].startswith("#")]


@pytest.mark.parametrize(
    ("colours", "grounds"), [(DARK_COLOURS, ["#000000", *grounds(True)]), (LIGHT_COLOURS, ["#ffffff", *grounds(False)])]
)
def test_colours_stand_out_from_the_ground(colours: tuple[str, ...], grounds: tuple[str, ...]) -> None:
    assert len(set(colours)) == len(colours)
    for colour in colours:
        for ground in grounds:
            lighter, darker = sorted((luminance(colour), luminance(ground)), reverse=True)
            assert (lighter + 0.05) / (darker + 0.05) >= 3, (colour, ground)


# Machado, Oliveira and Fernandes, "A Physiologically-based Model for Simulation of Color Vision Deficiency" (2009),
# severity 1.0, for linear RGB.
BLINDNESS = {
    "deuteranopia": [[0.367, 0.861, -0.228], [0.280, 0.673, 0.047], [-0.012, 0.043, 0.969]],
    "protanopia": [[0.152, 1.053, -0.205], [0.115, 0.786, 0.099], [-0.004, -0.048, 1.052]],
    "tritanopia": [[1.256, -0.077, -0.179], [-0.078, 0.931, 0.148], [0.005, 0.691, 0.304]],
}


def lab(colour: str, matrix: list[list[float]]) -> np.ndarray:
    parts = np.array([int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
    linear = np.clip(np.array(matrix) @ linear, 0, 1)
    to_xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    xyz = to_xyz @ linear / np.array([0.9505, 1.0, 1.089])
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


@pytest.mark.parametrize("kind", BLINDNESS)
@pytest.mark.parametrize("colours", [DARK_COLOURS, LIGHT_COLOURS])
def test_all_colours_differ_for_the_colour_blind(colours: tuple[str, ...], kind: str) -> None:
    seen = [lab(colour, BLINDNESS[kind]) for colour in colours]
    distances = [np.linalg.norm(a - b) for i, a in enumerate(seen) for b in seen[:i]]
    assert min(distances) > 10


def test_colours_come_round_and_signs_take_one_cell() -> None:
    dark, light = (
        SimpleNamespace(native_ansi_color=False, current_theme=SimpleNamespace(dark=dark)) for dark in (True, False)
    )
    assert series_colour(8, dark) == series_colour(0, dark) != series_colour(1, dark)
    assert series_colour(0, light) == Color.parse(LIGHT_COLOURS[0])
    assert all(cell_len(sign) == 1 for sign in SIGNS)


def test_every_series_gets_a_sign_of_its_own() -> None:
    assert unique_signs(["", "★", "", "★", "损"])[1] == "★"
    for wanted in (["", "★", "", "★", "损"], ["●"] * 3, [""] * 30):
        signs = unique_signs(wanted)
        assert len(set(signs)) == len(signs) == len(wanted)
        assert all(cell_len(sign) == 1 for sign in signs)


def test_sparklines() -> None:
    assert sparkline([1, 2, 3, 4, 5, 6, 7, 8], 8) == "▁▂▃▄▅▆▇█"
    assert sparkline([0, 0, 7, 7], 2) == "▁█"
    assert sparkline([1, math.nan, 3], 5) == "▁×█  "
    assert sparkline([1, math.inf, 1, 3], 2) == "▁█"
    assert sparkline([5, 5, 5], 3) == sparkline([0, 0, 0], 3) == "▄▄▄"
    assert sparkline([math.nan] * 9, 3) == "×××"
    assert sparkline([math.inf, 1, 3, -math.inf, math.nan], 5) == "↑▁█↓×"
    assert sparkline([], 4) == "    " and sparkline([1, 2], 0) == "" and sparkline([1, 2], -1) == ""
    assert sparkline([1e308, -1e308, 1e308], 3) == "█▁█"
    for count in (1, 7, 50, 1000):
        line = sparkline(np.random.default_rng(0).normal(size=count), 17)
        assert len(line) == cell_len(line) == 17


def test_a_small_change_is_no_triumph_in_a_sparkline() -> None:
    rising = np.linspace(0.10, 0.13, 24)
    assert set(sparkline(rising, 12, (0.0, 1.0))) == {"▂"}
    assert sparkline([0.0, 0.5, 1.0], 3, (0.0, 1.0)) == "▁▅█"
    hardly = sparkline(np.linspace(2.30, 2.28, 24), 12)
    assert set(hardly) <= {"▄", "▅"}
    assert sparkline(np.linspace(2.3, 0.01, 24), 8) == "█▇▆▅▄▃▂▁"
    negative = sparkline(np.linspace(-2.30, -2.28, 24), 12)
    assert set(negative) <= {"▄", "▅"}


def test_one_spike_does_not_flatten_a_sparkline() -> None:
    falling = np.linspace(2.3, 0.1, 24)
    falling[7] = 1e30
    assert sparkline(falling, 24).count("⇑") == 1
    assert sparkline(falling, 24).replace("⇑", "") == "".join(sparkline(np.delete(falling, 7), 23))
    falling[9] = math.inf
    assert "⇑" in sparkline(falling, 24) and "↑" in sparkline(falling, 24), "the infinite has a sign of its own"
    assert "⇑" not in sparkline([10.0] + [0.05, 0.04, 0.03, 0.02] * 5, 21), "how a run begins is no outlier"


NAMES = [
    "日本語の実験と学習率",
    "👩\u200d💻👩\u200d💻 laboratory",
    "می\u200cخواهم آزمایش",
    "e\u0301clair of e\u0301te\u0301",
    "🇩🇪🇫🇷 flags ❤\ufe0f",
]


@pytest.mark.parametrize("text", NAMES)
def test_names_are_cut_by_cells_and_no_character_in_two(text: str) -> None:
    whole = [text[start:end] for start, end, _ in split_graphemes(text)[0]]
    for width in range(0, cell_len(text) + 2):
        for cut in (shorten(text, width), shorten_middle(text, width)):
            assert cell_len(cut) <= width
            parts = [cut[start:end] for start, end, _ in split_graphemes(cut)[0]]
            assert all(part in whole or part == "…" for part in parts)
        assert width < cell_len(text) or shorten(text, width) == shorten_middle(text, width) == text


@pytest.mark.parametrize("width", [12, 20, 40, 80])
def test_a_legend_of_such_names_fills_its_cells(width: int) -> None:
    for lines in range(1, 5):
        shown = legend_lines(NAMES[1], entries(NAMES), [("~20 steps",), ("zoom",)], width, lines, INKS)
        assert len(shown) <= lines
        assert {sum(cell_len(text) for text, _ in line) for line in shown} == {width}


def entries(names: list[str]) -> list[Entry]:
    return [Entry(sign, name, "0.1234", "0.2", PLAIN) for sign, name in zip(SIGNS, names, strict=False)]


@pytest.mark.parametrize("width", [1, 2, 5, 10, 20, 33, 60, 120])
@pytest.mark.parametrize("lines", [1, 2, 3, 4])
@pytest.mark.parametrize("names", [[], ["train"], ["train", "验证集"], [f"run {k} lr=1e-{k}" for k in range(9)]])
def test_legend_lines_are_exactly_as_wide_as_asked(width: int, lines: int, names: list[str]) -> None:
    shown = legend_lines(
        "损失 loss", entries(names), [("y 0 to 1",), ("smooth over 6 steps", "~6 steps")], width, lines, INKS
    )
    assert 1 <= len(shown) <= lines
    for line in shown:
        assert sum(cell_len(text) for text, _ in line) == width


def text_of(lines: list[list[tuple[str, Style]]]) -> str:
    return "\n".join("".join(text for text, _ in line) for line in lines)


def test_the_legend_drops_the_least_important_first() -> None:
    two, notes = entries(["train", "eval"]), [("× NaN",), ("smooth over 6 steps", "~6 steps")]

    def lines(width: int, rows: int) -> str:
        return text_of(legend_lines("loss", two, notes, width, rows, INKS))

    wide = lines(90, 1)
    assert all(
        part in wide for part in ("loss", "● train 0.1234 (0.2)", "■ eval 0.1234", "× NaN · smooth over 6 steps")
    )
    assert "(0.2)" not in lines(70, 1) and "× NaN · smooth over 6 steps" in lines(70, 1)
    assert "● train 0.1234" in lines(56, 1) and "× NaN · ~6 steps" in lines(56, 1)
    assert "× NaN" in lines(48, 1) and "steps" not in lines(48, 1)
    narrow = lines(30, 1)
    assert "● " in narrow and "■ " in narrow and "0.1234" in narrow and "NaN" not in narrow
    assert all(part in lines(34, 2) for part in ("● train 0.1234", "■ eval 0.1234", "× NaN"))
    many = text_of(legend_lines("loss", entries([f"run {k}" for k in range(9)]), (), 40, 1, INKS))
    assert "+" in many


@pytest.mark.parametrize("lines", [1, 2])
@pytest.mark.parametrize("width", range(8, 60))
def test_a_short_name_stands_whole_or_not_at_all(width: int, lines: int) -> None:
    text = text_of(legend_lines("", entries(["train", "eval"]), (), width, lines, INKS))
    assert "…" not in text and ("train" in text and "eval" in text) == (width > 30)


@pytest.mark.parametrize("width", range(0, 60))
def test_no_note_and_no_number_is_cut(width: int) -> None:
    notes = [
        ("× NaN ↑ +∞",),
        ("↓ 12 points at or below zero aren't shown", "↓ 12 points ≤ 0", "↓ ≤ 0"),
        ("y 0 to 0.25",),
    ]
    told = fitted(notes, width)
    assert cell_len(told) <= width
    assert all(any(part in note for note in notes) for part in told.split(" · ") if told)
    assert ("× NaN ↑ +∞" in told) == (width >= 10)
    for text in ("lr 0.0005→0.001", "train.steps 20,000→300,000 and more", "stopped at 12"):
        cut = shorten_words(text, width)
        assert cell_len(cut) <= width
        whole = [word for word in text.split() if any(map(str.isdigit, word))]
        assert all(word.rstrip("…") in whole for word in cut.split() if any(map(str.isdigit, word)))


def test_without_a_title_series_begin_in_the_first_line_and_a_note_moves_none() -> None:
    four = entries(["before", "model", "AR(9)", "truth"])
    alone, noted = (legend_lines("", four, notes, 58, 2, INKS) for notes in ((), [("year 2008",)]))
    assert all(name in text_of(alone) for name in ("before", "model", "AR(9)", "truth"))
    assert [text_of([line]).replace("year 2008", " " * 9) for line in noted] == [text_of([line]) for line in alone]
    assert text_of(noted[:1]).endswith("year 2008")


def test_the_legend_does_not_move_when_values_change() -> None:
    def shape(value: str) -> list[list[int]]:
        rows = legend_lines("loss", [Entry("●", "train", value, "", PLAIN)] * 3, [("note",)], 50, 3, INKS)
        return [[at for at, glyph in enumerate(text) if glyph == "●"] for text in text_of(rows).split("\n")]

    assert shape("0.1") == shape("1.25e-7") == shape("NaN")


@pytest.mark.parametrize("height", range(0, 30))
@pytest.mark.parametrize("width", [0, 1, 5, 17, 18, 40, 120])
def test_the_parts_of_a_chart_fit_inside(width: int, height: int) -> None:
    layout = arrange(width, height, 6)
    assert layout.gutter + layout.plot_width == width
    assert layout.plot_height >= 0
    below = [row for row in (layout.axis_row, layout.label_row) if row is not None]
    assert layout.plot_height + len(below) == height
    assert all(layout.plot_height <= row < height for row in below) and len(set(below)) == len(below)
    assert rows_for_legend(height) <= max(height // 2, 0)


def test_the_y_range_is_that_of_what_is_in_view() -> None:
    series = Series("a", np.arange(10.0), np.array([100, 1, 2, 3, 4, 5, 6, math.nan, math.inf, 50.0]))
    shown = [(series.x, [series.y, None])]
    found = y_range(shown, (1, 6), False, (None, None))
    assert found is not None and found.bottom <= 1 < 6 <= found.top < 8
    assert y_range(shown, (1, 6), False, (0, 10)) == YRange(0, 10)
    between = y_range(shown, (2.2, 2.6), False, (None, None))
    assert between is not None and between.bottom <= 2 and between.top >= 3
    band = np.array([1.0, 6.0]), [np.array([-5.0, -5.0]), np.array([20.0, 20.0])]
    wide = y_range([*shown, band], (1, 6), False, (None, None))
    assert wide is not None and wide.bottom <= -5 and wide.top >= 20
    assert y_range([(np.array([1.0, 2.0]), [np.array([-1.0, -2.0])])], (1, 2), True, (None, None)) is None


def test_an_outlier_flattens_a_chart_until_it_is_left_out() -> None:
    x = np.arange(1.0, 201.0)
    y = np.where(x == 100, 1e30, 1 / x)
    whole = y_range([(x, [y])], (1, 200), False, (None, None))
    assert whole is not None and whole.flattened and whole.top >= 1e30
    rest = y_range([(x, [y])], (1, 200), False, (None, None), leave_out=True)
    assert rest is not None and rest.flattened and 0.3 < rest.top <= 1.0 and rest.bottom <= 0.005
    assert y_range([(x, [y])], (1, 200), False, (0.0, 2.0)) == YRange(0.0, 2.0), "whoever sets both ends wants these"
    elsewhere = y_range([(x, [y])], (110, 200), False, (None, None))
    assert elsewhere is not None and not elsewhere.flattened


def test_wide_characters_take_two_cells_or_none() -> None:
    canvas = Canvas(6, 2)
    canvas.text(0, 0, "a损b失c", 3)
    assert canvas.strip([PLAIN] * 9, 0).text == "a损b失"
    canvas.text(1, -1, "损失", 3)
    strip = canvas.strip([PLAIN] * 9, 1)
    assert strip.text == " 失   " and strip.cell_length == cell_len(strip.text) == 6


def test_changes_name_the_cells_that_differ() -> None:
    canvas = Canvas(10, 4)
    other = canvas.copy()
    assert canvas.changes(other) == []
    canvas.put(1, 3, "x", 2)
    canvas.put(1, 7, "x", 2)
    canvas.put(3, 0, " ", 2)
    assert canvas.changes(other) == [(1, 3, 7), (3, 0, 0)]


def test_the_extent_of_x_reaches_to_the_fixed_ends_and_stands_still() -> None:
    assert x_extent([], (None, None)) == (0, 1)
    assert x_extent([], (0, 20_000)) == (0, 20_000)
    assert x_extent([np.array([100.0, 900.0])], (0, 20_000)) == (0, 20_000)
    assert x_extent([np.array([100.0, 21_000.0])], (0, 20_000))[1] >= 21_000
    assert x_extent([np.array([500.0])], (None, 100.0))[0] <= 500
    ends = {x_extent([np.array([0.0, float(last)])], (None, None)) for last in range(10_000, 10_200, 10)}
    assert len(ends) <= 2
    left, right = x_extent([np.array([5.0])], (None, None))
    assert left < 5 < right


def test_of_a_sweep_s_setting_the_values_stay():
    rates = [f"baseline-sweep: lr {rate}, weight_decay 0" for rate in ("0.001", "0.003", "0.01")]
    for width in range(6, 60):
        cut = [shorten_name(name, width) for name in rates]
        assert all(cell_len(name) <= width for name in cut) and len(set(cut)) == 3, (width, cut)
    runs = [f"baseline-sweep: lr {rate}, hidden_size {size}-seed-{seed}" for rate in ("0.001", "0.003")
            for size in (8, 16) for seed in (0, 1)]  # fmt: skip
    for width in range(12, 60):
        cut = [shorten_name(name, width) for name in runs]
        assert all(cell_len(name) <= width for name in cut) and len(set(cut)) == 8, (width, cut)
    assert shorten_name(rates[0], 16) == "…0.001, 0" and shorten_name(rates[0], 30) == "…lr 0.001, weight_decay 0"
    assert shorten_name("deeper-networks", 10) == shorten_middle("deeper-networks", 10)

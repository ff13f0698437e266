"""The widget in a running app: what is shown, what is painted again, keys, mouse, messages, sizes."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable

import numpy as np
import pytest
from rich.cells import cell_len
from textual import events
from textual.app import App, ComposeResult
from textual.geometry import Region

from seqsum.plotting.smoothing import smooth
from seqsum_tui.charts import Band, Chart, Mark, Series

RAMP = Series("train", np.arange(0.0, 101.0), np.arange(0.0, 101.0) / 100)


class Room(App[None]):
    """One or more charts, and every message that they post."""

    CSS = "Chart { width: 60; height: 20; }"

    def __init__(self, *charts: Chart, size: tuple[int, int] | None = None) -> None:
        super().__init__()
        self.charts = charts
        self.size_wanted = size
        self.posted: list[Chart.CursorMoved | Chart.ViewChanged] = []

    def compose(self) -> ComposeResult:
        for chart in self.charts:
            if self.size_wanted:
                chart.styles.width, chart.styles.height = self.size_wanted
            yield chart

    def on_chart_cursor_moved(self, event: Chart.CursorMoved) -> None:
        self.posted.append(event)

    def on_chart_view_changed(self, event: Chart.ViewChanged) -> None:
        self.posted.append(event)


def lines(chart: Chart) -> list[str]:
    return [strip.text for strip in chart.render_lines(Region(0, 0, *chart.size))]


def text(chart: Chart) -> str:
    return "\n".join(lines(chart))


def watch_refresh(chart: Chart, monkeypatch: pytest.MonkeyPatch) -> list[tuple[Region, ...]]:
    """Note the regions of every repaint that is asked for from now on."""
    asked: list[tuple[Region, ...]] = []
    refresh = chart.refresh

    def noting(*regions: Region, **options: bool) -> Chart:
        asked.append(regions)
        return refresh(*regions, **options)

    monkeypatch.setattr(chart, "refresh", noting)
    return asked


async def test_it_shows_title_name_value_ticks_and_line() -> None:
    app = Room(Chart("loss", series=[RAMP], x_name="step"))
    async with app.run_test(size=(80, 24)):
        shown = lines(app.charts[0])
    assert shown[0].startswith("loss  ● train 1")
    assert shown[-1].startswith("step") and "20" in shown[-1] and "100" in shown[-1]
    assert any(line.startswith("  0.8┤") for line in shown)
    assert shown[1].rstrip().endswith("●")
    assert all(cell_len(line) == 60 for line in shown) and len(shown) == 20


@pytest.mark.parametrize("alone", [True, False])
async def test_a_band_shades_the_ground_of_its_line_and_makes_no_comb_where_lines_take_turns(alone: bool) -> None:
    flat = np.full(RAMP.x.shape, 0.5)
    pair = [Series(name, RAMP.x, flat) for name in ("train", "eval")]
    chart = Chart("loss", series=pair[:1] if alone else pair, bands=[Band("train", RAMP.x, flat - 0.1, flat + 0.1)])
    async with Room(chart).run_test(size=(80, 24)):
        pieces = [piece for row in range(1, 18) for piece in chart.render_line(row)]
    assert (len({piece.style.bgcolor for piece in pieces if piece.style}) > 1) is alone


async def test_an_empty_chart_says_what_its_owner_wants_said() -> None:
    app = Room(Chart("loss", empty="No steps yet: press [b]p[/b] to go on"))
    async with app.run_test(size=(80, 24)) as pilot:
        assert "No steps yet: press [b]p[/b] to go on" in text(app.charts[0])
        app.charts[0].set_empty("Waiting")
        await pilot.pause()
        assert "Waiting" in text(app.charts[0]) and "No steps" not in text(app.charts[0])
        app.charts[0].set_series([RAMP])
        await pilot.pause()
        assert "Waiting" not in text(app.charts[0])


async def test_nothing_finite_is_said_and_shown() -> None:
    app = Room(Chart("loss", series=[Series("train", [0, 1, 2], [math.nan] * 3)]))
    async with app.run_test(size=(80, 24)):
        shown = text(app.charts[0])
    assert "No finite values" in shown and "× NaN" in shown and shown.count("×") == 4, "three points, and the head"


async def test_text_from_outside_is_literal_and_cannot_steer_the_terminal() -> None:
    hostile = "\x1b[31mred[/b] [bold]损"
    chart = Chart(
        hostile, series=[Series(hostile, [0, 1], [0, 1])], marks=[Mark(0.5, hostile, sign=hostile)], x_name=hostile
    )
    app = Room(chart, size=(120, 20))
    async with app.run_test(size=(130, 24)) as pilot:
        chart.set_cursor(0.5)
        await pilot.pause()
        shown = lines(chart)
    assert "\x1b" not in "".join(shown)
    assert "\\x1b[31mred[/b] [bold]损" in shown[0]
    assert all(cell_len(line) == 120 for line in shown)


async def test_the_view_of_a_tail_repaints_only_its_cells(monkeypatch: pytest.MonkeyPatch) -> None:
    x = np.arange(0.0, 1000.0)
    y = 1 / (1 + x / 100)
    chart = Chart("loss", series=[Series("train", x[:500], y[:500])], x_limits=(0, 1000), y_limits=(0, 1))
    app = Room(chart)
    async with app.run_test(size=(80, 24)) as pilot:
        before = lines(chart)
        await pilot.pause()
        asked = watch_refresh(chart, monkeypatch)
        chart.set_series([Series("train", x[:520], y[:520])])
        await pilot.pause()
        after, repaints = lines(chart), list(asked)
    changed = {
        (column, row)
        for row, (old, new) in enumerate(zip(before, after, strict=True))
        for column, (a, b) in enumerate(zip(old, new, strict=True))
        if a != b
    }
    assert changed
    (regions,) = repaints
    covered = {(column, row) for area in regions for row in area.line_range for column in range(area.x, area.right)}
    assert changed <= covered
    assert {row for _, row in covered} == {row for _, row in changed}
    assert len([cell for cell in covered if cell[1] > 0]) <= 12


async def test_the_same_data_again_repaints_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    chart = Chart("loss", series=[RAMP])
    async with Room(chart).run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        asked = watch_refresh(chart, monkeypatch)
        chart.set_series([Series("train", RAMP.x.copy(), RAMP.y.copy())])
        await pilot.pause()
        assert asked == []


async def test_several_changes_are_drawn_once(monkeypatch: pytest.MonkeyPatch) -> None:
    chart = Chart("loss", series=[RAMP])
    async with Room(chart).run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        asked = watch_refresh(chart, monkeypatch)
        chart.log_y = True
        chart.smoothing = 1.5
        chart.set_marks([Mark(50.0, "changed")])
        chart.cursor_x = 20.0
        await pilot.pause()
        assert len(asked) == 1


@pytest.mark.parametrize(
    "change",
    [
        lambda chart: chart.set_series([Series("eval", RAMP.x, RAMP.y**2)]),
        lambda chart: chart.set_series([Series("train", RAMP.x, RAMP.y, colour="#ff0000")]),
        lambda chart: chart.set_series([]),
        lambda chart: chart.set_bands([Band("train", RAMP.x, RAMP.y - 0.1, RAMP.y + 0.1)]),
        lambda chart: chart.set_marks([Mark(30.0, "paused", kind="pause")]),
        lambda chart: chart.set_cursor(40.0),
        lambda chart: chart.set_view((10, 40)),
        lambda chart: chart.set_x_axis("time", "duration", (0, 3600)),
        lambda chart: chart.set_y_limits(-1, 3),
        lambda chart: setattr(chart, "log_y", True),
        lambda chart: setattr(chart, "smoothing", 9.0),
        lambda chart: setattr(chart, "title", "accuracy"),
    ],
)
async def test_what_is_painted_after_a_change_is_what_a_new_chart_shows(change: Callable[[Chart], None]) -> None:
    """Partial repaints must leave no cell of the old picture behind, in text or in style."""
    old, new = Chart("loss", series=[RAMP], id="old"), Chart("loss", series=[RAMP], id="new")
    change(new)
    app = Room(old, new, size=(60, 12))
    async with app.run_test(size=(80, 30)) as pilot:
        app.set_focus(None)
        await pilot.pause()
        lines(old)
        change(old)
        await pilot.pause()
        area = Region(0, 0, 60, 12)
        painted, fresh = old.render_lines(area), new.render_lines(area)
        for one, other in zip(painted, fresh, strict=True):
            assert list(one.simplify()) == list(other.simplify())


async def test_every_size_works() -> None:
    chart = Chart(
        "损失 loss",
        series=[Series("训练", RAMP.x, RAMP.y), Series("eval", [5], [0.3]), Series("none", [], [])],
        marks=[Mark(20.0, "学习率"), Mark(30.0, "c", kind="checkpoint")],
        bands=[Band("eval", [0, 90], [0, 0.1], [0.3, 0.9])],
        x_name="step",
        smoothing=3.0,
    )
    async with Room(chart).run_test(size=(80, 24)) as pilot:
        await pilot.press("left", "left", "plus", "l")
        for width in (0, 1, 2, 5, 10, 17, 20, 24, 60):
            for height in (0, 1, 2, 3, 5, 8, 20):
                chart.styles.width, chart.styles.height = width, height
                await pilot.pause()
                shown = lines(chart)
                assert [cell_len(line) for line in shown] == [width] * height
                if width >= 20 and height >= 5:
                    assert any("⠀" < glyph <= "⣿" for line in shown for glyph in line)


async def test_resizing_draws_anew() -> None:
    chart = Chart("loss", series=[RAMP])
    async with Room(chart).run_test(size=(80, 24)) as pilot:
        for size in ((30, 8), (0, 0), (70, 23)):
            chart.styles.width, chart.styles.height = size
            await pilot.pause()
            assert [cell_len(line) for line in lines(chart)] == [size[0]] * size[1]


async def test_cursor_keys_go_from_value_to_value() -> None:
    sparse = Series("eval", [0, 30, 60, 90], [4, 3, 2, 1])
    chart = Chart("loss", series=[sparse], x_name="step")
    app = Room(chart)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("left")
        assert chart.cursor_x == 90
        await pilot.press("left", "left")
        assert chart.cursor_x == 30
        assert lines(chart)[0].startswith("loss  ● eval 3 ") and lines(chart)[0].rstrip().endswith("step 30")
        assert " 30 " in lines(chart)[-1]
        assert "│" in lines(chart)[2][10:]
        await pilot.press("right", "right", "right", "right")
        assert chart.cursor_x == 90
        await pilot.press("escape")
        assert chart.cursor_x is None
    moved = [event.x for event in app.posted if isinstance(event, Chart.CursorMoved)]
    assert moved == [90, 60, 30, 60, 90, None]


async def test_cursor_keys_move_on_the_screen_when_values_are_dense() -> None:
    x = np.arange(0.0, 100_000.0)
    chart = Chart("loss", series=[Series("train", x, np.sin(x / 9000))])
    async with Room(chart).run_test(size=(80, 24)) as pilot:
        await pilot.press("left")
        places = [chart.cursor_x]
        for _ in range(10):
            await pilot.press("left")
            places.append(chart.cursor_x)
        cell = 100_000 / 54
        for right, left in itertools.pairwise(places):
            assert right is not None and left is not None
            assert 0.5 * cell < right - left < 1.6 * cell


async def test_zoom_pan_fit_and_follow_by_keys() -> None:
    chart = Chart("loss", series=[RAMP])
    app = Room(chart)
    async with app.run_test(size=(80, 24)) as pilot:
        assert chart.view is None and chart.x_range == (0, 100)
        chart.set_cursor(50.0)
        await pilot.press("plus")
        view = chart.view
        assert view == (12.5, 87.5)
        await pilot.press("shift+right")
        assert chart.view == (25, 100)
        chart.set_series([Series("train", np.arange(0.0, 201.0), np.arange(0.0, 201.0))])
        assert chart.view == (125, 200)
        await pilot.press("home")
        assert chart.view == (0, 75)
        await pilot.press("shift+left")
        assert chart.view == (0, 75)
        await pilot.press("end")
        assert chart.view == (125, 200)
        await pilot.press("minus", "0")
        assert chart.view is None and chart.x_range == (0, 200)
    seen = [event.view for event in app.posted if isinstance(event, Chart.ViewChanged)]
    assert seen[0] == (12.5, 87.5) and seen[-1] is None
    last = app.posted[-1]
    assert isinstance(last, Chart.ViewChanged) and (last.x0, last.x1) == (0, 200)
    assert len(seen) == 6


async def test_the_cursor_takes_the_view_with_it() -> None:
    chart = Chart("loss", series=[RAMP])
    async with Room(chart).run_test(size=(80, 24)) as pilot:
        chart.set_view((40, 50))
        chart.set_cursor(40.0)
        await pilot.press("left", "left")
        assert chart.cursor_x is not None and chart.cursor_x < 40
        assert chart.view is not None and chart.view[0] <= chart.cursor_x


async def test_log_axis_and_smoothing_by_keys() -> None:
    noisy = Series("train", np.arange(0.0, 50.0), np.where(np.arange(50) % 2, 3.0, 1.0))
    chart = Chart("loss", series=[noisy])
    async with Room(chart).run_test(size=(80, 24)) as pilot:
        await pilot.press("l")
        assert chart.log_y and "log y" in lines(chart)[0]
        await pilot.press("l", "s", "s")
        assert not chart.log_y and chart.smoothing == 2
        average = smooth(noisy.x, noisy.y, 2.0)[-1]
        assert "smooth over 2 steps" in lines(chart)[0] and f"train 3 (~{average:.4f})" in lines(chart)[0]
        await pilot.press("S")
        assert chart.smoothing == 1
        await pilot.press("S", "S")
        assert chart.smoothing == 0 and "steps" not in lines(chart)[0]


async def test_the_raw_line_is_behind_the_smoothed_one_in_another_colour() -> None:
    random = np.random.default_rng(0)
    x = np.arange(0.0, 300.0)
    chart = Chart("loss", series=[Series("train", x, random.normal(size=300))], smoothing=100.0)
    async with Room(chart).run_test(size=(80, 24)):
        strips = chart.render_lines(Region(0, 0, 60, 20))
        colours = {
            segment.style.color.name
            for strip in strips[1:-2]
            for segment in list(strip.crop(6))
            if segment.style and segment.style.color and any("⡀" <= c <= "⣿" for c in segment.text)
        }
    assert len(colours) >= 2


async def test_values_without_a_place_are_counted_on_a_log_axis() -> None:
    chart = Chart("loss", series=[Series("train", np.arange(6.0), [1, 0, 2, -1, 3, 1])], log_y=True)
    async with Room(chart).run_test(size=(80, 24)) as pilot:
        shown = lines(chart)
        assert shown[0].startswith("loss · log y  ") and "↓ 2 points ≤ 0" in shown[0] and shown[-3].count("↓") == 2
        chart.styles.width = 100
        await pilot.resize_terminal(110, 24)
        assert "↓ 2 points at or below zero aren't shown" in lines(chart)[0]


@pytest.mark.parametrize("log_y", [False, True])
@pytest.mark.parametrize("size", [(24, 6), (29, 7), (60, 12), (110, 20)], ids=str)
async def test_beyond_the_axis_is_not_infinite_and_the_head_says_which_is_there(size, log_y) -> None:
    y = [1.0, math.inf, 2.0, 1e9, 1.0, 0.01, 2.0]
    chart = Chart("loss", series=[Series("loss", np.arange(7.0), y)], y_limits=(0.1, 10.0), log_y=log_y)
    async with Room(chart).run_test(size=size):
        shown = lines(chart)
        drawn = "".join(shown[1:])
        assert (drawn.count("↑"), drawn.count("⇑"), drawn.count("⇓"), drawn.count("↓")) == (1, 1, 1, 0)
        # Whatever the room: that it is a logarithmic axis, and no half of a note.
        assert ("log y" in shown[0]) == log_y and "…" not in shown[0]
        if size[0] > 24:
            assert "↑ +∞" in shown[0]
        if size[0] > 60:
            assert "⇑⇓ beyond the axis" in shown[0]


@pytest.mark.parametrize("x", [[7.0], [7.0, 8.0], [0.0, 1.0, 2.0, 3.0], [20000.0]], ids=str)
async def test_steps_come_in_no_halves(x) -> None:
    chart = Chart("loss", series=[Series("loss", np.array(x), [1.0] * len(x))], x_name="step")
    async with Room(chart).run_test(size=(100, 14)):
        labels = lines(chart)[-1].replace("step", "").split()
        assert labels and "." not in "".join(labels)


async def test_what_is_not_finite_has_a_sign_for_each_kind_and_the_head_names_them() -> None:
    y = [1.0, math.inf, 2.0, math.nan, 1.0, -math.inf, 2.0]
    chart = Chart("loss", series=[Series("train", np.arange(7.0), y)])
    async with Room(chart).run_test(size=(80, 24)) as pilot:
        shown = lines(chart)
        assert "× NaN ↑ +∞ ↓ -∞" in shown[0]
        top, bottom = next(line for line in shown[1:] if "│" in line or "┤" in line), shown[-3]
        assert top.count("↑") == 1 and bottom.count("×") == bottom.count("↓") == 1
        assert top.index("↑") < bottom.index("×") < bottom.index("↓")
        for x, word in ((1.0, "+∞"), (3.0, "NaN"), (5.0, "-∞")):
            chart.set_cursor(x)
            await pilot.pause()
            assert f"train {word}" in lines(chart)[0]
        chart.set_cursor(None)
        chart.set_series([Series("train", np.arange(3.0), [1.0, 2.0, 3.0])])
        await pilot.pause()
        assert "NaN" not in lines(chart)[0] and "∞" not in lines(chart)[0]


async def test_checkpoints_side_by_side_leave_the_ticks_and_what_happened_between_them() -> None:
    x = np.arange(0.0, 1001.0)
    marks = [Mark(500.0, "paused", kind="pause"), Mark(501.0, "lr 1→2")]
    marks += [Mark(step, "checkpoint", kind="checkpoint") for step in x[1:]]
    chart = Chart("loss", series=[Series("train", x, x)], marks=marks)
    async with Room(chart).run_test(size=(80, 24)) as pilot:
        ruler, labels = lines(chart)[-2:]
        assert ruler.count("▴") > 8 and ruler.count("┬") == len(labels.split()) > 3
        chart.set_cursor(500.0)
        await pilot.pause()
        assert "║ paused, Δ lr 1→2" in lines(chart)[0]
        chart.set_cursor(250.0)
        await pilot.pause()
        assert "▴ checkpoint" in lines(chart)[0]


async def test_marks_stand_at_their_x_and_tell_their_label_under_the_cursor() -> None:
    marks = [
        Mark(50.0, "learning rate 5e-4"),
        Mark(25.0, "checkpoint", kind="checkpoint"),
        Mark(500.0, "outside"),
        Mark(95.0, "x", sign="★", kind="other"),
    ]
    chart = Chart("loss", series=[Series("train", RAMP.x, np.zeros(101))], marks=marks, y_limits=(0, 1))
    async with Room(chart).run_test(size=(80, 24)) as pilot:
        shown = lines(chart)
        column = shown[1].index("Δ")
        assert abs(column - (6 + 50 / 100 * 53)) <= 1
        assert [line[column] for line in shown[2:16]] == ["┊"] * 14
        assert "learning rate 5e-4" in shown[1] and "★" in shown[1]
        assert shown[-2].count("▴") == 1 and "outside" not in text(chart)
        chart.set_cursor(50.0)
        await pilot.pause()
        assert "Δ learning rate 5e-4" in lines(chart)[0]


async def test_two_series_are_told_apart_without_colour(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    series = [Series("train", RAMP.x, RAMP.y), Series("eval", RAMP.x, 1 - RAMP.y)]
    app = Room(Chart("loss", series=series))
    async with app.run_test(size=(80, 24)):
        shown = lines(app.charts[0])
    plot = "\n".join(line[6:] for line in shown[1:-2])
    assert plot.count("●") >= 3 and plot.count("■") >= 3
    assert "● train" in shown[0] and "■ eval" in shown[0]


async def test_signs_of_lines_that_end_together_are_both_seen() -> None:
    series = [Series(name, RAMP.x, np.full(101, 0.5)) for name in ("a", "b", "c")]
    app = Room(Chart("loss", series=series))
    async with app.run_test(size=(80, 24)):
        plot = "\n".join(line[6:] for line in lines(app.charts[0])[1:-2])
    assert [plot.count(sign) for sign in "●■▲"] == [1, 1, 1]


@pytest.mark.parametrize("theme", ["textual-dark", "textual-light", "ansi-dark", "nord"])
async def test_a_new_theme_gives_new_colours(theme: str) -> None:
    chart = Chart("loss", series=[RAMP])
    app = Room(chart)
    async with app.run_test(size=(80, 24)) as pilot:
        app.theme = "textual-light" if theme == "textual-dark" else "textual-dark"
        await pilot.pause()
        before = chart.render_lines(Region(0, 0, 60, 20))
        app.theme = theme
        await pilot.pause()
        after = chart.render_lines(Region(0, 0, 60, 20))
    assert [strip.text for strip in before] == [strip.text for strip in after]
    assert before[5] != after[5]


async def test_hover_moves_the_cursor_and_a_click_leaves_it_there() -> None:
    chart = Chart("loss", series=[RAMP])
    app = Room(chart)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.hover(chart, offset=(6 + 27, 5))
        assert chart.cursor_x is not None and abs(chart.cursor_x - 50) < 3
        await pilot.hover(None, offset=(75, 23))
        assert chart.cursor_x is None
        await pilot.click(chart, offset=(6 + 13, 5))
        pinned = chart.cursor_x
        assert pinned is not None and abs(pinned - 25) < 3
        await pilot.hover(chart, offset=(6 + 40, 5))
        assert chart.cursor_x != pinned
        await pilot.hover(None, offset=(75, 23))
        assert chart.cursor_x == pinned


def wheel(chart: Chart, kind: type[events.MouseEvent], column: int, *, shift: bool = False) -> None:
    chart.post_message(kind(chart, column, 5, 0, 0, 0, shift, False, False, screen_x=column, screen_y=5))


async def test_the_wheel_zooms_round_the_pointer_and_pans_with_shift() -> None:
    chart = Chart("loss", series=[RAMP])
    app = Room(chart)
    async with app.run_test(size=(80, 24)) as pilot:
        under = chart.x_under(events.MouseMove(chart, 30, 5, 0, 0, 0, False, False, False))
        wheel(chart, events.MouseScrollUp, 30)
        await pilot.pause()
        x0, x1 = chart.x_range
        assert x1 - x0 == pytest.approx(75)
        assert (under - x0) / (x1 - x0) == pytest.approx(under / 100, abs=0.01)
        wheel(chart, events.MouseScrollDown, 30, shift=True)
        await pilot.pause()
        assert chart.x_range[0] > x0
        wheel(chart, events.MouseScrollDown, 30)
        await pilot.pause()
        assert chart.view is None


async def test_dragging_pans_and_a_double_click_fits() -> None:
    chart = Chart("loss", series=[RAMP])
    app = Room(chart)
    async with app.run_test(size=(80, 24)) as pilot:
        chart.set_view((40, 60))
        await pilot.pause()
        await pilot.mouse_down(chart, offset=(40, 5))
        await pilot.hover(chart, offset=(30, 5))
        x0, x1 = chart.x_range
        assert x1 - x0 == pytest.approx(20) and x0 == pytest.approx(40 + 10 * 20 / 54)
        await pilot.mouse_up(chart, offset=(30, 5))
        await pilot.hover(None, offset=(75, 23))
        assert chart.cursor_x is None
        await pilot.double_click(chart, offset=(30, 5))
        assert chart.view is None


async def test_setting_cursor_or_view_posts_nothing() -> None:
    chart = Chart("loss", series=[RAMP])
    app = Room(chart)
    async with app.run_test(size=(80, 24)) as pilot:
        chart.set_cursor(30.0)
        chart.cursor_x = 31.0
        chart.set_view((10, 20))
        chart.set_view((11, 20))
        chart.set_view(None)
        chart.set_cursor(None)
        await pilot.pause()
        assert app.posted == []


async def test_a_series_that_ends_before_the_cursor_has_no_value_there() -> None:
    chart = Chart("loss", series=[RAMP, Series("short", [0, 10], [1, 2])])
    async with Room(chart).run_test(size=(80, 24)) as pilot:
        chart.set_cursor(60.0)
        await pilot.pause()
        assert "short –" in lines(chart)[0] and "train 0.6" in lines(chart)[0]


def test_every_key_has_an_id_and_says_what_it_does() -> None:
    bindings = list(Chart.BINDINGS)
    ids = [binding.id for binding in bindings]  # type: ignore[union-attr]
    assert all(ids) and len(set(ids)) == len(ids)
    assert all(binding.tooltip and binding.description for binding in bindings)  # type: ignore[union-attr]
    actions = {binding.action.split("(")[0] for binding in bindings}  # type: ignore[union-attr]
    assert all(hasattr(Chart, f"action_{action}") for action in actions)


async def test_keys_can_be_given_other_places() -> None:
    chart = Chart("loss", series=[RAMP])
    app = Room(chart)
    async with app.run_test(size=(80, 24)) as pilot:
        app.set_keymap({"chart.log_y": "g"})
        await pilot.press("g")
        assert chart.log_y


def extremes() -> Iterable[tuple[str, list[float]]]:
    yield "tiny", [1e-12 * k for k in range(9)]
    yield "huge", [1e30 * k for k in range(9)]
    yield "largest", [1.7e308, -1.7e308, 0]
    yield "ill", [1 + 1e-13 * k for k in range(9)]
    yield "same", [0.7] * 9
    yield "zero", [0.0] * 9
    yield "one", [3.0]
    yield "negative", [-5.0, -3.0, -4.0]
    yield "least", [5e-324, 1e-320]
    yield "infinite", [math.inf, -math.inf, math.nan]


@pytest.mark.parametrize(("name", "values"), extremes())
@pytest.mark.parametrize("log_y", [False, True])
async def test_extreme_values_are_drawn(name: str, values: list[float], log_y: bool) -> None:
    chart = Chart(name, series=[Series("a", np.arange(len(values)), values)], log_y=log_y, smoothing=1.5)
    app = Room(chart)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("left", "plus", "plus")
        await pilot.pause()
        assert all(cell_len(line) == 60 for line in lines(chart))


async def test_points_wear_their_sign() -> None:
    chart = Chart("runs", series=[Series("run", [1, 2, 3], [3, 1, 2], role="points")])
    async with Room(chart).run_test(size=(80, 24)):
        plot = "\n".join(line[6:] for line in lines(chart)[1:-2])
    assert plot.count("●") == 3


@pytest.mark.parametrize("width", [50, 80, 120])
@pytest.mark.parametrize(("low", "high", "first"), [(200, 2000, "200"), (300, 3000, "300"), (1000, 90_000, "1k")])
async def test_where_a_log_axis_begins_is_said_and_so_is_what_it_counts(width, low, high, first) -> None:
    x = np.log10(np.linspace(low, high, 50))
    ends = float(x[0]), float(x[-1])
    chart = Chart("loss", series=[Series("a", x, x)], x_name="log step", x_kind="log", x_limits=ends)
    async with Room(chart, size=(width, 16)).run_test(size=(width + 2, 20)):
        words = lines(chart)[-1]
        assert words.split()[0] == first and words.endswith("  log step") and len(words.split()) >= 4

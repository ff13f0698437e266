"""Comparing runs on the screen: what it shows and what its keys do, at each size."""

import csv
import math
import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from textual.color import Color
from textual.geometry import Region
from textual.widgets import Input, OptionList

from seqsum.compare.files import content
from seqsum_tui.app import Console
from seqsum_tui.charts import palette
from seqsum_tui.charts.scatter import Scatter
from seqsum_tui.compare.chart import CompareChart
from seqsum_tui.compare.columns import LUXURIES, columns_of
from seqsum_tui.compare.differences import DifferencesView
from seqsum_tui.compare.screen import CompareScreen
from seqsum_tui.compare.table import CompareTable
from seqsum_tui.dialogs import export as export_dialog
from seqsum_tui.dialogs.choose import ChooseScreen
from seqsum_tui.dialogs.export import ExportScreen, free_path
from seqsum_tui.shared import bindings
from seqsum_tui.shared.columns import fitting
from seqsum_tui.shared.view_bar import ViewBar
from support.screens import listed, screen_text

SIZES = [(60, 20), (80, 24), (120, 40)]
RATES = ("0.0005", "0.001", "0.002")
WIDTHS = range(30, 260, 7)
NOW = 1_800_000_000.0
# What the scene's accuracy comes to at its last step.
REACHED = 0.1 + 0.85 / (1 + math.exp(-14_000 / 1200))


def shape(run, factor):
    """Give a run curves of its own: the scene's are the same for all."""
    with run.store() as store:
        steps, values = store.points("accuracy")
        seconds = [("train_seconds", int(step), step / 1000) for step in steps]
        store.append([("accuracy", int(step), value * factor) for step, value in zip(steps, values, strict=True)])
        store.append(seconds)
    return run


@pytest.fixture
def sweep(scene):
    """Three learning rates with two seeds each, each rate a group, and a run of its own."""
    runs = []
    for place, rate in enumerate(RATES):
        for seed in (0, 1):
            changes = {"optim.lr": rate, "train.seed": str(seed), "track.group": f"lr {rate}"}
            made = scene.run(name=f"lr {rate} seed {seed}", changes=changes, created=NOW - 3600 + 60 * len(runs))
            runs.append(shape(made, 0.7 + 0.1 * place + 0.02 * seed))
    runs.append(shape(scene.run("deeper_rnn", name="deep 名前 [red]x[/]", created=NOW - 600), 1.02))
    return runs


@pytest.fixture
def console(scene, still):
    made = Console(scene.folder, now=still, remote=False)
    made.animation_level = "none"
    return made


def compared(app):
    return lambda: isinstance(app.screen, CompareScreen) and app.screen.model.comparison and app.screen.model.rows


async def begin(app, pilot, until, runs):
    await until(pilot, lambda: listed(app))
    app.push_screen(CompareScreen([run.id for run in runs]))
    await until(pilot, compared(app))
    chart = app.screen.query_one(CompareChart)
    await until(pilot, lambda: chart.series and app.screen.reader.buckets == max(2 * chart.size.width, 120))
    await until(pilot, lambda: app.screen.query_one(CompareTable).lines)


def row(app, name):
    return next(row for row in app.screen.query_one(CompareTable).lines if row.name == name)


@pytest.mark.parametrize("size", SIZES)
async def test_curves_and_their_table(sweep, console, until, size):
    async with console.run_test(size=size) as pilot:
        await begin(console, pilot, until, sweep)
        chart, shown = console.screen.query_one(CompareChart), screen_text(console)
        assert "1 Curves" in shown and "accuracy" in shown and "lr 0" in shown and "×2" in shown and "final" in shown
        groups = [one for one in chart.series if one.name.startswith("group:")]
        assert len(chart.series) == 4 and len(groups) == 3 and len(chart.bands) == 3
        signs = [one.sign for one in chart.series]
        assert len(set(signs)) == 4 and all(sign in shown for sign in signs)
        # The median and the band of two runs: between them, and both.
        members = [run for run in console.screen.model.comparison.runs if run.summary.group == "lr 0.001"]
        band = next(band for band in chart.bands if band.name == "group:lr 0.001")
        median = next(one for one in groups if one.name == band.name)
        assert np.allclose(median.y, (members[0].curve.mean + members[1].curve.mean) / 2)
        assert np.all(band.low <= median.y) and np.all(median.y <= band.high)
        assert row(console, "lr 0.001").final_difference == pytest.approx(100 * REACHED * (0.81 - 0.71))
        assert "base" in shown and "+9.50 pp" in shown


async def test_a_run_and_a_group_of_one_name_are_told_apart_at_their_ends(scene, console, until):
    runs = [shape(scene.run(name="adds", created=NOW - 900), 0.6)]
    for seed in (0, 1):
        changes = {"train.seed": str(seed), "track.group": "adds"}
        runs.append(shape(scene.run(name=f"seed {seed}", changes=changes, created=NOW - 600 + seed), 1.0))
    async with console.run_test(size=(120, 40)) as pilot:
        await begin(console, pilot, until, runs)
        chart = console.screen.query_one(CompareChart)
        plot = "\n".join(strip.text for strip in chart.render_lines(Region(0, 0, *chart.size)))
        assert "adds ×2 " in plot and re.search(r"adds \d", plot)


@pytest.mark.parametrize("size", SIZES)
async def test_unfold_hide_and_baseline(sweep, console, until, size):
    async with console.run_test(size=size) as pilot:
        await begin(console, pilot, until, sweep)
        chart, table = console.screen.query_one(CompareChart), console.screen.query_one(CompareTable)
        await pilot.press("down", "u")
        await until(pilot, lambda: len(table.lines) == 6 and len(chart.series) == 5)
        await pilot.press("down", "down", "b")
        await until(pilot, lambda: table.selected.baseline)
        assert table.selected.name == "lr 0.001 seed 1"
        assert row(console, "lr 0.001 seed 0").final_difference == pytest.approx(100 * REACHED * (0.8 - 0.82))
        # The row under the cursor lies on top.
        assert chart.series[-1].name == table.selected.key
        await pilot.press("space")
        await until(pilot, lambda: table.selected.hidden)
        assert table.selected.key not in [one.name for one in chart.series]
        await pilot.press("space", "u")
        await until(pilot, lambda: len(table.lines) == 4)
        await pilot.press("down", "i")
        await until(pilot, lambda: {one.name for one in chart.series} == {"group:lr 0.001", "group:lr 0.002"})
        await pilot.press("i")
        await until(pilot, lambda: len(chart.series) == 4)
        await pilot.press("up")
        await until(pilot, lambda: table.selected.name == "lr 0.001")
        # Folded, its group is the baseline.
        assert row(console, "lr 0.001").baseline and table.selected.name == "lr 0.001"


async def test_a_row_that_is_no_group_says_so_where_it_is_to_be_unfolded(sweep, console, until):
    async with console.run_test(size=(80, 24)) as pilot:
        await begin(console, pilot, until, sweep)
        table = console.screen.query_one(CompareTable)
        await pilot.press("end")
        await until(pilot, lambda: table.selected.kind == "run")
        await pilot.press("u")
        await until(pilot, lambda: "This is one run" in screen_text(console))
        assert len(table.lines) == 4
        await pilot.press("up")
        await until(pilot, lambda: "This is one run" not in screen_text(console))


@pytest.mark.parametrize("size", SIZES)
async def test_only_settings_that_differ(sweep, console, until, size):
    async with console.run_test(size=size) as pilot:
        await begin(console, pilot, until, sweep)
        await pilot.press("2")
        view = console.screen.query_one(DifferencesView)
        await until(pilot, lambda: view.has_focus and "optim.lr" in screen_text(console))
        lines = {line.key: line.texts for line in view.lines}
        assert lines["optim.lr"] == ("0.0005", "0.001", "0.002", "0.001")
        assert not {"train.seed", "track.group", "optim.beta1"} & lines.keys()
        for _ in range(4):
            await pilot.press("right")
        await until(pilot, lambda: "dee" in screen_text(console) and "x[/]" in screen_text(console))


@pytest.mark.parametrize("width", range(60, 140, 7))
async def test_a_run_of_the_settings_is_left_out_only_where_it_has_no_room(scene, console, until, width):
    runs = [
        scene.run(name=name, changes={"optim.lr": rate})
        for name, rate in (("a", "0.1"), ("bb", "0.2"), ("c" * 9, "0.3"))
    ]
    async with console.run_test(size=(width, 40)) as pilot:
        await begin(console, pilot, until, runs)
        await pilot.press("2")
        view = console.screen.query_one(DifferencesView)
        await until(pilot, lambda: view.has_focus and "optim.lr" in screen_text(console))
        heading = view.render_line(0).text
        needed = (
            1
            + max(len(line.key) for line in view.lines)
            + sum(
                2 + max(8, len(run.name) + 2, *(len(line.texts[place]) for line in view.lines))
                for place, run in enumerate(runs)
            )
        )
        assert ("›" in heading) == (needed > view.size.width - 1), heading


@pytest.mark.parametrize("size", SIZES)
async def test_scatter_of_a_setting_against_a_metric(sweep, console, until, size):
    async with console.run_test(size=size) as pilot:
        await begin(console, pilot, until, sweep)
        await pilot.press("3")
        scatter = console.screen.query_one(Scatter)
        await until(pilot, lambda: scatter.clouds and "over optim.lr" in screen_text(console))
        shown = screen_text(console)
        assert "0.0005" in shown and "0.002" in shown
        points = {cloud.key: cloud.points for cloud in scatter.clouds}
        bests = [run.best[1] for run in console.screen.model.comparison.runs if run.summary.group == "lr 0.001"]
        assert [y for _, y in points["group:lr 0.001"]] == bests
        assert [x for x, _ in points["group:lr 0.001"]] == pytest.approx([0.001, 0.001])
        await pilot.press("h")
        await until(pilot, lambda: "over optim.lr" not in scatter.title)
        await pilot.press("f")
        await until(pilot, lambda: scatter.title.startswith("final accuracy"))
        await pilot.press("H")
        await until(pilot, lambda: isinstance(console.screen, ChooseScreen))
        await pilot.press(*"optim", "enter")
        await until(pilot, lambda: isinstance(console.screen, CompareScreen) and "over optim.lr" in scatter.title)


async def test_cursor_metric_time_and_order(sweep, console, until):
    async with console.run_test(size=(120, 40)) as pilot:
        await begin(console, pilot, until, sweep)
        chart, table = console.screen.query_one(CompareChart), console.screen.query_one(CompareTable)
        await pilot.press("left")
        await until(pilot, lambda: "at 20,000" in screen_text(console))
        deep = row(console, "deep 名前 [red]x[/]")
        assert deep.at == deep.final and deep.at_difference == pytest.approx(deep.final_difference)
        await pilot.press("escape")
        await until(pilot, lambda: chart.cursor_x is None and "at 20,000" not in screen_text(console))
        await pilot.press("o")
        await until(pilot, lambda: table.lines[0].name.startswith("deep"))
        # The baseline stays the one it was.
        assert row(console, "lr 0.0005").baseline
        await pilot.press("t")
        await until(pilot, lambda: "time" in screen_text(console) and chart.series[0].x[-1] == 20.0)
        await pilot.press("t", "m")
        await until(pilot, lambda: chart.title == "train_accuracy")
        await pilot.press("M")
        await until(pilot, lambda: isinstance(console.screen, ChooseScreen))
        await pilot.press(*"loss", "enter")
        await until(pilot, lambda: isinstance(console.screen, CompareScreen) and chart.title == "loss")
        assert console.screen.model.comparison.direction == "lower"
        await pilot.press("d")
        await until(pilot, lambda: console.screen.model.comparison.direction == "higher")
        await pilot.press("y", "s")
        await until(pilot, lambda: chart.log_y and chart.smoothing > 0)


async def test_zoom_reads_finer_and_comes_back(scene, console, until):
    run = scene.run(name="long")
    generator = np.random.default_rng(0)
    with run.store() as store:
        store.append([("accuracy", step, float(generator.random())) for step in range(1, 30_001)])
    async with console.run_test(size=(80, 24)) as pilot:
        await begin(console, pilot, until, [run, scene.run(name="other")])
        chart = console.screen.query_one(CompareChart)
        whole = chart.x_range
        assert whole == (0, 30_000) and chart.series[0].x.size < 30_000
        for _ in range(12):
            await pilot.press("plus")
        await until(
            pilot, lambda: any(one.x.size and one.x[0] > 25_000 and one.x[1] - one.x[0] == 1 for one in chart.series)
        )
        # What the table tells of the whole run does not depend on the stretch that is shown.
        assert row(console, "long").final_step == 30_000 and chart.extent == whole
        await pilot.press("0")
        await until(pilot, lambda: chart.x_range == whole and min(one.x[0] for one in chart.series) < 600)


async def test_a_click_on_a_point_chooses_its_row(sweep, console, until):
    async with console.run_test(size=(120, 40)) as pilot:
        await begin(console, pilot, until, sweep)
        await pilot.press("3")
        scatter, table = console.screen.query_one(Scatter), console.screen.query_one(CompareTable)
        await until(pilot, lambda: len(scatter.painted) == 7)
        key = "group:lr 0.002"
        sign = next(cloud.sign for cloud in scatter.clouds if cloud.key == key)
        region, lines = scatter.content_region, screen_text(console).splitlines()
        row, column = next((y, lines[y].index(sign)) for y in range(region.y, region.bottom) if sign in lines[y])
        await pilot.click(offset=(column, row))
        await until(pilot, lambda: table.selected.key == key)


async def test_views_signs_and_rows_answer_the_mouse(sweep, console, until):
    async with console.run_test(size=(120, 40)) as pilot:
        await begin(console, pilot, until, sweep)
        bar, table = console.screen.query_one(ViewBar), console.screen.query_one(CompareTable)
        for name, view in (("Scatter", 2), ("Settings", 1), ("Curves", 0)):
            column = screen_text(console).splitlines()[0].index(name)
            await pilot.click(bar, offset=(column, 0))
            await until(pilot, lambda view=view: console.screen.model.view == view)
        await until(pilot, lambda: table.size.height > 3)
        await pilot.click(table, offset=(20, 3))
        await until(pilot, lambda: table.selected.name == "lr 0.002")
        await pilot.click(table, offset=(1, 2))
        await until(pilot, lambda: row(console, "lr 0.001").hidden)
        # A group that is opened shows its runs; a run that is opened is watched.
        await pilot.press("enter")
        await until(pilot, lambda: len(table.lines) == 6)
        await pilot.press("down", "enter")
        await until(pilot, lambda: type(console.screen).__name__ == "LiveScreen")
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(console.screen, CompareScreen))


async def test_from_the_list_of_runs_and_adding_more(sweep, console, until):
    async with console.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: listed(console))
        await until(pilot, lambda: console.screen.run_in_hand() is not None)
        await pilot.press("c")
        # One run alone: the list to choose from opens by itself.
        await until(pilot, lambda: isinstance(console.screen, ChooseScreen))
        await pilot.press(*"seed")
        await until(pilot, lambda: console.screen.query_one(OptionList).option_count == 6)
        await pilot.press("space", "space", "enter")
        await until(pilot, lambda: compared(console)() and len(console.screen.model.comparison.runs) == 3)
        table = console.screen.query_one(CompareTable)
        await until(pilot, lambda: len(table.lines) == 2)
        await pilot.press("delete")
        await until(pilot, lambda: len(table.lines) == 1)
        await pilot.press("delete")
        await until(pilot, lambda: "Nothing to compare yet" in screen_text(console))
        await pilot.press("escape")
        await until(pilot, lambda: type(console.screen).__name__ == "RunsScreen")


@pytest.mark.parametrize("size", SIZES)
async def test_runs_of_a_sweep_are_told_apart_where_one_adds_them(scene, console, until, size):
    names = [f"adds-sweep: lr {lr}, hidden_size 32-seed-{seed}" for lr in (0.001, 0.004, 0.5) for seed in (0, 1)]
    runs = [scene.run(name=name, changes={"track.group": name.partition("-seed")[0]}) for name in names]
    other = scene.run(name="other")
    async with console.run_test(size=size) as pilot:
        await console.push_screen(CompareScreen([other.id]))
        await until(pilot, lambda: isinstance(console.screen, ChooseScreen))
        await until(pilot, lambda: console.screen.query_one(OptionList).option_count == len(runs))
        assert all(name in screen_text(console) for name in names)


async def test_a_live_run_goes_on_growing(scene, console, until):
    live = scene.run(name="live", status="running", step=5000)
    other = scene.run(name="other", step=5000)
    async with console.run_test(size=(80, 24)) as pilot:
        await begin(console, pilot, until, [live, other])
        chart = console.screen.query_one(CompareChart)
        with live.store() as store:
            store.append([("accuracy", 5500, 0.97)])
        await until(pilot, lambda: any(one.x[-1] == 5500 for one in chart.series))
        assert row(console, "live").final == 0.97 and row(console, "other").final_step == 5000
        told = []
        console.notify = lambda message, *, title="", **more: told.append(title)
        with live.store() as store:
            store.set_state(status="finished")
        await until(pilot, lambda: row(console, "live").status == "finished")
        assert told == ["◉ live finished"]


@pytest.mark.parametrize(
    ("view", "downs", "format", "name"),
    [("1", 0, "png", "compare-accuracy.png"), ("1", 1, "svg", "compare-accuracy.svg"),
     ("1", 2, "pdf", "compare-accuracy.pdf"),
     ("1", 3, "csv", "compare-accuracy.csv"), ("1", 4, "csv", "compare-accuracy-table.csv"),
     ("2", 0, "csv", "compare-settings.csv"), ("3", 0, "png", "compare-accuracy-scatter.png"),
     ("3", 3, "csv", "compare-accuracy-scatter.csv")],
)  # fmt: skip
async def test_export_of_what_is_shown(sweep, console, until, tmp_path, monkeypatch, view, downs, format, name):
    monkeypatch.setattr(export_dialog, "default_folder", lambda: tmp_path)
    (tmp_path / name).write_text("mine")
    told = []
    async with console.run_test(size=(80, 24)) as pilot:
        await begin(console, pilot, until, sweep)
        console.screen.notify = lambda message, **more: told.append(message)
        screen = console.screen
        await pilot.press("down", "space", view, "E")
        await until(pilot, lambda: isinstance(console.screen, ExportScreen))
        for _ in range(downs):
            await pilot.press("down")
        await until(pilot, lambda: console.screen.query_one(Input).value.endswith(f"-2.{format}"))
        await pilot.press("enter")
        path = free_path(tmp_path, Path(name).stem, format).with_name(name.replace(f".{format}", f"-2.{format}"))
        await until(pilot, lambda: told and path.exists())
    assert (tmp_path / name).read_text() == "mine" and str(path.name) in told[0]
    if format == "png":
        with Image.open(path) as image:
            assert image.size[0] == 1800
    elif format == "pdf":
        assert path.read_bytes().startswith(b"%PDF-")
    elif format == "svg":
        texts = "".join(ElementTree.fromstring(path.read_text(encoding="utf-8")).itertext())
        assert "lr 0.002" in texts and "[red]x[/]" in texts and "lr 0.001" not in texts
    else:
        with path.open(encoding="utf-8", newline="") as file:
            lines = list(csv.reader(file))
        flat = " ".join(cell for line in lines for cell in line)
        assert "lr 0.002" in flat and "lr 0.001 " not in flat
        if name == "compare-accuracy.csv":
            drawn = [one for one in screen.model.rows if one.drawn]
            assert float(lines[-1][1]) == drawn[0].y[-1] and lines[-1][0] == "20000"


async def test_an_export_is_refused_where_a_file_lies(sweep, console, until, tmp_path, monkeypatch):
    monkeypatch.setattr(export_dialog, "default_folder", lambda: tmp_path)
    async with console.run_test(size=(80, 24)) as pilot:
        await begin(console, pilot, until, sweep)
        await pilot.press("E")
        await until(pilot, lambda: isinstance(console.screen, ExportScreen))
        (tmp_path / "mine.png").write_text("mine")
        console.screen.query_one(Input).value = str(tmp_path / "mine.png")
        await until(pilot, lambda: "is there already" in screen_text(console))
        console.screen.query_one(Input).value = f"/tmp/{'far/' * 40}last/mine.png"
        await pilot.press("tab", "home")
        await until(pilot, lambda: screen_text(console).count("/last") == 1)
        console.screen.query_one(Input).value = str(tmp_path / f"{'x' * 260}.png")
        await until(pilot, lambda: "✗ File name too long" in screen_text(console))
        await pilot.press("enter")
        await pilot.pause()
        assert isinstance(console.screen, ExportScreen)
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(console.screen, CompareScreen))


async def test_a_run_that_is_gone_and_runs_without_metrics(scene, console, until):
    empty = scene.run(name="empty", step=0)
    async with console.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: listed(console))
        console.push_screen(CompareScreen([empty.id, "20200101-000000-gone"]))
        await until(pilot, compared(console))
        await until(pilot, lambda: "no metrics yet" in screen_text(console))
        for key in ("3", "2", "m", "b", "u", "space", "left", "t", "o", "1"):
            await pilot.press(key)
        assert isinstance(console.screen, CompareScreen)


async def test_a_scatter_says_how_many_points_have_no_place(scene, console, until):
    runs = [scene.run(name=f"seed {seed}", changes={"train.seed": str(seed)}) for seed in range(3)]
    with runs[1].store() as store:
        store.append([("accuracy", 20_500, float("nan"))])
    async with console.run_test(size=(80, 24)) as pilot:
        await begin(console, pilot, until, runs)
        await pilot.press("3")
        await until(pilot, lambda: "best accuracy over train.seed" in screen_text(console))
        assert "without a value" not in screen_text(console)
        await pilot.press("f")
        await until(pilot, lambda: "1 of 3 without a value" in screen_text(console))
        texts = ElementTree.fromstring(content(console.screen.shown, "scatter", "svg")[0]).itertext()
        assert "over train.seed, 1 of 3 without a value" in set(texts)


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_no_difference_is_cut_off(scene, console, until, size):
    """A number without its end is another number."""
    runs = [scene.run(name=name) for name in ("low", "high")]
    with runs[0].store() as store:
        steps, losses = store.points("loss")
        store.append([("loss", int(step), float(loss) / 300) for step, loss in zip(steps, losses, strict=True)])
    async with console.run_test(size=size) as pilot:
        await console.push_screen(CompareScreen([run.id for run in runs], metric="loss"))
        await until(pilot, compared(console))
        await until(pilot, lambda: "+29,900%" in screen_text(console))
        assert "+29,9…" not in screen_text(console)


async def test_the_axis_ends_where_what_is_drawn_ends(scene, console, until):
    runs = [scene.run(name="short", step=4000), scene.run(name="long", step=20_000)]
    async with console.run_test(size=(80, 24)) as pilot:
        await begin(console, pilot, until, runs)
        chart, table = console.screen.query_one(CompareChart), console.screen.query_one(CompareTable)
        assert chart.x_range == (0, 20_000)
        await pilot.press("end", "space")
        await until(pilot, lambda: chart.x_range == (0, 4000))
        assert table.selected.name == "long"
        await pilot.press("space", "home")
        await until(pilot, lambda: chart.x_range == (0, 20_000) and table.selected.name == "short")


async def test_values_that_are_no_numbers(scene, console, until):
    runs = [scene.run(name="nan"), scene.run(name="infinite"), scene.run(name="fine")]
    for run, last in zip(runs, (float("nan"), float("inf")), strict=False):
        with run.store() as store:
            store.append([("accuracy", 20_500, last)])
    async with console.run_test(size=(120, 40)) as pilot:
        await begin(console, pilot, until, [runs[2], *runs[:2]])
        await until(pilot, lambda: "NaN" in screen_text(console) and "+∞" in screen_text(console))
        assert row(console, "nan").best == row(console, "fine").best and row(console, "nan").final_difference is None
        for key in ("2", "3", "f", "1", "y", "o", "b", "left", "s"):
            await pilot.press(key)
            await pilot.pause()
        await until(pilot, lambda: "smooth" in screen_text(console) or "at 20,500" in screen_text(console))
        shown = console.screen.shown
    lines = list(csv.DictReader(content(shown, "curves", "csv")[0].decode().splitlines()))
    assert [lines[-1][name] for name in ("step", "nan", "infinite")] == ["20500", "nan", "inf"]
    assert {"NaN", "+infinity"} <= set(ElementTree.fromstring(content(shown, "curves", "svg")[0]).itertext())


async def test_resizing_never_breaks(sweep, console, until):
    async with console.run_test(size=(120, 40)) as pilot:
        await begin(console, pilot, until, sweep)
        for view in ("1", "2", "3"):
            await pilot.press(view)
            for size in [(60, 20), (220, 60), (30, 8), (80, 24), (10, 3), (120, 40)]:
                await pilot.resize_terminal(*size)
                await pilot.pause()
        await until(pilot, lambda: "3 Scatter" in screen_text(console))


async def test_the_theme_and_no_colour(sweep, console, until):
    async with console.run_test(size=(80, 24)) as pilot:
        await begin(console, pilot, until, sweep)
        chart = console.screen.query_one(CompareChart)

        def drawn_in(colours: Sequence[str]) -> bool:
            return {Color.parse(one.colour) for one in chart.series} <= set(map(Color.parse, colours))

        assert drawn_in(palette.DARK_COLOURS)
        console.theme = "textual-light"
        await until(pilot, lambda: drawn_in(palette.LIGHT_COLOURS))
        console.theme = "ansi-dark" if "ansi-dark" in console.available_themes else "textual-ansi"
        await until(pilot, lambda: all(one.colour.startswith("ansi_") for one in chart.series))
        assert "accuracy" in screen_text(console)


def test_every_key_has_an_id_a_label_and_a_tooltip():
    keys = [*bindings.COMPARE, *bindings.COMPARE_TABLE, *bindings.DIFFERENCES]
    assert all(key.id and key.description and key.tooltip for key in keys)
    assert len({key.id for key in keys}) == len(keys)


async def test_the_palette_finds_metrics_settings_and_actions(sweep, console, until):
    async with console.run_test(size=(120, 40)) as pilot:
        await begin(console, pilot, until, sweep)
        for typed, arrived in (
            ("scatter over optim.lr", lambda: "over optim.lr" in console.screen.query_one(Scatter).title),
            ("compare loss", lambda: console.screen.query_one(CompareChart).title == "loss"),
        ):
            await pilot.press("ctrl+p")
            await until(pilot, lambda: not isinstance(console.screen, CompareScreen))
            await pilot.press(*typed)
            await until(pilot, lambda typed=typed: screen_text(console).lower().count(typed) >= 2)
            await pilot.press("enter")
            await until(pilot, lambda arrived=arrived: isinstance(console.screen, CompareScreen) and arrived())


def test_signs_and_colours_are_the_charts_own():
    from seqsum.compare import looks

    assert looks.SIGNS == palette.SIGNS and looks.PAPER_COLOURS == palette.LIGHT_COLOURS
    assert looks.HUES == len(palette.DARK_COLOURS) == len(palette.TERMINAL_COLOURS)


@pytest.mark.parametrize("at", [None, "12,345"])
def test_columns_fit(at):
    columns = columns_of("accuracy", (), at)
    for width in WIDTHS:
        places = fitting(columns, width, LUXURIES)
        gap = 2 if width >= 76 else 1
        assert sum(place.width + place.gap for place in places) <= max(width, 22 + gap)
        assert {"name", "final"} <= {place.column.key for place in places}


async def test_a_logarithmic_x_moves_the_curves_and_not_their_values(sweep, console, until):
    async with console.run_test(size=(120, 40)) as pilot:
        await begin(console, pilot, until, sweep)
        chart, screen = console.screen.query_one(CompareChart), console.screen
        linear = {one.name: one for one in chart.series}
        await pilot.press("x")
        await until(pilot, lambda: "log step" in screen_text(console))
        for one in chart.series:
            assert np.allclose(10**one.x, linear[one.name].x) and np.array_equal(one.y, linear[one.name].y)
        assert chart.x_range[0] == pytest.approx(math.log10(min(one.x[0] for one in linear.values())), abs=0.1)
        await pilot.press("left")
        await until(pilot, lambda: "at 20,000" in screen_text(console))
        deep = row(console, "deep 名前 [red]x[/]")
        assert deep.at == deep.final
        await pilot.press("plus", "plus")
        await until(pilot, lambda: screen.reader.window is not None)
        left, right = (10**end for end in chart.view)
        assert screen.reader.window == (int(left), int(right) + 1) and screen.shown.x_range == (left, right)
        svg = content(screen.shown, "curves", "svg")[0].decode()
        assert "step, log" in "".join(ElementTree.fromstring(svg).itertext())
        await pilot.press("0", "t")
        await until(pilot, lambda: "log time" in screen_text(console))
        await until(pilot, lambda: chart.series and 10 ** chart.series[0].x[-1] == pytest.approx(20.0))
        await pilot.press("x", "t")
        await until(pilot, lambda: chart.x_range[1] == 20_000 and "log step" not in screen_text(console))


async def test_groups_say_how_sure_their_difference_is(scene, console, until):
    """By the test of the command line: ten seeds each, all of the one better than all of the other."""
    ids = []
    for rate, factor in (("0.001", 0.5), ("0.002", 0.9)):
        for seed in range(10):
            changes = {"optim.lr": rate, "train.seed": str(seed), "track.group": f"lr {rate}"}
            made = scene.run(name=f"lr {rate} seed {seed}", changes=changes, created=NOW - 3600 + 60 * len(ids))
            ids.append(shape(made, factor + 0.001 * seed).id)
    async with console.run_test(size=(160, 40)) as pilot:
        await until(pilot, lambda: listed(console))
        console.open_compare(ids)
        await until(pilot, lambda: isinstance(console.screen, CompareScreen))
        table = console.screen.query_one(CompareTable)
        await until(pilot, lambda: console.screen.model.tested)
        await pilot.press("down")
        text = "lr 0.002 is better than lr 0.001: better with 10 of 10 seeds, p < 0.001"
        await until(pilot, lambda: text in screen_text(console))
        assert table.selected.name == "lr 0.002" and "95% interval" in screen_text(console)
        await pilot.press("up")
        await until(pilot, lambda: table.selected.baseline)
        assert text in screen_text(console), "on the baseline it is that of the first other"

"""The runs of a group as small multiples, and what runs beside the list: counted by hand, opened by key and click."""

from __future__ import annotations

import json

import pytest

from seqsum_tui.app import Console
from seqsum_tui.charts.multiples import Small, SmallMultiples
from seqsum_tui.charts.surface import ChartSurface
from seqsum_tui.live.chart_grid import LiveCharts
from seqsum_tui.live.screen import LiveScreen
from seqsum_tui.runs.live_wall import LiveWall, RunTile
from seqsum_tui.runs.preview import RunPreview
from seqsum_tui.runs.table import RunTable
from support.screens import listed, screen_strips, screen_text

NOW = 1_800_000_000.0


@pytest.fixture
def console(scene, still, query_server):
    made = Console(scene.folder, now=still, remote=False, query_command=query_server("good"))
    made.animation_level = "none"
    return made


@pytest.fixture
def seeds(scene):
    """Eleven runs of a group; every third ends at an accuracy at which it has learned."""
    made = []
    for seed in range(11):
        changes = {"track.group": "seeds", "train.seed": str(seed)}
        run = scene.run("adds", name=f"seeds-seed-{seed}", created=NOW - 900 + seed, changes=changes)
        with run.store() as store:
            store.append([("accuracy", 20_000, 0.999 if seed % 3 == 0 else 0.31)])
        made.append(run)
    return made


@pytest.mark.parametrize("odd", ["seven", None, [1], {"a": 1}, 1.5, True])
async def test_a_seed_of_another_kind_takes_no_list_down(console, seeds, until, odd):
    for run in seeds[:2]:
        record = json.loads((run.folder / "run.json").read_text())
        record["config"]["train"]["seed"] = odd
        (run.folder / "run.json").write_text(json.dumps(record))
    async with console.run_test(size=(200, 60)) as pilot:
        await until(pilot, beside_list(console))
        await until(pilot, lambda: len(multiples(console).curves) == len(seeds))
        assert {curve.key for curve in multiples(console).curves} == {run.id for run in seeds}


def multiples(app):
    return app.screen.query_one(SmallMultiples)


def beside_list(app):
    return lambda: listed(app) and app.screen.query_one(RunTable).has_focus


@pytest.mark.parametrize("size", [(80, 40), (120, 40), (200, 60)])
async def test_as_many_are_light_as_learned_and_each_opens_its_run(console, seeds, until, size):
    async with console.run_test(size=size) as pilot:
        await until(pilot, beside_list(console))
        await pilot.press("v")
        await until(pilot, lambda: multiples(console).has_focus and multiples(console).curves)
        learned = [seed for seed, run in enumerate(seeds) if run.summary(judged=True).verdict.word == "learned"]
        assert learned == [0, 3, 6, 9]
        widget = multiples(console)
        assert [curve.key for curve in widget.curves] == [run.id for run in seeds], "by seed"
        assert [place for place, curve in enumerate(widget.curves) if curve.light] == learned
        await until(pilot, lambda: "4 of 11 learned" in screen_text(console))
        assert console.screen.query_one("#preview-curves").display == (size[0] >= 180), "both where there is room"
        at = widget.region_of(5)
        await pilot.click(SmallMultiples, offset=(at.x + 1, at.y + 1))
        await until(pilot, lambda: isinstance(console.screen, LiveScreen))
        assert console.screen.run.id == seeds[5].id
        await pilot.press("escape")
        await until(pilot, lambda: listed(console))
        console.screen.set_focus(multiples(console))
        await pilot.press("right", "enter")
        await until(pilot, lambda: isinstance(console.screen, LiveScreen))
        assert console.screen.run.id == seeds[6].id


@pytest.mark.parametrize(("wanted", "there"), [("without", "without values  ✗"), ("nobody", "No run is like")])
@pytest.mark.parametrize("each", [False, True])
async def test_curves_under_a_runs_name_are_its_own(console, seeds, scene, until, each, wanted, there):
    """Also where another line comes under the cursor while the curves are hidden, and where no line is left."""
    scene.run("adds", name="without values", status="failed", step=0, created=NOW - 9000)
    async with console.run_test(size=(120, 40)) as pilot:
        await until(pilot, beside_list(console))
        await until(pilot, lambda: "median" in screen_text(console))
        if each:
            await pilot.press("v")
            await until(pilot, lambda: multiples(console).region.height)
        await pilot.press("slash", *wanted, "enter")
        await until(pilot, lambda: there in screen_text(console))
        await pilot.pause()
        assert "median" not in screen_text(console)


async def test_the_key_is_offered_for_a_group_and_gives_the_table_the_keys_back(console, seeds, scene, until):
    scene.run(name="alone", created=NOW - 10)
    async with console.run_test(size=(120, 40)) as pilot:
        await until(pilot, beside_list(console))
        assert "Each run" not in screen_text(console)
        await pilot.press("down")
        await until(pilot, lambda: "Each run" in screen_text(console))
        await pilot.press("v")
        await until(pilot, lambda: multiples(console).has_focus and multiples(console).size.height > 2)
        await pilot.press("escape")
        await until(pilot, lambda: console.screen.query_one(RunTable).has_focus)
        await until(pilot, lambda: not multiples(console).display)


@pytest.mark.parametrize("size", [(20, 6), (44, 9), (90, 40), (190, 12)])
@pytest.mark.parametrize("count", [1, 7, 32, 300])
async def test_curves_share_the_room_and_none_covers_another(console, until, size, count):
    curves = [Small(str(k), f"{k} [b]", (0.0, k / count, 1.0), "✓", light=k % 2 == 0) for k in range(count)]
    widget = SmallMultiples()
    widget.styles.width, widget.styles.height = size
    async with console.run_test(size=(200, 60)) as pilot:
        await until(pilot, lambda: console.screen.query("#empty"))
        await console.screen.mount(widget, before=0)
        widget.show("1 of 2", "note", curves)
        await pilot.pause()
        lines = [widget.render_line(y).text for y in range(size[1])]
        assert all(len(line) == size[0] for line in lines)
        regions = [widget.region_of(place) for place in range(widget.grid.shown)]
        cells = [(x, y) for at in regions for x in range(at.x, at.right) for y in range(at.y, at.bottom)]
        assert len(cells) == len(set(cells)) and all(0 <= x < size[0] and 1 <= y < size[1] for x, y in cells)
        assert widget.grid.shown == count or f"{count - widget.grid.shown} more" in lines[0] or size[0] < 30
        if widget.grid.shown == count and size[0] > 40:
            assert sum(line.count("✓") for line in lines) == count


def boxes(app):
    return {name: app.screen.query_one(name).region for name in ("#list", "#beside")}


async def test_what_runs_stands_beside_the_list_the_newest_first(console, scene, until):
    ended = scene.run(name="ended", created=NOW - 5000)
    async with console.run_test(size=(200, 60)) as pilot:
        await until(pilot, beside_list(console))
        wall = console.screen.query_one(LiveWall)
        before, preview = boxes(console), console.screen.query_one(RunPreview)
        assert not wall.display and preview.region.height == before["#beside"].height, "the room is the preview's"
        running = [scene.run(name=f"r{k}", status="running", step=3000 + k, created=NOW - 100 - k) for k in range(5)]
        console.screen.wake()
        await until(pilot, lambda: len(wall.tiles) == 5 and all(tile.series for tile in wall.tiles))
        await until(pilot, lambda: all(tile.size for tile in wall.tiles))
        assert boxes(console) == before, "nothing of the list moved"
        assert [tile.running.entry.summary.id for tile in wall.tiles] == [run.id for run in running]
        for run, tile in zip(running, wall.tiles, strict=True):
            shown = "\n".join(strip.text for strip in tile.render_lines(tile.size.region))
            assert run.name in shown and "learning" in shown and "%" in shown
        assert preview.region.height >= before["#beside"].height // 2 and ended.name in screen_text(console)
        await pilot.click(wall.tiles[2], offset=(5, 3))
        await until(pilot, lambda: isinstance(console.screen, LiveScreen))
        assert console.screen.run.id == running[2].id
        await pilot.press("escape")
        await until(pilot, lambda: listed(console))
        console.screen.set_focus(console.screen.query(RunTile).last())
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(console.screen, LiveScreen))
        assert console.screen.run.id == running[4].id


@pytest.mark.parametrize("size", [(60, 20), (80, 24), (120, 40), (200, 24)])
async def test_on_other_screens_nothing_of_it_is_read_or_shown(console, scene, until, size):
    scene.run(name="r", status="running", step=3000)
    async with console.run_test(size=size) as pilot:
        await until(pilot, beside_list(console))
        console.screen.wake()
        await pilot.pause()
        assert not console.screen.query_one(LiveWall).display and not console.screen.query(RunTile)


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_a_banner_moves_no_chart(console, scene, watch, until, size):
    run = scene.run(name="one", status="running", step=5000)
    async with console.run_test(size=size) as pilot:
        await watch(pilot, run)
        charts = console.screen.query_one(LiveCharts)
        await until(pilot, lambda: charts.charts[0].series and charts.charts[0].region)
        before = [chart.region for chart in charts.charts]
        with run.store() as store:
            store.set_state(status="paused")
        console.screen.wake()
        await until(pilot, lambda: "goes on, " in screen_text(console))
        assert [chart.region for chart in charts.charts] == before


@pytest.mark.parametrize(
    ("size", "shown"),
    [((60, 20), 2), ((80, 24), 2), ((80, 34), 3), ((90, 24), 3), ((120, 40), 3), ((200, 60), 3)],
)
async def test_the_learning_rate_is_there_and_slim_where_it_stands_beside(console, scene, watch, until, size, shown):
    run = scene.run(name="one", status="running", step=5000)
    async with console.run_test(size=size) as pilot:
        await watch(pilot, run)
        charts = console.screen.query_one(LiveCharts)
        await until(pilot, lambda: charts.charts[0].series and charts.charts[0].region)
        seen = [chart for chart in charts.charts if chart.display]
        assert len(seen) == shown
        if shown == 3:
            loss, accuracy, rate = seen
            beside = loss.region.y == rate.region.y
            assert rate.title == "learning rate" and abs(loss.size.width - accuracy.size.width) <= 1
            assert (18 <= rate.size.width < 0.8 * loss.size.width) if beside else rate.size.width > 2 * loss.size.width
            assert beside == (size != (80, 34))
        assert all(strip.cell_length <= size[0] for strip in screen_strips(console))
        assert isinstance(seen[0], ChartSurface)

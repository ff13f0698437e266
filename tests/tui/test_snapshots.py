"""Pictures of the screens, to see what a change does: `pytest --snapshot-update` after looking at the report."""

import pytest

from seqsum.runs import bin, index
from seqsum.runs.annotations import annotate
from seqsum_tui.app import Console
from seqsum_tui.dialogs.help import HelpScreen
from seqsum_tui.live.chart_grid import LiveCharts
from seqsum_tui.live.screen import LiveScreen
from seqsum_tui.runs.bin_screen import BinScreen
from seqsum_tui.runs.filter_line import FilterBox
from seqsum_tui.runs.live_wall import RunTile
from seqsum_tui.runs.table import RunTable
from support.screens import listed

SIZES = [(80, 24), (120, 40)]
HOUR = 3600.0


@pytest.fixture
def console(scene, still, monkeypatch, query_server):
    monkeypatch.setenv("HOME", str(scene.folder.parent))
    now = still()
    scene.run(
        name="overnight", status="running", step=7300, created=now - 48 * HOUR, alive=False, log="step 7,200\nKilled\n"
    )
    scene.run("large_batch", status="stopped", step=12_000, created=now - 2 * HOUR)
    scene.run(
        "deeper_rnn", status="failed", step=3400, created=now - 1.5 * HOUR, reason="the loss became NaN at step 3,412"
    )
    scene.run("sota_warmup", name="名前 [red]x[/]", created=now - HOUR)
    scene.run("baseline", status="paused", step=9100, created=now - 600, changes={"optim.lr": "0.005"})
    run = scene.run(
        "baseline", name="baseline-7", status="running", step=12_400, created=now - 130, log="step 12,400\n"
    )
    with run.store() as store:
        store.add_event(6000, "set", field="optim.lr", old="0.001", new="0.005")
        store.add_event(8200, "paused")
    for seed, accuracy in enumerate((0.4, 0.996, 0.9)):
        changes = {"track.group": "seeds", "train.seed": str(seed)}
        replicate = scene.run("sota", name=f"sota-{seed}", created=now - 72 * HOUR + seed, changes=changes)
        with replicate.store() as store:
            store.append([("accuracy", 20_000, accuracy)])
    annotate(replicate.folder, starred=True, note="the best of them", tags=["night"])
    made = Console(scene.folder, now=still, remote=False, query_command=query_server("good"))
    made.animation_level = "none"
    return made


async def test_runs(pictures, console, until):
    def ready():
        broad = console.size.width >= 200
        tiles = [tile for tile in console.screen.query(RunTile) if tile.series]
        curves = [chart for chart in console.screen.query("#preview-loss") if chart.series]
        return listed(console) and (console.size.height < 24 or curves) and (not broad or tiles)

    async with console.run_test(size=(120, 40)) as pilot:
        await until(pilot, ready)
        await pictures(pilot, ready)


def test_a_broad_list_with_live_charts_beside_it(snap_compare, scene, console, until):
    """At 200×60: what runs as a grid, and the preview as high as the room that is left."""
    for number, step in enumerate((800, 9000)):
        scene.run("sota", name=f"running-{number}", status="running", step=step, created=console.now() - 60 * number)

    async def ready(pilot):
        await until(pilot, lambda: listed(console) and console.screen.query("#preview-loss"))
        await until(pilot, lambda: console.screen.query_one("#preview-loss").series)
        await until(pilot, lambda: len(console.screen.query(RunTile)) == 3)
        await until(pilot, lambda: all(tile.series for tile in console.screen.query(RunTile)))

    assert snap_compare(console, terminal_size=(200, 60), run_before=ready)


async def test_live(pictures, console, until):
    async with console.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: listed(console))
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(console.screen, LiveScreen) and console.screen.view is not None)
        charts = console.screen.query_one(LiveCharts)
        await pictures(pilot, lambda: console.screen.view.buckets == charts.buckets)


@pytest.mark.parametrize("size", SIZES)
def test_a_group_under_a_filter(snap_compare, console, until, size):
    async def ready(pilot):
        await until(pilot, lambda: listed(console) and console.screen.query_one(RunTable).has_focus)
        table = console.screen.query_one(RunTable)
        await pilot.press("slash")
        console.screen.query_one(FilterBox).value = "group:seeds or is:died"
        await until(pilot, lambda: len(table.lines) == 2)
        await pilot.press("enter", "end", "enter")
        await until(pilot, lambda: len(table.lines) == 5)
        await pilot.press("down", "space", "home", "down")
        await until(pilot, lambda: console.screen.query("#preview-loss"))
        chart = console.screen.query_one("#preview-loss")
        await until(pilot, lambda: chart.series and chart.series[0].name == "median" and len(table.marked) == 1)

    assert snap_compare(console, terminal_size=size, run_before=ready)


def test_a_small_screen_where_one_types_a_filter(snap_compare, console, until):
    async def ready(pilot):
        await until(pilot, lambda: listed(console) and console.screen.query_one(RunTable).has_focus)
        table = console.screen.query_one(RunTable)
        await pilot.press("end")
        await until(pilot, lambda: table.selected.kind == "group")
        await pilot.press("slash")
        box = console.screen.query_one(FilterBox)
        box.cursor_blink = False
        box.value = "not status:"
        box.cursor_position = len(box.value)
        await until(pilot, lambda: "accuracy" in str(console.screen.query_one("#preview-words").render()))
        await until(pilot, lambda: box.render_line(0).text.strip() != box.value)

    assert snap_compare(console, terminal_size=(60, 20), run_before=ready)


@pytest.mark.parametrize("size", SIZES)
def test_the_bin(snap_compare, scene, console, still, until, monkeypatch, size):
    deleted = [run for run in scene.workspace.runs() if run.name in ("sota-1", "sota-2", "deeper_rnn")]
    for run in deleted:
        bin.delete(run)
    times = {run.id: still() - 90 * (place + 1) for place, run in enumerate(deleted)}
    monkeypatch.setattr(bin, "deleted_at", lambda folder: times)
    # A file's blocks are another number on another file system.
    monkeypatch.setattr(index, "size_on_disk", lambda folder: 123_456)

    async def ready(pilot):
        await until(pilot, lambda: listed(console))
        await pilot.press("B")
        await until(pilot, lambda: isinstance(console.screen, BinScreen) and console.screen.query_one(RunTable).lines)
        await pilot.press("space")

    assert snap_compare(console, terminal_size=size, run_before=ready)


@pytest.mark.parametrize("key", ["s", "t", "N"])
def test_dialogs_over_the_list(snap_compare, console, until, key):
    """Sort by, tags, and a note; of the marked runs."""

    async def ready(pilot):
        await until(pilot, lambda: listed(console) and console.screen.query("#preview-loss"))
        await until(pilot, lambda: console.screen.query_one("#preview-loss").series)
        await pilot.press("end", "space", "home", "space", key)
        await until(pilot, lambda: console.screen.is_modal)
        await until(pilot, lambda: console.screen.focused is not None)
        console.screen.focused.cursor_blink = False

    assert snap_compare(console, terminal_size=(80, 24), run_before=ready)


async def test_help(pictures, console, until):
    async with console.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: listed(console) and console.screen.query("#preview-loss"))
        await until(pilot, lambda: console.screen.query_one("#preview-loss").series)
        await pilot.press("question_mark")
        await until(pilot, lambda: isinstance(console.screen, HelpScreen) and console.screen.focused is not None)
        await pictures(pilot)

"""Pictures of the dialogs that fork and rewind: `pytest --snapshot-update` after looking at the report."""

import json

import pytest

from seqsum.runs import checkpoint_files
from seqsum_tui.app import Console
from seqsum_tui.dialogs.fork import ForkScreen
from seqsum_tui.dialogs.rewind import RewindScreen
from seqsum_tui.live.chart_grid import LiveCharts
from seqsum_tui.live.screen import LiveScreen
from support.screens import listed, screen_text, screen_words
from support.stores import alter

SIZES = [(60, 20), (80, 24), (120, 40)]
STEPS = range(1000, 12_001, 1000)


@pytest.fixture
def console(scene, still):
    """A stopped run with a checkpoint every thousand steps, one of them saved by hand."""
    run = scene.run(name="名前 [red]x[/]", status="stopped", step=12_400, created=still() - 600, reason="by a person")
    for step in STEPS:
        keep(run, step)
    with run.store() as store:
        for step in STEPS:
            reason = {"reason": "snapshot" if step == 9000 else "interval"}
            event = still() - 540 + step / 50, step, json.dumps(reason)
            alter(store, "INSERT INTO event(time, step, kind, detail) VALUES (?, ?, 'checkpoint', ?)", *event)
        store.add_event(7000, "set", field="optim.lr", old="0.001", new="0.005")
    made = Console(scene.folder, now=still, remote=False)
    made.animation_level = "none"
    return made


def keep(run, step):
    """Write what a fork looks at before it begins; nobody loads these weights."""
    folder = checkpoint_files.folder_of(run.checkpoints, step)
    folder.mkdir(parents=True)
    state = json.dumps({"config": run.record.config, "step": step})
    files = dict.fromkeys(checkpoint_files.FILES, b"weights") | {checkpoint_files.STATE_FILE: state.encode()}
    for name, content in files.items():
        (folder / name).write_bytes(content)
    sums = {name: checkpoint_files.checksum(content) for name, content in files.items()}
    (folder / checkpoint_files.CHECKSUMS_FILE).write_text(json.dumps(sums))


@pytest.fixture
def opened(console, until):
    """Open the live view, put the cursor on step 9,000 or so, and open a dialog by its key."""

    async def open_it(pilot, key, dialog):
        await until(pilot, lambda: listed(console))
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(console.screen, LiveScreen) and console.screen.view is not None)
        charts = console.screen.query_one(LiveCharts)
        await until(pilot, lambda: console.screen.view.buckets == charts.buckets)
        for chart in charts.charts:
            chart.set_cursor(9400.0)
        await pilot.press(key)
        await until(pilot, lambda: isinstance(console.screen, dialog) and console.screen.step == 9000)

    return open_it


@pytest.mark.parametrize("size", SIZES)
def test_fork(snap_compare, console, opened, until, size):
    async def ready(pilot):
        await opened(pilot, "F", ForkScreen)
        await pilot.press(*"optim.lr=0.01")
        await until(pilot, lambda: "0.001 → 0.01" in screen_text(console))
        assert "Fork 名前 [red]x[/]: a new run" in screen_text(console)

    assert snap_compare(console, terminal_size=size, run_before=ready)


@pytest.mark.parametrize("size", SIZES)
def test_rewind(snap_compare, console, opened, until, size):
    async def ready(pilot):
        await opened(pilot, "R", RewindScreen)
        await until(pilot, lambda: "From step 12,400 back to 9,000" in screen_words(console))
        assert "Rewind 名前 [red]x[/]: back" in screen_text(console)

    assert snap_compare(console, terminal_size=size, run_before=ready)

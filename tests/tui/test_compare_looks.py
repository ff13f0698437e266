"""Pictures of the comparison: `pytest --snapshot-update` after looking at the report."""

import pytest

from seqsum_tui.app import Console
from seqsum_tui.charts.scatter import Scatter
from seqsum_tui.compare.chart import CompareChart
from seqsum_tui.compare.differences import DifferencesView
from seqsum_tui.compare.screen import CompareScreen
from seqsum_tui.compare.table import CompareTable
from support.screens import listed

NOW = 1_800_000_000.0


@pytest.fixture
def runs(scene):
    """Two groups of three and two runs of their own, with accuracies that differ."""
    made = []
    for place, rate in enumerate(("0.001", "0.01")):
        for seed in range(3):
            changes = {"optim.lr": rate, "train.seed": str(seed), "track.group": f"lr {rate}"}
            made.append(scene.run(name=f"lr {rate} seed {seed}", changes=changes, created=NOW - 9000 + 60 * len(made)))
            _lift(made[-1], 0.6 + 0.2 * place + 0.05 * seed)
    made.append(scene.run("deeper_rnn", created=NOW - 900))
    made.append(scene.run(name="名前 [red]x[/]", status="stopped", step=13_000, created=NOW - 600))
    _lift(made[-1], 0.9)
    return made


def _lift(run, factor):
    with run.store() as store:
        steps, values = store.points("accuracy")
        store.append([("accuracy", int(step), value * factor) for step, value in zip(steps, values, strict=True)])


@pytest.mark.parametrize("keys", [("down", "left"), ("2",), ("3", "down")], ids=["curves", "settings", "scatter"])
async def test_compare(pictures, scene, runs, still, until, keys):
    console = Console(scene.folder, now=still, remote=False)
    console.animation_level = "none"
    async with console.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: listed(console))
        screen = CompareScreen([run.id for run in runs])
        console.push_screen(screen)
        await until(pilot, lambda: screen.model.comparison and screen.model.rows)
        chart, table = screen.query_one(CompareChart), screen.query_one(CompareTable)
        await until(pilot, lambda: len(screen.model.comparison.runs) == len(runs))
        for key in keys:
            await pilot.press(key)
        if "2" in keys:
            await until(pilot, lambda: screen.query_one(DifferencesView).needed > 5)
        if "3" in keys:
            scatter = screen.query_one(Scatter)
            await until(pilot, lambda: scatter.size.width and scatter.painted)
        if "down" in keys:
            await until(pilot, lambda: table.selected and table.selected.key == table.lines[1].key)
        if "left" in keys:
            await until(pilot, lambda: table.lines[0].at is not None)

        await pictures(pilot, lambda: not chart.display or screen.reader.buckets == max(2 * chart.size.width, 120))

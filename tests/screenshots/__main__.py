"""Trains real runs in a workspace of their own and takes a picture of each screen, as SVG in `docs/pictures`.

`python -m tests.screenshots tour` takes those of the tour alone; `live`, `compare`, `beginning`, `fork` and
`runs` those of these screens, where `beginning` is New run and the settings; `first_run` is the moving one,
`lessons` that of the tutorial, `sweep` that of a sweep.
"""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import platformdirs
from textual.pilot import Pilot

from seqsum.control import commands
from seqsum.launch import LocalLauncher
from seqsum.presets import load_preset
from seqsum.runs import Run, Workspace
from seqsum_tui.app import Console
from seqsum_tui.compare.screen import CompareScreen
from seqsum_tui.live.screen import LiveScreen
from tests.screenshots.asking import take_tour
from tests.screenshots.beginning import take_beginning
from tests.screenshots.first_run import take_first_run
from tests.screenshots.forking import take_fork
from tests.screenshots.lessons import take_lessons, train_groups
from tests.screenshots.listing import take_listing, train_listed
from tests.screenshots.sweeping import take_sweep

FOLDER = Path(__file__).parents[2] / "docs" / "pictures"
RUNS = ("baseline", "large_batch_lr5e-3", "sota_warmup")
FORKED, TOURED = RUNS[1], RUNS[2]
GROUP, SEEDS = "deeper_rnn", 3
LEARNING = {"train.backend": "torch"}
"""A run that is still there to be looked at: compiled code would have ended it before the picture is taken."""
SIZE = (120, 36)
QUESTION = "1 2 3 5 1 2 4"
PATIENCE_SECONDS = 60.0


def train_to_the_end(workspace: Workspace, presets: tuple[str, ...]) -> list[Run]:
    """Train runs, one after another."""
    launcher = LocalLauncher()
    runs = []
    for preset in presets:
        run = commands.start(workspace, launcher, preset, load_preset(preset).config)
        while run.summary().live:
            time.sleep(0.2)
        runs.append(run)
    return runs


def train(workspace: Workspace) -> dict[str, Run]:
    """Train the runs to their end, and a group of seeds; return the runs by their presets."""
    runs = train_to_the_end(workspace, RUNS)
    for seed in range(SEEDS):
        changes = {"train.seed": seed, "track.group": f"{GROUP}, {SEEDS} seeds"}
        config = load_preset(GROUP).config.changed(changes, "screenshots")
        run = commands.start(workspace, LocalLauncher(), GROUP, config)
        while run.summary().live:
            time.sleep(0.2)
    return dict(zip(RUNS, runs, strict=True))


def learning(workspace: Workspace) -> Run:
    """Return a run that trains, and whose learning rate was changed on the way."""
    config = load_preset(TOURED).config.changed(LEARNING, "screenshots")
    run = commands.start(workspace, LocalLauncher(), TOURED, config, "steered")
    while run.summary().step < 2600:
        time.sleep(0.2)
    commands.set_value(run, "optim.lr", "0.003")
    return run


async def shown(pilot: Pilot[None], condition: Callable[[str], bool]) -> None:
    """Wait until the screen's text fulfils a condition."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition(pilot.app.export_screenshot().replace("&#160;", " ")):
        if time.monotonic() > deadline:
            raise TimeoutError("the screen never showed what was waited for")
        await pilot.pause(0.2)


def keep(name: str, picture: str) -> None:
    (FOLDER / f"{name}.svg").write_text(picture, encoding="utf-8")


async def take_live(workspace: Workspace, run: Run) -> None:
    """A run that trains, with an answered question; the charts have the keys."""
    console = Console(workspace.folder)
    async with console.run_test(size=SIZE) as pilot:
        console.push_screen(LiveScreen(run))
        await shown(pilot, lambda text: "running" in text and "3 lr" in text)
        await pilot.press("A")
        await shown(pilot, lambda text: "ready" in text)
        await pilot.press(*QUESTION, "enter")
        await shown(pilot, lambda text: "right" in text or "wrong" in text)
        await pilot.press("escape")
        await pilot.pause(2.0)
        keep("live", console.export_screenshot())


async def take_compare(workspace: Workspace) -> None:
    """Runs and a group of seeds compared with the tutorial's first."""
    console = Console(workspace.folder)
    ids = [run.id for run in workspace.summaries()]
    async with console.run_test(size=SIZE) as pilot:
        console.push_screen(CompareScreen(ids))
        await shown(pilot, lambda text: f"{len(ids)} runs" in text)
        await pilot.press("left", "left", "left", "left")
        await shown(pilot, lambda text: "at 1" in text)
        await pilot.pause(1.0)
        keep("compare", console.export_screenshot())


def picture_live(workspace: Workspace) -> None:
    """Take the picture of a run that trains, and end it."""
    run = learning(workspace)
    asyncio.run(take_live(workspace, run))
    commands.stop(run)


def picture_list(folder: Path) -> None:
    """Take the picture of the list, with runs of its own."""
    workspace = Workspace(folder)
    last = train_listed(workspace)
    asyncio.run(take_listing(workspace, shown, keep))
    commands.stop(last)


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        # The pictures show the folder as a user would see it: ~/runs. Nothing is compiled again for that.
        os.environ.setdefault("SEQSUM_CACHE", str(platformdirs.user_cache_path("seqsum")))
        os.environ["HOME"] = folder
        workspace = Workspace(Path(folder) / "runs")
        if sys.argv[1:] in ([], ["runs"]):
            picture_list(Path(folder) / "more" / "runs")
        if sys.argv[1:] in ([], ["first_run"]):
            asyncio.run(take_first_run(Path(folder) / "first" / "runs", shown, keep))
        if sys.argv[1:] in ([], ["lessons"]):
            lessons = Workspace(Path(folder) / "lessons" / "runs")
            train_groups(lessons)
            asyncio.run(take_lessons(lessons, shown, keep))
        if sys.argv[1:] in ([], ["sweep"]):
            asyncio.run(take_sweep(Workspace(Path(folder) / "sweep" / "runs"), shown, keep))
        if sys.argv[1:] in (["runs"], ["first_run"], ["lessons"], ["sweep"]):
            return
        if sys.argv[1:] == ["live"]:
            picture_live(workspace)
            return
        if sys.argv[1:] == ["compare"]:
            train(workspace)
            asyncio.run(take_compare(workspace))
            return
        if sys.argv[1:] == ["tour"]:
            (run,) = train_to_the_end(workspace, (TOURED,))
            asyncio.run(take_tour(workspace, run, shown, keep))
            return
        if sys.argv[1:] == ["beginning"]:
            train_to_the_end(workspace, RUNS)
            asyncio.run(take_beginning(workspace, shown, keep))
            return
        if sys.argv[1:] == ["fork"]:
            (run,) = train_to_the_end(workspace, (FORKED,))
            asyncio.run(take_fork(workspace, run, shown, keep))
            return
        runs = train(workspace)
        asyncio.run(take_compare(workspace))
        asyncio.run(take_beginning(workspace, shown, keep))
        asyncio.run(take_tour(workspace, runs[TOURED], shown, keep))
        asyncio.run(take_fork(workspace, runs[FORKED], shown, keep))
        picture_live(workspace)


if __name__ == "__main__":
    main()

"""Trains real runs in a workspace of their own and takes a picture of each screen, as SVG beside this file.

`python -m tests.screenshots tour` takes those of the README's tour alone; `beginning`, `fork` and `runs` those of New
run and the settings, of a fork, and of the list.
"""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from textual.pilot import Pilot

from seqsum import control
from seqsum.launch import LocalLauncher
from seqsum.presets import load_preset
from seqsum.runs import Run, Workspace
from seqsum_tui.app import Console
from tests.screenshots.asking import take_tour
from tests.screenshots.beginning import take_beginning
from tests.screenshots.forking import take_fork
from tests.screenshots.listing import take_listing, train_listed

FOLDER = Path(__file__).parent
RUNS = ("large_batch_lr5e-3", "baseline", "sota_warmup")
SIZE = (120, 36)
QUESTION = "1 2 3 5 1 2 4"
PATIENCE_SECONDS = 600.0


def train_to_the_end(workspace: Workspace, presets: tuple[str, ...]) -> list[Run]:
    """Train runs, one after another."""
    launcher = LocalLauncher()
    runs = []
    for preset in presets:
        run = control.start(workspace, launcher, preset, load_preset(preset).config)
        while run.summary().live:
            time.sleep(0.2)
        runs.append(run)
    return runs


def train(workspace: Workspace) -> list[Run]:
    """Train the runs to their end, and leave a fourth training."""
    runs, launcher = train_to_the_end(workspace, RUNS), LocalLauncher()
    config = load_preset("deeper_rnn").config.changed({"train.seed": "1"}, "screenshots")
    runs.append(control.start(workspace, launcher, "deeper_rnn", config))
    while runs[-1].summary().step < 4000:
        time.sleep(0.2)
    return runs


async def shown(pilot: Pilot[None], condition: Callable[[str], bool]) -> None:
    """Wait until the screen's text fulfils a condition."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition(pilot.app.export_screenshot().replace("&#160;", " ")):
        if time.monotonic() > deadline:
            raise TimeoutError("the screen never showed what was waited for")
        await pilot.pause(0.2)


def keep(name: str, picture: str) -> None:
    (FOLDER / f"{name}.svg").write_text(picture, encoding="utf-8")


async def take(workspace: Workspace) -> None:
    """Walk through the screens and save a picture of each."""
    console = Console(workspace.folder)
    async with console.run_test(size=SIZE) as pilot:

        def save(name: str) -> None:
            keep(name, console.export_screenshot())

        await shown(pilot, lambda text: "sota_warmup" in text and "running" in text)
        await pilot.press("down")
        await shown(pilot, lambda text: "Everything at once" in text)
        await pilot.press("enter")
        await shown(pilot, lambda text: "20,000/20,000" in text)
        await pilot.press("A")
        await shown(pilot, lambda text: "ready" in text)
        await pilot.press(*QUESTION, "enter")
        await shown(pilot, lambda text: "right" in text or "wrong" in text)
        await pilot.pause(1.0)
        save("live")
        await pilot.press("escape", "escape")
        await shown(pilot, lambda text: "sota_warmup" in text and "New run" in text)
        await pilot.press("c")
        await shown(pilot, lambda text: "Add runs to the comparison" in text)
        await pilot.press("space", "space", "space", "enter")
        await shown(pilot, lambda text: "4 runs" in text)
        await pilot.press("left", "left", "left", "left")
        await pilot.pause(1.0)
        save("compare")


def picture_list(folder: Path) -> None:
    """Take the picture of the list, with runs of its own."""
    workspace = Workspace(folder)
    last = train_listed(workspace)
    asyncio.run(take_listing(workspace, shown, keep))
    control.stop(last)


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        # The pictures show the folder as a user would see it: ~/runs.
        os.environ["HOME"] = folder
        workspace = Workspace(Path(folder) / "runs")
        if sys.argv[1:] in ([], ["runs"]):
            picture_list(Path(folder) / "more" / "runs")
        if sys.argv[1:] == ["runs"]:
            return
        if sys.argv[1:] == ["tour"]:
            (run,) = train_to_the_end(workspace, ("sota_warmup",))
            asyncio.run(take_tour(workspace, run, shown, keep))
            return
        if sys.argv[1:] == ["beginning"]:
            train_to_the_end(workspace, RUNS)
            asyncio.run(take_beginning(workspace, shown, keep))
            return
        if sys.argv[1:] == ["fork"]:
            (run,) = train_to_the_end(workspace, RUNS[:1])
            asyncio.run(take_fork(workspace, run, shown, keep))
            return
        runs = train(workspace)
        asyncio.run(take(workspace))
        asyncio.run(take_beginning(workspace, shown, keep))
        asyncio.run(take_tour(workspace, runs[RUNS.index("sota_warmup")], shown, keep))
        asyncio.run(take_fork(workspace, runs[0], shown, keep))
        if runs[-1].summary().live:
            control.stop(runs[-1])


if __name__ == "__main__":
    main()

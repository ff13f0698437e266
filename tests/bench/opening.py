"""How long it takes to open many long runs in the Compare screen: `python -m tests.bench.opening`."""

from __future__ import annotations

import argparse
import asyncio
import json
import shutil
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np
import psutil

from seqsum.compare import ComparisonReader
from seqsum.config import Config
from seqsum.runs import Run, Workspace
from seqsum_tui.app import Console
from seqsum_tui.compare.chart import CompareChart
from seqsum_tui.compare.screen import CompareScreen
from tests.support.terminal import Terminal

from .console import COMMAND, PATIENCE, environment, listen

CHUNK = 50_000
SIZE = (120, 40)


def make_runs(folder: Path, runs: int, points: int) -> list[str]:
    """Write one long run through the real store, copy it, and return the ids."""
    first = Workspace(folder).create("baseline", Config().changed({"train.steps": points}, "bench"), "long-0")
    generator = np.random.default_rng(0)
    with first.store() as store:
        for start in range(1, points + 1, CHUNK):
            steps = range(start, min(start + CHUNK, points + 1))
            losses = 2.3 / (1 + np.array(steps) / 1e5) + generator.random(len(steps))
            store.append(("loss", step, loss) for step, loss in zip(steps, losses.tolist(), strict=True))
        store.set_state(status="finished", step=points)
    ids = [first.id]
    for number in range(1, runs):
        copy = folder / f"{first.id[:-4]}{number:04}"
        shutil.copytree(first.folder, copy)
        record = json.loads((copy / "run.json").read_text(encoding="utf-8"))
        record.update(id=copy.name, name=f"long-{number}")
        record["config"]["train"]["seed"] = number
        (copy / "run.json").write_text(json.dumps(record), encoding="utf-8")
        ids.append(copy.name)
    assert all(Run(folder / id).record.id == id for id in ids)
    return ids


def read_seconds(folder: Path, ids: list[str]) -> float:
    """Read curves, best and final values of all runs once, with nothing read before."""
    began = time.perf_counter()
    comparison = ComparisonReader(folder, ids).read()
    assert comparison is not None and len(comparison.runs) == len(ids)
    return time.perf_counter() - began


async def screen_seconds(folder: Path, ids: list[str]) -> float:
    """Open the screen; return the time until every curve is on it."""
    console = Console(folder, remote=False)
    console.animation_level = "none"
    async with console.run_test(size=SIZE) as pilot:
        await pilot.pause(0.5)
        began = time.perf_counter()
        screen = CompareScreen(ids)
        console.push_screen(screen)
        while not screen.is_mounted or len(screen.query_one(CompareChart).series) < len(ids):
            await asyncio.sleep(0.002)
        return time.perf_counter() - began


def console_memory(home: Path, runs: int) -> tuple[float, float]:
    """Return the memory in MB of a console in a terminal: with the list of runs, and with all of them compared."""
    terminal = Terminal(COMMAND, environment(home), *SIZE)
    try:
        terminal.wait_for(lambda text: text.count("long-") >= min(runs, 10), PATIENCE)
        listen(terminal, 1.0)
        process = psutil.Process(terminal.pid)
        listed = process.memory_info().rss / 2**20
        terminal.press("c")
        terminal.wait_for("Add runs to the comparison", PATIENCE)
        terminal.press(*" " * (runs - 1), "enter")
        terminal.wait_for(f"{runs} runs", PATIENCE)
        listen(terminal, 2.0)
        return listed, process.memory_info().rss / 2**20
    finally:
        terminal.kill()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--points", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "runs"
        ids = make_runs(folder, options.runs, options.points)
        reads = [read_seconds(folder, ids) for _ in range(options.rounds)]
        listed, compared = console_memory(Path(name), options.runs)
        screens = [asyncio.run(screen_seconds(folder, ids)) for _ in range(options.rounds)]
    print(f"{options.runs} runs x {options.points:,} points, median of {options.rounds} rounds")
    print(f"reading     {statistics.median(reads):.3f} s")
    print(f"on screen   {statistics.median(screens):.3f} s")
    print(f"memory      {compared:.0f} MB of a console with all of them compared, {listed:.0f} MB with their list")


if __name__ == "__main__":
    main()

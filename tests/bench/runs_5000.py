"""How the list of runs bears thousands of them: `python -m tests.bench.runs_5000`.

Measured in the console itself, without a terminal: what a terminal takes to draw comes on top.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import random
import resource
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from textual import events
from textual.keys import _character_to_key

from seqsum.presets import load_preset
from seqsum.runs import Run, Workspace
from seqsum.runs.annotations import annotate
from seqsum.runs.index import INDEX_FILE
from seqsum_tui.app import Console
from seqsum_tui.runs.filter_line import FilterBox
from seqsum_tui.runs.table import RunTable

SIZE = (120, 40)
PRESETS = ("baseline", "large_batch", "deeper_rnn", "sota", "sota_warmup")
PATTERNS = 20
"""So many different stores are written; the others are copies of them."""
POINTS = 200
POINT_STEPS = 100
FILTER = "cell = rnn accuracy > 0.9"


def make_runs(folder: Path, runs: int) -> None:
    """Write runs that ended, an hour apart; every tenth ten belong to a group, every fiftieth has a note."""
    workspace, chance = Workspace(folder), random.Random(0)
    patterns = [_pattern(workspace, number, chance) for number in range(min(PATTERNS, runs))]
    now = time.time()
    for number in range(runs):
        pattern = patterns[number % len(patterns)]
        record = pattern.record
        group = f"group {number // 100}" if number // 10 % 10 == 0 else None
        created = now - 3600 * (runs - number)
        config = json.loads(json.dumps(record.config))
        config["train"]["seed"] = number
        config["track"].update(group=group, tags=["night"] if number % 7 == 0 else [])
        copy = folder / f"{datetime.fromtimestamp(created, UTC):%Y%m%d-%H%M%S}-{number:04}"
        shutil.copytree(pattern.folder, copy)
        when = datetime.fromtimestamp(created, UTC).isoformat(timespec="milliseconds")
        replace(record, id=copy.name, name=f"{record.preset}-{number}", created=when, config=config).write(copy)
        if number % 50 == 0:
            annotate(copy, note=f"run {number} is odd", starred=number % 100 == 0)
    for pattern in patterns:
        shutil.rmtree(pattern.folder)


def _pattern(workspace: Workspace, number: int, chance: random.Random) -> Run:
    preset = PRESETS[number % len(PRESETS)]
    run = workspace.create(preset, load_preset(preset).config)
    best, middle = chance.uniform(0.2, 1.0), chance.uniform(0.2, 0.8) * POINTS
    with run.store() as store:
        for place in range(1, POINTS + 1):
            learned = best / (1 + math.exp(-(place - middle) / 8))
            at = place * POINT_STEPS
            store.append([("loss", at, 2.3 * (1 - 0.9 * learned)), ("accuracy", at, 0.1 + 0.9 * learned)])
        store.set_state(status="finished", step=POINTS * POINT_STEPS, updated=time.time(), train_seconds=12.0, pid=4711)
    return run


class Watch:
    """A console over a workspace, and when it drew something."""

    def __init__(self, folder: Path) -> None:
        self.console = Console(folder, remote=False)
        self.console.animation_level = "none"
        self.drawn = 0.0
        self._paint = self.console._display
        self.console._display = self._display  # type: ignore[method-assign]

    def _display(self, screen: object, renderable: object) -> None:
        self._paint(screen, renderable)  # type: ignore[arg-type]
        self.drawn = time.perf_counter()

    @property
    def table(self) -> RunTable:
        return self.console.screen.query_one(RunTable)

    async def until(self, condition: Callable[[], object], seconds: float = 120.0, every: float = 0.001) -> float:
        """Wait for it, looking at it again `every` so many seconds; return the seconds that took."""
        began = time.perf_counter()
        while not condition():
            if time.perf_counter() - began > seconds:
                raise TimeoutError("what was waited for did not come")
            await asyncio.sleep(every)
        return time.perf_counter() - began

    async def key(self, key: str) -> float:
        """Press a key; return the seconds until something was drawn."""
        began = time.perf_counter()
        self.console.simulate_key(key)
        await self.until(lambda: self.drawn > began)
        return self.drawn - began


async def opened(folder: Path, runs: int) -> tuple[float, float]:
    """Open the console; return the seconds until its first run stands there, and until all were read."""
    began = time.perf_counter()
    watch = Watch(folder)
    async with watch.console.run_test(size=SIZE):
        await watch.until(lambda: watch.console.screen.query(RunTable) and watch.table.lines)
        first = time.perf_counter() - began
        # Rarely: to count thousands of lines takes time from the reading that is measured.
        await watch.until(lambda: sum(len(line.ids) for line in watch.table.lines) == runs, 300, every=0.1)
        return first, time.perf_counter() - began


async def used(folder: Path, runs: int, keys: int, idle_seconds: float) -> dict[str, float]:
    """Use the list; return milliseconds from a key to what it draws, and the share of a core that an idle one takes."""
    watch = Watch(folder)
    async with watch.console.run_test(size=SIZE):
        await watch.until(lambda: watch.console.screen.query(RunTable) and watch.table.has_focus)
        await watch.until(lambda: sum(len(line.ids) for line in watch.table.lines) == runs)
        await asyncio.sleep(1.0)
        await watch.key("end")
        await watch.key("home")
        moves = []
        for _ in range(keys):
            moves.append(await watch.key("down"))
            await asyncio.sleep(0.02)
        pages = []
        for place in range(keys):
            pages.append(await watch.key("pageup" if place % 2 else "pagedown"))
            await asyncio.sleep(0.02)
        finds = await _finds(watch)
        began, busy = time.perf_counter(), time.process_time()
        await asyncio.sleep(idle_seconds)
        idle = (time.process_time() - busy) / (time.perf_counter() - began)
    return {
        "move, median ms": 1000 * statistics.median(moves),
        "move, slowest of 20 ms": 1000 * statistics.quantiles(moves, n=20)[-1],
        "page, median ms": 1000 * statistics.median(pages),
        "filter, a letter, median ms": 1000 * statistics.median(finds),
        "filter, slowest letter ms": 1000 * max(finds),
        "idle, % of a core": 100 * idle,
        "memory at most, MB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


async def _finds(watch: Watch) -> list[float]:
    """Type a filter; return the seconds from each letter to the list that it finds."""
    screen = watch.console.screen
    await watch.key("slash")
    await watch.until(lambda: screen.query_one(FilterBox).has_focus)
    times = []
    for letter in FILTER:
        began = time.perf_counter()
        text = screen.query_one(FilterBox).value + letter
        watch.console.post_message(events.Key(_character_to_key(letter), letter))
        await watch.until(lambda text=text: screen.listing.view.filter == text)  # type: ignore[misc, attr-defined]
        times.append(time.perf_counter() - began)
        await asyncio.sleep(0.05)
    await watch.key("escape")
    await watch.until(lambda: screen.listing.view.filter == "")  # type: ignore[attr-defined]
    return times


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5000)
    parser.add_argument("--keys", type=int, default=60)
    parser.add_argument("--idle", type=float, default=10.0, metavar="SECONDS")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "runs"
        make_runs(folder, options.runs)
        lines = {}
        lines["first row, never read before, s"], lines["all rows, never read before, s"] = asyncio.run(
            opened(folder, options.runs)
        )
        (folder / INDEX_FILE).stat()
        lines["first row, s"], lines["all rows, s"] = asyncio.run(opened(folder, options.runs))
        lines |= asyncio.run(used(folder, options.runs, options.keys, options.idle))
    print(f"{options.runs:,} runs, {SIZE[0]}x{SIZE[1]}")
    for what, value in lines.items():
        print(f"{what:32} {value:8.2f}")


if __name__ == "__main__":
    main()

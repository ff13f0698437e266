"""How the console feels, in a real terminal of 120×40: `python -m tests.bench.console`.

First paint, key to paint, the cost of doing nothing, bytes of an update, a frame of a chart.
"""

from __future__ import annotations

import argparse
import asyncio
import math
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import psutil
from textual.app import App, ComposeResult

from seqsum.presets import load_preset
from seqsum.runs import Run, Workspace
from seqsum_tui.charts import Chart, Series
from seqsum_tui.terminal_io.rate_limit import ANSWER_SECONDS
from tests.support.locks import held
from tests.support.terminal import Terminal

from . import machine
from .table import text_table

COMMAND = [sys.executable, "-m", "seqsum_tui"]
RUNS = 20
FRAME_SERIES, FRAME_POINTS = 4, 100_000
BACKSPACE = "\x7f"
PATIENCE = 20.0


def environment(folder: Path, ssh: bool = False) -> dict[str, str]:
    """What a console in a fresh home sees."""
    ours = {name: value for name, value in os.environ.items() if name not in ("SSH_CONNECTION", "SSH_TTY")}
    more = {"SEQSUM_WORKSPACE": str(folder / "runs"), "HOME": str(folder), "LANG": "C.UTF-8", "COLORTERM": "truecolor"}
    return {**ours, **more, **({"SSH_CONNECTION": "10.0.0.1 1 10.0.0.2 22"} if ssh else {})}


def points(first: int, last: int) -> Iterator[tuple[str, int, float]]:
    """What a run writes between two steps."""
    for step in range(first + 100, last + 1, 100):
        learned = 1 / (1 + math.exp(-(step - 9_000) / 1_500))
        yield "loss", step, 2.3 - 2 * learned + 0.1 * math.sin(step / 170)
        yield "lr", step, 1e-3 * (1 - step / 40_000)
        if step % 500 == 0:
            yield "accuracy", step, 0.1 + 0.8 * learned


def make_runs(folder: Path, count: int) -> list[Run]:
    """Finished runs, and one that seems to train: its lock is to be held."""
    workspace = Workspace(folder / "runs")
    runs = []
    for number in range(count):
        run = workspace.create("baseline", load_preset("baseline").config, f"run-{number}")
        with run.store() as store:
            store.append(points(0, 20_000 if number < count - 1 else 8_000))
            store.set_state(status="finished", step=20_000, steps_per_second=4000.0, train_seconds=5.0)
        runs.append(run)
    with runs[-1].store() as store:
        store.set_state(status="running", step=8_000)
    return runs


def listen(terminal: Terminal, seconds: float) -> None:
    """Take in what the console writes for a while."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        terminal.read(0.05)


def first_paint(folder: Path) -> tuple[float, float]:
    """Seconds from the start to the first picture, and to the list of runs."""
    began = time.perf_counter()
    terminal = Terminal(COMMAND, environment(folder))
    terminal.wait_for("seqsum")
    painted = time.perf_counter() - began
    terminal.wait_for("run-1")
    listed = time.perf_counter() - began
    terminal.kill()
    return painted, listed


def key_to_paint(terminal: Terminal, keys: tuple[str, ...], presses: int) -> list[float]:
    """Milliseconds from each key to the first byte of its answer."""
    times = []
    for number in range(presses):
        listen(terminal, 0.15)
        before = terminal.received
        began = time.perf_counter()
        terminal.press(keys[number % len(keys)])
        while terminal.received == before:
            terminal.read(1.0)
            if time.perf_counter() - began > PATIENCE:
                raise TimeoutError(f"the key {keys[number % len(keys)]!r} was not answered:\n{terminal.text}")
        times.append(1000 * (time.perf_counter() - began))
    return times


def idle(terminal: Terminal, seconds: float) -> float:
    """Share of a processor that a console takes with nothing to do."""
    process = psutil.Process(terminal.pid)
    listen(terminal, min(6.0, seconds))
    before, began = sum(process.cpu_times()[:2]), time.monotonic()
    listen(terminal, seconds)
    return float((sum(process.cpu_times()[:2]) - before) / (time.monotonic() - began))


def update_bytes(folder: Path, run: Run, ssh: bool, updates: int) -> list[int]:
    """Bytes of each update of the live view's charts."""
    terminal = watching(folder, run, ssh)
    with run.store() as store:
        step, sizes = int(store.state()["step"]), []
        for _ in range(updates):
            before = terminal.received
            store.append(points(step, step + 400))
            step += 400
            store.set_state(step=step)
            terminal.wait_for(f"{step:,}/20,000")
            listen(terminal, 0.5)
            sizes.append(terminal.received - before)
    terminal.kill()
    return sizes


def rescaling_bytes(folder: Path, run: Run, updates: int) -> int:
    """The most bytes that came over SSH in a second, while every update scales the axes of all charts anew."""
    terminal = watching(folder, run, True)
    listen(terminal, ANSWER_SECONDS)
    began = time.monotonic()
    with run.store() as store:
        step, factor = int(store.state()["step"]), 1.0
        for _ in range(updates):
            factor *= 1.3
            values = points(step, step + 400)
            store.append([(metric, at, factor * value) for metric, at, value in values])
            step += 400
            store.set_state(step=step)
            terminal.wait_for(f"{step:,}/20,000")
            listen(terminal, 0.5)
    terminal.kill()
    return terminal.most_bytes(0.95, began)


def watching(folder: Path, run: Run, ssh: bool) -> Terminal:
    """A console with the run's live view open, and nothing more to come."""
    terminal = Terminal(COMMAND, environment(folder, ssh))
    terminal.wait_for("running")
    terminal.press("enter")
    terminal.wait_for(f"{run.summary().step:,}/20,000")
    listen(terminal, 1.0)
    return terminal


class OneChart(App[None]):
    """Nothing but a chart."""

    def compose(self) -> ComposeResult:
        """Make it."""
        yield Chart("loss")


async def frame_seconds(rounds: int) -> list[float]:
    """Processor time of a whole frame of a chart whose every point is new."""
    generator = np.random.default_rng(0)
    steps = np.arange(FRAME_POINTS, dtype=float)
    app = OneChart()
    times = []
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.pause()
        chart = app.query_one(Chart)
        for _ in range(rounds):
            drawn = [
                Series(f"s{number}", steps, generator.random(FRAME_POINTS) + number) for number in range(FRAME_SERIES)
            ]
            began = time.process_time()
            chart.set_series(drawn)
            chart.repaint()
            times.append(time.process_time() - began)
            assert any("⣿" in strip.text for strip in chart.render_lines(chart.size.region))
    return times


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="default: %(default)s")
    parser.add_argument("--seconds", type=float, default=20.0, help="how long idleness is measured (%(default)s)")
    options = parser.parse_args()
    print(machine.line(), flush=True)
    rows: list[list[str]] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        run = make_runs(folder, RUNS)[-1]
        with held(run):
            paints = [first_paint(folder) for _ in range(options.rounds)]
            rows.append(["first paint", _of([painted for painted, _ in paints], "s")])
            rows.append([f"{RUNS} runs listed", _of([listed for _, listed in paints], "s")])
            terminal = Terminal(COMMAND, environment(folder))
            terminal.wait_for("run-1")
            keys = key_to_paint(terminal, ("down", "up"), 8 * options.rounds)
            rows.append(["key to paint, list of runs", _of(keys, "ms")])
            terminal.press("n")
            terminal.wait_for("What to look for")
            terminal.press("tab")
            terminal.wait_for("task.name")
            terminal.press("f9")
            terminal.wait_for("tokens · 1 to")
            terminal.press("down")
            terminal.wait_for("advanced settings")
            terminal.press("down")
            terminal.wait_for("task.modulus")
            listen(terminal, 1.0)
            keys = key_to_paint(terminal, ("1", BACKSPACE), 4 * options.rounds)
            rows.append(["key to paint, a field of New run", _of(keys, "ms")])
            terminal.kill()
            terminal = watching(folder, run, False)
            keys = key_to_paint(terminal, ("left", "right", "+", "0"), 8 * options.rounds)
            rows.append(["key to paint, charts: crosshair and zoom", _of(keys, "ms")])
            terminal.kill()
            rows.append(["bytes of an update", _of(update_bytes(folder, run, False, 2 * options.rounds), "B")])
            rows.append(["bytes of an update, over SSH", _of(update_bytes(folder, run, True, 2 * options.rounds), "B")])
            most = rescaling_bytes(folder, run, 2 * options.rounds)
            rows.append(["bytes in a second, over SSH, every axis scaled anew", f"{most:,} B"])
        with run.store() as store:
            store.set_state(status="finished")
        terminal = Terminal(COMMAND, environment(folder))
        terminal.wait_for("run-1")
        rows.append(["idle, list of runs", f"{idle(terminal, options.seconds):.2%} of a core"])
        memory = psutil.Process(terminal.pid).memory_info().rss / 2**20
        rows.append(["memory", f"{memory:.0f} MB"])
        terminal.kill()
        frames = asyncio.run(frame_seconds(4 * options.rounds))
        rows.append(
            [f"chart frame, {FRAME_SERIES} × {FRAME_POINTS:,} points", _of([1000 * one for one in frames], "ms")]
        )
    print(text_table(["the console, 120×40", "median (most)"], rows))


def _of(values: list[float] | list[int], unit: str) -> str:
    digits = 2 if unit == "s" else 1 if unit == "ms" else 0
    return f"{statistics.median(values):,.{digits}f} {unit} ({max(values):,.{digits}f})"


if __name__ == "__main__":
    main()

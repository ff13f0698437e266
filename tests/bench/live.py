"""What watching costs: `python -m tests.bench.live [frame key bytes memory speed]`, all by default.

frame: drawing a chart of 4 series x 100,000 points. key: from a key to the first byte of the answer, in a real
terminal. bytes: of one update of the live view at 120 x 40, at home and over SSH. memory: of the console with 20 runs
of a million points compared. speed: of a fused run with and without the console watching it, in turns.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import psutil
from textual.app import App, ComposeResult

from seqsum import control
from seqsum.launch import LocalLauncher
from seqsum.presets import load_preset
from seqsum.runs import Run, Workspace
from seqsum.runs.lock import take_lock
from seqsum_tui.charts import Chart, Series
from tests.bench import machine
from tests.bench.opening import make_runs
from tests.support.terminal import Terminal

COMMAND = [sys.executable, "-m", "seqsum_tui"]
SIZE = (120, 40)
PATIENCE = 120.0


# A chart's frame


class OneChart(App[None]):
    def __init__(self, series: list[Series]) -> None:
        super().__init__()
        self.chart = Chart("loss", series=series, x_name="step")

    def compose(self) -> ComposeResult:
        yield self.chart


async def frame_seconds(points: int, rounds: int) -> dict[str, float]:
    """Return the median processor time of a whole frame, and of one in which only the cursor moved."""
    generator = np.random.default_rng(0)
    x = np.arange(points, dtype=np.float64)
    series = [Series(name, x, level + generator.standard_normal(points)) for level, name in enumerate("abcd")]
    app = OneChart(series)
    whole, cursor = [], []
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause()
        for turn in range(rounds):
            app.chart.set_series(series)
            whole.append(_timed(app.chart._draw))
            app.chart.cursor_x = float(points * (turn + 1) // (rounds + 2))
            cursor.append(_timed(app.chart._draw))
    return {"whole": statistics.median(whole), "cursor": statistics.median(cursor)}


def _timed(work: Callable[[], object]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began


# In a real terminal


class Watched:
    """A run that seems to train, and a console in a terminal that shows it live."""

    def __init__(self, folder: Path, *, remote: bool) -> None:
        self.run = Workspace(folder).create("baseline", load_preset("baseline").config)
        lock = take_lock(self.run.folder)
        assert lock is not None
        self._lock, self.step = lock, 0
        self.advance(8000)
        self.terminal = open_live(folder, self.run, remote=remote)

    def advance(self, steps: int) -> None:
        """Write what a run writes in so many steps."""
        generator = np.random.default_rng(self.step)
        points: list[tuple[str, int, float]] = []
        for step in range(self.step + 100, self.step + steps + 1, 100):
            learned = 1 / (1 + np.exp(-(step - 9000) / 1500))
            points.append(("loss", step, float(2.3 - 2 * learned + 0.1 * generator.standard_normal())))
            points.append(("train_accuracy", step, float(0.1 + 0.8 * learned + 0.03 * generator.standard_normal())))
            points += [("lr", step, 1e-3 * (1 - step / 40_000)), ("grad_norm", step, float(generator.random()))]
            if step % 500 == 0:
                points.append(("accuracy", step, float(0.1 + 0.8 * learned)))
        self.step += steps
        with self.run.store() as store:
            store.append(points)
            store.set_state(status="running", step=self.step, steps_per_second=400.0, train_seconds=20.0, pid=1)

    def close(self) -> None:
        self.terminal.kill()
        os.close(self._lock)


def environment_for(folder: Path, *, remote: bool) -> dict[str, str]:
    """Return the environment of a console with settings of its own, at home or over SSH."""
    mine = {name: value for name, value in os.environ.items() if name not in ("SSH_CONNECTION", "SSH_TTY", "NO_COLOR")}
    mine |= {"SEQSUM_WORKSPACE": str(folder), "HOME": str(folder.parent), "LANG": "C.UTF-8", "COLORTERM": "truecolor"}
    mine |= {"XDG_CONFIG_HOME": str(folder.parent / "config")}
    return mine | ({"SSH_CONNECTION": "10.0.0.1 50000 10.0.0.2 22"} if remote else {})


def open_live(folder: Path, run: Run, *, remote: bool = False) -> Terminal:
    """Open the console in a terminal, and the run under the cursor live."""
    terminal = Terminal(COMMAND, environment_for(folder, remote=remote), *SIZE)
    terminal.wait_for(run.record.name, PATIENCE)
    quiet(terminal)
    terminal.press("enter")
    terminal.wait_for("learning rate", PATIENCE)
    quiet(terminal)
    return terminal


def quiet(terminal: Terminal, seconds: float = 1.0, most: float = 5.0) -> None:
    """Read until nothing has come for a while; of a run that trains something comes again and again."""
    end = time.monotonic() + most
    while time.monotonic() < end:
        before = terminal.received
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            terminal.read(0.05)
        if terminal.received == before:
            return


def key_seconds(folder: Path, rounds: int) -> list[float]:
    """Return how long after a key the terminal gets the first byte of what it changed: cursor, zoom, one chart."""
    watched = Watched(folder, remote=False)
    terminal, found = watched.terminal, []
    try:
        for turn in range(rounds):
            for key in ("left", "plus", "0", "1", "1") if turn else ("left",):
                before, began = terminal.received, time.perf_counter()
                terminal.press(key)
                while terminal.received == before and time.perf_counter() - began < 5:
                    terminal.read(0.5)
                found.append(time.perf_counter() - began)
                quiet(terminal, 0.3)
    finally:
        watched.close()
    return found


def update_bytes(folder: Path, rounds: int, *, remote: bool) -> list[int]:
    """Return how many bytes each update of the live view takes when a run has gone on by 200 steps."""
    watched = Watched(folder, remote=remote)
    found = []
    try:
        for _ in range(rounds):
            before = watched.terminal.received
            watched.advance(200)
            watched.terminal.wait_for(f"{watched.step:,}/20,000", PATIENCE)
            quiet(watched.terminal)
            found.append(watched.terminal.received - before)
    finally:
        watched.close()
    return found


def compared_memory(folder: Path, runs: int, points: int) -> tuple[float, float]:
    """Return the console's resident memory in MB with its list on the screen, and with all runs compared."""
    make_runs(folder, runs, points)
    terminal = Terminal(COMMAND, environment_for(folder, remote=False), *SIZE)
    try:
        terminal.wait_for(lambda text: text.count("long-") >= min(runs, 10), PATIENCE)
        quiet(terminal)
        process = psutil.Process(terminal.pid)
        before = process.memory_info().rss / 1e6
        terminal.press("c")
        terminal.wait_for("Add runs to the comparison", PATIENCE)
        for _ in range(runs - 1):
            terminal.press(" ")
        quiet(terminal)
        terminal.press("enter")
        terminal.wait_for(f"{runs} runs", PATIENCE)
        quiet(terminal)
        return before, process.memory_info().rss / 1e6
    finally:
        terminal.kill()


# Beside a run that trains


def speeds(folder: Path, preset: str, rounds: int, seconds: float) -> dict[str, list[float]]:
    """Train one long fused run, with and without the console on it in turns; steps per second of each turn.

    Also steps per second of the worker's processor time, which tells what the console costs the worker itself, on a
    machine that others use, too.
    """
    config = load_preset(preset).config.changed({"train.steps": 50_000_000, "train.backend": "fused"}, "bench")
    run = control.start(Workspace(folder), LocalLauncher(), preset, config, "long")
    found: dict[str, list[float]] = {name: [] for name in ("alone", "watched", "alone, cpu", "watched, cpu")}
    try:
        while run.summary().step < 20_000:
            time.sleep(0.1)
        pid = run.summary().pid
        assert pid is not None
        for turn in range(2 * rounds):
            # Alone, watched, watched, alone …: what changes slowly, such as the store's length, weighs on both.
            watched = turn % 4 in (1, 2)
            terminal = open_live(folder, run) if watched else None
            try:
                wall, used = _steps_in(run, psutil.Process(pid), terminal, seconds)
            finally:
                if terminal is not None:
                    terminal.kill()
            name = "watched" if watched else "alone"
            found[name].append(wall)
            found[f"{name}, cpu"].append(used)
    finally:
        control.stop(run)
        run.wait_for_worker(60)
    return found


def _steps_in(run: Run, worker: psutil.Process, terminal: Terminal | None, seconds: float) -> tuple[float, float]:
    with run.store() as store:
        began, used, step = time.perf_counter(), sum(worker.cpu_times()[:2]), store.state()["step"]
        # A worker that waits for a busy disk all the while tells nothing.
        while time.perf_counter() - began < seconds or sum(worker.cpu_times()[:2]) - used < seconds / 20:
            if terminal is not None:
                terminal.read(0.05)
            else:
                time.sleep(0.05)
        made, took = store.state()["step"] - step, sum(worker.cpu_times()[:2]) - used
    return made / (time.perf_counter() - began), made / took


# The report


def frame_report(_: Path, rounds: int) -> str:
    found = asyncio.run(frame_seconds(100_000, 3 * rounds))
    whole, cursor = found["whole"] * 1000, found["cursor"] * 1000
    return f"frame   {whole:.1f} ms of processor time for 4 x 100,000 points; {cursor:.1f} ms when the cursor moves"


def key_report(folder: Path, rounds: int) -> str:
    found = sorted(key_seconds(folder / "runs", rounds))
    worst = found[int(0.95 * (len(found) - 1))]
    return f"key     {1000 * statistics.median(found):.0f} ms to the first byte, 95%: {1000 * worst:.0f} ms"


def bytes_report(folder: Path, rounds: int) -> str:
    home = statistics.median(update_bytes(folder / "home" / "runs", rounds, remote=False))
    far = statistics.median(update_bytes(folder / "far" / "runs", rounds, remote=True))
    return f"bytes   {home:,.0f} an update of the whole live view at 120 x 40; {far:,.0f} over SSH"


def memory_report(folder: Path, _: int) -> str:
    runs, points = 20, 1_000_000
    before, after = compared_memory(folder / "runs", runs, points)
    return f"memory  {after:.0f} MB with {runs} runs of {points:,} points compared; {before:.0f} MB with their list"


def speed_report(folder: Path, rounds: int) -> str:
    lines = []
    for preset in ("baseline", "sota_warmup"):
        found = speeds(folder / preset / "runs", preset, rounds, 4.0)
        print(f"        {preset}: {found}", file=sys.stderr, flush=True)
        for clock, what in (("", "wall time"), (", cpu", "the worker's processor time")):
            alone, watched = (statistics.median(found[f"{name}{clock}"]) for name in ("alone", "watched"))
            lost = 100 * (1 - watched / alone)
            lines.append(f"speed   {preset}: {alone:,.0f} steps/s alone, {watched:,.0f} watched: {lost:+.1f}% ({what})")
    return "\n".join(lines)


REPORTS = {
    "frame": frame_report,
    "key": key_report,
    "bytes": bytes_report,
    "memory": memory_report,
    "speed": speed_report,
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.live", description=__doc__)
    parser.add_argument("what", nargs="*", choices=[*REPORTS, []], default=[], help="default: all")
    parser.add_argument("--rounds", type=int, default=8)
    options = parser.parse_args()
    print(machine.line(), flush=True)
    for name in options.what or REPORTS:
        with tempfile.TemporaryDirectory() as folder:
            print(REPORTS[name](Path(folder), options.rounds), flush=True)


if __name__ == "__main__":
    main()

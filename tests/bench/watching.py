"""What watching costs a fused run: `python -m tests.bench.watching`.

One long run trains; its speed is taken with the live view open in a terminal and without, in turns. Beside the clock
stands the worker's own processor time a step, and what the console took of a processor.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

import psutil

from seqsum.control import commands
from seqsum.launch import LocalLauncher
from seqsum.presets import load_preset
from seqsum.runs import Run, Workspace
from tests.support.terminal import Terminal

from . import machine
from .console import COMMAND, PATIENCE, environment, listen
from .table import text_table

PRESETS = ("baseline", "sota_warmup")
FIRST_STEPS = 20_000
"""Before anything is measured: compiled code has taken over, and the charts have an axis."""

Figures = dict[str, list[float]]


def measure(folder: Path, preset: str, rounds: int, seconds: float) -> Figures:
    """Return, of each turn: steps a second, alone and watched, by the clock and by the worker's processor time; and the
    console's share of a processor."""
    changes = {"train.steps": 500_000_000, "train.backend": "fused"}
    config = load_preset(preset).config.changed(changes, "bench")
    run = commands.start(Workspace(folder / "runs"), LocalLauncher(), preset, config, "long")
    found: Figures = {name: [] for name in ("alone", "watched", "alone, cpu", "watched, cpu", "console")}
    try:
        while run.summary().step < FIRST_STEPS:
            time.sleep(0.1)
        pid = run.summary().pid
        assert pid is not None
        for turn in range(2 * rounds):
            # Alone, watched, watched, alone …: what changes slowly, such as the store's length, weighs on both.
            watched = turn % 4 in (1, 2)
            terminal = _open(folder) if watched else None
            try:
                _turn(run, psutil.Process(pid), terminal, seconds, found)
            finally:
                if terminal is not None:
                    terminal.kill()
    finally:
        commands.stop(run)
        run.wait_for_worker(60)
    return found


def _open(folder: Path) -> Terminal:
    terminal = Terminal(COMMAND, environment(folder))
    terminal.wait_for("long", PATIENCE)
    terminal.press("enter")
    terminal.wait_for("3 lr", PATIENCE)
    listen(terminal, 2.0)
    return terminal


def _turn(run: Run, worker: psutil.Process, terminal: Terminal | None, seconds: float, found: Figures) -> None:
    console = None if terminal is None else psutil.Process(terminal.pid)

    def used(process: psutil.Process | None) -> float:
        return sum(process.cpu_times()[:2]) if process else 0.0

    with run.store() as store:
        began, before, shown, step = time.perf_counter(), used(worker), used(console), store.state()["step"]
        made, took = 0, 0.0
        # On a busy machine a short turn may end before anything is written: it lasts until something is.
        while took < seconds or not made:
            if terminal is None:
                time.sleep(0.05)
            else:
                terminal.read(0.05)
            made, took = store.state()["step"] - step, time.perf_counter() - began
            assert took < PATIENCE, "nothing was written in all that time"
    name = "alone" if terminal is None else "watched"
    found[name].append(made / took)
    found[f"{name}, cpu"].append(made / max(used(worker) - before, 1e-9))
    if console is not None:
        found["console"].append((used(console) - shown) / took)


def report(found: dict[str, Figures]) -> str:
    """Return the figures as text: medians of the turns, and the lowest and highest."""
    rows = []
    for preset, figures in found.items():
        for kind, title in (("", "by the clock"), (", cpu", "by the worker's processor time")):
            alone, watched = (figures[f"{name}{kind}"] for name in ("alone", "watched"))
            lost = 1 - median(watched) / median(alone)
            rows.append([preset, title, _spread(alone), _spread(watched), f"{lost:+.1%}"])
        rows.append([preset, "the console's share of a processor", "", f"{median(figures['console']):.1%}"])
    return text_table(["", "steps/s", "alone (lowest–highest)", "watched", "lost"], rows, left=2)


def _spread(values: list[float]) -> str:
    return f"{median(values):,.0f} ({min(values):,.0f}–{max(values):,.0f})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--presets", type=lambda text: text.split(","), default=list(PRESETS), metavar="A,B")
    parser.add_argument("--rounds", type=int, default=8, help="turns of each kind (%(default)s)")
    parser.add_argument("--seconds", type=float, default=4.0, help="of each turn (%(default)s)")
    options = parser.parse_args()
    print(machine.line(), flush=True)
    found = {}
    for preset in options.presets:
        with tempfile.TemporaryDirectory() as folder:
            found[preset] = measure(Path(folder), preset, options.rounds, options.seconds)
        print(f"{preset}: done", file=sys.stderr, flush=True)
    print(report(found))


if __name__ == "__main__":
    main()

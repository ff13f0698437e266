"""Hours of it: a worker that trains, a console that watches and a query server that answers keep their memory and their
open files."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median

import psutil

from campaign.report import Count, Failure
from seqsum.control import commands
from seqsum.launch import LocalLauncher
from seqsum.presets import load_preset
from seqsum.runs import Workspace
from tests.support.terminal import Terminal

FIRST_SECONDS = 60.0
"""After that memory and open files are flat."""
GROWTH = 1.05
PAUSE_SECONDS = 1.0
KEYS = "egotwm"
"""Events, configuration, log, the x axis, the columns of charts, another metric."""


def run(folder: Path, seed: int, most: int) -> Iterator[Count]:
    """Watch them for so many seconds, a look each second, and compare the first minute's end with the last minute."""
    config = load_preset("baseline").config.changed({"train.steps": 500_000_000, "train.keep_checkpoints": 5}, "soak")
    trained = commands.start(Workspace(folder / "runs"), LocalLauncher(), "baseline", config, "long")
    console = Terminal([sys.executable, "-m", "seqsum_tui", "--workspace", str(folder / "runs")], _environment(folder))
    console.wait_for("long")
    console.press("enter")
    while not trained.summary().step:
        console.read(0.1)
    server = subprocess.Popen(
        [sys.executable, "-m", "seqsum.query", str(trained.folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    pid = trained.summary().pid
    assert pid is not None
    processes = {"worker": pid, "console": console.pid, "query server": server.pid}
    looks: dict[str, list[tuple[float, int]]] = {name: [] for name in processes}
    began, number = time.monotonic(), 0
    try:
        while time.monotonic() - began < most:
            until = time.monotonic() + PAUSE_SECONDS
            while time.monotonic() < until:
                console.read(0.1)
            number += 1
            assert server.stdin is not None and server.stdout is not None
            server.stdin.write(json.dumps({"id": number, "ask": "answer", "input": "1 2 3"}) + "\n")
            server.stdin.flush()
            server.stdout.readline()
            if number % 5 == 0:
                console.press(KEYS[number // 5 % len(KEYS)])
            for name, process in processes.items():
                one = psutil.Process(process)
                looks[name].append((written_memory(process) / 2**20, one.num_fds()))
    finally:
        server.kill()
        console.kill()
        commands.stop(trained)
        trained.wait_for_worker(60)
    for name, seen in looks.items():
        first = int(FIRST_SECONDS / PAUSE_SECONDS)
        early, late = seen[first : first + 60], seen[-60:]
        if not early:
            yield Count(f"soak: {name}", tried=1, failures=[Failure("it was too short to tell", f"{most} s")])
            continue
        (memory, files), (memory_then, files_then) = (
            [median(part) for part in zip(*one, strict=True)] for one in (early, late)
        )
        count = Count(f"soak: {name}, {memory:.0f} → {memory_then:.0f} MB, {files:.0f} → {files_then:.0f} files")
        grown = memory_then > GROWTH * memory or files_then > GROWTH * files
        step = max(60, len(seen) // 12)
        course = ", ".join(f"{median(mb for mb, _ in seen[at : at + step]):.0f}" for at in range(0, len(seen), step))
        count.note(True, Failure.of(f"it grows: {course} MB" if grown else None, f"{most} s"))
        yield count


def written_memory(process: int) -> int:
    """Return the bytes of memory that a process has written and shares with nobody.

    Not its unique set: pages of a library are in that or not, 70 MB of PyTorch's, as another process has loaded it.
    """
    for line in Path(f"/proc/{process}/smaps_rollup").read_text().splitlines():
        if line.startswith("Private_Dirty:"):
            return int(line.split()[1]) * 2**10
    raise ValueError("the system tells of no written memory")


def _environment(folder: Path) -> dict[str, str]:
    from tests.bench.console import environment

    return environment(folder)

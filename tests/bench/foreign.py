"""`python -m tests.bench.foreign [LOGS [POINTS]]`: how soon other programs' logs stand in the list, and have curves."""

from __future__ import annotations

import math
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from seqsum.runs import Run, Workspace
from tests.bench.machine import line


def make(folder: Path, logs: int, points: int) -> None:
    """Write logs with a loss at each step."""
    for log in range(logs):
        with (folder / f"run{log:03}.csv").open("w", encoding="ascii") as file:
            file.write("step,loss\n")
            file.writelines(f"{step},{math.exp(-step / points) + log / 1000:.6g}\n" for step in range(points))


def measure(folder: Path, workspace: Path, logs: int, points: int) -> dict[str, float]:
    """Return seconds from the start of the process that follows: to the list with all last values, to the whole curve
    of a run that is asked for then, to all curves."""
    found: dict[str, float] = {}
    began = time.perf_counter()
    command = [sys.executable, "-P", "-m", "seqsum.foreign", str(folder), str(workspace)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True) as process:
        assert process.stdin is not None
        place = Workspace(workspace)
        while sum(1 for one in place.summaries() if one.metrics) < logs:
            time.sleep(0.02)
        found["the list, with last values"] = time.perf_counter() - began
        last = place.runs()[logs // 2]
        asked = time.perf_counter()
        process.stdin.write(f"{last.id}\n")
        process.stdin.flush()
        wait_for(last, points)
        found["a curve, after it is opened"] = time.perf_counter() - asked
        for run in place.runs():
            wait_for(run, points)
        found["all curves"] = time.perf_counter() - began
        process.stdin.close()
    return found


def wait_for(run: Run, points: int) -> None:
    while True:
        with run.store() as store:
            if len(store.points("loss")[0]) == points:
                return
        time.sleep(0.02)


def main() -> None:
    logs, points = [*map(int, sys.argv[1:]), *(100, 100_000)[len(sys.argv) - 1 :]]
    print(line())
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "logs").mkdir()
        make(Path(folder) / "logs", logs, points)
        for what, seconds in measure(Path(folder) / "logs", Path(folder) / "runs", logs, points).items():
            print(f"{what:<30} {seconds:6.2f} s   ({logs} logs of {points:,} points)")


if __name__ == "__main__":
    main()

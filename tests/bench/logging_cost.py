"""`python -m tests.bench.logging_cost`: what `run.log` takes of a script's loop, beside appending to a plain list."""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))
import seqsum
from tests.bench.machine import line

STEPS, ROUNDS = 20_000, 5


def seconds(work: Callable[[int, dict[str, float]], object], metrics: dict[str, float]) -> float:
    """For one logged number, in the loop's own thread and whatever it waits for the others."""
    began = time.perf_counter()
    for step in range(STEPS):
        work(step, metrics)
    return (time.perf_counter() - began) / (STEPS * len(metrics))


def rounds(count: int) -> dict[str, list[float]]:
    """What a number takes in each round, with so many of them a step."""
    rows: list[tuple[int, dict[str, float]]] = []
    metrics = {f"metric_{number}": 0.5 + number for number in range(count)}
    found: dict[str, list[float]] = {"run.log": [], "list.append": []}
    with tempfile.TemporaryDirectory() as folder, seqsum.watch("bench", workspace=folder) as run:
        for _ in range(ROUNDS):
            found["run.log"].append(seconds(lambda step, given: run.log(step, **given), metrics))
            found["list.append"].append(seconds(lambda step, given: rows.append((step, dict(given))), metrics))
            # What is written behind the loop is not to stand in the way of the next round.
            time.sleep(1.0)
    return found


def main() -> None:
    print(line())
    for count in (1, 9):
        for name, each in rounds(count).items():
            middle, low, high = (value * 1e6 for value in (statistics.median(each), min(each), max(each)))
            print(f"{name:<12} {middle:6.2f} µs a number, {count} a step ({low:.2f} to {high:.2f})")


if __name__ == "__main__":
    main()

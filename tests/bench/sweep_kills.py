"""A sweep whose driver and workers are killed at random moments: the same settings at its end, none twice.

`python -m tests.bench.sweep_kills [--kills 20] [--seed 1]` drives a grid of 9 settings × 8 seeds, kills its driver or
one of its workers (SIGKILL) at moments drawn from the seed, resumes it after each killed driver, and compares what came
of it with the grid, and each run's last values with those of a sweep that nobody touched. Exit status 1 where anything
differs.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from seqsum.runs import Workspace

RATES, SIZES, SEEDS, STEPS = ("0.001", "0.003", "0.01"), ("8", "16", "32"), 8, 2000
WORDS = [
    "baseline", "--optim.lr", ",".join(RATES), "--model.hidden_size", ",".join(SIZES), "--train.steps", str(STEPS),
    "--train.checkpoint_every", "200", "--seeds", str(SEEDS), "--name", "killed",
]  # fmt: skip
LONGEST = 0.3
"""Seconds from where a run trains to the next kill, at most."""


def started(folder: Path, *words: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "seqsum.cli", "sweep", *words, "--json", "--workspace", str(folder)]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def live_workers(folder: Path) -> list[int]:
    """Return the processes of runs that train."""
    return [one.pid for one in Workspace(folder).summaries() if one.status == "running" and one.pid]


def killed_again_and_again(folder: Path, kills: int, draw: random.Random) -> Counter[str]:
    """Drive the sweep to its end through so many kills; return how many hit the driver, and how many a worker."""
    done = Counter[str]()
    driver = started(folder, *WORDS)
    while sum(done.values()) < kills and driver.poll() is None:
        workers = live_workers(folder)
        while driver.poll() is None and not workers:
            time.sleep(0.01)
            workers = live_workers(folder)
        time.sleep(draw.uniform(0, LONGEST))
        workers = live_workers(folder)
        if workers and draw.random() < 0.5:
            with_luck = draw.choice(workers)
            try:
                os.kill(with_luck, signal.SIGKILL)
            except ProcessLookupError:
                continue
            done["worker"] += 1
        elif driver.poll() is None and (folder / ".sweeps" / "killed" / "sweep.json").exists():
            driver.kill()
            driver.wait()
            done["driver"] += 1
            driver = started(folder, "--resume", "killed")
    if driver.wait() != 0:
        raise SystemExit("the sweep did not come to its end")
    return done


def outcomes(folder: Path) -> dict[tuple[str, str, int], list[tuple[str, int, dict[str, float]]]]:
    """Return (rate, size, seed) → status, step and last values of each of its runs."""
    found: dict[tuple[str, str, int], list[tuple[str, int, dict[str, float]]]] = {}
    for run in Workspace(folder).runs():
        config, summary = run.record.parsed_config(), run.summary()
        metrics = {name: value for name, value in summary.metrics.items() if name in ("loss", "accuracy", "eval_loss")}
        place = str(config.value("optim.lr")), str(config.value("model.hidden_size")), config.train.seed
        found.setdefault(place, []).append((summary.status, summary.step, metrics))
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        whole, killed = Path(place) / "whole", Path(place) / "killed"
        if started(whole, *WORDS).wait() != 0:
            raise SystemExit("the sweep that nobody touched did not come to its end")
        done = killed_again_and_again(killed, options.kills, random.Random(options.seed))
        expected, found = outcomes(whole), outcomes(killed)
        settings = json.loads((killed / ".sweeps" / "killed" / "settings.json").read_text())["settings"]
    grid = set(itertools.product(RATES, SIZES, range(SEEDS)))
    twice = [place for place, runs in found.items() if len(runs) != 1]
    tried = Counter(tuple(one["values"].values()) for one in settings if one["state"] == "complete")
    wrong = [place for place in grid if found.get(place) != expected.get(place)]
    print(f"killed: {done['driver']} times the driver, {done['worker']} times a worker (seed {options.seed})")
    print(f"settings complete: {len(tried)} of {len(RATES) * len(SIZES)}, each once: {set(tried.values()) == {1}}")
    print(
        f"runs: {len(found)} of {len(grid)}, twice: {len(twice)}, other than of the sweep nobody touched: {len(wrong)}"
    )
    if sum(done.values()) < options.kills:
        print(f"the sweep ended before {options.kills} kills")
        return 1
    sound = set(found) == grid and not twice and not wrong
    return 0 if sound and set(tried.values()) == {1} and len(tried) == len(RATES) * len(SIZES) else 1


if __name__ == "__main__":
    sys.exit(main())

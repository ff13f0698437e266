"""How long a sweep of short runs takes beside what their training takes: `python -m tests.bench.sweep_wall`.

It drives a grid of 9 settings × 8 seeds of `baseline`, 1,000 steps each, as a person would type it, in a queue of its
own, and prints the wall time, the sum of the runs' training times shared out on the workers, and the ratio of both: of
the whole command, with Python, Optuna and PyTorch being loaded, and from the first run's first step to the last one's
end.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from seqsum.runs import Workspace

from . import machine

RATES, SIZES = ("0.001", "0.003", "0.01"), ("8", "16", "32")


@dataclass(frozen=True)
class Took:
    """Seconds. whole: of the command; between: from the first run's beginning to the last one's end; training: of all
    runs, shared out on the workers."""

    whole: float
    between: float
    training: float

    @property
    def ratios(self) -> tuple[float, float]:
        return self.whole / self.training, self.between / self.training


def measured(folder: Path, seeds: int, steps: int, workers: int) -> Took:
    """Drive the sweep in an empty folder."""
    words = ["baseline", "--optim.lr", ",".join(RATES), "--model.hidden_size", ",".join(SIZES)]
    words += ["--train.steps", str(steps), "--seeds", str(seeds), "--job", f"workers={workers}"]
    runs, queue = folder / "runs", folder / "queue"
    queue.mkdir()
    queue.chmod(0o1777)
    environment = {**os.environ, "SEQSUM_QUEUE_DIR": str(queue)}
    command = [sys.executable, "-m", "seqsum.cli", "sweep", *words, "--json", "--workspace", str(runs)]
    began = time.perf_counter()
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True, env=environment)
    whole = time.perf_counter() - began
    starts, ends, training = list[float](), list[float](), 0.0
    for run in Workspace(runs).runs():
        with run.store() as store:
            state = store.state()
            starts.append(store.events(kind="started")[0].time)
        assert state["status"] == "finished", run.id
        ends.append(state["updated"])
        training += state["train_seconds"]
    assert len(starts) == len(RATES) * len(SIZES) * seeds
    return Took(whole, max(ends) - min(starts), training / workers)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=8)
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--times", type=int, default=3)
    options = parser.parse_args()
    print(machine.line())
    taken = list[Took]()
    for _ in range(options.times):
        with tempfile.TemporaryDirectory() as place:
            took = measured(Path(place), options.seeds, options.steps, options.workers)
        whole, between = took.ratios
        print(
            f"{took.whole:.1f} s, {took.between:.1f} s from the first step to the last end; training "
            f"{took.training:.1f} s on each of {options.workers} workers: {whole:.2f} and {between:.2f} times as long",
            flush=True,
        )
        taken.append(took)
    whole, between = (statistics.median(ratios) for ratios in zip(*(took.ratios for took in taken), strict=True))
    print(f"median of {len(taken)}: {whole:.2f} and {between:.2f} times as long as training")


if __name__ == "__main__":
    main()

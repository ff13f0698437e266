"""The table of document 1 in docs/results.md: its presets with many seeds each, their spread, and unseen lengths.

python -m tests.spread --seeds 32 --workspace FOLDER [--backend torch] [--presets A,B]

Trains with `seqsum replicate`, so that an interrupted call goes on where it was. Where the folder has the same preset
with another backend too, the two sets are compared.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from seqsum.query.answering import Answerer
from seqsum.runs import Run, Workspace

from .bench.ranks import mann_whitney
from .results import PUBLISHED

PRESETS = ("adds", "baseline", "large_batch", "large_batch_lr5e-3", "deeper_rnn", "sota", "sota_warmup")
BACKENDS = ("auto", "torch", "fused")
LENGTHS = (6, 7, 8, 10, 15, 20, 30, 50, 100)
HEADING = "| preset | published | lowest | quartile | median | quartile | highest | converged | at step | train time |"


def replicate(preset: str, seeds: str, workspace: Path, backend: str) -> dict[str, Any]:
    """Train a preset with all seeds; return the last line of `seqsum replicate --json`."""
    command = [sys.executable, "-m", "seqsum.cli", "replicate", preset, "--seeds", seeds, "--json"]
    command += [f"--train.backend={backend}", "--group", f"{preset}-{backend}"]
    done = subprocess.run(
        [*command, "--workspace", str(workspace)], stdout=subprocess.PIPE, text=True, check=False
    ).stdout.splitlines()
    last: dict[str, Any] = json.loads(done[-1])
    return last


def row(preset: str, outcome: dict[str, Any], seconds: float) -> str:
    """Return one line: the distribution of the accuracy, every length counted alike."""
    low, median, high = outcome["quartiles"]
    # A seed without a value ranks as worst.
    lowest = outcome["values"][0] if outcome["with_value"] == outcome["runs"] else None
    values = [lowest, low, median, high, outcome["values"][-1]]
    arrival = f"{outcome['steps_to_converge'][1]:,.0f}" if outcome["steps_to_converge"] else "–"
    shown = " | ".join("NaN" if value is None else f"{100 * value:.1f}%" for value in values)
    share = f"{outcome['converged']} of {outcome['runs']}"
    return f"| `{preset}` | {PUBLISHED.get(preset, '–')} | {shown} | {share} | {arrival} | {seconds:.1f} s |"


def median_seconds(workspace: Path, group: str) -> float:
    """Return the middle training time of a group's runs."""
    times = sorted(s.train_seconds for s in Workspace(workspace).summaries() if s.group == group)
    return times[len(times) // 2]


def accuracies(workspace: Path, group: str) -> list[float]:
    """Return the accuracy of every finished run of a group."""
    found = Workspace(workspace).summaries()
    return [s.metrics["accuracy"] for s in found if s.group == group and s.status == "finished"]


def comparisons(preset: str, workspace: Path) -> list[str]:
    """Return a line for each pair of backends that trained a preset with equally many seeds."""
    sets = {backend: accuracies(workspace, f"{preset}-{backend}") for backend in BACKENDS}
    known = [backend for backend in BACKENDS if sets[backend]]
    return [
        f"`{preset}`: {one} against {other}, {len(sets[one])} seeds each: Mann–Whitney p = "
        f"{mann_whitney(sets[one], sets[other]).p:.2f}"
        for place, one in enumerate(known)
        for other in known[place + 1 :]
        if len(sets[one]) == len(sets[other])
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", default="32")
    parser.add_argument("--workspace", type=Path, required=True)
    parser.add_argument("--backend", choices=BACKENDS, default="auto")
    parser.add_argument("--presets", default=",".join(PRESETS))
    options = parser.parse_args()
    print(f"{HEADING}\n|---|---|---|---|---|---|---|---|---|---|", flush=True)
    best: dict[str, str] = {}
    for preset in options.presets.split(","):
        outcome = replicate(preset, options.seeds, options.workspace, options.backend)
        seconds = median_seconds(options.workspace, f"{preset}-{options.backend}")
        print(row(preset, outcome, seconds), flush=True)
        best[preset] = outcome["best"]
    for preset in options.presets.split(","):
        for line in comparisons(preset, options.workspace):
            print(f"\n{line}")
    print(f"\n| the best seed of | {' | '.join(str(length) for length in LENGTHS)} |\n|{'---|' * (len(LENGTHS) + 1)}")
    for preset, id in best.items():
        run = Run(Workspace(options.workspace).folder / id)
        found = Answerer(run, seconds=None).ask("evaluate", low=min(LENGTHS), high=max(LENGTHS))[1]["answer"]
        by_length = {int(length): share for length, share in found["accuracy_by_length"].items()}
        shown = " | ".join(f"{100 * by_length[length]:.1f}%" for length in LENGTHS)
        print(f"| `{preset}`, seed {run.record.seed} | {shown} |")


if __name__ == "__main__":
    main()

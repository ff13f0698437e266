"""How long it takes from a typed command to its run's first update: `python -m tests.bench.first_update`.

`seqsum train` with and without a loaded process that waits (`SEQSUM_STANDBY`), until it says that a step is made; its
peer is a script of plain PyTorch that makes one step of the same network and prints. In turns, medians.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from seqsum.launch import standby

from . import machine

PEER = """
import torch
embedding, rnn, head = torch.nn.Embedding(11, 32), torch.nn.RNN(32, 32, batch_first=True), torch.nn.Linear(32, 10)
parameters = [*embedding.parameters(), *rnn.parameters(), *head.parameters()]
optimizer = torch.optim.AdamW(parameters)
_, hidden = rnn(embedding(torch.randint(10, (64, 5))))
torch.nn.functional.cross_entropy(head(hidden[-1]), torch.randint(10, (64,))).backward()
optimizer.step()
print("step 1")
"""
SEQSUM = [sys.executable, "-m", "seqsum.cli", "train", "baseline", "--train.steps", "1000", "--json", "--workspace"]
NAMES = ("plain PyTorch", "seqsum train, nothing waits", "seqsum train, a loaded process waits")


def seconds_to_step(command: list[str], minutes: str) -> float:
    """Return the time until a command says that a step is made; wait for its end."""
    began, found = time.perf_counter(), None
    environment = {**os.environ, standby.VARIABLE: minutes}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if found is None and (line.startswith("step 1") or _is_made(line)):
                found = time.perf_counter() - began
    assert process.returncode == 0 and found is not None
    return found


def _is_made(line: str) -> bool:
    return line.startswith("{") and json.loads(line)["event"] == "metrics"


def measured(folder: Path, rounds: int) -> list[list[float]]:
    """Return the seconds of each of NAMES, round by round."""
    runs = str(folder / "runs")
    seconds_to_step([*SEQSUM, runs], "1")  # begins to wait
    return [
        [
            seconds_to_step([sys.executable, "-c", PEER], standby.OFF),
            seconds_to_step([*SEQSUM, runs], standby.OFF),
            seconds_to_step([*SEQSUM, runs], "1"),
        ]
        for _ in range(rounds)
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    print(machine.line())
    with tempfile.TemporaryDirectory() as folder:
        for name, found in zip(NAMES, zip(*measured(Path(folder), options.rounds), strict=True), strict=True):
            print(f"{name:<40} {statistics.median(found):.2f} s")


if __name__ == "__main__":
    main()

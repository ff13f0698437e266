"""Where the time of a whole fused run goes: in the training loop, and in the threads beside it."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

from .measure import Job, measure, timed_run
from .table import text_table

STEPS = {"baseline": 100_000, "sota_warmup": 10_000}
NEIGHBOUR = """
import numpy
one = numpy.ones((512, 512), dtype=numpy.float32)
while True:
    one @ one
"""

LIMITS = """\
What limits it. The larger networks spend their time in matrix products, near the peak, and the rest waiting for the
third cache; sota_warmup's products are 64 x 32 x 32, half as fast, and baseline's 16 x 16: tanh, loss and Adam take as
long. A whole run of baseline has an evaluation of all 111,100 sequences due
every 500 steps, that is every 4 to 5 ms. It runs in a second thread, at the speed of its matrix products and
exponentials, and takes two fifths of that time; where two processors share one core, as on many rented machines, that
slows the training thread down, as any busy neighbour does ("beside a busy neighbour").
What was tried. In the walk: each beginning's states and recurrent product once for all tokens that can follow; tanh of
a sum as a quotient of products of e^x, two to a division; 2^x by a polynomial that is exact enough for a sum of
probabilities; one logarithm for hundreds of sums (4.2 ms became 1.6). In the loop: data of the next chunk made ahead,
points and checkpoints written by another thread, forced to the disk once a second, copies of one flat tensor, rates of
a chunk at once. Not done: fewer evaluations than the preset says, or an estimate in place of the exact figure."""


class Clock:
    """Time spent in functions, by a name for each: of the clock, and of the processor."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self.used: dict[str, float] = {}

    def watch(self, owner: Any, name: str, what: str) -> Callable[[], None]:
        """Count the time in `owner.name` from now on; the function returned ends that."""
        function = getattr(owner, name)

        def timed(*args: Any, **more: Any) -> Any:
            began, used = time.perf_counter(), time.thread_time()
            try:
                return function(*args, **more)
            finally:
                self.seconds[what] = self.seconds.get(what, 0.0) + time.perf_counter() - began
                self.used[what] = self.used.get(what, 0.0) + time.thread_time() - used

        setattr(owner, name, timed)
        return lambda: setattr(owner, name, function)


def measure_profile(job: Job, folder: Path) -> dict[str, float]:
    """Return seconds by part of a whole run of `job.steps`, and of the updates alone, also beside a neighbour."""
    from seqsum.training import checkpoint
    from seqsum.training.backends.fused.backend import FusedBackend
    from seqsum.training.backends.fused.exact_evaluation import ExactEvaluation
    from seqsum.training.trainer import Trainer
    from seqsum.worker.worker import Worker
    from seqsum.worker.writing import RunWriter

    steps = job.steps or STEPS[job.preset]
    timed_run(job, folder, "whole", 2000)
    bare = timed_run(job, folder, "bare", steps)
    neighbour = subprocess.Popen([sys.executable, "-c", NEIGHBOUR], env={**os.environ, "OPENBLAS_NUM_THREADS": "1"})
    try:
        beside = timed_run(job, folder, "bare", steps)
    finally:
        neighbour.kill()
        neighbour.wait()
    clock = Clock()
    parts: list[tuple[Any, str, str]] = [
        (Worker, "train", "loop"),
        (Trainer, "run_chunk", "chunks"),
        (FusedBackend, "run", "updates"),
        (Worker, "_evaluate", "evaluations handed over"),
        (RunWriter, "save_behind", "checkpoints handed over"),
        (RunWriter, "write", "points handed over"),
        (Worker, "_obey", "commands"),
        (ExactEvaluation, "_evaluate", "evaluating"),
        (checkpoint, "save", "writing checkpoints"),
        (RunWriter, "record", "writing points"),
    ]
    ends = [clock.watch(*part) for part in parts]
    try:
        timed_run(job, folder, "whole", steps)
    finally:
        for end in ends:
            end()
    seconds = clock.seconds
    told = ("evaluations handed over", "checkpoints handed over", "points handed over", "commands")
    loop = {
        "updates": seconds["updates"],
        "data, learning rates, log": seconds["chunks"] - seconds["updates"],
        **{part: seconds.get(part, 0.0) for part in told},
    }
    loop["all else"] = seconds["loop"] - sum(loop.values())
    beside_it = {part: clock.used.get(part, 0.0) for part in ("evaluating", "writing checkpoints", "writing points")}
    return {"bare": bare, "beside": beside, "loop": seconds["loop"], **loop, **beside_it}


def run_profile(presets: list[str], rounds: int, steps: int | None, say: Callable[[str], None]) -> dict[str, Any]:
    """Measure each preset `rounds` times, in turns; return the seconds of each part, one a round."""
    found: dict[str, Any] = {preset: {} for preset in presets}
    for number in range(rounds):
        for preset in presets:
            result = measure(Job("profile", "ours", preset, seed=number, steps=steps or STEPS[preset]))
            for part, seconds in result.items():
                found[preset].setdefault(part, []).append(seconds)
            say(f"round {number + 1} of {rounds}: profile of {preset}")
    return {"rounds": rounds, "steps": {preset: steps or STEPS[preset] for preset in presets}, "seconds": found}


def profile_report(result: dict[str, Any]) -> str:
    """Return the result as text."""
    presets = list(result["seconds"])
    rows: list[list[str]] = []
    parts = [part for part in result["seconds"][presets[0]] if part not in ("bare", "beside", "loop")]
    beside_it = parts[-3:]
    rows.append(["In the training loop, of the clock"])
    for part in parts[:-3]:
        rows.append([f"  {part}", *(_cell(result, preset, part) for preset in presets)])
    rows.append(["In other threads, of the processor"])
    for part in beside_it:
        rows.append([f"  {part}", *(_cell(result, preset, part) for preset in presets)])
    rows.append(["Steps/s, and what the run costs over its updates"])
    for name, part in (("the loop", "loop"), ("updates alone", "bare"), ("beside a busy neighbour", "beside")):
        rows.append([f"  {name}", *(_speed(result, preset, part) for preset in presets)])
    title = "Where a whole fused run's time goes: ms of 1,000 steps (share of the loop), "
    title += f"median of {result['rounds']} round{'s' * (result['rounds'] != 1)}"
    return f"{title}\n\n{text_table(['', *presets], rows)}\n\n{LIMITS}"


def _cell(result: dict[str, Any], preset: str, part: str) -> str:
    seconds, steps = result["seconds"][preset], result["steps"][preset]
    share = median(mine / whole for mine, whole in zip(seconds[part], seconds["loop"], strict=True))
    return f"{median(seconds[part]) * 1e6 / steps:.2f} ({share:.1%})"


def _speed(result: dict[str, Any], preset: str, part: str) -> str:
    seconds, steps = result["seconds"][preset], result["steps"][preset]
    over = median(mine / bare - 1 for mine, bare in zip(seconds[part], seconds["bare"], strict=True))
    return f"{steps / median(seconds[part]):,.0f}" + (f" ({over:+.1%})" if part != "bare" else "")

"""One measurement in a process of its own: `python -m tests.bench.measure JOB`, with a JSON object in and one out.

A fresh process each time, on one thread: no entrant finds another's caches warm, its memory or its thread settings.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from .cases import LARGER, config_of

ROOT = Path(__file__).resolve().parents[2]
WARM_UP_STEPS, LARGER_WARM_UP_STEPS = 200, 5
ONE_XLA_THREAD = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
# They hold OpenBLAS to code for another processor.
MISLEADING = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")
THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS")


# On a busy machine wall time measures the neighbours. Time on the processor does not, but it leaves out waiting for the
# disk.
CLOCKS = {"wall": time.perf_counter, "cpu": time.process_time}


class MeasurementFailed(Exception):
    """A measuring process ended without a result."""


@dataclass(frozen=True)
class Job:
    """What to measure: kind "speed", "accuracy", "profile" or "peak" (`entrant`: one of `peak.peak_jobs`).

    seconds: how long each timing of a speed job should last about; `steps`, if given, overrides it. clock: "wall" or
    "cpu". For accuracy `steps` is the length of the run (default: the preset's).
    """

    kind: str
    entrant: str
    preset: str
    seed: int = 0
    steps: int | None = None
    seconds: float = 3.0
    clock: str = "wall"


def measure(job: Job) -> dict[str, Any]:
    """Measure in a process of its own; raise MeasurementFailed with the end of its output."""
    given = {name: value for name, value in os.environ.items() if name not in MISLEADING}
    environment = {**given, **dict.fromkeys(THREAD_VARIABLES, "1"), "XLA_FLAGS": ONE_XLA_THREAD}
    command = [sys.executable, "-m", "tests.bench.measure", json.dumps(asdict(job))]
    child = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    if child.returncode != 0:
        lines = (child.stderr.strip() or child.stdout.strip() or f"exit status {child.returncode}").splitlines()
        raise MeasurementFailed(f"{job.entrant} on {job.preset or job.kind}: {lines[-1]}")
    result: dict[str, Any] = json.loads(child.stdout.splitlines()[-1])
    return result


def measure_speed(job: Job, folder: Path) -> dict[str, Any]:
    """Time the bare loop and, of a preset, the whole run; steps per second of each."""
    # The whole run first: what it leaves on the disk is flushed while the bare loop, which writes nothing, is timed.
    larger = job.preset in LARGER
    parts = ("bare",) if larger else ("whole", "bare")
    warm_up = min(LARGER_WARM_UP_STEPS if larger else WARM_UP_STEPS, job.steps or WARM_UP_STEPS)
    for part in parts:
        seconds = timed_run(job, folder, part, warm_up)
    wanted = job.seconds * warm_up / seconds
    # Whole cycles of logging, evaluation and saving, so that a longer run would give the same figure.
    every = 1 if larger else _config(job, warm_up).train.checkpoint_every
    steps = job.steps or max(1, round(wanted / every)) * every
    return {"steps": steps, **{part: steps / timed_run(job, folder, part, steps) for part in parts}}


def measure_accuracy(job: Job, folder: Path) -> dict[str, Any]:
    """Train to the end, then ask about the whole input space."""
    from seqsum.evaluation.evaluate import evaluate
    from seqsum.registry import make_task

    from .entrants import ENTRANTS

    config = _config(job, job.steps)
    training = ENTRANTS[job.entrant].make(config, folder)
    started = time.perf_counter()
    # The tutorial's evaluation draws from the generator that makes its training data; ours changes nothing.
    if job.entrant == "ours":
        training.bare()
    else:
        training.whole()
    seconds = time.perf_counter() - started
    result = evaluate(training.classifier(), make_task(config.task))
    return {
        "accuracy": result.accuracy,
        "loss": result.loss,
        "sequences": result.sequences,
        "exhaustive": result.exhaustive,
        "steps": config.train.steps,
        "seconds": seconds,
    }


def _config(job: Job, steps: int | None) -> Any:
    changes = {"train.seed": job.seed, "train.threads": 1} | ({"train.steps": steps} if steps else {})
    return config_of(job.preset).changed(changes, "bench")


def timed_run(job: Job, folder: Path, part: str, steps: int) -> float:
    """Return the seconds of a whole run or of its bare updates."""
    from .entrants import ENTRANTS

    training = ENTRANTS[job.entrant].make(_config(job, steps), Path(tempfile.mkdtemp(dir=folder)))
    act = training.whole if part == "whole" else training.bare
    clock = CLOCKS[job.clock]
    if hasattr(training, "warm_up"):
        training.warm_up()
    started = clock()
    act()
    return clock() - started


def main(argument: str) -> None:
    job = Job(**json.loads(argument))
    from .peak import measure_peak
    from .profile import measure_profile

    acts = {"speed": measure_speed, "accuracy": measure_accuracy, "peak": measure_peak, "profile": measure_profile}
    act = acts[job.kind]
    if job.entrant == "jax" and hasattr(os, "sched_setaffinity"):
        # XLA_FLAGS alone does not hold it to one thread: its own pool is as large as the processors it may use.
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    import torch

    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory(prefix="seqsum-bench-") as folder:
        print(json.dumps(act(job, Path(folder))))


if __name__ == "__main__":
    main(sys.argv[1])

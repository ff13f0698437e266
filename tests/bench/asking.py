"""What asking costs a run that trains, and how soon it answers: `python -m tests.bench.asking`.

A run trains; by turns nobody asks it, one question a second is put, and a server walks over many inputs without end.
Steps per second of the worker's processor time tell what the training lost, whatever else the machine does.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path

import psutil

from seqsum.control import commands
from seqsum.launch import LocalLauncher
from seqsum.presets import load_preset
from seqsum.runs import Run, Workspace
from seqsum_tui.query.client import server_command
from seqsum_tui.query.session import Session

QUESTION = "1 2 3 5 1 2 4"
ENDLESS = {"train.steps": "100000000", "train.evaluate_every": "1000000", "train.keep_checkpoints": "20"}

Asking = Callable[[], Awaitable[object]]


async def steps_per_cpu_second(run: Run, worker: psutil.Process, seconds: float, asking: Asking | None) -> float:
    """Let the run train for so long, asked all the time by `asking`; return steps per second of its processor time."""

    def spent() -> float:
        times = worker.cpu_times()
        return times.user + times.system

    task = None if asking is None else asyncio.ensure_future(asking())
    before, steps = spent(), run.summary().step
    await asyncio.sleep(seconds)
    rate = (run.summary().step - steps) / max(spent() - before, 1e-9)
    if task is not None:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
    return rate


async def measure(folder: Path, rounds: int, seconds: float) -> dict[str, list[float]]:
    """Return the rates of each way to ask, one a round, and the seconds of each answer."""
    config = load_preset("baseline").config.changed(ENDLESS, "bench")
    run = commands.start(Workspace(folder), LocalLauncher(), "baseline", config)
    session = Session(run, server_command)
    found: dict[str, list[float]] = {"nobody": [], "question": [], "walk": [], "saving": [], "answer": []}
    try:
        while run.summary().step < 1000:
            await asyncio.sleep(0.1)
        session.summary = run.summary()
        pid = session.summary.pid
        assert pid is not None
        await session.save_now(lambda _: None)
        await session.load()

        async def questions() -> None:
            while True:
                began = time.perf_counter()
                await session.save_now(lambda _: None)
                saved = time.perf_counter()
                await session.ask("predict", input=QUESTION)
                found["saving"].append(saved - began)
                found["answer"].append(time.perf_counter() - saved)
                await asyncio.sleep(1)

        async def walk() -> None:
            while True:
                await session.ask("mistakes", limit=1)
                await session.ask("accuracy_by_length")

        worker = psutil.Process(pid)
        for _ in range(rounds):
            for name, asking in (("nobody", None), ("question", questions), ("walk", walk)):
                found[name].append(await steps_per_cpu_second(run, worker, seconds, asking))
            await session.close()  # a walk that was cut short still answers
            await session.load()
    finally:
        await session.close()
        if run.summary().live:
            commands.stop(run)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=5.0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        found = asyncio.run(measure(Path(name), options.rounds, options.seconds))
    alone = statistics.median(found["nobody"])
    print(f"nobody asks             {alone:10,.0f} steps per CPU second")
    for name, words in (("question", "a question a second"), ("walk", "a walk without end")):
        rate = statistics.median(found[name])
        print(f"{words:22}  {rate:10,.0f}  ({100 * (rate / alone - 1):+.1f}%)")
    for name in ("saving", "answer"):
        print(f"{name:22}  {1000 * statistics.median(found[name]):10.0f} ms")


if __name__ == "__main__":
    main()

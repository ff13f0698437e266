"""What breaks first at 100,000 runs and 1,000 workers in one store: `python -m tests.bench.limits`.

Workspaces of growing size are made of copies of one small run, each with a record of its own (their stores are links to
one file: only what is read counts). In each it is measured what people wait for: the list, with and without an index,
the next look of a console, a run that is found by its name, a new run. Then the machine's queue with 1,000 waiting
tickets, each held as a waiting worker holds its own, and how often writers commit into stores of one disk. Each figure
stands beside what it may be; the one that is the most over is what breaks first. Seconds are those of a processor,
so that other work on the machine counts little.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from multiprocessing import get_context
from pathlib import Path

import psutil

from seqsum.machine_queue import VARIABLE, MachineQueue, Places, rest_seconds
from seqsum.presets import load_preset
from seqsum.runs import Run, Workspace
from seqsum.runs.index import INDEX_FILE, Index
from seqsum.worker.queue_wait import POLL_SECONDS

from . import machine

SIZES = "1000,10000,100000"
WORKERS = 1000
POINTS = 100
LINKS = 20_000
"""To one file: a file system has a limit."""
WRITES_A_SECOND = 10
"""How often a worker that trains writes, at most."""
BEGAN = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Figure:
    """A thing that was measured, and what it may be at most. per_core: the share of a processor."""

    what: str
    value: float
    most: float
    unit: str

    @property
    def over(self) -> float:
        return self.value / self.most

    def line(self) -> str:
        return f"{self.what:<58} {self.value:10.3g} {self.unit:<12} at most {self.most:g}: {self.over:8.2f}"


def make_runs(folder: Path, runs: int) -> None:
    """Write runs that ended, a minute apart."""
    workspace = Workspace(folder)
    first = workspace.create("baseline", load_preset("baseline").config)
    with first.store() as store:
        steps = range(10, 10 * POINTS + 1, 10)
        store.append((name, step, 1 / step) for name in ("loss", "accuracy") for step in steps)
        store.set_state(status="finished", step=10 * POINTS, updated=time.time(), train_seconds=1.0)
    record = first.record
    plain, stored = json.dumps(record.config), first.folder
    for number in range(runs):
        when = BEGAN + timedelta(minutes=number)
        copy = folder / f"{when:%Y%m%d-%H%M%S}-{_letters(number)}"
        (copy / "checkpoints").mkdir(parents=True)
        if number % LINKS:
            os.link(stored, copy / "metrics.db")
        else:
            stored = copy / "metrics.db"
            shutil.copyfile(first.folder / "metrics.db", stored)
        config = json.loads(plain)
        config["train"]["seed"] = number
        made = replace(record, id=copy.name, name=f"run-{number}", created=when.isoformat(), config=config)
        # As `Record.write` does, but for the forcing to the disk.
        (copy / "run.json").write_text(json.dumps(made.plain()))
    shutil.rmtree(first.folder)


def _letters(number: int) -> str:
    return "".join("abcdefghjk"[number // 10**place % 10] for place in range(4))


def seconds_of(work: Callable[[], object]) -> float:
    """Return the processor seconds that something takes in this process."""
    began = time.process_time()
    work()
    return time.process_time() - began


def seconds_of_command(*words: str) -> float:
    """Return the processor seconds that a command takes."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-m", "seqsum.cli", *words], stdout=subprocess.DEVNULL, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def of_workspace(folder: Path, runs: int) -> Iterator[Figure]:
    """Yield what a workspace of so many runs takes."""
    there = ["--workspace", str(folder)]
    many = f"{runs:,} runs: "
    (folder / INDEX_FILE).unlink(missing_ok=True)
    yield Figure(f"{many}the list, never read before", seconds_of_command("runs", *there), 10, "s")
    yield Figure(f"{many}the list again (seqsum runs)", seconds_of_command("runs", *there), 2, "s")
    yield Figure(f"{many}one by its name (seqsum show)", seconds_of_command("show", f"run-{runs // 2}", *there), 2, "s")
    index, before = Index(folder), psutil.Process().memory_info().rss
    yield Figure(f"{many}a console opens its index", seconds_of(index.read), 2, "s")
    took = psutil.Process().memory_info().rss - before
    yield Figure(f"{many}memory of the list", took / 2**20, 500, "MB")
    looks = 20
    quick = seconds_of(lambda: [index.read(quick=True) for _ in range(looks)]) / looks
    yield Figure(f"{many}its next look, five times a second", 1000 * quick, 20, "ms")
    workspace = Workspace(folder)
    config = load_preset("baseline").config
    made = list[Run]()
    yield Figure(f"{many}the first new run", seconds_of(lambda: made.append(workspace.create("x", config))), 2, "s")
    another = seconds_of(lambda: made.append(workspace.create("x", config)))
    yield Figure(f"{many}another new run", 1000 * another, 100, "ms")
    for run in made:
        shutil.rmtree(run.folder)


@contextmanager
def many_files() -> Iterator[None]:
    """Let this process hold a file for each ticket."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def of_queue(root: Path, tickets: int) -> Iterator[Figure]:
    """Yield what so many waiting workers take, behind one that works."""
    root.chmod(0o1777)
    os.environ[VARIABLE] = str(root)
    with many_files():
        place = MachineQueue(root, 1, root / "works").take_if_any()
        assert place is not None
        waiting = [MachineQueue(root, 1, root / f"run-{number}") for number in range(tickets)]
        drawn = list[str]()
        drawing = seconds_of(lambda: drawn.extend(one.draw_ticket() for one in waiting)) / tickets
        # The first look holds the ticket, as a worker that waits does.
        first = seconds_of(lambda: [one.begin(ticket) for one, ticket in zip(waiting, drawn, strict=True)]) / tickets
        last, number = MachineQueue(root, 1, root / "last"), 20
        ticket = last.draw_ticket()
        last.begin(ticket)
        looks = list[float]()
        for _ in range(number):
            again = MachineQueue(root, 1, root / "last")
            looks.append(seconds_of(lambda again=again: again.begin(ticket)))  # type: ignore[misc]
            again.drop("")
        look = sum(looks) / number
        many = f"{tickets:,} waiting: "
        yield Figure(f"{many}one more is put at the end", 1000 * drawing, 100, "ms")
        yield Figure(f"{many}a look at whose turn it is", 1000 * max(look, first), 20, "ms")
        share = 100 * sum(look / max(rest_seconds(before, 60.0), POLL_SECONDS) for before in range(tickets))
        yield Figure(f"{many}all of them look, of a core", share, 50, "%")
        yield Figure(f"{many}their places are told (seqsum runs)", 1000 * seconds_of(Places), 100, "ms")
        for one, ticket in zip(waiting, drawn, strict=True):
            one.drop(ticket)
        os.close(place)


def _commits(run: Path, seconds: float) -> int:
    """Write as a worker does for so long; return how often."""
    done = 0
    with Run(run).store() as store:
        end = time.monotonic() + seconds
        while time.monotonic() < end:

            def write(step: int = 10 * done) -> None:
                store.append([("loss", step, 1.0), ("accuracy", step, 0.5)])
                store.set_state(step=step, updated=time.time())

            store.write(write)
            done += 1
    return done


def of_writers(folder: Path, writers: int, seconds: float) -> Iterator[Figure]:
    """Yield how many of WORKERS could write as often as they may, were there so many processors as here."""
    workspace = Workspace(folder)
    runs = [workspace.create("baseline", load_preset("baseline").config).folder for _ in range(writers)]
    with get_context("spawn").Pool(writers) as pool:
        done = sum(pool.starmap(_commits, [(run, seconds) for run in runs]))
    needed = WORKERS * WRITES_A_SECOND
    what = f"{writers} writers commit {done / seconds:,.0f} times a second; {WORKERS:,} want {needed:,}"
    yield Figure(what, needed / (done / seconds), 1, "times as many")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", default=SIZES, help="how many runs, with commas between them")
    parser.add_argument("--tickets", type=int, default=WORKERS)
    parser.add_argument("--seconds", type=float, default=3.0, help="how long writers write")
    options = parser.parse_args()
    print(machine.line())
    figures = list[Figure]()

    def tell(found: Iterator[Figure]) -> None:
        for figure in found:
            print(figure.line(), flush=True)
            figures.append(figure)

    for runs in map(int, options.sizes.split(",")):
        with tempfile.TemporaryDirectory() as place:
            make_runs(Path(place) / "runs", runs)
            tell(of_workspace(Path(place) / "runs", runs))
    with tempfile.TemporaryDirectory() as place:
        tell(of_queue(Path(place), options.tickets))
    for writers in (1, os.cpu_count() or 1):
        with tempfile.TemporaryDirectory() as place:
            tell(of_writers(Path(place), writers, options.seconds))
    worst = sorted(figures, key=lambda figure: -figure.over)
    print("what breaks first:")
    for figure in worst[:5]:
        print(f"  {figure.over:6.1f} times what it may be: {figure.what}")


if __name__ == "__main__":
    main()

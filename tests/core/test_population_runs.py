"""Runs that one process trains together: on the disk each is what it is when it is trained alone."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from seqsum import machine_queue
from seqsum.config import Config
from seqsum.control import commands
from seqsum.control.replicate import Replication, parse_seeds
from seqsum.launch import WarmLauncher, warm
from seqsum.runs import Run, Workspace
from seqsum.runs.waiting import place_of
from seqsum.training.backends.fused import cache
from seqsum.training.backends.fused_support import FEWEST
from support.engine import CLOCK_METRICS, small, wait_for_end, wait_for_step, wait_until

# Which checkpoints are kept by itself hangs on when the disk has them.
CONFIG = small(
    train__backend="fused",
    train__steps=4000,
    train__evaluate_every=500,
    train__checkpoint_every=1000,
    train__keep_checkpoints="off",
)
LONG = CONFIG.changed(
    {"train.steps": "200000", "train.evaluate_every": "50000", "train.checkpoint_every": "20000"}, "test"
)

cache.compile_lanes()


@pytest.fixture(scope="module")
def launcher() -> Iterator[WarmLauncher]:
    """One that waits for its loaded process as long as that takes: else each run has a process of its own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(warm, "ANSWER_SECONDS", 600.0)
        made = WarmLauncher()
        made.warm()
        yield made
        made.close()


def group(folder: Path, launcher: WarmLauncher, config: Config = CONFIG, seeds: int = FEWEST) -> Replication:
    return Replication(Workspace(folder), launcher, "baseline", config, parse_seeds(str(seeds)), "several")


def pid_of(run: Run) -> int | None:
    with run.store() as store:
        return store.state().get("pid")


def points_of(run: Run) -> dict[str, list[tuple[float, float]]]:
    with run.store() as store:
        names = [name for name in store.metrics() if name not in CLOCK_METRICS]
        return {name: list(zip(*(part.tolist() for part in store.points(name)), strict=True)) for name in names}


def same_on_disk(run: Run, other: Run) -> None:
    """The same curves, and checkpoints with the same bytes of weights and optimizer."""
    assert points_of(run) == points_of(other)
    steps = sorted(path.name for path in run.checkpoints.iterdir())
    assert steps == sorted(path.name for path in other.checkpoints.iterdir())
    for step in steps:
        for name in ("model.safetensors", "optimizer.safetensors"):
            assert (run.checkpoints / step / name).read_bytes() == (other.checkpoints / step / name).read_bytes()


def alone(folder: Path, launcher: WarmLauncher, run: Run) -> Run:
    """The same run, in a process of its own."""
    other = commands.start(Workspace(folder / "alone"), launcher, "baseline", run.record.parsed_config())
    wait_for_end(other)
    return other


def test_runs_of_one_process_are_on_the_disk_what_they_are_alone(launcher: WarmLauncher, tmp_path: Path) -> None:
    replication = group(tmp_path / "group", launcher)
    replication.begin()
    runs = list(replication.runs.values())
    assert len({pid_of(run) for run in runs}) == 1
    for run in runs:
        assert wait_for_end(run).status == "finished"
        assert run.log_tail(1) == ["finished at step 4,000"]
    for run in (runs[0], runs[-1]):
        same_on_disk(run, alone(tmp_path, launcher, run))


def test_each_stops_early_when_it_would_alone(launcher: WarmLauncher, tmp_path: Path) -> None:
    config = CONFIG.changed({"train.early_stop": "1", "train.evaluate_every": "100", "optim.lr": "0.02"}, "test")
    replication = group(tmp_path / "group", launcher, config)
    replication.begin()
    steps = []
    for run in replication.runs.values():
        assert wait_for_end(run).status == "finished"
        steps.append(run.summary().step)
    assert len(set(steps)) > 1
    last = replication.runs[steps.index(max(steps))]
    same_on_disk(last, alone(tmp_path, launcher, last))


def test_one_is_stopped_and_goes_on_and_the_others_do_not_care(launcher: WarmLauncher, tmp_path: Path) -> None:
    replication = group(tmp_path / "group", launcher, LONG)
    replication.begin()
    first, other = replication.runs[0], replication.runs[1]
    wait_for_step(first, 1)
    commands.stop(first)
    assert wait_for_end(first).status == "stopped"
    assert wait_for_end(other).status == "finished"
    replication.begin()
    assert wait_for_end(first).status == "finished"
    for run in (first, other):
        same_ends(run, alone(tmp_path, launcher, run))


def test_a_killed_process_loses_all_of_them_and_each_goes_on(launcher: WarmLauncher, tmp_path: Path) -> None:
    replication = group(tmp_path / "group", launcher, LONG)
    replication.begin()
    runs = list(replication.runs.values())
    wait_for_step(runs[2], 1)
    for run in runs:
        with run.store() as store:
            store.post_command("pause")
    wait_until(lambda: all(run.summary().status == "paused" for run in runs), "all are paused")
    pid = pid_of(runs[0])
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: not any(run.worker_lives for run in runs), "the locks are free")
    assert {run.summary().status for run in runs} == {"died"}
    replication.begin()
    for run in runs:
        assert wait_for_end(run).status == "finished"
    for run in (runs[0], runs[5]):
        same_ends(run, alone(tmp_path, launcher, run))


def test_while_they_wait_one_can_be_taken_out_and_one_begins_all(launcher: WarmLauncher, tmp_path: Path) -> None:
    busy = WarmLauncher(workers=1)
    try:
        endless = LONG.changed({"train.steps": "900000000"}, "test")
        before = commands.start(Workspace(tmp_path / "group"), busy, "baseline", endless, queue=True)
        wait_for_step(before, 1)
        replication = group(tmp_path / "group", busy, CONFIG)
        busy.warm()
        replication.begin()
        runs = replication.runs
        assert {run.summary().status for run in runs.values()} == {"queued"}
        assert commands.stop(runs[3])["message"] == "taken out of the queue"
        assert runs[3].summary().status == "stopped"
        commands.resume(runs[1], busy)
        for seed, run in runs.items():
            assert wait_for_end(run).status == ("stopped" if seed == 3 else "finished")
        commands.stop(before)
        wait_for_end(before)
    finally:
        busy.close()


@pytest.mark.parametrize("machine", [False, True], ids=["workspace", "machine"])
def test_each_has_its_place_and_who_leaves_takes_no_others_along(
    machine: bool, launcher: WarmLauncher, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if machine:
        (tmp_path / "queue").mkdir()
        monkeypatch.setenv("SEQSUM_QUEUE_DIR", str(tmp_path / "queue"))
    busy = WarmLauncher(workers=1)
    try:
        place, endless = Workspace(tmp_path / "group"), LONG.changed({"train.steps": "900000000"}, "test")
        before = commands.start(place, busy, "baseline", endless, queue=True)
        wait_for_step(before, 1)
        replication = group(tmp_path / "group", busy, CONFIG)
        busy.warm()
        replication.begin()
        first, *others = replication.runs.values()
        behind = commands.start(place, busy, "baseline", CONFIG, queue=True)
        if machine:
            # Only what a living worker holds counts here.
            monkeypatch.setattr(machine_queue, "YOUNG_SECONDS", 0.0)
            in_order = [place.folder / run.id for run in (first, *others, behind)]
            wait_until(lambda: all(map(place_of, in_order)), "their workers")
            assert [found.number for found in map(place_of, in_order) if found] == [*range(1, FEWEST + 2)]
            monkeypatch.undo()
            monkeypatch.setenv("SEQSUM_QUEUE_DIR", str(tmp_path / "queue"))
        commands.stop(first)
        commands.resume(first, busy, queue=True)
        commands.stop(before)
        began = []
        for run in (*others, behind, first):
            assert wait_for_end(run).status == "finished"
            with run.store() as store:
                began.append(store.events(kind="started")[0].time)
        assert max(began[:-2]) < began[-2] < began[-1]
    finally:
        busy.close()


def same_ends(run: Run, other: Run) -> None:
    """The same curves and the same last weights; a run that was stopped has one checkpoint more."""
    assert points_of(run) == points_of(other)
    last = f"step-{run.summary().step}"
    for name in ("model.safetensors", "optimizer.safetensors"):
        assert (run.checkpoints / last / name).read_bytes() == (other.checkpoints / last / name).read_bytes()


@pytest.mark.parametrize("seeds", [1, FEWEST - 1])
def test_few_have_a_process_each(seeds: int, launcher: WarmLauncher, tmp_path: Path) -> None:
    replication = group(tmp_path, launcher, seeds=seeds)
    replication.begin()
    for run in replication.runs.values():
        assert wait_for_end(run).status == "finished"
        assert "started at step 0 of 4,000" in run.log_tail()

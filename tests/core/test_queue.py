"""The queue: first come first served, as many at once as there are slots, and nobody's death blocks it."""

from __future__ import annotations

import itertools
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path

import numpy as np
import psutil
import pytest

from seqsum.control import commands
from seqsum.errors import UserError
from seqsum.launch import LocalLauncher, WarmLauncher
from seqsum.launch.warm import AT_ONCE
from seqsum.runs import Run, Workspace
from seqsum.runs.store import STATUSES
from seqsum.slots import Slots, worker_count
from seqsum.training.backends.fused import cache
from seqsum.worker import queue_wait
from seqsum.worker.signals import StopSignal
from support.engine import outcome_of, small, wait_for_end, wait_until

MEGABYTE = 2**20


@pytest.fixture
def launcher() -> LocalLauncher:
    return LocalLauncher(workers=1)


@pytest.fixture
def slots(tmp_path: Path) -> Slots:
    return Slots(tmp_path, 1)


def queue(folder: Path, launcher: LocalLauncher, **changes: int) -> Run:
    return commands.start(Workspace(folder), launcher, "baseline", small(**changes), queue=True)


def has_open(process: psutil.Process, path: Path) -> bool:
    return str(path) in (file.path for file in process.open_files())


def began(run: Run) -> float:
    with run.store() as store:
        return store.events(kind="started")[0].time


def test_queued_runs_outlive_who_queued_them_wait_lightly_and_go_one_after_another(
    tmp_path: Path, slots: Slots
) -> None:
    slot = slots.take()
    assert slot is not None
    runs = []
    for _ in range(3):
        command = [sys.executable, "-m", "seqsum.cli", "train", "baseline", "--train.steps=60", "--queue", "--detach"]
        command += ["--json", "--workspace", str(tmp_path)]
        done = subprocess.run(
            command, capture_output=True, text=True, check=True, env={**os.environ, "SEQSUM_WORKERS": "1"}
        )
        runs.append(Run(tmp_path / json.loads(done.stdout)["run"]))
    first, second, third = runs
    for run in runs:
        summary = run.summary()
        assert summary.status == "queued" and summary.pid is not None and run.worker_lives
        assert psutil.Process(summary.pid).memory_info().rss < 40 * MEGABYTE
    assert commands.stop(second)["ok"]
    assert wait_for_end(second).status == "stopped"
    with pytest.raises(UserError, match="waits for its turn; seqsum resume starts it now"):
        commands.pause(third)
    os.close(slot)
    wait_until(lambda: first.summary().status == "finished", "the first run's end")
    assert wait_for_end(third).status == "finished"
    with first.store() as store:
        assert began(third) >= store.events(kind="finished")[0].time
    assert second.summary().step == 0
    assert not list((tmp_path / ".slots" / "queue").iterdir())


def test_a_waiting_worker_that_dies_is_seen_and_blocks_nobody(
    tmp_path: Path, launcher: LocalLauncher, slots: Slots
) -> None:
    slot = slots.take()
    assert slot is not None
    dead, alive = queue(tmp_path, launcher), queue(tmp_path, launcher)
    pid = dead.summary().pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: dead.summary().status == "died", "the death")
    os.close(slot)
    assert wait_for_end(alive).status == "finished"
    commands.resume(dead, launcher)
    assert wait_for_end(dead).status == "finished"


@pytest.mark.parametrize("queued", [True, False])
def test_a_run_whose_waiting_worker_died_waits_for_itself_never(
    queued: bool, tmp_path: Path, launcher: LocalLauncher, slots: Slots
) -> None:
    slot = slots.take()
    assert slot is not None
    run = queue(tmp_path, launcher)
    pid = run.summary().pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: run.summary().status == "died", "the death")
    commands.resume(run, launcher, queue=queued)
    behind = queue(tmp_path, launcher)
    assert sum(run.id in ticket for ticket in slots.tickets()) == queued
    os.close(slot)
    assert wait_for_end(run).status == wait_for_end(behind).status == "finished"
    assert slots.tickets() == []


def test_a_signal_takes_a_run_out_of_the_queue(tmp_path: Path, launcher: LocalLauncher, slots: Slots) -> None:
    slot = slots.take()
    run = queue(tmp_path, launcher)
    pid = run.summary().pid
    assert slot is not None and pid is not None
    # Before its handlers stand a signal just ends a process; it has been born only now.
    wait_until(lambda: psutil.Process(pid).status() == psutil.STATUS_SLEEPING, "waiting")
    wait_until(lambda: _handles(pid, signal.SIGTERM), "handlers")
    os.kill(pid, signal.SIGTERM)
    summary = wait_for_end(run)
    assert (summary.status, summary.reason) == ("stopped", "stopped by SIGTERM while it waited")
    os.close(slot)


def _handles(pid: int, number: signal.Signals) -> bool:
    fields = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    return bool(int(fields["SigCgt"], 16) >> (number - 1) & 1)


def test_a_waiting_run_can_be_started_now_and_a_run_started_now_counts(
    tmp_path: Path, launcher: LocalLauncher, slots: Slots
) -> None:
    slot = slots.take()
    assert slot is not None
    run = queue(tmp_path, launcher, train__steps=10_000_000)
    assert "ahead of the queue" in commands.resume(run, launcher)["message"]
    wait_until(lambda: run.summary().status == "running", "the start")
    commands.stop(run)
    os.close(slot)
    at_once = commands.start(Workspace(tmp_path), launcher, "baseline", small(train__steps=10_000_000))
    wait_until(lambda: at_once.summary().status == "running", "the start")
    assert slots.take() is None
    waiting = queue(tmp_path, launcher)
    assert waiting.summary().status == "queued"
    commands.stop(at_once)
    assert wait_for_end(waiting).status == "finished"


def test_a_run_that_nobody_works_on_can_be_stopped(tmp_path: Path) -> None:
    run = Workspace(tmp_path).create("baseline", small())
    assert commands.stop(run)["ok"]
    assert run.summary().status == "stopped"


def test_tickets_are_served_in_their_order_and_those_of_the_dead_are_thrown_away(slots: Slots) -> None:
    first, second = slots.draw_ticket("one"), slots.draw_ticket("two")
    assert first < second
    assert slots.is_next(first) and slots.is_next(second)  # no run "one" is locked
    assert not (slots.folder / "queue" / first).exists()


@pytest.mark.parametrize("text", ["0", "many", "-1", "2000"])
def test_a_wrong_number_of_workers_is_one_sentence(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEQSUM_WORKERS", text)
    with pytest.raises(UserError, match="SEQSUM_WORKERS: must be a whole number from 1 to 1024"):
        LocalLauncher().capacity()
    monkeypatch.setenv("SEQSUM_WORKERS", "3")
    assert worker_count() == LocalLauncher().capacity() == 3
    monkeypatch.delenv("SEQSUM_WORKERS")
    assert 1 <= worker_count() <= (os.cpu_count() or 1)


def test_a_forked_worker_outlives_its_launcher_and_starts_from_nothing_where_it_must(tmp_path: Path) -> None:
    launcher = WarmLauncher()
    launcher.warm()
    run = commands.start(Workspace(tmp_path), launcher, "baseline", small(train__steps=30_000, train__backend="torch"))
    pid = run.summary().pid
    assert pid is not None
    parent = psutil.Process(pid).parent()
    # Forked from the loaded process, and soon in a session of its own.
    assert parent is not None and "seqsum.worker.fork_server" in parent.cmdline()
    wait_until(lambda: os.getsid(pid) == pid, "a session of its own")
    launcher.close()
    wait_until(lambda: run.summary().step > 0, "training without its launcher")
    assert not parent.is_running() and psutil.pid_exists(pid)
    commands.stop(run)
    assert wait_for_end(run).status == "stopped"
    # Nothing is loaded any more: a process from nothing.
    second = WarmLauncher()
    commands.resume(run, second)
    # Of a process that has just been forked the system knows no command yet.
    wait_until(lambda: psutil.Process(run.summary().pid or 0).cmdline(), "its command")
    assert "seqsum.worker" in psutil.Process(run.summary().pid or 0).cmdline()
    commands.stop(run)
    assert wait_for_end(run).status == "stopped"
    second.close()


def test_runs_submitted_together_are_forked_and_each_knows_its_own_worker(tmp_path: Path) -> None:
    launcher, workspace = WarmLauncher(workers=1), Workspace(tmp_path)
    launcher.warm()
    with launcher.together():
        runs = [
            commands.start(workspace, launcher, "baseline", small(train__steps=30_000), f"{number}", queue=True)
            for number in range(AT_ONCE + 2)
        ]
        assert [run.worker_lives for run in runs] == [True] * AT_ONCE + [False] * 2
    for run in runs:
        process = psutil.Process(run.summary().pid)
        parent = process.parent()
        assert parent is not None and "seqsum.worker.fork_server" in parent.cmdline()
        wait_until(partial(has_open, process, run.log), "its log")
    launcher.close()
    for run in reversed(runs):
        commands.stop(run)
        assert wait_for_end(run).status == "stopped"


@pytest.fixture
def loaded() -> Iterator[WarmLauncher]:
    # A worker that compiles beside its training takes no other run.
    cache.compile_now()
    made = WarmLauncher(workers=1)
    made.warm()
    yield made
    made.close()


def worker_of(run: Run) -> int:
    with run.store() as store:
        (started,) = store.events(kind="started")
    return int(started.detail["pid"])


@pytest.mark.parametrize("backend", ["torch", "fused"])
def test_one_process_works_on_queued_runs_one_after_another_and_each_is_as_it_would_be_alone(
    backend: str, loaded: WarmLauncher, tmp_path: Path
) -> None:
    kinds = itertools.cycle([{"model__cell": cell, "train__seed": seed} for cell, seed in (("rnn", 1), ("gru", 2))])
    runs = list[Run]()

    def one_more() -> bool:
        config = small(train__backend=backend, train__steps=60, **next(kinds))
        runs.append(commands.start(Workspace(tmp_path), loaded, "baseline", config, queue=True))
        assert wait_for_end(runs[-1]).status == "finished"
        return [worker_of(run) for run in runs].count(worker_of(runs[-1])) == 3

    # It waits for another one for two seconds, which may be over.
    wait_until(one_more, "three runs of one process")
    pid, alone = worker_of(runs[-1]), LocalLauncher(workers=1)
    for run in runs[-3:]:
        other = commands.start(Workspace(tmp_path / "alone"), alone, "baseline", run.record.parsed_config())
        assert wait_for_end(other).status == "finished" and worker_of(other) != pid
        assert outcome_of(run) == outcome_of(other)
        assert run.log.read_text() == other.log.read_text()
        assert not run.worker_lives
    # When nothing comes, it ends.
    wait_until(lambda: not psutil.pid_exists(pid), "its end")


def test_a_worker_that_is_killed_stopped_or_held_takes_no_other_run(loaded: WarmLauncher, tmp_path: Path) -> None:
    def begun(steps: int = 60) -> Run:
        config = small(train__backend="torch", train__steps=steps)
        return commands.start(Workspace(tmp_path), loaded, "baseline", config, queue=True)

    def one_that_waits() -> psutil.Process | None:
        run = begun()
        assert wait_for_end(run).status == "finished"
        with suppress(psutil.NoSuchProcess):
            return psutil.Process(worker_of(run))
        return None

    def ended() -> psutil.Process:
        return wait_until(one_that_waits, "a process that waits for another run")

    def at_its_second() -> tuple[psutil.Process, Run] | None:
        process, run = ended(), begun(10**7)
        wait_until(lambda: run.summary().step > 0, "its training")
        if worker_of(run) == process.pid:
            return process, run
        commands.stop(run)
        return None

    # Killed at its second run, that one has died, and nothing else.
    process, run = wait_until(at_its_second, "a process at its second run")
    process.kill()
    assert wait_for_end(run).status == "died"
    # While it waits for another run, if it still does.
    with suppress(psutil.NoSuchProcess):
        ended().kill()
    held = ended()
    with suppress(psutil.NoSuchProcess):
        held.suspend()
    assert ended().pid != held.pid
    with suppress(psutil.NoSuchProcess):
        held.kill()
    # A signal asks for the process, too, and not for its run alone.
    run = begun(10**7)
    wait_until(lambda: run.summary().step > 0, "its training")
    process = psutil.Process(run.summary().pid)
    process.terminate()
    assert wait_for_end(run).status == "stopped"
    wait_until(lambda: not process.is_running() or process.status() == psutil.STATUS_ZOMBIE, "its end")


def test_of_runs_submitted_together_one_that_can_t_be_started_holds_up_none(tmp_path: Path) -> None:
    launcher, workspace = WarmLauncher(), Workspace(tmp_path)
    launcher.warm()
    runs = [workspace.create("baseline", small()) for _ in range(4)]
    with runs[0].store() as store:
        store.set_state(status="finished")
    (runs[1].folder / "metrics.db").unlink()
    with pytest.raises(UserError, match=f"runs: {runs[0].id} is finished"), launcher.together():
        for run in runs:
            launcher.submit(run)
    assert [wait_for_end(run).status for run in runs[2:]] == ["finished"] * 2
    launcher.close()


def test_who_has_just_come_looks_for_a_turn_soon_and_seldomer_later(
    tmp_path: Path, slots: Slots, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = Workspace(tmp_path).create("baseline", small())
    taken, now, pauses = slots.take(), [0.0], list[float]()
    assert taken is not None

    def sleep(seconds: float) -> None:
        pauses.append(seconds)
        now[0] += seconds
        if now[0] > 10:
            os.close(taken)

    monkeypatch.setattr(queue_wait.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(queue_wait.time, "sleep", sleep)
    place = queue_wait.Waiting(run.folder, slots.draw_ticket(run.id), slots)
    begun, slot = queue_wait.wait_for_slot([place], StopSignal())
    assert begun == [place] and slot is not None
    os.close(slot)
    looks = np.cumsum(pauses)
    # A turn that comes is taken within a tenth of the waiting, and nobody looks oftener than five times a second.
    assert all(pause <= max(0.011, 0.1 * since) for pause, since in zip(pauses[1:], looks, strict=False))
    assert max(pauses) == pauses[-1] == 0.2


@pytest.mark.parametrize("queued", [False, True])
@pytest.mark.parametrize("again", [False, True], ids=["new", "resumed"])
def test_what_is_launched_is_starting_and_only_what_waits_for_its_turn_is_queued(
    queued: bool, again: bool, tmp_path: Path, launcher: LocalLauncher, slots: Slots
) -> None:
    run = Workspace(tmp_path).create("baseline", small())
    if again:
        with run.store() as store:
            store.set_state(status="stopped", step=25)
    slot = slots.take()
    assert slot is not None
    commands.resume(run, launcher, queue=queued)
    # Whatever it was asked: one look may come after the start.
    assert run.summary().status in (("queued",) if queued else ("starting", "running", "finished"))
    seen: list[str] = []

    def look() -> bool:
        status = run.summary().status
        seen.extend([status] if status not in seen[-1:] else [])
        return status == "finished"

    os.close(slot)
    wait_until(look, "the end")
    assert "starting" in seen, "it takes a second to load PyTorch"
    assert seen == sorted(seen, key=STATUSES.index)
    assert queued or "queued" not in seen


def test_a_worker_that_can_not_be_launched_leaves_the_run_as_it_was(
    tmp_path: Path, launcher: LocalLauncher, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = Workspace(tmp_path).create("baseline", small())
    with run.store() as store:
        store.set_state(status="stopped", step=25, pid=4711)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "nothing"))
    with pytest.raises(UserError, match="can't start a worker"):
        commands.resume(run, launcher)
    assert run.summary().status == "stopped"

"""A worker that a signal has stopped: seen as such everywhere, and in nobody's way."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from seqsum.compare.reader import ComparisonReader
from seqsum.control import commands
from seqsum.errors import UserError
from seqsum.launch import LocalLauncher, WarmLauncher
from seqsum.runs import Run, Workspace
from seqsum.slots import Slots
from support.command_line import call, lines
from support.engine import small, wait_for_end, wait_for_step, wait_until
from support.trained import trained_run

# Holds the lock and does what it is asked, as a worker does; of the standard library, so that it starts in a moment.
WORKER = """
import fcntl, json, os, signal, sqlite3, sys, time
os.chdir(sys.argv[1])
lock = open("worker.lock", "w")
fcntl.flock(lock, fcntl.LOCK_EX)
store = sqlite3.connect("metrics.db", isolation_level=None, timeout=60)
def be(**state):
    store.executemany("INSERT OR REPLACE INTO state VALUES (?, ?)", [(key, json.dumps(state[key])) for key in state])
be(status="running", pid=os.getpid(), step=7, steps_per_second=2064.0, train_seconds=9.0)
print("runs", flush=True)
if sys.argv[2:] == ["writes"]:
    store.execute("BEGIN IMMEDIATE")
    os.kill(os.getpid(), signal.SIGSTOP)
    store.execute("COMMIT")
while True:
    for id, verb in store.execute("SELECT id, verb FROM command WHERE done IS NULL").fetchall():
        if verb == "stop":
            be(status="stopped")
        store.execute("UPDATE command SET done = 1.0, outcome = ? WHERE id = ?", (json.dumps({"ok": True}), id))
        if verb == "stop":
            sys.exit()
    time.sleep(0.01)
"""


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return trained_run(tmp_path_factory.mktemp("model"), 5)


@pytest.fixture
def run(model: Run, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Run]:
    """A run with a checkpoint, whose worker is there and goes on; parametrized, a worker that does as it is told."""
    made = Workspace(tmp_path).create("baseline", model.config())
    made.checkpoints.rmdir()
    made.checkpoints.symlink_to(model.checkpoints)
    with made.store() as store:
        store.append([("loss", 7, 0.5)])
    child = subprocess.Popen(
        [sys.executable, "-c", WORKER, str(made.folder), *getattr(request, "param", [])], stdout=subprocess.PIPE
    )
    assert child.stdout is not None and child.stdout.readline() == b"runs\n"
    yield made
    child.kill()
    child.communicate()


def stopped_by_a_signal(run: Run) -> int:
    pid = run.summary().pid
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    wait_until(lambda: psutil.Process(pid).status() == psutil.STATUS_STOPPED, "the signal")
    return pid


def test_every_list_says_that_it_is_suspended_by_what_and_what_helps(run: Run) -> None:
    workspace = Workspace(run.folder.parent)
    reader, compared = ComparisonReader(workspace.folder, [run.id]), {}

    def listed() -> list[str]:
        compared.update({one.summary.id: one.summary.status for one in getattr(reader.read(), "runs", ())})
        return [entry.summary.status for entry in workspace.index.read(quick=True).entries] + [*compared.values()]

    wait_until(lambda: listed() == ["running", "running"], "the list")
    pid = stopped_by_a_signal(run)
    # No file of the run changes now: who looks again sees it all the same.
    wait_until(lambda: listed() == ["suspended", "suspended"], "the list")
    (found,) = lines("runs", "--workspace", str(workspace.folder), "--filter", "status:suspended")
    (shown,) = lines("show", run.id, "--workspace", str(workspace.folder))
    for facts in (found, shown):
        assert (facts["status"], facts["steps_per_second"], facts["pid"]) == ("suspended", 0.0, pid)
        assert f"kill -CONT {pid}" in facts["reason"] and f"seqsum resume {run.id}" in facts["reason"]
    _, text, _ = call("show", run.id, "--workspace", str(workspace.folder))
    assert "suspended" in text and "stopped by a signal (SIGSTOP)" in text and "steps/s" not in text
    os.kill(pid, signal.SIGCONT)
    wait_until(lambda: listed() == ["running", "running"], "the list")


def test_resume_lets_it_go_on(run: Run) -> None:
    pid = stopped_by_a_signal(run)
    assert commands.resume(run, LocalLauncher())["pid"] == pid
    assert run.summary().status == "running"
    assert commands.snapshot(run)["ok"]


def test_stop_is_heard(run: Run) -> None:
    stopped_by_a_signal(run)
    assert commands.stop(run)["ok"]
    assert wait_for_end(run).status == "stopped"


@pytest.mark.parametrize("run", [["writes"]], indirect=True)
def test_stop_is_heard_where_it_was_stopped_while_it_wrote(run: Run) -> None:
    """It holds its store: a value can't be set, which is said with what helps."""
    wait_until(lambda: run.summary().status == "suspended", "the signal")
    with pytest.raises(UserError, match=f"^set: run {run.id} is suspended while it writes: .*; seqsum resume {run.id}"):
        commands.set_value(run, "optim.lr", "0.5")
    assert commands.stop(run)["ok"]
    assert wait_for_end(run).status == "stopped"


@pytest.mark.parametrize("ask", [commands.pause, commands.snapshot], ids=["pause", "snapshot"])
def test_what_it_can_not_do_is_refused_at_once(run: Run, ask: Callable[[Run], object]) -> None:
    stopped_by_a_signal(run)
    with pytest.raises(UserError, match="is suspended; only"):
        ask(run)
    with run.store() as store:
        assert store.pending_commands() == []


def test_a_value_is_set_for_when_it_goes_on(run: Run) -> None:
    stopped_by_a_signal(run)
    assert "from the moment run" in commands.set_value(run, "optim.lr", "0.5")["message"]


def test_who_waits_for_an_answer_hears_that_there_will_be_none(run: Run) -> None:
    """The signal comes after the question."""
    pid = run.summary().pid
    assert pid is not None
    with run.store() as store:
        stopped_by_a_signal(run)
        asked = store.post_command("snapshot")
    answers: list[object] = []
    waiting = threading.Thread(target=lambda: answers.append(run.wait_for_command(asked, 600, pid)))
    waiting.start()
    waiting.join(60)
    assert answers == [None]


def test_questions_are_answered_from_the_newest_checkpoint(run: Run) -> None:
    stopped_by_a_signal(run)
    (answer,) = lines("predict", run.id, "1 2 3", "--workspace", str(run.folder.parent))
    assert answer["checkpoint_step"] == 5


def test_another_process_of_that_number_is_left_alone(run: Run) -> None:
    sleeper = subprocess.Popen(["sleep", "600"])
    try:
        os.kill(sleeper.pid, signal.SIGSTOP)
        wait_until(lambda: psutil.Process(sleeper.pid).status() == psutil.STATUS_STOPPED, "the signal")
        with run.store() as store:
            store.set_state(pid=sleeper.pid)
        assert run.summary().status == "running"
        assert commands.stop(run)["ok"]
        assert psutil.Process(sleeper.pid).status() == psutil.STATUS_STOPPED
    finally:
        sleeper.kill()
        sleeper.wait()


@pytest.mark.parametrize("pid", [None, 0, -1, 2**31, 2**80])
def test_a_number_that_is_no_process_is_none(tmp_path: Path, pid: int | None) -> None:
    assert Run(tmp_path).held_up(pid) is None


def test_time_under_a_signal_is_not_trained(fork_server: WarmLauncher, tmp_path: Path) -> None:
    run = commands.start(Workspace(tmp_path), fork_server, "baseline", small(train__steps=10**8))
    wait_for_step(run, 500)
    began, before = time.monotonic(), run.summary().train_seconds or 0.0
    pid = stopped_by_a_signal(run)
    stopped = time.monotonic()
    wait_until(lambda: time.monotonic() - stopped > 2.0, "two seconds")
    held, step = time.monotonic() - stopped, run.summary().step
    os.kill(pid, signal.SIGCONT)
    wait_for_step(run, step + 500)
    commands.stop(run)
    summary = wait_for_end(run)
    assert summary.train_seconds is not None
    # What is read of a run that trains may be half a second old.
    assert summary.train_seconds - before < time.monotonic() - began - held + 0.5


def test_a_loaded_process_that_is_stopped_is_not_waited_for(tmp_path: Path) -> None:
    launcher, others = WarmLauncher(), psutil.Process().children()
    launcher.warm()
    (loaded,) = (child for child in psutil.Process().children() if child not in others)
    loaded.suspend()
    wait_until(lambda: loaded.status() == psutil.STATUS_STOPPED, "the signal")
    with launcher.together():
        runs = [
            commands.start(Workspace(tmp_path), launcher, "baseline", small(train__backend="torch")) for _ in range(2)
        ]
    for run in runs:
        assert re.search(r"-m seqsum\.worker /", " ".join(psutil.Process(run.summary().pid).cmdline()))
    assert not loaded.is_running()
    for run in runs:
        assert wait_for_end(run).status == "finished"
        with run.store() as store:
            assert len(store.events(kind="started")) == 1
    launcher.close()


def test_a_clock_that_jumps_back_changes_no_wish(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    slot = Slots(tmp_path, 1).take()
    assert slot is not None
    run = commands.start(Workspace(tmp_path), LocalLauncher(workers=1), "baseline", small(), queue=True)
    now = time.time
    monkeypatch.setattr(time, "time", lambda: now() - 3600)
    assert commands.stop(run)["message"] == "taken out of the queue"
    assert wait_for_end(run).status == "stopped"
    os.close(slot)

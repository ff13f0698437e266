"""What a person can ask of a run, with a worker played by a thread that holds the lock and answers commands."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from seqsum.config import Config
from seqsum.control import commands
from seqsum.errors import UserError
from seqsum.runs import Run, Workspace
from seqsum.runs.lock import take_lock
from seqsum.runs.run import RESUMABLE_STATUSES
from seqsum.runs.store import STATUSES, SUSPENDED


class Launcher:
    """Remembers what it was asked to start."""

    def __init__(self) -> None:
        self.submitted: list[str] = []

    def capacity(self) -> int:
        return 1

    def submit(self, run: Run, queue: bool = False) -> int:
        self.submitted.append(run.id)
        return 4711

    def warm(self) -> None:
        pass

    def cool(self) -> None:
        pass

    def poll(self, run: Run) -> bool:
        return run.worker_lives

    def stop(self, run: Run, cause: str = "") -> None:
        raise AssertionError("not asked for")

    def close(self) -> None:
        return


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Workspace(tmp_path).create("baseline", Config())


def be(run: Run, status: str) -> None:
    with run.store() as store:
        store.set_state(status=status, pid=None if status == "queued" else 123)


@contextmanager
def worker(run: Run, status: str, ok: bool = True) -> Iterator[list[tuple[str, dict[str, Any]]]]:
    """Hold the lock and answer every command; yields what was asked."""
    lock = take_lock(run.folder)
    assert lock is not None
    be(run, status)
    asked: list[tuple[str, dict[str, Any]]] = []
    ended = threading.Event()

    def answer() -> None:
        with run.store() as store:
            while not ended.wait(0.005):
                for command in store.pending_commands():
                    asked.append((command.verb, command.arguments))
                    store.finish_command(command.id, ok, f"{command.verb} answered", step=7)

    thread = threading.Thread(target=answer)
    thread.start()
    try:
        yield asked
    finally:
        ended.set()
        thread.join()
        os.close(lock)


VERBS = {"pause": commands.pause, "stop": commands.stop, "snapshot": commands.snapshot}


@pytest.mark.parametrize("verb", VERBS)
def test_a_running_worker_is_asked_and_its_answer_returned(run: Run, verb: str) -> None:
    with worker(run, "running") as asked:
        assert VERBS[verb](run) == {"ok": True, "message": f"{verb} answered", "step": 7}
    assert asked == [(verb, {"kept": True} if verb == "snapshot" else {})]


def test_a_refusal_is_an_error(run: Run) -> None:
    with worker(run, "running", ok=False), pytest.raises(UserError, match=r"^pause: pause answered$"):
        commands.pause(run)


STANDS = {"stopped": "is stopped", "finished": "is finished", "failed": "has failed", "died": "has died"}


@pytest.mark.parametrize("status", STANDS)
@pytest.mark.parametrize("verb", VERBS)
def test_a_run_without_a_worker_can_not_be_asked(run: Run, verb: str, status: str) -> None:
    be(run, "running" if status == "died" else status)
    with pytest.raises(UserError) as caught:
        VERBS[verb](run)
    assert str(caught.value).startswith(f"{verb}: run {run.id} {STANDS[status]}; only ")
    with run.store() as store:
        assert store.pending_commands() == []


@pytest.mark.parametrize("verb", ["pause", "snapshot"])
def test_a_run_that_was_never_launched_says_how_to_start_it(run: Run, verb: str) -> None:
    with pytest.raises(UserError) as caught:
        VERBS[verb](run)
    assert str(caught.value) == f"{verb}: run {run.id} has no worker yet; start one with seqsum resume {run.id}"
    with run.store() as store:
        assert store.pending_commands() == []


@pytest.mark.parametrize("status", sorted({*STATUSES} - {SUSPENDED}))
def test_resume_starts_a_worker_where_there_is_none(run: Run, status: str) -> None:
    be(run, "running" if status == "died" else status)
    launcher = Launcher()
    if status in ("starting", "running", "paused"):
        with worker(run, status) as asked:
            if status == "paused":
                assert commands.resume(run, launcher)["ok"]
                assert asked == [("resume", {})]
            else:
                with pytest.raises(UserError, match=f"is {status}; only queued, paused"):
                    commands.resume(run, launcher)
        assert launcher.submitted == []
    elif status in RESUMABLE_STATUSES:
        assert commands.resume(run, launcher)["pid"] == 4711
        assert launcher.submitted == [run.id]
    else:
        with pytest.raises(UserError, match=f"is {status}"):
            commands.resume(run, launcher)
        assert launcher.submitted == []


def test_a_live_value_is_set_by_the_worker(run: Run) -> None:
    with worker(run, "running") as asked:
        commands.set_value(run, "optim.lr", "0.5")
    assert asked == [("set", {"field": "optim.lr", "value": "0.5"})]


@pytest.mark.parametrize("status", ["queued", "stopped", "failed", "died"])
def test_a_value_set_without_a_worker_waits_for_one(run: Run, status: str) -> None:
    be(run, "running" if status == "died" else status)
    assert commands.set_value(run, "optim.clip_norm", "OFF")["message"].startswith("optim.clip_norm = off, ")
    with run.store() as store:
        (command,) = store.pending_commands()
    assert (command.verb, command.arguments) == ("set", {"field": "optim.clip_norm", "value": "OFF"})


@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [
        ("optim.lr", "-1", "set: optim.lr: must be above 0"),
        ("optim.lr", "\x1b[31m", "set: optim.lr: must be a number"),
        ("train.log_every", "1.5", "set: train.log_every: must be a whole number"),
        ("model.hidden_size", "5", 'set: "model.hidden_size" can\'t change while a run trains'),
        ("optim.lrr", "5", 'did you mean "optim.lr"?'),
        ("zzz", "5", "; live fields are optim.lr, "),
    ],
)
def test_a_wrong_value_never_reaches_the_worker(run: Run, field: str, value: str, reason: str) -> None:
    be(run, "stopped")
    with pytest.raises(UserError) as caught:
        commands.set_value(run, field, value)
    assert reason in str(caught.value)
    assert str(caught.value).isprintable()
    with run.store() as store:
        assert store.pending_commands() == []


ENDED = [
    ({"train.steps": 2000}, 2000, "--train.steps 4000"),
    ({"train.stopping_threshold": 0.3}, 500, "--train.stopping_threshold off"),
    ({"train.early_stop": 4}, 500, "--train.early_stop off"),
    ({"train.early_stop": 4}, 2000, "--train.steps 4000"),
    (
        {"train.early_stop": 4, "train.stopping_threshold": 0.3},
        500,
        "--train.stopping_threshold off --train.early_stop off",
    ),
]


@pytest.mark.parametrize(("changes", "step", "flags"), ENDED, ids=str)
def test_what_is_refused_of_a_finished_run_names_the_way_to_train_it_on(
    tmp_path: Path, changes: dict[str, Any], step: int, flags: str
) -> None:
    run = Workspace(tmp_path).create("baseline", Config().changed({"train.steps": 2000, **changes}, "test"))
    with run.store() as store:
        store.set_state(status="finished", step=step, steps=2000)
    fork = f"run {run.id} is finished; to train it further, fork it: seqsum fork {run.id} {flags}"
    with pytest.raises(UserError) as caught:
        commands.resume(run, Launcher())
    assert str(caught.value) == f"resume: {fork}"
    with pytest.raises(UserError) as caught:
        commands.set_value(run, "optim.lr", "0.5")
    assert str(caught.value) == f"set: {fork} --optim.lr 0.5"
    with pytest.raises(UserError, match=r"is finished; to train it further, fork it: seqsum fork .* --train\.seed 3$"):
        commands.set_value(run, "train.seed", "3")
    with pytest.raises(UserError, match=r'"train\.sed" can\'t change'):
        commands.set_value(run, "train.sed", "3")


def test_start_makes_a_run_and_launches_it(tmp_path: Path) -> None:
    launcher = Launcher()
    run = commands.start(Workspace(tmp_path), launcher, "baseline", Config(), "mine")
    assert launcher.submitted == [run.id]
    assert run.record.name == "mine"

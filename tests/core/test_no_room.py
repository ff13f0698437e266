"""A run that can't write, for want of room, of a disk or of the lock: it waits, says for what, and loses nothing."""

from __future__ import annotations

import errno
import itertools
import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from seqsum.runs import Run, Store
from seqsum.runs import run as run_module
from seqsum.runs.lock import take_lock
from seqsum.worker import patience as patience_module
from seqsum.worker import process, writing
from seqsum.worker.patience import Patience
from support.command_line import lines, refused
from support.engine import new_run, outcome_of, small, train_here, wait_until


def sqlite_error(code: int, words: str = "of sqlite") -> sqlite3.OperationalError:
    error = sqlite3.OperationalError(words)
    error.sqlite_errorcode = code
    return error


PASSING: dict[str, tuple[Exception, str]] = {
    **{
        name: (OSError(getattr(errno, name), os.strerror(getattr(errno, name)), "a/file"), "(a/file)")
        for name in ("ENOSPC", "EDQUOT", "EIO", "EROFS", "EBUSY", "EMFILE")
    },
    "FULL": (sqlite_error(sqlite3.SQLITE_FULL, "database or disk is full"), "disk is full"),
    "IOERR": (sqlite_error(sqlite3.SQLITE_IOERR | 3 << 8, "disk I/O error"), "disk I/O error"),
    "BUSY": (sqlite_error(sqlite3.SQLITE_BUSY), "another program holds metrics.db"),
}
LASTING = [
    OSError(errno.EACCES, "no right to"),
    FileNotFoundError(errno.ENOENT, "gone"),
    sqlite_error(sqlite3.SQLITE_CORRUPT),
    sqlite3.ProgrammingError("of ours"),
]


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience_module, "RETRY_SECONDS", 0.002)
    for module in (process, writing):
        monkeypatch.setattr(module, "STORE_SECONDS", 0.05)


@pytest.fixture
def signals() -> Any:
    return SimpleNamespace(name=None)


@pytest.fixture
def locked(tmp_path: Path) -> Iterator[tuple[Run, int]]:
    run = new_run(tmp_path, small())
    lock = take_lock(run.folder)
    assert lock is not None
    with run.store() as store:
        store.set_state(status="running", pid=os.getpid(), steps_per_second=100.0)
    yield run, lock
    os.close(lock)


@pytest.mark.parametrize("name", PASSING)
def test_it_is_tried_again_until_it_can_be_done_and_said_meanwhile(
    locked: tuple[Run, int], signals: Any, name: str
) -> None:
    run, lock = locked
    (error, words), left, said, ended = PASSING[name], itertools.count(), [], []
    patient = Patience(lock, signals)
    patient.ended = lambda: ended.append(patient.waits)

    def work() -> str:
        said.append(run.summary())
        if next(left) < 3:
            raise error
        return "done"

    assert patient(work) == "done"
    assert [one.status for one in said] == ["running", *["suspended"] * 3]
    for one in said[1:]:
        assert one.reason is not None and words in one.reason and one.reason.startswith("can't write: ")
        assert one.reason.endswith("; it goes on by itself when it can") and one.steps_per_second == 0.0
        assert one.goes_on_by_itself
    assert ended == [None] and (run.summary().status, run.summary().reason) == ("running", None)


@pytest.mark.parametrize("verb", ["resume", "rewind"])
def test_what_is_asked_of_a_run_that_can_not_write_is_refused_with_a_way_out(
    locked: tuple[Run, int], signals: Any, verb: str
) -> None:
    (run, lock), left, refusals = locked, itertools.count(), []

    def work() -> None:
        if not next(left):
            raise OSError(errno.ENOSPC, "No space left on device")
        step = ["--step", "7"] if verb == "rewind" else []
        refusals.append(refused(verb, run.id, *step, "--workspace", str(run.folder.parent)))

    Patience(lock, signals)(work)
    why = "can't write: No space left on device; it goes on by itself when it can"
    way_out = f"; rewind it then, or end its process first: kill {os.getpid()}" if verb == "rewind" else ""
    assert refusals == [f"{verb}: run {run.id} is suspended: {why}{way_out}"]


@pytest.mark.parametrize("error", LASTING, ids=str)
def test_what_no_waiting_helps_is_raised_at_once(locked: tuple[Run, int], signals: Any, error: Exception) -> None:
    def work() -> None:
        raise error

    with pytest.raises(type(error)) as caught:
        Patience(locked[1], signals)(work)
    assert caught.value is error


def test_a_signal_that_asks_to_stop_ends_the_waiting(
    locked: tuple[Run, int], signals: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patience_module, "GRACE_SECONDS", 0.01)
    tries = itertools.count()

    def work() -> None:
        if next(tries) == 5:
            signals.name = "SIGTERM"
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(OSError, match="No space left"):
        Patience(locked[1], signals)(work)
    assert next(tries) > 6


def test_what_a_worker_waited_for_is_forgotten_by_the_next_one(locked: tuple[Run, int], signals: Any) -> None:
    run, lock = locked
    os.pwrite(lock, b"can't write: \x1b[31mx", 0)
    reason = run.summary().reason
    assert reason is not None and reason.startswith("can't write: ") and "\x1b" not in reason
    Patience(lock, signals)
    assert run.summary().status == "running"


@pytest.mark.parametrize("backend", ["torch", "auto"])
def test_a_run_on_a_disk_that_is_full_now_and_then_ends_with_the_same_bits(
    tmp_path: Path, signals: Any, monkeypatch: pytest.MonkeyPatch, backend: str
) -> None:
    config = small(train__backend=backend, train__keep_checkpoints=2, train__checkpoint_every=10)
    expected = train_here(config, tmp_path / "expected")
    run = new_run(tmp_path / "runs", config)
    turns, forced, failed = itertools.count(), itertools.count(), []
    transaction, fsync = Store.transaction, os.fsync

    @contextmanager
    def full_at_the_end(store: Store) -> Iterator[None]:
        outer = not store.database.in_transaction
        with transaction(store):
            yield
            if outer and next(turns) % 3 == 0:
                failed.append("store")
                raise sqlite_error(sqlite3.SQLITE_FULL)

    def full(descriptor: int) -> None:
        if next(forced) % 13 == 0:
            failed.append("file")
            raise OSError(errno.ENOSPC, "No space left on device")
        fsync(descriptor)

    with monkeypatch.context() as patch:
        patch.setattr(Store, "transaction", full_at_the_end)
        patch.setattr(os, "fsync", full)
        assert process.work(str(run.folder), process.lock_of(str(run.folder)), signals) == 0
    assert failed.count("store") > 3 and failed.count("file") > 2
    assert run.summary().status == "finished" and outcome_of(run) == expected
    with run.store() as store:
        kinds = [event.kind for event in store.events()]
    assert (kinds.count("started"), kinds.count("finished")) == (1, 1)
    assert run.record.outcome is not None and run.record.outcome["status"] == "finished"


def test_a_store_that_another_program_holds_holds_the_run_up_and_no_longer(
    tmp_path: Path, signals: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = small(train__backend="torch", train__steps=200)
    expected = train_here(config, tmp_path / "expected")
    run, told = new_run(tmp_path / "runs", config), []

    def hold() -> None:
        wait_until(lambda: run.summary().step > 10, "training")
        other = sqlite3.connect(run.folder / "metrics.db", isolation_level=None, timeout=60)
        other.execute("BEGIN IMMEDIATE")
        told.append(wait_until(lambda: (found := run.summary()).status == "suspended" and found, "the reason"))
        other.execute("ROLLBACK")
        other.close()

    holder = threading.Thread(target=hold)
    holder.start()
    assert process.work(str(run.folder), process.lock_of(str(run.folder)), signals) == 0
    holder.join()
    assert told[0].reason == "can't write: another program holds metrics.db; it goes on by itself when it can"
    assert run.summary().status == "finished" and outcome_of(run) == expected


COMMANDS = {"set": ["optim.lr=0.5"], "resume": [], "stop": []}


@pytest.mark.parametrize("verb", COMMANDS)
def test_a_command_that_can_not_write_says_so_in_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, verb: str
) -> None:
    run = new_run(tmp_path, small())
    monkeypatch.setattr(run_module, "Store", lambda path, patience: Store(path, 0.02))
    holder = sqlite3.connect(run.folder / "metrics.db", isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    sentence = refused(verb, run.id, *COMMANDS[verb], "--workspace", str(tmp_path))
    assert sentence.startswith(f"{verb}: another program holds ") and len(sentence.splitlines()) == 1
    holder.close()
    (found,) = lines("runs", "--workspace", str(tmp_path))
    assert found["status"] == "queued"

"""Several users on one machine: what they can read, and that they can't get in each other's way."""

from __future__ import annotations

import fcntl
import os
import stat
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from seqsum.config import Config
from seqsum.files import write_atomically
from seqsum.runs import Run, Workspace
from seqsum.runs.annotations import annotate
from seqsum.runs.lock import take_lock
from seqsum.slots import Slots
from seqsum.training.backends.fused import cache
from seqsum.worker.queue_wait import another_waits
from support.locks import held
from support.strangers import GROUP, STRANGER, as_stranger, as_stranger_meanwhile, needs_users


def lock_for_ever(path: Path) -> str:
    descriptor = os.open(path, os.O_RDONLY)
    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    return "locked"


@pytest.fixture
def shared() -> Iterator[Path]:
    """A folder that everybody can read."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize("umask", [0o022, 0o002, 0o077, 0o000])
def test_a_workspace_that_is_made_is_its_makers_alone(shared: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        run = Workspace(shared / "more" / "runs").create("baseline", Config())
        with held(run):
            assert mode(run.folder.parent) == 0o700
    finally:
        os.umask(before)
    if os.geteuid() == 0:
        for path in (run.folder / "run.json", run.folder / "worker.lock"):
            assert as_stranger(path.read_bytes).startswith("PermissionError")


@pytest.mark.parametrize(("folder", "lock"), [(0o755, 0o600), (0o700, 0o600), (0o775, 0o660), (0o777, 0o666)])
@pytest.mark.parametrize("before", [None, 0o644, 0o600])
def test_who_may_write_a_runs_folder_may_lock_it_and_nobody_else(
    tmp_path: Path, folder: int, lock: int, before: int | None
) -> None:
    """Also where an earlier version made the file."""
    tmp_path.chmod(folder)
    if before is not None:
        (tmp_path / "worker.lock").touch(before)
    descriptor = take_lock(tmp_path)
    assert descriptor is not None
    os.close(descriptor)
    assert mode(tmp_path / "worker.lock") == lock


@needs_users
def test_a_stranger_reads_a_shared_workspace_and_blocks_nothing(shared: Path) -> None:
    workspace = Workspace(shared)
    run, slots = workspace.create("baseline", Config()), Slots(shared, 1)
    slot = slots.take()
    assert slot is not None
    os.close(slot)

    def told() -> str:
        found = Run(run.folder).summary()
        return f"{found.status} {found.problems}"

    with held(run):
        with run.store() as store:
            store.set_state(status="running", pid=os.getpid())
        assert as_stranger(told) == "running ()"
        # Its process is there, but not the owner's: a number that was given again.
        with run.store() as store:
            other = subprocess.Popen(["sleep", "600"], user=STRANGER)
            store.set_state(pid=other.pid)
        assert as_stranger(told) == "died ()"
        other.kill()
        other.wait()
    for file in (run.folder / "worker.lock", shared / ".slots" / "slot-0"):
        assert as_stranger(lambda file=file: lock_for_ever(file)).startswith("PermissionError")


@needs_users
def test_a_stranger_who_locks_all_that_can_be_read_holds_nobody_up(
    shared: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All but the stores, whose locks are SQLite's."""
    monkeypatch.setattr("seqsum.files.alone.__wrapped__.__defaults__", (0.0,))
    workspace = Workspace(shared)
    run = workspace.create("baseline", Config(), "one")
    annotate(run.folder, tags=["before"])

    def locked() -> list[str]:
        found = []
        for path in [shared, *shared.rglob("*")]:
            if not path.name.startswith("metrics.db"):
                with suppress(OSError):
                    descriptor = os.open(path, os.O_RDONLY)
                    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    found.append(path.name)
        return found

    with as_stranger_meanwhile(locked) as found:
        assert {shared.name, run.id, "run.json", "annotations.json"} <= set(found)
        annotate(run.folder, tags=["after"])
        with held(run):
            pass
        workspace.create("baseline", Config(), "two")
    assert {summary.name: summary.tags for summary in workspace.summaries()} == {"one": ("after",), "two": ()}


@needs_users
def test_a_group_that_may_write_a_run_can_go_on_with_it(shared: Path) -> None:
    run = Workspace(shared).create("baseline", Config())
    os.chown(run.folder, 0, GROUP)
    run.folder.chmod(0o2775)
    with held(run):
        pass
    assert as_stranger(lambda: take_lock(run.folder) is not None, GROUP) == "True"
    assert as_stranger(lambda: take_lock(run.folder) is not None).startswith("PermissionError")


def test_a_file_is_written_whatever_others_lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody is quicker with the lock of a file that was just made."""
    opened = os.open

    def open_and_lose(path: str, flags: int, *more: int, **named: int) -> int:
        descriptor = opened(path, flags, *more, **named)
        if flags & os.O_EXCL:
            other = opened(path, os.O_RDONLY)
            fcntl.flock(other, fcntl.LOCK_EX)
            kept.append(other)
        return descriptor

    kept: list[int] = []
    monkeypatch.setattr(os, "open", open_and_lose)
    write_atomically(tmp_path / "file", b"all of it")
    assert (tmp_path / "file").read_bytes() == b"all of it" and kept
    for descriptor in kept:
        os.close(descriptor)


@pytest.mark.parametrize("name", ["x" * 255, "é" * 127, "字" * 85, "🙂" * 63])
def test_a_file_of_the_longest_name_is_written_and_its_leftovers_go(tmp_path: Path, name: str) -> None:
    write_atomically(tmp_path / name, b"first")
    (tmp_path / f".{name[:55]}.77-01234567.tmp").touch()
    write_atomically(tmp_path / name, b"second")
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [(name, b"second")]


def private(folder: Path) -> Path:
    folder.mkdir(0o700)
    return folder


PLACES: dict[str, Callable[[Path, Path], object]] = {
    "a link": lambda place, own: place.symlink_to(own),
    "a link that leads nowhere": lambda place, own: place.symlink_to(own / "gone"),
    "a file": lambda place, own: place.touch(),
    "a folder that others can write": lambda place, own: private(place).chmod(0o777),
    "a folder that others can replace": lambda place, own: place.parent.chmod(0o777),
}


@pytest.mark.parametrize("what", PLACES)
def test_machine_code_is_kept_in_no_place_of_the_temporary_folder_that_is_not_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    temporary = private(tmp_path / "temporary")
    (tmp_path / "file").touch()
    monkeypatch.setenv("SEQSUM_CACHE", str(tmp_path / "file"))
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    place = temporary / f"seqsum-{os.getuid()}"
    PLACES[what](place, private(tmp_path / "own"))
    assert cache.folder.__wrapped__() is None
    assert not list((tmp_path / "own").iterdir())
    with suppress(FileNotFoundError):
        place.unlink() if not place.is_dir() or place.is_symlink() else place.rmdir()
    temporary.chmod(0o1777)
    assert cache.folder.__wrapped__().is_relative_to(place)


@needs_users
def test_machine_code_is_kept_in_no_folder_of_somebody_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    theirs = private(tmp_path / "theirs")
    os.chown(theirs, STRANGER, STRANGER)
    link = tmp_path / "link"
    link.symlink_to(private(tmp_path / "own"))
    os.chown(link, STRANGER, STRANGER, follow_symlinks=False)
    (tmp_path / "file").touch()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "file"))
    for place in (theirs, link):
        monkeypatch.setenv("SEQSUM_CACHE", str(place))
        assert cache.folder.__wrapped__() is None


@needs_users
@pytest.mark.parametrize(("folder", "group"), [(0o777, STRANGER), (0o1777, STRANGER), (0o775, GROUP), (0o2775, GROUP)])
def test_who_may_write_a_workspace_makes_runs_trains_and_waits_there(shared: Path, folder: int, group: int) -> None:
    """Whoever came first, the others find its locks, its slots and its queue open."""
    os.chown(shared, 0, GROUP)
    shared.chmod(folder)
    workspace, slots = Workspace(shared), Slots(shared, 1)
    run = workspace.create("baseline", Config(), "ours")
    with held(run):
        slots.drop(slots.draw_ticket(run.id))
        with run.store() as store:
            store.set_state(status="queued", pid=os.getpid())
        ours = slots.draw_ticket(run.id)

        def place() -> bool:
            mine = Workspace(shared).create("baseline", Config(), "theirs")
            theirs = Slots(shared, 1, another_waits)
            ticket = theirs.draw_ticket(mine.id)
            slot = theirs.take()
            assert slot is not None
            os.close(slot)
            return theirs.is_next(ticket)

        assert as_stranger(place, group) == "False"
    slot = slots.take()
    assert slot is not None
    os.close(slot)
    with run.store() as store:
        store.set_state(status="stopped", pid=None)
    assert as_stranger(place, group) == "True" and ours not in slots.tickets()


@needs_users
def test_a_worker_that_need_not_wait_begins_where_it_can_take_no_slot(shared: Path) -> None:
    shared.chmod(0o777)
    (shared / ".slots").mkdir(0o755)
    assert as_stranger(lambda: Slots(shared, 1).take()).startswith("PermissionError")
    assert as_stranger(lambda: Slots(shared, 1).take_if_any()) == "None"

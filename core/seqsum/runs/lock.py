"""The lock that says a worker lives: the kernel lets it go when the process ends, however it ends."""

from __future__ import annotations

import os
import signal
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

from seqsum.errors import UserError, told_as
from seqsum.files import is_held, open_regular, try_lock
from seqsum.runs.access import read_only
from seqsum.slots import WORKER_LOCK
from seqsum.text import one_line

LOCK_FILE = WORKER_LOCK
# A reader that tests the lock holds it for microseconds; a writer waits that out.
PATIENCE_SECONDS = 1.0
LONGEST_REASON = 400


def take_lock(folder: Path) -> int | None:
    """Take the run's lock and return its file descriptor, or None when a worker holds it.

    The lock belongs to the open file: a child that inherits the descriptor keeps it after this process closes its own.
    """
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        descriptor = try_lock(folder / LOCK_FILE)
        if descriptor is not None or time.monotonic() > deadline:
            return descriptor
        time.sleep(0.01)


@contextmanager
def no_worker(folder: Path, verb: str) -> Iterator[None]:
    """Hold a run's lock, so that nobody starts a worker meanwhile.

    Raises UserError, which begins with `verb`, where a worker is at the run or its folder can't be written.
    """
    if why := read_only(folder):
        raise UserError(f"{verb}: run {folder.name} is {why}")
    with told_as(f"{verb}: can't write {folder}"):
        lock = take_lock(folder)
    if lock is None:
        raise UserError(f"{verb}: a worker is at run {folder.name}; stop it first: seqsum stop {folder.name}")
    try:
        yield
    finally:
        os.close(lock)


def is_locked(folder: Path) -> bool:
    """Tell whether a worker holds the run's lock."""
    return is_held(folder / LOCK_FILE)


def owner_lives(folder: Path, pid: int | None) -> bool:
    """Tell whether a run's worker, the process `pid`, lives, where its lock may not be opened: whose lock it is, or
    else who may write the folder, whose process."""
    try:
        lock, around = (folder / LOCK_FILE).lstat(), folder.stat()
        process = psutil.Process(pid) if pid else None
        if process is None or process.uids().real == lock.st_uid:
            return process is not None
        if around.st_mode & stat.S_IWOTH:
            return True
        return bool(around.st_mode & stat.S_IWGRP) and around.st_gid in _groups(process)
    except (psutil.Error, ValueError, OverflowError, OSError):
        return False


def _groups(process: psutil.Process) -> set[int]:
    """Return the groups that a process is of, so far as the system tells."""
    found = {process.gids().real}
    with suppress(OSError):
        lines = Path(f"/proc/{process.pid}/status").read_text(encoding="ascii", errors="replace").splitlines()
        found.update(int(one) for line in lines if line.startswith("Groups:") for one in line.split()[1:])
    return found


def reason_told(folder: Path) -> str:
    """Return what a worker has written into its lock file: what it waits for; "" where it goes on."""
    try:
        with open_regular(folder / LOCK_FILE) as file:
            return one_line((file.read(LONGEST_REASON) or b"").decode("utf-8", "replace").strip(" \0"))
    except OSError:
        return ""


def this_boot() -> str:
    """Return what tells this start of the machine from others; "" where the system does not say."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        return ""


def process_lives(pid: int, boot: str) -> bool:
    """Tell whether a process lives that did in a start of the machine (`this_boot`): then numbers are given anew."""
    try:
        return boot in ("", this_boot()) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.AccessDenied:
        return True
    except (psutil.Error, ValueError, OverflowError):
        return False


def stopped_worker(folder: Path, pid: int | None) -> psutil.Process | None:
    """Return a run's worker, by its process id, if a signal has stopped it (SIGSTOP); else None."""
    try:
        process = psutil.Process(pid) if pid else None
        if process is None or process.status() != psutil.STATUS_STOPPED:
            return None
        lock = os.path.realpath(folder / LOCK_FILE)
        # The number may be from another machine, or anybody's by now.
        return process if any(file.path == lock for file in process.open_files()) else None
    except psutil.AccessDenied:
        return process  # another user's
    except (psutil.Error, ValueError, OverflowError):
        return None


def let_go_on(folder: Path, pid: int | None, verb: str) -> bool:
    """Have a worker go on that a signal has stopped; return whether there was such a one.

    Raises UserError, which begins with `verb`, where that is not allowed.
    """
    process = stopped_worker(folder, pid)
    if process is not None:
        with told_as(f"{verb}: can't let process {pid} of run {folder.name} go on"):
            os.kill(process.pid, signal.SIGCONT)
    return process is not None

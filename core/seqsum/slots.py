"""How many workers run side by side, and who is next. Files in `<workspace>/.slots/`, held by locks of the kernel.

A slot is a locked file: it comes free when its holder ends, however it ends. A ticket is an empty file whose name
begins with the time at which it was drawn; it counts as long as a worker holds its run's lock. Nothing of this needs
a server, and a dead console or a killed worker leaves nothing to clean up.

Little is imported here: a waiting worker should weigh little.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import stat
import time
from collections.abc import Callable
from pathlib import Path

from seqsum.files import is_held, open_to_writers, try_lock

FOLDER = ".slots"
QUEUE = "queue"
WORKER_LOCK = "worker.lock"
VARIABLE = "SEQSUM_WORKERS"
MOST_WORKERS = 1024
SLOT = re.compile(r"slot-[0-9]+")
TICKET = re.compile(r"[0-9]{20}-.+")


def cores_here() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def worker_count() -> int:
    """Return how many workers may run side by side: SEQSUM_WORKERS, else the number of cores.

    Raises ValueError, in one sentence, when the variable holds no number from 1 to 1024.
    """
    text = os.environ.get(VARIABLE, "").strip()
    if not text:
        return min(cores_here(), MOST_WORKERS)
    if not text.isdecimal() or not 1 <= int(text) <= MOST_WORKERS:
        raise ValueError(f'{VARIABLE}: must be a whole number from 1 to {MOST_WORKERS}, got "{text[:40]}"')
    return int(text)


class Slots:
    """The slots and the queue of one workspace."""

    def __init__(self, workspace: Path, count: int, worker_lives: Callable[[Path], bool] = lambda _: True) -> None:
        """`worker_lives`: tells whether a worker is at another user's run, whose lock may not be opened."""
        self.worker_lives = worker_lives
        self.workspace = workspace
        self.folder = workspace / FOLDER
        self.count = count

    def take(self) -> int | None:
        """Take a free slot and return its descriptor, to be closed to give it back; None when all are taken."""
        _make(self.folder)
        for number in range(self.count):
            descriptor = try_lock(self.folder / f"slot-{number}")
            if descriptor is not None:
                return descriptor
        return None

    def begin(self, ticket: str) -> int | None:
        """Return a slot's descriptor when it is a ticket's turn and a slot is free."""
        return self.take() if self.is_next(ticket) else None

    def keep(self, ticket: str) -> None:
        """A ticket counts as long as its run's lock is held."""

    def leave(self) -> None:
        """Nothing is left of a slot that was given back."""

    def take_if_any(self) -> int | None:
        """As `take`, for whoever begins all the same: None, too, where no slot can be made or opened."""
        try:
            return self.take()
        except OSError:
            return None

    def draw_ticket(self, run: str) -> str:
        """Put a run at the end of the queue; return its ticket. The caller holds the run's lock."""
        self.forget(run)
        queue = self.folder / QUEUE
        _make(self.folder)
        _make(queue)
        while True:
            ticket = f"{time.time_ns():020d}-{run}"
            try:
                (queue / ticket).touch(exist_ok=False)
            except FileExistsError:
                continue
            return ticket

    def forget(self, run: str) -> None:
        """Drop what a run's earlier worker left in the queue; for whoever holds the run's lock.

        It would seem to wait as long as the run has a worker, and all behind it would wait with it.
        """
        for ticket in self.tickets():
            if ticket.partition("-")[2] == run:
                self.drop(ticket)

    def is_next(self, ticket: str) -> bool:
        """Tell whether no live ticket stands before this one; tickets of the dead before it are thrown away."""
        for other in self.tickets():
            if other < ticket:
                if self.waits(other):
                    return False
                self.drop(other)
        return True

    def tickets(self) -> list[str]:
        """Return all tickets, the first drawn first."""
        if not _is_folder(self.folder / QUEUE):
            return []
        with os.scandir(self.folder / QUEUE) as entries:
            return sorted(
                one.name for one in entries if TICKET.fullmatch(one.name) and not one.is_dir(follow_symlinks=False)
            )

    def places(self) -> list[Path]:
        """Return the queue and the slots that are there, or what has their names."""
        found = self.folder.iterdir() if _is_folder(self.folder) else ()
        return sorted(path for path in found if path.name == QUEUE or SLOT.fullmatch(path.name))

    def waits(self, ticket: str) -> bool:
        """Tell whether a worker is there for a ticket."""
        run = self.workspace / ticket.partition("-")[2]
        try:
            return is_held(run / WORKER_LOCK)
        except PermissionError:
            return self.worker_lives(run)

    def drop(self, ticket: str) -> None:
        """Leave the queue."""
        with contextlib.suppress(OSError):
            if _is_folder(self.folder) and _is_folder(self.folder / QUEUE):
                (self.folder / QUEUE / ticket).unlink()


def _is_folder(path: Path) -> bool:
    """Whether a folder stands there; a link to one is a stranger's."""
    try:
        return stat.S_ISDIR(path.lstat().st_mode)
    except OSError:
        return False


def _make(folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except NotADirectoryError:
        raise OSError(errno.ENOTDIR, f"{folder} is a link", str(folder)) from None
    try:
        open_to_writers(descriptor, folder.parent, stat.S_IMODE(os.fstat(descriptor).st_mode) & 0o755)
    finally:
        os.close(descriptor)

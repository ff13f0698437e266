"""Opening the SQLite file of a store: one that can't be written here, that a program holds, or that is no file."""

from __future__ import annotations

import errno
import os
import shutil
import sqlite3
import stat
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from pathlib import Path

import psutil

from seqsum.errors import UserError
from seqsum.files import file_stamp, make_file
from seqsum.runs.gone import RunGone

NO_WRITING = (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_FULL)
BUSY = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_PROTOCOL)
CACHE = 512
"""KiB of a store's pages that a connection keeps: SQLite's own 2,000 would come and go with each look at a run."""
NETWORK_FILE_SYSTEMS = frozenset(
    [
        "nfs",
        "nfs4",
        "cifs",
        "smb3",
        "smbfs",
        "fuse.sshfs",
        "lustre",
        "beegfs",
        "9p",
        "afs",
        "ceph",
        "gpfs",
        "glusterfs",
        "fuse.glusterfs",
        "panfs",
        "wekafs",
        "orangefs",
    ]
)


class StoreBusy(UserError):
    """Another program holds a store; it can be read later."""


class ServerAway(OSError):
    """A server that keeps stores can't be asked now; it can be later."""

    def __init__(self, reason: str) -> None:
        super().__init__(errno.ENOTCONN, f"the server with its store is away: {reason}")


def told(path: Path, error: Exception, verb: str = "read") -> UserError:
    """Return what went wrong with a store in a sentence."""
    if isinstance(error, ServerAway):
        return StoreBusy(f"runs: can't {verb} {path}: {error.strerror}; try again when it is back")
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code in BUSY:
        return StoreBusy(f"runs: another program holds {path}; try again when it is done")
    if code == sqlite3.SQLITE_INTERRUPT:
        return UserError(f"runs: can't {verb} {path}: it takes too long")
    if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB) or not code:
        return UserError(f"runs: can't {verb} {path}: it is damaged ({error})")
    return UserError(f"runs: can't {verb} {path}: {error}")


@contextmanager
def opened(path: Path, patience: float) -> Iterator[tuple[sqlite3.Connection, bool]]:
    """Open a store's file: a connection, and whether it can only read. patience: how long to wait for a program that
    holds it, in seconds.

    Raises UserError when there is none or it can't be read, StoreBusy when another program holds it.
    """
    check_file(path)
    with ExitStack() as stack:
        try:
            database, read_only = _connection(path, patience, stack)
        except sqlite3.Error as error:
            raise told(path, error) from None
        except OSError as error:
            raise UserError(f"runs: can't read {path}: {error.strerror or error}") from None
        stack.callback(database.close)
        yield database, read_only


def _connection(path: Path, patience: float, stack: ExitStack) -> tuple[sqlite3.Connection, bool]:
    can_write = os.access(path, os.W_OK) and os.access(path.parent, os.W_OK | os.X_OK) and not path.is_symlink()
    if can_write:
        try:
            return connect(path, "mode=rw", patience), False
        except sqlite3.OperationalError as error:
            # A full disk, for one, has no room for the file that readers and writers share.
            if error.sqlite_errorcode & 0xFF not in NO_WRITING:
                raise
    beside = [path.with_name(f"{path.name}{ending}") for ending in ("-wal", "-journal")]
    if not any(file_stamp(one)[1] for one in beside):
        # Without files beside it nothing but the store itself has to be read.
        return connect(path, "mode=ro&immutable=1", patience), True
    try:
        return connect(path, "mode=ro", patience), True
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & 0xFF not in NO_WRITING:
            raise
    # Its last points are in the file beside it, which only someone who may write there can bring in.
    copy = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="seqsum-")))
    for file in (path, *beside):
        if file_stamp(file)[1]:
            shutil.copyfile(file, copy / file.name)
    return connect(copy / path.name, "mode=rw", patience), True


def check_file(path: Path) -> None:
    """Raise UserError unless a regular file stands there: opening a pipe would wait for ever."""
    try:
        facts = path.stat()
    except OSError as error:
        RunGone.check(path.parent)
        raise UserError(f"runs: can't read {path}: {error.strerror}") from None
    if not stat.S_ISREG(facts.st_mode):
        raise UserError(f"runs: can't read {path}: it is not a file")
    if not facts.st_size and file_stamp(path.with_name(f"{path.name}-wal")) == (0, 0):
        raise UserError(f"runs: can't read {path}: it is empty")


def connect(path: Path, how: str, patience: float) -> sqlite3.Connection:
    """Open a database file; how: SQLite's parameters: `mode=rw` only if it is there, `mode=rwc` makes it."""
    if how == "mode=rwc":
        with suppress(OSError):  # SQLite says what is wrong
            make_file(path)
    uri = f"{path.absolute().as_uri()}?{how}"
    database = sqlite3.connect(uri, uri=True, timeout=patience, isolation_level=None, check_same_thread=False)
    database.set_authorizer(_no_view)
    try:
        # A name in another encoding is shown as well as it can be.
        database.text_factory = partial(str, encoding="utf-8", errors="replace")
        # Holds for this connection only. In WAL a kill loses nothing by it; other journals need the default.
        if how == "mode=rwc" or database.execute("PRAGMA journal_mode").fetchone()[0] == "wal":
            database.execute("PRAGMA synchronous=NORMAL")
        database.execute(f"PRAGMA cache_size={-CACHE}")
        if how != "mode=rwc":
            # The first reading tells whether it can be read at all.
            database.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone()
    except BaseException:
        database.close()
        raise
    return database


def _no_view(_action: int, _one: str | None, _two: str | None, _database: str | None, source: str | None) -> int:
    """Refuse what a view or a trigger would do: ours have none, and a stranger's may be without an end."""
    return sqlite3.SQLITE_DENY if source else sqlite3.SQLITE_OK


def on_network_file_system(path: Path) -> bool:
    """Tell whether `path` lies on a network file system, where SQLite's WAL does not work between hosts."""
    best, kind = "", ""
    target = str(path.resolve()) + os.sep
    for partition in psutil.disk_partitions(all=True):
        mount = partition.mountpoint.rstrip(os.sep) + os.sep
        if target.startswith(mount) and len(mount) > len(best):
            best, kind = mount, partition.fstype
    return kind.lower() in NETWORK_FILE_SYSTEMS

"""Reading and writing files in a folder that others can write into: regular files only, of bearable size and depth,
and never half of one. Light: the console reads with it before its first paint."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import re
import secrets
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

PATIENCE_SECONDS = 30.0
CHANGE_LOCK = ".change.lock"
LARGEST_JSON = 16 * 2**20
DEEPEST_JSON = 64
LONGEST_STEM = 55
"""Letters of a file's name in that of its temporary file: in UTF-8 each may take four of the 255 bytes of a name."""


def open_regular(path: Path, flags: int = os.O_RDONLY) -> BinaryIO:
    """Open a regular file unbuffered; raise OSError for anything else.

    A pipe would never end and a device never fill up. Whoever writes follows no link: it may lead anywhere.
    """
    writes = flags & (os.O_WRONLY | os.O_RDWR)
    descriptor = os.open(path, flags | os.O_NONBLOCK | os.O_CLOEXEC | (os.O_NOFOLLOW if writes else 0), 0o666)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, "it is not a file", str(path))
        return os.fdopen(descriptor, "r+b" if flags & os.O_RDWR else "wb" if writes else "rb", buffering=0)
    except BaseException:
        os.close(descriptor)
        raise


def read_regular(path: Path, most: int) -> bytes:
    """Return what a regular file holds; raise OSError when it is no such file, or holds more than `most` bytes."""
    with open_regular(path) as file:
        size = os.fstat(file.fileno()).st_size
        if size > most:
            raise OSError(errno.EFBIG, f"it is larger than {most:,} bytes", str(path))
        # As much as there is: asked for `most`, Python takes that much memory first.
        found = file.read(size)
        data = b"" if found is None else found
        while len(data) < size:
            part = file.read(size - len(data))
            if not part:
                break
            data += part
        return data


def read_json(path: Path, most: int = LARGEST_JSON) -> Any:
    """Return what a JSON file holds; raise OSError when it can't be read, ValueError when it is not (such) JSON."""
    return parse_json(read_regular(path, most))


def parse_json(text: bytes | str) -> Any:
    """Return what JSON says; raise ValueError when it is not JSON, or so deep that nobody can work with it."""
    try:
        value = json.loads(text)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    level = [value] if isinstance(value, dict | list) else []
    for _ in range(DEEPEST_JSON):
        if not level:
            return value
        parts = [part for one in level for part in (one.values() if isinstance(one, dict) else one)]
        level = [part for part in parts if isinstance(part, dict | list)]
    raise ValueError("it is nested too deeply")


def file_stamp(path: Path | str) -> tuple[int, int]:
    """Return what tells that a file changed: when it was written, in ns, and its size; (0, 0) where there is none."""
    try:
        facts = os.stat(path)  # noqa: PTH116 - of thousands of files: a Path each would take longer
    except (OSError, ValueError):
        return 0, 0
    return facts.st_mtime_ns, facts.st_size


def append_to(path: Path) -> BinaryIO:
    """Open a log to write at its end; raise OSError where something else than a file stands."""
    return open_regular(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)


def make_file(path: Path) -> None:
    """Make an empty file with the rights that the umask leaves, unless something stands there: SQLite, for one, would
    let nobody but its maker write it."""
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666))


def write_atomically(path: Path, data: bytes) -> None:
    """Write a file as `written_beside` does."""
    with written_beside(path) as file:
        file.write(data)


@contextmanager
def written_beside(path: Path) -> Iterator[BinaryIO]:
    """Have a temporary file beside `path` written; at the end it is flushed to disk and renamed into place. Where that
    is broken off, `path` is as it was.

    Temporary files that killed programs left for the same path are deleted: those that nobody holds.
    """
    clear_temporary(path)
    while True:
        temporary = path.with_name(f".{path.name[:LONGEST_STEM]}.{os.getpid()}-{secrets.token_hex(4)}.tmp")
        # A name that is there already would be somebody else's file, or a link to one.
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
        with suppress(OSError):  # a file system without locks
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.fstat(descriptor).st_nlink:
            break
        os.close(descriptor)  # deleted, as nobody held it yet
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
            temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def clear_temporary(path: Path, *, look: bool = False) -> list[str]:
    """Delete, or only `look` for, what killed programs left that were writing to `path`; return the names."""
    ours, found = re.compile(rf"\.{re.escape(path.name[:LONGEST_STEM])}\.[0-9]+(-[0-9a-f]{{8}})?\.tmp"), list[str]()
    with suppress(OSError), os.scandir(path.parent) as entries:
        for name in sorted(entry.name for entry in entries if ours.fullmatch(entry.name)):
            with suppress(OSError), open_regular(path.with_name(name)) as file:
                fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
                if not look:
                    path.with_name(name).unlink()
                found.append(name)
    return found


def json_bytes(value: Any) -> bytes:
    """Return JSON as it is written into files, indented for people."""
    return json.dumps(value, indent=2).encode() + b"\n"


def write_json(path: Path, value: Any) -> None:
    """Write JSON atomically."""
    write_atomically(path, json_bytes(value))


def sync_folder(folder: Path) -> None:
    """Flush a folder's entries, so that a rename in it outlives a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def try_lock(path: Path) -> int | None:
    """Lock a file, made if need be; return its descriptor (closed on exec), or None when someone holds it.

    Who may not write its folder may not open it either: whoever can read a file can lock it, for ever.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK, 0o600)
    try:
        open_to_writers(descriptor, path.parent, 0o600)
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def open_to_writers(descriptor: int, folder: Path, mode: int) -> None:
    """Have who may write a folder write what is in it, too: our file or folder is of its group, and has `mode` and the
    rights for them."""
    found, around = os.fstat(descriptor), folder.stat()
    if found.st_uid != os.geteuid():
        return
    writers = around.st_mode & 0o022
    mode |= writers | writers << 1 | (writers >> 1 if stat.S_ISDIR(found.st_mode) else 0)
    if writers & 0o020 and found.st_gid != around.st_gid:
        with suppress(OSError):  # a group that we are not of
            os.fchown(descriptor, -1, around.st_gid)
    if found.st_mode & 0o777 != mode:
        os.fchmod(descriptor, mode | found.st_mode & stat.S_ISGID)


def is_held(path: Path) -> bool:
    """Tell whether someone holds a file's lock."""
    try:
        # Where a pipe stands in its place, opening would wait for ever.
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


@contextmanager
def alone(folder: Path, seconds: float = PATIENCE_SECONDS) -> Iterator[None]:
    """Hold off the other programs that ask for the same folder: they would write what they read before.

    Raises OSError where it can't be written, or another program holds it for so long.
    """
    deadline = time.monotonic() + seconds
    while (descriptor := try_lock(folder / CHANGE_LOCK)) is None:
        if time.monotonic() > deadline:
            raise TimeoutError(errno.EBUSY, "another program holds it", str(folder))
        time.sleep(0.01)
    try:
        yield
    finally:
        os.close(descriptor)


def is_changing(folder: Path) -> bool:
    """Tell whether a program holds off others from a folder. Raises OSError where that can't be seen."""
    return is_held(folder / CHANGE_LOCK)

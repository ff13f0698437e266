"""Files of lines that grow: what is new since the last reading, whole lines only."""

from __future__ import annotations

import os
import zlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from seqsum.files import open_regular

AT_ONCE = 2 * 2**20
LONGEST_LINE = 2**20
SAMPLE = 256
TAIL = 2**16


@dataclass
class NewLines:
    """lines: without their ends; position: where the next reading goes on; row: the number of the first, from 0."""

    lines: list[str] = field(default_factory=list)
    position: dict[str, Any] = field(default_factory=dict)
    row: int = 0
    more: bool = False
    anew: bool = False
    problems: list[str] = field(default_factory=list)


def new_lines(path: Path, position: Any) -> NewLines:
    """Return the lines of a file that are new since `position` (None: all), a few megabytes at most.

    A file that is not the one that was read to there, by a sample of its beginning and of what was read last, is read
    anew. Raises OSError where it can't be read.
    """
    with open_regular(path) as file:
        size = os.fstat(file.fileno()).st_size
        known = position if isinstance(position, dict) else {}
        at, row = known.get("at"), known.get("row")
        found = NewLines()
        if type(at) is not int or type(row) is not int or at < 0:
            at = row = 0
        elif at > size or _sample(file, at) != known.get("sample"):
            at, row, found.anew = 0, 0, True
        file.seek(at)
        data = _read(file, AT_ONCE)
        end = data.rfind(b"\n") + 1
        if not end and len(data) >= LONGEST_LINE:
            found.problems.append(f"{path.name}: a line is longer than {LONGEST_LINE:,} bytes, and is left out")
            end = len(data)
            data = b""
        else:
            data = data[:end]
        found.lines = _split(data.replace(b"\r\n", b"\n"))
        found.row, at = row, at + end
        found.more = bool(end) and at < size
        found.position = {"at": at, "row": row + len(found.lines), "sample": _sample(file, at)}
        return found


def first_line(path: Path) -> str:
    """Return the first line of a file; "" where it has no whole one. Raises OSError where it can't be read."""
    with open_regular(path) as file:
        line = file.readline(LONGEST_LINE)
        return line.decode("utf-8-sig", "replace").rstrip("\r\n") if line.endswith(b"\n") else ""


def last_lines(path: Path) -> list[str]:
    """Return the last whole lines of a file, not its first. Raises OSError where it can't be read."""
    with open_regular(path) as file:
        size = os.fstat(file.fileno()).st_size
        file.seek(max(0, size - TAIL))
        return _read(file, TAIL).decode("utf-8", "replace").split("\n")[1:-1]


def _split(data: bytes) -> list[str]:
    # Not `splitlines`, which knows more ends than a writer of lines does.
    return data.decode("utf-8", "replace").split("\n")[:-1]


def _read(file: BinaryIO, most: int) -> bytes:
    parts, left = [], most
    while left > 0 and (part := file.read(left)):
        parts.append(part)
        left -= len(part)
    return b"".join(parts)


def _sample(file: BinaryIO, at: int) -> int:
    """What tells that the first `at` bytes are those that they were."""
    file.seek(0)
    found = zlib.crc32(_read(file, min(SAMPLE, at)))
    file.seek(max(0, at - SAMPLE))
    return zlib.crc32(_read(file, min(SAMPLE, at)), found)

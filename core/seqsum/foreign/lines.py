"""Files of lines that grow: what is new since the last reading, whole lines only."""

from __future__ import annotations

import codecs
import errno
import os
import time
import zlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from seqsum.files import open_regular
from seqsum.foreign.left_out import LeftOut
from seqsum.foreign.log_format import COUNTED, GROWING_SECONDS, Refused, why_no_file

AT_ONCE = 2 * 2**20
LONGEST_LINE = 2**20
SAMPLE = 256
TAIL = 2**16


@dataclass
class NewLines:
    """lines: without their ends; position: where the next reading goes on; row: the number of the first, from 0.

    too_long: how many lines were too long, and are left out; unended: the last of `lines` has no end, and is read once
    more when it has one; step: that of the line that was read so before, if it went on since; counted: whether the rows
    before them were counted.
    """

    lines: list[str] = field(default_factory=list)
    position: dict[str, Any] = field(default_factory=dict)
    row: int = 0
    more: bool = False
    anew: bool = False
    too_long: int = 0
    unended: bool = False
    step: int | None = None
    counted: bool = False

    def took(self, step: int | None) -> None:
        """Say which step the line without an end had; None where it is not whole, and waits for its end."""
        if step is None:
            self.position.pop("taken", None)
        else:
            self.position["taken"] = [*self.position["taken"][:2], step]

    def note(self, left_out: LeftOut, of: str = "") -> None:
        """Count lines that were too long."""
        if self.too_long:
            left_out.note(f"line of more than {LONGEST_LINE:,} bytes", f"line {self.row + 1:,}{of}", self.too_long)


def new_lines(path: Path, position: Any, *, rests: bool = False) -> NewLines:
    """Return the lines of a file that are new since `position` (None: all), a few megabytes at most.

    A file that is not the one that was read to there, by a sample of its beginning and of what was read last, is read
    anew. rests: it does not grow any more, and a last line without an end counts. Raises OSError where it can't be
    read.
    """
    with open_regular(path) as file:
        size = os.fstat(file.fileno()).st_size
        known = position if isinstance(position, dict) else {}
        at, row = known.get("at"), known.get("row")
        found = NewLines()
        if type(at) is not int or type(row) is not int or at < 0:
            at, row, known = 0, 0, {}
        elif at > size or _sample(file, at) != known.get("sample") or not _still(file, at, known.get("taken")):
            at, row, known, found.anew = 0, 0, {}, True
        found.counted, taken = bool(known.get(COUNTED)), known.get("taken")
        if taken is not None and size == at + taken[0]:
            found.position, found.row = dict(known), row
            return found
        file.seek(at)
        data = _read(file, AT_ONCE)
        begun, inside = 0, bool(known.get("inside"))
        if inside:
            # The rest of a line that is too long.
            begun = data.find(b"\n") + 1 or len(data)
            inside = not data[:begun].endswith(b"\n")
            row += not inside
        end = max(begun, data.rfind(b"\n") + 1)
        if end == begun and len(data) - begun >= LONGEST_LINE:
            found.too_long, inside, begun, end = 1, True, len(data), len(data)
        body = data[begun:end].replace(b"\r\n", b"\n")
        found.lines, found.row = _split(body.removeprefix(codecs.BOM_UTF8) if at == 0 else body), row
        rest = data[end:]
        found.position = {"at": at + end, "row": row + len(found.lines), "sample": _sample(file, at + end)}
        if inside:
            found.position["inside"] = True
        if taken is not None and data[taken[0] : taken[0] + 2].startswith((b"\n", b"\r\n")):
            # Only its end had still to come.
            found.lines, found.row = found.lines[1:], row + 1
        elif taken is not None:
            found.step = taken[2]
            if not found.lines:
                found.position["taken"] = taken
        if rests and rest and not inside and at + len(data) == size:
            found.lines.append(rest.removesuffix(b"\r").decode("utf-8", "replace"))
            found.unended, found.position["taken"] = True, [len(rest), zlib.crc32(rest), 0]
        found.more = bool(end) and at + end < size and not found.unended
        return found


def _still(file: BinaryIO, at: int, taken: Any) -> bool:
    """Tell whether a line that was read without its end begins as it did then."""
    if taken is None:
        return True
    if not (isinstance(taken, list) and len(taken) == 3 and all(type(one) is int for one in taken)):
        return False
    file.seek(at)
    return bool(zlib.crc32(_read(file, min(max(taken[0], 0), AT_ONCE))) == taken[1])


def first_line(path: Path, *, unended: bool = False) -> tuple[str, Refused | None]:
    """Return the first line of a file, and why nothing can be read of it; "" and None where it may come yet.

    unended: one without an end counts, too.
    """
    if (why := why_no_file(path)) is not None:
        if why == os.strerror(errno.ENOENT) and not path.is_symlink():
            return "", None  # it went since its folder was looked at
        return "", Refused(path, why, unreadable=True)
    try:
        with open_regular(path) as file:
            data = b""
            while b"\n" not in data and len(data) < LONGEST_LINE and (part := file.read(TAIL)):
                data += part
            written = os.fstat(file.fileno()).st_mtime
    except OSError as error:
        return "", Refused(path, error.strerror or str(error), unreadable=True)
    line, newline, _ = data.partition(b"\n")
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "", Refused(path, "it is UTF-16; save it as UTF-8")
    if b"\0" in line:
        return "", Refused(path, "it holds bytes that are no text")
    if len(line) >= LONGEST_LINE:
        return "", Refused(path, f"its first line is longer than {LONGEST_LINE:,} bytes")
    if line and (newline or unended):
        return line.decode("utf-8-sig", "replace").rstrip("\r"), None
    if time.time() - written < GROWING_SECONDS:
        return "", None
    why = "its first line has no end" if line else "its first line is empty" if data else "it is empty"
    return "", Refused(path, why)


def beginning(path: Path) -> list[str]:
    """Return the first whole lines of a file. Raises OSError where it can't be read."""
    with open_regular(path) as file:
        return _split(_read(file, TAIL).removeprefix(codecs.BOM_UTF8).replace(b"\r\n", b"\n"))


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

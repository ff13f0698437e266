"""The lines of a text file without holding it in memory: a part of them is read at a time, wherever it stands."""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import overload

import numpy as np

from seqsum.errors import UserError
from seqsum.files import file_stamp
from seqsum.tasks.text_files import MARKS, Decoded, Encoding, check_file, read_bytes, read_text
from seqsum.text import one_line

AT_ONCE = 4_096  # lines
SCANNED = 1 << 20  # bytes
LONE_RETURN = re.compile(rb"\r(?!\n)")


class LinesOnDisk(Sequence[str]):
    """Lines of a file in UTF-8; those of one block of 4,096 are held, and the places where blocks begin."""

    def __init__(self, path: Path, blocks: list[int], count: int) -> None:
        """blocks: the byte at which each begins, and the file's end; count: of lines"""
        self._path, self._blocks, self._count = path, blocks, count
        self._file = path.open("rb")
        self._stamp = file_stamp(path)
        self._held = -1
        self._lines: list[str] = []

    def __len__(self) -> int:
        return self._count

    @overload
    def __getitem__(self, at: int) -> str: ...

    @overload
    def __getitem__(self, at: slice) -> list[str]: ...

    def __getitem__(self, at: int | slice) -> str | list[str]:
        if isinstance(at, slice):
            return [self[one] for one in range(*at.indices(self._count))]
        if not 0 <= at < self._count:
            raise IndexError(at)
        block = at // AT_ONCE
        if block != self._held:
            self._lines, self._held = self._read(block), block
        return self._lines[at % AT_ONCE]

    def _read(self, block: int) -> list[str]:
        begin, end = self._blocks[block : block + 2]
        self._file.seek(begin)
        data = self._file.read(end - begin)
        if file_stamp(self._path) != self._stamp or len(data) != end - begin:
            raise UserError(f"file: {one_line(self._path.name)} was changed while it was read; ask once more")
        return data.decode().replace("\r\n", "\n").removesuffix("\n").split("\n")


def open_lines(path: str, field: str, encoding: Encoding = "auto") -> tuple[Sequence[str], Decoded]:
    """Return a text file's lines, and how they were decoded; its text is left out.

    A file in UTF-8 is of any size; others are held whole. Raises UserError as `read_bytes` and `read_text` do.
    """
    file = check_file(path, field)
    if encoding in ("auto", "utf-8"):
        try:
            found = _scanned(file)
        except OSError as error:
            raise UserError(f"{field}: can't read {one_line(path)}: {error.strerror or error}") from None
        if found is not None:
            return LinesOnDisk(file, *found), Decoded("", "UTF-8")
    # It is no run's own file: no setting says its encoding.
    decoded = read_text(read_bytes(path, field), one_line(file.name), True, encoding, setting="")
    lines = decoded.text.removesuffix("\n").split("\n") if decoded.text else []
    return lines, Decoded("", decoded.encoding, decoded.replaced, decoded.first, decoded.guessed)


def _scanned(file: Path) -> tuple[list[int], int] | None:
    """Return where the blocks of a file in UTF-8 begin, and how many lines it has; None for any other file, and where
    lines end in carriage returns."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    place, lines = 0, 0
    last = b""
    with file.open("rb") as stream:
        begin = stream.read(4)
        mark = next((mark for mark, _ in MARKS if begin.startswith(mark)), b"")
        if mark not in (b"", codecs.BOM_UTF8):
            return None
        blocks = [len(mark)]
        stream.seek(len(mark))
        place = len(mark)
        for chunk in _chunks(stream.read, SCANNED):
            whole = last[-1:] + chunk
            ended = whole[:-1] if whole.endswith(b"\r") else whole
            if b"\0" in chunk or LONE_RETURN.search(ended):
                return None
            try:
                decoder.decode(chunk)
            except UnicodeDecodeError:
                return None
            ends = np.flatnonzero(np.frombuffer(chunk, dtype=np.uint8) == 10)
            # The end of every so many lines is where a block begins.
            first = (AT_ONCE - 1 - lines) % AT_ONCE
            blocks += (ends[first::AT_ONCE] + place + 1).tolist()
            lines += len(ends)
            place, last = place + len(chunk), chunk
        try:
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return None
    if last.endswith(b"\r"):
        return None
    lines += bool(last) and not last.endswith(b"\n")
    return [*(block for block in blocks if block < place), place], lines


def _chunks(read: Callable[[int], bytes], size: int) -> Iterator[bytes]:
    while chunk := read(size):
        yield chunk

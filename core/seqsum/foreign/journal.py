"""Journals of records, as W&B and SwanLab write them (LevelDB's format of logs): blocks of 32 KiB, in which a record is
one piece or several, each behind a checksum, its length and which piece it is."""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from seqsum.files import open_regular

BLOCK, HEADER = 32_768, 7
FULL, FIRST, MIDDLE, LAST = 1, 2, 3, 4
AT_ONCE = 2 * 2**20
LARGEST_RECORD = 2**26
PIECE = struct.Struct("<IHB")
SEEDS = {piece: zlib.crc32(bytes([piece])) for piece in (FULL, FIRST, MIDDLE, LAST)}


@dataclass
class Records:
    """records: whole ones; end: where the next reading goes on; more: whether there is more already; broken: whether
    what follows is no record."""

    records: list[bytes] = field(default_factory=list)
    end: int = 0
    more: bool = False
    broken: bool = False


def records_of(path: Path, start: bytes, at: int = 0, most: int = AT_ONCE) -> Records:
    """Return the records of a journal from a place on, a few megabytes at most. start: what the file begins with.

    Raises OSError where it can't be read.
    """
    with open_regular(path) as file:
        size = os.fstat(file.fileno()).st_size
        if at < HEADER:
            begun = file.read(HEADER) or b""
            if len(begun) < HEADER:
                return Records(end=0, broken=not start.startswith(begun[: len(start)]))
            if not begun.startswith(start):
                return Records(end=0, broken=True)
            at = HEADER
        file.seek(at)
        data = b""
        while len(data) < most and (part := file.read(most - len(data))):
            data += part
    found = _split(data, at)
    if not found.records and not found.broken and len(data) == most < LARGEST_RECORD:
        return records_of(path, start, at, 8 * most)
    found.more = bool(found.records) and at + len(data) < size
    return found


def _split(data: bytes, at: int) -> Records:
    found, begun, place = Records(end=at), b"", 0
    inside = False
    while True:
        left = BLOCK - (at + place) % BLOCK
        if left < HEADER:
            place += left
        if place + HEADER > len(data):
            return found
        checksum, length, piece = PIECE.unpack_from(data, place)
        stop = place + HEADER + length
        if piece not in SEEDS or length > BLOCK - HEADER:
            found.broken = True
            return found
        if stop > len(data):
            return found
        part = data[place + HEADER : stop]
        if zlib.crc32(part, SEEDS[piece]) != checksum or inside != (piece in (MIDDLE, LAST)):
            found.broken = True
            return found
        begun, inside, place = begun + part, piece in (FIRST, MIDDLE), stop
        if not inside:
            found.records.append(begun)
            found.end, begun = at + place, b""


def journal_of(start: bytes, records: Iterable[bytes]) -> bytes:
    """Return the journal that holds some records. start: what it begins with, HEADER bytes."""
    written = bytearray(start)
    for record in records:
        place, first = 0, True
        while first or place < len(record):
            left = BLOCK - len(written) % BLOCK
            if left < HEADER:
                written += bytes(left)
                left = BLOCK
            part = record[place : place + left - HEADER]
            place += len(part)
            whole = place == len(record)
            piece = (FULL if whole else FIRST) if first else (LAST if whole else MIDDLE)
            written += PIECE.pack(zlib.crc32(part, SEEDS[piece]), len(part), piece) + part
            first = False
    return bytes(written)

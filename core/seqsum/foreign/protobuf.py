"""Protobuf messages, as far as logs need them: where in some bytes the fields of one stand, and how one is written."""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator

VARINT, FIXED64, MESSAGE, FIXED32 = 0, 1, 2, 5


class Damaged(ValueError):
    """Bytes that are no message."""


def texts(data: bytes, start: int, end: int, wanted: int) -> list[str]:
    """Return a field's words, one for each time that it is there."""
    return [data[first:last].decode("utf-8", "replace") for first, last in messages(data, start, end, wanted)]


def messages(data: bytes, start: int, end: int, wanted: int) -> list[tuple[int, int]]:
    """Return where a field's messages begin and end, one for each time that it is there. Raises Damaged."""
    return [
        (first, last) for number, kind, first, last in fields(data, start, end) if (number, kind) == (wanted, MESSAGE)
    ]


def fields(data: bytes, at: int, end: int) -> Iterator[tuple[int, int, int, int]]:
    """Yield number, kind, first and last byte of each field of a message. Raises Damaged."""
    while at < end:
        key, at = varint(data, at)
        kind, start = key & 7, at
        if kind == VARINT:
            _, at = varint(data, at)
        elif kind == MESSAGE:
            length, start = varint(data, at)
            at = start + length
        elif kind in (FIXED64, FIXED32):
            at += 8 if kind == FIXED64 else 4
        else:
            raise Damaged
        if at > end:
            raise Damaged
        yield key >> 3, kind, start, at


def varint(data: bytes, at: int) -> tuple[int, int]:
    """Return a whole number, and where it ends. Raises Damaged."""
    value = 0
    for shift in range(0, 70, 7):
        if at >= len(data):
            raise Damaged
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
    raise Damaged


# Written


def put(number: int, value: int | float | str | bytes) -> bytes:
    """Return a field: a whole number from 0, a number of 64 bits, words, or bytes, a message's among them."""
    if isinstance(value, int):
        return _whole(number << 3 | VARINT) + _whole(value)
    if isinstance(value, float):
        return _whole(number << 3 | FIXED64) + struct.pack("<d", value)
    data = value.encode("utf-8", "replace") if isinstance(value, str) else value
    return _whole(number << 3 | MESSAGE) + _whole(len(data)) + data


def put_single(number: int, value: float) -> bytes:
    """Return a field with a number of 32 bits; what is beyond them is infinite."""
    try:
        data = struct.pack("<f", value)
    except OverflowError:
        data = struct.pack("<f", math.copysign(math.inf, value))
    return _whole(number << 3 | FIXED32) + data


def _whole(value: int) -> bytes:
    found = bytearray()
    while value >= 0x80:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    found.append(value)
    return bytes(found)

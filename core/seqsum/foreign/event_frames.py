"""What stands in a stretch of a TensorBoard event file, and how one is written.

It is frames: the length of an event in 8 bytes, a checksum of them, the event, its checksum. An event is a protobuf
message, of which these fields are read: time 1, step 2, summary 5 { value 1 { tag 1, number 2, tensor 8, metadata 9 }}.
Most events look like others of their length but for time, step and number: numpy reads these together.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqsum.foreign.log_format import Rows
from seqsum.foreign.protobuf import FIXED32, FIXED64, MESSAGE, VARINT, Damaged, fields, messages, texts, varint
from seqsum.runs.kinds import LARGEST_WHOLE, LATEST

LARGEST_EVENT = 2**26
MOST_ALIKE = 64
"""How many kinds of events of one length are read together; what is left is read one by one."""
LONGEST_CHECKED = 256
"""Of longer events, which are pictures and the like, the checksum is not worked out."""
MOST_SETTINGS = 1000
HEAD, TAIL = 12, 4
KINDS = {1: "<f4", 2: "<f8", 3: "<i4", 9: "<i8"}
"""TensorFlow's numbers of the kinds of numbers."""

Bytes = NDArray[np.uint8]


@dataclass
class Scalar:
    """tag, and where in an event its number stands, and of what kind it is."""

    tag: str
    start: int
    kind: str


@dataclass
class Event:
    """Where in an event time and step stand (first byte, number of bytes), its scalars and settings."""

    time: int = -1
    step: tuple[int, int] = (0, 0)
    scalars: list[Scalar] = field(default_factory=list)
    settings: dict[str, Any] = field(default_factory=dict)


class Events:
    """The events of a stretch that begins with a frame.

    end: where the first frame begins that is not whole; wanted: how long that one is, as far as is known; broken:
    whether it is no frame; times: the first and last; damaged: whether an event is not what its checksum says;
    unusable: how many scalars `rows` left out, for their steps.
    """

    def __init__(self, data: bytes) -> None:
        self.end, self.wanted, self.broken, self.damaged = 0, 0, False, False
        self.times: list[float] = []
        self.unusable = 0
        self._data = data
        starts, lengths, size, unpack = list[int](), list[int](), len(data), struct.Struct("<Q").unpack_from
        at = 0
        while at + HEAD <= size:
            length = unpack(data, at)[0]
            stop = at + HEAD + length + TAIL
            if stop > size:
                self.wanted = stop - at
                break
            starts.append(at + HEAD)
            lengths.append(length)
            at = stop
        self._buffer = np.frombuffer(data, np.uint8)
        self._starts, self._lengths = np.array(starts, np.int64), np.array(lengths, np.int64)
        heads = [*starts, at + HEAD] if self.wanted else starts
        good = self._checked(np.array(heads, np.int64) - HEAD, 8)
        bad = np.flatnonzero(~good)
        if bad.size:
            self.broken, self.wanted = True, 0
            at = heads[bad[0]] - HEAD
            self._starts, self._lengths = self._starts[: bad[0]], self._lengths[: bad[0]]
        self.end = at

    def rows(self) -> Rows:
        """Return tag → (step, value), in the order of the file."""
        found: dict[str, list[tuple[NDArray[Any], NDArray[Any], NDArray[Any]]]] = {}
        for length in np.unique(self._lengths).tolist():
            places = np.flatnonzero(self._lengths == length)
            if length <= LONGEST_CHECKED:
                good = self._checked(self._starts[places], length)
                self.damaged = self.damaged or not good.all()
                places = places[good]
            self._of_one_length(places, length, found)
        rows: Rows = {}
        for tag, parts in found.items():
            order, steps, values = (np.concatenate(some) for some in zip(*parts, strict=True))
            usable = (steps >= 0) & (steps <= LARGEST_WHOLE)
            self.unusable += int(usable.size - usable.sum())
            inward = np.argsort(order[usable], kind="stable")
            if inward.size:
                numbers = zip(steps[usable][inward].tolist(), values[usable][inward].tolist(), strict=True)
                rows[tag] = list(numbers)
        return rows

    def settings(self) -> dict[str, Any]:
        """Return the first settings that an event holds."""
        for start, length in zip(self._starts.tolist(), self._lengths.tolist(), strict=True):
            try:
                event = event_of(self._data[start : start + length])
            except Damaged:
                continue
            if event.settings:
                return event.settings
        return {}

    def text(self, tag: str) -> str:
        """Return the first text of a tag; "" where there is none."""
        wanted = f"{tag}/text_summary"
        for start, length in zip(self._starts.tolist(), self._lengths.tolist(), strict=True):
            try:
                for found in _texts(self._data[start : start + length], wanted):
                    return found
            except Damaged:
                continue
        return ""

    def _checked(self, starts: NDArray[np.int64], length: int) -> NDArray[np.bool_]:
        """Tell which bytes of one length have the checksum that stands behind them."""
        masked = _checksums(self._buffer, starts, length)
        told = self._buffer[starts[:, None] + np.arange(length, length + 4)]
        return np.asarray(masked == told.copy().view("<u4")[:, 0])

    def _of_one_length(self, places: NDArray[np.int64], length: int, found: dict[str, list[Any]]) -> None:
        alike = 0
        while places.size and alike < MOST_ALIKE and length <= LONGEST_CHECKED * 4:
            alike += 1
            rows = self._buffer[self._starts[places][:, None] + np.arange(length)]
            event = self._event(int(places[0]))
            same = np.zeros(places.size, np.bool_)
            same[0] = True
            if event is not None:
                same = _same(rows, event)
                self._take(event, rows[same], places[same], found)
            places = places[~same]
        for place in places.tolist():
            event = self._event(place)
            if event is not None and event.scalars:
                start = int(self._starts[place])
                row = self._buffer[start : start + length][None, :]
                self._take(event, row, np.array([place]), found)

    def _event(self, place: int) -> Event | None:
        start = int(self._starts[place])
        try:
            return event_of(self._data[start : start + int(self._lengths[place])])
        except Damaged:
            self.damaged = True
            return None

    def _take(self, event: Event, rows: Bytes, places: NDArray[np.int64], found: dict[str, list[Any]]) -> None:
        if event.time >= 0:
            times = _numbers(rows, event.time, "<f8")
            times = times[(times > 0) & (times < LATEST)]
            if times.size:
                ends = [*self.times, float(times.min()), float(times.max())]
                self.times = [min(ends), max(ends)]
        start, count = event.step
        steps = np.zeros(len(rows), np.int64)
        for byte in range(min(count, 9)):
            steps |= (rows[:, start + byte].astype(np.int64) & 0x7F) << (7 * byte)
        if count > 9:
            steps -= steps + 1  # below zero
        for scalar in event.scalars:
            values = _numbers(rows, scalar.start, scalar.kind).astype(np.float64)
            found.setdefault(scalar.tag, []).append((places, steps, values))


def _same(rows: Bytes, event: Event) -> NDArray[np.bool_]:
    """Tell which events are the first but for time, step and numbers."""
    fixed = np.ones(rows.shape[1], np.bool_)
    if event.time >= 0:
        fixed[event.time : event.time + 8] = False
    for scalar in event.scalars:
        fixed[scalar.start : scalar.start + np.dtype(scalar.kind).itemsize] = False
    start, count = event.step
    fixed[start : start + count] = False
    same = (rows[:, fixed] == rows[0, fixed]).all(axis=1)
    if count:
        same &= (rows[:, start : start + count - 1] >= 0x80).all(axis=1) & (rows[:, start + count - 1] < 0x80)
    return np.asarray(same)


def _numbers(rows: Bytes, start: int, kind: str) -> NDArray[Any]:
    size = np.dtype(kind).itemsize
    return np.ascontiguousarray(rows[:, start : start + size]).view(kind)[:, 0]


def _checksums(buffer: Bytes, starts: NDArray[np.int64], length: int) -> NDArray[np.uint32]:
    """Return the masked CRC-32C of each of some bytes of one length."""
    crc = np.full(starts.size, 0xFFFFFFFF, np.uint32)
    for offset in range(length):
        crc = _table()[(crc ^ buffer[starts + offset]) & 0xFF] ^ (crc >> 8)
    crc ^= 0xFFFFFFFF
    return np.asarray(((crc >> 15) | (crc << 17)) + np.uint32(0xA282EAD8), np.uint32)


@cache
def _table() -> NDArray[np.uint32]:
    """CRC-32C, a byte at a time."""
    crc = np.arange(256, dtype=np.uint32)
    for _ in range(8):
        crc = np.where(crc & 1, (crc >> 1) ^ np.uint32(0x82F63B78), crc >> 1).astype(np.uint32)
    return crc


def framed(events: Sequence[bytes]) -> bytes:
    """Return events as they stand in a file."""
    heads = np.frombuffer(b"".join(struct.pack("<Q", len(event)) for event in events), np.uint8)
    lengths = np.array([len(event) for event in events], np.int64)
    of_heads = _checksums(heads, np.arange(len(events)) * 8, 8)
    bodies, starts = np.frombuffer(b"".join(events), np.uint8), np.cumsum(lengths) - lengths
    of_bodies = np.zeros(len(events), np.uint32)
    for length in np.unique(lengths).tolist():
        places = np.flatnonzero(lengths == length)
        of_bodies[places] = _checksums(bodies, starts[places], length)
    sums = zip(of_heads.tolist(), of_bodies.tolist(), strict=True)
    return b"".join(
        struct.pack("<QI", len(event), head) + event + struct.pack("<I", body)
        for event, (head, body) in zip(events, sums, strict=True)
    )


# Protobuf


def event_of(data: bytes) -> Event:
    """Read an event. Raises Damaged for what is none."""
    event = Event()
    for number, kind, start, end in fields(data, 0, len(data)):
        if (number, kind) == (1, FIXED64):
            event.time = start
        elif (number, kind) == (2, VARINT):
            event.step = start, end - start
        elif (number, kind) == (5, MESSAGE):
            for inner, form, first, last in fields(data, start, end):
                if (inner, form) == (1, MESSAGE):
                    _read_value(data, first, last, event)
    return event


def _read_value(data: bytes, start: int, end: int, event: Event) -> None:
    tag, number = "", None
    for field_number, kind, first, last in fields(data, start, end):
        if (field_number, kind) == (1, MESSAGE):
            tag = data[first:last].decode("utf-8", "replace")
        elif (field_number, kind) == (2, FIXED32):
            number = first, "<f4"
        elif (field_number, kind) == (8, MESSAGE):
            number = _tensor(data, first, last) or number
        elif (field_number, kind) == (9, MESSAGE):
            event.settings |= _settings(data, first, last)
    if number is not None and tag:
        event.scalars.append(Scalar(tag, *number))


def _tensor(data: bytes, start: int, end: int) -> tuple[int, str] | None:
    """Return where the one number of a tensor stands, and its kind; None where it holds none, or several."""
    kind, place = "", None
    for number, form, first, last in fields(data, start, end):
        if (number, form) == (1, VARINT):
            kind = KINDS.get(varint(data, first)[0], "")
        elif number in (4, 5, 6) and form != VARINT:
            place = first, last - first
    if not kind or place is None or place[1] != np.dtype(kind).itemsize:
        return None
    return place[0], kind


def _texts(data: bytes, wanted: str) -> Iterator[str]:
    """Yield the words of a tag in an event: summary 5 { value 1 { tag 1, tensor 8 { words 8 }}}."""
    for summary in messages(data, 0, len(data), 5):
        for value in messages(data, *summary, 1):
            if texts(data, *value, 1) == [wanted]:
                for tensor in messages(data, *value, 8):
                    yield from texts(data, *tensor, 8)


def _settings(data: bytes, start: int, end: int) -> dict[str, Any]:
    """Return the settings in the metadata of the hparams plug-in: { plugin_data 1 { name 1, content 2 { start 3 {
    settings 1 { key 1, value 2 }}}}}."""
    found: dict[str, Any] = {}
    for plugin in messages(data, start, end, 1):
        names = [data[first:last] for first, last in messages(data, *plugin, 1)]
        for content in messages(data, *plugin, 2) if names == [b"hparams"] else ():
            for begun in messages(data, *content, 3):
                for pair in messages(data, *begun, 1):
                    keys = [data[first:last].decode("utf-8", "replace") for first, last in messages(data, *pair, 1)]
                    values = [_plain(data, *value) for value in messages(data, *pair, 2)]
                    if keys and values and len(found) < MOST_SETTINGS:
                        found[keys[0]] = values[0]
    return found


def _plain(data: bytes, start: int, end: int) -> Any:
    for number, kind, first, last in fields(data, start, end):
        if (number, kind) == (2, FIXED64):
            value = struct.unpack_from("<d", data, first)[0]
            return int(value) if math.isfinite(value) and value.is_integer() and abs(value) < LARGEST_WHOLE else value
        if (number, kind) == (3, MESSAGE):
            return data[first:last].decode("utf-8", "replace")
        if (number, kind) == (4, VARINT):
            return bool(varint(data, first)[0])
    return None

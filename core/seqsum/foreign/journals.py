"""W&B's offline runs and SwanLab's: a folder with a journal, run-ID.wandb or run-ID.swanlab."""

from __future__ import annotations

import json
import re
import struct
from abc import abstractmethod
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, ClassVar

from seqsum.files import file_stamp, read_regular
from seqsum.foreign.journal import records_of
from seqsum.foreign.left_out import RECORD, RECORD_STEP
from seqsum.foreign.log_format import Folder, LogFormat, Part, Source, is_file, is_measured, plain_value, written_at
from seqsum.foreign.protobuf import FIXED64, MESSAGE, VARINT, Damaged, fields, messages, texts, varint
from seqsum.runs.kinds import LARGEST_WHOLE
from seqsum.text import one_line

OURS = "seqsum"
"""The section of a configuration in which our own export says what it knows besides."""
BEGINNING = 2**16
LARGEST_CONFIG = 2**20
MOST_VALUES = 1000
TIME = re.compile(r"[0-9]{8}_[0-9]{6}")


@dataclass
class Facts:
    """What the first records tell of a run."""

    name: str = ""
    group: str = ""
    tags: tuple[str, ...] = ()
    config: dict[str, Any] = field(default_factory=dict)


class Journal(LogFormat):
    """What both have in common. ending: of the file's name; start: its first bytes."""

    ending: ClassVar[str]
    start: ClassVar[bytes]

    def find(self, folder: Folder) -> list[Source]:
        found = []
        for name in folder.names:
            path = folder.path / name
            if not (name.startswith("run-") and name.endswith(self.ending)) or not is_file(path):
                continue
            facts = self._facts(path, min(file_stamp(path)[1], BEGINNING))
            said = facts.name or name.removeprefix("run-").removesuffix(self.ending)
            ours = facts.config.get(OURS)
            own = ours if isinstance(ours, dict) else {}
            found.append(Source(path, said, (path,), _began(path), facts.group, facts.tags, own))
        return found

    def config(self, source: Source) -> dict[str, Any]:
        return self._facts(source.path, min(file_stamp(source.path)[1], BEGINNING)).config

    def read(self, source: Source, position: Any, *, rests: bool = False) -> Part:
        path, size = source.files[0], file_stamp(source.files[0])[1]
        at = position if type(position) is int and position >= 0 else 0
        if at > size:
            return Part({}, 0, more=True, anew=True)
        found = records_of(path, self.start, at)
        part = Part({}, found.end, found.more)
        for record in found.records:
            try:
                self.take(record, part)
            except (Damaged, struct.error, ValueError, RecursionError):
                part.left_out.note(RECORD)
        if found.broken:
            part.problems.append(f"{one_line(str(path))}: it is damaged at byte {found.end:,}; the rest is left out")
        return part

    @lru_cache(maxsize=5000)  # noqa: B019 - there is one of each kind
    def _facts(self, path: Path, _size: int) -> Facts:
        facts = Facts()
        try:
            for record in records_of(path, self.start, 0, BEGINNING).records:
                self.know(record, facts, path)
        except (OSError, Damaged, ValueError, RecursionError):
            pass
        return facts

    @abstractmethod
    def take(self, record: bytes, part: Part) -> None:
        """Add what a record tells."""

    @abstractmethod
    def know(self, record: bytes, facts: Facts, path: Path) -> None:
        """Add what one of the first records tells of the run."""


class WandbLog(Journal):
    name = "W&B"
    ending = ".wandb"
    start = b":W&B\xe1\xbe\x00"

    def take(self, record: bytes, part: Part) -> None:
        for history in messages(record, 0, len(record), 2):
            values = _items(record, *history, 1)
            steps = [varint(record, first)[0] for one in messages(record, *history, 2)
                     for number, kind, first, _ in fields(record, *one) if (number, kind) == (1, VARINT)]  # fmt: skip
            step = steps[0] if steps else values.get("_step", 0)
            if not isinstance(step, int) or not 0 <= step <= LARGEST_WHOLE:
                part.left_out.note(RECORD_STEP)
                continue
            _time(part, values.get("_timestamp"))
            for name, value in values.items():
                if type(value) in (int, float) and is_measured(name):
                    part.rows.setdefault(name, []).append((step, float(value)))
        for ended in messages(record, 0, len(record), 18):
            codes = [varint(record, first)[0] for number, kind, first, _ in fields(record, *ended) if number == 1]
            code = codes[0] if codes else 0
            part.ended = ("failed", f"W&B says that it ended with exit code {code}") if code else ("finished", None)

    def know(self, record: bytes, facts: Facts, path: Path) -> None:
        for run in messages(record, 0, len(record), 17):
            facts.name = next(iter(texts(record, *run, 8)), "") or next(iter(texts(record, *run, 1)), "")
            facts.group = next(iter(texts(record, *run, 6)), "")
            facts.tags = tuple(texts(record, *run, 10))
            for config in messages(record, *run, 4):
                facts.config |= _items(record, *config, 1)
        for config in messages(record, 0, len(record), 5):
            facts.config |= _items(record, *config, 1)
        facts.config.pop("_wandb", None)


class SwanLabLog(Journal):
    name = "SwanLab"
    ending = ".swanlab"
    start = b":SWL\xd6\xe1\x02"

    def take(self, record: bytes, part: Part) -> None:
        for scalar in messages(record, 0, len(record), 13):
            key, step, number = "", 0, None
            for name, kind, first, last in fields(record, *scalar):
                if (name, kind) == (1, MESSAGE):
                    key = record[first:last].decode("utf-8", "replace")
                elif (name, kind) == (2, VARINT):
                    step = varint(record, first)[0]
                elif (name, kind) == (4, MESSAGE):
                    seconds = [
                        varint(record, at)[0] for n, k, at, _ in fields(record, first, last) if (n, k) == (1, VARINT)
                    ]
                    _time(part, seconds[0] if seconds else None)
                elif (name, kind) == (5, MESSAGE):
                    number = 0.0
                    for inner, form, at, _ in fields(record, first, last):
                        if (inner, form) == (1, FIXED64):
                            number = struct.unpack_from("<d", record, at)[0]
            if number is not None and key and step <= LARGEST_WHOLE:
                part.rows.setdefault(key, []).append((step, number))
            elif number is not None and key:
                part.left_out.note(RECORD_STEP)
        for finish in messages(record, 0, len(record), 11):
            states = [varint(record, first)[0] for number, kind, first, _ in fields(record, *finish) if number == 1]
            part.ended = ENDED.get(states[0] if states else 0)

    def know(self, record: bytes, facts: Facts, path: Path) -> None:
        for begun in messages(record, 0, len(record), 10):
            facts.name = next(iter(texts(record, *begun, 4)), "")
            facts.tags = tuple(texts(record, *begun, 6))
            facts.group = next(iter(texts(record, *begun, 7)), "")
            facts.config = _swanlab_config(path.parent / "files" / "config.yaml")


ENDED = {
    1: ("finished", None),
    2: ("failed", "SwanLab says that it crashed"),
    3: ("stopped", "SwanLab says that it was ended"),
}


def _items(data: bytes, start: int, end: int, wanted: int) -> dict[str, Any]:
    """Return W&B's items: a key, or the parts of one, and a value as JSON."""
    found: dict[str, Any] = {}
    for item in messages(data, start, end, wanted):
        keys = texts(data, *item, 1) or [".".join(texts(data, *item, 2))]
        values = texts(data, *item, 16)
        if keys[0] and values and len(found) < MOST_VALUES:
            found[keys[0]] = json.loads(values[0])
    return found


def _swanlab_config(path: Path) -> dict[str, Any]:
    """Return the values of SwanLab's settings: each has its `value`, a plain one or names with plain ones."""
    try:
        text = read_regular(path, LARGEST_CONFIG).decode("utf-8", "replace")
    except OSError:
        return {}
    found: dict[str, Any] = {}
    top, inside = "", False
    for line in text.splitlines():
        name, _, value = line.strip().partition(":")
        value = value.strip().strip("'\"")
        if not line.startswith(" "):
            top, inside = name, False
        elif line.startswith("  value:"):
            inside = not value
            if value:
                found[top] = plain_value(value)
        elif inside and re.match(r"    [^ -]", line) and value:
            found.setdefault(top, {})[name] = plain_value(value)
        elif not line.startswith("   "):
            inside = False
    return found


def _time(part: Part, when: Any) -> None:
    if isinstance(when, int | float) and when > 0:
        part.began = when if part.began is None else min(part.began, when)
        part.last = when if part.last is None else max(part.last, when)


def _began(path: Path) -> float:
    """Both write when a run began into its folder's name, in local time."""
    found = TIME.search(path.parent.name)
    try:
        return datetime.strptime(found[0], "%Y%m%d_%H%M%S").timestamp() if found else written_at(path)
    except (ValueError, OverflowError):
        return written_at(path)

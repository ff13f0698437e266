"""What a kind of log is to whoever follows it."""

from __future__ import annotations

import math
import os
import stat
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any, ClassVar

from seqsum.foreign.left_out import LeftOut
from seqsum.formatting import in_percent
from seqsum.runs.kinds import LARGEST_WHOLE
from seqsum.text import one_line

Rows = dict[str, list[tuple[int, float]]]
"""Metric → (step, value), in the order of the log."""
STEP_NAMES = ("step", "global_step", "_step", "trainer/global_step", "iteration", "iter", "update", "batch", "epoch")
"""Of a row's values the first of these is its step."""
NOT_MEASURED = frozenset(
    (*STEP_NAMES, "time", "timestamp", "_timestamp", "_runtime", "wall_time", "walltime", "created_at", "date")
)
"""What says when a row was written, and is no curve."""
COUNTED = "counted"
"""In a position: the rows before it were counted."""
FIRST_STEPS = 50
"""By so many it is told what kind of steps a log has; a single one that is odd among them is a mistake."""
GROWING_SECONDS = 60.0
"""A log that was written within them reads `running`."""


@dataclass(frozen=True)
class Refused:
    """A file that is called like a log and is none, or a folder that can't be looked into. why: in a few words;
    unreadable: whether nothing of it can be read."""

    path: Path
    why: str
    unreadable: bool = False

    def told(self, more: int = 0) -> str:
        """Say it. more: how many others are refused for the same reason."""
        path, others = one_line(str(self.path)), f" (and {more:,} more)" if more else ""
        if self.unreadable:
            return f"watch: can't read {path}{others}: {self.why}"
        return f"watch: {path}{others} is no log: {self.why}"


@dataclass(frozen=True)
class Folder:
    """A folder as it was looked at. asked: whether the person named it, or the one file in it, so that what may be a
    log is taken for one; read_as: the ending of the kind that the one file is by its first line, where its name tells
    none; refused: whoever looks adds files that are called like a log, and are none."""

    path: Path
    names: Sequence[str]
    folders: Sequence[str]
    asked: bool = False
    read_as: str = ""
    refused: list[Refused] = field(default_factory=list, compare=False)

    @cached_property
    def files(self) -> frozenset[str]:
        """The names of the files, for those who look for one."""
        return frozenset(self.names)

    def ends(self, name: str, endings: tuple[str, ...]) -> bool:
        """Tell whether a file is one of those that are called so."""
        return f"{name}{self.read_as}".lower().endswith(endings)


@dataclass(frozen=True)
class Source:
    """A log that is one run. path: of its file or folder, by which it is known; name: "" for one that is called after
    where it lies; files: what is read of it, in order; created: when it began, as well as can be told, in seconds since
    1970; facts: what our own export says of its run beside its curves and settings (see `own_export`), as it stands
    there; place: what it is called after where it has no name, if not its path; parts: by how many of the last parts of
    that at least; part: which of several runs of a file it is."""

    path: Path
    name: str
    files: tuple[Path, ...]
    created: float
    group: str = ""
    tags: tuple[str, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict, compare=False)
    place: Path | None = None
    parts: int = 1
    part: str = ""


@dataclass
class Part:
    """What one reading found. position: where the next goes on, as JSON holds it; more: whether there is more already;
    anew: whether the log was written anew, and what was read before is void; began, last: the times that the log itself
    tells; ended: how the run ended, and why; problems: a sentence for each thing that can't be read; left_out: lines
    and values that are left out; hints: a sentence for what may be amiss in what there is so far."""

    rows: Rows = field(default_factory=dict)
    position: Any = None
    more: bool = False
    anew: bool = False
    began: float | None = None
    last: float | None = None
    ended: tuple[str, str | None] | None = None
    problems: list[str] = field(default_factory=list)
    left_out: LeftOut = field(default_factory=LeftOut)
    hints: list[str] = field(default_factory=list)


class LogFormat(ABC):
    """A kind of log. name: what people call it."""

    name: ClassVar[str]

    @abstractmethod
    def find(self, folder: Folder) -> list[Source]:
        """Return the logs that lie in a folder, or are it."""

    @abstractmethod
    def read(self, source: Source, position: Any, *, rests: bool = False) -> Part:
        """Read some more of a log, a few megabytes at most, from a position on (None: from its beginning).

        A last record that is torn is left for the next reading. rests: the log does not grow any more, so that a last
        line without an end counts, if it is whole. Raises OSError where it can't be read.
        """

    def glance(self, source: Source) -> Rows:
        """Return the last row or so, where the end of a log can be read without the rest."""
        return {}

    def config(self, source: Source) -> Mapping[str, Any]:
        """Return the settings that the log tells. Raises OSError where it can't be read."""
        return {}

    def ended(self, source: Source) -> tuple[str, str | None] | None:
        """Return how the run ended, and why, where the log tells; None while it may grow."""
        return None


def value_of(name: str, text: str) -> float | None:
    """Return the number that a column's text tells: 57% is 0.57, but of a column that is in percent itself; None where
    it tells none."""
    try:
        return float(text)
    except ValueError:
        pass
    bare = text.strip()
    if not bare.endswith("%"):
        return None
    try:
        # As decimals, so that 57% is 0.57 to the bit.
        value = Decimal(bare.removesuffix("%").strip())
    except ArithmeticError:
        return None
    return float(value if in_percent(name) else value / 100)


def in_fractions(steps: Iterable[Any]) -> bool:
    """Tell whether the first steps of a log, as text or numbers, are no whole numbers: halves of epochs, say."""
    read, odd = 0, 0
    for value in islice(steps, FIRST_STEPS):
        try:
            step = float(value)
        except (TypeError, ValueError, OverflowError):
            continue
        if math.isfinite(step) and step >= 0:
            read += 1
            odd += step != int(step)
    return odd > 1 and read <= 3 * odd


def counted_told(path: Path, name: str) -> str:
    """Say that a log's rows are counted, though a column is called like a step."""
    return f"{one_line(str(path))}: its steps ({one_line(name)}) are no whole numbers; its rows are counted instead"


def step_of(value: Any) -> int | None:
    """Return a step, as text or number; None for what is none."""
    try:
        step = float(value)
        whole = int(step)
    except (TypeError, ValueError, OverflowError):
        return None
    return whole if whole == step and 0 <= whole <= LARGEST_WHOLE else None


def step_name(names: Sequence[str]) -> str | None:
    """Return which of a row's names is the step; None where none is."""
    known = {name.strip().lower(): name for name in reversed(names)}
    return next((known[name] for name in STEP_NAMES if name in known), None)


def is_measured(name: str) -> bool:
    """Tell whether a row's value of that name is a curve."""
    return bool(name.strip()) and name.strip().lower() not in NOT_MEASURED


def is_file(path: Path) -> bool:
    """Tell whether a regular file stands there: a pipe would never end."""
    return why_no_file(path) is None


def why_no_file(path: Path) -> str | None:
    """Say why there is no regular file; None where there is one."""
    try:
        regular = stat.S_ISREG(os.stat(path).st_mode)  # noqa: PTH116 - of thousands
    except OSError as error:
        return error.strerror or str(error)
    except ValueError as error:
        return str(error)
    return None if regular else "it is no file"


def written_at(path: Path) -> float:
    """Return when a file was written last; 0 where there is none."""
    try:
        return os.stat(path).st_mtime  # noqa: PTH116 - of thousands
    except (OSError, ValueError):
        return 0.0


def plain_value(text: str) -> Any:
    """Return a value that stands in a file as text: a number, true or false where it reads like one."""
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    try:
        return int(text)
    except ValueError:
        pass
    try:
        return float(text)
    except ValueError:
        return text

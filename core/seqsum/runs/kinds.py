"""Reads fields of what a file holds, each of one kind. A field of another kind costs itself only, and is told."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, TypeVar

from seqsum.formatting import MOST_OF_A_SHARE, in_percent
from seqsum.text import one_line

LARGEST_WHOLE = 2**53
LARGEST_NUMBER = 1e300
"""Numbers beyond are no measurements, and overflow as soon as anything is done with them."""
LATEST = 1e11
"""In seconds since 1970."""
MOST_SHOWN = 40


Kind = TypeVar("Kind")
Default = TypeVar("Default")


class Fields:
    """The fields of one mapping; `source` says whose they are, e.g. `run.json: config.train`.

    problems: a sentence for each field that is missing though it has to be there, or is of another kind.
    """

    def __init__(self, raw: Mapping[str, Any], source: str, problems: list[str] | None = None) -> None:
        self.raw, self.source = raw, source
        self.problems: list[str] = [] if problems is None else problems

    def wrong(self, name: str, expected: str) -> None:
        """Note that a field is not what it should be."""
        joined = "." if "config" in self.source else " "
        given = f"is {described(self.raw[name])}" if name in self.raw else "is missing"
        self.problems.append(f"{self.source}{joined if self.source else ''}{name} {given}, not {expected}")

    def text(self, name: str, default: str = "", *, needed: bool = False) -> str:
        return self._read(name, "text", str, default, needed)

    def text_or_none(self, name: str) -> str | None:
        return None if self.raw.get(name) is None else self._read(name, "text", str, None)

    def one_of(self, name: str, words: tuple[str, ...], default: str) -> str:
        value = self.raw.get(name)
        if isinstance(value, str) and value in words:
            return value
        self.wrong(name, f"one of {', '.join(words)}")
        return default

    def whole(self, name: str, default: int = 0, *, needed: bool = False) -> int:
        """A whole number from 0. One that is written as text is taken, and told."""
        value = self.raw.get(name)
        found = _whole(value)
        if (type(value) is not int or found is None) and (needed or name in self.raw):
            self.wrong(name, "a whole number")
        return default if found is None else found

    def whole_or_none(self, name: str) -> int | None:
        if self.raw.get(name) is None:
            return None
        found = self.whole(name, -1)
        return None if found < 0 else found

    def number(self, name: str, default: float = 0.0, *, most: float = LARGEST_NUMBER) -> float:
        """A finite number from 0."""
        value = self.raw.get(name)
        if value is None and name not in self.raw:
            return default
        if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= most:
            return float(value)
        self.wrong(name, "a number from 0")
        return default

    def number_or_none(self, name: str, *, most: float) -> float | None:
        """A number from 0 to `most`; None where it is null, is not there, or is of another kind."""
        found = -1.0 if self.raw.get(name) is None else self.number(name, -1.0, most=most)
        return None if found < 0 else found

    def section(self, name: str, *, needed: bool = False) -> dict[str, Any]:
        return self._read(name, "a section", dict, {}, needed)

    def texts(self, name: str) -> list[str]:
        """A list of words; what of it is none is left out."""
        value = self.raw.get(name)
        if value is None:
            return []
        if not isinstance(value, list) or not all(isinstance(part, str) for part in value):
            self.wrong(name, "a list of words")
        return [part for part in value if isinstance(part, str)] if isinstance(value, list) else []

    def _read(
        self, name: str, expected: str, kind: type[Kind], default: Default, needed: bool = False
    ) -> Kind | Default:
        """A value of a kind, or the default; null is told as any other kind is."""
        value = self.raw.get(name)
        if isinstance(value, kind):
            return value
        if needed or name in self.raw:
            self.wrong(name, expected)
        return default


def _whole(value: Any) -> int | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) <= 16:
        value = int(value)
    return value if isinstance(value, int) and 0 <= value <= LARGEST_WHOLE else None


def described(value: Any) -> str:
    """Return what a value is, in a few words."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        return "a section"
    if isinstance(value, list | tuple):
        return "a list"
    if isinstance(value, bytes):
        return "bytes"
    if isinstance(value, int) and abs(value) > LARGEST_WHOLE:
        return "a number too large"
    text = f"text ({value!r})" if isinstance(value, str) else str(value)
    shown = one_line(text)
    return shown if len(shown) <= MOST_SHOWN else shown[: MOST_SHOWN - 1] + "…"


def measured(name: str, value: float, *, of_log: bool = False) -> bool:
    """Whether a finite metric can be what its name says: a share from 0 to 1, or a number that one can work with.

    of_log: it is another program's, whose shares may be above 1 by a little, and in percent where their name says so
    """
    if not math.isfinite(value):
        return True
    if "accuracy" not in name or (of_log and in_percent(name)):
        return abs(value) <= LARGEST_NUMBER
    return -1e-9 <= value <= (MOST_OF_A_SHARE if of_log else 1 + 1e-9)

"""What could follow where a person types a filter: fields, words and values that the runs really have. No screen."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import chain
from typing import NamedTuple

from seqsum.runs.entry import ABSENT, Entry
from seqsum.runs.filter import ALIASES, HAS, IS, LISTS, NUMBERS, TEXTS, TIMES, Names, Token, tokens_of
from seqsum.runs.order import high_first
from seqsum.schema import as_text

# Words of one field, most asked for first.
WORDS = ("status", "has", "is", "tag", "group", "preset", "name", "note", "reason", "id")
GLUE = frozenset({"and", "or", "not", "!"})
# Typed as it is, such a value would be read as more than one word.
NEEDS_QUOTES = re.compile(r'[\s()<>=!~:"]')
MOST = 50


class Offer(NamedTuple):
    """words: what could stand from `start` on, the best first. begun: whether some of it is typed already, or a value
    is due; else these are only the words that a filter begins with."""

    start: int = 0
    words: tuple[str, ...] = ()
    begun: bool = False

    def taken(self, text: str, index: int) -> str:
        """The text with one of the words in it."""
        return text[: self.start] + self.words[index]


@dataclass
class FilterCompletion:
    """Knows what a list's runs have; counted only where it is asked for."""

    entries: tuple[Entry, ...]
    names: Names

    def __post_init__(self) -> None:
        self._values: dict[str, list[str]] = {}

    def offer(self, text: str) -> Offer:
        """Return what could stand at the end of the text."""
        tokens = tokens_of(text)
        typed: Token | None = tokens[-1] if tokens else None
        if typed is not None and (typed.kind in ("operator", "bracket") or _ended(typed, text)):
            typed = None
        before = tokens[:-1] if typed is not None else tokens
        if typed is not None and typed.kind == "quoted":
            return Offer()
        start = typed.place[0] if typed is not None else len(text)
        begun = text[start:]
        if before and before[-1].kind == "operator":
            if len(before) < 2 or before[-2].kind != "word":
                return Offer()
            return self._of(start, begun, self._typed_values(before[-2].text, begun), True)
        if typed is None:
            return Offer(start, tuple(self._beginnings()))
        if typed.kind == "open" or begun.lower() in GLUE:
            return Offer()
        return self._of(start, begun, chain(self._fields(begun), self._plain_words()), True)

    def _of(self, start: int, begun: str, words: Iterable[str], sure: bool) -> Offer:
        lower = begun.lower()
        found = dict.fromkeys(word for word in words if word.lower().startswith(lower) and len(word) > len(begun))
        return Offer(start, tuple(found)[:MOST], sure)

    # Fields

    def _beginnings(self) -> list[str]:
        return [*(word + ":" for word in WORDS[:5]), *(_compared(name) for name in ("accuracy", "loss", "age"))]

    def _fields(self, begun: str) -> list[str]:
        """Every field, with the sign that it is mostly compared by; the one that is named in full first."""
        found = [word + ":" for word in WORDS]
        found += [_compared(name) for name in (*sorted(self.names.metrics), *NUMBERS, *TIMES)]
        settings = [path for path in self.names.settings if path in self.names.present]
        if "." in begun:
            found += [f"{path} = " for path in settings]
        else:
            short = [path.partition(".")[2] for path in settings]
            found += [f"{name} = " for name in short if self.names.path(name) is not None]
            found += dict.fromkeys(path.partition(".")[0] + "." for path in settings)
        return sorted(found, key=lambda field: field.rstrip(":<>= ").lower() != begun.lower())

    def _plain_words(self) -> list[str]:
        words = (*self.values("preset"), *self.values("tags"), *self.values("group"))
        return [word for word in words if word.isprintable() and not NEEDS_QUOTES.search(word)]

    # Values

    def _typed_values(self, name: str, begun: str) -> list[str]:
        """The values as one types them: in quotes where it must be, and where a person began with one."""
        values = [value for value in self.values(name) if '"' not in value and value.isprintable()]
        return [f'"{value}"' if begun[:1] == '"' or NEEDS_QUOTES.search(value) else value for value in values]

    def values(self, name: str) -> list[str]:
        """Return the values that the runs have in a field, the most frequent first."""
        lower = ALIASES.get(name.lower(), name.lower())
        if lower not in self._values:
            self._values[lower] = self._count(lower, name)
        return self._values[lower]

    def _count(self, lower: str, name: str) -> list[str]:
        runs = [entry.summary for entry in self.entries]
        if lower == "is":
            return [word for word, test in IS.items() if any(test(entry, 0.0) for entry in self.entries)]
        if lower == "has":
            found = [word for word, test in HAS.items() if any(test(entry, 0.0) for entry in self.entries)]
            return [*found, *sorted(self.names.metrics)]
        if lower in LISTS:
            return _by_number(chain.from_iterable(LISTS[lower](run) for run in runs))
        if lower in ("note", "reason"):
            return []
        if lower in TEXTS:
            return _by_number(map(TEXTS[lower], runs))
        if lower in NUMBERS or lower in TIMES or name in self.names.metrics:
            return []
        path = self.names.path(name)
        return [] if path is None else _by_number(self._setting(path))

    def _setting(self, path: str) -> Iterable[str]:
        for entry in self.entries:
            value = entry.setting(path)
            if isinstance(value, list | tuple):
                yield from map(str, value)
            elif value is not ABSENT:
                yield as_text(value)


def _ended(token: Token, text: str) -> bool:
    """Whether there is a space behind it already."""
    return token.kind != "open" and token.place[1] < len(text)


def _compared(name: str) -> str:
    return f"{name} {'>' if high_first(name) else '<'} "


def _by_number(values: Iterable[str]) -> list[str]:
    return [value for value, _ in Counter(value for value in values if value).most_common()]

"""What could follow where a person types a filter: fields, words and values that the runs really have. No screen."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import NamedTuple

from seqsum.runs.entry import ABSENT, Entry
from seqsum.runs.filter import ALIASES, HAS, IS, LISTS, NUMBERS, TEXTS, TIMES, Names
from seqsum.runs.filter_tokens import REGEX_SIGNS, Token, tokens_of
from seqsum.runs.order import high_first
from seqsum.schema import as_text
from seqsum.text import is_plain

# Words of one field, most asked for first.
WORDS = ("status", "has", "is", "tag", "group", "preset", "name", "note", "reason", "id")
GLUE = frozenset({"and", "or", "not", "!"})
# Typed as it is, such a value would be read as more than one word.
NEEDS_QUOTES = re.compile(r"""[\s()<>=!~:"*,≥≤≠]|^['“‘]""")
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
        name = _listed_name(before)
        if name is not None:
            # A word of a list holds what stands before its last comma, too.
            comma = begun.rfind(",") + 1
            return self._of(start + comma, begun[comma:], self._typed_values(name, begun[comma:]), True)
        if before and before[-1].kind == "operator":
            if len(before) < 2 or before[-2].kind != "word":
                return Offer()
            if before[-1].text in REGEX_SIGNS:
                return Offer()
            name, ordered = before[-2].text, before[-1].text in ("<", "<=", ">", ">=")
            words = [] if ordered and name in self.names.metrics else self._typed_values(name, begun)
            return self._of(start, begun, words, True)
        if typed is None:
            return Offer(start, tuple(self._beginnings()))
        if typed.kind == "open" or begun.lower() in GLUE:
            return Offer()
        several = (
            ("in (", "not in (") if before and before[-1].kind == "word" and self.names.known(before[-1].text) else ()
        )
        return self._of(start, begun, chain(several, self._fields(begun), self._plain_words()), True)

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
        found += [_compared(name) for name in (*self._metrics(), *NUMBERS, *TIMES)]
        settings = [path for path in self.names.settings if path in self.names.present]
        if "." in begun:
            found += [f"{path} = " for path in settings]
        else:
            short = [path.partition(".")[2] for path in settings]
            found += [f"{name} = " for name in short if self.names.path(name) is not None]
            found += dict.fromkeys(path.partition(".")[0] + "." for path in settings)
        return sorted(found, key=lambda field: field.rstrip(":<>= ").lower() != begun.lower())

    def _metrics(self) -> list[str]:
        """Those that can be typed."""
        return sorted(name for name in self.names.metrics if is_plain(name))

    def _plain_words(self) -> list[str]:
        words = (*self.values("preset"), *self.values("tags"), *self.values("group"))
        return [word for word in words if is_plain(word) and not NEEDS_QUOTES.search(word)]

    # Values

    def _typed_values(self, name: str, begun: str) -> list[str]:
        """The values as one types them: in quotes where it must be, and where a person began with one."""
        values = [value for value in self.values(name) if is_plain(value)]
        return [typed for value in values if (typed := _typed(value, begun[:1])) is not None]

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
            return [*found, *self._metrics()]
        if lower in LISTS:
            return _by_number(chain.from_iterable(LISTS[lower](run) for run in runs))
        if lower in ("note", "reason"):
            return []
        if lower in TEXTS:
            return _by_number(map(TEXTS[lower], runs))
        if lower in NUMBERS or lower in TIMES:
            return []
        if name in self.names.metrics:
            return _by_number(_not_finite(run.value(name)) for run in runs)
        path = self.names.path(name)
        return [] if path is None else _by_number(self._setting(path))

    def _setting(self, path: str) -> Iterable[str]:
        for entry in self.entries:
            value = entry.setting(path)
            if isinstance(value, list | tuple):
                yield from map(str, value)
            elif value is not ABSENT:
                yield as_text(value)


def _typed(value: str, begun: str) -> str | None:
    """A value as one types it: in quotes where it must be, or the person began with one; None when none will do."""
    quote = begun if begun in ("'", '"') and begun else '"' if NEEDS_QUOTES.search(value) else ""
    if quote and quote in value:
        quote = "'" if quote == '"' and begun != '"' else ""
        if not quote or quote in value:
            return None
    return f"{quote}{value}{quote}"


def _listed_name(tokens: Sequence[Token]) -> str | None:
    """The name whose list of values is open behind these tokens, or None."""
    place = len(tokens) - 1
    while place > 1 and tokens[place].kind in ("word", "quoted"):
        place -= 1
    opened = place > 1 and tokens[place].kind == "bracket" and tokens[place].text == "("
    if not opened or tokens[place - 1].kind != "word" or tokens[place - 1].text.lower() != "in":
        return None
    place -= 2
    if tokens[place].kind == "word" and tokens[place].text.lower() == "not":
        place -= 1
    return tokens[place].text if place >= 0 and tokens[place].kind == "word" else None


def _not_finite(value: float | None) -> str:
    if value is None or math.isfinite(value):
        return ""
    return "nan" if math.isnan(value) else "inf" if value > 0 else "-inf"


def _ended(token: Token, text: str) -> bool:
    """Whether there is a space behind it already."""
    return token.kind != "open" and token.place[1] < len(text)


def _compared(name: str) -> str:
    return f"{name} {'>' if high_first(name) else '<'} "


def _by_number(values: Iterable[str]) -> list[str]:
    return [value for value, _ in Counter(value for value in values if value).most_common()]

"""Reading numbers and symbols that a person types."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from seqsum.errors import InputError
from seqsum.tasks.codec import Codec
from seqsum.text import printable

LONGEST_SHOWN = 20
NOTHING = "nothing was typed"


@dataclass(frozen=True)
class Numbers(Codec):
    """Whole numbers from `low` to `high`, separated by spaces or any sign of `parted`, at most `most`.

    hint: what to type; nothing: how an input without any is called
    """

    low: int
    high: int
    hint: str
    most: int = 10_000
    parted: str = ",;"
    nothing: str = NOTHING

    def encode(self, text: str) -> list[int]:
        """Raises InputError with the place of the first that is no such number."""

        def number(word: str) -> int | None:
            return int(word) if re.fullmatch(r"[0-9]{1,9}", word) and self.low <= int(word) <= self.high else None

        words = [(found.start(), found[0]) for found in re.finditer(rf"[^\s{self.parted}]+", text)]
        return read_words(words, number, self.hint, "number", self.most, nothing=self.nothing)


def read_words(
    words: Sequence[tuple[int, str]],
    token_of: Callable[[str], int | None],
    hint: str,
    thing: str,
    most: int,
    *,
    nothing: str = NOTHING,
    called: str | None = None,
) -> list[int]:
    """Return the tokens of words, each with its place in what was typed.

    thing: what a word is, for messages; called: what many of them are, if it is not that with an s
    Raises InputError when there are none or more than `most`, and with the place of the first that is no token.
    """
    if not words:
        raise InputError(f"input: {nothing}; type {hint}")
    tokens: list[int] = []
    for place, (at, word) in enumerate(words, start=1):
        token = token_of(word)
        if token is None:
            shown = printable(word)[:LONGEST_SHOWN]
            raise InputError(f'input: {thing} {place} is "{shown}"; type {hint}', at, at + len(word))
        tokens.append(token)
    if len(words) > most:
        many, (at, _), (end, last) = called or f"{thing}s", words[most], words[-1]
        raise InputError(f"input: {len(words)} {many} are too many; type at most {most}", at, end + len(last))
    return tokens

"""Reading numbers and symbols that a person types."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

import numpy as np

from seqsum.errors import InputError
from seqsum.tasks.base import Ints
from seqsum.text import printable

LONGEST_SHOWN = 20
NOTHING = "nothing was typed"


def read_numbers(
    text: str,
    low: int,
    high: int,
    hint: str,
    most: int = 10_000,
    *,
    parted: str = ",;",
    nothing: str = NOTHING,
) -> Ints:
    """Read whole numbers from `low` to `high`, separated by spaces or any sign of `parted`: int64 [n], n ≥ 1.

    Raises InputError with the place of the first that is none; `hint` says what to type.
    """

    def number(word: str) -> int | None:
        return int(word) if re.fullmatch(r"[0-9]{1,9}", word) and low <= int(word) <= high else None

    words = [(found.start(), found[0]) for found in re.finditer(rf"[^\s{parted}]+", text)]
    return read_words(words, number, hint, "number", most, nothing=nothing)


def read_words(
    words: Sequence[tuple[int, str]],
    token_of: Callable[[str], int | None],
    hint: str,
    thing: str,
    most: int,
    *,
    nothing: str = NOTHING,
    called: str | None = None,
) -> Ints:
    """Return the tokens of words, each with its place in what was typed: int64 [words].

    thing: what a word is, for messages; called: what many of them are, if it is not that with an s
    Raises InputError when there are none or more than `most`, and with the place of the first that is no token.
    """
    if not words:
        raise InputError(f"input: {nothing}; type {hint}")
    tokens = [token_of(word) for _, word in words]
    if None in tokens:
        place = tokens.index(None)
        at, word = words[place]
        shown = printable(word)[:LONGEST_SHOWN]
        raise InputError(f'input: {thing} {place + 1} is "{shown}"; type {hint}', at, at + len(word))
    if len(words) > most:
        many, (at, _), (end, last) = called or f"{thing}s", words[most], words[-1]
        raise InputError(f"input: {len(words)} {many} are too many; type at most {most}", at, end + len(last))
    return np.array(tokens, dtype=np.int64)

"""Reading numbers that a person types."""

from __future__ import annotations

import re

import numpy as np

from seqsum.errors import InputError
from seqsum.tasks.base import Ints
from seqsum.text import printable


def read_numbers(text: str, low: int, high: int, hint: str, most: int = 10_000) -> Ints:
    """Read whole numbers from `low` to `high`, separated by spaces, commas or semicolons: int64 [n], n ≥ 1.

    Raises InputError with the place of the first that is none; `hint` says what to type.
    """
    words = list(re.finditer(r"[^\s,;]+", text))
    if not words:
        raise InputError(f"input: nothing was typed; type {hint}")
    for place, found in enumerate(words, start=1):
        word = found[0]
        if not re.fullmatch(r"[0-9]{1,9}", word) or not low <= int(word) <= high:
            raise InputError(f'input: number {place} is "{printable(word)[:20]}"; type {hint}', *found.span())
    if len(words) > most:
        raise InputError(
            f"input: {len(words)} numbers are too many; type at most {most}", words[most].start(), len(text)
        )
    return np.array([found[0] for found in words], dtype=np.int64)

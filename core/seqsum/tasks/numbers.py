"""Reading numbers that a person types."""

from __future__ import annotations

import re

import numpy as np

from seqsum.errors import UserError, printable
from seqsum.tasks.base import Ints


def read_numbers(text: str, low: int, high: int, hint: str, most: int = 10_000) -> Ints:
    """Read whole numbers from `low` to `high`, separated by spaces, commas or semicolons: int64 [n], n ≥ 1.

    Raises UserError naming the place of the first that is none; `hint` says what to type.
    """
    words = [word for word in re.split(r"[\s,;]+", text) if word]
    if not words:
        raise UserError(f"input: nothing was typed; type {hint}")
    for place, word in enumerate(words, start=1):
        if not re.fullmatch(r"[0-9]{1,9}", word) or not low <= int(word) <= high:
            raise UserError(f'input: number {place} is "{printable(word)[:20]}"; type {hint}')
    if len(words) > most:
        raise UserError(f"input: {len(words)} numbers are too many; type at most {most}")
    return np.array(words, dtype=np.int64)

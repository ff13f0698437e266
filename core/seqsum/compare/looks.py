"""How a run looks wherever it is compared: a hue and a sign, from the order in which runs were made."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from string import ascii_uppercase
from typing import TypeVar

T = TypeVar("T")

HUES = 8
SIGNS = ("●", "■", "▲", "◆", "○", "□", "△", "◇", "▼", "✚", "▽", "★")
MORE_SIGNS = (*ascii_uppercase, *"abcdefghijkmnopqrstuvwxyz")
PAPER_COLOURS = ("#0067a6", "#a35c00", "#00694c", "#a3437e", "#4e4b06", "#b00828", "#5031f6", "#444d50")
"""The hues on white, after Okabe and Ito (2008): told apart under the common kinds of colour blindness."""


@dataclass(frozen=True)
class Look:
    """`hue` counts from 0 to HUES - 1; `sign` is one cell wide. Of two runs compared no two have the same sign."""

    hue: int
    sign: str

    @property
    def paper_colour(self) -> str:
        """The colour on white, `#rrggbb`."""
        return PAPER_COLOURS[self.hue]


def ranks_in(folder: Path) -> dict[str, int]:
    """Return each run's place in the order of creation: run ids begin with their date."""
    try:
        names = sorted(entry.name for entry in os.scandir(folder) if not entry.name.startswith("."))
    except OSError:
        return {}
    return {name: rank for rank, name in enumerate(names)}


def looks_of(ids: Iterable[str], ranks: Mapping[str, int], first: Iterable[str] = ()) -> dict[str, Look]:
    """Return a look for each run.

    It follows from the run's rank alone unless an older run of the comparison has the same: then the newer one takes
    the next that is free; those in `first` choose before all others.
    Runs made one after the other, such as a sweep, therefore always look the same.
    """
    hues: set[int] = set()
    signs: set[str] = set()
    found: dict[str, Look] = {}
    preferred = set(first)
    for id in sorted(set(ids), key=lambda id: (id not in preferred, ranks.get(id, len(ranks)), id)):
        rank = ranks.get(id, len(ranks))
        hue = next((hue for hue in _from(rank, range(HUES)) if hue not in hues), rank % HUES)
        free = (sign for sign in (*_from(rank, SIGNS), *MORE_SIGNS) if sign not in signs)
        sign = next(free, "?")
        hues.add(hue)
        signs.add(sign)
        found[id] = Look(hue, sign)
    return found


def _from(start: int, items: Sequence[T]) -> list[T]:
    """The items in a ring, from `start` on."""
    return [items[(start + offset) % len(items)] for offset in range(len(items))]

"""Whether the first line of a table names its columns or is data already."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import Literal

from seqsum.tasks.number_format import evened, formats_of, is_missing, shape_of
from seqsum.tasks.timestamps import DATE_LIKE

Header = Literal["auto", "yes", "no"]

LOOKED_AT = 500  # rows under the first
FEW = 20
WHOLE = r"\d{1,9}"
Kind = Literal["number", "date", "text", "missing"]


def kind_of(cell: str) -> Kind:
    """What a cell looks like; a date need not exist."""
    text = evened(cell)
    if is_missing(text):
        return "missing"
    if formats_of(shape_of(text)) or text.lower().lstrip("+-") in ("inf", "infinity"):
        return "number"
    return "date" if DATE_LIKE.fullmatch(text) else "text"


def names_columns(rows: Sequence[Sequence[str]]) -> bool | None:
    """Judge the first row by those under it; None where it may be either.

    It names the columns when a word stands above numbers or dates, a date above numbers, or numbers that run on by one,
    as years do, above others. Without any column of numbers or dates it is data when one of its cells comes again.
    """
    first, below = rows[0], rows[1 : 1 + LOOKED_AT]
    kinds = [kind_of(cell) for cell in first]
    if not below:
        return not all(kind in ("number", "date") for kind in kinds)
    columns = [[row[at] for row in below if at < len(row)] for at in range(len(first))]
    usual = [usual_kind(column) for column in columns]
    if all(kind == "text" for kind in usual):
        if any(cell in columns[at] for at, cell in enumerate(first) if kinds[at] != "missing"):
            return False
        if all(re.fullmatch(WHOLE, evened(cell)) for cell in first) and _runs([int(evened(cell)) for cell in first]):
            return True
        return all(kind in ("text", "missing") for kind in kinds) or None
    if any(kind == "text" and under != "text" for kind, under in zip(kinds, usual, strict=True)):
        return True
    numbers = [at for at, under in enumerate(usual) if under == "number" and kinds[at] != "missing"]
    if any(kinds[at] == "date" for at in numbers):
        return True
    if not numbers or any(kind == "date" for kind in kinds):
        return False
    return _numbers_as_names([first[at] for at in numbers], [columns[at] for at in numbers])


def usual_kind(cells: Sequence[str]) -> Kind:
    """What more than half of the cells look like that hold something."""
    kinds = [kind for kind in map(kind_of, cells) if kind != "missing"]
    if kinds.count("number") * 2 > len(kinds):
        return "number"
    return "date" if kinds.count("date") * 2 > len(kinds) else "text"


def _numbers_as_names(tops: Sequence[str], columns: Sequence[Sequence[str]]) -> bool | None:
    """Whether numbers above columns of numbers are names, such as years or places; None where nobody can tell."""
    if not all(re.fullmatch(WHOLE, evened(top)) for top in tops):
        return False
    numbers = [int(evened(top)) for top in tops]
    values = [[value for value in map(_rough, column) if value is not None] for column in columns]
    apart = all(
        max(min(own) - top, top - max(own)) > max(own) - min(own) for top, own in zip(numbers, values, strict=True)
    )
    broken = all(len(own) >= FEW and not any(value == int(value) for value in own) for own in values)
    years = all(1900 <= number <= 2100 for number in numbers)
    if len(numbers) == 1:
        return None if years and (apart or broken) else False
    if _runs(numbers) and not any(_runs(row) for row in zip(*values, strict=False)):
        return True if years or apart else None if broken else False
    return years and apart and len(set(numbers)) == len(numbers)


def _runs(row: Sequence[float]) -> bool:
    """Whether each number is the one before and one, or all are the one before less one."""
    return {later - earlier for earlier, later in pairwise(row)} in ({1}, {-1})


def _rough(cell: str) -> float | None:
    """About which number a cell is; its convention is not known yet."""
    text = evened(cell)
    found = formats_of(shape_of(text))
    return min(found, key=lambda one: (bool(one.grouping), one.decimal == ",")).value(text) if found else None

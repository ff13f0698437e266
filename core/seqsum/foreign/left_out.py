"""What of a log is left out: counted as it is read, and told in one sentence."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

from seqsum.formatting import count
from seqsum.text import one_line

LONGEST_SHOWN = 30
MOST_COLUMNS = 1000
NOTHING = frozenset({"", "none", "null", "na", "n/a", "-", "–"})
"""What stands where there is no value."""
NUMBER_LIKE = re.compile(r"\s*[+-]?[0-9][0-9.,_' ]*%?\s*")

NO_STEP = "line with no step"
ODD_STEP = "line with a step that is no whole number from 0 to 2^53"
RECORD = "record that can't be read"
RECORD_STEP = "record with a step that is no whole number from 0 to 2^53"


@dataclass
class LeftOut:
    """lines: what is left out, e.g. `line with no step` → how many, and where the first is. cells: a column → how many
    of its cells are text, where the first is, and what stands there: of a column that has numbers, they are left out.
    """

    lines: dict[str, tuple[int, str]] = field(default_factory=dict)
    cells: dict[str, tuple[int, str, str]] = field(default_factory=dict)

    def note(self, what: str, where: str = "", many: int = 1) -> None:
        """Count something that is left out."""
        before, first = self.lines.get(what, (0, where))
        self.lines[what] = before + many, first

    def note_text(self, column: str, where: str, text: str, many: int = 1) -> None:
        """Count cells of a column that are text, or nothing where they say that there is no value."""
        if text.strip().lower() in NOTHING or (column not in self.cells and len(self.cells) >= MOST_COLUMNS):
            return
        before, *first = self.cells.get(column, (0, where, text))
        self.cells[column] = before + many, first[0], first[1]

    def add(self, other: LeftOut) -> None:
        """Count what another reading left out."""
        for what, (many, where) in other.lines.items():
            self.note(what, where, many)
        for column, (many, where, text) in other.cells.items():
            self.note_text(column, where, text[:LONGEST_SHOWN], many)

    def plain(self) -> dict[str, Any]:
        """Return it as JSON holds it."""
        return {"lines": self.lines, "cells": self.cells}

    @classmethod
    def of_plain(cls, raw: Any) -> LeftOut:
        """Make it of what `plain` returned, after its way through JSON; an empty one of anything else."""
        found = cls()
        try:
            for what, (many, where) in raw["lines"].items():
                found.note(str(what), str(where), int(many))
            for column, (many, where, text) in raw["cells"].items():
                found.note_text(str(column), str(where), str(text), int(many))
        except (TypeError, ValueError, KeyError, AttributeError):
            return cls()
        return found

    def told(self, curves: Collection[str]) -> str | None:
        """Say it in one sentence; None where nothing is left out. curves: the columns that have numbers."""
        parts = []
        for what, (many, where) in self.lines.items():
            thing, _, rest = what.partition(" ")
            parts.append(f"{count(many, thing)} {rest}{_first(many, where)}")
        texts = [
            (column, *cell) for column, cell in self.cells.items() if column in curves or NUMBER_LIKE.fullmatch(cell[2])
        ]
        if texts:
            many = sum(cell[1] for cell in texts)
            column, _, where, text = texts[0]
            shown = f'"{one_line(text)}" of {one_line(column)}'
            parts.append(f"{count(many, 'value')} that can't be read as a number{_first(many, f'{where}, {shown}')}")
        return f"left out: {'; '.join(parts)}" if parts else None


def _first(many: int, where: str) -> str:
    if not where:
        return ""
    return f" ({where})" if many == 1 else f" (the first: {where})"

"""What our own exports say of a run beside its curves and settings (see `export.whole`).

Of a run that is followed again it is taken as they say it. Anyone can write it: what is of another kind counts for
nothing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from seqsum.foreign.log_format import plain_value
from seqsum.runs.kinds import LARGEST_NUMBER, LATEST, Fields
from seqsum.runs.run import ENDED_STATUSES
from seqsum.text import one_line

CELL = re.compile(r"(?:[^|\\]|\\.)*")
LONGEST_WORDS = 200


@dataclass(frozen=True)
class Told:
    """ended: how the run ended, and why; None where it did not, or nothing is told. The rest is as `Summary` and the
    state have it; None or "" where nothing is told."""

    ended: tuple[str, str | None] | None = None
    steps: int = 0
    train_seconds: float | None = None
    steps_per_second: float | None = None
    chance: float | None = None
    measure: str = ""

    @classmethod
    def of(cls, facts: Mapping[str, Any]) -> Told:
        given, status = Fields(facts, ""), facts.get("status")
        reason, measure = given.text("reason"), given.text("measure")
        return cls(
            ended=(status, one_line(reason) or None) if status in ENDED_STATUSES else None,
            steps=given.whole("steps"),
            train_seconds=given.number_or_none("train_seconds", most=LATEST),
            steps_per_second=given.number_or_none("steps_per_second", most=LARGEST_NUMBER),
            chance=given.number_or_none("chance", most=1.0),
            measure=one_line(measure)[:LONGEST_WORDS],
        )


def facts_of_table(text: str) -> dict[str, Any]:
    """Return the facts of a table in Markdown, as `export.event_file` writes it."""
    found = {}
    for line in text.splitlines():
        cells = CELL.findall(line)[1:]
        cells = [re.sub(r"\\(.)", r"\1", cell).strip() for cell in cells if cell.strip()]
        if len(cells) == 2:
            found[cells[0]] = plain_value(cells[1])
    return found


def words_of(value: Any) -> tuple[str, ...]:
    """Return tags that a setting tells: a list of words, or words with commas between them; none of a list that Python
    has printed."""
    if isinstance(value, str) and value.startswith(("[", "(")):
        return ()
    parts = value.split(",") if isinstance(value, str) else value if isinstance(value, list | tuple) else ()
    return tuple(one_line(part).strip() for part in parts if isinstance(part, str) and part.strip())

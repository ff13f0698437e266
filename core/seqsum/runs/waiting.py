"""Where runs that wait for their turn stand in the machine's queue."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from seqsum.machine_queue import Place, Places
from seqsum.runs.run import Summary


def with_places(workspace: Path, summaries: Iterable[Summary]) -> list[Summary]:
    """Return the summaries; those of runs that wait now with their places."""
    found = list(summaries)
    if not any(map(waits, found)):
        return found
    places = Places()
    return [replace(one, place=places.of(workspace / one.id)) if waits(one) else one for one in found]


def waits(summary: Summary) -> bool:
    """Whether a worker waits for the run's turn."""
    return summary.status == "queued" and summary.pid is not None


def place_of(run: Path) -> Place | None:
    """Return where a run stands; None where it does not wait."""
    return Places().of(run)

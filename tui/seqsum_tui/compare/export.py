"""What can be written of a comparison, and writing it. Knows no screen."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from seqsum.compare.files import content
from seqsum.export import write

if TYPE_CHECKING:
    from seqsum.compare.files import Part, Shown


@dataclass(frozen=True)
class Offer:
    """One thing that can be written: a part of the comparison in a format, and the stem of the file's name."""

    part: Part
    format: str
    words: str
    stem: str


class Chosen(NamedTuple):
    """What to write, and where."""

    offer: Offer
    path: Path


def offers(part: Part, metric: str) -> list[Offer]:
    """Return what can be written while a part of the comparison is shown."""
    if part == "config":
        return [Offer("config", "csv", "Settings that differ, as CSV", "compare-settings")]
    name = "Scatter" if part == "scatter" else "Curves"
    stem = f"compare-{metric}" + ("-scatter" if part == "scatter" else "")
    return [
        Offer(part, "png", f"{name} as a PNG picture", stem),
        Offer(part, "svg", f"{name} as an SVG picture", stem),
        Offer(part, "csv", f"{name} as CSV, the points that are shown", stem),
        Offer("table", "csv", "Table as CSV: final, best, differences", f"compare-{metric}-table"),
    ]


def write_export(shown: Shown, chosen: Chosen) -> tuple[int, list[str]]:
    """Write what was chosen, as it is shown; return the file's size in bytes, and what a person should hear of it.

    Raises UserError when there is nothing to write, or the file is there already.
    """
    made, messages = content(shown, chosen.offer.part, chosen.offer.format)
    write(chosen.path, made)
    return len(made), messages

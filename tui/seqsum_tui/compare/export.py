"""What can be written of a comparison, and writing it. Knows no screen."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from seqsum.compare.files import content
from seqsum.export import write
from seqsum_tui.dialogs.export import Chosen, Offer

if TYPE_CHECKING:
    from seqsum.compare.files import Part, Shown


def offers(part: Part, metric: str) -> list[Offer]:
    """Return what can be written while a part of the comparison is shown."""
    if part == "config":
        return [Offer("config", "csv", "Settings that differ, as CSV", "compare-settings")]
    name = "Scatter" if part == "scatter" else "Curves"
    stem = f"compare-{metric}" + ("-scatter" if part == "scatter" else "")
    return [
        Offer(part, "png", f"{name} as a PNG picture", stem),
        Offer(part, "svg", f"{name} as an SVG picture", stem),
        Offer(part, "pdf", f"{name} as a PDF page, for papers", stem),
        Offer(part, "csv", f"{name} as CSV, the points that are shown", stem),
        Offer("table", "csv", "Table as CSV: final, best, differences", f"compare-{metric}-table"),
    ]


def write_export(shown: Shown, chosen: Chosen) -> tuple[int, list[str]]:
    """Write what was chosen, as it is shown; return the file's size in bytes, and what a person should hear of it.

    Raises UserError when there is nothing to write, or the file is there already.
    """
    made, messages = content(shown, cast("Part", chosen.offer.part), chosen.offer.format)
    write(chosen.path, made)
    return len(made), messages

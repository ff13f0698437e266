"""What can be written of a comparison. Knows no screen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seqsum_tui.dialogs.export import Offer

if TYPE_CHECKING:
    from seqsum.compare.files import Part


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

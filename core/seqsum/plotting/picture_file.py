"""A picture as the content of a file."""

from __future__ import annotations

from seqsum.plotting import drawing
from seqsum.plotting.drawing import Picture

FORMATS = ("svg", "png", "pdf")
MOST_NAMED = 12


def written(picture: Picture, format: str) -> tuple[bytes, list[str]]:
    """Return the picture in one of FORMATS, and what a person should hear of it."""
    if format == "svg":
        return drawing.svg(picture).encode(), list(picture.notes)
    if format == "pdf":
        from seqsum.plotting.pdf import pdf

        content, missing = pdf(picture)
    else:
        content, missing = drawing.png(picture)
    if not missing:
        return content, list(picture.notes)
    shown = " ".join(missing[:MOST_NAMED]) + (f" and {len(missing) - MOST_NAMED} more" if missing[MOST_NAMED:] else "")
    return content, [*picture.notes, f"{format}: no font here has {shown}: they read ? in it; svg has them"]

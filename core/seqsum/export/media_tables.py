"""Histograms and texts of runs as tables, which lie beside the one of their metrics."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from seqsum.export.whole import Stored
from seqsum.runs.media import Histogram, Text

Cell = str | int | float | None
KINDS: Mapping[str, type] = {
    "run": str, "name": str, "step": int, "tag": str, "low": float, "high": float, "count": int, "mean": float,
    "std": float, "not_finite": int, "kind": str, "text": str,
}  # fmt: skip
"""What stands in a column."""
HISTOGRAM_COLUMNS = ["step", "tag", "low", "high", "count", "mean", "std", "not_finite"]
TEXT_COLUMNS = ["step", "kind", "tag", "text"]


@dataclass(frozen=True)
class MediaTable:
    """columns: their names; rows: one for each bucket of a histogram, or one for each text"""

    columns: list[str]
    rows: list[list[Cell]]


def media_tables(several: Sequence[Stored]) -> dict[str, MediaTable]:
    """Return `histograms` and `texts` that scripts keep, if they do; of several runs with each one's id and name
    before."""
    histograms, texts = list[list[Cell]](), list[list[Cell]]()
    for stored in several:
        before: list[Cell] = [stored.run.id, stored.run.name] if len(several) > 1 else []
        # Messages and answers are events, which have no table.
        kept = [text for text in stored.media.texts if text.kind in ("text", "picture")]
        histograms += [[*before, *row] for row in histogram_rows(stored.media.histograms)]
        texts += [[*before, *row] for row in text_rows(kept)]
    first = ["run", "name"] if len(several) > 1 else []
    found = {
        "histograms": MediaTable([*first, *HISTOGRAM_COLUMNS], histograms),
        "texts": MediaTable([*first, *TEXT_COLUMNS], texts),
    }
    return {name: table for name, table in found.items() if table.rows}


def histogram_rows(histograms: Iterable[Histogram]) -> list[list[Cell]]:
    """Return a row for each bucket."""
    rows = list[list[Cell]]()
    for one in histograms:
        ends = one.edges.tolist()
        spans = zip(ends[:-1], ends[1:], one.counts, strict=True)
        rows += [[one.step, one.tag, *span, one.mean, one.std, one.not_finite] for span in spans]
    return rows


def text_rows(texts: Iterable[Text]) -> list[list[Cell]]:
    """Return a row for each text."""
    return [[one.step, one.kind, one.tag, one.text] for one in texts]

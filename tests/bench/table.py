"""A plain text table."""

from __future__ import annotations

from collections.abc import Sequence


def text_table(header: Sequence[str], rows: Sequence[Sequence[str]], left: int = 1) -> str:
    """Return rows in columns as wide as they need; the first `left` columns to the left, figures to the right.

    A row of one cell is a heading over those that follow, and may be wider than its column. Missing cells stay empty.
    """
    count = len(header)
    full = [[*row, *[""] * (count - len(row))] for row in rows]
    counted = [header, *(padded for padded, row in zip(full, rows, strict=True) if len(row) > 1)]
    widths = [max(len(row[column]) for row in counted) for column in range(count)]
    lines = []
    for row in [header, ["─" * width for width in widths], *full]:
        cells = [
            cell.ljust(width) if column < left else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append((row[0] if not any(row[1:]) else "  ".join(cells)).rstrip())
    return "\n".join(lines)

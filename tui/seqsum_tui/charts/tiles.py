"""How to lay pictures out in a grid, as many as have room, as large as can be. No screen here."""

from __future__ import annotations

from dataclasses import dataclass, field

FINE = 36, 12
"""Cells, across and down, beyond which a chart gains nothing by being wider or higher alone."""


@dataclass(frozen=True)
class Grid:
    """`shown` pictures in `columns` columns and `rows` rows; the last one takes what its row has left.

    size: how large they come out, to compare grids by. slim: cells of the last column where it is narrower, or 0.
    """

    columns: int
    rows: int
    shown: int
    size: float = field(default=0.0, compare=False)
    slim: int = 0


def tiled(
    count: int, width: int, height: int, *, least: tuple[int, int], fine: tuple[int, int] = FINE, columns: int = 0
) -> Grid:
    """Return how to lay `count` pictures out on `width` x `height` cells.

    least: the cells, across and down, that each needs at least. fine: the shape it is best in. columns: how many there
    are to be in a row, or 0 for as many as are best.
    """
    widest = max(1, min(columns or count, count, width // least[0]))
    grids = []
    for across in [widest] if columns else range(1, widest + 1):
        rows = max(1, min(-(-count // across), height // least[1]))
        size = min(width / across / fine[0], height / rows / fine[1])
        grids.append(Grid(across, rows, min(count, across * rows), size))
    return max(grids, key=lambda grid: (grid.shown, grid.size))

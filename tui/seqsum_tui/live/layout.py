"""How a person has laid out the live view: which charts, in how many columns, over what. Knows no screen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from seqsum_tui.charts.tiles import Grid, tiled
from seqsum_tui.live.x_axis import KINDS
from seqsum_tui.shared.metric_panels import DEFAULT

T = TypeVar("T")

MOST_CHARTS = 9
MOST_COLUMNS = 4
NARROWEST, LOWEST = 28, 7
"""A chart gets at least so many cells, when the person has not said how many columns there are to be."""
TIGHTEST, FLATTEST = 16, 5
"""And at least so many when they have."""
SLIMMEST, BESIDE_SLIM = 20, 33
"""And at least so many where it is to be slim, and those beside it: names and values of two lines have room."""
MOST_SMOOTHING = 1e9


@dataclass(frozen=True)
class LiveLayout:
    """`charts` are titles of panels, or MAIN for what the task measures. `columns` 0 leaves it to the size.

    smoothing: in steps, 0 for none. log: the titles of the charts whose y axis is logarithmic.
    """

    charts: tuple[str, ...] = DEFAULT
    columns: int = 0
    x: str = "step"
    smoothing: float = 0.0
    log: tuple[str, ...] = ()

    @classmethod
    def read(cls, kept: Mapping[str, Any]) -> LiveLayout:
        """Return what the settings' file says, as far as it makes sense."""
        layout = cls()
        charts = _texts(kept.get("charts"))
        if charts:
            layout = replace(layout, charts=tuple(dict.fromkeys(charts))[:MOST_CHARTS])
        columns, smoothing = kept.get("columns"), kept.get("smoothing")
        if isinstance(columns, int) and 0 <= columns <= MOST_COLUMNS:
            layout = replace(layout, columns=int(columns))
        if isinstance(smoothing, int | float) and 1 <= smoothing <= MOST_SMOOTHING:
            layout = replace(layout, smoothing=float(smoothing))
        if kept.get("x") in KINDS:
            layout = replace(layout, x=str(kept["x"]))
        return replace(layout, log=_texts(kept.get("log")))

    def plain(self) -> dict[str, str | int | float | list[Any]]:
        """Return what `read` reads."""
        return {
            "charts": list(self.charts), "columns": self.columns, "x": self.x, "smoothing": self.smoothing,
            "log": list(self.log),
        }  # fmt: skip

    def with_log(self, title: str, log: bool) -> LiveLayout:
        """Return this with one chart's y axis logarithmic, or not."""
        others = tuple(other for other in self.log if other != title)
        return replace(self, log=(*others, title) if log else others)


def _texts(found: object) -> tuple[str, ...]:
    return tuple(one for one in found if isinstance(one, str)) if isinstance(found, list | tuple) else ()


def moved(charts: Sequence[T], place: int, by: int) -> tuple[T, ...]:
    """Return charts with the one at `place` moved by so many places, not beyond the ends."""
    rest = [*charts[:place], *charts[place + 1 :]]
    rest.insert(min(max(place + by, 0), len(rest)), charts[place])
    return tuple(rest)


def grid_for(charts: int, width: int, height: int, columns: int = 0, *, slim: bool = False) -> Grid:
    """Return how to lay `charts` charts out on `width` x `height` cells, one of each row a gutter.

    columns: how many a person wants in a row, or 0. slim: the last one needs little width.
    """
    if columns:
        return tiled(charts, width, height, least=(TIGHTEST, FLATTEST), columns=columns)
    grid = tiled(charts, width, height, least=(NARROWEST, LOWEST))
    if slim and charts > 1:
        beside = max(SLIMMEST, width // 5) + 1
        others = tiled(charts - 1, width - beside, height, least=(BESIDE_SLIM + 1, LOWEST))
        if (others.rows, others.shown) == (1, charts - 1) and (charts, others.size) > (grid.shown, grid.size):
            return Grid(charts, 1, charts, others.size, slim=beside - 1)
    return grid

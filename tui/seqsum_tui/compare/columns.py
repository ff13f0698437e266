"""The columns of the comparison's table: what they say, and which of them fit."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING

from seqsum import formatting
from seqsum.compare.significance import interval, interval_title
from seqsum.compare.tables import difference_text
from seqsum.runs.metric_direction import points_per_unit
from seqsum_tui.shared import display
from seqsum_tui.shared.columns import Column

if TYPE_CHECKING:
    from seqsum.compare import Row
    from seqsum.compare.significance import Tested

NAME_WIDEST, LUXURIES = 44, 5


@dataclass(frozen=True)
class RowColumn(Column):
    """judged: what stands in it is better or worse than the baseline's."""

    text: Callable[[Row], str] = field(kw_only=True)
    judged: bool = False


def columns_of(
    metric: str, rows: Sequence[Row], at: str | None, tested: Mapping[str, Tested] | None = None
) -> list[RowColumn]:
    """Return every column that says something: those of the cursor only with one, quartiles only with groups.

    at: where the cursor stands, in words. tested: what is known of how sure the differences are, by the row's key.
    """
    value, wide = partial(formatting.metric, metric), 7 if points_per_unit(metric) is None else 9

    def number(key: str, title: str, width: int, rank: int, text: Callable[[Row], str]) -> RowColumn:
        return RowColumn(key, title, width, rank, right=True, text=text)

    def change(key: str, rank: int) -> RowColumn:
        name = f"{key}_difference"

        def text(row: Row) -> str:
            return difference_text(row, getattr(row, name), metric)

        # A number that is cut reads as another one.
        widest = max([wide, *(len(text(row)) for row in rows)])
        return replace(number(name, "Δ", widest, rank, text), judged=True)

    found = [
        RowColumn("name", "  run", 14, widest=NAME_WIDEST, text=lambda row: row.name),
        number("final", "final", 8, 0, lambda row: value(row.final)),
        change("final", 1),
    ]
    if any(row.final_quartiles for row in rows):
        found.append(number("quartiles", "quartiles", 15, 7, lambda row: _quartiles(row, value)))
    if tested:
        title = interval_title(one.sample for one in tested.values())
        found += [
            number("interval", title, 18, 4, lambda row: _interval(metric, tested.get(row.key), title)),
            number("p", "p", 7, 3, lambda row: _p(tested.get(row.key))),
        ]
    found += [
        number("best", "best", 8, 2, lambda row: value(row.best)),
        change("best", 6),
        number("best_step", "at step", 8, 4, lambda row: "–" if row.best_step is None else f"{row.best_step:,}"),
    ]
    if at is not None:
        found += [number("at", f"at {at}", max(10, len(f"at {at}")), 3, lambda row: value(row.at)), change("at", 5)]
    words = [display.status(row.status).word for row in rows]
    widest = max([8, *map(len, words)])
    found.append(RowColumn("status", "status", widest, 8, text=lambda row: display.status(row.status).word))
    return found


def _interval(metric: str, told: Tested | None, title: str) -> str:
    return "" if told is None else interval(metric, told.sample, title).removeprefix("–")


def _p(told: Tested | None) -> str:
    if told is None or told.against is None or told.against.p is None:
        return ""
    return formatting.p_number(told.against.p)


def _quartiles(row: Row, value: Callable[[float | None], str]) -> str:
    if row.final_quartiles is None:
        return ""
    return "–".join(value(end) for end in row.final_quartiles)

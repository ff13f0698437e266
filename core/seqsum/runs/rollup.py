"""The min/max roll-up over the points of a metric: a chart of a million steps reads a few hundred rows.

Level 0 is the points themselves. A bucket of level k ≥ 1 covers `base × FAN_OUT ** k` steps and is made from
level k−1, so that keeping it up costs a few rows a batch, and rebuilding after points were dropped is the same
statement.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import numpy as np

from seqsum.runs.buckets import Floats

FAN_OUT = 8
MANY_POINTS = 2_000
"""Of a metric."""
AT_ONCE = 250
LARGEST = 1.7976931348623157e308
Row = tuple[Any, ...]


class Rows(Protocol):
    """What is found in a table, a few rows at a time."""

    def fetchmany(self, size: int, /) -> list[Row]: ...


TABLE = """
CREATE TABLE IF NOT EXISTS rollup(
    metric INTEGER NOT NULL, level INTEGER NOT NULL, bucket INTEGER NOT NULL,
    first INTEGER NOT NULL, last INTEGER NOT NULL,
    low REAL, high REAL, total REAL, finite INTEGER NOT NULL, nonfinite INTEGER NOT NULL,
    above INTEGER NOT NULL DEFAULT 0, below INTEGER NOT NULL DEFAULT 0,
    positive INTEGER, positive_low REAL, positive_total REAL,
    PRIMARY KEY (metric, level, bucket)) WITHOUT ROWID;
"""
"""`low`, `high`, `total` are those of the `finite` values, and of those above zero alone `positive_low`,
`positive_total` of `positive` values: what a logarithmic axis can show. `nonfinite` counts NaN and both infinities,
`above` and `below` the infinities alone. A bucket that an earlier version wrote has no `positive`, and its infinities
may count as NaN."""

COUNTS = ("finite", "nonfinite", "above", "below", "positive")
COLUMNS = ("first", "last", "low", "high", "total", *COUNTS, "positive_low", "positive_total")
LOWEST = ("low", "positive_low")
INTO = f"INSERT OR REPLACE INTO rollup(metric, level, bucket, {', '.join(COLUMNS)})"
ADDED = {
    "above": "INTEGER NOT NULL DEFAULT 0",
    "below": "INTEGER NOT NULL DEFAULT 0",
    "positive": "INTEGER",
    "positive_low": "REAL",
    "positive_total": "REAL",
}
"""What came to the table after its first version."""

FINITE = f"FILTER (WHERE abs(value) <= {LARGEST})"
POSITIVE = f"FILTER (WHERE value > 0 AND value <= {LARGEST})"
OF_POINTS = f"""
    min(step), max(step), min(value) {FINITE}, max(value) {FINITE}, sum(value) {FINITE}, count(*) {FINITE},
    count(*) FILTER (WHERE value IS NULL OR abs(value) > {LARGEST}),
    count(*) FILTER (WHERE value > {LARGEST}), count(*) FILTER (WHERE value < -{LARGEST}),
    count(*) {POSITIVE}, min(value) {POSITIVE}, sum(value) {POSITIVE}
"""

FROM_POINTS = f"""
{INTO}
SELECT metric, 1, step / :size, {OF_POINTS}
FROM pt WHERE metric = :metric AND step >= :start GROUP BY step / :size
"""

FROM_LEVEL = f"""
{INTO}
SELECT metric, :level, bucket / {FAN_OUT}, min(first), max(last),
    min(low), max(high), sum(total), sum(finite), sum(nonfinite), sum(above), sum(below),
    CASE WHEN count(positive) = count(*) THEN sum(positive) END, min(positive_low), sum(positive_total)
FROM rollup WHERE metric = :metric AND level = :level - 1 AND bucket >= :start GROUP BY bucket / {FAN_OUT}
"""


def unit_of(config: Mapping[str, Any]) -> int:
    """Return the roll-up's unit for a run's points, in steps.

    It is one step, so that a point stands alone in its bucket, from which a damaged store gets it back. That takes five
    times the room of the points: of a run that logs very often it is its shortest interval.
    """
    train = config.get("train")
    given = [train.get(name) for name in ("steps", "log_every", "evaluate_every")] if isinstance(train, Mapping) else []
    found = [value for value in given if type(value) is int and value > 0]
    if len(found) < 3:
        return 1
    shortest = min(found[1:])
    return shortest if found[0] // shortest > MANY_POINTS else 1


def missing(database: sqlite3.Connection) -> set[str]:
    """Return which columns the table of an older run lacks."""
    return set(ADDED) - {row[1] for row in database.execute("PRAGMA table_info(rollup)")}


def bring_up_to_date(database: sqlite3.Connection) -> None:
    """Give an older run's table the columns that it lacks, before something is written to it."""
    for column in sorted(missing(database), key=list(ADDED).index):
        database.execute(f"ALTER TABLE rollup ADD COLUMN {column} {ADDED[column]}")


def read(
    database: sqlite3.Connection,
    lacking: set[str],
    metric: int,
    base: int,
    level: int,
    first: int,
    last: int,
    enough: int | None = None,
) -> Floats:
    """Return the buckets of a level that hold steps first…last, in order, float64 [buckets, 12]: first, last, low,
    high, total, finite, nonfinite, above, below, positive, positive_low, positive_total.

    lacking: what `missing` says. What an earlier version left open is counted from the points.
    enough: where there are twice as many or more, neighbours are put together.
    """
    size = base * FAN_OUT**level
    columns = ", ".join("NULL" if name in lacking else name for name in COLUMNS)
    rows = database.execute(
        f"SELECT {columns}, bucket FROM rollup WHERE metric = ? AND level = ? AND bucket BETWEEN ? AND ?"
        " ORDER BY bucket",
        (metric, level, first // size, last // size),
    )
    return thinned(in_table(rows, len(COLUMNS) + 1, lambda some: _completed(database, metric, size, some)), enough)


def thinned(table: Floats, enough: int | None) -> Floats:
    """Return what `read` does of rows of COLUMNS and bucket."""
    return (table if enough is None else _put_together(table, max(enough, 1)))[:, :-1]


def _put_together(table: Floats, enough: int) -> Floats:
    """Return rows of COLUMNS and bucket, each for two neighbours, or four …: at least `enough`, fewer than twice that.

    Who is whose neighbour follows from the bucket, not from where a stretch begins.
    """
    times = 2 ** max((len(table) // enough).bit_length() - 1, 0)
    if times == 1:
        return table
    starts = np.flatnonzero(np.diff(table[:, -1] // times, prepend=-1.0))
    ends = np.append(starts[1:], len(table)) - 1
    made = table[starts]
    for column, name in enumerate(COLUMNS):
        values = table[:, column]
        if name == "last":
            made[:, column] = values[ends]
        elif name in LOWEST:
            made[:, column] = np.fmin.reduceat(values, starts)
        elif name == "high":
            made[:, column] = np.fmax.reduceat(values, starts)
        elif name != "first":
            # A total of no value is NaN.
            made[:, column] = np.add.reduceat(np.where(np.isnan(values), 0.0, values), starts)
    return made


def in_table(rows: Rows, columns: int, change: Callable[[list[Row]], list[Row]] = lambda some: some) -> Floats:
    """Return rows of numbers as float64 [rows, columns], NULL as NaN. Few at a time are objects of Python's, which
    take ten times the room. change: what is done with these few before."""
    parts: list[Floats] = []
    while some := rows.fetchmany(AT_ONCE):
        parts.append(np.array(change(some), dtype=np.float64).reshape(-1, columns))
    return np.concatenate(parts) if parts else np.zeros((0, columns))


def _completed(database: sqlite3.Connection, metric: int, size: int, rows: list[Row]) -> list[Row]:
    """Return rows of COLUMNS and bucket with what an earlier version left open."""
    opened = [row for row in rows if row[9] is None]
    if not opened:
        return rows
    # Where all finite values have one sign, and none is infinite, what there is says the rest.
    unknown = [row for row in opened if row[6] or (row[2] is not None and row[2] <= 0 < row[3])]
    counted: dict[int, Row] = {}
    if unknown:
        found = database.execute(
            f"SELECT {OF_POINTS}, step / ? FROM pt WHERE metric = ? AND step BETWEEN ? AND ? GROUP BY step / ?",
            (size, metric, unknown[0][-1] * size, unknown[-1][-1] * size + size - 1, size),
        )
        counted = {row[-1]: row for row in found}
    return [row if row[9] is not None else counted.get(row[-1]) or _of_one_sign(row) for row in rows]


def _of_one_sign(row: Row) -> Row:
    low, total, finite = row[2], row[4], row[5]
    positive = (finite, low, total) if low is not None and low > 0 else (0, None, None)
    return (*row[:7], 0, 0, *positive, row[-1])


def update(database: sqlite3.Connection, metric: int, base: int, first_step: int) -> None:
    """Bring every level up to date after points of `metric` from `first_step` on were written."""
    # Somebody else may have written anything: a key takes text and blobs, too.
    query = "SELECT max(step) FROM pt WHERE metric = ? AND typeof(step) = 'integer'"
    last_step = database.execute(query, (metric,)).fetchone()[0] or 0
    query = "SELECT max(level) FROM rollup WHERE metric = ? AND typeof(level) = 'integer'"
    highest = database.execute(query, (metric,)).fetchone()[0] or 0
    level, size = 1, base * FAN_OUT
    while True:
        # A level that was not there yet holds all that came before, too: one point may lie far behind the next.
        bucket = first_step // size if level <= highest else 0
        if level == 1:
            database.execute(FROM_POINTS, {"metric": metric, "size": size, "start": bucket * size})
        else:
            database.execute(FROM_LEVEL, {"metric": metric, "level": level, "start": bucket * FAN_OUT})
        if last_step // size == 0:
            return
        level, size = level + 1, size * FAN_OUT


def drop_after(database: sqlite3.Connection, metric: int, base: int, step: int) -> None:
    """Forget what the roll-up knows of steps after `step`; the points after it are gone already."""
    level, size = 1, base * FAN_OUT
    while step // size:
        database.execute(
            "DELETE FROM rollup WHERE metric = ? AND level = ? AND bucket >= ?", (metric, level, step // size)
        )
        level, size = level + 1, size * FAN_OUT
    # From here on a level's first bucket holds the step. A level that is no number is above all.
    database.execute("DELETE FROM rollup WHERE metric = ? AND level >= ?", (metric, level))
    query = "SELECT max(step) FROM pt WHERE metric = ? AND typeof(step) = 'integer'"
    last = database.execute(query, (metric,)).fetchone()[0]
    if last is not None:
        update(database, metric, base, min(step, last))


def level_for(base: int, span: int, buckets: int) -> int:
    """Return the coarsest level that still gives at least `buckets` buckets over `span` steps; 0 for the points."""
    level, size = 0, base * FAN_OUT
    while span >= size * max(1, buckets):
        level, size = level + 1, size * FAN_OUT
    return level

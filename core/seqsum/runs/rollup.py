"""The min/max roll-up over the points of a metric: a chart of a million steps reads a few hundred rows.

Level 0 is the points themselves. A bucket of level k ≥ 1 covers `base × FAN_OUT ** k` steps and is made from
level k−1, so that keeping it up costs a few rows a batch, and rebuilding after points were dropped is the same
statement.
"""

from __future__ import annotations

import sqlite3

FAN_OUT = 8
LARGEST = 1.7976931348623157e308

TABLE = """
CREATE TABLE IF NOT EXISTS rollup(
    metric INTEGER NOT NULL, level INTEGER NOT NULL, bucket INTEGER NOT NULL,
    first INTEGER NOT NULL, last INTEGER NOT NULL,
    low REAL, high REAL, total REAL, finite INTEGER NOT NULL, nonfinite INTEGER NOT NULL,
    above INTEGER NOT NULL DEFAULT 0, below INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (metric, level, bucket)) WITHOUT ROWID;
"""
"""`nonfinite` counts NaN and both infinities, `above` and `below` the infinities alone."""

FROM_POINTS = f"""
INSERT OR REPLACE INTO rollup
SELECT metric, 1, step / :size, min(step), max(step),
    min(value) FILTER (WHERE abs(value) <= {LARGEST}), max(value) FILTER (WHERE abs(value) <= {LARGEST}),
    sum(value) FILTER (WHERE abs(value) <= {LARGEST}), count(*) FILTER (WHERE abs(value) <= {LARGEST}),
    count(*) FILTER (WHERE value IS NULL OR abs(value) > {LARGEST}),
    count(*) FILTER (WHERE value > {LARGEST}), count(*) FILTER (WHERE value < -{LARGEST})
FROM pt WHERE metric = :metric AND step >= :start GROUP BY step / :size
"""

FROM_LEVEL = f"""
INSERT OR REPLACE INTO rollup
SELECT metric, :level, bucket / {FAN_OUT}, min(first), max(last),
    min(low), max(high), sum(total), sum(finite), sum(nonfinite), sum(above), sum(below)
FROM rollup WHERE metric = :metric AND level = :level - 1 AND bucket >= :start GROUP BY bucket / {FAN_OUT}
"""


def counts_infinities(database: sqlite3.Connection) -> bool:
    """Tell whether the table counts infinities by sign; that of an older run does not."""
    return any(row[1] == "above" for row in database.execute("PRAGMA table_info(rollup)"))


def bring_up_to_date(database: sqlite3.Connection) -> None:
    """Give an older run's table what it lacks, before something is written to it; its infinities stay NaN there."""
    if not counts_infinities(database):
        for column in ("above", "below"):
            database.execute(f"ALTER TABLE rollup ADD COLUMN {column} INTEGER NOT NULL DEFAULT 0")


def update(database: sqlite3.Connection, metric: int, base: int, first_step: int) -> None:
    """Bring every level up to date after points of `metric` from `first_step` on were written."""
    last_step = database.execute("SELECT max(step) FROM pt WHERE metric = ?", (metric,)).fetchone()[0]
    level, size = 1, base * FAN_OUT
    while True:
        bucket = first_step // size
        if level == 1:
            database.execute(FROM_POINTS, {"metric": metric, "size": size, "start": bucket * size})
        else:
            database.execute(FROM_LEVEL, {"metric": metric, "level": level, "start": bucket * FAN_OUT})
        if last_step // size == 0:
            return
        level, size = level + 1, size * FAN_OUT


def drop_after(database: sqlite3.Connection, metric: int, base: int, step: int) -> None:
    """Forget what the roll-up knows of steps after `step`; the points after it are gone already."""
    highest = database.execute("SELECT max(level) FROM rollup WHERE metric = ?", (metric,)).fetchone()[0] or 0
    for level in range(1, highest + 1):
        size = base * FAN_OUT**level
        database.execute(
            "DELETE FROM rollup WHERE metric = ? AND level = ? AND bucket >= ?", (metric, level, step // size)
        )
    last = database.execute("SELECT max(step) FROM pt WHERE metric = ?", (metric,)).fetchone()[0]
    if last is not None:
        update(database, metric, base, min(step, last))


def level_for(base: int, span: int, buckets: int) -> int:
    """Return the coarsest level that still gives at least `buckets` buckets over `span` steps; 0 for the points."""
    level, size = 0, base * FAN_OUT
    while span >= size * max(1, buckets):
        level, size = level + 1, size * FAN_OUT
    return level

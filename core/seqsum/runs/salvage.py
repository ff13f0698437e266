"""A store that is damaged: what is wrong with it, and a new one of the rows that can still be read."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

from seqsum.errors import UserError
from seqsum.files import sync_folder
from seqsum.formatting import count
from seqsum.runs import rollup
from seqsum.runs.bounds import keep_as, remove
from seqsum.runs.database import check_file, connect
from seqsum.runs.store import PATIENCE_SECONDS, SCHEMA, Store
from seqsum.text import one_line

BESIDE = ("-wal", "-journal")
ROLLUP = "the roll-up of its points is not theirs"
LATER = {"rollup": {*rollup.ADDED, *rollup.COLUMNS}, "copy": {"name", "text"}}
"""What an earlier version's tables lack, or what is made anew of the others."""


def wrong_with(store: Store) -> str | None:
    """Return what is wrong with a store that can be opened: pages, tables, points; None for one that is sound."""
    try:
        return _wrong(store.database)
    except sqlite3.Error as error:
        return f"it is damaged ({error})"


def _wrong(database: sqlite3.Connection) -> str | None:
    (said,) = database.execute("PRAGMA integrity_check(1)").fetchone()
    if said != "ok":
        return f"it is damaged ({one_line(said.splitlines()[-1])})"
    for table, expected in _tables().items():
        lacking = expected - set(_columns(database, table)) - {(name, 0) for name in LATER.get(table, ())}
        if lacking and table not in LATER:
            return f"its table {table} has no {' or key '.join(sorted({name for name, _ in lacking}))} as ours has"
    if database.execute("SELECT 1 FROM pt WHERE metric NOT IN (SELECT id FROM metric) LIMIT 1").fetchone():
        return "it has points of metrics without a name"
    points = dict(database.execute("SELECT metric, count(*) FROM pt GROUP BY metric"))
    try:
        rolled = database.execute("SELECT metric, level, sum(finite + nonfinite) FROM rollup GROUP BY metric, level")
        counted = {(metric, level): count for metric, level, count in rolled}
    except sqlite3.Error:
        counted = {}
    sound = all(points.get(metric) == count for (metric, _), count in counted.items())
    return None if sound and {metric for metric, level in counted if level == 1} == points.keys() else ROLLUP


def lost_points(store: Store) -> list[str]:
    """Say which points are gone that the roll-up still counts, by metric; none where it contradicts itself."""
    query = """
        SELECT name, sum(was - there), min(first), max(last) FROM (
            SELECT metric, first, last, finite + nonfinite AS was, (
                SELECT count(*) FROM pt
                WHERE pt.metric = rollup.metric AND step BETWEEN bucket * :size AND bucket * :size + :size - 1
            ) AS there FROM rollup WHERE level = 1
        ) JOIN metric ON id = metric WHERE was > there AND metric NOT IN (
            SELECT metric FROM (SELECT metric, sum(finite + nonfinite) AS counted FROM rollup GROUP BY metric, level)
            GROUP BY metric HAVING min(counted) != max(counted)
        ) GROUP BY id ORDER BY id"""
    try:
        rows = store.database.execute(query, {"size": store.base * rollup.FAN_OUT}).fetchall()
    except sqlite3.Error:
        return []
    return [f"{count(lost, 'point')} of {name} (steps {first:,} to {last:,})" for name, lost, first, last in rows]


def bring_back(store: Store, old: sqlite3.Connection) -> None:
    """Put in the points that the roll-up of an `old` store, or of this one, knows to the bit: those alone in a
    bucket."""
    names = ["metric", "level", "bucket", "first", "low", "finite", "nonfinite"]
    alone = [
        (metric, first, low)
        for metric, level, _, first, low, finite, nonfinite in _rows(old, "rollup", names, "metric, level, bucket")
        if (level, finite, nonfinite) == (1, 1, 0)
    ]
    with store.transaction():
        store.database.executemany("INSERT OR IGNORE INTO pt(metric, step, value) VALUES (?, ?, ?)", alone)


def _columns(database: sqlite3.Connection, table: str) -> Iterator[tuple[str, int]]:
    """Yield a table's columns, each with its place in the key, or 0."""
    for _, name, _, _, _, key in database.execute(f"PRAGMA table_info({table})"):
        yield name, key


def _tables() -> dict[str, set[tuple[str, int]]]:
    """Return the tables of a store as it is made today."""
    with closing(sqlite3.connect(":memory:")) as database:
        database.executescript(SCHEMA)
        names = [name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {name: set(_columns(database, name)) for name in names}


def roll_up(store: Store) -> None:
    """Make the roll-up of all points anew."""
    with store.transaction():
        store.database.execute("DROP TABLE IF EXISTS rollup")
        store.database.execute(rollup.TABLE)
        firsts = store.database.execute("SELECT metric, min(step) FROM pt GROUP BY metric").fetchall()
        for metric, first in firsts:
            rollup.update(store.database, metric, store.base, first)


def salvage(path: Path, aside: Path) -> int:
    """Put a new store in the place of one that is damaged, or gone, with all rows that can be read; return how many
    points these are. What was there is kept as `aside`.

    Raises OSError, sqlite3.Error or UserError where that can't be written.
    """
    building = path.with_name(f".{path.name}.new")
    for ending in ("", *BESIDE):
        remove(building.with_name(building.name + ending))
    with Store.create(building, 1, {}) as store:
        with suppress(sqlite3.Error, OSError, UserError):
            check_file(path)
            with closing(connect(path, "mode=ro", PATIENCE_SECONDS)) as old:
                _copy(old, store)
        roll_up(store)
        (points,) = store.database.execute("SELECT count(*) FROM pt").fetchone()
        store.database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    # A journal of the old one beside the new one would be brought into that.
    for ending in BESIDE:
        with suppress(FileNotFoundError):
            path.with_name(path.name + ending).rename(aside.with_name(aside.name + ending))
        remove(building.with_name(building.name + ending))
    keep_as(path, aside)
    building.replace(path)
    sync_folder(path.parent)
    return int(points)


def _copy(old: sqlite3.Connection, store: Store) -> None:
    """Take over the rows that can be read. A view in a table's place could be a question without an end."""
    query = "SELECT name FROM sqlite_master WHERE type = 'table' AND sql NOT LIKE 'CREATE VIRTUAL%'"
    there = {name for (name,) in old.execute(query)}
    with store.transaction():
        for table, columns in _tables().items():
            names = [name for name, _ in sorted(columns, key=lambda column: column[0])]
            if table in there - {"rollup"} and {name for name, _ in _columns(old, table)}.issuperset(names):
                key = ", ".join(name for name, place in sorted(columns, key=lambda column: column[1]) if place)
                marks = ", ".join("?" * len(names))
                into = f"INSERT OR IGNORE INTO {table}({', '.join(names)}) VALUES ({marks})"
                for row in _rows(old, table, names, key):
                    store.database.execute(into, row)
        if "rollup" in there:
            bring_back(store, old)
        store.database.execute(
            "INSERT OR IGNORE INTO metric SELECT DISTINCT metric, 'metric ' || metric FROM pt"
            " WHERE metric NOT IN (SELECT id FROM metric)"
        )


def _rows(old: sqlite3.Connection, table: str, names: list[str], key: str) -> Iterator[tuple[object, ...]]:
    """Yield the rows of a table from both of its ends to the damage, some of them twice; of points, of each metric."""
    parts = [""]
    if table == "pt":
        with suppress(sqlite3.Error):
            parts += [f"WHERE metric = {int(id)}" for (id,) in old.execute("SELECT id FROM metric")]
    for part in parts:
        for order in ("ASC", "DESC"):
            ordered = ", ".join(f"{name} {order}" for name in key.split(", "))
            with suppress(sqlite3.Error):
                yield from old.execute(f"SELECT {', '.join(names)} FROM {table} {part} ORDER BY {ordered}")
                break
        else:
            continue
        if not part:
            return

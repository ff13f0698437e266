"""The metric store of one run: an SQLite file with points, roll-up, state, events and commands.

The worker alone writes points, state and events; the console and the command line add commands. Every write is one
transaction, so a kill at any moment leaves a whole store.
"""

from __future__ import annotations

import json
import math
import os
import sqlite3
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from numpy.typing import NDArray

from seqsum.errors import UserError
from seqsum.runs import rollup
from seqsum.runs.gone import RunGone

SCHEMA = (
    """
CREATE TABLE IF NOT EXISTS metric(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE IF NOT EXISTS pt(metric INTEGER NOT NULL, step INTEGER NOT NULL, value REAL,
    PRIMARY KEY (metric, step)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS state(key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS event(id INTEGER PRIMARY KEY, time REAL NOT NULL, step INTEGER NOT NULL, kind TEXT NOT NULL,
    detail TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS command(id INTEGER PRIMARY KEY, time REAL NOT NULL, verb TEXT NOT NULL,
    arguments TEXT NOT NULL, done REAL, outcome TEXT);
"""
    + rollup.TABLE
)

NETWORK_FILE_SYSTEMS = {
    "nfs",
    "nfs4",
    "cifs",
    "smb3",
    "smbfs",
    "fuse.sshfs",
    "lustre",
    "beegfs",
    "9p",
    "afs",
    "ceph",
}

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Event:
    """Something that happened to a run at a step: started, set, checkpoint, paused, message, finished …"""

    id: int
    time: float
    step: int
    kind: str
    detail: dict[str, Any]


@dataclass(frozen=True)
class Command:
    """Something asked of a worker at `time` (seconds since 1970)."""

    id: int
    time: float
    verb: str
    arguments: dict[str, Any]


@dataclass(frozen=True)
class Buckets:
    """A metric over a range of steps, thinned to a few buckets; float64 [n] each.

    x: middle step of the bucket; mean, low, high: of its finite values (NaN where it has none); nonfinite: how many
    were NaN or infinite; above, below: how many of these were plus or minus infinity.
    Without thinning a bucket is one point, and low = mean = high.
    """

    x: Floats
    mean: Floats
    low: Floats
    high: Floats
    nonfinite: Floats
    above: Floats
    below: Floats

    @classmethod
    def empty(cls) -> Buckets:
        return cls(*(np.zeros(0) for _ in fields(cls)))

    @classmethod
    def joined(cls, parts: Sequence[Buckets]) -> Buckets:
        """Return several, one after the other."""
        if not parts:
            return cls.empty()
        return cls(*(np.concatenate([getattr(part, one.name) for part in parts]) for one in fields(cls)))

    def where(self, kept: NDArray[np.bool_]) -> Buckets:
        """Return those that `kept` marks."""
        return Buckets(*(getattr(self, one.name)[kept] for one in fields(self)))

    @property
    def values(self) -> Floats:
        """What a line shows: the mean, and in a bucket with a value that is not finite that value instead.

        Of several kinds in one bucket plus infinity, then minus infinity: NaN is what usually follows from them.
        """
        broken = np.where(self.above > 0, np.inf, np.where(self.below > 0, -np.inf, np.nan))
        return np.where(self.nonfinite > 0, broken, self.mean)


class Store:
    """One run's metric store. A Store belongs to the thread that uses it; opening one costs about a millisecond."""

    def __init__(self, path: Path) -> None:
        """Open a store that is there; raises UserError when there is none or it can't be read."""
        self.path = path
        self._metrics: dict[str, int] = {}
        self._counts_infinities: bool | None = None
        try:
            self._database = _connect(path, "rw")
            try:
                row = self._database.execute("SELECT value FROM state WHERE key = 'rollup_base'").fetchone()
                self._base = int(row[0]) if row else 1
            except BaseException:
                self._database.close()
                raise
        except sqlite3.Error as error:
            RunGone.check(path.parent)
            raise UserError(f"runs: can't read {path}: {error}") from None

    @classmethod
    def create(cls, path: Path, base: int, state: dict[str, Any]) -> Store:
        """Make a new store; `base` is the smallest distance of two points in steps (the roll-up's unit)."""
        database = _connect(path, "rwc")
        try:
            journal = "TRUNCATE" if on_network_file_system(path) else "WAL"
            database.execute(f"PRAGMA journal_mode={journal}")
            database.executescript(SCHEMA)
            database.execute("INSERT INTO state VALUES ('rollup_base', ?)", (json.dumps(base),))
        finally:
            database.close()
        store = cls(path)
        store.set_state(**state)
        return store

    def close(self) -> None:
        self._database.close()

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Everything written inside is there as a whole or not at all; nesting joins the outer one."""
        if self._database.in_transaction:
            yield
            return
        self._database.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._database.execute("COMMIT")
        except BaseException:
            # SQLite may have rolled back by itself (a full disk). What was made inside is gone, too.
            if self._database.in_transaction:
                self._database.execute("ROLLBACK")
            self._metrics.clear()
            self._counts_infinities = None
            raise

    # Points

    def append(self, points: Iterable[tuple[str, int, float]]) -> None:
        """Write (metric, step, value) points; a point that is there already is replaced. NaN is kept as NULL."""
        by_metric: dict[str, list[tuple[int, float]]] = {}
        for name, step, value in points:
            by_metric.setdefault(name, []).append((step, value))
        with self.transaction():
            self._prepare_rollup()
            for name, rows in by_metric.items():
                metric = self._metric(name)
                self._database.executemany(
                    "INSERT OR REPLACE INTO pt VALUES (?, ?, ?)",
                    ((metric, step, None if math.isnan(value) else value) for step, value in rows),
                )
                rollup.update(self._database, metric, self._base, min(step for step, _ in rows))

    def truncate(self, step: int) -> None:
        """Drop every point and checkpoint event after `step`: a resumed run writes them again."""
        with self.transaction():
            self._prepare_rollup()
            self._database.execute("DELETE FROM pt WHERE step > ?", (step,))
            self._database.execute("DELETE FROM event WHERE step > ? AND kind = 'checkpoint'", (step,))
            for (metric,) in self._database.execute("SELECT id FROM metric").fetchall():
                rollup.drop_after(self._database, metric, self._base, step)

    def rewind(self, step: int) -> None:
        """Forget what came after the checkpoint of `step`, events and changed values included.

        Where compiled code took over is kept: going on, it takes over there again.
        """
        with self.transaction():
            self.truncate(step)
            saved = self._database.execute(
                "SELECT max(id) FROM event WHERE step = ? AND kind = 'checkpoint'", (step,)
            ).fetchone()[0]
            self._database.execute(
                "DELETE FROM event WHERE kind NOT IN ('backend', 'started', 'forked', 'rewound')"
                " AND (step > :step OR (step = :step AND id > :saved))",
                {"step": step, "saved": 2**62 if saved is None else saved},
            )

    def copy_to(self, path: Path) -> None:
        """Write the whole store into a new file, as it is at this moment."""
        target = sqlite3.connect(path)
        try:
            self._database.backup(target)
        finally:
            target.close()

    def restore_from(self, path: Path) -> None:
        """Become what was written to another file by `copy_to`, as a whole or not at all."""
        source = sqlite3.connect(path)
        try:
            source.backup(self._database)
        finally:
            source.close()
            self._metrics.clear()
            self._counts_infinities = None

    def metrics(self) -> list[str]:
        """Return the names of all metrics that have a point, in the order they first appeared."""
        rows = self._database.execute(
            "SELECT name FROM metric WHERE EXISTS (SELECT 1 FROM pt WHERE metric = id) ORDER BY id"
        ).fetchall()
        return [name for (name,) in rows]

    def latest(self) -> dict[str, float]:
        """Return the last value of every metric that has a point."""
        rows = self._database.execute(
            "SELECT name, value FROM metric JOIN pt ON pt.metric = metric.id"
            " AND pt.step = (SELECT max(step) FROM pt WHERE metric = metric.id) ORDER BY metric.id"
        ).fetchall()
        return {name: math.nan if value is None else value for name, value in rows}

    def point_at(self, metric: str, step: int) -> tuple[int, float] | None:
        """Return the last (step, value) of a metric at or before `step`, or None."""
        row = self._database.execute(
            "SELECT step, value FROM pt WHERE metric = (SELECT id FROM metric WHERE name = ?)"
            " AND step <= ? ORDER BY step DESC LIMIT 1",
            (metric, step),
        ).fetchone()
        return None if row is None else (row[0], math.nan if row[1] is None else row[1])

    def points(self, metric: str, after: int = -1, before: int | None = None) -> tuple[Floats, Floats]:
        """Return steps and values with after < step ≤ before: float64 [n] each."""
        rows = self._database.execute(
            "SELECT step, value FROM pt WHERE metric = (SELECT id FROM metric WHERE name = ?)"
            " AND step > ? AND step <= ? ORDER BY step",
            (metric, after, 2**62 if before is None else before),
        ).fetchall()
        table = np.array(rows, dtype=np.float64).reshape(-1, 2)
        return table[:, 0], table[:, 1]

    def extent(self, metric: str) -> tuple[int, int] | None:
        """Return the first and last step of a metric, or None when it has no points."""
        # Two queries: SQLite walks the index to one end for a lone min or max, but scans all rows for both together.
        ends = [
            self._database.execute(
                f"SELECT {end}(step) FROM pt WHERE metric = (SELECT id FROM metric WHERE name = ?)", (metric,)
            ).fetchone()[0]
            for end in ("min", "max")
        ]
        return None if ends[0] is None else (ends[0], ends[1])

    def buckets(self, metric: str, first: int | None = None, last: int | None = None, count: int = 240) -> Buckets:
        """Return a metric over steps first…last (default: all), thinned to between `count` and 8 × `count` buckets."""
        extent = self.extent(metric)
        if extent is None:
            return Buckets.empty()
        first = extent[0] if first is None else max(first, extent[0])
        last = extent[1] if last is None else min(last, extent[1])
        base = self._base
        level = rollup.level_for(base, last - first, count)
        if level == 0:
            x, y = self.points(metric, first - 1, last)
            finite = np.isfinite(y)
            value = np.where(finite, y, np.nan)
            flags = (~finite, y == np.inf, y == -np.inf)
            return Buckets(x, value, value, value, *(flag.astype(np.float64) for flag in flags))
        size = base * rollup.FAN_OUT**level
        if self._counts_infinities is None:
            self._counts_infinities = rollup.counts_infinities(self._database)
        infinities = "above, below" if self._counts_infinities else "0, 0"
        rows = self._database.execute(
            f"SELECT (first + last) / 2.0, total / finite, low, high, nonfinite, {infinities} FROM rollup"
            " WHERE metric = (SELECT id FROM metric WHERE name = ?) AND level = ? AND bucket BETWEEN ? AND ?"
            " ORDER BY bucket",
            (metric, level, first // size, last // size),
        ).fetchall()
        table = np.array(rows, dtype=np.float64).reshape(-1, len(fields(Buckets)))
        return Buckets(*table.T)

    def _prepare_rollup(self) -> None:
        if not self._counts_infinities:
            rollup.bring_up_to_date(self._database)
            self._counts_infinities = True

    def _metric(self, name: str) -> int:
        if name not in self._metrics:
            self._database.execute("INSERT OR IGNORE INTO metric(name) VALUES (?)", (name,))
            row = self._database.execute("SELECT id FROM metric WHERE name = ?", (name,)).fetchone()
            self._metrics[name] = row[0]
        return self._metrics[name]

    # State

    def set_state(self, **values: Any) -> None:
        """Set keys of the run's state; values are kept as JSON."""
        with self.transaction():
            self._database.executemany(
                "INSERT OR REPLACE INTO state VALUES (?, ?)",
                [(key, json.dumps(value)) for key, value in values.items()],
            )

    def state(self) -> dict[str, Any]:
        """Return the run's state: status, step, pid, reason, train_seconds …"""
        return {key: json.loads(value) for key, value in self._database.execute("SELECT key, value FROM state")}

    # Events

    def add_event(self, step: int, kind: str, **detail: Any) -> None:
        """Write that something happened at `step`."""
        with self.transaction():
            self._database.execute(
                "INSERT INTO event(time, step, kind, detail) VALUES (?, ?, ?, ?)",
                (time.time(), step, kind, json.dumps(detail)),
            )

    def events(self, after: int = 0, kind: str | None = None) -> list[Event]:
        """Return events with an id above `after`, oldest first; of one kind if given."""
        rows = self._database.execute(
            "SELECT id, time, step, kind, detail FROM event WHERE id > ? AND (? IS NULL OR kind = ?) ORDER BY id",
            (after, kind, kind),
        ).fetchall()
        return [Event(id, when, step, what, json.loads(detail)) for id, when, step, what, detail in rows]

    def events_print(self, last: int) -> tuple[int, float]:
        """Return how many events there are with an id up to `last`, and the sum of their times.

        As long as both are the same, they are the same events: for readers that keep what they have read.
        """
        row = self._database.execute("SELECT count(*), total(time) FROM event WHERE id <= ?", (last,)).fetchone()
        return int(row[0]), float(row[1])

    # Commands

    def post_command(self, verb: str, **arguments: Any) -> int:
        """Ask something of the worker; return the command's id, by which its outcome is found."""
        with self.transaction():
            cursor = self._database.execute(
                "INSERT INTO command(time, verb, arguments) VALUES (?, ?, ?)",
                (time.time(), verb, json.dumps(arguments)),
            )
        assert cursor.lastrowid is not None
        return cursor.lastrowid

    def pending_commands(self) -> list[Command]:
        """Return the commands that no worker has done yet, oldest first."""
        rows = self._database.execute(
            "SELECT id, time, verb, arguments FROM command WHERE done IS NULL ORDER BY id"
        ).fetchall()
        return [Command(id, when, verb, json.loads(arguments)) for id, when, verb, arguments in rows]

    def finish_command(self, id: int, ok: bool, message: str, **more: Any) -> None:
        """Write what became of a command."""
        outcome = {"ok": ok, "message": message, **more}
        with self.transaction():
            self._database.execute(
                "UPDATE command SET done = ?, outcome = ? WHERE id = ?",
                (time.time(), json.dumps(outcome), id),
            )

    def command_outcome(self, id: int) -> dict[str, Any] | None:
        """Return what became of a command, or None while it waits."""
        row = self._database.execute("SELECT outcome FROM command WHERE id = ?", (id,)).fetchone()
        return json.loads(row[0]) if row and row[0] else None


def _connect(path: Path, mode: str) -> sqlite3.Connection:
    """Open a database file: "rw" only if it is there, "rwc" makes it."""
    uri = f"{path.absolute().as_uri()}?mode={mode}"
    database = sqlite3.connect(uri, uri=True, timeout=10, isolation_level=None, check_same_thread=False)
    try:
        # Holds for this connection only. In WAL a kill loses nothing by it; other journals need the default.
        if mode == "rwc" or database.execute("PRAGMA journal_mode").fetchone()[0] == "wal":
            database.execute("PRAGMA synchronous=NORMAL")
    except BaseException:
        database.close()
        raise
    return database


def on_network_file_system(path: Path) -> bool:
    """Tell whether `path` lies on a network file system, where SQLite's WAL does not work between hosts."""
    best, kind = "", ""
    target = str(path.resolve())
    for partition in psutil.disk_partitions(all=True):
        mount = partition.mountpoint.rstrip(os.sep) + os.sep
        if target.startswith(mount) and len(mount) > len(best):
            best, kind = mount, partition.fstype
    return kind.lower() in NETWORK_FILE_SYSTEMS

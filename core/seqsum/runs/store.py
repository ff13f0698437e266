"""The metric store of one run: an SQLite file with points, roll-up, state, events and commands.

The worker alone writes points, state and events; the console and the command line add commands. Every write is one
transaction, so a kill at any moment leaves a whole store.
"""

from __future__ import annotations

import json
import math
import os
import shutil
import sqlite3
import stat
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from functools import partial, wraps
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import numpy as np
import psutil
from numpy.typing import NDArray

from seqsum.errors import UserError
from seqsum.files import file_stamp, parse_json
from seqsum.runs import rollup
from seqsum.runs.gone import RunGone
from seqsum.runs.kinds import LATEST, Fields

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

TABLES = ("metric", "pt", "state", "event", "command", "rollup")
UNREADABLE = "unreadable"
"""The status of a run whose status can't be read."""
WRITTEN_STATUSES = ("queued", "starting", "running", "paused", "stopped", "finished", "failed", "died")
STATUSES = (*WRITTEN_STATUSES, UNREADABLE)
PATIENCE_SECONDS = 10.0
"""How long a writer waits for another one."""
READING_SECONDS = 0.4
"""How long someone who looks waits for a program that holds a store."""
SLOWEST_SECONDS = 1.0
"""How long a list looks into one store; ours take milliseconds."""
NO_WRITING = (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_FULL)
BUSY = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_PROTOCOL)
MOST_STATE = 1000
LONGEST_STATE = 16 * 2**20

Given = ParamSpec("Given")
Answer = TypeVar("Answer")

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


@dataclass(frozen=True, eq=False)
class Buckets:
    """A metric over a range of steps, thinned to a few buckets; float64 [n] each.

    x: where it is drawn, the middle step. first, last: its first and last step.
    mean, low, high: of its `finite` values (NaN where it has none). positive_mean, positive_low: of the `positive`
    values among them, which a logarithmic axis can show.
    nonfinite: how many were NaN or infinite; above, below: how many of these were plus or minus infinity.
    Without thinning a bucket is one point, and low = mean = high.
    """

    x: Floats
    first: Floats
    last: Floats
    mean: Floats
    low: Floats
    high: Floats
    finite: Floats
    nonfinite: Floats
    above: Floats
    below: Floats
    positive: Floats
    positive_mean: Floats
    positive_low: Floats

    @classmethod
    def empty(cls) -> Buckets:
        return cls(*(np.zeros(0) for _ in fields(cls)))

    @classmethod
    def of_points(cls, steps: Floats, values: Floats) -> Buckets:
        """Return points as they are, a bucket each."""
        finite, positive = np.isfinite(values), np.isfinite(values) & (values > 0)
        value, above_zero = np.where(finite, values, np.nan), np.where(positive, values, np.nan)
        whole, broken, more = (flags.astype(np.float64) for flags in (finite, ~finite, positive))
        above, below = ((values == infinity).astype(np.float64) for infinity in (np.inf, -np.inf))
        ends = (steps, steps, steps)
        return cls(*ends, value, value, value, whole, broken, above, below, more, above_zero, above_zero)

    @classmethod
    def of_rollup(cls, rows: Sequence[tuple[Any, ...]]) -> Buckets:
        """Return what `rollup.read` found."""
        table = np.array(rows, dtype=np.float64).reshape(-1, 12).T
        first, last, low, high, total, finite, nonfinite, above, below, positive, positive_low, positive_total = table
        mean, positive_mean = _mean(total, finite, low, high), _mean(positive_total, positive, positive_low, high)
        middle = (first + last) / 2
        counts = (finite, nonfinite, above, below, positive)
        return cls(middle, first, last, mean, low, high, *counts, positive_mean, positive_low)

    @classmethod
    def joined(cls, parts: Sequence[Buckets]) -> Buckets:
        """Return several, one after the other."""
        if not parts:
            return cls.empty()
        return cls(*(np.concatenate([getattr(part, one.name) for part in parts]) for one in fields(cls)))

    def where(self, kept: NDArray[np.bool_] | NDArray[np.intp]) -> Buckets:
        """Return those that `kept` marks, or those at these places."""
        return Buckets(*(getattr(self, one.name)[kept] for one in fields(self)))

    @property
    def values(self) -> Floats:
        """What a line shows: the mean of the finite values; where there is none, what there is instead.

        Of several kinds plus infinity, then minus infinity: NaN is what usually follows from them.
        """
        broken = np.where(self.above > 0, np.inf, np.where(self.below > 0, -np.inf, np.nan))
        return np.where(self.finite > 0, self.mean, broken)

    def on_axis(self, log: bool) -> tuple[Floats, Floats, Floats]:
        """Return the line, the low and the high that an axis shows: on a logarithmic one those of what is above zero,
        where there is any; else the line is minus infinity, or what is not finite."""
        if not log:
            return self.values, self.low, self.high
        positive = self.positive > 0
        line = np.where(positive, self.positive_mean, np.where(self.finite > 0, -np.inf, self.values))
        return line, self.positive_low, np.where(positive, self.high, np.nan)

    @property
    def nan(self) -> Floats:
        """How many values were NaN."""
        return self.nonfinite - self.above - self.below


def _mean(total: Floats, count: Floats, low: Floats, high: Floats) -> Floats:
    mean = np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0)
    # A sum of values near the largest float has overflowed.
    return np.where((count > 0) & ~np.isfinite(mean), low / 2 + high / 2, mean)


class StoreBusy(UserError):
    """Another program holds a store; it can be read later."""


class ReadOnlyStore(UserError):
    """A store that can't be written here was to be written."""


def _reading(work: Callable[Given, Answer]) -> Callable[Given, Answer]:
    """Turn what goes wrong with a damaged store into UserError."""

    @wraps(work)
    def read(*given: Given.args, **named: Given.kwargs) -> Answer:
        try:
            return work(*given, **named)
        except (sqlite3.Error, ValueError, TypeError, LookupError, OverflowError) as error:
            assert isinstance(given[0], Store)
            raise _told(given[0].path, error) from error

    return read


def _told(path: Path, error: Exception) -> UserError:
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code in BUSY:
        return StoreBusy(f"runs: another program holds {path}; try again when it is done")
    if code == sqlite3.SQLITE_INTERRUPT:
        return UserError(f"runs: can't read {path}: it takes too long")
    if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB) or not code:
        return UserError(f"runs: can't read {path}: it is damaged ({error})")
    return UserError(f"runs: can't read {path}: {error}")


class Store:
    """One run's metric store. A Store belongs to the thread that uses it; opening one costs about a millisecond.

    read_only: it can't be written here: another user's, or on a read-only disk. Whatever writes raises UserError.
    problems: a sentence for each thing of another kind that was found and left out when it was read.
    """

    def __init__(self, path: Path, patience: float = PATIENCE_SECONDS) -> None:
        """Open a store that is there. patience: how long to wait, in seconds, for a program that holds it.

        Raises UserError when there is none or it can't be read, StoreBusy when another program holds it.
        """
        self.path = path
        self.problems: list[str] = []
        self._metrics: dict[str, int] = {}
        self._lacking: set[str] | None = None
        self._copy: tempfile.TemporaryDirectory[str] | None = None
        _check_file(path)
        try:
            self._database, self.read_only = self._opened(patience)
        except sqlite3.Error as error:
            raise _told(path, error) from None
        except OSError as error:
            raise UserError(f"runs: can't read {path}: {error.strerror or error}") from None
        try:
            self._base = self._check_tables()
        except BaseException:
            self.close()
            raise

    def _opened(self, patience: float) -> tuple[sqlite3.Connection, bool]:
        """Return a connection, and whether it can only read."""
        path = self.path
        can_write = os.access(path, os.W_OK) and os.access(path.parent, os.W_OK | os.X_OK) and not path.is_symlink()
        if can_write:
            try:
                return _connect(path, "mode=rw", patience), False
            except sqlite3.OperationalError as error:
                # A full disk, for one, has no room for the file that readers and writers share.
                if error.sqlite_errorcode & 0xFF not in NO_WRITING:
                    raise
        beside = [path.with_name(f"{path.name}{ending}") for ending in ("-wal", "-journal")]
        if not any(file_stamp(one)[1] for one in beside):
            # Without files beside it nothing but the store itself has to be read.
            return _connect(path, "mode=ro&immutable=1", patience), True
        try:
            return _connect(path, "mode=ro", patience), True
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF not in NO_WRITING:
                raise
        # Its last points are in the file beside it, which only someone who may write there can bring in.
        self._copy = tempfile.TemporaryDirectory(prefix="seqsum-")
        for file in (path, *beside):
            if file_stamp(file)[1]:
                shutil.copyfile(file, Path(self._copy.name) / file.name)
        return _connect(Path(self._copy.name) / path.name, "mode=rw", patience), True

    @_reading
    def _check_tables(self) -> int:
        """Return the roll-up's unit; raise UserError for a database that is no store of ours: a view in a table's
        place could be a question without an end, and a trigger writes more than it is told."""
        rows = self._database.execute("SELECT type, name, sql FROM sqlite_master WHERE type != 'index'").fetchall()
        tables = {
            name for type, name, sql in rows if type == "table" and not str(sql).upper().startswith("CREATE VIRTUAL")
        }
        if len(tables) < len(rows) or not tables.issuperset(TABLES[:-1]):
            raise UserError(f"runs: can't read {self.path}: it is no store of a run")
        row = self._database.execute("SELECT value FROM state WHERE key = 'rollup_base'").fetchone()
        return max(1, int(row[0])) if row else 1

    def limit(self) -> None:
        """End whatever is read from now on after SLOWEST_SECONDS, with UserError."""
        end = time.monotonic() + SLOWEST_SECONDS
        self._database.set_progress_handler(lambda: time.monotonic() > end, 20_000)

    @classmethod
    def create(cls, path: Path, base: int, state: dict[str, Any]) -> Store:
        """Make a new store; `base` is the smallest distance of two points in steps (the roll-up's unit)."""
        database = _connect(path, "mode=rwc", PATIENCE_SECONDS)
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
        if self._copy is not None:
            self._copy.cleanup()

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Everything written inside is there as a whole or not at all; nesting joins the outer one."""
        if self.read_only:
            raise ReadOnlyStore(f"runs: can't write {self.path}: no right to, or no room left on the disk")
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
            self._lacking = None
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
        with Store(path) as source:
            source._database.backup(self._database)
            self._metrics.clear()
            self._lacking = None

    @_reading
    def metrics(self) -> list[str]:
        """Return the names of all metrics that have a point, in the order they first appeared."""
        rows = self._database.execute(
            "SELECT name FROM metric WHERE EXISTS (SELECT 1 FROM pt WHERE metric = id) ORDER BY id"
        ).fetchall()
        return self._named([name for (name,) in rows])

    def _named(self, names: list[Any]) -> list[str]:
        """Return the names that are text; others are told."""
        odd = sum(not isinstance(name, str) for name in names)
        if odd:
            self._note(f"{self.path.name}: the name of a metric is not text")
        return [name for name in names if isinstance(name, str)] if odd else names

    def _note(self, problem: str) -> None:
        if problem not in self.problems:
            self.problems.append(problem)

    @_reading
    def latest(self) -> dict[str, tuple[int, float]]:
        """Return the last (step, value) of every metric that has a point."""
        rows = self._database.execute(
            "SELECT name, step, value FROM metric JOIN pt ON pt.metric = metric.id"
            " AND pt.step = (SELECT max(step) FROM pt WHERE metric = metric.id) ORDER BY metric.id"
        ).fetchall()
        found: dict[str, tuple[int, float]] = {}
        names = set(self._named([name for name, *_ in rows]))
        for name, step, value in rows:
            if name not in names:
                continue
            if value is not None and not isinstance(value, int | float):
                self._note(f"{self.path.name}: the last {name} is not a number")
            else:
                found[name] = step, math.nan if value is None else value
        return found

    @_reading
    def point_at(self, metric: str, step: int) -> tuple[int, float] | None:
        """Return the last (step, value) of a metric at or before `step`, or None."""
        row = self._database.execute(
            "SELECT step, value FROM pt WHERE metric = (SELECT id FROM metric WHERE name = ?)"
            " AND step <= ? ORDER BY step DESC LIMIT 1",
            (metric, step),
        ).fetchone()
        return None if row is None else (row[0], math.nan if row[1] is None else float(row[1]))

    @_reading
    def points(self, metric: str, after: int = -1, before: int | None = None) -> tuple[Floats, Floats]:
        """Return steps and values with after < step ≤ before: float64 [n] each."""
        rows = self._database.execute(
            "SELECT step, value FROM pt WHERE metric = (SELECT id FROM metric WHERE name = ?)"
            " AND step > ? AND step <= ? ORDER BY step",
            (metric, after, 2**62 if before is None else before),
        ).fetchall()
        try:
            table = np.array(rows, dtype=np.float64).reshape(-1, 2)
        except (TypeError, ValueError):
            self._note(f"{self.path.name}: a value of {metric} is not a number")
            rows = [row for row in rows if row[1] is None or isinstance(row[1], int | float)]
            table = np.array(rows, dtype=np.float64).reshape(-1, 2)
        return table[:, 0], table[:, 1]

    @_reading
    def extent(self, metric: str) -> tuple[int, int] | None:
        """Return the first and last step of a metric, or None when it has no points."""
        # Two queries: SQLite walks the index to one end for a lone min or max, but scans all rows for both together.
        ends = [
            self._database.execute(
                f"SELECT {end}(step) FROM pt WHERE metric = (SELECT id FROM metric WHERE name = ?)", (metric,)
            ).fetchone()[0]
            for end in ("min", "max")
        ]
        return None if ends[0] is None else (int(ends[0]), int(ends[1]))

    @_reading
    def buckets(self, metric: str, first: int | None = None, last: int | None = None, count: int = 240) -> Buckets:
        """Return a metric over steps first…last (default: all), thinned to between `count` and 8 × `count` buckets."""
        extent = self.extent(metric)
        if extent is None:
            return Buckets.empty()
        first = extent[0] if first is None else max(first, extent[0])
        last = extent[1] if last is None else min(last, extent[1])
        level = rollup.level_for(self._base, last - first, count)
        if level == 0:
            return Buckets.of_points(*self.points(metric, first - 1, last))
        if self._lacking is None:
            self._lacking = rollup.missing(self._database)
        (id,) = self._database.execute("SELECT id FROM metric WHERE name = ?", (metric,)).fetchone()
        rows = rollup.read(self._database, self._lacking, id, self._base, level, first, last)
        return Buckets.of_rollup(rows)

    def _prepare_rollup(self) -> None:
        if self._lacking is None or self._lacking:
            rollup.bring_up_to_date(self._database)
            self._lacking = set()

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

    @_reading
    def state(self) -> dict[str, Any]:
        """Return the run's state: status, step, pid, reason, train_seconds … What is of another kind is left out, and
        told in `problems`; `status` and `step` are always there."""
        query = "SELECT key, CASE WHEN length(value) <= ? THEN value END FROM state LIMIT ?"
        raw: dict[str, Any] = {}
        for key, value in self._database.execute(query, (LONGEST_STATE, MOST_STATE)):
            try:
                raw[key] = parse_json(value)
            except (ValueError, TypeError):
                raw[key] = value
        problems: list[str] = []
        given = Fields(raw, f"{self.path.name}:", problems)
        checked = {
            "status": given.one_of("status", WRITTEN_STATUSES, UNREADABLE),
            "step": given.whole("step", needed=True),
            "pid": given.whole_or_none("pid"),
            "reason": given.text_or_none("reason"),
            "updated": given.number("updated", most=LATEST),
            "launched": given.number("launched", most=LATEST),
            "train_seconds": given.number("train_seconds", most=LATEST),
            "steps_per_second": given.number("steps_per_second"),
            "changes": given.section("changes"),
            "ticket": given.text_or_none("ticket"),
            "upload": given.section("upload"),
        }
        for problem in problems:
            self._note(problem)
        always = ("status", "step")
        return {**raw, **{key: value for key, value in checked.items() if key in raw or key in always}}

    # Events

    def add_event(self, step: int, kind: str, **detail: Any) -> None:
        """Write that something happened at `step`."""
        with self.transaction():
            self._database.execute(
                "INSERT INTO event(time, step, kind, detail) VALUES (?, ?, ?, ?)",
                (time.time(), step, kind, json.dumps(detail)),
            )

    @_reading
    def events(self, after: int = 0, kind: str | None = None) -> list[Event]:
        """Return events with an id above `after`, oldest first; of one kind if given."""
        rows = self._database.execute(
            "SELECT id, time, step, kind, detail FROM event WHERE id > ? AND (? IS NULL OR kind = ?) ORDER BY id",
            (after, kind, kind),
        ).fetchall()
        return [self._event(*row) for row in rows]

    def _event(self, id: int, when: Any, step: Any, kind: Any, detail: Any) -> Event:
        """Return an event; what of it is of another kind is empty."""
        if type(step) is int and isinstance(kind, str) and isinstance(when, float) and 0 <= when <= LATEST:
            try:
                found = parse_json(detail)
                if isinstance(found, dict):
                    return Event(id, when, step, kind, found)
            except (ValueError, TypeError):
                pass
        self._note(f"{self.path.name}: event {id} is damaged")
        return Event(
            id,
            when if isinstance(when, float) and 0 <= when <= LATEST else 0.0,
            step if type(step) is int else 0,
            kind if isinstance(kind, str) else "?",
            {},
        )

    @_reading
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

    @_reading
    def pending_commands(self) -> list[Command]:
        """Return the commands that no worker has done yet, oldest first."""
        rows = self._database.execute(
            "SELECT id, time, verb, arguments FROM command WHERE done IS NULL ORDER BY id"
        ).fetchall()
        found = []
        for id, when, verb, arguments in rows:
            try:
                said = parse_json(arguments)
            except (ValueError, TypeError):
                said = None
            if isinstance(verb, str) and isinstance(when, float) and isinstance(said, dict):
                found.append(Command(id, when, verb, said))
        return found

    def finish_command(self, id: int, ok: bool, message: str, **more: Any) -> None:
        """Write what became of a command."""
        outcome = {"ok": ok, "message": message, **more}
        with self.transaction():
            self._database.execute(
                "UPDATE command SET done = ?, outcome = ? WHERE id = ?",
                (time.time(), json.dumps(outcome), id),
            )

    @_reading
    def command_outcome(self, id: int) -> dict[str, Any] | None:
        """Return what became of a command, or None while it waits."""
        row = self._database.execute("SELECT outcome FROM command WHERE id = ?", (id,)).fetchone()
        found = parse_json(row[0]) if row and row[0] else None
        return {"ok": False, "message": "", **found} if isinstance(found, dict) else None


def _check_file(path: Path) -> None:
    """Raise UserError unless a regular file stands there: opening a pipe would wait for ever."""
    try:
        facts = path.stat()
    except OSError as error:
        RunGone.check(path.parent)
        raise UserError(f"runs: can't read {path}: {error.strerror}") from None
    if not stat.S_ISREG(facts.st_mode):
        raise UserError(f"runs: can't read {path}: it is not a file")
    if not facts.st_size and file_stamp(path.with_name(f"{path.name}-wal")) == (0, 0):
        raise UserError(f"runs: can't read {path}: it is empty")


def _connect(path: Path, how: str, patience: float) -> sqlite3.Connection:
    """Open a database file; how: SQLite's parameters: `mode=rw` only if it is there, `mode=rwc` makes it."""
    uri = f"{path.absolute().as_uri()}?{how}"
    database = sqlite3.connect(uri, uri=True, timeout=patience, isolation_level=None, check_same_thread=False)
    try:
        # A name in another encoding is shown as well as it can be.
        database.text_factory = partial(str, encoding="utf-8", errors="replace")
        # Holds for this connection only. In WAL a kill loses nothing by it; other journals need the default.
        if how == "mode=rwc" or database.execute("PRAGMA journal_mode").fetchone()[0] == "wal":
            database.execute("PRAGMA synchronous=NORMAL")
        if how != "mode=rwc":
            # The first reading tells whether it can be read at all.
            database.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone()
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

"""The metric store of one run: an SQLite file with points, roll-up, state, events and commands.

A run of a workspace that many hosts write has its store on a server instead (`postgres_store.py`), which says the same.
The worker alone writes points, state and events; the console and the command line add commands. Every write is one
transaction, so a kill at any moment leaves a whole store.
"""

from __future__ import annotations

import json
import math
import os
import sqlite3
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from seqsum.errors import UserError
from seqsum.files import make_file, open_regular, parse_json
from seqsum.formatting import enumerated
from seqsum.runs import rollup
from seqsum.runs.buckets import Buckets, Floats
from seqsum.runs.database import connect, on_network_file_system, opened, told
from seqsum.runs.kinds import LATEST, Fields

COPY = "CREATE TABLE IF NOT EXISTS copy(name TEXT PRIMARY KEY, text TEXT NOT NULL) WITHOUT ROWID;\n"
"""Files of the run as they were written last. Came after the first version."""
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
    + COPY
    + rollup.TABLE
)

TABLES = ("metric", "pt", "state", "event", "command", "rollup")
UNREADABLE = "unreadable"
"""The status of a run whose status can't be read."""
SUSPENDED = "suspended"
"""The status of a run whose worker lives and can't go on: a signal stopped it, or it can't write."""
STATUSES = ("queued", "starting", "running", "paused", SUSPENDED, "stopped", "finished", "failed", "died", UNREADABLE)
WRITTEN_STATUSES = tuple(status for status in STATUSES if status not in (SUSPENDED, UNREADABLE))
PATIENCE_SECONDS = 10.0
"""How long a writer waits for another one."""
READING_SECONDS = 0.4
"""How long someone who looks waits for a program that holds a store."""
SLOWEST_SECONDS = 1.0
"""How long a list looks into one store; ours take milliseconds."""
MOST_STATE = 1000
OF_LOG = "log: "
"""What tells of another program's log, and not of the run's own files, begins with it."""
LONGEST_STATE = 16 * 2**20

Given = ParamSpec("Given")
Answer = TypeVar("Answer")


ANSWERS = "answers"
"""The kind of an event that holds what a model answers to a few fixed questions; nothing happened to the run."""
MEDIA = "media"
"""The detail of a message that holds a text, a picture or a histogram which a script keeps (see `media`)."""
WEIGHTS = "weights"
"""The detail of a message that names the file of weights which a script saved."""


@dataclass(frozen=True)
class Event:
    """Something that happened to a run at a step: started, set, checkpoint, paused, message, finished …"""

    id: int
    time: float
    step: int
    kind: str
    detail: dict[str, Any]

    @property
    def speaks(self) -> bool:
        """Whether it is said to whoever watches. That a script keeps something, step after step, is only listed."""
        return self.kind == "message" and self.detail.keys().isdisjoint((MEDIA, WEIGHTS))


@dataclass(frozen=True)
class Command:
    """Something asked of a worker at `time` (seconds since 1970)."""

    id: int
    time: float
    verb: str
    arguments: dict[str, Any]


class ReadOnlyStore(UserError):
    """A store that can't be written here was to be written."""


def _reading(work: Callable[Given, Answer]) -> Callable[Given, Answer]:
    """Do it as `Store.read` does."""

    @wraps(work)
    def read(*given: Given.args, **named: Given.kwargs) -> Answer:
        assert isinstance(given[0], Store)
        return given[0].read(lambda: work(*given, **named))

    return read


def _writing(work: Callable[Given, Answer]) -> Callable[Given, Answer]:
    """Do it as `Store.write` does."""

    @wraps(work)
    def write(*given: Given.args, **named: Given.kwargs) -> Answer:
        assert isinstance(given[0], Store)
        return given[0].write(lambda: work(*given, **named))

    return write


class Store:
    """One run's metric store. A Store belongs to the thread that uses it; opening one costs about a millisecond.

    database: the connection.
    read_only: it can't be written here: another user's, or on a read-only disk. Whatever writes raises UserError.
    base: the roll-up's unit, in steps.
    problems: a sentence for each thing of another kind that was found and left out when it was read.
    insist: a worker's: does something again until it can be written.
    """

    insist: Callable[[Callable[[], Any]], Any] | None = None

    def __init__(self, path: Path, patience: float = PATIENCE_SECONDS) -> None:
        """Open a store that is there. patience: how long to wait, in seconds, for a program that holds it.

        Raises UserError when there is none or it can't be read, StoreBusy when another program holds it.
        """
        self.path = path
        self.problems: list[str] = []
        self._metrics: dict[str, int] = {}
        self._lacking: set[str] | None = None
        self._stack = ExitStack()
        self.database, self.read_only = self._stack.enter_context(opened(path, patience))
        try:
            self.base = self._check_tables()
        except BaseException:
            self.close()
            raise

    @_reading
    def _check_tables(self) -> int:
        """Return the roll-up's unit; raise UserError for a database that is no store of ours: a view in a table's
        place could be a question without an end, and a trigger writes more than it is told."""
        rows = self.database.execute("SELECT type, name, sql FROM sqlite_master WHERE type != 'index'").fetchall()
        tables = {
            name for type, name, sql in rows if type == "table" and not str(sql).upper().startswith("CREATE VIRTUAL")
        }
        lacking = [name for name in TABLES[:-1] if name not in tables]
        if len(tables) < len(rows) or lacking:
            ours = len(tables) == len(rows) and len(lacking) < len(TABLES) - 1
            why = f"its table {enumerated(lacking, 'and')} is gone" if ours else "it is no store of a run"
            raise UserError(f"runs: can't read {self.path}: {why}")
        return self._unit()

    def _unit(self) -> int:
        row = self.database.execute("SELECT value FROM state WHERE key = 'rollup_base'").fetchone()
        return max(1, int(row[0])) if row else 1

    def limit(self) -> None:
        """End whatever is read from now on after SLOWEST_SECONDS, with UserError."""
        end = time.monotonic() + SLOWEST_SECONDS
        self.database.set_progress_handler(lambda: time.monotonic() > end, 20_000)

    @classmethod
    def create(cls, path: Path, base: int, state: dict[str, Any]) -> Store:
        """Make a new store; `base` is the smallest distance of two points in steps (the roll-up's unit)."""
        database = connect(path, "mode=rwc", PATIENCE_SECONDS)
        try:
            journal = "TRUNCATE" if on_network_file_system(path) else "WAL"
            database.execute(f"PRAGMA journal_mode={journal}")
            database.executescript(f"BEGIN IMMEDIATE;{SCHEMA};COMMIT")
            database.execute("INSERT INTO state VALUES ('rollup_base', ?)", (json.dumps(base),))
            # Before the other is closed: the last one to close brings all that is beside the file into it, which waits.
            store = cls(path)
        finally:
            database.close()
        store.set_state(**state)
        return store

    def close(self) -> None:
        self._stack.close()

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Everything written inside is there as a whole or not at all; nesting joins the outer one."""
        if self.read_only:
            raise ReadOnlyStore(f"runs: can't write {self.path}: no right to, or no room left on the disk")
        if self.database.in_transaction:
            yield
            return
        self.database.execute("BEGIN IMMEDIATE")
        try:
            yield
            self.database.execute("COMMIT")
        except BaseException:
            # SQLite may have rolled back by itself (a full disk). What was made inside is gone, too.
            if self.database.in_transaction:
                self.database.execute("ROLLBACK")
            self._metrics.clear()
            self._lacking = None
            raise

    def read(self, work: Callable[[], Answer]) -> Answer:
        """Do work that reads; what goes wrong with a damaged store ends in UserError."""
        try:
            return self.insist(work) if self.insist is not None else work()
        except (sqlite3.Error, ValueError, TypeError, LookupError, OverflowError) as error:
            raise told(self.path, error) from error

    def write(self, work: Callable[[], Answer]) -> Answer:
        """Do work in a transaction, or in the one that is open.

        Raises UserError where it can't be written now, StoreBusy when another program holds it.
        """
        if self.database.in_transaction:
            return work()

        def whole() -> Answer:
            with self.transaction():
                return work()

        if self.insist is not None:
            return self.insist(whole)  # type: ignore[no-any-return]
        try:
            return whole()
        except sqlite3.Error as error:
            raise told(self.path, error, "write") from error

    # Points

    @_writing
    def append(self, points: Iterable[tuple[str, int, float]]) -> None:
        """Write (metric, step, value) points; a point that is there already is replaced. NaN is kept as NULL."""
        by_metric: dict[str, list[tuple[int, float]]] = {}
        for name, step, value in points:
            by_metric.setdefault(name, []).append((step, value))
        self._append(by_metric)

    @_writing
    def append_rows(self, by_metric: Mapping[str, Sequence[tuple[int, float]]]) -> None:
        """Write metric → rows of (step, value), as `append` does."""
        self._append({name: rows for name, rows in by_metric.items() if rows})

    def _append(self, by_metric: Mapping[str, Sequence[tuple[int, float]]]) -> None:
        self._prepare_rollup()
        self.base = self._unit()  # another connection may have made it finer
        for name, rows in by_metric.items():
            metric = self._metric(name)
            self.database.executemany(
                "INSERT OR REPLACE INTO pt VALUES (?, ?, ?)",
                ((metric, step, None if math.isnan(value) else value) for step, value in rows),
            )
            rollup.update(self.database, metric, self.base, min(step for step, _ in rows))

    @_writing
    def refine(self, base: int) -> None:
        """Make the roll-up anew by a smaller unit, in steps, where points will lie closer than they did."""
        if self._unit() <= base:
            return
        self._prepare_rollup()
        self.base = base
        self._set_state([("rollup_base", json.dumps(base))])
        self.database.execute("DELETE FROM rollup")
        for (metric,) in self.database.execute("SELECT id FROM metric").fetchall():
            rollup.update(self.database, metric, base, 0)

    @_writing
    def forget_points(self) -> None:
        """Drop every point: what they were read from was written anew."""
        self.database.execute("DELETE FROM pt")
        self.database.execute("DELETE FROM rollup")

    @_writing
    def forget_metric(self, name: str) -> None:
        """Drop a metric with its points."""
        metric = self._metric(name)
        for table, key in (("pt", "metric"), ("rollup", "metric"), ("metric", "id")):
            self.database.execute(f"DELETE FROM {table} WHERE {key} = ?", (metric,))
        self._metrics.pop(name, None)

    @_writing
    def truncate(self, step: int) -> None:
        """Drop every point and checkpoint event after `step`: a resumed run writes them again."""
        self._truncate(step)

    def _truncate(self, step: int) -> None:
        self._prepare_rollup()
        self.base = self._unit()
        self.database.execute("DELETE FROM pt WHERE step > ?", (step,))
        self.database.execute("DELETE FROM event WHERE step > ? AND kind = 'checkpoint'", (step,))
        for (metric,) in self.database.execute("SELECT id FROM metric").fetchall():
            rollup.drop_after(self.database, metric, self.base, step)

    @_writing
    def rewind(self, step: int) -> None:
        """Forget what came after the checkpoint of `step`, events and changed values included.

        Where compiled code took over is kept: going on, it takes over there again.
        """
        self._truncate(step)
        self._rewind(step)

    def _rewind(self, step: int) -> None:
        saved = self.database.execute(
            "SELECT max(id) FROM event WHERE step = ? AND kind = 'checkpoint'", (step,)
        ).fetchone()[0]
        self.database.execute(
            "DELETE FROM event WHERE kind NOT IN ('backend', 'started', 'forked', 'rewound')"
            " AND (step > :step OR (step = :step AND id > :saved))",
            {"step": step, "saved": 2**62 if saved is None else saved},
        )

    def sync(self) -> None:
        """Force what was written to the disk: a kill loses nothing of it, a power failure would. In any thread.

        In WAL mode that is the file beside it, if any: SQLite itself forces what it brings from there into the store,
        and with another journal every write. The store's own file must not be opened: closing it ends SQLite's locks.
        """

        def force() -> None:
            with suppress(FileNotFoundError), open_regular(self.path.with_name(f"{self.path.name}-wal")) as file:
                os.fsync(file.fileno())

        if self.insist is None:
            force()
        else:
            self.insist(force)

    def copy_to(self, path: Path) -> None:
        """Write the whole store into a new file, as it is at this moment. Raises OSError where none can be made."""
        make_file(path)
        target = sqlite3.connect(path)
        try:
            self.database.backup(target)
        finally:
            target.close()

    def restore_from(self, path: Path) -> None:
        """Become what was written to another file by `copy_to`, as a whole or not at all."""
        with Store(path) as source:
            source.database.backup(self.database)
            self._metrics.clear()
            self._lacking = None

    @_reading
    def metrics(self) -> list[str]:
        """Return the names of all metrics that have a point, in the order they first appeared."""
        return self._named(self._metric_names())

    def _metric_names(self) -> list[Any]:
        query = "SELECT name FROM metric WHERE EXISTS (SELECT 1 FROM pt WHERE metric = id) ORDER BY id"
        return [name for (name,) in self.database.execute(query)]

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
        rows = self._last_points()
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

    def _last_points(self) -> list[rollup.Row]:
        return self.database.execute(
            "SELECT name, step, value FROM metric JOIN pt ON pt.metric = metric.id"
            " AND pt.step = (SELECT max(step) FROM pt WHERE metric = metric.id) ORDER BY metric.id"
        ).fetchall()

    @_reading
    def point_at(self, metric: str, step: int) -> tuple[int, float] | None:
        """Return the last (step, value) of a metric at or before `step`, or None."""
        return _point(self._point_row(metric, "<=", "DESC", step))

    @_reading
    def point_from(self, metric: str, step: int) -> tuple[int, float] | None:
        """Return the first (step, value) of a metric at or after `step`, or None."""
        return _point(self._point_row(metric, ">=", "ASC", step))

    def _point_row(self, metric: str, sign: str, order: str, step: int) -> rollup.Row | None:
        found: rollup.Row | None = self.database.execute(
            "SELECT step, value FROM pt WHERE metric = (SELECT id FROM metric WHERE name = ?)"
            f" AND step {sign} ? ORDER BY step {order} LIMIT 1",
            (metric, step),
        ).fetchone()
        return found

    @_reading
    def points(self, metric: str, after: int = -1, before: int | None = None) -> tuple[Floats, Floats]:
        """Return steps and values with after < step ≤ before: float64 [n] each."""
        rows = self._point_rows(metric, after, 2**62 if before is None else before)

        def numbers(some: list[rollup.Row]) -> list[rollup.Row]:
            known = [row for row in some if row[1] is None or isinstance(row[1], int | float)]
            if len(known) < len(some):
                self._note(f"{self.path.name}: a value of {metric} is not a number")
            return known

        table = rollup.in_table(rows, 2, numbers)
        return table[:, 0], table[:, 1]

    def _point_rows(self, metric: str, after: int, before: int) -> rollup.Rows:
        return self.database.execute(
            "SELECT step, value FROM pt WHERE metric = (SELECT id FROM metric WHERE name = ?)"
            " AND step > ? AND step <= ? ORDER BY step",
            (metric, after, before),
        )

    @_reading
    def extent(self, metric: str) -> tuple[int, int] | None:
        """Return the first and last step of a metric, or None when it has no points."""
        low, high = self._ends(metric)
        return None if low is None or high is None else (int(low), int(high))

    def _ends(self, metric: str) -> tuple[int | None, int | None]:
        # Two queries: SQLite walks the index to one end for a lone min or max, but scans all rows for both together.
        low, high = (
            self.database.execute(
                f"SELECT {end}(step) FROM pt WHERE metric = (SELECT id FROM metric WHERE name = ?)", (metric,)
            ).fetchone()[0]
            for end in ("min", "max")
        )
        return low, high

    @_reading
    def buckets(
        self, metric: str, first: int | None = None, last: int | None = None, count: int = 240, *, fewer: bool = False
    ) -> Buckets:
        """Return a metric over steps first…last (default: all), thinned to between `count` and 8 × `count` buckets.

        fewer: to between `count` and 2 × `count`, unless these are points.
        """
        extent = self.extent(metric)
        if extent is None:
            return Buckets.empty()
        self.base = self._unit()
        first = extent[0] if first is None else max(first, extent[0])
        last = extent[1] if last is None else min(last, extent[1])
        level = rollup.level_for(self.base, last - first, count)
        if level == 0:
            return Buckets.of_points(*self.points(metric, first - 1, last))
        return Buckets.of_rollup(self._rolled_up(metric, level, first, last, count if fewer else None))

    def _rolled_up(self, metric: str, level: int, first: int, last: int, enough: int | None) -> Floats:
        if self._lacking is None:
            self._lacking = rollup.missing(self.database)
        (id,) = self.database.execute("SELECT id FROM metric WHERE name = ?", (metric,)).fetchone()
        return rollup.read(self.database, self._lacking, id, self.base, level, first, last, enough)

    def _prepare_rollup(self) -> None:
        if self._lacking is None or self._lacking:
            rollup.bring_up_to_date(self.database)
            self._lacking = set()

    def _metric(self, name: str) -> int:
        if name not in self._metrics:
            self.database.execute("INSERT OR IGNORE INTO metric(name) VALUES (?)", (name,))
            row = self.database.execute("SELECT id FROM metric WHERE name = ?", (name,)).fetchone()
            self._metrics[name] = row[0]
        return self._metrics[name]

    # State

    @_writing
    def set_state(self, **values: Any) -> None:
        """Set keys of the run's state; values are kept as JSON."""
        self._set_state([(key, json.dumps(value)) for key, value in values.items()])

    def _set_state(self, rows: list[tuple[str, str]]) -> None:
        self.database.executemany("INSERT OR REPLACE INTO state VALUES (?, ?)", rows)

    @_reading
    def state(self) -> dict[str, Any]:
        """Return the run's state: status, step, pid, reason, train_seconds … What is of another kind is left out, and
        told in `problems`; `status` and `step` are always there."""
        raw: dict[str, Any] = {}
        for key, value in self._state_rows():
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
            "heard": given.whole("heard"),
            "train_seconds": given.number_or_none("train_seconds", most=LATEST),
            # Of a fork: how long its parent had trained.
            "parent_seconds": given.number_or_none("parent_seconds", most=LATEST),
            "steps_per_second": given.number("steps_per_second"),
            "changes": given.section("changes"),
            # The accuracy of guessing, where the task has one; where a number was not finite any more.
            "chance": given.number_or_none("chance", most=1.0),
            "diverged_at": given.whole_or_none("diverged_at"),
            # Every point up to the one is written, and up to the other outlives a power failure, its checkpoint, too.
            "points_step": given.whole_or_none("points_step"),
            "durable_step": given.whole_or_none("durable_step"),
            # Why the disk will not last, as its worker has seen it.
            "room": given.text_or_none("room"),
            # Of a log of another program: what of it can't be read.
            "unread": given.texts("unread"),
            # Of an export of ours that is followed: what its accuracy is a mean over.
            "measure": given.text("measure"),
            # Of a log: how often its steps begin again, so that its curves may be those of several runs.
            "begun_again": given.whole("begun_again"),
            # Of a run that repeats another: where it is stopped, and from where on compiled code computes.
            "until": given.whole_or_none("until"),
            "fused_from": given.whole_or_none("fused_from"),
            "ticket": given.text_or_none("ticket"),
            # Of a run that waits: the process that is to start its worker, and the machine's start that it lived in.
            "launcher": given.whole_or_none("launcher"),
            # How many runs its process trained.
            "together": given.whole("together", 1),
            "boot": given.text_or_none("boot"),
            "upload": given.section("upload"),
            # Of a run that an engine starts: which, and by what it knows the run.
            "job": given.section("job"),
        }
        for problem in problems:
            self._note(problem)
        always = ("status", "step")
        return {**raw, **{key: value for key, value in checked.items() if key in raw or key in always}}

    def _state_rows(self) -> Iterable[rollup.Row]:
        query = "SELECT key, CASE WHEN length(value) <= ? THEN value END FROM state LIMIT ?"
        return self.database.execute(query, (LONGEST_STATE, MOST_STATE))

    # Copies of files

    @_writing
    def keep_copy(self, name: str, text: str) -> None:
        """Keep what a file of the run says, so that it can be given back."""
        self._keep_copy(name, text)

    def _keep_copy(self, name: str, text: str) -> None:
        self.database.execute(COPY)
        self.database.execute("INSERT OR REPLACE INTO copy VALUES (?, ?)", (name, text))

    def copy_of(self, name: str) -> str | None:
        """Return what a file of the run said when it was written last; None where that is not known."""
        row = self._copy_row(name)
        return row[0] if row and isinstance(row[0], str) else None

    def _copy_row(self, name: str) -> rollup.Row | None:
        try:
            found: rollup.Row | None = self.database.execute("SELECT text FROM copy WHERE name = ?", (name,)).fetchone()
        except sqlite3.Error:
            return None
        return found

    # Events

    @_writing
    def add_event(self, step: int, kind: str, **detail: Any) -> None:
        """Write that something happened at `step`."""
        self._add_event((time.time(), step, kind, json.dumps(detail)))

    def _add_event(self, row: rollup.Row) -> None:
        self.database.execute("INSERT INTO event(time, step, kind, detail) VALUES (?, ?, ?, ?)", row)

    @_writing
    def forget_checkpoints_but(self, steps: Collection[int]) -> None:
        """Take away the events of checkpoints that are not those of `steps`: a fast run saves and prunes a hundred in a
        second, and whoever watches it reads its events again and again."""
        self._forget_checkpoints_but(list(steps))

    def _forget_checkpoints_but(self, steps: list[int]) -> None:
        self.database.execute(
            "DELETE FROM event WHERE kind = 'checkpoint' AND step NOT IN (SELECT value FROM json_each(?))",
            (json.dumps(steps),),
        )

    @_reading
    def events(self, after: int = 0, kind: str | None = None) -> list[Event]:
        """Return events with an id above `after`, oldest first; of one kind if given."""
        return [self._event(*row) for row in self._event_rows(after, kind)]

    def _event_rows(self, after: int, kind: str | None) -> list[rollup.Row]:
        return self.database.execute(
            "SELECT id, time, step, kind, detail FROM event WHERE id > ? AND (? IS NULL OR kind = ?) ORDER BY id",
            (after, kind, kind),
        ).fetchall()

    def _event(self, id: int, when: Any, step: Any, kind: Any, detail: Any) -> Event:
        """Return an event; of one that is damaged, what of it is of another kind is empty."""
        timely, found = isinstance(when, float) and 0 <= when <= LATEST, _parsed(detail)
        if timely and type(step) is int and isinstance(kind, str) and isinstance(found, dict):
            return Event(id, when, step, kind, found)
        self._note(f"{self.path.name}: event {id} is damaged")
        given = when if timely else 0.0, step if type(step) is int else 0, kind if isinstance(kind, str) else "?"
        return Event(id, *given, {})

    @_reading
    def events_print(self, last: int) -> tuple[int, float]:
        """Return how many events there are with an id up to `last`, and the sum of their times.

        As long as both are the same, they are the same events: for readers that keep what they have read.
        """
        row = self._events_row(last)
        return int(row[0]), float(row[1])

    def _events_row(self, last: int) -> rollup.Row:
        query = "SELECT count(*), total(time) FROM event WHERE id <= ?"
        found: rollup.Row = self.database.execute(query, (last,)).fetchone()
        return found

    # Commands

    @_writing
    def post_command(self, verb: str, **arguments: Any) -> int:
        """Ask something of the worker; return the command's id, by which its outcome is found."""
        return self._post_command((time.time(), verb, json.dumps(arguments)))

    def _post_command(self, row: rollup.Row) -> int:
        cursor = self.database.execute("INSERT INTO command(time, verb, arguments) VALUES (?, ?, ?)", row)
        assert cursor.lastrowid is not None
        return cursor.lastrowid

    @_reading
    def last_command(self) -> int:
        """Return the newest command's id; 0 where nothing was asked yet."""
        return self._last_command()

    def _last_command(self) -> int:
        return int(self.database.execute("SELECT coalesce(max(id), 0) FROM command").fetchone()[0])

    @_reading
    def pending_commands(self) -> list[Command]:
        """Return the commands that no worker has done yet, oldest first."""
        found = []
        for id, when, verb, arguments in self._pending_rows():
            said = _parsed(arguments)
            if isinstance(verb, str) and isinstance(when, float) and isinstance(said, dict):
                found.append(Command(id, when, verb, said))
        return found

    def _pending_rows(self) -> list[rollup.Row]:
        query = "SELECT id, time, verb, arguments FROM command WHERE done IS NULL ORDER BY id"
        return self.database.execute(query).fetchall()

    @_writing
    def finish_command(self, id: int, ok: bool, message: str, **more: Any) -> None:
        """Write what became of a command."""
        outcome = {"ok": ok, "message": message, **more}
        self._finish_command((time.time(), json.dumps(outcome), id))

    def _finish_command(self, row: rollup.Row) -> None:
        self.database.execute("UPDATE command SET done = ?, outcome = ? WHERE id = ?", row)

    @_reading
    def command_outcome(self, id: int) -> dict[str, Any] | None:
        """Return what became of a command, or None while it waits."""
        row = self._outcome_row(id)
        found = parse_json(row[0]) if row and row[0] else None
        return {"ok": False, "message": "", **found} if isinstance(found, dict) else None

    def _outcome_row(self, id: int) -> rollup.Row | None:
        query = "SELECT outcome FROM command WHERE id = ?"
        found: rollup.Row | None = self.database.execute(query, (id,)).fetchone()
        return found


def _point(row: rollup.Row | None) -> tuple[int, float] | None:
    return None if row is None else (row[0], math.nan if row[1] is None else float(row[1]))


def _parsed(text: Any) -> Any:
    """Return what JSON says; None for what is none."""
    try:
        return parse_json(text)
    except (ValueError, TypeError):
        return None

"""The store of one run on a PostgreSQL server, for a workspace that many hosts write.

It says what SQLite's says, to the bit. Who writes a run holds its row, so that writers of the same run come one after
the other, and everybody who listens hears of it. What a server that went away was asked meanwhile is done again when it
is back, and never twice.
"""

from __future__ import annotations

import json
import math
import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, nullcontext, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import psycopg

from seqsum.errors import UserError
from seqsum.files import write_json
from seqsum.runs import rollup, store_rows
from seqsum.runs.access import read_only
from seqsum.runs.buckets import Floats
from seqsum.runs.database import ServerAway, connect, told
from seqsum.runs.server import STORE, failure, give_back, lease
from seqsum.runs.store import LONGEST_STATE, MOST_STATE, PATIENCE_SECONDS, ReadOnlyStore, Store

if TYPE_CHECKING:
    from seqsum.runs.server import Connection

Answer = TypeVar("Answer")

BEGIN = """
WITH held AS (UPDATE seqsum.run SET changed = changed + 1, token = %s WHERE key = %s RETURNING key, changed)
SELECT pg_notify('seqsum', key || ' ' || changed) FROM held
"""
"""Holds the run, and tells those who listen, once it is all written."""
POINTS = """
INSERT INTO seqsum.pt(run, metric, step, value)
SELECT %s, * FROM unnest(%s::int8[], %s::int8[], %s::float8[])
ON CONFLICT (run, metric, step) DO UPDATE SET value = excluded.value
"""
ROLL_UP = "SELECT seqsum.roll_up(%s, metric, %s, first) FROM unnest(%s::int8[], %s::int8[]) AS made(metric, first)"
STATE = """
INSERT INTO seqsum.state(run, key, value) SELECT %s, * FROM unnest(%s::text[], %s::text[])
ON CONFLICT (run, key) DO UPDATE SET value = excluded.value
"""


class PostgresStore(Store):
    """One run's store on a server: as `Store`, but that it has no SQLite database."""

    def __init__(self, path: Path, url: str, run: int, patience: float = PATIENCE_SECONDS) -> None:
        """path: the file in the run's folder that names it; run: its key on the server. Raises UserError when it is not
        there, StoreBusy while the server can't be reached."""
        self.path, self.problems = path, []
        self.read_only = bool(read_only(path.parent))
        self._metrics: dict[str, int] = {}
        self._url, self._run, self._patience = url, run, patience
        self._writes = False
        self._connection: Connection | None = None
        try:
            self.base = self.read(self._find)
        except BaseException:
            self.close()
            raise

    @classmethod
    def on(cls, path: Path, url: str, id: str, base: int, state: dict[str, Any]) -> PostgresStore:
        """Make a new store for the run `id`, and the file that names it. Raises UserError."""
        try:
            database = lease(url, PATIENCE_SECONDS)
            try:
                with database.transaction():
                    query = "INSERT INTO seqsum.run(pushed, id) VALUES (false, %s) RETURNING key"
                    (run,) = database.execute(query, (id,)).fetchone() or (0,)
                    database.execute(STATE, (run, ["rollup_base"], [json.dumps(base)]))
            except psycopg.Error as error:
                raise failure(error) from error
            finally:
                give_back(url, database)
        except ServerAway as error:
            raise told(path, error, "make") from error
        write_json(path, {"run": run})
        store = cls(path, url, run)
        store.set_state(**state)
        return store

    def _find(self) -> int:
        """Return the roll-up's unit; raise UserError where the server has no such run."""
        row = self._ask(
            "SELECT (SELECT value FROM seqsum.state WHERE run = run.key AND state.key = 'rollup_base')"
            " FROM seqsum.run AS run WHERE run.key = %s",
            (self._run,),
        ).fetchone()
        if row is None:
            raise UserError(f"runs: can't read {self.path}: the server has no such run any more")
        return max(1, int(json.loads(row[0]))) if row[0] else 1

    def _unit(self) -> int:
        return self.base  # asked for once: on a server it stays what it is

    def refine(self, base: int) -> None:
        """Nothing: on a server the unit is one step."""

    def limit(self) -> None:
        """Nothing: the tables are ours, and a server that says nothing is given up."""

    def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            give_back(self._url, connection)

    # Asking

    def _ask(self, query: str, given: Sequence[object] = (), *, binary: bool = False) -> psycopg.Cursor[Any]:
        """Raises ServerAway where the server can't be asked now, UserError where it does not take it."""
        try:
            return self._connected().execute(query, given, binary=binary)
        except psycopg.Error as error:
            raise failure(error) from error

    def _connected(self) -> Connection:
        if self._connection is not None and self._connection.closed and not self._writes:
            self.close()
        if self._connection is None:
            self._connection = lease(self._url, self._patience)
        return self._connection

    def _one(self, query: str, given: Sequence[object] = ()) -> Any:
        row = self._ask(query, given).fetchone()
        return None if row is None else row[0]

    def read(self, work: Callable[[], Answer]) -> Answer:
        # Inside of a transaction that is lost, only all of it can be done again.
        if self._writes:
            return work()
        try:
            return self.insist(work) if self.insist is not None else work()
        except (ServerAway, ValueError, TypeError, LookupError, OverflowError) as error:
            raise told(self.path, error) from error

    def write(self, work: Callable[[], Answer]) -> Answer:
        return self._write(work)

    def _write(self, work: Callable[[], Answer], *, piped: bool = True) -> Answer:
        if self._writes:
            return work()
        token, made = secrets.token_hex(8), list[Answer]()

        def whole() -> Answer:
            # Who lost the connection while it was all being made does not know whether it was.
            if not made or self._one("SELECT token FROM seqsum.run WHERE key = %s", (self._run,)) != token:
                made.clear()
                with self._transaction(token, piped):
                    made.append(work())
            return made[0]

        if self.insist is not None:
            return self.insist(whole)  # type: ignore[no-any-return]
        try:
            return whole()
        except ServerAway as error:
            raise told(self.path, error, "write") from error

    @contextmanager
    def transaction(self) -> Iterator[None]:
        if self._writes:
            yield
            return
        try:
            with self._transaction(secrets.token_hex(8), True):
                yield
        except ServerAway as error:
            raise told(self.path, error, "write") from error

    @contextmanager
    def _transaction(self, token: str, piped: bool) -> Iterator[None]:
        """piped: its statements are sent one behind the other, and each answer is waited for only when it is needed:
        the way to a server takes longer than what it does."""
        if self.read_only:
            raise ReadOnlyStore(f"runs: can't write {self.path}: no right to")
        database = self._connected()
        self._writes = True
        try:
            with database.pipeline() if piped and psycopg.Pipeline.is_supported() else nullcontext():
                self._ask("BEGIN")
                self._ask(BEGIN, (token, self._run))
                yield
                self._ask("COMMIT")
        except BaseException as error:
            self._metrics.clear()
            with suppress(psycopg.Error):
                if not database.closed:
                    database.rollback()
            if isinstance(error, psycopg.Error):
                raise failure(error) from error
            raise
        finally:
            self._writes = False

    # Points

    def _append(self, by_metric: Mapping[str, Sequence[tuple[int, float]]]) -> None:
        metrics, steps, values = list[int](), list[int](), list[float | None]()
        firsts = dict[int, int]()
        for name, rows in by_metric.items():
            metric = self._metric(name)
            firsts[metric] = min(step for step, _ in rows)
            for step, value in dict(rows).items():
                metrics.append(metric)
                steps.append(int(step))
                # SQLite keeps no minus zero.
                values.append(None if math.isnan(value) else float(value) + 0.0)
        self._ask(POINTS, (self._run, metrics, steps, values))
        self._ask(ROLL_UP, (self._run, self.base, list(firsts), list(firsts.values())))

    def _metric(self, name: str) -> int:
        if name not in self._metrics:
            found = self._one("SELECT id FROM seqsum.metric WHERE run = %s AND name = %s", (self._run, name))
            if found is None:
                found = self._one(
                    "INSERT INTO seqsum.metric(run, id, name) SELECT %s, coalesce(max(id), 0) + 1, %s"
                    " FROM seqsum.metric WHERE run = %s RETURNING id",
                    (self._run, name, self._run),
                )
            self._metrics[name] = found
        return self._metrics[name]

    def _truncate(self, step: int) -> None:
        self._ask("DELETE FROM seqsum.pt WHERE run = %s AND step > %s", (self._run, step))
        query = "DELETE FROM seqsum.event WHERE run = %s AND step > %s AND kind = 'checkpoint'"
        self._ask(query, (self._run, step))
        self._ask("SELECT seqsum.drop_after(%s, %s, %s)", (self._run, self.base, step))

    def _rewind(self, step: int) -> None:
        query = "SELECT max(id) FROM seqsum.event WHERE run = %s AND step = %s AND kind = 'checkpoint'"
        saved = self._one(query, (self._run, step))
        self._ask(
            "DELETE FROM seqsum.event WHERE run = %s AND kind NOT IN ('backend', 'started', 'forked', 'rewound')"
            " AND (step > %s OR (step = %s AND id > %s))",
            (self._run, step, step, 2**62 if saved is None else saved),
        )

    def sync(self) -> None:
        """Nothing: what a server has acknowledged is on its disk."""

    def copy_to(self, path: Path) -> None:
        def copy() -> None:
            with Store.create(path, self.base, {}) as target, target.transaction():
                self._ask("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
                try:
                    assert self._connection is not None
                    store_rows.fetch(self._connection, self._run, target.database)
                except psycopg.Error as error:
                    raise failure(error) from error
                finally:
                    with suppress(ServerAway):
                        self._ask("ROLLBACK")

        self.read(copy)

    def restore_from(self, path: Path) -> None:
        def restore() -> None:
            for name in STORE:
                self._ask(f"DELETE FROM seqsum.{name} WHERE run = %s", (self._run,))
            assert self._connection is not None
            try:
                with closing(connect(path, "mode=rw", PATIENCE_SECONDS)) as database:
                    store_rows.check_kinds(database, path)
                    store_rows.send(database, self._connection, self._run)
            except psycopg.Error as error:
                raise failure(error) from error
            # What an earlier version left open in its roll-up is made anew.
            self._ask(
                "SELECT seqsum.roll_up(%s, metric, %s, min(step)) FROM seqsum.pt WHERE run = %s AND metric IN"
                " (SELECT metric FROM seqsum.rollup WHERE run = %s AND positive IS NULL) GROUP BY metric",
                (self._run, self._find(), self._run, self._run),
            )
            self._metrics.clear()

        # Copying to a server is no statement among others.
        self._write(restore, piped=False)
        self.base = self.read(self._find)

    def _metric_names(self) -> list[Any]:
        rows = self._ask(
            "SELECT name FROM seqsum.metric WHERE run = %s AND EXISTS"
            " (SELECT 1 FROM seqsum.pt WHERE pt.run = metric.run AND metric = metric.id) ORDER BY id",
            (self._run,),
        )
        return [name for (name,) in rows]

    def _last_points(self) -> list[rollup.Row]:
        return self._ask(
            "SELECT name, step, value FROM seqsum.metric CROSS JOIN LATERAL (SELECT step, value FROM seqsum.pt"
            " WHERE pt.run = metric.run AND pt.metric = metric.id ORDER BY step DESC LIMIT 1) AS last"
            " WHERE metric.run = %s ORDER BY id",
            (self._run,),
        ).fetchall()

    def _point_row(self, metric: str, sign: str, order: str, step: int) -> rollup.Row | None:
        found: rollup.Row | None = self._ask(
            f"SELECT step, value FROM seqsum.pt WHERE run = %s AND metric = {ID} AND step {sign} %s"
            f" ORDER BY step {order} LIMIT 1",
            (self._run, self._run, metric, step),
        ).fetchone()
        return found

    def _point_rows(self, metric: str, after: int, before: int) -> rollup.Rows:
        return self._ask(
            f"SELECT step, value FROM seqsum.pt WHERE run = %s AND metric = {ID} AND step > %s AND step <= %s"
            " ORDER BY step",
            (self._run, self._run, metric, after, before),
            binary=True,
        )

    def _ends(self, metric: str) -> tuple[int | None, int | None]:
        query = f"SELECT min(step), max(step) FROM seqsum.pt WHERE run = %s AND metric = {ID}"
        low, high = self._ask(query, (self._run, self._run, metric)).fetchone() or (None, None)
        return low, high

    def _rolled_up(self, metric: str, level: int, first: int, last: int, enough: int | None) -> Floats:
        size = self.base * rollup.FAN_OUT**level
        rows = self._ask(
            f"SELECT {', '.join(rollup.COLUMNS)}, bucket FROM seqsum.rollup WHERE run = %s AND metric = {ID}"
            " AND level = %s AND bucket BETWEEN %s AND %s ORDER BY bucket",
            (self._run, self._run, metric, level, first // size, last // size),
            binary=True,
        )
        return rollup.thinned(rollup.in_table(rows, len(rollup.COLUMNS) + 1), enough)

    # State, copies, events, commands

    def _set_state(self, rows: list[tuple[str, str]]) -> None:
        self._ask(STATE, (self._run, [key for key, _ in rows], [value for _, value in rows]))

    def _state_rows(self) -> Iterable[rollup.Row]:
        query = "SELECT key, CASE WHEN length(value) <= %s THEN value END FROM seqsum.state WHERE run = %s LIMIT %s"
        return self._ask(query, (LONGEST_STATE, self._run, MOST_STATE))

    def _keep_copy(self, name: str, text: str) -> None:
        self._ask(
            "INSERT INTO seqsum.copy(run, name, text) VALUES (%s, %s, %s)"
            " ON CONFLICT (run, name) DO UPDATE SET text = excluded.text",
            (self._run, name, text),
        )

    def _copy_row(self, name: str) -> rollup.Row | None:
        query = "SELECT text FROM seqsum.copy WHERE run = %s AND name = %s"
        found: rollup.Row | None = self.read(lambda: self._ask(query, (self._run, name)).fetchone())
        return found

    def _add_event(self, row: rollup.Row) -> None:
        self._ask(
            "INSERT INTO seqsum.event(run, id, time, step, kind, detail)"
            " SELECT %s, coalesce(max(id), 0) + 1, %s, %s, %s, %s FROM seqsum.event WHERE run = %s",
            (self._run, *row, self._run),
        )

    def _forget_checkpoints_but(self, steps: list[int]) -> None:
        query = "DELETE FROM seqsum.event WHERE run = %s AND kind = 'checkpoint' AND step <> ALL(%s::int8[])"
        self._ask(query, (self._run, steps))

    def _event_rows(self, after: int, kind: str | None) -> list[rollup.Row]:
        query = "SELECT id, time, step, kind, detail FROM seqsum.event WHERE run = %s AND id > %s"
        if kind is None:
            return self._ask(f"{query} ORDER BY id", (self._run, after)).fetchall()
        return self._ask(f"{query} AND kind = %s ORDER BY id", (self._run, after, kind)).fetchall()

    def _events_row(self, last: int) -> rollup.Row:
        # Exact, so that it does not depend on the order in which they are found.
        query = "SELECT count(*), coalesce(sum(time::numeric), 0) FROM seqsum.event WHERE run = %s AND id <= %s"
        return self._ask(query, (self._run, last)).fetchone() or (0, 0)

    def _post_command(self, row: rollup.Row) -> int:
        return int(
            self._one(
                "INSERT INTO seqsum.command(run, id, time, verb, arguments)"
                " SELECT %s, coalesce(max(id), 0) + 1, %s, %s, %s FROM seqsum.command WHERE run = %s RETURNING id",
                (self._run, *row, self._run),
            )
        )

    def _last_command(self) -> int:
        return int(self._one("SELECT coalesce(max(id), 0) FROM seqsum.command WHERE run = %s", (self._run,)))

    def _pending_rows(self) -> list[rollup.Row]:
        query = "SELECT id, time, verb, arguments FROM seqsum.command WHERE run = %s AND done IS NULL ORDER BY id"
        return self._ask(query, (self._run,)).fetchall()

    def _finish_command(self, row: rollup.Row) -> None:
        query = "UPDATE seqsum.command SET done = %s, outcome = %s WHERE run = %s AND id = %s"
        self._ask(query, (row[0], row[1], self._run, row[2]))

    def _outcome_row(self, id: int) -> rollup.Row | None:
        query = "SELECT outcome FROM seqsum.command WHERE run = %s AND id = %s"
        found: rollup.Row | None = self._ask(query, (self._run, id)).fetchone()
        return found


ID = "(SELECT id FROM seqsum.metric WHERE run = %s AND name = %s)"


@contextmanager
def forgetting(url: str, run: int) -> Iterator[None]:
    """Delete a run on the server, with all that it holds, once what is done inside is done. Raises ServerAway."""
    database = lease(url, PATIENCE_SECONDS)
    try:
        with database.transaction():
            database.execute("SELECT 1")
            yield
            database.execute("DELETE FROM seqsum.run WHERE key = %s AND NOT pushed", (run,))
    except psycopg.Error as error:
        raise failure(error) from error
    finally:
        give_back(url, database)

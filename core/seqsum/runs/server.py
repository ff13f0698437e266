"""A PostgreSQL server that keeps runs: reaching it, its tables, and what is wrong with it in a sentence.

The driver (psycopg) is an extra, and loaded only when a server is asked. Passwords are libpq's own affair: a password
file, a service file or a certificate, never a URL, which anybody may read in the list of processes.
"""

from __future__ import annotations

import os
import select
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import ModuleType
from typing import TYPE_CHECKING, Any

from seqsum.errors import UserError
from seqsum.runs.database import ServerAway
from seqsum.runs.server_rollup import FUNCTIONS
from seqsum.text import one_line

if TYPE_CHECKING:
    import psycopg

    Connection = psycopg.Connection[tuple[Any, ...]]

FORMAT = 1
"""That of the tables."""
EXAMPLE = "postgresql://me@db.example.org/runs"
PASSWORDS = "~/.pgpass (PGPASSFILE) or a service file"
SECRETS = ("password", "sslpassword", "oauth_client_secret")
LOCK = 0x5E95_0000
"""Programs that make the tables hold it."""
SETTINGS = {
    "application_name": "seqsum",
    "client_encoding": "utf8",
    "connect_timeout": "10",
    # A server that is gone without a word is missed within half a minute, not in the two hours of TCP.
    "keepalives_idle": "10",
    "keepalives_interval": "5",
    "keepalives_count": "3",
    "tcp_user_timeout": "30000",
}
"""What the URL does not say itself."""


@dataclass(frozen=True)
class Table:
    """A table of a run's store. columns: name → type in SQL; key: those that tell its rows apart, in a run."""

    columns: dict[str, str]
    key: tuple[str, ...]

    @property
    def types(self) -> list[str]:
        """What each column holds: int8, float8 or text."""
        return [type.partition(" ")[0] for type in self.columns.values()]


WHOLE, TEXT = "int8 NOT NULL", "text NOT NULL"
STORE = {
    "metric": Table({"id": WHOLE, "name": TEXT}, ("id",)),
    "pt": Table({"metric": WHOLE, "step": WHOLE, "value": "float8"}, ("metric", "step")),
    "state": Table({"key": TEXT, "value": TEXT}, ("key",)),
    "event": Table({"id": WHOLE, "time": "float8 NOT NULL", "step": WHOLE, "kind": TEXT, "detail": TEXT}, ("id",)),
    "command": Table(
        {"id": WHOLE, "time": "float8 NOT NULL", "verb": TEXT, "arguments": TEXT, "done": "float8", "outcome": "text"},
        ("id",),
    ),
    "copy": Table({"name": TEXT, "text": TEXT}, ("name",)),
    "rollup": Table(
        {
            **dict.fromkeys(("metric", "level", "bucket", "first", "last"), WHOLE),
            **dict.fromkeys(("low", "high", "total"), "float8"),
            **dict.fromkeys(("finite", "nonfinite", "above", "below"), WHOLE),
            **{"positive": "int8", "positive_low": "float8", "positive_total": "float8"},
        },
        ("metric", "level", "bucket"),
    ),
}
"""What a store holds, with the columns that it has in SQLite, but for those of a later version."""
FILES = {
    "file": Table({"path": TEXT, "size": "int8", "sha256": TEXT, "mtime": WHOLE}, ("path",)),
    "part": Table({"path": TEXT, "number": WHOLE, "data": "bytea NOT NULL"}, ("path", "number")),
}
"""The files of a run that was pushed, in parts; a folder has no size."""
THERE = """
SELECT 1 FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
WHERE nspname = 'seqsum' AND relname = 'format'
"""
RUN = (
    "CREATE TABLE seqsum.format(number int8 NOT NULL)",
    """
CREATE TABLE seqsum.run(key int8 GENERATED ALWAYS AS IDENTITY PRIMARY KEY, id text NOT NULL, pushed boolean NOT NULL,
    digest text NOT NULL DEFAULT '', facts text NOT NULL DEFAULT '{}', written timestamptz NOT NULL DEFAULT now(),
    changed int8 NOT NULL DEFAULT 0, token text) WITH (fillfactor = 50)
""",
    "CREATE UNIQUE INDEX ON seqsum.run(id) WHERE pushed",
)
"""Of a run that was `pushed`: `digest` of its store, and `facts` that are said of it. Of one that a workspace keeps
here: how often it `changed`, and a `token` of the last who changed it."""


def checked(url: str, verb: str) -> str:
    """Return the URL of a server, or what else libpq takes; raise UserError, which begins with `verb`, for what it does
    not take, or what holds a secret."""
    psycopg = driver(verb)
    try:
        given = psycopg.conninfo.conninfo_to_dict(url)
    except psycopg.Error:
        given = {}
    if any(given.get(name) for name in SECRETS):
        raise UserError(
            f"{verb}: the URL holds a password, which anybody here could read in the list of processes; leave it out, "
            f"and put it into {PASSWORDS}"
        )
    if not given and url not in ("postgresql://", "postgres://"):
        # What can't be read may hold a password: it is not repeated.
        raise UserError(f"{verb}: that is no URL of a PostgreSQL server, e.g. {EXAMPLE}")
    return url


def driver(verb: str) -> ModuleType:
    """Return psycopg; raise UserError where it is not installed."""
    try:
        import psycopg
    except ImportError:
        raise UserError(
            f"{verb}: a PostgreSQL server needs psycopg, which is not installed: pip install 'seqsum-tui[postgres]'"
        ) from None
    return psycopg


@contextmanager
def reached(url: str, verb: str) -> Iterator[Connection]:
    """A connection to a server, with our tables there; what goes wrong with it inside ends in UserError, which begins
    with `verb`."""
    url, psycopg = checked(url, verb), driver(verb)
    try:
        database = connect(url)
    except psycopg.Error as error:
        reason = why(error)
        way_out = f"put it into {PASSWORDS}" if "password" in reason else "psql takes the same URL, to try it"
        raise UserError(f"{verb}: can't reach {one_line(url)}: {reason}; {way_out}") from None
    try:
        with database:
            make_tables(database, verb)
            yield database
    except psycopg.Error as error:
        raise UserError(f"{verb}: {one_line(url)} broke off: {why(error)}; nothing was changed by half") from None


def connect(url: str, seconds: int | None = None) -> Connection:
    """Open a connection in which each statement is for itself. Raises psycopg.Error."""
    import psycopg
    from psycopg.conninfo import conninfo_to_dict

    given: dict[str, Any] = conninfo_to_dict(url)
    waits = {} if seconds is None else {"connect_timeout": str(seconds)}
    return psycopg.connect(**SETTINGS | waits | given, autocommit=True)


def why(error: Exception) -> str:
    """Return what a server, or the way there, says in a line."""
    diagnosis = getattr(error, "diag", None)
    words = (diagnosis.message_primary if diagnosis else None) or str(error).strip() or type(error).__name__
    # Of several addresses that were tried the first is told.
    lines = [line for line in words.splitlines() if not line.startswith("Multiple connection attempts")]
    return one_line(
        lines[0].removeprefix("- ").removeprefix("connection failed: ").removeprefix("connection is bad: ").strip()
    )


def make_tables(database: Connection, verb: str) -> None:
    """Make the tables where there are none yet; raise UserError for those of a newer version."""
    if database.execute(THERE).fetchone() is None:
        with database.transaction():
            database.execute("SELECT pg_advisory_xact_lock(%s)", (LOCK,))
            if database.execute(THERE).fetchone() is None:
                _make(database, verb)
    row = database.execute("SELECT max(number) FROM seqsum.format").fetchone()
    if row is None or row[0] != FORMAT:
        found = row[0] if row else None
        raise UserError(f"{verb}: the tables there are of another version (format {found}, known is {FORMAT})")


def _make(database: Connection, verb: str) -> None:
    (encoding,) = database.execute("SHOW server_encoding").fetchone() or ("",)
    if encoding != "UTF8":
        raise UserError(f"{verb}: the database keeps texts as {encoding}; make one with createdb --encoding UTF8")
    database.execute("CREATE SCHEMA IF NOT EXISTS seqsum")
    for statement in RUN:
        database.execute(statement)
    for name, table in (STORE | FILES).items():
        columns = ", ".join(f"{column} {type}" for column, type in table.columns.items())
        database.execute(
            f"CREATE TABLE seqsum.{name}(run int8 NOT NULL REFERENCES seqsum.run ON DELETE CASCADE, {columns}, "
            f"PRIMARY KEY (run, {', '.join(table.key)}))"
        )
    database.execute("CREATE UNIQUE INDEX ON seqsum.metric(run, name)")
    for statement in FUNCTIONS:
        database.execute(statement)
    # Weights can't be made smaller; trying would take longer than sending them.
    database.execute("ALTER TABLE seqsum.part ALTER data SET STORAGE EXTERNAL")
    database.execute("INSERT INTO seqsum.format VALUES (%s)", (FORMAT,))


# Connections that stay open between two looks at a store


AWAY_SECONDS = 2.0
"""How long who is in a hurry does not try a server again that could not be reached."""
MOST_IDLE = 4
HELD_SECONDS = {"lock_timeout": "10s", "idle_in_transaction_session_timeout": "60s"}
"""How long who writes a run waits for another one, and how long one that does nothing more keeps others waiting."""


@dataclass
class _Known:
    """What a process knows of a server. A child of it begins anew: two can't talk over one connection."""

    process: int
    idle: list[Connection]
    away: str = ""
    until: float = 0.0


_known: dict[str, _Known] = {}
_lock = threading.Lock()


def _of(url: str) -> _Known:
    known = _known.get(url)
    if known is None or known.process != os.getpid():
        known = _known[url] = _Known(os.getpid(), [])
    return known


def lease(url: str, patience: float) -> Connection:
    """Return a connection for whoever asks a store, to be given back. patience: how long to wait for it, in seconds.

    Raises ServerAway where the server can't be reached, UserError where nothing else can help but a person.
    """
    with _lock:
        known = _of(url)
        while known.idle:
            found = known.idle.pop()
            # A server says nothing to who asks nothing, but that it ends.
            if not found.closed and not select.select([found], [], [], 0)[0]:
                return found
            found.close()
        # A list of thousands must not try for each of them.
        if known.away and patience < AWAY_SECONDS and time.monotonic() < known.until:
            raise ServerAway(known.away)
    psycopg = driver("runs")
    try:
        database = connect(url, max(2, round(patience)))
        try:
            for name, value in HELD_SECONDS.items():
                database.execute("SELECT set_config(%s, %s, false)", (name, value))
            make_tables(database, "runs")
        except BaseException:
            database.close()
            raise
    except psycopg.Error as error:
        with _lock:
            known.away, known.until = why(error), time.monotonic() + AWAY_SECONDS
        raise failure(error) from None
    with _lock:
        known.away = ""
    return database


def give_back(url: str, database: Connection) -> None:
    """Keep a connection for the next who asks, where it is of use."""
    import psycopg

    whole = not database.closed and database.info.transaction_status == psycopg.pq.TransactionStatus.IDLE
    with _lock:
        known = _of(url)
        if whole and len(known.idle) < MOST_IDLE:
            known.idle.append(database)
            return
    database.close()


def failure(error: Exception) -> ServerAway | UserError:
    """Return what psycopg says as what passes by itself, or what does not."""
    import psycopg

    passes = isinstance(error, psycopg.OperationalError | psycopg.InterfaceError)
    return ServerAway(why(error)) if passes else UserError(f"runs: the server with its store refuses: {why(error)}")

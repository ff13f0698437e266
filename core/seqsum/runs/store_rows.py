"""The rows of a store as they go between SQLite's file and a server's tables: all of them, to the bit."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seqsum.errors import UserError
from seqsum.runs import rollup
from seqsum.runs.server import STORE, Table

if TYPE_CHECKING:
    from seqsum.runs.server import Connection

KINDS = {"int8": "('integer')", "float8": "('real')", "text": "('text')"}


def check_kinds(database: sqlite3.Connection, path: Path) -> None:
    """Raise UserError where a column holds something of another kind, as SQLite lets it: no server would take it."""
    for name, table in STORE.items():
        there = _columns(database, name)
        wrong = " OR ".join(
            f"typeof({column}) NOT IN {KINDS[type.partition(' ')[0]]}"
            + ("" if type.endswith("NOT NULL") else f" AND {column} IS NOT NULL")
            for column, type in table.columns.items()
            if column in there
        )
        if there and database.execute(f"SELECT 1 FROM {name} WHERE {wrong} LIMIT 1").fetchone():
            raise UserError(f"runs: {path} is damaged: its table {name} holds what is of another kind")


def in_file(database: sqlite3.Connection, name: str) -> Iterator[tuple[Any, ...]]:
    """Yield the rows of a table in SQLite, in order, with what an earlier version's lacks as that would be read."""
    table, there = STORE[name], _columns(database, name)
    if not there:
        return
    absent = {column: "0" if type.startswith("INTEGER NOT NULL") else "NULL" for column, type in rollup.ADDED.items()}
    columns = ", ".join(column if column in there else absent.get(column, column) for column in table.columns)
    yield from database.execute(f"SELECT {columns} FROM {name} ORDER BY {', '.join(table.key)}")


def digest(database: sqlite3.Connection) -> str:
    """Return the SHA-256 of all rows of a store in SQLite."""
    made = hashlib.sha256()
    for name in STORE:
        made.update(f"{name}\n".encode())
        for row in in_file(database, name):
            made.update(repr(row).encode("utf-8", "surrogatepass"))
    return made.hexdigest()


def send(database: sqlite3.Connection, server: Connection, run: int) -> None:
    """Write all rows of a store in SQLite into the server's tables, where the run has none. In a transaction."""
    for name, table in STORE.items():
        columns = ", ".join(("run", *table.columns))
        with server.cursor().copy(f"COPY seqsum.{name}({columns}) FROM STDIN (FORMAT BINARY)") as copy:
            copy.set_types(["int8", *table.types])
            for row in in_file(database, name):
                copy.write_row((run, *row))


def fetch(server: Connection, run: int, database: sqlite3.Connection) -> None:
    """Write all rows of a run on the server into the tables of a new store in SQLite. In a transaction."""
    for name, table in STORE.items():
        database.execute(f"DELETE FROM {name}")
        marks = ", ".join("?" * len(table.columns))
        database.executemany(
            f"INSERT INTO {name}({', '.join(table.columns)}) VALUES ({marks})", on_server(server, run, name, table)
        )


def on_server(server: Connection, run: int, name: str, table: Table) -> Iterator[tuple[Any, ...]]:
    """Yield the rows of a table of a run on the server, in order."""
    query = f"SELECT {', '.join(table.columns)} FROM seqsum.{name} WHERE run = {run} ORDER BY {', '.join(table.key)}"
    with server.cursor().copy(f"COPY ({query}) TO STDOUT (FORMAT BINARY)") as copy:
        copy.set_types(table.types)
        yield from copy.rows()


def _columns(database: sqlite3.Connection, table: str) -> set[str]:
    return {row[1] for row in database.execute(f"PRAGMA table_info({table})")}

"""A run's store as another program sees and changes it."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from seqsum.runs.store import Store


def alter(store: Store, sql: str, *values: object) -> tuple[Any, ...] | None:
    """Run SQL on the store's file, on a connection of its own; return the first row of what it gives."""
    with closing(sqlite3.connect(store.path)) as database, database:
        row: tuple[Any, ...] | None = database.execute(sql, values).fetchone()
    return row


class Stores:
    """Makes one store, SQLite's or, with its URL, on a server, and opens it again."""

    def __init__(self, folder: Path, url: str = "") -> None:
        self.folder, self.url = folder, url

    def create(self, base: int, **state: Any) -> Store:
        if not self.url:
            return Store.create(self.folder / "metrics.db", base, state)
        from seqsum.runs.postgres_store import PostgresStore

        return PostgresStore.on(self.folder / "store.json", self.url, "a run", base, state)

    def again(self) -> Store:
        if not self.url:
            return Store(self.folder / "metrics.db")
        from seqsum.runs.postgres_store import PostgresStore

        key = json.loads((self.folder / "store.json").read_text())["run"]
        return PostgresStore(self.folder / "store.json", self.url, key)

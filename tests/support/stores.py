"""A run's store as another program sees and changes it."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import Any

from seqsum.runs.store import Store


def alter(store: Store, sql: str, *values: object) -> tuple[Any, ...] | None:
    """Run SQL on the store's file, on a connection of its own; return the first row of what it gives."""
    with closing(sqlite3.connect(store.path)) as database, database:
        row: tuple[Any, ...] | None = database.execute(sql, values).fetchone()
    return row

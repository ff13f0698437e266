"""What a run's folder and store hold, as the file system and SQLite themselves give it."""

from __future__ import annotations

import sqlite3
from contextlib import closing

from seqsum.runs import Run
from seqsum.runs.store import TABLES


def rows_of(run: Run) -> dict[str, list[str]]:
    """Every row of a run's store, table by table."""
    with closing(sqlite3.connect(run.folder / "metrics.db")) as database:
        return {
            table: [repr(row) for row in database.execute(f"SELECT * FROM {table} ORDER BY 1, 2")]
            for table in (*TABLES, "copy")
        }


def files_of(run: Run) -> dict[str, tuple[int, bytes | None]]:
    """What lies in a run's folder, but for its store, its locks and links: when it was written, and its bytes."""
    return {
        str(path.relative_to(run.folder)): (path.stat().st_mtime_ns, path.read_bytes() if path.is_file() else None)
        for path in run.folder.rglob("*")
        if not path.name.startswith((".", "metrics.db", "worker.lock")) and not path.is_symlink()
    }

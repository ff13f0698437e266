"""Whole runs on a server: pushed there and pulled back, with every row and every file, to the bit.

A run is pushed, replaced and pulled as a whole: on the server in one transaction, here in a folder that gets its name
when all of it is there and matches its checksums.
"""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
import stat
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seqsum.errors import UserError, told_as
from seqsum.files import parse_json
from seqsum.formatting import count, size
from seqsum.runs import store_rows
from seqsum.runs.database import connect
from seqsum.runs.kinds import Fields
from seqsum.runs.moving import (
    PART,
    Content,
    Snapshot,
    arrive,
    content_of,
    held,
    parts_of,
    paths_of,
    place_of,
    set_times,
    unlike_here,
)
from seqsum.runs.record import some
from seqsum.runs.run import METRICS_FILE, Run
from seqsum.runs.store import PATIENCE_SECONDS, Store
from seqsum.runs.workspace import GROUP, Workspace
from seqsum.text import one_line, printable

if TYPE_CHECKING:
    from seqsum.runs.server import Connection


@dataclass(frozen=True)
class Pushed:
    """A run as it lies on a server. written: when it was pushed, in seconds since 1970."""

    key: int
    id: str
    digest: str
    written: float
    size: int
    files: int
    points: int
    facts: Fields = field(repr=False)

    @property
    def name(self) -> str:
        return self.facts.text("name", self.id)

    def told(self) -> dict[str, Any]:
        """What is said of it, ready for JSON."""
        said = {name: self.facts.text(name) for name in ("preset", "status", "group", "owner", "host")}
        counts = {"points": self.points, "files": self.files, "bytes": self.size, "pushed": self.written}
        return {"name": self.name, **said, "step": self.facts.whole("step"), **counts}


# On the server


def listed(server: Connection) -> list[Pushed]:
    """Return the runs that were pushed to a server, the newest first."""
    rows = server.execute(
        "SELECT key, id, digest, facts, written,"
        " (SELECT coalesce(sum(size), 0)::int8 FROM seqsum.file WHERE run = key),"
        " (SELECT count(size) FROM seqsum.file WHERE run = key),"
        " (SELECT coalesce(sum(finite + nonfinite), 0)::int8 FROM seqsum.rollup WHERE run = key AND level = 1)"
        " FROM seqsum.run WHERE pushed ORDER BY id DESC"
    ).fetchall()
    return [_pushed(*row) for row in rows]


def _pushed(
    key: int, id: str, digest: str, facts: str, written: datetime, size: int, files: int, points: int
) -> Pushed:
    try:
        said = parse_json(facts)
    except ValueError:
        said = {}
    known = Fields(said if isinstance(said, dict) else {}, "facts")
    return Pushed(key, id, digest, written.timestamp(), size, files, points, known)


def meant(there: list[Pushed], texts: list[str]) -> list[Pushed]:
    """Return the runs on a server that are named: by id, its beginning, a name or group:NAME; each once.

    Raises UserError where a text names none, or several.
    """
    found: dict[int, Pushed] = {}
    for text in texts:
        if text.startswith(GROUP):
            named = [one for one in there if one.facts.text("group") == text.removeprefix(GROUP)]
        else:
            named = [one for one in there if one.id == text] or [one for one in there if one.name == text]
            named = named or [one for one in there if text and one.id.startswith(text)]
            if len(named) > 1:
                ids = some([one.id for one in named])
                raise UserError(f'runs: "{printable(text)}" names {len(named)} runs there; say which by id: {ids}')
        if not named:
            raise UserError(f'runs: no run "{printable(text)}" is there; seqsum pull --list shows those that are')
        found |= {one.key: one for one in named}
    return list(found.values())


def _content_there(server: Connection, run: Pushed) -> Content:
    rows = server.execute("SELECT path, sha256 FROM seqsum.file WHERE run = %s ORDER BY path", (run.key,)).fetchall()
    return Content(run.digest, dict(rows))


# From here to there


def push(server: Connection, run: Run, *, replace: bool = False) -> tuple[Pushed, bool]:
    """Copy a whole run to a server; return it as it is there, and whether anything had to be sent.

    replace: put it in the place of one of the same id that differs.
    Raises UserError for a run that a worker is at, that can't be read, or that differs from the one there.
    """
    summary = run.summary()
    with held(run, "push"), told_as(f"push: can't read {run.folder}", sqlite3.Error), Snapshot(run) as database:
        store_rows.check_kinds(database, run.folder / METRICS_FILE)
        here = content_of(run, database)
        facts = {
            "name": summary.name, "preset": summary.preset, "status": summary.status, "step": summary.step,
            "group": summary.group or "", "owner": summary.owner, "host": summary.host,
        }  # fmt: skip
        with server.transaction():
            # Who pushes the same run at the same moment waits here.
            row = server.execute(
                "INSERT INTO seqsum.run(pushed, id, digest, facts) VALUES (true, %s, %s, %s)"
                " ON CONFLICT DO NOTHING RETURNING key",
                (run.id, here.store, json.dumps(facts)),
            ).fetchone()
            if row is None:
                (there,) = [one for one in listed(server) if one.id == run.id]
                unlike = _content_there(server, there).unlike(here)
                if not unlike:
                    return there, False
                if not replace:
                    raise UserError(
                        f"push: run {run.id} is there already, and differs in {some(unlike)}; --force puts this one in "
                        "its place"
                    )
                server.execute("DELETE FROM seqsum.run WHERE key = %s", (there.key,))
                row = server.execute(
                    "INSERT INTO seqsum.run(pushed, id, digest, facts) VALUES (true, %s, %s, %s) RETURNING key",
                    (run.id, here.store, json.dumps(facts)),
                ).fetchone()
            assert row is not None
            store_rows.send(database, server, row[0])
            _send_files(server, row[0], run, here)
        (made,) = [one for one in listed(server) if one.id == run.id]
    return made, True


def _send_files(server: Connection, key: int, run: Run, here: Content) -> None:
    for path, facts in paths_of(run.folder):
        folder = stat.S_ISDIR(facts.st_mode)
        server.execute(
            "INSERT INTO seqsum.file(run, path, size, sha256, mtime) VALUES (%s, %s, %s, %s, %s)",
            (key, path, None if folder else facts.st_size, here.files.get(path, ""), facts.st_mtime_ns),
        )
        if folder:
            continue
        made = hashlib.sha256()
        for number, data in enumerate(parts_of(run.folder / path)):
            made.update(data)
            insert = "INSERT INTO seqsum.part(run, path, number, data) VALUES (%s, %s, %s, %b)"
            server.execute(insert, (key, path, number, data))
        if made.hexdigest() != here.files.get(path):
            raise UserError(f"push: {run.folder / path} changed meanwhile; try again")


# From there to here


def pull(server: Connection, there: Pushed, workspace: Workspace, *, replace: bool = False) -> tuple[Run, bool]:
    """Bring a whole run from a server into a workspace; return it, and whether anything had to be fetched.

    replace: put a run here of the same id that differs into the bin before.
    Raises UserError for what is there and no run of ours, or when the run here differs.
    """
    return arrive(
        workspace,
        there.id,
        "pull",
        lambda run: unlike_here(run, _content_there(server, there)),
        lambda folder: _fetch(server, there, folder),
        replace=replace,
    )


def _fetch(server: Connection, there: Pushed, folder: Path) -> None:
    """Write all of a run into an empty folder. Raises UserError where what comes is not what was pushed."""
    # All of it as it is at one moment: somebody may push it anew meanwhile.
    with server.transaction():
        server.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        found = server.execute("SELECT digest FROM seqsum.run WHERE key = %s", (there.key,)).fetchone()
        if found is None:
            raise UserError(f"pull: run {there.id} was replaced there, or deleted; try again")
        with Store.create(folder / METRICS_FILE, 1, {}) as store, store.transaction():
            store_rows.fetch(server, there.key, store.database)
        with closing(connect(folder / METRICS_FILE, "mode=rw", PATIENCE_SECONDS)) as database:
            if store_rows.digest(database) != found[0]:
                raise UserError(f"pull: {METRICS_FILE} of run {there.id} does not match its checksum there")
        _fetch_files(server, there, folder)


def _fetch_files(server: Connection, there: Pushed, folder: Path) -> None:
    rows = server.execute(
        'SELECT path, size, sha256, mtime FROM seqsum.file WHERE run = %s ORDER BY path COLLATE "C"', (there.key,)
    ).fetchall()
    times = dict[Path, int]()
    for path, length, checksum, mtime in rows:
        place = place_of(folder, path, "pull")
        times[place] = mtime
        if length is None:
            place.mkdir()
            continue
        made = hashlib.sha256()
        with place.open("xb") as file:
            for number in range(-(-length // PART)):
                data = _part(server, there.key, path, number)
                made.update(data)
                file.write(data)
            file.flush()
            os.fsync(file.fileno())
        if made.hexdigest() != checksum:
            raise UserError(f"pull: {one_line(path)} of run {there.id} does not match its checksum there")
    # What is written into a folder changes its time.
    set_times(times)


def _part(server: Connection, key: int, path: str, number: int) -> bytes:
    query = "SELECT data FROM seqsum.part WHERE run = %s AND path = %s AND number = %s"
    row = server.execute(query, (key, path, number), binary=True).fetchone()
    return b"" if row is None else bytes(row[0])


def told(pushed: Pushed) -> str:
    """How much a run is, in words."""
    return f"{count(pushed.points, 'point')}, {count(pushed.files, 'file')}, {size(pushed.size)}"

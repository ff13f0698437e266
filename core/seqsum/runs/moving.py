"""Whole runs on their way from one place to another: what of a folder goes, and how it comes into a workspace."""

from __future__ import annotations

import hashlib
import os
import sqlite3
import stat
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path

from seqsum.errors import UserError, told_as
from seqsum.files import open_regular, sync_folder
from seqsum.runs import bin, kept, store_rows
from seqsum.runs.access import read_only
from seqsum.runs.bounds import RUN_NAME, inside, remove
from seqsum.runs.changes import tell_changed
from seqsum.runs.database import connect
from seqsum.runs.kept import RUN_FILE
from seqsum.runs.lock import LOCK_FILE, no_worker
from seqsum.runs.record import some
from seqsum.runs.run import CHECKPOINTS, METRICS_FILE, Run
from seqsum.runs.store import PATIENCE_SECONDS
from seqsum.runs.workspace import Workspace
from seqsum.text import one_line

PART = 4 * 2**20
"""Bytes of a file that go at once."""
STORE_FILES = (METRICS_FILE, f"{METRICS_FILE}-wal", f"{METRICS_FILE}-shm", f"{METRICS_FILE}-journal")
NOT_SENT = (*STORE_FILES, LOCK_FILE, RUN_FILE)
DEEPEST = 16


@dataclass(frozen=True)
class Content:
    """What a run holds: the SHA-256 of its store's rows, and of each of its files, by their path; of a folder ""."""

    store: str
    files: Mapping[str, str]

    def unlike(self, other: Content) -> list[str]:
        """Return the names of what is not the same in both; of a folder that only one has its own name alone."""
        paths = sorted({*self.files, *other.files})
        unlike = {path for path in paths if self.files.get(path) != other.files.get(path)}
        differ = [path for path in paths if path in unlike and path.rpartition("/")[0] not in unlike]
        return differ if self.store == other.store else [METRICS_FILE, *differ]


def paths_of(folder: Path) -> Iterator[tuple[str, os.stat_result]]:
    """Yield what of a run's folder is sent, each folder before what is in it: no link, nothing temporary, no lock."""
    todo = [""]
    while todo:
        prefix = todo.pop()
        with os.scandir(folder / prefix) as entries:
            found = sorted(entries, key=lambda entry: entry.name)
        for entry in found:
            path, facts = f"{prefix}{entry.name}", entry.stat(follow_symlinks=False)
            if entry.name.startswith(".") or path in NOT_SENT:
                continue
            if stat.S_ISDIR(facts.st_mode):
                todo.append(f"{path}/")
            if stat.S_ISDIR(facts.st_mode) or stat.S_ISREG(facts.st_mode):
                yield path, facts


def parts_of(path: Path) -> Iterator[bytes]:
    """Yield what a regular file holds, piece by piece. Raises OSError."""
    with open_regular(path) as file:
        while data := file.read(PART):
            yield data


def checksum_of(path: Path) -> str:
    """Return the SHA-256 of a regular file. Raises OSError."""
    made = hashlib.sha256()
    for data in parts_of(path):
        made.update(data)
    return made.hexdigest()


def content_of(run: Run, database: sqlite3.Connection) -> Content:
    """Return what a run holds. database: its store as it is at a moment."""
    files = {
        path: "" if stat.S_ISDIR(facts.st_mode) else checksum_of(run.folder / path)
        for path, facts in paths_of(run.folder)
    }
    return Content(store_rows.digest(database), files)


class Snapshot:
    """A run's store as it is at a moment, in a file of its own; a context."""

    def __init__(self, run: Run) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="seqsum-")
        try:
            path = Path(self._folder.name) / METRICS_FILE
            with run.store() as store:
                store.copy_to(path)
            self.database = connect(path, "mode=rw", PATIENCE_SECONDS)
        except BaseException:
            self._folder.cleanup()
            raise

    def __enter__(self) -> sqlite3.Connection:
        return self.database

    def __exit__(self, *_: object) -> None:
        self.database.close()
        self._folder.cleanup()


def place_of(folder: Path, path: str, verb: str) -> Path:
    """Return where a file of a run lies: a stranger's words lead nowhere else, nor over what is ours.

    Raises UserError, which begins with `verb`.
    """
    names = path.split("/")
    if len(names) > DEEPEST or names[0] in NOT_SENT or any(name.startswith(".") for name in names):
        raise UserError(f"{verb}: {one_line(path)} is no file of a run")
    for name in names:
        folder = inside(folder, name)
    return folder


def held(run: Run, verb: str) -> AbstractContextManager[None]:
    """Hold off workers from a run while it is read; one that can't be written needs it not.

    Raises UserError, which begins with `verb`, where a worker is at it.
    """
    return nullcontext() if read_only(run.folder) and not run.worker_lives else no_worker(run.folder, verb)


def arrive(
    workspace: Workspace,
    id: str,
    verb: str,
    unlike: Callable[[Run], list[str]],
    fetch: Callable[[Path], None],
    *,
    replace: bool = False,
) -> tuple[Run, bool]:
    """Bring a run into a workspace, whole or not at all; return it, and whether anything had to be fetched.

    unlike: names what differs in a run of this id that is here. fetch: writes all of it into an empty folder, its store
    as SQLite's file. replace: put a run here that differs into the bin before.
    Raises UserError, which begins with `verb`, for what is no name of a run, or when the run here differs.
    """  # fmt: skip
    if RUN_NAME.fullmatch(id) is None:
        inside(workspace.folder, id)
        if id.startswith("."):
            raise UserError(f"{verb}: {one_line(id)} is no name of a run")
    run = Run(workspace.folder / id)
    with workspace.alone(), told_as(f"{verb}: can't write {workspace.folder}", sqlite3.Error):
        if os.path.lexists(run.folder):
            differs = unlike(run)
            if not differs:
                return run, False
            if not replace:
                raise UserError(
                    f"{verb}: run {run.id} is in {workspace.folder} already, and differs in {some(differs)}; --force "
                    "puts that one into the bin first"
                )
        workspace.clear_unfinished()
        building = workspace.folder / f".{id}.new"
        building.mkdir()
        try:
            fetch(building)
            if kept.server_of(workspace.folder) is not None:
                with kept.new_on_server(building, id, 1, {}) as store:
                    store.restore_from(building / METRICS_FILE)
                for name in STORE_FILES:
                    remove(building / name)
            (building / CHECKPOINTS).mkdir(exist_ok=True)
            if os.path.lexists(run.folder):
                bin.delete(run)
            building.rename(run.folder)
        except BaseException:
            with suppress(OSError, UserError):
                kept.remove_kept(building)
            raise
        sync_folder(workspace.folder)
    tell_changed(run.folder)
    return run, True


def unlike_here(run: Run, other: Content) -> list[str]:
    """Return what differs in a run from what another holds; a damaged one does."""
    try:
        with Snapshot(run) as database:
            here = content_of(run, database)
    except (UserError, OSError, sqlite3.Error):
        return [METRICS_FILE]
    return other.unlike(here)


def set_times(times: dict[Path, int]) -> None:
    """Give files and folders, each folder before what is in it, the times (ns) at which they were written."""
    for place in reversed(times):
        if place.is_dir():
            sync_folder(place)
        os.utime(place, ns=(times[place], times[place]))

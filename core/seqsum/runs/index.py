"""Thousands of runs at once: what was read of each is kept, in memory and in a file, until its files change.

The run folders are the truth. The file `<workspace>/.index.db` is a copy that can be thrown away at any time: one that
is damaged, or of another version, is made anew. A workspace that can't be written is read without it.
"""

from __future__ import annotations

import json
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass, fields, replace
from itertools import chain
from pathlib import Path
from typing import Any, TypeVar

from seqsum.errors import UserError
from seqsum.files import file_stamp
from seqsum.runs import kept
from seqsum.runs.annotations import ANNOTATIONS_FILE
from seqsum.runs.bounds import run_names
from seqsum.runs.changes import ChangedRuns
from seqsum.runs.database import StoreBusy, connect
from seqsum.runs.disk import size_on_disk
from seqsum.runs.entry import CURVE_POINTS, Entry, read_entry, stale_entry, unreadable_entry
from seqsum.runs.record import RECORD_FILE
from seqsum.runs.run import METRICS_FILE, Run, Summary
from seqsum.runs.store import OF_LOG
from seqsum.runs.verdict import Verdict

INDEX_FILE = ".index.db"
# Another version of what is kept makes the file anew.
FORMAT = f"7 {CURVE_POINTS} " + " ".join(part.name for part in fields(Summary))
SCHEMA = """
CREATE TABLE IF NOT EXISTS format(text TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS entry(run TEXT PRIMARY KEY, stamp TEXT NOT NULL, config TEXT NOT NULL, rest TEXT NOT NULL)
    WITHOUT ROWID;
"""
# The kinds of a summary's fields: the file may be a stranger's, as everything in the workspace.
NONE, NUMBER = type(None), (int, float)
KINDS: dict[str, type | tuple[type, ...]] = {
    **dict.fromkeys(("id", "name", "preset", "status", "note", "task", "owner", "host", "follows"), str),
    **dict.fromkeys(("step", "steps"), int),
    **dict.fromkeys(("created", "updated", "steps_per_second"), NUMBER),
    "script": bool,
    "train_seconds": (*NUMBER, NONE),
    **dict.fromkeys(("reason", "group"), (str, NONE)),
    **dict.fromkeys(("pid", "durable_step", "size", "launcher"), (int, NONE)),
    "metrics": dict,
    "behind": dict,
    "verdict": (Verdict, NONE),
    "place": NONE,
}
FILES = (METRICS_FILE, METRICS_FILE + "-wal", RECORD_FILE, ANNOTATIONS_FILE)
SAVE_AT = 500
# A quick reading looks closely at the live ones, and at this many of the others: by their folder's time, and by all.
QUICK_FOLDERS = 150
QUICK_FILES = 30
# How long a reading waits for programs that hold stores, all of them together; and for one that holds the index.
BUSY_SECONDS = 0.25
INDEX_SECONDS = 0.1
# Two changes within one tick of a file system's clock look like one.
TICK_NS = 2_000_000_000
SIZE_SECONDS = 10.0
"""How long the size of a run that trains is as it was: all of its files are looked at."""

Stamp = tuple[int, ...]
Made = TypeVar("Made")


@dataclass(frozen=True)
class IndexedRuns:
    """entries: newest first; the same object as last time when nothing changed. unread: runs that are still to be
    read, or read again."""

    entries: tuple[Entry, ...]
    unread: int = 0


@dataclass(slots=True)
class _Known:
    """folder_time: the folder's time while its files were known to be as `files` says; -1 when that is not known.
    again: it could not be read whole, and is tried again whatever its files' times say. busy: a program held its store.
    measured: when its size was, on a clock that only goes forward.
    """

    folder: str
    files: Stamp
    entry: Entry
    folder_time: int = -1
    pulse: bool | str = False
    racy: bool = False
    again: bool = False
    busy: bool = False
    measured: float = 0.0


class Index:
    """Reads a workspace's runs. Threads may share one."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.messages: list[str] = []
        self._lock = threading.RLock()
        self._changes = ChangedRuns(folder)
        self._known: dict[str, _Known] = {}
        self._names: tuple[str, ...] = ()
        self._listed: int | None = None
        self._sorted: tuple[tuple[str, ...], list[str], list[str], list[str]] | None = None
        self._turn = 0
        self._loaded = False
        self._entries: tuple[Entry, ...] = ()
        self._sections: dict[str, tuple[str, Mapping[str, Any]]] = {}
        self._unsaved: dict[str, _Known] = {}
        self._gone: set[str] = set()
        self._patience = BUSY_SECONDS

    def read(
        self,
        seconds: float | None = None,
        *,
        quick: bool = False,
        closely: Collection[str] = (),
        only_new: bool = False,
    ) -> IndexedRuns:
        """Return what each run is doing.

        Args:
            seconds: how long runs are read at most; what is left counts as `unread`. At least one is read.
            quick: look for changes of live runs, of new ones, of those that were told (see `changes`), and of a
                share of the others, a few hundred files in all: what else changed is found some readings later.
            closely: ids of runs that a quick reading looks at whatever their turn is.
            only_new: read none that was read before: for who asks for what a run has from its first moment.

        Raises UserError when the workspace can't be read.
        """
        with self._lock:
            if not self._loaded:
                self._load()
            self._patience = BUSY_SECONDS
            before, names = self._names, self._list(quick or only_new)
            gone = set() if names is before and len(names) == len(self._known) else self._known.keys() - set(names)
            for id in gone:
                del self._known[id]
                self._gone.add(id)
            due = self._never_read(names) if only_new else self._due(names, quick, {*closely, *self._changes.read()})
            deadline = None if seconds is None else time.monotonic() + seconds
            changed, done = bool(gone), 0
            for id in due:
                if done and deadline is not None and time.monotonic() > deadline:
                    break
                changed = self._read(id) or changed
                done += 1
            if done or changed:
                self._sorted = None
            if changed or len(self._entries) != len(self._known):
                # The ids tell the second only, and in local time.
                entries = (known.entry for known in self._known.values())
                self._entries = tuple(
                    sorted(entries, key=lambda entry: (entry.summary.created, entry.summary.id), reverse=True)
                )
            unread = len(due) - done
            if len(self._unsaved) >= SAVE_AT or (not unread and (self._unsaved or self._gone)):
                self._save()
            return IndexedRuns(self._entries, unread)

    # What there is, and what of it has to be read

    def _list(self, quick: bool) -> tuple[str, ...]:
        """The names of run folders, newest first."""
        try:
            stamp = self.folder.stat().st_mtime_ns
            if quick and stamp == self._listed:
                return self._names
            now = time.time_ns()
            names = run_names(self.folder, self._known if quick else ())
        except (FileNotFoundError, NotADirectoryError):
            self._listed, self._names = None, ()
            return ()
        except OSError as error:
            raise UserError(f"workspace: can't read {self.folder}: {error.strerror}") from None
        self._names = tuple(names)
        self._listed = None if now - stamp < TICK_NS else stamp
        return self._names

    def _never_read(self, names: tuple[str, ...]) -> list[str]:
        return self._in_parts(names)[0]

    def _in_parts(self, names: tuple[str, ...]) -> tuple[list[str], list[str], list[str]]:
        """Those never read, those that were live, and the others; newest first in each."""
        # Thousands of names, several times a second: they are sorted again only when something was read.
        if self._sorted is None or self._sorted[0] is not names:
            live = [name for name in names if name in self._known and self._known[name].entry.summary.live]
            alive = set(live)
            ended = [name for name in names if name in self._known and name not in alive]
            self._sorted = names, [name for name in names if name not in self._known], live, ended
        return self._sorted[1:]

    def _due(self, names: tuple[str, ...], quick: bool, closely: Collection[str]) -> list[str]:
        """Those never read, then those that changed; newest first in each."""
        new, live, ended = self._in_parts(names)
        due = [*new, *(name for name in live if self._changed(self._known[name], True))]
        if not quick:
            return due + [name for name in ended if self._changed(self._known[name], True)]
        close = dict.fromkeys(_turn(ended, self._turn * QUICK_FILES, QUICK_FILES))
        close.update((id, None) for id in closely if id in self._known and not self._known[id].entry.summary.live)
        glanced = [name for name in _turn(ended, self._turn * QUICK_FOLDERS, QUICK_FOLDERS) if name not in close]
        self._turn += 1
        due += [name for name in close if self._changed(self._known[name], True)]
        return due + [name for name in glanced if self._changed(self._known[name], False)]

    def _changed(self, known: _Known, closely: bool) -> bool:
        """Whether a run has to be read again. Whoever writes an ended run makes or replaces a file in its folder, but
        for a few file systems: so its folder's time tells, most of the time."""
        live = known.entry.summary.live
        folder_time = file_stamp(known.folder)[0]
        if not live and not closely and folder_time == known.folder_time:
            return False
        if known.again or _stamp(known.folder) != known.files:
            return True
        if live:
            return known.racy or _pulse(Path(known.folder), known.entry) != known.pulse
        known.folder_time = folder_time
        return False

    def _read(self, id: str) -> bool:
        """Read a run again; return whether the list changed."""
        folder = f"{self.folder}/{id}"
        now, files = time.time_ns(), _stamp(folder)
        path, before = Path(folder), self._known.get(id)
        pulse, busy, whole = _pulse(path, before.entry if before is not None else None), False, False
        began = time.monotonic()
        try:
            # Whoever held it the last time is not waited for again: a list of many such would never end.
            patience = 0.0 if before is not None and before.busy else self._patience
            entry = read_entry(Run(path), patience, before.entry if before is not None else None)
            whole = True
            # It was there when the run was read: where it is gone since, that is a change.
            pulse = pulse or entry.summary.launcher is not None
        except StoreBusy as error:
            self._patience = max(0.0, self._patience - (time.monotonic() - began))
            busy = True
            entry = stale_entry(Run(path), before.entry if before is not None else None, str(error))
        except (UserError, OSError) as error:
            if not os.path.lexists(folder):
                return self._known.pop(id, None) is not None
            reason = str(error) if isinstance(error, UserError) else f"{path}: {error.strerror or error}"
            entry = unreadable_entry(Run(path), reason, before.entry if before is not None else None)
        size, measured = self._size(folder, before, live=entry.summary.live)
        entry = replace(entry, summary=replace(entry.summary, size=size))
        # Runs of one configuration share its sections.
        shared = Entry(entry.summary, self._config(_section_lines(entry.config)), entry.curves)
        known = _Known(folder, files, shared, pulse=pulse, racy=now - max(files) < TICK_NS, again=not whole, busy=busy)
        known.measured = measured
        # Reading itself makes and removes SQLite's files beside the store, so the folder's time counts from here on.
        folder_time = file_stamp(folder)[0]
        if _stamp(folder) == files:
            known.folder_time = folder_time
        self._known[id] = known
        # What can't be read now is not kept in the file: what was known of it stays there. What a log has amiss is
        # written in the run's store, and is so until that changes.
        lasting = all(problem.startswith(OF_LOG) for problem in entry.summary.problems)
        if whole and not entry.summary.live and lasting:
            self._unsaved[id] = known
        elif id in self._unsaved and whole:
            del self._unsaved[id]
        return before is None or before.entry != entry

    def _size(self, folder: str, before: _Known | None, *, live: bool) -> tuple[int | None, float]:
        """Return what a run takes on the disk, and when that was looked at."""
        now = time.monotonic()
        if live and before is not None and before.measured and now - before.measured < SIZE_SECONDS:
            return before.entry.summary.size, before.measured
        return size_on_disk(folder), now

    def _config(self, lines: str) -> dict[str, Mapping[str, Any]]:
        found = {}
        for line in lines.split("\n") if lines else ():
            if line not in self._sections:
                name, values = json.loads(line)
                self._sections[line] = name, values
            name, values = self._sections[line]
            found[name] = values
        return found

    # The file

    @property
    def path(self) -> Path:
        return self.folder / INDEX_FILE

    def _load(self) -> None:
        self._loaded = True
        try:
            if self.path.is_symlink() or not self.path.is_file():
                return
        except OSError:  # nobody may look into the workspace, which whoever lists it is told
            return

        def read(database: sqlite3.Connection) -> tuple[Any, list[Any]]:
            row = database.execute("SELECT text FROM format").fetchone()
            return row, database.execute("SELECT run, stamp, config, rest FROM entry").fetchall()

        found = self._with_file("mode=ro", read)
        if found is None:
            return
        row, rows = found
        if row is None or row[0] != FORMAT:
            self._discard(damaged=False)
            return
        try:
            for id, stamp, config, rest in rows:
                self._known[id] = _Known(f"{self.folder}/{id}", tuple(json.loads(stamp)), self._entry(config, rest))
        except (ValueError, TypeError, LookupError, AttributeError, RecursionError):
            self._known.clear()
            self._discard(damaged=True)

    def _entry(self, config: str, rest: str) -> Entry:
        values, curves = json.loads(rest)
        verdict = Verdict(**values["verdict"]) if values["verdict"] else None
        lists = {name: tuple(values[name]) for name in ("tags", "problems")}
        summary = Summary(**{**values, **lists, "verdict": verdict})
        if any(not isinstance(getattr(summary, name), kinds) for name, kinds in KINDS.items()):
            raise ValueError(summary.id)
        numbers = chain(summary.metrics.values(), summary.behind.values(), *curves.values())
        if not all(isinstance(value, float | int) for value in numbers):
            raise ValueError(summary.id)
        return Entry(summary, self._config(config), {name: tuple(values) for name, values in curves.items()})

    def _discard(self, damaged: bool) -> None:
        try:
            self.path.unlink(missing_ok=True)
        except OSError:
            return
        if damaged:
            self.messages.append(f"The index of runs was damaged; it is made anew ({self.path}).")

    def _save(self) -> None:
        unsaved, gone = self._unsaved, self._gone
        self._unsaved, self._gone = {}, set()
        if self.path.is_symlink() or (self.path.exists() and not self.path.is_file()):
            return

        def write(database: sqlite3.Connection) -> None:
            # No fsync: after a power cut a damaged index is made anew.
            database.execute("PRAGMA synchronous=OFF")
            database.executescript(SCHEMA)
            database.execute("BEGIN IMMEDIATE")
            database.execute("DELETE FROM format")
            database.execute("INSERT INTO format VALUES (?)", (FORMAT,))
            database.executemany("DELETE FROM entry WHERE run = ?", [(id,) for id in gone])
            database.executemany("INSERT OR REPLACE INTO entry VALUES (?, ?, ?, ?)", _rows(unsaved.items()))
            database.execute("COMMIT")

        self._with_file("mode=rwc", write)

    def _with_file(self, how: str, work: Callable[[sqlite3.Connection], Made]) -> Made | None:
        """Return what comes of work on the file; None where it is locked, full, damaged or not to be opened."""
        try:
            with closing(connect(self.path, how, INDEX_SECONDS)) as database:
                return work(database)
        except sqlite3.OperationalError:
            return None  # this time without it
        except sqlite3.DatabaseError:
            self._discard(damaged=True)
            return None


def _pulse(folder: Path, known: Entry | None) -> bool | str:
    """Whether a worker is at a run and goes on; known: what was read of it last."""
    try:
        return Run(folder).pulse(known.summary.pid, known.summary.launcher) if known else Run(folder).pulse(None)
    except OSError:
        return False


def _turn(names: list[str], first: int, most: int) -> list[str]:
    """Return `most` of the names, or all, beginning where it is their turn."""
    count = min(most, len(names))
    return [names[(first + place) % len(names)] for place in range(count)]


def _rows(known: Iterable[tuple[str, _Known]]) -> Iterable[tuple[str, str, str, str]]:
    for id, one in known:
        summary = one.entry.summary
        verdict = summary.verdict.__dict__ if summary.verdict else None
        rest = json.dumps([{**summary.__dict__, "verdict": verdict}, dict(one.entry.curves)])
        yield id, json.dumps(one.files), _section_lines(one.entry.config), rest


def _section_lines(config: Mapping[str, Mapping[str, Any]]) -> str:
    return "\n".join(json.dumps([name, values]) for name, values in config.items())


def _stamp(folder: str) -> Stamp:
    """When the run's files last changed, in nanoseconds; 0 for one that is not there. Of a store on a server, how
    often."""
    found = tuple(file_stamp(f"{folder}/{name}")[0] for name in FILES)
    return found if found[0] else (kept.version_of(folder), *found[1:])

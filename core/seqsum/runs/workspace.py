"""A workspace: the folder that holds run folders. The folders are the truth."""

from __future__ import annotations

import os
import re
import secrets
import sqlite3
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seqsum import formatting
from seqsum.errors import UserError, did_you_mean
from seqsum.files import alone, sync_folder
from seqsum.folders import default_workspace
from seqsum.runs import kept, rewinding
from seqsum.runs.access import read_only
from seqsum.runs.annotations import FOLDERS, LONGEST_NAME, check_name
from seqsum.runs.bounds import RUN_NAME, is_run, run_names
from seqsum.runs.gone import BIN_FOLDER, RunGone, emptied
from seqsum.runs.index import Index
from seqsum.runs.lock import this_boot
from seqsum.runs.record import RECORD_FILE, Record
from seqsum.runs.rollup import unit_of
from seqsum.runs.run import CHECKPOINTS, METRICS_FILE, Run, Summary
from seqsum.runs.store import Store
from seqsum.text import one_line, printable

if TYPE_CHECKING:
    from seqsum.config import Config

MOST_TOLD = 5
GROUP = "group:"
"""What stands before a group's name, where a run may be meant as well."""
UNFINISHED = re.compile(rf"\.{RUN_NAME.pattern}\.new")
ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"


class Workspace:
    """A folder of runs."""

    def __init__(self, folder: Path | None = None) -> None:
        folder = folder or default_workspace()
        try:
            self.folder = folder.expanduser().absolute()
        except (OSError, RuntimeError) as error:
            raise UserError(f"workspace: can't find {folder}: {error}") from None
        if self.folder.exists() and not self.folder.is_dir():
            raise UserError(f"workspace: {self.folder} is not a folder; choose another with --workspace")
        self.index = Index(self.folder)
        self._making = threading.RLock()
        self._is_alone = False

    @property
    def bin(self) -> Workspace:
        """The deleted runs: a folder of runs as well."""
        return Workspace(self.folder / BIN_FOLDER)

    def runs(self) -> list[Run]:
        """Return every run, newest first, those that can't be read among them."""
        try:
            names = run_names(self.folder)
        except (FileNotFoundError, NotADirectoryError):
            return []
        except OSError as error:
            raise UserError(f"workspace: can't read {self.folder}: {error.strerror}") from None
        return [Run(self.folder / name) for name in names]

    def summaries(self) -> list[Summary]:
        """Return what each run is doing, newest first. A run whose files did not change is not read again."""
        return [entry.summary for entry in self.index.read().entries]

    def members(self, group: str) -> list[Run]:
        """Return the runs of a group, newest first."""
        # A run has its group from its first moment: thousands need not be looked at again.
        found = self.index.read(only_new=True).entries
        return [Run(self.folder / entry.summary.id) for entry in found if entry.summary.group == group]

    def create(
        self,
        preset: str,
        config: Config,
        name: str | None = None,
        *,
        stem: str | None = None,
        parent: dict[str, Any] | None = None,
        state: Mapping[str, Any] | None = None,
        fill: Callable[[Path, Store], None] | None = None,
    ) -> Run:
        """Make a run's folder, whole or not at all; it waits (`queued`) until a worker is launched for it.

        Without a name the run is called after its preset, or `stem`, with a number when that name is taken.
        parent, state, fill: a fork's parent, what its state begins with, and what puts files into its folder and events
        into its store.
        Raises UserError when the workspace can't be written.
        """

        def record(id: str, name: str) -> Record:
            return Record.new(id, name, preset, config, parent)

        return self.create_with(record, name, stem or preset, state, fill)

    def create_with(
        self,
        record: Callable[[str, str], Record],
        name: str | None,
        stem: str,
        state: Mapping[str, Any] | None = None,
        fill: Callable[[Path, Store], None] | None = None,
    ) -> Run:
        """Make a run's folder as `create` does. record: makes the record of an id and a name."""
        if name is not None:
            name = check_name(name)
        with self.alone():
            return self._create(record, name, stem, {} if state is None else state, fill)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Hold off other programs that make runs here: names and seeds that are free stay so meanwhile.

        Raises UserError when the workspace can't be written.
        """
        with self._making:
            if self._is_alone:
                yield
                return
            with ExitStack() as held:
                with self._told():
                    self.folder.mkdir(0o700, parents=True, exist_ok=True)
                    held.enter_context(alone(self.folder))
                self._is_alone = True
                try:
                    yield
                finally:
                    self._is_alone = False

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except (OSError, sqlite3.Error) as error:
            reason = read_only(self.folder) or getattr(error, "strerror", None) or error
            raise UserError(
                f"workspace: can't write {self.folder}: {reason}; choose another with --workspace"
            ) from None

    def _create(
        self,
        make: Callable[[str, str], Record],
        name: str | None,
        stem: str,
        state: Mapping[str, Any],
        fill: Callable[[Path, Store], None] | None,
    ) -> Run:
        with self._told():
            id = self._new_id()
            record = make(id, name or _free_name(stem, self._names()))
            self.clear_unfinished()
            building = self.folder / f".{id}.new"
            building.mkdir()
            try:
                (building / CHECKPOINTS).mkdir()
                waits = {"launcher": os.getpid(), "boot": this_boot()}
                first = {"status": "queued", "step": 0, "changes": {}, **waits, **state}
                served = kept.server_of(self.folder) is not None
                with (
                    kept.new_on_server(building, id, 1, first)
                    if served
                    else Store.create(building / METRICS_FILE, _unit(record), first)
                ) as store:
                    if fill is not None:
                        fill(building, store)
                    record.write(building, store)
                building.rename(self.folder / id)
            except BaseException:
                with suppress(OSError, UserError):
                    kept.remove_kept(building)
                raise
            sync_folder(self.folder)
        return Run(self.folder / id)

    def create_alike(
        self, made: Sequence[tuple[Callable[[str, str], Record], str]], state: Mapping[str, Any]
    ) -> list[Run]:
        """Make many runs at once, each of what makes its record and the stem of its name; the state of all is the same.

        Nothing waits for the disk, and each store is in its folder: for runs that can be made again from what they
        tell of.
        """
        runs = []
        with self.alone(), self._told():
            self.clear_unfinished()
            taken, stores = self._names() if made else set(), dict[int, bytes]()
            for make, stem in made:
                id, name = self._new_id(), _free_name(stem, taken)
                taken.add(name)
                building = self.folder / f".{id}.new"
                try:
                    (building / CHECKPOINTS).mkdir(parents=True)
                    record = make(id, name)
                    unit = _unit(record)
                    if unit in stores:
                        (building / METRICS_FILE).write_bytes(stores[unit])
                    else:
                        Store.create(building / METRICS_FILE, unit, {"changes": {}, **state}).close()
                        stores[unit] = (building / METRICS_FILE).read_bytes()
                    (building / RECORD_FILE).write_bytes(record.as_written())
                    building.rename(self.folder / id)
                except BaseException:
                    with suppress(OSError, UserError):
                        kept.remove_kept(building)
                    raise
                runs.append(Run(self.folder / id))
        return runs

    def unfinished(self) -> list[Path]:
        """Return what programs left that were killed while they made a run, or deleted one for good, if none does so
        at this moment."""
        made = [folder for folder in self.folder.glob(".*.new") if UNFINISHED.fullmatch(folder.name)]
        return [*made, *emptied(self.folder)]

    def clear_unfinished(self) -> None:
        """Delete what is unfinished; for whoever is alone."""
        for folder in self.unfinished():
            with suppress(OSError, UserError):
                kept.remove_kept(folder)

    def find(self, text: str) -> Run:
        """Return the run that `text` names: an id, a name, or the beginning of an id; a rewind of it that was killed is
        ended.

        Raises UserError if it names none, or more than one.
        """
        run = self.named(text)
        rewinding.finish(run)
        return run

    def named(self, text: str) -> Run:
        """As `find`, but nothing is ended."""
        # Thousands of records need not be read for the one that is named in full.
        if text and not text.startswith(".") and "/" not in text and is_run(self.folder, text):
            return Run(self.folder / text)
        runs = self.runs()
        by_id = {run.id: run for run in runs}
        names: dict[str, list[Run]] = {}
        for run in runs:
            names.setdefault(run.name, []).append(run)
        matches = names.get(text) or ([run for run in runs if run.id.startswith(text)] if text else [])
        if not matches and text:
            # A run whose record can't be read any more is listed by the name that was known of it.
            known = [entry.summary for entry in self.index.read().entries]
            matches = [by_id[summary.id] for summary in known if summary.name == text and summary.id in by_id]
        if len(matches) == 1:
            return matches[0]
        asked = printable(text)
        if matches:
            ids = ", ".join(map(_told_apart, matches[:MOST_TOLD])) + (", …" if len(matches) > MOST_TOLD else "")
            raise UserError(f'runs: "{asked}" names {len(matches)} runs; say which by id: {ids}')
        binned = self._binned(text)
        if binned is not None:
            raise RunGone(self.folder / binned)
        near = did_you_mean(text, [*names, *by_id])
        if self.folder.name == BIN_FOLDER:
            raise UserError(f'runs: no run "{asked}" is in the bin{near}')
        raise UserError(f'runs: no run "{asked}"{near or f"; see seqsum runs (workspace {self.folder})"}')

    def _binned(self, text: str) -> str | None:
        """Return the run in the bin that `text` names, when it names just one."""
        if self.folder.name == BIN_FOLDER:
            return None
        try:
            return self.bin.named(text).id
        except UserError:
            return None

    def _names(self) -> set[str]:
        """Return the names that are taken. Who renames a run tells it: see `changes`."""
        return {entry.summary.name for entry in self.index.read(quick=True).entries}

    def _new_id(self) -> str:
        while True:
            tail = "".join(secrets.choice(ALPHABET) for _ in range(4))
            id = f"{datetime.now():%Y%m%d-%H%M%S}-{tail}"
            if not (self.folder / id).exists():
                return id


def _unit(record: Record) -> int:
    return unit_of(record.config) if record.watched is None else 1


def _free_name(stem: str, taken: Collection[str]) -> str:
    # A preset of one's own is named by its file, which can be called anything.
    stem = one_line(stem).strip()[: LONGEST_NAME - 10]
    stem = "run" if stem in ("", *FOLDERS) else stem
    number, name = 2, stem
    while name in taken:
        name, number = f"{stem}-{number}", number + 1
    return name


def _told_apart(run: Run) -> str:
    """A run by its id, with what tells it from others of its name."""
    try:
        summary = run.summary()
    except UserError:
        return run.id
    began = formatting.ago(time.time() - summary.created)
    return f"{run.id} ({summary.status} at step {summary.step:,}, {began})"

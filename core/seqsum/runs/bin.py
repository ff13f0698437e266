"""The bin of a workspace: deleted runs lie in `<workspace>/.bin/` until it is emptied."""

from __future__ import annotations

import math
import os
from pathlib import Path

from seqsum.errors import UserError, told_as
from seqsum.files import sync_folder
from seqsum.runs.access import owner_of
from seqsum.runs.bounds import inside, own_folder
from seqsum.runs.gone import BIN_FOLDER, GOING, RunGone, emptied
from seqsum.runs.kept import remove_kept
from seqsum.runs.lock import no_worker
from seqsum.runs.run import Run

__all__ = ["BIN_FOLDER", "contents", "delete", "deleted_at", "deleted_by", "empty", "restore"]

STAMP = ".deleted"
"""An empty file in a deleted run's folder: when it was written is when the run was deleted."""


def delete(run: Run) -> None:
    """Put a run into the bin; `restore` brings it back.

    Raises UserError for a run that a worker is at, or a folder that can't be moved.
    """
    RunGone.check(own_folder(run.folder))
    folder = own_folder(run.folder.parent / BIN_FOLDER)
    with no_worker(run.folder, "delete"), told_as(f"delete: can't move {run.folder} into {folder}"):
        folder.mkdir(exist_ok=True)
        _move(run.folder, folder / run.id, "delete")
        (folder / run.id / STAMP).touch()


def restore(workspace: Path, id: str) -> Run:
    """Bring a run back from the bin. Raises UserError when it is not there or its place is taken."""
    source = own_folder(inside(own_folder(workspace / BIN_FOLDER), id))
    if not source.is_dir():
        raise UserError(f"restore: no run {id} in the bin of {workspace}")
    with told_as(f"restore: can't move {source} into {workspace}"):
        _move(source, workspace / id, "restore")
        (workspace / id / STAMP).unlink(missing_ok=True)
    return Run(workspace / id)


def contents(workspace: Path) -> list[str]:
    """Return the ids of the runs in the bin, last deleted first."""
    return list(deleted_at(workspace))


def deleted_at(workspace: Path) -> dict[str, float]:
    """Return when each run in the bin was deleted, in seconds since 1970; last deleted first.

    Raises UserError when the bin is no folder of this workspace.
    """
    try:
        with os.scandir(own_folder(workspace / BIN_FOLDER)) as entries:
            found = [
                (_deleted_ns(entry), entry.name)
                for entry in entries
                if not entry.name.startswith(".") and entry.is_dir(follow_symlinks=False)
            ]
    except OSError:
        return {}
    return {id: when / 1e9 for when, id in sorted(found, reverse=True)}


def deleted_by(run: Run) -> str:
    """Return who put a run of the bin there; "" where that can't be told."""
    return owner_of(run.folder / STAMP)


def _deleted_ns(entry: os.DirEntry[str]) -> int:
    try:
        return (Path(entry.path) / STAMP).stat().st_mtime_ns
    except OSError:
        # Put here by an earlier version, or by hand: the rename changed it, as reading the run's metrics does.
        return entry.stat().st_ctime_ns


def empty(workspace: Path, before: float = math.inf) -> int:
    """Delete for good what is in the bin, of it what was deleted `before` a time, in seconds since 1970; return how
    many runs that were. Raises UserError when that fails."""
    folder = workspace / BIN_FOLDER
    ids = [id for id, when in deleted_at(workspace).items() if when < before]
    for id in ids:
        with told_as(f"bin: can't delete {folder / id}"):
            _delete(folder, id)
    for left in emptied(workspace):
        with told_as(f"bin: can't delete {left}"):
            remove_kept(left)
    return len(ids)


def _delete(folder: Path, id: str) -> None:
    """Delete a run of the bin: no half of it can be seen, or brought back, when that is killed on the way."""
    going = folder / f".{id}{GOING}"
    whole = _entries(folder / id)
    try:
        (folder / id).rename(going)
    except FileNotFoundError:  # by somebody else, meanwhile
        return
    try:
        remove_kept(going)
    except OSError:
        if _entries(going) == whole:  # another user's, of which nothing may be deleted
            going.rename(folder / id)
        raise


def _entries(folder: Path) -> int:
    # What somebody else deletes meanwhile isn't counted: `walk` goes past it.
    return sum(len(folders) + len(files) for _, folders, files in os.walk(folder))


def _move(source: Path, target: Path, verb: str) -> None:
    if os.path.lexists(target):
        raise UserError(f"{verb}: there is a run {target.name} in {target.parent} already")
    source.rename(target)
    for folder in (source.parent, target.parent):
        sync_folder(folder)

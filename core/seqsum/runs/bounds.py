"""What may be followed, moved and deleted: a workspace may be a stranger's, and a name in a file may lead anywhere.

Every name that a file gives is joined here, and everything that is deleted is deleted here: a plain name inside one of
our own folders, none of them a link.
"""

from __future__ import annotations

import errno
import os
import re
import shutil
import stat
from collections.abc import Container
from pathlib import Path

from seqsum.errors import UserError
from seqsum.text import one_line

REWOUND_NAME = re.compile(r"rewound-[0-9]{8}-[0-9]{6}-[0-9]{6}")
STEP_NAME = re.compile(r"step-(0|[1-9][0-9]{0,14})")
MARKS = ("run.json", "metrics.db", "store.json")
RUN_NAME = re.compile(r"[0-9]{8}-[0-9]{6}-[a-z0-9]{4}")


def inside(folder: Path, name: object) -> Path:
    """Return what is called `name` in `folder`; raise UserError when that would not be a thing in it."""
    if not isinstance(name, str) or name in ("", ".", "..") or "/" in name or "\0" in name:
        raise UserError(f"runs: {one_line(repr(name))[:80]} is no name in {folder}")
    return folder / name


def run_names(workspace: Path, known: Container[str] = ()) -> list[str]:
    """Return the names of the folders in a workspace that are runs, readable or not, the newest first.

    known: names of runs, which need no look into their folder. Raises OSError when the workspace can't be read.
    """
    with os.scandir(workspace) as entries:
        names = sorted((entry.name for entry in entries if not entry.name.startswith(".")), reverse=True)
    return [name for name in names if name in known or is_run(workspace, name)]


def is_run(workspace: Path, name: str) -> bool:
    """Whether a folder holds what a run's folder holds, or has the name of one."""
    # Of thousands of names: a Path each would take longer.
    if any(os.path.lexists(f"{workspace}/{name}/{mark}") for mark in MARKS):
        return True
    if RUN_NAME.fullmatch(name) is None:
        return False
    try:
        return not stat.S_ISREG((workspace / name).lstat().st_mode)
    except OSError as error:
        return not isinstance(error, FileNotFoundError)


def own_folder(folder: Path) -> Path:
    """Return a folder of ours; raise UserError when something else has its name: a link could lead anywhere.

    One that is not there yet is fine.
    """
    try:
        mode = folder.lstat().st_mode
    except FileNotFoundError:
        return folder
    except OSError as error:
        raise UserError(f"runs: can't look at {folder}: {error.strerror}") from None
    if not stat.S_ISDIR(mode):
        what = "a link" if stat.S_ISLNK(mode) else "not a folder"
        raise UserError(f"runs: {folder} is {what}, through which nothing is changed; put the folder itself there")
    return folder


def free_name(path: Path) -> Path:
    """Return a path, with a number where something stands there already."""
    number, free = 2, path
    while os.path.lexists(free):
        number, free = number + 1, path.with_name(f"{path.name}-{number}")
    return free


def keep_as(path: Path, aside: Path) -> None:
    """Give what something else is to stand for another name; until then it keeps its own, too, where it can.

    Raises OSError.
    """
    try:
        os.link(path, aside, follow_symlinks=False)
    except FileNotFoundError:
        return
    except OSError:  # a folder, or a file system without links
        path.rename(aside)


def remove(path: Path, *, missing_ok: bool = True) -> None:
    """Delete a folder with what is in it, or a file or link itself, out of a folder of ours.

    Raises OSError when that fails, or when the folder that it is in is a link.
    """
    if path.name in ("", ".", ".."):
        raise OSError(errno.EINVAL, "it is no name", str(path))
    # By descriptor: nobody can put a link in the folder's place meanwhile.
    try:
        parent = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        if missing_ok:
            return
        raise
    try:
        if stat.S_ISDIR(os.stat(path.name, dir_fd=parent, follow_symlinks=False).st_mode):
            _remove_folder(path.name, parent)
        else:
            os.unlink(path.name, dir_fd=parent)
    except FileNotFoundError:
        if not missing_ok:
            raise
    finally:
        os.close(parent)


def _remove_folder(name: str, parent: int) -> None:
    while True:
        try:
            return shutil.rmtree(name, dir_fd=parent)
        except FileNotFoundError:
            # Somebody else deletes in it as well; this ends when all of it is gone.
            os.stat(name, dir_fd=parent, follow_symlinks=False)

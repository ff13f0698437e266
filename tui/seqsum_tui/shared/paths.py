"""Where things are, and what kind of line the terminal hangs on."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from seqsum.errors import UserError


def over_ssh(environment: Mapping[str, str] = os.environ) -> bool:
    """Tell whether the terminal is reached over SSH, where every byte counts."""
    return bool(environment.get("SSH_CONNECTION") or environment.get("SSH_TTY"))


def copied_path() -> Path:
    """Return the file that is copied to where the terminal has no clipboard."""
    import platformdirs

    return platformdirs.user_data_path("seqsum") / "copied.txt"


def for_people(path: Path) -> str:
    """Return a path as a person writes it: `~` for the home folder."""
    try:
        return str(Path("~") / path.relative_to(Path.home()))
    except (ValueError, RuntimeError):
        return str(path)


def default_folder() -> Path:
    """Return the current folder when it can be written, else the home folder."""
    try:
        here = Path.cwd()
    except OSError:
        return Path.home()
    return here if os.access(here, os.W_OK) else Path.home()


def free_path(folder: Path, stem: str, format: str) -> Path:
    """Return a path in `folder` that is not taken yet: `stem.csv`, `stem-2.csv` …"""
    safe = "".join(letter if letter.isalnum() or letter in "-_." else "-" for letter in stem)[:60] or "untitled"
    path, number = folder / f"{safe}.{format}", 2
    while os.path.lexists(path):
        path, number = folder / f"{safe}-{number}.{format}", number + 1
    return path


def new_file(folder: Path, line: str, format: str) -> Path:
    """Return the file that was named, in `folder` where no other is; raises UserError where it can't be written."""
    try:
        path = folder / Path(line.strip()).expanduser()
        if not path.name or path.suffix.lower() != f".{format}":
            raise UserError(f"the name must end in .{format}")
        with suppress(FileNotFoundError, NotADirectoryError):
            path.lstat()
            raise UserError("is there already; choose another name")
        if not path.parent.is_dir():
            raise UserError(f"no folder {for_people(path.parent)}")
        if not os.access(path.parent, os.W_OK):
            raise UserError(f"the folder {for_people(path.parent)} can't be written; choose another")
    except (OSError, RuntimeError, ValueError) as error:
        # Of a name that is too long the reason is said, not the name once more.
        raise UserError(getattr(error, "strerror", None) or str(error)) from None
    return path

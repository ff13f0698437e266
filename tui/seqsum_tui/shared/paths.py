"""Where things are, and what kind of line the terminal hangs on."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path


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

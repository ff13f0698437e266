"""Where runs lie when nobody says where, and whose a folder is. Light: the console asks before its first paint."""

from __future__ import annotations

import os
import stat
from pathlib import Path


def default_workspace() -> Path:
    """Return SEQSUM_WORKSPACE if set, else the folder for runs in the user's data folder."""
    chosen = os.environ.get("SEQSUM_WORKSPACE")
    if chosen:
        return Path(chosen)
    import platformdirs

    return platformdirs.user_data_path("seqsum") / "runs"


def is_private(folder: Path) -> bool:
    """Whether a folder, and the link to it if it is one, is this user's, and nobody else can write or replace it."""
    facts, above = folder.stat(), folder.parent.stat().st_mode
    if above & stat.S_IWOTH and not above & stat.S_ISVTX:
        return False
    return {facts.st_uid, folder.lstat().st_uid} == {os.getuid()} and not facts.st_mode & 0o022

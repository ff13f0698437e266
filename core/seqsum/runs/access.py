"""Whose a run's folder is, and who may change it: several users may share a workspace."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from pathlib import Path

from seqsum.text import one_line
from seqsum.users import user_name

LONGEST_USER = 64


def owner_of(folder: Path) -> str:
    """Return whose a folder is; "" where that can't be told."""
    try:
        return user_name(folder.stat().st_uid)
    except OSError:
        return ""


def by_another(folder: Path) -> dict[str, str]:
    """Return `by`, and who we are, for what we do to a run of somebody else; nothing for one of ours."""
    whose, me = owner_of(folder), user_name()
    return {"by": me} if whose not in ("", me) else {}


def stopper(arguments: Mapping[str, object]) -> str:
    """Return what has asked a run to stop, given the arguments of that: who, of another user, else by which way."""
    return hand(arguments.get("by")) or hand(arguments.get("cause")) or "command"


def hand(by: object) -> str:
    """Return who did something, as it was written, in a line; "" for the owner, or nobody."""
    return one_line(by)[:LONGEST_USER] if isinstance(by, str) else ""


def read_only(folder: Path) -> str:
    """Say that we may look at a folder, but change nothing in it; "" where we may."""
    if os.access(folder, os.W_OK | os.X_OK) or not os.path.lexists(folder):
        return ""
    whose = owner_of(folder)
    return f"read-only: the folder is {whose}'s" if whose not in ("", user_name()) else "read-only"


def owner_told(owner: str, host: str) -> str:
    """Return whose a run is, and on which machine it was made where that is not this one; "" where nobody wrote it."""
    name = one_line(owner)[:LONGEST_USER]
    return f"{name}@{one_line(host)[:LONGEST_USER]}" if name and host not in ("", socket.gethostname()) else name

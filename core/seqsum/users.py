"""What the users of this machine are called."""

from __future__ import annotations

import os
import pwd
from functools import cache


def user_name(number: int | None = None) -> str:
    """Return what a user (default: whose program this is) is called, or the user's number, where it has no name: in a
    container, say."""
    return _name(os.geteuid() if number is None else number)


@cache
def _name(number: int) -> str:
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return str(number)

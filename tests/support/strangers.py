"""Another user of the machine, for a moment."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

STRANGER = 65534
GROUP = 65533
needs_users = pytest.mark.skipif(os.geteuid() != 0, reason="only root can be another user for a moment")


def as_stranger(work: Callable[[], object], group: int = STRANGER) -> str:
    """Do something as another user; return what came of it, or the error's name."""
    ours, theirs = os.pipe()
    child = os.fork()
    if child == 0:
        said = "nothing"
        try:
            os.setgroups([])
            os.setgid(group)
            os.setuid(STRANGER)
            said = str(work())
        except BaseException as error:
            said = f"{type(error).__name__}: {error}"
        finally:
            os.write(theirs, said.encode())
            os._exit(0)
    os.close(theirs)
    with os.fdopen(ours, encoding="utf-8") as pipe:
        answer = pipe.read()
    os.waitpid(child, 0)
    return answer


@contextmanager
def as_stranger_meanwhile(work: Callable[[], list[str]]) -> Iterator[list[str]]:
    """Do something as another user who stays there until the end; give what came of it."""
    (ours, theirs), (end, told) = os.pipe(), os.pipe()
    child = os.fork()
    if child == 0:
        os.close(told)
        os.setgroups([])
        os.setgid(STRANGER)
        os.setuid(STRANGER)
        os.write(theirs, "\n".join(work()).encode())
        os.close(theirs)
        os.read(end, 1)
        os._exit(0)
    os.close(theirs)
    with os.fdopen(ours, encoding="utf-8") as pipe:
        found = pipe.read().splitlines()
    try:
        yield found
    finally:
        os.close(told)
        os.close(end)
        os.waitpid(child, 0)

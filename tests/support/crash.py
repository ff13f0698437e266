"""Work that is killed at any moment."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from typing import Any

EVENTS = {
    "open", "os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.scandir", "shutil.rmtree", "sqlite3.connect",
}  # fmt: skip


def killed_at(moment: int, work: Callable[[], object]) -> bool:
    """Work in a child, killed before its `moment`-th look at or change of a file; False if it never got there."""
    child = os.fork()
    if child == 0:
        count = 0

        def watch(event: str, arguments: tuple[Any, ...]) -> None:
            nonlocal count
            if event in EVENTS:
                count += 1
                if count == moment:
                    os.kill(os.getpid(), signal.SIGKILL)

        sys.addaudithook(watch)
        status = 1
        try:
            work()
            status = 0
        finally:
            os._exit(status)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0
    return os.WIFSIGNALED(status)

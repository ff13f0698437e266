"""Processes that wait for the next run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from seqsum.launch import standby


def ours(place: Path) -> list[psutil.Process]:
    """The processes that stand by there, without those forked from them."""
    return [
        process
        for process in psutil.process_iter()
        if (words := _words(process))[2:4] == ["-m", standby.MODULE] and words[5].startswith(str(place))
        and _words(process.parent()) != words
    ]  # fmt: skip


def _words(process: psutil.Process | None) -> list[str]:
    try:
        return process.cmdline() if process is not None else []
    except psutil.Error:
        return []


@contextmanager
def ended_after(folder: Path) -> Iterator[None]:
    """End what stands by there."""
    try:
        yield
    finally:
        for process in ours(folder):
            process.kill()

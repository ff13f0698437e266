"""Fixtures for the whole set of tests."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from typing import TYPE_CHECKING

import platformdirs
import psutil
import pytest

if TYPE_CHECKING:
    from seqsum.launch import WarmLauncher


# Tests change HOME; machine code that is compiled already should be found all the same.
os.environ.setdefault("SEQSUM_CACHE", str(platformdirs.user_cache_path("seqsum")))

# Runs force their files to the disk, and hundreds of tests wait for it; in memory nobody waits. TMPDIR goes before.
MEMORY = "/dev/shm"
ROOM = 4 * 2**30
if (
    "TMPDIR" not in os.environ
    and os.access(MEMORY, os.W_OK | os.X_OK)
    and min(shutil.disk_usage(MEMORY).free, psutil.virtual_memory().available / 2) > ROOM
):
    os.environ["TMPDIR"] = tempfile.tempdir = MEMORY


@pytest.fixture(scope="session")
def fork_server() -> Iterator[WarmLauncher]:
    """A launcher whose workers start at once."""
    from seqsum.launch import WarmLauncher

    launcher = WarmLauncher()
    launcher.warm()
    yield launcher
    launcher.close()

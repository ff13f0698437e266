"""Fixtures for the whole set of tests."""

from __future__ import annotations

import gc
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import platformdirs
import psutil
import pytest

if TYPE_CHECKING:
    from seqsum.launch import WarmLauncher


# Tests change HOME; machine code that is compiled already should be found all the same.
os.environ.setdefault("SEQSUM_CACHE", str(platformdirs.user_cache_path("seqsum")))

# Tests run side by side, and beside what else trains here: each workspace has a queue of its own.
os.environ.setdefault("SEQSUM_QUEUE_DIR", "off")

# Nothing stays behind, and each test's processes are its own.
os.environ.setdefault("SEQSUM_STANDBY", "off")

# Runs force their files to the disk, and hundreds of tests wait for it; in memory nobody waits. TMPDIR goes before.
MEMORY = "/dev/shm"
ROOM = 4 * 2**30
if (
    "TMPDIR" not in os.environ
    and os.access(MEMORY, os.W_OK | os.X_OK)
    and min(shutil.disk_usage(MEMORY).free, psutil.virtual_memory().available / 2) > ROOM
):
    os.environ["TMPDIR"] = tempfile.tempdir = MEMORY


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int | None:
    """More workers than processors: half of a test's time is waiting for a screen or another process."""
    if "PYTEST_XDIST_AUTO_NUM_WORKERS" in os.environ:
        return None
    processors = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return processors + max(2, processors // 2)


def pytest_collection_finish() -> None:
    """Nothing that is imported or collected by now is ever garbage; looking through it is a quarter of the work."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(5_000, 20, 20)


@pytest.fixture
def disk_path() -> Iterator[Path]:
    """A folder on a disk, for tests that need the moments in which something is forced to it."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        yield Path(folder)


@pytest.fixture(scope="session")
def fork_server() -> Iterator[WarmLauncher]:
    """A launcher whose workers start at once."""
    from seqsum.launch import WarmLauncher

    launcher = WarmLauncher()
    launcher.warm()
    yield launcher
    launcher.close()

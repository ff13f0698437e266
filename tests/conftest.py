"""Fixtures for the whole set of tests."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

import platformdirs
import pytest

if TYPE_CHECKING:
    from seqsum.launch import WarmLauncher


# Tests change HOME; machine code that is compiled already should be found all the same.
os.environ.setdefault("SEQSUM_CACHE", str(platformdirs.user_cache_path("seqsum")))


@pytest.fixture(scope="session")
def fork_server() -> Iterator[WarmLauncher]:
    """A launcher whose workers start at once."""
    from seqsum.launch import WarmLauncher

    launcher = WarmLauncher()
    launcher.warm()
    yield launcher
    launcher.close()

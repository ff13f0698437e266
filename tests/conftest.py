"""Fixtures for the whole set of tests."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from support.nursery import Nursery


@pytest.fixture(scope="session")
def nursery() -> Iterator[Nursery]:
    """A launcher whose workers start at once: see support/nursery.py."""
    from support.nursery import Nursery

    launcher = Nursery()
    yield launcher
    launcher.close()

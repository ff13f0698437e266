"""The bench of a run's first update works."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench import first_update
from support.standing_by import ended_after


def test_each_way_is_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runtime = tmp_path / "runtime"
    runtime.mkdir(mode=0o700)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(runtime))
    with ended_after(runtime):
        [found] = first_update.measured(tmp_path, 1)
    assert len(found) == len(first_update.NAMES) and min(found) > 0

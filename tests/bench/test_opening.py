"""The bench of opening long runs works, on short ones."""

from __future__ import annotations

from pathlib import Path

from bench.opening import console_memory, make_runs, read_seconds, screen_seconds


async def test_opening_is_measured(tmp_path: Path) -> None:
    ids = make_runs(tmp_path / "runs", 3, 2000)
    assert len(set(ids)) == 3
    assert read_seconds(tmp_path / "runs", ids) > 0
    assert await screen_seconds(tmp_path / "runs", ids) > 0
    listed, compared = console_memory(tmp_path, 3)
    assert 30 < listed <= compared * 1.1 < 300

"""The bench of thousands of runs works, on a few."""

from __future__ import annotations

from pathlib import Path

from bench import runs_5000
from seqsum.runs import Workspace


async def test_a_few_runs_are_made_opened_and_used(tmp_path: Path) -> None:
    runs_5000.make_runs(tmp_path, 25)
    assert len(Workspace(tmp_path).runs()) == 25
    first, every = await runs_5000.opened(tmp_path, 25)
    assert 0 < first <= every
    lines = await runs_5000.used(tmp_path, 25, keys=3, idle_seconds=0.1)
    assert len(lines) == 7 and all(value >= 0 for value in lines.values())

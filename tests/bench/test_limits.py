"""The bench of what breaks first works, on a few runs, tickets and writers."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench import limits
from seqsum.runs import Workspace


def test_a_few_runs_are_made_and_measured(tmp_path: Path) -> None:
    limits.make_runs(tmp_path, 12)
    entries = Workspace(tmp_path).index.read().entries
    assert len({entry.summary.name for entry in entries}) == 12
    assert {(entry.summary.status, entry.summary.metrics["loss"]) for entry in entries} == {("finished", 1 / 1000)}
    figures = list(limits.of_workspace(tmp_path, 12))
    assert len(figures) == 8 and all(figure.value >= 0 and figure.most > 0 for figure in figures)
    assert len(Workspace(tmp_path).runs()) == 12, "what it made is gone again"


def test_a_few_tickets_and_writers_are_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "queue").mkdir()
    monkeypatch.setenv("SEQSUM_QUEUE_DIR", str(tmp_path / "queue"))
    assert len(list(limits.of_queue(tmp_path / "queue", 4))) == 4
    (found,) = limits.of_writers(tmp_path / "runs", 2, 0.1)
    assert "2 writers commit" in found.what and found.value > 0

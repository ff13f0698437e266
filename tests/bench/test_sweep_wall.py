"""The bench of a sweep's wall time works, on a few short runs."""

from __future__ import annotations

from pathlib import Path

from bench import sweep_wall


def test_a_small_sweep_is_measured(tmp_path: Path) -> None:
    took = sweep_wall.measured(tmp_path, seeds=1, steps=20, workers=2)
    assert took.whole > took.between > 0 and took.training > 0
    assert took.ratios[0] > took.ratios[1]

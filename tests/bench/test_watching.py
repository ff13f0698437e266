"""The bench of watching works, in a few seconds."""

from __future__ import annotations

from pathlib import Path

from bench.watching import measure, report


def test_watching_is_measured(tmp_path: Path) -> None:
    figures = measure(tmp_path, "baseline", 1, 0.5)
    assert all(len(values) == 1 for values in figures.values())
    # Of a short turn the console may have had none of a busy machine's processors.
    assert all(values[0] > 0 for name, values in figures.items() if name != "console")
    assert "by the worker's processor time" in report({"baseline": figures})

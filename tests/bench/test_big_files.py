"""The bench of large files works, on a small one."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import pytest

from bench.big_files import CASES, asked, table


@pytest.mark.parametrize("name", CASES)
def test_rows_are_made_and_asked(name: str, tmp_path: Path) -> None:
    case = CASES[name]
    run = case.train(tmp_path)
    file = table(tmp_path / f"asked{case.ending}", case.columns, islice(case.rows(), 300))
    seconds, memory = asked("predict", run, file, tmp_path / "out.csv")
    assert seconds > 0 and memory > 50
    lines = (tmp_path / "out.csv").read_text().splitlines()
    assert len(lines) == 301 and "prediction" in lines[0]

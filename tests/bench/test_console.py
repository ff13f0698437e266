"""The bench of the console works, in a few seconds."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_console_is_measured() -> None:
    words = [sys.executable, "-m", "tests.bench.console", "--rounds", "1", "--seconds", "0.2"]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    for row in ("first paint", "key to paint", "bytes of an update, over SSH", "idle", "memory", "chart frame"):
        assert row in done.stdout

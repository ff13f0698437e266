"""The first minute, as the README's "Sixty seconds" tells it, key by key in a real terminal, once all is set up.

`pytest -s tests/e2e/test_first_minute.py` prints each key, the seconds until what it leads to, and that sentence.
"""

from __future__ import annotations

import os
import re
import sys
import time
from functools import partial
from pathlib import Path

from seqsum.runs import Workspace
from support.terminal import Terminal

README = Path(__file__).parents[2] / "README.md"
SUM = "1 2 3 5 1 2 4"
STEPS: tuple[tuple[tuple[str, ...], str], ...] = (
    (("n",), r"▸ adds"),
    (("enter",), r"enter starts now"),
    (("enter",), r"learned .*Accuracy is 99% or more since step [\d,]+\."),
    ((), r"1\+2\+3 = 6 ✓"),
    (("a",), r"Earlier enter Ask"),
    ((SUM, "enter"), r"1 2 3 5 1 2 4\s+→\s+8\s+✓ right"),
    (("escape",), r"esc Back a Ask"),
    (("2",), r"after each step of 1 2 3 5 1 2 4"),
    (("4",), r"1 2 3 5 1 2 4 is answered right from step [\d,]+ on"),
)
"""Keys, and what is on the screen soon after."""


def said(sentence: str, screen: str) -> str:
    """Return what the screen has of a sentence, wherever it is wrapped; nothing where it does not have it."""
    found = re.search(sentence, " ".join(screen.split()))
    return found[0] if found else ""


def test_the_first_minute_succeeds_as_the_readme_tells_it(tmp_path: Path) -> None:
    fresh = {"XDG_CONFIG_HOME": str(tmp_path), "SEQSUM_WORKSPACE": str(tmp_path / "runs"), "LANG": "C.UTF-8"}
    environment = {**os.environ, **fresh}
    told = README.read_text("utf-8")
    told = told[told.index("## Sixty seconds") : told.index("## What a network learned")]
    began = time.monotonic()
    console = Terminal([sys.executable, "-m", "seqsum_tui"], environment, columns=120, lines=40)
    console.wait_for("No runs yet")
    table = [("seqsum-tui", time.monotonic() - began, "No runs yet")]
    for keys, sentence in STEPS:
        at = time.monotonic()
        for key in keys:
            name = {"escape": "esc"}.get(key, key)
            assert f"<kbd>{name}</kbd>" in told or f"`{key}`" in told, f"the README does not name {key}"
        console.press(*keys)
        screen = console.wait_for(partial(said, sentence))
        table.append((" ".join(keys), time.monotonic() - at, said(sentence, screen)))
    for keys, seconds, sentence in table:
        print(f"{keys:24} {seconds:6.1f} s  {sentence}")
    print(f"{'the whole':24} {time.monotonic() - began:6.1f} s")
    (summary,) = Workspace(tmp_path / "runs").summaries()
    assert summary.verdict is not None and summary.verdict.word == "learned"
    assert summary.metrics["accuracy"] == 1.0
    console.close()

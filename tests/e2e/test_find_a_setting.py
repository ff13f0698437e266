"""The line that finds a setting of New run, as a real terminal shows it, with what is typed in it."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from support.terminal import Terminal

LINE = "find a field: part of its name or help"


@pytest.mark.parametrize(("columns", "lines"), [(80, 24), (120, 40)])
def test_what_is_looked_for_is_seen_and_makes_room_when_it_goes(columns: int, lines: int, tmp_path: Path) -> None:
    fresh = {"XDG_CONFIG_HOME": str(tmp_path), "SEQSUM_WORKSPACE": str(tmp_path / "runs"), "LANG": "C.UTF-8"}
    command = [sys.executable, "-m", "seqsum_tui"]
    console = Terminal(command, {**os.environ, **fresh}, columns=columns, lines=lines)
    console.wait_for("No runs yet")
    console.press("n")
    console.wait_for("▸ adds")
    console.press("enter")
    before = console.wait_for("enter starts now")
    # From a setting: where the help's lines change as well, they bring a new layout along.
    console.press("tab")
    console.wait_for(lambda screen: "enter starts now" not in screen)
    console.press("ctrl+f")
    console.wait_for(LINE)
    console.press(*"weight")
    console.wait_for(lambda screen: "weight_decay_on" in screen and "modulus" not in screen)
    found = console.wait_for(lambda screen: " weight " in screen.replace("│", " "))
    assert LINE not in found and found.count("The optimizer and gradient clipping") == 1
    console.press("escape")
    console.wait_for(lambda screen: "modulus" in screen and LINE not in screen)
    after = [line.rstrip() for line in console.text.splitlines()]
    rows = [line.rstrip() for line in before.splitlines()]
    assert next(at for at, line in enumerate(after) if "modulus" in line) == next(
        at for at, line in enumerate(rows) if "modulus" in line
    )
    console.close()

"""The console on a real terminal, beside runs of a stranger: not a byte of theirs steers it."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from seqsum.runs import Workspace
from support.hostile import hostile_run, steered_by
from support.terminal import Terminal


def test_nothing_a_stranger_wrote_steers_the_terminal(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / "runs")
    for _ in range(2):
        hostile_run(workspace)
    environment = os.environ | {"SEQSUM_WORKSPACE": str(workspace.folder), "XDG_CONFIG_HOME": str(tmp_path)}
    terminal = Terminal([sys.executable, "-P", "-m", "seqsum_tui"], environment, 120, 40)
    terminal.wait_for("? Help")
    terminal.wait_for("finished")
    terminal.press("enter")
    terminal.wait_for("▾")
    terminal.press("down")
    terminal.wait_for(lambda text: "reason\\x1b" in text)
    corners = terminal.text.count("╭")
    for key in "RtN":
        terminal.press(key)
        terminal.wait_for(lambda text: text.count("╭") > corners)
        terminal.press("escape")
        terminal.wait_for(lambda text: text.count("╭") == corners)
    terminal.press("enter")
    terminal.wait_for("3 lr")
    for key, seen in (("o", "log \\x1b"), ("g", "modulus"), ("e", "message")):
        terminal.press(key)
        terminal.wait_for(seen)
    terminal.press("escape")
    terminal.wait_for(lambda text: ("modulus" not in text and "3 lr" not in text) or "▾" in text)
    terminal.press("q")
    terminal.wait_for_end()
    terminal.close()
    assert steered_by(bytes(terminal.written)) == []

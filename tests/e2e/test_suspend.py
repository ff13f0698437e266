"""ctrl+z, as for any program of the shell."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import psutil
import pytest

from seqsum.presets import load_preset
from seqsum.runs import Workspace
from tests.support.terminal import Terminal


@pytest.mark.parametrize("over_ssh", [False, True], ids=["here", "over ssh"])
def test_the_shell_comes_back_and_so_does_the_console(tmp_path: Path, over_ssh: bool) -> None:
    Workspace(tmp_path / "runs").create("baseline", load_preset("baseline").config, "still-here")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SSH_")}
    environment |= {"SEQSUM_WORKSPACE": str(tmp_path / "runs"), "XDG_CONFIG_HOME": str(tmp_path), "PS1": "shell> "}
    if over_ssh:
        environment["SSH_CONNECTION"] = "10.0.0.1 1 10.0.0.2 22"
    terminal = Terminal(["bash", "--norc", "--noprofile", "-i"], environment, 100, 24)
    terminal.wait_for("shell> ")
    terminal.press(f"{sys.executable} -P -m seqsum_tui\r")
    terminal.wait_for("still-here")
    for size in ((100, 24), (80, 30)):
        (console,) = psutil.Process(terminal.pid).children()
        terminal.press("ctrl+z")
        terminal.wait_for(lambda text, console=console: console.status() == psutil.STATUS_STOPPED)
        terminal.resize(*size)
        terminal.press("clear\r", "echo $((40 + 2)) is typed\r")
        shown = terminal.wait_for("42 is typed")
        assert "still-here" not in shown
        terminal.press("fg\r")
        shown = terminal.wait_for(lambda text: "still-here" in text and "? Help" in text)
        assert "is typed" not in shown and "shell>" not in shown
    terminal.press("q")
    terminal.wait_for("shell> ")
    terminal.press("exit\r")
    terminal.wait_for_end()
    terminal.close()


def test_without_a_shell_behind_it_the_console_stays(tmp_path: Path) -> None:
    Workspace(tmp_path / "runs").create("baseline", load_preset("baseline").config, "still-here")
    environment = os.environ | {"SEQSUM_WORKSPACE": str(tmp_path / "runs"), "XDG_CONFIG_HOME": str(tmp_path)}
    terminal = Terminal([sys.executable, "-P", "-m", "seqsum_tui"], environment, 100, 24)
    terminal.wait_for("still-here")
    terminal.press("ctrl+z")
    terminal.wait_for("No shell waits")
    terminal.press("q")
    terminal.wait_for_end()
    terminal.close()

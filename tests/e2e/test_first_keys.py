"""Keys typed while the console is still being opened, in a real terminal: each goes where it was meant."""

from __future__ import annotations

import os
import select
import subprocess
import sys
import termios
from collections.abc import Callable
from pathlib import Path

import pytest

from support.terminal import Terminal

AHEAD = ("n", "ctrl+f", "hidden", "enter", "ctrl+u", "48")
WHEN: dict[str, Callable[[Terminal], bool]] = {
    "before the program reads anything": lambda terminal: True,
    "once it listens": lambda terminal: not terminal.reads_lines,
    "at its first picture": lambda terminal: "seqsum" in terminal.text,
}


def environment(folder: Path) -> dict[str, str]:
    return {**os.environ, "XDG_CONFIG_HOME": str(folder), "SEQSUM_WORKSPACE": str(folder / "runs"), "LANG": "C.UTF-8"}


@pytest.mark.parametrize("when", WHEN)
def test_every_key_goes_where_it_was_meant(tmp_path: Path, when: str) -> None:
    terminal = Terminal([sys.executable, "-m", "seqsum_tui"], environment(tmp_path))
    terminal.wait_for(lambda _: WHEN[when](terminal))
    terminal.press(*AHEAD)
    # The line that shows what will be started holds every change.
    terminal.wait_for("$ seqsum train adds --model.hidden_size 48 ")
    terminal.wait_for(lambda text: "adds: ● 1 change " in text and "find a field" not in text)
    terminal.press("ctrl+q")
    terminal.wait_for_end()
    terminal.close()


@pytest.mark.parametrize("arguments", [[], ["--version"], ["--workspace"]])
def test_the_terminal_is_afterwards_as_it_was(tmp_path: Path, arguments: list[str]) -> None:
    ours, theirs = os.openpty()
    before = termios.tcgetattr(theirs)
    console = subprocess.Popen(
        [sys.executable, "-m", "seqsum_tui", *arguments],
        env=environment(tmp_path), stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True,
    )  # fmt: skip
    written = b""
    while b"No runs yet" not in written and b"seqsum-tui" not in written:
        written += os.read(ours, 65_536)
    os.write(ours, b"\x11")
    while console.poll() is None:
        if select.select([ours], [], [], 0.05)[0]:
            os.read(ours, 65_536)
    assert termios.tcgetattr(theirs) == before
    os.close(ours)
    os.close(theirs)

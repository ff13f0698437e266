"""A run is forked in a real terminal, and its child's curve leaves the parent's where the checkpoint was."""

from __future__ import annotations

import os
import re
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from seqsum.control import commands
from seqsum.launch import WarmLauncher
from seqsum.presets import load_preset
from seqsum.runs import Run, Workspace
from support.terminal import Terminal

STEPS, AT = 600, 300
CHANGES = {
    "schedule.name": "constant",
    "train.steps": str(STEPS),
    "train.checkpoint_every": str(AT),
    "train.evaluate_every": str(AT),
    "train.log_every": "10",
}
LINE = "56b4e9"
"""The colour of the first series on a dark ground."""


@pytest.fixture
def parent(tmp_path: Path, fork_server: WarmLauncher) -> Iterator[Run]:
    workspace = Workspace(tmp_path / "runs")
    yield commands.start(
        workspace, fork_server, "baseline", load_preset("baseline").config.changed(CHANGES, "test"), "first"
    )
    for summary in workspace.summaries():
        if summary.live and summary.pid:
            os.kill(summary.pid, signal.SIGKILL)


def curve_of(console: Terminal) -> list[tuple[int, int]]:
    """(column, row) of every cell of the first series, from left to right."""
    rows = console.text.split("\n")
    plot = [number for number, row in enumerate(rows) if re.match(r"\s*│[\s\d.]*[│┤]", row)]
    # Its name and value stand at its end in the same colour.
    return sorted(
        (column, row) for row in plot for column in console.cells(row, LINE) if "⠀" <= rows[row][column] <= "⣿"
    )


def alone(screen: str) -> bool:
    """Tell whether one chart is there, whole in its frame, with the mark of the fork."""
    rows = [row for row in screen.split("\n") if "│" in row]
    return screen.count("╭─") == screen.count("─╯") == 1 and any("Y" in row for row in rows)


def test_a_fork_leaves_its_parents_curve_at_the_checkpoint(parent: Run, tmp_path: Path) -> None:
    environment = {
        **os.environ,
        "HOME": str(tmp_path),
        "SEQSUM_WORKSPACE": str(parent.folder.parent),
        "LANG": "C.UTF-8",
    }
    ours = {name: value for name, value in environment.items() if name not in ("NO_COLOR", "SSH_CONNECTION", "SSH_TTY")}
    console = Terminal([sys.executable, "-m", "seqsum_tui"], {**ours, "COLORTERM": "truecolor"})
    console.wait_for("first")
    console.press("enter")
    console.wait_for(f"{STEPS}/{STEPS} steps")
    console.press("F")
    console.wait_for(f"train.steps={2 * STEPS}")  # from the last step a fork needs more of them
    console.press("down", "optim.lr=0.02")
    console.wait_for(lambda screen: "0.001 → 0.02" in screen and "train.steps" not in screen)
    console.press("enter")
    console.wait_for(f"fork of first at step {AT}")
    console.wait_for(f"{STEPS}/{STEPS} steps")
    console.press("3")
    console.wait_for(lambda screen: alone(screen) and curve_of(console)[-1][0] > 100)

    (child,) = (run for run in Workspace(parent.folder.parent).runs() if run.id != parent.id)
    assert child.record.parent == {"run": parent.id, "step": AT}
    with child.store() as store:
        assert store.extent("lr") == (AT + 10, STEPS)
    rows, curve = console.text.split("\n"), curve_of(console)
    left = next(row.index("┤") for row in rows if "┤" in row)
    (fork,) = {row.index("Y", left) for row in rows if "Y" in row[left:]}
    before, after = {row for at, row in curve if at < fork}, {row for at, row in curve if at > fork + 1}
    assert len(before) == len(after) == 1 and max(before) > max(after) + 10, "level, and then level much higher up"
    assert curve[0][0] <= left + 4 and curve[-1][0] >= left + 1.8 * (fork - left), "from the start to the end"
    console.kill()

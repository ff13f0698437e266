"""The picture of a sweep: learning rate and hidden size of adds, four seeds each, as lines over their axes."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Awaitable, Callable

from textual.pilot import Pilot

from seqsum.runs import Workspace
from seqsum_tui.app import Console

SIZE = (120, 34)
OVER = ("--optim.lr", "1e-4..0.3:log", "--model.hidden_size", "8..64", "--train.steps", "800", "--trials", "16")

Shown = Callable[[Pilot[None], Callable[[str], bool]], Awaitable[None]]


async def take_sweep(workspace: Workspace, shown: Shown, save: Callable[[str, str], None]) -> None:
    """Drive the sweep to its end, and show its settings as lines."""
    command = [sys.executable, "-m", "seqsum.cli", "sweep", "adds", *OVER, "--workspace", str(workspace.folder)]
    subprocess.run(command, capture_output=True, check=True)
    console = Console(workspace.folder)
    async with console.run_test(size=SIZE) as pilot:
        console.open_sweep("adds-sweep")
        await shown(pilot, lambda text: "finished" in text)
        await pilot.press("2")
        await shown(pilot, lambda text: "the stronger a line" in text)
        await pilot.pause(1.0)
        save("sweep", console.export_screenshot())

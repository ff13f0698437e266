"""The pictures of a fork: the dialog, and five charts of a run that went on from another's checkpoint with a higher
learning rate."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable

from textual.pilot import Pilot

from seqsum.control import commands
from seqsum.launch import LocalLauncher
from seqsum.runs import Run, Workspace
from seqsum_tui.app import Console
from seqsum_tui.live.screen import LiveScreen

SIZE = (120, 36)


async def take_fork(
    workspace: Workspace,
    run: Run,
    shown: Callable[[Pilot[None], Callable[[str], bool]], Awaitable[None]],
    keep: Callable[[str, str], None],
) -> None:
    """Fork a finished run at a quarter of its way, wait for the fork's end, and save a picture of its live view; then
    one of the dialog."""
    steps = run.summary().steps
    changes = {"optim.lr": 0.02, "train.log_every": 50}
    child = commands.fork(workspace, LocalLauncher(), run, steps // 4, changes, "hotter")
    while child.summary().live:
        time.sleep(0.2)
    console = Console(workspace.folder)
    async with console.run_test(size=SIZE) as pilot:
        await shown(pilot, lambda text: "hotter" in text)
        await pilot.press("enter")
        await shown(pilot, lambda text: "forked from" in text)
        await pilot.press("f", "M")
        await shown(pilot, lambda text: "Add charts" in text)
        await pilot.press("space", "space", "enter")
        await shown(pilot, lambda text: "grad norm" in text)
        await pilot.press("s", "s", *["left"] * 12)
        await pilot.pause(1.0)
        keep("fork", console.export_screenshot())
        await pilot.press("escape", "escape")
        await shown(pilot, lambda text: "New run" in text and run.record.name in text)
        console.push_screen(LiveScreen(run))
        await shown(pilot, lambda text: "forked from" not in text and "finished" in text and "3 learning rate" in text)
        await pilot.press(*["left"] * 24, "F")
        await shown(pilot, lambda text: "from this checkpoint on" in text)
        await pilot.press(*({" ": "space"}.get(letter, letter) for letter in "optim.lr=0.02 train.log_every=50"))
        await shown(pilot, lambda text: text.count("→") > 1)
        await pilot.pause(1.0)
        keep("fork_dialog", console.export_screenshot())

"""The pictures of New run and of the settings."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable

from textual.pilot import Pilot

from seqsum.runs import Workspace
from seqsum_tui.app import Console

SIZE = (120, 40)
Shown = Callable[[Pilot[None], Callable[[str], bool]], Awaitable[None]]


async def take_beginning(workspace: Workspace, shown: Shown, keep: Callable[[str, str], None]) -> None:
    """A run of three seeds with changed settings, not started; then the settings."""
    # Else the command line would name the folder of this machine.
    os.environ["SEQSUM_WORKSPACE"] = str(workspace.folder)
    console = Console(workspace.folder)
    async with console.run_test(size=SIZE) as pilot:
        await shown(pilot, lambda text: "New run" in text)
        await pilot.press("n")
        await shown(pilot, lambda text: "What to look for" in text and "a guess" in text)
        await pilot.press("s", "o", "t", "a", "tab", "ctrl+f", *"cell", "enter")
        await shown(pilot, lambda text: "the recurrent cell" in text)
        await pilot.press("right", "escape")
        await shown(pilot, lambda text: "--model.cell lstm" in text)
        console.screen.query_one("#seeds").focus()
        await pilot.press("backspace", "3")
        await shown(pilot, lambda text: "for 3 seeds" in text)
        keep("new_run", console.export_screenshot())
        await pilot.press("escape", "escape", "escape")
        await shown(pilot, lambda text: "New run" in text and "Seeds" not in text)
        await pilot.press("comma")
        await shown(pilot, lambda text: "times a second" in text and "runs.new" in text)
        keep("settings", console.export_screenshot())

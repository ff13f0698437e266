"""The pictures of the tour: what a trained `sota_warmup` has learned."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from textual.pilot import Pilot

from seqsum.runs import Run, Workspace
from seqsum_tui.app import Console
from seqsum_tui.query.screen import QueryScreen
from tests.support.screens import screen_text

SIZE = (110, 30)
QUESTION = "1 2 3 5 1 2 4"
TOUR = (
    ("probabilities", "2", "if the input ends at a step"),
    ("ring", "2", "in the plane of most variance"),
    ("lengths", "3", "Beyond"),
    ("learned", "4", "aha"),
)
"""Each picture's name, the page's key, and what its view shows when it is done."""


Shown = Callable[[Pilot[None], Callable[[str], bool]], Awaitable[None]]


async def take_tour(workspace: Workspace, run: Run, shown: Shown, save: Callable[[str, str], None]) -> None:
    """Walk through the pages and save a picture of each."""
    console = Console(workspace.folder)
    async with console.run_test(size=SIZE) as pilot:
        console.push_screen(QueryScreen(run.id))
        await shown(pilot, lambda text: "ready" in text)
        await pilot.press(*({" ": "space"}.get(key, key) for key in QUESTION), "enter")
        await shown(pilot, lambda text: "entropy" in text)
        await pilot.press("escape")
        for name, page, words in TOUR:
            await pilot.press(page)
            await shown(pilot, lambda text: "computing" not in text)
            while words not in screen_text(console):
                await pilot.press("v")
                await shown(pilot, lambda text: "computing" not in text)
            if name == "probabilities":
                # The cursor on the last answer.
                await pilot.press("end", "pageup", *["down"] * 8)
            await pilot.pause(1.0)
            save(f"tour_{name}", console.export_screenshot())

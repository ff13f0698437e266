"""The moving picture of the first minute: New run, a curve that rises, a question, and what is inside."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from pathlib import Path

from textual.pilot import Pilot

from seqsum_tui.app import Console
from tests.screenshots.film import Film
from tests.support.screens import screen_text

SIZE = (100, 28)
QUESTION = "1 2 3 5 1 2 4"
WORDS = (
    "The first minute: New run, enter, enter; loss falls and accuracy rises to 100%; a sum of seven digits is asked "
    "and answered right; the answer after each digit is the running sum"
)
Shown = Callable[[Pilot[None], Callable[[str], bool]], Awaitable[None]]


async def take_first_run(folder: Path, shown: Shown, keep: Callable[[str, str], None]) -> None:
    """Press the keys that the README's tour names, and film what is seen."""
    # Else the command line would name the folder of this machine.
    os.environ["SEQSUM_WORKSPACE"] = str(folder)
    film = Film(SIZE)
    console = Console(folder)

    def take(seconds: float) -> None:
        film.add(console.export_screenshot(), seconds)

    async with console.run_test(size=SIZE) as pilot:
        await shown(pilot, lambda text: "No runs yet" in text)
        take(2.0)
        await pilot.press("n")
        await shown(pilot, lambda text: "a guess" in text)
        take(2.0)
        await pilot.press("enter")
        await pilot.pause(0.3)
        take(1.2)
        await pilot.press("enter")
        await shown(pilot, lambda text: "adds" in text and "New run" not in text)
        # Also while the run is replayed, where it was over too soon.
        while "finished" not in screen_text(console):
            take(0.15)
            await pilot.pause(0.05)
        await pilot.pause(0.5)
        take(2.5)
        await pilot.press("a")
        await shown(pilot, lambda text: "ready" in text)
        take(1.0)
        for letter in QUESTION:
            await pilot.press("space" if letter == " " else letter)
            await pilot.pause(0.05)
            take(0.12)
        await pilot.press("enter")
        await shown(pilot, lambda text: "entropy" in text)
        await pilot.pause(0.5)
        take(3.5)
        await pilot.press("escape", "2")
        await shown(pilot, lambda text: "computing" not in text)
        while "if the input ends at a step" not in screen_text(console):
            await pilot.press("v")
            await shown(pilot, lambda text: "computing" not in text)
        # The cursor on the last answer.
        await pilot.press("end", "pageup", *["down"] * 8)
        await pilot.pause(0.5)
        take(5.0)
    keep("first_run", film.svg(WORDS))

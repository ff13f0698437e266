"""Ends of runs are told on whatever screen one is: reads the list of runs while no screen shows it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from seqsum_tui.background import in_thread

if TYPE_CHECKING:
    from seqsum.runs import Summary
    from seqsum_tui.app import Console

SHARE = 30
"""Reading takes at most one part in so many of the time."""


class EndingsWatch:
    """Watches until it is cancelled. What the list of runs, in front, tells by itself is left to it."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._before: dict[str, Summary] = {}

    @property
    def known(self) -> int:
        """How many runs the last reading found."""
        return len(self._before)

    async def run(self) -> None:
        """Read, tell, and wait."""
        clock = asyncio.get_running_loop().time
        while True:
            took = 0.0
            if not self._list_in_front():
                began = clock()
                await self._look()
                took = clock() - began
            await asyncio.sleep(max(2 * self._console.seconds, SHARE * took))

    async def _look(self) -> None:
        try:
            now = await in_thread(self._read)
        except Exception:
            # A workspace that can't be read is told where it is shown.
            return
        self._console.tell_endings(self._before, now)
        self._before = now

    def _read(self) -> dict[str, Summary]:
        # The list's own index: thousands of runs are known to the console once.
        entries = self._console.workspace.index.read(quick=bool(self._before)).entries
        return {entry.summary.id: entry.summary for entry in entries}

    def _list_in_front(self) -> bool:
        from seqsum_tui.screens.runs import RunsScreen

        console = self._console
        return any(isinstance(screen, RunsScreen) and console.in_front(screen) for screen in console.screen_stack)

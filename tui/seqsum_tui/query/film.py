"""The checkpoints of a run one after another, as a film; and its frames as a file that a terminal plays.

The file is an asciicast, version 2: a line of JSON with the size, and one for each frame
(https://docs.asciinema.org/manual/asciicast/v2/).
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress

MOST_FRAMES = 40
SECONDS = 0.35
LAST_SECONDS = 2.0


class Film:
    """Turns to one checkpoint after the other; it can be halted, and stepped through either way.

    Args:
        steps: the checkpoints there are; of many, some are left out.
        show: turns to one, and returns when all that is shown is of it.
        seconds: for how long each is to be seen.
    """

    def __init__(self, steps: Sequence[int], show: Callable[[int], Awaitable[None]], seconds: float = SECONDS) -> None:
        every = max(-(-len(steps) // MOST_FRAMES), 1)
        self.steps = (*steps[:-1:every], steps[-1])
        self.halted = False
        self._show, self._seconds, self._at, self._pressed = show, seconds, 0, asyncio.Event()

    def __str__(self) -> str:
        return f"{'‖' if self.halted else '▶'} {self._at + 1} of {len(self.steps)}"

    def halt(self) -> None:
        """Halt, or go on."""
        self.halted = not self.halted
        self._pressed.set()

    def step(self, by: int) -> None:
        """Halt at the checkpoint before, or after."""
        self.halted, self._at = True, max(0, min(self._at + by, len(self.steps) - 1))
        self._pressed.set()

    async def play(self) -> None:
        """Return when the last has been seen."""
        shown = None
        while True:
            if shown != self._at:
                shown = self._at
                self._pressed.clear()
                await self._show(self.steps[shown])
            with suppress(TimeoutError):
                await asyncio.wait_for(self._pressed.wait(), None if self.halted else self._seconds)
            if self._pressed.is_set():
                self._pressed.clear()
            elif self._at == len(self.steps) - 1:
                return
            else:
                self._at += 1


def as_cast(frames: Sequence[Sequence[str]], width: int, title: str, began: float) -> bytes:
    """Return frames, each the lines of a screen with their colours, as an asciicast. began: seconds since 1970."""
    head = {"version": 2, "width": width, "height": len(frames[0]), "timestamp": int(began), "title": title}
    written, before = [json.dumps(head)], [""] * len(frames[0])
    for at, frame in enumerate(frames):
        # Only lines that changed.
        changed = [f"\x1b[{y};1H{line}" for y, line in enumerate(frame, start=1) if line != before[y - 1]]
        start = "" if at else "\x1b[?25l\x1b[2J"
        written.append(json.dumps([round(at * SECONDS, 3), "o", start + "".join(changed)]))
        before = list(frame)
    written.append(json.dumps([round((len(frames) - 1) * SECONDS + LAST_SECONDS, 3), "o", ""]))
    return ("\n".join(written) + "\n").encode()

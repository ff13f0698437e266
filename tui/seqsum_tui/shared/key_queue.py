"""Keys one after the other, so that what is typed ahead goes where it was meant.

Textual hands a key to whatever has the focus when the key arrives. What the key before it opens may not be there yet:
its action runs only once the key went all the way up, and a screen's first focus comes later still.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable
from contextlib import suppress
from typing import Any
from weakref import WeakSet

from textual import events
from textual.app import App
from textual.dom import DOMNode
from textual.screen import Screen

PATIENCE_SECONDS = 10.0
"""A screen that is not ready by then gets its keys all the same; a part that does not answer is not waited for."""
LOOK_SECONDS, GONE_SECONDS = 0.005, 0.05
ROUNDS = 3
"""The key itself; what a widget posts because of it; and what is posted because of that."""
WAY_OUT = "ctrl+q"
"""It leaves the console whatever holds the others up."""


class KeyQueue:
    """Holds keys back until the one before is done, and until the screen in front takes keys (`takes_keys`)."""

    def __init__(self, app: App[Any]) -> None:
        self._app = app
        self._held: deque[events.Key] = deque()
        self._passed: events.Key | None = None
        self._settled: WeakSet[Screen[Any]] = WeakSet()
        self._runner: asyncio.Task[None] | None = None

    def passes(self, event: events.Key) -> bool:
        """Tell whether a key can go its way now; else it is kept, and posted to the app again in its turn."""
        if event.key == WAY_OUT:
            return True
        if event is self._passed:
            self._passed = None
            return True
        free = self._runner is None and self._ready
        if not free:
            self._held.append(events.Key(event.key, event.character))
        if self._runner is None:
            self._runner = asyncio.create_task(self._run(), name="keys")
        return free

    @property
    def _ready(self) -> bool:
        screen = self._app.screen
        return screen in self._settled and getattr(screen, "takes_keys", True)

    async def _run(self) -> None:
        try:
            await self._went_by()
            while self._held:
                await self._until_ready()
                self._passed = self._held.popleft()
                self._app.post_message(self._passed)
                # An app that is busy with something long takes it all the same, before any other.
                while self._passed is not None and self._app.is_running:
                    await _reached([self._app])
                await self._went_by()
        finally:
            self._runner = None

    async def _went_by(self) -> None:
        """Wait until the key went down to the focus and up again, and what it does is begun."""
        await _reached([self._app])
        for _ in range(ROUNDS):
            await _reached((self._app.focused or self._app.screen).ancestors_with_self)

    async def _until_ready(self) -> None:
        end = asyncio.get_running_loop().time() + PATIENCE_SECONDS
        while not self._ready and asyncio.get_running_loop().time() < end:
            screen = self._app.screen
            if screen.is_mounted and screen not in self._settled:
                # The screen's first focus, and what its `on_mount` asks the app to focus.
                await _reached([screen, self._app])
                self._settled.add(screen)
            elif not self._ready:
                await asyncio.sleep(LOOK_SECONDS)


async def _reached(stations: Iterable[DOMNode]) -> None:
    """Wait until each has done all that it was sent so far, one after the other; one that is taken down does not."""
    end = asyncio.get_running_loop().time() + PATIENCE_SECONDS
    for station in stations:
        done = asyncio.Event()
        if station.call_later(done.set):
            while station.is_attached and not done.is_set() and asyncio.get_running_loop().time() < end:
                with suppress(TimeoutError):
                    await asyncio.wait_for(done.wait(), GONE_SECONDS)

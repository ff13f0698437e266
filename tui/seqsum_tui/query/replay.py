"""The replay of a run: its checkpoints one after another, on every panel at once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from seqsum_tui.query.asker import AskedScreen, Asker
from seqsum_tui.query.film import Film


class Replay:
    """Turns the first of the models that are asked to one checkpoint after another."""

    def __init__(self, screen: AskedScreen, asker: Asker) -> None:
        self._screen, self._asker = screen, asker
        self.film: Film | None = None
        """What plays."""

    async def play(self) -> None:
        """Play it from the first checkpoint to the newest, which is then asked again where it was before."""
        asking = self._asker.askings[0]
        newest = asking.session.step is None
        await self._play(Film(asking.session.checkpoints, self._show))
        if newest:
            self._turn_back(None)

    async def filmed(self, picture: Callable[[], Awaitable[list[str]]]) -> list[list[str]]:
        """Return a picture of each checkpoint; the one that was asked is asked again."""
        session, frames = self._asker.askings[0].session, list[list[str]]()
        began = session.step

        async def take(step: int) -> None:
            await self._show(step)
            frames.append(await picture())

        await self._play(Film(session.checkpoints, take, seconds=0))
        self._turn_back(began)
        return frames

    def press(self, pressed: Callable[[Film], None]) -> None:
        """Do something to what plays, and show where it is."""
        if self.film is not None:
            pressed(self.film)
            self._screen.show_head()

    def _turn_back(self, step: int | None) -> None:
        asking = self._asker.askings[0]
        asking.turn_to(step)
        asking.session.follows = True
        self._asker.ask_again(asking)

    async def _play(self, film: Film) -> None:
        self.film = film
        self._screen.refresh_bindings()
        try:
            await film.play()
        finally:
            self.film = None
            self._screen.refresh_bindings()
            self._screen.show_head()

    async def _show(self, step: int) -> None:
        """Turn to a checkpoint, and wait until all that is shown is of it."""
        asking = self._asker.askings[0]
        asking.turn_to(step)
        self._screen.show_head()
        if asking.waits:
            await self._asker.answer(asking)
        self._screen.fill_all()
        while self._asker.busy:
            await asyncio.sleep(0.02)

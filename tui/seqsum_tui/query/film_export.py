"""The replay of a run as a file that a terminal plays: where it is to go, and its frames as they are seen."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from rich.console import Console as Painter

from seqsum.errors import UserError
from seqsum.export import write
from seqsum_tui.dialogs.text_input import LineScreen
from seqsum_tui.query.film import as_cast
from seqsum_tui.query.replay import Replay
from seqsum_tui.shared.context import ConsoleScreen
from seqsum_tui.shared.paths import default_folder, for_people, free_path, new_file
from seqsum_tui.shared.polling import in_thread

if TYPE_CHECKING:
    from textual.worker import WorkType

    Work = Callable[[], Coroutine[Any, Any, None]]

HINT = "An asciicast: asciinema plays it in a terminal, and its player on a page."


class FilmExport:
    """Asks for a file, and writes there what the screen shows of each checkpoint."""

    def __init__(self, screen: ConsoleScreen[None], replay: Replay) -> None:
        self._screen, self._replay = screen, replay

    def ask(self, name: str) -> None:
        """Ask where the replay is to go, and write it. name: the run's, of the film and of the file."""
        folder = default_folder()
        path = for_people(free_path(folder, name, "cast"))
        named = partial(new_file, folder, format="cast")

        def begin(path: Path | None) -> None:
            if path is not None:
                work: Work = partial(self._write, path, name)
                self._screen.run_worker(cast("WorkType[None]", work), name="film", group="replay", exclusive=True)

        self._screen.app.push_screen(LineScreen("Export the replay", named, HINT, value=path, done="writes"), begin)

    async def _write(self, path: Path, name: str) -> None:
        frames, screen = await self._replay.filmed(self._picture), self._screen
        written = as_cast(frames, screen.size.width, name, screen.console.now())
        try:
            await in_thread(lambda: write(path, written))
        except UserError as error:
            screen.notify(str(error), title="Not exported", severity="error")
        else:
            told = f"{for_people(path)}, {len(written):,} bytes; asciinema play {for_people(path)} plays it"
            screen.notify(told, title="Exported", timeout=10)

    async def _picture(self) -> list[str]:
        """Return the lines of the screen, with their colours, once what changed is painted."""
        painted, painter = asyncio.Event(), Painter(force_terminal=True, color_system="truecolor")
        self._screen.call_after_refresh(painted.set)
        await painted.wait()
        return [strip.render(painter) for strip in self._screen._compositor.render_strips(self._screen.size)]

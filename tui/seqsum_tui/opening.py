"""The first paint: what stands there while the list of runs is imported."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from importlib import import_module
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType

from seqsum_tui.shared import bindings
from seqsum_tui.shared.context import ConsoleScreen
from seqsum_tui.shared.key_line import KeyLine
from seqsum_tui.shared.polling import in_thread
from seqsum_tui.shared.top_bar import TopBar


class OpeningScreen(ConsoleScreen[None]):
    """Looks like the list of runs before its first reading. Keys pressed meanwhile are the list's.

    Args:
        place: the workspace, as it stands in the top line.
        opened: called when the list is imported, to put it in this screen's place.
    """

    BINDINGS: ClassVar[list[BindingType]] = bindings.RUNS

    def __init__(self, place: str, opened: Callable[[], Awaitable[object]]) -> None:
        super().__init__()
        self._place, self._opened = place, opened

    @property
    def takes_keys(self) -> bool:
        """They are the list's."""
        return False

    def compose(self) -> ComposeResult:
        """Make the widgets."""
        yield TopBar(self._place)
        yield KeyLine()

    def on_mount(self) -> None:
        """Import once the first picture is there."""
        self.call_after_refresh(lambda: self.run_worker(self._open(), name="rooms"))

    async def _open(self) -> None:
        await in_thread(lambda: import_module("seqsum_tui.runs.screen"))
        await self._opened()

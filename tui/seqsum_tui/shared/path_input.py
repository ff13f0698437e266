"""A line for the name of a file, which tab completes."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

from textual.binding import BindingType
from textual.suggester import Suggester

from seqsum_tui.shared import dialog_keys
from seqsum_tui.shared.one_line import OneLineInput
from seqsum_tui.shared.polling import in_thread


class FileSuggester(Suggester):
    """Completes a path to the first file, or folder, whose name begins so."""

    def __init__(self, folder: Path) -> None:
        super().__init__(use_cache=False, case_sensitive=True)
        self._folder = folder

    async def get_suggestion(self, value: str) -> str | None:
        """Return the whole path as it would be; a folder's with a slash at its end."""
        return await in_thread(lambda: completed(value, self._folder))


def completed(typed: str, beside: Path) -> str | None:
    """Return the first path that begins as what is typed, written as that is; None where there is none, or all is
    there. beside: the folder from which a path without one is read"""
    folder, _, begun = typed.rpartition("/")
    if not begun and not folder:
        return None
    before = f"{folder}/" if "/" in typed else ""
    try:
        place = beside / Path(before).expanduser()
        names = sorted(entry.name for entry in place.iterdir() if entry.name.startswith(begun))
    except (OSError, ValueError, RuntimeError):
        return None
    shown = [name for name in names if begun.startswith(".") or not name.startswith(".")]
    if not shown:
        return None
    found = f"{before}{shown[0]}{'/' if (place / shown[0]).is_dir() else ''}"
    return found if found != typed else None


class PathInput(OneLineInput):
    """What is shown grey is taken with tab, or the right arrow; where nothing is, tab goes on.

    folder: that from which a path without one is read
    """

    BINDINGS: ClassVar[list[BindingType]] = dialog_keys.PATH

    def __init__(self, folder: Path, **kwargs: Any) -> None:
        super().__init__(suggester=FileSuggester(folder), **kwargs)
        self._folder = folder

    async def action_complete(self) -> None:
        """Take the name that is shown grey; where there is none, go to the next line."""
        found = await in_thread(lambda: completed(self.value, self._folder)) if self.cursor_at_end else None
        if found is None:
            self.screen.focus_next()
        else:
            self.value = found
            self.cursor_position = len(found)

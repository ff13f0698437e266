"""Which runs something was done to, for whoever lists thousands of them: their ids, in `<workspace>/.changed`.

A hint only, so that a list need not look at every folder again to find one that changed. Nothing is lost without it.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from seqsum.files import append_to, open_regular

CHANGED_FILE = ".changed"
MOST_BYTES = 32_000


def tell_changed(run_folder: Path) -> None:
    """Say that something was done to a run, after it was. A workspace that can't be written goes without."""
    path = run_folder.parent / CHANGED_FILE
    with suppress(OSError), append_to(path) as file:
        if file.seek(0, 2) > MOST_BYTES:
            file.truncate(0)
        file.write(run_folder.name.encode() + b"\n")


class ChangedRuns:
    """Reads what was told since the last reading."""

    def __init__(self, workspace: Path) -> None:
        self._path = workspace / CHANGED_FILE
        self._read_to = 0

    def read(self) -> set[str]:
        """Return the ids, at first all that are there."""
        try:
            size = self._path.stat().st_size
            if size < self._read_to:
                self._read_to = 0
            if size == self._read_to:
                return set()
            with open_regular(self._path) as file:
                file.seek(self._read_to)
                # A stranger's file can be of any size.
                found = file.read(2 * MOST_BYTES) or b""
        except OSError:
            self._read_to = 0
            return set()
        self._read_to = size
        return set(found.decode(errors="replace").split("\n")) - {""}

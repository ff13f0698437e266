"""Runs whose folder is not where it was: in the bin, or nowhere."""

from __future__ import annotations

from pathlib import Path

from seqsum.errors import UserError
from seqsum.runs.bounds import own_folder

BIN_FOLDER = ".bin"
GOING = ".old"
"""How the name of what is being deleted from the bin ends."""


def emptied(workspace: Path) -> list[Path]:
    """Return what is left of runs in the bin whose deletion was killed on the way, or goes on at this moment."""
    try:
        return sorted(own_folder(workspace / BIN_FOLDER).glob(f".*{GOING}"))
    except UserError:  # not a folder of ours
        return []


class RunGone(UserError):
    """A run's folder is not there. binned: whether it lies in the bin, from where it can come back."""

    def __init__(self, folder: Path) -> None:
        self.binned = (folder.parent / BIN_FOLDER / folder.name).is_dir()
        if self.binned:
            super().__init__(f"run {folder.name} is in the bin; seqsum restore {folder.name} brings it back")
        else:
            super().__init__(f"run {folder.name} is gone: there is no folder {folder} any more")

    @classmethod
    def check(cls, folder: Path) -> None:
        """Raise it when the run's folder is not there."""
        if not folder.is_dir():
            raise cls(folder)

"""A run's folder in another tool's own layout, written whole or not at all."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from seqsum.errors import UserError, told_as
from seqsum.files import sync_folder, write_atomically
from seqsum.runs.bounds import remove
from seqsum.text import printable

Inner = tuple[str, ...]
"""A path inside a folder, name by name."""
LONGEST_NAME = 60
"""In UTF-8 each letter may take four of the 255 bytes of a name."""


def plain_name(text: str) -> str:
    """Return what a file or folder may be called after a run; "" where nothing is left of it."""
    return re.sub(r"[^\w.,=+ -]+", "-", text).strip(". ")[:LONGEST_NAME]


@dataclass(frozen=True)
class Folder:
    """place: where it lies below the root. files: path in it → content. beside: path below the root → content, of what
    is written unless it is there. folders: those that are to be there, empty or not. ours: a regular expression of the
    names that this tool puts into such a folder."""

    place: Inner
    files: Mapping[Inner, bytes] = field(repr=False)
    beside: Mapping[Inner, bytes] = field(default_factory=dict, repr=False)
    folders: tuple[str, ...] = ()
    ours: str = ""

    @property
    def size(self) -> int:
        """How many bytes its files are."""
        return sum(map(len, self.files.values()))

    def check(self, root: Path, *, force: bool) -> Path:
        """Return the folder's path; raise UserError where something is there already, unless `force` may replace it."""
        target = root.joinpath(*self.place)
        if os.path.lexists(target):
            shown = printable(str(target))
            if not force:
                raise UserError(
                    f"export: {shown} is there already; choose another --output, or replace it with --force"
                )
            if target.is_symlink() or not target.is_dir():
                raise UserError(f"export: {shown} is no folder; choose another --output")
            names = sorted(path.name for path in target.iterdir())
            other = next((name for name in names if not re.fullmatch(self.ours, name)), None)
            if other is not None:
                raise UserError(
                    f"export: {shown} holds other things, such as {printable(other)}; choose another --output"
                )
        return target

    def write(self, root: Path, *, force: bool = False) -> Path:
        """Write the folder below the root, and return its path; with `force` in the place of one that is there.

        Raises UserError when it is there already, or can't be written.
        """
        with told_as(f"export: can't write {printable(str(root))}"):
            target = self.check(root, force=force)
            new = [folder for folder in target.parents if not folder.exists()]
            building = target.with_name(f".{target.name}.{os.getpid()}.new")
            try:
                target.parent.mkdir(parents=True, exist_ok=True)
                remove(building)
                building.mkdir()
                for name in self.folders:
                    (building / name).mkdir()
                for path, content in self.files.items():
                    place = building.joinpath(*path)
                    place.parent.mkdir(parents=True, exist_ok=True)
                    place.write_bytes(content)
                for path, content in self.beside.items():
                    if not (place := root.joinpath(*path)).exists():
                        write_atomically(place, content)
                if os.path.lexists(target):
                    remove(target)
                building.rename(target)
            except BaseException:
                with suppress(OSError):
                    remove(building)
                    for folder in new:
                        folder.rmdir()
                raise
            sync_folder(target.parent)
        return target

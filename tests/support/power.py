"""What a power failure would leave of a folder: a recording of the calls that change files or force them to the disk.

For sure the disk holds of a file what was in it when it was last forced, and of a folder the entries it had then; the
system may have written more. SQLite's files change in C, where nobody sees it: taken together they are as they were
when the program itself last forced them.
"""

from __future__ import annotations

import itertools
import os
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

STORE = ("metrics.db", "metrics.db-wal")
UNKEPT = {*STORE, "metrics.db-shm", "worker.lock", "worker.log"}

Tree = dict[str, bytes | None]
"""Path in the folder → what is in the file; None for a folder."""


@dataclass(frozen=True)
class Moment:
    """What there was before a call: as programs see it, and of it what the disk holds for sure."""

    seen: Tree
    forced: Tree
    store_seen: Tree
    store_forced: Tree

    def left(self) -> dict[str, Tree]:
        """Return what a power failure at this moment can leave, by what the system had written by itself."""
        emptied = {path: None if data is None else self.forced.get(path, b"") for path, data in self.seen.items()}
        return {
            "nothing more": {**self.forced, **self.store_forced},
            "all but the store": {**self.seen, **self.store_forced},
            "the store": {**self.forced, **self.store_seen},
            "names, not contents": {**emptied, **self.store_forced},
        }


class Recorder:
    """Records every moment before a file-changing call of this process."""

    def __init__(self, folder: Path) -> None:
        self.moments: list[Moment] = []
        self._folder = folder
        self._lock = threading.RLock()
        self._busy = False
        self._new = itertools.count()
        self._ids: dict[int, int] = {}  # of an inode: that of a deleted file is used again
        self._contents: dict[int, bytes] = {}
        self._entries: dict[int, dict[str, tuple[int, bool]]] = {}
        self._store = self._store_now()
        for place, _, names in os.walk(folder):
            self._force(place)
            for name in names:
                self._force(f"{place}/{name}")

    def record(self) -> None:
        for name in ("fsync", "mkdir", "rename", "replace", "unlink", "rmdir"):
            setattr(os, name, self._recorded(name, getattr(os, name)))

    def take(self) -> None:
        """Add a moment."""
        forced: Tree = {}
        self._collect(self._id(os.stat(self._folder).st_ino), "", forced)  # noqa: PTH116
        seen: Tree = {}
        for place, folders, names in os.walk(self._folder):
            inner = Path(place).relative_to(self._folder)
            seen |= {str(inner / name): None for name in folders}
            seen |= {str(inner / name): Path(place, name).read_bytes() for name in names if name not in UNKEPT}
        self.moments.append(Moment(seen, forced, self._store_now(), self._store))

    def _recorded(self, name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*given: Any, **named: Any) -> Any:
            with self._lock:
                if self._busy:
                    return real(*given, **named)
                self._busy = True
                try:
                    self.take()
                    if name == "fsync":
                        self._force(os.readlink(f"/proc/self/fd/{given[0]}"))  # noqa: PTH115
                    elif name != "mkdir":
                        self._forget(given[-1], named.get("dir_fd"))
                    return real(*given, **named)
                finally:
                    self._busy = False

        return call

    def _id(self, inode: int) -> int:
        return self._ids.setdefault(inode, next(self._new))

    def _forget(self, path: Any, folder: int | None) -> None:
        """A name is taken away, or given to another file."""
        try:
            facts = os.stat(path, dir_fd=folder, follow_symlinks=False)
        except FileNotFoundError:
            return
        self._ids.pop(facts.st_ino, None)

    def _force(self, path: str) -> None:
        if os.path.basename(path) in STORE:  # noqa: PTH119
            self._store = self._store_now()
        facts = os.stat(path)  # noqa: PTH116
        if os.path.isdir(path):  # noqa: PTH112
            with os.scandir(path) as entries:
                found = {entry.name: (self._id(entry.inode()), entry.is_dir()) for entry in entries}
            self._entries[self._id(facts.st_ino)] = found
        else:
            self._contents[self._id(facts.st_ino)] = Path(path).read_bytes()

    def _store_now(self) -> Tree:
        # The store before what is to be brought into it.
        return {name: (self._folder / name).read_bytes() for name in STORE if (self._folder / name).exists()}

    def _collect(self, folder: int, path: str, into: Tree) -> None:
        for name, (id, is_folder) in self._entries.get(folder, {}).items():
            if is_folder:
                into[f"{path}{name}"] = None
                self._collect(id, f"{path}{name}/", into)
            elif name not in UNKEPT:
                into[f"{path}{name}"] = self._contents.get(id, b"")


def write(tree: Tree, folder: Path) -> None:
    """Make a folder of what is in a tree."""
    folder.mkdir(parents=True)
    for path in sorted(path for path, data in tree.items() if data is None):
        (folder / path).mkdir(exist_ok=True)
    for path, data in tree.items():
        if data is not None:
            (folder / path).write_bytes(data)

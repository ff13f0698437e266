"""What a power failure would leave of a folder: a recording of the calls that change files or force them to the disk.

For sure the disk holds of a file what was in it when it was last forced, and of a folder the entries it had then; the
system may have written more. SQLite's files change in C, where nobody sees it: the store's, taken together, are as they
were when the program itself last forced them; a copy in a folder below, which SQLite forces when it has made it, is as
it was when that folder was.
"""

from __future__ import annotations

import itertools
import os
import pickle
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
    """What there was before a call: as programs see it, of that what the disk holds for sure, and what programs see
    with the contents that it holds for sure."""

    seen: Tree
    forced: Tree
    emptied: Tree
    store_seen: Tree
    store_forced: Tree

    def left(self) -> dict[str, Tree]:
        """Return what a power failure at this moment can leave, by what the system had written by itself."""
        return {
            "nothing more": {**self.forced, **self.store_forced},
            "all but the store": {**self.seen, **self.store_forced},
            "the store": {**self.forced, **self.store_seen},
            "names, not contents": {**self.emptied, **self.store_forced},
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
            kept = [name for name in names if str(inner / name) not in UNKEPT]
            seen |= {str(inner / name): Path(place, name).read_bytes() for name in kept}
        emptied = {
            path: data and self._contents.get(self._id((self._folder / path).stat().st_ino), b"")
            for path, data in seen.items()
        }
        self.moments.append(Moment(seen, forced, emptied, self._store_now(), self._store))

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
        if path in {f"{self._folder}/{name}" for name in STORE}:
            self._store = self._store_now()
        facts = os.stat(path)  # noqa: PTH116
        if os.path.isdir(path):  # noqa: PTH112
            with os.scandir(path) as entries:
                found = {entry.name: (self._id(entry.inode()), entry.is_dir()) for entry in entries}
            self._entries[self._id(facts.st_ino)] = found
            if STORE[0] in found and not os.path.samefile(path, self._folder):  # noqa: PTH121
                self._contents[found[STORE[0]][0]] = Path(path, STORE[0]).read_bytes()
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
            elif f"{path}{name}" not in UNKEPT:
                into[f"{path}{name}"] = self._contents.get(id, b"")


def recorded(folder: Path, work: Callable[[], object]) -> list[Moment]:
    """Work in a child; return every moment at which the power can fail, the last one when all is done."""
    file = folder.with_name("moments")
    child = os.fork()
    if child == 0:
        status = 1
        try:
            recorder = Recorder(folder)
            recorder.record()
            work()
            recorder.take()
            file.write_bytes(pickle.dumps(recorder.moments))
            status = 0
        finally:
            os._exit(status)
    _, status = os.waitpid(child, 0)
    assert os.WEXITSTATUS(status) == 0
    moments: list[Moment] = pickle.loads(file.read_bytes())
    return moments


def write(tree: Tree, folder: Path) -> None:
    """Make a folder of what is in a tree."""
    folder.mkdir(parents=True)
    for path in sorted(path for path, data in tree.items() if data is None):
        (folder / path).mkdir(exist_ok=True)
    for path, data in tree.items():
        if data is not None:
            (folder / path).write_bytes(data)

"""Checkpoints kept loaded, the ones used last: going to and fro between two of them reads no file."""

from __future__ import annotations

from seqsum.errors import UserError
from seqsum.files import file_stamp
from seqsum.query.loading import Loaded, load
from seqsum.runs import Run
from seqsum.runs.checkpoint_files import CHECKSUMS_FILE, steps_saved

MOST = 64
MOST_BYTES = 512 * 2**20

Key = tuple[int, int]
"""A step, and when its files were written: a resumed run can write a step anew."""


class Shelf:
    """The checkpoints of one run."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self._kept: dict[Key, Loaded] = {}
        """The one used last stands last."""
        self._instead: dict[Key, Key] = {}
        """Which checkpoint answered as the newest when a damaged one was newer."""

    def steps(self) -> list[int]:
        """Steps of all checkpoints on the disk, ascending."""
        return steps_saved(self.run.checkpoints)

    def take(self, step: int | None = None) -> Loaded:
        """Return the checkpoint of a step, or the newest whole one; raises UserError as `load` does."""
        steps = self.steps()
        wanted = step if step is not None else (steps[-1] if steps else None)
        key = (0, 0) if wanted is None else self._key(wanted)
        if step is None:
            key = self._instead.get(key, key)
        if key in self._kept:
            self._kept[key] = self._kept.pop(key)
            return self._kept[key]
        loaded = load(self.run, step, next(reversed(self._kept.values()), None))
        found = self._key(loaded.step)
        if found != key:
            self._instead = {key: found}
        self._kept[found] = loaded
        while len(self._kept) > 1 and (
            len(self._kept) > MOST or sum(kept.bytes for kept in self._kept.values()) > MOST_BYTES
        ):
            del self._kept[next(iter(self._kept))]
        return loaded

    def whole(self) -> list[int]:
        """Steps of the checkpoints that can answer, ascending; each was loaded to find out."""
        found: list[int] = []
        for step in self.steps():
            try:
                self.take(step)
            except UserError:
                continue
            found.append(step)
        return found

    def _key(self, step: int) -> Key:
        return step, file_stamp(self.run.checkpoints / f"step-{step}" / CHECKSUMS_FILE)[0]

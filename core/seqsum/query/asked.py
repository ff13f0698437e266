"""What a question is answered from: a checkpoint, and what was kept of earlier answers."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

from seqsum.query.checkpoint_cache import Shelf
from seqsum.query.examples import Answered, Deadline, examples_of, walked
from seqsum.query.loading import Loaded
from seqsum.query.model_input import ModelInput
from seqsum.runs import Run
from seqsum.tasks.base import AnyTask, Examples

KEPT = 3  # of each kind: lists of mistakes, baselines of forecasts

Kept = TypeVar("Kept")


class Memory:
    """What is costly to find out, kept for the next question."""

    def __init__(self) -> None:
        self._kept: dict[str, dict[Hashable, Any]] = {}

    def kept(self, what: str, key: Hashable, make: Callable[[], Kept], most: int = KEPT) -> Kept:
        """Return what `make` gives, made once for a key; of each kind (`what`) the `most` used last are kept."""
        kept = self._kept.setdefault(what, {})
        found: Kept = kept.pop(key) if key in kept else make()
        kept[key] = found  # behind the others: the first is the one used longest ago
        if len(kept) > most:
            del kept[next(iter(kept))]
        return found


@dataclass(frozen=True)
class Asked:
    """loaded: the checkpoint that answers; number: which question this is, from 1 on; deadline: when it must be done"""

    run: Run
    shelf: Shelf
    loaded: Loaded
    number: int
    deadline: Deadline
    memory: Memory

    @property
    def task(self) -> AnyTask:
        return self.loaded.task

    def read(self, text: str) -> ModelInput:
        """Read what a person typed; raises InputError where it can't be read."""
        return ModelInput.typed(self.loaded, text)

    def seed(self, seed: int | None) -> int:
        """Each question draws anew unless it names a seed: the same prompt twice is to give two texts."""
        return self.number if seed is None else seed

    def examples(self, low: int | None, high: int | None) -> tuple[Iterator[Examples], bool]:
        """Return the examples of lengths low…high, and whether they are the whole input space."""
        return examples_of(self.loaded, low, high)

    def walked(self, examples: Iterator[Examples]) -> Iterator[Answered]:
        """Ask about examples, part by part; raises UserError when that takes too long."""
        return walked(self.loaded, examples, self.deadline)

"""The next chunk's data, made while compiled code works on this one's."""

from __future__ import annotations

from seqsum.config import Config
from seqsum.tasks import AnyTask, Batches
from seqsum.training.ordered_worker import OrderedWorker


class Prefetch:
    """Makes batches, when told in time in a thread of its own. A step's data depends on its number alone, so that a
    wrong guess of the next chunk costs time and nothing else."""

    def __init__(self, task: AnyTask, config: Config) -> None:
        self._task, self._train = task, config.train
        self._making = OrderedWorker("batches")
        self._promised: tuple[int, int] | None = None

    def prepare(self, first: int, steps: int) -> None:
        """Begin to make the batches of `steps` steps from `first` on."""
        self._promised = first, steps
        self._making.add(lambda: self._make(first, steps))

    def batches(self, first: int, steps: int) -> Batches:
        """Return the batches of `steps` steps from `first` on, made before or made now."""
        promised, self._promised = self._promised, None
        made: Batches | None = self._making.result() if promised else None
        return made if made is not None and promised == (first, steps) else self._make(first, steps)

    def _make(self, first: int, steps: int) -> Batches:
        return self._task.batches(self._train.seed, first, steps, self._train.batch_size)

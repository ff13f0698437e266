"""The exact evaluation of a whole input space by compiled code, beside training that goes on."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from seqsum.evaluation.evaluate import CONFUSION_CLASSES, Check, Evaluation, every_sequence
from seqsum.tasks import AnyTask, InputSpace
from seqsum.tasks.base import ALL_INPUTS
from seqsum.training.backends.fused.layout import COLUMNS, Shape

if TYPE_CHECKING:
    from seqsum.training.backends.fused.exhaustive import Exhaustive


class ExactEvaluation:
    """Asks about a whole input space through compiled code, which it keeps from one time to the next."""

    def __init__(self, task: AnyTask, shape: Shape, offsets: dict[str, int]) -> None:
        self._task, self._shape, self._offsets = task, shape, offsets
        space = task.enumerable()
        # What reads from both ends shares no beginnings.
        one_way = not shape.tags and not shape.carried and shape.directions == 1
        fits = space is not None and space.vocabulary <= COLUMNS and one_way
        self._space = space if fits else None
        self._exhaustive: Exhaustive | None = None

    def begin(self, values: NDArray[np.float32], check: Check | None) -> Callable[[], Evaluation] | None:
        """Return what evaluates these weights, which are copied; None when that has to be done another way."""
        return None if self._space is None else partial(self._evaluate, self._space, values.copy(), check)

    def _evaluate(self, space: InputSpace, values: NDArray[np.float32], check: Check | None) -> Evaluation:
        if self._exhaustive is None:
            from seqsum.training.backends.fused.exhaustive import Exhaustive

            truths = np.concatenate([examples.targets for examples in every_sequence(space, self._task)])
            self._exhaustive = Exhaustive(self._shape, self._offsets, space.low, space.high, truths)
        counts = self._exhaustive.ask(values, check)
        lengths = range(space.low, space.high + 1)
        weights = np.array([space.weight(length) for length in lengths])
        right, losses = counts.right[space.low :], counts.losses[space.low :]
        asked = np.array([space.vocabulary**length for length in lengths])
        total = float(asked @ weights)
        loss = float(losses @ weights) / total
        plain = {ALL_INPUTS: int(right.sum()) / space.size} if len(lengths) > 1 else {}
        return Evaluation(
            accuracy=float(right @ weights) / total,
            loss=loss,
            sequences=space.size,
            exhaustive=True,
            asked=space.size,
            accuracy_by_length=dict(zip(lengths, (right / asked).tolist(), strict=True)),
            metrics={**plain, **self._task.loss_metrics(loss)},
            confusion=counts.confusion if len(counts.confusion) <= CONFUSION_CLASSES else None,
        )

"""A large network's batch in parts, so that two threads can share a step.

A part's gradient hangs on nothing but its rows, and the parts' are added in their order: one thread, which makes them
one after the other, gives the same bits as several.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from seqsum.training.backends.fused.layout import ParameterPlaces, Shape, WorkArray
from seqsum.training.backends.fused.optimizers import Optimizer

if TYPE_CHECKING:
    from seqsum.training.backends.fused.chunk import ChunkBatches, Parameters, Results

Floats = NDArray[np.float32]


def divided(batch: int, parts: int) -> list[int]:
    """Return how many of a batch's rows each part has."""
    return [batch // parts + (part < batch % parts) for part in range(parts)]


@dataclass(frozen=True)
class Part:
    """Some rows of every batch, and the room in which they are computed."""

    rows: slice
    shape: Shape
    array: WorkArray


class BatchParts:
    """The parts of the batches of one shape; one part is the whole of them."""

    def __init__(self, whole: Shape, shapes: list[Shape]) -> None:
        self.whole = whole
        ends = np.cumsum([shape.batch for shape in shapes]).tolist()
        self._parts = [
            Part(slice(end - shape.batch, end), shape, WorkArray(shape))
            for end, shape in zip(ends, shapes, strict=True)
        ]
        self._pool: ThreadPoolExecutor | None = None

    def run(
        self,
        places: ParameterPlaces,
        parameters: Parameters,
        optimizer: Optimizer,
        done: int,
        batches: ChunkBatches,
        results: Results,
        threads: int,
    ) -> int:
        """Make one update per step and fill in `results`; return how many were made, as `run_chunk` does."""
        from seqsum.training.backends.fused import chunk

        if len(self._parts) == 1:
            (only,) = self._parts
            array = only.array
            made = chunk.run_chunk(
                only.shape, array.places, array.numbers, places, parameters, optimizer, done, batches, results, 0
            )  # fmt: skip
            return int(made)
        gradients = np.zeros((len(self._parts), len(parameters.values)), dtype=np.float32)
        asked = self._asked(batches)
        results.asked[:] = asked

        def gradient(which: int, step: int) -> tuple[float, int]:
            """Make a part's gradient; return its sum of losses and its right answers."""
            part, this = self._parts[which], slice(step, step + 1)
            found = chunk.Results(np.zeros(1), np.zeros(1, np.int64), np.zeros(1, np.int64), np.zeros(1))
            rows = (batches.tokens[this, part.rows], batches.lengths[this, part.rows], batches.targets[this, part.rows])
            chunk.run_chunk(
                part.shape, part.array.places, part.array.numbers, places,
                parameters._replace(gradients=gradients[which]), optimizer, 0,
                chunk.ChunkBatches(*rows, batches.rates[this], batches.draws[this], part.rows.start), found,
                max(1, int(asked[step])),
            )  # fmt: skip
            return float(found.losses[0]), int(found.right[0])

        for step, rate in enumerate(batches.rates):
            found = self._all(gradient, step, threads)
            loss = sum(part for part, _ in found) / asked[step] if asked[step] else math.nan
            results.losses[step], results.right[step] = loss, sum(right for _, right in found)
            results.norms[step] = norm = chunk.update_of_parts(
                optimizer, float(rate), done + step + 1, parameters, gradients, loss
            )
            if not (math.isfinite(loss) and math.isfinite(norm)):
                return step
        return len(batches.rates)

    def _all(
        self, gradient: Callable[[int, int], tuple[float, int]], step: int, threads: int
    ) -> list[tuple[float, int]]:
        """Make every part's gradient, the first in this thread; return what they give, in the parts' order."""
        others = range(1, len(self._parts))
        if threads == 1:
            return [gradient(0, step), *(gradient(which, step) for which in others)]
        if self._pool is None:
            self._pool = ThreadPoolExecutor(len(others), thread_name_prefix="batch-part")
        begun = [self._pool.submit(gradient, which, step) for which in others]
        return [gradient(0, step), *(one.result() for one in begun)]

    def _asked(self, batches: ChunkBatches) -> NDArray[np.int64]:
        """Return how many answers each step's batch is asked for."""
        steps, batch, length = batches.tokens.shape
        if not self.whole.tags:
            return np.full(steps, batch)
        there = np.arange(length) < batches.lengths[:, :, np.newaxis]
        asked: NDArray[np.int64] = np.count_nonzero((batches.targets >= 0) & there, axis=(1, 2))
        return asked

    def put_state(self, which: int, state: Floats | None) -> None:
        """Set carried states, float32 [layers, batch, hidden], None for zeros. which: 0 for h, 1 for an lstm's c."""
        for part in self._parts:
            states = part.array.states(part.array.places[which], part.shape)
            states[:] = 0
            if state is not None:
                states[:, :, : part.shape.hidden] = state[:, part.rows]

    def state(self, which: int) -> Floats:
        """Return a copy of the states that are carried on: float32 [layers, batch, hidden]."""
        found = [part.array.states(part.array.places[which], part.shape) for part in self._parts]
        return np.concatenate([states[:, :, : self.whole.hidden] for states in found], axis=1)

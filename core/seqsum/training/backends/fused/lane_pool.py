"""Chunks of several runs of one process made together, each run in a lane of the processor's vectors.

Every run has a thread of its own, whose backend hands its chunk over here and waits. What is made together never
changes a run's bits (`population`), so that it does not matter who meets whom: those that are there are made.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from seqsum.config import OptimConfig
from seqsum.tasks import Batches
from seqsum.training.backends.base import ChunkResult
from seqsum.training.backends.fused.layout import BLOCK, OPTIMIZERS, ParameterPlaces, Shape
from seqsum.training.backends.fused.matmul import LANES
from seqsum.training.backends.fused_support import (
    MOST_CLASSES_IN_LANES,
    MOST_ROWS_IN_LANES,
    WIDEST_IN_LANES,
)

Floats = NDArray[np.float32]

FEWEST = 4
"""Runs from which one chunk together is faster than one chunk after another."""
PATIENCE_SECONDS = 0.02
"""How long runs wait for another one that evaluates or saves; it is not waited for again until it comes by itself."""
LINE_BYTES = 64


@dataclass
class Part:
    """A run's chunk. state: its values and the optimizer's two running means, changed in place; done: updates made
    before."""

    shape: Shape
    offsets: dict[str, int]
    state: tuple[Floats, Floats, Floats]
    batches: Batches
    rates: list[float]
    optim: OptimConfig
    done: int
    alone: Callable[[Batches, list[float], int], ChunkResult]
    """Makes some steps without the others; the last is the number of updates made before."""
    results: list[ChunkResult] = field(default_factory=list)
    error: BaseException | None = None
    over: bool = False

    @property
    def made(self) -> int:
        return sum(len(result.losses) for result in self.results)

    @property
    def left(self) -> int:
        return len(self.rates) - self.made

    def meets(self, other: Part) -> bool:
        """Whether the two can be made together."""
        return self.shape == other.shape and self.optim.name == other.optim.name

    def next(self, steps: int) -> tuple[Batches, list[float], int]:
        """Return its next steps, and the updates made before them."""
        now = slice(self.made, self.made + steps)
        batches = Batches(self.batches.inputs[now], self.batches.lengths[now], self.batches.targets[now])
        return batches, self.rates[now], self.done + self.made

    def take(self, result: ChunkResult) -> None:
        self.results.append(result)
        self.over = result.failure is not None or not self.left

    def result(self) -> ChunkResult:
        """Return the whole chunk's."""
        parts = self.results
        losses, right, asked, norms = (
            np.concatenate([getattr(part, name) for part in parts])
            for name in ("losses", "right", "asked", "gradient_norms")
        )
        return ChunkResult(losses, right, asked, norms, parts[-1].failure)


class LanePool:
    """Where threads hand their chunks over. `run` returns when a chunk is made."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._waiting: list[Part] = []
        self._expected: set[int] = set()
        self._busy = False
        self._last = 0.0
        self._arrays: dict[Shape, _Arrays] = {}

    def run(self, part: Part) -> ChunkResult:
        """Make a chunk, together with those of other threads. Raises what making it raised."""
        own = threading.get_ident()
        with self._changed:
            self._expected.discard(own)
            self._arrive(part)
            while not part.over and part.error is None:
                if self._busy or not self._complete:
                    self._changed.wait(PATIENCE_SECONDS)
                    continue
                self._make()
            self._expected.add(own)
        if part.error is not None:
            raise part.error
        return part.result()

    def leave(self) -> None:
        """Say that this thread hands nothing over any more."""
        with self._changed:
            self._expected.discard(threading.get_ident())
            self._changed.notify_all()

    def _arrive(self, part: Part) -> None:
        self._waiting.append(part)
        self._last = time.monotonic()
        self._changed.notify_all()

    @property
    def _complete(self) -> bool:
        """Whether to begin: nobody else will come soon."""
        if not self._waiting:
            return False
        if not self._expected or len(self._waiting) >= LANES:
            return True
        if time.monotonic() - self._last < PATIENCE_SECONDS:
            return False
        self._expected.clear()
        return True

    def _make(self) -> None:
        """Make the next steps of those that wait and can be made together; the lock is let go of meanwhile."""
        first = self._waiting[0]
        chosen = [part for part in self._waiting if part.meets(first)][:LANES]
        self._waiting = [part for part in self._waiting if not any(part is one for one in chosen)]
        self._busy = True
        self._changed.release()
        try:
            self._make_together(chosen)
        except BaseException as error:
            for part in chosen:
                part.error = error
        finally:
            self._changed.acquire()
            self._busy = False
        for part in chosen:
            if not part.over and part.error is None:
                self._arrive(part)
        self._last = time.monotonic()
        self._changed.notify_all()

    def _make_together(self, parts: list[Part]) -> None:
        steps = min(part.left for part in parts)
        if len(parts) < FEWEST:
            for part in parts:
                try:
                    part.take(part.alone(*part.next(steps)))
                except BaseException as error:  # its own, and no other run's
                    part.error = error
            return
        shape = parts[0].shape
        if shape not in self._arrays:
            self._arrays = {shape: _Arrays(shape, parts[0])}
        for part, result in zip(parts, self._arrays[shape].run(parts, steps), strict=True):
            part.take(result)


class _Arrays:
    """What chunks of one shape work on."""

    def __init__(self, shape: Shape, part: Part) -> None:
        from seqsum.training.backends.fused.population import places_of

        self._shape, self._count = shape, part.state[0].size
        self._places, size = places_of(shape, self._count)
        room = np.zeros(size + LINE_BYTES // 4, dtype=np.float32)
        start = -room.ctypes.data % LINE_BYTES // 4
        self._work: Floats = room[start : start + size]
        self._parameters = ParameterPlaces.of(shape, part.offsets)

    def run(self, parts: list[Part], steps: int) -> list[ChunkResult]:
        """Make so many steps of each."""
        from seqsum.training.backends.fused import population

        alive = np.zeros(LANES, np.int64)
        alive[: len(parts)] = 1
        now = [part.next(steps) for part in parts]
        filled = [*now, *[now[0]] * (LANES - len(parts))]
        tokens, lengths, targets = (
            np.stack([getattr(one[0], name) for one in filled]) for name in ("inputs", "lengths", "targets")
        )
        batches = population.PopulationBatches(tokens, lengths, targets, np.array([one[1] for one in filled]))
        places, count = self._places, self._count
        lanes = [
            self._work[place : place + count * LANES].reshape(count, LANES)
            for place in (places.values, places.first, places.second)
        ]
        for lane, part in enumerate(parts):
            for there, own in zip(lanes, part.state, strict=True):
                there[:, lane] = own

        def each(value: Callable[[OptimConfig], float | None]) -> NDArray[np.float64]:
            known = [value(part.optim) for part in parts]
            numbers = [math.inf if one is None else one for one in known]
            return np.array([*numbers, *[numbers[0]] * (LANES - len(parts))], dtype=np.float64)

        optimizer = population.PopulationOptimizer(
            OPTIMIZERS.index(parts[0].optim.name),
            each(lambda optim: optim.beta1),
            each(lambda optim: optim.beta2),
            each(lambda optim: optim.eps),
            each(lambda optim: optim.weight_decay),
            each(lambda optim: optim.clip_norm),
            each(lambda optim: optim.clip_value),
            np.array([one[2] for one in filled], dtype=np.int64),
        )
        losses, right, norms = np.zeros((LANES, steps)), np.zeros((LANES, steps), np.int64), np.zeros((LANES, steps))
        made = np.zeros(LANES, np.int64)
        population.run_population(
            self._shape, places, self._work, self._parameters, count, alive, batches, optimizer,
            population.PopulationResults(losses, right, norms, made),
        )  # fmt: skip
        asked = np.full(steps, self._shape.batch, np.int64)
        results = []
        for lane, part in enumerate(parts):
            for there, own in zip(lanes, part.state, strict=True):
                own[:] = there[:, lane]
            results.append(ChunkResult.up_to_failure(losses[lane], right[lane], asked, norms[lane], int(made[lane])))
        return results


_pools: list[LanePool] = []


@contextmanager
def sharing() -> Iterator[LanePool]:
    """Have the runs of this process make their chunks together meanwhile."""
    _pools.append(LanePool())
    try:
        yield _pools[-1]
    finally:
        _pools.pop()


def shared() -> LanePool | None:
    """Return where this process makes chunks together; None where each run is by itself."""
    return _pools[-1] if _pools else None


def fits(shape: Shape, optim: OptimConfig) -> bool:
    """Whether chunks of this shape can be made together, and are made faster so."""
    sizes = (
        (shape.hidden, WIDEST_IN_LANES),
        (max(shape.vocabulary, shape.classes), MOST_CLASSES_IN_LANES),
        (shape.most, MOST_ROWS_IN_LANES),
    )
    # A step's gradients are one sum, as they are alone up to BLOCK rows.
    small = shape.most <= BLOCK and all(size <= most for size, most in sizes)
    plain = not (shape.tags or shape.carried or shape.dropout) and shape.directions == 1
    return small and plain and optim.name in ("adam", "adamw")

"""Shuffling of finite data: an epoch shows every example once, in an order that (seed, epoch) alone decides."""

from __future__ import annotations

import hashlib

import numpy as np

from seqsum.tasks.base import Ints


def keyed_generator(seed: int, *purpose: object) -> np.random.Generator:
    """Return a random generator that depends on nothing but its key; other purposes of a seed are independent of it."""
    digest = hashlib.sha256("/".join(map(str, (seed, *purpose))).encode()).digest()
    return np.random.Generator(np.random.Philox(key=np.frombuffer(digest[:16], dtype=np.uint64)))


def epoch_order(seed: int, purpose: str, epoch: int, size: int) -> Ints:
    """Return the order of the examples in one epoch: a permutation of 0…size−1, int64 [size]."""
    return keyed_generator(seed, purpose, "epoch", epoch).permutation(size).astype(np.int64, copy=False)


class EpochBatches:
    """Which examples each step's batch holds, when finite data is gone through in shuffled epochs.

    Every batch is full: the one that meets an epoch's end goes on with the next epoch's first examples, so that one
    epoch is size / batch_size steps, a fraction where that does not divide. A batch larger than the data holds several
    epochs.
    """

    def __init__(self, seed: int, purpose: str, size: int) -> None:
        """`purpose` separates the shuffles of one seed, e.g. "next_number/train". Raises ValueError if size < 1."""
        if size < 1:
            raise ValueError(f"there must be at least one example, got {size}")
        self.seed = seed
        self.purpose = purpose
        self.size = size

    def indices(self, first_step: int, steps: int, batch_size: int) -> Ints:
        """Return the places in the data that the batches hold, int64 [steps, batch_size]."""
        first, last = first_step * batch_size, (first_step + steps) * batch_size
        epochs = range(first // self.size, -(-last // self.size))
        orders = [epoch_order(self.seed, self.purpose, epoch, self.size) for epoch in epochs]
        if not orders:
            return np.zeros((0, batch_size), dtype=np.int64)
        start = first - epochs.start * self.size
        return np.concatenate(orders)[start : start + last - first].reshape(steps, batch_size)

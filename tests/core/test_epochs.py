"""Shuffling of finite data, and parallel readers of one sequence."""

from __future__ import annotations

import numpy as np
import pytest

from seqsum.tasks.base import NOT_ASKED
from seqsum.tasks.epochs import EpochBatches, epoch_order
from seqsum.tasks.readers import ParallelReaders, read_once


def test_an_epochs_order_is_a_permutation_that_only_its_key_decides() -> None:
    order = epoch_order(3, "here", 5, 100)
    assert sorted(order) == list(range(100))
    assert (order == epoch_order(3, "here", 5, 100)).all()
    for other in (epoch_order(4, "here", 5, 100), epoch_order(3, "there", 5, 100), epoch_order(3, "here", 6, 100)):
        assert (order != other).any()


@pytest.mark.parametrize(("size", "batch_size"), [(10, 4), (7, 7), (3, 8), (1, 5), (100, 1)])
def test_batches_go_through_each_epoch_in_its_order(size: int, batch_size: int) -> None:
    steps = 40
    epochs = EpochBatches(1, "x", size)
    expected = np.concatenate([epoch_order(1, "x", epoch, size) for epoch in range(steps * batch_size // size + 1)])
    assert (epochs.indices(0, steps, batch_size).reshape(-1) == expected[: steps * batch_size]).all()


def test_batches_do_not_depend_on_how_chunks_are_cut() -> None:
    epochs = EpochBatches(1, "x", 23)
    whole = epochs.indices(0, 50, 8)
    cut = [epochs.indices(first, steps, 8) for first, steps in ((0, 1), (1, 0), (1, 30), (31, 19))]
    assert (np.concatenate(cut) == whole).all()


def test_no_examples_are_refused() -> None:
    with pytest.raises(ValueError, match="at least one"):
        EpochBatches(1, "x", 0)


@pytest.mark.parametrize(("length", "batch_size", "bptt"), [(45, 3, 4), (46, 5, 7), (5, 9, 3)])
def test_readers_go_on_where_they_were(length: int, batch_size: int, bptt: int) -> None:
    tokens = np.random.default_rng(0).integers(0, 9, length)
    batches = ParallelReaders(tokens).batches(0, 30, batch_size, bptt)
    for row in range(batch_size):
        # Chainer's ParallelSequentialIterator, one word at a time.
        offset = row * length // batch_size
        words = [tokens[(offset + iteration) % length] for iteration in range(30 * bptt + 1)]
        assert batches.inputs[:, row].reshape(-1).tolist() == words[:-1]
        assert batches.targets[:, row].reshape(-1).tolist() == words[1:]
    later = ParallelReaders(tokens).batches(17, 2, batch_size, bptt)
    assert (later.inputs == batches.inputs[17:19]).all()


@pytest.mark.parametrize("cyclic", [True, False])
@pytest.mark.parametrize("length", [2, 512, 513, 5200])
def test_one_reading_asks_about_every_token_once(length: int, cyclic: bool) -> None:
    tokens = np.arange(length)
    pieces = list(read_once(tokens, cyclic))
    assert [piece.follows for piece in pieces] == [False] + [True] * (len(pieces) - 1)
    inputs = np.concatenate([piece.inputs for piece in pieces], axis=1)
    targets = np.concatenate([piece.targets for piece in pieces], axis=1)
    assert (inputs.reshape(-1) == tokens).all()
    assert (targets.reshape(-1)[:-1] == tokens[1:]).all()
    assert targets[-1, -1] == (0 if cyclic else NOT_ASKED)

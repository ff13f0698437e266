"""Parallel readers of one long sequence: the batches of truncated back-propagation through time (document 4)."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from seqsum.tasks.base import NOT_ASKED, Batches, Examples, Ints

STEPS_AT_ONCE = 512


class ParallelReaders:
    """Reads a sequence at several places at once; what is asked at each token is the one that follows.

    Reader i of n starts at place i·length/n. All go on by the same number of tokens with each step, and past the end
    they begin again at the start, so that a carried hidden state always meets the tokens that follow.
    """

    def __init__(self, tokens: Ints) -> None:
        self.tokens = tokens

    def steps_per_epoch(self, batch_size: int, bptt: int) -> float:
        """How many steps of `batch_size` readers go over as many tokens as the sequence has."""
        return len(self.tokens) / (batch_size * bptt)

    def batches(self, first_step: int, steps: int, batch_size: int, bptt: int) -> Batches:
        """Return the tokens of consecutive steps and those that follow each: int64 [steps, batch_size, bptt]."""
        length = len(self.tokens)
        offsets = np.arange(batch_size, dtype=np.int64) * length // batch_size
        time = (first_step + np.arange(steps, dtype=np.int64))[:, None, None] * bptt + np.arange(bptt)
        places = (offsets[:, None] + time) % length
        following = self.tokens[(places + 1) % length]
        return Batches(self.tokens[places], np.full((steps, batch_size), bptt), following)


def read_once(tokens: Ints, cyclic: bool) -> Iterator[Examples]:
    """Yield one reading of tokens int64 [length] by one reader, in pieces; it begins without a state.

    Several readers would be quicker, and each would begin without a state, in the middle: what that costs would be
    counted, and the more readers, the more. cyclic: the first token follows the last; else nothing is asked about it.
    """
    following = np.append(tokens[1:], tokens[0] if cyclic else NOT_ASKED)
    for start in range(0, len(tokens), STEPS_AT_ONCE):
        piece = slice(start, start + STEPS_AT_ONCE)
        read = tokens[None, piece]
        yield Examples(read, np.array([read.shape[1]]), following[None, piece], follows=start > 0)

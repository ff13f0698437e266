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

    def once(self, readers: int, cyclic: bool) -> Iterator[Examples]:
        """Yield one walk over the sequence by at most `readers` readers, in pieces; the first begins without a state.

        Without `cyclic` nothing is asked about the last token, which nothing follows. The readers share the length
        equally; what that division leaves over at the end is left out.
        """
        length = len(self.tokens)
        readers = max(1, min(readers, length // 2))
        offsets = np.arange(readers, dtype=np.int64) * length // readers
        for start in range(0, length // readers, STEPS_AT_ONCE):
            time = np.arange(start, min(start + STEPS_AT_ONCE, length // readers))
            places = offsets[:, None] + time
            following = self.tokens[(places + 1) % length]
            if not cyclic:
                following = np.where(places + 1 < length, following, NOT_ASKED)
            yield Examples(self.tokens[places], np.full(readers, len(time)), following, follows=start > 0)

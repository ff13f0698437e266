"""How many characters must be put in, taken out or exchanged to make one text of another (Levenshtein 1966)."""

from __future__ import annotations

import numpy as np

from seqsum.tasks.base import Ints


def edit_distances(texts: Ints, lengths: Ints, others: Ints, other_lengths: Ints) -> Ints:
    """Return the edit distance of each row's first tokens from those of the other's: int64 [rows].

    texts, others: int64 [rows, longest], of which the first `lengths` [rows] count
    """
    rows, width = others.shape
    places = np.arange(width + 1)
    before = np.tile(places, (rows, 1))  # from an empty text: as many as there are
    found: Ints = before[np.arange(rows), other_lengths].copy()
    for row in range(texts.shape[1]):
        exchanged = before[:, :-1] + (texts[:, row, None] != others)
        now = np.concatenate([np.full((rows, 1), row + 1), np.minimum(before[:, 1:] + 1, exchanged)], axis=1)
        # Each place may also be one more than the one to its left: the running minimum, its slope taken away.
        now = np.minimum.accumulate(now - places, axis=1) + places
        ended = lengths == row + 1
        found[ended] = now[ended, other_lengths[ended]]
        before = now
    return found

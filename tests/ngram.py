"""n-grams, the baseline that a language model is to beat: how often what followed the last tokens, and nothing else."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Sequence


class WittenBell:
    """Interpolated n-grams with Witten–Bell smoothing (Witten and Bell 1991; Chen and Goodman 1998, section 2.4).

    P(w | h) = (c(h w) + t(h) P(w | h')) / (c(h) + t(h)): c counts in the training tokens, t(h) is after how many
    different tokens h went on, and h' is h without its first token; below the unigrams all tokens are as likely.

    order: of how many tokens an n-gram has at most, 1 for unigrams; classes: how many tokens there are
    """

    def __init__(self, tokens: Sequence[int], order: int, classes: int) -> None:
        self.order, self.classes = order, classes
        self._after: dict[tuple[int, ...], Counter[int]] = defaultdict(Counter)
        for place, token in enumerate(tokens):
            for length in range(min(order - 1, place) + 1):
                self._after[tuple(tokens[place - length : place])][token] += 1

    def probability(self, history: Sequence[int], token: int) -> float:
        """Return P(token | the last order − 1 tokens of history)."""
        found = 1 / self.classes
        for length in range(min(self.order - 1, len(history)) + 1):
            after = self._after.get(tuple(history[len(history) - length :]))
            if after is None:
                break
            found = (after[token] + len(after) * found) / (after.total() + len(after))
        return found

    def loss(self, tokens: Sequence[int]) -> float:
        """Return the mean of −ln P over all tokens but the first, about which nothing is asked; each knows all that
        stands before it here, as a network does."""
        before = self.order - 1
        chances = (
            self.probability(tokens[max(0, place - before) : place], tokens[place]) for place in range(1, len(tokens))
        )
        return -math.fsum(map(math.log, chances)) / (len(tokens) - 1)

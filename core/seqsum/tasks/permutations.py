"""The word problem of the symmetric group: in which order do things stand after so many permutations, one by one?

What tells memories apart that can add (diagonal and positive ones) from those that can do what does not commute:
Merrill, Petty & Sabharwal 2024 (arXiv 2404.08819), Grazzi et al. 2024 (arXiv 2411.12537).
"""

from __future__ import annotations

from itertools import permutations
from typing import ClassVar, Literal

import numpy as np

from seqsum.schema import setting
from seqsum.tasks.base import Answer, Ints, TaskConfig
from seqsum.tasks.chomsky import ChomskyConfig, ChomskyTask
from seqsum.tasks.registry import register_task


class PermutationProductConfig(ChomskyConfig):
    name: Literal["permutation_product"] = setting(
        "permutation_product", "the task: in which order do things stand after all these permutations?"
    )
    things: int = setting(
        3, "how many things change places: 3 have 6 permutations, 4 have 24, 5 have 120", ge=2, le=5, basic=True
    )


@register_task
class PermutationProduct(ChomskyTask):
    """In which order do things stand after permutations of their places, one by one? `213` swaps the first two.

    A token says which place each place is filled from: `231` moves what stands second to the front. The answer is the
    order in the same writing, `123` where all stand as before.
    """

    config_type: ClassVar[type[TaskConfig]] = PermutationProductConfig
    title: ClassVar[str] = "Products of permutations"
    answer: ClassVar[Answer] = "class"

    def __init__(self, config: PermutationProductConfig) -> None:
        orders = list(permutations(range(config.things)))
        self.alphabet = self.answers = tuple("".join(str(place + 1) for place in order) for order in orders)
        places = {order: number for number, order in enumerate(orders)}
        # then[a, b]: a first, b after it.
        self._then = np.array(
            [[places[tuple(first[place] for place in second)] for second in orders] for first in orders], dtype=np.int64
        )
        super().__init__(config)

    def solve(self, tokens: Ints) -> Ints:
        order = np.zeros(len(tokens), dtype=np.int64)
        for step in tokens.T:
            order = self._then[order, step]
        return order

"""Which checkpoints of a run stay on the disk (`train.keep_checkpoints`). No torch here.

`auto` keeps the newest few, and others spread evenly over the run. The steps are divided into stretches of equal width,
and the first checkpoint of each stays. When there are too many, the width is doubled: what is first in the wider
stretch was first in one of the narrower ones, so that the series is the same whenever it is thinned.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Literal

Keep = int | Literal["auto"] | None
"""As `train.keep_checkpoints`: so many of the newest, by itself, or all."""

NEWEST = 3
"""Of `auto`: a checkpoint that is damaged, or that a power failure left without its points, has two before it."""
MOST, FEWEST = 40, 5
MOST_BYTES = 4_000_000_000
"""Of `auto`: how many there are at most, and of large ones how many bytes they have, unless those are FEWEST."""


def most_kept(size: int) -> int:
    """Return how many checkpoints of `size` bytes each `auto` keeps at most."""
    return min(MOST, max(FEWEST, MOST_BYTES // max(size, 1)))


def kept(steps: Sequence[int], keep: Keep, every: int, size: int) -> set[int]:
    """Return which of a run's checkpoints stay, beside those that are spared.

    Args:
        steps: of those that there are, ascending.
        every: how many steps lie between two that are saved by themselves; the stretches begin at multiples of it.
        size: of one, in bytes.
    """
    if keep is None:
        return set(steps)
    if keep == "auto":
        most = most_kept(size)
        return set(steps) if len(steps) <= most else {*_spread(steps, every, most - NEWEST), *steps[-NEWEST:]}
    return set(steps[-keep:])


def _spread(steps: Sequence[int], every: int, most: int) -> list[int]:
    """Return the first step of each stretch, at most `most` of them."""
    width = every
    while steps[-1] // width - steps[0] // width >= most:
        width *= 2
    return [steps[0]] + [step for before, step in pairwise(steps) if step // width != before // width]


def most_at_once(steps: int, keep: Keep, every: int, size: int) -> int:
    """Return how many checkpoints of `size` bytes a run of so many steps has at most, spared ones left out.

    One more than are kept: what goes is deleted once the next one is written.
    """
    saved = math.ceil(steps / every)
    most = saved if keep is None else most_kept(size) if keep == "auto" else keep
    return min(saved, most + 1)

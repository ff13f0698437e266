"""Precision, recall and F1 of each label, from what was answered and what is true."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from seqsum.tasks.base import NOT_ASKED, Inputs, Ints


@dataclass(frozen=True, eq=False)
class LabelCounts:
    """right, answered, asked: int64 [labels], how often each was answered rightly, was answered, and is the truth."""

    right: Ints
    answered: Ints
    asked: Ints

    @classmethod
    def of(cls, answers: Inputs, targets: Inputs, labels: int) -> LabelCounts:
        """Count answers and targets of one shape; where nothing is asked, nothing counts."""
        counts = targets != NOT_ASKED
        said, truth = answers[counts].astype(np.int64), targets[counts].astype(np.int64)
        parts = (truth[said == truth], said, truth)
        return cls(*(np.bincount(part, minlength=labels).astype(np.int64, copy=False) for part in parts))

    def __add__(self, other: LabelCounts) -> LabelCounts:
        return LabelCounts(self.right + other.right, self.answered + other.answered, self.asked + other.asked)

    @property
    def precision(self) -> NDArray[np.float64]:
        """How often a label is right where it is answered; NaN where it never is."""
        return _share(self.right, self.answered)

    @property
    def recall(self) -> NDArray[np.float64]:
        """How often a label is answered where it is the truth; NaN where it never is."""
        return _share(self.right, self.asked)

    @cached_property
    def f1(self) -> NDArray[np.float64]:
        """The harmonic mean of the two, 2·right / (answered + asked); NaN for a label that never comes up."""
        return _share(2 * self.right, self.answered + self.asked)

    @property
    def macro_f1(self) -> float:
        """The mean of F1 over the labels that come up."""
        return float(np.nanmean(self.f1)) if (self.answered + self.asked).any() else 0.0


def _share(part: Ints, whole: Ints) -> NDArray[np.float64]:
    shares: NDArray[np.float64] = np.divide(part, whole, out=np.full(len(part), np.nan), where=whole > 0)
    return shares

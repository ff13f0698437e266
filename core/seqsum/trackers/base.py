"""What every tracker can do."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

Point = tuple[str, int, float]
"""A metric's name, the step and the value there."""


@dataclass(frozen=True)
class Media:
    """What an evaluation gives to look at.

    accuracy_by_length: share of right answers, by sequence length
    confusion: int64 [classes, classes], how often class `row` was answered with class `column`; None where the answer
    is no class
    """

    step: int
    accuracy_by_length: Mapping[int, float] = field(default_factory=dict)
    confusion: NDArray[np.int64] | None = None


class Tracker(ABC):
    """Logs one run somewhere. Any method may raise or hang: `Guarded` stands between it and the training."""

    name: str

    @abstractmethod
    def start(self, config: Mapping[str, Mapping[str, Any]], facts: Mapping[str, Any]) -> None:
        """Begin: `config` is the run's, by section; `facts` holds step, parameters, device, threads and backend."""

    @abstractmethod
    def log(self, points: Sequence[Point]) -> None:
        """Log points, in ascending order of steps."""

    @abstractmethod
    def media(self, media: Media) -> None:
        """Log the charts of an evaluation."""

    @abstractmethod
    def finish(self, status: str, reason: str | None) -> None:
        """End with the run's status: finished, stopped or failed."""

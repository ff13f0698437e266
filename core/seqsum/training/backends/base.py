"""What a step backend is to the trainer: it makes a chunk's updates and keeps what they need."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from seqsum.config import Config
from seqsum.evaluation.evaluate import Check, Evaluation
from seqsum.formatting import metric
from seqsum.tasks import Batches
from seqsum.training.backends.flat_parameters import FlatParameters


@dataclass(frozen=True)
class ChunkResult:
    """What a chunk's steps gave, one entry a step, up to the first that was not finite.

    losses: mean loss of the batch, before the update; right, asked: right answers and questions of the batch, before
    the update; gradient_norms: global 2-norm before clipping. `failure` says what was not finite; that step's update
    was not made.
    """

    losses: NDArray[np.float64]
    right: NDArray[np.int64]
    asked: NDArray[np.int64]
    gradient_norms: NDArray[np.float64]
    failure: str | None = None

    @classmethod
    def up_to_failure(
        cls,
        losses: NDArray[np.float64],
        right: NDArray[np.int64],
        asked: NDArray[np.int64],
        gradient_norms: NDArray[np.float64],
        made: int,
    ) -> ChunkResult:
        """Return the result of `made` updates; where the arrays go on, they tell why the next was not made."""
        failure = None
        if made < len(losses):
            what, value = ("loss", losses) if not np.isfinite(losses[made]) else ("gradient norm", gradient_norms)
            failure = f"{what} became {metric('loss', float(value[made]))}"
        return cls(losses[:made], right[:made], asked[:made], gradient_norms[:made], failure)


class StepBackend(Protocol):
    """A way to compute training steps, on a model's own weights. Whoever inherits it has what is written out here."""

    name: str
    flat: FlatParameters
    """The model's weights and their gradients."""
    why_not_fused: str | None = None
    """Why PyTorch computes and no compiled code, as in "train.threads is 2"."""
    fused_from: int | None = None
    """The step from which compiled code computes, once it does or when it did so before."""
    compiled: bool = False
    """Whether compiled code computes now. It leaves the interpreter free: the next batches can be made beside it."""

    def change_over(self, step: int, config: Config) -> None:
        """Go over to compiled code if the run shall have it from this step on, and it is there.

        Raises UserError when the run must have it and can't.
        """
        return None

    def run(self, batches: Batches, learning_rates: list[float], config: Config) -> ChunkResult:
        """Make one update per batch; stop before an update whose loss or gradient is not finite."""
        ...

    def chunk_length(self, steps: int) -> int:
        """Return how many steps to make at once where there is time for so many."""
        return steps

    def exact_evaluation(self, check: Check | None) -> Callable[[], Evaluation] | None:
        """Return what evaluates the weights as they are now, whenever and in whatever thread (one at a time) it is
        called; None where `evaluate` has to do it, with the model. check: as there."""
        return None

    def tensors(self) -> dict[str, Tensor]:
        """Return what a resumed run needs beside the weights, by name."""
        ...

    def frozen(self) -> Callable[[], dict[str, Tensor]]:
        """Copy what `tensors` gives, as quickly as can be; the function returned gives it, in whatever thread."""
        ...

    def load_tensors(self, tensors: dict[str, Tensor]) -> None:
        """Take back what `tensors` gave; raises KeyError when parts are missing."""
        ...

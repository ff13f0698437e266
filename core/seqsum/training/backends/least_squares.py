"""Training in closed form: the weights that make the squared error over all training examples smallest, at once."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from seqsum.config import Config
from seqsum.errors import UserError
from seqsum.formatting import metric
from seqsum.models.base import Linear, SequenceModel
from seqsum.tasks import AnyTask, Batches
from seqsum.training.backends.base import ChunkResult, StepBackend
from seqsum.training.backends.flat_parameters import FlatParameters


class LeastSquaresBackend(StepBackend):
    """Solves a model that is linear in its weights at the first step; further steps find the same and change nothing.

    The loss and gradient of a step are those of its batch before the solution is taken, so that the first point of the
    curve is the untrained model. Optimizer, learning rate and clipping play no part. Where the examples leave weights
    open (a period shorter than the order), the smallest are taken, as numpy.linalg.lstsq does.
    """

    name = "least_squares"

    def __init__(self, model: SequenceModel, task: AnyTask, config: Config) -> None:
        """Raises UserError when there are fewer training examples than weights, or endless ones."""
        assert isinstance(model, Linear)
        self.model: SequenceModel = model
        self._linear: Linear = model
        self.flat = FlatParameters(model)
        self._task = task
        self._solution: Tensor | None = None
        size = task.steps_per_epoch(1)
        weights = self.flat.values.numel()
        if size is None:
            raise UserError(f'model.name: "{config.model.name}" needs training data that ends; choose another model')
        self._size = round(size)
        if self._size < weights:
            raise UserError(
                f"model.order: {weights} weights can't be fitted to {self._size} training windows; use a lower order "
                "or a longer series"
            )

    def run(self, batches: Batches, learning_rates: list[float], config: Config) -> ChunkResult:
        """Take the solution once for each step; stop before one that is not finite."""
        losses: list[float] = []
        norms: list[float] = []
        failure: str | None = None
        for index in range(len(learning_rates)):
            design, targets = self._equations(batches, index)
            errors = design @ self._weights() - targets
            loss = float((errors**2).mean())
            norm = float(torch.linalg.vector_norm(2 / len(errors) * (design.T @ errors)))
            solution = self._solve(config)
            if not (math.isfinite(loss) and bool(torch.isfinite(solution).all())):
                failure = (
                    f"loss became {metric('loss', loss)}" if not math.isfinite(loss) else "the solution is not finite"
                )
                break
            self._linear.take(solution)
            losses.append(loss)
            norms.append(norm)
        nothing = np.zeros(len(losses), dtype=np.int64)
        return ChunkResult(np.array(losses), nothing, nothing, np.array(norms), failure)

    def tensors(self) -> dict[str, Tensor]:
        """Nothing: beside the weights a resumed run needs only the data."""
        return {}

    def frozen(self) -> Callable[[], dict[str, Tensor]]:
        return self.tensors

    def load_tensors(self, tensors: dict[str, Tensor]) -> None:
        """Nothing was given."""

    def _solve(self, config: Config) -> Tensor:
        if self._solution is None:
            # A batch as large as the data holds each example once (see EpochBatches).
            whole = self._task.batches(config.train.seed, 0, 1, self._size)
            design, targets = self._equations(whole, 0)
            # numpy's solver is the same for every thread count and takes singular systems.
            solution, *_ = np.linalg.lstsq(design.numpy(), targets.numpy(), rcond=None)
            self._solution = torch.from_numpy(solution)
        return self._solution

    def _equations(self, batches: Batches, index: int) -> tuple[Tensor, Tensor]:
        """Return design [rows, weights] and targets [rows] of one step in float64, on the CPU."""
        inputs = torch.from_numpy(np.ascontiguousarray(batches.inputs[index])).double()
        targets = torch.from_numpy(np.ascontiguousarray(batches.targets[index])).double()
        return self._linear.design(inputs), targets[:, 0]

    def _weights(self) -> Tensor:
        return self._linear.weights().detach().double().cpu()

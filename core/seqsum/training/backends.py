"""Which step backend a run gets."""

from __future__ import annotations

from seqsum.config import Config
from seqsum.models.base import SequenceModel
from seqsum.tasks import AnyTask
from seqsum.training.least_squares_backend import LeastSquaresBackend
from seqsum.training.torch_backend import TorchBackend

Backend = TorchBackend | LeastSquaresBackend


def make_backend(model: SequenceModel, task: AnyTask, config: Config) -> Backend:
    """Make the backend that fits the model's weights."""
    if model.fitting == "least_squares":
        return LeastSquaresBackend(model, task, config)
    return TorchBackend(model, task, config)

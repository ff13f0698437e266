"""Which step backend a run gets."""

from __future__ import annotations

import torch

from seqsum.config import Config
from seqsum.models.base import SequenceModel
from seqsum.tasks import AnyTask
from seqsum.training.fits import check_backend, why_not_fused
from seqsum.training.fused.backend import FusedBackend
from seqsum.training.graph_backend import GraphBackend, can_be_recorded
from seqsum.training.least_squares_backend import LeastSquaresBackend
from seqsum.training.torch_backend import TorchBackend

Backend = TorchBackend | LeastSquaresBackend


def make_backend(model: SequenceModel, task: AnyTask, config: Config, device: torch.device) -> Backend:
    """Make the backend that `train.backend` names, or the fastest that fits; raise ConfigError when it can't be."""
    if model.fitting == "least_squares":
        return LeastSquaresBackend(model, task, config)
    check_backend(config, task, "train")
    if config.train.backend == "torch":
        return TorchBackend(model, task, config)
    if device.type == "cuda" and can_be_recorded(model):
        return GraphBackend(model, task, config)
    if device.type != "cpu" or why_not_fused(config, task):
        return TorchBackend(model, task, config)
    return FusedBackend(model, task, config)

"""Which step backend a run gets."""

from __future__ import annotations

import torch

from seqsum.config import Config
from seqsum.models.base import SequenceModel
from seqsum.tasks import AnyTask
from seqsum.training.backends.base import StepBackend
from seqsum.training.backends.cuda_graph import GraphBackend, can_be_recorded
from seqsum.training.backends.data_parallel import DataParallelBackend
from seqsum.training.backends.fused.backend import FusedBackend
from seqsum.training.backends.fused_support import check_backend, why_not_fused
from seqsum.training.backends.least_squares import LeastSquaresBackend
from seqsum.training.backends.torch_backend import TorchBackend


def make_backend(model: SequenceModel, task: AnyTask, config: Config, device: torch.device) -> StepBackend:
    """Make the backend that `train.backend` names, or the fastest that fits; raise ConfigError when it can't be."""
    if model.fitting == "least_squares":
        return LeastSquaresBackend(model, task, config)
    check_backend(config, task, "train")
    if config.train.backend == "torch":
        why: str | None = "train.backend is torch"
    elif device.type != "cpu":
        why = f"the device is {device.type}"
    else:
        why = why_not_fused(config, task)
    if why is None:
        return FusedBackend(model, task, config)
    if config.train.processes > 1:
        together = DataParallelBackend(model, task, config)
        together.why_not_fused = why
        return together
    recorded = config.train.backend == "auto" and device.type == "cuda" and can_be_recorded(model, config)
    backend = (GraphBackend if recorded else TorchBackend)(model, task, config)
    backend.why_not_fused = why
    return backend

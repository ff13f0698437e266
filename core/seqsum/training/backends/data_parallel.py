"""Several processes make one step: each reads its rows of the batch, and their gradients are added up.

The batch is the one that a single process would draw, and a row is a rank's by its place in it. A loss is divided by
what is asked in the whole batch, not in a rank's rows, so that the sum of the gradients is that of the batch; its norm
is clipped, and every rank makes the same update. What a single process computes differs by rounding alone.
"""

from __future__ import annotations

import os
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from seqsum.config import Config
from seqsum.errors import UserError
from seqsum.models.base import SequenceModel, mapped
from seqsum.models.loss import loss_of
from seqsum.tasks import AnyTask, Batches
from seqsum.tasks.base import NOT_ASKED
from seqsum.training import checkpoint
from seqsum.training.backends.base import ChunkResult
from seqsum.training.backends.torch_backend import TorchBackend
from seqsum.training.ranks import ranks_here

OF_STATE = 1
"""The dimension of a carried state that counts a batch's rows."""
END = {"end": True}


class DataParallelBackend(TorchBackend):
    """TorchBackend of one process among several. Rank 0 is the run's worker and tells the others each chunk."""

    name = "data_parallel"

    def __init__(self, model: SequenceModel, task: AnyTask, config: Config) -> None:
        """Raises UserError where these processes can't train it, with the first reason that one of them has."""
        super().__init__(model, task, config)
        ranks = ranks_here()
        if ranks is None:
            raise UserError("train.processes: must be 1 here; `seqsum train` starts several processes")
        self.ranks = ranks
        self._check(model, config)
        self._config = config
        self._gives = True
        """Whether the others don't have these weights yet."""
        self._asked: list[float] = []
        if ranks.leads:
            ranks.tell({"config": config.plain(), "data_facts": task.data_facts()})
            if problem := ranks.agree(None):
                raise UserError(problem)

    def _check(self, model: SequenceModel, config: Config) -> None:
        device = self.flat.values.device
        if self.ranks.size != config.train.processes:
            reason = f"is {config.train.processes}, and torchrun has started {self.ranks.size}: start as many"
            raise UserError(f"train.processes: {reason}")
        if device.type not in ("cpu", "cuda"):
            raise UserError(f"train.device: {device.type} is for one process; use cpu, or train.processes 1")
        here = int(os.environ.get("LOCAL_WORLD_SIZE", "1"))
        if device.type == "cuda" and torch.cuda.device_count() < here:
            have = f"there are {torch.cuda.device_count()} here for {here} processes"
            way_out = "use --train.device cpu, or as many"
            raise UserError(f"train.processes: each needs a GPU of its own, and {have}: {way_out}")
        if any(isinstance(part, nn.modules.batchnorm._BatchNorm) for part in model.modules()):
            raise UserError("train.processes: must be 1 with batch normalisation, which needs a whole batch")

    def run(self, batches: Batches, learning_rates: list[float], config: Config) -> ChunkResult:
        """Tell the others what rank 0 is to compute, and compute its share."""
        parts = [np.ascontiguousarray(part) for part in (batches.inputs, batches.lengths, batches.targets)]
        changed = {"config": config.plain()} if config is not self._config else {}
        said = {"rates": learning_rates, "parts": [[list(part.shape), str(part.dtype)] for part in parts], **changed}
        held = (
            {**_under("model", self.model.state_dict()), **_under("optimizer", self.tensors())} if self._gives else {}
        )
        self._config = config
        self.ranks.tell({**said, "held": [[name, list(one.shape), _kind(one)] for name, one in held.items()]})
        for one in held.values():
            self.ranks.give(one.detach().cpu().contiguous())
        self._gives = False
        for part in parts:
            self.ranks.give(torch.from_numpy(part))
        before = checkpoint.rng_state()
        self.ranks.busy = True
        result = self._compute(batches, learning_rates)
        self.ranks.busy = False
        if not torch.equal(before, checkpoint.rng_state()):
            # Drawn beside each other the numbers would hang on how many processes there are.
            raise UserError(
                f"train.processes: must be 1: {type(self.model).__name__} draws random numbers as it trains"
            )
        return result

    def follow(self) -> dict[str, Any]:
        """Compute what rank 0 tells, chunk by chunk; return what it told in the end."""
        while True:
            told = self.ranks.hear()
            if END.items() <= told.items():
                return told
            if "config" in told:
                self._config = Config.parse(told["config"], "train")
            held = {name: self.ranks.give(torch.empty(shape, dtype=_type(kind))) for name, shape, kind in told["held"]}
            if held:
                self.model.load_state_dict(_of("model", held))
                self.load_tensors(_of("optimizer", held))
            parts = [np.empty(shape, dtype) for shape, dtype in told["parts"]]
            for part in parts:
                self.ranks.give(torch.from_numpy(part))
            self._compute(Batches(*parts), told["rates"])

    def load_tensors(self, tensors: dict[str, Tensor]) -> None:
        super().load_tensors(tensors)
        self._gives = True

    def _compute(self, batches: Batches, learning_rates: list[float]) -> ChunkResult:
        """Make the updates with this rank's rows; afterwards each rank has the carried state of all rows."""
        rows = batches.lengths.shape[1]
        mine = self.ranks.rows(rows)
        asked = batches.targets != NOT_ASKED if batches.targets.dtype == np.int64 else np.ones(batches.targets.shape)
        self._asked = asked.reshape(len(asked), -1).sum(axis=1).tolist()
        if self.state is not None:
            self.state = mapped(self.state, lambda part: part[:, mine].contiguous())
        own = Batches(batches.inputs[:, mine], batches.lengths[:, mine], batches.targets[:, mine])
        result = super().run(own, learning_rates, self._config)
        if self.state is not None:
            self.state = mapped(self.state, lambda part: self.ranks.joined(part, rows, OF_STATE))
        counts = torch.from_numpy(np.stack([result.right, result.asked]))
        self.ranks.add(counts)
        right, questions = counts.numpy()
        return ChunkResult(result.losses, right, questions, result.gradient_norms, result.failure)

    def _loss(self, logits: Tensor, asked: Tensor, index: int) -> Tensor:
        return loss_of(logits, asked, "none", self.quantiles).sum() / self._asked[index]

    def _total(self, loss: Tensor) -> Tensor:
        gradients, total = self.flat.gradients, loss.detach().float()
        if gradients.dtype == torch.bfloat16:
            # Added up with its few digits the sum would hang on the number of processes.
            wide = gradients.float()
            self.ranks.add(wide, total)
            gradients.copy_(wide)
        else:
            self.ranks.add(gradients, total)
        return total


def _under(kind: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {f"{kind}/{name}": tensor for name, tensor in tensors.items()}


def _of(kind: str, tensors: dict[str, Tensor]) -> dict[str, Any]:
    return {name.removeprefix(f"{kind}/"): one for name, one in tensors.items() if name.startswith(f"{kind}/")}


def _kind(tensor: Tensor) -> str:
    return str(tensor.dtype).removeprefix("torch.")


def _type(kind: str) -> torch.dtype:
    found: torch.dtype = getattr(torch, kind)
    return found

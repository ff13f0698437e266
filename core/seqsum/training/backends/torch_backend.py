"""Optimizer steps in plain PyTorch, a chunk at a time."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from seqsum.config import Config
from seqsum.formatting import metric
from seqsum.models.base import SequenceModel, State, detached, mapped
from seqsum.models.loss import loss_of, right_and_asked
from seqsum.runs.checkpoint_files import HIDDEN_STATE_KEY as STATE_KEY
from seqsum.tasks import AnyTask, Batches
from seqsum.training.backends.base import ChunkResult, StepBackend
from seqsum.training.backends.flat_parameters import FlatParameters
from seqsum.training.optimizers import PartialDecay, make_optimizer, training_weights, update


class TorchBackend(StepBackend):
    """Forward, backward, clipping and optimizer on flat parameters."""

    name = "torch"

    def __init__(self, model: SequenceModel, task: AnyTask, config: Config) -> None:
        self.model = model
        self.flat = FlatParameters(model)
        self.optimizer = make_optimizer(model, self.flat, config.optim)
        self._decay = PartialDecay(model, self.flat, config.optim) if config.optim.decays_in_part else None
        self.tags = task.answer == "tags"
        self.whole_answers = task.answer == "sequence"
        self.carries_state = task.carries_state
        self.quantiles = task.quantiles
        self.state: State | None = None
        """The hidden state carried from step to step, for tasks that go on where the step before ended."""

    def run(self, batches: Batches, learning_rates: list[float], config: Config) -> ChunkResult:
        with training_weights(self.optimizer):
            return self._run(batches, learning_rates, config)

    def _run(self, batches: Batches, learning_rates: list[float], config: Config) -> ChunkResult:
        gradients, group = self.flat.gradients, self.optimizer.param_groups[0]
        inputs, lengths, targets = self.on_device(batches)
        widths = batches.lengths.max(axis=1)
        losses: list[float] = []
        norms: list[float] = []
        answers: list[Tensor] = []
        failure: str | None = None
        clip_norm, clip_value = config.optim.clip_norm, config.optim.clip_value
        for index, rate in enumerate(learning_rates):
            gradients.zero_()
            state = self.state
            self.model.rate_share = rate / config.optim.lr
            # A batch of short sequences in a chunk of long ones must not pay for padding.
            width = int(widths[index])
            asked = targets[index, :, :width] if self.tags else targets[index]
            if self.carries_state:
                logits, state = self.model.read(inputs[index], state)
            else:
                logits = self.model(inputs[index, :, :width], lengths[index], asked)
            loss = self._loss(logits, asked, index)
            loss.backward()  # type: ignore[no-untyped-call]
            loss_value, norm = self._total(loss).item(), torch.linalg.vector_norm(gradients).item()
            if not (math.isfinite(loss_value) and math.isfinite(norm)):
                what = "loss" if not math.isfinite(loss_value) else "gradient norm"
                failure = f"{what} became {metric('loss', loss_value if what == 'loss' else norm)}"
                break
            if clip_norm is not None and norm > clip_norm:
                gradients.mul_(clip_norm / (norm + 1e-6))
            if clip_value is not None:
                gradients.clamp_(-clip_value, clip_value)
            group["lr"] = rate
            if self._decay is not None:
                self._decay.pull(rate)
            update(self.optimizer)
            self.state = detached(state)
            losses.append(loss_value)
            norms.append(norm)
            answers.append(right_and_asked(logits.detach(), asked, self.whole_answers))
        counts = torch.stack(answers).cpu().numpy() if answers else np.zeros((0, 2), dtype=np.int64)
        return ChunkResult(np.array(losses), counts[:, 0], counts[:, 1], np.array(norms), failure)

    def _loss(self, logits: Tensor, asked: Tensor, index: int) -> Tensor:
        """The loss of the batch at `index` of the chunk, as far as this process reads it."""
        return loss_of(logits, asked, quantiles=self.quantiles)

    def _total(self, loss: Tensor) -> Tensor:
        """Return the loss of the whole batch, and leave its gradient in `flat`."""
        return loss

    def on_device(self, batches: Batches) -> tuple[Tensor, Tensor, Tensor]:
        """Return inputs, lengths and targets where the weights are, real numbers in their type."""
        device, dtype = self.flat.values.device, self.flat.values.dtype
        inputs, lengths, targets = (
            torch.from_numpy(part).to(device, dtype if part.dtype == np.float32 else None)
            for part in (batches.inputs, batches.lengths, batches.targets)
        )
        return inputs, lengths, targets

    def tensors(self) -> dict[str, Tensor]:
        """The optimizer's state by parameter name (exp_avg.embedding.weight …), its `step`, and the carried state."""
        return self._named(self._kept(), self.state)

    def frozen(self) -> Callable[[], dict[str, Tensor]]:
        kept, state = {key: value.clone() for key, value in self._kept().items()}, self.state
        state = None if state is None else mapped(state, Tensor.clone)
        return lambda: self._named(kept, state)

    def _kept(self) -> dict[str, Tensor]:
        state = self.optimizer.state[self.flat.values]
        return {key: value for key, value in state.items() if isinstance(value, Tensor)}

    def _named(self, kept: dict[str, Tensor], state: State | None) -> dict[str, Tensor]:
        found: dict[str, Tensor] = {}
        for key, value in kept.items():
            if value.shape == self.flat.values.shape:
                for name, part in self.flat.split(value):
                    found[f"{key}.{name}"] = part.contiguous()
            else:
                found[key] = value
        parts = state if isinstance(state, tuple) else () if state is None else (state,)
        for index, part in enumerate(parts):
            found[f"{STATE_KEY}.{index}"] = part.contiguous()
        return found

    def load_tensors(self, tensors: dict[str, Tensor]) -> None:
        tensors = dict(tensors)
        values = self.flat.values
        parts = [tensors.pop(key) for key in sorted(tensors) if key.startswith(f"{STATE_KEY}.")]
        if parts:
            moved = tuple(part.to(values.device, values.dtype) for part in parts)
            self.state = moved if len(moved) > 1 else moved[0]
        first = next(name for name, _ in self.flat.split(values.data))
        # What has no parameter's name is a count.
        state: dict[str, Any] = {key: value.clone() for key, value in tensors.items() if "." not in key}
        for key in [name.removesuffix(f".{first}") for name in tensors if name.endswith(f".{first}")]:
            flat = torch.zeros_like(values.data)
            for name, part in self.flat.split(flat):
                part.copy_(tensors[f"{key}.{name}"])
            state[key] = flat
        if "step" in tensors:
            # Where PyTorch's fused kernels and recorded steps look for it.
            group = self.optimizer.param_groups[0]
            there = values.device if group.get("fused") or group.get("capturable") else tensors["step"].device
            state["step"] = tensors["step"].to(there, copy=True)
        if state:
            self.optimizer.state[values] = state

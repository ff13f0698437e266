"""The graph backend: on a GPU one step is recorded as a CUDA graph, and a chunk replays it.

A small model's step is a hundred kernels of a few microseconds each; launched one by one from Python the GPU waits most
of the time. A replay launches them all at once, and nothing is read back before the chunk's end.

The step itself (`StaticStep`) is plain PyTorch without any decision in Python, and is tested on the CPU too.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from seqsum.config import Config
from seqsum.errors import UserError
from seqsum.models.base import SequenceModel, State
from seqsum.models.loss import loss_of, right_and_asked
from seqsum.models.recurrent import RecurrentModel
from seqsum.models.settings import RecurrentConfig
from seqsum.tasks import AnyTask, Batches
from seqsum.training.backends.base import ChunkResult
from seqsum.training.backends.fused_support import OF_TORCH_ONLY
from seqsum.training.backends.torch_backend import TorchBackend
from seqsum.training.optimizers import update

# PyTorch asks for some steps before a recording, so that its libraries have made what they make once.
WARM_UP_STEPS = 3


def can_be_recorded(model: SequenceModel, config: Config) -> bool:
    """Whether a step has the same kernels whatever it reads: recurrent layers in one direction without noise, and an
    optimizer whose step is one, too, with one weight decay."""
    stepwise = isinstance(model, RecurrentModel) and model.reads_stepwise
    return (
        stepwise
        and not model.hidden_noise
        and config.optim.name not in OF_TORCH_ONLY
        and not config.optim.decays_in_part
    )


class GraphBackend(TorchBackend):
    """TorchBackend whose chunks are replays of one recorded step, on `cuda`; elsewhere the same step, not recorded."""

    name = "graph"

    def __init__(self, model: SequenceModel, task: AnyTask, config: Config) -> None:
        super().__init__(model, task, config)
        assert isinstance(config.model, RecurrentConfig)
        self._settings = config.model
        for group in self.optimizer.param_groups:
            if "capturable" in group:
                group["capturable"] = self.flat.values.device.type == "cuda"
        self._steps: dict[tuple[int, ...], StaticStep] = {}

    def run(self, batches: Batches, learning_rates: list[float], config: Config) -> ChunkResult:
        """Make one update per batch; what is not finite ends the chunk, its own update and all after it undone."""
        inputs, lengths, targets = self.on_device(batches)
        shape = (*inputs.shape[1:], *targets.shape[2:])
        if shape not in self._steps:
            # One at a time: each keeps the memory of its activations.
            self._steps = {shape: StaticStep(self, inputs[0], lengths[0], targets[0], self._empty_state(inputs))}
        step = self._steps[shape]
        rates = torch.tensor(learning_rates, dtype=torch.float32, device=inputs.device)
        step.begin(len(learning_rates), config, self.state)
        for index in range(len(learning_rates)):
            step.make(inputs[index], lengths[index], targets[index], rates[index])
        if self.carries_state:
            self.state = step.state_now()
        return step.result()

    def _empty_state(self, inputs: Tensor) -> tuple[Tensor, ...]:
        if not self.carries_state:
            return ()
        values, settings = self.flat.values, self._settings
        shape = (settings.num_layers, inputs.shape[1], settings.hidden_size)
        parts = 2 if settings.cell == "lstm" else 1
        return tuple(torch.zeros(shape, dtype=values.dtype, device=values.device) for _ in range(parts))


class StaticStep:
    """One update on buffers that stay where they are: read, forward, backward, clip, update, note the results.

    Every decision is a tensor's: after the first loss or gradient that is not finite, weights and optimizer state keep
    what they had before it.
    """

    def __init__(
        self, backend: TorchBackend, inputs: Tensor, lengths: Tensor, targets: Tensor, state: tuple[Tensor, ...]
    ) -> None:
        self._model, self._optimizer, self._quantiles = backend.model, backend.optimizer, backend.quantiles
        self._values, self._gradients = backend.flat.values, backend.flat.gradients
        device = self._values.device
        self._inputs, self._lengths, self._targets = inputs.clone(), lengths.clone(), targets.clone()
        self._state = state
        self._rate = torch.zeros((), device=device)
        self._clip_norm, self._clip_value = (torch.full((), torch.inf, device=device) for _ in range(2))
        self._dead = torch.zeros((), dtype=torch.bool, device=device)
        self._loss, self._norm = torch.zeros((), device=device), torch.zeros((), device=device)
        self._answers = torch.zeros(2, dtype=torch.int64, device=device)
        self._notes: list[tuple[Tensor, Tensor, Tensor]] = []
        self._make_optimizer_state()
        self._kept = [self._values.data, *self._optimizer_tensors(), *self._state]
        self._before = [torch.empty_like(part) for part in self._kept]
        self._replay: Callable[[], None] = self._record() if device.type == "cuda" else self._compute

    def begin(self, steps: int, config: Config, state: State | None) -> None:
        """Begin a chunk."""
        clip_norm, clip_value = config.optim.clip_norm, config.optim.clip_value
        self._clip_norm.fill_(torch.inf if clip_norm is None else clip_norm)
        self._clip_value.fill_(torch.inf if clip_value is None else clip_value)
        self._dead.zero_()
        given = state if isinstance(state, tuple) else () if state is None else (state,)
        for place, part in zip(self._state, given, strict=False):
            place.copy_(part)
        if self._state and not given:
            for place in self._state:
                place.zero_()
        self._notes = []

    def make(self, inputs: Tensor, lengths: Tensor, targets: Tensor, rate: Tensor) -> None:
        """Make one update; all arguments are on the device."""
        self._inputs.copy_(inputs)
        self._lengths.copy_(lengths)
        self._targets.copy_(targets)
        self._rate.copy_(rate)
        self._replay()
        self._notes.append((self._loss.clone(), self._norm.clone(), self._answers.clone()))

    def state_now(self) -> State:
        """Return a copy of the carried hidden state."""
        parts = tuple(part.clone() for part in self._state)
        return parts if len(parts) > 1 else parts[0]

    def result(self) -> ChunkResult:
        """Read what the chunk's steps noted: the one time that the device is waited for."""
        losses, norms, answers = (torch.stack(column).cpu().numpy() for column in zip(*self._notes, strict=True))
        losses, norms = losses.astype(np.float64), norms.astype(np.float64)
        bad = np.flatnonzero(~(np.isfinite(losses) & np.isfinite(norms)))
        made = int(bad[0]) if bad.size else len(losses)
        return ChunkResult.up_to_failure(losses, answers[:, 0], answers[:, 1], norms, made)

    def _compute(self) -> None:
        for before, part in zip(self._before, self._kept, strict=True):
            before.copy_(part)
        self._gradients.zero_()
        if self._state:
            state = self._state if len(self._state) > 1 else self._state[0]
            logits, after = self._model.read(self._inputs, state)
            after = after if isinstance(after, tuple) else (after,)
        else:
            logits, after = self._model(self._inputs, self._lengths, self._targets), ()
        loss = loss_of(logits, self._targets, quantiles=self._quantiles)
        loss.backward()  # type: ignore[no-untyped-call]
        with torch.no_grad():
            norm = torch.linalg.vector_norm(self._gradients)
            self._dead.logical_or_(~(torch.isfinite(loss) & torch.isfinite(norm)))
            scale = torch.where(norm > self._clip_norm, self._clip_norm / (norm + 1e-6), 1.0)
            self._gradients.mul_(scale)
            torch.minimum(torch.maximum(self._gradients, -self._clip_value), self._clip_value, out=self._gradients)
            self._optimizer.param_groups[0]["lr"] = self._rate
            update(self._optimizer)
            for place, part in zip(self._state, after, strict=True):
                place.copy_(part)
            for before, part in zip(self._before, self._kept, strict=True):
                part.copy_(torch.where(self._dead, before, part))
            self._loss.copy_(loss)
            self._norm.copy_(norm)
            self._answers.copy_(right_and_asked(logits, self._targets))

    def _make_optimizer_state(self) -> None:
        """Have the optimizer make its state, by an update of nothing: a recording must not contain that."""
        if self._optimizer_tensors():
            return
        values = self._values.detach().clone()
        self._gradients.zero_()
        self._optimizer.param_groups[0]["lr"] = self._rate
        update(self._optimizer)
        with torch.no_grad():
            self._values.copy_(values)
            for part in self._optimizer_tensors():
                part.zero_()

    def _optimizer_tensors(self) -> list[Tensor]:
        return [part for part in self._optimizer.state[self._values].values() if isinstance(part, Tensor)]

    def _record(self) -> Callable[[], None]:
        """Record the step; raise UserError, with the way out, where the GPU's libraries can't."""
        kept = [part.clone() for part in self._kept]
        try:
            side = torch.cuda.Stream()  # type: ignore[no-untyped-call]
            side.wait_stream(torch.cuda.current_stream())
            with torch.cuda.stream(side):
                for _ in range(WARM_UP_STEPS):
                    self._compute()
            torch.cuda.current_stream().wait_stream(side)
            graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(graph):
                self._compute()
        except RuntimeError as error:
            reason = " ".join(str(error).split())[:200]
            raise UserError(
                f"train: the step can't be recorded as a CUDA graph ({reason}); use --train.backend torch"
            ) from None
        finally:
            for part, before in zip(self._kept, kept, strict=True):
                part.copy_(before)
            self._dead.zero_()
        replay: Callable[[], None] = graph.replay
        return replay

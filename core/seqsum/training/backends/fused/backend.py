"""The fused backend: a chunk's steps in compiled code, on the same parameters and optimizer state as PyTorch's."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray

from seqsum.config import Config
from seqsum.errors import UserError
from seqsum.evaluation.evaluate import Check, Evaluation
from seqsum.models.base import SequenceModel
from seqsum.models.recurrent import RecurrentModel
from seqsum.models.settings import RecurrentConfig
from seqsum.tasks import AnyTask, Batches
from seqsum.tasks.stream import StepStream
from seqsum.text import one_line
from seqsum.training.backends.base import ChunkResult
from seqsum.training.backends.fused import cache, lane_pool
from seqsum.training.backends.fused.batch_parts import BatchParts, divided
from seqsum.training.backends.fused.dropout import RANGE
from seqsum.training.backends.fused.exact_evaluation import ExactEvaluation
from seqsum.training.backends.fused.layout import CELLS, LSTM, OPTIMIZERS, ParameterPlaces, Shape
from seqsum.training.backends.fused.optimizers import Optimizer
from seqsum.training.backends.fused_support import batch_parts
from seqsum.training.backends.torch_backend import TorchBackend

Floats = NDArray[np.float32]

COMPILING = "this machine's code is being compiled; the run begins with torch and changes over when it is there"
NOT_KEPT = (
    "no folder for compiled code can be written, so that each run compiles it anew and begins with torch; SEQSUM_CACHE "
    "names another"
)


class FusedBackend(TorchBackend):
    """Forward, backward, clipping and optimizer of a whole chunk in one compiled call, with the GIL released.

    Weights and optimizer state are PyTorch's own tensors, changed in place: checkpoints, evaluation and questions know
    nothing of it, and a checkpoint of one backend goes on with the other. Until `begin` it computes with PyTorch.
    """

    def __init__(self, model: SequenceModel, task: AnyTask, config: Config) -> None:
        super().__init__(model, task, config)
        assert isinstance(model, RecurrentModel) and isinstance(config.model, RecurrentConfig)
        self._settings = config.model
        self._vocabulary, self._classes = task.vocabulary, task.classes
        self._offsets: dict[str, int] = {}
        place = 0
        for name, part in self.flat.split(self.flat.values.data):
            self._offsets[name] = place
            place += part.numel()
        self._divided_by = batch_parts(config, task)
        self._parts: BatchParts | None = None
        self._exact = ExactEvaluation(task, self._shape(1, 1), self._offsets)
        self._compilation: cache.Compilation | None = None
        self._broken = False
        self._step = 0
        self._draws = StepStream(config.train.seed, "dropout", 2)
        self.why_not_fused = COMPILING

    def change_over(self, step: int, config: Config) -> None:
        self._step = step
        if self.compiled or self._broken:
            return
        wanted = config.train.backend == "fused"
        start = self.fused_from
        if start is None and (wanted or self._ready()):
            start = step
        if start is None or step < start:
            return
        if self.begin():
            self.fused_from = start
        elif wanted:
            raise UserError(f"train.backend: {self.why_not_fused}; use auto or torch")

    def _ready(self) -> bool:
        """Whether the compiled code is at hand; the first time it isn't, compiling begins in the background."""
        try:
            if self._compilation is not None:
                return self._compilation.ended
            if cache.is_warm():
                return True
            self._compilation = cache.Compilation()
            if not self._compilation.kept:
                self.why_not_fused = NOT_KEPT
        except Exception as error:
            self._break(error)
        return False

    def begin(self) -> bool:
        """Compute with compiled code from now on; compiles here and now what is not compiled yet.

        Returns whether it does: where compiling fails, `why_not_fused` says so, and PyTorch goes on.
        """
        try:
            cache.compile_now()
        except Exception as error:
            self._break(error)
            return False
        self.name, self.why_not_fused, self.compiled = "fused", None, True
        return True

    def _break(self, error: Exception) -> None:
        # Whatever a compiler that is missing, broken or of another version says: PyTorch computes the same.
        said = one_line(str(error).strip().partition("\n")[0]) or "it says nothing"
        self._broken = True
        self.why_not_fused = f"code can't be compiled here ({type(error).__name__}: {said})"

    def run(self, batches: Batches, learning_rates: list[float], config: Config) -> ChunkResult:
        if not self.compiled:
            return super().run(batches, learning_rates, config)
        done, first, second = self._optimizer_state(config)
        shape, pool = self._shape(*batches.inputs.shape[1:]), lane_pool.shared()
        # Where a batch is divided, its sums are, too.
        if pool is None or self._divided_by > 1 or not lane_pool.fits(shape, config.optim):
            result = self._alone(batches, learning_rates, config, done, first, second)
        else:
            state = self.flat.values.detach().numpy(), first, second

            def alone(batches: Batches, rates: list[float], done: int) -> ChunkResult:
                return self._alone(batches, rates, config, done, first, second)

            result = pool.run(
                lane_pool.Part(shape, self._offsets, state, batches, learning_rates, config.optim, done, alone)
            )
        self._step += len(result.losses)
        if "step" in self.optimizer.state[self.flat.values]:
            self.optimizer.state[self.flat.values]["step"].fill_(done + len(result.losses))
        return result

    def _alone(
        self, batches: Batches, learning_rates: list[float], config: Config, done: int, first: Floats, second: Floats
    ) -> ChunkResult:
        """Make one update per batch. done, first, second: as `_optimizer_state` gives them."""
        from seqsum.training.backends.fused import chunk

        steps, batch, length = batches.inputs.shape
        whole = self._shape(batch, length)
        if self._parts is None or self._parts.whole != whole:
            # An epoch's last batch may be small.
            count = min(self._divided_by, batch)
            self._parts = BatchParts(whole, [self._shape(rows, length) for rows in divided(batch, count)])
        parts = self._parts
        if self.carries_state:
            self._put_state(parts)
        optim = config.optim
        inputs, lengths, targets = (
            np.ascontiguousarray(part, dtype=np.int64)
            for part in (batches.inputs, batches.lengths, batches.targets.reshape(steps, batch, -1))
        )
        draws = np.zeros(steps, dtype=np.int64)
        if whole.dropout:
            draws[:] = self._draws.words(self._step, steps).view(np.int64)[:, 0]
        counts = np.zeros((2, steps), dtype=np.int64)
        results = chunk.Results(np.zeros(steps), counts[0], counts[1], np.zeros(steps))
        made = parts.run(
            ParameterPlaces.of(whole, self._offsets),
            chunk.Parameters(self.flat.values.detach().numpy(), self.flat.gradients.numpy(), first, second),
            Optimizer(
                OPTIMIZERS.index(optim.name),
                optim.beta1,
                optim.beta2,
                optim.eps,
                optim.momentum,
                optim.smoothing,
                optim.weight_decay,
                math.inf if optim.clip_norm is None else optim.clip_norm,
                math.inf if optim.clip_value is None else optim.clip_value,
            ),
            done,
            chunk.ChunkBatches(inputs, lengths, targets, np.array(learning_rates), draws, 0),
            results,
            config.train.threads,
        )
        if self.carries_state:
            self._take_state(parts)
        return ChunkResult.up_to_failure(*results, made)

    def chunk_length(self, steps: int) -> int:
        # Runs whose chunks are made together shall end them together, though each has its own idea of the time.
        return steps if lane_pool.shared() is None else 1 << steps.bit_length() - 1

    def exact_evaluation(self, check: Check | None) -> Callable[[], Evaluation] | None:
        return self._exact.begin(self.flat.values.detach().numpy(), check) if self.compiled else None

    def _shape(self, batch: int, length: int) -> Shape:
        settings = self._settings
        cell = f"rnn_{settings.nonlinearity}" if settings.cell == "rnn" else settings.cell
        directions = 2 if settings.bidirectional else 1
        return Shape.of(
            cell=CELLS.index(cell),
            vocabulary=self._vocabulary,
            embedding=settings.embedding_size if settings.token_input == "embedding" else 0,
            hidden=settings.hidden_size,
            layers=settings.num_layers * directions,
            classes=self._classes,
            batch=batch,
            length=length,
            tags=int(self.tags),
            carried=int(self.carries_state),
            dropout=round(settings.dropout * RANGE) if settings.num_layers > 1 else 0,
            directions=directions,
        )

    def _optimizer_state(self, config: Config) -> tuple[int, Floats, Floats]:
        """Return the number of updates made and the optimizer's two running means, made as PyTorch makes them."""
        values, name = self.flat.values, config.optim.name
        keys = {
            "adam": ("exp_avg", "exp_avg_sq"),
            "adamw": ("exp_avg", "exp_avg_sq"),
            "sgd": ("momentum_buffer",) if config.optim.momentum else (),
            "rmsprop": ("square_avg", "momentum_buffer") if config.optim.momentum else ("square_avg",),
        }[name]
        state = self.optimizer.state[values]
        fresh = any(key not in state for key in keys)
        for key in keys:
            if key not in state:
                state[key] = torch.zeros_like(values.data)
        if name != "sgd" and "step" not in state:
            state["step"] = torch.zeros((), dtype=torch.float32)
        # SGD keeps no count; all that matters is whether its momentum has begun.
        done = int(state["step"].item()) if "step" in state else 0 if fresh else 1
        nothing: Floats = np.zeros(1, dtype=np.float32)
        first, second = [*(state[key].numpy() for key in keys), nothing, nothing][:2]
        return done, first, second

    def _put_state(self, parts: BatchParts) -> None:
        states = self.state if isinstance(self.state, tuple) else (self.state,)
        for which, state in enumerate(states):
            parts.put_state(which, None if state is None else state.numpy())

    def _take_state(self, parts: BatchParts) -> None:
        found = tuple(torch.from_numpy(parts.state(which)) for which in range(2 if parts.whole.cell == LSTM else 1))
        self.state = found if len(found) > 1 else found[0]

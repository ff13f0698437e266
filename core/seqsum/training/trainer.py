"""The training loop, cut into chunks. Between chunks, and only there, anything else may happen.

Data, learning rate and update of a step depend on the configuration and the step alone, never on how the chunks are
cut. So a run that was stopped, killed or paused ends with the same bits as one that was not.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from seqsum import plugins
from seqsum.config import Config
from seqsum.evaluation.evaluate import Check, Evaluation, evaluate
from seqsum.formatting import learning_rate
from seqsum.models.base import make_model
from seqsum.models.contract import check_model
from seqsum.registry import make_task
from seqsum.runs.checkpoint_files import prune
from seqsum.runs.measure import MEASURE
from seqsum.runs.parts import TEST
from seqsum.tasks.contract import check_task
from seqsum.training import checkpoint
from seqsum.training.backends.base import ChunkResult
from seqsum.training.backends.choose import make_backend
from seqsum.training.device import choose_device
from seqsum.training.early_stopping import EarlyStopping, Judged, check_best
from seqsum.training.memory import check_memory
from seqsum.training.prefetch import Prefetch
from seqsum.training.schedule import learning_rates

CHUNK_SECONDS = 0.25
CHUNK_NUMBERS = 4_000_000  # of tokens, or of logits
DRAWING = threading.Lock()
"""Held while torch's generators, of which a process has one set, are a run's own."""
FIRST_CHUNK = 1  # one step tells how long and how large steps are

Point = tuple[str, int, float]


@dataclass
class LogWindow:
    """Sums since the last log point, over its steps: the loss and the share of right answers of each step's batch.

    Every step counts alike, as it does for the weights: in accuracy, too, where some batches ask for more.
    """

    steps: int = 0
    loss: float = 0.0
    accuracy: float = 0.0
    answered: int = 0
    gradient_norm: float = 0.0

    @classmethod
    def of(cls, saved: dict[str, Any]) -> LogWindow:
        """Read a checkpoint's; those with sums over answers instead of steps count as so many equal steps."""
        if "asked" not in saved:
            return cls(**saved)
        steps, asked = saved["steps"], saved["asked"]
        share = saved["right"] / asked if asked else 0.0
        return cls(steps, saved["loss"], share * steps, steps if asked else 0, saved["gradient_norm"])

    def add(self, result: ChunkResult, part: slice) -> None:
        """Take in some of a chunk's steps. One after the other: the sums don't depend on how chunks are cut."""
        self.steps += part.stop - part.start
        self.loss = _added(self.loss, result.losses[part])
        self.gradient_norm = _added(self.gradient_norm, result.gradient_norms[part])
        answered = result.asked[part] > 0
        self.accuracy = _added(self.accuracy, result.right[part][answered] / result.asked[part][answered])
        self.answered += int(answered.sum())


def points_of(step: int, result: Evaluation) -> list[Point]:
    """Return the points of an evaluation."""
    points = [] if result.accuracy is None else [("accuracy", step, result.accuracy)]
    points.append(("eval_loss", step, result.loss))
    return points + [(name, step, value) for name, value in result.metrics.items()]


def _added(total: float, numbers: NDArray[np.float64]) -> float:
    return float(np.cumsum(np.append(total, numbers))[-1])


@dataclass(frozen=True)
class Moment:
    """A copy of what a checkpoint holds: training can go on while it is written."""

    step: int
    model: Callable[[], dict[str, Tensor]]
    optimizer: Callable[[], dict[str, Tensor]]
    rng: Tensor
    state: dict[str, Any]


class Trainer:
    """One run's model, optimizer and place in the data. It knows nothing of folders' stores, commands or signals."""

    def __init__(self, config: Config, data_facts: dict[str, Any] | None = None) -> None:
        """`data_facts`: a checkpoint's, to be sure that the data is still what it was."""
        torch.set_num_threads(config.train.threads)
        check_best(config, "train")
        self.config = config
        self.task = make_task(config.task, data_facts)
        if plugins.is_added("task", config.task.name):
            check_task(self.task, config.train.batch_size, config.train.seed)
        length = self.task.batches(config.train.seed, 0, 1, 1).inputs.shape[2]
        check_memory(config, self.task, length)
        with DRAWING:
            self.model = make_model(self.task, config.model, config.train.seed)
            if plugins.is_added("model", config.model.name):
                check_model(self.model, self.task, config.train.seed)
            self.parameters = sum(parameter.numel() for parameter in self.model.parameters())
            self.device = choose_device(config, self.parameters, length)
            self.model.to(self.device, getattr(torch, config.train.dtype))
            torch.manual_seed(config.train.seed)
            self._rng = checkpoint.rng_state()
        self.backend = make_backend(self.model, self.task, config, self.device)
        self.plugin_hashes = plugins.hashes_of(config.task.name, config.model.name)
        """The plug-ins that task and model come from, with the hash of their code."""
        self._prefetch = Prefetch(self.task, config)
        self.step = 0
        self.failure: str | None = None
        self.failed_at: int | None = None
        """The step at which a number was not finite any more."""
        self.early_stopping = EarlyStopping()
        self._window = LogWindow()
        self._steps_at_once = FIRST_CHUNK
        self._evaluated_at = -1
        self.owes_evaluation = False
        """Whether the evaluation of this step was begun and not ended."""
        self.restored_step: int | None = None
        """The step of the best checkpoint, when the run ended with its weights."""
        self.durable_step = 0
        """The step of the last checkpoint that was forced to the disk; pruning leaves that one."""
        self.asked: set[int] = set()
        """Steps of checkpoints that a person asked for: train.keep_checkpoints auto leaves those."""

    @property
    def done(self) -> bool:
        return self.step >= self.config.train.steps or self.stopped_early

    @property
    def stopped_early(self) -> bool:
        """Whether train.best_metric is good enough, or was no better for train.early_stop evaluations."""
        patience = self.config.train.early_stop
        tired = patience is not None and self.early_stopping.since_best >= patience
        return tired or self.early_stopping.reached(self.config.train)

    @property
    def _plateau_scale(self) -> float:
        return self.early_stopping.plateau_scale(self.config.schedule.factor)

    def change(self, field: str, value: str) -> None:
        """Change a live field from this step on; raises ConfigError."""
        self.config = self.config.changed({field: value}, "set")

    def run_chunk(self, borders: Iterable[int] = ()) -> list[Point]:
        """Make the next few steps, up to a quarter of a second or the next border; return the log points that fell due.

        Borders are the multiples of evaluate_every and checkpoint_every, the end, and any given.
        """
        self.backend.change_over(self.step, self.config)
        train, borders = self.config.train, list(borders)
        end = self._border(self.step, borders)
        steps = min(end - self.step, self._steps_at_once)
        started = time.perf_counter()
        batches = self._prefetch.batches(self.step, steps)
        if self.backend.compiled:
            # Only where the next border says how long the next chunk is: else that hangs on how long this one takes.
            after = self._border(self.step + steps, borders) - self.step - steps
            if 0 < after <= self._steps_at_once // 2:
                self._prefetch.prepare(self.step + steps, after)
        # One more than there are steps: the last log point tells the rate of the step after it.
        rates = learning_rates(self.config, self.step, steps + 1, self._plateau_scale)
        result = self.backend.run(batches, rates[:steps], self.config)
        seconds = time.perf_counter() - started
        per_step = max(batches.inputs[0].size, train.batch_size * self.task.classes)
        affordable = int(CHUNK_SECONDS * steps / max(seconds, 1e-9))
        at_once = max(1, min(affordable, self._steps_at_once * 4, CHUNK_NUMBERS // per_step))
        self._steps_at_once = self.backend.chunk_length(at_once)

        points: list[Point] = []
        first, made = self.step, len(result.losses)
        while self.step < first + made:
            border = min(self.step - self.step % train.log_every + train.log_every, first + made)
            self._window.add(result, slice(self.step - first, border - first))
            self.step = border
            if self.step % train.log_every == 0 or self.step >= train.steps:
                points += self._close_window(rates[self.step - first])
        if result.failure:
            rate = f"learning rate {learning_rate(rates[made])}"
            self.failed_at = self.step + 1
            self.failure = f"{result.failure} at step {self.failed_at} ({rate}); its update was not made"
        elif not self._finite():
            rate = f"learning rate {learning_rate(max(rates))}"
            self.failed_at = self.step
            self.failure = f"weights became infinite or not a number by step {self.step:,} ({rate})"
        return points

    def _border(self, step: int, more: Iterable[int]) -> int:
        """Return where a chunk from `step` on has to end at the latest."""
        train = self.config.train
        ends = [step - step % every + every for every in (train.evaluate_every, train.checkpoint_every)]
        more = [*more, self.backend.fused_from or 0]
        return min([*ends, train.steps, *(border for border in more if border > step)])

    def _finite(self) -> bool:
        """Whether every weight is a finite number."""
        values = self.backend.flat.values.detach()
        # A finite sum says so of every part; weights can be finite with an infinite sum.
        return math.isfinite(float(values.sum())) or bool(torch.isfinite(values).all())

    def _close_window(self, learning_rate: float) -> list[Point]:
        window = self._window
        self._window = LogWindow()
        points = [("loss", self.step, window.loss / window.steps)]
        if window.answered:
            points.append(("train_accuracy", self.step, window.accuracy / window.answered))
        points.append(("lr", self.step, learning_rate))
        per_epoch = self.task.steps_per_epoch(self.config.train.batch_size)
        if per_epoch is not None:
            points.append(("epoch", self.step, self.step / per_epoch))
        points.append(("grad_norm", self.step, window.gradient_norm / window.steps))
        return points

    @property
    def evaluation_due(self) -> bool:
        due = self.step % self.config.train.evaluate_every == 0 or self.step >= self.config.train.steps
        return due and self._evaluated_at != self.step

    def evaluate(self, check: Check | None = None) -> tuple[Evaluation, bool, list[Point]]:
        """Evaluate on what is held out; return the result, whether it is the best so far, and its points.

        check: called between batches; what it raises ends the evaluation, which is owed then
        """
        self.owes_evaluation = True
        exact = self.backend.exact_evaluation(check)
        result = exact() if exact else evaluate(self.model, self.task, check=check)
        self.owes_evaluation = False
        self._evaluated_at = self.step
        return (result, *self.note(self.step, result))

    def test(self, saved: checkpoint.Checkpoint | None = None, check: Check | None = None) -> list[Point]:
        """Ask the test part, with a checkpoint's weights in place of the present ones where one is given; return its
        points: those of an evaluation with `test_` before their names.

        check: called between batches; what it raises ends it
        """
        model = self.model
        if saved is not None:
            model = make_model(self.task, self.config.model, self.config.train.seed)
            model.load_state_dict(saved.model)
            model.to(self.device, getattr(torch, self.config.train.dtype))
        result = evaluate(model, self.task.of_test(), check=check)
        return [(TEST + name.removeprefix("eval_"), step, value) for name, step, value in points_of(self.step, result)]

    def evaluation_behind(self, check: Check | None = None) -> Callable[[], Evaluation] | None:
        """Return what makes the evaluation that is due in another thread, while this one trains on; `note` its result.

        check: called in that thread between parts of it; what it raises ends it
        None when training has to wait for the result, or when compiled code can't make it. The weights are copied.
        """
        train = self.config.train
        stops = train.early_stop is not None or train.stopping_threshold is not None
        if stops or train.keeps_best or self.config.schedule.name == "plateau":
            return None
        job = self.backend.exact_evaluation(check)
        if job is not None:
            self._evaluated_at, self.owes_evaluation = self.step, False
        return job

    def note(self, step: int, result: Evaluation) -> tuple[bool, list[Point]]:
        """Take in the evaluation of `step`; return whether it is the best so far, and its points."""
        schedule = self.config.schedule
        plateau = schedule.name == "plateau" and step > schedule.warmup_steps
        points = points_of(step, result)
        judged = Judged.by(self.config.train, {name: value for name, _, value in points})
        return self.early_stopping.note(result.loss, step, schedule.patience if plateau else None, judged), points

    @property
    def checkpoint_due(self) -> bool:
        return self.step % self.config.train.checkpoint_every == 0 or self.done

    def save(self, folder: Path, **more: Any) -> Path:
        """Write a checkpoint of this moment; `more` goes into its state."""
        return self.writing(folder, self.moment(**more))()

    def moment(self, **more: Any) -> Moment:
        """Copy all that a checkpoint of this moment holds, but for the evaluations; `more` goes into its state."""
        state = {
            "config": self.config.plain(),
            "window": dict(vars(self._window)),
            "evaluated_at": self._evaluated_at,
            "owes_evaluation": self.owes_evaluation,
            "fused_from": self.backend.fused_from,
            "restored_step": self.restored_step,
            "data_facts": self.task.data_facts(),
            "measure": MEASURE,
            **({"plugins": self.plugin_hashes} if self.plugin_hashes else {}),
            **more,
        }
        # Compiled code draws nothing; torch's generators are the process's, in which other runs may train.
        rng = self._rng if self.backend.compiled else checkpoint.rng_state()
        return Moment(self.step, self.backend.flat.frozen(), self.backend.frozen(), rng, state)

    def writing(self, folder: Path, moment: Moment, durable: bool = True) -> Callable[[], Path]:
        """Return what writes a moment's checkpoint, in whatever thread it is called; `durable`: forced to the disk.

        Every evaluation up to that moment must have been noted, and none after it.
        """
        state = {**moment.state, "progress": dict(vars(self.early_stopping))}
        train = self.config.train
        keep, every = train.keep_checkpoints, train.checkpoint_every
        best = self.early_stopping.best_step if train.keeps_best else None
        asked = frozenset(self.asked) if keep == "auto" else frozenset()

        def write() -> Path:
            path = checkpoint.save(folder, moment.step, moment.model(), moment.optimizer(), state, moment.rng, durable)
            if durable:
                self.durable_step = moment.step
            if keep is not None:
                prune(folder, keep, every, {best, self.durable_step, *asked})
            return path

        return write

    def restore(self, saved: checkpoint.Checkpoint) -> None:
        """Go back to the weights of an earlier checkpoint, and to what its optimizer had gathered; the step stays."""
        self.model.load_state_dict(saved.model)
        self.backend.load_tensors(saved.optimizer)
        self.restored_step = saved.step

    @classmethod
    def resume(cls, saved: checkpoint.Checkpoint) -> Trainer:
        """Make a trainer that goes on exactly where the checkpoint was written."""
        trainer = cls(Config.parse(saved.state["config"], "checkpoint"), saved.state.get("data_facts"))
        trainer.model.load_state_dict(saved.model)
        trainer.backend.load_tensors(saved.optimizer)
        with DRAWING:
            checkpoint.set_rng(saved.rng)
        trainer._rng = saved.rng
        trainer.step = saved.step
        trainer.early_stopping = EarlyStopping.read(saved.state["progress"])
        if saved.state.get("measure") != MEASURE:
            trainer.early_stopping.forget_losses()
        trainer._window = LogWindow.of(saved.state["window"])
        trainer._evaluated_at = saved.state["evaluated_at"]
        trainer.owes_evaluation = saved.state.get("owes_evaluation", False)
        trainer.backend.fused_from = saved.state.get("fused_from")
        if trainer.backend.fused_from is not None:
            trainer.backend.change_over(trainer.step, trainer.config)
        # A run that goes on from there ends anew.
        trainer.restored_step = saved.state.get("restored_step") if trainer.done else None
        return trainer

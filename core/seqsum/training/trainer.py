"""The training loop, cut into chunks. Between chunks, and only there, anything else may happen.

Data, learning rate and update of a step depend on the configuration and the step alone, never on how the chunks are
cut. So a run that was stopped, killed or paused ends with the same bits as one that was not.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from seqsum.config import Config
from seqsum.models.base import make_model
from seqsum.registry import make_task
from seqsum.training import checkpoint
from seqsum.training.backends import make_backend
from seqsum.training.device import choose_device
from seqsum.training.evaluation import Evaluation, evaluate
from seqsum.training.memory import check_memory
from seqsum.training.progress import Progress
from seqsum.training.schedule import learning_rate

CHUNK_SECONDS = 0.25
CHUNK_NUMBERS = 4_000_000  # of tokens, or of logits
FIRST_CHUNK = 1  # one step tells how long and how large steps are

Point = tuple[str, int, float]


@dataclass
class LogWindow:
    """Sums since the last log point."""

    steps: int = 0
    loss: float = 0.0
    right: int = 0
    asked: int = 0
    gradient_norm: float = 0.0


class Trainer:
    """One run's model, optimizer and place in the data. It knows nothing of folders' stores, commands or signals."""

    def __init__(self, config: Config, data_facts: dict[str, Any] | None = None) -> None:
        """`data_facts`: a checkpoint's, to be sure that the data is still what it was."""
        torch.set_num_threads(config.train.threads)
        self.config = config
        self.task = make_task(config.task, data_facts)
        length = self.task.batches(config.train.seed, 0, 1, 1).inputs.shape[2]
        check_memory(config, self.task, length)
        self.model = make_model(self.task, config.model, config.train.seed)
        self.parameters = sum(parameter.numel() for parameter in self.model.parameters())
        self.device = choose_device(config, self.parameters, length)
        self.model.to(self.device, getattr(torch, config.train.dtype))
        torch.manual_seed(config.train.seed)
        self.backend = make_backend(self.model, self.task, config)
        self.step = 0
        self.failure: str | None = None
        self.progress = Progress()
        self._window = LogWindow()
        self._steps_at_once = FIRST_CHUNK
        self._evaluated_at = -1

    @property
    def done(self) -> bool:
        return self.step >= self.config.train.steps or self.stopped_early

    @property
    def stopped_early(self) -> bool:
        """Whether eval_loss has not fallen for train.early_stop evaluations."""
        patience = self.config.train.early_stop
        return patience is not None and self.progress.since_best >= patience

    def change(self, field: str, value: str) -> None:
        """Change a live field from this step on; raises ConfigError."""
        self.config = self.config.changed({field: value}, "set")

    def learning_rate(self, step: int) -> float:
        """The learning rate of the update that follows `step` finished ones."""
        return learning_rate(self.config, step, self.progress.plateau_falls)

    def run_chunk(self, borders: Iterable[int] = ()) -> list[Point]:
        """Make the next few steps, up to a quarter of a second or the next border; return the log points that fell due.

        Borders are the multiples of log_every, evaluate_every and checkpoint_every, the end, and any given.
        """
        train = self.config.train
        intervals = (train.log_every, train.evaluate_every, train.checkpoint_every)
        ends = [self.step - self.step % every + every for every in intervals]
        end = min([*ends, train.steps, *(border for border in borders if border > self.step)])
        steps = min(end - self.step, self._steps_at_once)
        started = time.perf_counter()
        batches = self.task.batches(train.seed, self.step, steps, train.batch_size)
        rates = [self.learning_rate(self.step + index) for index in range(steps)]
        result = self.backend.run(batches, rates, self.config)
        seconds = time.perf_counter() - started
        per_step = max(batches.inputs[0].size, train.batch_size * self.task.classes)
        affordable = int(CHUNK_SECONDS * steps / max(seconds, 1e-9))
        self._steps_at_once = max(1, min(affordable, self._steps_at_once * 4, CHUNK_NUMBERS // per_step))

        window = self._window
        made = zip(result.losses, result.right, result.asked, result.gradient_norms, strict=True)
        for loss, right, asked, norm in made:
            window.steps += 1
            window.loss += float(loss)
            window.right += int(right)
            window.asked += int(asked)
            window.gradient_norm += float(norm)
        self.step += len(result.losses)
        if result.failure:
            rate = rates[len(result.losses)]
            self.failure = f"{result.failure} at step {self.step + 1} (learning rate {rate:g}); its update was not made"
        elif not bool(torch.isfinite(self.backend.flat.values).all()):
            rate = max(rates)
            self.failure = f"weights became infinite or not a number by step {self.step} (learning rate {rate:g})"
        due = self.step % train.log_every == 0 or self.step >= train.steps
        return self._close_window() if due and window.steps else []

    def _close_window(self) -> list[Point]:
        window = self._window
        self._window = LogWindow()
        points = [("loss", self.step, window.loss / window.steps)]
        if window.asked:
            points.append(("train_accuracy", self.step, window.right / window.asked))
        points.append(("lr", self.step, self.learning_rate(self.step)))
        per_epoch = self.task.steps_per_epoch(self.config.train.batch_size)
        if per_epoch is not None:
            points.append(("epoch", self.step, self.step / per_epoch))
        points.append(("grad_norm", self.step, window.gradient_norm / window.steps))
        return points

    @property
    def evaluation_due(self) -> bool:
        due = self.step % self.config.train.evaluate_every == 0 or self.step >= self.config.train.steps
        return due and self._evaluated_at != self.step

    def evaluate(self) -> tuple[Evaluation, bool, list[Point]]:
        """Evaluate on what is held out; return the result, whether it is the best so far, and its points."""
        result = evaluate(self.model, self.task)
        self._evaluated_at = self.step
        best = self.progress.note(result.loss, self.step, self.config.schedule.patience)
        points = [] if result.accuracy is None else [("accuracy", self.step, result.accuracy)]
        points.append(("eval_loss", self.step, result.loss))
        points += [(name, self.step, value) for name, value in result.metrics.items()]
        return result, best, points

    @property
    def checkpoint_due(self) -> bool:
        return self.step % self.config.train.checkpoint_every == 0 or self.done

    def save(self, folder: Path, **more: Any) -> Path:
        """Write a checkpoint of this moment; `more` goes into its state."""
        state = {
            "config": self.config.plain(),
            "window": asdict(self._window),
            "progress": asdict(self.progress),
            "evaluated_at": self._evaluated_at,
            "data_facts": self.task.data_facts(),
            **more,
        }
        model = {name: tensor.contiguous() for name, tensor in self.model.state_dict().items()}
        path = checkpoint.save(folder, self.step, model, self.backend.tensors(), state)
        train = self.config.train
        if train.keep_checkpoints is not None:
            best = self.progress.best_step if train.keep_best else None
            checkpoint.prune(folder, train.keep_checkpoints, best)
        return path

    @classmethod
    def resume(cls, saved: checkpoint.Checkpoint) -> Trainer:
        """Make a trainer that goes on exactly where the checkpoint was written."""
        trainer = cls(Config.parse(saved.state["config"], "checkpoint"), saved.state.get("data_facts"))
        trainer.model.load_state_dict(saved.model)
        trainer.backend.load_tensors(saved.optimizer)
        checkpoint.set_rng(saved.rng)
        trainer.step = saved.step
        trainer.progress = Progress(**saved.state["progress"])
        trainer._window = LogWindow(**saved.state["window"])
        trainer._evaluated_at = saved.state["evaluated_at"]
        return trainer

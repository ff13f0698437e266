"""PyTorch done well, with nothing but PyTorch: vectorised batches, padded sequences, fused Adam, rates known ahead.

What a careful person writes without leaving the library; it shows how much of a speed-up over the tutorial's loop is
only the removal of what the tutorial does needlessly.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from seqsum.config import Config
from seqsum.models.base import SequenceModel, make_model
from seqsum.registry import make_task

from .tutorial import EVALUATION_SAMPLES, LAYERS, check_supported

STEPS_AT_ONCE = 200


class PaddedClassifier(nn.Module):
    """Embedding, recurrent layers over padded sequences, linear head on the state at the last valid token."""

    def __init__(self, vocabulary: int, embedding_size: int, hidden_size: int, num_layers: int, cell: str) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocabulary + 1, embedding_size, padding_idx=vocabulary)
        self.rnn = LAYERS[cell](embedding_size, hidden_size, num_layers, batch_first=True)
        self.head = nn.Linear(hidden_size, vocabulary)

    def forward(self, tokens: Tensor, lengths: Tensor) -> Tensor:
        """tokens [batch, longest], lengths [batch] → logits [batch, classes]."""
        states = self.rnn(self.embedding(tokens))[0]
        last = (lengths - 1)[:, None, None].expand(-1, 1, states.shape[2])
        logits: Tensor = self.head(states.gather(1, last).squeeze(1))
        return logits


def learning_rates(config: Config) -> list[float]:
    """The rate of every update, in closed form."""
    peak, floor, steps = config.optim.lr, config.schedule.min_lr, config.train.steps
    warmup, start = config.schedule.warmup_steps, config.schedule.warmup_start
    rise = [peak * (start + (1 - start) * step / warmup) for step in range(min(warmup, steps))]
    wave = [floor + (peak - floor) * (1 + math.cos(math.pi * step / steps)) / 2 for step in range(steps - len(rise))]
    return rise + wave


class PlainPyTorch:
    """One training run. Seeds PyTorch's own generator."""

    def __init__(self, config: Config, folder: Path) -> None:
        self.task, model = check_supported(config)
        self.config = config
        self.folder = folder
        self.log: list[tuple[str, int, float]] = []
        torch.manual_seed(config.train.seed)
        self.model = PaddedClassifier(
            self.task.modulus, model.embedding_size, model.hidden_size, model.num_layers, model.cell
        )
        optim = config.optim
        self.optimizer = torch.optim.Adam(
            self.model.parameters(), lr=optim.lr, betas=(optim.beta1, optim.beta2), eps=optim.eps, fused=True
        )
        self.rates = learning_rates(config)

    def samples(self, *shape: int) -> tuple[Tensor, Tensor, Tensor]:
        """Return random tokens [*shape, max_length], lengths [*shape] and targets [*shape]."""
        task = self.task
        lengths = torch.randint(task.min_length, task.max_length + 1, shape)
        tokens = torch.randint(0, task.modulus, (*shape, task.max_length))
        valid = torch.arange(task.max_length) < lengths[..., None]
        targets = (tokens * valid).sum(dim=-1) % task.modulus
        return tokens.masked_fill(~valid, task.modulus), lengths, targets

    def _batches(self) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
        while True:
            tokens, lengths, targets = self.samples(STEPS_AT_ONCE, self.config.train.batch_size)
            yield from zip(tokens.unbind(), lengths.unbind(), targets.unbind(), strict=True)

    def bare(self) -> None:
        """Make every update, and nothing else."""
        self._train(housekeeping=False)

    def whole(self) -> None:
        """Make every update, with logging, evaluation on 100 fresh samples, and saving, as the tutorial does."""
        self._train(housekeeping=True)

    def _train(self, housekeeping: bool) -> None:
        train, group = self.config.train, self.optimizer.param_groups[0]
        for step, (rate, batch) in enumerate(zip(self.rates, self._batches(), strict=False), start=1):
            tokens, lengths, targets = batch
            self.optimizer.zero_grad()
            loss = F.cross_entropy(self.model(tokens, lengths), targets)
            loss.backward()  # type: ignore[no-untyped-call]
            group["lr"] = rate
            self.optimizer.step()
            if not housekeeping:
                continue
            if step % train.evaluate_every == 0:
                self.log.append(("accuracy", step, self.evaluate()))
            if step % train.log_every == 0:
                self.log.append(("loss", step, loss.item()))
                self.log.append(("lr", step, rate))
            if step % train.checkpoint_every == 0 or step == train.steps:
                torch.save(self.model.state_dict(), self.folder / f"step-{step}.pt")

    def evaluate(self) -> float:
        """Return the accuracy on 100 fresh random samples."""
        with torch.inference_mode():
            tokens, lengths, targets = self.samples(EVALUATION_SAMPLES)
            return float((self.model(tokens, lengths).argmax(dim=1) == targets).double().mean())

    def classifier(self) -> SequenceModel:
        """Return our model with this run's weights, so that every entrant is judged by the same evaluation."""
        model = make_model(make_task(self.config.task), self.config.model, 0)
        model.load_state_dict(self.model.state_dict())
        return model

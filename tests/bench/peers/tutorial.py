"""The tutorial's method and loop (document 1 and its public training script) in plain PyTorch, in our own words.

Samples are made one at a time with Python's `random`; a DataLoader collates and pads them; the network reads them
packed; Adam, a cosine decay and, with warm-up, a linear rise before it. Two things are different on purpose: a seed is
set, and nothing is sent to an experiment tracker, which only makes this peer faster.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_sequence
from torch.optim import Adam
from torch.optim.lr_scheduler import CosineAnnealingLR, LinearLR, LRScheduler, SequentialLR
from torch.utils.data import DataLoader, IterableDataset

from seqsum.config import Config
from seqsum.models.base import SequenceModel, make_model
from seqsum.models.settings import RecurrentConfig
from seqsum.registry import make_task
from seqsum.tasks.sum_modulo import SumModuloConfig

EVALUATION_SAMPLES = 100
# The tutorial has the plain cell only; with the others its method is the same.
LAYERS: dict[str, type[nn.RNNBase]] = {"rnn": nn.RNN, "gru": nn.GRU, "lstm": nn.LSTM}

Sample = tuple[list[int], int, int]
Batch = tuple[Tensor, Tensor, Tensor]


class SumSamples(IterableDataset[Sample]):
    """Random (numbers, length, sum modulo N), one at a time; endless, or `count` of them."""

    def __init__(self, task: SumModuloConfig, count: int | None = None) -> None:
        self.task = task
        self.count = count

    def __iter__(self) -> Iterator[Sample]:
        made = 0
        while self.count is None or made < self.count:
            length = random.randint(self.task.min_length, self.task.max_length)
            numbers = [random.randint(0, self.task.modulus - 1) for _ in range(length)]
            yield numbers, length, sum(numbers) % self.task.modulus
            made += 1


class Collate:
    """Makes tokens [batch, longest], padded with N, lengths [batch] and targets [batch] of a list of samples."""

    def __init__(self, padding: int) -> None:
        self.padding = padding

    def __call__(self, samples: list[Sample]) -> Batch:
        numbers, lengths, targets = zip(*samples, strict=True)
        rows: list[Tensor] = [torch.LongTensor(row) for row in numbers]
        tokens = pad_sequence(rows, batch_first=True, padding_value=self.padding)
        return tokens, torch.LongTensor(lengths), torch.LongTensor(targets)


class PackedClassifier(nn.Module):
    """Embedding, recurrent layers over packed sequences, linear head on the last layer's final state."""

    def __init__(self, vocabulary: int, embedding_size: int, hidden_size: int, num_layers: int, cell: str) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocabulary + 1, embedding_size, padding_idx=-1)
        self.rnn = LAYERS[cell](embedding_size, hidden_size, num_layers=num_layers, batch_first=True)
        self.head = nn.Linear(hidden_size, vocabulary)

    def forward(self, tokens: Tensor, lengths: Tensor) -> Tensor:
        """tokens [batch, longest], lengths [batch] → logits [batch, classes]."""
        packed = pack_padded_sequence(self.embedding(tokens), lengths, enforce_sorted=False, batch_first=True)
        _, last = self.rnn(packed)
        last = last[0] if isinstance(last, tuple) else last
        logits: Tensor = self.head(last[-1])
        return logits


def make_scheduler(optimizer: Adam, config: Config) -> LRScheduler:
    """A cosine over all steps; with warm-up a linear rise first, and the same cosine, as long as before, after it."""
    schedule = config.schedule
    cosine = CosineAnnealingLR(optimizer, T_max=config.train.steps, eta_min=schedule.min_lr)
    if schedule.warmup_steps == 0:
        return cosine
    rise = LinearLR(optimizer, start_factor=schedule.warmup_start, end_factor=1.0, total_iters=schedule.warmup_steps)
    return SequentialLR(optimizer, schedulers=[rise, cosine], milestones=[schedule.warmup_steps])


KNOWN = {
    "task.name": "sum_modulo",
    "model.name": "recurrent",
    "model.nonlinearity": "tanh",
    "model.token_input": "embedding",
    "model.dropout": 0.0,
    "model.bidirectional": False,
    "model.form": "stacked",
    "model.initialisation": "pytorch",
    "optim.name": "adam",
    "optim.weight_decay": 0.0,
    "optim.clip_norm": None,
    "optim.clip_value": None,
    "schedule.name": "cosine",
    "schedule.cosine_period": "total_steps",
    "train.epochs": None,
    "train.early_stop": None,
    "train.dtype": "float32",
}


def check_supported(config: Config) -> tuple[SumModuloConfig, RecurrentConfig]:
    """Return the sections of task and model; raise ValueError naming every field the tutorial has no counterpart of."""
    wrong = [
        f"{facts.path} is {value}, it knows {KNOWN[facts.path]}"
        for facts in config.fields()
        if facts.path in KNOWN and (value := config.value(facts.path)) != KNOWN[facts.path]
    ]
    if wrong or not isinstance(config.task, SumModuloConfig) or not isinstance(config.model, RecurrentConfig):
        raise ValueError(f"the tutorial's method does not know this configuration: {'; '.join(wrong)}")
    return config.task, config.model


class Tutorial:
    """One training run by the tutorial's method. Seeds Python's and PyTorch's own generators, as a script would."""

    def __init__(self, config: Config, folder: Path) -> None:
        task, model = check_supported(config)
        self.config = config
        self.folder = folder
        self.log: list[tuple[str, int, float]] = []
        random.seed(config.train.seed)
        torch.manual_seed(config.train.seed)
        collate = Collate(task.modulus)
        batch_size = config.train.batch_size
        self.training_data = DataLoader(SumSamples(task), batch_size=batch_size, collate_fn=collate)
        self.evaluation_data = DataLoader(
            SumSamples(task, EVALUATION_SAMPLES), batch_size=batch_size, collate_fn=collate
        )
        self.model = PackedClassifier(
            task.modulus, model.embedding_size, model.hidden_size, model.num_layers, model.cell
        )
        optim = config.optim
        self.optimizer = Adam(self.model.parameters(), lr=optim.lr, betas=(optim.beta1, optim.beta2), eps=optim.eps)
        self.scheduler = make_scheduler(self.optimizer, config)

    def bare(self) -> None:
        """Make every update, and nothing else."""
        self._train(housekeeping=False)

    def whole(self) -> None:
        """Make every update, with the tutorial's logging, evaluation on 100 fresh samples, and saving."""
        self._train(housekeeping=True)

    def _train(self, housekeeping: bool) -> None:
        train = self.config.train
        criterion = nn.CrossEntropyLoss()
        self.model.train()
        batches = iter(self.training_data)
        for step in range(1, train.steps + 1):
            tokens, lengths, targets = next(batches)
            self.optimizer.zero_grad()
            loss = criterion(self.model(tokens, lengths), targets)
            loss.backward()
            self.optimizer.step()
            self.scheduler.step()
            if not housekeeping:
                continue
            if step % train.evaluate_every == 0:
                self.log.append(("accuracy", step, self.evaluate()))
            if step % train.log_every == 0:
                self.log.append(("loss", step, loss.item()))
                self.log.append(("lr", step, float(self.scheduler.get_last_lr()[0])))
            if step % train.checkpoint_every == 0:
                self._save(step)
        if housekeeping:
            self._save(train.steps)

    def evaluate(self) -> float:
        """Return the accuracy on 100 fresh random samples: the tutorial's measure, good to about ±4 points."""
        right = asked = 0
        self.model.eval()
        with torch.no_grad():
            for tokens, lengths, targets in self.evaluation_data:
                right += int((self.model(tokens, lengths).argmax(dim=1) == targets).sum().item())
                asked += targets.size(0)
        self.model.train()
        return right / asked

    def _save(self, step: int) -> None:
        torch.save(self.model.state_dict(), self.folder / f"step-{step}.pt")

    def classifier(self) -> SequenceModel:
        """Return our model with this run's weights, so that every entrant is judged by the same evaluation."""
        model = make_model(make_task(self.config.task), self.config.model, 0)
        model.load_state_dict(self.model.state_dict())
        return model

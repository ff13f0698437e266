"""A network without memory: what is asked at a step is answered from that step's input alone (document 2)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from seqsum.models.base import SequenceModel, State
from seqsum.models.settings import FeedForwardConfig
from seqsum.tasks import AnyTask


class FeedForwardModel(SequenceModel):
    """Embedding (or plain numbers) → linear, ReLU … → linear head, at each step by itself."""

    reads_stepwise = True

    def __init__(self, task: AnyTask, config: FeedForwardConfig) -> None:
        super().__init__()
        self.answer = task.answer
        self.embedding: nn.Embedding | None = None
        width = task.features
        if task.vocabulary:
            width = config.embedding_size
            self.embedding = nn.Embedding(task.vocabulary + 1, width, padding_idx=task.vocabulary)
        layers: list[nn.Module] = []
        for _ in range(config.num_layers):
            layers += [nn.Linear(width, config.hidden_size), nn.ReLU()]
            width = config.hidden_size
        self.layers = nn.Sequential(*layers)
        self.head = nn.Linear(width, task.classes)

    def forward(self, inputs: Tensor, lengths: Tensor, targets: Tensor | None = None) -> Tensor:
        if self.answer != "tags":
            inputs = inputs[torch.arange(inputs.shape[0], device=inputs.device), lengths - 1]
        logits: Tensor = self.head(self.layers(self.enter(inputs)))
        return logits

    def enter(self, inputs: Tensor) -> Tensor:
        if self.embedding is None or inputs.is_floating_point():
            return inputs
        entered: Tensor = self.embedding(inputs)
        return entered

    def read(self, inputs: Tensor, state: State | None) -> tuple[Tensor, State]:
        """Answer each step; there is nothing to remember, so the state stays empty."""
        return self.head(self.layers(self.enter(inputs))), self.head.weight.new_zeros(0, inputs.shape[0], 0)


def build(task: AnyTask, config: FeedForwardConfig) -> FeedForwardModel:
    return FeedForwardModel(task, config)

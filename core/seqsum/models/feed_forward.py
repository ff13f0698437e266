"""A network without memory: what is asked at a step is answered from that step's input alone (document 2)."""

from __future__ import annotations

from torch import Tensor, nn

from seqsum.models.base import EmbeddingModel, State
from seqsum.models.settings import FeedForwardConfig
from seqsum.tasks import AnyTask


class FeedForwardModel(EmbeddingModel):
    """Embedding (or plain numbers) → linear, ReLU … → linear head, at each step by itself."""

    reads_stepwise = True

    def __init__(self, task: AnyTask, config: FeedForwardConfig) -> None:
        super().__init__(task, config.embedding_size)
        width, layers = self.width, list[nn.Module]()
        for _ in range(config.num_layers):
            layers += [nn.Linear(width, config.hidden_size), nn.ReLU()]
            width = config.hidden_size
        self.layers = nn.Sequential(*layers)
        self.head = nn.Linear(width, task.classes)

    def forward(self, inputs: Tensor, lengths: Tensor, targets: Tensor | None = None) -> Tensor:
        logits: Tensor = self.head(self.layers(self.enter(self.asked(inputs, lengths))))
        return logits

    def read(self, inputs: Tensor, state: State | None) -> tuple[Tensor, State]:
        """Answer each step; there is nothing to remember, so the state stays empty."""
        return self.head(self.layers(self.enter(inputs))), self.head.weight.new_zeros(0, inputs.shape[0], 0)

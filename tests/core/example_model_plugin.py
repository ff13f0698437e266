"""A model of one's own: the mean of the tokens' vectors, whatever their order."""

from typing import Literal

from seqsum.models.settings import ModelConfig
from seqsum.registry import register_model
from seqsum.schema import setting


class AveragingConfig(ModelConfig):
    name: Literal["averaging"] = setting("averaging", "the network: the mean of the tokens' vectors, and a linear head")
    width: int = setting(16, "width of the vector that stands for a token", ge=1, le=1024, unit="units")


def build(task, config):
    import torch  # here, not above: the console must not wait for torch

    from seqsum.models.base import SequenceModel

    class Averaging(SequenceModel):
        def __init__(self):
            super().__init__()
            self.embedding = torch.nn.EmbeddingBag(task.vocabulary + 1, config.width, padding_idx=task.vocabulary)
            self.head = torch.nn.Linear(config.width, task.classes)

        def forward(self, inputs, lengths, targets=None):  # [batch, length], [batch] → logits [batch, classes]
            return self.head(self.embedding(inputs))

    return Averaging()


register_model(AveragingConfig, build, {"class"})

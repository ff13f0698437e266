"""Attention: how much each step of the source counts for the step that is being written."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class Source:
    """What the encoder read.

    memory:  [batch, source_length, width], the encoder's output at each step
    keys:    [batch, source_length, hidden_size], the memory as a query is compared with it; computed once per source
    padding: bool [batch, source_length], True where a row has ended
    """

    memory: Tensor
    keys: Tensor
    padding: Tensor

    def repeated(self, times: int) -> Source:
        """Each row `times` times, side by side: [batch × times, …]."""
        return Source(*(part.repeat_interleave(times, dim=0) for part in (self.memory, self.keys, self.padding)))


class Attention(nn.Module, ABC):
    """queries [batch, steps, hidden_size] + source → contexts [batch, steps, width] and weights [batch, steps,
    source_length].

    A row of weights sums to 1 and is 0 on padding; its context is the memory's mean under these weights.
    """

    key: nn.Module

    def keys(self, memory: Tensor) -> Tensor:
        """Return what queries are compared with: [batch, source_length, hidden_size]."""
        keys: Tensor = self.key(memory)
        return keys

    @abstractmethod
    def scores(self, queries: Tensor, keys: Tensor) -> Tensor:
        """Return how well each query fits each key: [batch, steps, source_length]."""

    def forward(self, queries: Tensor, source: Source) -> tuple[Tensor, Tensor]:
        scores = self.scores(queries, source.keys).masked_fill(source.padding.unsqueeze(1), -torch.inf)
        weights = torch.softmax(scores, dim=-1)
        return weights @ source.memory, weights


class AdditiveAttention(Attention):
    """score = v · tanh(W query + U memory) (Bahdanau, Cho & Bengio 2015, arXiv 1409.0473, appendix A.1.2)."""

    def __init__(self, width: int, hidden_size: int) -> None:
        super().__init__()
        self.query = nn.Linear(hidden_size, hidden_size, bias=False)
        self.key = nn.Linear(width, hidden_size)
        self.score = nn.Linear(hidden_size, 1, bias=False)

    def scores(self, queries: Tensor, keys: Tensor) -> Tensor:
        #   queries [batch, steps,      1, hidden_size]
        # +    keys [batch,     1, source, hidden_size] → [batch, steps, source, hidden_size] → [batch, steps, source]
        scores: Tensor = self.score(torch.tanh(self.query(queries).unsqueeze(2) + keys.unsqueeze(1)))
        return scores.squeeze(-1)


class DotAttention(Attention):
    """score = query · memory (Luong, Pham & Manning 2015, arXiv 1508.04025, equation 8).

    A memory of another width than the query's (a bidirectional encoder's) is first mapped to it by a matrix, which is
    the paper's `general` score.
    """

    def __init__(self, width: int, hidden_size: int) -> None:
        super().__init__()
        self.key = nn.Identity() if width == hidden_size else nn.Linear(width, hidden_size, bias=False)

    def scores(self, queries: Tensor, keys: Tensor) -> Tensor:
        return queries @ keys.transpose(1, 2)

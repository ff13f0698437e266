"""Writing with one network: it reads the input, a sign, and then the answer as far as it is written (Liu et al. 2018).

source and answer so far   3  M  a  r  c  h  begin  2  0  2
                           │  │  │  │  │  │    │    │  │  │
blocks                     ○──○──○──○──○──○────○────○──○──○
                                               │    │  │  │
logits                                         2    0  2  1
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from seqsum.models.base import State
from seqsum.models.beam import beam_search
from seqsum.models.blocks import BlockModel, Mixer
from seqsum.models.settings import BlocksConfig
from seqsum.tasks import AnyTask
from seqsum.tasks.base import NOT_ASKED


def block_model(task: AnyTask, config: BlocksConfig, mixer: Callable[[], Mixer]) -> BlockModel:
    """Make the model of residual blocks that gives a task's kind of answers. mixer: makes a layer's."""
    return (WritingModel if task.answer == "sequence" else BlockModel)(task, config, mixer)


def tokens_before(targets: Tensor, begin: int, end: int) -> Tensor:
    """Return the token before each target: begin, then the targets but the last, [batch, target_length]."""
    known = targets.masked_fill(targets == NOT_ASKED, end)
    return torch.cat([torch.full_like(known[:, :1], begin), known[:, :-1]], dim=1)


def written_tokens(task: AnyTask) -> int:
    """How many tokens a model that writes has vectors for: those of answers, and the sign that begins one."""
    return max(task.target_vocabulary, task.classes, task.begin + 1)


class WritingModel(BlockModel):
    """Residual blocks that read on in what they write. In training and evaluation the tokens before are the right ones,
    in `decode` the model's own, the likeliest each."""

    reads_stepwise = False

    def __init__(self, task: AnyTask, config: BlocksConfig, mixer: Callable[[], Mixer]) -> None:
        super().__init__(task, config, mixer)
        self.begin, self.end, self.longest_answer = task.begin, task.end, task.longest_answer
        self.target_embedding = nn.Embedding(written_tokens(task), config.hidden_size)

    def forward(self, inputs: Tensor, lengths: Tensor, targets: Tensor | None = None) -> Tensor:
        """Return logits [batch, target_length, classes]; without targets those of what it writes freely,
        `longest_answer` tokens."""
        if targets is None:
            targets = self.decode(inputs, lengths, self.longest_answer)
        lengths = lengths.to(inputs.device)
        written = self.target_embedding(tokens_before(targets, self.begin, self.end))
        outputs, _ = self.mixed(_joined(self.entered(inputs), lengths, written), None)
        places = lengths[:, None] + torch.arange(targets.shape[1], device=inputs.device)
        logits: Tensor = self.head(self.norm(_taken(outputs, places)))
        return logits

    def decode(self, inputs: Tensor, lengths: Tensor, longest: int) -> Tensor:
        answers = torch.empty((len(inputs), longest), dtype=torch.int64, device=inputs.device)
        # Padding must not be read: rows of a length go together.
        for length in sorted(set(lengths.tolist())):
            rows = torch.nonzero(lengths == length).squeeze(1).to(inputs.device)
            state = self.read(inputs[rows, :length], None)[1]
            answers[rows] = beam_search(self._advance, state, begin=self.begin, end=self.end, width=1, longest=longest)
        return answers

    def _advance(self, tokens: Tensor, state: State) -> tuple[Tensor, State]:
        logits, state = self.read_values(self.target_embedding(tokens).unsqueeze(1), state)
        return logits[:, 0], state


def _joined(source: Tensor, lengths: Tensor, written: Tensor) -> Tensor:
    """Join each row's source [batch, steps, width], without its padding, and what is written behind it."""
    steps, longest = source.shape[1], written.shape[1]
    places = torch.arange(steps + longest, device=source.device)
    behind = places - lengths[:, None]
    # What comes after both is never asked for, and nothing before it sees it.
    return _taken(
        torch.cat([source, written], dim=1),
        torch.where(behind < 0, places, steps + behind.clamp(0, longest - 1)),
    )


def _taken(steps: Tensor, places: Tensor) -> Tensor:
    """Return the steps at each row's places: [batch, steps, width], [batch, n] → [batch, n, width]."""
    return steps.gather(1, places.unsqueeze(2).expand(-1, -1, steps.shape[2]))

"""Document 4's rnn3: blocks that keep what they pass on apart from what they remember."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from seqsum.models.base import EmbeddingModel, State
from seqsum.models.initialisation import lecun_normal
from seqsum.models.settings import ConcatenatingConfig
from seqsum.tasks import AnyTask


class ConcatenatingBlock(nn.Module):
    """[output, recurrent] = tanh(linear([input, recurrent before])): unlike an RNN's, its output is not its memory."""

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__()
        self.input_size = input_size
        self.linear = nn.Linear(input_size + hidden_size, 2 * hidden_size)

    def forward(self, inputs: Tensor, recurrent: Tensor) -> tuple[Tensor, Tensor]:
        """Read inputs [batch, length, input_size] from recurrent [batch, hidden_size] on.

        Returns outputs [batch, length, hidden_size] and the recurrent part after the last step.
        """
        from_input = self.linear.weight[:, : self.input_size]
        from_recurrent = self.linear.weight[:, self.input_size :]
        # The input's share of the one linear map needs no loop over the steps.
        entering = nn.functional.linear(inputs, from_input, self.linear.bias)
        outputs: list[Tensor] = []
        for step in range(inputs.shape[1]):
            both = torch.tanh(entering[:, step] + recurrent @ from_recurrent.T)
            output, recurrent = both.chunk(2, dim=1)
            outputs.append(output)
        return torch.stack(outputs, dim=1), recurrent


class ConcatenatingModel(EmbeddingModel):
    """Embedding (or plain numbers) → concatenating blocks → linear head.

    The state is the blocks' recurrent parts, [num_layers, batch, hidden_size].
    """

    reads_stepwise = True

    def __init__(self, task: AnyTask, config: ConcatenatingConfig) -> None:
        super().__init__(task, config.embedding_size)
        self.hidden_size = config.hidden_size
        self.blocks = nn.ModuleList(
            ConcatenatingBlock(config.hidden_size if layer else self.width, config.hidden_size)
            for layer in range(config.num_layers)
        )
        self.head = nn.Linear(config.hidden_size, task.classes)
        if config.initialisation == "lecun_normal":
            lecun_normal(self.blocks, self.head)

    def forward(self, inputs: Tensor, lengths: Tensor, targets: Tensor | None = None) -> Tensor:
        logits: Tensor = self.head(self.asked(self._run(inputs, None)[0], lengths))
        return logits

    def first_state(self, inputs: Tensor) -> State:
        return self.head.weight.new_zeros(len(self.blocks), inputs.shape[0], self.hidden_size)

    def read(self, inputs: Tensor, state: State | None) -> tuple[Tensor, State]:
        outputs, state = self._run(inputs, state)
        return self.head(outputs), state

    def _run(self, inputs: Tensor, state: State | None) -> tuple[Tensor, State]:
        entering = self.enter(inputs)
        if state is None:
            state = self.first_state(inputs)
        assert isinstance(state, Tensor)
        after: list[Tensor] = []
        for block, before in zip(self.blocks, state, strict=True):
            entering, recurrent = block(entering, before)
            after.append(recurrent)
        return entering, torch.stack(after)

"""Residual blocks: what the newer families of sequence models share, around what tells them apart, the mixer."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor, nn

from seqsum.models.base import EmbeddingModel, State
from seqsum.models.settings import BlocksConfig
from seqsum.tasks import AnyTask

LayerState = tuple[Tensor, ...]
"""What one layer remembers; each part [batch, …]."""


class Mixed(NamedTuple):
    """outputs: [batch, steps, hidden_size]; state: after the last step; gates: name → [batch, steps, units], or {}."""

    outputs: Tensor
    state: LayerState
    gates: dict[str, Tensor] = {}  # noqa: RUF012


class Mixer(nn.Module, ABC):
    """The one part of a block that carries something from step to step: inputs [batch, steps, hidden_size] + state."""

    if TYPE_CHECKING:  # PyTorch says Any

        def __call__(self, inputs: Tensor, state: LayerState, look: bool = False) -> Mixed: ...

    @abstractmethod
    def begin(self, inputs: Tensor) -> LayerState:
        """Return the state before anything was read, of the rows, type and device of inputs."""

    @abstractmethod
    def forward(self, inputs: Tensor, state: LayerState, look: bool = False) -> Mixed:
        """Go on from a state; all steps at once gives what one after another gives. look: whether gates are wanted."""

    def shown(self, mixed: Mixed) -> tuple[Tensor, Tensor | None]:
        """Return hidden [batch, units] and, where there is a second one, cell state after the last step."""
        return mixed.state[0].flatten(1), None


class Block(nn.Module):
    """x + mixer(norm(x)), then x + net(norm(x)), net being two layers with a GELU between them, at each step by itself.

    expansion: the inner width of net in multiples of hidden_size; 0: no net
    """

    def __init__(self, mixer: Mixer, hidden_size: int, expansion: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(hidden_size)
        self.mixer = mixer
        inner = expansion * hidden_size
        self.net = nn.Sequential(
            nn.LayerNorm(hidden_size), nn.Linear(hidden_size, inner), nn.GELU(), nn.Linear(inner, hidden_size)
        ) if inner else None  # fmt: skip

    def forward(self, inputs: Tensor, state: LayerState | None, look: bool = False) -> tuple[Tensor, Mixed]:
        """Return outputs [batch, steps, hidden_size], and what the mixer gave."""
        mixed = self.mixer(self.norm(inputs), self.mixer.begin(inputs) if state is None else state, look)
        outputs = inputs + mixed.outputs
        return outputs if self.net is None else outputs + self.net(outputs), mixed


class BlockModel(EmbeddingModel):
    """Embedding (numbers: a linear map) → residual blocks → norm → linear head.

    The state is the mixers', each part [num_layers, batch, …].
    """

    reads_stepwise = True

    def __init__(self, task: AnyTask, config: BlocksConfig, mixer: Callable[[], Mixer]) -> None:
        """mixer: makes a layer's."""
        super().__init__(task, config.hidden_size)
        self.entrance = nn.Identity() if self.embedding is not None else nn.Linear(self.width, config.hidden_size)
        self.blocks = nn.ModuleList(
            Block(mixer(), config.hidden_size, config.expansion) for _ in range(config.num_layers)
        )
        self.norm = nn.LayerNorm(config.hidden_size)
        self.head = nn.Linear(config.hidden_size, task.classes)

    def forward(self, inputs: Tensor, lengths: Tensor, targets: Tensor | None = None) -> Tensor:
        logits: Tensor = self.head(self.norm(self.asked(self.mixed(self.entered(inputs), None)[0], lengths)))
        return logits

    def first_state(self, inputs: Tensor) -> State:
        values = self.entered(inputs[:, :1])
        return _stacked([block.mixer.begin(values) for block in self.blocks if isinstance(block, Block)])

    def read(self, inputs: Tensor, state: State | None) -> tuple[Tensor, State]:
        return self.read_values(self.entered(inputs), state)

    def read_values(self, values: Tensor, state: State | None) -> tuple[Tensor, State]:
        """Go on from a state as `read` does, with what has entered already: values [batch, steps, hidden_size]."""
        outputs, mixed = self.mixed(values, state)
        return self.head(self.norm(outputs)), _stacked([layer.state for layer in mixed])

    def entered(self, inputs: Tensor) -> Tensor:
        """Return what the first block reads: [batch, steps, hidden_size]."""
        values: Tensor = self.entrance(self.enter(inputs))
        return values

    def mixed(self, values: Tensor, state: State | None) -> tuple[Tensor, list[Mixed]]:
        """Return what the last block gives for the values that enter the first, and each mixer's part in it."""
        found: list[Mixed] = []
        parts = state if isinstance(state, tuple) else None if state is None else (state,)
        for layer, block in enumerate(self.blocks):
            values, mixed = block(values, None if parts is None else tuple(part[layer] for part in parts))
            found.append(mixed)
        return values, found

    def last_hidden(self, inputs: Tensor) -> Tensor:
        """Return the last layer's hidden state once all was read: [batch, units]."""
        block = self.blocks[-1]
        assert isinstance(block, Block)
        return block.mixer.shown(self.mixed(self.entered(inputs), None)[1][-1])[0]

    def look(self, inputs: Tensor) -> list[tuple[Tensor, Tensor | None, dict[str, Tensor]]]:
        """Return each layer's hidden state, cell state and gates after every step: [batch, steps, units] each."""
        found: list[tuple[Tensor, Tensor | None, dict[str, Tensor]]] = []
        values = self.entered(inputs)
        for block in self.blocks:
            assert isinstance(block, Block)
            state, hidden, cells = None, list[Tensor](), list[Tensor]()
            for step in range(values.shape[1]):
                _, mixed = block(values[:, step : step + 1], state)
                state = mixed.state
                value, cell = block.mixer.shown(mixed)
                hidden.append(value)
                cells += [] if cell is None else [cell]
            values, whole = block(values, None, look=True)
            found.append((torch.stack(hidden, 1), torch.stack(cells, 1) if cells else None, whole.gates))
        return found


def _stacked(states: Sequence[LayerState]) -> State:
    """Return each part of all layers' states as one, [num_layers, batch, …]."""
    parts = tuple(map(torch.stack, zip(*states, strict=True)))
    return parts if len(parts) > 1 else parts[0]

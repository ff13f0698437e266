"""The contract of every model."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from inspect import isfunction
from typing import TYPE_CHECKING, ClassVar, Literal, Protocol, runtime_checkable

import torch
from torch import Tensor, nn

from seqsum.errors import PluginError, UserError, place_in
from seqsum.models.registry import model_entry
from seqsum.models.settings import ModelConfig
from seqsum.tasks import AnyTask

State = Tensor | tuple[Tensor, ...]
"""Hidden state [num_layers, batch, hidden_size]; an LSTM's is the pair (hidden, cell)."""


Fitting = Literal["gradient", "least_squares"]


@runtime_checkable
class Linear(Protocol):
    """A model whose answer is a linear function of its weights: answer [batch] = design [batch, n] @ weights [n]."""

    def design(self, inputs: Tensor) -> Tensor: ...

    def weights(self) -> Tensor: ...

    def take(self, solution: Tensor) -> None: ...


class SequenceModel(nn.Module, ABC):
    """inputs + lengths → logits.

    inputs:  int64 [batch, length] tokens, or float [batch, length, features]; what `enter` made of tokens enters too
    lengths: int64 [batch]
    logits:  by the task's answer: class [batch, classes]; tags [batch, length, classes]; sequence [batch,
             target_length, classes]; values [batch, values]
    """

    fitting: ClassVar[Fitting] = "gradient"
    """How the weights are found: step by step along the gradient, or at once (then the model is `Linear` too)."""
    rate_share: float = 1.0
    """The learning rate of the update that is made, in multiples of optim.lr: for what falls as it does."""
    reads_stepwise: bool = False
    """Whether `step` exists and gives the same as `forward`: sequences with a common beginning can share its states."""

    if TYPE_CHECKING:  # PyTorch says Any

        def __call__(self, inputs: Tensor, lengths: Tensor, targets: Tensor | None = None) -> Tensor: ...

    @abstractmethod
    def forward(self, inputs: Tensor, lengths: Tensor, targets: Tensor | None = None) -> Tensor:
        """Return logits. Only models of answer `sequence` look at `targets` (teacher forcing)."""

    def enter(self, inputs: Tensor) -> Tensor:
        """Return what the layers read: tokens [batch, length] as vectors [batch, length, width], numbers as they are.

        Gradients with respect to it are what saliency is made of. Raises UserError where a model does not say.
        """
        if not inputs.is_floating_point():
            raise UserError(
                f"model: {type(self).__name__} does not say how tokens enter it, so gradients can't be shown"
            )
        return inputs

    def read(self, inputs: Tensor, state: State | None) -> tuple[Tensor, State]:
        """Go on from a state: return logits at every step [batch, length, classes] and the state after the last.

        A state of None is the state before anything was read. For models that read step by step.
        """
        raise UserError(f"model: {type(self).__name__} has no state to carry over")

    def first_state(self, inputs: Tensor) -> State:
        """Return the state before anything of these inputs was read: what `read` takes None for."""
        raise UserError(f"model: {type(self).__name__} does not say what state it begins with")

    def step(self, inputs: Tensor, state: State | None) -> tuple[Tensor, State]:
        """Read one step of each row, inputs [batch] or [batch, features]; return logits [batch, classes] and state."""
        logits, state = self.read(inputs.unsqueeze(1), state)
        return logits[:, 0], state

    def decode(self, inputs: Tensor, lengths: Tensor, longest: int) -> Tensor:
        """Write an answer token by token: int64 [batch, ≤ longest], the end token and what follows it included."""
        raise UserError(f"model: {type(self).__name__} does not write sequences")


class EmbeddingModel(SequenceModel):
    """A model that reads tokens as learned vectors, and numbers as they are.

    The embedding has one row more than the vocabulary: the padding's, which stays zero.
    width: of what enters at a step
    """

    def __init__(self, task: AnyTask, embedding_size: int | None) -> None:
        """embedding_size: None where tokens enter in another way."""
        super().__init__()
        self.answer = task.answer
        self.width = task.features or task.vocabulary
        self.embedding: nn.Embedding | None = None
        if task.vocabulary and embedding_size is not None:
            self.width = embedding_size
            self.embedding = nn.Embedding(task.vocabulary + 1, embedding_size, padding_idx=task.vocabulary)

    def enter(self, inputs: Tensor) -> Tensor:
        if self.embedding is None or inputs.is_floating_point():
            return inputs
        entered: Tensor = self.embedding(inputs)
        return entered

    def asked(self, steps: Tensor, lengths: Tensor) -> Tensor:
        """Return where answers are read of [batch, length, …]: every step for tags, else each row's last [batch, …]."""
        if self.answer == "tags":
            return steps
        return steps[torch.arange(steps.shape[0], device=steps.device), lengths - 1]


def mapped(state: State, function: Callable[[Tensor], Tensor]) -> State:
    """Return a state made of what `function` makes of each of its parts."""
    return tuple(map(function, state)) if isinstance(state, tuple) else function(state)


def detached(state: State | None) -> State | None:
    """Cut a state from the graph that made it (truncated back-propagation through time)."""
    return None if state is None else mapped(state, Tensor.detach)


def make_model(task: AnyTask, config: ModelConfig, seed: int) -> SequenceModel:
    """Make the model that a section describes, the same initial weights for the same seed."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        entry = model_entry(config.name)
        model = entry.make(task, config)
    if not isinstance(model, SequenceModel):
        made = "nothing" if model is None else f"a {type(model).__name__}"
        where = place_in(entry.build.__code__, entry.build.__code__.co_firstlineno) if isfunction(entry.build) else ""
        raise PluginError(f"{where or f'model {config.name}'}: it returned {made}; it has to be a SequenceModel")
    return model

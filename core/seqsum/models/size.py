"""How many weights a model has, from its settings alone. No torch: a form asks with every change."""

from __future__ import annotations

from dataclasses import dataclass

from seqsum.models.settings import (
    AutoregressiveConfig,
    BilinearConfig,
    BlocksConfig,
    ConcatenatingConfig,
    DeltaNetConfig,
    EncoderDecoderConfig,
    FeedForwardConfig,
    LruConfig,
    MinimalConfig,
    ModelConfig,
    RecurrentConfig,
    SlstmConfig,
    StateSpaceConfig,
    TransformerConfig,
)
from seqsum.tasks import AnyTask

GATES = {"rnn": 1, "gru": 3, "lstm": 4}


@dataclass(frozen=True)
class Size:
    """Weights of a model. A table's row is looked up, every other weight takes part at each step of a sequence."""

    tables: int
    others: int

    @property
    def parameters(self) -> int:
        return self.tables + self.others


def model_size(task: AnyTask, config: ModelConfig) -> Size | None:
    """Return the size of one of our models for a task; None for a plug-in's, whose author alone knows."""
    if isinstance(config, RecurrentConfig):
        embedded = bool(task.vocabulary) and config.token_input == "embedding"
        width = config.embedding_size if embedded else task.features or task.vocabulary
        directions = 2 if config.bidirectional else 1
        layers = _recurrent(config.cell, width, config.hidden_size, config.num_layers, directions)
        head = _linear(config.hidden_size * directions, task.classes)
        return Size(_table(task, config.embedding_size) if embedded else 0, layers + head)
    if isinstance(config, ConcatenatingConfig):
        width, hidden, others = _entering(task, config.embedding_size), config.hidden_size, 0
        for _ in range(config.num_layers):
            others += _linear(width + hidden, 2 * hidden)
            width = hidden
        return Size(_table(task, config.embedding_size), others + _linear(hidden, task.classes))
    if isinstance(config, FeedForwardConfig):
        width, others = _entering(task, config.embedding_size), 0
        for _ in range(config.num_layers):
            others += _linear(width, config.hidden_size)
            width = config.hidden_size
        return Size(_table(task, config.embedding_size), others + _linear(width, task.classes))
    if isinstance(config, EncoderDecoderConfig):
        return _encoder_decoder(task, config)
    if isinstance(config, BlocksConfig):
        mixer = _mixer(config)
        return None if mixer is None else _blocks(task, config, mixer)
    return Size(0, config.order + 1) if isinstance(config, AutoregressiveConfig) else None


def _encoder_decoder(task: AnyTask, config: EncoderDecoderConfig) -> Size:
    hidden, layers = config.hidden_size, config.num_layers
    directions = 2 if config.bidirectional else 1
    width = hidden * directions
    others = _recurrent(config.cell, _entering(task, config.embedding_size), hidden, layers, directions)
    others += layers * (2 if config.cell == "lstm" else 1) * _linear(width, hidden)  # the bridge
    if config.attention == "additive":
        others += hidden * hidden + _linear(width, hidden) + hidden
    elif config.attention == "dot" and width != hidden:
        others += width * hidden
    found = width if config.attention == "additive" else 0
    others += _recurrent(config.cell, config.embedding_size + found, hidden, layers, 1)
    if config.attention != "none":
        others += _linear(hidden + width, hidden)
    others += _linear(hidden, task.classes)
    return Size(_table(task, config.embedding_size) + _written(task, config.embedding_size), others)


def _mixer(config: BlocksConfig) -> int | None:
    """Weights of what mixes the steps in one block."""
    hidden = config.hidden_size
    if isinstance(config, MinimalConfig):
        return _linear(hidden, (2 if config.cell == "mingru" else 3) * hidden)
    if isinstance(config, LruConfig | StateSpaceConfig):
        # Three numbers for each unit of the state, two real maps for the two complex ones, and the way past it.
        return 3 * config.state_size + 4 * config.state_size * hidden + hidden
    if isinstance(config, DeltaNetConfig):
        return 4 * hidden * hidden + _linear(hidden, config.num_heads) + hidden // config.num_heads
    if isinstance(config, SlstmConfig):
        return _linear(hidden, 4 * hidden) + 4 * hidden * hidden // config.num_heads
    if isinstance(config, TransformerConfig):
        return _linear(hidden, 3 * hidden) + _linear(hidden, hidden)
    if isinstance(config, BilinearConfig):
        return config.state_size * (config.state_size * hidden + 1) + _linear(config.state_size, hidden)
    return None


def _blocks(task: AnyTask, config: BlocksConfig, mixer: int) -> Size:
    hidden, inner = config.hidden_size, config.expansion * config.hidden_size
    norm = 2 * hidden
    net = norm + _linear(hidden, inner) + _linear(inner, hidden) if inner else 0
    entrance = 0 if task.vocabulary else _linear(task.features, hidden)
    others = entrance + config.num_layers * (norm + mixer + net) + norm + _linear(hidden, task.classes)
    return Size(_table(task, hidden) + _written(task, hidden), others)


def _recurrent(cell: str, width: int, hidden: int, layers: int, directions: int) -> int:
    """Weights of PyTorch's stacked module: two matrices and two biases for each gate, layer and direction."""
    first = GATES[cell] * hidden * (width + hidden + 2)
    further = GATES[cell] * hidden * (hidden * directions + hidden + 2)
    return directions * (first + (layers - 1) * further)


def _linear(inputs: int, outputs: int) -> int:
    return outputs * (inputs + 1)


def _entering(task: AnyTask, embedding_size: int) -> int:
    return embedding_size if task.vocabulary else task.features


def _written(task: AnyTask, embedding_size: int) -> int:
    """The embedding of what an answer is written in: its tokens, and the sign that begins it."""
    tokens = max(task.target_vocabulary, task.classes, task.begin + 1)
    return tokens * embedding_size if task.answer == "sequence" else 0


def _table(task: AnyTask, embedding_size: int) -> int:
    """The embedding, with the padding's row."""
    return (task.vocabulary + 1) * embedding_size if task.vocabulary else 0

"""The settings of our models. No torch here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import ValidationInfo, field_validator

from seqsum.schema import Section, number, setting

WIDEST = 8192
TOKENS = ("class", "tags", "sequence")
"""The answers of tasks that read tokens; the others read numbers, and need no embedding."""


class ModelConfig(Section):
    """Base of every model's section; `name` says which model it is."""

    name: str


def _embedding_size(default: int, used_when: Mapping[str, tuple[str, ...]] | None = None) -> Any:
    what = "width of the vector that stands for a token"
    return setting(default, what, ge=1, le=WIDEST, unit="units", used_when=used_when)


_INITIALISATION = (
    "first weights: pytorch draws each layer's uniformly within ±1/√(units); lecun_normal draws them normally with "
    "variance 1/inputs and no bias, about three times as large a variance (document 4's library)"
)


class RecurrentConfig(ModelConfig):
    """Stacked recurrent layers and a linear head (documents 1 to 5)."""

    name: Literal["recurrent"] = setting("recurrent", "the network: stacked recurrent layers and a linear head")
    cell: Literal["rnn", "lstm", "gru"] = setting("rnn", "the recurrent cell", basic=True)
    nonlinearity: Literal["tanh", "relu"] = setting(
        "tanh", "what an rnn cell applies; lstm and gru ignore it", used_when={"model.cell": ("rnn",)}
    )
    token_input: Literal["embedding", "one_hot"] = setting(
        "embedding",
        "how a token enters: a learned vector, or a one at its place; numeric inputs enter as they are",
        used_when={"task.answer": TOKENS},
    )
    embedding_size: int = _embedding_size(10, {"task.answer": TOKENS, "model.token_input": ("embedding",)})
    hidden_size: int = setting(
        16, "width of the hidden state: the network's memory", ge=1, le=WIDEST, unit="units", basic=True
    )
    num_layers: int = setting(1, "recurrent layers on top of each other", ge=1, le=32, unit="layers")
    dropout: float = setting(0.0, "share of units silenced between layers while training", ge=0, le=0.95)
    bidirectional: bool = setting(False, "read the sequence from both ends; not for tasks that must not see what comes")
    hidden_noise: float = setting(
        0.0, "standard deviation of the noise that is added to the hidden state after each step while training; it "
        "makes training slower, for the layers go step by step then", ge=0, le=100,
    )  # fmt: skip
    noise_schedule: Literal["constant", "learning_rate"] = setting(
        "constant", "hidden_noise stays what it is, or falls (and rises) in proportion to the learning rate"
    )
    form: Literal["stacked", "cells"] = setting(
        "stacked", "stacked: PyTorch's fused module; cells: step by step through single cells, the same numbers, slower"
    )
    initialisation: Literal["pytorch", "lecun_normal", "orthogonal", "identity"] = setting(
        "pytorch",
        f"{_INITIALISATION}; orthogonal and identity give the recurrent matrices such a one, which keeps the size of "
        "what it carries (Saxe et al. 2014; Le et al. 2015, with relu), the rest as pytorch",
    )


class ConcatenatingConfig(ModelConfig):
    """Document 4's rnn3: each block maps [input, recurrent] to [output, recurrent] by one linear map."""

    name: Literal["concatenating"] = setting(
        "concatenating", "the network: blocks that map [input, recurrent] to [output, recurrent] by one linear map"
    )
    embedding_size: int = _embedding_size(100, {"task.answer": TOKENS})
    hidden_size: int = setting(
        100, "width of output and recurrent part of a block", ge=1, le=WIDEST, unit="units", basic=True
    )
    num_layers: int = setting(3, "blocks on top of each other", ge=1, le=32, unit="layers")
    initialisation: Literal["pytorch", "lecun_normal"] = setting("pytorch", _INITIALISATION)


class FeedForwardConfig(ModelConfig):
    """A network without memory: each step is answered from that step alone (document 2)."""

    name: Literal["feed_forward"] = setting(
        "feed_forward", "the network: no memory, each step is answered from its own input alone"
    )
    embedding_size: int = _embedding_size(8, {"task.answer": TOKENS})
    hidden_size: int = setting(16, "width of the hidden layers", ge=1, le=WIDEST, unit="units", basic=True)
    num_layers: int = setting(1, "hidden layers", ge=1, le=32, unit="layers")


class EncoderDecoderConfig(ModelConfig):
    """A recurrent encoder and decoder with attention (document 3)."""

    name: Literal["encoder_decoder"] = setting(
        "encoder_decoder", "the network: one recurrent network reads, another writes, looking back by attention"
    )
    cell: Literal["rnn", "lstm", "gru"] = setting("gru", "the recurrent cell of encoder and decoder", basic=True)
    attention: Literal["additive", "dot", "none"] = setting(
        "additive", "how the decoder looks back: additive (Bahdanau 2015), dot (Luong 2015), or not at all"
    )
    embedding_size: int = _embedding_size(32)
    hidden_size: int = setting(64, "width of the hidden states", ge=1, le=WIDEST, unit="units", basic=True)
    num_layers: int = setting(1, "recurrent layers of encoder and decoder", ge=1, le=8, unit="layers")
    dropout: float = setting(0.0, "share of units silenced between layers while training", ge=0, le=0.95)
    bidirectional: bool = setting(True, "let the encoder read from both ends")
    teacher_forcing: float = setting(
        1.0, "share of steps at which the decoder is given the right token before, not its own", ge=0, le=1
    )
    beam_width: int = setting(1, "hypotheses kept when answering; 1 is greedy", ge=1, le=64, unit="hypotheses")


class AutoregressiveConfig(ModelConfig):
    """AR(p): the next value is a linear function of the last p, fitted by least squares (document 3)."""

    name: Literal["autoregressive"] = setting(
        "autoregressive", "AR(p): the next value as a linear function of the last p, fitted by least squares"
    )
    order: int = setting(
        9, "p: how many past values count; at most the task's window", ge=1, le=1000, unit="values", basic=True
    )


class BlocksConfig(ModelConfig):
    """Base of the models made of residual blocks: each mixes the steps in its own way."""

    hidden_size: int = setting(64, "width of what goes from block to block", ge=1, le=WIDEST, unit="units", basic=True)
    num_layers: int = setting(2, "blocks on top of each other", ge=1, le=32, unit="layers")
    expansion: int = setting(
        2,
        "inner width of the two-layer network behind each mixer, in multiples of model.hidden_size; 0 leaves it out",
        ge=0,
        le=16,
    )


class MinimalConfig(BlocksConfig):
    """minGRU or minLSTM (Feng et al. 2024): gates see the input alone, so that all steps are computed at once."""

    name: Literal["minimal"] = setting(
        "minimal", "the network: blocks of minGRU or minLSTM, whose gates see the input and not the state"
    )
    cell: Literal["mingru", "minlstm"] = setting("mingru", "the recurrent cell", basic=True)


def _state_size() -> Any:
    return setting(64, "complex numbers that a block remembers", ge=1, le=WIDEST, unit="units", basic=True)


class LruConfig(BlocksConfig):
    """Linear recurrent units (Orvieto et al. 2023): a diagonal complex recurrence that keeps itself stable."""

    name: Literal["lru"] = setting("lru", "the network: blocks of linear recurrent units, diagonal and complex")
    state_size: int = _state_size()
    min_radius: float = setting(0.9, "the smallest modulus that an eigenvalue is drawn with", ge=0, lt=1)
    max_radius: float = setting(
        0.999, "the largest modulus that an eigenvalue is drawn with: near 1 it remembers for long", gt=0, le=1
    )

    @field_validator("max_radius")
    @classmethod
    def _not_below(cls, value: float, info: ValidationInfo) -> float:
        return _at_least("min_radius", value, info)


class StateSpaceConfig(BlocksConfig):
    """A diagonal complex state space (S4D, S5): a linear system in continuous time, its inputs held for a while."""

    name: Literal["state_space"] = setting(
        "state_space", "the network: blocks of a diagonal complex state space in continuous time"
    )
    state_size: int = _state_size()
    min_step: float = setting(
        0.001, "the shortest time that an input is drawn to be held for; short remembers for long", gt=0, le=10
    )
    max_step: float = setting(0.1, "the longest time that an input is drawn to be held for", gt=0, le=10)

    @field_validator("max_step")
    @classmethod
    def _not_below(cls, value: float, info: ValidationInfo) -> float:
        return _at_least("min_step", value, info)


class HeadsConfig(BlocksConfig):
    """Base of the blocks whose width is shared out among heads."""

    num_heads: int = setting(
        4, "parts of model.hidden_size that are computed by themselves", ge=1, le=256, unit="heads"
    )

    @field_validator("num_heads")
    @classmethod
    def _divides(cls, value: int, info: ValidationInfo) -> int:
        width = info.data.get("hidden_size")
        if width is not None and width % value:
            raise ValueError(f"must divide model.hidden_size ({width}), got {value}")
        return value


class DeltaNetConfig(HeadsConfig):
    """DeltaNet (Schlag et al. 2021; Yang et al. 2024): a memory of pairs, in which a key's old value is replaced."""

    name: Literal["delta_net"] = setting(
        "delta_net", "the network: blocks with a memory of pairs (key, value), in which a key's old value is replaced"
    )
    eigenvalues: Literal["positive", "signed"] = setting(
        "signed",
        "what a step can multiply a part of the memory by: positive is 0 to 1, it can fade; signed is −1 to 1, it can "
        "also change its sign, which parity needs",
        basic=True,
    )


class SlstmConfig(HeadsConfig):
    """sLSTM (xLSTM, Beck et al. 2024): an LSTM with an exponential input gate and a normalised memory."""

    name: Literal["slstm"] = setting(
        "slstm", "the network: blocks of sLSTM, an LSTM with an exponential input gate and a normalised memory"
    )


class TransformerConfig(HeadsConfig):
    """A causal Transformer (Vaswani et al. 2017): each step looks back at the steps before it."""

    name: Literal["transformer"] = setting(
        "transformer", "the network: blocks of causal attention, each step looks back at the steps before it"
    )
    context: int = setting(
        512, "how many steps attention sees, the own one included; what is further back is forgotten", ge=1,
        le=1_000_000, unit="steps",
    )  # fmt: skip
    positions: Literal["rotary", "none"] = setting(
        "rotary", "how attention knows where a step stands: by angles that grow with the distance, or not at all"
    )

    @field_validator("positions")
    @classmethod
    def _pairs(cls, value: str, info: ValidationInfo) -> str:
        width, heads = info.data.get("hidden_size"), info.data.get("num_heads")
        if value == "rotary" and width and heads and width // heads % 2:
            raise ValueError(
                f"rotary turns pairs of units: model.hidden_size / model.num_heads ({width // heads}) is odd"
            )
        return value


class BilinearConfig(BlocksConfig):
    """A bilinear recurrent network (Ebrahimi & Memisevic 2025): each input is a matrix that the state is turned by."""

    name: Literal["bilinear"] = setting(
        "bilinear", "the network: blocks in which each input is a matrix that the state is multiplied by"
    )
    state_size: int = setting(32, "width of the state that is multiplied", ge=1, le=1024, unit="units", basic=True)


def _at_least(field: str, value: float, info: ValidationInfo) -> float:
    low = info.data.get(field)
    if low is not None and value < low:
        raise ValueError(f"must be at least model.{field} ({number(low)}), got {number(value)}")
    return value

"""Where everything of a chunk lies: parameters in the flat array, activations in one work array."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import types
from numpy.typing import NDArray

from seqsum.training.backends.fused.matmul import DEPTH, LANES, PANEL

CELLS = ("rnn_tanh", "rnn_relu", "lstm", "gru")
RNN_TANH, RNN_RELU, LSTM, GRU = range(4)
GATES = (1, 1, 4, 3)
SAVED = (0, 0, 6, 4)
"""Activations saved for the way back beside the hidden states, in widths: an lstm's i, f, g, o, c, tanh(c); a gru's r,
z, n and the recurrent part of n."""
SAVED_C = 4
BLOCK = 128
"""Rows whose gradients enter those of the weights at once: as few as still are a deep product, to be still at hand."""
COLUMNS = 1024
"""Sequences that an exhaustive evaluation takes at once: they stay in the processor's second cache."""

OPTIMIZERS = ("adam", "adamw", "sgd", "rmsprop")
ADAM, ADAMW, SGD, RMSPROP = range(4)

W_IH, W_HH, B_IH, B_HH = range(4)


def whole_vectors(size: int) -> int:
    """Round up to a multiple of LANES."""
    return -(-size // LANES) * LANES


class Shape(NamedTuple):
    """The sizes of a model and its batches; `of` adds those that follow from them.

    cell: place in CELLS; embedding: width of an embedding, 0 for one-hot tokens; tags: 1 when every step is answered;
    carried: 1 when a step's states begin where those of the step before ended; dropout: how often of 2³² times a unit
    is silenced between layers; directions: 2 when sequences are read from both ends, else 1; layers: each direction's
    counts, PyTorch's layer l forward as 2 l, backward as 2 l + 1
    """

    cell: int
    vocabulary: int
    embedding: int
    hidden: int
    layers: int
    classes: int
    batch: int
    length: int
    tags: int
    carried: int
    dropout: int
    directions: int
    gates: int
    width: int
    """`hidden` in whole vectors; what fills them up is zero."""
    wide: int
    """gates · width"""
    wide_embedding: int
    wide_classes: int
    saved: int
    most: int
    """Rows of a batch at most: batch · length."""
    kept: int
    """Rows whose gradients are at hand at once, at most."""

    @classmethod
    def of(cls, **sizes: int) -> Shape:
        """Make a shape of its first twelve sizes."""
        cell, width = sizes["cell"], whole_vectors(sizes["hidden"])
        return cls(
            **sizes,
            gates=GATES[cell],
            width=width,
            wide=GATES[cell] * width,
            wide_embedding=whole_vectors(max(1, sizes["embedding"])),
            wide_classes=whole_vectors(sizes["classes"]),
            saved=SAVED[cell],
            most=sizes["batch"] * sizes["length"],
            kept=min(sizes["batch"] * sizes["length"], sizes["batch"] + BLOCK),
        )


class ParameterPlaces(NamedTuple):
    """Where parameters begin in the flat array. layers: int64 [layers, 4], by W_IH, W_HH, B_IH, B_HH."""

    embedding: int
    w_head: int
    b_head: int
    layers: NDArray[np.int64]

    @classmethod
    def of(cls, shape: Shape, offsets: dict[str, int]) -> ParameterPlaces:
        """offsets: by PyTorch's names."""
        parts = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
        ends = ("", "_reverse")[: shape.directions]
        names = [f"l{layer}{end}" for layer in range(shape.layers // shape.directions) for end in ends]
        layers = [[offsets[f"rnn.{part}_{name}"] for part in parts] for name in names]
        return cls(
            offsets.get("embedding.weight", -1), offsets["head.weight"], offsets["head.bias"],
            np.array(layers, dtype=np.int64),
        )  # fmt: skip


class Places(NamedTuple):
    """Where the parts of a work array begin. Weights lie in it twice: row-major, and transposed (`_t`)."""

    h_0: int  # [layers, batch, width], the states carried from step to step
    c_0: int
    token_inputs: int  # [tokens, wide], what each token brings to the first layer's gates
    d_token_inputs: int
    embedding: int  # [tokens, wide_embedding]
    w_ih_t: int  # [inputs, wide]
    w_ih: int  # [directions, wide, width], what reads the states of each direction below
    w_embedding: int  # [wide, wide_embedding], the first layer's w_ih: what lies in the padding of another width counts
    w_hh_t: int  # [layers, hidden, wide]
    w_hh: int  # [wide, width]
    packed: int  # one of the two, as `matmul.pack_right` leaves it
    bias: int  # [wide], or the head's
    b_hn: int  # [layers, width], a gru's recurrent bias of n
    w_head_t: int  # [directions · hidden, wide_classes]
    w_head: int  # [directions, wide_classes, width]
    h: int  # [layers, rows, width]
    h_prev: int
    drops: int  # [layers - directions, rows, width], what dropout multiplies a layer's states by on their way up
    dropped: int  # the same, multiplied
    flipped: int  # [layers, rows, width], the states that go up, in the other direction's order; for two directions
    saved: int  # [layers, rows, saved · width]
    inputs: int  # [rows, wide], what enters a layer's gates from below
    recurrent: int  # [batch, wide], what enters them from the step before
    d_gates: int  # [kept, wide], of the last steps, which fill it from its end
    d_gates_h: int  # [kept, wide], a gru's: of what comes from the step before
    d_out: int  # [directions, rows, width], the loss's gradient by a layer's states, from above
    d_flipped: int  # the same, by what is flipped of the layer's states
    d_h_next: int  # [batch, width], the same from the step after
    d_c_next: int  # [batch, width], an lstm's by its cells; a gru's by the states, past the weights
    read: int  # [directions, rows, width], the states that the head reads, where those are not all
    logits: int  # [rows, wide_classes], then the loss's gradient by them
    zeros: int  # [width]
    sums: int  # [wide], the gradient by a bias
    sums_h: int  # [wide], by the recurrent bias where that differs
    d_weight: int
    d_weight_ih: int  # [directions, wide, width]
    scratch: int


class WorkArray:
    """One float32 array, and where its parts begin."""

    def __init__(self, shape: Shape) -> None:
        width, wide, classes, entered = shape.width, shape.wide, shape.wide_classes, shape.wide_embedding
        rows, kept, tokens, layers = shape.most, shape.kept, shape.vocabulary + 1, shape.layers
        directions = shape.directions
        dropped = (layers - directions) * rows * width if shape.dropout else LANES
        sizes = Places(
            h_0=layers * shape.batch * width,
            c_0=layers * shape.batch * width,
            token_inputs=tokens * wide,
            d_token_inputs=tokens * wide,
            embedding=tokens * entered,
            w_ih_t=max(shape.embedding, directions * shape.hidden) * wide,
            w_ih=directions * wide * width,
            w_embedding=wide * entered,
            w_hh_t=layers * shape.hidden * wide,
            w_hh=wide * width,
            packed=wide * width,
            bias=max(wide, classes),
            b_hn=layers * width,
            w_head_t=directions * shape.hidden * classes,
            w_head=directions * classes * width,
            h=layers * rows * width,
            h_prev=layers * rows * width,
            drops=dropped,
            dropped=dropped,
            flipped=layers * rows * width if directions == 2 else LANES,
            saved=max(1, layers * shape.saved) * rows * width,
            inputs=rows * wide,
            recurrent=shape.batch * wide,
            d_gates=kept * wide,
            d_gates_h=kept * wide if shape.cell == GRU else LANES,
            d_out=directions * rows * width,
            d_flipped=directions * rows * width if directions == 2 else LANES,
            d_h_next=shape.batch * width,
            d_c_next=shape.batch * width,
            read=directions * rows * width,
            logits=rows * classes,
            zeros=width,
            sums=max(wide, classes),
            sums_h=wide,
            d_weight_ih=directions * wide * width,
            d_weight=max(wide, classes, tokens) * max(width, entered),
            scratch=(max(wide, classes, entered) + PANEL) * DEPTH,
        )
        self.places = Places(*np.cumsum([0, *sizes]).tolist()[:-1])
        self.numbers: NDArray[np.float32] = np.zeros(sum(sizes), dtype=np.float32)

    def states(self, place: int, shape: Shape) -> NDArray[np.float32]:
        """Return a view of carried states: float32 [layers, batch, width]."""
        size = shape.layers * shape.batch * shape.width
        return self.numbers[place : place + size].reshape(shape.layers, shape.batch, shape.width)


def named(kind: Any, *parts: Any) -> Any:
    """Return numba's type of a NamedTuple."""
    return types.NamedUniTuple(parts[0], len(kind._fields), kind) if len(parts) == 1 else types.NamedTuple(parts, kind)


INT, TABLE = types.int64, types.int64[:, ::1]
INTS, FLOATS, DOUBLES = types.int64[::1], types.float32[::1], types.float64[::1]
SHAPE = named(Shape, INT)
PARAMETER_PLACES = named(ParameterPlaces, INT, INT, INT, TABLE)

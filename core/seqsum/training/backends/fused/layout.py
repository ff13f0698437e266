"""Where everything of a chunk lies: parameters in the flat array, activations in one workspace."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from seqsum.training.backends.fused.matmul import DEPTH, LANES

CELLS = ("rnn_tanh", "rnn_relu", "lstm", "gru")
GATES = (1, 1, 4, 3)
KEPT = (0, 0, 6, 4)
"""Widths kept for the way back beside the hidden states: an lstm's gates, cell and tanh(cell); a gru's gates and the
recurrent part of n."""
COLUMNS = 1024
"""Sequences that a walk over the input space takes at once: they stay in the processor's second cache."""

OPTIMIZERS = ("adam", "adamw", "sgd", "rmsprop")


def whole_vectors(width: int) -> int:
    """Round up to a multiple of LANES."""
    return -(-width // LANES) * LANES


@dataclass(frozen=True)
class Shape:
    """The sizes of a model and its batches.

    cell: place in CELLS; embedding: width of an embedding, 0 for one-hot tokens; tags: 1 when every step is answered
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

    @property
    def gates(self) -> int:
        return GATES[self.cell]

    def numbers(self) -> NDArray[np.int64]:
        """The sizes in order, for compiled code."""
        return np.array([getattr(self, field.name) for field in fields(self)], dtype=np.int64)


def parameter_places(shape: Shape, offsets: dict[str, int]) -> NDArray[np.int64]:
    """Return int64 [3 + 4·layers]: embedding, head weight and bias, then each layer's ih, hh weight, ih, hh bias."""
    places = [offsets.get("embedding.weight", -1), offsets["head.weight"], offsets["head.bias"]]
    for layer in range(shape.layers):
        for part in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"):
            places.append(offsets[f"rnn.{part}_l{layer}"])
    return np.array(places, dtype=np.int64)


class Workspace:
    """One float32 array, and where its parts begin, in the order that `chunk` reads them."""

    def __init__(self, shape: Shape) -> None:
        width, classes = whole_vectors(shape.hidden), whole_vectors(shape.classes)
        entered = whole_vectors(max(1, shape.embedding))
        gates, rows, tokens = shape.gates * width, shape.batch * shape.length, shape.vocabulary + 1
        layers = shape.layers
        sizes = {
            "state": layers * shape.batch * width,
            "cell_state": layers * shape.batch * width,
            "entered": tokens * gates,  # what each token brings to the first layer's gates
            "entered_gradient": tokens * gates,
            "embedding": tokens * entered,
            "input_across": max(shape.embedding, shape.hidden) * gates,
            "input_along": gates * width,
            # Not beside it: widths differ, and what one left in the other's padding would count.
            "embedding_along": gates * entered,
            "hidden_across": layers * shape.hidden * gates,
            "hidden_along": gates * width,
            "bias": max(gates, classes),
            "bias_hidden": layers * width,
            "head_across": shape.hidden * classes,
            "head_along": classes * width,
            "hidden": layers * rows * width,
            "before": layers * rows * width,
            "cell_before": layers * rows * width if shape.cell == 2 else LANES,
            "kept": max(1, layers * KEPT[shape.cell]) * rows * width,
            "gates": rows * gates,
            "gradient": rows * gates,
            "gradient_hidden": rows * gates if shape.cell == 3 else LANES,
            "above": rows * width,
            "back": shape.batch * gates,
            "later": shape.batch * width,
            "later_kept": shape.batch * width,
            "asked": rows * width,
            "logits": rows * classes,
            "weight_gradient": max(gates, classes, tokens) * max(width, entered),
            "scratch": (max(gates, rows, classes) + LANES) * DEPTH,
        }
        self.places = np.cumsum([0, *sizes.values()], dtype=np.int64)[:-1]
        self.numbers: NDArray[np.float32] = np.zeros(sum(sizes.values()), dtype=np.float32)
        self.names = list(sizes)

    def part(self, name: str, *shape: int) -> NDArray[np.float32]:
        """Return a view of the beginning of a part."""
        place = int(self.places[self.names.index(name)])
        return self.numbers[place : place + int(np.prod(shape))].reshape(shape)

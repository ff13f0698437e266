"""What a network holds after every step: hidden states, an LSTM's cell states, gates."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import torch
from torch import Tensor, nn

from seqsum.errors import UserError
from seqsum.models.base import SequenceModel, State
from seqsum.models.blocks import BlockModel
from seqsum.models.cells import Rnn
from seqsum.models.encoder_decoder import EncoderDecoder
from seqsum.models.feed_forward import FeedForwardModel
from seqsum.models.recurrent import RecurrentModel
from seqsum.query.gates import cell_step
from seqsum.query.loading import Loaded
from seqsum.query.model_input import ModelInput
from seqsum.runs.buckets import Floats

Direction = Literal["forward", "backward"]


@dataclass(frozen=True, eq=False)
class LayerTrace:
    """One layer, read in one direction.

    hidden, cell and each of the gates: [batch, steps, units]; at step t what there is once step t has been read, which
    for `backward` is after all that follow it. cell: an LSTM's, else None.
    """

    layer: int
    direction: Direction
    hidden: Tensor
    cell: Tensor | None = None
    gates: dict[str, Tensor] = field(default_factory=dict)


def states_of(model: SequenceModel, inputs: Tensor) -> list[LayerTrace]:
    """Trace inputs [batch, steps] or [batch, steps, features], all of one length, layer by layer from the input on.

    An encoder–decoder shows its encoder. A network without memory shows what each hidden layer gives at each step. []
    for a plug-in's model that does not read step by step, and for AR(p), which has no state.
    """
    rnn = rnn_of(model)
    if rnn is not None:
        return traced(rnn, model.enter(inputs))
    if isinstance(model, FeedForwardModel):
        return _activations(model, inputs)
    if isinstance(model, BlockModel):
        return [LayerTrace(layer, "forward", *seen) for layer, seen in enumerate(model.look(inputs))]
    return _stepped(model, inputs) if model.reads_stepwise else []


def stateless(loaded: Loaded) -> str | None:
    """Say in a sentence why a run's network has no hidden states; None where it has."""
    return "states: AR(p) has no hidden states" if loaded.config.model.name == "autoregressive" else None


def hidden_of(reads: list[ModelInput], layer: int | None = None) -> tuple[int, list[Floats]]:
    """Return which layer (default: the last), and its hidden states after each step of each input: [steps, units].

    Both directions of a layer that reads from both ends stand beside each other. Raises UserError where there is no
    such layer, or none at all.
    """
    by_length: dict[int, list[int]] = {}
    for place, read in enumerate(reads):
        by_length.setdefault(len(read.inputs), []).append(place)
    found: dict[int, Floats] = {}
    for places in by_length.values():
        with torch.inference_mode():
            traces = states_of(reads[0].model, torch.cat([reads[place].row for place in places]))
        last = max((trace.layer for trace in traces), default=-1)
        if last < 0:
            raise UserError("states: this network has no hidden states to show")
        layer = last if layer is None else layer
        if not 0 <= layer <= last:
            raise UserError(f"states: layer must be 0 to {last}, got {layer}")
        hidden = torch.cat([trace.hidden for trace in traces if trace.layer == layer], dim=2).double().numpy()
        found.update(zip(places, hidden, strict=True))
    assert layer is not None
    return layer, [found[place] for place in range(len(reads))]


def last_states(model: SequenceModel, inputs: Tensor) -> Floats:
    """Return the last layer's hidden state once all of inputs [rows, steps(, features)] has been read: [rows, units].

    Of a layer that reads from both ends, both directions' beside each other, each after its own last step. Raises
    UserError for a network without states.
    """
    with torch.inference_mode():
        rnn = rnn_of(model)
        if rnn is not None:
            state = rnn(model.enter(inputs))[1]
        elif isinstance(model, FeedForwardModel):
            state = _activations(model, inputs)[-1].hidden[None, :, -1]
        elif isinstance(model, BlockModel):
            state = model.last_hidden(inputs)[None]
        elif model.reads_stepwise:
            state = model.read(inputs, None)[1]
        else:
            raise UserError("states: this network has no hidden states to show")
        hidden = state[0] if isinstance(state, tuple) else state  # [layers × directions, rows, units]
        directions = 2 if rnn is not None and rnn.bidirectional else 1
        return torch.cat([*hidden[-directions:]], dim=1).double().numpy()


def rnn_of(model: SequenceModel) -> Rnn | None:
    """The stacked module that reads the input, where a model has one."""
    if isinstance(model, EncoderDecoder):
        return model.encoder
    return model.rnn if isinstance(model, RecurrentModel) else None


def traced(rnn: Rnn, entered: Tensor) -> list[LayerTrace]:
    """Run a stacked module cell by cell over entered [batch, steps, features]."""
    traces: list[LayerTrace] = []
    for layer in range(rnn.num_layers):
        directions: tuple[Direction, ...] = ("forward", "backward") if rnn.bidirectional else ("forward",)
        found = [_layer(rnn, layer, direction, entered) for direction in directions]
        entered = torch.cat([trace.hidden for trace in found], dim=2)
        traces += found
    return traces


def _layer(rnn: Rnn, layer: int, direction: Direction, entered: Tensor) -> LayerTrace:
    name = f"l{layer}" + ("_reverse" if direction == "backward" else "")
    hidden = memory = entered.new_zeros(entered.shape[0], rnn.hidden_size)
    steps = range(entered.shape[1])
    made: dict[str, list[Tensor]] = {}
    for step in reversed(steps) if direction == "backward" else steps:
        hidden, memory, gates = cell_step(rnn, name, entered[:, step], hidden, memory)
        for kind, value in (("hidden", hidden), ("cell", memory), *gates.items()):
            made.setdefault(kind, []).append(value)
    stacked = {
        kind: torch.stack(values[::-1] if direction == "backward" else values, dim=1) for kind, values in made.items()
    }
    cell = stacked.pop("cell")
    return LayerTrace(layer, direction, stacked.pop("hidden"), cell if isinstance(rnn, nn.LSTM) else None, stacked)


def _activations(model: FeedForwardModel, inputs: Tensor) -> list[LayerTrace]:
    traces: list[LayerTrace] = []
    value = model.enter(inputs)
    for part in model.layers:
        value = part(value)
        if isinstance(part, nn.ReLU):
            traces.append(LayerTrace(len(traces), "forward", value))
    return traces


def _stepped(model: SequenceModel, inputs: Tensor) -> list[LayerTrace]:
    """Read a model of any kind step by step and keep its state, [layers, batch, units], or the pair (hidden, cell)."""
    hidden: list[Tensor] = []
    memory: list[Tensor] = []
    state: State | None = None
    for step in range(inputs.shape[1]):
        _, state = model.step(inputs[:, step], state)
        parts = state if isinstance(state, tuple) else (state,)
        hidden.append(parts[0])
        memory += parts[1:2]
    steps = torch.stack(hidden, dim=2)  # [layers, batch, steps, units]
    cells = torch.stack(memory, dim=2) if memory else None
    return [
        LayerTrace(layer, "forward", steps[layer], None if cells is None else cells[layer])
        for layer in range(steps.shape[0])
    ]

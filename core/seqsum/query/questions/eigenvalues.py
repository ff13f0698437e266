"""What a network's steps keep, turn and let fade: the eigenvalues of the map from one state to the next."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np

from seqsum.errors import UserError
from seqsum.query.question import Question, TypedAnswer, field

if TYPE_CHECKING:
    from seqsum.query.asked import Asked
    from seqsum.query.loading import Loaded
    from seqsum.runs.buckets import Floats
    from seqsum.tasks.base import Inputs

MOST_UNITS = 1_024


class EigenvaluesAnswer(TypedAnswer):
    of: Literal["matrix", "step"]
    """matrix: a plain RNN's recurrent matrix; step: the Jacobian of one step, ∂state(t)/∂state(t−1), at the end of
    `input`."""
    real: list[float]
    imaginary: list[float]
    """[units], the largest in size first; of a matrix of each layer, one layer after the other."""
    size: list[float]
    """|λ|: what it does to its direction in one step. Above 1 it grows, below 1 it fades."""
    layer: list[int]
    """[units], from 0; of a step all are 0, for it goes through all layers."""
    input: str | None
    """Where the Jacobian was taken; null for a matrix."""


class Eigenvalues(Question):
    name: ClassVar = "eigenvalues"
    answers: ClassVar = EigenvaluesAnswer

    input: str | None = field(None, "what is read before the step that is looked at; default: a held-out input")

    @classmethod
    def unfit(cls, loaded: Loaded) -> str | None:
        from seqsum.query.states import stateless

        if why := stateless(loaded):
            return why
        if loaded.config.model.name == "transformer":
            return "eigenvalues: attention keeps what it has read, and more with every step: no map from state to state"
        return None if loaded.model.reads_stepwise else "eigenvalues: this network does not step from state to state"

    def answer(self, asked: Asked) -> EigenvaluesAnswer:
        """Return those of the recurrent matrix of a plain RNN, h(t) = f(W h(t−1) + …); of other networks, whose map
        depends on the state, those of a step's Jacobian."""
        from torch import nn

        from seqsum.query.states import rnn_of

        rnn = rnn_of(asked.loaded.model)
        if isinstance(rnn, nn.RNN):
            matrices = [getattr(rnn, f"weight_hh_l{layer}") for layer in range(rnn.num_layers)]
            return _answer([matrix.detach().double().numpy() for matrix in matrices], None)
        read = self._read(asked)
        jacobian = _jacobian(asked.loaded, read)
        return _answer([jacobian], asked.task.render(asked.task.echo(read)))

    def _read(self, asked: Asked) -> Inputs:
        from seqsum.query.examples import first_of, fixed_part

        if self.input is not None:
            read = asked.read(self.input).inputs
        else:
            read = first_of(next(iter(fixed_part(asked.examples(None, None)[0], 1, 0, asked.deadline))), 0)
        if len(read) < 2:
            raise UserError("eigenvalues: an input of at least two steps is needed: a state, and a step from it")
        return read


def _jacobian(loaded: Loaded, read: Inputs) -> Floats:
    """Return ∂state after the last step / ∂state before it: [units, units], all layers and parts of a state in one."""
    import torch

    from seqsum.query.model_input import as_rows

    model = loaded.model
    rows = as_rows(model, read[None])
    with torch.no_grad():
        _, state = model.read(rows[:, :-1], None)
    parts = state if isinstance(state, tuple) else (state,)
    sizes = [part.numel() for part in parts]
    if sum(sizes) > MOST_UNITS:
        raise UserError(f"eigenvalues: a state of {sum(sizes):,} numbers is too large; {MOST_UNITS:,} are the most")

    flat = torch.cat([part.reshape(-1) for part in parts]).requires_grad_()
    ends = np.cumsum(sizes)
    cut = tuple(flat[end - size : end].reshape(part.shape) for end, size, part in zip(ends, sizes, parts, strict=True))
    _, after = model.step(rows[:, -1], cut if isinstance(state, tuple) else cut[0])
    units = torch.cat([part.reshape(-1) for part in (after if isinstance(after, tuple) else (after,))])
    slopes = [torch.autograd.grad(unit, flat, retain_graph=True)[0] for unit in units]
    found: Floats = torch.stack(slopes).double().numpy()
    return found


def _answer(matrices: list[Floats], read: str | None) -> EigenvaluesAnswer:
    found, layers = list[complex](), list[int]()
    for layer, matrix in enumerate(matrices):
        if not np.isfinite(matrix).all():
            raise UserError("eigenvalues: some weights are not finite; this checkpoint has diverged")
        values = np.linalg.eigvals(matrix)
        found += values[np.argsort(-np.abs(values), kind="stable")].tolist()
        layers += [layer] * len(values)
    return EigenvaluesAnswer(
        of="matrix" if read is None else "step",
        real=[value.real for value in found],
        imaginary=[value.imag for value in found],
        size=[abs(value) for value in found],
        layer=layers,
        input=read,
    )

"""How much each step's input counts for the loss: gradient norms back through time, for three cells (document 3)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from seqsum.models.base import SequenceModel, make_model
from seqsum.models.settings import EncoderDecoderConfig, RecurrentConfig
from seqsum.query.model_input import ModelInput
from seqsum.tasks.base import AnyTask

CELLS: tuple[Literal["rnn", "lstm", "gru"], ...] = ("rnn", "lstm", "gru")


@dataclass(frozen=True)
class Curve:
    """norms: [steps], ‖∂loss/∂x_t‖; trained: False for first weights as they are drawn"""

    cell: str
    trained: bool
    norms: list[float]


def gradient_norms(read: ModelInput) -> Tensor:
    """Return ‖∂loss/∂x_t‖ for x_t what entered at step t: float64 [steps].

    loss: cross-entropy in nats of the true class, or of what was answered where that is not known or not one class (of
    tags at the last step, of a sequence summed over its tokens); of values the standardised forecast itself.
    """
    return norms_of(read, read.model)


def norms_of(read: ModelInput, model: SequenceModel) -> Tensor:
    """The same, for another model that is asked the same question: its loss is that of the same answer."""
    with torch.inference_mode(False), torch.enable_grad():
        entered = model.enter(read.row.clone()).detach().requires_grad_()
        loss = _loss(read, model, entered)
        (gradient,) = torch.autograd.grad(loss, entered)
    norms: Tensor = torch.linalg.vector_norm(gradient[0].double(), dim=-1)
    return norms


def three_cells(read: ModelInput, seed: int) -> list[Curve]:
    """The run's own network, and a fresh rnn, lstm and gru of its sizes, all asked the same."""
    config = read.loaded.config.model
    own = getattr(config, "cell", config.name)
    curves = [Curve(str(own), True, gradient_norms(read).tolist())]
    for cell in CELLS:
        fresh = _fresh(read.task, config, cell, seed).to(next(read.model.parameters()).dtype)
        curves.append(Curve(cell, False, norms_of(read, fresh.eval()).tolist()))
    return curves


def _fresh(task: AnyTask, config: object, cell: Literal["rnn", "lstm", "gru"], seed: int) -> SequenceModel:
    if isinstance(config, RecurrentConfig | EncoderDecoderConfig):
        return make_model(task, config.model_copy(update={"cell": cell}), seed)
    sizes = {
        name: getattr(config, name) for name in ("embedding_size", "hidden_size", "num_layers") if hasattr(config, name)
    }
    return make_model(task, RecurrentConfig.model_validate({"name": "recurrent", "cell": cell, **sizes}), seed)


def _loss(read: ModelInput, model: SequenceModel, entered: Tensor) -> Tensor:
    task, lengths = read.task, read.lengths
    if task.answer == "values":
        return model(entered, lengths)[0, 0]  # type: ignore[no-any-return]
    if task.answer == "sequence":
        asked = torch.from_numpy(read.answer)[None]
        return F.cross_entropy(model(entered, lengths, asked)[0], asked[0], reduction="sum")
    logits = model(entered, lengths)[0]
    if task.answer == "tags":
        return F.cross_entropy(logits[-1:], torch.from_numpy(read.answer[-1:]))
    truth = read.truth_class
    asked = torch.tensor([int(read.answer) if truth is None else truth])
    return F.cross_entropy(logits[None], asked)

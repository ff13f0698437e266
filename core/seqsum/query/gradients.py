"""How much each step's input counts for the loss: gradient norms back through time, for three cells (document 3)."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from seqsum.models.base import SequenceModel, make_model
from seqsum.models.settings import BlocksConfig, EncoderDecoderConfig, RecurrentConfig
from seqsum.query.model_input import ModelInput
from seqsum.schema import name_of
from seqsum.tasks.base import AnyTask


def gradient_norms(read: ModelInput, model: SequenceModel | None = None) -> Tensor:
    """Return ‖∂loss/∂x_t‖ for x_t what entered at step t: float64 [steps].

    model: another that is asked the same; its loss is that of the same answer
    loss: cross-entropy in nats of the true class, or of what was answered where that is not known or not one class (of
    tags at the last step, of a sequence summed over its tokens); of values the standardised forecast itself.
    """
    model = read.model if model is None else model
    _, gradient = by_input(model, read.row, lambda entered: _loss(read, model, entered))
    norms: Tensor = torch.linalg.vector_norm(gradient[0].double(), dim=-1)
    return norms


def by_input(model: SequenceModel, row: Tensor, score: Callable[[Tensor], Tensor]) -> tuple[Tensor, Tensor]:
    """Return what entered a model at each step of an input, and the gradient of a score with respect to it: [1, steps,
    width] each.

    row: the input, [1, steps] or [1, steps, features]; score: of the input, or of what entered, one number
    A plug-in's model need not say how tokens enter it: then its embedding of them tells; NaN [1, steps, 1] without one.
    """
    with torch.inference_mode(False), torch.enable_grad():
        if row.is_floating_point() or type(model).enter is not SequenceModel.enter:
            entered = model.enter(row.clone()).detach().requires_grad_()
            (gradient,) = torch.autograd.grad(score(entered), entered)
            return entered.detach(), gradient
        row, seen = row.clone(), list[Tensor]()

        def keep(_: nn.Module, given: tuple[Tensor, ...], vectors: Tensor) -> Tensor:
            if seen or not torch.equal(given[0], row):
                return vectors
            seen.append(vectors.detach().requires_grad_())
            return seen[0]

        hooks = [part.register_forward_hook(keep) for part in model.modules() if isinstance(part, nn.Embedding)]
        try:
            found = score(row)
        finally:
            for hook in hooks:
                hook.remove()
        if not seen or not found.requires_grad:
            unknown = torch.full((1, row.shape[1], 1), float("nan"))
            return unknown, unknown
        (gradient,) = torch.autograd.grad(found, seen[0])
        return seen[0].detach(), gradient


def fresh_of(task: AnyTask, config: object, cell: str, seed: int) -> SequenceModel:
    """A network of the same sizes with another cell, its weights as they are drawn."""
    if isinstance(config, RecurrentConfig | EncoderDecoderConfig):
        return make_model(task, config.model_copy(update={"cell": cell}), seed)
    sizes = {
        name: getattr(config, name) for name in ("embedding_size", "hidden_size", "num_layers") if hasattr(config, name)
    }
    if isinstance(config, BlocksConfig):
        sizes["embedding_size"] = config.hidden_size
    kind = EncoderDecoderConfig if task.answer == "sequence" else RecurrentConfig
    return make_model(task, kind.model_validate({"name": name_of(kind), "cell": cell, **sizes}), seed)


def _loss(read: ModelInput, model: SequenceModel, entered: Tensor) -> Tensor:
    task, lengths = read.task, read.lengths
    if task.answer == "values":
        return model(entered, lengths)[0, 0]
    if task.answer == "sequence":
        asked = torch.from_numpy(read.answer)[None]
        return F.cross_entropy(model(entered, lengths, asked)[0], asked[0], reduction="sum")
    logits = model(entered, lengths)[0]
    if task.answer == "tags":
        return F.cross_entropy(logits[-1:], torch.from_numpy(read.answer[-1:]))
    truth = read.truth_class
    asked = torch.tensor([int(read.answer) if truth is None else truth])
    return F.cross_entropy(logits[None], asked)

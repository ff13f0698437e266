"""Whether a model of a person's own does what a model has to: it is asked once before it is trained, and what is wrong
is said in a sentence, with the file and the line."""

from __future__ import annotations

from copy import deepcopy

import torch
from torch import Tensor

from seqsum.errors import PluginError, place_of
from seqsum.models.base import SequenceModel
from seqsum.models.loss import loss_of
from seqsum.tasks.base import AnyTask

ROWS = 4


def check_model(model: SequenceModel, task: AnyTask, seed: int) -> None:
    """Raise PluginError where a model does not do what `models.base.SequenceModel` says. It is as it was afterwards, as
    are the generators of random numbers."""
    kind = type(model)
    if not any(parameter.requires_grad for parameter in model.parameters()):
        raise PluginError(
            f"{place_of(kind, '__init__')}: it has no parameters to train; layers and torch.nn.Parameter have to be "
            "attributes of self, lists of layers in torch.nn.ModuleList"
        )
    batch = task.batches(seed, 0, 1, ROWS)
    inputs, lengths, targets = (torch.from_numpy(part[0]) for part in (batch.inputs, batch.lengths, batch.targets))
    with torch.random.fork_rng(devices=[]), torch.enable_grad():
        copy = deepcopy(model)  # what it counts as it reads, running means say, is not to begin otherwise
        logits = copy(inputs, lengths, targets if task.answer == "sequence" else None)
        _check_logits(logits, task, targets, place_of(kind, "forward"))
        loss = loss_of(logits, targets, quantiles=task.quantiles)
        if model.fitting == "gradient":
            loss.backward()  # type: ignore[no-untyped-call]
            if all(parameter.grad is None for parameter in copy.parameters()):
                raise PluginError(f"{place_of(kind, 'forward')}: the loss has no gradient in any of its parameters")


def _check_logits(logits: object, task: AnyTask, targets: Tensor, where: str) -> None:
    if not isinstance(logits, Tensor):
        raise PluginError(f"{where}: it returned a {type(logits).__name__}; it has to return the logits, a tensor")
    wanted = {
        "class": [("batch", ROWS), ("classes", task.classes)],
        "tags": [("batch", ROWS), ("length", targets.shape[-1]), ("classes", task.classes)],
        "sequence": [("batch", ROWS), ("target_length", targets.shape[-1]), ("classes", task.classes)],
        "values": [("batch", ROWS), ("values", len(task.quantiles) or task.classes)],
    }[task.answer]
    if [*logits.shape] != [size for _, size in wanted]:
        axes, sizes = ", ".join(name for name, _ in wanted), [size for _, size in wanted]
        raise PluginError(
            f"{where}: it returned logits {[*logits.shape]}; for a task of answer {task.answer} they have to be "
            f"[{axes}], here {sizes}"
        )
    if not logits.is_floating_point():
        raise PluginError(f"{where}: it returned logits of {logits.dtype}; they have to be real numbers")
    if not bool(torch.isfinite(logits).all()):
        raise PluginError(f"{where}: it returned logits that are NaN or infinite, before anything was trained")
    if not logits.requires_grad:
        raise PluginError(
            f"{where}: its logits can't be differentiated with respect to its parameters; leave out .detach(), "
            ".item(), .data, NumPy, torch.no_grad() and argmax on the way"
        )

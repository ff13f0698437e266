"""Which steps of an input an answer rests on: by its gradient, and by leaving each out."""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor

from seqsum.errors import UserError
from seqsum.query.gradients import by_input
from seqsum.query.model_input import ModelInput

ROWS = 64  # at once, when steps are left out


def saliency(read: ModelInput, target: int | None = None) -> tuple[str, list[float], list[float | None]]:
    """Explain the answer, or the class at place `target`; raises UserError when there is no such class.

    Returns which class is explained, gradient_input and leave_one_out, [steps] each.
    gradient_input: Σ over the width of x_t · ∂score/∂x_t, x_t what entered at step t. score: the logit of the class (of
    tags: at the last step); of a sequence the log-probability of what was written; of values the standardised forecast.
    leave_one_out: the class's probability less its probability when step t is not there (of a sequence:
    log-probabilities; of values: the standardised forecast less that with the mean in place of value t).
    """
    task = read.task
    one_class = task.answer in ("class", "tags")
    if target is not None and not one_class:
        raise UserError("inspect: this task's answers are not classes; leave --target out")
    if target is not None and not 0 <= target < task.classes:
        raise UserError(f"query: target must be a class, 0 to {task.classes - 1}; got {target}")
    if one_class and target is None:
        target = int(read.answer) if task.answer == "class" else int(read.answer[-1])
    name = "the forecast"
    if one_class:
        name = read.labels[target or 0] if read.labels else str(target)
    elif task.answer == "sequence":
        name = task.render(task.read_answer(read.inputs, read.answer))
    return name, gradient_input(read, target).tolist(), left_out(read, target)


def gradient_input(read: ModelInput, target: int | None) -> Tensor:
    """float64 [steps]; see `saliency`."""
    score = partial(_scores, read, lengths=read.lengths, target=target)
    entered, gradient = by_input(read.model, read.row, lambda inputs: score(inputs)[0])
    return (entered * gradient)[0].double().sum(dim=-1)


def left_out(read: ModelInput, target: int | None) -> list[float | None]:
    """[steps]; see `saliency`. None where nothing, or for tags not the last step, would be left."""
    task, row = read.task, read.row
    steps = row.shape[1]
    with torch.inference_mode():
        whole = _shares(read, row, read.lengths, target)[0]
        if task.answer == "values":
            # A window keeps its length: the mean, which is 0, stands for the value that is not known.
            shortened = row.repeat(steps, 1, 1)
            shortened[torch.arange(steps), torch.arange(steps)] = 0
        elif steps == 1:
            return [None]
        else:
            kept = torch.arange(steps - 1)[None] + (torch.arange(steps - 1)[None] >= torch.arange(steps)[:, None])
            shortened = row[0][kept]  # [steps, steps − 1]
        shares = [
            _shares(read, part, torch.full((len(part),), part.shape[1]), target)
            for part in torch.split(shortened, ROWS)
        ]
    falls: list[float | None] = (whole - torch.cat(shares)).tolist()
    return [*falls[:-1], None] if task.answer == "tags" else falls


def _scores(read: ModelInput, inputs: Tensor, lengths: Tensor, target: int | None) -> Tensor:
    """What is explained, for each row: [rows]."""
    task, model = read.task, read.model
    if task.answer == "values":
        return model(inputs, lengths)[:, 0]
    if task.answer == "sequence":
        asked = torch.from_numpy(read.answer).expand(len(inputs), -1)
        chances = torch.log_softmax(model(inputs, lengths, asked).double(), dim=-1)
        return chances.gather(2, asked.unsqueeze(2)).sum(dim=(1, 2))
    logits = model(inputs, lengths)
    return logits[:, -1, target] if task.answer == "tags" else logits[:, target]


def _shares(read: ModelInput, inputs: Tensor, lengths: Tensor, target: int | None) -> Tensor:
    """The class's probability for each row, or what stands for it: float64 [rows]."""
    if read.task.answer in ("values", "sequence"):
        return _scores(read, inputs, lengths, target).double()
    logits = read.model(inputs, lengths)
    last = logits[:, -1] if read.task.answer == "tags" else logits
    return torch.softmax(last.double(), dim=-1)[:, target]

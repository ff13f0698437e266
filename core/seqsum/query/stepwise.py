"""What a network would answer had the input ended after each of its steps."""

from __future__ import annotations

import torch
from torch import Tensor

from seqsum.query.model_input import ModelInput


def logits_after_steps(read: ModelInput) -> Tensor | None:
    """Return logits after every step: [steps, classes], or for values [steps, values].

    tags: as they are given at each step of the whole input. sequence: [written, classes], each token's given those
    before it. None for values of a network that takes the window only as a whole.
    """
    task, model, row, lengths = read.task, read.model, read.row, read.lengths
    if task.answer == "sequence":
        return model(row, lengths, torch.from_numpy(read.answer)[None])[0]
    if task.answer == "tags":
        return model(row, lengths)[0]
    if model.reads_stepwise:
        return model.read(row, None)[0][0]
    if task.answer == "values":
        return None
    # A network that reads from both ends: each beginning is an input of its own.
    steps = row.shape[1]
    beginnings = row.expand(steps, *row.shape[1:]).clone()
    if not row.is_floating_point():
        places = torch.arange(steps)
        beginnings[places[None, :] > places[:, None]] = task.padding
    return model(beginnings, torch.arange(1, steps + 1))

"""What is made small, and what counts as right."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from seqsum.tasks.base import NOT_ASKED


def loss_of(logits: Tensor, targets: Tensor, reduction: str = "mean", quantiles: Sequence[float] = ()) -> Tensor:
    """Cross-entropy (nats) over what is asked, or, for real-valued targets, the squared error, or the quantile loss.

    logits [batch, classes] or [batch, length, classes] with targets int64 [batch] or [batch, length], NOT_ASKED left
    out; or values [batch, n] with targets float [batch, n]; with `quantiles` those of targets [batch, 1].
    """
    if quantiles:
        losses = quantile_loss(logits, targets, quantiles)
        return losses.mean() if reduction == "mean" else losses
    if targets.is_floating_point():
        return F.mse_loss(logits, targets, reduction=reduction)
    if targets.dim() == 1:
        return F.cross_entropy(logits, targets, reduction=reduction)
    return F.cross_entropy(logits.flatten(0, 1), targets.flatten(), ignore_index=NOT_ASKED, reduction=reduction)


def quantile_loss(values: Tensor, targets: Tensor, quantiles: Sequence[float]) -> Tensor:
    """The mean of max(q·e, (q − 1)·e) over the quantiles q, for e = target − value: [batch, 1] (Koenker and Bassett
    1978). values: [batch, quantiles]; targets: [batch, 1]"""
    errors = targets - values
    # Numbers and no tensor of them: nothing is copied to a GPU while its steps are recorded.
    parts = [torch.maximum(q * errors[:, at], (q - 1) * errors[:, at]) for at, q in enumerate(quantiles)]
    return torch.stack(parts, dim=1).mean(dim=1, keepdim=True)


def right_and_asked(logits: Tensor, targets: Tensor, whole: bool = False) -> Tensor:
    """Return int64 [2]: how many answers are right, and how many were asked; zeros for real-valued targets.

    whole: an answer is a row of tokens, right when all of them are. A model that is told the right tokens so far finds
    each next one exactly when it would write the whole sequence by itself, the likeliest token first.
    """
    if targets.is_floating_point():
        return torch.zeros(2, dtype=torch.int64, device=targets.device)
    asked = targets != NOT_ASKED
    if whole:
        right_rows = ((logits.argmax(dim=-1) == targets) | ~asked).all(dim=1)
        return torch.stack([right_rows.sum(), torch.tensor(len(targets), device=targets.device)])
    right = (logits.argmax(dim=-1) == targets) & asked
    return torch.stack([right.sum(), asked.sum()])

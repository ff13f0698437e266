"""AR(p): y_t = c + φ_1 y_(t−1) + … + φ_p y_(t−p), the baseline of every forecaster (document 3)."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor, nn

from seqsum.errors import UserError
from seqsum.models.base import Fitting, SequenceModel
from seqsum.models.settings import AutoregressiveConfig
from seqsum.tasks import AnyTask


class AutoregressiveModel(SequenceModel):
    """phi [order], nearest value first, and intercept [1]; both begin at zero and are fitted in closed form.

    forward: float [batch, length ≥ order, 1] → values [batch, 1]
    """

    fitting: ClassVar[Fitting] = "least_squares"

    def __init__(self, order: int) -> None:
        super().__init__()
        self.order = order
        self.phi = nn.Parameter(torch.zeros(order))
        self.intercept = nn.Parameter(torch.zeros(1))

    def forward(self, inputs: Tensor, lengths: Tensor, targets: Tensor | None = None) -> Tensor:
        return (self.design(inputs)[:, 1:] @ self.phi + self.intercept).unsqueeze(1)

    def design(self, inputs: Tensor) -> Tensor:
        """Return what the answer is linear in: [batch, 1 + order], a one and then the last values, nearest first."""
        last = inputs[:, -self.order :, 0].flip(1)
        return torch.cat([last.new_ones(last.shape[0], 1), last], dim=1)

    def weights(self) -> Tensor:
        """Return the weight of each column of `design`: [1 + order]."""
        return torch.cat([self.intercept, self.phi])

    def take(self, solution: Tensor) -> None:
        """Set what `weights` returns."""
        with torch.no_grad():
            self.intercept.copy_(solution[:1])
            self.phi.copy_(solution[1:])


def build(task: AnyTask, config: AutoregressiveConfig) -> AutoregressiveModel:
    """Raises UserError where a task asks for more than one number at a time."""
    if task.features != 1 or task.classes != 1:
        raise UserError(
            f'model.name: autoregressive forecasts one number from one number a step; the task "{task.config.name}" '
            f"has {task.features or 'no'} numbers a step and asks for {task.classes}"
        )
    return AutoregressiveModel(config.order)

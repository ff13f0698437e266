"""Schedule-free AdamW (Defazio et al. 2024, arXiv 2405.15682), by its authors' library."""

from __future__ import annotations

import torch
from schedulefree import AdamWScheduleFree
from torch import nn

from seqsum.config import OptimConfig

COUNTS = {"step": "k", "weight_sum": "weight_sum", "lr_max": "lr_max"}
"""What the library counts in numbers, by the names that a checkpoint has them under."""


class ScheduleFreeAdamW(AdamWScheduleFree):  # type: ignore[misc]
    """Gradients are taken at y; what answers, and is saved, is the mean x of all steps so far.

    Going from y to x and back by the library's formula costs the last digits. Here y is kept while x is shown, so that
    evaluations, checkpoints and their number change no bit.
    """

    def __init__(self, values: nn.Parameter, optim: OptimConfig) -> None:
        betas = (optim.beta1, optim.beta2)
        super().__init__(
            [values], lr=optim.lr, betas=betas, eps=optim.eps, weight_decay=optim.weight_decay, foreach=False
        )
        self._values = values

    @torch.no_grad()
    def begin(self) -> None:
        """Put y in the place of x: steps are made from it."""
        group, state = self.param_groups[0], self.state[self._values]
        if "y" in state:
            self._values.copy_(state["y"])
            for name, count in COUNTS.items():
                group[count] = type(group[count])(state[name].item())
        group["train_mode"] = True

    @torch.no_grad()
    def end(self) -> None:
        """Put x in the place of y, and keep y."""
        group, state = self.param_groups[0], self.state[self._values]
        if "z" in state:
            state["y"] = self._values.detach().clone()
            state.update({name: torch.tensor(group[count], dtype=torch.float64) for name, count in COUNTS.items()})
        self.eval()

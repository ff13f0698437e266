"""What the evaluations so far say: the best one, how long ago it was, and how often a plateau was met."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass
class Progress:
    """Kept in every checkpoint, so that early stopping and the plateau schedule go on exactly."""

    best_loss: float | None = None
    best_step: int = 0
    since_best: int = 0
    plateau_since: int = 0
    plateau_falls: int = 0

    def note(self, loss: float, step: int, patience: int) -> bool:
        """Take in an evaluation; return whether it is the best so far."""
        better = math.isfinite(loss) and (self.best_loss is None or loss < self.best_loss)
        if better:
            self.best_loss, self.best_step, self.since_best, self.plateau_since = loss, step, 0, 0
            return True
        self.since_best += 1
        self.plateau_since += 1
        if self.plateau_since > patience:
            self.plateau_falls, self.plateau_since = self.plateau_falls + 1, 0
        return False

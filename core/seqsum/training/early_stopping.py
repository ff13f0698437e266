"""What the evaluations so far say: the best one, how long ago it was, and how far a plateau schedule has fallen."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from seqsum.config import Config, TrainConfig
from seqsum.errors import ConfigError, UserError, did_you_mean
from seqsum.runs.best import is_better
from seqsum.runs.metric_direction import bounds_of, direction_of
from seqsum.schema import as_text, shown
from seqsum.tasks import AnyTask


@dataclass(frozen=True)
class Judged:
    """The value of the metric that an evaluation is judged by; min_delta: by how much more than this it must be better
    than the best one to count."""

    value: float
    higher: bool = False
    min_delta: float = 0.0

    @classmethod
    def by(cls, train: TrainConfig, metrics: Mapping[str, float]) -> Judged:
        """Judge an evaluation by train.best_metric; raises UserError where it has no such metric."""
        name = train.best_metric
        if name not in metrics:
            near = did_you_mean(name, metrics) or f"; there are {', '.join(metrics)}"
            raise UserError(f"train.best_metric: an evaluation of this run has no {shown(name)}{near}")
        return cls(metrics[name], direction_of(name) == "higher", train.min_delta)

    def beats(self, best: float | None) -> bool:
        """Whether it is better than the best so far."""
        return is_better(self.value, best, self.higher, self.min_delta)


def check_best(config: Config, source: str, task: AnyTask | None = None) -> None:
    """Raise ConfigError when nobody knows which way train.best_metric is better, or when the task has no such one."""
    name = config.train.best_metric
    known = task.measured_by() if task is not None else None
    if known is not None and name not in known:
        near = did_you_mean(name, known) or f"; there are {', '.join(known)}"
        reason = f'must be a metric of the task "{config.task.name}", got {shown(name)}{near}'
        raise ConfigError(source, [("train.best_metric", reason)])
    if direction_of(name) is None:
        reason = f"must be a metric whose name tells which way it is better, such as accuracy or mae, got {shown(name)}"
        raise ConfigError(source, [("train.best_metric", reason)])
    low, high = bounds_of(name)
    if known is not None:
        # Our own losses are cross-entropies, squares and quantiles.
        low = max(low, 0.0)
    threshold = config.train.stopping_threshold
    if threshold is not None and (threshold > high if direction_of(name) == "higher" else threshold < low):
        reason = f"must be one that train.best_metric {name} can reach: {name} is "
        reason += f"from {as_text(low)} to {as_text(high)}" if math.isfinite(high) else f"{as_text(low)} or more"
        raise ConfigError(source, [("train.stopping_threshold", f"{reason}, got {as_text(threshold)}")])


@dataclass
class EarlyStopping:
    """Kept in every checkpoint, so that early stopping and the plateau schedule go on exactly.

    best_value, best_step: the best train.best_metric so far; since_best: how many evaluations ago it was.
    plateau_best, plateau_since: lowest eval_loss under the plateau schedule, and how many evaluations ago it was.
    plateau_falls: how often the learning rate fell since; plateau_before: what was left of the peak before those.
    """

    best_value: float | None = None
    best_step: int = 0
    since_best: int = 0
    plateau_best: float | None = None
    plateau_since: int = 0
    plateau_falls: int = 0
    plateau_before: float = 1.0

    @classmethod
    def read(cls, state: Mapping[str, Any]) -> EarlyStopping:
        """Read what a checkpoint holds; older ones have a lowest loss, the oldest one for both."""
        known = dict(state)
        lowest = known.pop("best_loss", None)
        return cls(**{"best_value": lowest, "plateau_best": lowest, **known})

    def plateau_scale(self, factor: float) -> float:
        """Return what the plateaus have left of the peak learning rate, 0 to 1."""
        return self.plateau_before * factor**self.plateau_falls

    def note(self, loss: float, step: int, patience: int | None, judged: Judged | None = None) -> bool:
        """Take in an evaluation; return whether it is the best so far.

        patience: the plateau schedule's, or None while no plateau counts: under other schedules, and in a warm-up.
        judged: what it is judged by; None: the loss
        """
        judged = judged or Judged(loss)
        better = judged.beats(self.best_value)
        if better:
            self.best_value, self.best_step, self.since_best = judged.value, step, 0
        else:
            self.since_best += 1
        if patience is None:
            return better
        if math.isfinite(loss) and (self.plateau_best is None or loss < self.plateau_best):
            self.plateau_best, self.plateau_since = loss, 0
            return better
        self.plateau_since += 1
        if self.plateau_since > patience:
            self.plateau_falls, self.plateau_since = self.plateau_falls + 1, 0
        return better

    def reached(self, train: TrainConfig) -> bool:
        """Whether the best train.best_metric so far is as good as train.stopping_threshold asks for."""
        threshold, best = train.stopping_threshold, self.best_value
        if threshold is None or best is None:
            return False
        return best >= threshold if direction_of(train.best_metric) == "higher" else best <= threshold

    def forget_losses(self) -> None:
        """Begin anew to look for the best: losses so far were measured in another way."""
        self.best_value = self.plateau_best = None
        self.since_best = self.plateau_since = 0

    def of_fork(self, parent: Config, config: Config) -> EarlyStopping:
        """Return what a fork begins with: it has no best of its own yet, and all its patience.

        Where both have the plateau schedule and one peak, the learning rate goes on where the parent's is, and another
        factor counts for the falls to come. A peak of the fork's own is where its learning rate begins.
        """
        plateau = parent.schedule.name == config.schedule.name == "plateau"
        if not plateau or parent.optim.lr != config.optim.lr:
            return EarlyStopping()
        fork = EarlyStopping(plateau_falls=self.plateau_falls, plateau_before=self.plateau_before)
        if parent.schedule.factor != config.schedule.factor:
            fork = EarlyStopping(plateau_before=self.plateau_scale(parent.schedule.factor))
        if parent.task == config.task:
            # Else losses are of other data, and can't be compared.
            fork.plateau_best, fork.plateau_since = self.plateau_best, self.plateau_since
        return fork

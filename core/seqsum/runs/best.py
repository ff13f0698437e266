"""Which checkpoint of a run is its best: the one that `--checkpoint best` names. No torch here."""

from __future__ import annotations

import math
from collections.abc import Iterable

from seqsum.errors import UserError
from seqsum.runs.checkpoint_files import steps_saved
from seqsum.runs.metric_direction import direction_of
from seqsum.runs.run import Run

BEST = "best"
"""What stands for a step where a person names a checkpoint."""


def best_step(run: Run, verb: str) -> int:
    """Return the step of the best checkpoint by the run's train.best_metric and min_delta.

    Where the best evaluation's checkpoint was not saved, it is the best of those that were saved at an evaluation.
    Raises UserError, which `verb` begins, where there is none.
    """
    train = run.record.parsed_config().train
    with run.store() as store:
        steps, values = store.points(train.best_metric)
    higher = direction_of(train.best_metric) == "higher"
    found = list(zip(steps.astype(int).tolist(), values.tolist(), strict=True))
    saved = set(steps_saved(run.checkpoints))
    for points in (found, [point for point in found if point[0] in saved]):
        step = _best(points, higher, train.min_delta)
        if step is not None and step in saved:
            return step
    if not saved:
        raise UserError(f"{verb}: {run.no_checkpoint()}")
    raise UserError(
        f"{verb}: no checkpoint of run {run.id} was saved at an evaluation of {train.best_metric}, so that none is "
        "known to be the best; name one by its step"
    )


def is_better(value: float, best: float | None, higher: bool, min_delta: float) -> bool:
    """Tell whether an evaluation beats the best so far, or None: by more than `min_delta`, upwards where `higher`."""
    if not math.isfinite(value):
        return False
    return best is None or (value - best if higher else best - value) > min_delta


def _best(points: Iterable[tuple[int, float]], higher: bool, min_delta: float) -> int | None:
    """The step of the last point that was better than the best before it."""
    best, place = None, None
    for step, value in points:
        if is_better(value, best, higher, min_delta):
            best, place = value, step
    return place

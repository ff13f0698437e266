"""How a person names a checkpoint of a run: best, last, or its step; and which one is the best. No torch here."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable

from seqsum.errors import UserError
from seqsum.runs.checkpoint_files import steps_saved
from seqsum.runs.kinds import Fields
from seqsum.runs.metric_direction import direction_of
from seqsum.runs.run import Run
from seqsum.text import printable

BEST, LAST = "best", "last"
"""What stands for a step where a person names a checkpoint."""
MOST_NAMED = 8


def step_named(run: Run, word: str, verb: str, flag: str = "--checkpoint") -> int | None:
    """Return the step that a word for a checkpoint means; None for the last, which is the newest whole one.

    Raises UserError, which `verb` begins, where it means none, or none is known to be the best.
    """
    if word == LAST:
        return None
    if word == BEST:
        return best_step(run, verb)
    # With a comma between thousands, too: so steps are shown.
    if not re.fullmatch(r"\d{1,12}|\d{1,3}(,\d{3}){1,3}", word):
        raise UserError(f'{verb}: {flag} must be {BEST}, {LAST} or a whole number from 0, got "{printable(word)}"')
    return int(word.replace(",", ""))


def no_such_step(run: Run, step: int, verb: str) -> UserError:
    """Return what to say where a run has no checkpoint of a step: which ones there are."""
    saved = steps_saved(run.checkpoints)
    if not saved:
        return UserError(f"{verb}: {run.no_checkpoint()}")
    near = sorted(sorted(saved, key=lambda one: abs(one - step))[:MOST_NAMED])
    some = "the nearest are of" if len(saved) > MOST_NAMED else "it has those of"
    some = some if len(saved) > 1 else "its only one is of"
    steps = ", ".join(f"{one:,}" for one in near)
    return UserError(f"{verb}: run {run.id} has no checkpoint of step {step:,}; {some} step {steps}")


def best_step(run: Run, verb: str) -> int:
    """Return the step of the best checkpoint by the run's train.best_metric and min_delta.

    Raises UserError, which `verb` begins, where there is none.
    """
    step = best_saved(run)
    if step is not None:
        return step
    if not steps_saved(run.checkpoints):
        raise UserError(f"{verb}: {run.no_checkpoint()}")
    raise UserError(
        f"{verb}: no checkpoint of run {run.id} was saved at an evaluation of {printable(_judged_by(run)[0])}, so that "
        "none is known to be the best; name one by its step"
    )


def best_saved(run: Run) -> int | None:
    """Return the step of the best checkpoint; None where none was saved at an evaluation.

    Where the best evaluation's checkpoint was not saved, it is the best of those that were saved at an evaluation. The
    run's settings are read as they stand: its plug-in may be gone. Raises UserError where its points can't be read.
    """
    metric, min_delta = _judged_by(run)
    with run.store() as store:
        steps, values = store.points(metric)
    higher = direction_of(metric) == "higher"
    found = list(zip(steps.astype(int).tolist(), values.tolist(), strict=True))
    saved = set(steps_saved(run.checkpoints))
    for points in (found, [point for point in found if point[0] in saved]):
        step = _best(points, higher, min_delta)
        if step is not None and step in saved:
            return step
    return None


def _judged_by(run: Run) -> tuple[str, float]:
    """Return a run's train.best_metric and min_delta."""
    from seqsum.config import TrainConfig

    train, usual = Fields(run.settings().get("train", {}), "train"), TrainConfig()
    return train.text("best_metric", usual.best_metric), train.number("min_delta", usual.min_delta)


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

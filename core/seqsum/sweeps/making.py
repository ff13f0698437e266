"""A new sweep, checked: from a preset, what is set once, and what it goes over; and what it will take."""

from __future__ import annotations

import math
import random
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from seqsum.config import Config, resolved
from seqsum.errors import ConfigError, UserError
from seqsum.estimate import Speed, estimate
from seqsum.formatting import enumerated
from seqsum.runs.disk import run_bytes
from seqsum.runs.per_token import DECIDING, PER_CHARACTER, PER_TOKEN
from seqsum.sweeps.definition import Sweep, check_name
from seqsum.sweeps.space import Choices, Pruner, Range, Sampler, Space, grid, size, trials_of
from seqsum.tasks import AnyTask
from seqsum.training.backends.fused_support import check_backend
from seqsum.training.early_stopping import check_best

LOADING_SECONDS = 3.0
"""What a sweep takes before its first step: Python, Optuna and PyTorch are loaded."""
START_SECONDS = 0.4
"""What a run takes beside its training: a process is forked, and its files are written."""
LOOKED_AT = 6
"""Settings that the time of all is judged by."""
FEWEST_FOR_WILCOXON = 5
"""Of four pairs the smallest p of its test is 0.06, and that after all four."""


@dataclass(frozen=True)
class Cost:
    """What a sweep will take, a guess. runs: how many; seconds: with all that must be loaded, on a machine that does
    nothing else, None where nothing can be said; bytes: on the disk."""

    settings: int
    runs: int
    seconds: float | None
    bytes: float


def sampler_of(space: Space, sampler: str | None = None) -> Sampler:
    """Return how settings are chosen: a grid of lists, else by TPE, unless a person says otherwise."""
    endless = any(isinstance(part, Range) for part in space)
    return cast("Sampler", sampler or ("tpe" if endless else "grid"))


def plan(
    preset: str,
    config: Config,
    space: Space,
    seeds: Sequence[int],
    *,
    trials: int | None = None,
    sampler: str | None = None,
    prune: str | None = None,
    goal: str | None = None,
    name: str | None = None,
    on: str | None = None,
    on_options: Mapping[str, str] | None = None,
) -> Sweep:
    """Return a new sweep of a preset with this configuration, not written down yet; see `definition.create`.

    goal: accuracy, or else `train.best_metric`, where None; what is per character where the tokens of a language model
    are swept. Raises UserError for what can't be swept.
    """
    whole, task = resolved(config, "sweep")
    measures = task.measured_by() or ()
    retold = [part.path for part in space if part.path in DECIDING] if PER_CHARACTER in measures else []
    if retold and goal in PER_TOKEN:
        raise UserError(
            f"sweep: --goal: {goal} is a mean over tokens, and {enumerated(retold, 'and')} changes what they are; take "
            f"{PER_CHARACTER}"
        )
    goal = goal or (PER_CHARACTER if retold else "accuracy" if "accuracy" in measures else config.train.best_metric)
    _check_goal(whole, goal, task)
    check_backend(whole, task, "sweep")
    chosen = sampler_of(space, sampler)
    if prune == "wilcoxon" and len(seeds) < FEWEST_FOR_WILCOXON:
        raise UserError(f"sweep: --prune wilcoxon gives up nothing with fewer than {FEWEST_FOR_WILCOXON} --seeds")
    return Sweep(
        name=check_name(name) if name else name_after(preset),
        preset=preset,
        config=config.plain(),
        space=space,
        seeds=tuple(seeds),
        trials=trials_of(space, trials, chosen),
        sampler=chosen,
        prune=cast("Pruner", prune or "off"),
        goal=goal,
        on=on or "local",
        on_options=dict(on_options or {}),
    )


def _check_goal(config: Config, goal: str, task: AnyTask) -> None:
    changed = {"train.best_metric": goal, "train.stopping_threshold": "off"}
    try:
        check_best(config.changed(changed, "sweep"), "sweep", task)
    except ConfigError as error:
        path, why = error.problems[0]
        raise UserError(f"sweep: --goal: {why}", in_form=f"{path}: {why}") from None


def name_after(preset: str) -> str:
    """Return what a sweep is called after its preset, whose file may be called anything."""
    return f"{re.sub('[^A-Za-z0-9_.-]+', '-', preset).strip('-._')[:50] or 'own'}-sweep"


def cost_of(
    config: Config, space: Space, trials: int, seeds: int, side_by_side: int, speeds: Sequence[Speed] = ()
) -> Cost:
    """Guess what a sweep will take, by some of its settings. Raises UserError when the task's data can't be read."""
    looked = [config.changed(values, "sweep") for values in samples(space)]
    told = [(one, estimate(one, speeds)) for one in looked]
    known = [found.seconds for _, found in told if found.seconds is not None]
    sizes = [run_bytes(one, found.parameters or 0) for one, found in told]
    runs = trials * seeds
    seconds = None
    if known:
        each = sum(known) / len(known) + START_SECONDS
        seconds = LOADING_SECONDS + each * math.ceil(runs / max(side_by_side, 1))
    return Cost(trials, runs, seconds, runs * sum(sizes) / len(sizes))


def samples(space: Space) -> Iterator[dict[str, str]]:
    """Yield every setting of a small space, or some drawn all over a large one, the same each time."""
    many = size(space)
    if many is not None and many <= LOOKED_AT:
        yield from grid(space)
        return
    draw = random.Random(0)
    for _ in range(LOOKED_AT):
        yield {part.path: _drawn(part, draw) for part in space}


def _drawn(part: Choices | Range, draw: random.Random) -> str:
    if isinstance(part, Choices):
        return draw.choice(part.values)
    if part.log:
        return part.text(math.exp(draw.uniform(math.log(part.low), math.log(part.high))))
    return part.text(draw.uniform(part.low, part.high))

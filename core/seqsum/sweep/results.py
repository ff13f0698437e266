"""What came of a sweep: each setting's seeds as a sample, best first, beside the best one. No Optuna here."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from seqsum.compare.significance import CONVERGED
from seqsum.compare.spread import counting, is_broken, worst
from seqsum.compare.statistics import Against, Sample, Seeded, against, sample_of
from seqsum.runs import Summary, Workspace
from seqsum.runs.metric_direction import Direction
from seqsum.sweep.definition import Setting, Sweep

ENDED = ("finished", "failed")
ORDER = {"complete": 0, "running": 1, "pruned": 2, "failed": 3}


@dataclass(frozen=True)
class Result:
    """A setting and what came of it.

    runs: its runs' ids, by seed. live: how many still train. sample: None before a run has a value. converged: how many
    reached an accuracy of 0.99; None for another goal. against: beside the best setting; None for that itself and where
    nothing can be compared.
    """

    setting: Setting
    runs: tuple[str, ...]
    live: int
    sample: Sample | None
    converged: int | None
    against: Against | None = None


def results(workspace: Workspace, sweep: Sweep, settings: Iterable[Setting]) -> list[Result]:
    """Return every setting, pruned and failed ones too, the best first."""
    members: dict[str, list[Summary]] = {}
    for summary in workspace.summaries():
        if summary.group is not None:
            members.setdefault(summary.group, []).append(summary)
    seeds = {summary.id: _seed(workspace, summary.id) for found in members.values() for summary in found}
    values: dict[int, Seeded] = {}
    made: list[Result] = []
    for setting in settings:
        mine = sorted(members.get(setting.group, []), key=lambda summary: seeds[summary.id])
        # What was stopped before its end is trained further: it has no last value yet.
        ended = [one for one in mine if setting.state != "running" or one.status in ENDED]
        values[setting.number] = _values(ended, sweep, seeds)
        made.append(_result(setting, mine, values[setting.number], sweep))
    made.sort(key=lambda result: _rank(result, sweep.direction))
    return _beside_the_best(made, values, sweep.direction)


def _values(members: Sequence[Summary], sweep: Sweep, seeds: dict[str, int]) -> Seeded:
    ends = [(one.status, one.metrics.get(sweep.goal)) for one in members]
    counts = counting([(status, value is not None) for status, value in ends])
    found: list[tuple[int, float]] = []
    for one, (status, value), counted in zip(members, ends, counts, strict=True):
        if counted:
            lost = value is None or is_broken(status, value)
            found.append((seeds[one.id], worst(sweep.direction) if lost or value is None else value))
    return found


def _result(setting: Setting, members: Sequence[Summary], values: Seeded, sweep: Sweep) -> Result:
    converged = sum(value >= CONVERGED for _, value in values) if sweep.goal == "accuracy" else None
    sample = sample_of([value for _, value in values]) if values else None
    return Result(setting, tuple(one.id for one in members), sum(one.live for one in members), sample, converged)


def _rank(result: Result, direction: Direction) -> tuple[int, float, float, int]:
    sample, sign = result.sample, -1.0 if direction == "higher" else 1.0
    lost = sample is None or math.isnan(sample.median)
    median = math.inf if sample is None or lost else sign * sample.median
    # Of those with the same median that with the better middle half.
    middle = math.inf if sample is None or math.isnan(sample.iqm) else sign * sample.iqm
    return ORDER[result.setting.state], median, middle, result.setting.number


def _beside_the_best(made: list[Result], values: dict[int, Seeded], direction: Direction) -> list[Result]:
    if not made or made[0].setting.state != "complete" or not values[made[0].setting.number]:
        return made
    best, others = made[0], [one for one in made[1:] if values[one.setting.number]]
    told = against(values[best.setting.number], [values[one.setting.number] for one in others], direction)
    by_number = dict(zip((one.setting.number for one in others), told, strict=True))
    return [
        Result(one.setting, one.runs, one.live, one.sample, one.converged, by_number.get(one.setting.number))
        for one in made
    ]


def _seed(workspace: Workspace, id: str) -> int:
    from seqsum.runs import Run

    seed = Run(workspace.folder / id).record_or_blank().seed
    return -1 if seed is None else seed

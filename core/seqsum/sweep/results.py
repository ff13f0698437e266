"""What came of a sweep: each setting's seeds as a sample, best first, beside the best one. No Optuna here."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from seqsum.compare.significance import converged_of, seeded
from seqsum.compare.statistics import Against, Sample, Seeded, against, sample_of
from seqsum.formatting import count, metric
from seqsum.runs import Workspace
from seqsum.runs.entry import Entry
from seqsum.runs.metric_direction import Direction
from seqsum.sweep.definition import Setting, Sweep
from seqsum.sweep.space import label

MOST_NAMED = 4
ENDED = ("finished", "failed")
ORDER = {"complete": 0, "running": 1, "pruned": 2, "failed": 3}


@dataclass(frozen=True)
class Result:
    """A setting and what came of it.

    runs: its runs' ids, by seed. live: how many still train. sample: None before a run has a value. converged: how many
    reached an accuracy of 0.99; None for another goal. values: the last value of each run that counts, ascending, the
    worst as infinities. against: beside the best setting; None for that itself and where nothing can be compared.
    """

    setting: Setting
    runs: tuple[str, ...]
    live: int
    sample: Sample | None
    converged: int | None
    values: tuple[float, ...] = ()
    against: Against | None = None

    @property
    def broken(self) -> int:
        """How many of its runs have no value and count as the worst."""
        return sum(not math.isfinite(value) for value in self.values)

    @property
    def median(self) -> float | None:
        """Of its runs; None before one has a value, and where that falls on a run without one."""
        return self.sample.median if self.sample is not None and math.isfinite(self.sample.median) else None


def results(workspace: Workspace, sweep: Sweep, settings: Iterable[Setting]) -> list[Result]:
    """Return every setting, pruned and failed ones too, the best first."""
    entries = workspace.index.read().entries
    made, values = list[Result](), dict[int, Seeded]()
    for setting in settings:
        mine = sorted((one for one in entries if one.summary.group == setting.group), key=_seed)
        # What was stopped before its end is trained further: it has no last value yet.
        ended = [one for one in mine if setting.state != "running" or one.summary.status in ENDED]
        ends = [(_seed(one), one.summary.status, one.summary.metrics.get(sweep.goal)) for one in ended]
        found = values[setting.number] = seeded(ends, sweep.direction)
        sample = sample_of([value for _, value in found]) if found else None
        live = sum(one.summary.live for one in mine)
        runs = tuple(one.summary.id for one in mine)
        ranked = tuple(sorted(value for _, value in found))
        made.append(Result(setting, runs, live, sample, converged_of(sweep.goal, found) if found else None, ranked))
    made.sort(key=lambda result: _rank(result, sweep.direction))
    return _beside_the_best(made, values, sweep.direction)


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
    return [replace(one, against=by_number.get(one.setting.number)) for one in made]


def _seed(entry: Entry) -> int:
    seed = entry.setting("train.seed")
    return seed if isinstance(seed, int) else -1


def best_words(told: Sequence[Result], sweep: Sweep) -> str:
    """Say which setting is best, and on a second line of which others nobody can say that they are worse."""
    complete = [one for one in told if one.setting.state == "complete" and one.sample is not None]
    if not complete or complete[0].sample is None:
        return ""
    best, others = complete[0], complete[1:]
    value = f"median {sweep.goal} {metric(sweep.goal, complete[0].sample.median)}"
    begin = f"best: {label(best.setting.values)}, {value} over {count(complete[0].sample.n, 'seed')}"
    if not others:
        return begin
    alike = [one for one in others if one.against is None or not (one.against.sure and one.against.improvement < 0.5)]
    if not alike:
        return f"{begin}; better than every other"
    named = "; ".join(label(one.setting.values) for one in alike[:MOST_NAMED])
    more = f"; and {len(alike) - MOST_NAMED} more" if len(alike) > MOST_NAMED else ""
    return f"{begin}\n{count(len(alike), 'other setting')} may be as good: {named}{more}"

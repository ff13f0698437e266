"""What came of a sweep: each setting's seeds as a sample, best first, beside the best one. No Optuna here."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from seqsum.compare.significance import converged_of, seeded
from seqsum.compare.statistics import Against, Sample, Seeded, against, sample_of, seeds_needed
from seqsum.errors import UserError
from seqsum.formatting import count, metric
from seqsum.runs import Workspace
from seqsum.runs.entry import Entry
from seqsum.runs.metric_direction import Direction
from seqsum.sweeps.definition import Setting, Status, Sweep, status_of
from seqsum.sweeps.space import Range, label

MOST_NAMED = 4
ENOUGH = 4
"""Seeds from which on the test can give a p below 0.05: of three and three the smallest is 0.1."""
ENDED = ("finished", "failed")
Standing = Literal["running", "paused", "stopped", "complete", "pruned", "failed"]
"""How a setting stands: its state, and `paused` or `stopped` where that is `running` and nothing of it goes on."""
ORDER = {"complete": 0, "running": 1, "pruned": 2, "failed": 3}


@dataclass(frozen=True)
class Result:
    """A setting and what came of it.

    runs: its runs' ids, by seed; seeds, ends: the seed of each, and what it came to, None without a value and where
    that does not count. live: how many still train. sample: None before a run has a value. converged: how many
    reached an accuracy of 0.99; None for another goal. values: the last value of each run that counts, ascending, the
    worst as infinities. against: beside the best setting; None for that itself and where nothing can be compared.
    compared: whether it has all its seeds, or all but those that the sweep was given later: then others are measured by
    it. status: the sweep's.
    """

    setting: Setting
    runs: tuple[str, ...]
    live: int
    sample: Sample | None
    converged: int | None
    values: tuple[float, ...] = ()
    seeds: tuple[int, ...] = ()
    ends: tuple[float | None, ...] = ()
    against: Against | None = None
    compared: bool = False
    status: Status = "running"

    @property
    def state(self) -> Standing:
        """How it stands: `running` only as long as something of it goes on by itself."""
        if self.setting.state != "running" or self.live or self.status == "running":
            return self.setting.state
        return "paused" if self.status == "paused" else "stopped"

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
    return results_of(workspace.index.read().entries, sweep, settings, status_of(workspace, sweep))


def results_of(entries: Iterable[Entry], sweep: Sweep, settings: Iterable[Setting], status: Status) -> list[Result]:
    """Return the same, of a workspace's runs as they were read, and its sweep's status."""
    made, values, own = list[Result](), dict[int, Seeded](), _Own(sweep)
    first = len(sweep.seeds) - len(sweep.added)
    by_group: dict[str, list[Entry]] = {}
    for entry in entries:
        by_group.setdefault(entry.summary.group or "", []).append(entry)
    for setting in settings:
        mine = own.runs(setting, by_group.get(setting.group, ()))
        ended = [one for one in mine if _counts(setting, one)]
        ends = [(_seed(one), one.summary.status, one.summary.metrics.get(sweep.goal)) for one in ended]
        found = values[setting.number] = seeded(ends, sweep.direction)
        sample = sample_of([value for _, value in found]) if found else None
        live = sum(one.summary.live for one in mine)
        runs = tuple(one.summary.id for one in mine)
        ranked = tuple(sorted(value for _, value in found))
        compared = setting.state == "complete" or (setting.state == "running" and len(found) >= first)
        converged = converged_of(sweep.goal, found) if found else None
        seeds, known = tuple(map(_seed, mine)), {seed: value for seed, value in found if math.isfinite(value)}
        came_to = tuple(map(known.get, seeds))
        made.append(
            Result(setting, runs, live, sample, converged, ranked, seeds, came_to, compared=compared, status=status)
        )
    made.sort(key=lambda result: _rank(result, sweep.direction))
    return _beside_the_best(made, values, sweep.direction)


def _counts(setting: Setting, entry: Entry) -> bool:
    """Whether what a run of a setting has come to is a value of it."""
    if setting.state == "pruned" and setting.ended is not None:
        return _seed(entry) in setting.ended
    # What was stopped before its end is trained further, or was given up: it has no last value.
    return setting.state not in ("running", "pruned") or entry.summary.status in ENDED


class _Own:
    """Which runs of a group are a sweep's: others, with other settings or seeds, may have been put there."""

    def __init__(self, sweep: Sweep) -> None:
        self._sweep, self._base = sweep, sweep.base
        self._parts = {part.path: part for part in sweep.space}
        self._values: dict[tuple[str, str], Any] = {}

    def runs(self, setting: Setting, entries: Iterable[Entry]) -> list[Entry]:
        """Return the setting's runs, by seed; of several of one seed the first."""
        first: dict[int, Entry] = {}
        for entry in sorted(entries, key=lambda entry: (entry.summary.created, entry.summary.id)):
            if self._is_own(setting, entry):
                first.setdefault(_seed(entry), entry)
        return [first[seed] for seed in sorted(first)]

    def _is_own(self, setting: Setting, entry: Entry) -> bool:
        if _seed(entry) not in self._sweep.seeds:
            return False
        return all(entry.setting(path) == self._value(path, text) for path, text in setting.values.items())

    def _value(self, path: str, text: str) -> Any:
        """Return what a run's record holds where this was typed."""
        if (path, text) not in self._values:
            part = self._parts.get(path)
            try:
                ranged = isinstance(part, Range)
                known = float(text) if ranged else self._base.changed({path: text}, "sweep").value(path)
            except (UserError, ValueError):
                known = None
            self._values[path, text] = known
        return self._values[path, text]


def _rank(result: Result, direction: Direction) -> tuple[int, float, float, int]:
    sample, sign = result.sample, -1.0 if direction == "higher" else 1.0
    lost = sample is None or math.isnan(sample.median)
    median = math.inf if sample is None or lost else sign * sample.median
    # Of those with the same median that with the better interquartile mean.
    middle = math.inf if sample is None or math.isnan(sample.iqm) else sign * sample.iqm
    order = ORDER["complete" if result.compared else result.setting.state]
    return order, median, middle, result.setting.number


def _beside_the_best(made: list[Result], values: dict[int, Seeded], direction: Direction) -> list[Result]:
    if not made or not made[0].compared or not values[made[0].setting.number]:
        return made
    # What is still under way is no part of how many are compared.
    ready = [one for one in made[1:] if one.compared or one.setting.state != "running"]
    best, others = made[0], [one for one in ready if values[one.setting.number]]
    told = against(values[best.setting.number], [values[one.setting.number] for one in others], direction)
    by_number = dict(zip((one.setting.number for one in others), told, strict=True))
    return [replace(one, against=by_number.get(one.setting.number)) for one in made]


def _seed(entry: Entry) -> int:
    seed = entry.setting("train.seed")
    return seed if isinstance(seed, int) else -1


def best_words(told: Sequence[Result], sweep: Sweep) -> str:
    """Say which setting is best, and on a second line of which others nobody can say that they are worse."""
    ended = all(one.setting.state != "running" and one.status == "finished" for one in told)
    so_far = "" if ended else " so far"
    measured = [one for one in told if one.compared and one.sample is not None]
    if not measured:
        # While some are under way nothing is known; else none will be any more.
        return "none is best: no setting was measured to its end" if ended and told else ""
    best, others = measured[0], measured[1:]
    if best.sample is None or best.median is None:
        which = "all settings" if len(measured) == len(told) else "all that were measured to their end"
        return f"none is best{so_far}: of {which} half of the seeds or more have no value"
    value = f"median {sweep.goal} {metric(sweep.goal, best.median)}"
    begin = f"best{so_far}: {label(best.setting.values)}, {value} over {count(best.sample.n, 'seed')}"
    if not others:
        return begin
    alike = [one for one in others if one.against is None or not (one.against.sure and one.against.improvement < 0.5)]
    if not alike:
        # Those that were given up, or have failed, were not tried enough to say so of them.
        to_the_end = "" if len(measured) == len(told) else f" that was measured to its end ({len(others):,})"
        return f"{begin}; better than every other{to_the_end}"
    named = "; ".join(label(one.setting.values) for one in alike[:MOST_NAMED])
    more = f"; and {len(alike) - MOST_NAMED} more" if len(alike) > MOST_NAMED else ""
    return f"{begin}\n{count(len(alike), 'other setting')} may be as good: {named}{more}"


def doubt_left(told: Sequence[Result], sweep: Sweep) -> str:
    """Say what `doubt_words` says of a sweep; nothing where its seeds have told settings apart."""
    if any(one.against is not None and one.against.sure for one in told):
        return ""
    # By the whole plan, so that the advice is the same from the beginning on; drawn twice, a setting is one.
    return doubt_words(len(sweep.seeds), len(told) if told and told[0].status == "finished" else sweep.trials)


def doubt_words(seeds: int, settings: int) -> str:
    """Say that so many seeds can't tell so many settings apart, and how many would; nothing where they can."""
    needed = seeds_needed(settings)
    if settings < 2 or seeds >= needed:
        return ""
    each = count(seeds, "seed")
    if seeds < ENOUGH:
        return f"With {each} each no difference can be told from chance; {needed} each would do."
    return f"With {each} each, {settings:,} settings can hardly be told apart; {needed} each would do."


def runs_ended(told: Sequence[Result], sweep: Sweep) -> tuple[int, int]:
    """Return how many runs have ended, or need not begin, of how many there are to be."""
    ended = sum(len(one.values) if one.setting.state == "running" else len(sweep.seeds) for one in told)
    return ended, sweep.trials * len(sweep.seeds)


def runs_words(told: Sequence[Result], sweep: Sweep) -> str:
    """Say how many runs have ended: `9 of 12 runs have ended`."""
    ended, whole = runs_ended(told, sweep)
    return f"{ended:,} of {count(whole, 'run')} {'has' if whole == 1 else 'have'} ended"

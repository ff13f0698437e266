"""Reads several runs for a comparison, again only those that changed."""

from __future__ import annotations

import math
import sqlite3
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from seqsum.compare.fields import SCRIPT, fields_of
from seqsum.compare.history import History
from seqsum.compare.looks import Look, looks_of, ranks_in
from seqsum.errors import UserError
from seqsum.files import file_stamp
from seqsum.formatting import is_share
from seqsum.runs import Buckets, Run, Summary
from seqsum.runs.buckets import Floats
from seqsum.runs.database import StoreBusy
from seqsum.runs.gone import RunGone
from seqsum.runs.kept import version_of
from seqsum.runs.metric_direction import Direction, direction_of
from seqsum.runs.parts import part_told
from seqsum.runs.per_token import PER_CHARACTER, Tokens, tokens_of, tokens_told
from seqsum.runs.usual_names import ours

SECONDS = "train_seconds"
MEASURED = ("accuracy", "eval_loss", "bits_per_character")
FIRST_CHOICES = ("accuracy", "eval_loss", "mae", "train_accuracy", "loss")
OF_MACHINE = ("cpu_percent", "memory_mb", "gpu_percent", "gpu_memory_mb", "wall_time")
LAST_CHOICES = ("lr", "grad_norm", "steps_per_second", SECONDS, *OF_MACHINE)
OWN_LOOP = "scripts"
"""What stands for the task of runs whose loop is a script's own: what that learns is its own affair."""
FILES = ("metrics.db", "metrics.db-wal", "run.json", "annotations.json")

Point = tuple[int, float]


@dataclass(frozen=True, eq=False)
class RunData:
    """One run of a comparison; `curve`, `final` and `best` are those of the comparison's metric.

    seconds: float64[n], the training time at each x of the curve; None when the run did not write it.
    final, best: (step, value) of its own points, or None without one (best also where neither way is better).
    tokens: which tokens the metric is a mean over; None where it is none over tokens.
    """

    summary: Summary
    look: Look
    metrics: tuple[str, ...]
    fields: dict[str, Any] = field(repr=False)
    curve: Buckets = field(repr=False)
    seconds: Floats | None = field(repr=False)
    final: Point | None
    best: Point | None
    tokens: Tokens | None = None

    @property
    def id(self) -> str:
        return self.summary.id

    @property
    def task(self) -> str:
        own = OWN_LOOP if SCRIPT in self.fields else ""
        return str(self.fields.get("task.name", own))


@dataclass(frozen=True, eq=False)
class Comparison:
    """Runs in the order asked for; `problems` says which could not be read, and why. window: the steps that curves were
    read of, or None for all."""

    metric: str
    metrics: tuple[str, ...]
    direction: Direction | None
    runs: tuple[RunData, ...]
    problems: tuple[str, ...] = ()
    window: tuple[int, int] | None = None

    @property
    def measures(self) -> str:
        """Say what the metric is a mean over where that is not what training draws, or not the same in all runs."""
        if len(self.tokens) > 1:
            return f"not one measure: {self.metric} counts {tokens_told(self.tokens)}; compare {PER_CHARACTER}"
        if self.metric not in MEASURED:
            return ""
        earlier = [run for run in self.runs if run.summary.measure]
        kinds = dict.fromkeys(run.summary.measure for run in earlier)
        if not earlier:
            return ""
        if len(kinds) == 1 and len(earlier) == len(self.runs):
            return f"{self.metric} is {earlier[0].summary.measure}, as an earlier version measured"
        names = ", ".join(f"{run.summary.name} {run.summary.measure}" for run in earlier)
        others = "" if len(earlier) == len(self.runs) else ", the others over what training draws"
        return f"not one measure: {self.metric} of {names}{others}"

    @property
    def tokens(self) -> tuple[Tokens, ...]:
        """The tokens that the metric is a mean over: more than one where it ranks nothing."""
        return tokens_among(self.runs)

    @property
    def part(self) -> str:
        """Say which part of the data the metric is of, ` of the test part`; "" where the runs differ in it."""
        found = {part_told(self.metric, run.summary.task) for run in self.runs}
        return found.pop() if len(found) == 1 else ""

    @property
    def share(self) -> bool:
        """Whether the metric is read in percent."""
        ends = (run.final[1] for run in self.runs if run.final is not None and math.isfinite(run.final[1]))
        return is_share(self.metric, max(ends, default=0.0))

    @property
    def has_seconds(self) -> bool:
        """Whether any curve can stand over training time."""
        return any(run.seconds is not None for run in self.runs)


@dataclass
class ComparisonReader:
    """Reads `ids` of the workspace `folder`. Belongs to one reading at a time.

    metric: None leaves the choice to the metrics there are.
    window: the steps to read finely, or None for all. lead: how many steps before them are read, too, for smoothing.
    higher: True or False sets which way is better; None judges by the metric's name.
    """

    folder: Path
    ids: Sequence[str]
    metric: str | None = None
    buckets: int = 240
    window: tuple[int, int] | None = None
    lead: int = 0
    higher: bool | None = None
    _metrics: dict[str, tuple[object, tuple[str, ...]]] = field(default_factory=dict)
    _runs: dict[str, tuple[object, RunData]] = field(default_factory=dict)
    _stamp: object = None
    _again: bool = False
    """Whether another program held a store, so that it is to be read again whatever the files' times say."""

    def read(self) -> Comparison | None:
        """Return the runs as they are now, or None when nothing changed since the last time."""
        ids = tuple(dict.fromkeys(self.ids))
        for id in [id for id in self._runs if id not in ids]:
            self._forget(id)
        stamps = {id: self._files_of(id) for id in ids}
        stamp = (stamps, self.metric, self.buckets, self.window, self.lead, self.higher)
        if stamp == self._stamp:
            return None
        self._again = False
        problems = [problem for id in ids if (problem := self._read_metrics(id, stamps[id]))]
        metrics = ordered_metrics([self._metrics[id][1] for id in ids if id in self._metrics])
        metric = self.metric if self.metric is not None else self._chosen(metrics)
        direction = direction_of(metric)
        if self.higher is not None:
            direction = "higher" if self.higher else "lower"
        for id in ids:
            if id in self._metrics:
                key = (stamps[id], metric, direction, self.buckets, self.window, self.lead)
                problem = self._read_run(id, key, metric, direction)
                problems += [problem] if problem else []
        self._give_looks()
        runs = tuple(self._runs[id][1] for id in ids if id in self._runs)
        self._stamp = None if self._again else stamp
        return Comparison(metric, metrics, direction, runs, tuple(dict.fromkeys(problems)), self.window)

    def _chosen(self, metrics: Sequence[str]) -> str:
        """Return the most telling metric; of language models whose tokens differ the one that is per character."""
        first = metrics[0] if metrics else "loss"
        known = {id: found for id, (_, found) in self._metrics.items() if found}
        if not all(PER_CHARACTER in found for found in known.values()):
            return first
        several = {tokens_of(fields_of(Run(self.folder / id)), found, first) for id, found in known.items()}
        return PER_CHARACTER if len(several) > 1 else first

    def _read_metrics(self, id: str, stamp: object) -> str:
        known = self._metrics.get(id)
        if known is not None and known[0] == stamp:
            return ""
        try:
            with History(Run(self.folder / id)) as history:
                self._metrics[id] = stamp, tuple(history.metrics())
        except RunGone as error:
            self._forget(id)
            return str(error)
        except (UserError, OSError, sqlite3.Error) as error:
            self._again = self._again or isinstance(error, StoreBusy)
            # It has a row all the same; what was read of it last stays.
            self._metrics[id] = None, known[1] if known is not None else ()
            return str(error)
        return ""

    def _read_run(self, id: str, key: object, metric: str, direction: Direction | None) -> str:
        known = self._runs.get(id)
        if known is not None and known[0] == key:
            return ""
        run, look = Run(self.folder / id), known[1].look if known is not None else Look(0, "?")
        first, last = self.window or (None, None)
        try:
            summary, fields = run.summary(), fields_of(run)
            with History(run) as history:
                curve = history.curve(metric, first, last, self.buckets, self.lead)
                best = history.best(metric, direction) if direction else None
                final = history.final(metric)
                clock = history.curve(SECONDS, first, last, self.buckets, self.lead)
        except RunGone as error:
            self._forget(id)
            return str(error)
        except (UserError, OSError, sqlite3.Error) as error:
            busy = isinstance(error, StoreBusy)
            self._again = self._again or busy
            if not busy or known is None:
                summary, nothing = run.unreadable(str(error)), Buckets.empty()
                data = RunData(summary, look, (), fields_of(run), nothing, None, None, None)
                self._runs[id] = None if busy else key, data
            return str(error)
        seconds = np.interp(curve.x, clock.x, clock.mean) if clock.x.size and curve.x.size else None
        metrics = self._metrics[id][1]
        tokens = tokens_of(fields, metrics, metric)
        data = RunData(summary, look, metrics, fields, curve, seconds, final, best, tokens)
        self._runs[id] = key, data
        return ""

    def _give_looks(self) -> None:
        """Give every run its look; those that stand for a group, or for themselves, choose first."""
        ranks = ranks_in(self.folder)
        leaders: dict[str, str] = {}
        for id in sorted(self._runs, key=lambda id: (ranks.get(id, len(ranks)), id)):
            leaders.setdefault(self._runs[id][1].summary.group or f"run:{id}", id)
        looks = looks_of(self._runs, ranks, first=leaders.values())
        for id, (key, run) in self._runs.items():
            if run.look != looks[id]:
                self._runs[id] = key, replace(run, look=looks[id])

    def _forget(self, id: str) -> None:
        self._metrics.pop(id, None)
        self._runs.pop(id, None)

    def _files_of(self, id: str) -> object:
        """What tells whether a run changed: its files' times and sizes, and whether a worker is at it."""
        run = Run(self.folder / id)
        found = [file_stamp(run.folder / name) for name in FILES]
        known = self._runs.get(id)
        return (
            found,
            version_of(run.folder),
            known is None or not known[1].summary.live or run.pulse(known[1].summary.pid, known[1].summary.launcher),
        )


def tokens_among(runs: Iterable[RunData]) -> tuple[Tokens, ...]:
    """Return the different tokens that the metric of runs is a mean over; none where it is none over tokens."""
    return tuple(dict.fromkeys(run.tokens for run in runs if run.tokens is not None))


def ordered_metrics(known: Sequence[Sequence[str]]) -> tuple[str, ...]:
    """Return every metric of any run, the most telling first, the machine's own last.

    One that half of the runs or fewer have tells less than any that more of them have: it compares little.
    """
    having = Counter(name for metrics in known for name in set(metrics))
    begun = sum(bool(metrics) for metrics in known)
    names = list(dict.fromkeys(name for metrics in known for name in metrics))

    def place(name: str) -> tuple[int, int]:
        if name in LAST_CHOICES:
            return 2, LAST_CHOICES.index(name)
        rare = begun > 1 and 2 * having[name] <= begun
        return int(rare), FIRST_CHOICES.index(ours(name)) if ours(name) in FIRST_CHOICES else len(FIRST_CHOICES)

    return tuple(sorted(names, key=place))

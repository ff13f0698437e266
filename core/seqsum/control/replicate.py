"""The same run with many seeds, side by side, as a group of ordinary runs; and what came of them. No torch here."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from seqsum.compare.reader import LAST_CHOICES, ordered_metrics
from seqsum.compare.significance import CONVERGED
from seqsum.compare.spread import counting, is_broken, quartiles, standing_of
from seqsum.config import Config
from seqsum.control import commands
from seqsum.errors import UserError
from seqsum.launch import Launcher
from seqsum.runs import Run, Summary, Workspace
from seqsum.runs.buckets import Floats
from seqsum.runs.metric_direction import direction_of
from seqsum.text import printable

MOST_SEEDS = 1024
OWN_FIELDS = ("train.seed", "track.group")


def parse_seeds(text: str, source: str = "replicate") -> range:
    """Read `32` as the seeds 0 to 31, `5-9` as five of them. Raises UserError."""
    match = re.fullmatch(r"(\d{1,10})(?:-(\d{1,10}))?", text.strip())
    low, high = 0, -1
    if match is not None:
        low, high = (int(match[1]), int(match[2])) if match[2] else (0, int(match[1]) - 1)
    if not 0 <= low <= high < 2**32 or high - low >= MOST_SEEDS:
        raise UserError(
            f"{source}: --seeds is a number of seeds from 1 to {MOST_SEEDS}, or a range like 5-9; got "
            f'"{printable(text)}"'
        )
    return range(low, high + 1)


def group_name(preset: str, config: Config, original: Config) -> str:
    """Return what a group is called without a name of its own: the preset's, and a mark of what was changed in it."""
    changed = {path: value for path, (value, _) in config.differences(original).items() if path not in OWN_FIELDS}
    if not changed:
        return preset
    return f"{preset}-{hashlib.sha256(json.dumps(changed, sort_keys=True, default=str).encode()).hexdigest()[:6]}"


class Replication:
    """A group of runs that differ in their seed alone.

    Asked for again, it goes on where it was: what is finished stays, what was stopped or died is resumed, what is
    missing is started.
    """

    def __init__(
        self,
        workspace: Workspace,
        launcher: Launcher,
        preset: str,
        config: Config,
        seeds: Sequence[int],
        group: str,
        *,
        strict: bool = True,
    ) -> None:
        """strict: raise UserError when the workspace's group of this name has runs with other settings, or a run that
        is due can't be resumed yet; else the ones are nobody's here, and the others are due again."""
        self.strict = strict
        self.workspace, self.launcher, self.preset = workspace, launcher, preset
        self.config = config.changed({"track.group": group}, "replicate")
        self.seeds, self.group = tuple(seeds), group
        self.runs: dict[int, Run] = {}
        self._known: set[str] = set()
        self._look()

    def take(self, seeds: Sequence[int]) -> None:
        """Have these seeds from now on."""
        self.seeds = tuple(seeds)
        self._known.clear()
        self._look()

    def _look(self) -> None:
        for run in self.workspace.members(self.group):
            if run.id not in self._known:
                self._know(run)
                self._known.add(run.id)

    def _know(self, run: Run) -> None:
        if run.record.parent is not None:
            return
        config = run.record.parsed_config()
        seed = int(config.train.seed)
        mine = config.changed({"train.seed": str(self.config.train.seed)}, "replicate")
        differences = mine.differences(self.config)
        if differences and not self.strict:
            return
        if differences:
            path, (theirs, ours) = next(iter(differences.items()))
            raise UserError(
                f'replicate: the group "{self.group}" has runs with {path} {theirs}, not {ours}; choose another group'
            )
        if seed in self.seeds:
            self.runs[seed] = run

    def due(self, seeds: Collection[int] | None = None) -> list[int]:
        """Return the seeds, of these or of all, whose run is missing, or was interrupted."""
        asked = self.seeds if seeds is None else [seed for seed in self.seeds if seed in seeds]
        return [seed for seed in asked if seed not in self.runs or self._interrupted(self.runs[seed])]

    def _interrupted(self, run: Run) -> bool:
        status = self.launcher.poll(run).status
        return status in ("paused", "stopped", "died") or (status == "queued" and not self.launcher.holds(run))

    def is_stranded(self, seed: int, status: str) -> bool:
        """Whether a seed's run waits that nothing will start: who made it was killed before a worker had it."""
        return status == "queued" and not self.launcher.holds(self.runs[seed])

    def begin(self, seeds: Collection[int] | None = None) -> None:
        """Start or resume what is due, of these seeds only; each waits for its turn in the queue."""
        with self.workspace.alone(), self.launcher.together():
            self._look()  # somebody else may have begun the same
            for seed in self.due(seeds):
                if seed in self.runs:
                    self._resume(self.runs[seed])
                    continue
                config = self.config.changed({"train.seed": str(seed)}, "replicate")
                name = f"{self.group}-seed-{seed}"
                self.runs[seed] = commands.start(self.workspace, self.launcher, self.preset, config, name, queue=True)
                self._known.add(self.runs[seed].id)

    def _resume(self, run: Run) -> None:
        try:
            commands.resume(run, self.launcher, queue=True)
        except UserError:
            # A worker that has saved and stopped may take a moment to end.
            if self.strict or not run.worker_lives:
                raise

    def summaries(self, known: Mapping[int, Summary] | None = None) -> dict[int, Summary]:
        """Return each seed's summary as it is now; known: those that need not be read again."""
        known = known or {}
        return {
            seed: known[seed] if seed in known else self.launcher.poll(self.runs[seed])
            for seed in self.seeds
            if seed in self.runs
        }

    def stop(self, cause: str = "") -> None:
        """Ask every live run to save and stop; returns at once. cause: as `Launcher.stop` has it."""
        for seed, summary in self.summaries().items():
            if summary.live:
                self.launcher.stop(self.runs[seed], cause)

    def outcome(self) -> SeedDistribution:
        """Return what came of the runs so far."""
        return outcome_of([self.runs[seed] for seed in self.seeds if seed in self.runs])


@dataclass(frozen=True)
class SeedDistribution:
    """The distribution of a metric's last value over runs.

    metric: accuracy, or else what the task measures. runs: all of them. with_value: those that the distribution has a
        value of; of the others `waiting` still train, the rest ranks as worst (it failed, died, or ended without one).
    values: those values, in order of size.
    quartiles: (lower, median, upper), NaN where a run without a value stands; None when no run has one.
    failed: how many runs failed, e.g. for a loss that became NaN.
    converged: how many runs ended with an accuracy of at least 0.99; None where the task has no accuracy.
    steps_to_converge: (lower quartile, median, upper quartile) over the converged runs of the first evaluation with
        such an accuracy, or None.
    best: the id of the best run; of several, of that with the lowest loss.
    """

    metric: str
    runs: int
    with_value: int
    waiting: int
    failed: int
    values: tuple[float, ...]
    quartiles: tuple[float, float, float] | None
    converged: int | None
    steps_to_converge: tuple[float, float, float] | None
    best: str | None

    def plain(self) -> dict[str, object]:
        """Return it as JSON-ready values."""
        return dataclasses.asdict(self)


def outcome_of(runs: Sequence[Run]) -> SeedDistribution:
    """Read what has come of runs."""
    curves: dict[str, dict[str, tuple[Floats, Floats]]] = {}
    statuses = {run.id: run.summary().status for run in runs}
    for run in runs:
        with run.store() as store:
            curves[run.id] = {name: store.points(name) for name in store.metrics() if name not in LAST_CHOICES}
    metric = next(iter(ordered_metrics([tuple(metrics) for metrics in curves.values()])), "loss")
    direction = direction_of(metric)
    last = {id: float(curves[id][metric][1][-1]) if metric in curves[id] else None for id in statuses}
    standing = standing_of([(statuses[id], last[id]) for id in statuses], direction)
    counts = counting([(statuses[id], last[id] is not None) for id in statuses])
    finals = {
        id: value
        for (id, value), counted in zip(last.items(), counts, strict=True)
        if counted and value is not None and not is_broken(statuses[id], value)
    }
    arrivals: list[float | None] = []
    for id, value in finals.items():
        if metric == "accuracy" and value >= CONVERGED:
            steps, values = curves[id][metric]
            arrivals.append(float(steps[values >= CONVERGED][0]))
    sign = -1.0 if direction == "higher" else 1.0
    # Of equally good ones that with the lower loss.
    losses = {
        id: float(next((had[name][1][-1] for name in ("eval_loss", "loss") if name in had), math.inf))
        for id, had in curves.items()
    }
    return SeedDistribution(
        metric=metric,
        runs=len(runs),
        with_value=len(finals),
        waiting=standing.waiting if standing is not None else 0,
        failed=sum(status == "failed" for status in statuses.values()),
        values=tuple(sorted(finals.values())),
        quartiles=standing.quartiles if standing is not None else None,
        converged=len(arrivals) if metric == "accuracy" else None,
        steps_to_converge=quartiles(arrivals),
        best=min(finals, key=lambda id: (sign * finals[id], losses[id])) if finals else None,
    )

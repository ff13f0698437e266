"""Drives a sweep: asks Optuna for settings, keeps the machine's workers busy with their seeds, tells what came of them.

What it knows lies in the sweep's folder and in the runs. Killed at any moment, another driver goes on: settings that
were under way are taken up again with the runs that they have.
"""

from __future__ import annotations

import math
import os
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from seqsum.compare.spread import as_ranked
from seqsum.control.replicate import Replication
from seqsum.errors import UserError, told_as
from seqsum.files import try_lock, write_json
from seqsum.launch import HandOverRefused, Launcher
from seqsum.runs import LIVE_STATUSES, Summary, Workspace
from seqsum.sweeps import definition
from seqsum.sweeps.definition import LOCK, SETTINGS, Setting, Settings, Wanted, folder_of, read, read_wanted
from seqsum.sweeps.optuna_study import fill_queue, library, study_of, suggested, text_of
from seqsum.text import one_line

if TYPE_CHECKING:
    import optuna

MOST_RESTARTS = 3
"""How often a run that died or was stopped is resumed before it counts as it stands."""
INTERRUPTED, ENDED = ("died", "stopped"), ("finished", "failed")
AHEAD = 2
"""Runs for each worker, with those that wait: none is idle while the next is chosen."""
WORST = 1e300
"""What a broken run is to a test that takes no infinities."""


@dataclass
class Active:
    """A setting whose seeds are under way."""

    number: int
    replication: Replication
    trial: optuna.Trial | None = None
    """None where Optuna was told of it before, when it had fewer seeds: that can't be taken back."""
    told: set[int] = field(default_factory=set)
    """At which steps a value was reported to Optuna."""
    restarts: dict[int, int] = field(default_factory=dict)
    live: set[int] = field(default_factory=set)
    """The seeds that train or wait, as of the last look, and those that are about to."""
    finished: dict[int, Summary] = field(default_factory=dict)
    """How the seeds whose run is finished have done: nothing comes after."""

    def look(self) -> dict[int, Summary]:
        """Return how each seed's run does."""
        summaries = self.replication.summaries(self.finished)
        self.finished = {seed: one for seed, one in summaries.items() if one.status == "finished"}
        self.live = {seed for seed, summary in summaries.items() if summary.live}
        return summaries

    def begin(self, seeds: Collection[int]) -> None:
        """Start or resume the runs of seeds."""
        self.replication.begin(seeds)
        self.live.update(seeds)

    def next_seed(self) -> int | None:
        """Return a seed that has no run yet, and is not about to have one."""
        seeds, begun = self.replication.seeds, self.replication.runs.keys() | self.live
        return next((seed for seed in seeds if seed not in begun), None)


class Driver:
    """Holds the sweep's lock as long as it is open; a context."""

    def __init__(self, workspace: Workspace, name: str, launcher: Launcher) -> None:
        """Raises UserError when there is no such sweep, another driver is at it, or Optuna is not installed."""
        library()
        self.workspace, self.launcher = workspace, launcher
        self.sweep = read(workspace, name)
        self.folder = folder_of(workspace, name)
        with told_as(f"sweep: can't write in {self.folder}"):
            lock = try_lock(self.folder / LOCK)
        if lock is None:
            raise UserError(f"sweep: {name} runs already; seqsum sweep --show {name} tells how far it is")
        self._lock = lock
        self.settings: dict[int, Setting] = {}
        self.active: list[Active] = []
        self._written: Settings | None = None
        try:
            # From here on it is driven, and what was asked of an earlier driver is done.
            definition.want(workspace, name, Wanted())
            self.study = study_of(self.sweep, self.folder)
            self._take_up()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Let another driver have it. What is running goes on by itself."""
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    def __enter__(self) -> Driver:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # What an earlier driver left

    def _take_up(self) -> None:
        import optuna

        known, owing = {one.number: one for one in self._read_earlier()}, list[int]()
        state = optuna.trial.TrialState
        for frozen in self.study.get_trials(deepcopy=False):
            if frozen.state == state.RUNNING:
                self._begin(optuna.trial.Trial(self.study, frozen._trial_id), set(frozen.intermediate_values))
            elif frozen.state != state.WAITING and not self._is_known(text_of(frozen.params, self.sweep)):
                # Killed between Optuna's journal and ours, the journal is ahead.
                before, told = known.get(frozen.number), self._setting(frozen)
                self.settings[frozen.number] = before if before and before.state == told.state else told
                if told.state == "complete" and before != self.settings[frozen.number]:
                    owing.append(frozen.number)
        self._take_seeds(owing)
        with self._handing_over():
            for active in self.active:
                active.replication.begin(active.replication.runs.keys())
        self._write()

    def _take_seeds(self, owing: Collection[int] = ()) -> None:
        """Take up each setting that is complete but for seeds that were added since. owing: those that may be, though
        all their runs have ended: what came of them is not written down."""
        if not self.sweep.added:
            return
        ended: dict[str | None, set[Any]] = {}
        for entry in self.workspace.index.read().entries:
            if entry.summary.status in ENDED:
                ended.setdefault(entry.summary.group, set()).add(entry.setting("train.seed"))
        under_way = {active.number for active in self.active}
        for number, setting in list(self.settings.items()):
            if setting.state != "complete" or number in under_way:
                continue
            if number in owing or not ended.get(setting.group, set()).issuperset(self.sweep.added):
                self._set_under_way(number, setting.values)

    def _read_earlier(self) -> tuple[Setting, ...]:
        try:
            return definition.read_settings(self.workspace, self.sweep.name).settings
        except UserError:
            return ()  # made anew from Optuna's journal

    def _setting(self, frozen: optuna.trial.FrozenTrial) -> Setting:
        values = text_of(frozen.params, self.sweep)
        state = frozen.state.name.lower().replace("fail", "failed")
        return Setting.model_validate({
            "number": frozen.number, "values": values, "group": self.sweep.group_of(values), "state": state,
            "value": frozen.value,
        })  # fmt: skip

    @contextmanager
    def _handing_over(self) -> Iterator[None]:
        """Hand what is begun inside over as one. Raises UserError where the engine refuses it: the sweep is stopped
        then, with the runs that it has, and can be resumed."""
        try:
            with self.launcher.together():
                yield
        except HandOverRefused as error:
            self._write()
            definition.want(self.workspace, self.sweep.name, Wanted(stopped=True, reason=error.reason))
            way_out = f"seqsum sweep --resume {self.sweep.name} hands its runs over again"
            raise UserError(f"{error.reason}; the sweep {self.sweep.name} is left, stopped: {way_out}") from None

    # A look

    def look(self) -> bool:
        """See what has come, start what can be started; return whether the sweep has ended: all is tried, or somebody
        stopped it."""
        wanted = read_wanted(self.workspace, self.sweep.name)
        if wanted.stopped:
            self.stop(wanted.cause)
            return True
        before, self.sweep = self.sweep, read(self.workspace, self.sweep.name)
        if self.sweep.trials > before.trials:
            fill_queue(self.study, self.sweep)
        if self.sweep.seeds != before.seeds:
            for active in self.active:
                active.replication.take(self.sweep.seeds)
            self._take_seeds()
        with self._handing_over():
            for active in list(self.active):
                self._advance(active)
            if not wanted.paused:
                self._fill()
        done = not self.active and not self._may_ask()
        self._write(finished=done)
        return done

    def stop(self, cause: str = "") -> None:
        """Ask every run that is under way to save and stop; another driver resumes them. cause: what asks for it."""
        for active in self.active:
            active.replication.stop(cause or "its sweep")

    def _advance(self, active: Active) -> None:
        summaries, again = active.look(), list[int]()
        for seed, summary in summaries.items():
            stranded = active.replication.is_stranded(seed, summary.status)
            if (stranded or summary.status in INTERRUPTED) and active.restarts.get(seed, 0) < MOST_RESTARTS:
                active.restarts[seed] = active.restarts.get(seed, 0) + 1
                again.append(seed)
        if again:
            active.begin(again)
        ended = {seed: self._value(one) for seed, one in summaries.items() if self._has_ended(active, seed, one)}
        if self.sweep.prune != "off" and self._gives_up(active, summaries, ended):
            active.replication.stop("its sweep, which gave this setting up")
            count = f"given up after {len(ended)} of {len(self.sweep.seeds)} seeds"
            self._end(active.number, active.trial, "pruned", [*ended.values()], count)
            # What ends while it is stopped comes too late: one count holds.
            given_up = self.settings[active.number].model_copy(update={"ended": tuple(sorted(ended))})
            self.settings[active.number] = given_up
        elif len(ended) == len(self.sweep.seeds):
            self._end(active.number, active.trial, "complete", [*ended.values()])

    def _has_ended(self, active: Active, seed: int, summary: Summary) -> bool:
        if summary.status in INTERRUPTED:
            return active.restarts.get(seed, 0) >= MOST_RESTARTS
        return summary.status not in LIVE_STATUSES

    def _value(self, summary: Summary) -> float:
        return as_ranked(summary.status, summary.metrics.get(self.sweep.goal), self.sweep.direction)

    def _gives_up(self, active: Active, summaries: dict[int, Summary], ended: dict[int, float]) -> bool:
        """Report what is new; return whether Optuna says that it is enough."""
        if active.trial is None:
            return False
        places = {seed: place for place, seed in enumerate(self.sweep.seeds)}
        if self.sweep.prune == "wilcoxon":
            # A run of each seed is an instance of the test.
            new = {places[seed]: value for seed, value in ended.items()}
        else:
            # Curves one after the other: a step of a later seed is a later step.
            new = {}
            for seed, summary in summaries.items():
                value, steps = summary.metrics.get(self.sweep.goal), max(summary.steps, summary.step, 1)
                if value is not None and math.isfinite(value):
                    new[places[seed] * steps + summary.behind.get(self.sweep.goal, summary.step)] = value
        fresh = {step: value for step, value in new.items() if step not in active.told}
        for step, value in sorted(fresh.items()):
            active.told.add(step)
            active.trial.report(float(np.clip(value, -WORST, WORST)), step)
        return bool(fresh) and len(ended) < len(self.sweep.seeds) and active.trial.should_prune()

    def _end(
        self, number: int, trial: optuna.Trial | None, state: definition.State, values: list[float], reason: str = ""
    ) -> None:
        import optuna

        value = float(np.median(values)) if values else None
        if trial is None:
            pass
        elif state == "complete":
            self.study.tell(trial, value)
        else:
            told = optuna.trial.TrialState.PRUNED if state == "pruned" else optuna.trial.TrialState.FAIL
            self.study.tell(trial, state=told)
        changes = {"state": state, "value": value, "reason": reason}
        self.settings[number] = self.settings[number].model_copy(update=changes)
        self.active = [active for active in self.active if active.number != number]

    # What is started

    def _fill(self) -> None:
        room = AHEAD * self.launcher.capacity()
        chosen: dict[int, tuple[Active, list[int]]] = {}
        while sum(len(active.live) for active in self.active) < room:
            waiting = next((one for one in self.active if self._may_start(one)), None)
            if waiting is None:
                if not self._may_ask():
                    break
                self._begin(self.study.ask())
                continue
            seed = waiting.next_seed()
            assert seed is not None
            waiting.live.add(seed)
            chosen.setdefault(waiting.number, (waiting, []))[1].append(seed)
        for active, seeds in chosen.values():
            try:
                active.begin(seeds)
            except UserError as error:
                self._end(active.number, active.trial, "failed", [], one_line(str(error)))

    def _may_start(self, active: Active) -> bool:
        if active.next_seed() is None:
            return False
        first = active is self.active[0] and not any(one.state == "complete" for one in self.settings.values())
        if self.sweep.prune == "off" or active.trial is None or first:
            # The first setting is what others are measured by: nothing gives it up.
            return True
        # One seed after the other, so that a bad setting is given up before all have begun.
        return not active.live

    def _may_ask(self) -> bool:
        import optuna

        trials = self.study.get_trials(deepcopy=False)
        if self.sweep.sampler == "grid":
            return any(trial.state == optuna.trial.TrialState.WAITING for trial in trials)
        return len(trials) < self.sweep.trials

    def _is_known(self, values: dict[str, str]) -> bool:
        return any(one.values == values for one in self.settings.values())

    def _begin(self, trial: optuna.Trial, told: set[int] | None = None) -> None:
        values = suggested(trial, self.sweep)
        if self._is_known(values):
            self._tell_again(trial, values)
        else:
            self._set_under_way(trial.number, values, trial, told)

    def _set_under_way(
        self, number: int, values: dict[str, str], trial: optuna.Trial | None = None, told: set[int] | None = None
    ) -> None:
        group = self.sweep.group_of(values)
        self.settings[number] = Setting(number=number, values=values, group=group)
        try:
            config = self.sweep.config_of(values)
            seeds = self.sweep.seeds
            made = Replication(self.workspace, self.launcher, self.sweep.preset, config, seeds, group, strict=False)
        except UserError as error:
            self._end(number, trial, "failed", [], one_line(str(error)))
            return
        self.active.append(Active(number, made, trial, told or set()))

    def _tell_again(self, trial: optuna.Trial, values: dict[str, str]) -> None:
        """Tell Optuna what is known of a setting that it drew before: it is one setting, and trained once."""
        import optuna

        value = next((one.value for one in self.settings.values() if one.values == values), None)
        if value is None:
            self.study.tell(trial, state=optuna.trial.TrialState.FAIL)
        else:
            self.study.tell(trial, value)

    def _write(self, *, finished: bool = False) -> None:
        told = tuple(self.settings[number] for number in sorted(self.settings))
        asked = {"seeds": len(self.sweep.seeds), "trials": self.sweep.trials} if finished else {}
        made = Settings(settings=told, finished=finished, **asked)
        if made != self._written:
            with told_as(f"sweep: can't write in {self.folder}"):
                write_json(self.folder / SETTINGS, made.model_dump(mode="json"))
            self._written = made

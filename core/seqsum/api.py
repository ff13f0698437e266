"""What a script or a notebook does with runs: train, look them up, read their curves, ask their models.

    run = seqsum.train("baseline", {"optim.lr": 3e-3, "train.steps": 5000})
    steps, losses = run.metric("loss")
    model = seqsum.load(run)
    model("1 2 3")
    sweep = seqsum.sweep("baseline", {"optim.lr": [1e-3, 1e-2]}, seeds=8)

Workers of their own train, as from the command line and the console; torch is loaded here when a model is.
"""

from __future__ import annotations

import html
import math
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeVar, overload

import numpy as np
from numpy.typing import NDArray

from seqsum.compare.fields import fields_of
from seqsum.compare.history import History
from seqsum.config import resolved
from seqsum.control import commands
from seqsum.control.replicate import MOST_SEEDS, Replication, group_name
from seqsum.errors import UserError, did_you_mean
from seqsum.formatting import duration, metric
from seqsum.launch import WarmLauncher
from seqsum.plotting.drawing import svg
from seqsum.presets import load_preset
from seqsum.runs import Run, Summary, Workspace
from seqsum.runs.annotations import check_typed_name
from seqsum.runs.best import BEST, step_named
from seqsum.runs.listed import listed
from seqsum.runs.metric_direction import direction_of
from seqsum.schema import as_text
from seqsum.sweeps import definition, steering
from seqsum.sweeps.definition import Setting, Sweep, create
from seqsum.sweeps.files import settings_table
from seqsum.sweeps.making import plan
from seqsum.sweeps.optuna_study import library
from seqsum.sweeps.plot import seeds_picture
from seqsum.sweeps.results import Result, results
from seqsum.sweeps.space import MOST_SETTINGS, PRUNERS, SAMPLERS, Pruner, Sampler, split
from seqsum.text import one_line

if TYPE_CHECKING:
    import pandas
    from torch import nn

    from seqsum.query.answering import Answerer

LOOK_SECONDS = 0.05
LAST: Literal["last"] = "last"
Checkpoint = Literal["last", "best"] | int
Place = str | Path | None
Made = TypeVar("Made")


class Points(NamedTuple):
    """A curve: steps int64 [n], values float64 [n]."""

    steps: NDArray[np.int64]
    values: NDArray[np.float64]


class TrainedRun:
    """A run, as its folder says it is at the moment; cheap to make."""

    def __init__(self, run: Run) -> None:
        self.run = run

    def __repr__(self) -> str:
        summary = self.summary
        return f"<run {summary.name} ({summary.id}), {summary.status} at step {summary.step:,}>"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, TrainedRun) and other.run.folder == self.run.folder

    def __hash__(self) -> int:
        return hash(self.run.folder)

    @property
    def id(self) -> str:
        return self.run.id

    @property
    def name(self) -> str:
        return self.run.name

    @property
    def summary(self) -> Summary:
        """What a list shows of it: status, step, reason, speed, tags … Raises UserError where it can't be read."""
        return self.run.summary(judged=True)

    @property
    def status(self) -> str:
        """queued, starting, running, paused, suspended, stopped, finished, failed or died."""
        return self.run.summary().status

    @property
    def config(self) -> dict[str, Any]:
        """Path → value of what it was set to, as it stands: `run.config["optim.lr"]`. One that it has not raises
        UserError."""
        sections = self.run.settings()
        return _Settings(
            {f"{section}.{name}": value for section, values in sections.items() for name, value in values.items()}
        )

    @property
    def metrics(self) -> list[str]:
        """The names of what was measured."""
        with self.run.store() as store:
            return store.metrics()

    def metric(self, name: str) -> Points:
        """Return a curve, every point of it. Raises UserError where there is no such metric."""
        with self.run.store() as store:
            if name not in store.metrics():
                known = ", ".join(store.metrics()) or "none yet"
                raise UserError(f'run {self.id}: no metric "{name}"; there are {known}')
            steps, values = store.points(name)
        return Points(steps.astype(np.int64), values.astype(np.float64))

    @property
    def last(self) -> dict[str, float]:
        """Metric → its last value. One that it has not raises UserError."""
        return _Values(self.run.summary().metrics)

    @property
    def best(self) -> dict[str, float]:
        """Metric → its best value, of those of which one way is better. One that it has not raises UserError."""
        found: dict[str, float] = _Values()
        with History(self.run) as history:
            for name in history.metrics():
                direction = direction_of(name)
                best = history.best(name, direction) if direction is not None else None
                if best is not None:
                    found[name] = best[1]
        return found

    def wait(self, seconds: float = math.inf) -> TrainedRun:
        """Wait until no worker is at it, or it is paused; return it. Raises UserError where it failed or died, and
        TimeoutError when the seconds are over."""
        _wait([self], seconds)
        summary = self.run.summary()
        if summary.status in ("failed", "died"):
            raise UserError(f"run {self.id} has {summary.status}: {summary.reason}")
        return self

    def pause(self) -> None:
        commands.pause(self.run)

    def resume(self) -> None:
        with closing(WarmLauncher(many=False)) as launcher:
            commands.resume(self.run, launcher)

    def stop(self) -> None:
        """Have it save and stop."""
        commands.stop(self.run, "Python")

    def set(self, path: str, value: object) -> None:
        """Change a live value, `optim.lr` for one."""
        commands.set_value(self.run, path, as_text(value))

    def _repr_html_(self) -> str:
        return _table([self]) + _chart(self.run)


class TrainedRuns(Sequence[TrainedRun]):
    """Several runs, newest first, or one for each seed."""

    def __init__(self, runs: Iterable[TrainedRun]) -> None:
        self._runs = tuple(runs)

    def __repr__(self) -> str:
        return f"<{len(self)} runs>"

    def __len__(self) -> int:
        return len(self._runs)

    def __iter__(self) -> Iterator[TrainedRun]:
        return iter(self._runs)

    @overload
    def __getitem__(self, place: int) -> TrainedRun: ...

    @overload
    def __getitem__(self, place: slice) -> TrainedRuns: ...

    def __getitem__(self, place: int | slice) -> TrainedRun | TrainedRuns:
        return TrainedRuns(self._runs[place]) if isinstance(place, slice) else self._runs[place]

    def wait(self, seconds: float = math.inf) -> TrainedRuns:
        """Wait until no worker is at any of them; return them, also those that failed."""
        _wait(self._runs, seconds)
        return self

    def stop(self) -> None:
        """Have those that train, or wait, save and stop."""
        for one in self._runs:
            if one.run.summary().live:
                one.stop()

    def to_pandas(self) -> pandas.DataFrame:
        """Return a table with a row for each run: name, status, step and group, what it was set to, and each metric's
        last and best value (`last.loss`, `best.loss`). Its index is the run's id.

        Raises UserError where pandas is not installed.
        """
        table = _pandas()
        rows = {}
        for one in self._runs:
            summary = one.run.outline()
            facts = {"name": summary.name, "status": summary.status, "step": summary.step, "group": summary.group}
            last = {f"last.{name}": value for name, value in summary.metrics.items()}
            best = {f"best.{name}": value for name, value in one.best.items()}
            rows[one.id] = {**facts, **fields_of(one.run), **last, **best}
        return table.DataFrame.from_dict(rows, orient="index")

    def _repr_html_(self) -> str:
        return _table(self._runs)


class SweptSetting(NamedTuple):
    """A setting that a sweep tried.

    values: path → value of what it was set to; state: running, complete, pruned or failed, and paused or stopped where
    nothing of it goes on by itself; reason: why it failed or was given up; value: the median of the goal over its
    seeds, None before it has one; runs: one for each seed
    """

    values: dict[str, Any]
    state: str
    reason: str
    value: float | None
    runs: TrainedRuns


class StartedSweep:
    """A sweep, as its folder says it is at the moment; cheap to make."""

    def __init__(self, workspace: Workspace, name: str) -> None:
        self.workspace, self.name = workspace, name

    def __repr__(self) -> str:
        made, settings = self._read()
        done = sum(one.state != "running" for one in settings)
        return f"<sweep {self.name}, {self.status}, {done} of {made.trials} settings>"

    @property
    def status(self) -> str:
        """running, paused, stopped, finished or died."""
        return definition.status_of(self.workspace, definition.read(self.workspace, self.name))

    @property
    def goal(self) -> str:
        """The metric whose last value says how well a run did."""
        return definition.read(self.workspace, self.name).goal

    @property
    def settings(self) -> list[SweptSetting]:
        """Every setting that was tried so far, the best first; pruned and failed ones stand behind."""
        made, _ = self._read()
        base, found = made.base, list[SweptSetting]()
        for one in self._results():
            values = {}
            for path, text in one.setting.values.items():
                values[path] = base.changed({path: text}, "sweep").value(path)
            runs = TrainedRuns(TrainedRun(Run(self.workspace.folder / run)) for run in one.runs)
            found.append(SweptSetting(values, one.state, one.setting.reason, one.median, runs))
        return found

    @property
    def best(self) -> SweptSetting:
        """The best setting that all seeds were tried of; raises UserError before there is one."""
        found = next((one for one in self.settings if one.state == "complete" and one.value is not None), None)
        if found is None:
            raise UserError(f"sweep: no setting of {self.name} has its {self.goal} of all seeds yet")
        return found

    @property
    def runs(self) -> TrainedRuns:
        """The runs of all settings, the best setting's first."""
        return TrainedRuns(run for one in self.settings for run in one.runs)

    def wait(self, seconds: float = math.inf) -> StartedSweep:
        """Wait until it has ended, or was stopped or paused; return it. Raises UserError where its driver died, and
        TimeoutError when the seconds are over."""
        deadline = time.monotonic() + seconds
        while (status := self.status) == "running":
            if time.monotonic() > deadline:
                raise TimeoutError(f"sweep {self.name} is still running after {duration(seconds)}")
            time.sleep(LOOK_SECONDS)
        if status == "died":
            raise UserError(f"sweep: {self.name} has died: nothing drives it; resume() goes on")
        return self

    def pause(self) -> None:
        """Have it start nothing new; what runs goes on."""
        steering.pause(self.workspace, self.name)

    def resume(self) -> None:
        steering.resume(self.workspace, self.name)

    def stop(self) -> None:
        """Have it save its runs and stop; nothing where it has ended. `resume` goes on."""
        if self.status in (*steering.DRIVEN, "died"):
            steering.stop(self.workspace, self.name, "Python")

    def to_pandas(self) -> pandas.DataFrame:
        """Return a table with a row for each setting, the best first: what it was set to, and the columns of
        `seqsum sweep --show NAME --output FILE.csv`. Its index is the setting's number.

        Raises UserError where pandas is not installed.
        """
        made, _ = self._read()
        heading, *lines = settings_table(made, self._results())
        return _pandas().DataFrame(lines, columns=heading).set_index("number")

    def _read(self) -> tuple[Sweep, tuple[Setting, ...]]:
        made = definition.read(self.workspace, self.name)
        return made, definition.read_settings(self.workspace, self.name).settings

    def _results(self) -> list[Result]:
        return results(self.workspace, *self._read())

    def _repr_html_(self) -> str:
        made, _ = self._read()
        found, paths = self._results(), [part.path for part in made.space]
        heading = (*paths, "state", "seeds", f"median {made.goal}")
        rows = [
            (
                *(one.setting.values.get(path, "") for path in paths),
                one.state,
                f"{one.sample.n if one.sample else 0} of {len(made.seeds)}",
                metric(made.goal, one.median),
            )
            for one in found
        ]
        picture = svg(seeds_picture(made, found)) if found else ""
        return f"<p>{html.escape(repr(self))}</p>{_html_table(heading, rows)}{picture}"


class Model:
    """A run's model at one of its checkpoints.

    step: of the checkpoint; module: the network itself, an nn.Module
    """

    def __init__(self, run: Run, checkpoint: Checkpoint = LAST) -> None:
        from seqsum.query.answering import Answerer

        if type(checkpoint) not in (int, str):
            raise UserError(f'load: a checkpoint is "{LAST}", "{BEST}" or a step, got {checkpoint!r}')
        step = step_named(run, str(checkpoint), "load", "checkpoint")
        self._answerer: Answerer = Answerer(run, seconds=None)
        loaded = self._answerer.shelf.take(step)
        self.run, self.step = TrainedRun(run), loaded.step
        self.module: nn.Module = loaded.model

    def __repr__(self) -> str:
        return f"<model of run {self.run.name} at step {self.step:,}>"

    def __call__(self, input: str) -> Any:
        """Answer one input, written as in the console: a class, a text, numbers. Raises UserError for what is no
        input."""
        return self.ask("predict", input=input)["prediction"]

    def ask(self, question: str, **fields: Any) -> dict[str, Any]:
        """Ask any question of the console and the command line by its name (`predict`, `inspect`, `evaluate` …) and
        return the whole answer."""
        found: dict[str, Any] = self._answerer.ask(question, checkpoint=self.step, **fields)[1]["answer"]
        return found

    def states(self, input: str) -> list[NDArray[np.float64]]:
        """Return each layer's hidden state after every step: [steps, units]; of a layer that reads from both ends
        first forwards, then backwards."""
        return [np.array(layer["hidden"]) for layer in self.ask("inspect", input=input)["layers"]]


@overload
def train(
    preset: str, changes: Mapping[str, object] | None = None, *, seeds: None = None, name: str | None = None,
    group: str | None = None, wait: bool = True, workspace: Place = None,
) -> TrainedRun: ...  # fmt: skip


@overload
def train(
    preset: str, changes: Mapping[str, object] | None = None, *, seeds: int | Iterable[int], name: str | None = None,
    group: str | None = None, wait: bool = True, workspace: Place = None,
) -> TrainedRuns: ...  # fmt: skip


def train(
    preset: str,
    changes: Mapping[str, object] | None = None,
    *,
    seeds: int | Iterable[int] | None = None,
    name: str | None = None,
    group: str | None = None,
    wait: bool = True,
    workspace: Place = None,
) -> TrainedRun | TrainedRuns:
    """Train a preset, with changed settings: one run, or one for each of so many seeds.

    changes: path → value: {"optim.lr": 3e-3, "train.steps": 5000}
    seeds: how many (from 0), or which; what of the group has been trained already is not trained again
    name: of the one run; group: of several, or of the one
    wait: for the end; without, it returns at once and training goes on by itself. Interrupted meanwhile (ctrl+c), what
        trains is asked to stop.

    Raises UserError for a wrong setting, and with `wait` where the one run failed or died.
    """
    chosen = load_preset(preset)
    wanted = chosen.config.changed({path: as_text(value) for path, value in (changes or {}).items()}, "train")
    place = _workspace(workspace)
    if seeds is None:
        if name is not None:
            check_typed_name(name)
        config = wanted if group is None else wanted.changed({"track.group": group}, "train")
        with closing(WarmLauncher(many=False)) as launcher:
            one = TrainedRun(commands.start(place, launcher, chosen.name, config, name, typed=list(changes or ())))
        return _followed(one.wait, one.stop) if wait else one
    if name is not None:
        raise UserError("train: several seeds have a group, and no name; use group=")
    numbers = _seeds(seeds)
    config, _ = resolved(wanted, "train")
    called = group or config.track.group or group_name(chosen.name, config, chosen.config)
    with closing(WarmLauncher()) as launcher:
        replication = Replication(place, launcher, chosen.name, config, numbers, called)
        replication.begin()
        several = TrainedRuns(TrainedRun(replication.runs[seed]) for seed in numbers)
        return _followed(several.wait, several.stop) if wait else several


def sweep(
    preset: str,
    changes: Mapping[str, object],
    *,
    seeds: int | Iterable[int] = 4,
    trials: int | None = None,
    sampler: Sampler | None = None,
    prune: Pruner | None = None,
    goal: str | None = None,
    name: str | None = None,
    wait: bool = True,
    workspace: Place = None,
) -> StartedSweep:
    """Try many settings of a preset, each with several seeds, as `seqsum sweep` does.

    changes: path → a list of values, a range as text ("8..64", "1e-4..1e-1:log"), or one value, which is set once
    seeds: how many of each setting (from 0), or which; trials: how many settings; None: a grid's
    sampler: how settings are chosen; None: grid for lists, tpe with a range; prune: give up bad settings early
    goal: the metric to be made better; None: accuracy, or else train.best_metric
    name: of the sweep; None: the preset's, with -sweep
    wait: for the end; without, it returns at once and the sweep goes on by itself. Interrupted meanwhile (ctrl+c), it
        is asked to save its runs and stop.

    Raises UserError for a wrong setting, or where there is nothing to go over; Optuna is needed.
    """
    library()
    chosen, place = load_preset(preset), _workspace(workspace)
    fixed, space = split({path: _swept(path, value) for path, value in changes.items()}, chosen.config)
    for word, given, known in (("sampler", sampler, SAMPLERS), ("prune", prune, PRUNERS)):
        if given not in (None, *known):
            raise UserError(f"sweep: {word} must be one of {', '.join(known)}, got {one_line(repr(given))}")
    if trials is not None and (type(trials) is not int or not 1 <= trials <= MOST_SETTINGS):
        raise UserError(f"sweep: trials is how many settings, 1 to {MOST_SETTINGS:,}; got {one_line(repr(trials))}")
    wanted = chosen.config.changed(fixed, "sweep")
    made = create(
        place,
        plan(
            chosen.name, wanted, space, _seeds(seeds, "sweep"), trials=trials, sampler=sampler, prune=prune, goal=goal,
            name=name,
        ),
        named=name is not None,
    )  # fmt: skip
    steering.drive_beside(place, made.name)
    started = StartedSweep(place, made.name)
    return _followed(started.wait, started.stop) if wait else started


def _swept(path: str, value: object) -> str:
    """Write what a sweep goes over in a field as a person types it. Raises UserError for a value that can't be."""
    if not isinstance(value, list | tuple | range):
        return as_text(value)
    texts = [as_text(one) for one in value]
    wrong = next((text for text in texts if "," in text), None)
    if wrong is not None or not texts:
        what = "an empty list" if wrong is None else f"a value with a comma, {one_line(repr(wrong))}"
        raise UserError(f"sweep: {path}: can't go over {what}")
    return ",".join(texts)


def _seeds(seeds: object, command: str = "train") -> Sequence[int]:
    """Return the seeds that are meant. Raises UserError."""
    found = range(seeds) if type(seeds) is int and 1 <= seeds <= MOST_SEEDS else ()
    if isinstance(seeds, Iterable) and not isinstance(seeds, str):
        found = tuple(islice(seeds, MOST_SEEDS + 1))
    fit = all(type(seed) is int and 0 <= seed < 2**32 for seed in found)
    if not fit or not 1 <= len(set(found)) == len(found) <= MOST_SEEDS:
        got = one_line(repr(seeds))
        raise UserError(
            f"{command}: seeds is how many, 1 to {MOST_SEEDS}, or which, different whole numbers; got {got}"
        )
    return found


def list_runs(filter: str = "", *, workspace: Place = None) -> TrainedRuns:
    """Return the runs of a workspace, newest first; `filter` as in the console: "optim.lr > 0.01 group:mine".

    Raises UserError for a filter that can't be read.
    """
    place = _workspace(workspace)
    return TrainedRuns(TrainedRun(Run(place.folder / one.id)) for one in listed(place, filter))


def find_run(name: str, *, workspace: Place = None) -> TrainedRun:
    """Return the run of a name, an id, or the beginning of an id. Raises UserError where there is none, or several."""
    return TrainedRun(_workspace(workspace).find(name))


def load(run: TrainedRun | str, checkpoint: Checkpoint = LAST, *, workspace: Place = None) -> Model:
    """Load the model of a run: of its last whole checkpoint, of the best by `train.best_metric`, or of a step.

    Raises UserError where there is no such checkpoint.
    """
    return Model(run.run if isinstance(run, TrainedRun) else find_run(run, workspace=workspace).run, checkpoint)


class _Settings(dict[str, Any]):
    def __missing__(self, path: str) -> Any:
        raise UserError(f"config: this run has no setting {one_line(str(path))}{did_you_mean(str(path), self)}")


class _Values(dict[str, float]):
    def __missing__(self, name: str) -> float:
        raise UserError(f"metrics: this run has no value of {one_line(str(name))}{did_you_mean(str(name), self)}")


def _workspace(folder: Place) -> Workspace:
    return Workspace(None if folder is None else Path(folder))


def _wait(runs: Sequence[TrainedRun], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    for one in runs:
        while (summary := one.run.summary()).live and summary.status != "paused":
            if time.monotonic() > deadline:
                raise TimeoutError(f"run {one.id} is still {summary.status} after {duration(seconds)}")
            time.sleep(LOOK_SECONDS)


def _followed(wait: Callable[[], Made], stop: Callable[[], None]) -> Made:
    try:
        return wait()
    except KeyboardInterrupt:
        stop()
        raise


def _table(runs: Iterable[TrainedRun]) -> str:
    """Runs as an HTML table, for a notebook; every text literally."""
    summaries = [one.run.outline() for one in runs]
    names = list(
        dict.fromkeys(name for one in summaries for name in ("loss", "accuracy", "mae") if one.value(name) is not None)
    )
    rows = []
    for one in summaries:
        values = [metric(name, one.value(name)) for name in names]
        rows.append((one.name, one.status, f"{one.step:,}", *values))
    return _html_table(("run", "status", "step", *names), rows)


def _html_table(heading: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Every text literally."""
    lines = ["<tr>" + "".join(f"<th>{html.escape(word)}</th>" for word in heading) + "</tr>"]
    lines += ["<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in row) + "</tr>" for row in rows]
    return f"<table>{''.join(lines)}</table>"


def _pandas() -> Any:
    """Return the library; raises UserError where it is not installed."""
    try:
        import pandas
    except ImportError:
        raise UserError("to_pandas needs pandas, which is not installed: pip install pandas") from None
    return pandas


def _chart(run: Run) -> str:
    """The curves of a run as an SVG picture; nothing where there are none."""
    from seqsum.export.run_plot import plot

    try:
        return svg(plot(run))
    except UserError:
        return ""

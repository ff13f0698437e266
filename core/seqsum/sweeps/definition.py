"""A sweep as it lies in its workspace: what it goes over, what is asked of its driver, and how far that has come.

`<workspace>/.sweeps/NAME/` holds `sweep.json` (what it goes over), `wanted.json` (what a person asks of the driver),
`settings.json` (each setting that was tried, written by the driver alone), `driver.lock` (held while a driver lives),
`driver.log` (what one without a terminal said of errors) and `optuna.log` (Optuna's own journal, which its dashboard
opens).
"""

from __future__ import annotations

import re
import time
from collections.abc import Container, Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from seqsum.config import Config
from seqsum.control.replicate import MOST_SEEDS
from seqsum.errors import UserError, did_you_mean, told_as
from seqsum.files import alone, is_held, read_json, write_json
from seqsum.formatting import count
from seqsum.runs import Workspace
from seqsum.runs.bounds import own_folder
from seqsum.runs.metric_direction import Direction, direction_of
from seqsum.sweeps.space import MOST_SETTINGS, Pruner, Sampler, Space, label, size
from seqsum.text import one_line, printable

FOLDER = ".sweeps"
DEFINITION, WANTED, SETTINGS, LOCK = "sweep.json", "wanted.json", "settings.json", "driver.lock"
JOURNAL, LOG = "optuna.log", "driver.log"
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.\-]{0,59}")

State = Literal["running", "complete", "pruned", "failed"]
Status = Literal["running", "paused", "stopped", "finished", "died"]


class Sweep(BaseModel):
    """What a sweep goes over.

    config: of the preset with what is set once, as `Config.plain`. seeds: of each setting; added: those of them that
    it did not begin with. trials: how many settings.
    goal: the metric whose last value says how well a run did; direction: which way it is better.
    on: the engine that starts its workers; on_options: what that is told of them.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(pattern=rf"^{NAME.pattern}$")
    preset: str
    config: dict[str, dict[str, Any]]
    space: Space
    seeds: tuple[int, ...] = Field(min_length=1, max_length=MOST_SEEDS)
    added: tuple[int, ...] = ()
    trials: int = Field(ge=1, le=MOST_SETTINGS)
    sampler: Sampler
    prune: Pruner
    goal: str
    on: str = "local"
    on_options: dict[str, str] = Field(default_factory=dict)
    created: float = 0.0

    @property
    def direction(self) -> Direction:
        """Which way the goal is better."""
        found = direction_of(self.goal)
        assert found is not None, "checked when it was made"
        return found

    @property
    def base(self) -> Config:
        """The configuration before a setting changes it."""
        return Config.parse(self.config, f"sweep {self.name}")

    def config_of(self, values: dict[str, str]) -> Config:
        """Return a setting's configuration. Raises ConfigError for values that can't stand together."""
        return self.base.changed(values, f"sweep {self.name}")

    def group_of(self, values: dict[str, str]) -> str:
        """Return what the group of a setting's runs is called."""
        return f"{self.name}: {label(values)}"


class Wanted(BaseModel):
    """What a person asks of the driver.

    reason: why it has stopped by itself. cause: what has asked it to stop, as its runs' reasons name it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    paused: bool = False
    stopped: bool = False
    reason: str = ""
    cause: str = ""


class Setting(BaseModel):
    """A setting that was tried, or is: its number, its values, its group of runs, and how it went.

    value: the median of the goal over its seeds, the worst as infinities; None before it is known.
    reason: why it failed, or after how many seeds it was given up; ended: which seeds these were. None where it was
    not given up, and of an earlier version's.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    number: int
    values: dict[str, str]
    group: str
    state: State = "running"
    value: float | None = None
    reason: str = ""
    ended: tuple[int, ...] | None = None


class Settings(BaseModel):
    """All of a sweep's settings, as its driver last wrote them.

    finished: all that the sweep had to try then is tried; seeds, trials: how many that were, None of an earlier
    version's.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    settings: tuple[Setting, ...] = ()
    finished: bool = False
    seeds: int | None = None
    trials: int | None = None

    def is_whole(self, sweep: Sweep) -> bool:
        """Whether nothing is left to try of the sweep as it is now: it may have got more seeds or settings since."""
        known = (self.seeds, len(sweep.seeds)), (self.trials, sweep.trials)
        return self.finished and all(then in (None, now) for then, now in known)


def place(workspace: Workspace) -> Path:
    """Return the folder of all sweeps of a workspace."""
    return own_folder(workspace.folder / FOLDER)


def check_name(name: str) -> str:
    """Return a sweep's name; raise UserError for what can't be one."""
    if NAME.fullmatch(name) is None:
        raise UserError(
            "sweep: a name is 1 to 60 letters, digits, _ - or ., and begins with a letter or digit; got "
            f'"{printable(name)[:80]}"'
        )
    return name


def folder_of(workspace: Workspace, name: str) -> Path:
    """Return the folder of a sweep. Raises UserError for what is no name of one."""
    check_name(name)
    return own_folder(place(workspace) / name)


def names(workspace: Workspace) -> list[str]:
    """Return the names of a workspace's sweeps, in order."""
    try:
        return sorted(path.parent.name for path in place(workspace).glob(f"*/{DEFINITION}"))
    except OSError:
        return []


def free_name(name: str, taken: Container[str]) -> str:
    """Return the name, with a number where it is taken: `adds-sweep`, `adds-sweep-2` …"""
    found, number = name, 2
    while found in taken:
        found, number = f"{name}-{number}", number + 1
    return found


def sweep_of(group: str | None, known: Container[str]) -> str | None:
    """Return the sweep, of those known, that a group of runs belongs to, if it does; see `Sweep.group_of`."""
    name, colon, _ = (group or "").partition(":")
    return name if colon and name in known else None


def create(workspace: Workspace, sweep: Sweep, *, named: bool) -> Sweep:
    """Write a new sweep down; return it under the name that it has then: with a number where that of the preset is
    taken, unless a person `named` it.

    Raises UserError for a name that is taken or can't be used, and when it can't be written.
    """
    with told_as(f"sweep: can't write in {workspace.folder}"):
        workspace.folder.mkdir(0o700, parents=True, exist_ok=True)
        place(workspace).mkdir(exist_ok=True)
        with alone(place(workspace)):
            taken = names(workspace)
            if named and sweep.name in taken:
                way_out = f"seqsum sweep --resume {sweep.name} goes on with it, or choose another name"
                there = f'there is a sweep "{sweep.name}" already'
                raise UserError(f"sweep: {there}; {way_out}", in_form=f"{there}; choose another name")
            name = free_name(sweep.name, taken)
            made = sweep.model_copy(update={"name": name, "created": time.time()})
            folder = folder_of(workspace, name)
            folder.mkdir(exist_ok=True)
            # Until a driver has it, it is stopped: nothing of it can have died.
            write_json(folder / WANTED, Wanted(stopped=True).model_dump(mode="json"))
            write_json(folder / DEFINITION, made.model_dump(mode="json"))
    return made


def read(workspace: Workspace, name: str) -> Sweep:
    """Read a sweep. Raises UserError when there is none of that name, or its file is damaged."""
    path = folder_of(workspace, name) / DEFINITION
    try:
        found = Sweep.model_validate(read_json(path))
    except FileNotFoundError:
        known = names(workspace)
        others = "; seqsum sweep --list lists those there are" if known else "; there is none yet"
        near = did_you_mean(name, known) or others
        raise UserError(f'sweep: no sweep "{name}" in {workspace.folder}{near}') from None
    except (OSError, ValueError) as error:
        raise UserError(f"sweep: can't read {path}: {_why(error)}") from None
    if found.name != name:
        # Two drivers would share the runs of one.
        raise UserError(
            f'sweep: {path} is that of the sweep "{found.name}", whose runs it names: a folder keeps its name'
        )
    return found


def extend(workspace: Workspace, sweep: Sweep, trials: int | None = None, seeds: Sequence[int] | None = None) -> Sweep:
    """Have a sweep try so many settings in all, and each with these seeds; raises UserError as `extended` does."""
    made = extended(workspace, sweep, trials, seeds)
    return sweep if made == sweep else rewrite(workspace, made)


def extended(
    workspace: Workspace, sweep: Sweep, trials: int | None = None, seeds: Sequence[int] | None = None
) -> Sweep:
    """Return a sweep with so many settings in all, and these seeds of each, not written down yet.

    Raises UserError for fewer settings than it has, or more than a grid has, and for seeds that lack one of its own.
    """
    changes = {**with_seeds(sweep, seeds), **_more_settings(workspace, sweep, trials)}
    return Sweep.model_validate({**sweep.model_dump(), **changes})


def with_seeds(sweep: Sweep, seeds: Sequence[int] | None) -> dict[str, tuple[int, ...]]:
    """Return what changes in a sweep whose settings shall have these seeds. Raises UserError as `extended` does."""
    if seeds is None:
        return {}
    if lacking := lacking_seeds(sweep, seeds):
        known = f"{min(sweep.seeds)}-{max(sweep.seeds)}" if len(sweep.seeds) > 1 else str(sweep.seeds[0])
        raise UserError(
            f"sweep: {sweep.name} has the seeds {known} already; --seeds names all of them and more, and lacks "
            f"{lacking[0]}"
        )
    added = tuple(seed for seed in seeds if seed not in sweep.seeds)
    # Those that are there stay where they are: what was told to Optuna is told by their places.
    return {"seeds": sweep.seeds + added, "added": sweep.added + added} if added else {}


def lacking_seeds(sweep: Sweep, seeds: Sequence[int]) -> list[int]:
    """Return the seeds of a sweep that are not among these, in order."""
    return sorted({*sweep.seeds} - {*seeds})


def _more_settings(workspace: Workspace, sweep: Sweep, trials: int | None) -> dict[str, int]:
    if trials is None:
        return {}
    has = max(sweep.trials, len(read_settings(workspace, sweep.name).settings))
    most = size(sweep.space)
    if sweep.sampler == "grid" and most is not None and trials > most:
        raise UserError(f"sweep: this grid has {most} settings; --trials can't be {trials}")
    if trials < has:
        there = f"{sweep.name} has {count(has, 'setting')} already"
        raise UserError(f"sweep: {there}; --trials is how many there shall be in all, and can't be {trials}")
    return {"trials": trials}


def rewrite(workspace: Workspace, sweep: Sweep) -> Sweep:
    """Write down what a sweep is from now on; return it. Raises UserError where it can't be written."""
    with told_as(f"sweep: can't write in {workspace.folder}"):
        write_json(folder_of(workspace, sweep.name) / DEFINITION, sweep.model_dump(mode="json"))
    return sweep


def read_wanted(workspace: Workspace, name: str) -> Wanted:
    """Return what is asked of a sweep's driver; nothing where nothing is, or that can't be read."""
    try:
        return Wanted.model_validate(read_json(folder_of(workspace, name) / WANTED))
    except (OSError, ValueError):
        return Wanted()


def want(workspace: Workspace, name: str, wanted: Wanted) -> None:
    """Ask a sweep's driver for something. Raises UserError when that can't be written."""
    with told_as(f"sweep: can't write in {workspace.folder}"):
        write_json(folder_of(workspace, name) / WANTED, wanted.model_dump(mode="json"))


def read_settings(workspace: Workspace, name: str) -> Settings:
    """Return the settings of a sweep so far. Raises UserError when their file is damaged."""
    path = folder_of(workspace, name) / SETTINGS
    try:
        return Settings.model_validate(read_json(path))
    except FileNotFoundError:
        return Settings()
    except (OSError, ValueError) as error:
        way_out = f"seqsum sweep --resume {name} makes it anew"
        raise UserError(f"sweep: can't read {path}: {_why(error)}; {way_out}") from None


def status_of(workspace: Workspace, sweep: Sweep) -> Status:
    """Tell how a sweep stands: `died` where nothing drives it, and nobody stopped it before its end. One that was
    finished and has more to try since is stopped."""
    folder, wanted = folder_of(workspace, sweep.name), read_wanted(workspace, sweep.name)
    if is_held(folder / LOCK):
        return "paused" if wanted.paused else "running"
    try:
        settings = read_settings(workspace, sweep.name)
        if settings.finished:
            return "finished" if settings.is_whole(sweep) else "stopped"
    except UserError:
        pass
    return "stopped" if wanted.stopped else "died"


def _why(error: OSError | ValueError) -> str:
    if isinstance(error, ValidationError):
        first = error.errors(include_url=False)[0]
        return one_line(f"{'.'.join(map(str, first['loc']))}: {first['msg']}")
    return one_line(getattr(error, "strerror", None) or str(error))

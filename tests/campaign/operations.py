"""What people and workers do with runs, each thing made or not made, and what is said of a workspace before and
after."""

from __future__ import annotations

import contextlib
import io
import json
import random
import re
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from campaign.report import Count, NothingCalled
from seqsum import cli, worker
from seqsum.control import commands, fork_rewind
from seqsum.errors import UserError
from seqsum.runs import Run, Workspace
from seqsum.runs.checkpoint_files import steps_saved
from seqsum.training import checkpoint
from seqsum.worker.fork_server import load
from seqsum_tui.settings.store import Settings
from support.engine import new_run, outcome_of, small
from support.said import said_of

TRAINED = "first"
UNMADE = re.compile(r"^\..*\.tmp$|-wal$|-shm$|-journal$|^\.(deleted|changed|change\.lock)$")
"""Files that are part of others, or become them when they are whole, those that only have a time, and an empty lock."""
OWN_WORDS = re.compile(r"rewound-[0-9-]+|\d{8}-\d{6}-[0-9a-z]{4}")
UNTOLD = {
    "checksum",
    "git_commit",
    "command",
    "directory",
    "updated",
    "launched",
    "launcher",
    "created",
    "steps_per_second",
    "train_seconds",
    "wall_time",
    "cpu_percent",
    "memory_mb",
}
SETTINGS = "console.toml"


@dataclass(frozen=True)
class Operation:
    """Something that is done in a workspace.

    prepare makes the workspace; work is done in it and returns an exit status; none of it may be half done.
    """

    name: str
    prepare: Callable[[Path], object]
    work: Callable[[Path], int]


def command(*words: str) -> Callable[[Path], int]:
    return lambda folder: cli.main([words[0], *words[1:], "--workspace", str(folder)])


def told(work: Callable[[Path], object]) -> Callable[[Path], int]:
    """Work whose errors are told as the command line tells them."""

    def call(folder: Path) -> int:
        try:
            work(folder)
        except (UserError, OSError, sqlite3.Error) as error:
            print(error)
            return 2
        return 0

    return call


@cache
def trained(folder: Path) -> Run:
    """Make the run that all of these begin with, once for each folder."""
    run = new_run(folder, small(train__steps=100), TRAINED)
    assert quietly(lambda: worker.main([str(run.folder)])) == 0
    return run


def quietly(work: Callable[[], int]) -> int:
    with contextlib.redirect_stdout(io.StringIO()):
        return work()


class Bases:
    """Workspaces as they are before an operation, made once and copied for each trial."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def _make(self, name: str, fill: Callable[[Path], object]) -> Path:
        base = self._folder / name
        if not base.exists():
            fill(base)
        return base

    def trained(self) -> Path:
        return self._make("trained", trained)

    def changed(self, name: str, work: Callable[[Path], object]) -> Path:
        def fill(base: Path) -> None:
            shutil.copytree(self.trained(), base)
            with contextlib.redirect_stdout(io.StringIO()):
                work(base)

        return self._make(name, fill)


def run_in(folder: Path, name: str = TRAINED) -> Run:
    return Workspace(folder).find(name)


def _copy(base: Callable[[], Path]) -> Callable[[Path], object]:
    return lambda folder: shutil.copytree(base(), folder)


def _settings(folder: Path) -> None:
    settings = Settings(folder.parent / SETTINGS)
    settings.put("theme", "nord")
    settings.save()


def operations(bases: Bases) -> list[Operation]:
    rewound = lambda: bases.changed("rewound", lambda base: commands.rewind(run_in(base), 25))  # noqa: E731
    deleted = lambda: bases.changed("deleted", command("delete", TRAINED))  # noqa: E731
    noted = lambda: bases.changed("noted", command("note", TRAINED, "before"))  # noqa: E731
    first = _copy(bases.trained)
    return [
        Operation("new run", first, told(lambda folder: new_run(folder, small(), "second"))),
        Operation("fork", first, told(lambda at: fork_rewind.fork(Workspace(at), run_in(at), 50, {"optim.lr": 0.01}))),
        Operation("rewind", first, command("rewind", TRAINED, "--step", "25")),
        Operation("rewind --undo", _copy(rewound), command("rewind", TRAINED, "--undo")),
        Operation("delete", first, command("delete", TRAINED)),
        Operation("restore", _copy(deleted), command("restore", TRAINED)),
        Operation("bin --empty", _copy(deleted), command("bin", "--empty")),
        Operation("rename", first, command("rename", TRAINED, "other")),
        Operation("tag", first, command("tag", TRAINED, "one", "two")),
        Operation("note", _copy(noted), command("note", TRAINED, "after")),
        Operation("star", first, command("star", TRAINED)),
        Operation("set", _copy(rewound), command("set", TRAINED, "optim.lr=0.001")),
        Operation("settings", first, told(_settings)),
    ]


def said_in(folder: Path) -> dict[str, Any]:
    """Return what a workspace says: of its runs, of its bin and, beside it, of the console's settings."""
    workspace = Workspace(folder)
    settings = folder.parent / SETTINGS
    return {
        "runs": sorted(_words(workspace.find(run.id)) for run in workspace.runs()),
        "bin": sorted(_words(run) for run in workspace.bin.runs()),
        "settings": settings.read_text() if settings.exists() else None,
    }


def counts(
    folder: Path, seed: int, most: int, only: str, operate: Callable[..., Count], train: Callable[..., Count]
) -> Iterator[Count]:
    """Yield what trials of every operation and kind of training whose name has `only` in it gave: at most so many of
    each, 0 for all. Raises NothingCalled where there is none."""
    tries = [(operate, operation.name, operation) for operation in operations(Bases(folder / "bases"))]
    tries += [(train, training.name, training) for training in TRAININGS]
    chosen = [one for one in tries if only in one[1]]
    if not chosen:
        raise NothingCalled(f"nothing is called {only!r}; there are {'; '.join(name for _, name, _ in tries)}")
    # Each trial is a child of this process: what it loads is loaded once.
    load()
    for make, name, what in chosen:
        yield make(what, folder / "work", random.Random(f"{seed} {name}"), most)


def leftovers(folder: Path) -> list[str]:
    """Return what was begun and not made: the next that is made of the kind takes it away."""
    return [str(path.relative_to(folder)) for unmade in (".*.new", ".*.old", ".*.tmp") for path in folder.rglob(unmade)]


def _words(run: Run) -> str:
    said = said_of(run, UNTOLD)
    kept = {name: text for name, text in said.items() if not UNMADE.search(Path(name).name)}
    return OWN_WORDS.sub("drawn", json.dumps(kept, sort_keys=True))


# A worker's run is not made or unmade: it goes on, and ends as if nothing had happened.


@dataclass(frozen=True)
class Training:
    """A run that a worker trains, from its beginning or from a kill on, and how it ends when nobody hinders it."""

    name: str
    changes: dict[str, Any]
    resumes: bool = False
    value_set: tuple[str, str] | None = None
    """A field and its value, which the run takes when it goes on."""

    def prepare(self, folder: Path) -> Run:
        run = new_run(folder, small(**self.changes), TRAINED)
        if self.resumes:
            assert quietly(lambda: worker.main([str(run.folder)])) == 0
            commands.rewind(run, 25)
        if self.value_set is not None:
            commands.set_value(run, *self.value_set)
        return run

    @staticmethod
    def work(folder: Path) -> int:
        return worker.main([str(run_in(folder).folder)])


TRAININGS = (
    Training("train, fused", {"train__backend": "fused", "train__steps": 100}),
    Training("train, torch", {"train__backend": "torch", "train__steps": 60}),
    Training("train, keeping two", {"train__backend": "fused", "train__steps": 100, "train__keep_checkpoints": 2}),
    Training("resume, fused", {"train__backend": "fused", "train__steps": 100}, resumes=True),
    Training("resume, torch", {"train__backend": "torch", "train__steps": 60}, resumes=True),
    Training("resume after set", {"train__backend": "fused", "train__steps": 100}, True, ("optim.lr", "0.001")),
)


def whole(run: Run) -> str | None:
    """Return what is wrong with a run that nobody works on; None where nothing is."""
    summary = run.summary()
    if run.worker_lives or summary.status in ("running", "starting", "paused"):
        return f"it reads {summary.status}, and no worker is at it"
    steps = steps_saved(run.checkpoints)
    for step in steps:
        try:
            checkpoint.load(run.checkpoints / f"step-{step}")
        except (UserError, OSError, ValueError) as error:
            return f"the checkpoint of step {step}: {error}"
    with run.store() as store:
        for metric in store.metrics():
            made = store.points(metric)[0].tolist()
            if made != sorted(set(made)):
                return f"the steps of {metric} are not in order, or one is there twice"
    return None


def ends_alike(run: Run, right: Any) -> str | None:
    """Return in what a run that was gone on with differs from one that nobody touched; None where in nothing."""
    summary = run.summary()
    if summary.status != "finished":
        return f"gone on with, it reads {summary.status}: {summary.reason}"
    return None if outcome_of(run) == right else "its points or its weights are other ones"

"""What is wrong with the files of runs, and how what can be mended is mended.

Looking changes nothing. A mend deletes nothing that could be somebody's data: what can't be used is kept beside.
"""

from __future__ import annotations

import os
import sqlite3
import stat
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import safetensors

from seqsum import plugins
from seqsum.config import Config
from seqsum.errors import UserError
from seqsum.files import CHANGE_LOCK, LARGEST_JSON, clear_temporary, is_changing, read_json, read_regular
from seqsum.formatting import count
from seqsum.runs import checkpoint_files, rewinding
from seqsum.runs.annotations import ANNOTATIONS_FILE
from seqsum.runs.bounds import free_name, keep_as, own_folder, remove
from seqsum.runs.changes import CHANGED_FILE
from seqsum.runs.checkpoint_files import MODEL_FILE, OPTIMIZER_FILE, STATE_FILE, DamagedCheckpoint
from seqsum.runs.database import StoreBusy
from seqsum.runs.gone import BIN_FOLDER
from seqsum.runs.index import INDEX_FILE
from seqsum.runs.kept import RUN_FILE
from seqsum.runs.lock import LOCK_FILE, no_worker
from seqsum.runs.measure import MEASURE
from seqsum.runs.ownership import checkpoint_of_another, known_config, record_of_another
from seqsum.runs.record import RECORD_FILE, Record, altered, another, give_back, is_as_written, some, sound_copy
from seqsum.runs.run import CHECKPOINTS, ENDED_STATUSES, LOG_FILE, METRICS_FILE, Run
from seqsum.runs.salvage import ROLLUP, bring_back, lost_points, roll_up, salvage, wrong_with
from seqsum.runs.store import OF_LOG, UNREADABLE, Store
from seqsum.runs.workspace import Workspace
from seqsum.slots import FOLDER as SLOTS_FOLDER
from seqsum.slots import QUEUE, Slots
from seqsum.text import one_line

OWN_FILES = (CHANGED_FILE, INDEX_FILE, CHANGE_LOCK)
"""The files of a workspace beside its runs."""
MOST_ROUNDS = 3


@dataclass(frozen=True)
class Finding:
    """Something that is wrong.

    what: a sentence that names the thing. remedy: what mending it does, or else what a person can do; may be empty.
    mend: does that, where it can be done from here, and may return what came of it. mended: it was done.
    """

    what: str
    remedy: str = ""
    mend: Callable[[], object] | None = None
    mended: bool = False


def examine(run: Run, *, repair: bool = False) -> list[Finding]:
    """Return what is wrong with a run; with `repair` what can be mended is mended first, unless a worker is at it.

    Raises RunGone when its folder is not there.
    """
    live = _is_live(run)
    found = list(_findings(run, live))
    if live:
        # What is seen once only was being written, or pruned.
        stays = {one.what for one in _findings(run, live)} if found else set[str]()
        found = [one for one in found if one.what in stays]
        wait = f"not mended while a worker is at it; stop it first: seqsum stop {run.id}"
        return [replace(one, remedy=wait, mend=None) if one.mend else one for one in found]
    if not repair or not any(one.mend for one in found):
        return found
    try:
        odd_lock = [_mended(one) for one in _lock(run)]
        with no_worker(own_folder(run.folder), "doctor"):
            return [*odd_lock, *_all_mended(run)]
    except UserError as error:
        why = str(error).removeprefix("doctor: ")
        return [replace(one, remedy=f"not mended: {why}", mend=None) if one.mend else one for one in found]


def _all_mended(run: Run) -> list[Finding]:
    """Mend what can be mended, and what is seen only once that is mended."""
    done = list[Finding]()
    for _ in range(MOST_ROUNDS):
        known = {one.what for one in done}
        found = [_mended(one) for one in _findings(run, live=False) if one.what not in known]
        done += [one for one in found if one.mended]
        left = [one for one in found if not one.mended]
        if len(left) == len(found):
            break
    return [*done, *left]


def examine_workspace(workspace: Workspace, *, repair: bool = False) -> list[Finding]:
    """Return what is wrong with a workspace beside its runs, as `examine` does."""
    found = _of_workspace(workspace)
    return [_mended(one) for one in found] if repair else list(found)


def _mended(finding: Finding) -> Finding:
    if finding.mend is None:
        return finding
    try:
        came = finding.mend()
    except (OSError, UserError, sqlite3.Error) as error:
        why = error.strerror if isinstance(error, OSError) else None
        return replace(finding, remedy=f"not mended: {why or error}", mend=None)
    return replace(finding, remedy=came if isinstance(came, str) else finding.remedy, mended=True)


def _findings(run: Run, live: bool) -> Iterator[Finding]:
    """Yield one after the other: what comes later is looked at when what came before may be mended already."""
    if not run.folder.is_dir() or not os.access(run.folder, os.R_OK | os.X_OK):
        why = "can't be looked into" if run.folder.is_dir() else "is not a folder"
        yield Finding(f"{run.folder} {why}")
        return
    at_rest = () if live else (_rewinds, _leftovers)
    for look in (_rights, _lock, _change_lock, _store, _record, _annotations, _checkpoints, *at_rest, _fields):
        try:
            with run.reading():
                yield from look(run)
        except UserError as error:
            yield Finding(_said(run, error))


def _is_live(run: Run) -> bool:
    """Whether a worker is at a run, or may be."""
    try:
        return not any(_lock(run)) and run.worker_lives
    except OSError:
        return True


def _said(run: Run, error: UserError) -> str:
    return str(error).removeprefix("runs: ").replace(f"{run.folder}/", "")


def _denied(path: Path) -> bool:
    """Whether something is there that we have no right to read, which is no damage."""
    return os.path.lexists(path) and not path.is_symlink() and not os.access(path, os.R_OK)


def _beside(path: Path, name: str = "") -> Path:
    return free_name(path.with_name(name or f"{path.name}.damaged"))


# The parts of a run


def _rights(run: Run) -> Iterator[Finding]:
    """Earlier versions let the group write its folder, but not the store and the log."""
    around = run.folder.stat()
    if not around.st_mode & stat.S_IWGRP:
        return
    for name in (METRICS_FILE, f"{METRICS_FILE}-wal", f"{METRICS_FILE}-shm", RECORD_FILE, ANNOTATIONS_FILE, LOG_FILE):
        path = run.folder / name
        with suppress(FileNotFoundError):
            facts = path.lstat()
            if stat.S_ISREG(facts.st_mode) and facts.st_gid == around.st_gid and not facts.st_mode & stat.S_IWGRP:
                mend = partial(path.chmod, stat.S_IMODE(facts.st_mode) | stat.S_IRGRP | stat.S_IWGRP)
                yield Finding(f"{name} may not be written by the group, its folder may", "the group may write it", mend)


def _lock(run: Run) -> Iterator[Finding]:
    yield from _no_file(run.folder / LOCK_FILE, "no worker can begin")


def _change_lock(run: Run) -> Iterator[Finding]:
    yield from _no_file(run.folder / CHANGE_LOCK, "name, tags, note and star can't be changed")


def _no_file(path: Path, so_that: str) -> Iterator[Finding]:
    if os.path.lexists(path) and not stat.S_ISREG(path.lstat().st_mode):
        aside = _beside(path)
        yield Finding(f"{path.name} is not a file, so that {so_that}", f"kept as {aside.name}",
                      partial(path.rename, aside))  # fmt: skip


def _store(run: Run) -> Iterator[Finding]:
    path = run.folder / METRICS_FILE
    if os.path.lexists(run.folder / RUN_FILE):
        with run.store() as store:
            yield from _status(run, store)
        return
    try:
        with run.store() as store:
            wrong = wrong_with(store)
            id = None if wrong else another(run.folder, store.copy_of(RECORD_FILE))
            lost = lost_points(store) if wrong == ROLLUP else []
            if lost:
                yield _lost(run, lost)
            elif wrong == ROLLUP:
                yield Finding(f"{path.name}: {wrong}", "made anew from the points", lambda: _roll_up(run))
            elif wrong is None and id is None:
                yield from _status(run, store)
        said = wrong and f"{path.name}: {wrong}"
        if id is not None:
            yield from _store_of_another(run, id)
    except StoreBusy as error:
        yield Finding(_said(run, error))
        return
    except UserError as error:
        wrong, said = str(error), _said(run, error)
        if _denied(path):
            yield Finding(said)
            return
    if wrong and said and wrong != ROLLUP:
        aside = _beside(path)
        kept = f", and what is there is kept as {aside.name}" if os.path.lexists(path) else ""
        remedy = f"a new one takes over every point that can be read{kept}"
        yield Finding(said, remedy, lambda: f"a new one holds {count(_salvage(run, aside), 'point')} of it{kept}")


def _store_of_another(run: Run, id: str) -> Iterator[Finding]:
    path, text = run.folder / METRICS_FILE, b""
    with suppress(OSError):
        text = read_regular(run.folder / RECORD_FILE, LARGEST_JSON)
    what, aside = f"{METRICS_FILE} is that of run {id}", _beside(path)
    if is_as_written(text) and another(run.folder, text) is None:
        remedy = f"a new one knows what the newest checkpoint does; what is there is kept as {aside.name}"
        yield Finding(what, remedy, lambda: (path.rename(aside), _salvage(run, aside)))
    else:
        yield Finding(what, _call_it(id))


def _call_it(id: str) -> str:
    return f"call the folder {id} to go on with that run"


def _lost(run: Run, lost: list[str]) -> Finding:
    aside = _beside(run.folder / METRICS_FILE)
    kept = f"the store as it is is kept as {aside.name}"

    def mend() -> str:
        with run.store() as store:
            store.copy_to(aside)
            bring_back(store, store.database)
            left = lost_points(store)
        _roll_up(run)
        return f"{f'{some(left)} stay lost' if left else 'brought back from the roll-up of the points'}; {kept}"

    remedy = f"those that the roll-up of the points knows are brought back, and {kept}"
    return Finding(f"{METRICS_FILE} lacks {some(lost)}", remedy, mend)


def _roll_up(run: Run) -> None:
    with run.store() as store:
        roll_up(store)


def _salvage(run: Run, aside: Path) -> int:
    points = salvage(run.folder / METRICS_FILE, aside)
    with run.store() as store, suppress(OSError):
        if any(_status(run, store)):
            _set_status(run)
        for one in _without_copy(run):
            _mended(one)
    return points


def _status(run: Run, store: Store) -> Iterator[Finding]:
    """A store that does not say how the run ended."""
    if store.state()["status"] == UNREADABLE:
        problem = next(text for text in store.problems if " status " in text)
        yield Finding(problem, "taken from the record and the newest checkpoint", lambda: _set_status(run))


def _set_status(run: Run) -> None:
    """Have the store say what the record and the newest whole checkpoint know."""
    outcome = run.record_or_blank().outcome or {}
    step, state = _newest(run)
    train = (state.get("config") or {}).get("train") or {}
    at_rest = "finished" if step and train.get("steps") == step else "stopped"
    status = outcome.get("status") if outcome.get("status") in ENDED_STATUSES else at_rest
    with run.store() as store:
        store.set_state(
            status=status, reason=outcome.get("reason"), step=step, points_step=step, durable_step=step,
            changes=state.get("changes", {}), train_seconds=state.get("train_seconds", 0.0),
        )  # fmt: skip


def _newest(run: Run) -> tuple[int, dict[str, Any]]:
    """Return the step and the state of the newest whole checkpoint; 0 and nothing where there is none."""
    newest = checkpoint_files.newest_whole(run.checkpoints)
    step = newest[0] if newest is not None else None
    if step is None:
        return 0, {}
    return step, checkpoint_files.read_state(checkpoint_files.folder_of(run.checkpoints, step))


def _record(run: Run) -> Iterator[Finding]:
    path, copy, without = run.folder / RECORD_FILE, None, "there is no copy of it to give back"
    try:
        with run.store() as store:
            copy = sound_copy(store)
    except UserError:
        without = f"what {METRICS_FILE} knows of it is seen when that is mended"
    unreadable = False
    try:
        Record.read(run.folder)
    except UserError as error:
        wrong, unreadable = _said(run, error), True
    else:
        said = altered(run.folder, copy)
        if said is None:
            yield from _without_copy(run)
            return
        wrong = said
        if (id := record_of_another(run)) is not None:
            without = _call_it(id)
    if _denied(path):
        yield Finding(wrong)
        return
    aside = _beside(path)
    kept = f", and what is there is kept as {aside.name}" if os.path.lexists(path) else ""
    step, state = _newest(run)
    if copy is not None:
        yield Finding(wrong, f"given back from its copy in {METRICS_FILE}{kept}", partial(give_back, path, copy))
    elif unreadable and isinstance(state.get("config"), dict):
        remedy = f"made anew from the checkpoint of step {step:,}, without what only it knew (versions, host){kept}"
        yield Finding(wrong, remedy, lambda: _record_anew(run, state, aside))
    else:
        yield Finding(wrong, without)


def _without_copy(run: Run) -> Iterator[Finding]:
    """A sound record that the store has no copy of; an earlier version kept none, and no checksum either."""
    text = read_regular(run.folder / RECORD_FILE, LARGEST_JSON)
    with suppress(UserError), run.store() as store:
        if (
            is_as_written(text)
            and sound_copy(store) is None
            and another(run.folder, store.copy_of(RECORD_FILE)) is None
        ):
            yield Finding(f"{METRICS_FILE} lacks its copy of {RECORD_FILE}", "kept there again",
                          lambda: _keep_copy(run, text.decode()))  # fmt: skip


def _keep_copy(run: Run, text: str) -> None:
    with run.store() as store:
        store.keep_copy(RECORD_FILE, text)


def _record_anew(run: Run, state: dict[str, Any], aside: Path) -> None:
    """Write a record from what a checkpoint, the store and the list of runs know."""
    plugins.load()
    config = Config.parse(state["config"], f"run {run.id}")
    # What the list of runs knows of one whose record can't be read.
    known = next(one for one in Workspace(run.folder.parent).summaries() if one.id == run.id)
    with run.store() as store:
        said, forks = store.state(), store.events(kind="forked")
        parent = {"run": forks[0].detail.get("run"), "step": forks[0].step} if forks else None
        outcome = {"status": said["status"], "reason": said.get("reason"), "step": said["step"]}
        record = replace(
            Record.new(run.id, known.name, known.preset, config, parent),
            created=datetime.fromtimestamp(known.created, UTC).isoformat(timespec="milliseconds"),
            versions={},
            git_commit=None,
            command="",
            directory="",
            host="",
            outcome=outcome if said["status"] in ENDED_STATUSES else None,
            measured_since=0 if state.get("measure") == MEASURE else None,
        )
        keep_as(run.folder / RECORD_FILE, aside)
        record.write(run.folder, store)


def _rewinds(run: Run) -> Iterator[Finding]:
    for name, _ in rewinding.under_way(run)[:1]:
        yield Finding(f"a rewind ({name}) was killed on its way", "ended", lambda: rewinding.settle(run))


def _annotations(run: Run) -> Iterator[Finding]:
    path = run.folder / ANNOTATIONS_FILE
    try:
        wrong = None if not os.path.lexists(path) or isinstance(read_json(path), dict) else "it is no section"
    except (OSError, ValueError) as error:
        wrong = getattr(error, "strerror", None) or str(error)
    if wrong:
        aside = _beside(path)
        what = f"can't read {path.name}, which holds name, tags, note and star: {wrong}"
        remedy = f"kept as {aside.name}, and the run is as its record says"
        yield Finding(what) if _denied(path) else Finding(what, remedy, partial(path.rename, aside))


def _checkpoints(run: Run) -> Iterator[Finding]:
    own_folder(run.checkpoints)
    own, shapes = known_config(run), None
    steps = checkpoint_files.steps_saved(run.checkpoints)
    for step in steps:
        path = checkpoint_files.folder_of(run.checkpoints, step)
        try:
            found, state = _shapes(path, step)
        except DamagedCheckpoint as error:
            if path.exists():  # else a worker has pruned it meanwhile
                aside = _beside(path, f"damaged-{path.name}")
                what = f"the checkpoint of step {step:,} is damaged: {one_line(error.what)}"
                if any(map(_denied, (path, *path.glob("*")))):
                    yield Finding(f"the checkpoint of step {step:,} can't be read: {one_line(error.what)}")
                    continue
                kept = f"kept as {CHECKPOINTS}/{aside.name}, where nobody takes it for a whole one"
                yield Finding(what, kept + _rest_anew(run, step, steps),
                              partial(_set_aside, run, path, aside))  # fmt: skip
            continue
        if (whose := checkpoint_of_another(step, own, state)) is not None:
            aside = _beside(path, f"foreign-{path.name}")
            yield Finding(whose, f"kept as {CHECKPOINTS}/{aside.name}, where nobody goes on from it",
                          partial(_set_aside, run, path, aside))  # fmt: skip
            continue
        if shapes is not None and found != shapes:
            yield Finding(f"the weights of step {step:,} have other names or shapes than those before it")
        shapes = found
    yield from _not_there(run)


def _rest_anew(run: Run, step: int, steps: list[int]) -> str:
    """Say how a finished run gets the last of these checkpoints' steps again; "" for another's."""
    before = [saved for saved in steps if saved < step]
    with suppress(UserError), run.store() as store:
        if store.state()["status"] == "finished" and step == max(steps) and before:
            return f"; to make the rest again: seqsum rewind {run.id} --step {before[-1]}, and resume it"
    return ""


def _set_aside(run: Run, path: Path, aside: Path) -> None:
    path.rename(aside)
    _say_newest(run)


def _say_newest(run: Run) -> None:
    """Have the store not claim a later checkpoint than there is."""
    newest = checkpoint_files.newest_step(run.checkpoints) or 0
    with run.store() as store:
        if (store.state().get("durable_step") or 0) > newest:
            store.set_state(durable_step=newest)


def _not_there(run: Run) -> Iterator[Finding]:
    """A checkpoint that the store says is saved, where there is none of its step or a later one."""
    durable, finished = 0, False
    with suppress(UserError), run.store() as store:
        said = store.state()
        durable, finished = said.get("durable_step") or 0, said["status"] == "finished"
    newest = checkpoint_files.newest_step(run.checkpoints)
    if newest is None:
        aside = any(run.checkpoints.glob("*-step-*"))
        if aside or durable:
            gone = f"the checkpoint of step {durable:,} is gone, and there is no other"
            yield Finding("there is no checkpoint but what was set aside" if aside else gone,
                          "it has ended, so only a new run with its settings makes its model again" if finished
                          else "resumed, the run begins at step 0 again")  # fmt: skip
    elif durable > newest and not rewinding.under_way(run):
        remedy = f"the newest that {METRICS_FILE} names is that of step {newest:,}, " + (
            f"and the run ended later; rewind it to step {newest:,} and resume it to make the rest again"
            if finished
            else "from which the run goes on"
        )
        yield Finding(f"the checkpoint of step {durable:,} is gone", remedy, lambda: _say_newest(run))


def _shapes(path: Path, step: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the shapes of a checkpoint's weights by name, and its state; raise DamagedCheckpoint when it can't be
    read."""
    data = checkpoint_files.whole_files(path)
    state = checkpoint_files.json_object(path, STATE_FILE, data[STATE_FILE])
    if state.get("step") != step or not isinstance(state.get("config"), dict):
        raise DamagedCheckpoint(path, f"{STATE_FILE} holds another step than its folder's name, or no config")
    for name in (OPTIMIZER_FILE, MODEL_FILE):
        try:
            tensors = safetensors.deserialize(data[name])  # type: ignore[no-untyped-call]
        except safetensors.SafetensorError as error:
            raise DamagedCheckpoint(path, f"{name} is no safetensors file: {error}") from None
    return {name: facts["shape"] for name, facts in tensors}, state


def _leftovers(run: Run) -> Iterator[Finding]:
    files = [run.folder / name for name in (RECORD_FILE, ANNOTATIONS_FILE)]
    names = [name for file in files for name in clear_temporary(file, look=True)]
    names += [path.name for path in sorted(run.checkpoints.glob(".step-*.*")) if path.suffix in (".old", ".new")]
    building = run.folder / f".{METRICS_FILE}.new"
    names += [building.name] if os.path.lexists(building) else []

    def clear() -> None:
        for file in files:
            clear_temporary(file)
        checkpoint_files.tidy(run.checkpoints)
        remove(building)

    if names:
        yield Finding(f"killed commands left {some(names)}", "cleared away", clear)


def _fields(run: Run) -> Iterator[Finding]:
    """What is of another kind than it has to be, where not the whole file is told already."""
    of_record = [one.what for one in _record(run) if not one.what.startswith(METRICS_FILE)]
    told = (OF_LOG, f"{METRICS_FILE}: status ", *([f"{RECORD_FILE}:"] if of_record else []))
    with suppress(UserError):
        Record.read(run.folder)
        for problem in Run(run.folder).summary().problems:
            if not problem.startswith(told):
                yield Finding(problem)


# The workspace


def _of_workspace(workspace: Workspace) -> Iterator[Finding]:
    slots, own = Slots(workspace.folder, 0), [workspace.folder / name for name in OWN_FILES]
    for path in (workspace.folder / BIN_FOLDER, slots.folder, *own, *slots.places()):
        is_folder = path.name in (BIN_FOLDER, SLOTS_FOLDER, QUEUE)
        is_ours, what = (stat.S_ISDIR, "a folder") if is_folder else (stat.S_ISREG, "a file")
        if os.path.lexists(path) and not is_ours(path.lstat().st_mode):
            aside = _beside(path)
            yield Finding(f"{path} is not {what}", f"kept as {aside.name}", partial(path.rename, aside))
    left: list[Path] = []
    with suppress(OSError):
        found = workspace.unfinished()
        # A run that is being made now is no leftover, nor one that was ready meanwhile.
        left = [] if is_changing(workspace.folder) else [folder for folder in found if folder.exists()]
    if left:
        yield Finding(
            f"killed commands left {some([folder.name for folder in left])}",
            "cleared away",
            lambda: _clear_unfinished(workspace),
        )
    dead: list[str] = []
    with suppress(OSError):  # another user's
        dead = [ticket for ticket in slots.tickets() if not slots.waits(ticket)]
    if dead:
        what = f"{count(len(dead), 'place')} in the queue of workers that are gone"
        yield Finding(what, "given up", lambda: _drop(slots, dead))


def _drop(slots: Slots, tickets: list[str]) -> None:
    for ticket in tickets:
        slots.drop(ticket)


def _clear_unfinished(workspace: Workspace) -> None:
    with workspace.alone():
        workspace.clear_unfinished()

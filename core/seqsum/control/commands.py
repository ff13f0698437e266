"""What a person can ask of a run, in one place for the command line and the console. No torch here.

Every function raises UserError, in one sentence, when the run's status does not allow it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from seqsum import plugins
from seqsum.config import LIVE_FIELDS, Config, resolved
from seqsum.control import fork_rewind
from seqsum.errors import UserError, did_you_mean
from seqsum.formatting import duration, enumerated
from seqsum.launch import Launcher, cancel
from seqsum.models.settings import AutoregressiveConfig
from seqsum.models.size import model_size
from seqsum.runs import LIVE_STATUSES, Run, Summary, Workspace, provenance
from seqsum.runs.access import by_another, read_only
from seqsum.runs.checkpoint_files import fallen_back, newest_step
from seqsum.runs.database import StoreBusy
from seqsum.runs.disk import no_room, run_bytes
from seqsum.runs.kinds import Fields
from seqsum.runs.lock import let_go_on, stopped_worker, take_lock
from seqsum.runs.ownership import check_own
from seqsum.runs.run import HEARING_STATUSES, RESUMABLE_STATUSES, said_status
from seqsum.runs.sections import PLAIN
from seqsum.runs.store import PATIENCE_SECONDS, READING_SECONDS, SUSPENDED, ReadOnlyStore
from seqsum.runs.waiting import place_of
from seqsum.schema import as_text
from seqsum.setting_notes import notes
from seqsum.tasks import AnyTask
from seqsum.tasks.contract import check_task
from seqsum.text import printable
from seqsum.training.backends.fused_support import check_backend
from seqsum.training.early_stopping import check_best

# A chunk lasts a quarter of a second or one step, whichever is longer; an evaluation can come between.
COMMAND_SECONDS = 60.0


def start(
    workspace: Workspace,
    launcher: Launcher,
    preset: str,
    config: Config,
    name: str | None = None,
    queue: bool = False,
    typed: Collection[str] = (),
    begins: Callable[[], object] = lambda: None,
) -> Run:
    """Make a run and launch its worker; returns as soon as the worker process exists.

    typed: the settings that a person named, as `notes` takes them. begins: called before anything is there.

    With `queue` it begins when it is its turn, behind what was queued before and when a slot is free; without, now.
    The task's data is read here already, so that a wrong file is an answer and not a failed run.
    """
    said, (config, task) = config, checked(config)
    told = [note.text for note in notes(said, task, typed=typed)]
    if room := _room(config, task, workspace):
        told.append(room)
    begins()
    run = workspace.create(preset, config, name)
    with run.store() as store:
        for text in told:
            store.add_event(0, "message", text=text)
    launcher.submit(run, queue)
    provenance.keep_repositories(run.folder, run.record.plugins)
    return run


def _room(config: Config, task: AnyTask, workspace: Workspace) -> str | None:
    """Say so where the disk has less room than a run will take; None where it has, or a plug-in's size is unknown."""
    found = model_size(task, config.model)
    needed = run_bytes(config, found.parameters) if found is not None else 0.0
    return no_room("the run needs", needed, workspace.folder)


def checked(config: Config) -> tuple[Config, AnyTask]:
    """Return a configuration with what its data says, and its task. Raises UserError for one that can't train."""
    config, task = resolved(config, "train")
    if plugins.is_added("task", config.task.name):
        with plugins.told():
            check_task(task, config.train.batch_size, config.train.seed)
    check_backend(config, task, "train")
    check_best(config, "train", task)
    return config, task


def pause(run: Run) -> dict[str, Any]:
    """Pause a running run at its next chunk border; its worker waits."""
    _check_open(run, "pause")
    return _ask(run, ("running", "starting", "queued"), "pause")


def resume(run: Run, launcher: Launcher, queue: bool = False) -> dict[str, Any]:
    """Go on after a pause, a stop, a failure or a death, from the newest whole checkpoint.

    With `queue` a worker that has to be started waits for its turn.
    """
    _check_open(run, "resume")
    summary = run.summary()
    status = summary.status
    if status == "finished":
        raise UserError(f"resume: run {run.id} is finished{_further(run, summary)}")
    if status not in RESUMABLE_STATUSES:
        raise UserError(
            f"resume: run {run.id} {said_status(status)}; only {enumerated(RESUMABLE_STATUSES, 'or')} runs can go on"
        )
    if status == SUSPENDED:
        if not let_go_on(run.folder, summary.pid, "resume"):
            raise UserError(f"resume: run {run.id} is suspended: {summary.reason}")
        return {"ok": True, "message": f"goes on (process {summary.pid})", "pid": summary.pid}
    if status == "paused" or (status == "queued" and run.worker_lives):
        # A worker that waits in the queue begins now.
        return _ask(run, (status,), "resume")
    # A worker that can't read what it is to train would end as "died", over the status that is there.
    run.config()
    with run.store() as store:
        check_own(run, store, "resume")
        back = fallen_back(store, newest_step(run.checkpoints))
    pid = launcher.submit(run, queue)
    if pid is None:
        began = f"handed to {launcher.name}"
    elif queue:
        place = place_of(run.folder)
        began = f"queued (process {pid}){f': {place.told}' if place is not None else ''}"
    else:
        began = f"worker started (process {pid})"
    record = run.record
    edited = provenance.edited(run.folder, record.plugin_hashes, "its last worker began") if record.plugins else []
    return {"ok": True, "message": "; ".join(filter(None, (began, back, *edited))), "pid": pid}


def stop(run: Run, cause: str = "") -> dict[str, Any]:
    """Save and stop; `resume` goes on from there. A run that waits leaves the queue, and one that a signal has stopped
    goes on to its next chunk border. cause: what asks for it, as the run's reason names it."""
    _check_open(run, "stop")
    if run.summary().status == "queued" and not run.worker_lives:
        lock = take_lock(run.folder)
        if lock is not None:
            try:
                with run.store() as store:
                    job = store.state().get("job", {})
                run.end_before_start("stopped before it began", by_another(run.folder).get("by", ""))
            finally:
                os.close(lock)
            cancel(job)
            return {"ok": True, "message": "stopped before it began", "step": run.summary().step}
    return _ask(run, LIVE_STATUSES, "stop", **({"cause": cause} if cause else {}))


def snapshot(run: Run, *, kept: bool = True) -> dict[str, Any]:
    """Have a live run save a checkpoint now; the outcome's `step` says which. kept: it stays, whatever
    train.keep_checkpoints says; what is saved to answer a question need not."""
    _check_open(run, "snapshot")
    return _ask(run, HEARING_STATUSES, "snapshot", kept=kept)


def set_value(run: Run, field: str, value: str) -> dict[str, Any]:
    """Change a live field; a run that is not running takes it when it goes on. The value is checked here already."""
    _check_open(run, "set")
    summary = run.summary()
    status = summary.status
    watched = run.record_or_blank().watched
    if watched is not None:
        return _set_in_script(run, summary, Fields(watched, "").texts("live"), field, value)
    live = field in LIVE_FIELDS
    if status == "finished" and (live or field in {facts.path for facts in run.config().fields()}):
        raise UserError(f"set: run {run.id} is finished{_further(run, summary, {field: value})}")
    if not live:
        near = did_you_mean(field, LIVE_FIELDS) or "; live fields are " + ", ".join(LIVE_FIELDS)
        raise UserError(f'set: "{field}" can\'t change while a run trains{near}')
    config = run.config().changed({field: value}, "set")
    if status in HEARING_STATUSES and run.worker_lives:
        return _ask(run, (status,), "set", field=field, value=value)
    _post(run, summary.pid, "set", field=field, value=value)
    shown = as_text(config.value(field))
    return {"ok": True, "message": f"{field} = {shown}, from the moment run {run.id} goes on"}


def check_values(run: Run, changes: Mapping[str, str]) -> None:
    """Raise UserError where one of these values can't be, so that none of them is set."""
    if run.record_or_blank().watched is None:
        run.config().changed(dict(changes), "set")


def _set_in_script(run: Run, summary: Summary, live: Sequence[str], field: str, value: str) -> dict[str, Any]:
    """Change a value that the script of a run has declared; it alone knows what it can be."""
    short = [one for one in live if one.partition(".")[2] == field]
    plain = [one for one in live if one in (field, f"{PLAIN}.{field}")]
    path = next(iter(plain or (short if len(short) == 1 else [])), None)
    if path is None and short:
        raise UserError(f'set: "{printable(field)}" names several; say which: {", ".join(short)}')
    if path is None:
        known = f"; what can is {enumerated(live, 'and')}" if live else "; the script has declared nothing that can"
        raise UserError(f'set: "{printable(field)}" can\'t change while run {run.id} trains{known}')
    if summary.status not in HEARING_STATUSES or not run.worker_lives:
        raise UserError(f"set: run {run.id} {said_status(summary.status)}, and its script hears nothing any more")
    return _ask(run, (summary.status,), "set", field=path, value=value)


def fork(
    workspace: Workspace,
    launcher: Launcher,
    run: Run,
    step: int | None = None,
    changes: Mapping[str, Any] | None = None,
    name: str | None = None,
) -> Run:
    """Start a run that goes on from a checkpoint of `run` (default: the newest), with changed settings."""
    child = fork_rewind.fork(workspace, run, step, changes or {}, name)
    launcher.submit(child)
    provenance.keep_repositories(child.folder, child.record.plugins)
    return child


def rewind(run: Run, step: int, *, stop_first: bool = False) -> dict[str, Any]:
    """Take a run back to a checkpoint; what came after is kept aside, and `resume` goes on from there.

    A paused run is stopped first, and so is one that trains if `stop_first` says so; else that raises UserError.
    """
    _check_open(run, "rewind")
    summary = run.summary()
    status = summary.status
    if summary.goes_on_by_itself:
        way_out = f"rewind it then, or end its process first: kill {summary.pid}"
        raise UserError(f"rewind: run {run.id} is suspended: {summary.reason}; {way_out}")
    if status == "paused" or (stop_first and status in LIVE_STATUSES and run.worker_lives):
        # Before it is stopped: a step that is wrong must change nothing.
        fork_rewind.check_rewind(run, step)
        stop(run)
        run.wait_for_worker(COMMAND_SECONDS)
    elif status in LIVE_STATUSES and run.worker_lives:
        raise UserError(f"rewind: run {run.id} {said_status(status)}; stop it first: seqsum stop {run.id}")
    return fork_rewind.rewind(run, step)


undo_rewind = fork_rewind.undo_rewind


def _check_open(run: Run, verb: str) -> None:
    """Raise ReadOnlyStore where nothing of the run may be changed: it is another user's."""
    if why := read_only(run.folder):
        raise ReadOnlyStore(f"{verb}: run {run.id} is {why}")
    if (record := run.record_or_blank()).follows:
        raise UserError(f"{verb}: run {run.id} is trained by {record.trained_by}: a log hears nothing")


def _further(run: Run, summary: Summary, changes: Mapping[str, str] | None = None) -> str:
    """The way to train a finished run on: from its last checkpoint where what came after is gone; else with other
    settings, what ended it is taken away."""
    newest = newest_step(run.checkpoints)
    if newest is not None and newest < summary.step:
        gone = f", and its checkpoint of step {summary.step:,} is gone"
        return f"{gone}; go on from the last: seqsum rewind {run.id} --step {newest}"
    try:
        config = run.config()
    except UserError:
        return ""
    if isinstance(config.model, AutoregressiveConfig):
        return ""
    train, ended = config.train, {}
    if summary.step < summary.steps:
        ended = {f"train.{name}": "off" for name in ("stopping_threshold", "early_stop") if getattr(train, name)}
    if not ended and train.epochs is not None:
        ended = {"train.epochs": as_text(2 * train.epochs)}
    elif not ended:
        ended = {"train.steps": str(2 * train.steps)}
    flags = " ".join(f"--{path} {value}" for path, value in {**ended, **(changes or {})}.items())
    return f"; to train it further, fork it: seqsum fork {run.id} {flags}"


def _post(run: Run, pid: int | None, verb: str, **arguments: Any) -> int:
    """Ask the run of a worker, the process `pid`, for something; return the command's id.

    Raises UserError where its store can't be written, StoreBusy where somebody holds that.
    """
    held = stopped_worker(run.folder, pid) is not None
    try:
        with run.store(READING_SECONDS if held else PATIENCE_SECONDS) as store:
            return store.post_command(verb, **arguments, **by_another(run.folder))
    except StoreBusy:
        if not held:
            raise
        raise StoreBusy(f"{verb}: run {run.id} is suspended while it writes: {run.held_up(pid)}") from None


def _ask(run: Run, allowed: tuple[str, ...], verb: str, **arguments: Any) -> dict[str, Any]:
    """Post a command and wait for its outcome; a refusal becomes UserError."""
    summary = run.summary()
    status = summary.status
    if status not in allowed:
        raise UserError(f"{verb}: run {run.id} {said_status(status)}; only {enumerated(allowed, 'or')} runs can {verb}")
    if status == "queued" and not run.worker_lives:
        raise UserError(f"{verb}: run {run.id} has no worker yet; start one with seqsum resume {run.id}")
    try:
        id = _post(run, summary.pid, verb, **arguments)
        if status == SUSPENDED:
            let_go_on(run.folder, summary.pid, verb)
    except StoreBusy:
        # A signal that stopped it while it wrote has it hold its store: it must go on before it can be told.
        if not let_go_on(run.folder, summary.pid, verb):
            raise
        id = _post(run, summary.pid, verb, **arguments)
    outcome = run.wait_for_command(id, COMMAND_SECONDS, summary.pid)
    if outcome is None:
        if held_up := run.held_up(summary.pid):
            raise UserError(f"{verb}: run {run.id} is asked to, but suspended: {held_up}")
        if run.worker_lives:
            raise UserError(
                f"{verb}: run {run.id} did not answer within {duration(COMMAND_SECONDS)}; it will when its chunk ends"
            )
        raise UserError(
            f"{verb}: run {run.id} {said_status(run.summary().status)}; its worker ended before it answered"
        )
    if not outcome["ok"]:
        raise UserError(f"{verb}: {outcome['message']}")
    return outcome

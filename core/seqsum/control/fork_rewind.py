"""Going back to a checkpoint, and forking a new run from one. No torch here.

A fork owns a copy of the checkpoint it begins with, with its own configuration in it, so that its worker just goes on
from there. Its points begin after that step; those before it are its parent's (see `compare/history.py`).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

from seqsum.config import Config, resolved
from seqsum.errors import ConfigError, UserError, told_as
from seqsum.files import parse_json, sync_folder
from seqsum.runs import Run, Store, Workspace, checkpoint_files, rewinding
from seqsum.runs.access import by_another
from seqsum.runs.best import no_such_step
from seqsum.runs.bounds import REWOUND_NAME, inside, own_folder, remove
from seqsum.runs.lock import no_worker
from seqsum.runs.ownership import check_own
from seqsum.runs.run import CHECKPOINTS, METRICS_FILE
from seqsum.setting_notes import Note, fork_notes, same_optimizer
from seqsum.tasks import AnyTask
from seqsum.text import one_line, printable
from seqsum.training.backends.fused_support import check_backend, fused_from
from seqsum.training.early_stopping import EarlyStopping, check_best

# What a model can change without other weights.
FREE_MODEL_FIELDS = {
    "model.dropout", "model.hidden_noise", "model.noise_schedule", "model.nonlinearity", "model.teacher_forcing",
    "model.beam_width",
}  # fmt: skip
# What the weights depend on, beside the model's own section.
SHAPE = ("vocabulary", "features", "classes", "target_vocabulary", "begin", "end", "longest_answer", "padding")


def fork(workspace: Workspace, run: Run, step: int | None, changes: Mapping[str, Any], name: str | None = None) -> Run:
    """Make a run that goes on from a checkpoint of `run` (default: its newest whole one) with changed settings.

    The new run waits (`queued`) for a worker, and stands in no group unless a change names one. Raises UserError when
    there is no such checkpoint, ConfigError when a change is wrong or does not fit the weights.
    """
    rewinding.finish(run)
    step, data = _chosen(run, step, "fork")
    source = checkpoint_files.folder_of(run.checkpoints, step)
    state, parent, config, task = _prepared(run, step, data, changes)
    progress = EarlyStopping.read(state.get("progress") or {})
    with run.store() as store:
        compiled_from = fused_from(state, store, step)
    state = {
        **state,
        "config": config.plain(),
        "changes": {},
        "fused_from": compiled_from,
        "progress": asdict(progress.of_fork(parent, config)),
    }

    def fill(folder: Path, store: Store) -> None:
        target = checkpoint_files.folder_of(folder / "checkpoints", step)
        fresh = not same_optimizer(parent, config)
        checkpoint_files.copy(source, data, target, state, fresh_optimizer=fresh)
        changed = {path: [old, new] for path, (new, old) in config.differences(parent).items()}
        store.add_event(step, "forked", run=run.id, name=run.name, changes=changed)
        for note in fork_notes(parent, config, task, step, progress):
            store.add_event(step, "message", text=note.text)

    seconds = state.get("train_seconds", 0.0)
    return workspace.create(
        run.record.preset,
        config,
        name,
        stem=f"{run.name}-fork",
        parent={"run": run.id, "step": step} | ({"group_chosen": True} if "track.group" in changes else {}),
        state={"step": step, "train_seconds": seconds, "parent_seconds": seconds},
        fill=fill,
    )


def check_fork(run: Run, step: int, changes: Mapping[str, Any]) -> tuple[dict[str, tuple[str, str]], list[Note]]:
    """Return what a fork would have otherwise, path → (value there, value here), and what is to be said of it.

    Raises as `fork` does.
    """
    step, data = _chosen(run, step, "fork")
    state, parent, config, task = _prepared(run, step, data, changes)
    progress = EarlyStopping.read(state.get("progress") or {})
    return config.differences(parent), fork_notes(parent, config, task, step, progress)


def config_at(run: Run, step: int) -> Config:
    """Return the configuration that a fork from the checkpoint of `step` begins with. Raises UserError."""
    state = checkpoint_files.read_state(checkpoint_files.folder_of(run.checkpoints, step))
    parent = run.record.parsed(state.get("config") or {}, f"run {run.id}")
    return parent.changed({"track.group": None}, "fork")


def can_change(path: str) -> bool:
    """Whether a fork can have another value of a field at all; some of these still ask for the same data."""
    if path.startswith("model."):
        return path in FREE_MODEL_FIELDS
    return path not in ("task.name", "train.dtype")


def rewind(run: Run, step: int) -> dict[str, Any]:
    """Take a run without a worker back to its checkpoint of `step`: what came after is kept aside.

    Returns what happened: the step, and the folder that holds the later checkpoints and the metric store as it was.
    Raises UserError when there is no such checkpoint, when the run has a worker, or when another run was forked later.
    """
    own_folder(run.folder)
    with _alone(run):
        check_rewind(run, step)
        if step == run.summary().step and checkpoint_files.steps_saved(run.checkpoints)[-1] == step:
            raise UserError(f"rewind: run {run.id} is at step {step:,} already")
        kept = run.folder / f"rewound-{datetime.now():%Y%m%d-%H%M%S-%f}"
        with told_as(f"rewind: can't write {run.folder}", sqlite3.Error):
            own_folder(run.checkpoints)
            came, state = _set_aside(run, step, kept.name)
            with run.store() as store:
                with store.transaction():
                    store.rewind(step)
                    store.add_event(step, "rewound", came=came, kept=kept.name, **by_another(run.folder))
                    store.set_state(
                        status="stopped",
                        reason=f"rewound to step {step:,} from {came:,}; what came after is in {kept.name}",
                        step=step,
                        points_step=step,
                        durable_step=step,
                        changes=state.get("changes", {}),
                        train_seconds=state.get("train_seconds", 0.0),
                    )
                store.sync()
            rewinding.end_rewind(run, kept.name, step)
    message = f"back at step {step:,}; what came after is kept in {kept}"
    return {"ok": True, "message": message, "step": step, "kept": str(kept)}


def _set_aside(run: Run, step: int, name: str) -> tuple[int, dict[str, Any]]:
    """Copy the store into the folder of a rewind, which goes again where that fails; return the step that the run came
    to, and what the checkpoint of `step` knows."""
    building = rewinding.building(run, name)
    building.mkdir()
    try:
        with run.store() as store:
            came = store.state()["step"]
            store.copy_to(building / METRICS_FILE)
        for folder in (building, run.folder):
            sync_folder(folder)
        source = checkpoint_files.folder_of(run.checkpoints, step)
        checkpoint_files.force(source)
        return came, checkpoint_files.read_state(source)
    except BaseException:
        with suppress(OSError):
            remove(building)
        raise


def undo_rewind(run: Run) -> dict[str, Any]:
    """Bring back what the last rewind of a run put aside, as long as the run did not go on since.

    Raises UserError when there is nothing to bring back, when the run went on, or has a worker.
    """
    own_folder(run.folder)
    with _alone(run):
        kept, back = _last_rewind(run)
        with told_as(f"rewind: can't bring back {kept}", sqlite3.Error):
            for folder in (kept / CHECKPOINTS, run.checkpoints):
                own_folder(folder)
            with Store(kept / METRICS_FILE) as copy:
                step = copy.state()["step"]
            place = kept.rename(rewinding.undoing(run, kept.name, back))
            sync_folder(run.folder)
            with run.store() as store:
                store.restore_from(place / METRICS_FILE)
            rewinding.end_undo(run, kept.name, back)
    return {"ok": True, "message": f"at step {step:,} again, as before the rewind", "step": step}


@contextmanager
def _alone(run: Run) -> Iterator[None]:
    """Hold off workers and other rewinds, and end what a killed one had begun."""
    with no_worker(run.folder, "rewind"):
        with told_as(f"rewind: can't write {run.folder}", sqlite3.Error):
            rewinding.settle(run)
        yield


def _last_rewind(run: Run) -> tuple[Path, int]:
    """Return where the last rewind put what came after, and the step it went back to."""
    with run.store() as store:
        rewinds, step = store.events(kind="rewound"), store.state()["step"]
    name = rewinds[-1].detail.get("kept") if rewinds else None
    if name is not None and not (isinstance(name, str) and REWOUND_NAME.fullmatch(name)):
        given = one_line(repr(name))[:80]
        raise UserError(f"rewind: {given} in the events of run {run.id} is no folder of a rewind; nothing is undone")
    kept = None if name is None else own_folder(inside(run.folder, name))
    if kept is None or not (kept / METRICS_FILE).is_file():
        raise UserError(f"rewind: nothing of run {run.id} was put aside by a rewind")
    back = rewinds[-1].step
    if step != back:
        raise UserError(
            f"rewind: run {run.id} went on since it was rewound to step {back:,}; what came after it then is in {kept}"
        )
    return kept, back


def check_rewind(run: Run, step: int) -> None:
    """Raise UserError when a run can't go back to `step`, whether or not it has a worker."""
    _chosen(run, step, "rewind")
    _check_children(run, step)


def _prepared(
    run: Run, step: int, data: Mapping[str, bytes], changes: Mapping[str, Any]
) -> tuple[dict[str, Any], Config, Config, AnyTask]:
    """Return a checkpoint's state, its configuration, the fork's and its task; raise when they do not fit together."""
    state = parse_json(data[checkpoint_files.STATE_FILE])
    parent = run.record.parsed(state["config"], f"run {run.id}")
    config, task = _forked(parent, changes, step)
    _check_fit(parent, config, task, state.get("data_facts") or {})
    return state, parent, config, task


def _chosen(run: Run, step: int | None, verb: str) -> tuple[int, dict[str, bytes]]:
    """Return the step of a whole checkpoint of the run's own and what its files hold; raise UserError when there is
    none."""
    step, data = _whole(run, step, verb)
    with run.store() as store:
        check_own(run, store, verb, step)
    return step, data


def _whole(run: Run, step: int | None, verb: str) -> tuple[int, dict[str, bytes]]:
    """Return the step of a whole checkpoint and what its files hold; raise UserError when there is none.

    Read at once: a run that trains may delete old ones (train.keep_checkpoints) at any moment.
    """
    if step is None:
        newest = checkpoint_files.newest_whole(run.checkpoints)
        if newest is None:
            which = " that is whole" if checkpoint_files.steps_saved(run.checkpoints) else ""
            raise UserError(f"{verb}: {run.no_checkpoint(which)}")
        return newest
    try:
        return checkpoint_files.whole(checkpoint_files.folder_of(run.checkpoints, step))
    except checkpoint_files.DamagedCheckpoint as error:
        wrong = error.what
    if step not in checkpoint_files.steps_saved(run.checkpoints):
        raise no_such_step(run, step, verb)
    raise UserError(f"{verb}: the checkpoint of step {step:,} is damaged ({printable(wrong)}); choose another")


def _forked(parent: Config, changes: Mapping[str, Any], step: int) -> tuple[Config, AnyTask]:
    """Return the fork's configuration and task; raise ConfigError when it has no step left to make."""
    config, task = resolved(parent.changed({"track.group": None, **changes}, "fork"), "fork")
    check_backend(config, task, "fork")
    check_best(config, "fork", task)
    if config.train.steps <= step:
        reason = f"must be above {step}, the step it goes on from, got {config.train.steps}; e.g. {2 * step or 1}"
        raise ConfigError("fork", [("train.steps", reason)])
    return config, task


def _check_fit(parent: Config, config: Config, task: AnyTask, facts: dict[str, Any]) -> None:
    """Raise ConfigError for every change with which the checkpoint's weights and state make no sense."""
    changed = config.differences(parent)
    wrong: list[tuple[str, str]] = []
    for path in changed:
        if path.startswith("model.") and path not in FREE_MODEL_FIELDS:
            wrong.append((path, "can't change in a fork: the weights are made for what it is; start a new run"))
    if config.task.name != parent.task.name:
        wrong.append(("task.name", "can't change in a fork; start a new run"))
    elif any(path.startswith("task.") for path in changed):
        fields = ", ".join(path for path in changed if path.startswith("task."))
        _, before = resolved(parent, "fork")
        other = next((what for what in SHAPE if getattr(task, what) != getattr(before, what)), None)
        if other is not None:
            what = other.replace("_", " ")
            wrong.append((fields, f"can't change in a fork: the task's {what} would no longer fit the weights"))
        elif task.data_facts() != facts:
            wrong.append((fields, "can't change in a fork: the data would not be those the weights know"))
    if config.train.dtype != parent.train.dtype:
        wrong.append(("train.dtype", "can't change in a fork; start a new run"))
    if task.carries_state and config.train.batch_size != parent.train.batch_size:
        wrong.append(("train.batch_size", "can't change in a fork: each row of a batch goes on where it ended"))
    if wrong:
        raise ConfigError("fork", wrong)


def _check_children(run: Run, step: int) -> None:
    """Raise UserError when a run was forked after `step`: its curve begins with points that would go."""
    for other in Workspace(run.folder.parent).runs():
        try:
            parent = other.record.parent or {}
            later = parent.get("run") == run.id and int(parent["step"]) > step
        except (UserError, LookupError, TypeError, ValueError, AttributeError):
            continue
        if later:
            raise UserError(
                f"rewind: run {other.id} was forked from step {parent['step']}, and its curve begins with the points "
                f"up to there; fork instead: seqsum fork {run.id} --step {step}"
            )

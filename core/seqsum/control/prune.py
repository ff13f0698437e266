"""Freeing the disk: the checkpoints that a run which has ended needs no more. No torch here.

What stays whatever is asked for: the last whole checkpoint and what is newer, the best one, those that a person asked
for (`seqsum snapshot`), and those that a fork shares: without them nothing would be freed.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from seqsum.config import TrainConfig
from seqsum.errors import UserError, told_as
from seqsum.runs import Run, checkpoint_files, retention, rewinding
from seqsum.runs.access import read_only
from seqsum.runs.best import best_saved
from seqsum.runs.bounds import own_folder
from seqsum.runs.changes import tell_changed
from seqsum.runs.checkpoint_files import ASKED
from seqsum.runs.disk import size_on_disk
from seqsum.runs.kinds import Fields
from seqsum.runs.lock import no_worker
from seqsum.runs.retention import Keep
from seqsum.runs.run import said_status


@dataclass(frozen=True)
class Pruned:
    """What of a run goes, or went. steps: of the checkpoints; stay: how many stay; size: what is freed, in bytes."""

    run: Run
    steps: tuple[int, ...]
    stay: int
    size: int


def plan(run: Run, keep: Keep, *, best: bool = True) -> Pruned:
    """Return what would go of a run. keep: as `train.keep_checkpoints` has it; best: whether the best one stays.

    Raises UserError where nothing of it may be deleted: a worker is at it, it is another user's or another program's
    log, or its points can't be read, so that nobody knows which is the best.
    """
    _check(run)
    return _chosen(run, keep, best=best)


def _check(run: Run) -> None:
    record = run.record_or_blank()
    if record.watched is not None or record.follows:
        raise UserError(f"prune: run {run.id} has no checkpoints of ours: it is trained by {record.trained_by}")
    if why := read_only(run.folder):
        raise UserError(f"prune: run {run.id} is {why}")
    summary = run.summary()
    if summary.live or run.worker_lives:
        raise UserError(f"prune: run {run.id} {said_status(summary.status)}; it keeps to train.keep_checkpoints itself")


def _chosen(run: Run, keep: Keep, *, best: bool) -> Pruned:
    saved = checkpoint_files.steps_saved(own_folder(run.checkpoints))
    every = Fields(run.settings().get("train", {}), "train").whole("checkpoint_every", TrainConfig().checkpoint_every)
    with run.store() as store:
        spared = {event.step for event in store.events(kind="checkpoint") if event.detail.get("reason") == ASKED}
        of_best = best_saved(run) if best else None
    spared |= set() if of_best is None else {of_best}
    size = checkpoint_files.size_of(_folder(run, saved[-1])) if saved else 0
    gone = {*saved} - retention.kept(saved, keep, max(every, 1), size) - spared if saved else set()
    gone = {step for step in gone if not checkpoint_files.is_shared(_folder(run, step))}
    if gone:
        whole = checkpoint_files.newest_whole(run.checkpoints)
        gone = {step for step in gone if whole is not None and step < whole[0]}
    freed = sum(size_on_disk(_folder(run, step)) for step in gone)
    return Pruned(run, tuple(sorted(gone)), len(saved) - len(gone), freed)


def prune(run: Run, keep: Keep, *, best: bool = True) -> Pruned:
    """Delete what `plan` says, and return it. Killed on the way, it leaves whole checkpoints only.

    Raises UserError as `plan` does, and where the folder can't be written.
    """
    _check(run)
    with no_worker(run.folder, "prune"), told_as(f"prune: can't delete checkpoints of run {run.id}"):
        rewinding.settle(run)
        checkpoint_files.tidy(run.checkpoints)
        found = _chosen(run, keep, best=best)
        for step in found.steps:
            checkpoint_files.drop(run.checkpoints, step)
        with run.store() as store:
            store.forget_checkpoints_but(checkpoint_files.steps_saved(run.checkpoints))
    tell_changed(run.folder)
    return found


def _folder(run: Run, step: int) -> Path:
    return checkpoint_files.folder_of(run.checkpoints, step)

"""What runs take of a disk, and what of it is free. No torch here."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from seqsum.formatting import size
from seqsum.runs.retention import most_at_once
from seqsum.runs.rollup import unit_of

if TYPE_CHECKING:
    from seqsum.config import Config

RUN_BYTES, CHECKPOINT_BYTES = 90_000, 28_000
"""Of a run's folder: an empty one, and a checkpoint without its weights."""
POINT_BYTES, ROLLED_UP_BYTES = 20, 150
"""A point by itself, and its place in a roll-up whose unit is one step."""
LOGGED, EVALUATED = 5, 3
"""Metrics that are written at every `train.log_every` and `train.evaluate_every`, more or less."""
DTYPE_BYTES = {"float32": 4, "float64": 8, "bfloat16": 2}
KEPT_OF_WEIGHTS = {"adam": 2, "adamw": 2, "sgd": 0, "rmsprop": 1, "muon": 3, "schedule_free": 3}
"""Numbers that an optimizer keeps of each weight; one more with momentum."""
WAYS_OUT = "free some (seqsum prune, seqsum bin --empty) or keep fewer (train.keep_checkpoints)"


def size_on_disk(folder: Path | str) -> int:
    """Return how many bytes a folder takes on the disk with all that is in it, as `du` counts them.

    Links are not followed, and a file that has several names counts once. What is deleted meanwhile, or may not be
    looked at, counts nothing.
    """
    total, seen, folders = 0, set[tuple[int, int]](), [os.fspath(folder)]
    try:
        total += os.lstat(folder).st_blocks * 512
    except OSError:
        return 0
    while folders:
        try:
            with os.scandir(folders.pop()) as entries:
                found = list(entries)
        except OSError:
            continue
        for entry in found:
            try:
                facts = entry.stat(follow_symlinks=False)
            except OSError:
                continue
            if stat.S_ISDIR(facts.st_mode):
                folders.append(entry.path)
            elif facts.st_nlink > 1:
                if (facts.st_dev, facts.st_ino) in seen:
                    continue
                seen.add((facts.st_dev, facts.st_ino))
            total += facts.st_blocks * 512
    return total


def free_bytes(folder: Path) -> int | None:
    """Return how many bytes may still be written where a folder is, or will be; None where nobody can tell."""
    for place in (folder, *folder.parents):
        try:
            facts = os.statvfs(place)
        except FileNotFoundError:
            continue
        except OSError:
            return None
        return facts.f_bavail * facts.f_frsize
    return None


def disk_bytes(folder: Path) -> int | None:
    """Return how many bytes the disk has on which a folder lies, used ones too; None where nobody can tell."""
    try:
        facts = os.statvfs(folder)
    except OSError:
        return None
    return facts.f_blocks * facts.f_frsize


def checkpoint_bytes(config: Config, parameters: int) -> int:
    """Return what a checkpoint takes: the weights, what the optimizer keeps of each, and the rest."""
    optim = config.optim
    each = 1 + KEPT_OF_WEIGHTS[optim.name] + (optim.name in ("sgd", "rmsprop") and optim.momentum > 0)
    return CHECKPOINT_BYTES + DTYPE_BYTES[config.train.dtype] * each * parameters


def run_bytes(config: Config, parameters: int) -> float:
    """Return what a run's folder takes on the disk when it is largest: its checkpoints, its store and the rest."""
    train = config.train
    one = checkpoint_bytes(config, parameters)
    kept = most_at_once(train.steps, train.keep_checkpoints, train.checkpoint_every, one)
    points = LOGGED * train.steps / train.log_every + EVALUATED * train.steps / train.evaluate_every
    point = POINT_BYTES + ROLLED_UP_BYTES / (1 if unit_of(config.plain()) == 1 else ROLLED_UP_BYTES / POINT_BYTES)
    return RUN_BYTES + point * points + (kept + train.keeps_best) * one


def no_room(what: str, needed: float, folder: Path) -> str | None:
    """Say so where `what`, with its verb ("the run needs"), is more than is free where a folder is, or will be; None
    where there is room, or nobody can tell."""
    free = free_bytes(folder)
    if free is None or needed <= free:
        return None
    return f"{what} about {size(needed)} of the disk, {size(free)} are free; {WAYS_OUT}"

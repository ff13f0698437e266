"""Checkpoints as files, for those who move, copy and list them. No torch here: `training/checkpoint.py` reads them."""

from __future__ import annotations

import hashlib
import json
import math
import os
import struct
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from seqsum.errors import UserError
from seqsum.files import parse_json, read_json, read_regular, sync_folder, write_atomically
from seqsum.runs.bounds import STEP_NAME, own_folder, remove

MODEL_FILE = "model.safetensors"
OPTIMIZER_FILE = "optimizer.safetensors"
STATE_FILE = "state.json"
CHECKSUMS_FILE = "checksums.json"
RNG_KEY = "rng.torch"
HIDDEN_STATE_KEY = "hidden_state"  # what a task that carries its state over keeps beside the optimizer's
FILES = (MODEL_FILE, OPTIMIZER_FILE, STATE_FILE)
LARGEST = {
    MODEL_FILE: 8 * 2**30,
    OPTIMIZER_FILE: 32 * 2**30,
    STATE_FILE: 64 * 2**20,
    CHECKSUMS_FILE: 2**16,
}
"""In bytes."""


def folder_of(checkpoints: Path, step: int) -> Path:
    """Return the folder of a step's checkpoint."""
    return checkpoints / f"step-{step}"


def steps_saved(folder: Path) -> list[int]:
    """Return the steps of all checkpoints, ascending."""
    # Read again and again of a run that trains: a fast one saves hundreds.
    try:
        with os.scandir(folder) as entries:
            # A link of that name is none that was saved here.
            names = [entry.name for entry in entries if STEP_NAME.fullmatch(entry.name) and not entry.is_symlink()]
    except OSError:
        return []
    return sorted(int(name[5:]) for name in names)


def file_in(path: Path, name: str) -> bytes:
    """Return what one of a checkpoint's files holds; raise OSError when it is no regular file of bearable size."""
    return read_regular(path / name, LARGEST[name])


def saved_at(folder: Path, step: int) -> float | None:
    """Return when a step's checkpoint was written, in seconds since 1970; None when it is not there."""
    try:
        return folder_of(folder, step).stat().st_mtime
    except OSError:
        return None


def age_of_newest(folder: Path) -> float:
    """Return how many seconds ago the newest checkpoint was written; infinity when there is none."""
    try:
        return time.time() - folder_of(folder, steps_saved(folder)[-1]).stat().st_mtime
    except (IndexError, OSError):
        return math.inf


def checksum(data: bytes) -> str:
    """Return the SHA-256 that `checksums.json` holds for a file."""
    return hashlib.sha256(data).hexdigest()


def damage(path: Path) -> str | None:
    """Return why a checkpoint is not whole, or None when it is: every file is there and matches its checksum."""
    try:
        sums = parse_json(file_in(path, CHECKSUMS_FILE))
        for name in FILES:
            if not isinstance(sums, dict) or sums.get(name) != checksum(file_in(path, name)):
                return f"{name} does not match its checksum"
        read_state(path)
    except (OSError, ValueError, UserError) as error:
        return str(error)
    return None


def newest_whole(folder: Path) -> int | None:
    """Return the step of the newest checkpoint that is whole, or None."""
    return next((step for step in reversed(steps_saved(folder)) if damage(folder_of(folder, step)) is None), None)


def read_state(path: Path) -> dict[str, Any]:
    """Return a checkpoint's `state.json`; raise UserError when it can't be read."""
    try:
        state = read_json(path / STATE_FILE, LARGEST[STATE_FILE])
    except (OSError, ValueError) as error:
        raise UserError(f"checkpoint: {path} can't be read: {error}") from None
    if not isinstance(state, dict):
        raise UserError(f"checkpoint: {path} is not a checkpoint")
    return state


def copy(source: Path, target: Path, state: dict[str, Any], *, fresh_optimizer: bool) -> None:
    """Copy a checkpoint, with another state; the big files are linked where the file system can.

    fresh_optimizer: leave out what the optimizer gathered; the generator's state and a carried hidden state stay.
    Raises OSError when the source is gone or the target can't be written.
    """
    target.mkdir(parents=True)
    _link(source / MODEL_FILE, target / MODEL_FILE)
    if fresh_optimizer:
        kept = without_tensors(file_in(source, OPTIMIZER_FILE), _of_optimizer)
        write_atomically(target / OPTIMIZER_FILE, kept)
    else:
        _link(source / OPTIMIZER_FILE, target / OPTIMIZER_FILE)
    write_atomically(target / STATE_FILE, json.dumps(state, indent=1).encode())
    sums = {name: checksum(file_in(target, name)) for name in FILES}
    write_atomically(target / CHECKSUMS_FILE, json.dumps(sums, indent=1).encode())
    sync_folder(target.parent)


def _of_optimizer(name: str) -> bool:
    return name != RNG_KEY and not name.startswith(f"{HIDDEN_STATE_KEY}.")


def _link(source: Path, target: Path) -> None:
    # A checkpoint is never written again in place, so that two runs can share one file.
    try:
        os.link(source, target)
    except FileNotFoundError:
        raise
    except OSError:
        write_atomically(target, read_regular(source, LARGEST[source.name]))


def without_tensors(data: bytes, unwanted: Callable[[str], bool]) -> bytes:
    """Return a safetensors file without the tensors whose name is unwanted.

    The format is a length (8 bytes, little-endian), a JSON header with offsets, and the tensors' bytes one after the
    other: no need to know their types.
    """
    (size,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + size])
    body = data[8 + size :]
    kept: dict[str, Any] = {}
    parts: list[bytes] = []
    place = 0
    for name, facts in header.items():
        if name == "__metadata__":
            kept[name] = facts
        elif not unwanted(name):
            first, last = facts["data_offsets"]
            kept[name] = {**facts, "data_offsets": [place, place + last - first]}
            parts.append(body[first:last])
            place += last - first
    written = json.dumps(kept, separators=(",", ":")).encode()
    written += b" " * (-len(written) % 8)  # the tensors begin at a multiple of 8
    return struct.pack("<Q", len(written)) + written + b"".join(parts)


def move_later(checkpoints: Path, step: int, target: Path) -> list[int]:
    """Move the checkpoints after `step` into the folder `target`, the newest first; return their steps.

    Killed on the way it leaves the older ones in place: moved again, they follow.
    """
    own_folder(checkpoints)
    own_folder(target)
    later = [saved for saved in steps_saved(checkpoints) if saved > step]
    if later:
        target.mkdir(parents=True, exist_ok=True)
    for saved in reversed(later):
        place = folder_of(target, saved)
        remove(place)
        folder_of(checkpoints, saved).rename(place)
    if later:
        sync_folder(target)
        sync_folder(checkpoints)
    return later

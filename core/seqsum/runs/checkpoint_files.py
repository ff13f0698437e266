"""Checkpoints as files, for those who move, copy and list them. No torch here: `training/checkpoint.py` reads them."""

from __future__ import annotations

import hashlib
import json
import math
import os
import struct
import time
from collections.abc import Callable, Container, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

from seqsum.errors import UserError
from seqsum.files import file_stamp, open_regular, parse_json, read_regular, sync_folder, write_atomically
from seqsum.runs import retention
from seqsum.runs.bounds import STEP_NAME, own_folder, remove
from seqsum.runs.retention import Keep
from seqsum.runs.store import Store
from seqsum.text import one_line

Read = TypeVar("Read")

MODEL_FILE = "model.safetensors"
OPTIMIZER_FILE = "optimizer.safetensors"
STATE_FILE = "state.json"
CHECKSUMS_FILE = "checksums.json"
RNG_KEY = "rng.torch"
HIDDEN_STATE_KEY = "hidden_state"  # what a task that carries its state over keeps beside the optimizer's
FILES = (MODEL_FILE, OPTIMIZER_FILE, STATE_FILE)
ASKED = "snapshot"
"""Why a checkpoint was saved that a person asked for."""
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


def newest_step(folder: Path) -> int | None:
    """Return the step of the newest checkpoint, whole or not; None where there is none."""
    return max(steps_saved(folder), default=None)


def fallen_back(store: Store, step: int | None) -> str | None:
    """Say so where a run goes on from an earlier checkpoint, that of `step`, than it has saved, or from none."""
    state = store.state()
    durable = state.get("durable_step") or 0
    if step is not None:
        return f"the checkpoint of step {durable:,} is gone: it goes on from step {step:,}" if durable > step else None
    if durable or store.events(kind="checkpoint"):
        return f"there is no whole checkpoint: it begins at step 0 again, and makes {state['step']:,} steps again"
    return None


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


class DamagedCheckpoint(UserError):
    """A checkpoint that is incomplete or whose checksums don't match. what: which file it is, and what of it."""

    def __init__(self, path: Path, what: str) -> None:
        super().__init__(f"checkpoint: {path}/{what}")
        self.what = what


def whole_files(path: Path, names: Sequence[str] = FILES) -> dict[str, bytes]:
    """Return what files of a checkpoint hold; raise DamagedCheckpoint when one is not there, or was altered."""
    sums = json_object(path, CHECKSUMS_FILE, _content(path, CHECKSUMS_FILE))
    data = {name: _content(path, name) for name in names}
    for name, content in data.items():
        if sums.get(name) != checksum(content):
            raise DamagedCheckpoint(path, f"{name} does not match its checksum")
    return data


def json_object(path: Path, name: str, data: bytes) -> dict[str, Any]:
    """Return what a JSON file of a checkpoint says; raise DamagedCheckpoint when it is no object."""
    try:
        value = parse_json(data)
    except ValueError as error:
        raise DamagedCheckpoint(path, f"{name} is not JSON: {one_line(str(error))}") from None
    if not isinstance(value, dict):
        raise DamagedCheckpoint(path, f"{name} is not a JSON object")
    return value


def _content(path: Path, name: str) -> bytes:
    try:
        return file_in(path, name)
    except OSError as error:
        raise DamagedCheckpoint(path, f"{name} can't be read: {error.strerror or error}") from None


def newest_whole(folder: Path) -> tuple[int, dict[str, bytes]] | None:
    """Return the step of the newest checkpoint that is whole and what its files hold, or None."""
    return newest_read(folder, whole)[0]


def whole(path: Path) -> tuple[int, dict[str, bytes]]:
    """Return a checkpoint's step and what its files hold; raise DamagedCheckpoint when it is not whole."""
    data = whole_files(path)
    json_object(path, STATE_FILE, data[STATE_FILE])
    return int(path.name.removeprefix("step-")), data


def newest_read(folder: Path, read: Callable[[Path], Read]) -> tuple[Read | None, list[str]]:
    """Return what `read` makes of the newest checkpoint that it reads, and what it said of those passed over."""
    while True:
        steps, damages = steps_saved(folder), list[str]()
        for step in reversed(steps):
            try:
                return read(folder_of(folder, step)), damages
            except UserError as error:
                damages.append(str(error))
        # A worker that saves and prunes meanwhile can take away every checkpoint that was listed.
        if steps_saved(folder) == steps:
            return None, damages


def read_state(path: Path) -> dict[str, Any]:
    """Return a checkpoint's `state.json`; raise UserError when it can't be read."""
    return json_object(path, STATE_FILE, _content(path, STATE_FILE))


def copy(
    source: Path, data: Mapping[str, bytes], target: Path, state: dict[str, Any], *, fresh_optimizer: bool
) -> None:
    """Copy a checkpoint, with another state; the big files are linked where the file system can.

    data: what its files hold, as `whole` gave it: the checkpoint may be deleted meanwhile.
    fresh_optimizer: leave out what the optimizer gathered; the generator's state and a carried hidden state stay.
    Raises OSError when the target can't be written.
    """
    target.mkdir(parents=True)
    _link(source / MODEL_FILE, target / MODEL_FILE, data[MODEL_FILE])
    if fresh_optimizer:
        write_atomically(target / OPTIMIZER_FILE, without_tensors(data[OPTIMIZER_FILE], _of_optimizer))
    else:
        _link(source / OPTIMIZER_FILE, target / OPTIMIZER_FILE, data[OPTIMIZER_FILE])
    write_atomically(target / STATE_FILE, json.dumps(state, indent=1).encode())
    sums = {name: checksum(file_in(target, name)) for name in FILES}
    write_atomically(target / CHECKSUMS_FILE, json.dumps(sums, indent=1).encode())
    force(target)


def force(path: Path) -> None:
    """Force a whole checkpoint to the disk, which may have been saved without. Raises OSError."""
    for name in (*FILES, CHECKSUMS_FILE):
        with open_regular(path / name) as file:
            os.fsync(file.fileno())
    for folder in (path, path.parent):
        sync_folder(folder)


def _of_optimizer(name: str) -> bool:
    return name != RNG_KEY and not name.startswith(f"{HIDDEN_STATE_KEY}.")


def _link(source: Path, target: Path, data: bytes) -> None:
    # A checkpoint is never written again in place, so that two runs can share one file.
    try:
        os.link(source, target)
    except OSError:
        write_atomically(target, data)


def _parts(data: bytes) -> tuple[dict[str, Any], bytes]:
    """Return the header of a safetensors file, and the tensors' bytes.

    The format is a length (8 bytes, little-endian), a JSON header with offsets, and the tensors' bytes one after the
    other: no need to know their types.
    """
    (size,) = struct.unpack("<Q", data[:8])
    return json.loads(data[8 : 8 + size]), data[8 + size :]


def tensors_in(data: bytes) -> dict[str, tuple[str, tuple[int, ...], bytes]]:
    """Return the tensors of a safetensors file: by name their type, shape and bytes."""
    header, body = _parts(data)
    return {
        name: (facts["dtype"], tuple(facts["shape"]), body[slice(*facts["data_offsets"])])
        for name, facts in header.items()
        if name != "__metadata__"
    }


def without_tensors(data: bytes, unwanted: Callable[[str], bool]) -> bytes:
    """Return a safetensors file without the tensors whose name is unwanted."""
    header, body = _parts(data)
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


def tidy(folder: Path) -> None:
    """Clear away what a save that was killed left behind. For the writer alone: a save may be under way."""
    own_folder(folder)
    for leftover in folder.glob(".step-*.old"):
        target = folder / leftover.name[1:].removesuffix(".old")
        if not target.exists():
            # Killed between the two renames: the old one is the only whole checkpoint of that step.
            leftover.rename(target)
    for leftover in (*folder.glob(".step-*.old"), *folder.glob(".step-*.new")):
        with suppress(OSError):
            remove(leftover)


def prune(folder: Path, keep: Keep, every: int, others: Container[int | None]) -> None:
    """Delete the checkpoints that `train.keep_checkpoints` and `train.checkpoint_every` do not ask for, but none of the
    steps in `others`; by `auto` none that a fork shares, either."""
    steps = steps_saved(folder)
    stay = retention.kept(steps, keep, every, size_of(folder_of(folder, steps[-1])) if steps else 0)
    for step in steps:
        if step not in stay and step not in others and not (keep == "auto" and is_shared(folder_of(folder, step))):
            with suppress(OSError):
                drop(folder, step)


def drop(folder: Path, step: int) -> None:
    """Delete a step's checkpoint. Killed on the way, that leaves no half of it: nobody reads the name that it is given
    first, and `tidy` clears it away. Raises OSError."""
    aside = folder / f".step-{step}.new"
    remove(aside)
    folder_of(folder, step).rename(aside)
    remove(aside)


def size_of(path: Path) -> int:
    """Return how many bytes a checkpoint's files have, as many of them as are there."""
    return sum(file_stamp(path / name)[1] for name in (*FILES, CHECKSUMS_FILE))


def is_shared(path: Path) -> bool:
    """Whether another run holds the same file of weights, as a fork does: without this one nothing would be freed."""
    try:
        return (path / MODEL_FILE).stat().st_nlink > 1
    except OSError:
        return False


def move_later(checkpoints: Path, step: int, target: Path) -> None:
    """Move the checkpoints after `step` into the folder `target`, the newest first.

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
    for folder in (target, target.parent, checkpoints):
        if folder.is_dir():
            sync_folder(folder)

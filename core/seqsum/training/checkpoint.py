"""Checkpoints: a folder with safetensors for weights and optimizer and JSON for the rest. Nothing in it can run code.

`step-N/model.safetensors`      weights under plain PyTorch names
`step-N/optimizer.safetensors`  optimizer state by parameter name, and the torch generator's state
`step-N/state.json`             step, configuration as it stood, loop state
`step-N/checksums.json`         SHA-256 of each; a checkpoint that fails it counts as damaged
"""

from __future__ import annotations

import json
import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import safetensors.numpy
import safetensors.torch
import torch
from torch import Tensor

from seqsum.files import sync_folder
from seqsum.runs.bounds import own_folder, remove
from seqsum.runs.checkpoint_files import (
    CHECKSUMS_FILE,
    MODEL_FILE,
    OPTIMIZER_FILE,
    RNG_KEY,
    STATE_FILE,
    DamagedCheckpoint,
    checksum,
    json_object,
    newest_read,
    whole_files,
)
from seqsum.runs.checkpoint_files import steps_saved as steps_saved
from seqsum.runs.checkpoint_files import tidy as tidy

METADATA = {"format": "pt"}


@dataclass(frozen=True)
class Checkpoint:
    """A checkpoint as it was read."""

    step: int
    model: dict[str, Tensor]
    optimizer: dict[str, Tensor]
    rng: Tensor
    state: dict[str, Any]


def save(
    folder: Path,
    step: int,
    model: dict[str, Tensor],
    optimizer: dict[str, Tensor],
    state: dict[str, Any],
    rng: Tensor | None = None,
    durable: bool = True,
) -> Path:
    """Write checkpoint `step` under `folder`, whole or not at all; one of the same step is replaced.

    rng: what `rng_state` gave at that step; default: what it gives now
    durable: force it to the disk; without, a power failure soon after can damage it, which its checksums then tell
    """
    generator = rng_state() if rng is None else rng
    files = {
        MODEL_FILE: packed(model),
        OPTIMIZER_FILE: packed({**optimizer, RNG_KEY: generator}),
        STATE_FILE: json.dumps({"step": step, **state}).encode(),
    }
    files[CHECKSUMS_FILE] = json.dumps({name: checksum(data) for name, data in files.items()}, indent=1).encode()
    own_folder(folder).mkdir(exist_ok=True)
    building, target, old = folder / f".step-{step}.new", folder / f"step-{step}", folder / f".step-{step}.old"
    if building.exists() or old.exists():
        tidy(folder)
    building.mkdir()
    try:
        for name, data in files.items():
            with (building / name).open("wb") as file:
                file.write(data)
                if durable:
                    file.flush()
                    os.fsync(file.fileno())
        if durable:
            sync_folder(building)
        if target.exists():
            target.rename(old)
        building.rename(target)
        if durable:
            sync_folder(folder)
    except OSError:
        tidy(folder)
        raise
    with suppress(OSError):
        remove(old)
    return target


def packed(tensors: dict[str, Tensor]) -> bytes:
    """Return tensors in the safetensors format; they may share memory."""
    if any(tensor.dtype == torch.bfloat16 for tensor in tensors.values()):
        return safetensors.torch.save({name: tensor.clone() for name, tensor in tensors.items()}, METADATA)
    # Through NumPy, which does not know bfloat16: a third of the time, as nobody looks for memory that is shared.
    arrays = {name: tensor.detach().cpu().contiguous().numpy() for name, tensor in tensors.items()}
    return safetensors.numpy.save(arrays, METADATA)


def set_aside(folder: Path, after: int) -> None:
    """Rename checkpoints of steps after `after` to damaged-step-N, so that they no longer count as the newest."""
    for step in steps_saved(folder):
        if step > after:
            place = folder / f"damaged-step-{step}"
            remove(place)
            (folder / f"step-{step}").rename(place)


def load(path: Path) -> Checkpoint:
    """Read one checkpoint; raise DamagedCheckpoint when it is incomplete or altered."""
    data = whole_files(path)
    state = json_object(path, STATE_FILE, data[STATE_FILE])
    try:
        optimizer = safetensors.torch.load(data[OPTIMIZER_FILE])
        return Checkpoint(
            step=int(state["step"]),
            model=safetensors.torch.load(data[MODEL_FILE]),
            rng=optimizer.pop(RNG_KEY),
            optimizer=optimizer,
            state=state,
        )
    except (KeyError, TypeError, ValueError, safetensors.SafetensorError) as error:
        raise DamagedCheckpoint(path.parent, f"{path.name} is not a checkpoint: {error}") from None


def newest(folder: Path, points_step: int | None = None) -> tuple[Checkpoint | None, list[str]]:
    """Return the newest whole checkpoint, if any, and a message for each that was passed over.

    points_step: the step up to which the run's points are there; a newer checkpoint, which a power failure left without
        its points, is passed over as a damaged one is
    """

    def read(path: Path) -> Checkpoint:
        found = load(path)
        if points_step is not None and found.step > points_step:
            raise DamagedCheckpoint(folder, f"{path.name} is newer than the points, which reach step {points_step:,}")
        return found

    found, damages = newest_read(folder, read)
    before = "there is no whole one before it" if found is None else "using the one before it"
    return found, [f"{damage}; {before}" for damage in damages]


def rng_state() -> Tensor:
    """Return the state of torch's generators, the GPU's behind the CPU's: uint8 [n]."""
    states = [torch.get_rng_state()]
    if torch.cuda.is_available():
        states.append(torch.cuda.get_rng_state())
    return torch.cat(states)


def set_rng(state: Tensor) -> None:
    """Set torch's generators to what `rng_state` gave."""
    size = len(torch.get_rng_state())
    torch.set_rng_state(state[:size])
    if len(state) > size and torch.cuda.is_available():
        torch.cuda.set_rng_state(state[size:])

"""Whether the files in a run's folder are its own: somebody may have copied those of another run over them."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from seqsum.errors import UserError
from seqsum.files import LARGEST_JSON, parse_json, read_regular
from seqsum.runs import checkpoint_files
from seqsum.runs.record import RECORD_FILE, Record, another, flat, some, sound_copy
from seqsum.runs.run import METRICS_FILE, Run
from seqsum.runs.store import Store


def check_own(run: Run, store: Store, verb: str, step: int | None = None) -> None:
    """Raise UserError where the record, the store or a checkpoint (that of `step`, or else any) is another run's: who
    goes on from it loses points of this one."""
    if (wrong := of_another(run, store)) is None:
        own = own_config(run, store)
        steps = checkpoint_files.steps_saved(run.checkpoints) if step is None else [step]
        wrong = next(filter(None, (_checkpoint_of_another(run, own, saved) for saved in steps)), None)
    if wrong is not None:
        raise UserError(f"{verb}: {wrong}; see seqsum doctor {run.id}")


def _checkpoint_of_another(run: Run, own: Mapping[str, Any], step: int) -> str | None:
    try:
        state = checkpoint_files.read_state(checkpoint_files.folder_of(run.checkpoints, step))
    except UserError:
        return None  # a damaged one is nobody's to go on from
    return checkpoint_of_another(step, own, state)


def check_checkpoint(run: Run, step: int, state: Mapping[str, Any], verb: str) -> None:
    """Raise UserError where the state of a run's checkpoint says that it is another run's."""
    if (whose := checkpoint_of_another(step, known_config(run), state)) is not None:
        raise UserError(f"{verb}: {whose}; see seqsum doctor {run.id}")


def of_another(run: Run, store: Store) -> str | None:
    """Say whether a run's store is another's, or its record where no copy knows the right one; None where neither
    is."""
    if (id := another(run.folder, store.copy_of(RECORD_FILE))) is not None:
        return f"{METRICS_FILE} in {run.folder.name} is that of run {id}"
    if sound_copy(store) is None and (id := record_of_another(run)) is not None:
        return f"{RECORD_FILE} in {run.folder.name} is that of run {id}"
    return None


def record_of_another(run: Run) -> str | None:
    """Return which other run the record in the folder is of; None for its own, and for one that says nothing."""
    try:
        return another(run.folder, read_regular(run.folder / RECORD_FILE, LARGEST_JSON))
    except OSError:
        return None


def own_config(run: Run, store: Store) -> dict[str, Any]:
    """Return the configuration that a run began with; empty where all that tells it is a record that was changed.

    Raises UserError when there is no record.
    """
    copy = sound_copy(store)
    if copy is not None:
        return dict(parse_json(copy).get("config") or {})
    record = Record.read(run.folder)
    return record.config if record.wrong_checksum is None and record_of_another(run) is None else {}


def known_config(run: Run) -> dict[str, Any]:
    """Return the configuration that a run began with; empty where its own files do not tell it."""
    with suppress(UserError, OSError), run.store() as store:
        return {} if of_another(run, store) else own_config(run, store)
    return {}


def checkpoint_of_another(step: int, own: Mapping[str, Any], state: Mapping[str, Any]) -> str | None:
    """Say in what a checkpoint's configuration is another than its run's; None where it may be the run's own.

    own: what `known_config` says. A live setting may be any, and one that only one of two versions knows tells nothing.
    """
    from seqsum.config import LIVE_FIELDS

    config = state.get("config")
    began, now = flat(own), flat(config) if isinstance(config, dict) else {}
    names = [
        path
        for path in began
        if path in now and now[path] != began[path] and path not in LIVE_FIELDS and not path.startswith("track.")
    ]
    return f"the checkpoint of step {step:,} is another run's: it has another {some(names)}" if names else None

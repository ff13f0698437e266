"""How a rewind, and its undoing, survive a kill: when the run is opened next, they are ended, or were never begun.

The store decides. While a copy of it lies in `.rewound-….new`, the event `rewound` is written, or it is not; only after
it do checkpoints move in there, and then the folder gets its name, `rewound-…`. To bring all back, that folder becomes
`.rewound-….undo-STEP`; only when the store is the copy again, which knows no such event, do the checkpoints follow, and
then the folder goes.
"""

from __future__ import annotations

import re
from contextlib import suppress
from pathlib import Path

from seqsum.errors import UserError
from seqsum.files import sync_folder
from seqsum.runs.access import by_another
from seqsum.runs.bounds import REWOUND_NAME, own_folder, remove
from seqsum.runs.changes import tell_changed
from seqsum.runs.checkpoint_files import move_later
from seqsum.runs.lock import no_worker
from seqsum.runs.run import CHECKPOINTS, LIVE_STATUSES, Run

UNDER_WAY = re.compile(rf"\.({REWOUND_NAME.pattern})\.(?:new|undo-(0|[1-9][0-9]{{0,14}}))")


def building(run: Run, name: str) -> Path:
    """Return what the folder `name` of a rewind is called until that is ended."""
    return run.folder / f".{name}.new"


def undoing(run: Run, name: str, step: int) -> Path:
    """Return what the folder `name` of a rewind to `step` is called while that is undone."""
    return run.folder / f".{name}.undo-{step}"


def end_rewind(run: Run, name: str, step: int) -> None:
    """Do what is left of a rewind to `step` whose event is written. As `end_undo`, for whoever holds the run's lock;
    both raise OSError, and UserError where a link has the name of a folder of ours."""
    place = own_folder(building(run, name))
    move_later(run.checkpoints, step, place / CHECKPOINTS)
    run.record_outcome("stopped", f"rewound to step {step:,}", step)
    place.rename(run.folder / name)
    sync_folder(run.folder)
    tell_changed(run.folder)


def end_undo(run: Run, name: str, step: int) -> None:
    """Do what is left of the undoing of a rewind to `step` when the store is again what it was."""
    place = own_folder(undoing(run, name, step))
    with run.store() as store:
        state = store.state()
        if not any(event.detail.get("kept") == name for event in store.events(kind="restored")):
            store.add_event(state["step"], "restored", rewound_to=step, kept=name, **by_another(run.folder))
        store.sync()
    move_later(place / CHECKPOINTS, -1, run.checkpoints)
    status = "died" if state["status"] in LIVE_STATUSES else state["status"]
    run.record_outcome(status, state.get("reason"), state["step"])
    with suppress(OSError):
        remove(place)
    tell_changed(run.folder)


def settle(run: Run) -> None:
    """End what a killed rewind had begun; for whoever holds the run's lock. Raises as `end_undo`."""
    for name, undone in under_way(run):
        with run.store() as store:
            steps = [event.step for event in store.events(kind="rewound") if event.detail.get("kept") == name]
        if undone is None:
            if steps:
                end_rewind(run, name, steps[-1])
            else:
                remove(building(run, name))
        elif steps:
            own_folder(undoing(run, name, undone)).rename(run.folder / name)
        else:
            end_undo(run, name, undone)


def finish(run: Run) -> None:
    """Settle a run that is opened to be looked at, unless somebody is at it or it can't be written."""
    if under_way(run) and not run.worker_lives:
        with suppress(OSError, UserError), no_worker(run.folder, "rewind"):
            settle(run)


def under_way(run: Run) -> list[tuple[str, int | None]]:
    """Return the names of the rewinds that are not ended, or not wholly undone, those with the step of the rewind."""
    try:
        found = [UNDER_WAY.fullmatch(path.name) for path in run.folder.iterdir()]
    except OSError:
        return []
    return [(match[1], None if match[2] is None else int(match[2])) for match in found if match is not None]

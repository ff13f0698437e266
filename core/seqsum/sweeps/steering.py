"""What a person does to a sweep from outside of its driver: have it driven, pause it, stop it, have it try more."""

from __future__ import annotations

import subprocess
import sys
import time

from seqsum.errors import UserError, told_as, untold
from seqsum.runs import Run, Workspace
from seqsum.runs.access import by_another
from seqsum.runs.run import said_status
from seqsum.sweeps.definition import (
    LOG,
    Status,
    Sweep,
    Wanted,
    folder_of,
    read,
    read_settings,
    read_wanted,
    status_of,
    want,
)
from seqsum.text import printable

POLL_SECONDS = 0.05
BEGIN_SECONDS = 300.0
DRIVEN = ("running", "paused")


def drive_beside(workspace: Workspace, name: str) -> None:
    """Have a sweep driven by a process of its own, and return when it has begun.

    Raises UserError when it can't be driven.
    """
    command = [sys.executable, "-P", "-m", "seqsum.cli", "--workspace", str(workspace.folder), "--json"]
    log = folder_of(workspace, name) / LOG
    with told_as(f"sweep: can't write in {log.parent}"), log.open("wb") as errors:
        process = subprocess.Popen(
            [*command, "sweep", "--resume", name],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=errors, start_new_session=True,
        )  # fmt: skip
    try:
        _wait_for_driver(workspace, name, process)
    except BaseException:
        # Interrupted: it has not said yet that it goes on by itself.
        process.terminate()
        raise


def _wait_for_driver(workspace: Workspace, name: str, process: subprocess.Popen[bytes]) -> None:
    log = folder_of(workspace, name) / LOG
    deadline, sweep = time.monotonic() + BEGIN_SECONDS, read(workspace, name)
    while status_of(workspace, sweep) not in (*DRIVEN, "finished") and time.monotonic() < deadline:
        if process.poll():
            words = log.read_text(encoding="utf-8", errors="replace").split("\n")
            why = next((untold(printable(line)) for line in reversed(words) if line.strip()), "")
            way_out = f"seqsum sweep --resume {name} tries it again"
            begun = f"{name} could not be begun{f': {why}' if why else ''}"
            raise UserError(f"sweep: {begun}; {way_out}", in_form=begun)
        time.sleep(POLL_SECONDS)


def go_on(workspace: Workspace, name: str) -> Status:
    """Take back what was asked of a sweep's driver; return how the sweep stood.

    Where that is neither `running` nor `paused`, nothing drives it yet: it stays as it is until a driver has it.
    """
    state = status_of(workspace, read(workspace, name))
    if state in DRIVEN:
        want(workspace, name, Wanted())
    return state


def resume(workspace: Workspace, name: str) -> None:
    """Have a sweep go on, driven by a process of its own where need be. Raises UserError where it can't be."""
    if go_on(workspace, name) not in DRIVEN:
        drive_beside(workspace, name)


def pause(workspace: Workspace, name: str) -> None:
    """Have a sweep start nothing new. Raises UserError for one that nothing drives."""
    sweep, state = _unfinished(workspace, name, "pause")
    if state not in DRIVEN:
        raise _undriven(sweep, state)
    want(workspace, name, read_wanted(workspace, name).model_copy(update={"paused": True}))


def stop(workspace: Workspace, name: str, cause: str = "") -> None:
    """Have a sweep save its runs and stop, those too that a killed driver left. cause: what asks for it.

    Raises UserError for one that has ended or was stopped.
    """
    sweep, state = _unfinished(workspace, name, "stop")
    if state == "died":
        _stop_runs(workspace, sweep, cause)
    elif state not in DRIVEN:
        raise _undriven(sweep, state)
    want(workspace, name, read_wanted(workspace, name).model_copy(update={"stopped": True, "cause": cause}))


def _unfinished(workspace: Workspace, name: str, action: str) -> tuple[Sweep, Status]:
    sweep = read(workspace, name)
    state = status_of(workspace, sweep)
    if state == "finished":
        raise UserError(f"sweep: {name} is finished: there is nothing left to {action}")
    return sweep, state


def _undriven(sweep: Sweep, state: Status) -> UserError:
    way_out = f"seqsum sweep --resume {sweep.name} goes on"
    return UserError(f"sweep: {sweep.name} {said_status(state)}: nothing drives it; {way_out}")


def _stop_runs(workspace: Workspace, sweep: Sweep, cause: str) -> None:
    groups = {one.group for one in read_settings(workspace, sweep.name).settings}
    for summary in workspace.summaries():
        if summary.group in groups and summary.live:
            run = Run(workspace.folder / summary.id)
            with run.store() as store:
                store.post_command("stop", **({"cause": cause} if cause else {}), **by_another(run.folder))

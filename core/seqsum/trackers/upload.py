"""Uploading a run's offline SwanLab logs, in a process of its own that can be given up.

`python -m seqsum.trackers.upload RUN_FOLDER SECONDS` does it for a worker that has ended, and tells the run's events.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from seqsum.errors import UserError
from seqsum.files import open_regular
from seqsum.formatting import duration
from seqsum.runs import Run
from seqsum.runs.bounds import own_folder
from seqsum.text import one_line
from seqsum.trackers import FOLDER

UPLOAD_SECONDS = 60.0
STATE_KEY = "upload"
LOG_FILE = "upload.log"
WORKER_SECONDS = 20.0  # in which a worker that has said its last word is gone


@dataclass(frozen=True)
class UploadResult:
    """How an upload ended: done, no_key, refused, timed_out or failed; `message` is for a person."""

    kind: str
    message: str

    @property
    def ok(self) -> bool:
        return self.kind == "done"


def log_folders(run: Run) -> list[Path]:
    """Return a run's offline SwanLab logs, oldest first: one for each time its worker was started."""
    folders = (run.folder / FOLDER).glob("run-*")
    return sorted(folder for folder in folders if any(folder.glob("run-*.swanlab")))


def upload(run: Run, seconds: float = UPLOAD_SECONDS) -> UploadResult:
    """Upload what is there, within `seconds`, and write how it went to the run's events and state.

    Raises UserError when the run is still training, or has no logs.
    """
    if run.worker_lives:
        raise UserError(f"sync: run {run.id} still trains; its logs can be uploaded when it has ended")
    folders = log_folders(run)
    if not folders:
        raise UserError(
            f"sync: run {run.id} has no SwanLab logs; only runs started with --track.swanlab offline or online have"
        )
    outcome = _send(run, folders, seconds)
    tell(run, outcome)
    return outcome


def tell(run: Run, outcome: UploadResult) -> None:
    """Write an upload's end to the run's events, for whoever looks at it."""
    with run.store() as store, store.transaction():
        step = int(store.state().get("step", 0))
        store.add_event(step, "message", text=f"swanlab: {outcome.message}")
        store.set_state(**{STATE_KEY: {"kind": outcome.kind, "message": outcome.message}})


def start_upload(run: Run, output: IO[bytes] | None = None) -> None:
    """Upload in a detached process, which waits for this one to let the run go; returns at once."""
    with run.store() as store:
        store.set_state(**{STATE_KEY: {"kind": "under_way", "message": ""}})
    subprocess.Popen(
        [sys.executable, "-P", "-m", "seqsum.trackers.upload", str(run.folder), f"{UPLOAD_SECONDS:g}"],
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=output,
        start_new_session=True,
    )


def _send(run: Run, folders: list[Path], seconds: float) -> UploadResult:
    later = f"what is missing can be sent later: seqsum sync {run.id}"
    log = own_folder(run.folder / FOLDER) / LOG_FILE
    with open_regular(log, os.O_RDWR | os.O_CREAT | os.O_TRUNC) as said:
        child = subprocess.Popen(
            [sys.executable, "-P", "-m", "seqsum.trackers.uploading", run.id, *map(str, folders)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=said,
            start_new_session=True,
            # Its lines are cut at the width of the terminal otherwise, and read below.
            env={**os.environ, "COLUMNS": "10000", "NO_COLOR": "1"},
        )
        try:
            answer, _ = child.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            return UploadResult("timed_out", f"the upload did not end within {duration(seconds)}; {later}")
        finally:
            if child.poll() is None:
                os.killpg(child.pid, signal.SIGKILL)
                child.wait()
        said.seek(0)
        text = said.read().decode("utf-8", "replace")
    try:
        found = json.loads(answer)
        kind, message = str(found["kind"]), one_line(str(found["message"]))
    except (ValueError, LookupError, TypeError):
        return UploadResult("failed", f"the upload ended without an answer; see {log}")
    if kind == "refused" and any(f"-> {status}" in text for status in (401, 403)):
        message = f"{message.partition(' did not')[0]} did not accept the API key"
    if kind != "done":
        return UploadResult(kind, f"not uploaded: {message}; {later}")
    # SwanLab says these, and returns as if all were well.
    if "Confirm sync finish failed" in text or "records, skipping" in text:
        return UploadResult("failed", f"not everything was uploaded to {message}, see {log}; {later}")
    return UploadResult("done", f"uploaded to {message}")


def main(arguments: list[str]) -> int:
    run, seconds = Run(Path(arguments[0])), float(arguments[1])
    run.wait_for_worker(WORKER_SECONDS)
    try:
        return 0 if upload(run, seconds).ok else 1
    except UserError as error:
        tell(run, UploadResult("failed", str(error)))
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""A worker's life around its loop: the lock, what it says when it fails, and its end."""

from __future__ import annotations

import os
import sqlite3
import sys
import time
import traceback
from contextlib import suppress
from pathlib import Path

from seqsum import plugins
from seqsum.errors import UserError, told_as
from seqsum.runs import Run, Store
from seqsum.runs.database import ServerAway, StoreBusy
from seqsum.runs.lock import take_lock
from seqsum.worker.attempt import Attempt
from seqsum.worker.patience import STORE_SECONDS, Patience
from seqsum.worker.signals import StopSignal
from seqsum.worker.worker import Worker

# The training loop wants the interpreter for a moment between chunks of a few milliseconds; what evaluates and saves
# beside it must not keep it for Python's usual 5.
SWITCH_SECONDS = 0.0002
OUT_OF_MEMORY = ("not enough memory", "out of memory", "can't allocate memory", "Cannot allocate memory")


def lock_of(folder: str) -> int:
    """Take a run's lock and return it. Raises UserError where a worker has it, or it can't be written."""
    run = Run(Path(folder).absolute())
    with told_as(f"runs: can't write {run.folder}"):
        lock = take_lock(run.folder)
    if lock is None:
        raise UserError(f"runs: {run.id} has a worker already")
    return lock


def work(
    folder: str,
    lock: int,
    signals: StopSignal,
    slot: int | None = None,
    attempt: Attempt | None = None,
) -> int:
    """Work on a run, whose lock is held, to its end; return the exit status. The slot, if any, is given back then.

    attempt: which one of several; raises the error after which the next one goes on
    """
    attempt = attempt or Attempt.alone()
    run = Run(Path(folder).absolute())
    os.set_inheritable(lock, False)
    sys.setswitchinterval(SWITCH_SECONDS)
    patience = Patience(lock, signals)
    try:
        with patience(lambda: _store_of(run)) as store:
            store.insist = patience
            worker = Worker(run, store, signals, patience, attempt)
            try:
                worker.prepare()
                status = 1 if worker.train() == "failed" else 0
            except Exception as error:
                store.insist = None
                if attempt.hands_over(error):
                    raise
                blamed = plugins.blamed(error)
                reason, status = blamed or _reason(error), 1
                with suppress(OSError):
                    if blamed or isinstance(error, UserError):
                        print(reason, file=sys.stderr)
                    else:
                        traceback.print_exc()
                # Where nothing can be written the log has it, and the run reads as died.
                with suppress(OSError, sqlite3.Error, UserError):
                    store.add_event(store.state().get("step", 0), "failed", reason=reason)
                    store.set_state(status="failed", reason=reason, updated=time.time())
                    run.record_outcome("failed", reason, store.state().get("step", 0), store)
                if worker.tracker is not None:
                    worker.tracker.finish("failed", reason)
    finally:
        # Python takes its time to end with torch loaded; who resumes the run now need not wait for that.
        os.close(lock)
        if slot is not None:
            os.close(slot)
    if worker.tracker is not None and worker.tracker.stuck:
        # What hangs in the tracker's threads would hang the end of the process, too.
        sys.stdout.flush()
        os._exit(status)
    return status


def _store_of(run: Run) -> Store:
    """Open the run's store. Raises ServerAway, for whoever waits, where that passes by itself."""
    try:
        return run.store(STORE_SECONDS)
    except StoreBusy as error:
        if isinstance(error.__cause__, ServerAway):
            raise error.__cause__ from None
        raise


def _reason(error: Exception) -> str:
    """One line that says what went wrong."""
    text = " ".join(str(error).split())
    if isinstance(error, UserError):
        return text
    if isinstance(error, MemoryError) or any(words in text for words in OUT_OF_MEMORY):
        return f"out of memory: {text or 'an allocation failed'}; make batch_size, hidden_size or the sequences smaller"
    if isinstance(error, sqlite3.Error):
        return f"the run's store can't be read or written: {text}"
    if isinstance(error, OSError) and error.strerror:
        return f"can't read or write {error.filename or 'a file'}: {error.strerror}"
    return f"{type(error).__name__}: {text}"

"""A queued run's worker before its turn: a small process that waits for a slot, and can be stopped. That of several
runs waits for the turn of any of them, and takes one slot.

Nothing but the standard library is imported until there is something to do.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from seqsum.machine_queue import WAITED_SHARE, MachineQueue
from seqsum.slots import Slots
from seqsum.worker.signals import StopSignal

POLL_SECONDS, SOONEST_SECONDS = 0.2, 0.01
PENDING = "SELECT max(id) FROM command WHERE done IS NULL AND verb != 'set'"


Queue = MachineQueue | Slots


def queue_of(folder: Path, count: int, root: str = "") -> Queue:
    """Return the queue that a run stands in: the machine's, kept in `root`, or its workspace's where that is ""."""
    if root:
        return MachineQueue(Path(root), count, folder, _will_take_card)
    return Slots(folder.parent, count, another_waits)


@dataclass(frozen=True)
class Waiting:
    """A run that waits, with its own place in the queue."""

    folder: Path
    ticket: str
    queue: Queue


def wait_for_slot(
    runs: Sequence[Waiting], signals: StopSignal, left: Callable[[Waiting], object] = lambda _: None
) -> tuple[list[Waiting], int | None]:
    """Wait until it is the turn of the first of `runs` and a slot is free; return those to begin, and its descriptor.

    Those that were stopped meanwhile are not among them: their status is written, and `left` is called with each. None
    for a slot when a person had one of them start now, with which all begin.
    """
    waiting, heard, began = list(runs), dict.fromkeys([one.folder for one in runs], 0), time.monotonic()
    try:
        for one in runs[1:]:
            one.queue.keep(one.ticket)
        with ExitStack() as looked_at:
            newest_of = {one.folder: looked_at.enter_context(newest_wish(one.folder)) for one in runs}
            while waiting:
                if signals.name:
                    for one in waiting:
                        stopped_while_waiting(one.folder, f"stopped by {signals.name} while it waited")
                        left(one)
                    return [], None
                at_once = False
                for one in list(waiting):
                    newest = newest_of[one.folder]()
                    if newest > heard[one.folder]:
                        heard[one.folder] = newest
                        wish = wish_of(one.folder)
                        at_once = at_once or wish == "resume"
                        if wish == "stop":
                            waiting.remove(one)
                            one.queue.drop(one.ticket)
                            left(one)
                if not waiting:
                    break
                first = waiting[0]
                slot = first.queue.take_if_any() if at_once else first.queue.begin(first.ticket)
                if at_once or slot is not None:
                    for one in waiting:
                        begins(one.folder, len(waiting))
                    return waiting, slot
                waited = time.monotonic() - began
                time.sleep(min(max(WAITED_SHARE * waited, SOONEST_SECONDS), POLL_SECONDS))
            return [], None
    finally:
        for one in waiting:
            one.queue.drop(one.ticket)


@contextmanager
def newest_wish(folder: Path) -> Iterator[Callable[[], int]]:
    """Give what tells the newest wish of a run: its id, 0 where there is none, or nobody can tell for the moment."""
    if not (folder / "store.json").exists():
        with closing(sqlite3.connect(f"{(folder / 'metrics.db').as_uri()}?mode=rw", uri=True, timeout=10)) as database:
            yield lambda: database.execute(PENDING).fetchone()[0] or 0
        return
    from seqsum.runs import Run
    from seqsum.runs.database import StoreBusy

    with Run(folder).store() as store:

        def newest() -> int:
            try:
                return max((one.id for one in store.pending_commands() if one.verb != "set"), default=0)
            except StoreBusy:
                return 0

        yield newest


def wish_of(folder: Path) -> str | None:
    """Answer what was asked; return "stop" or "resume" when that was among it."""
    from seqsum.runs import Run
    from seqsum.runs.access import hand

    wish: str | None = None
    with Run(folder).store() as store:
        heard = store.state().get("heard", 0)
        for command in store.pending_commands():
            if command.verb == "set":
                continue  # stays for the worker
            if command.id <= heard:
                store.finish_command(command.id, False, "the worker ended before it could")
            elif command.verb == "stop":
                stopped_while_waiting(folder, "stopped while it waited", hand(command.arguments.get("by")))
                store.finish_command(command.id, True, "taken out of the queue", step=store.state().get("step", 0))
                wish = "stop"
            elif command.verb == "resume":
                store.finish_command(command.id, True, "starts now, ahead of the queue", pid=os.getpid())
                wish = wish or "resume"
            else:
                words = "the run waits for its turn; seqsum resume starts it now, seqsum stop takes it out of the queue"
                store.finish_command(command.id, False, words)
    return wish


def _will_take_card(folder: Path) -> bool:
    from seqsum.runs import Run
    from seqsum.training.card import will_take_card

    return will_take_card(Run(folder))


def another_waits(folder: Path) -> bool:
    """Tell whether another user's worker is at a run; False where that can't be seen, or it would keep its place for
    ever."""
    from seqsum.errors import UserError
    from seqsum.runs import Run
    from seqsum.runs.run import LIVE_STATUSES

    try:
        return Run(folder).summary().status in LIVE_STATUSES
    except UserError:
        return False


def begins(folder: Path, together: int) -> None:
    """Write that a run waits no longer. together: how many are trained in one process then, and share its time."""
    from seqsum.runs import Run

    with Run(folder).store() as store:
        store.set_state(status="starting", together=together)


def stopped_while_waiting(folder: Path, reason: str, by: str = "") -> None:
    """Write that a run was stopped before its turn."""
    from seqsum.runs import Run

    Run(folder).end_before_start(reason, by)
    print(reason, flush=True)

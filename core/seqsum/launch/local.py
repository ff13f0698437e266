"""Workers as processes of this machine, each in a session of its own, so that it outlives terminal and console."""

from __future__ import annotations

import os
import subprocess
from contextlib import AbstractContextManager, ExitStack, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seqsum.errors import UserError, told_as
from seqsum.files import append_to
from seqsum.launch.base import RUN, typed, worker_command, worker_environment
from seqsum.machine_queue import MachineQueue, machine_folder
from seqsum.runs import Run, Store, Summary
from seqsum.runs.access import by_another
from seqsum.runs.changes import tell_changed
from seqsum.runs.lock import take_lock, this_boot
from seqsum.slots import Slots, worker_count
from seqsum.training.card import will_take_card

if TYPE_CHECKING:
    from seqsum.config import TrainConfig

WORKER = "seqsum.worker"
LOCK, TICKET = "LOCK", "TICKET"
"""Stand for the run's locked descriptor and its place in the queue in a command that is shown before there is a run."""
AT_ONCE = "--slot"


@dataclass(frozen=True)
class WorkerArguments:
    """What a worker's process is given: the run's locked descriptor, its ticket or `--slot`, and how many slots."""

    lock: int
    ticket: str
    count: int
    root: str
    """Where the machine's queue is kept; "" for the workspace's own."""

    @property
    def arguments(self) -> tuple[str, ...]:
        return self.ticket, str(self.count), *([self.root] if self.root else [])


@dataclass(frozen=True)
class ReadyRun:
    """A run whose lock is held and whose state says that it is started, but for its process.

    store: its own, open. before: its status until then.
    """

    run: Run
    store: Store
    before: str | None
    task: WorkerArguments


class LocalLauncher:
    """Starts `python -m seqsum.worker` detached, with its output in the run's log."""

    name, outlives = "local", True

    def __init__(self, workers: int | None = None) -> None:
        """`workers`: how many run side by side; None for SEQSUM_WORKERS, or else the number of cores."""
        self.workers = workers
        self._children: list[subprocess.Popen[bytes]] = []

    def capacity(self) -> int:
        if self.workers is not None:
            return self.workers
        try:
            return worker_count()
        except ValueError as error:
            raise UserError(str(error)) from None

    def command(self, workspace: Path, runs: int, train: TrainConfig, queue: bool = False) -> str:
        ticket = TICKET if queue else AT_ONCE
        root = machine_folder()[0]
        place = [str(root)] if root is not None else []
        command = worker_command(WORKER, workspace / RUN, LOCK, ticket, str(self.capacity()), *place)
        return typed(worker_environment(train.threads), command)

    def submit(self, run: Run, queue: bool = False) -> int | None:
        with ExitStack() as held:
            return self._begin(self._ready(run, queue, held))

    def _ready(self, run: Run, queue: bool, held: ExitStack) -> ReadyRun:
        """Do all but start the process. held: what lets go of the run's lock and store again."""
        count = self.capacity()
        with told_as(f"launch: can't start a worker for run {run.id}"), ExitStack() as taken:
            lock = take_lock(run.folder)
            if lock is None:
                raise UserError(f"runs: {run.id} has a worker already; stop it first: seqsum stop {run.id}")
            # The worker gets the locked descriptor: from here to its end the run is never without an owner.
            taken.callback(os.close, lock)
            store = taken.enter_context(run.store())
            before = store.state().get("status")
            if before == "finished":
                # While this waited for the lock, the worker that had it came to the run's end.
                raise UserError(f"runs: {run.id} is finished")
            root, why = machine_folder()
            ticket = _ticket(run, root, count, queue)
            if queue and why:
                store.add_event(store.state()["step"], "message", text=why)
            # An engine that was to start it later finds that the run is not its own any more.
            state: dict[str, Any] = {
                "status": "queued" if queue else "starting",
                "pid": None,
                "launcher": os.getpid(),
                "boot": this_boot(),
                "job": {},
            }
            store.set_state(heard=store.last_command(), **state)
            held.enter_context(taken.pop_all())
        return ReadyRun(run, store, before, WorkerArguments(lock, ticket, count, str(root or "")))

    def _begin(self, ready: ReadyRun, pid: int | None = None) -> int:
        """Write which process works on a run; start one where there is none yet. Return its id."""
        with told_as(f"launch: can't start a worker for run {ready.run.id}"):
            if pid is None:
                try:
                    pid = self._spawn(ready.run, ready.task)
                except OSError:
                    ready.store.set_state(status=ready.before)
                    raise
            ready.store.set_state(pid=pid)
        tell_changed(ready.run.folder)
        return pid

    def _spawn(self, run: Run, task: WorkerArguments) -> int:
        """Start a worker's process; return its id."""
        threads = run.record.setting("train").whole("threads", 1)
        with append_to(run.log) as log:
            child = subprocess.Popen(
                worker_command(WORKER, run.folder, str(task.lock), *task.arguments),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=[task.lock],
                start_new_session=True,
                env={**os.environ, **worker_environment(threads)},
            )
        self._reap()
        self._children.append(child)
        return child.pid

    def together(self) -> AbstractContextManager[None]:
        return nullcontext()

    def poll(self, run: Run) -> Summary:
        return run.summary()

    def holds(self, run: Run) -> bool:
        return run.worker_lives

    def stop(self, run: Run, cause: str = "") -> None:
        with run.store() as store:
            store.post_command("stop", **({"cause": cause} if cause else {}), **by_another(run.folder))

    def warm(self) -> None:
        """Nothing: each worker starts from nothing."""

    def cool(self) -> None:
        """Nothing."""

    def close(self) -> None:
        self._reap()

    def _reap(self) -> None:
        """Collect the exit status of workers that ended, so that none stays as a zombie."""
        self._children = [child for child in self._children if child.poll() is None]


def leave_queue(run: Run) -> None:
    """Drop what an earlier worker left in the queue; for whoever holds the run's lock."""
    _ticket(run, machine_folder()[0], 1, queue=False)


def _ticket(run: Run, root: Path | None, count: int, queue: bool) -> str:
    """Drop what an earlier worker left in the queue; return the ticket of one that is to wait there."""
    if root is not None:
        machine = MachineQueue(root, count, run.folder, lambda _: will_take_card(run))
        machine.forget()
        return machine.draw_ticket() if queue else AT_ONCE
    slots = Slots(run.folder.parent, count)
    slots.forget(run.id)
    return slots.draw_ticket(run.id) if queue else AT_ONCE

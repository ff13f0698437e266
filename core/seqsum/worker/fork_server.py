"""`python -m seqsum.worker.fork_server SOCKET_FD`: loads what workers need, then forks one for every run it is sent.

A message is a line of JSON, a list of a number, the run's folder, the ticket and the number of slots, with the run's
locked descriptor beside it; the answer is a line of the number and the worker's process id. In place of the folder
there may be a list of several, each with its descriptor: runs that one process trains together (`population`). It ends
when the other end of the socket closes.

A worker whose queued run has come to its end waits a moment for another one: half of what a short run takes is the
fork, for what it writes to is copied page by page. So one process works on several runs, one after the other, each with
its own lock, log and store; killed, it loses the one that it is at.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import select
import signal
import socket
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import torch

from seqsum import plugins, worker
from seqsum.files import append_to
from seqsum.launch.warm import LONGEST_MESSAGE, MOST_LOCKS
from seqsum.worker.population import Member, work_on_all
from seqsum.worker.queue_wait import Waiting, queue_of
from seqsum.worker.signals import StopSignal
from seqsum.worker.together import processes_of

IDLE_SECONDS = 2.0
"""How long a worker waits for another run."""
MOST_RUNS = 50
"""Of one process: what a library leaves behind does not add up."""
MOST_KEPT = 200
"""Workers that can be sent another run: each holds a file open here, of which a process may have a thousand."""
JOIN_SECONDS = 1.0
FREE, BEGUN = b"f", b"b"
"""What a worker says: that it can take another run, and that it has taken one."""


@dataclass
class Order:
    """A run that is to be worked on, or several together: their folders, the other arguments (of several, the first is
    a list of their tickets), their locked descriptors.

    together: whether they are several, or were
    """

    folders: list[str]
    arguments: list[Any]
    locks: list[int]
    together: bool

    @classmethod
    def read(cls, message: list[Any], locks: list[int]) -> Order:
        """Make one of a message without its number; its descriptors are taken from `locks`."""
        place, *arguments = message
        folders = [place] if isinstance(place, str) else place
        own, locks[:] = locks[: len(folders)], locks[len(folders) :]
        return cls(folders, arguments, own, not isinstance(place, str))

    @property
    def message(self) -> list[Any]:
        return [self.folders if self.together else self.folders[0], *self.arguments]

    def close(self) -> None:
        """Let go of the locks here; whoever was sent them has them."""
        for lock in self.locks:
            os.close(lock)


@dataclass
class Child:
    """A worker. order: what it was sent and has not taken yet."""

    pid: int
    link: socket.socket
    free: bool = False
    order: Order | None = field(default=None)

    @property
    def can_take(self) -> bool:
        """Whether it waits for a run; one that a signal has stopped would keep it."""
        with contextlib.suppress(psutil.Error):
            return self.free and psutil.Process(self.pid).status() != psutil.STATUS_STOPPED
        return False


def load() -> None:
    """Import what a worker imports, and load the compiled code if it is there."""
    import seqsum.training.trainer
    import seqsum.worker.process
    import seqsum.worker.together  # noqa: F401

    load_compiled()
    # Else the collector would write to every object, and the pages that parent and children share would be copied.
    gc.collect()
    gc.freeze()


def load_compiled() -> None:
    """Load the compiled code that is there and not loaded yet."""
    from seqsum.training.backends.fused import cache

    for is_there, compiled in ((cache.is_warm, cache.compile_now), (cache.lanes_are_warm, cache.compile_lanes)):
        if compiled not in _compiled and is_there():
            compiled()
            _compiled.add(compiled)


_compiled = set[Callable[[], None]]()


class Server:
    """Has workers work on what comes over a socket."""

    def __init__(self, link: socket.socket) -> None:
        self.link = link
        self.children: list[Child] = []
        self._rest = b""
        self._locks: list[int] = []

    def serve(self) -> None:
        """Serve until the other end closes."""
        # Nobody waits for the workers here.
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        while True:
            waits = select.poll()
            for link in (self.link, *(child.link for child in self.children)):
                waits.register(link, select.POLLIN)
            ready = {number for number, _ in waits.poll()}
            for child in [child for child in self.children if child.link.fileno() in ready]:
                self._hear(child)
            if self.link.fileno() in ready and not self._take():
                return

    def _take(self) -> bool:
        """Take what has come; return whether the other end is still there."""
        found, descriptors, _, _ = socket.recv_fds(self.link, LONGEST_MESSAGE, MOST_LOCKS)
        if not found:
            return False
        self._locks += descriptors
        *messages, self._rest = (self._rest + found).split(b"\n")
        for message in messages:
            number, *order = json.loads(message)
            self._begin(number, Order.read(order, self._locks))
        return True

    def _begin(self, number: int, order: Order) -> None:
        child = next((child for child in self.children if child.can_take), None)
        if child is None:
            self._fork(order, number)
            return
        # Before it begins; where nobody waits for the answer any more, nothing does.
        with contextlib.suppress(OSError):
            self.link.send(f"{number} {child.pid}\n".encode())
            child.free, child.order = False, order
            with contextlib.suppress(OSError):  # it has just ended, which is heard next
                socket.send_fds(child.link, [json.dumps(order.message).encode()], order.locks)
            return
        order.close()

    def _hear(self, child: Child) -> None:
        said = b""
        with contextlib.suppress(OSError):
            said = child.link.recv(64)
        if BEGUN in said and child.order is not None:
            child.order.close()
            child.order = None
        child.free = said.endswith(FREE)
        if not said:
            self.children.remove(child)
            child.link.close()
            if child.order is not None:
                # It ended before it took it.
                self._fork(child.order)

    def _fork(self, order: Order, number: int | None = None) -> None:
        """Fork a worker. number: of the message that it answers; None where that is answered."""
        kept = len(self.children) < MOST_KEPT
        ours, theirs = socket.socketpair() if kept else (None, None)
        process = os.fork()
        if process == 0:
            # What other runs are locked by, and other workers heard on, is none of its business.
            if ours is not None:
                ours.close()
            for child in self.children:
                child.link.close()
                if child.order is not None:
                    child.order.close()
            for lock in self._locks:
                os.close(lock)
            _become_worker(self.link, theirs, number, order)
        order.close()
        if ours is not None and theirs is not None:
            theirs.close()
            self.children.append(Child(process, ours))


def _become_worker(link: socket.socket, server: socket.socket | None, number: int | None, order: Order) -> None:
    """Work on a run, and on what else the server sends; None where it sends nothing."""
    status = 1
    try:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        os.setsid()
        # Only now, so that no signal to its launcher's terminal reaches it; where nobody waits any more, it ends here.
        if number is not None:
            link.send(f"{number} {os.getpid()}\n".encode())
        link.close()
        environment = dict(os.environ)
        status, signals = _work(order)
        for _ in range(MOST_RUNS - 1):
            if server is None or status or signals.name or not _is_as_forked(order, environment):
                break
            another = _wait(server)
            if another is None:
                break
            order = another
            status, signals = _work(order)
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def _work(order: Order) -> tuple[int, StopSignal]:
    signals = StopSignal()
    with append_to(Path(order.folders[0]) / "worker.log") as log:
        for number in (1, 2):
            os.dup2(log.fileno(), number)
    if order.together:
        tickets, count, *root = order.arguments
        places = zip(order.folders, order.locks, tickets, strict=True)
        members = [
            Member(Waiting(Path(folder), ticket, queue_of(Path(folder), int(count), *root)), lock)
            for folder, lock, ticket in places
        ]
        status = work_on_all(members, signals)
    else:
        status = worker.main([order.folders[0], str(order.locks[0]), *order.arguments], signals)
    # Else the run and all that is behind its loop would stay.
    signals.continued = lambda: None
    sys.stdout.flush()
    sys.stderr.flush()
    return status, signals


def _is_as_forked(order: Order, environment: dict[str, str]) -> bool:
    """Tell whether another run would find this process as a forked one, as far as that can be told: only those of the
    queue come one after the other, a plug-in's code may be another one by now, and a graphics card or a tracker is
    never wholly let go of."""
    if order.arguments[0] == "--slot" or plugins.any_added() or "swanlab" in sys.modules:
        return False
    if not order.together and processes_of(order.folders[0]) > 1:
        return False
    if os.environ != environment or torch.cuda.is_initialized():  # type: ignore[no-untyped-call]
        return False
    # What is behind the training loop ends when nobody has it any more.
    gc.collect()
    for thread in threading.enumerate():
        if thread is not threading.current_thread():
            thread.join(JOIN_SECONDS)
    return threading.active_count() == 1


def _wait(server: socket.socket) -> Order | None:
    """Wait for another run; None where none comes."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_DFL)
    server.settimeout(IDLE_SECONDS)
    try:
        server.send(FREE)
        message, locks, _, _ = socket.recv_fds(server, LONGEST_MESSAGE, MOST_LOCKS)
        if not message:
            return None
        server.send(BEGUN)
    except OSError:
        return None
    return Order.read(json.loads(message), locks)


if __name__ == "__main__":
    load()
    Server(socket.socket(fileno=int(sys.argv[1]))).serve()

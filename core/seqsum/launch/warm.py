"""Workers without the time that PyTorch takes to load: a process has it loaded, and workers are forked from it."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager

import psutil

from seqsum.errors import UserError
from seqsum.launch import standby
from seqsum.launch.local import LocalLauncher, ReadyRun, WorkerArguments
from seqsum.launch.standby import ANSWER_SECONDS
from seqsum.runs import Run
from seqsum.training.backends.fused import cache
from seqsum.training.backends.fused_support import FEWEST, LANES, lanes_key

LONGEST_MESSAGE = 2**17
SERVED_BY = -1
"""In place of a message's number: the process that answers."""
AT_ONCE = LANES
"""Runs that are handed over as one, at most: each holds some files open until then."""
MOST_LOCKS = 64
"""Locked descriptors that are read at once."""


class _Gathered(threading.local):
    """What a thread is about to hand over as one."""

    depth = 0

    def __init__(self) -> None:
        self.runs: list[tuple[Run, bool]] = []


class WarmLauncher(LocalLauncher):
    """A LocalLauncher whose workers are forked from a loaded process: the one that stands by for this user's commands
    (`standby`), or one of its own, as long as it is open.

    A forked worker is a process of its own, with a session, a log and the run's lock; it outlives whoever launched it.
    A run with more than one thread, or one launched while the loaded process is gone or does not answer, starts the
    ordinary way. Runs that are submitted together are forked without waiting for each answer.
    """

    def __init__(self, workers: int | None = None, *, many: bool = True) -> None:
        """workers: as LocalLauncher has it; many: it is worth a process of its own where none can stand by."""
        super().__init__(workers)
        self._many = many
        self._stands_by = True
        self._process: subprocess.Popen[bytes] | None = None
        self._server: psutil.Process | None = None
        self._is_own = False
        """Whether the server is this launcher's alone, to be ended with it; else it is the one that stands by."""
        self._link: socket.socket | None = None
        self._one_at_a_time = threading.RLock()
        self._gathered = _Gathered()

    def warm(self) -> None:
        """Begin to load, unless that has begun; return at once. For a few, that waits for one that can be forked."""
        with self._one_at_a_time:
            if self._lives or not self._many:
                return
            self._end()
            if not self._find():
                self._load()

    @property
    def _lives(self) -> bool:
        if self._process is not None:
            return self._process.poll() is None
        return self._server is not None and self._server.is_running()

    def _find(self) -> bool:
        """Have workers forked by the process that stands by; return whether there is one."""
        if self._stands_by and (link := standby.linked()) is not None:
            with contextlib.suppress(psutil.Error, OSError):
                self._server, self._link, self._is_own = psutil.Process(standby.peer(link)[0]), link, False
                return True
            link.close()
        return False

    def _load(self) -> None:
        link, theirs = socket.socketpair()
        link.settimeout(ANSWER_SECONDS)
        with theirs:
            try:
                self._process = subprocess.Popen(
                    [sys.executable, "-P", "-m", "seqsum.worker.fork_server", str(theirs.fileno())],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    pass_fds=[theirs.fileno()],
                    start_new_session=True,
                    env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONUNBUFFERED": "1"},
                )
            except OSError:
                # Workers start all the same, only later.
                link.close()
                return
        self._server, self._link, self._is_own = psutil.Process(self._process.pid), link, True

    def cool(self) -> None:
        """Let go of the loaded process; workers forked from it go on."""
        with self._one_at_a_time:
            self._end()

    def close(self) -> None:
        self.cool()
        super().close()

    def _end(self) -> None:
        if self._link is not None:
            self._link.close()
            self._link = None
        if self._server is not None and self._is_own:
            # Nothing else reaches a process that a signal has stopped; it has nothing to save.
            with contextlib.suppress(psutil.NoSuchProcess):
                self._server.kill()
        self._server = None
        if self._process is not None:
            self._process.wait()
            self._process = None

    @property
    def _is_stopped(self) -> bool:
        """Whether a signal has stopped the loaded process."""
        with contextlib.suppress(psutil.NoSuchProcess):  # it was told by its socket's end
            return self._server is not None and self._server.status() == psutil.STATUS_STOPPED
        return False

    # Handing over

    def submit(self, run: Run, queue: bool = False) -> int | None:
        if not self._gathered.depth:
            return super().submit(run, queue)
        self._gathered.runs.append((run, queue))
        if len(self._gathered.runs) >= AT_ONCE:
            self._hand_over()
        return None

    @contextmanager
    def together(self) -> Iterator[None]:
        self._gathered.depth += 1
        try:
            yield
        finally:
            self._gathered.depth -= 1
            if not self._gathered.depth:
                self._hand_over()

    def _hand_over(self) -> None:
        gathered, self._gathered.runs = self._gathered.runs, []
        failed: UserError | None = None
        with ExitStack() as held:
            ready = list[list[ReadyRun]]()
            for lot in lots_of(gathered):
                ready.append([])
                for run, queue in lot:
                    try:
                        ready[-1].append(self._ready(run, queue, held))
                    except UserError as error:
                        # Somebody may have started it meanwhile.
                        failed = failed if run.worker_lives else failed or error
            ready = [begun for begun in ready if begun]
            pids = self._forked([[(one.run, one.task) for one in begun] for begun in ready])
            for number, begun in enumerate(ready):
                for one in begun:
                    try:
                        self._begin(one, pids.get(number))
                    except UserError as error:
                        failed = failed or error
        if failed is not None:
            raise failed

    def _spawn(self, run: Run, task: WorkerArguments) -> int:
        pid = self._forked([[(run, task)]]).get(0)
        return super()._spawn(run, task) if pid is None else pid

    def _forked(self, lots: Sequence[Sequence[tuple[Run, WorkerArguments]]]) -> dict[int, int]:
        """Have workers forked, one for each lot of runs; return by place the processes of those that were."""
        told: dict[int, int] = {}
        suitable = [
            number for number, lot in enumerate(lots) if lot[0][0].record.setting("train").whole("threads", 1) == 1
        ]
        with self._one_at_a_time:
            if not suitable or (self._link is None and not self._find()):
                return told
            rest = b""
            with contextlib.suppress(OSError, ValueError):
                # What is sent before somebody serves would lie there, with the locks, for as long as nobody does.
                while not self._is_own and not self._is_stopped:
                    rest = self._hear(rest, told)
            if not self._is_own:
                self._end()
                self._stands_by = False
                return told
            sent = [number for number in suitable if self._send(number, lots[number])]
            with contextlib.suppress(OSError, ValueError):
                while len(told) < len(sent) and not self._is_stopped:
                    rest = self._hear(rest, told)
            if len(told) < len(sent) and self._link is not None:
                # A worker answers before it begins: one that is forked later can't, and ends.
                with contextlib.suppress(OSError, ValueError):
                    self._link.shutdown(socket.SHUT_RD)
                    while len(told) < len(sent):
                        rest = self._hear(rest, told)
                self._end()
                self._stands_by = False
        return told

    def _send(self, number: int, lot: Sequence[tuple[Run, WorkerArguments]]) -> bool:
        """Ask for a worker; return whether it could be asked for."""
        folders, tickets = [str(run.folder) for run, _ in lot], [task.ticket for _, task in lot]
        told = [folders, tickets] if len(lot) > 1 else [folders[0], tickets[0]]
        message = json.dumps([number, *told, *lot[0][1].arguments[1:]])
        with contextlib.suppress(OSError):
            assert self._link is not None
            socket.send_fds(self._link, [f"{message}\n".encode()], [task.lock for _, task in lot])
            return True
        return False

    def _hear(self, rest: bytes, told: dict[int, int]) -> bytes:
        """Wait for answers and write them down; return what begins another one. Raises OSError, or ValueError at the
        end of all."""
        assert self._link is not None
        found = self._link.recv(4096)
        if not found:
            raise ValueError("it has ended")
        *lines, rest = (rest + found).split(b"\n")
        for line in lines:
            number, pid = map(int, line.split())
            if number == SERVED_BY:
                with contextlib.suppress(psutil.NoSuchProcess):
                    self._server, self._is_own = psutil.Process(pid), True
            else:
                told[number] = pid
        return rest


def lots_of(runs: Sequence[tuple[Run, bool]]) -> list[list[tuple[Run, bool]]]:
    """Put queued runs together whose steps one process can make together, up to LANES in a lot; the others alone.

    runs: each with whether it is queued
    """
    # Where it would be compiled first, all of a lot would wait for that, deaf to what they are asked.
    ready = cache.lanes_are_warm()
    alike: dict[str, list[tuple[Run, bool]]] = {}
    for run, queue in runs:
        alike.setdefault((_key_of(run) if queue and ready else None) or str(run.folder), []).append((run, queue))
    return [lot for found in alike.values() for lot in ([found] if len(found) >= FEWEST else [[one] for one in found])]


def _key_of(run: Run) -> str | None:
    """Return what runs have in common whose steps can be made together; None where a run's can't be."""
    try:
        return lanes_key(run.record.parsed_config())
    except UserError:
        return None

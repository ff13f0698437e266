"""Workers without the time that PyTorch takes to load: a process loads it once, and workers are forked from it."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import threading

import psutil

from seqsum.launch.local import LocalLauncher, WorkerArguments
from seqsum.runs import Run

LONGEST_MESSAGE = 8192
ANSWER_SECONDS = 30.0
"""How long a loaded process may take to fork a worker, with the loading."""


class WarmLauncher(LocalLauncher):
    """A LocalLauncher that keeps a loaded process to fork workers from, as long as it is open.

    A forked worker is a process of its own, with a session, a log and the run's lock; it outlives whoever launched it.
    A run with more than one thread, or one launched while the loaded process is gone or does not answer, starts the
    ordinary way.
    """

    def __init__(self, workers: int | None = None) -> None:
        super().__init__(workers)
        self._process: subprocess.Popen[bytes] | None = None
        self._link: socket.socket | None = None
        self._one_at_a_time = threading.Lock()

    def warm(self) -> None:
        """Begin to load, unless that has begun; return at once."""
        with self._one_at_a_time:
            if self._process is not None and self._process.poll() is None:
                return
            self._end()
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
            self._link = link

    def cool(self) -> None:
        """End the loaded process; workers forked from it go on."""
        with self._one_at_a_time:
            self._end()

    def close(self) -> None:
        self.cool()
        super().close()

    def _end(self) -> None:
        if self._link is not None:
            self._link.close()
            self._link = None
        if self._process is not None:
            # Nothing else reaches a process that a signal has stopped; it has nothing to save.
            self._process.kill()
            self._process.wait()
            self._process = None

    @property
    def _is_stopped(self) -> bool:
        """Whether a signal has stopped the loaded process."""
        return self._process is not None and psutil.Process(self._process.pid).status() == psutil.STATUS_STOPPED

    def _spawn(self, run: Run, task: WorkerArguments) -> int:
        with self._one_at_a_time:
            if self._link is not None and run.record.setting("train").whole("threads", 1) == 1:
                arguments = [str(run.folder), *task.arguments]
                with contextlib.suppress(OSError, ValueError):
                    socket.send_fds(self._link, [json.dumps(arguments).encode()], [task.lock])
                    if not self._is_stopped:
                        return int(self._link.recv(64))
                # A worker answers before it begins: one that is forked later can't, and ends.
                with contextlib.suppress(OSError, ValueError):
                    self._link.shutdown(socket.SHUT_RD)
                    return int(self._link.recv(64))
                self._end()
            return super()._spawn(run, task)

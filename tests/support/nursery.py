"""Workers without the seconds torch takes to load: a process loads it once, and each worker is forked from there.

A forked worker is a process of its own with a session, a log and the run's lock, like one of `LocalLauncher`: only
its start is quicker. Tests that are about the start use `LocalLauncher`.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

from seqsum.errors import UserError
from seqsum.runs import Run
from seqsum.runs.lock import take_lock


class Nursery:
    """A launcher, as `seqsum.launch.Launcher` describes it."""

    def __init__(self) -> None:
        self._socket, theirs = socket.socketpair()
        self._process = subprocess.Popen(
            [sys.executable, "-P", __file__, str(theirs.fileno())],
            pass_fds=[theirs.fileno()],
            env={**os.environ, "OMP_NUM_THREADS": "1"},
        )
        theirs.close()

    def capacity(self) -> int:
        return 1

    def submit(self, run: Run, queue: bool = False) -> int:
        lock = take_lock(run.folder)
        if lock is None:
            raise UserError(f"runs: {run.id} has a worker already; pause or stop it first")
        try:
            with run.store() as store:
                store.set_state(status="queued", launched=time.time())
                socket.send_fds(self._socket, [str(run.folder).encode()], [lock])
                pid = int(self._socket.recv(64))
                store.set_state(pid=pid)
        finally:
            os.close(lock)
        return pid

    def poll(self, run: Run) -> bool:
        return run.worker_lives

    def stop(self, run: Run) -> None:
        with run.store() as store:
            store.post_command("stop")

    def close(self) -> None:
        self._socket.close()
        self._process.wait()


def serve(link: socket.socket) -> None:
    """Fork a worker for every folder that comes, until the other end closes."""
    import seqsum.training.trainer  # noqa: F401
    from seqsum import worker

    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    while True:
        folder, descriptors, _, _ = socket.recv_fds(link, 4096, 1)
        if not folder:
            return
        pid = os.fork()
        if pid == 0:
            link.close()
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            os.setsid()
            log = os.open(Path(folder.decode()) / "worker.log", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
            for number in (1, 2):
                os.dup2(log, number)
            status = 1
            try:
                status = worker.main([folder.decode(), str(descriptors[0])])
            finally:
                os._exit(status)
        os.close(descriptors[0])
        link.send(str(pid).encode())


if __name__ == "__main__":
    serve(socket.socket(fileno=int(sys.argv[1])))

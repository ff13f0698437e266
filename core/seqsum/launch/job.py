"""What runs where an engine has started it: a run's worker as a process of its own, which ends with this one."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
from pathlib import Path

from seqsum.errors import UserError
from seqsum.files import append_to
from seqsum.launch.base import worker_command, worker_environment
from seqsum.runs import Run

BOUND = "seqsum.worker.bound"
BY_SIGNAL = "stopped by SIG"
"""How the reason begins of a run that no person stopped: whoever takes the machine away sends a signal."""
PATIENCE_SECONDS = 120.0
"""How long a worker that was lost may save yet."""
FOR_US = (signal.SIGUSR1, signal.SIGUSR2)
"""What Slurm sends to all of a job before its time is over."""


class WorkerLost(Exception):
    """A worker's process was ended from outside; started again, it goes on from its newest checkpoint."""


class JobWorker:
    """The worker of a run that an engine has started."""

    def __init__(self, folder: Path, token: str) -> None:
        """token: that of its handing over."""
        if not folder.is_dir():
            raise UserError(f"launch: {socket.gethostname()} has no {folder}: every node must see the workspace there")
        self.run, self.token = Run(folder), token
        self._process: subprocess.Popen[bytes] | None = None

    def _begins(self) -> bool:
        """Tell whether the run is still to be started by this job; it is `starting` then, whatever it was when its
        worker was lost: its next one says nothing until it has read the checkpoint."""
        with self.run.store() as store:

            def begin() -> bool:
                state = store.state()
                if state.get("job", {}).get("token") != self.token or state["status"] in ("finished", "failed"):
                    return False
                store.set_state(status="starting")
                return True

            return store.write(begin)

    def work(self) -> None:
        """Have the run trained, unless it is not to be any more. Raises WorkerLost where its worker was killed."""
        # A worker that an earlier node lost sight of saves and ends by itself.
        self.run.wait_for_worker(PATIENCE_SECONDS)
        if not self._begins():
            return
        threads = self.run.record.setting("train").whole("threads", 1)
        with append_to(self.run.log) as log:
            # What the engine tells this process is none of the worker's, which it would end.
            before = signal.pthread_sigmask(signal.SIG_BLOCK, FOR_US)
            try:
                self._process = subprocess.Popen(
                    worker_command(BOUND, self.run.folder, str(os.getpid())),
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    env={**os.environ, **worker_environment(threads)},
                )
            finally:
                signal.pthread_sigmask(signal.SIG_SETMASK, before)
        try:
            self._wait(self._process)
        except BaseException:
            # Who gives the work up gives the machine up.
            self._process.send_signal(signal.SIGTERM)
            raise
        status = self._process.wait()
        if status < 0:
            raise WorkerLost(f"the worker of run {self.run.id} was ended by {signal.Signals(-status).name}")

    def leave(self) -> None:
        """Have the worker save and stop, and wait until it has; the run waits in the engine's queue from then on."""
        if self._process is not None:
            self._process.send_signal(signal.SIGTERM)
            self._wait(self._process)
        with self.run.store() as store:
            state = store.state()
            if state["status"] == "stopped" and (state.get("reason") or "").startswith(BY_SIGNAL):
                store.set_state(status="queued", pid=None, reason=None, heard=store.last_command())

    @staticmethod
    def _wait(process: subprocess.Popen[bytes]) -> None:
        """Wait for a process, and leave its status to be read: a signal's handler may wait for it, too, meanwhile."""
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)

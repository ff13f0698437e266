"""Workers as tasks of a Ray cluster that is there already. A task whose worker or node was lost is tried again by Ray,
and the run goes on from its newest checkpoint; tasks end with the program that has handed them over."""

from __future__ import annotations

import contextlib
import logging
import os
import re
import signal
import socket
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seqsum.errors import UserError
from seqsum.launch.base import RUN, cores_of, typed, worker_command, worker_environment
from seqsum.launch.cluster import ClusterLauncher, Job, Standing
from seqsum.launch.job import BOUND, JobWorker, WorkerLost
from seqsum.launch.options import check_options, whole_option
from seqsum.text import one_line, printable

if TYPE_CHECKING:
    from seqsum.config import TrainConfig

OPTIONS = ("address", "at_once", "max_retries", "num_cpus", "num_gpus", "memory", "scheduling_strategy")
OF_TASKS = ("num_cpus", "num_gpus", "memory", "scheduling_strategy")
AT_ONCE, MOST_AT_ONCE = 16, 10_000
RETRIES, MOST_RETRIES = 3, 1_000
"""How often a task is tried again whose worker or node was lost."""
ADDRESS = "127.0.0.1:6379"
"""Where `ray start --head` on this machine is; Ray itself would take any that it finds, of any user."""
CONNECT_SECONDS = 5.0
WRONG_TOKEN = "InvalidAuthToken"
"""What Ray writes on standard error where it says no more than that it failed."""
WAY_OUT = "; is one started there? ray start --head --include-dashboard=false"
ENVIRONMENT = {
    # Who can reach a cluster without can run anything on it: only somebody who says so has one.
    "RAY_AUTH_MODE": "token",
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_BACKEND_LOG_LEVEL": "fatal",
    # It would write what becomes of tasks on standard output, among our own lines.
    "RAY_DEDUP_LOGS_SKIP_REGEX": "^",
}
"""What Ray is told before it is loaded, unless somebody has said otherwise."""


def train(folder: str, token: str) -> None:
    """Train one run to its end: what a task does. Raises WorkerLost where its worker was killed."""
    JobWorker(Path(folder), token).work()


class RayLauncher(ClusterLauncher):
    """Hands runs to Ray."""

    name, title = "ray", "Ray"
    outlives = False

    def __init__(self, workspace: Path, options: Mapping[str, str]) -> None:
        """options: `address` is the cluster's, else RAY_ADDRESS or Ray's own on this machine; `at_once` how many train
        side by side, `max_retries` how often a lost one is tried again; others are Ray's own of a task.

        Raises UserError where Ray is not installed.
        """
        super().__init__(workspace)
        check_options(self.name, options, OPTIONS)
        for name, value in ENVIRONMENT.items():
            os.environ.setdefault(name, value)
        try:
            import ray
        except ImportError:
            raise UserError("launch: ray needs Ray, which is not installed: pip install 'seqsum-tui[ray]'") from None
        self._ray = ray
        self._address = options.get("address") or os.environ.get("RAY_ADDRESS") or ADDRESS
        if re.fullmatch(r"[^/\s]+:[0-9]{1,5}", self._address) is None:
            raise UserError(f'launch: the address of a Ray cluster is HOST:PORT, got "{printable(self._address)}"')
        self._at_once = whole_option(self.name, options, "at_once", MOST_AT_ONCE) or AT_ONCE
        self._retries = whole_option(self.name, options, "max_retries", MOST_RETRIES) or RETRIES
        self._task: dict[str, Any] = {name: _value(name, options[name]) for name in OF_TASKS if name in options}
        self._connected = False
        self._references: dict[str, Any] = {}

    def capacity(self) -> int:
        return self._at_once

    def _options(self, cores: int) -> dict[str, Any]:
        return {"num_cpus": cores, "max_retries": self._retries, **self._task}

    def command(self, workspace: Path, runs: int, train: TrainConfig, queue: bool = False) -> str:
        said = ", ".join(f"{name}={value!r}" for name, value in self._options(train.cores).items())
        worker = typed(worker_environment(train.threads), worker_command(BOUND, workspace / RUN, "PARENT"))
        return (
            f"ray.init(address={self._address!r})\n"
            f"ray.remote(seqsum.launch.ray_cluster.train).options({said}).remote({str(workspace / RUN)!r}, TOKEN)\n"
            f"where each task runs\n{worker}"
        )

    def warm(self) -> None:
        """Connect: where there is no cluster, no run is made in vain."""
        self._connect()

    def _connect(self) -> None:
        if self._connected:
            return
        _check_reached(self._address)
        with _own_signals(), _quiet() as said:
            try:
                self._ray.init(
                    address=self._address, namespace="seqsum", log_to_driver=False, logging_level=logging.CRITICAL
                )
            except (Exception, SystemExit) as error:
                reason = "the authentication token is missing or wrong" if WRONG_TOKEN in said() else _reason(error)
                raise UserError(f"launch: can't reach Ray at {self._address}: {reason}{WAY_OUT}") from None
        self._connected = True

    def _hand_over(self, jobs: Sequence[Job]) -> None:
        self._connect()
        remote = self._ray.remote(train)
        for job in jobs:
            own = self._options(cores_of(job.run))
            task = remote.options(name=f"seqsum {job.run.id}", retry_exceptions=[WorkerLost], **own)
            reference = task.remote(str(job.run.folder), job.token)
            job.id = reference.task_id().hex()
            self._references[job.id] = reference

    def _ask(self) -> None:
        """Nothing: a task that has ended tells so by itself."""

    def _standing(self, job: Job) -> Standing:
        reference = self._references.get(job.id)
        if reference is None:
            return Standing(False, "handed over by a program that has ended")
        ready, _ = self._ray.wait([reference], timeout=0)
        if not ready:
            return Standing(True, "pending")
        try:
            self._ray.get(reference)
        except Exception as error:
            return Standing(False, _reason(error))
        return Standing(False, "ended")

    def _cancel(self, job: Job) -> None:
        reference = self._references.get(job.id)
        if reference is not None:
            with contextlib.suppress(Exception):
                self._ray.cancel(reference)

    def close(self) -> None:
        if self._connected:
            self._ray.shutdown()
            self._connected = False


@contextlib.contextmanager
def _own_signals() -> Iterator[None]:
    """Give signals back that something inside takes for itself."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        if threading.current_thread() is threading.main_thread():
            for number, handler in before.items():
                signal.signal(number, handler)


@contextlib.contextmanager
def _quiet() -> Iterator[Callable[[], str]]:
    """Keep what is written on standard error inside, by compiled code too; yields what returns it."""
    sys.stderr.flush()
    kept = os.dup(2)
    with tempfile.TemporaryFile() as file:
        os.dup2(file.fileno(), 2)

        def said() -> str:
            file.seek(0)
            return file.read().decode("utf-8", "replace")

        try:
            yield said
        finally:
            os.dup2(kept, 2)
            os.close(kept)


def _check_reached(address: str) -> None:
    """Raise UserError where nobody answers: Ray itself would try for minutes."""
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host.strip("[]"), int(port)), CONNECT_SECONDS).close()
    except (OSError, OverflowError) as error:
        raise UserError(
            f"launch: can't reach Ray at {printable(address)}: {getattr(error, 'strerror', None) or error}{WAY_OUT}"
        ) from None


def _value(name: str, text: str) -> float | str:
    """Return an option of a task as Ray has it."""
    if name == "scheduling_strategy":
        return text
    try:
        number = float(text)
    except ValueError:
        raise UserError(f'--job: {name} of ray is a number, got "{printable(text)}"') from None
    return int(number) if number == int(number) else number


def _reason(error: BaseException) -> str:
    """Return what Ray says went wrong, in a line: that of the cause, where it tells of a task's error."""
    cause = getattr(error, "cause", None)
    words = [line for line in str(cause or error).splitlines() if line.strip()]
    return one_line(words[0]).rstrip(".") if words else type(error).__name__

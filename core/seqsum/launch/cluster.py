"""What the launchers of clusters share: files say how a run goes, the engine whether it is still to be started.

A run that is handed over is queued and has no worker; its store names the engine and a token that is made for each
handing over. What the engine starts begins only where that token still stands: a run that was stopped, started here or
handed over again meanwhile is none of its business any more.
"""

from __future__ import annotations

import os
import secrets
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from seqsum.errors import UserError, told_as
from seqsum.launch.base import HandOverRefused
from seqsum.launch.job import BY_SIGNAL
from seqsum.launch.local import leave_queue
from seqsum.runs import Run, Summary
from seqsum.runs.access import by_another
from seqsum.runs.changes import tell_changed
from seqsum.runs.database import on_network_file_system
from seqsum.runs.kept import WORKSPACE_FILE, server_of
from seqsum.runs.lock import no_worker, take_lock

if TYPE_CHECKING:
    from seqsum.config import TrainConfig

POLL_SECONDS = 2.0
"""How often an engine is asked."""


@dataclass
class Job:
    """A run that was handed over. id: the engine's own name for it; "" before it has one."""

    run: Run
    token: str
    id: str = ""


@dataclass(frozen=True)
class Standing:
    """Whether a job is in the engine's hands, and what that calls how it stands: pending, timeout …; "" if unknown."""

    held: bool
    word: str


class ClusterLauncher(ABC):
    """Hands runs to an engine, and finds them again in it."""

    name: str
    title: str
    outlives = True

    def __init__(self, workspace: Path) -> None:
        """Raises UserError for a workspace where several machines can't keep their runs."""
        home = next((one for one in (workspace, *workspace.absolute().parents) if one.is_dir()), workspace)
        if on_network_file_system(home) and server_of(workspace) is None:
            raise UserError(
                f"launch: {workspace} lies on a network file system, where SQLite, which keeps metrics, is not safe; "
                f"on {self.title} choose a folder on a disk, with --workspace, or name a PostgreSQL server in its "
                f"{WORKSPACE_FILE}"
            )
        self.workspace = workspace
        self._jobs: dict[str, Job | None] = {}
        self._gathered: list[Job] = []
        self._depth = 0
        self._asked = 0.0

    # What an engine does its own way

    @abstractmethod
    def capacity(self) -> int: ...

    @abstractmethod
    def command(self, workspace: Path, runs: int, train: TrainConfig, queue: bool = False) -> str: ...

    @abstractmethod
    def _hand_over(self, jobs: Sequence[Job]) -> None:
        """Submit all of these, and write into each its id. Raises UserError where the engine refuses them."""

    @abstractmethod
    def _ask(self) -> None:
        """Ask the engine how all jobs stand."""

    @abstractmethod
    def _standing(self, job: Job) -> Standing:
        """Return how a job stood when the engine was asked last."""

    @abstractmethod
    def _cancel(self, job: Job) -> None:
        """Take a job out of the engine, as far as it is in it."""

    # Handing over

    def submit(self, run: Run, queue: bool = False) -> None:
        with no_worker(run.folder, "launch"), run.store() as store:
            if store.state().get("status") == "finished":
                raise UserError(f"runs: {run.id} is finished")
            leave_queue(run)
            job = Job(run, secrets.token_hex(8))
            handed = {"on": self.name, "token": job.token}
            store.set_state(status="queued", pid=None, reason=None, heard=store.last_command(), job=handed)
        tell_changed(run.folder)
        self._jobs[run.id] = job
        self._gathered.append(job)
        if not self._depth:
            self._send()

    @contextmanager
    def together(self) -> Iterator[None]:
        self._depth += 1
        try:
            yield
        finally:
            self._depth -= 1
            if not self._depth:
                self._send()

    def _send(self) -> None:
        jobs, self._gathered = self._gathered, []
        if not jobs:
            return
        try:
            self._hand_over(jobs)
        except UserError as error:
            for job in jobs:
                self._take_back(job, str(error))
            raise HandOverRefused(str(error), self._left(jobs)) from None
        for job in jobs:
            with job.run.store() as store:
                if store.state().get("job", {}).get("token") == job.token:
                    store.set_state(job={"on": self.name, "token": job.token, "id": job.id})

    def _left(self, jobs: Sequence[Job]) -> str:
        """Say what is left of jobs that were refused: their runs, and what can be done with them."""
        first = jobs[0].run.id
        if len(jobs) > 1:
            return f"its {len(jobs):,} runs are left, stopped: the same command hands them over again"
        return (
            f"run {first} is left, stopped: seqsum resume {first} --on {self.name} tries again, seqsum delete {first} "
            "takes it away"
        )

    # How it goes

    def poll(self, run: Run) -> Summary:
        summary = run.summary()
        if summary.status not in ("queued", "stopped", "died"):
            return summary
        if summary.status == "stopped" and not (summary.reason or "").startswith(BY_SIGNAL):
            return summary  # by a person: nobody starts it again
        job = self._job(run)
        if job is None:
            return summary
        standing = self._now(job)
        if standing.held:
            return replace(summary, status="queued", reason=f"{self._called(job)}{_told(standing)}")
        if summary.status == "queued" and not run.worker_lives:
            self._take_back(job, f"{self._called(job)} was ended before it began{_told(standing)}")
            return run.summary()
        if summary.status == "died":
            return replace(summary, reason=f"{summary.reason}; {self._called(job)} is gone{_told(standing)}")
        return summary

    def holds(self, run: Run) -> bool:
        job = self._job(run)
        return run.worker_lives or (job is not None and self._now(job).held)

    def _now(self, job: Job) -> Standing:
        if job in self._gathered:
            return Standing(True, "handed over")
        if time.monotonic() - self._asked > POLL_SECONDS:
            self._ask()
            self._asked = time.monotonic()
        return self._standing(job)

    def _job(self, run: Run) -> Job | None:
        """Return what was handed over of a run, by this launcher or an earlier one."""
        if run.id not in self._jobs:
            with run.store() as store:
                said = store.state().get("job", {})
            token, id = said.get("token"), said.get("id", "")
            ours = said.get("on") == self.name and isinstance(token, str) and isinstance(id, str)
            self._jobs[run.id] = Job(run, str(token), id) if ours else None
        return self._jobs[run.id]

    def _called(self, job: Job) -> str:
        return f"its {self.title} job {job.id}" if job.id else f"its {self.title} job"

    def _take_back(self, job: Job, reason: str) -> None:
        """Write that a run was stopped before it began, unless something became of it meanwhile."""
        with told_as(f"launch: can't write {job.run.folder}"):
            lock = take_lock(job.run.folder)
        if lock is None:
            return
        try:
            with job.run.store() as store:
                state = store.state()
                if state["status"] != "queued" or state.get("job", {}).get("token") != job.token:
                    return
                store.set_state(job={})
            job.run.end_before_start(reason)
        finally:
            os.close(lock)

    def stop(self, run: Run, cause: str = "") -> None:
        job = self._job(run)
        if run.worker_lives or job is None:
            with run.store() as store:
                store.post_command("stop", **({"cause": cause} if cause else {}), **by_another(run.folder))
            return
        self._take_back(job, "stopped before it began")
        self._cancel(job)

    def warm(self) -> None:
        return  # workers start elsewhere

    def cool(self) -> None:
        return

    def close(self) -> None:
        return  # the engine goes on by itself


def _told(standing: Standing) -> str:
    return f": {standing.word}" if standing.word else ""

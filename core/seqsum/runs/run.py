"""One run: its folder, what it is doing, and how it is asked to do something else."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from seqsum.config import Config
from seqsum.errors import UserError
from seqsum.runs.annotations import Annotations
from seqsum.runs.files import open_regular
from seqsum.runs.lock import is_locked
from seqsum.runs.measure import measure_of
from seqsum.runs.record import Record
from seqsum.runs.store import Store
from seqsum.text import printable

METRICS_FILE = "metrics.db"
LOG_FILE = "worker.log"
CHECKPOINTS = "checkpoints"
STATUSES = ("queued", "starting", "running", "paused", "stopped", "finished", "failed", "died")
LIVE_STATUSES = ("queued", "starting", "running", "paused")
RESUMABLE_STATUSES = ("queued", "paused", "stopped", "failed", "died")


@dataclass(frozen=True)
class Summary:
    """What a list shows of a run. Times are seconds since 1970; `metrics` holds each metric's last
    value, which may be NaN or infinite."""

    id: str
    name: str
    preset: str
    status: str
    step: int
    steps: int
    pid: int | None
    created: float
    updated: float
    reason: str | None
    train_seconds: float
    steps_per_second: float
    metrics: dict[str, float]
    group: str | None
    tags: tuple[str, ...]
    note: str = ""
    starred: bool = False
    measure: str = ""
    """What accuracy and eval_loss are means over, where that isn't what training draws: in runs of earlier versions."""

    @property
    def live(self) -> bool:
        """Whether a worker is at it (also when it waits or is paused)."""
        return self.status in LIVE_STATUSES

    @property
    def progress(self) -> float:
        """Share of the steps done, 0 to 1."""
        return self.step / self.steps if self.steps else 0.0

    @property
    def seconds_left(self) -> float | None:
        """Seconds to the end at the present speed, or None while nothing is known of it."""
        if self.status != "running" or self.steps_per_second <= 0 or self.train_seconds < 0.5:
            return None
        return (self.steps - self.step) / self.steps_per_second


class Run:
    """A run folder. Cheap to make; reads when asked."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.id = folder.name

    @cached_property
    def record(self) -> Record:
        """The record as it was when first asked for; raises UserError when it can't be read."""
        return Record.read(self.folder)

    def record_outcome(self, status: str, reason: str | None, step: int) -> None:
        """Write into the record how the worker ended."""
        Record.read(self.folder).with_facts(outcome={"status": status, "reason": reason, "step": step}).write(
            self.folder
        )

    def end_before_start(self, reason: str) -> None:
        """Write that a run which waited was stopped; the caller holds its lock."""
        with self.store() as store, store.transaction():
            step = store.state().get("step", 0)
            store.add_event(step, "stopped", reason=reason)
            store.set_state(status="stopped", reason=reason, updated=time.time())
            self.record_outcome("stopped", reason, step)

    @property
    def name(self) -> str:
        """What the run is called: as a person said later, else as it was when it began."""
        return Annotations.read(self.folder).name or self.record.name

    @property
    def checkpoints(self) -> Path:
        return self.folder / CHECKPOINTS

    @property
    def log(self) -> Path:
        return self.folder / LOG_FILE

    def store(self) -> Store:
        """Open the metric store; close it, or use it as a context."""
        return Store(self.folder / METRICS_FILE)

    @property
    def worker_lives(self) -> bool:
        return is_locked(self.folder)

    def summary(self) -> Summary:
        """Read what the run is doing now. A run whose worker is gone without saying so has `died`.

        Raises UserError when the run's files are missing or damaged.
        """
        with self.reading(), self.store() as store:
            return self.summary_from(store)

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Turn whatever goes wrong inside with the run's files into one UserError."""
        try:
            yield
        except (sqlite3.Error, LookupError, TypeError, ValueError, AttributeError) as error:
            raise UserError(f"runs: can't read run {self.id}: its files are damaged ({error})") from error

    def summary_from(self, store: Store) -> Summary:
        """Make the summary from the run's own store, which is open already."""
        record, said = self.record, Annotations.read(self.folder)
        # The order matters: a worker writes its last status before it lets the lock go.
        alive = self.worker_lives
        state = store.state()
        metrics = store.latest()
        status = state["status"]
        waits = status == "queued" and state.get("pid") is None
        if status in LIVE_STATUSES and not alive and not waits:
            status = "died"
        return Summary(
            id=self.id,
            name=said.name or record.name,
            preset=record.preset,
            status=status,
            step=state.get("step", 0),
            steps=record.config["train"]["steps"],
            pid=state.get("pid") if status in LIVE_STATUSES else None,
            created=datetime.fromisoformat(record.created).timestamp(),
            updated=state.get("updated", 0.0),
            reason=state.get("reason") if status != "died" else self.last_words(),
            train_seconds=state.get("train_seconds", 0.0),
            steps_per_second=state.get("steps_per_second", 0.0),
            metrics=metrics,
            group=record.config["track"]["group"],
            tags=tuple(record.config["track"]["tags"]) if said.tags is None else said.tags,
            note=said.note,
            starred=said.starred,
            measure=measure_of(record),
        )

    def config(self) -> Config:
        """The configuration as it stands, with what was changed while the run trained."""
        with self.store() as store:
            changes: dict[str, Any] = store.state().get("changes", {})
        return self.record.parsed_config().changed(changes, f"run {self.id}")

    def log_tail(self, lines: int = 20) -> list[str]:
        """The last lines of the worker's log; never more than 64 KiB is read."""
        try:
            with open_regular(self.log) as file:
                file.seek(0, 2)
                file.seek(max(0, file.tell() - 65_536))
                text = (file.read(65_536) or b"").decode("utf-8", "replace")
        except OSError:
            return []
        return text.splitlines()[-lines:] if lines > 0 else []

    def last_words(self) -> str:
        """Why a worker died, as far as its log tells."""
        tail = [line for line in self.log_tail(8) if line.strip()]
        if not tail:
            return "the worker ended without a word"
        return f"the worker ended; its log's last line: {printable(tail[-1])}"

    def wait_for_worker(self, seconds: float) -> None:
        """Wait until the run's worker is gone; no longer than `seconds`."""
        deadline = time.monotonic() + seconds
        while self.worker_lives and time.monotonic() < deadline:
            time.sleep(0.02)

    def wait_for_command(self, id: int, seconds: float) -> dict[str, Any] | None:
        """Wait for a command's outcome; None when none came in time or the worker is gone."""
        deadline = time.monotonic() + seconds
        with self.store() as store:
            while time.monotonic() < deadline:
                alive = self.worker_lives
                outcome = store.command_outcome(id)
                if outcome is not None or not alive:
                    return outcome
                time.sleep(0.02)
        return None

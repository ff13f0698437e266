"""What a worker writes into its run's folder: points and state, what a person should hear, checkpoints."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seqsum.files import append_to
from seqsum.runs import Run, Store, checkpoint_files
from seqsum.runs.record import Record
from seqsum.runs.store import ANSWERS
from seqsum.setting_notes import not_fused
from seqsum.trackers import Guarded
from seqsum.trackers.upload import start_upload
from seqsum.training.backends.fused_support import why_not_fused
from seqsum.worker.background_jobs import BackgroundJobs, Job
from seqsum.worker.clock import TrainingClock
from seqsum.worker.live_changes import LiveChanges
from seqsum.worker.patience import STORE_SECONDS, Patience, log

if TYPE_CHECKING:
    from seqsum.training.trainer import Point, Trainer

WRITE_SECONDS = 0.1
DURABLE_SECONDS = 1.0
QUESTIONS_SHARE = 0.01

SomeEvent = tuple[int, str, dict[str, Any]]  # step, kind, detail


class RunWriter:
    """Writes what a trainer gives: points before the checkpoint that holds their step, and in the tracker, too.

    A power failure takes a run back to the last checkpoint that was forced to the disk at most (`durable_step` of its
    state), and no point up to there is lost: the store is forced before it.

    points: those that are not written yet; lags: whether evaluations are made behind the loop, so that what is not
    urgent is written there, too; behind: what is done there; last_saved: step and changed values of the newest
    checkpoint
    """

    def __init__(
        self,
        run: Run,
        store: Store,
        trainer: Trainer,
        changes: LiveChanges,
        clock: TrainingClock,
        patience: Patience,
        is_told: Callable[[], bool],
    ) -> None:
        """is_told: whether there is something to be obeyed, so that nothing else may be waited for"""
        self.run, self.store, self.trainer, self.patience = run, store, trainer, patience
        self.changes, self.clock = changes, clock
        self.tracker: Guarded | None = None
        self.points: list[Point] = []
        self.lags = False
        self.behind = BackgroundJobs(lambda: self.write(force=True), is_told)
        self.last_saved: tuple[int, dict[str, Any]] | None = None
        self._backend = trainer.backend.name, trainer.backend.why_not_fused
        self._events: list[SomeEvent] = []
        from seqsum.evaluation.fixed_questions import FixedQuestions

        self._questions = FixedQuestions(trainer.model, trainer.task)
        self._answers: list[dict[str, Any]] = []
        self._next_questions = 0.0
        self._written = 0.0
        self._durable = 0.0
        self._points_step = trainer.step
        self._store_behind: Store | None = None  # for the thread that writes behind the loop

    def write(self, *, at_once: bool = False, force: bool = False) -> None:
        """Write points and state about ten times a second: oftener is work, seldomer looks asleep.

        at_once: also if it was done a moment ago; force: and not behind the loop
        """
        now = time.monotonic()
        if not (at_once or force) and now - self._written < WRITE_SECONDS:
            return
        self._written = now
        self.clock.tick()
        points, self.points = self.points, []
        if self.tracker is not None:
            self.tracker.log(points)
            self._tell_of_tracker()
        events, self._events = self._events, []
        state = {
            "step": self.trainer.step,
            "points_step": self._points_step,
            "durable_step": self.trainer.durable_step,
            "train_seconds": self.clock.seconds,
            "steps_per_second": self.clock.speed(self.trainer.step),
            "updated": time.time(),
        }
        if self.lags and not force:
            store = self._store_behind = self._store_behind or self.run.store(STORE_SECONDS)
            store.insist = self.patience
            self.behind.write(lambda: self.record(store, points, events, state))
        else:
            self.record(self.store, points, events, state)
            self.behind.written()

    def record(self, store: Store, points: list[Point], events: list[SomeEvent], state: dict[str, Any]) -> None:
        """Write all of it or nothing."""
        saved = any(kind == "checkpoint" for _, kind, _ in events)
        prunes = saved and self.trainer.config.train.keep_checkpoints is not None

        def whole() -> None:
            if points:
                store.append(points)
            for step, kind, detail in events:
                store.add_event(step, kind, **detail)
            if prunes:
                store.forget_checkpoints_but(checkpoint_files.steps_saved(self.run.checkpoints))
            store.set_state(**state)

        store.write(whole)

    def ask_fixed_questions(self) -> None:
        """Have the answers of this moment written, where they are others than before.

        Not at every evaluation of a run that makes very many: asking takes a hundredth of the time at most.
        """
        began = time.perf_counter()
        if began < self._next_questions and not self.trainer.done:
            return
        answers = self._questions.answers()
        # The first time takes longer than any other.
        first, self._next_questions = self._next_questions == 0, time.perf_counter()
        if not first:
            self._next_questions += (self._next_questions - began) / QUESTIONS_SHARE
        if answers != self._answers:
            self._answers = answers
            self._events.append((self.trainer.step, ANSWERS, {"answers": answers}))

    def save(self, reason: str) -> Path:
        """Write a checkpoint of this moment."""
        # The points first: a resumed run makes again only those after the checkpoint.
        self._points_step = self.trainer.step
        self.write(force=True)
        self.store.sync()
        self.clock.tick()
        changes, seconds = dict(self.changes.values), self.clock.seconds
        path = self.patience(lambda: self.trainer.save(self.run.checkpoints, changes=changes, train_seconds=seconds))
        self.last_saved = (self.trainer.step, changes)
        self._events.append((self.trainer.step, "checkpoint", {"reason": reason, "path": path.name}))
        self.write(force=True)
        return path

    @property
    def saved(self) -> bool:
        """Whether the newest checkpoint holds this very moment."""
        return self.last_saved == (self.trainer.step, self.changes.values)

    def tell_backend(self) -> None:
        """Say so when compiled code has taken over: a resumed run changes over at the same step."""
        backend, before = self.trainer.backend, self._backend
        now = backend.name, backend.why_not_fused
        if now == before:
            return
        self._backend = now
        if now[0] != before[0]:
            self.store.add_event(backend.fused_from or 0, "backend", old=before[0], new=now[0])
        self.say_backend(self.trainer.step)
        record = Record.own(self.run.folder, self.store).with_facts(backend=now[0], backend_reason=now[1])
        self.patience(lambda: record.write(self.run.folder, self.store))

    def say_backend(self, step: int) -> None:
        """Say why torch computes, where that could not be known before the start."""
        why, config = self._backend[1], self.trainer.config
        if why is not None and config.train.backend == "auto" and not why_not_fused(config, self.trainer.task):
            say(self.store, not_fused(why), step)

    def save_behind(self) -> None:
        """Have a checkpoint of this moment written while training goes on."""
        self.clock.tick()
        changes = dict(self.changes.values)
        moment = self.trainer.moment(changes=changes, train_seconds=self.clock.seconds)

        def begin() -> Callable[[], Path]:
            # Forced to the disk once a second: if the power fails, a newer one is found damaged, or without its points,
            # and the run goes on from that one.
            now = time.monotonic()
            durable = now - self._durable > DURABLE_SECONDS
            self._points_step = moment.step  # those are known now, and written before the work is done
            work = self.trainer.writing(self.run.checkpoints, moment, durable)
            if durable:
                self._durable = now

            def save() -> Path:
                if durable:
                    self.store.sync()
                return work()

            return lambda: self.patience(save)

        def end(path: Path) -> None:
            self.last_saved = (moment.step, changes)
            self._events.append((moment.step, "checkpoint", {"reason": "interval", "path": path.name}))

        self.behind.add(Job(begin, end))

    def end_tracker(self, status: str, reason: str | None, upload: bool) -> None:
        """Finish the tracker, in a bounded time that does not count as training; begin an upload if one is wanted.

        upload: whether it may begin now
        """
        if self.tracker is None:
            return
        self.tracker.finish(status, reason)
        self._tell_of_tracker()
        self.clock.skip()
        if upload and self.trainer.config.track.swanlab == "online":
            with append_to(self.run.log) as log:
                start_upload(self.run, log)

    def _tell_of_tracker(self) -> None:
        for message in self.tracker.messages() if self.tracker else ():
            say(self.store, message, self.trainer.step)

    def close(self) -> None:
        """Write what is left, and force the newest checkpoint to the disk; nothing is written behind the loop any
        more."""
        if self._store_behind is not None:
            self._store_behind.close()
        self.write(force=True)
        if self.last_saved is not None and self.last_saved[0] > self.trainer.durable_step:
            self.make_durable(self.last_saved[0])

    def make_durable(self, step: int) -> None:
        """Force the points and a checkpoint that is there to the disk: pruning leaves it until another one is forced.
        Raises OSError."""
        self.store.sync()
        self.patience(lambda: checkpoint_files.force(checkpoint_files.folder_of(self.run.checkpoints, step)))
        self.trainer.durable_step = step


def say(store: Store, message: str, step: int, **more: Any) -> None:
    """Tell the person something, in the log and in the events; `more` stands beside it there."""
    log(message)
    store.add_event(step, "message", text=message, **more)

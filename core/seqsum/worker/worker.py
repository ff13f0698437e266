"""The worker's loop: chunks of training, evaluations, what is asked between them, and the run's end."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

from seqsum.errors import UserError
from seqsum.formatting import metric
from seqsum.garbage import without_collection
from seqsum.runs import Command, Run, Store, checkpoint_files, provenance, rewinding
from seqsum.runs.access import by_another, hand, stopper
from seqsum.runs.checkpoint_files import ASKED
from seqsum.runs.disk import checkpoint_bytes
from seqsum.runs.measure import MEASURE, earlier_measure
from seqsum.runs.metric_direction import direction_of
from seqsum.runs.ownership import check_own
from seqsum.runs.record import Record
from seqsum.runs.run import said_status
from seqsum.trackers import Guarded, tracker_of
from seqsum.trackers.base import Media
from seqsum.training.backends.fused_support import fused_from
from seqsum.worker.attempt import Attempt
from seqsum.worker.background_jobs import Abandoned, Job
from seqsum.worker.clock import TrainingClock
from seqsum.worker.live_changes import LiveChanges
from seqsum.worker.patience import Patience, log
from seqsum.worker.room import RoomWatch
from seqsum.worker.signals import StopSignal
from seqsum.worker.writing import RunWriter, say

if TYPE_CHECKING:
    from seqsum.evaluation.evaluate import Evaluation
    from seqsum.training.checkpoint import Checkpoint
    from seqsum.training.trainer import Point, Trainer

IDLE_SECONDS = 0.05
TOLD = ("test_accuracy", "test_loss", "test_mae", "test_bits_per_character")
"""What is told of the test; the rest stands among the metrics."""
PATIENCE_SECONDS = 0.5
"""How long somebody who asked for something waits for evaluations behind the loop."""
LISTEN_SECONDS = 0.02  # a chunk of compiled code can be over in less, and asking for commands costs a tenth of it


class Worker:
    """Drives a Trainer: has it train and evaluate, has what it gives written, and does what is asked of it."""

    def __init__(self, run: Run, store: Store, signals: StopSignal, patience: Patience, attempt: Attempt) -> None:
        self.run = run
        self.attempt = attempt
        self.patience = patience
        self.store = store
        self.signals = signals
        self.trainer: Trainer
        self.changes: LiveChanges
        self.clock: TrainingClock
        self.writer: RunWriter
        self.stop_asked: str | None = None
        self.tracker: Guarded | None = None
        self.room: RoomWatch
        self._listened = 0.0
        self._looked = 0.0
        self._given_up = threading.Event()
        self._unmade: list[int] = []  # steps whose evaluation was given up
        self._owes_test = False
        self._until: int | None = None
        """Where a run that repeats another is stopped, as that was."""

    # Beginning

    def prepare(self) -> None:
        """Load the newest whole checkpoint, or begin at step 0; drop what was written after it."""
        # In a forked worker all that is loaded, and garbage is a former run's.
        with nullcontext() if "torch" in sys.modules else without_collection():
            import torch

            from seqsum.training import checkpoint
            from seqsum.training.trainer import Trainer
            from seqsum.worker.system_metrics import SystemMetrics

        self.run.record = Record.own(self.run.folder, self.store)
        # Where a plug-in is missing, this says so, before a checkpoint is read in vain.
        config = self.run.record.parsed_config()
        rewinding.settle(self.run)
        checkpoint.tidy(self.run.checkpoints)
        check_own(self.run, self.store, "resume")
        saved, damaged = checkpoint.newest(self.run.checkpoints, self.store.state().get("points_step"))
        step = saved.step if saved else 0
        for message in damaged:
            say(self.store, message, step)
        # Else pruning would keep a damaged one for the newest and delete the whole ones.
        checkpoint.set_aside(self.run.checkpoints, step if saved else -1)
        parent = self.run.record.parent
        if saved is None and parent is not None:
            # From step 0 it would be another run than the one whose curve it continues.
            raise UserError(f"fork: the checkpoint of step {parent.get('step')} that it began with is damaged or gone")
        back = checkpoint_files.fallen_back(self.store, step if saved else None)
        if back and not (saved and damaged):
            say(self.store, back, step)
        state = self.store.state()
        nothing: dict[str, Any] = {"changes": {}, "train_seconds": 0.0, "fused_from": state.get("fused_from")}
        known: dict[str, Any] = saved.state if saved else nothing
        until = state.get("until")
        self._until = until if until is not None and until > step else None
        self.trainer = Trainer.resume(saved) if saved else Trainer(config)
        self._owes_test = self.trainer.task.has_test
        self.changes = LiveChanges(self.store, self.trainer, known["changes"])
        speed = float(self.store.state().get("steps_per_second", 0.0))
        self.clock = TrainingClock(known["train_seconds"], speed, SystemMetrics(self.trainer.device))
        # Time in which it could not go on is not trained.
        self.patience.ended = self.signals.continued = lambda: self.clock.restart(self.trainer.step)
        backend = self.trainer.backend
        backend.fused_from = fused_from(known, self.store, step)
        backend.change_over(step, self.trainer.config)
        self.writer = RunWriter(
            self.run, self.store, self.trainer, self.changes, self.clock, self.patience, self._is_told
        )
        self.trainer.asked.update(
            event.step for event in self.store.events(kind="checkpoint") if event.detail.get("reason") == ASKED
        )
        self.room = RoomWatch(self.run.folder, checkpoint_bytes(self.trainer.config, self.trainer.parameters))
        if saved is not None:
            self.writer.make_durable(step)
            self.writer.last_saved = (step, dict(self.changes.values))
        before = self.store.state()
        heard = before.get("heard", 0)
        paused = self.attempt.number > 0 and before["status"] == "paused"

        def begin() -> None:
            self.store.truncate(step)
            for command in self.store.pending_commands():
                # A wish that a former worker did not live to hear means nothing now; a changed value still does.
                if command.id <= heard and command.verb != "set":
                    self.store.finish_command(command.id, False, "the worker ended before it could")
            # A fork begins with a checkpoint.
            resumed = (saved is not None and parent is None) or any(self.store.events(kind="started"))
            detail = {"from_checkpoint": step} if saved else {}
            self.store.add_event(
                step, "resumed" if resumed else "started", pid=self.attempt.pid, **detail, **by_another(self.run.folder)
            )
            self.store.set_state(
                status="paused" if paused else "running",
                pid=self.attempt.pid,
                step=step,
                points_step=step,
                durable_step=step,
                reason=None,
                changes=self.changes.values,
                chance=self.trainer.task.chance,
                diverged_at=None,
                room=None,
                updated=time.time(),
            )

        self.store.write(begin)
        self.store.sync()
        self.clock.paused = paused
        facts = {
            "device": str(self.trainer.device),
            "threads": torch.get_num_threads(),
            "backend": backend.name,
            "parameters": self.trainer.parameters,
            "measured_since": self._measured_since(saved),
            "machine": provenance.machine(),
            "plugin_hashes": self.trainer.plugin_hashes,
        }
        record = self.run.record.with_facts(**facts, backend_reason=backend.why_not_fused, outcome=None)
        self.patience(lambda: record.write(self.run.folder, self.store))
        provenance.keep_code(self.run.folder, self.trainer.plugin_hashes)
        if saved is not None:
            made_by = provenance.known_hashes(saved.state.get("plugins"))
            for text in provenance.edited(self.run.folder, made_by, f"the checkpoint of step {step:,} was made"):
                say(self.store, text, step)
        self.tracker = self.writer.tracker = tracker_of(self.run)
        if self.tracker is not None:
            self.tracker.start(self.trainer.config.plain(), {**facts, "step": step})
        if saved is None:
            for note in self.trainer.task.notes:
                say(self.store, note, step)
        elif saved.state.get("measure") != MEASURE and (earlier := earlier_measure(self.run.record.config)):
            say(
                self.store,
                f"from here on accuracy and eval_loss are means over what training draws; up to step {step:,} they are "
                f"{earlier}",
                step,
            )
        self.writer.say_backend(step)
        if self.attempt.number:
            say(self.store, f"a process of this run was lost; all of them go on from step {step:,}", step)
        began, steps = "resumed" if saved else "started", self.trainer.config.train.steps
        log(f"{began} at step {step:,} of {steps:,}")

    def _measured_since(self, saved: Checkpoint | None) -> int | None:
        """The step from which evaluations of this run are measured as they are now."""
        parent = self.run.record.parent
        if saved is None or (parent is not None and parent.get("step") == saved.step):
            return 0  # what a fork's curve begins with is its parent's
        return self.run.record.measured_since if saved.state.get("measure") == MEASURE else saved.step

    # The loop

    def train(self) -> str:
        """Train until the end, a stop or a failure; return the last status."""
        trainer, writer, behind = self.trainer, self.writer, self.writer.behind
        self.clock.restart(trainer.step)
        self.changes.replay()
        writer.ask_fixed_questions()
        while True:
            self._obey()
            owes = trainer.owes_evaluation or self._owes_test
            if self._shall_stop and not (trainer.done and not owes and self._settle_soon()):
                return self._stop()
            if self.patience.waits:  # behind the loop
                time.sleep(IDLE_SECONDS)
                continue
            if self.clock.paused:
                time.sleep(IDLE_SECONDS)
                behind.look()
                if writer.points:
                    writer.write()
                continue
            if trainer.owes_evaluation:
                self._evaluate()
                continue
            if trainer.done:
                if self._all_ended():
                    self._restore()
                    if not self._owes_test:
                        return self._finish()
                    self._test()
                continue
            before = trainer.step, self.clock.seconds
            points = trainer.run_chunk([*self.changes.steps, *([self._until] if self._until else [])])
            writer.points += points
            if trainer.failure:
                behind.settle(lambda: self._shall_stop)
                self.store.set_state(diverged_at=trainer.failed_at)
                return self._fail(trainer.failure)
            if points:
                writer.points += self.clock.points(points[-1][1], trainer.step, *before)
            writer.tell_backend()
            if trainer.evaluation_due:
                self._evaluate()
            if trainer.checkpoint_due and not writer.saved:
                if writer.lags and not trainer.done:
                    writer.save_behind()
                elif self._all_ended():
                    writer.save("interval")
            behind.look()
            self.changes.replay()
            writer.write()
            self._look_at_room()
            if self._until is not None and trainer.step >= self._until and not trainer.done:
                # What that one measured up to there is known here, too, unless somebody asks for something meanwhile.
                self._all_ended()
                self.stop_asked = "rerun: the run that it repeats came no further"

    def _look_at_room(self) -> None:
        """Say once that the disk will not last, in the events and, while it is so, in the run's state."""
        left, speed = self.trainer.config.train.steps - self.trainer.step, self.clock.speed(self.trainer.step)
        if self.room.look(left / speed if speed > 0 else None):
            self.store.set_state(room=self.room.short)
            if self.room.short is not None:
                say(self.store, self.room.short, self.trainer.step)

    def _evaluate(self) -> None:
        """Make the evaluation that is due, behind the loop if that changes nothing."""
        trainer, writer, step = self.trainer, self.writer, self.trainer.step
        writer.ask_fixed_questions()
        job = trainer.evaluation_behind(self._check_behind)
        writer.lags = job is not None
        if job is None:
            writer.behind.settle()
            before = writer.last_saved
            try:
                result, best, points = trainer.evaluate(self._between_batches)
            except Abandoned:
                return
            if writer.last_saved is not before:
                writer.last_saved = None  # what was saved meanwhile does not know the result
            self._take(step, result, points)
            if best and trainer.config.train.keeps_best:
                writer.save("best")
        else:
            writer.behind.add(
                Job(
                    lambda: job,
                    lambda result: self._take(step, result, trainer.note(step, result)[1]),
                    early=True,
                    dropped=lambda: self._unmade.append(step),
                )
            )

    def _test(self) -> None:
        """Ask the test part, once: the best checkpoint where that is kept, else the last weights."""
        trainer, writer = self.trainer, self.writer
        if not writer.saved:
            writer.save("end")
        step = self._best_kept
        saved = self._saved(step, "the test part is asked with the last weights")
        try:
            points = trainer.test(saved, self._between_batches)
        except Abandoned:
            return
        self._owes_test = False
        writer.points += points
        found = ", ".join(f"{name} {metric(name, value)}" for name, _, value in points if name in TOLD)
        which = f"the checkpoint of step {step:,}, the best" if saved is not None else "the last weights"
        say(self.store, f"the test part was asked once, with {which}: {found}", trainer.step)

    def _restore(self) -> None:
        """Go back to the best weights, once, where train.restore_best asks for it."""
        trainer, train = self.trainer, self.trainer.config.train
        if not train.restore_best or trainer.restored_step is not None:
            return
        step = self._best_kept
        saved = self._saved(step, "the run keeps its last weights")
        if saved is None:
            return
        trainer.restore(saved)
        self.writer.save("restored")
        value = metric(train.best_metric, trainer.early_stopping.best_value)
        told = f"back to the weights of step {step:,}, the best by {train.best_metric} ({value})"
        say(self.store, told, trainer.step)

    @property
    def _best_kept(self) -> int:
        """The step of the best checkpoint where that is kept, else the present one."""
        best, kept = self.trainer.early_stopping, self.trainer.config.train.keeps_best
        return best.best_step if kept and best.best_value is not None else self.trainer.step

    def _saved(self, step: int, otherwise: str) -> Checkpoint | None:
        """The checkpoint of a step; None for the present one, and where it can't be read, which is told."""
        from seqsum.training import checkpoint

        if step == self.trainer.step:
            return None
        try:
            return checkpoint.load(checkpoint_files.folder_of(self.run.checkpoints, step))
        except UserError as error:
            say(self.store, f"{error}; {otherwise}", self.trainer.step)
            return None

    def _between_batches(self) -> None:
        """Do what is asked while an evaluation is made; raises Abandoned when the run shall stop."""
        self._obey()
        while self.clock.paused and not self._shall_stop:
            time.sleep(IDLE_SECONDS)
            self._obey()
        if self._shall_stop:
            raise Abandoned
        self.writer.write()

    def _check_behind(self) -> None:
        """Raise Abandoned, in the thread of an evaluation behind the loop, when its result is waited for no longer."""
        if self._given_up.is_set():
            raise Abandoned

    @property
    def _shall_stop(self) -> bool:
        return bool(self.stop_asked or self.signals.name)

    def _is_told(self) -> bool:
        """Whether there is something to be obeyed, so that nothing else may be waited for."""
        if self.signals.name:
            return True
        now = time.monotonic()
        if now - self._looked < LISTEN_SECONDS:
            return False
        self._looked = now
        return bool(self.store.pending_commands())

    def _all_ended(self) -> bool:
        """Wait for all that is behind the loop, or until somebody asks for something; return whether all is ended."""
        self.writer.behind.look()
        if len(self.writer.behind):
            # What is known so far, in its turn: the rest may take its time.
            self.writer.write(at_once=True)
        return self.writer.behind.settle(self._is_told)

    def _settle_soon(self) -> bool:
        """Wait for what is behind the loop, but not for long; return whether all is ended."""
        end = time.monotonic() + PATIENCE_SECONDS
        return self.writer.behind.settle(lambda: time.monotonic() > end)

    def _take(self, step: int, result: Evaluation, points: list[Point]) -> None:
        self.writer.points += points
        if self.tracker is not None:
            self.tracker.media(Media(step, result.accuracy_by_length, result.confusion))

    def _stop(self) -> str:
        if not self._settle_soon():
            self._given_up.set()
            self.writer.behind.settle()
        if self._unmade:
            self.trainer.owes_evaluation = self._unmade[-1] == self.trainer.step
            earlier = self._unmade[:-1] if self.trainer.owes_evaluation else self._unmade
            if earlier:
                steps = ", ".join(f"{step:,}" for step in earlier)
                told = f"stopped before the evaluation of step {steps} was made"
                say(self.store, told, self.trainer.step, unevaluated=earlier)
        if not self.writer.saved or self._unmade:
            self.writer.save("stop")
        reason = f"stopped by {self.signals.name or self.stop_asked}"
        self._end("stopped", reason)
        return "stopped"

    def _finish(self) -> str:
        if not self.writer.saved:
            self.writer.save("end")
        reason = None
        if self.trainer.stopped_early:
            best = self.trainer.early_stopping
            name = self.trainer.config.train.best_metric
            word = "highest" if direction_of(name) == "higher" else "lowest"
            value = metric(name, best.best_value)
            threshold = self.trainer.config.train.stopping_threshold
            if best.reached(self.trainer.config.train) and threshold is not None:
                asked = f"train.stopping_threshold asks for {metric(name, threshold)}"
                reason = f"stopped early: {name} is {value} at step {best.best_step:,}, and {asked}"
            else:
                reason = f"stopped early: {name} was {word} ({value}) at step {best.best_step:,}"
        self._end("finished", reason)
        return "finished"

    def _fail(self, reason: str) -> str:
        self._given_up.set()
        saved = self.writer.last_saved
        kept = f"the checkpoint of step {saved[0]} is kept" if saved else "there is no checkpoint yet"
        self._end("failed", f"{reason}; {kept}")
        return "failed"

    def _end(self, status: str, reason: str | None) -> None:
        self.writer.close()
        # Whoever sends a signal wants the machine: no upload then, `seqsum sync` does it later.
        self.writer.end_tracker(status, reason, upload=not self.signals.name)
        self.writer.write(force=True)

        def end() -> None:
            self.store.add_event(self.trainer.step, status, **({"reason": reason} if reason else {}))
            self.store.set_state(status=status, reason=reason)
            self.run.record_outcome(status, reason, self.trainer.step, self.store)
            for command in self.store.pending_commands():
                if command.verb != "set":
                    answered = self.writer.saved and (
                        command.verb == "snapshot" or (command.verb, status) == ("stop", "stopped")
                    )
                    self.store.finish_command(
                        command.id, answered, f"the run {said_status(status)}", step=self.trainer.step
                    )

        self.store.write(end)
        self.store.sync()
        log(f"{status} at step {self.trainer.step:,}" + (f": {reason}" if reason else ""))

    # Commands

    def _obey(self) -> None:
        now = time.monotonic()
        if now - self._listened < LISTEN_SECONDS and not self.clock.paused and not self.trainer.done:
            return
        self._listened = now
        commands = self.store.pending_commands()
        if any(command.verb != "stop" for command in commands):
            self._settle_soon()
        for command in commands:
            handlers: dict[str, Callable[[Command], None]] = {
                "pause": self._on_pause,
                "resume": self._on_resume,
                "stop": self._on_stop,
                "snapshot": self._on_snapshot,
                "set": self.changes.obey,
            }
            handler = handlers.get(command.verb)
            if handler is None:
                self.store.finish_command(command.id, False, f'no command "{command.verb}"')
            else:
                handler(command)

    def _done(self, command: Command, message: str) -> None:
        self.store.finish_command(command.id, True, message, step=self.trainer.step)

    def _be(self, status: str, event: str, command: Command, message: str) -> None:
        """Write what the run is now, and in the same moment that the command was obeyed: whoever goes on after this
        process was killed obeys again what was not answered."""
        by = hand(command.arguments.get("by"))

        def tell() -> None:
            if self.clock.paused != (status == "paused"):
                self.store.add_event(self.trainer.step, event, **({"by": by} if by else {}))
                self.store.set_state(status=status)
            self._done(command, message)

        self.store.write(tell)
        self.clock.paused = status == "paused"

    def _on_pause(self, command: Command) -> None:
        if not self.clock.paused:
            if not self.writer.saved:
                self.writer.save("pause")
            self.writer.write(force=True)
        self._be("paused", "paused", command, f"paused at step {self.trainer.step:,}")

    def _on_resume(self, command: Command) -> None:
        if self.clock.paused:
            self.clock.restart(self.trainer.step)
        self._be("running", "continued", command, f"running from step {self.trainer.step:,}")

    def _on_stop(self, command: Command) -> None:
        # Answered by _end, once everything is saved.
        self.stop_asked = stopper(command.arguments)

    def _on_snapshot(self, command: Command) -> None:
        step, kept = self.trainer.step, command.arguments.get("kept", True)
        if not self.writer.saved:
            self.writer.save(ASKED if kept else "question")
        elif kept and step not in self.trainer.asked:
            self.store.add_event(step, "checkpoint", reason=ASKED, path=f"step-{step}")
        if kept:
            self.trainer.asked.add(step)
        self.writer.write(force=True)
        self._done(command, f"saved the checkpoint of step {step:,}")

"""One run: its folder, what it is doing, and how it is asked to do something else."""

from __future__ import annotations

import math
import re
import socket
import sqlite3
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil

from seqsum.errors import ConfigError, UserError
from seqsum.files import open_regular
from seqsum.formatting import full
from seqsum.machine_queue import Place
from seqsum.runs import kept
from seqsum.runs.annotations import Annotations
from seqsum.runs.bounds import RUN_NAME
from seqsum.runs.gone import RunGone
from seqsum.runs.kinds import LARGEST_WHOLE, LATEST, Fields, measured
from seqsum.runs.lock import is_locked, owner_lives, process_lives, reason_told, stopped_worker
from seqsum.runs.measure import measure_of
from seqsum.runs.record import RECORD_FILE, Record
from seqsum.runs.store import PATIENCE_SECONDS, READING_SECONDS, SUSPENDED, UNREADABLE, Store
from seqsum.runs.usual_names import usual_of
from seqsum.runs.verdict import LOSSES, Past, Verdict, verdict_of
from seqsum.text import one_line, printable

if TYPE_CHECKING:
    from seqsum.config import Config

METRICS_FILE = "metrics.db"
MOST_ANCESTORS = 100
LOG_FILE = "worker.log"
CHECKPOINTS = "checkpoints"
MOST_UNKNOWN = 3
NOT_FOLLOWED = "nobody reads on in its log at the moment; seqsum-tui --watch does"
BY_SIGNAL = "stopped by a signal (SIGSTOP)"
HEARING_STATUSES = ("queued", "starting", "running", "paused")
"""Those of a run whose worker does what it is asked, if it has one."""
LIVE_STATUSES = (*HEARING_STATUSES, SUSPENDED)
RESULTS = {"accuracy": "accuracy", "mae": "mean absolute error"}
"""What tells first how good a model is, by the task, and what people call it."""
ENDED_STATUSES = ("stopped", "finished", "failed", "died")
RESUMABLE_STATUSES = ("queued", "paused", SUSPENDED, "stopped", "failed", "died")
CRASHED = "the script ended with an exception: "
"""How the last line of a log begins that a script of its own leaves."""
OF_ERROR = re.compile(r"(?i)error|exception|fatal|abort|fault|terminat|killed|interrupt|can't|cannot|not found")
"""What lines of a log hold that Python, torch or the system write of an error; none of a worker's own does."""


def said_status(status: str) -> str:
    """A status with its verb: `is running`, `has died`."""
    return f"{'has' if status in ('failed', 'died') else 'is'} {status}"


@dataclass(frozen=True)
class Summary:
    """What a list shows of a run. Times are seconds since 1970; `metrics` holds each metric's last
    value, which may be NaN or infinite. `steps` is 0 where nobody knows how many there are to be.

    train_seconds: None where nobody knows; of a fork with its parent's up to there.
    steps_per_second: the present speed of a run that trains, the mean of one that has ended; 0 where there is none.
    problems: a sentence for each thing in its files that can't be read, or is of another kind, and where the disk of
        a run that trains will not last.
    """

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
    train_seconds: float | None
    steps_per_second: float
    metrics: dict[str, float]
    group: str | None
    tags: tuple[str, ...]
    note: str = ""
    starred: bool = False
    measure: str = ""
    """What accuracy and eval_loss are means over, where that isn't what training draws: in runs of earlier versions."""
    task: str = ""
    """The name of its task; "" where its record does not say it."""
    script: bool = False
    """Whether a script of its own trains it, and not a worker of ours."""
    problems: tuple[str, ...] = ()
    behind: Mapping[str, int] = field(default_factory=dict)
    """The step of each metric whose last value is of an earlier one than `step`."""
    durable_step: int | None = None
    """A power failure takes the run back to this step at most, and no point up to there is lost; None while no worker
    said so."""
    owner: str = ""
    """Who made it; "" where nobody wrote it."""
    host: str = ""
    """The machine on which it was made."""
    follows: str = ""
    """The log of another program that it is read from; "" where it is none."""
    launcher: int | None = None
    """The process that is to start its worker; None where it has one, an engine is to start it, or nobody wrote it."""
    place: Place | None = None
    """Where it stands in the machine's queue; None where it does not wait there, or nobody asked (see `waiting`)."""
    size: int | None = None
    """What its folder takes on the disk, in bytes, of one that trains some seconds ago; None where nobody asked (the
    index does)."""
    verdict: Verdict | None = None
    """How it goes, or went; None while there is too little to tell, and where nobody asked (see `Run.judged`)."""

    def like(self, before: Summary) -> Summary:
        """Return this one, what its record does not say any more taken from an earlier one."""
        return replace(
            self, name=before.name, preset=before.preset, steps=before.steps, created=before.created,
            group=before.group, tags=before.tags, owner=before.owner, host=before.host,
        )  # fmt: skip

    def named(self, metric: str) -> str:
        """Return the name that this run has for `loss`, `eval_loss` or `accuracy`: other programs have theirs."""
        return usual_of(metric, self.metrics)

    def value(self, metric: str) -> float | None:
        """Return the last value of a metric, by the name that this run has for it; None where it has none.

        It is what stands in a list's column of that name, and by which one filters and sorts.
        """
        return self.metrics.get(self.named(metric))

    @property
    def live(self) -> bool:
        """Whether a worker is at it (also when it waits or is paused)."""
        return self.status in LIVE_STATUSES

    @property
    def goes_on_by_itself(self) -> bool:
        """Whether it is suspended, and nobody can let it go on: it can't write."""
        return self.status == SUSPENDED and not (self.reason or "").startswith(BY_SIGNAL)

    @property
    def result(self) -> str | None:
        """The metric that tells first how good the model is; None while there is none."""
        return next((name for name in RESULTS if self.named(name) in self.metrics), None)

    @property
    def progress(self) -> float | None:
        """Share of the steps done, 0 to 1; None where nobody knows it."""
        return self.step / self.steps if self.steps and self.step_known else None

    @property
    def step_known(self) -> bool:
        """Whether `step` says anything: of a run whose store can't be read only its record may know how far it came."""
        return self.step > 0 or self.status != UNREADABLE

    @property
    def seconds_left(self) -> float | None:
        """Seconds to the end at the present speed, or None while nothing is known of it."""
        if self.status != "running" or self.steps_per_second <= 0 or (self.train_seconds or 0) < 0.5:
            return None
        if self.steps < self.step:
            # How many there are to be is not known, or was wrong.
            return None
        return (self.steps - self.step) / self.steps_per_second


def _unknown(record: Record) -> list[str]:
    # Imported where a run is read anew: a list of runs that are known takes less time than that.
    from seqsum.config import unknown_paths

    return unknown_paths(record.config)


def _misfits(record: Record, unknown: list[str]) -> list[str]:
    """Return a sentence for each setting of a record that this version can't take, of those that it knows.

    What needs a plug-in is left out: it may not be loaded yet.
    """
    from seqsum.config import Config

    try:
        Config.parse({name: values for name, values in record.config.items() if name not in unknown}, record.id)
    except ConfigError as error:
        skipped = {*unknown, *(("task.name", "model.name", "") if record.plugins else ())}
        return [
            f"{RECORD_FILE}: {one_line(path)}: {one_line(reason.partition(';')[0])}"
            for path, reason in error.problems
            if path not in skipped
        ]
    except UserError as error:
        return [] if record.plugins else [f"{RECORD_FILE}: {one_line(str(error))}"]
    return []


class Run:
    """A run folder. Cheap to make; reads when asked."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.id = folder.name

    @cached_property
    def record(self) -> Record:
        """The record as it was when first asked for; raises UserError when it can't be read."""
        return Record.read(self.folder)

    def record_or_blank(self) -> Record:
        """Return the record, or one that says nothing but why there is none."""
        try:
            return self.record
        except UserError as error:
            return Record(self.id, self.id, "", "", {}, 0, problems=(str(error).removeprefix("runs: "),))

    def record_outcome(self, status: str, reason: str | None, step: int, store: Store | None = None) -> None:
        """Write into the record how the worker ended. store: the run's, where it is open already."""
        outcome = {"status": status, "reason": reason, "step": step}
        with nullcontext(store) if store else self.store() as store:
            Record.own(self.folder, store).with_facts(outcome=outcome).write(self.folder, store)

    def end_before_start(self, reason: str, by: str = "") -> None:
        """Write that a run which waited was stopped, `by` somebody else than its owner; the caller holds its lock."""
        reason, who = (f"{reason}, by {by}", {"by": by}) if by else (reason, {})

        def end() -> None:
            step = store.state()["step"]
            store.add_event(step, "stopped", reason=reason, **who)
            store.set_state(status="stopped", reason=reason, updated=time.time(), job={})
            self.record_outcome("stopped", reason, step, store)

        with self.store() as store:
            store.write(end)

    @property
    def name(self) -> str:
        """What the run is called: as a person said later, else as it was when it began, else its id."""
        return Annotations.read(self.folder).name or self.record_or_blank().name

    @property
    def checkpoints(self) -> Path:
        return self.folder / CHECKPOINTS

    @property
    def log(self) -> Path:
        return self.folder / LOG_FILE

    def store(self, patience: float = PATIENCE_SECONDS) -> Store:
        """Open the metric store; close it, or use it as a context. patience: as `Store` has it."""
        if (key := kept.key_of(self.folder)) is not None:
            return kept.open_on_server(self.folder, key, patience)
        return Store(self.folder / METRICS_FILE, patience)

    @property
    def worker_lives(self) -> bool:
        """Whether a worker is at it; of a run whose lock may not be opened, as far as can be seen."""
        try:
            return is_locked(self.folder)
        except PermissionError:
            with self.store(READING_SECONDS) as store:
                return self._lives_elsewhere(store.state().get("pid"))

    def held_up(self, pid: int | None) -> str | None:
        """Say what keeps the run's worker, the process `pid`, from going on; None where nothing does."""
        if stopped_worker(self.folder, pid) is None:
            return reason_told(self.folder) or None
        return f"{BY_SIGNAL}; seqsum resume {self.id}, or kill -CONT {pid}, lets it go on"

    def pulse(self, pid: int | None, launcher: int | None = None) -> bool | str:
        """Tell whether a worker is at the run, or the process `launcher` that is to start one; in a sentence where
        something keeps it, the process `pid`, from going on."""
        try:
            if is_locked(self.folder):
                return self.held_up(pid) or True
            return launcher is not None and psutil.pid_exists(launcher)
        except PermissionError:
            return self._lives_elsewhere(pid)

    def _lives_elsewhere(self, pid: int | None) -> bool:
        """Tell whether another user's worker lives; one of another machine may."""
        return self.record_or_blank().host not in ("", socket.gethostname()) or owner_lives(self.folder, pid)

    def summary(self, *, judged: bool = False) -> Summary:
        """Read what the run is doing now, `judged` with its verdict. A run whose worker is gone without saying so has
        `died`.

        Raises UserError when its store can't be read.
        """
        with self.reading(), self.store(READING_SECONDS) as store:
            summary = self.summary_from(store)
            return self.judged(store, summary) if judged else summary

    def outline(self, *, judged: bool = False) -> Summary:
        """Return the summary, also of a run that can't be read: then with the reason."""
        try:
            return self.summary(judged=judged)
        except UserError as error:
            return self.unreadable(str(error))

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Turn whatever goes wrong inside with the run's files into one UserError."""
        try:
            yield
        except OSError as error:
            raise UserError(f"runs: can't read run {self.id}: {error.strerror or error}") from error
        except (sqlite3.Error, LookupError, TypeError, ValueError, AttributeError, ArithmeticError) as error:
            raise UserError(f"runs: can't read run {self.id}: its files are damaged ({error})") from error

    def summary_from(self, store: Store) -> Summary:
        """Make the summary from the run's own store, which is open already."""
        return self.summary_and_changes(store)[0]

    def summary_and_changes(self, store: Store) -> tuple[Summary, dict[str, Any]]:
        """Return the summary, and what was changed while the run trained: path → value."""
        problems: list[str] = []
        # The order matters: a worker writes its last status before it lets the lock go.
        try:
            alive = is_locked(self.folder)
        except PermissionError:
            alive = self._lives_elsewhere(store.state().get("pid"))
        except OSError as error:
            problems.append(f"whether a worker is at it can't be told: {error.strerror or error}")
            alive = True
        state = store.state()
        latest = store.latest()
        metrics = {name: value for name, (_, value) in latest.items()}
        for name in [name for name, value in metrics.items() if not self._can_be(name, value)]:
            problems.append(f"{METRICS_FILE}: the last {name} is {full(metrics.pop(name))}, which it can't be")
        waits = state["status"] == "queued" and state.get("pid") is None
        launcher = self._launcher(state) if waits and not alive else None
        if launcher is not None and not self._is_to_be_started(launcher, state, store):
            way_out = f"seqsum resume {self.id} starts it"
            state |= {"status": "died", "reason": f"what was to start it has ended before (killed?); {way_out}"}
            launcher = None
        elif state["status"] in LIVE_STATUSES and not alive and not waits:
            if self.record_or_blank().follows:
                state |= {"status": "stopped", "reason": NOT_FOLLOWED}
            else:
                state |= {"status": "died", "reason": self.last_words(state.get("durable_step"))}
        elif state["status"] in LIVE_STATUSES and (reason := self.held_up(state.get("pid"))):
            state |= {"status": SUSPENDED, "reason": reason}
        summary = self._summary(state, metrics, [*problems, *store.problems])
        behind = {name: step for name, (step, _) in latest.items() if name in metrics and step < summary.step}
        return replace(summary, behind=behind, launcher=launcher), state.get("changes", {})

    def _is_to_be_started(self, launcher: int, state: Mapping[str, Any], store: Store) -> bool:
        if process_lives(launcher, state.get("boot") or ""):
            return True
        # It may have handed the run over, and ended, since the lock and the state were read.
        return self.worker_lives or store.state().get("pid") is not None or store.state()["status"] != "queued"

    def _launcher(self, state: Mapping[str, Any]) -> int | None:
        """Return the process that is to start a worker of the run, which waits; None where that can't be told here."""
        here = self.record_or_blank().host in ("", socket.gethostname())
        return state.get("launcher") if here and not state.get("job") else None

    def judged(self, store: Store, summary: Summary) -> Summary:
        """Return the summary with the verdict on its curves, which takes a few milliseconds; none of curves that may be
        those of several runs."""
        state = store.state()
        if state.get("begun_again"):
            return summary
        step, said = state.get("diverged_at"), (summary.reason or "").partition(";")[0]
        diverged = (step, said) if step is not None and summary.status == "failed" else None
        try:
            verdict = verdict_of(
                store, summary.metrics, state.get("chance"), live=summary.live, diverged=diverged, past=self._past()
            )
        except UserError:
            return summary
        return replace(summary, verdict=verdict)

    def _can_be(self, name: str, value: float) -> bool:
        return measured(name, value) or (measured(name, value, of_log=True) and bool(self.record_or_blank().follows))

    def _past(self) -> Past | None:
        """Return what a fork goes on from; None for a run that is none."""
        run, step, accuracy, began = self, LARGEST_WHOLE, None, dict[str, float]()
        for _ in range(MOST_ANCESTORS):
            parent = run.record_or_blank().parent
            if parent is None:
                break
            run, step = Run(self.folder.with_name(parent["run"])), min(step, parent["step"])
            with suppress(UserError, OSError, sqlite3.Error), run.store(READING_SECONDS) as store:
                last = store.point_at("accuracy", step)
                if accuracy is None and last is not None and measured("accuracy", last[1]):
                    accuracy = last
                first = {name: store.point_from(name, 0) for name in LOSSES}
                began |= {name: point[1] for name, point in first.items() if point and math.isfinite(point[1])}
        return None if run is self else Past(accuracy, began)

    def unreadable(self, reason: str, before: Summary | None = None, *, status: str = UNREADABLE) -> Summary:
        """Return what can be said of a run whose store can't be read. before: what was known of it."""
        record = self.record_or_blank()
        outcome = Fields(record.outcome or {}, "outcome")
        state = {
            "status": status,
            "step": outcome.whole("step", before.step if before else 0),
            "reason": reason.removeprefix("runs: ") if status == UNREADABLE else outcome.text_or_none("reason"),
            "updated": before.updated if before else 0.0,
            "train_seconds": before.train_seconds if before else None,
        }
        found = self._summary(state, {}, [])
        return found.like(before) if before is not None and not record.config else found

    def _summary(self, state: Mapping[str, Any], metrics: dict[str, float], problems: list[str]) -> Summary:
        record, said = self.record_or_blank(), Annotations.read(self.folder)
        settings = {
            name: Fields(record.config.get(name, {}), f"{RECORD_FILE}: config.{name}", problems)
            for name in ("train", "track")
        }
        if record.outcome:
            outcome = Fields(record.outcome, f"{RECORD_FILE}: outcome", problems)
            outcome.one_of("status", ENDED_STATUSES, UNREADABLE)
        if record.watched is None:
            steps = settings["train"].whole("steps", needed=bool(record.config))
        else:
            steps = Fields(record.watched, f"{RECORD_FILE}: watched", problems).whole("steps")
        group, tags = self._group(record, settings["track"].text_or_none("group")), settings["track"].texts("tags")
        created = self._created(record.created, problems)
        unknown = _unknown(record) if record.watched is None else []
        if record.config and not record.problems and record.watched is None:
            told = any(problem.startswith(f"{RECORD_FILE}: config") for problem in problems)
            problems += [] if told else _misfits(record, unknown)
        if unknown:
            more = ", …" if len(unknown) > MOST_UNKNOWN else ""
            names = ", ".join(one_line(path) for path in unknown[:MOST_UNKNOWN])
            problems.append(f"{RECORD_FILE}: this version does not know {names}{more}")
        if record.wrong_checksum is not None:
            problems.append(f"{RECORD_FILE}: changed after seqsum wrote it; see seqsum doctor {self.id}")
        elif RUN_NAME.fullmatch(self.id) and record.id != self.id:
            problems.append(f"{RECORD_FILE}: that of run {one_line(record.id)}; see seqsum doctor {self.id}")
        status, task = state["status"], record.setting("task").raw.get("name")
        room = [state["room"]] if state.get("room") and status in LIVE_STATUSES else []
        return Summary(
            id=self.id,
            name=said.name or record.name,
            preset=record.preset,
            status=status,
            step=state["step"],
            steps=steps,
            pid=state.get("pid") if status in LIVE_STATUSES else None,
            created=created,
            updated=state.get("updated", 0.0),
            # What its last worker ended with is over as soon as it goes on.
            reason=None if status in HEARING_STATUSES else state.get("reason"),
            train_seconds=state.get("train_seconds", 0.0),
            steps_per_second=_speed(state, record),
            metrics=metrics,
            group=group,
            tags=tuple(tags) if said.tags is None else said.tags,
            note=said.note,
            starred=said.starred,
            measure=measure_of(record) or str(state.get("measure", "")),
            task=task if isinstance(task, str) else "",
            script=record.watched is not None,
            problems=(*record.problems, *problems, *room, *state.get("unread", ())),
            durable_step=state.get("durable_step"),
            owner=record.owner,
            host=record.host,
            follows=record.follows,
        )

    def _group(self, record: Record, group: str | None) -> str | None:
        """Return the group that a run stands in: of a fork, one that it was given.

        Earlier versions copied the parent's, and did not write whether a group was asked for.
        """
        if group is None or record.parent is None or record.parent.get("group_chosen"):
            return group
        parent = Run(self.folder.with_name(record.parent["run"])).record_or_blank()
        return None if parent.setting("track").raw.get("group", group) == group else group

    def _created(self, text: str, problems: list[str]) -> float:
        """Return when the run was made: as its record says, else as its id does, else as its folder does."""
        try:
            found = datetime.fromisoformat(text).timestamp()
            if 0 <= found <= LATEST:
                return found
        except (ValueError, OverflowError, OSError):
            pass
        if text:
            problems.append(f"{RECORD_FILE}: created is no time")
        try:
            return datetime.strptime(self.id[:15], "%Y%m%d-%H%M%S").timestamp()
        except (ValueError, OverflowError, OSError):
            pass
        try:
            return self.folder.lstat().st_mtime
        except OSError:
            return 0.0

    def config(self) -> Config:
        """The configuration as it stands, with what was changed while the run trained."""
        with self.store(READING_SECONDS) as store:
            changes: dict[str, Any] = store.state().get("changes", {})
        return self.record.parsed_config().changed(changes, f"run {self.id}")

    def settings(self, changes: Mapping[str, Any] | None = None) -> dict[str, dict[str, Any]]:
        """Return section → field → value as it stands, also where this version does not understand all of it: then as
        it was written, and where its store can't be read without what was changed.

        changes: what was changed while the run trained, if that is known already.
        """
        if changes is None:
            changes = {}
            with suppress(UserError), self.store(READING_SECONDS) as store:
                changes = store.state().get("changes", {})
        record = self.record_or_blank()
        try:
            return record.parsed_config().changed(changes, f"run {self.id}").plain()
        except UserError:
            found = {section: dict(values) for section, values in record.config.items()}
            for path, value in changes.items():
                section, _, name = path.partition(".")
                if section in found and name:
                    found[section][name] = value
            return found

    def no_checkpoint(self, which: str = "") -> str:
        """Say that the run has no checkpoint, and what helps. which: what kind it has none of, e.g. " that is whole".

        Raises RunGone when its folder is not there.
        """
        RunGone.check(self.folder)
        run, lacks = self.outline(), f"run {self.id} has no checkpoint{which}"
        if self.record_or_blank().watched is not None:
            return f"{lacks}: it is trained by {self.record_or_blank().trained_by}, which keeps its weights itself"
        if run.live:
            return f"{lacks}{'' if which else ' yet'}; wait for one, or ask for it: seqsum snapshot {self.id}"
        if run.status in RESUMABLE_STATUSES:
            return f"{lacks}; it {said_status(run.status)}, seqsum resume {self.id} lets it train on"
        if run.status == "finished":
            return f"{lacks}, and it is finished: train it again to have one"
        return f"{lacks}, and it {said_status(run.status)}"

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

    def last_words(self, saved: int | None) -> str:
        """Why a worker died: the last line of its log if that tells of an error. saved: the last step that is kept."""
        tail = [line for line in self.log_tail(8) if line.strip()]
        if tail and tail[-1].startswith(CRASHED):
            return printable(tail[-1])
        who = "the worker" if self.record_or_blank().watched is None else "the script"
        if tail and OF_ERROR.search(tail[-1]):
            return f"{who} ended; its log's last line: {printable(tail[-1])}"
        kept = "" if saved is None else f"; step {saved:,} is saved"
        return f"{who} was ended from outside (killed, or out of memory){kept}"

    def wait_for_worker(self, seconds: float) -> None:
        """Wait until the run's worker is gone; no longer than `seconds`."""
        deadline = time.monotonic() + seconds
        while self.worker_lives and time.monotonic() < deadline:
            time.sleep(0.02)

    def wait_for_command(self, id: int, seconds: float, pid: int | None = None) -> dict[str, Any] | None:
        """Wait for a command's outcome; None when none came in time, or the worker (the process `pid`) is gone or can't
        go on."""
        deadline = time.monotonic() + seconds
        with self.store() as store:
            while time.monotonic() < deadline:
                goes_on = self.pulse(pid) is True
                outcome = store.command_outcome(id)
                if outcome is not None or not goes_on:
                    return outcome
                time.sleep(0.02)
        return None


def _speed(state: Mapping[str, Any], record: Record) -> float:
    """Return a run's steps per second: now while it trains, once it has ended over all that it trained itself."""
    if state["status"] in LIVE_STATUSES:
        return float(state.get("steps_per_second", 0.0)) if state["status"] == "running" else 0.0
    if record.follows:
        return float(state.get("steps_per_second", 0.0))
    step, seconds = state["step"], state.get("train_seconds") or 0.0
    before = state.get("parent_seconds")
    if record.parent is not None and before is not None:
        step, seconds = step - record.parent["step"], seconds - before
    return step / seconds if step > 0 and seconds > 0 else 0.0

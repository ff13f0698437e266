"""Runs whose training loop is a script's own: it logs, and hears what a person asks of it from the console.

    with seqsum.watch("my-run", config={"lr": 0.1}, total_steps=1000, live=["lr"]) as run:
        for step in range(1, 1001):
            run.paused()
            if run.should_stop:
                break
            loss = train_step(lr=run.value("lr"))
            run.log(step, loss=loss)

The script's process is the run's worker: it holds the run's lock, and a thread of it writes and listens ten times a
second. What the thread can't write stays in memory and is tried again; it never ends the script.
"""

from __future__ import annotations

import atexit
import math
import operator
import os
import sqlite3
import sys
import threading
import time
import traceback
import weakref
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Any, SupportsFloat, SupportsIndex

import numpy as np
from numpy.typing import NDArray

from seqsum.errors import UserError, did_you_mean, told_as
from seqsum.files import append_to, write_atomically
from seqsum.formatting import count, number
from seqsum.plotting.in_text import shades, spread
from seqsum.runs import Run, Workspace, provenance
from seqsum.runs.access import hand, stopper
from seqsum.runs.annotations import check_name, check_tags
from seqsum.runs.changes import tell_changed
from seqsum.runs.kinds import LARGEST_WHOLE
from seqsum.runs.lock import LONGEST_REASON, take_lock
from seqsum.runs.media import Kind, histogram_detail, text_detail
from seqsum.runs.record import Record
from seqsum.runs.run import CRASHED
from seqsum.runs.sections import PLAIN, sections_of
from seqsum.runs.store import WEIGHTS, Command, Store
from seqsum.schema import as_text
from seqsum.text import one_line
from seqsum.worker.clock import TrainingClock
from seqsum.worker.system_metrics import SystemMetrics

WRITE_SECONDS = 0.1
NOTICED_SECONDS = 5.0
"""How long a script may take to look for what it is asked; then that is answered with how it would hear."""
STORE_SECONDS = 1.0
END_SECONDS = 20.0
"""How long the last points are tried to be written, where the disk is full or somebody holds the store."""
LONGEST_NAME = 100
MOST_LINES = 1000
ROUNDING = 1e-5
"""A share that is above 1, or below 0, by no more is one."""

Value = float | int | bool | str


def watch(
    name: str | None = None,
    config: object = None,
    *,
    total_steps: int | None = None,
    live: str | Sequence[str] = (),
    group: str | None = None,
    tags: str | Sequence[str] = (),
    workspace: str | Path | None = None,
) -> WatchedRun:
    """Begin a run that this script trains; use it as a context, so that it ends when the loop does.

    name: what it is called, with a number where there is one of that name; default: the script's file
    config: any mapping, dataclass or argparse.Namespace; mappings in it are sections
    total_steps: how many steps there are to be, for progress and time left
    live: which of config can be changed from the console while the script trains; `run.value(name)` reads them
    group: runs of one group are drawn as one curve with a band; its seed is what `config` calls seed
    workspace: the folder of runs; default: as for the command line (SEQSUM_WORKSPACE)

    Raises UserError for a name, a group or tags that can't be, and where the workspace can't be written.
    """
    for what, given in (("name", name), ("group", group)):
        if given is not None and not isinstance(given, str):
            raise UserError(f"watch: {what} is a text, got {one_line(repr(given)[:LONGEST_NAME])}")
    script = Path(sys.argv[0]).name or "python"
    stem = script if name is None else check_name(name)
    sections = sections_of(config)
    paths = [_path(sections, one) for one in ([live] if isinstance(live, str) else live)]
    tags = [tags] if isinstance(tags, str) else tags
    seeds = [values["seed"] for values in sections.values() if type(values.get("seed")) is int]
    track: dict[str, Any] = {"group": check_name(group)} if group is not None else {}
    track |= {"tags": list(check_tags(list(tags)))} if tags else {}
    if track:
        sections["track"] = {**sections.get("track", {}), **track}
    try:
        steps = 0 if total_steps is None else operator.index(total_steps)
    except TypeError:
        steps = -1
    if not 0 <= steps <= LARGEST_WHOLE:
        raise UserError(f"watch: total_steps is a whole number, 0 or more, got {one_line(repr(total_steps))}")
    watched = {"script": script, "steps": steps, "live": paths}
    place = Workspace(Path(workspace) if workspace is not None else None)

    def record(id: str, name: str) -> Record:
        return Record.of_script(id, name, script, sections, max(0, seeds[0]) if seeds else 0, watched)

    run = place.create_with(record, None, stem)
    provenance.keep_repositories(run.folder, [])
    return WatchedRun(run, sections, paths)


class WatchedRun:
    """A run that a script trains. Made by `watch`.

    run: its folder, for whoever wants to read it; should_stop: whether a person has asked it to end
    """

    def __init__(self, run: Run, sections: Mapping[str, Mapping[str, Any]], live: Sequence[str]) -> None:
        self.run = run
        self._values: dict[str, Value] = {path: _at(sections, path) for path in live}
        self._names = names_of(live)
        self._changes: dict[str, Value] = {}
        self._rows: deque[tuple[int, dict[str, Any]]] = deque()
        self._messages: deque[tuple[int, dict[str, Any]]] = deque()
        self._plain: set[str] = set()
        self._step = self._newest = 0
        self._looked: set[str] = set()
        self._asked: dict[int, float] = {}
        self._should_stop, self._stopped_by = False, ""
        self._pause, self._go_on = threading.Event(), threading.Event()
        self._waits = self._is_paused = False
        self._told: tuple[str, str, str] | None = None
        """What happened that the store does not hold yet: status, event, by whom."""
        with told_as(f"watch: can't write {run.folder}"):
            lock = take_lock(run.folder)
        assert lock is not None  # nobody knows of it yet
        self._lock: int | None = lock
        self._say(None)
        self._system = SystemMetrics(None)
        self._clock = TrainingClock(0.0, 0.0, self._system)
        self._clock.restart(0)
        self._points_to_write: list[tuple[str, int, float]] = []
        with run.store() as store:

            def begin() -> None:
                store.add_event(0, "started", pid=os.getpid())
                store.set_state(status="running", pid=os.getpid(), updated=time.time())

            store.write(begin)
        tell_changed(run.folder)
        _OPEN.add(self)
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._keep, name="seqsum", daemon=True)
        self._thread.start()

    # What the script calls

    def log(self, step: SupportsIndex, /, **metrics: SupportsFloat) -> None:
        """Log metrics of a step; those of a step that was logged before take its place.

        Metrics whose name holds "accuracy" are shares, 0 to 1. Names that are no Python names can be given too:
        `run.log(step, **{"val/ppl": 12.3})`. Raises UserError for what is no number, no step or no name.
        """
        place = _step(step)
        for name, value in metrics.items():
            if type(value) is not float:
                metrics[name] = value = _number(name, value)
            if name not in self._plain:
                metrics[name] = self._check(name, value)
        self._newest = max(self._newest, place)
        self._rows.append((place, metrics))

    @property
    def should_stop(self) -> bool:
        """Whether a person has asked the run to end. Look at it once a step or so."""
        self._looked.add("stop")
        return self._should_stop

    def paused(self) -> float:
        """Wait while a person has the run paused; return the seconds that were waited. Call it once a step or so."""
        self._looked.add("pause")
        if not self._pause.is_set():
            return 0.0
        began = time.monotonic()
        self._waits = True
        self._go_on.wait()
        self._waits = False
        return time.monotonic() - began

    def value(self, name: str) -> Any:
        """Return a live value as it is now: that of `config`, or what a person has changed it to.

        Raises UserError for one that was not declared `live`.
        """
        self._looked.add("set")
        path = self._names.get(name)
        if path == "":
            alike = ", ".join(one for one in self._values if one.partition(".")[2] == name)
            raise UserError(f'watch: "{one_line(name)}" names several live values; say which: {alike}')
        if path is None:
            near = did_you_mean(name, self._names) or "; name it in seqsum.watch(..., live=[...])"
            raise UserError(f'watch: no live value "{one_line(name)}"{near}')
        return self._values[path]

    def message(self, text: str) -> None:
        """Tell the person who watches something: it stands among the run's events."""
        self._tell(text)

    def text(self, name: str, text: str) -> None:
        """Keep a longer text of this step, a sample for one: it stands in the log. Raises UserError for no text."""
        if not isinstance(text, str):
            raise UserError(f"watch: {one_line(name)} is no text: {one_line(repr(text)[:LONGEST_NAME])}")
        self._keep_lines(name, text.splitlines() or [""], "text")

    def histogram(self, name: str, values: Any) -> None:
        """Keep how numbers of any shape are spread: their ends, their mean, and bars between, among the events.

        Raises UserError where none is finite.
        """
        found = _array(name, values)
        self._tell(f"{name}  {spread(found)}", histogram_detail(name, found))

    def image(self, name: str, image: Any) -> None:
        """Keep a picture, [height, width] or [height, width, 3], as shades of characters in the log: what is lowest in
        it is empty, what is highest full. Raises UserError for what is no picture."""
        pixels = _array(name, image)
        if pixels.ndim not in (2, 3):
            raise UserError(f"watch: {one_line(name)} is no picture: [height, width] or [height, width, 3]")
        self._keep_lines(name, shades(pixels if pixels.ndim == 2 else pixels.mean(axis=2)), "picture")

    def save(self, step: SupportsIndex, model: Any) -> Path:
        """Save weights, an nn.Module's or a mapping of names and tensors, as safetensors in the run's folder; return
        the file. They are the script's to read again. Raises UserError for what is no step or no weights, OSError where
        they can't be written."""
        import safetensors.torch

        path = self.run.folder / WEIGHTS / f"step-{_step(step)}.safetensors"
        tensors = model.state_dict() if hasattr(model, "state_dict") else model
        try:
            # Each by itself: two names for one tensor are written twice.
            plain = {str(name): tensor.detach().cpu().contiguous().clone() for name, tensor in tensors.items()}
        except AttributeError:
            of = type(model).__name__
            raise UserError(f"watch: save takes a module or a mapping of names and tensors, got {of}") from None
        path.parent.mkdir(exist_ok=True)
        write_atomically(path, safetensors.torch.save(plain))
        self._tell(f"weights saved as {WEIGHTS}/{path.name}", {WEIGHTS: path.name})
        return path

    def _tell(self, text: str, more: Mapping[str, Any] = MappingProxyType({})) -> None:
        self._messages.append((self._newest, {"text": text, **more}))

    def _keep_lines(self, name: str, lines: Sequence[str], kind: Kind) -> None:
        head = f"{one_line(name)} (step {self._newest:,})"
        try:
            with append_to(self.run.log) as log:
                log.write("".join(f"{line}\n" for line in [head, *lines[:MOST_LINES]]).encode(errors="replace"))
        except OSError as error:
            _warn(f"run {self.run.id}: {one_line(name)} can't be written: {error.strerror or error}")
        said = f"{count(len(lines), 'line')} in the log" if len(lines) > 1 else lines[0]
        self._tell(f"{name}: {said}", text_detail(name, "\n".join(lines[:MOST_LINES]), kind))

    def close(self) -> None:
        """End the run: write what is left. Done by the context; again it does nothing."""
        if self._should_stop and "stop" in self._looked:
            self._close("stopped", f"stopped by {self._stopped_by or 'command'}")
        else:
            self._close("finished")

    def _close(self, status: str, reason: str | None = None) -> None:
        """status: "" where it has died: its log says of what"""
        if self._lock is None:
            return
        self._ending.set()
        self._go_on.set()
        self._thread.join()
        deadline = time.monotonic() + END_SECONDS
        try:
            while True:
                try:
                    self._end(status, reason)
                    break
                except (UserError, OSError, sqlite3.Error) as error:
                    if time.monotonic() > deadline or not self.run.folder.is_dir():
                        _warn(f"the end of run {self.run.id} can't be written: {error}")
                        break
                    time.sleep(WRITE_SECONDS)
        finally:
            _OPEN.discard(self)
            self._let_go()
            tell_changed(self.run.folder)

    def __enter__(self) -> WatchedRun:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None or (isinstance(error, SystemExit) and not error.code):
            self.close()
        elif issubclass(kind, KeyboardInterrupt):
            self._close("stopped", "stopped by ctrl+c")
        else:
            lines = traceback.format_exception(kind, error, trace)
            with suppress(OSError), append_to(self.run.log) as log:
                last = one_line(lines[-1].strip()) if lines else kind.__name__
                log.write(f"{''.join(lines)}{CRASHED}{last}\n".encode(errors="replace"))
            self._close("")

    # What its thread does

    def _keep(self) -> None:
        while not self._ending.wait(WRITE_SECONDS):
            try:
                with self.run.store(STORE_SECONDS) as store:
                    self._say(None)
                    while not self._ending.wait(WRITE_SECONDS):
                        self._write(store)
                        self._listen(store)
            except (UserError, OSError, sqlite3.Error) as error:
                self._say(f"can't write: {error}; it goes on by itself when it can")
            except Exception as error:
                _warn(f"run {self.run.id}: {type(error).__name__}: {error}")

    def _write(self, store: Store) -> None:
        """Write what was logged, all of it or nothing; what could not be written is kept."""
        self._clock.paused = self._waits
        self._clock.tick()
        while self._rows:
            step, metrics = self._rows.popleft()
            self._step = max(self._step, step)
            self._points_to_write += [(name, step, value) for name, value in metrics.items()]
        points, told, messages = self._points_to_write, self._told, list(self._messages)
        if points:
            beside = [*self._system.read(), ("train_seconds", self._clock.seconds)]
            points = [*points, *((name, self._step, value) for name, value in beside)]

        def whole() -> None:
            if points:
                store.append(points)
            for step, detail in messages:
                store.add_event(step, "message", **detail)
            if told is not None:
                status, event, by = told
                store.add_event(self._step, event, **({"by": by} if by else {}))
                store.set_state(status=status)
            store.set_state(
                step=self._step,
                train_seconds=self._clock.seconds,
                steps_per_second=self._clock.speed(self._step),
                updated=time.time(),
            )

        if points or messages or told is not None:
            store.write(whole)
            self._points_to_write, self._told = [], None
            for _ in messages:
                self._messages.popleft()

    def _listen(self, store: Store) -> None:
        for command in store.pending_commands():
            since = self._asked.setdefault(command.id, time.monotonic())
            answer = self._answer(command, store, time.monotonic() - since > NOTICED_SECONDS)
            if answer is not None:
                ok, message = answer
                store.finish_command(command.id, ok, message, step=self._step)

    def _answer(self, command: Command, store: Store, late: bool) -> tuple[bool, str] | None:
        """Do what a command asks; return the answer, None while there is none."""
        by = hand(command.arguments.get("by"))
        if command.verb == "stop":
            self._should_stop, self._stopped_by = True, stopper(command.arguments)
            self._go()
            # Answered at the end.
            return self._deaf("stop", "run.should_stop", late) if "stop" not in self._looked else None
        if command.verb == "pause":
            if not self._pause.is_set():
                self._go_on.clear()
                self._pause.set()
            if self._waits:
                if not self._is_paused:
                    self._is_paused, self._told = True, ("paused", "paused", by)
                    self._write(store)
                return True, f"paused at step {self._step:,}"
            answer = self._deaf("pause", "run.paused()", late)
            if answer is not None:
                self._go()
            return answer
        if command.verb == "resume":
            self._go()
            if self._is_paused:
                self._is_paused, self._told = False, ("running", "continued", by)
                self._clock.restart(self._step)
                self._write(store)
            return True, f"running from step {self._step:,}"
        if command.verb == "set":
            return self._set(str(command.arguments.get("field")), str(command.arguments.get("value")), by, store)
        if command.verb == "snapshot":
            return False, "the script saves by itself what it saves"
        return False, f'no command "{one_line(command.verb)}"'

    def _go(self) -> None:
        self._pause.clear()
        self._go_on.set()

    def _deaf(self, what: str, how: str, late: bool) -> tuple[bool, str] | None:
        """Say that the script does not look for what it is asked, once it had the time to."""
        if what in self._looked or not late:
            return None
        return False, f"the script does not look whether it is to {what}, by {how}; its process is {os.getpid()}"

    def _set(self, name: str, text: str, by: str, store: Store) -> tuple[bool, str]:
        path = self._names.get(name)
        if not path:
            return False, f'"{one_line(name)}" can\'t change while this script trains'
        old = self._values[path]
        try:
            new = typed_as(old, text, path)
        except UserError as error:
            return False, str(error)
        self._values[path] = self._changes[path] = new

        def tell() -> None:
            detail = {"field": path, "old": as_text(old), "new": as_text(new), **({"by": by} if by else {})}
            store.add_event(self._step, "set", **detail)
            store.set_state(changes=self._changes)

        store.write(tell)
        unread = "" if "set" in self._looked else "; the script has not looked at it yet, by run.value(...)"
        return True, f"{path} = {as_text(new)} from step {self._step:,}{unread}"

    def _end(self, status: str, reason: str | None) -> None:
        with self.run.store(STORE_SECONDS) as store:
            self._write(store)

            def end() -> None:
                if status:
                    store.add_event(self._step, status, **({"reason": reason} if reason else {}))
                    store.set_state(status=status, reason=reason, step=self._step, updated=time.time())
                    self.run.record_outcome(status, reason, self._step, store)
                for command in store.pending_commands():
                    well = (command.verb, status) == ("stop", "stopped")
                    store.finish_command(command.id, well, f"the run is {status or 'at its end'}", step=self._step)

            store.write(end)
            store.sync()

    def _say(self, reason: str | None) -> None:
        """Tell what the run waits for, where `held_up` looks for it."""
        text = one_line(reason or "").encode()[:LONGEST_REASON]
        with suppress(OSError):
            if self._lock is not None:
                os.pwrite(self._lock, text.ljust(LONGEST_REASON), 0)

    def _let_go(self) -> None:
        lock, self._lock = self._lock, None
        if lock is not None:
            os.close(lock)

    def forked(self) -> None:
        """In a process that was forked off: it is not the worker, must not keep the lock, and logs nothing."""
        self._let_go()
        self._rows, self._messages = deque(maxlen=0), deque(maxlen=0)

    def _check(self, name: str, value: float) -> float:
        """Return the value; raise UserError for a metric's name that can't be shown, and a share that is none."""
        if not isinstance(name, str) or not name.strip() or one_line(name) != name or len(name) > LONGEST_NAME:
            raise UserError(f"watch: a metric's name is a line of 1 to {LONGEST_NAME} characters, got {name!r:.200}")
        if "accuracy" not in name:
            self._plain.add(name)
            return value
        if -ROUNDING <= value <= 1 + ROUNDING:
            return min(max(value, 0.0), 1.0)
        if math.isfinite(value):
            raise UserError(f"watch: {name} is a share, 0 to 1, got {number(value)}; in percent, divide it by 100")
        return value


_OPEN: weakref.WeakSet[WatchedRun] = weakref.WeakSet()


def _in_child() -> None:
    for run in list(_OPEN):
        run.forked()


os.register_at_fork(after_in_child=_in_child)


@atexit.register
def _at_exit() -> None:
    """End what a script has left open: with its error, where one ended it."""
    error = getattr(sys, "last_value", None)
    for run in list(_OPEN):
        run.__exit__(None if error is None else type(error), error, getattr(error, "__traceback__", None))


def names_of(live: Iterable[str]) -> dict[str, str]:
    """Return the names by which live values are called → their paths: a path itself, what stands without a section,
    and a name without its section, where it is of one only; of several it leads to ""."""
    paths = list(live)
    found: dict[str, str] = {}
    for path in paths:
        short = path.partition(".")[2]
        found[short] = "" if short in found else path
    plain = {path.removeprefix(f"{PLAIN}."): path for path in paths if path.startswith(f"{PLAIN}.")}
    return {**found, **plain, **{path: path for path in paths}}


def typed_as(old: Value, text: str, path: str) -> Value:
    """Return what a person has typed for a value, of the kind that it had. Raises UserError."""
    text = text.strip()
    if isinstance(old, bool):
        if text.lower() not in ("true", "false", "on", "off"):
            raise UserError(f'{path}: must be true or false, got "{one_line(text)}"')
        return text.lower() in ("true", "on")
    if isinstance(old, str):
        return text
    try:
        number = float(text)
        if not math.isfinite(number):
            raise ValueError
        return int(text) if isinstance(old, int) else number
    except ValueError:
        kind = "a whole number" if isinstance(old, int) else "a number"
        raise UserError(f'{path}: must be {kind}, got "{one_line(text)}"') from None


def _step(step: SupportsIndex) -> int:
    """Return a step as a number. Raises UserError for what is none."""
    try:
        found = operator.index(step)
    except TypeError:
        raise UserError(f"watch: a step is a whole number, got {one_line(repr(step)[:LONGEST_NAME])}") from None
    if not 0 <= found <= LARGEST_WHOLE:
        raise UserError(f"watch: a step is 0 or more, and at most {LARGEST_WHOLE:,}; got {found:,}")
    return found


def _array(name: str, values: Any) -> NDArray[np.float64]:
    """Return numbers, of any shape, one finite at least. Raises UserError."""
    if hasattr(values, "detach"):
        values = values.detach().cpu()
        if values.is_floating_point():
            # NumPy has no bfloat16, and no numbers of 8 bits.
            values = values.double()
    try:
        found = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError, RuntimeError):
        raise UserError(f"watch: {one_line(name)} are no numbers: {one_line(repr(values)[:LONGEST_NAME])}") from None
    if not np.isfinite(found).any():
        raise UserError(f"watch: {one_line(name)} has no number to show")
    return found


def _number(name: str, value: Any) -> float:
    try:
        # A tensor's own way: float() warns of one with a gradient.
        return float(value.item() if hasattr(value, "item") else value)
    except (TypeError, ValueError, RuntimeError):
        raise UserError(f"watch: {one_line(name)} is no number: {one_line(repr(value)[:LONGEST_NAME])}") from None


def _path(sections: Mapping[str, Mapping[str, Any]], name: str) -> str:
    """Return the path of a value in a configuration. Raises UserError where it is not there, or is a list."""
    section, _, rest = name.partition(".")
    path = name if rest in sections.get(section, {}) else f"{PLAIN}.{name}"
    section, _, rest = path.partition(".")
    value = sections.get(section, {}).get(rest)
    if not isinstance(value, bool | int | float | str):
        known = [f"{one}.{key}".removeprefix(f"{PLAIN}.") for one, values in sections.items() for key in values]
        raise UserError(f'watch: live "{one_line(name)}" is no number or word of config{did_you_mean(name, known)}')
    return path


def _at(sections: Mapping[str, Mapping[str, Any]], path: str) -> Value:
    section, _, name = path.partition(".")
    found: Value = sections[section][name]
    return found


def _warn(text: str) -> None:
    with suppress(OSError, ValueError):
        print(f"seqsum: {one_line(text)}", file=sys.stderr)

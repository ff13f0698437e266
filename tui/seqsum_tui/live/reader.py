"""What the screens read of a run, in threads: one plain object for each reading. Nothing here knows a screen."""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from seqsum.compare.history import WIDEST, History, parts_of
from seqsum.config import LIVE_FIELDS, Config
from seqsum.errors import UserError
from seqsum.files import file_stamp
from seqsum.presets import load_preset, preset_names
from seqsum.runs import Run, checkpoint_files, rewinding
from seqsum.runs.access import read_only
from seqsum.runs.annotations import ANNOTATIONS_FILE
from seqsum.runs.database import StoreBusy
from seqsum.runs.gone import RunGone
from seqsum.runs.kept import version_of
from seqsum.runs.origin import facts_of
from seqsum.runs.record import RECORD_FILE, OwnLoop
from seqsum.runs.run import METRICS_FILE
from seqsum.runs.store import READING_SECONDS
from seqsum.runs.waiting import place_of, waits, with_places
from seqsum_tui.live.run_events import EventReader
from seqsum_tui.live.x_axis import XAxis, axis_kinds, axis_of
from seqsum_tui.shared.live_value import LiveValue, live_values_of
from seqsum_tui.shared.metric_panels import DEFAULT, Panel, all_panels, placed_panels

if TYPE_CHECKING:
    from seqsum.runs import Buckets, Event, Summary
    from seqsum.runs.record import Record
    from seqsum_tui.live.x_axis import XKind

LOG_LINES = 1000


OTHER_DATA = ("task.name", "task.file")


def against_preset(
    run: Run, changes: Mapping[str, Any] | None = None
) -> tuple[tuple[str, str, str], dict[str, tuple[str, str]]]:
    """Return the preset's (title, description, what to look for) and path → (value here, value in the preset).

    changes: what was changed while the run trained, if that is known already.

    A preset that is not known here (from a file, or gone) has empty words; differences are then against the defaults.
    What to look for is empty where the task's settings differ: it is said of another task; of another task by name, or
    of another file, nothing is said.
    """
    words = ("", "", "")
    base = Config()
    try:
        name = run.record.preset
        if name in preset_names():
            preset = load_preset(name)
            words, base = (preset.title, preset.description, preset.look_for), preset.config
        config = run.config() if changes is None else run.record.parsed_config().changed(changes, f"run {run.id}")
    except (UserError, OSError):
        return words, {}
    differences = config.differences(base)
    if any(path in OTHER_DATA for path in differences):
        words = ("", "", "")
    elif any(path.startswith("task.") for path in differences):
        words = (*words[:2], "")
    return words, differences


@dataclass(frozen=True)
class Parent:
    """The run that a run was forked from, at `step`.

    `curves` is how it went on from there, as far as its child's axis goes; `newest` the last values there.
    """

    id: str
    name: str
    step: int
    curves: dict[str, Buckets]
    newest: dict[str, float]
    axis: XAxis


@dataclass(frozen=True)
class RunView:
    """One reading of one run. `curves` holds the metrics that have points, in `buckets` buckets or more.

    Those of a fork begin with its parent's points. `newest` are the last values of the metrics. `placed` are what the
    charts show, out of `choices`, each behind the title of what was `wanted` in its place; `axis` is what they stand
    over, one of the kinds in `axes`.
    `checkpoints` are the steps saved. `settings` are its configuration as it stands, by section; `config` is None where
    this version does not understand it.
    """

    buckets: int
    summary: Summary
    record: Record
    config: Config | None
    settings: Mapping[str, Mapping[str, Any]]
    differences: dict[str, tuple[str, str]]
    wanted: tuple[str, ...]
    placed: tuple[tuple[str, Panel], ...]
    choices: tuple[Panel, ...]
    log: tuple[str, ...]
    checkpoints: tuple[int, ...]
    curves: dict[str, Buckets] = field(default_factory=dict)
    newest: dict[str, float] = field(default_factory=dict)
    axis: XAxis = field(default_factory=XAxis)
    axes: tuple[XKind, ...] = ("step",)
    events: tuple[Event, ...] = ()
    parent: Parent | None = None
    origin: dict[str, str] = field(default_factory=dict)
    """Where it comes from: what → words."""
    closed: str = ""
    """Why nothing of it can be changed, if that is so."""
    logged: bool = False
    """Whether its script logs what it likes."""

    @property
    def panels(self) -> tuple[Panel, ...]:
        """What the charts show."""
        return tuple(panel for _, panel in self.placed)

    @property
    def live_values(self) -> tuple[LiveValue, ...]:
        """What can be changed while the run trains."""
        if self.config is not None:
            return tuple(LiveValue.of_config(self.config, path) for path in LIVE_FIELDS)
        return live_values_of(self.record, self.settings)

    @property
    def just_rewound(self) -> bool:
        """Whether the last rewind can be undone: the run did not go on since."""
        last = next((event for event in reversed(self.events) if event.kind == "rewound"), None)
        return last is not None and not self.summary.live and last.step == self.summary.step


@dataclass(frozen=True)
class _Settings:
    """A run's settings, and how they differ from its preset's, while the run has this record and these changes."""

    record: Record
    changes: dict[str, Any]
    config: Config | None
    settings: Mapping[str, Mapping[str, Any]]
    problem: str
    differences: dict[str, tuple[str, str]]


@dataclass
class RunReader:
    """Reads one run when something of it changed. Belongs to one reading at a time."""

    run: Run
    buckets: int = 240
    window: tuple[float, float] | None = None
    """The steps to read finely, or None for all; the last may be infinite."""
    charts: tuple[str, ...] = DEFAULT
    """The titles of the charts, MAIN for what the task measures."""
    x: str = "step"
    """What they stand over, if the run has it."""
    lead: int = 0
    """How many steps before the stretch are read as well, coarsely: what smoothing still knows of them."""
    _stamp: object = None
    _record_stamp: object = None
    _events: EventReader = field(default_factory=EventReader)
    _settings: _Settings | None = None
    _last: RunView | None = None

    def read(self) -> RunView | None:
        """Return the run as it is now, or None when nothing changed since the last time.

        Of a run that can't be read it says what can be said; one that another program holds raises UserError once it
        was read.
        """
        if not self.run.folder.is_dir():
            # It may come back from the bin, and its files as they were.
            self._stamp = None
        RunGone.check(self.run.folder)
        if self._last is None:
            rewinding.finish(self.run)
        stamp = self._now_stamp()
        if stamp == self._stamp:
            return None
        # Only now: what is wished from here on differs from the stamp, and is read the next time.
        buckets, charts = self.buckets, self.charts
        said = file_stamp(self.run.folder / RECORD_FILE)
        if said != self._record_stamp:
            # A worker that began has written its backend and how many parameters there are.
            self.run, self._record_stamp = Run(self.run.folder), said
        try:
            view = self._view(charts, buckets)
        except UserError as error:
            if isinstance(error, RunGone) or (self._last is not None and isinstance(error, StoreBusy)):
                # What was read last stays.
                raise
            view = self._unreadable(str(error), charts, buckets)
        self._stamp, self._last = stamp, view
        return view

    def _view(self, charts: tuple[str, ...], buckets: int) -> RunView:
        first, last = self._stretch()
        with self.run.store(READING_SECONDS) as store, History(self.run) as history, self.run.reading():
            summary = self.run.judged(store, self.run.summary_from(store))
            (summary,) = with_places(self.run.folder.parent, [summary])
            settings = self._current_settings(store.state().get("changes", {}))
            if settings.problem and not summary.problems:
                summary = replace(summary, problems=(*summary.problems, settings.problem))
            known = history.metrics()
            logged = self.run.record_or_blank().watched is not None
            placed, choices = placed_panels(charts, known, logged=logged), all_panels(known)
            shown = [panel for _, panel in placed]
            names = dict.fromkeys(name for panel in shown for name in panel.names)
            there = [name for name in names if name in known]
            curves = {name: history.curve(name, first, last, buckets, self.lead, fewer=True) for name in there}
            newest = {name: point[1] for name in there if (point := history.at(name, WIDEST)) is not None}
            # The run may have gone on between the two readings: what stands in the head is what the charts show.
            summary = replace(summary, metrics={one: newest.get(one, at) for one, at in summary.metrics.items()})
            events = self._events.read(store)
            axes = axis_kinds(known, events)
            kind = next((kind for kind in axes if kind == self.x), axes[0])
            axis = axis_of(kind, history, events, (summary.step, summary.updated))
        return RunView(
            buckets=buckets,
            summary=summary,
            record=self.run.record_or_blank(),
            config=settings.config,
            settings=settings.settings,
            differences=settings.differences,
            curves=curves,
            newest=newest,
            wanted=charts,
            placed=tuple(placed),
            logged=logged,
            choices=tuple(choices),
            axis=axis,
            axes=axes,
            events=events,
            log=tuple(self.run.log_tail(LOG_LINES)),
            checkpoints=tuple(checkpoint_files.steps_saved(self.run.checkpoints)),
            origin=facts_of(self.run.folder, self.run.record_or_blank()),
            closed=read_only(self.run.folder),
            parent=self._parent(summary, [panel.alone.names[0] for panel in shown], curves, axis.kind),
        )

    def _unreadable(self, reason: str, charts: tuple[str, ...], buckets: int) -> RunView:
        settings = self._current_settings({})
        return RunView(
            buckets=buckets,
            summary=self.run.unreadable(reason),
            record=self.run.record_or_blank(),
            config=settings.config,
            settings=settings.settings,
            differences=settings.differences,
            wanted=charts,
            placed=tuple(placed_panels(charts, [])),
            choices=tuple(all_panels([])),
            log=tuple(self.run.log_tail(LOG_LINES)),
            checkpoints=tuple(checkpoint_files.steps_saved(self.run.checkpoints)),
            origin=facts_of(self.run.folder, self.run.record_or_blank()),
            closed=read_only(self.run.folder),
        )

    def _current_settings(self, changes: dict[str, Any]) -> _Settings:
        """Return the settings as they stand, parsed again only when one was changed."""
        known = self._settings
        record = self.run.record_or_blank()
        if known is None or known.record != record or known.changes != changes:
            _, differences = against_preset(self.run, changes)
            config, problem = None, ""
            try:
                config = self.run.record.parsed_config().changed(changes, f"run {self.run.id}")
            except OwnLoop:
                pass
            except UserError as error:
                problem = "" if record.problems else str(error)
            settings = self.run.settings(changes)
            self._settings = known = _Settings(record, changes, config, settings, problem, differences)
        return known

    def _stretch(self) -> tuple[int | None, int | None]:
        """Return the first and last step to read; None for all there are."""
        if self.window is None:
            return None, None
        first, last = self.window
        return int(first), int(last) + 1 if math.isfinite(last) else None

    def _parent(self, summary: Summary, names: Iterable[str], curves: dict[str, Buckets], kind: XKind) -> Parent | None:
        """Return the run that this one was forked from, and its curves as far as this run's axis goes."""
        parts = parts_of(self.run)
        if len(parts) < 2:
            return None
        run, step = parts[-2].run, parts[-1].after
        first, last = self._stretch()
        end = int(x_end(summary, last_step(summary, curves)))
        first, last = max(step, first or 0), end if last is None else min(last, end)
        try:
            with run.store(READING_SECONDS) as store, History(run) as history:
                known = history.metrics()
                names = [name for name in names if name in known]
                found = {name: history.curve(name, first, last, self.buckets, self.lead, fewer=True) for name in names}
                newest = {name: point[1] for name in names if (point := history.at(name, last)) is not None}
                axis = axis_of(kind, history, store.events())
            found = {name: curve for name, curve in found.items() if curve.x.size}
            return Parent(run.id, run.name, step, found, newest, axis)
        except (UserError, OSError, sqlite3.Error):
            # It is gone, or being deleted: its child goes on without it.
            return Parent(run.id, run.id, step, {}, {}, XAxis())

    def _now_stamp(self) -> object:
        """What tells whether anything changed: the files' times and sizes, and whether a worker lives and goes on."""
        stores = (METRICS_FILE, f"{METRICS_FILE}-wal")
        watched = [self.run.folder / name for name in (*stores, RECORD_FILE, ANNOTATIONS_FILE)] + [self.run.log]
        parent = self.run.record_or_blank().parent
        if parent:
            watched += [self.run.folder.with_name(str(parent.get("run"))) / name for name in stores]
        files = [file_stamp(path) for path in watched], version_of(self.run.folder)
        try:
            last = self._last.summary if self._last is not None else None
            alive: object = self.run.pulse(last.pid, last.launcher) if last is not None else self.run.pulse(None)
        except OSError as error:
            alive = str(error)
        place = place_of(self.run.folder) if self._last is not None and waits(self._last.summary) else None
        return files, alive, place, self.buckets, self.window, self.charts, self.x, self.lead


def last_step(summary: Summary, curves: Mapping[str, Buckets]) -> float:
    """Return the last step that a run has made or that a curve shows."""
    return max([float(summary.step), *(float(curve.x[-1]) for curve in curves.values() if curve.x.size)])


def x_end(run: Summary, last: float) -> float:
    """Return where the step axis ends of a run that is at step `last`: there, where the run has ended.

    While it trains it is the run's planned end, halved as often as the curve still fills more than half of the axis: so
    the axis moves a few times in a run, and in between a growing curve changes only the cells at its tip.
    """
    least = max(last, 1.0)
    end = float(run.steps) if run.steps and run.live else least
    while end / 2 >= least:
        end /= 2
    return end

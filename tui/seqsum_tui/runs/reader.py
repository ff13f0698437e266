"""What the list of runs reads, in a thread: its lines, and more of the one under its cursor. Knows no screen."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from seqsum.compare.spread import Member, spread
from seqsum.errors import UserError
from seqsum.machine_queue import Place, Places
from seqsum.runs import Buckets, Run, Workspace
from seqsum.runs.checkpoint_files import steps_saved
from seqsum.runs.metric_direction import direction_of
from seqsum.runs.waiting import waits
from seqsum_tui.live.reader import against_preset
from seqsum_tui.runs.listing import Arranger, Line, Listing, View
from seqsum_tui.shared.metric_panels import Panel, first_two

if TYPE_CHECKING:
    from seqsum.compare.spread import Spread
    from seqsum.runs.entry import Entry

FIRST_PART, LONGEST_PART = 0.25, 1.0
"""How many seconds runs are read before those read so far are shown: to show thousands of lines takes its time, too."""
QUICK_FROM = 100
"""From how many runs on only a share of those that ended is looked at again each time."""
MOST_MEMBERS = 32
TRAINING = ("running", "starting")
LOG_LINES = 12


@dataclass(frozen=True)
class Preview:
    """What the list shows of the line under its cursor, besides the line.

    A run's `curves`, by metric; or a group's `spreads`, each a median with its quartiles.
    """

    line: Line
    title: str = ""
    description: str = ""
    look_for: str = ""
    differences: dict[str, tuple[str, str]] = field(default_factory=dict)
    curves: dict[str, Buckets] = field(default_factory=dict)
    spreads: dict[str, Spread] = field(default_factory=dict)
    panels: tuple[Panel, Panel] = field(default_factory=lambda: first_two(()))
    log: tuple[str, ...] = ()
    saved: bool = False
    """Whether a run has a checkpoint."""


@dataclass(frozen=True, eq=False)
class Running:
    """A run that trains, and the chart that tells most of it, with its curves by metric."""

    entry: Entry
    panel: Panel
    curves: dict[str, Buckets] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class WorkspaceView:
    """One reading of a workspace.

    preview: None while it is still to be read, when the list is there.
    running: the runs that train, the newest first, as many as were asked for.
    unread: how many runs are still to be read.
    messages: what the index has to say.
    """

    listing: Listing
    preview: Preview | None
    running: tuple[Running, ...] = ()
    unread: int = 0
    messages: tuple[str, ...] = ()

    @property
    def whole(self) -> bool:
        """Whether nothing is left to be read at once."""
        return not self.unread and (self.preview is not None or not self.listing.lines)


@dataclass
class WorkspaceReader:
    """Reads the list of runs under a `view`, and more of the line that is `selected` (its key).

    closely: ids of runs to which something was done just now.
    most_running: of how many runs that train the curves are read.
    """

    workspace: Workspace
    now: Callable[[], float]
    view: View = field(default_factory=View)
    selected: str | None = None
    closely: frozenset[str] = frozenset()
    most_running: int = 0
    buckets: int = 120
    _running: tuple[Running, ...] = ()
    _arranger: Arranger = field(default_factory=Arranger)
    _preview: Preview | None = None
    _places: tuple[tuple[Place | None, ...], tuple[Entry, ...], tuple[Entry, ...]] = ((), (), ())
    _known: int = 0
    _arranged: View | None = None
    _part: float = FIRST_PART

    def read(self) -> WorkspaceView:
        """Return the list as it is now, or what could be read of it in a while; the preview only when it changed."""
        index = self.workspace.index
        closely, self.closely = self.closely, frozenset()
        # The first time, too: what the index knows is shown at once, and looked at again little by little.
        quick = not 0 < self._known <= QUICK_FROM
        self._part = min(2 * self._part, LONGEST_PART) if self.view is self._arranged else FIRST_PART
        reading = index.read(self._part, quick=quick, closely=closely)
        self._known = len(reading.entries)
        view = self.view
        entries = self._placed(reading.entries)
        listing = self._arranger.arrange(entries, view, self.now())
        # A list that is looked at in another way is shown first: one waits for it with every letter of a filter.
        preview = self._preview_of(listing) if view is self._arranged else None
        self._arranged = view
        messages = tuple(index.messages)
        index.messages.clear()
        self._running = self._read_running(reading.entries)
        return WorkspaceView(listing, preview, self._running, reading.unread, messages)

    def _placed(self, entries: tuple[Entry, ...]) -> tuple[Entry, ...]:
        """Return the entries, those of runs that wait with their places; the same object while none changes."""
        if not any(waits(entry.summary) for entry in entries):
            return entries
        places = Places()
        found = tuple(places.of(self.workspace.folder / one.summary.id) if waits(one.summary) else None
                      for one in entries)  # fmt: skip
        before, given, made = self._places
        if before != found or given is not entries:
            made = tuple(
                replace(one, summary=replace(one.summary, place=place)) if place else one
                for one, place in zip(entries, found, strict=True)
            )
            self._places = found, entries, made
        return made

    def _read_running(self, entries: Iterable[Entry]) -> tuple[Running, ...]:
        training = [entry for entry in entries if entry.summary.status in TRAINING] if self.most_running else []
        training.sort(key=lambda entry: entry.summary.created, reverse=True)
        # Read again only when the index saw a change.
        known = {id(one.entry): one for one in self._running}
        return tuple(known.get(id(entry)) or self._running_of(entry) for entry in training[: self.most_running])

    def _running_of(self, entry: Entry) -> Running:
        (loss, main), curves = self._curves(Run(self.workspace.folder / entry.summary.id))
        return Running(entry, main if main.names[0] in curves else loss.alone, curves)

    def _preview_of(self, listing: Listing) -> Preview | None:
        lines = listing.lines
        line = next((line for line in lines if line.key == self.selected), lines[0] if lines else None)
        if line is None:
            self._preview = None
        elif self._preview is None or self._preview.line is not line:
            self._preview = self._read_group(line) if line.kind == "group" else self._read_run(line)
        return self._preview

    def _read_run(self, line: Line) -> Preview:
        summary = line.summary
        run = Run(self.workspace.folder / summary.id)
        (title, description, look_for), differences = against_preset(run)
        shown, curves = self._curves(run)
        log = tuple(run.log_tail(LOG_LINES)) if summary.status in ("died", "failed") else ()
        saved = bool(steps_saved(run.checkpoints))
        return Preview(line, title, description, look_for, differences, curves, {}, shown, log, saved)

    def _read_group(self, line: Line) -> Preview:
        nothing = first_two(())
        if len(line.tasks) > 1:
            return Preview(line, panels=nothing)
        read = [
            (entry.summary, *self._curves(Run(self.workspace.folder / entry.summary.id)))
            for entry in line.entries[:MOST_MEMBERS]
        ]
        spreads = {}
        for name in dict.fromkeys(name for _, _, curves in read for name in curves):
            members = []
            for run, _, curves in read:
                curve = curves.get(name) or Buckets.empty()
                members.append(Member(curve.x, curve.mean, run.status, run.metrics.get(name)))
            spreads[name] = spread(members, direction_of(name))
        return Preview(line, spreads=spreads, panels=next((panel for _, panel, curves in read if curves), nothing))

    def _curves(self, run: Run) -> tuple[tuple[Panel, Panel], dict[str, Buckets]]:
        shown = first_two(())
        try:
            with run.store() as store:
                known = store.metrics()
                shown = first_two(known)
                names = [name for panel in shown for name in panel.names]
                return shown, {name: store.buckets(name, count=self.buckets) for name in names if name in known}
        except (UserError, OSError, sqlite3.Error):
            # A folder that vanished or a store that can't be read: the list stays, without curves.
            return shown, {}

"""The lines of the list of runs: filtered, in order, the runs of a group folded into one. Knows no screen.

Everything here is plain Python over what the index read, and runs beside the screen.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from statistics import fmean
from typing import Any, Literal

from seqsum import formatting
from seqsum.compare.reader import FIRST_CHOICES
from seqsum.compare.significance import CONVERGED
from seqsum.compare.spread import Standing, is_broken, quantile, standing_of
from seqsum.config import as_shown
from seqsum.runs import Summary
from seqsum.runs.access import owner_told
from seqsum.runs.entry import ABSENT, CURVES, Entry
from seqsum.runs.filter import LISTS, NUMBERS, TEXTS, TIMES, Filter, Names, parse
from seqsum.runs.filter_tokens import FilterError
from seqsum.runs.metric_direction import direction_of
from seqsum.runs.order import finite, high_first, sort_by, value_of
from seqsum.schema import as_text
from seqsum.users import user_name
from seqsum_tui.shared import display

GROUP = "group:"
NEWEST_FIRST = "age"
URGENT = ("running", "starting", "suspended", "paused", "queued")
SEVERAL = "…"


@dataclass(frozen=True, eq=False)
class Line:
    """One line: a run, a group of runs, or a member of a group that is unfolded.

    key: the run's id, or `group:NAME`.
    summary: of a group: its steps together, the speeds of those that train together, else their mean, the medians of
        its metrics, the most urgent of its states.
    spread: of a group's metrics; every run counts in it (see `compare.spread`).
    tasks: the tasks of its runs; of a group with several nothing is averaged.
    """

    key: str
    kind: Literal["run", "group", "member"]
    entries: tuple[Entry, ...] = field(repr=False)
    summary: Summary = field(repr=False)
    spread: Mapping[str, Standing] = field(default_factory=dict, repr=False)
    tasks: tuple[str, ...] = ()
    folded: bool = True

    @property
    def ids(self) -> list[str]:
        """The runs it stands for."""
        return [entry.summary.id for entry in self.entries]

    @property
    def statuses(self) -> Counter[str]:
        return Counter(entry.summary.status for entry in self.entries)

    @property
    def verdicts(self) -> Counter[str]:
        """How many of its runs went how; those that nothing is told of are left out."""
        return Counter(entry.summary.verdict.word for entry in self.entries if entry.summary.verdict)

    @property
    def size(self) -> str:
        """How many runs a group has, or of how many of them its numbers tell: `×5`, `1 of 5`, `3 of 5 so far`;
        `×5 mixed` for runs of different tasks."""
        if len(self.tasks) > 1:
            return f"×{len(self.entries)} mixed"
        told = [self.spread[name] for name in FIRST_CHOICES if name in self.spread]
        fewest = min(told, key=lambda standing: standing.valued, default=None)
        return (fewest.share if fewest is not None else "") or f"×{len(self.entries)}"

    @property
    def short_size(self) -> str:
        """The same in few letters: `×5`, `1/5`, `3/5`."""
        told = [self.spread[name] for name in FIRST_CHOICES if name in self.spread]
        valued = min((standing.valued for standing in told), default=len(self.entries))
        many = len(self.entries)
        return f"×{many}" if valued == many or len(self.tasks) > 1 else f"{valued}/{many}"

    @property
    def owners(self) -> list[str]:
        """Whose its runs are; with the machine, where that is another one."""
        told = (owner_told(entry.summary.owner, entry.summary.host) for entry in self.entries)
        return list(dict.fromkeys(filter(None, told)))

    @property
    def converged(self) -> int:
        """How many runs ended with an accuracy of CONVERGED or more."""
        return sum(
            (entry.summary.value("accuracy") or 0.0) >= CONVERGED
            and not entry.summary.live
            and not is_broken(entry.summary.status, entry.summary.value("accuracy"))
            for entry in self.entries
        )

    def curve(self, name: str) -> tuple[float, ...]:
        """A run's small curve; a group has none."""
        return () if self.kind == "group" else self.entries[0].curves.get(name, ())


@dataclass(frozen=True)
class View:
    """How a person looks at the list. column: what it is sorted by; opened: names of groups whose runs are shown."""

    filter: str = ""
    column: str = NEWEST_FIRST
    reverse: bool = False
    grouped: bool = True
    opened: frozenset[str] = frozenset()


@dataclass(frozen=True, eq=False)
class Listing:
    """The lines under a view.

    found: how many runs the filter finds. error: what is wrong with the filter; then the last good one holds.
    """

    view: View
    lines: tuple[Line, ...] = ()
    found: int = 0
    entries: tuple[Entry, ...] = ()
    error: FilterError | None = None
    names: Names = field(default_factory=lambda: Names(frozenset(), {}))
    descending: bool = False
    owners: bool = False
    """Whether any of the workspace's runs are somebody else's."""
    sizes: bool = False
    """Whether the column of what a run takes stands there, whatever the list is sorted by."""

    def cell(self, line: Line, column: str) -> str:
        """What stands in a column that is no usual one: a metric or a setting."""
        if column in self.names.metrics:
            return formatting.metric(column, line.summary.value(column))
        if column in TIMES:
            return formatting.duration(TIMES[column](line.summary, 0.0))
        if column in TEXTS:
            texts = {TEXTS[column](entry.summary) for entry in line.entries}
            return display.literal(texts.pop()) if len(texts) == 1 else SEVERAL
        path = self.names.path(column) or column
        values = {_setting_text(entry, path) for entry in line.entries}
        return display.literal(values.pop()) if len(values) == 1 else SEVERAL


def _setting_text(entry: Entry, path: str) -> str:
    value = entry.setting(path)
    return "–" if value is ABSENT else as_shown(path, as_text(value))


class Arranger:
    """Makes listings, and keeps what it can of the last one: a line is the same object until its runs change."""

    def __init__(self) -> None:
        self._lines: dict[str, Line] = {}
        self._names: tuple[tuple[Entry, ...], Names | None] = ((), None)
        self._filter: Filter | None = None
        self._last: Listing | None = None
        self._asked: View | None = None

    def arrange(self, entries: tuple[Entry, ...], view: View, now: float) -> Listing:
        """Return the lines of these runs under a view; the same object when nothing changed."""
        last, asked, self._asked = self._last, self._asked, view
        timed = self._filter is not None and self._filter.clock
        if last is not None and last.entries is entries and asked == view and not timed:
            return last
        names, error = self._names_of(entries), None
        try:
            self._filter = parse(view.filter, names)
        except FilterError as caught:
            error = caught
        chosen = self._filter
        found = entries if chosen is None else tuple(entry for entry in entries if chosen.matches(entry, now))
        if not _sortable(view.column, names):
            # Kept from another workspace, whose runs had such a metric or setting.
            view = replace(view, column=NEWEST_FIRST)
        key = value_of(view.column, names, now)
        descending = high_first(view.column) != view.reverse
        lines = self._ordered(found, view, key, descending, names)
        same = last is not None and last.entries is entries
        owners = last.owners if last is not None and same else _of_others(entries)
        listing = Listing(view, lines, len(found), entries, error, names, descending=descending, owners=owners)
        if last is not None and last.view == view and last.lines == lines and (last.error is None) == (error is None):
            # Only the clock moved.
            listing = replace(listing, lines=last.lines)
        self._last = listing
        return listing

    def _names_of(self, entries: tuple[Entry, ...]) -> Names:
        """A name once seen stays: only runs that are new, or changed, are looked at."""
        before, names = self._names
        if names is None:
            names = Names.of(entries)
        elif before is not entries:
            seen = set(map(id, before))
            names = names.and_of(entry for entry in entries if id(entry) not in seen)
        self._names = entries, names
        return names

    def _ordered(
        self, entries: tuple[Entry, ...], view: View, key: Callable[[Entry], Any], descending: bool, names: Names
    ) -> tuple[Line, ...]:
        before, self._lines = self._lines, {}
        groups = _groups(entries) if view.grouped else {}
        blocks: list[tuple[Any, list[Line]]] = []
        done: set[str] = set()
        for entry in entries:
            group = entry.summary.group
            members = groups.get(group) if group else None
            if members is None or group is None:
                blocks.append((key(entry), [self._run(entry, "run", before)]))
            elif group not in done:
                done.add(group)
                opened = group in view.opened
                lines = [self._group(group, members, not opened, before)]
                if opened:
                    lines += [self._run(one, "member", before) for one in sort_by(members, key, descending)]
                standing = lines[0].spread.get(lines[0].summary.named(view.column))
                if standing is not None or (len(lines[0].tasks) > 1 and view.column in names.metrics):
                    together = finite(standing.median) if standing is not None else None
                else:
                    together = _together([key(one) for one in members], view.column)
                blocks.append((together, lines))
        if view.column != NEWEST_FIRST or descending:
            blocks = sort_by(blocks, lambda block: block[0], descending)
        return tuple(line for _, lines in blocks for line in lines)

    def _run(self, entry: Entry, kind: Literal["run", "member"], before: Mapping[str, Line]) -> Line:
        line = before.get(entry.summary.id)
        if line is None or line.entries[0] is not entry or line.kind != kind:
            line = Line(entry.summary.id, kind, (entry,), entry.summary)
        self._lines[line.key] = line
        return line

    def _group(self, name: str, members: Sequence[Entry], folded: bool, before: Mapping[str, Line]) -> Line:
        key, entries = GROUP + name, tuple(members)
        line = before.get(key)
        same = line is not None and line.folded == folded and len(line.entries) == len(entries)
        if not (line and same and all(one is other for one, other in zip(line.entries, entries, strict=True))):
            tasks = tuple(dict.fromkeys(str(entry.setting("task.name")) for entry in entries))
            spread = _spread(entries) if len(tasks) == 1 else {}
            line = Line(key, "group", entries, _summary(name, entries, spread), spread, tasks, folded)
        self._lines[key] = line
        return line


def _of_others(entries: Sequence[Entry]) -> bool:
    """Whether any of the runs are somebody else's."""
    return not {entry.summary.owner for entry in entries} <= {"", user_name()}


def _sortable(column: str, names: Names) -> bool:
    listed = column.lower() in (*TEXTS, *NUMBERS, *TIMES, *LISTS)
    return listed or column in names.metrics or names.path(column) in names.present


def _groups(entries: Sequence[Entry]) -> dict[str, list[Entry]]:
    """Group → its runs, where there are two or more."""
    found: dict[str, list[Entry]] = {}
    for entry in entries:
        if entry.summary.group:
            found.setdefault(entry.summary.group, []).append(entry)
    return {name: members for name, members in found.items() if len(members) > 1}


def _together(values: Sequence[Any], column: str) -> Any:
    """By what a group is sorted: its median, its newest run's age, its first word."""
    present = [value for value in values if value is not None]
    if not present:
        return None
    if column in (NEWEST_FIRST, "status") or any(isinstance(value, str) for value in present):
        return min(present, key=lambda value: (isinstance(value, str), value))
    return quantile(sorted(present), 0.5)


def _spread(entries: Sequence[Entry]) -> dict[str, Standing]:
    runs = [entry.summary for entry in entries]
    names = dict.fromkeys(name for run in runs for name in run.metrics)
    for name in CURVES:
        # Logs of several programs have a name each for it.
        if len({run.named(name) for run in runs} & names.keys()) > 1:
            names[name] = None
    found = {name: standing_of([(run.status, run.value(name)) for run in runs], direction_of(name)) for name in names}
    return {name: standing for name, standing in found.items() if standing is not None}


def _speed(runs: Sequence[Summary]) -> float:
    """Return the steps per second of all that train, together; where none does, the mean over all time trained."""
    if any(run.live for run in runs):
        return sum(run.steps_per_second for run in runs if run.live)
    seconds = [run.train_seconds or 0.0 for run in runs]
    return fmean((run.steps_per_second for run in runs), seconds) if any(seconds) else 0.0


def _summary(name: str, entries: Sequence[Entry], spread: Mapping[str, Standing]) -> Summary:
    runs = [entry.summary for entry in entries]
    statuses = {run.status for run in runs}
    presets = dict.fromkeys(run.preset for run in runs)
    return replace(
        runs[0],
        id=GROUP + name,
        name=name,
        preset=next(iter(presets)) if len(presets) == 1 else SEVERAL,
        status=next((status for status in URGENT if status in statuses), runs[0].status),
        step=sum(run.step for run in runs),
        steps=sum(run.steps for run in runs),
        created=max(run.created for run in runs),
        updated=max(run.updated for run in runs),
        reason=None,
        train_seconds=max((run.train_seconds for run in runs if run.train_seconds is not None), default=None),
        steps_per_second=_speed(runs),
        metrics={metric: found.median for metric, found in spread.items()},
        group=name,
        tags=tuple(tag for tag in runs[0].tags if all(tag in run.tags for run in runs)),
        note="",
        size=sum(run.size or 0 for run in runs),
        verdict=None,
        starred=all(run.starred for run in runs),
    )

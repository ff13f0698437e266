"""Runs of a workspace that are read from other programs' logs: made, brought up to date, and said how they go.

A run knows its log by the path in its record, and where its reading goes on by its store's state, so that a second
opening reads only what is new. While a log grows, whoever follows it holds the run's lock: then it reads `running`.
"""

from __future__ import annotations

import hashlib
import os
import re
import sqlite3
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

from seqsum.errors import UserError
from seqsum.files import file_stamp, try_lock
from seqsum.foreign.formats import find
from seqsum.foreign.left_out import LeftOut
from seqsum.foreign.log_format import GROWING_SECONDS, LogFormat, Part, Refused, Rows, Source
from seqsum.foreign.own_export import Told, words_of
from seqsum.formatting import MOST_OF_A_SHARE, is_share
from seqsum.runs import Run, Workspace
from seqsum.runs.changes import tell_changed
from seqsum.runs.lock import take_lock
from seqsum.runs.metric_direction import points_per_unit
from seqsum.runs.record import Record
from seqsum.runs.sections import sections_of
from seqsum.runs.store import OF_LOG, Store
from seqsum.text import one_line

GONE = "its log is gone; what was read of it is kept"
QUIET = "its log does not grow any more; whether its program still runs, a log does not tell"
FOLLOWER_LOCK = ".following.lock"
POSITION = "log_position"
READING = 3
"""What was read by an earlier way of reading is read anew."""
MOST_METRICS = 500
LONGEST_NAME = 100
MOST_PROBLEMS = 20
MOST_UNREAD = 5


def logs_workspace(path: Path) -> Path:
    """Return the folder of the runs that are read from the logs below a path: among the user's own data, for notes
    and stars are kept there, too."""
    import platformdirs

    path = path.expanduser().absolute()
    stem = re.sub(r"[^A-Za-z0-9._-]+", "-", path.name).strip(".-")[:40] or "logs"
    code = hashlib.sha256(os.fsencode(path)).hexdigest()[:8]
    return platformdirs.user_data_path("seqsum") / "logs" / f"{stem}-{code}"


@dataclass(eq=False)
class _Followed:
    """A log and its run. stamp: its files' times and sizes as they were when it was read to its end; void:
    whether what was read of it is to be read anew; rested: whether that reading was of a log that did not grow any
    more; unread: a sentence for each thing that can't be read but what is left out; told: those that its events have;
    steps: of each curve the first, the last, and how often they began again.
    """

    format: LogFormat
    source: Source
    run: Run
    known: bool = False
    position: Any = None
    stamp: Any = None
    step: int = 0
    names: dict[str, str | None] = field(default_factory=dict)
    steps: dict[str, Any] = field(default_factory=dict)
    began: float | None = None
    last: float | None = None
    said: tuple[str, str | None] | None = None
    ended: tuple[str, str | None] | None = None
    status: tuple[str, str | None] | None = None
    lock: int | None = None
    void: bool = False
    rested: bool = False
    left_out: LeftOut = field(default_factory=LeftOut)
    unread: list[str] = field(default_factory=list)
    told: list[str] = field(default_factory=list)


class Follower:
    """Follows the logs below a path in a workspace. One thread uses it; `close` it at the end.

    problems: a sentence for each thing that can't be read, for whoever takes them away.
    """

    def __init__(self, path: Path, workspace: Path, now: Callable[[], float] = time.time) -> None:
        """Raises UserError where the path is not there, the workspace lies below it or can't be written."""
        self.path = path.expanduser().absolute()
        self.workspace = Workspace(workspace)
        inside = self.workspace.folder.resolve()
        if self.path.is_dir() and (inside == self.path.resolve() or self.path.resolve() in inside.parents):
            raise UserError(
                f"watch: {inside} lies in {self.path}, where nothing is written; choose another --workspace"
            )
        self.problems: list[str] = []
        self._told: set[str] = set()
        self._refused: set[Path] = set()
        self._now = now
        self._followed: dict[str, _Followed] = {}
        self._binned: set[str] = set()
        self._round: list[_Followed] = []
        self._first = ""
        self._lock: int | None = None

    def take_turn(self) -> bool:
        """Return whether no other process follows in this workspace."""
        if self._lock is None:
            try:
                self.workspace.folder.mkdir(0o700, parents=True, exist_ok=True)
                self._lock = try_lock(self.workspace.folder / FOLLOWER_LOCK)
            except OSError as error:
                raise UserError(f"watch: can't write {self.workspace.folder}: {error.strerror or error}") from None
        return self._lock is not None

    def look(self) -> int:
        """Look for logs, and make a run of each that is new, with its last values; return how many are followed."""
        found = find(self.path)
        self._tell(found.problems)
        self._tell_refused(found.refused)
        if not self._followed:
            self._known_runs({str(source.path): (format, source) for format, source in found.logs})
        new = []
        for format, source in found.logs:
            known = str(source.path)
            if known in self._followed:
                self._followed[known].source = source
            elif known not in self._binned:
                new.append((format, source))
        names = self._names([source for _, source in found.logs]) if new else {}
        made = self.workspace.create_alike(
            [(_record(format, source), names[id(source)]) for format, source in new],
            {"status": "stopped", "step": 0, "reason": None},
        )
        for (format, source), run in zip(new, made, strict=True):
            one = self._followed[str(source.path)] = _Followed(format, source, run, known=True)
            self._try(one, self._glance)
        return len(self._followed)

    def first(self, run_id: str) -> None:
        """Read this run's log before all others from now on."""
        self._first = run_id

    def work(self, seconds: float) -> bool:
        """Read what logs have grown by; return whether there are more to look at. At least one is read.

        The one that was asked for comes first, then the newest.
        """
        end = time.monotonic() + seconds
        self._round = self._round or list(self._followed.values())
        while self._round:
            one = next((one for one in self._round if one.run.id == self._first), self._round[0])
            if not self._try(one, self._read):
                self._round.remove(one)
            if time.monotonic() > end:
                break
        return bool(self._round)

    def close(self) -> None:
        """Let the locks go: what grew reads `stopped` from now on."""
        for one in self._followed.values():
            if one.lock is not None:
                self._let_go(one)
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _names(self, sources: Sequence[Source]) -> dict[int, str]:
        """Return a source → what it is called: as it says, else after where it lies; with the whole name of its file
        where another differs in its ending only."""
        places = {id(source): self._place(source, source.place or source.path) for source in sources}
        many = Counter(places[id(source)] for source in sources if not source.name)
        return {
            id(one): one.name or (places[id(one)] if many[places[id(one)]] == 1 else self._place(one, one.path))
            for one in sources
        }

    def _place(self, source: Source, path: Path) -> str:
        """Return where a log lies below what is followed, in as many parts as it has to have."""
        root = self.path if self.path.is_dir() else self.path.parent
        inner = path.relative_to(root).parts if path.is_relative_to(root) else path.parts
        return "/".join(inner if len(inner) >= source.parts else path.parts[-source.parts :])

    def _known_runs(self, found: Mapping[str, tuple[LogFormat, Source]]) -> None:
        """Take the runs that an earlier follower made. Those in the bin are not made again."""
        for run in self.workspace.runs():
            with suppress(UserError):
                id = run.record.follows
                if id in found and id not in self._followed:
                    self._followed[id] = _Followed(*found[id], run)
        for run in self.workspace.bin.runs():
            with suppress(UserError):
                self._binned.add(run.record.follows)

    # One log

    def _try(self, one: _Followed, work: Callable[[_Followed], bool]) -> bool:
        try:
            return work(one)
        except (UserError, OSError, sqlite3.Error) as error:
            if not one.run.folder.is_dir():
                # It was deleted; while its log is there it is not made again.
                self._forget(one)
                return False
            self._tell([f"{one_line(str(one.source.path))}: {getattr(error, 'strerror', None) or error}"])
            return False

    def _forget(self, one: _Followed) -> None:
        self._binned.add(str(one.source.path))
        self._followed.pop(str(one.source.path), None)
        if one.lock is not None:
            os.close(one.lock)
            one.lock = None

    def _glance(self, one: _Followed) -> bool:
        rows = one.format.glance(one.source)
        part = Part(rows, None)
        with one.run.store() as store:
            self._write(one, store, part)
        return False

    def _read(self, one: _Followed) -> bool:
        """Read some more of a log; return whether there is more."""
        # As JSON gives it back.
        stamp = [list(file_stamp(path)) for path in one.source.files]
        if not one.known:
            self._resume(one)
        if not _is_there(one.source):
            # What is left says why nothing comes.
            if self._status(one) != one.status:
                with one.run.store() as store:
                    self._write(one, store, Part({}, one.position))
            return False
        rests = self._status(one)[0] != "running"
        if stamp == one.stamp and (one.rested or not rests):
            if self._status(one) != one.status:
                with one.run.store() as store:
                    self._write(one, store, Part({}, one.position))
            return False
        part = one.format.read(one.source, one.position, rests=rests)
        part.anew, one.void = part.anew or one.void, False
        self._tell([*part.problems, *part.hints])
        with one.run.store() as store:
            one.stamp, one.rested = None if part.more else stamp, rests
            self._write(one, store, part)
        return part.more

    def _resume(self, one: _Followed) -> None:
        with one.run.store() as store:
            state = store.state()
        kept = state.get(POSITION)
        one.known = True
        if isinstance(kept, dict) and kept.get("reading") != READING:
            one.void, one.position = True, {}
        elif isinstance(kept, dict):
            one.position, one.stamp = kept.get("position"), kept.get("stamp")
            one.rested, one.told = bool(kept.get("rested")), list(kept.get("told") or ())
            one.left_out, one.unread = LeftOut.of_plain(kept.get("left_out")), list(kept.get("unread") or ())
            one.began, one.last = (kept.get(name) for name in ("began", "last"))
            said, names = kept.get("said"), kept.get("names")
            one.said = (said[0], said[1]) if isinstance(said, list) and len(said) == 2 else None
            one.names = dict(names) if isinstance(names, dict) else {}
            steps = kept.get("steps")
            one.steps = (
                {name: some for name, some in steps.items() if len(some) == 3} if isinstance(steps, dict) else {}
            )
        one.step = state["step"]

    def _write(self, one: _Followed, store: Store, part: Part) -> None:
        """Write what a reading found, all of it or nothing."""
        if part.rows or part.anew or part.ended is not None:
            one.said = part.ended
        if part.anew:
            one.left_out, one.unread, one.told = LeftOut(), [], []
        one.left_out.add(part.left_out)
        one.unread = list(dict.fromkeys([*one.unread, *part.problems]))[:MOST_UNREAD]
        own = Told.of(one.source.facts)
        one.ended = own.ended or one.said or one.format.ended(one.source)
        status, reason = self._status(one)
        first, one.position = one.position is None and part.position is not None, part.position
        if part.began is not None:
            one.began = part.began if one.began is None else min(one.began, part.began)
        if part.last is not None:
            one.last = part.last if one.last is None else max(one.last, part.last)

        told: list[str] = []

        def whole() -> None:
            if part.anew:
                store.forget_points()
                one.step, one.names, one.steps = 0, {}, {}
            if part.position is not None:
                _follow_steps(one.steps, part.rows)
            rows = self._named(one, part.rows, store)
            store.append_rows(rows)
            one.step = max([one.step, *(max(some)[0] for some in rows.values())])
            left_out = one.left_out.told(one.names)
            again = max((times for _, _, times in one.steps.values()), default=0)
            unread = {**({"left out": left_out} if left_out else {}), **{text: text for text in one.unread}}
            unread |= {"again": _begins_again(again)} if again else {}
            new = {} if part.more else {key: text for key, text in unread.items() if key not in one.told}
            seconds = one.last - one.began if one.last is not None and one.began is not None else None
            seconds = seconds if own.train_seconds is None else own.train_seconds
            speed = one.step / seconds if seconds else 0.0
            store.set_state(
                status=status,
                reason=reason,
                step=one.step,
                updated=_updated(one.source),
                train_seconds=seconds,
                steps_per_second=speed if own.steps_per_second is None else own.steps_per_second,
                begun_again=again,
                chance=own.chance,
                measure=own.measure,
                unread=[f"{OF_LOG}{text}" for text in unread.values()],
                **{
                    POSITION: {
                        "reading": READING,
                        "position": one.position,
                        "stamp": one.stamp,
                        "began": one.began,
                        "last": one.last,
                        "said": one.said,
                        "names": one.names,
                        "steps": one.steps,
                        "rested": one.rested,
                        "left_out": one.left_out.plain(),
                        "unread": one.unread,
                        "told": [*one.told, *new],
                    },
                },
            )
            if first:
                store.add_event(0, "message", text=f"read from {one_line(str(one.source.path))}")

            for text in new.values():
                store.add_event(one.step, "message", text=text)
            told.extend(new)

        alive = status == "running"
        if alive and one.lock is None:
            one.lock = take_lock(one.run.folder)
        store.write(whole)
        one.told += told
        one.status = status, reason
        if not alive and one.lock is not None:
            self._let_go(one)
        tell_changed(one.run.folder)

    def _let_go(self, one: _Followed) -> None:
        if one.lock is not None:
            os.close(one.lock)
            one.lock = None
            tell_changed(one.run.folder)

    def _status(self, one: _Followed) -> tuple[str, str | None]:
        if one.ended is not None:
            return one.ended
        if not _is_there(one.source):
            return "stopped", GONE
        if self._now() - _updated(one.source) < GROWING_SECONDS:
            return "running", None
        return "stopped", QUIET

    def _named(self, one: _Followed, rows: Rows, store: Store) -> Rows:
        """Return the rows under the names that their curves have here: cleaned, and a share of 100 is no share of 1."""
        found: Rows = {}
        for name, some in rows.items():
            shown = one.names.get(name, name)
            if name not in one.names:
                if len(one.names) >= MOST_METRICS:
                    what = f"it has more than {MOST_METRICS} curves; the others are left out"
                    one.unread = list(dict.fromkeys([*one.unread, what]))
                    self._tell([f"{one_line(str(one.source.path))}: {what}"])
                    continue
                shown = one.names[name] = _clean(name)
            if shown is None:
                continue
            if _is_share(shown) and any(MOST_OF_A_SHARE < value <= 100 * MOST_OF_A_SHARE for _, value in some):
                percent = one.names[name] = f"{shown.replace('accuracy', 'acc')} (%)"
                earlier = store.points(shown)
                store.append_rows({percent: list(zip(map(int, earlier[0]), earlier[1].tolist(), strict=True))})
                store.forget_metric(shown)
                shown = percent
            found[shown] = [*found[shown], *some] if shown in found else some
        return found

    def _tell_refused(self, refused: Sequence[Refused]) -> None:
        """Tell of what is called like a log and can't be read, each once; what is refused for one reason together."""
        by_reason: dict[str, list[Refused]] = {}
        for one in refused:
            if one.path not in self._refused and str(one.path) not in self._followed:
                self._refused.add(one.path)
                by_reason.setdefault(one.why, []).append(one)
        self._tell([some[0].told(len(some) - 1) for some in by_reason.values()])

    def _tell(self, problems: Sequence[str]) -> None:
        """Note what was not noted before."""
        for problem in problems:
            if problem not in self._told and len(self._told) < MOST_PROBLEMS:
                self._told.add(problem)
                self.problems.append(problem)


def _follow_steps(known: dict[str, Any], rows: Rows) -> None:
    """Count how often the steps of each curve go back to where they began. known: a curve → its first step, its last,
    and how often."""
    for name, some in rows.items():
        steps = [step for step, _ in some]
        if name not in known and len(known) >= MOST_METRICS:
            continue
        first, last, times = known.get(name, (steps[0], steps[0], 0))
        if steps[0] < last or steps != sorted(steps):
            times += sum(step < before and step <= first for before, step in pairwise([last, *steps]))
        known[name] = min(first, steps[0]), steps[-1], times


def _begins_again(times: int) -> str:
    often = "once" if times == 1 else f"{times:,} times"
    return (
        f"its steps begin again {often}: it may hold several runs, or count anew in each epoch; later values stand in "
        "the place of earlier ones, and no verdict is given"
    )


def _is_share(name: str) -> bool:
    """Tell whether a curve of this name is read as one from 0 to 1 by whatever shows it."""
    return is_share(name) or points_per_unit(name) == 100.0


def _clean(name: str) -> str | None:
    return one_line(name).strip()[:LONGEST_NAME] or None


def _by_section(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings, those that are called section.name in their sections: some logs tell them flat."""
    found: dict[str, Any] = {}
    for path, value in config.items():
        section, dot, name = path.partition(".")
        if isinstance(value, Mapping):
            found[path] = {**value, **found[path]} if isinstance(found.get(path), dict) else dict(value)
        elif dot and section and name and isinstance(found.setdefault(section, {}), dict):
            found[section][name] = value
        else:
            found[path] = value
    return found


def _is_there(source: Source) -> bool:
    return any(file_stamp(path) != (0, 0) for path in source.files or (source.path,))


def _updated(source: Source) -> float:
    return max((file_stamp(path)[0] / 1e9 for path in source.files), default=0.0)


def _record(format: LogFormat, source: Source) -> Callable[[str, str], Record]:
    sections: dict[str, dict[str, Any]] = {}
    with suppress(OSError):
        sections = sections_of(_by_section(format.config(source)))
    if track := _track(sections.get("track", {}), source):
        sections["track"] = track
    else:
        sections.pop("track", None)
    watched = {"script": format.name, "steps": Told.of(source.facts).steps, "live": [], "follows": str(source.path)}

    def record(id: str, name: str) -> Record:
        return Record.of_log(id, name, format.name, source.created, sections, watched)

    return record


def _track(settings: Mapping[str, Any], source: Source) -> dict[str, Any]:
    """Return the section in which group and tags stand, of the kinds that they have here: another program's settings
    may be called the same and hold anything."""
    group, tags = source.group or settings.get("group"), source.tags or words_of(settings.get("tags"))
    found = {name: value for name, value in settings.items() if name not in ("group", "tags")}
    found |= {"group": one_line(group)} if isinstance(group, str) and group else {}
    return found | ({"tags": [one_line(tag) for tag in tags]} if tags else {})

"""Ends of runs are told on whatever screen one is: reads the list of runs while no screen shows it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import TYPE_CHECKING

from seqsum import formatting
from seqsum_tui.shared import display
from seqsum_tui.shared.polling import in_thread

if TYPE_CHECKING:
    from seqsum.runs import Summary
    from seqsum_tui.shared.context import Context

WRONG = ("collapsed", "diverged")
SWEEPS = ".sweeps"
SHARE = 30
"""Reading takes at most one part in so many of the time."""


class EndingsWatch:
    """Watches until it is cancelled. What the list of runs tells by itself, while it is in front, is left to it."""

    def __init__(
        self, console: Context, list_in_front: Callable[[], bool], sweep_in_front: Callable[[], str | None]
    ) -> None:
        self._console, self._list_in_front, self._sweep_in_front = console, list_in_front, sweep_in_front
        self._before: dict[str, Summary] = {}
        self._sweeps: dict[str, str] = {}
        """Each sweep's status, by its name."""
        self.looked = False
        """Whether the sweeps were looked at once."""

    @property
    def sweeps(self) -> Collection[str]:
        """The names of the workspace's sweeps, as far as they are known."""
        return self._sweeps

    def is_of_sweep(self, run: Summary) -> bool:
        """Whether a run is a sweep's, also of one that is younger than the last look: of those no end is told, but of
        the whole."""
        if not run.group or not self._has_sweeps():
            return False
        from seqsum.sweeps.definition import names, sweep_of

        workspace = self._console.workspace
        return sweep_of(run.group, self._sweeps) is not None or sweep_of(run.group, names(workspace)) is not None

    def _has_sweeps(self) -> bool:
        return (self._console.workspace.folder / SWEEPS).is_dir()

    @property
    def known(self) -> int:
        """How many runs the last reading found."""
        return len(self._before)

    async def run(self) -> None:
        """Read, tell, and wait."""
        clock = asyncio.get_running_loop().time
        while True:
            if not self._sweeps and self._has_sweeps():
                # The first time it takes a second or so: that is no time that reading takes.
                await in_thread(_load)
            began = clock()
            await self._look_at_sweeps()
            if not self._list_in_front():
                await self._look()
            took = clock() - began
            await asyncio.sleep(max(2 * self._console.seconds, SHARE * took))

    async def _look(self) -> None:
        try:
            now = await in_thread(self._read)
        except Exception:
            # A workspace that can't be read is told where it is shown.
            return
        self._console.tell_endings(self._before, now)
        self._before = now

    async def _look_at_sweeps(self) -> None:
        try:
            told = await in_thread(self._read_sweeps)
        except Exception:
            # As above.
            return
        for title, text, bad in told:
            self._console.tell(title, text, bad=bad)

    def _read_sweeps(self) -> list[tuple[str, str, bool]]:
        """Return what is to be told of sweeps that ended since the last look."""
        # What had ended before the first look is no news; a sweep that is new since may have ended between two looks.
        unknown = "running" if self.looked else None
        self.looked = True
        if not self._has_sweeps():
            return []
        from seqsum.errors import UserError
        from seqsum.sweeps.definition import names

        told = []
        for name in names(self._console.workspace):
            before = self._sweeps.get(name, unknown)
            if before == "finished":
                continue
            try:
                now, text = self._read_sweep(name, before)
            except (UserError, OSError):
                # It is told where it is shown; the ends of the others are told all the same.
                continue
            self._sweeps[name] = now
            if text is not None:
                told.append((f"{display.status(now).sign} {name} {now}", display.literal(text), now == "died"))
        return told

    def _read_sweep(self, name: str, before: str | None) -> tuple[str, str | None]:
        """Return a sweep's status, and what is to be told where it has ended."""
        from seqsum.sweeps.definition import read, read_settings, status_of
        from seqsum.sweeps.results import best_words, results

        workspace = self._console.workspace
        sweep = read(workspace, name)
        now = status_of(workspace, sweep)
        if before not in ("running", "paused") or now not in ("finished", "died"):
            return now, None
        if now == "died":
            keys = "r goes on" if self._sweep_in_front() == name else "w, then r goes on"
            return now, f"nothing drives it any more; {keys}"
        found = results(workspace, sweep, read_settings(workspace, name).settings)
        return now, " ".join(best_words(found, sweep).splitlines()[:1])

    def _read(self) -> dict[str, Summary]:
        # The list's own index: thousands of runs are known to the console once.
        entries = self._console.workspace.index.read(quick=bool(self._before)).entries
        return {entry.summary.id: entry.summary for entry in entries}


def _load() -> None:
    import seqsum.sweeps.definition
    import seqsum.sweeps.results  # noqa: F401


def ends_to_tell(ended: Iterable[Summary], runs: Mapping[str, Summary]) -> list[tuple[str, str, bool]]:
    """Return title, text and whether it is bad news, for each run that ended. Those of a group that finished are told
    together, once the last of the group ended, and those that ended otherwise at once: 32 seeds are not 32 notices."""
    found: list[tuple[str, str, bool]] = []
    ends: list[tuple[str, str, bool]] = []
    told: set[str] = set()
    alike: dict[tuple[str, str], list[Summary]] = {}
    for run in ended:
        members = [one for one in runs.values() if one.group == run.group] if run.group else []
        if len(members) > 1 and run.status != "finished":
            alike.setdefault((str(run.group), run.status), []).append(run)
        elif len(members) < 2:
            found.append(_run_end(run))
        if len(members) > 1 and run.group not in told and not any(one.live for one in members):
            told.add(str(run.group))
            ends += _group_end(str(run.group), members)
    for (group, _), several in alike.items():
        found.append(_run_end(several[0]) if len(several) == 1 else _several_end(group, several))
    return found + ends


def _several_end(group: str, runs: list[Summary]) -> tuple[str, str, bool]:
    status = display.status(runs[0].status)
    reasons = {run.reason for run in runs if run.reason}
    text = reasons.pop() if len(reasons) == 1 else f"of {group}"
    title = f"{status.sign} {formatting.count(len(runs), 'run')} of {group} {status.word}"
    return title, text, runs[0].status in ("failed", "died")


def _run_end(run: Summary) -> tuple[str, str, bool]:
    from seqsum.runs.run import RESULTS

    status = display.status(run.status)
    text = f"at step {run.step:,}" + (f" of {display.steps(run)}" if run.steps else "")
    if run.result is not None:
        text += f", {RESULTS[run.result]} {formatting.metric(run.result, run.value(run.result))}"
    verdict = run.verdict
    # Where a run failed for a number, the verdict says the reason once more.
    if verdict and run.reason and run.reason.lower().startswith(verdict.sentence.rstrip(".").lower()):
        text += f"\n{verdict.word.capitalize()}: {display.literal(run.reason)}"
        return f"{status.sign} {run.name} {status.word}", text, run.status in ("failed", "died")
    if run.reason:
        text += f"\n{display.literal(run.reason)}"
    if verdict:
        text += f"\n{verdict.word.capitalize()}. {verdict.sentence}"
    return f"{status.sign} {run.name} {status.word}", text, run.status in ("failed", "died")


def turns_to_tell(before: Mapping[str, Summary], after: Mapping[str, Summary]) -> list[tuple[str, str]]:
    """Return title and text for each run by itself that is live and went wrong between two readings."""
    found = []
    for id, run in after.items():
        now = run.verdict
        if now is None or now.word not in WRONG or not run.live or run.group:
            continue
        earlier = before.get(id)
        if earlier is not None and (earlier.verdict is None or earlier.verdict.word != now.word):
            sign = display.VERDICTS[now.word].sign
            found.append((f"{sign} {run.name} {now.word}", now.sentence))
    return found


def _group_end(name: str, runs: list[Summary]) -> list[tuple[str, str, bool]]:
    from seqsum.compare.spread import standing_of
    from seqsum.runs.metric_direction import direction_of
    from seqsum.runs.run import RESULTS

    finished = sum(run.status == "finished" for run in runs)
    if not finished:
        return []
    status = display.status("finished")
    number = formatting.count(len(runs), "run")
    text = number if finished == len(runs) else f"{finished} of {number}"
    for metric, called in RESULTS.items():
        standing = standing_of([(run.status, run.value(metric)) for run in runs], direction_of(metric))
        if standing is not None:
            of = f" ({standing.share} with a value)" if standing.share else ""
            text += f", median {called} {formatting.metric(metric, standing.median)}{of}"
            break
    return [(f"{status.sign} {name} {status.word}", text, False)]

"""What the screen of a sweep shows, read from its files. Knows no screen."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from seqsum.errors import UserError
from seqsum.sweeps.axes import Axis, axes_of
from seqsum.sweeps.definition import Settings, Status, Sweep, read, read_settings, read_wanted, status_of
from seqsum.sweeps.results import Result, best_words, results_of, runs_ended
from seqsum.sweeps.space import short_names

if TYPE_CHECKING:
    from seqsum.runs import Workspace
    from seqsum.runs.entry import Entry

IMPORTANCE_SECONDS = 120.0


@dataclass(frozen=True, eq=False)
class SweepView:
    """A sweep as it is now: its settings best first."""

    sweep: Sweep
    status: Status
    results: tuple[Result, ...]
    reason: str = ""
    """Why it has stopped by itself."""

    @property
    def names(self) -> dict[str, str]:
        """Path → what the field is called."""
        return short_names([part.path for part in self.sweep.space])

    @property
    def done(self) -> int:
        """How many settings are no longer under way."""
        return sum(one.setting.state != "running" for one in self.results)

    @property
    def share(self) -> float:
        """How much is done, 0 to 1, by the runs that have ended."""
        ended, whole = runs_ended(self.results, self.sweep)
        return min(ended / whole, 1.0)

    @property
    def live(self) -> int:
        """How many runs train or wait."""
        return sum(one.live for one in self.results)

    @cached_property
    def best(self) -> tuple[str, ...]:
        """What is known of the best, in one or two lines; nothing before a setting is done."""
        return tuple(best_words(self.results, self.sweep).splitlines())

    @cached_property
    def axes(self) -> list[Axis]:
        """An axis for each field, and the goal's."""
        return axes_of(self.sweep, self.results)


class SweepReader:
    """Reads a sweep of a workspace."""

    def __init__(self, workspace: Workspace, name: str) -> None:
        self._workspace, self.name = workspace, name
        self._before: SweepView | None = None
        self._entries: tuple[Entry, ...] = ()
        self._read_from: tuple[object, ...] = ()

    def read(self) -> SweepView:
        """Return the sweep; the same object while nothing changes. Raises UserError when it can't be read."""
        sweep = read(self._workspace, self.name)
        try:
            settings = read_settings(self._workspace, self.name)
        except UserError:
            settings = Settings()
        # The index gives the same object while no run has changed: nothing is worked out anew then.
        entries, status = self._workspace.index.read().entries, status_of(self._workspace, sweep)
        reason = read_wanted(self._workspace, self.name).reason if status == "stopped" else ""
        before, read_from = self._before, (sweep, settings, status, reason)
        if before is not None and self._entries is entries and read_from == self._read_from:
            return before
        self._entries, self._read_from = entries, read_from
        found = results_of(entries, sweep, settings.settings, status)
        self._before = SweepView(sweep, status, tuple(found), reason)
        return self._before

    def importances(self) -> Mapping[str, float]:
        """Return path → share of each field, the largest first; nothing while there is too little to tell from.

        By the command line, in a process of its own: what works it out would stay in the console's memory. Raises
        UserError.
        """
        command = [sys.executable, "-P", "-m", "seqsum.cli", "--workspace", str(self._workspace.folder), "--json"]
        try:
            done = subprocess.run(
                [*command, "sweep", "--importance", self.name],
                stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=IMPORTANCE_SECONDS, check=False,
            )  # fmt: skip
            told = json.loads((done.stdout.strip().splitlines() or ["{}"])[-1])
            if done.returncode == 0:
                return {str(path): float(share) for path, share in told["importance"].items()}
            raise UserError(str(told.get("message") or done.stderr.strip() or "the command failed"))
        except (OSError, ValueError, KeyError, subprocess.TimeoutExpired) as error:
            raise UserError(f"sweep: what decides can't be worked out: {error}") from None

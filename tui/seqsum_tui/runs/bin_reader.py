"""What the bin shows: its runs, last deleted first, and how long ago that was. Knows no screen."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace

from seqsum import formatting
from seqsum.runs import Workspace, bin
from seqsum.runs.entry import Entry
from seqsum_tui.runs.listing import Arranger, Line, Listing, View

DELETED = "deleted"


@dataclass(frozen=True, eq=False)
class BinListing(Listing):
    """ages: how many seconds ago each run was deleted."""

    ages: Mapping[str, float] = field(default_factory=dict)

    @classmethod
    def of(cls, listing: Listing, ages: Mapping[str, float]) -> BinListing:
        """Return these lines with the time of deletion in a column of its own."""
        parts = {part.name: getattr(listing, part.name) for part in fields(listing)}
        return replace(cls(**parts), view=replace(listing.view, column=DELETED), ages=ages, sizes=True)

    def cell(self, line: Line, column: str) -> str:
        """What stands in the column."""
        age = self.ages.get(line.key)
        return super().cell(line, column) if column != DELETED or age is None else formatting.age(age)


class BinReader:
    """Reads the bin of a workspace."""

    def __init__(self, workspace: Workspace, now: Callable[[], float]) -> None:
        self._workspace, self._bin, self._now = workspace, workspace.bin, now
        self._arranger = Arranger()
        self._entries: tuple[Entry, ...] = ()

    def read(self) -> BinListing:
        """Return what lies in it now. Raises UserError when it can't be read."""
        times, now = bin.deleted_at(self._workspace.folder), self._now()
        entries = self._bin.index.read().entries
        ordered = tuple(sorted(entries, key=lambda entry: times.get(entry.summary.id, 0.0), reverse=True))
        if ordered != self._entries:
            self._entries = ordered
        listing = self._arranger.arrange(self._entries, View(grouped=False), now)
        return BinListing.of(listing, {id: max(now - when, 0.0) for id, when in times.items()})

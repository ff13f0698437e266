"""What a part of the campaign did, counted."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from campaign.faults import End


class NothingCalled(Exception):
    """No kind of trial has such a name."""


@dataclass(frozen=True)
class Failure:
    """What was found wrong, and by which fault."""

    what: str
    by: str

    @staticmethod
    def of(what: str | None, by: str) -> Failure | None:
        return None if what is None else Failure(what, by)


@dataclass
class Count:
    """Trials of one kind: how many places there were for a fault (None: no end of them), how many were tried, and what
    went wrong."""

    name: str
    places: int | None = None
    tried: int = 0
    met: int = 0
    failures: list[Failure] = field(default_factory=list)

    def add(self, end: End, failure: Failure | None) -> None:
        self.note(end.met, failure)
        if end.hung:
            self.failures.append(Failure("it hung", failure.by if failure else "that"))

    def note(self, met: bool, failure: Failure | None) -> None:
        self.tried += 1
        self.met += met
        if failure is not None:
            self.failures.append(failure)

    @property
    def passed(self) -> bool:
        """Whether nothing went wrong, and most of the faults happened: a trial without one shows nothing."""
        return not self.failures and self.met > self.tried / 2

    def row(self) -> list[str]:
        well = self.tried - len({failure.by for failure in self.failures})
        return [
            self.name,
            "" if self.places is None else f"{self.places:,}",
            f"{self.met:,}",
            f"{well:,} of {self.tried:,}",
        ]

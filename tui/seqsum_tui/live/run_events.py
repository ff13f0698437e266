"""The events of a run that trains, read again and again. A fast run saves hundreds of checkpoints: only new ones are
read."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from seqsum.runs import Event, Store


@dataclass
class EventReader:
    """Keeps what was read of one run. Belongs to one reading at a time."""

    _kept: tuple[Event, ...] = ()
    _print: tuple[int, float] = field(default=(0, 0.0))

    def read(self, store: Store) -> tuple[Event, ...]:
        """Return all events, oldest first; the same object as before when there are no others."""
        last = self._kept[-1].id if self._kept else 0
        if self._kept and store.events_print(last) != self._print:
            # The run went back, and some of them are gone.
            self._kept, last = (), 0
        new = store.events(after=last)
        if new:
            self._kept = (*self._kept, *new)
            count, times = store.events_print(self._kept[-1].id)
            # Something was taken away this moment: the next reading begins anew.
            self._print = (count, times) if count == len(self._kept) else (-1, 0.0)
        return self._kept
